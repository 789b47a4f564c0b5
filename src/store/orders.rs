//! Orders, their facts and the events they were built from.
//!
//! The way of a batch of events, in one transaction: [`Tx::ensure_orders`], then
//! [`Tx::load_orders`] with [`Lock::Rows`] (which keeps other workers off these orders until the
//! end), [`Tx::insert_events`], [`Tx::save_orders`] and [`Tx::write_plan`].

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::FromRow;

use crate::{clock::Instant, order::OrderEvent};

use super::{
    MessageRow, StoreError, Ts, Tx,
    bulk::{as_stored, encode, encode_ids},
    rows::{Loaded, RawMessage},
};

statements! {
    FIND_IDS = ["SELECT o.id, o.channel, o.external_ref FROM" rows "JOIN orders AS o
        ON o.channel = j.value->>'channel' AND o.external_ref = j.value->>'external_ref'"];
    INSERT_ORDERS = ["INSERT INTO orders (channel, external_ref, version, facts, stage, is_test, is_history, created_at, updated_at)
        SELECT j.value->>'channel', j.value->>'external_ref', 0, '[]', '', FALSE, FALSE, CAST($2 AS BIGINT), CAST($2 AS BIGINT)
        FROM" rows "WHERE TRUE ON CONFLICT (channel, external_ref) DO NOTHING
        RETURNING id, channel, external_ref"];
    LOAD = ["SELECT id, channel, external_ref, version, facts, stage, accepted_at, buyer_key, is_test, is_history,
            created_at, updated_at, erased_at
        FROM orders WHERE id IN (SELECT CAST(j.value AS BIGINT) FROM" rows ") ORDER BY id"];
    LOAD_LOCKED = ["SELECT id, channel, external_ref, version, facts, stage, accepted_at, buyer_key, is_test, is_history,
            created_at, updated_at, erased_at
        FROM orders WHERE id IN (SELECT CAST(j.value AS BIGINT) FROM" rows ") ORDER BY id" lock];
    LOAD_MESSAGES = ["SELECT" columns "FROM messages
        WHERE order_id IN (SELECT CAST(j.value AS BIGINT) FROM" rows ") ORDER BY order_id, id"];
    INSERT_EVENTS = ["INSERT INTO order_events (source, source_event_id, order_id, meaning_key, kind, parcel_ref, occurred_at, received_at, is_backfill)
        SELECT j.value->>'source', j.value->>'source_event_id', CAST(j.value->>'order_id' AS BIGINT), j.value->>'meaning_key',
            j.value->>'kind', j.value->>'parcel_ref', CAST(j.value->>'occurred_at' AS BIGINT),
            CAST(j.value->>'received_at' AS BIGINT), CAST(j.value->>'is_backfill' AS BOOLEAN)
        FROM" rows "WHERE TRUE ON CONFLICT DO NOTHING RETURNING source, source_event_id"];
    SAVE = ["UPDATE orders SET version = version + 1, facts = j.value->>'facts', stage = j.value->>'stage',
            accepted_at = CAST(j.value->>'accepted_at' AS BIGINT), buyer_key = j.value->>'buyer_key',
            is_test = CAST(j.value->>'is_test' AS BOOLEAN), is_history = CAST(j.value->>'is_history' AS BOOLEAN),
            updated_at = CAST($2 AS BIGINT)
        FROM" rows "WHERE orders.id = CAST(j.value->>'id' AS BIGINT)
            AND orders.version = CAST(j.value->>'expected_version' AS BIGINT)
        RETURNING orders.id"];
    SAVE_PARCELS = ["INSERT INTO parcels (order_id, parcel_ref, carrier, tracking_number)
        SELECT CAST(j.value->>'order_id' AS BIGINT), j.value->>'parcel_ref', j.value->>'carrier', j.value->>'tracking_number'
        FROM" rows "WHERE TRUE
        ON CONFLICT (order_id, parcel_ref) DO UPDATE SET carrier = excluded.carrier, tracking_number = excluded.tracking_number
        WHERE parcels.carrier IS DISTINCT FROM excluded.carrier
            OR parcels.tracking_number IS DISTINCT FROM excluded.tracking_number"];
    BY_TRACKING = ["SELECT p.tracking_number, p.order_id, p.parcel_ref, p.carrier, o.channel, o.external_ref
        FROM" rows "JOIN parcels AS p ON p.tracking_number = j.value->>'tracking_number'
        JOIN orders AS o ON o.id = p.order_id ORDER BY p.order_id DESC"];
}

/// An order as its channel names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct OrderKey {
    /// The channel.
    pub channel: String,
    /// The order.
    pub external_ref: String,
}

/// Whether other workers may change the orders while this transaction runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// They may; the version tells.
    None,
    /// They wait. On SQLite every writing transaction keeps the others out anyway.
    Rows,
}

/// An order as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredOrder {
    /// Ours.
    pub id: i64,
    /// Its channel.
    pub channel: String,
    /// The order as its channel names it.
    pub external_ref: String,
    /// Counts the changes; 0: no facts yet.
    pub version: i64,
    /// The whole truth, in the order they were taken in.
    pub facts: Vec<OrderEvent>,
    /// Derived, for lists.
    pub stage: String,
    /// When the buyer committed.
    pub accepted_at: Option<Ts>,
    /// Keyed hash of the buyer's address.
    pub buyer_key: Option<String>,
    /// Test traffic.
    pub is_test: bool,
    /// Happened before the channel was switched on.
    pub is_history: bool,
    /// When the row was made.
    pub created_at: Ts,
    /// When the facts changed last.
    pub updated_at: Ts,
    /// When the buyer's data was erased: personal data is not taken in again.
    pub erased_at: Option<Ts>,
}

/// What is to be remembered of an event, so that a repeat is known. No personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewEvent {
    /// The order.
    pub order_id: i64,
    /// Who said so.
    pub source: String,
    /// The source's own key of this delivery.
    pub source_event_id: String,
    /// Equal for two deliveries that say the same of one order.
    pub meaning_key: String,
    /// `Fact::kind`.
    pub kind: &'static str,
    /// The parcel, for parcel events.
    pub parcel_ref: Option<String>,
    /// When it happened.
    pub occurred_at: Ts,
    /// When we learned of it.
    pub received_at: Ts,
    /// Built state, mails nobody.
    pub is_backfill: bool,
}

/// New facts of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderUpdate<'a> {
    /// The order.
    pub id: i64,
    /// The version they were worked out from.
    pub expected_version: i64,
    /// All facts, old and new.
    pub facts: &'a [OrderEvent],
    /// Derived, for lists.
    pub stage: &'a str,
    /// When the buyer committed.
    pub accepted_at: Option<Ts>,
    /// Keyed hash of the buyer's address.
    pub buyer_key: Option<&'a str>,
    /// Test traffic.
    pub is_test: bool,
    /// Happened before the channel was switched on.
    pub is_history: bool,
    /// Parcels by which carrier events find the order.
    pub parcels: Vec<ParcelRow<'a>>,
}

/// A parcel of an order, to find the order by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelRow<'a> {
    /// The parcel as its source names it.
    pub parcel_ref: &'a str,
    /// The carrier's name or code.
    pub carrier: Option<&'a str>,
    /// The number to follow it by.
    pub tracking_number: Option<&'a str>,
}

/// A parcel found by its tracking number.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct FoundParcel {
    /// The number asked for.
    pub tracking_number: String,
    /// The order.
    pub order_id: i64,
    /// The parcel.
    pub parcel_ref: String,
    /// The carrier; two carriers may use the same number.
    pub carrier: Option<String>,
    /// The order's channel.
    pub channel: String,
    /// The order as its channel names it.
    pub external_ref: String,
}

#[derive(FromRow)]
struct RawOrder {
    id: i64,
    channel: String,
    external_ref: String,
    version: i64,
    facts: String,
    stage: String,
    accepted_at: Option<Ts>,
    buyer_key: Option<String>,
    is_test: bool,
    is_history: bool,
    created_at: Ts,
    updated_at: Ts,
    erased_at: Option<Ts>,
}

impl TryFrom<RawOrder> for StoredOrder {
    type Error = StoreError;

    fn try_from(raw: RawOrder) -> Result<Self, StoreError> {
        let facts = serde_json::from_str(&raw.facts).map_err(|_| StoreError::Corrupt {
            table: "orders",
            column: "facts",
            id: raw.id,
        })?;
        Ok(Self {
            id: raw.id,
            channel: raw.channel,
            external_ref: raw.external_ref,
            version: raw.version,
            facts,
            stage: raw.stage,
            accepted_at: raw.accepted_at,
            buyer_key: raw.buyer_key,
            is_test: raw.is_test,
            is_history: raw.is_history,
            created_at: raw.created_at,
            updated_at: raw.updated_at,
            erased_at: raw.erased_at,
        })
    }
}

#[derive(Serialize)]
struct SaveJson<'a> {
    id: i64,
    expected_version: i64,
    /// A text inside the text: as a document, PostgreSQL would take it apart and check it.
    facts: String,
    stage: &'a str,
    accepted_at: Option<Ts>,
    buyer_key: Option<&'a str>,
    is_test: bool,
    is_history: bool,
}

#[derive(Serialize)]
struct ParcelJson<'a> {
    order_id: i64,
    parcel_ref: &'a str,
    carrier: Option<&'a str>,
    tracking_number: Option<&'a str>,
}

impl Tx {
    /// The ids of these orders, in the order asked for; rows are made where there are none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where a channel is not known ([`Tx::put_channels`]).
    pub async fn ensure_orders(
        &mut self,
        keys: &[OrderKey],
        now: Instant,
    ) -> Result<Vec<i64>, StoreError> {
        let mut wanted: Vec<&OrderKey> = keys.iter().collect();
        // Sorted, so that two workers that make the same rows wait for each other in one order.
        wanted.sort_unstable();
        wanted.dedup();
        let mut ids: HashMap<(String, String), i64> = HashMap::with_capacity(wanted.len());
        let stored = |key: &OrderKey| {
            let channel = as_stored(&key.channel).into_owned();
            (channel, as_stored(&key.external_ref).into_owned())
        };
        // Once found and once made; a third look finds rows another worker made meanwhile.
        for statement in [FIND_IDS, INSERT_ORDERS, FIND_IDS] {
            wanted.retain(|key| !ids.contains_key(&stored(key)));
            if wanted.is_empty() {
                break;
            }
            let json = encode(&wanted)?;
            let rows: Vec<(i64, String, String)> = if statement.name == INSERT_ORDERS.name {
                fetch_all!(self, statement, &json, Ts::from(now))?
            } else {
                fetch_all!(self, statement, &json)?
            };
            ids.extend(
                rows.into_iter()
                    .map(|(id, channel, order)| ((channel, order), id)),
            );
        }
        keys.iter()
            .map(|key| {
                ids.get(&stored(key))
                    .copied()
                    .ok_or(StoreError::Invalid("the database made no row for an order"))
            })
            .collect()
    }

    /// The orders with their facts, by id.
    pub async fn load_orders(
        &mut self,
        ids: &[i64],
        lock: Lock,
    ) -> Result<Loaded<StoredOrder>, StoreError> {
        let json = encode_ids(ids)?;
        let statement = match lock {
            Lock::None => LOAD,
            Lock::Rows => LOAD_LOCKED,
        };
        let rows: Vec<RawOrder> = fetch_all!(self, statement, &json)?;
        Ok(Loaded::read(rows))
    }

    /// The whole outbox of these orders, by order and id.
    pub async fn load_messages(
        &mut self,
        order_ids: &[i64],
    ) -> Result<Loaded<MessageRow>, StoreError> {
        let json = encode_ids(order_ids)?;
        let rows: Vec<RawMessage> = fetch_all!(self, LOAD_MESSAGES, &json)?;
        Ok(Loaded::read(rows))
    }

    /// Remembers events; tells for each whether it is new.
    ///
    /// A repeat of a source's key or of a meaning, also inside the batch, is not new. The orders
    /// should be locked before, so that two workers do not wait for each other crosswise.
    pub async fn insert_events(&mut self, events: &[NewEvent]) -> Result<Vec<bool>, StoreError> {
        let json = encode(events)?;
        let stored: Vec<(String, String)> = fetch_all!(self, INSERT_EVENTS, &json)?;
        let mut stored: HashSet<(String, String)> = stored.into_iter().collect();
        Ok(events
            .iter()
            .map(|event| {
                let source = as_stored(&event.source).into_owned();
                stored.remove(&(source, as_stored(&event.source_event_id).into_owned()))
            })
            .collect())
    }

    /// Stores new facts; gives back the orders that were left alone because their version was
    /// another one.
    pub async fn save_orders(
        &mut self,
        updates: &[OrderUpdate<'_>],
        now: Instant,
    ) -> Result<Vec<i64>, StoreError> {
        let mut sorted: Vec<&OrderUpdate<'_>> = updates.iter().collect();
        sorted.sort_by_key(|update| update.id);
        let rows: Vec<SaveJson<'_>> = sorted
            .iter()
            .map(|update| {
                Ok(SaveJson {
                    id: update.id,
                    expected_version: update.expected_version,
                    facts: serde_json::to_string(update.facts).map_err(StoreError::Encode)?,
                    stage: update.stage,
                    accepted_at: update.accepted_at,
                    buyer_key: update.buyer_key,
                    is_test: update.is_test,
                    is_history: update.is_history,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        let json = encode(&rows)?;
        let saved: Vec<i64> = fetch_column!(self, SAVE, &json, Ts::from(now))?;
        let saved: HashSet<i64> = saved.into_iter().collect();
        let parcels: Vec<ParcelJson<'_>> = sorted
            .iter()
            .filter(|update| saved.contains(&update.id))
            .flat_map(|update| {
                update.parcels.iter().map(|parcel| ParcelJson {
                    order_id: update.id,
                    parcel_ref: parcel.parcel_ref,
                    carrier: parcel.carrier,
                    tracking_number: parcel.tracking_number,
                })
            })
            .collect();
        if !parcels.is_empty() {
            let json = encode(&parcels)?;
            execute!(self, SAVE_PARCELS, &json)?;
        }
        Ok(sorted
            .iter()
            .map(|update| update.id)
            .filter(|id| !saved.contains(id))
            .collect())
    }

    /// The parcels with these tracking numbers, newest order first.
    pub async fn find_parcels(
        &mut self,
        tracking_numbers: &[&str],
    ) -> Result<Vec<FoundParcel>, StoreError> {
        #[derive(Serialize)]
        struct Number<'a> {
            tracking_number: &'a str,
        }
        let numbers: Vec<Number<'_>> = tracking_numbers
            .iter()
            .map(|tracking_number| Number { tracking_number })
            .collect();
        let json = encode(&numbers)?;
        fetch_all!(self, BY_TRACKING, &json)
    }
}
