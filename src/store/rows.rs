//! Rows as callers see them, and the texts enums have in the tables.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use sqlx::FromRow;

use crate::{
    mail::{MailClass, MailKind},
    sequence::{Reason, Scope},
};

use super::{StoreError, Ts};

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Waits for its time, or to be looked at again.
    Planned,
    /// A worker has claimed it and prepares it.
    Leased,
    /// The intent is stored: from here on it may have been sent.
    Sending,
    /// The relay accepted it.
    Sent,
    /// The linter or the renderer refused it.
    Blocked,
    /// It does not go.
    Skipped,
    /// Its time passed.
    Expired,
    /// A newer mail says more.
    Superseded,
    /// Nobody knows whether it was sent.
    Uncertain,
    /// The relay refused it for good.
    Dead,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Planned,
        Self::Leased,
        Self::Sending,
        Self::Sent,
        Self::Blocked,
        Self::Skipped,
        Self::Expired,
        Self::Superseded,
        Self::Uncertain,
        Self::Dead,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Leased => "leased",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Uncertain => "uncertain",
            Self::Dead => "dead",
        }
    }

    /// Whether the plan may still change the row (`Tx::write_plan`).
    pub const fn is_open_to_plan(self) -> bool {
        matches!(
            self,
            Self::Planned | Self::Skipped | Self::Expired | Self::Superseded
        )
    }
}

/// A text that is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no status of a message")]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == name)
            .ok_or_else(|| UnknownStatus(name.to_owned()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a suppression or a stop switch covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    /// Follow-up and review request.
    Relationship,
    /// Every mail.
    All,
}

impl Covers {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relationship => "relationship",
            Self::All => "all",
        }
    }

    /// Whether mails of that class are covered.
    pub const fn covers(self, class: MailClass) -> bool {
        matches!(
            (self, class),
            (Self::All, _) | (Self::Relationship, MailClass::Relationship)
        )
    }

    /// Reads the stable name.
    pub(super) fn read(name: &str) -> Option<Self> {
        [Self::Relationship, Self::All]
            .into_iter()
            .find(|covers| covers.as_str() == name)
    }
}

/// The number of a class in the tables: transactional sorts first.
pub(super) const fn class_number(class: MailClass) -> i64 {
    match class {
        MailClass::Transactional => 0,
        MailClass::Relationship => 1,
    }
}

/// What was read, and which rows could not be: one bad row never hides the others.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The rows that could be read.
    pub rows: Vec<T>,
    /// One [`StoreError::Corrupt`] for each other.
    pub corrupt: Vec<StoreError>,
}

impl<T> Loaded<T> {
    /// Reads each raw row apart.
    pub(super) fn read<R>(raw: Vec<R>) -> Self
    where
        T: TryFrom<R, Error = StoreError>,
    {
        let mut loaded = Self {
            rows: Vec::with_capacity(raw.len()),
            corrupt: Vec::new(),
        };
        for row in raw {
            match T::try_from(row) {
                Ok(row) => loaded.rows.push(row),
                Err(error) => loaded.corrupt.push(error),
            }
        }
        loaded
    }
}

/// A row of the outbox, without the mail's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Ours.
    pub id: i64,
    /// The order.
    pub order_id: i64,
    /// The order's channel.
    pub channel: String,
    /// The step.
    pub step: String,
    /// What it stands for.
    pub scope: Scope,
    /// Which sending of it.
    pub revision: u32,
    /// Which mail.
    pub kind: MailKind,
    /// Where it stands.
    pub status: Status,
    /// Planned, but only to be looked at again at `due_at`.
    pub is_held: bool,
    /// Why.
    pub reason: Option<Reason>,
    /// Values of the reason.
    pub detail: Option<String>,
    /// The earliest allowed moment.
    pub window_from: Option<Ts>,
    /// The last allowed moment.
    pub window_until: Option<Ts>,
    /// When to look at it next.
    pub due_at: Option<Ts>,
    /// Not before this moment, after a failed attempt.
    pub retry_at: Option<Ts>,
    /// First planned.
    pub planned_at: Ts,
    /// Last change.
    pub updated_at: Ts,
    /// Version of the order it was decided by.
    pub order_version: i64,
    /// Keyed hash of the buyer's address when it was decided.
    pub buyer_key: Option<String>,
    /// Who leased it.
    pub worker: Option<String>,
    /// Until when.
    pub lease_until: Option<Ts>,
    /// Counts the claims; belongs to each write of the worker that holds the lease.
    pub fence: i64,
    /// Counts the intents.
    pub attempts: u32,
    /// The last intent.
    pub intent_at: Option<Ts>,
    /// The relay accepted it.
    pub sent_at: Option<Ts>,
    /// The Message-ID; set once the bytes are frozen.
    pub message_id: Option<String>,
    /// The parcels its mail tells about, once the intent was written.
    pub parcels: Vec<String>,
    /// The template it was rendered from.
    pub template: Option<String>,
    /// Hash of the template's content.
    pub template_hash: Option<String>,
    /// What the linter said, as JSON.
    pub lint: Option<String>,
}

impl MessageRow {
    /// The class of its kind.
    pub const fn class(&self) -> MailClass {
        self.kind.class()
    }

    /// Whether its bytes are fixed: every further attempt sends the same ([`Tx::load_frozen`]).
    ///
    /// [`Tx::load_frozen`]: super::Tx::load_frozen
    pub const fn is_frozen(&self) -> bool {
        self.message_id.is_some()
    }
}

/// A message as the table holds it; the part `columns` of `part!` names the same columns.
#[derive(FromRow)]
pub(super) struct RawMessage {
    id: i64,
    order_id: i64,
    channel: String,
    step: String,
    scope: String,
    revision: i64,
    kind: String,
    status: String,
    is_held: bool,
    reason: Option<String>,
    detail: Option<String>,
    window_from_at: Option<Ts>,
    window_until_at: Option<Ts>,
    due_at: Option<Ts>,
    retry_at: Option<Ts>,
    planned_at: Ts,
    updated_at: Ts,
    order_version: i64,
    buyer_key: Option<String>,
    worker: Option<String>,
    lease_until_at: Option<Ts>,
    fence: i64,
    attempts: i64,
    intent_at: Option<Ts>,
    sent_at: Option<Ts>,
    header_id: Option<String>,
    parcels: Option<String>,
    template: Option<String>,
    template_hash: Option<String>,
    lint: Option<String>,
}

impl TryFrom<RawMessage> for MessageRow {
    type Error = StoreError;

    fn try_from(raw: RawMessage) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "messages",
            column,
            id: raw.id,
        };
        Ok(Self {
            scope: raw.scope.parse().map_err(|_| corrupt("scope"))?,
            revision: u32::try_from(raw.revision).map_err(|_| corrupt("revision"))?,
            kind: raw.kind.parse().map_err(|_| corrupt("kind"))?,
            status: raw.status.parse().map_err(|_| corrupt("status"))?,
            reason: match raw.reason.as_deref() {
                Some(code) => Some(Reason::from_code(code).ok_or_else(|| corrupt("reason"))?),
                None => None,
            },
            parcels: match raw.parcels.as_deref() {
                Some(json) => serde_json::from_str(json).map_err(|_| corrupt("parcels"))?,
                None => Vec::new(),
            },
            attempts: u32::try_from(raw.attempts).map_err(|_| corrupt("attempts"))?,
            id: raw.id,
            order_id: raw.order_id,
            channel: raw.channel,
            step: raw.step,
            is_held: raw.is_held,
            detail: raw.detail,
            window_from: raw.window_from_at,
            window_until: raw.window_until_at,
            due_at: raw.due_at,
            retry_at: raw.retry_at,
            planned_at: raw.planned_at,
            updated_at: raw.updated_at,
            order_version: raw.order_version,
            buyer_key: raw.buyer_key,
            worker: raw.worker,
            lease_until: raw.lease_until_at,
            fence: raw.fence,
            intent_at: raw.intent_at,
            sent_at: raw.sent_at,
            message_id: raw.header_id,
            template: raw.template,
            template_hash: raw.template_hash,
            lint: raw.lint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_back_from_their_names() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("queued".parse::<Status>().is_err());
    }

    #[test]
    fn relationship_covers_only_relationship_mail() {
        for (covers, class, expected) in [
            (Covers::All, MailClass::Transactional, true),
            (Covers::All, MailClass::Relationship, true),
            (Covers::Relationship, MailClass::Relationship, true),
            (Covers::Relationship, MailClass::Transactional, false),
        ] {
            assert_eq!(covers.covers(class), expected, "{covers:?} {class}");
        }
    }
}
