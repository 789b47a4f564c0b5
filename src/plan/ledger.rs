//! What the ledger already holds for an order, as far as the plan must know it.

use crate::{clock::Instant, mail::MailKind, order::Order, sequence::Scope};

/// The rows of one order in the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// One entry per row, in any order.
    pub entries: Vec<Entry>,
}

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The step.
    pub step: String,
    /// What the mail stands for.
    pub scope: Scope,
    /// Which sending of it.
    pub revision: u32,
    /// Which mail.
    pub kind: MailKind,
    /// How far it came.
    pub state: EntryState,
    /// The parcels the mail tells about, for rows whose text is fixed.
    pub parcels: Vec<String>,
}

/// How far a row of the ledger came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryState {
    /// Planned, leased, or ended by a plan (skipped, expired, superseded): a new plan may change it.
    Open,
    /// Under way: the intent is written.
    Sending,
    /// The relay accepted it.
    Sent,
    /// It may or may not have arrived.
    Uncertain,
    /// The linter or the renderer stopped it; an operator may retry it.
    Blocked,
    /// It ended without being sent: refused for good, or withdrawn by an operator.
    Dead,
}

impl EntryState {
    /// Whether a new plan may change the row.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }

    /// Whether the buyer may have the mail.
    pub const fn may_have_arrived(self) -> bool {
        matches!(self, Self::Sending | Self::Sent | Self::Uncertain)
    }
}

impl Ledger {
    /// The row of that key.
    pub fn entry(&self, step: &str, scope: &Scope, revision: u32) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|e| e.step == step && e.scope == *scope && e.revision == revision)
    }

    /// Whether a mail of that kind may have reached the buyer, under any step or revision.
    ///
    /// The order's own facts are asked too: they survive a ledger that was lost or purged, so
    /// a review request goes once per order whatever happens to the tables.
    pub fn may_have_sent(&self, order: &Order, kind: MailKind) -> bool {
        order.mails.iter().any(|(_, mail)| mail.mail_kind == kind)
            || self
                .entries
                .iter()
                .any(|entry| entry.kind == kind && entry.state.may_have_arrived())
    }

    /// Whether and when the relay accepted a mail of that kind.
    pub fn accepted_at(order: &Order, kind: MailKind) -> Option<Instant> {
        order
            .mails
            .iter()
            .find(|(_, mail)| mail.mail_kind == kind)
            .map(|(at, _)| *at)
    }

    /// The parcels that mails of that step have told, or may have told, the buyer about.
    pub fn told_parcels<'a>(
        &'a self,
        order: &'a Order,
        step: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        let from_facts = order
            .mails
            .iter()
            .filter(move |(_, mail)| mail.step == step)
            .flat_map(|(_, mail)| mail.parcels.iter());
        let from_rows = self
            .entries
            .iter()
            .filter(move |entry| entry.step == step && !entry.state.is_open())
            .flat_map(|entry| entry.parcels.iter());
        from_facts.chain(from_rows).map(String::as_str)
    }
}
