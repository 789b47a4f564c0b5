//! Outcomes in: what the relay said becomes the end of an attempt, a new fact of the order, and
//! whatever follows from both, in one transaction for a group of mails.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::Instant,
    deliver::{Class, Effect, Outcome},
    mail::MailKind,
    order::{Fact, Order, OrderEvent, TimePrecision, event::MailRef},
    sequence::Scope,
    store::{
        MessageRow, Ts, Tx,
        buyers::Suppression,
        dispatch::Leased,
        orders::{Lock, StoredOrder},
        rows::Covers,
        settle::{Outcome as StoredOutcome, SettleRow, Settled},
        switches::{Cause, Switch},
    },
};

use super::{
    Engine, EngineError,
    apply::new_event,
    retry::{Attempted, CHANNEL_REST},
};

/// A mailbox that was full this often in thirty days is taken for dead (D6).
const FULL_MAILBOXES: i64 = 3;

/// A mail whose attempt is over.
#[derive(Debug, Clone)]
pub(super) struct Finished {
    pub(super) sending: Sending,
    pub(super) outcome: Outcome,
}

/// A mail under way: all that settling it needs to know.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    pub(super) leased: Leased,
    pub(super) order_id: i64,
    pub(super) channel: String,
    pub(super) step: String,
    pub(super) scope: Scope,
    pub(super) revision: u32,
    pub(super) kind: MailKind,
    pub(super) parcels: Vec<String>,
    pub(super) message_id: String,
    pub(super) buyer_key: Option<String>,
    pub(super) window_until: Option<Instant>,
    pub(super) planned_at: Instant,
    /// Attempts before this one.
    pub(super) attempts: u32,
    pub(super) started_at: Instant,
}

/// What a group of outcomes came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SettledCounts {
    pub(super) sent: u64,
    pub(super) retried: u64,
    pub(super) failed: u64,
    pub(super) uncertain: u64,
    /// Outcomes of rows another worker has taken over meanwhile.
    pub(super) lost: u64,
}

impl Engine {
    pub(super) async fn settle(&self, finished: &[Finished]) -> Result<SettledCounts, EngineError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let counts = self.settle_in(&mut tx, finished, now).await?;
        tx.commit().await?;
        Ok(counts)
    }

    async fn settle_in(
        &self,
        tx: &mut Tx,
        finished: &[Finished],
        now: Instant,
    ) -> Result<SettledCounts, EngineError> {
        // Orders before messages, as everywhere: two transactions never wait for each other.
        let ids: BTreeSet<i64> = finished.iter().map(|f| f.sending.order_id).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let orders: BTreeMap<i64, StoredOrder> = tx
            .load_orders(&ids, Lock::Rows)
            .await?
            .rows
            .into_iter()
            .map(|order| (order.id, order))
            .collect();
        let mut rows = Vec::with_capacity(finished.len());
        let mut suppressed = Vec::new();
        for mail in finished {
            rows.push(self.settle_row(tx, mail, now).await?);
            if self.is_hard_bounce(tx, mail, now).await?
                && let Some(key) = &mail.sending.buyer_key
            {
                suppressed.push(hard_bounce(key, now));
            }
        }
        let held: BTreeSet<i64> = tx
            .settle(&self.worker, &rows, now)
            .await?
            .into_iter()
            .collect();
        if !suppressed.is_empty() {
            tx.suppress(&suppressed, now).await?;
        }
        self.pause_faulty_channels(tx, finished, now).await?;
        let mut counts = SettledCounts::default();
        let mut accepted: BTreeMap<i64, Vec<OrderEvent>> = BTreeMap::new();
        for (mail, row) in finished.iter().zip(&rows) {
            if !held.contains(&mail.sending.leased.id) {
                counts.lost += 1;
                continue;
            }
            match row.settled {
                Settled::Sent => {
                    counts.sent += 1;
                    if let Some(order) = orders.get(&mail.sending.order_id) {
                        let event = mail_accepted(&mail.sending, &order.external_ref, now);
                        accepted
                            .entry(mail.sending.order_id)
                            .or_default()
                            .push(event);
                    }
                }
                Settled::Retry(_) => counts.retried += 1,
                Settled::Uncertain => counts.uncertain += 1,
                Settled::Dead | Settled::Expired => counts.failed += 1,
            }
        }
        self.follow_up_on(tx, finished, &orders, accepted, now)
            .await?;
        Ok(counts)
    }

    async fn settle_row(
        &self,
        tx: &mut Tx,
        mail: &Finished,
        now: Instant,
    ) -> Result<SettleRow, EngineError> {
        let earlier_doubts = if mail.outcome.class == Class::Uncertain {
            let attempts = tx.attempts_of(mail.sending.leased.id).await?;
            let doubts = attempts
                .iter()
                .filter(|a| a.outcome == StoredOutcome::Uncertain.as_str());
            u32::try_from(doubts.count()).unwrap_or(u32::MAX)
        } else {
            0
        };
        let attempted = Attempted {
            message: mail.sending.leased.id,
            class: mail.sending.kind.class(),
            number: mail.sending.attempts + 1,
            first_planned_at: mail.sending.planned_at,
            until: mail.sending.window_until,
            earlier_doubts,
        };
        let (settled, reason) = self.retry.settle(&attempted, &mail.outcome, now);
        Ok(SettleRow {
            leased: mail.sending.leased,
            started_at: Ts::from(mail.sending.started_at),
            outcome: match mail.outcome.class {
                Class::Accepted => StoredOutcome::Accepted,
                Class::Transient => StoredOutcome::Transient,
                Class::Permanent => StoredOutcome::Permanent,
                Class::Uncertain => StoredOutcome::Uncertain,
            },
            settled,
            reason: Some(reason),
            detail: None,
            code: mail.outcome.code,
            enhanced: mail.outcome.enhanced.clone(),
            reply: Some(mail.outcome.reply.clone()),
            cause: Some(mail.outcome.reason.as_str().to_owned()),
        })
    }

    /// Whether the outcome says that the address is dead (D6).
    async fn is_hard_bounce(
        &self,
        tx: &mut Tx,
        mail: &Finished,
        now: Instant,
    ) -> Result<bool, EngineError> {
        match (mail.outcome.effect, &mail.sending.buyer_key) {
            (Effect::SuppressAddress, _) => Ok(true),
            (Effect::CountSoftBounce, Some(key)) => {
                let since = now - chrono::TimeDelta::days(30);
                let reason = mail.outcome.reason.as_str();
                // This attempt is not stored yet, so one less is asked for.
                Ok(tx.count_attempts(key, reason, since).await? + 1 >= FULL_MAILBOXES)
            }
            _ => Ok(false),
        }
    }

    /// A refusal that is our fault rests the channel and keeps its mails (D7).
    async fn pause_faulty_channels(
        &self,
        tx: &mut Tx,
        finished: &[Finished],
        now: Instant,
    ) -> Result<(), EngineError> {
        let faults: BTreeMap<&str, &Outcome> = finished
            .iter()
            .filter(|mail| mail.outcome.effect == Effect::PauseChannel)
            .map(|mail| (mail.sending.channel.as_str(), &mail.outcome))
            .collect();
        for (channel, outcome) in faults {
            tracing::error!(
                event = "channel.paused",
                channel,
                reason = outcome.reason.as_str(),
                code = outcome.code,
                "the relay refuses this channel; its mails are kept and tried again in 15 minutes"
            );
            tx.set_switch(&Switch {
                channel: channel.to_owned(),
                step: String::new(),
                covers: Covers::All,
                cause: Cause::Breaker,
                reason: outcome.reason.as_str().to_owned(),
                actor: "afternote".to_owned(),
                set_at: Ts::from(now),
                ends_at: Some(Ts::from(now + CHANNEL_REST)),
            })
            .await?;
        }
        Ok(())
    }

    /// Lets the orders know: accepted mails become facts, and every order touched is planned anew.
    async fn follow_up_on(
        &self,
        tx: &mut Tx,
        finished: &[Finished],
        orders: &BTreeMap<i64, StoredOrder>,
        mut accepted: BTreeMap<i64, Vec<OrderEvent>>,
        now: Instant,
    ) -> Result<(), EngineError> {
        let touched: BTreeSet<i64> = finished.iter().map(|mail| mail.sending.order_id).collect();
        let mut events = Vec::new();
        let mut updates: Vec<(&StoredOrder, Order)> = Vec::new();
        for id in touched {
            let Some(row) = orders.get(&id).filter(|row| row.erased_at.is_none()) else {
                continue;
            };
            let new = accepted.remove(&id).unwrap_or_default();
            events.extend(new.iter().map(|event| new_event(id, event, now)));
            let order = Order::from_facts(&row.channel, &row.external_ref, row.facts.clone());
            match order.apply_all(&new) {
                Ok(order) => updates.push((row, order)),
                Err((_, why)) => tracing::error!(
                    event = "order.fact_refused",
                    order.id = id,
                    %why,
                    "a mail was accepted, but the order cannot take the fact; the ledger holds it"
                ),
            }
        }
        if !events.is_empty() {
            tx.insert_events(&events).await?;
        }
        self.save(tx, &updates, now).await?;
        Ok(())
    }
}

fn mail_accepted(sending: &Sending, order_ref: &str, now: Instant) -> OrderEvent {
    OrderEvent {
        source: format!("afternote:{}", sending.channel),
        source_event_id: format!("mail/{}/{}", sending.leased.id, sending.revision),
        order_ref: order_ref.to_owned(),
        parcel_ref: None,
        line_refs: Vec::new(),
        occurred_at: now,
        precision: TimePrecision::Second,
        received_at: Some(now),
        test: false,
        backfill: false,
        fact: Fact::MailAccepted(MailRef {
            step: sending.step.clone(),
            scope: sending.scope.to_string(),
            revision: sending.revision,
            mail_kind: sending.kind,
            message_id: sending.message_id.clone(),
            parcels: sending.parcels.clone(),
        }),
    }
}

fn hard_bounce(key: &str, now: Instant) -> Suppression {
    Suppression {
        buyer_key: key.to_owned(),
        channel: String::new(),
        covers: Covers::All,
        reason: "hard_bounce".to_owned(),
        source: "smtp".to_owned(),
        created_at: Ts::from(now),
    }
}

/// The fact of a mail a person decided had arrived.
pub(super) fn accepted_by_decision(row: &MessageRow, order_ref: &str, now: Instant) -> OrderEvent {
    let sending = Sending {
        leased: Leased::from(row),
        order_id: row.order_id,
        channel: row.channel.clone(),
        step: row.step.clone(),
        scope: row.scope.clone(),
        revision: row.revision,
        kind: row.kind,
        parcels: row.parcels.clone(),
        message_id: row.message_id.clone().unwrap_or_default(),
        buyer_key: row.buyer_key.clone(),
        window_until: None,
        planned_at: now,
        attempts: row.attempts,
        started_at: now,
    };
    mail_accepted(&sending, order_ref, row.intent_at.map_or(now, Into::into))
}
