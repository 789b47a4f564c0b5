//! Answers for those who ask: lists, one message with its attempts, counts, health.
//!
//! For the command line, the console and metrics. Lists are paged by id, newest first.

use sqlx::FromRow;

use crate::{clock::Instant, mail::MailKind};

use super::{
    MessageRow, Status, StoreError, Ts, Tx,
    rows::{Loaded, RawMessage},
};

statements! {
    LIST = ["SELECT" columns "FROM messages
        WHERE id < $1 AND (CAST($3 AS TEXT) IS NULL OR status = $3) AND (CAST($4 AS TEXT) IS NULL OR channel = $4)
            AND (CAST($5 AS TEXT) IS NULL OR kind = $5) AND (CAST($6 AS TEXT) IS NULL OR reason = $6)
        ORDER BY id DESC LIMIT $2"];
    LIST_OF_ORDER = ["SELECT" columns "FROM messages
        WHERE id < $1 AND (CAST($3 AS TEXT) IS NULL OR status = $3) AND (CAST($4 AS TEXT) IS NULL OR channel = $4)
            AND (CAST($5 AS TEXT) IS NULL OR kind = $5) AND (CAST($6 AS TEXT) IS NULL OR reason = $6)
            AND order_id = $7
        ORDER BY id DESC LIMIT $2"];
    // Uncertain, dead and blocked rows have an index of their own, so this never walks the rest.
    ATTENTION = ["SELECT" columns "FROM messages
        WHERE status IN ('uncertain', 'dead', 'blocked') AND status = $3 AND id < $1
        ORDER BY id DESC LIMIT $2"];
    MESSAGE = ["SELECT" columns "FROM messages WHERE id = $1"];
    BY_HEADER = ["SELECT id FROM messages WHERE header_id = $1 AND order_id = $2"];
    ATTEMPTS = ["SELECT number, started_at, finished_at, outcome, code, enhanced, reply, reason, worker
        FROM attempts WHERE message_id = $1 ORDER BY number"];
    COUNT_ATTEMPTS = ["SELECT COUNT(*) FROM messages AS m JOIN attempts AS a ON a.message_id = m.id
        WHERE m.buyer_key = $1 AND m.intent_at >= $3 AND a.reason = $2 AND a.finished_at >= $3"];
    FIND_ORDERS = ["SELECT id, channel, external_ref, version, stage, accepted_at, updated_at, is_test, is_history, erased_at
        FROM orders WHERE external_ref = $1 AND (CAST($2 AS TEXT) IS NULL OR channel = $2) ORDER BY id"];
    LIST_ORDERS = ["SELECT id, channel, external_ref, version, stage, accepted_at, updated_at, is_test, is_history, erased_at
        FROM orders WHERE id < $1 AND (CAST($3 AS TEXT) IS NULL OR channel = $3)
            AND (CAST($4 AS TEXT) IS NULL OR stage = $4)
        ORDER BY id DESC LIMIT $2"];
    NEXT_ORDERS = ["SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT $2"];
    EVENTS = ["SELECT source, source_event_id, kind, parcel_ref, occurred_at, received_at, is_backfill
        FROM order_events WHERE order_id = $1 ORDER BY received_at, occurred_at, source, source_event_id"];
    COUNTS = ["SELECT channel, kind, status, reason, COUNT(*) AS count FROM messages
        GROUP BY channel, kind, status, reason ORDER BY channel, kind, status, reason"];
    ATTENTION_COUNTS = ["SELECT status, COUNT(*) AS count FROM messages
        WHERE status IN ('uncertain', 'dead', 'blocked') GROUP BY status ORDER BY status"];
    // Counts at most as many due rows as asked for: a backlog is not counted to its end.
    DUE_COUNT = ["SELECT COUNT(*) AS count, MIN(due_at) AS oldest FROM (SELECT due_at FROM messages
        WHERE status = 'planned' AND channel = $1 AND class = $2 AND due_at <= $3 ORDER BY due_at LIMIT $4) AS due"];
    LEASED_COUNT = ["SELECT COUNT(*) AS count FROM messages WHERE lease_until_at IS NOT NULL"];
}

/// Which messages to list; `None` lets everything through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter<'a> {
    /// Where they stand.
    pub status: Option<Status>,
    /// Of one channel.
    pub channel: Option<&'a str>,
    /// One mail kind.
    pub kind: Option<MailKind>,
    /// One reason code.
    pub reason: Option<&'a str>,
    /// Of one order.
    pub order_id: Option<i64>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only rows with a smaller id: the last of the page before.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// One try to send a message.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AttemptRow {
    /// 1 is the first.
    pub number: i64,
    /// The intent.
    pub started_at: Ts,
    /// The outcome was known.
    pub finished_at: Ts,
    /// `accepted`, `transient`, `permanent` or `uncertain`.
    pub outcome: String,
    /// SMTP reply code.
    pub code: Option<i64>,
    /// Enhanced status code.
    pub enhanced: Option<String>,
    /// The reply, the recipient scrubbed.
    pub reply: Option<String>,
    /// What it was read as.
    pub reason: Option<String>,
    /// Who tried.
    pub worker: String,
}

/// An order in a list, without its facts.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OrderSummary {
    /// Ours.
    pub id: i64,
    /// Its channel.
    pub channel: String,
    /// The order as its channel names it.
    pub external_ref: String,
    /// Counts the changes.
    pub version: i64,
    /// Derived.
    pub stage: String,
    /// When the buyer committed.
    pub accepted_at: Option<Ts>,
    /// When the facts changed last.
    pub updated_at: Ts,
    /// Test traffic.
    pub is_test: bool,
    /// Happened before the channel was switched on.
    pub is_history: bool,
    /// When the buyer's data was erased.
    pub erased_at: Option<Ts>,
}

/// A remembered event of an order.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EventRow {
    /// Who said so.
    pub source: String,
    /// The source's own key.
    pub source_event_id: String,
    /// `Fact::kind`.
    pub kind: String,
    /// The parcel, for parcel events.
    pub parcel_ref: Option<String>,
    /// When it happened.
    pub occurred_at: Ts,
    /// When we learned of it.
    pub received_at: Ts,
    /// Built state, mailed nobody.
    pub is_backfill: bool,
}

/// How many messages stand where, and why.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Count {
    /// The channel.
    pub channel: String,
    /// The mail kind.
    pub kind: String,
    /// The status.
    pub status: String,
    /// The reason's code.
    pub reason: Option<String>,
    /// How many.
    pub count: i64,
}

/// What metrics and `health` ask for often: each part is read from an index of few rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Messages with a lease: claimed or being sent.
    pub leased: i64,
    /// Uncertain, dead and blocked messages.
    pub attention: Vec<(Status, i64)>,
    /// For each channel and class with something due.
    pub due: Vec<DueCount>,
}

/// How much is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCount {
    /// What.
    pub due: super::dispatch::DueChannel,
    /// How many, counted up to [`DueCount::CEILING`].
    pub count: i64,
}

impl DueCount {
    /// Counting ends here: a backlog of this size or more is shown as "at least".
    pub const CEILING: i64 = 10_000;
}

impl Tx {
    /// Messages that pass the filter, newest first.
    pub async fn list_messages(
        &mut self,
        filter: Filter<'_>,
        page: Page,
    ) -> Result<Loaded<MessageRow>, StoreError> {
        let before = page.before.unwrap_or(i64::MAX);
        let limit = i64::from(page.limit);
        let status = filter.status.map(Status::as_str);
        let kind = filter.kind.map(MailKind::as_str);
        let only_status = Filter {
            status: filter.status,
            ..Filter::default()
        };
        let needs_attention = matches!(
            filter.status,
            Some(Status::Uncertain | Status::Dead | Status::Blocked)
        );
        let raw: Vec<RawMessage> = if let Some(order_id) = filter.order_id {
            fetch_all!(
                self,
                LIST_OF_ORDER,
                before,
                limit,
                status,
                filter.channel,
                kind,
                filter.reason,
                order_id
            )?
        } else if needs_attention && filter == only_status {
            fetch_all!(self, ATTENTION, before, limit, status)?
        } else {
            fetch_all!(
                self,
                LIST,
                before,
                limit,
                status,
                filter.channel,
                kind,
                filter.reason
            )?
        };
        Ok(Loaded::read(raw))
    }

    /// One message.
    pub async fn message(&mut self, id: i64) -> Result<Option<MessageRow>, StoreError> {
        let raw: Option<RawMessage> = fetch_optional!(self, MESSAGE, id)?;
        raw.map(MessageRow::try_from).transpose()
    }

    /// The message of an order that carries this Message-ID.
    pub async fn message_by_header(
        &mut self,
        order_id: i64,
        message_id: &str,
    ) -> Result<Option<i64>, StoreError> {
        let row: Option<(i64,)> = fetch_optional!(self, BY_HEADER, message_id, order_id)?;
        Ok(row.map(|(id,)| id))
    }

    /// The attempts of a message, the first one first.
    pub async fn attempts_of(&mut self, message: i64) -> Result<Vec<AttemptRow>, StoreError> {
        fetch_all!(self, ATTEMPTS, message)
    }

    /// How many attempts for a buyer since then ended for that reason.
    pub async fn count_attempts(
        &mut self,
        buyer_key: &str,
        reason: &str,
        since: Instant,
    ) -> Result<i64, StoreError> {
        let counts: Vec<i64> =
            fetch_column!(self, COUNT_ATTEMPTS, buyer_key, reason, Ts::from(since))?;
        Ok(counts.into_iter().sum())
    }

    /// The orders with that reference, of one channel or of all; several when it is ambiguous.
    pub async fn find_orders(
        &mut self,
        external_ref: &str,
        channel: Option<&str>,
    ) -> Result<Vec<OrderSummary>, StoreError> {
        fetch_all!(self, FIND_ORDERS, external_ref, channel)
    }

    /// Orders, of a channel and stage or of all, newest first.
    pub async fn list_orders(
        &mut self,
        channel: Option<&str>,
        stage: Option<&str>,
        page: Page,
    ) -> Result<Vec<OrderSummary>, StoreError> {
        let before = page.before.unwrap_or(i64::MAX);
        fetch_all!(
            self,
            LIST_ORDERS,
            before,
            i64::from(page.limit),
            channel,
            stage
        )
    }

    /// The next order ids behind `after` (0 for the start): for planning everything anew.
    pub async fn next_orders(&mut self, after: i64, limit: u32) -> Result<Vec<i64>, StoreError> {
        fetch_column!(self, NEXT_ORDERS, after, i64::from(limit))
    }

    /// The remembered events of an order, as they came in.
    pub async fn events_of(&mut self, order_id: i64) -> Result<Vec<EventRow>, StoreError> {
        fetch_all!(self, EVENTS, order_id)
    }

    /// How many messages stand where, and why. Reads the whole table: for people, not for metrics.
    pub async fn counts(&mut self) -> Result<Vec<Count>, StoreError> {
        fetch_all!(self, COUNTS)
    }

    /// What is due, leased, and waiting for a person.
    pub async fn health(&mut self, now: Instant) -> Result<Health, StoreError> {
        let leased: Vec<i64> = fetch_column!(self, LEASED_COUNT)?;
        let attention: Vec<(String, i64)> = fetch_all!(self, ATTENTION_COUNTS)?;
        let mut due = Vec::new();
        for channel in self.due_channels(now).await? {
            let counted: Option<(i64, Option<Ts>)> = fetch_optional!(
                self,
                DUE_COUNT,
                &channel.channel,
                super::rows::class_number(channel.class),
                Ts::from(now),
                DueCount::CEILING,
            )?;
            due.push(DueCount {
                due: channel,
                count: counted.map_or(0, |(count, _)| count),
            });
        }
        Ok(Health {
            leased: leased.first().copied().unwrap_or(0),
            attention: attention
                .into_iter()
                .filter_map(|(status, count)| Some((status.parse().ok()?, count)))
                .collect(),
            due,
        })
    }
}
