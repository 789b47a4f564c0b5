//! What happened to an order, and what follows from it.
//!
//! An order is a set of facts; everything else is derived from them by folding the
//! facts in one canonical order ([`facts`]), so events may arrive late, twice and
//! in any order: the same set of events gives the same order. Pure: no I/O, no
//! clock. Start with [`Order::apply`], then read `fold` for what each event means.

pub mod event;
pub mod facts;
mod fold;
pub mod parcel;
pub mod problem;
pub mod stage;

pub use event::{Fact, OrderEvent, TimePrecision};
pub use facts::Rejected;
pub use parcel::{DeliveryState, Evidence, Parcel, ParcelStatus};
pub use problem::{OpenProblem, ProblemKind};
pub use stage::{Closed, Stage};

use crate::{
    clock::Instant,
    mail::{Address, AddressError, Locale, MailKind},
};
use event::{
    Cancellation, Customs, Delay, Line, MailRef, OrderDetails, Payment, Refund, StepOrder,
};
use problem::Problems;

/// An order: its facts, and the view of it they give.
///
/// The public fields are derived; only [`Order::apply`] changes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The channel, by its name in the configuration.
    pub channel: String,
    /// The order as its channel names it.
    pub external_ref: String,
    /// The facts in canonical order, without repeats.
    facts: Vec<OrderEvent>,
    /// Buyer, lines and promises, from the newest facts.
    pub details: OrderDetails,
    /// When the order was accepted; after a reopening, when it came back.
    pub accepted: Option<Stamp>,
    /// When and how the money arrived.
    pub paid: Option<(Stamp, Payment)>,
    /// The parcels, in the order they were first heard of.
    pub parcels: Vec<Parcel>,
    /// Lines that will not be sent, and since when. The whole order: [`Order::closed`].
    pub cancellations: Vec<Incident<Cancellation>>,
    /// Announced delays, oldest first.
    pub delays: Vec<Incident<Delay>>,
    /// Items found out of stock, oldest first.
    pub stock_outs: Vec<Incident<Delay>>,
    /// Parcels held by customs, oldest first.
    pub customs: Vec<Incident<Customs>>,
    /// Refunds, one per refund reference, oldest first.
    pub refunds: Vec<Incident<Refund>>,
    /// Completed returns and parcels that came back, oldest first.
    pub returned: Vec<Incident<event::ReturnCase>>,
    /// Returns, complaints, messages and stops, open and solved.
    problems: Problems,
    /// When the buyer left a review, if we know of one.
    pub review_left_at: Option<Instant>,
    /// When a complaint was first opened.
    pub complained: Option<Stamp>,
    /// Our mails the relay accepted, oldest first.
    pub mails: Vec<(Instant, MailRef)>,
    /// Steps an operator decided are not to go.
    pub skipped_steps: Vec<StepOrder>,
    /// Resends an operator asked for, with the time of the request.
    pub resends: Vec<(Instant, StepOrder)>,
    /// Steps an operator wants to go as soon as they may.
    pub hastened_steps: Vec<(Instant, StepOrder)>,
    /// How the order ended, if it did.
    pub closed: Option<(Stamp, Closed)>,
    /// Staff should look at it.
    pub needs_review: bool,
    /// When a person switched mails on for an order imported as history.
    pub activated_at: Option<Instant>,
    /// Test traffic of the source.
    pub is_test: bool,
}

/// When something happened, and how exactly that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The instant; with day precision the first instant of that local day.
    pub at: Instant,
    /// How exact `at` is.
    pub precision: TimePrecision,
    /// Whether it happened before the channel was switched on.
    pub backfill: bool,
}

/// Something that befell the order once, with a name that stays the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident<T> {
    /// Its key inside the order: the reference of the channel, else derived from its time.
    pub key: String,
    /// When.
    pub stamp: Stamp,
    /// The parcel concerned.
    pub parcel_ref: Option<String>,
    /// The lines concerned; empty means all.
    pub line_refs: Vec<String>,
    /// What is known of it.
    pub data: T,
}

/// Why an order has no address to write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// The source gave none.
    #[error("the order has no mail address")]
    Missing,
    /// The source gave one that is no address.
    #[error("the order's mail address is unusable: {0}")]
    Invalid(#[from] AddressError),
}

impl Order {
    /// An order nothing is known of yet.
    pub fn new(channel: &str, external_ref: &str) -> Self {
        fold::fold(channel, external_ref, Vec::new())
    }

    /// The order that a stored set of facts gives.
    pub fn from_facts(channel: &str, external_ref: &str, facts: Vec<OrderEvent>) -> Self {
        fold::fold(channel, external_ref, facts::canonical(facts))
    }

    /// The order after one more event.
    ///
    /// A repeat gives the same order. An event that cannot be meant for this order or
    /// cannot be true is rejected, and the order stays as it is.
    pub fn apply(&self, event: &OrderEvent) -> Result<Self, Rejected> {
        self.apply_all(std::slice::from_ref(event))
            .map_err(|(_, rejected)| rejected)
    }

    /// The order after several events; the error names the first one rejected.
    ///
    /// Folding once for a batch is what makes intake fast; the result is that of
    /// applying them one by one.
    pub fn apply_all(&self, events: &[OrderEvent]) -> Result<Self, (usize, Rejected)> {
        let mut facts = self.facts.clone();
        for (index, event) in events.iter().enumerate() {
            facts::admit(&self.external_ref, event).map_err(|rejected| (index, rejected))?;
            facts.push(event.clone());
        }
        let facts = facts::canonical(facts);
        if facts.len() > facts::MAX_FACTS {
            return Err((0, Rejected::TooManyFacts));
        }
        Ok(fold::fold(&self.channel, &self.external_ref, facts))
    }

    /// The facts in canonical order: what the store keeps.
    pub fn facts(&self) -> &[OrderEvent] {
        &self.facts
    }

    /// The stage the facts give.
    pub fn stage(&self) -> Stage {
        let has_mail = |kind| self.mails.iter().any(|(_, mail)| mail.mail_kind == kind);
        if let Some((_, closed)) = self.closed {
            Stage::Closed(closed)
        } else if has_mail(MailKind::ReviewRequest) {
            Stage::ReviewRequested
        } else if has_mail(MailKind::FollowUp) {
            Stage::FollowedUp
        } else if matches!(
            self.delivery(event::Rung::Buyer),
            DeliveryState::Delivered(_)
        ) {
            Stage::Delivered
        } else if self
            .parcels
            .iter()
            .any(|p| p.is_live() && (p.shipped.is_some() || p.status > ParcelStatus::Announced))
        {
            Stage::Shipped
        } else if self.paid.is_some() {
            Stage::Paid
        } else if self.accepted.is_some() {
            Stage::Accepted
        } else {
            Stage::Announced
        }
    }

    /// Whether the goods have arrived, by evidence of at least the rung `lowest`.
    ///
    /// Delivered means: no open line, every live parcel delivered; the clock starts at the last.
    pub fn delivery(&self, lowest: event::Rung) -> DeliveryState {
        parcel::delivery(self, lowest)
    }

    /// What stands in the way of relationship mail now, in a fixed order.
    pub fn open_problems(&self) -> Vec<OpenProblem> {
        self.problems.open(self)
    }

    /// When the last problem was solved: follow-up and review wait a while after it (T6).
    pub fn last_solved_at(&self) -> Option<Instant> {
        self.problems.last_solved_at()
    }

    /// The buyer's address, parsed.
    pub fn address(&self) -> Result<Address, NoAddress> {
        match self.details.buyer.email.as_deref().map(str::trim) {
            None | Some("") => Err(NoAddress::Missing),
            Some(text) => Ok(text.parse()?),
        }
    }

    /// The locale the buyer shopped in, if the source named a usable one.
    pub fn locale(&self) -> Option<Locale> {
        self.details.language.as_deref()?.parse().ok()
    }

    /// The line of that reference.
    pub fn line(&self, line_ref: &str) -> Option<&Line> {
        self.details
            .lines
            .iter()
            .find(|line| line.line_ref == line_ref)
    }

    /// The lines that travel and are not cancelled.
    pub fn lines_to_ship(&self) -> impl Iterator<Item = &Line> {
        self.details
            .lines
            .iter()
            .filter(|line| line.ships && !self.is_cancelled(&line.line_ref))
    }

    /// Whether that line was cancelled.
    pub fn is_cancelled(&self, line_ref: &str) -> bool {
        self.cancellations
            .iter()
            .any(|incident| incident.line_refs.iter().any(|r| r == line_ref))
    }

    /// The parcel of that reference.
    pub fn parcel(&self, parcel_ref: &str) -> Option<&Parcel> {
        self.parcels
            .iter()
            .find(|parcel| parcel.parcel_ref == parcel_ref)
    }

    /// The Message-ID of the first transactional mail that was really sent (M2).
    pub fn thread_root(&self) -> Option<&str> {
        self.mails
            .iter()
            .find(|(_, mail)| mail.mail_kind.class() == crate::mail::MailClass::Transactional)
            .map(|(_, mail)| mail.message_id.as_str())
    }
}

#[cfg(test)]
mod tests;
