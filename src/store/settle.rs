//! Intent and outcome: the two writes around each sending.
//!
//! [`Tx::intent`] comes before the first byte to the relay, [`Tx::settle`] after its answer. What
//! lies between and never comes back is found by [`Tx::sweep_leases`] and is in doubt
//! (email-requirements D10, D11).

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::FromRow;

use crate::{clock::Instant, sequence::Reason};

use super::{
    Status, StoreError, Ts, Tx,
    bulk::{encode, encode_ids},
    dispatch::Leased,
};

statements! {
    INTENT = ["UPDATE messages SET status = 'sending', is_held = FALSE, reason = NULL, detail = NULL, due_at = NULL,
            attempts = attempts + 1, intent_at = $3, updated_at = $3, lease_until_at = $4,
            order_version = CAST(j.value->>'order_version' AS BIGINT),
            parcels = j.value->>'parcels',
            header_id = COALESCE(header_id, j.value->>'message_id'), template = COALESCE(template, j.value->>'template'),
            template_hash = COALESCE(template_hash, j.value->>'template_hash'), lint = COALESCE(j.value->>'lint', lint)
        FROM" rows "WHERE messages.id = CAST(j.value->>'id' AS BIGINT) AND fence = CAST(j.value->>'fence' AS BIGINT)
            AND worker = $2 AND status = 'leased' AND lease_until_at > $3
            AND EXISTS (SELECT 1 FROM orders AS o WHERE o.id = messages.order_id
                AND o.version = CAST(j.value->>'order_version' AS BIGINT))
        RETURNING messages.id"];
    // The bytes of the whole batch come as one value; each row names its part.
    FREEZE = ["INSERT INTO frozen (message_id, sender, recipient, raw, frozen_at)
        SELECT CAST(j.value->>'id' AS BIGINT), j.value->>'sender', j.value->>'recipient',
            substr(" (lite "$2") (pg "CAST($2 AS BYTEA)") ", CAST(j.value->>'start' AS INTEGER), CAST(j.value->>'length' AS INTEGER)),
            CAST($3 AS BIGINT)
        FROM" rows "WHERE TRUE ON CONFLICT (message_id) DO NOTHING"];
    LOAD_FROZEN = ["SELECT f.message_id, m.header_id, f.sender, f.recipient, f.raw
        FROM frozen AS f JOIN messages AS m ON m.id = f.message_id
        WHERE f.message_id IN (SELECT CAST(j.value AS BIGINT) FROM" rows ")"];
    SETTLE = ["UPDATE messages SET status = j.value->>'status', is_held = FALSE, reason = j.value->>'reason', detail = j.value->>'detail',
            due_at = CAST(j.value->>'due_at' AS BIGINT), retry_at = CAST(j.value->>'due_at' AS BIGINT),
            sent_at = CAST(j.value->>'sent_at' AS BIGINT), lease_until_at = NULL, updated_at = $3,
            worker = CASE WHEN j.value->>'status' = 'uncertain' THEN worker END
        FROM" rows "WHERE messages.id = CAST(j.value->>'id' AS BIGINT) AND fence = CAST(j.value->>'fence' AS BIGINT)
            AND worker = $2 AND status <> 'leased' AND status <> 'sent'
        RETURNING messages.id, attempts"];
    // An answer that comes late replaces the doubt the sweep had written down.
    INSERT_ATTEMPTS = ["INSERT INTO attempts (message_id, number, started_at, finished_at, outcome, code, enhanced, reply, reason, worker)
        SELECT CAST(j.value->>'id' AS BIGINT), CAST(j.value->>'number' AS BIGINT), CAST(j.value->>'started_at' AS BIGINT),
            CAST($2 AS BIGINT), j.value->>'outcome', CAST(j.value->>'code' AS BIGINT), j.value->>'enhanced', j.value->>'reply',
            j.value->>'cause', j.value->>'worker'
        FROM" rows "WHERE TRUE ON CONFLICT (message_id, number) DO UPDATE SET finished_at = excluded.finished_at,
            outcome = excluded.outcome, code = excluded.code, enhanced = excluded.enhanced, reply = excluded.reply,
            reason = excluded.reason, worker = excluded.worker"];
}

/// A mail about to be sent for the first time.
#[derive(Clone, Copy)]
pub struct Frozen<'a> {
    /// The Message-ID with its angle brackets.
    pub message_id: &'a str,
    /// `MAIL FROM`.
    pub sender: &'a str,
    /// `RCPT TO`.
    pub recipient: &'a str,
    /// The whole mail, lines ended by CR LF.
    pub raw: &'a [u8],
    /// The template it was rendered from.
    pub template: &'a str,
    /// Hash of the template's content.
    pub template_hash: &'a str,
}

/// A claimed message that is about to be sent.
#[derive(Clone, Copy)]
pub struct IntentRow<'a> {
    /// Which.
    pub leased: Leased,
    /// The version of the order that was just checked.
    pub order_version: i64,
    /// The parcels the mail tells about.
    pub parcels: &'a [String],
    /// The mail; `None` for a message that [`is_frozen`](super::MessageRow::is_frozen). Frozen bytes never change.
    pub frozen: Option<Frozen<'a>>,
    /// What the linter said, as JSON.
    pub lint: Option<&'a str>,
}

/// The bytes fixed before the first attempt.
#[derive(Clone, PartialEq, Eq, FromRow)]
pub struct FrozenMail {
    /// The message.
    #[sqlx(rename = "message_id")]
    pub id: i64,
    /// The Message-ID with its angle brackets.
    #[sqlx(rename = "header_id")]
    pub message_id: String,
    /// `MAIL FROM`.
    pub sender: String,
    /// `RCPT TO`.
    pub recipient: String,
    /// The whole mail.
    pub raw: Vec<u8>,
}

impl std::fmt::Debug for FrozenMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrozenMail")
            .field("id", &self.id)
            .field("bytes", &self.raw.len())
            .finish_non_exhaustive()
    }
}

/// How an attempt ended (email-requirements D5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The relay took it.
    Accepted,
    /// Refused for now.
    Transient,
    /// Refused for good.
    Permanent,
    /// Nobody knows.
    Uncertain,
}

impl Outcome {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Uncertain => "uncertain",
        }
    }
}

/// What a message becomes behind an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is sent.
    Sent,
    /// It is tried again, not before that time.
    Retry(Ts),
    /// It is in doubt.
    Uncertain,
    /// It is given up.
    Dead,
    /// Its time ran out with this attempt.
    Expired,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleRow {
    /// Which.
    pub leased: Leased,
    /// When it began.
    pub started_at: Ts,
    /// How it ended.
    pub outcome: Outcome,
    /// What the message becomes.
    pub settled: Settled,
    /// Why; for the ledger.
    pub reason: Option<Reason>,
    /// Values of the reason; no personal data.
    pub detail: Option<String>,
    /// SMTP reply code.
    pub code: Option<u16>,
    /// Enhanced status code.
    pub enhanced: Option<String>,
    /// The reply, at most 500 characters, the recipient scrubbed.
    pub reply: Option<String>,
    /// What the reply was read as.
    pub cause: Option<String>,
}

#[derive(Serialize)]
struct IntentJson<'a> {
    id: i64,
    fence: i64,
    order_version: i64,
    parcels: String,
    message_id: Option<&'a str>,
    template: Option<&'a str>,
    template_hash: Option<&'a str>,
    lint: Option<&'a str>,
}

#[derive(Serialize)]
struct FreezeJson<'a> {
    id: i64,
    sender: &'a str,
    recipient: &'a str,
    /// Where its bytes begin in the batch, counted from 1.
    start: usize,
    length: usize,
}

#[derive(Serialize)]
struct SettleJson<'a> {
    id: i64,
    fence: i64,
    status: Status,
    reason: Option<&'static str>,
    detail: Option<&'a str>,
    due_at: Option<Ts>,
    sent_at: Option<Ts>,
}

/// A row of `attempts`.
#[derive(Serialize)]
pub(super) struct AttemptJson<'a> {
    pub(super) id: i64,
    pub(super) number: i64,
    pub(super) started_at: Ts,
    pub(super) outcome: Outcome,
    pub(super) code: Option<u16>,
    pub(super) enhanced: Option<&'a str>,
    pub(super) reply: Option<&'a str>,
    pub(super) cause: Option<&'a str>,
    pub(super) worker: &'a str,
}

impl Tx {
    /// Stores that these messages are about to be sent; gives back the ids that may be.
    ///
    /// One is refused when the lease has ended or was lost, or when the order has another version
    /// than the one that was checked: then it is decided again. Needs a transaction, and the
    /// transaction must be committed before the first byte goes out.
    pub async fn intent(
        &mut self,
        worker: &str,
        rows: &[IntentRow<'_>],
        now: Instant,
        lease_until: Instant,
    ) -> Result<Vec<i64>, StoreError> {
        self.must_be_transaction()?;
        let mut sorted: Vec<&IntentRow<'_>> = rows.iter().collect();
        sorted.sort_by_key(|row| row.leased);
        let intents: Vec<IntentJson<'_>> = sorted
            .iter()
            .map(|row| IntentJson {
                id: row.leased.id,
                fence: row.leased.fence,
                order_version: row.order_version,
                parcels: serde_json::Value::from(row.parcels).to_string(),
                message_id: row.frozen.map(|frozen| frozen.message_id),
                template: row.frozen.map(|frozen| frozen.template),
                template_hash: row.frozen.map(|frozen| frozen.template_hash),
                lint: row.lint,
            })
            .collect();
        let json = encode(&intents)?;
        let passed: Vec<i64> = fetch_column!(
            self,
            INTENT,
            &json,
            worker,
            Ts::from(now),
            Ts::from(lease_until)
        )?;
        let may_go: HashSet<i64> = passed.iter().copied().collect();
        let mut bytes: Vec<u8> = Vec::new();
        let mut freezes: Vec<FreezeJson<'_>> = Vec::new();
        for row in sorted.iter().filter(|row| may_go.contains(&row.leased.id)) {
            if let Some(frozen) = row.frozen {
                freezes.push(FreezeJson {
                    id: row.leased.id,
                    sender: frozen.sender,
                    recipient: frozen.recipient,
                    start: bytes.len() + 1,
                    length: frozen.raw.len(),
                });
                bytes.extend_from_slice(frozen.raw);
            }
        }
        if !freezes.is_empty() {
            let json = encode(&freezes)?;
            execute!(self, FREEZE, &json, bytes.as_slice(), Ts::from(now))?;
        }
        Ok(passed)
    }

    /// The frozen bytes of these messages, where they are still kept.
    pub async fn load_frozen(&mut self, ids: &[i64]) -> Result<Vec<FrozenMail>, StoreError> {
        let json = encode_ids(ids)?;
        fetch_all!(self, LOAD_FROZEN, &json)
    }

    /// Stores how attempts ended; gives back the ids whose write counted.
    ///
    /// The others were claimed by somebody else or decided by an operator meanwhile. An answer
    /// that comes after the sweep called its message uncertain still counts, as long as nobody has
    /// claimed it since: the truth beats the doubt. Needs a transaction.
    pub async fn settle(
        &mut self,
        worker: &str,
        rows: &[SettleRow],
        now: Instant,
    ) -> Result<Vec<i64>, StoreError> {
        self.must_be_transaction()?;
        let now = Ts::from(now);
        let mut sorted: Vec<&SettleRow> = rows.iter().collect();
        sorted.sort_by_key(|row| row.leased);
        let settles: Vec<SettleJson<'_>> = sorted
            .iter()
            .map(|row| {
                let (status, due_at, sent_at) = match row.settled {
                    Settled::Sent => (Status::Sent, None, Some(now)),
                    Settled::Retry(at) => (Status::Planned, Some(at), None),
                    Settled::Uncertain => (Status::Uncertain, None, None),
                    Settled::Dead => (Status::Dead, None, None),
                    Settled::Expired => (Status::Expired, None, None),
                };
                SettleJson {
                    id: row.leased.id,
                    fence: row.leased.fence,
                    status,
                    reason: row.reason.map(Reason::code),
                    detail: row.detail.as_deref(),
                    due_at,
                    sent_at,
                }
            })
            .collect();
        let json = encode(&settles)?;
        let settled: Vec<(i64, i64)> = fetch_all!(self, SETTLE, &json, worker, now)?;
        let numbers: HashMap<i64, i64> = settled.iter().copied().collect();
        let attempts: Vec<AttemptJson<'_>> = sorted
            .iter()
            .filter_map(|row| {
                Some(AttemptJson {
                    id: row.leased.id,
                    number: *numbers.get(&row.leased.id)?,
                    started_at: row.started_at,
                    outcome: row.outcome,
                    code: row.code,
                    enhanced: row.enhanced.as_deref(),
                    reply: row.reply.as_deref(),
                    cause: row.cause.as_deref(),
                    worker,
                })
            })
            .collect();
        self.insert_attempts(&attempts, now).await?;
        Ok(settled.into_iter().map(|(id, _)| id).collect())
    }

    /// Writes attempts down; a later word about one replaces the earlier.
    pub(super) async fn insert_attempts(
        &mut self,
        attempts: &[AttemptJson<'_>],
        now: Ts,
    ) -> Result<(), StoreError> {
        if attempts.is_empty() {
            return Ok(());
        }
        let json = encode(attempts)?;
        execute!(self, INSERT_ATTEMPTS, &json, now).map(drop)
    }
}
