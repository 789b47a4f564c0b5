//! What workers left behind, and what people decide about it.
//!
//! Nothing here is tried again by itself: whether an uncertain mail goes once more is for the
//! caller to say (email-requirements D10).

use crate::{clock::Instant, sequence::Reason};

use super::{
    MessageRow, Status, StoreError, Ts, Tx,
    bulk::encode_ids,
    rows::{Loaded, RawMessage},
    settle::{AttemptJson, Outcome},
};

statements! {
    SWEEP_LEASED = ["UPDATE messages SET status = 'planned', worker = NULL, lease_until_at = NULL, updated_at = $1
        WHERE id" in_ids "(SELECT id FROM messages WHERE lease_until_at <= $1 AND status = 'leased'" skip_locked ")" end_ids
        "RETURNING messages.id"];
    SWEEP_SENDING = ["UPDATE messages SET status = 'uncertain', reason = 'in_doubt', detail = NULL, lease_until_at = NULL, updated_at = $1
        WHERE id" in_ids "(SELECT id FROM messages WHERE lease_until_at <= $1 AND status = 'sending'" skip_locked ")" end_ids
        "RETURNING" columns];
    // The worker stays written down: should its answer still come before the next claim, it counts.
    REQUEUE_UNCERTAIN = ["UPDATE messages SET status = 'planned', is_held = FALSE, due_at = $2, updated_at = $3
        FROM" rows "WHERE messages.id = CAST(j.value AS BIGINT) AND status = 'uncertain'
        RETURNING messages.id"];
    RESOLVE = ["UPDATE messages SET status = $3, is_held = FALSE, reason = $4, detail = $5, due_at = $6, retry_at = NULL,
            sent_at = CASE WHEN $3 = 'sent' THEN COALESCE(sent_at, intent_at, $7) ELSE sent_at END,
            worker = NULL, updated_at = $7
        WHERE id = $1 AND status = $2"];
}

/// What a sweep found.
#[derive(Debug)]
pub struct Swept {
    /// Claimed, never begun: free again.
    pub released: Vec<i64>,
    /// Being sent when the worker vanished: `uncertain` now.
    pub uncertain: Loaded<MessageRow>,
}

/// A decision of an operator about a message that no worker holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution<'a> {
    /// The message.
    pub id: i64,
    /// Where it stood when the operator looked.
    pub from: Status,
    /// What it becomes; `Planned` needs `due_at`, the others have none.
    pub to: Status,
    /// When it is due again.
    pub due_at: Option<Ts>,
    /// Why.
    pub reason: Reason,
    /// In the operator's words; no personal data.
    pub detail: Option<&'a str>,
}

impl Tx {
    /// Frees what workers left behind when their lease ended. Needs a transaction.
    ///
    /// Unsent claims are due again. What was being sent is `uncertain`: whether it is tried again
    /// is for the caller to say, with [`Tx::requeue_uncertain`].
    pub async fn sweep_leases(&mut self, now: Instant) -> Result<Swept, StoreError> {
        self.must_be_transaction()?;
        let now = Ts::from(now);
        let released: Vec<i64> = fetch_column!(self, SWEEP_LEASED, now)?;
        let raw: Vec<RawMessage> = fetch_all!(self, SWEEP_SENDING, now)?;
        let uncertain: Loaded<MessageRow> = Loaded::read(raw);
        let attempts: Vec<AttemptJson<'_>> = uncertain
            .rows
            .iter()
            .map(|row| AttemptJson {
                id: row.id,
                number: i64::from(row.attempts),
                started_at: row.intent_at.unwrap_or(now),
                outcome: Outcome::Uncertain,
                code: None,
                enhanced: None,
                reply: None,
                cause: Some(Reason::InDoubt.code()),
                worker: row.worker.as_deref().unwrap_or_default(),
            })
            .collect();
        self.insert_attempts(&attempts, now).await?;
        Ok(Swept {
            released,
            uncertain,
        })
    }

    /// Lets uncertain messages go once more, with the same bytes; gives back those that do.
    pub async fn requeue_uncertain(
        &mut self,
        ids: &[i64],
        due_at: Instant,
        now: Instant,
    ) -> Result<Vec<i64>, StoreError> {
        let json = encode_ids(ids)?;
        fetch_column!(
            self,
            REQUEUE_UNCERTAIN,
            &json,
            Ts::from(due_at),
            Ts::from(now)
        )
    }

    /// Stores an operator's decision; `false` when the message stood elsewhere by then.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a message a worker holds, or a due time that does not fit.
    pub async fn resolve(
        &mut self,
        resolution: &Resolution<'_>,
        now: Instant,
    ) -> Result<bool, StoreError> {
        let is_held_by_worker = |status| matches!(status, Status::Leased | Status::Sending);
        if is_held_by_worker(resolution.from) || is_held_by_worker(resolution.to) {
            return Err(StoreError::Invalid(
                "a worker holds the message; wait until it is settled or its lease has ended",
            ));
        }
        if (resolution.to == Status::Planned) != resolution.due_at.is_some() {
            return Err(StoreError::Invalid(
                "a message that is planned again needs a due time, another may have none",
            ));
        }
        let changed = execute!(
            self,
            RESOLVE,
            resolution.id,
            resolution.from.as_str(),
            resolution.to.as_str(),
            resolution.reason.code(),
            resolution.detail,
            resolution.due_at,
            Ts::from(now),
        )?;
        Ok(changed == 1)
    }
}
