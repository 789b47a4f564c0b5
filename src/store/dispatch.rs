//! Claiming what is due, and giving it back.
//!
//! A claim is a lease: it names the worker, ends by itself and carries a number, the fence, that
//! grows with each claim. Every later write of the worker names both, so that one that slept
//! through its lease changes nothing.

use serde::Serialize;

use crate::{clock::Instant, mail::MailClass, sequence::Reason};

use super::{
    MessageRow, Status, StoreError, Ts, Tx,
    bulk::encode,
    plan::Planned,
    rows::{Loaded, RawMessage, class_number},
};

statements! {
    // Asks the claim index once for each channel and class, however many rows are due.
    DUE_CHANNELS = ["SELECT c.name, k.class,
            (SELECT m.due_at FROM messages AS m
             WHERE m.status = 'planned' AND m.channel = c.name AND m.class = k.class AND m.due_at <= CAST($1 AS BIGINT)
             ORDER BY m.due_at LIMIT 1) AS oldest
        FROM channels AS c CROSS JOIN (SELECT 0 AS class UNION ALL SELECT 1) AS k
        ORDER BY k.class, c.name"];
    NEXT_DUE = ["SELECT MIN(t.due_at) FROM (SELECT
            (SELECT m.due_at FROM messages AS m
             WHERE m.status = 'planned' AND m.channel = c.name AND m.class = k.class AND m.due_at > CAST($1 AS BIGINT)
             ORDER BY m.due_at LIMIT 1) AS due_at
        FROM channels AS c CROSS JOIN (SELECT 0 AS class UNION ALL SELECT 1) AS k) AS t"];
    CLAIM = ["UPDATE messages SET status = 'leased', worker = $5, lease_until_at = $6, fence = fence + 1, updated_at = $3
        WHERE id" in_ids "(SELECT id FROM messages
            WHERE status = 'planned' AND channel = $1 AND class = $2 AND due_at <= $3
            ORDER BY due_at LIMIT $4" skip_locked ")" end_ids
        "RETURNING" columns];
    RENEW = ["UPDATE messages SET lease_until_at = $3
        FROM" rows "WHERE messages.id = CAST(j.value->>'id' AS BIGINT) AND fence = CAST(j.value->>'fence' AS BIGINT)
            AND worker = $2 AND lease_until_at IS NOT NULL
        RETURNING messages.id"];
    RELEASE = ["UPDATE messages SET status = 'planned', worker = NULL, lease_until_at = NULL, updated_at = $3,
            due_at = COALESCE($4, due_at)
        FROM" rows "WHERE messages.id = CAST(j.value->>'id' AS BIGINT) AND fence = CAST(j.value->>'fence' AS BIGINT)
            AND worker = $2 AND status = 'leased'
        RETURNING messages.id"];
    DECIDE = ["UPDATE messages SET status = j.value->>'status', is_held = CAST(j.value->>'is_held' AS BOOLEAN),
            reason = j.value->>'reason', detail = j.value->>'detail',
            window_from_at = CAST(j.value->>'window_from' AS BIGINT), window_until_at = CAST(j.value->>'window_until' AS BIGINT),
            due_at = CASE WHEN CAST(j.value->>'due_at' AS BIGINT) < retry_at THEN retry_at
                ELSE CAST(j.value->>'due_at' AS BIGINT) END,
            order_version = CAST(j.value->>'order_version' AS BIGINT), lint = COALESCE(j.value->>'lint', lint),
            template = COALESCE(j.value->>'template', template), template_hash = COALESCE(j.value->>'template_hash', template_hash),
            worker = NULL, lease_until_at = NULL, updated_at = $3
        FROM" rows "WHERE messages.id = CAST(j.value->>'id' AS BIGINT) AND fence = CAST(j.value->>'fence' AS BIGINT)
            AND worker = $2 AND status = 'leased'
        RETURNING messages.id"];
}

/// A channel and class with something due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueChannel {
    /// The channel.
    pub channel: String,
    /// The class.
    pub class: MailClass,
    /// Since when the oldest of them is due.
    pub oldest: Ts,
}

/// What to claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The class.
    pub class: MailClass,
    /// Due at or before.
    pub now: Instant,
    /// Until when the claim holds.
    pub lease_until: Instant,
    /// Who claims: unique for each running process.
    pub worker: &'a str,
    /// At most so many.
    pub limit: u32,
}

/// A claimed message, by what the claim gave: id and fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Leased {
    /// The message.
    pub id: i64,
    /// The fence of the claim.
    pub fence: i64,
}

impl From<&MessageRow> for Leased {
    fn from(row: &MessageRow) -> Self {
        Self {
            id: row.id,
            fence: row.fence,
        }
    }
}

/// What a claimed message becomes when it is not to be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Back into the plan.
    Plan(Planned),
    /// The linter or the renderer refused it.
    Blocked,
    /// It can never be delivered.
    Dead,
}

/// A decision about a claimed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Which.
    pub leased: Leased,
    /// Its order.
    pub order_id: i64,
    /// What it becomes.
    pub verdict: Verdict,
    /// Why.
    pub reason: Option<Reason>,
    /// Values of the reason; no personal data.
    pub detail: Option<String>,
    /// The earliest allowed moment.
    pub window_from: Option<Ts>,
    /// The last allowed moment.
    pub window_until: Option<Ts>,
    /// Version of the order it was decided by.
    pub order_version: i64,
    /// The template it was rendered from, where it came so far.
    pub template: Option<String>,
    /// Hash of the template's content.
    pub template_hash: Option<String>,
    /// What the linter said, as JSON.
    pub lint: Option<String>,
}

#[derive(Serialize)]
struct DecidedJson<'a> {
    id: i64,
    fence: i64,
    status: Status,
    is_held: bool,
    reason: Option<&'static str>,
    detail: Option<&'a str>,
    window_from: Option<Ts>,
    window_until: Option<Ts>,
    due_at: Option<Ts>,
    order_version: i64,
    template: Option<&'a str>,
    template_hash: Option<&'a str>,
    lint: Option<&'a str>,
}

impl Tx {
    /// The channels and classes with something due: transactional first, then by name.
    pub async fn due_channels(&mut self, now: Instant) -> Result<Vec<DueChannel>, StoreError> {
        let rows: Vec<(String, i32, Option<Ts>)> = fetch_all!(self, DUE_CHANNELS, Ts::from(now))?;
        Ok(rows
            .into_iter()
            .filter_map(|(channel, class, oldest)| {
                Some(DueChannel {
                    channel,
                    class: if class == 0 {
                        MailClass::Transactional
                    } else {
                        MailClass::Relationship
                    },
                    oldest: oldest?,
                })
            })
            .collect())
    }

    /// When the next message that is not due yet will be.
    pub async fn next_due(&mut self, now: Instant) -> Result<Option<Ts>, StoreError> {
        let rows: Vec<Option<Ts>> = fetch_column!(self, NEXT_DUE, Ts::from(now))?;
        Ok(rows.into_iter().flatten().next())
    }

    /// Claims due messages, longest due first. One statement; no two workers get the same row.
    pub async fn claim(&mut self, claim: Claim<'_>) -> Result<Loaded<MessageRow>, StoreError> {
        let rows: Vec<RawMessage> = fetch_all!(
            self,
            CLAIM,
            claim.channel,
            class_number(claim.class),
            Ts::from(claim.now),
            i64::from(claim.limit),
            claim.worker,
            Ts::from(claim.lease_until),
        )?;
        let mut loaded: Loaded<MessageRow> = Loaded::read(rows);
        loaded.rows.sort_by_key(|row| (row.due_at, row.id));
        Ok(loaded)
    }

    /// Prolongs leases, also of messages being sent; gives back the ids still held.
    pub async fn renew(
        &mut self,
        worker: &str,
        leased: &[Leased],
        lease_until: Instant,
    ) -> Result<Vec<i64>, StoreError> {
        let json = encode_leased(leased)?;
        fetch_column!(self, RENEW, &json, worker, Ts::from(lease_until))
    }

    /// Gives claimed messages back unsent, due again at `due_at` or as before; gives back the ids
    /// that were still held. For a stop, or a paused channel.
    pub async fn release(
        &mut self,
        worker: &str,
        leased: &[Leased],
        due_at: Option<Instant>,
        now: Instant,
    ) -> Result<Vec<i64>, StoreError> {
        let json = encode_leased(leased)?;
        fetch_column!(
            self,
            RELEASE,
            &json,
            worker,
            Ts::from(now),
            due_at.map(Ts::from)
        )
    }

    /// Stores what claimed messages became when they were planned again and are not to go now;
    /// gives back the ids that were still held.
    pub async fn decide(
        &mut self,
        worker: &str,
        decided: &[Decided],
        now: Instant,
    ) -> Result<Vec<i64>, StoreError> {
        let mut rows: Vec<DecidedJson<'_>> = decided
            .iter()
            .map(|row| {
                let (status, is_held, due_at) = match row.verdict {
                    Verdict::Plan(planned) => planned.columns(),
                    Verdict::Blocked => (Status::Blocked, false, None),
                    Verdict::Dead => (Status::Dead, false, None),
                };
                DecidedJson {
                    id: row.leased.id,
                    fence: row.leased.fence,
                    status,
                    is_held,
                    reason: row.reason.map(Reason::code),
                    detail: row.detail.as_deref(),
                    window_from: row.window_from,
                    window_until: row.window_until,
                    due_at,
                    order_version: row.order_version,
                    template: row.template.as_deref(),
                    template_hash: row.template_hash.as_deref(),
                    lint: row.lint.as_deref(),
                }
            })
            .collect();
        rows.sort_by_key(|row| row.id);
        let json = encode(&rows)?;
        fetch_column!(self, DECIDE, &json, worker, Ts::from(now))
    }
}

fn encode_leased(leased: &[Leased]) -> Result<String, StoreError> {
    let mut sorted = leased.to_vec();
    sorted.sort_unstable();
    encode(&sorted)
}
