//! Events in: one transaction from a batch of events to orders, plans and rows.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    clock::Instant,
    order::{Fact, Order, OrderEvent, Rejected, TimePrecision, event::Empty},
    plan::{BuyerStanding, Detail, plan},
    store::{
        StoreError, Ts, Tx,
        orders::{Lock, NewEvent, OrderKey, OrderUpdate, ParcelRow, StoredOrder},
    },
};

use super::{
    Engine, EngineError,
    diff::{Target, changes, ledger_of},
    standing,
};

/// An event, with the channel its order was placed on.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The channel's name in the configuration.
    pub channel: String,
    /// What happened.
    pub event: OrderEvent,
}

/// How events are to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// As they happen: what happened before the channel was switched on is history.
    Live,
    /// All of it is history: builds state, mails nobody (O1).
    History,
    /// As history, and a person switches mails on for these orders (O1).
    Activated,
}

/// What a batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Events that were new.
    pub events: u64,
    /// Events that were known already.
    pub duplicates: u64,
    /// Events of orders whose buyer's data was erased: taken, and not stored.
    pub erased: u64,
    /// Orders that changed.
    pub orders: u64,
    /// Rows of the ledger that were written.
    pub planned: u64,
    /// Events that could not be applied.
    pub refused: Vec<Refused>,
}

/// An event that could not be applied; the others were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The channel.
    pub channel: String,
    /// The order.
    pub order_ref: String,
    /// The event kind.
    pub kind: &'static str,
    /// Why, and what to do.
    pub why: String,
}

impl Applied {
    /// Adds the counts of another batch, whose events began at `offset`.
    pub fn add(&mut self, other: Self, offset: usize) {
        self.events += other.events;
        self.duplicates += other.duplicates;
        self.erased += other.erased;
        self.orders += other.orders;
        self.planned += other.planned;
        self.refused
            .extend(other.refused.into_iter().map(|refused| Refused {
                index: refused.index + offset,
                ..refused
            }));
    }
}

/// Events of one transaction: large enough to share the price of a commit, small enough that a
/// claim does not wait long behind it.
pub const BATCH: usize = 500;

impl Engine {
    /// Stores a batch of events and everything that follows from them, in one transaction.
    ///
    /// Repeats succeed quietly. An event that cannot be applied is named in the answer and the
    /// others go on; an error means that nothing of the batch was stored.
    pub async fn apply(
        &self,
        batch: Vec<Incoming>,
        intake: Intake,
    ) -> Result<Applied, EngineError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let applied = self.apply_in(&mut tx, batch, intake, now).await?;
        tx.commit().await?;
        Ok(applied)
    }

    /// As [`Engine::apply`], inside a transaction of the caller: a source advances its cursor in
    /// the same one.
    pub async fn apply_in(
        &self,
        tx: &mut Tx,
        batch: Vec<Incoming>,
        intake: Intake,
        now: Instant,
    ) -> Result<Applied, EngineError> {
        let mut applied = Applied::default();
        let mut by_order: BTreeMap<OrderKey, Vec<(usize, OrderEvent)>> = BTreeMap::new();
        for (index, incoming) in batch.into_iter().enumerate() {
            let Some(channel) = self.channels.get(&incoming.channel) else {
                applied.refused.push(refused(
                    index,
                    &incoming.channel,
                    &incoming.event,
                    format!(
                        "channel `{}` is not configured; add [channels.{}] or name another one",
                        incoming.channel, incoming.channel
                    ),
                ));
                continue;
            };
            let event = prepare(
                incoming.event,
                &incoming.channel,
                intake,
                channel.activated_at,
                now,
            );
            let key = OrderKey {
                channel: incoming.channel,
                external_ref: event.order_ref.clone(),
            };
            by_order.entry(key).or_default().push((index, event));
        }
        if intake == Intake::Activated {
            for (key, events) in &mut by_order {
                events.push((usize::MAX, activation(&key.external_ref, &key.channel, now)));
            }
        }
        self.store_events(tx, by_order, now, &mut applied).await?;
        Ok(applied)
    }

    async fn store_events(
        &self,
        tx: &mut Tx,
        by_order: BTreeMap<OrderKey, Vec<(usize, OrderEvent)>>,
        now: Instant,
        applied: &mut Applied,
    ) -> Result<(), EngineError> {
        if by_order.is_empty() {
            return Ok(());
        }
        let keys: Vec<OrderKey> = by_order.keys().cloned().collect();
        let ids = tx.ensure_orders(&keys, now).await?;
        let loaded = tx.load_orders(&ids, Lock::Rows).await?;
        let stored: BTreeMap<i64, StoredOrder> = loaded
            .rows
            .into_iter()
            .map(|order| (order.id, order))
            .collect();
        let mut changed = Vec::new();
        for ((key, events), id) in by_order.into_iter().zip(&ids) {
            let Some(row) = stored.get(id) else {
                let corrupt = StoreError::Corrupt {
                    table: "orders",
                    column: "facts",
                    id: *id,
                };
                applied.refused.extend(
                    events.iter().filter(|(index, _)| *index != usize::MAX).map(
                        |(index, event)| refused(*index, &key.channel, event, corrupt.to_string()),
                    ),
                );
                continue;
            };
            if row.erased_at.is_some() {
                applied.erased += events.len() as u64;
                continue;
            }
            changed.push((row, events));
        }
        let new = self.insert_events(tx, &changed, now, applied).await?;
        let mut updates: Vec<(&StoredOrder, Order)> = Vec::new();
        for (row, events) in new {
            let order = Order::from_facts(&row.channel, &row.external_ref, row.facts.clone());
            let (order, faults) = apply_each(order, &events);
            for (at, why) in faults {
                let (index, event) = &events[at];
                applied
                    .refused
                    .push(refused(*index, &row.channel, event, why.to_string()));
            }
            // Known facts told by another source change nothing: no new version, no new plan.
            if order.facts() != row.facts {
                updates.push((row, order));
            }
        }
        applied.orders += updates.len() as u64;
        applied.planned += self.save(tx, &updates, now).await?;
        Ok(())
    }

    /// Stores which events were seen; gives back those that are new.
    async fn insert_events<'a>(
        &self,
        tx: &mut Tx,
        changed: &[(&'a StoredOrder, Vec<(usize, OrderEvent)>)],
        now: Instant,
        applied: &mut Applied,
    ) -> Result<Vec<(&'a StoredOrder, Vec<(usize, OrderEvent)>)>, EngineError> {
        let rows: Vec<NewEvent> = changed
            .iter()
            .flat_map(|(row, events)| {
                events
                    .iter()
                    .map(move |(_, event)| new_event(row.id, event, now))
            })
            .collect();
        let mut is_new = tx.insert_events(&rows).await?.into_iter();
        let mut kept = Vec::new();
        for (row, events) in changed {
            let new: Vec<(usize, OrderEvent)> = events
                .iter()
                .filter(|_| is_new.next().unwrap_or(false))
                .cloned()
                .collect();
            applied.events += new.len() as u64;
            applied.duplicates += (events.len() - new.len()) as u64;
            if !new.is_empty() {
                kept.push((*row, new));
            }
        }
        Ok(kept)
    }

    /// Writes changed orders and the difference of their plans. The rows of `updates` are locked.
    pub(super) async fn save(
        &self,
        tx: &mut Tx,
        updates: &[(&StoredOrder, Order)],
        now: Instant,
    ) -> Result<u64, EngineError> {
        if updates.is_empty() {
            return Ok(0);
        }
        let keys: Vec<Option<String>> = updates
            .iter()
            .map(|(_, order)| self.buyer_key(order))
            .collect();
        let rows: Vec<OrderUpdate<'_>> = updates
            .iter()
            .zip(&keys)
            .map(|((row, order), key)| order_update(row, order, key.as_deref()))
            .collect();
        tx.save_orders(&rows, now).await?;
        let ids: Vec<i64> = updates.iter().map(|(row, _)| row.id).collect();
        let ledger = tx.load_messages(&ids).await?;
        let mut messages = super::by_order(ledger.rows);
        let standings = standing::suppressions(tx, keys.iter().flatten()).await?;
        let mut plan_changes = Vec::new();
        for ((row, order), key) in updates.iter().zip(&keys) {
            let Some(channel) = self.channels.get(&row.channel) else {
                continue;
            };
            let messages = messages.remove(&row.id).unwrap_or_default();
            let standing = BuyerStanding {
                capped_until: None,
                ..standings.of(key.as_deref(), &row.channel)
            };
            let decisions = plan(
                order,
                &channel.rules,
                &ledger_of(order, &messages),
                &standing,
                now,
                Detail::Verdicts,
            );
            let target = Target {
                order_id: row.id,
                channel: &row.channel,
                order_version: row.version + 1,
                buyer_key: key.as_deref(),
            };
            plan_changes.extend(changes(target, &decisions, &messages));
        }
        Ok(tx.write_plan(&plan_changes, now).await?)
    }

    /// The keyed hash of an order's address, where it has a usable one.
    pub(super) fn buyer_key(&self, order: &Order) -> Option<String> {
        order
            .address()
            .ok()
            .map(|address| self.keys.of(&address).to_string())
    }
}

/// An event as the engine stores it: named by channel, dated by receipt, history marked.
pub(super) fn prepare(
    mut event: OrderEvent,
    channel: &str,
    intake: Intake,
    activated_at: Option<Instant>,
    now: Instant,
) -> OrderEvent {
    // Two channels may import the same file format; their keys must not meet.
    if !event.source.contains(':') {
        event.source = format!("{}:{channel}", event.source);
    }
    event.received_at.get_or_insert(now);
    let is_history = match intake {
        Intake::Live => activated_at.is_none_or(|activated| event.occurred_at < activated),
        Intake::History | Intake::Activated => true,
    };
    // What operators and the engine itself do is never history.
    event.backfill |=
        is_history && !event.fact.is_internal() && !event.source.starts_with("operator");
    event
}

pub(super) fn activation(order_ref: &str, channel: &str, now: Instant) -> OrderEvent {
    OrderEvent {
        source: format!("operator:{channel}"),
        source_event_id: format!("activate/{order_ref}/{}", now.timestamp_millis()),
        order_ref: order_ref.to_owned(),
        parcel_ref: None,
        line_refs: Vec::new(),
        occurred_at: now,
        precision: TimePrecision::Second,
        received_at: Some(now),
        test: false,
        backfill: false,
        fact: Fact::OrderActivated(Empty {}),
    }
}

/// Applies events at once where it can, one by one where one of them is at fault.
pub(super) fn apply_each(
    order: Order,
    events: &[(usize, OrderEvent)],
) -> (Order, Vec<(usize, Rejected)>) {
    let plain: Vec<OrderEvent> = events.iter().map(|(_, event)| event.clone()).collect();
    if let Ok(applied) = order.apply_all(&plain) {
        return (applied, Vec::new());
    }
    let mut order = order;
    let mut faults = Vec::new();
    for (at, event) in plain.iter().enumerate() {
        match order.apply(event) {
            Ok(next) => order = next,
            Err(rejected) => faults.push((at, rejected)),
        }
    }
    (order, faults)
}

pub(super) fn new_event(order_id: i64, event: &OrderEvent, now: Instant) -> NewEvent {
    NewEvent {
        order_id,
        source: event.source.clone(),
        source_event_id: event.source_event_id.clone(),
        meaning_key: event.meaning_key(),
        kind: event.fact.kind(),
        parcel_ref: event.parcel_ref.clone(),
        occurred_at: Ts::from(event.occurred_at),
        received_at: Ts::from(event.received_at.unwrap_or(now)),
        is_backfill: event.backfill,
    }
}

fn order_update<'a>(row: &StoredOrder, order: &'a Order, key: Option<&'a str>) -> OrderUpdate<'a> {
    OrderUpdate {
        id: row.id,
        expected_version: row.version,
        facts: order.facts(),
        stage: order.stage().as_str(),
        accepted_at: order.accepted.map(|stamp| Ts::from(stamp.at)),
        buyer_key: key,
        is_test: order.is_test,
        is_history: order.accepted.is_some_and(|stamp| stamp.backfill),
        parcels: order
            .parcels
            .iter()
            .map(|parcel| ParcelRow {
                parcel_ref: &parcel.parcel_ref,
                carrier: parcel.shipment.carrier.as_deref(),
                tracking_number: parcel.shipment.tracking_number.as_deref(),
            })
            .collect(),
    }
}

fn refused(index: usize, channel: &str, event: &OrderEvent, why: String) -> Refused {
    Refused {
        index,
        channel: channel.to_owned(),
        order_ref: event.order_ref.clone(),
        kind: event.fact.kind(),
        why,
    }
}
