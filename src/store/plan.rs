//! Writing what was decided about mails that are not under way.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    clock::Instant,
    mail::MailKind,
    sequence::{Reason, Scope},
};

use super::{Status, StoreError, Ts, Tx, bulk::encode, rows::class_number};

statements! {
    // Rows that have left the plan are kept out by the last WHERE, whatever the caller believes.
    WRITE_PLAN = ["INSERT INTO messages (order_id, channel, step, scope, revision, kind, class, status, is_held, reason,
            detail, window_from_at, window_until_at, due_at, planned_at, updated_at, order_version, buyer_key, fence, attempts)
        SELECT CAST(j.value->>'order_id' AS BIGINT), j.value->>'channel', j.value->>'step', j.value->>'scope',
            CAST(j.value->>'revision' AS BIGINT), j.value->>'kind', CAST(j.value->>'class' AS BIGINT), j.value->>'status',
            CAST(j.value->>'is_held' AS BOOLEAN), j.value->>'reason', j.value->>'detail',
            CAST(j.value->>'window_from' AS BIGINT), CAST(j.value->>'window_until' AS BIGINT),
            CAST(j.value->>'due_at' AS BIGINT), CAST($2 AS BIGINT), CAST($2 AS BIGINT),
            CAST(j.value->>'order_version' AS BIGINT), j.value->>'buyer_key', 0, 0
        FROM" rows "WHERE TRUE
        ON CONFLICT (order_id, step, scope, revision) DO UPDATE SET
            kind = excluded.kind, class = excluded.class, status = excluded.status, is_held = excluded.is_held,
            reason = excluded.reason, detail = excluded.detail,
            window_from_at = excluded.window_from_at, window_until_at = excluded.window_until_at,
            due_at = CASE WHEN excluded.due_at < messages.retry_at THEN messages.retry_at ELSE excluded.due_at END,
            updated_at = excluded.updated_at, order_version = excluded.order_version, buyer_key = excluded.buyer_key
        WHERE messages.status IN ('planned', 'skipped', 'expired', 'superseded')"];
}

/// What the plan may make of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planned {
    /// It goes at that time.
    At(Ts),
    /// Something stands in its way, or what it counts from has not happened: it is looked at
    /// again at that time, or when the order changes.
    Held(Option<Ts>),
    /// It does not go.
    Skipped,
    /// Its time passed.
    Expired,
    /// A newer mail says more.
    Superseded,
}

impl Planned {
    /// Status, held flag and due time as stored.
    pub(super) const fn columns(self) -> (Status, bool, Option<Ts>) {
        match self {
            Self::At(due_at) => (Status::Planned, false, Some(due_at)),
            Self::Held(due_at) => (Status::Planned, true, due_at),
            Self::Skipped => (Status::Skipped, false, None),
            Self::Expired => (Status::Expired, false, None),
            Self::Superseded => (Status::Superseded, false, None),
        }
    }
}

/// One decision to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChange {
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
    /// What becomes of it.
    pub planned: Planned,
    /// Why.
    pub reason: Option<Reason>,
    /// Values of the reason; no personal data.
    pub detail: Option<String>,
    /// The earliest allowed moment.
    pub window_from: Option<Ts>,
    /// The last allowed moment.
    pub window_until: Option<Ts>,
    /// Version of the order it was decided by: the one after the save of the same transaction.
    pub order_version: i64,
    /// Keyed hash of the buyer's address.
    pub buyer_key: Option<String>,
}

#[derive(Serialize)]
struct PlanJson<'a> {
    order_id: i64,
    channel: &'a str,
    step: &'a str,
    scope: String,
    revision: u32,
    kind: MailKind,
    class: i64,
    status: Status,
    is_held: bool,
    reason: Option<&'static str>,
    detail: Option<&'a str>,
    window_from: Option<Ts>,
    window_until: Option<Ts>,
    due_at: Option<Ts>,
    order_version: i64,
    buyer_key: Option<&'a str>,
}

impl Tx {
    /// Stores decisions; gives back how many rows were made or changed.
    ///
    /// A row that is under way or has ended (`leased`, `sending`, `sent`, `blocked`, `uncertain`,
    /// `dead`) stays as it is. A retry that waits is not brought forward. Of two decisions about
    /// one message the last counts.
    pub async fn write_plan(
        &mut self,
        changes: &[PlanChange],
        now: Instant,
    ) -> Result<u64, StoreError> {
        if changes.is_empty() {
            return Ok(0);
        }
        // By key: one statement must not touch a row twice, and locks are taken in one order.
        let rows: BTreeMap<_, PlanJson<'_>> = changes
            .iter()
            .map(|change| {
                let (status, is_held, due_at) = change.planned.columns();
                let row = PlanJson {
                    order_id: change.order_id,
                    channel: &change.channel,
                    step: &change.step,
                    scope: change.scope.to_string(),
                    revision: change.revision,
                    kind: change.kind,
                    class: class_number(change.kind.class()),
                    status,
                    is_held,
                    reason: change.reason.map(Reason::code),
                    detail: change.detail.as_deref(),
                    window_from: change.window_from,
                    window_until: change.window_until,
                    due_at,
                    order_version: change.order_version,
                    buyer_key: change.buyer_key.as_deref(),
                };
                let key = (
                    change.order_id,
                    &change.step,
                    &change.scope,
                    change.revision,
                );
                (key, row)
            })
            .collect();
        let rows: Vec<&PlanJson<'_>> = rows.values().collect();
        let json = encode(&rows)?;
        execute!(self, WRITE_PLAN, &json, Ts::from(now))
    }
}
