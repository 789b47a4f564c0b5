//! Buyers, known only by keyed hashes: suppressions, caps, erasure.

use serde::Serialize;
use sqlx::FromRow;

use crate::clock::Instant;

use super::{
    StoreError, Ts, Tx,
    bulk::{encode, encode_ids},
    rows::Covers,
};

statements! {
    SUPPRESS = ["INSERT INTO suppressions (buyer_key, channel, covers, reason, source, created_at)
        SELECT j.value->>'buyer_key', j.value->>'channel', j.value->>'covers', j.value->>'reason', j.value->>'source', CAST($2 AS BIGINT)
        FROM" rows "WHERE TRUE ON CONFLICT (buyer_key, channel, covers) DO NOTHING"];
    LIFT = ["DELETE FROM suppressions WHERE buyer_key = $1 AND channel = $2 AND covers = $3"];
    SUPPRESSED = ["SELECT s.buyer_key, s.channel, s.covers, s.reason, s.source, s.created_at
        FROM suppressions AS s WHERE s.buyer_key IN (SELECT j.value->>'buyer_key' FROM" rows ")
        ORDER BY s.buyer_key, s.created_at"];
    LIST_SUPPRESSIONS = ["SELECT buyer_key, channel, covers, reason, source, created_at
        FROM suppressions WHERE buyer_key > $1 ORDER BY buyer_key, channel, covers LIMIT $2"];
    RELATIONSHIP_SENT = ["SELECT m.id, m.order_id, m.buyer_key, m.intent_at FROM messages AS m
        WHERE m.buyer_key IN (SELECT j.value->>'buyer_key' FROM" rows ") AND m.intent_at >= $2 AND m.class = 1
            AND m.status IN ('sending', 'sent', 'uncertain')
        ORDER BY m.intent_at, m.id"];
    ORDERS_OF_BUYER = ["SELECT id FROM orders WHERE buyer_key = $1 ORDER BY id"];
    ERASE_ORDERS = ["UPDATE orders SET erased_at = COALESCE(erased_at, $2)
        FROM" rows "WHERE orders.id = CAST(j.value AS BIGINT)"];
    ERASE_FROZEN = ["DELETE FROM frozen WHERE message_id IN
        (SELECT id FROM messages WHERE order_id IN (SELECT CAST(j.value AS BIGINT) FROM" rows "))"];
    ERASE_REPLIES = ["UPDATE attempts SET reply = NULL WHERE reply IS NOT NULL AND message_id IN
        (SELECT id FROM messages WHERE order_id IN (SELECT CAST(j.value AS BIGINT) FROM" rows "))"];
    ERASE_PARCELS = ["DELETE FROM parcels WHERE order_id IN (SELECT CAST(j.value AS BIGINT) FROM" rows ")"];
    ERASE_PAYLOADS = ["DELETE FROM raw_payloads WHERE order_id IN (SELECT CAST(j.value AS BIGINT) FROM" rows ")"];
}

/// An address we must not write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// Keyed hash of the address.
    pub buyer_key: String,
    /// The channel; empty is every channel.
    pub channel: String,
    /// Which mails.
    pub covers: Covers,
    /// `hard_bounce`, `complaint`, `unsubscribe`, `erasure` or `manual`.
    pub reason: String,
    /// Where we learned it: `link`, `dsn`, `arf`, `operator`.
    pub source: String,
    /// Since when; set by the store.
    #[serde(skip)]
    pub created_at: Ts,
}

/// A relationship mail a buyer got, or may have got.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RelationshipSent {
    /// The message.
    pub id: i64,
    /// Its order.
    pub order_id: i64,
    /// Keyed hash of the buyer's address.
    pub buyer_key: String,
    /// When it was about to be sent.
    pub intent_at: Ts,
}

/// What an erasure removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Rendered mails.
    pub mails: u64,
    /// Replies of relays.
    pub replies: u64,
    /// Parcels.
    pub parcels: u64,
    /// Payloads of sources.
    pub payloads: u64,
}

#[derive(Serialize)]
struct Key<'a> {
    buyer_key: &'a str,
}

#[derive(FromRow)]
struct RawSuppression {
    buyer_key: String,
    channel: String,
    covers: String,
    reason: String,
    source: String,
    created_at: Ts,
}

impl TryFrom<RawSuppression> for Suppression {
    type Error = StoreError;

    fn try_from(raw: RawSuppression) -> Result<Self, StoreError> {
        Ok(Self {
            covers: Covers::read(&raw.covers).ok_or(StoreError::Corrupt {
                table: "suppressions",
                column: "covers",
                id: 0,
            })?,
            buyer_key: raw.buyer_key,
            channel: raw.channel,
            reason: raw.reason,
            source: raw.source,
            created_at: raw.created_at,
        })
    }
}

impl Tx {
    /// Suppresses addresses; gives back how many were not suppressed that way before. The first
    /// reason stays.
    pub async fn suppress(
        &mut self,
        suppressions: &[Suppression],
        now: Instant,
    ) -> Result<u64, StoreError> {
        let json = encode(suppressions)?;
        execute!(self, SUPPRESS, &json, Ts::from(now))
    }

    /// Lifts one suppression; `false` when there was none.
    pub async fn lift_suppression(
        &mut self,
        buyer_key: &str,
        channel: &str,
        covers: Covers,
    ) -> Result<bool, StoreError> {
        Ok(execute!(self, LIFT, buyer_key, channel, covers.as_str())? > 0)
    }

    /// All suppressions of these buyers, of every channel.
    pub async fn suppressions_of(
        &mut self,
        buyer_keys: &[&str],
    ) -> Result<Vec<Suppression>, StoreError> {
        let json = encode_keys(buyer_keys)?;
        let rows: Vec<RawSuppression> = fetch_all!(self, SUPPRESSED, &json)?;
        rows.into_iter().map(Suppression::try_from).collect()
    }

    /// The suppression list, by key, behind the key `after` (empty for the start).
    pub async fn list_suppressions(
        &mut self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Suppression>, StoreError> {
        let rows: Vec<RawSuppression> =
            fetch_all!(self, LIST_SUPPRESSIONS, after, i64::from(limit))?;
        rows.into_iter().map(Suppression::try_from).collect()
    }

    /// Relationship mails these buyers got or may have got since then, over all orders, oldest
    /// first: what caps count.
    pub async fn relationship_sent(
        &mut self,
        buyer_keys: &[&str],
        since: Instant,
    ) -> Result<Vec<RelationshipSent>, StoreError> {
        let json = encode_keys(buyer_keys)?;
        fetch_all!(self, RELATIONSHIP_SENT, &json, Ts::from(since))
    }

    /// All orders of a buyer.
    pub async fn orders_of_buyer(&mut self, buyer_key: &str) -> Result<Vec<i64>, StoreError> {
        fetch_column!(self, ORDERS_OF_BUYER, buyer_key)
    }

    /// Removes what is personal beside the facts and marks the orders as erased. Needs a
    /// transaction, in which the caller also saves facts without personal data (P3).
    pub async fn erase_orders(
        &mut self,
        order_ids: &[i64],
        now: Instant,
    ) -> Result<Erased, StoreError> {
        self.must_be_transaction()?;
        let json = encode_ids(order_ids)?;
        execute!(self, ERASE_ORDERS, &json, Ts::from(now))?;
        Ok(Erased {
            mails: execute!(self, ERASE_FROZEN, &json)?,
            replies: execute!(self, ERASE_REPLIES, &json)?,
            parcels: execute!(self, ERASE_PARCELS, &json)?,
            payloads: execute!(self, ERASE_PAYLOADS, &json)?,
        })
    }
}

fn encode_keys(buyer_keys: &[&str]) -> Result<String, StoreError> {
    let keys: Vec<Key<'_>> = buyer_keys
        .iter()
        .map(|buyer_key| Key { buyer_key })
        .collect();
    encode(&keys)
}
