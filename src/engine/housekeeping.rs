//! What must be done now and then: leases that ran out, data past its retention.

use serde::Serialize;

use crate::{
    clock::Instant,
    mail::MailClass,
    store::{
        purge::{Purged, Retention},
        settle::Outcome,
    },
};

use super::{Engine, EngineError};

/// Orders erased in one transaction, and transactions in one purge: the next one goes on.
const PURGE_PAGE: u32 = 200;
const PURGE_PAGES: usize = 500;

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// Claimed by a worker that never came back: free again.
    pub released: usize,
    /// Being sent when the worker vanished, transactional: tried once more with the same
    /// Message-ID (D10).
    pub tried_again: usize,
    /// Being sent when the worker vanished: a person decides.
    pub uncertain: usize,
}

impl Engine {
    /// Takes back what workers left behind whose leases ran out (D10, D11).
    pub async fn sweep(&self) -> Result<SweepReport, EngineError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let swept = tx.sweep_leases(now).await?;
        for error in &swept.uncertain.corrupt {
            tracing::error!(event = "message.unreadable", %error);
        }
        let mut again = Vec::new();
        for row in &swept.uncertain.rows {
            let attempts = tx.attempts_of(row.id).await?;
            let doubts = attempts
                .iter()
                .filter(|a| a.outcome == Outcome::Uncertain.as_str())
                .count();
            if row.class() == MailClass::Transactional && doubts <= 1 {
                again.push(row.id);
            }
        }
        if !again.is_empty() {
            tx.requeue_uncertain(&again, now, now).await?;
        }
        tx.commit().await?;
        let uncertain = swept.uncertain.rows.len() - again.len();
        if uncertain > 0 {
            tracing::error!(
                event = "messages.uncertain",
                count = uncertain,
                "mails were under way when their worker vanished; decide with `afternote outbox decide`"
            );
        }
        Ok(SweepReport {
            released: swept.released.len(),
            tried_again: again.len(),
            uncertain,
        })
    }

    /// Deletes what is past its retention, in small steps (email-requirements P2).
    pub async fn purge(&self, ages: &RetentionAges) -> Result<PurgeReport, EngineError> {
        let now = self.clock.now();
        let erased_orders = self.erase_stale(now - ages.addresses, now).await?;
        let deleted = self
            .db
            .purge(Retention {
                mails_before: now - ages.mails,
                payloads_before: now - ages.payloads,
                replies_before: now - ages.replies,
                events_before: now - ages.events,
                batch: 500,
                max_batches: 200,
            })
            .await?;
        Ok(PurgeReport {
            erased_orders,
            deleted,
        })
    }

    /// Takes the buyer's data out of orders nothing has happened to since `before`.
    async fn erase_stale(&self, before: Instant, now: Instant) -> Result<u64, EngineError> {
        let mut erased = 0;
        let mut after = 0;
        // A page at a time, each its own transaction: the sends never wait long.
        for _ in 0..PURGE_PAGES {
            let mut tx = self.db.begin().await?;
            let ids = tx.stale_orders(before, after, PURGE_PAGE).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            tx.erase_orders(&ids, now).await?;
            tx.commit().await?;
            erased += ids.len() as u64;
        }
        Ok(erased)
    }

    /// Whether the database is at the version of this program.
    pub async fn check_schema(&self) -> Result<(), EngineError> {
        Ok(self.db.check_schema().await?)
    }

    /// Whether the database can be written to now.
    pub async fn check_writable(&self) -> Result<(), EngineError> {
        Ok(self.db.ping_writable().await?)
    }

    /// Closes connections to relays that have waited unused for too long.
    pub fn close_idle(&self) {
        for channel in self.channels.values() {
            channel.transport.close_idle();
        }
    }

    /// When the next mail that is not due yet will be.
    pub async fn next_due(&self) -> Result<Option<Instant>, EngineError> {
        let mut tx = self.db.read().await?;
        Ok(tx.next_due(self.clock.now()).await?.map(Into::into))
    }
}

/// What a purge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PurgeReport {
    /// Orders whose buyer's data was erased.
    pub erased_orders: u64,
    /// Rows deleted, by what they held.
    #[serde(flatten)]
    pub deleted: Purged,
}

/// How long what is kept (email-requirements P2).
#[derive(Debug, Clone, Copy)]
pub struct RetentionAges {
    /// Names and addresses, counted from the order's last change.
    pub addresses: chrono::TimeDelta,
    /// Rendered mails.
    pub mails: chrono::TimeDelta,
    /// What sources sent.
    pub payloads: chrono::TimeDelta,
    /// Replies of relays.
    pub replies: chrono::TimeDelta,
    /// Events.
    pub events: chrono::TimeDelta,
}
