//! Forgetting what is no longer needed (email-requirements P2), in small transactions.

use crate::clock::Instant;

use super::{Db, StoreError, Ts, Tx};

statements! {
    // A mail that may still be sent or decided keeps its bytes.
    PURGE_FROZEN = ["DELETE FROM frozen WHERE message_id IN (SELECT f.message_id FROM frozen AS f
        JOIN messages AS m ON m.id = f.message_id
        WHERE f.frozen_at < $1 AND m.status NOT IN ('planned', 'leased', 'sending', 'uncertain')
        ORDER BY f.frozen_at LIMIT $2)"];
    PURGE_PAYLOADS = ["DELETE FROM raw_payloads WHERE id IN
        (SELECT id FROM raw_payloads WHERE received_at < $1 ORDER BY received_at LIMIT $2)"];
    PURGE_REPLIES = ["UPDATE attempts SET reply = NULL WHERE (message_id, number) IN
        (SELECT message_id, number FROM attempts WHERE reply IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT $2)"];
    PURGE_EVENTS = ["DELETE FROM order_events WHERE (source, source_event_id) IN
        (SELECT source, source_event_id FROM order_events WHERE received_at < $1 ORDER BY received_at LIMIT $2)"];
    STALE_ORDERS = ["SELECT o.id FROM orders AS o WHERE o.id > $3 AND o.updated_at < $1 AND o.erased_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.order_id = o.id
                AND (m.status IN ('planned', 'leased', 'sending', 'uncertain') OR m.updated_at >= $1))
        ORDER BY o.id LIMIT $2"];
}

/// What is older than this goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Rendered mails.
    pub mails_before: Instant,
    /// Payloads of sources.
    pub payloads_before: Instant,
    /// Replies of relays.
    pub replies_before: Instant,
    /// Remembered events; must be longer than any source repeats itself.
    pub events_before: Instant,
    /// Rows of one table in one transaction. At least 1.
    pub batch: u32,
    /// Transactions for one table in one call; what is left waits for the next call.
    pub max_batches: u32,
}

/// What a purge removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Purged {
    /// Rendered mails.
    pub mails: u64,
    /// Payloads of sources.
    pub payloads: u64,
    /// Replies of relays.
    pub replies: u64,
    /// Remembered events.
    pub events: u64,
    /// Whether more is left for the next call.
    pub has_more: bool,
}

impl Db {
    /// Removes what is older than the retention allows; each batch is a transaction of its own, so
    /// that no worker waits long.
    pub async fn purge(&self, retention: Retention) -> Result<Purged, StoreError> {
        let mut purged = Purged::default();
        let mut has_more = false;
        for (statement, before, count) in [
            (PURGE_FROZEN, retention.mails_before, &mut purged.mails),
            (
                PURGE_PAYLOADS,
                retention.payloads_before,
                &mut purged.payloads,
            ),
            (PURGE_REPLIES, retention.replies_before, &mut purged.replies),
            (PURGE_EVENTS, retention.events_before, &mut purged.events),
        ] {
            let batch = retention.batch.max(1);
            let mut is_done = false;
            for _ in 0..retention.max_batches {
                let mut tx = self.single().await?;
                let removed = execute!(tx, statement, Ts::from(before), i64::from(batch))?;
                *count += removed;
                is_done = removed < u64::from(batch);
                if is_done {
                    break;
                }
            }
            has_more |= !is_done;
        }
        purged.has_more = has_more;
        Ok(purged)
    }
}

impl Tx {
    /// Orders behind `after` (0 for the start) with nothing changed, planned or in doubt since
    /// `before`: whose personal data may be erased (P2).
    pub async fn stale_orders(
        &mut self,
        before: Instant,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        fetch_column!(
            self,
            STALE_ORDERS,
            Ts::from(before),
            i64::from(limit),
            after
        )
    }
}
