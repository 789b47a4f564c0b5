//! The set of facts of an order: what is admitted, what counts as the same fact, in which
//! order facts are read, and which ones later facts make needless.
//!
//! Every rule here is a function of the *set* of facts, never of the order of arrival.

use std::{cmp::Ordering, collections::BTreeMap};

use chrono::TimeDelta;

use super::event::{Fact, OrderEvent};

/// The most facts an order may have. A source that sends more has lost its way.
pub const MAX_FACTS: usize = 2_000;
/// The most lines an order may have.
pub const MAX_LINES: usize = 1_000;
/// How far ahead of our clock a source's clock may run.
const MAX_SKEW: TimeDelta = TimeDelta::days(1);

/// Why an event was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The event is about another order.
    #[error("the event names order `{0}`, which is another one")]
    OtherOrder(String),
    /// It is dated more than a day after we received it, or before the year 2000.
    #[error("the event is dated {0}, which cannot be; check the source's clock and zone")]
    ImpossibleTime(crate::clock::Instant),
    /// A reference is empty or longer than 200 characters.
    #[error("`{0}` is empty or longer than 200 characters")]
    BadReference(&'static str),
    /// More lines than an order may have.
    #[error("the order has more than {MAX_LINES} lines")]
    TooManyLines,
    /// More facts than an order may have.
    #[error("the order has more than {MAX_FACTS} events")]
    TooManyFacts,
}

/// Whether an event may become a fact of the order `external_ref`.
pub(super) fn admit(external_ref: &str, event: &OrderEvent) -> Result<(), Rejected> {
    if event.order_ref != external_ref {
        return Err(Rejected::OtherOrder(event.order_ref.clone()));
    }
    let is_reference = |text: &str| !text.trim().is_empty() && text.chars().count() <= 200;
    if !is_reference(&event.source_event_id) {
        return Err(Rejected::BadReference("source_event_id"));
    }
    if event
        .parcel_ref
        .as_deref()
        .is_some_and(|r| !is_reference(r))
    {
        return Err(Rejected::BadReference("parcel_ref"));
    }
    let too_early = event.occurred_at.timestamp() < 946_684_800;
    let too_late = event
        .received_at
        .is_some_and(|received| event.occurred_at > received + MAX_SKEW);
    if too_early || too_late {
        return Err(Rejected::ImpossibleTime(event.occurred_at));
    }
    if let Fact::OrderAccepted(details) | Fact::OrderSnapshot(details) = &event.fact
        && details.lines.len() > MAX_LINES
    {
        return Err(Rejected::TooManyLines);
    }
    Ok(())
}

impl OrderEvent {
    /// The key under which the same fact, told by two sources or twice, is one fact.
    pub fn meaning_key(&self) -> String {
        let at = self.occurred_at.timestamp_millis().to_string();
        let named = |reference: &Option<String>| reference.clone().unwrap_or_else(|| at.clone());
        let occurrence = match &self.fact {
            // Corrected details of the same order are news, even when they carry the same date.
            Fact::OrderAccepted(_) | Fact::OrderSnapshot(_) => {
                format!("{at}/{}/{}", self.source, self.source_event_id)
            }
            Fact::RefundIssued(refund) => named(&refund.refund_ref),
            Fact::ReturnRequested(case) | Fact::ReturnCompleted(case) => {
                // A return may be opened, closed and opened again under one reference.
                format!("{}@{at}", named(&case.return_ref))
            }
            Fact::ComplaintOpened(complaint) | Fact::ComplaintClosed(complaint) => {
                format!("{}@{at}", named(&complaint.complaint_ref))
            }
            Fact::BuyerMessageReceived(message) | Fact::BuyerMessageAnswered(message) => format!(
                // With the time: two tellings of one message must not hide a third between them
                // from the compaction, whatever the order of arrival.
                "{}/{}@{at}",
                message.thread_ref.as_deref().unwrap_or_default(),
                message.message_ref.as_deref().unwrap_or_default()
            ),
            Fact::Shipped(shipment) => format!(
                "{at}/{}",
                shipment.tracking_number.as_deref().unwrap_or_default()
            ),
            Fact::ReturnedToSender(leg) => format!("{at}/{}", leg.is_final),
            Fact::MailAccepted(mail) => format!("{}/{}/{}", mail.step, mail.scope, mail.revision),
            Fact::StepResent(order) | Fact::StepSkipped(order) | Fact::StepHastened(order) => {
                format!(
                    "{}/{}/{at}",
                    order.step,
                    order.scope.as_deref().unwrap_or_default()
                )
            }
            Fact::OrderHold(hold) | Fact::OrderReleased(hold) => {
                format!("{}@{at}", hold.hold_ref.as_deref().unwrap_or_default())
            }
            _ => at,
        };
        format!(
            "{}|{}|{}|{occurrence}",
            self.fact.kind(),
            self.parcel_ref.as_deref().unwrap_or_default(),
            self.line_refs.join(",")
        )
    }
}

/// The facts in canonical order, each meaning once, without those a later fact makes needless.
///
/// Canonical order is by time, then by the place of the kind in an order's life, then by the time
/// of receipt, then by key.
pub(super) fn canonical(mut facts: Vec<OrderEvent>) -> Vec<OrderEvent> {
    let mut keyed: Vec<(String, OrderEvent)> = facts
        .drain(..)
        .map(|event| (event.meaning_key(), event))
        .collect();
    keyed.sort_by(|(left_key, left), (right_key, right)| {
        left.occurred_at
            .cmp(&right.occurred_at)
            .then_with(|| life_rank(&left.fact).cmp(&life_rank(&right.fact)))
            // Of two tellings of the same moment the later received corrects the earlier.
            .then_with(|| left.received_at.cmp(&right.received_at))
            .then_with(|| left_key.cmp(right_key))
            .then_with(|| by_source(left, right))
    });
    // One meaning may stand at two times (a refund told by two sources): the first stays.
    let mut seen = std::collections::BTreeSet::new();
    let kept: Vec<OrderEvent> = keyed
        .into_iter()
        .filter(|(key, _)| seen.insert(key.clone()))
        .map(|(_, event)| event)
        .collect();
    compact(kept)
}

/// Between two tellings of the same fact: live beats history, then the name decides.
fn by_source(left: &OrderEvent, right: &OrderEvent) -> Ordering {
    (left.backfill, &left.source, &left.source_event_id)
        .cmp(&(right.backfill, &right.source, &right.source_event_id))
        // A source that says two things under one key: the text decides, never the arrival.
        .then_with(|| text_of(left).cmp(&text_of(right)))
}

fn text_of(event: &OrderEvent) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// Drops facts that no view depends on: scans between the first and the last of a parcel,
/// snapshots before the newest, and messages of a thread before the newest.
fn compact(facts: Vec<OrderEvent>) -> Vec<OrderEvent> {
    let mut newest: BTreeMap<String, usize> = BTreeMap::new();
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (index, event) in facts.iter().enumerate() {
        if let Some(group) = compaction_group(event) {
            first.entry(group.clone()).or_insert(index);
            newest.insert(group, index);
        }
    }
    facts
        .into_iter()
        .enumerate()
        .filter(|(index, event)| match compaction_group(event) {
            None => true,
            Some(group) => {
                newest.get(&group) == Some(index)
                    || (matches!(event.fact, Fact::InTransit(_))
                        && first.get(&group) == Some(index))
            }
        })
        .map(|(_, event)| event)
        .collect()
}

fn compaction_group(event: &OrderEvent) -> Option<String> {
    match &event.fact {
        Fact::InTransit(_) => Some(format!(
            "scan {}",
            event.parcel_ref.as_deref().unwrap_or_default()
        )),
        Fact::OrderSnapshot(_) => Some("snapshot".to_owned()),
        Fact::BuyerMessageReceived(message) => Some(format!(
            "received {}",
            message.thread_ref.as_deref().unwrap_or_default()
        )),
        Fact::BuyerMessageAnswered(message) => Some(format!(
            "answered {}",
            message.thread_ref.as_deref().unwrap_or_default()
        )),
        _ => None,
    }
}

/// The place of an event kind in an order's life: which of two at the same instant comes first.
const fn life_rank(fact: &Fact) -> u8 {
    match fact {
        Fact::OrderAccepted(_) => 0,
        Fact::OrderSnapshot(_) => 1,
        Fact::PaymentReceived(_) => 2,
        Fact::OutOfStock(_) => 3,
        Fact::Shipped(_) => 4,
        Fact::InTransit(_) => 5,
        Fact::CustomsHold(_) => 6,
        Fact::Delayed(_) => 7,
        Fact::OutForDelivery(_) => 8,
        Fact::DeliveryAttemptFailed(_) => 9,
        Fact::PickupReady(_) => 10,
        Fact::Delivered(_) => 11,
        Fact::Lost(_) => 12,
        Fact::ReturnedToSender(_) => 13,
        Fact::ParcelWithdrawn(_) => 14,
        Fact::Cancelled(_) => 15,
        Fact::ReturnRequested(_) => 16,
        Fact::ReturnCompleted(_) => 17,
        Fact::RefundIssued(_) => 18,
        Fact::ComplaintOpened(_) => 19,
        Fact::ComplaintClosed(_) => 20,
        Fact::BuyerMessageReceived(_) => 21,
        Fact::BuyerMessageAnswered(_) => 22,
        Fact::ReviewLeft(_) => 23,
        Fact::OrderHold(_) => 24,
        Fact::OrderReleased(_) => 25,
        Fact::NeedsReview(_) => 26,
        Fact::OrderActivated(_) => 27,
        Fact::MailAccepted(_) => 28,
        Fact::StepSkipped(_) => 29,
        Fact::StepResent(_) => 30,
        Fact::StepHastened(_) => 31,
    }
}
