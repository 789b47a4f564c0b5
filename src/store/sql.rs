//! Statements: one text per engine, written once wherever both understand it.

/// A statement in both dialects. `$1` stands for the first value on both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sql {
    /// Its name in this module, for error messages and tests.
    pub(super) name: &'static str,
    /// For SQLite.
    pub(super) lite: &'static str,
    /// For PostgreSQL.
    pub(super) pg: &'static str,
}

/// One part of a statement's text: a literal, or the name of a place where the engines differ.
macro_rules! part {
    ($engine:ident $text:literal) => { $text };
    // The columns of `RawMessage`.
    ($engine:ident columns) => {
        " messages.id, messages.order_id, channel, step, scope, revision, kind, status, is_held, \
         reason, detail, window_from_at, window_until_at, due_at, retry_at, planned_at, \
         messages.updated_at, messages.order_version, messages.buyer_key, worker, lease_until_at, \
         fence, attempts, intent_at, sent_at, header_id, parcels, template, template_hash, lint "
    };
    // The rows of the JSON array bound as `$1`.
    (lite rows) => { " json_each($1) AS j " };
    (pg rows) => { " jsonb_array_elements(CAST($1 AS jsonb)) AS j(value) " };
    // SQLite has one writer, who needs no row locks.
    (lite lock) => { "" };
    (pg lock) => { " FOR UPDATE" };
    (lite skip_locked) => { "" };
    (pg skip_locked) => { " FOR UPDATE SKIP LOCKED" };
    // `id = ANY(ARRAY(...))` is always looked up by index; PostgreSQL may turn `IN (...)` into a
    // scan of the table, when it expects the inner query to give many rows.
    (lite in_ids) => { " IN " };
    (pg in_ids) => { " = ANY(ARRAY" };
    (lite end_ids) => { " " };
    (pg end_ids) => { ") " };
    // Runs only on one of them.
    (lite (lite $text:literal)) => { $text };
    (pg (lite $text:literal)) => { "" };
    (lite (pg $text:literal)) => { "" };
    (pg (pg $text:literal)) => { $text };
}

/// Declares the statements of a file and its list `ALL`.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = [$($part:tt)+];)*) => {
        $($(#[$doc])* const $name: $crate::store::sql::Sql = $crate::store::sql::Sql {
            name: stringify!($name),
            lite: statements!(@text lite $($part)+),
            pg: statements!(@text pg $($part)+),
        };)*
        pub(super) const ALL: &[$crate::store::sql::Sql] = &[$($name),*];
    };
    (@text lite $($part:tt)+) => { concat!($(part!(lite $part)),+) };
    (@text pg $($part:tt)+) => { concat!($(part!(pg $part)),+) };
}

/// Runs `body` with the text and the connection of the engine at hand; it is compiled twice.
macro_rules! on {
    ($tx:expr, $sql:expr, |$query:ident, $conn:ident| $body:expr) => {{
        let sql = $sql;
        match $tx.handle() {
            $crate::store::db::Handle::Lite($conn) => {
                let $query = sql.lite;
                $body
            }
            $crate::store::db::Handle::Pg($conn) => {
                let $query = sql.pg;
                $body
            }
        }
        .map_err(|error| $crate::store::StoreError::from_sqlx(sql.name, error))
    }};
}

/// All rows of a statement.
macro_rules! fetch_all {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        on!($tx, $sql, |query, conn| sqlx::query_as(query)$(.bind($bind))*.fetch_all(conn).await)
    };
}

/// The row of a statement, if there is one.
macro_rules! fetch_optional {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        on!($tx, $sql, |query, conn| sqlx::query_as(query)$(.bind($bind))*.fetch_optional(conn).await)
    };
}

/// Runs a statement; how many rows it touched.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        on!($tx, $sql, |query, conn| {
            sqlx::query(query)$(.bind($bind))*.execute(conn).await.map(|done| done.rows_affected())
        })
    };
}

/// The first column of all rows of a statement.
macro_rules! fetch_column {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        on!($tx, $sql, |query, conn| sqlx::query_scalar(query)$(.bind($bind))*.fetch_all(conn).await)
    };
}
