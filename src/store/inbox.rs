//! What sources left behind: how far they were read, what they sent, who waits for an answer.

use serde::Serialize;
use sqlx::FromRow;

use crate::clock::Instant;

use super::{StoreError, Ts, Tx, bulk::encode};

statements! {
    CURSOR = ["SELECT source, position, polled_at, updated_at FROM source_cursors WHERE source = $1"];
    CURSORS = ["SELECT source, position, polled_at, updated_at FROM source_cursors ORDER BY source"];
    SET_CURSOR = ["INSERT INTO source_cursors (source, position, polled_at, updated_at) VALUES ($1, $2, $3, $3)
        ON CONFLICT (source) DO UPDATE SET position = excluded.position, polled_at = excluded.polled_at,
            updated_at = CASE WHEN source_cursors.position = excluded.position THEN source_cursors.updated_at ELSE excluded.updated_at END"];
    STORE_PAYLOAD = ["INSERT INTO raw_payloads (source, order_id, received_at, body) VALUES ($1, $2, $3, $4) RETURNING id"];
    ASSIGN_PAYLOAD = ["UPDATE raw_payloads SET order_id = $2 WHERE id = $1"];
    PAYLOADS = ["SELECT id, source, order_id, received_at, body FROM raw_payloads WHERE order_id = $1 ORDER BY id DESC LIMIT $2"];
    NOTE_CONVERSATIONS = ["INSERT INTO conversations (channel, thread_ref, order_id, asked_at, answered_at, updated_at)
        SELECT j.value->>'channel', j.value->>'thread_ref', CAST(j.value->>'order_id' AS BIGINT),
            CAST(j.value->>'asked_at' AS BIGINT), CAST(j.value->>'answered_at' AS BIGINT), CAST($2 AS BIGINT)
        FROM" rows "WHERE TRUE ON CONFLICT (channel, thread_ref) DO UPDATE SET
            order_id = COALESCE(excluded.order_id, conversations.order_id), asked_at = excluded.asked_at,
            answered_at = COALESCE(excluded.answered_at, conversations.answered_at), updated_at = excluded.updated_at"];
    OPEN_CONVERSATIONS = ["SELECT channel, thread_ref, order_id, asked_at, answered_at FROM conversations
        WHERE asked_at <= $1 ORDER BY asked_at LIMIT $2"];
}

/// How far a source was read.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Cursor {
    /// The source.
    pub source: String,
    /// Opaque to us; empty before the first page.
    pub position: String,
    /// The last poll that worked.
    pub polled_at: Ts,
    /// The last change of the position.
    pub updated_at: Ts,
}

/// What a source sent, as it sent it. Personal data.
#[derive(Clone, PartialEq, Eq, FromRow)]
pub struct Payload {
    /// Ours.
    pub id: i64,
    /// Who sent it.
    pub source: String,
    /// The order, where it is known.
    pub order_id: Option<i64>,
    /// When.
    pub received_at: Ts,
    /// The bytes.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload")
            .field("id", &self.id)
            .field("source", &self.source)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A conversation with a buyer. Never its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct Conversation {
    /// The channel.
    pub channel: String,
    /// The conversation as its channel names it.
    pub thread_ref: String,
    /// The order, where it is known.
    pub order_id: Option<i64>,
    /// The oldest unanswered message of the buyer; `None`: none is.
    pub asked_at: Option<Ts>,
    /// Our last answer.
    pub answered_at: Option<Ts>,
}

impl Tx {
    /// How far a source was read; `None` before its first page.
    pub async fn cursor(&mut self, source: &str) -> Result<Option<Cursor>, StoreError> {
        fetch_optional!(self, CURSOR, source)
    }

    /// How far every source was read.
    pub async fn cursors(&mut self) -> Result<Vec<Cursor>, StoreError> {
        fetch_all!(self, CURSORS)
    }

    /// Stores how far a source was read: in the transaction that stores what was read.
    pub async fn set_cursor(
        &mut self,
        source: &str,
        position: &str,
        now: Instant,
    ) -> Result<(), StoreError> {
        execute!(self, SET_CURSOR, source, position, Ts::from(now)).map(drop)
    }

    /// Keeps what a source sent, before it is read; gives back its id.
    pub async fn store_payload(
        &mut self,
        source: &str,
        order_id: Option<i64>,
        body: &[u8],
        now: Instant,
    ) -> Result<i64, StoreError> {
        let ids: Vec<i64> =
            fetch_column!(self, STORE_PAYLOAD, source, order_id, Ts::from(now), body)?;
        ids.first()
            .copied()
            .ok_or(StoreError::Invalid("the database gave no id for a payload"))
    }

    /// Notes whose order a payload was about, so that it is erased with it.
    pub async fn assign_payload(&mut self, id: i64, order_id: i64) -> Result<(), StoreError> {
        execute!(self, ASSIGN_PAYLOAD, id, order_id).map(drop)
    }

    /// What sources sent about an order, newest first.
    pub async fn payloads_of(
        &mut self,
        order_id: i64,
        limit: u32,
    ) -> Result<Vec<Payload>, StoreError> {
        fetch_all!(self, PAYLOADS, order_id, i64::from(limit))
    }

    /// Stores where conversations stand: `asked_at` as given, the rest where it is new.
    pub async fn note_conversations(
        &mut self,
        conversations: &[Conversation],
        now: Instant,
    ) -> Result<(), StoreError> {
        let json = encode(conversations)?;
        execute!(self, NOTE_CONVERSATIONS, &json, Ts::from(now)).map(drop)
    }

    /// Conversations with a message unanswered since `before`, the longest waiting first.
    pub async fn open_conversations(
        &mut self,
        before: Instant,
        limit: u32,
    ) -> Result<Vec<Conversation>, StoreError> {
        fetch_all!(self, OPEN_CONVERSATIONS, Ts::from(before), i64::from(limit))
    }
}
