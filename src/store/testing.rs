//! One test on both engines: a fresh SQLite file, and a schema of its own in PostgreSQL.
//!
//! Also included by the integration tests and the benchmark, whose `Db` and `Settings` it finds in
//! the module around it.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures_util::FutureExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{Db, Settings};

/// Names the PostgreSQL server tests may use.
const URL: &str = "AFTERNOTE_TEST_POSTGRES_URL";

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// Runs the test on a migrated, empty database of each engine.
pub(crate) async fn on_both(test: impl AsyncFn(Db)) {
    on_sqlite(&test).await;
    on_postgres(&test).await;
}

/// Runs the test on SQLite.
pub(crate) async fn on_sqlite(test: impl AsyncFn(Db)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/test.db", folder.path().display());
    let db = open(url).await;
    test(db.clone()).await;
    db.close().await;
}

/// Runs the test on PostgreSQL, in a schema that is dropped behind it.
pub(crate) async fn on_postgres(test: impl AsyncFn(Db)) {
    let server = server_url();
    let number = SCHEMAS.fetch_add(1, Ordering::SeqCst);
    let schema = format!("afternote_test_{}_{number}", std::process::id());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let run = async |conn: &mut PgConnection, sql: String| {
        conn.execute(AssertSqlSafe(sql)).await.unwrap();
    };
    run(
        &mut admin,
        format!("DROP SCHEMA IF EXISTS {schema} CASCADE"),
    )
    .await;
    run(&mut admin, format!("CREATE SCHEMA {schema}")).await;
    let separator = if server.contains('?') { '&' } else { '?' };
    let db = open(format!("{server}{separator}options[search_path]={schema}")).await;
    let outcome = AssertUnwindSafe(test(db.clone())).catch_unwind().await;
    db.close().await;
    run(&mut admin, format!("DROP SCHEMA {schema} CASCADE")).await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

async fn open(url: String) -> Db {
    let db = Db::open(&Settings {
        url,
        max_connections: 8,
        patience: Duration::from_secs(10),
    })
    .await
    .unwrap();
    db.migrate(afternote_now()).await.unwrap();
    db
}

/// Any moment: tests bring their own.
fn afternote_now() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_millis(1_750_000_000_000).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests learn of their database server by the environment"
)]
fn server_url() -> String {
    std::env::var(URL).unwrap_or_else(|_| {
        panic!(
            "{URL} is not set: run the tests by scripts/test, or start a server with \
             `scripts/postgres start DIR` and export the URL it prints"
        )
    })
}
