//! A database of one test: an SQLite file, or a schema of its own in PostgreSQL.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use afternote::store::{
    Db, Settings, Status,
    ledger::{Filter, Page},
};
use futures_util::FutureExt as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

/// Names the PostgreSQL server tests may use.
const URL: &str = "AFTERNOTE_TEST_POSTGRES_URL";

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// Where the database of a test is.
pub(crate) struct Database {
    /// As `database.url` wants it.
    pub(crate) url: String,
    /// Messages this test leaves leased on purpose: rows that cannot be read.
    pub(crate) left_leased: AtomicU32,
}

impl Database {
    fn new(url: String) -> Self {
        Self {
            url,
            left_leased: AtomicU32::new(0),
        }
    }

    /// Whether it is PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// Opens it beside the application under test.
    pub(crate) async fn open(&self) -> Db {
        Db::open(&Settings {
            url: self.url.clone(),
            max_connections: 2,
            patience: Duration::from_secs(10),
        })
        .await
        .unwrap()
    }

    /// Runs SQL that no part of the application would: faults of disks and people.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.is_postgres() {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            connection.execute(sql).await.unwrap().rows_affected()
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            connection.execute(sql).await.unwrap().rows_affected()
        }
    }

    /// No test ends with a message that a worker still holds.
    async fn assert_nothing_is_held(&self) {
        let db = self.open().await;
        let mut held = 0;
        for status in [Status::Leased, Status::Sending] {
            let mut tx = db.read().await.unwrap();
            let filter = Filter {
                status: Some(status),
                ..Filter::default()
            };
            let page = Page {
                before: None,
                limit: 1_000,
            };
            held += tx.list_messages(filter, page).await.unwrap().rows.len();
        }
        db.close().await;
        let expected = self.left_leased.load(Ordering::SeqCst);
        assert_eq!(held, expected as usize, "messages left leased or sending");
    }
}

/// Runs the test on an SQLite file.
pub(crate) async fn on_sqlite(test: impl AsyncFnOnce(&Database)) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(format!("sqlite:{}/test.db", folder.path().display()));
    test(&database).await;
    database.assert_nothing_is_held().await;
}

/// Runs the test in a schema of PostgreSQL that is dropped behind it.
pub(crate) async fn on_postgres(test: impl AsyncFnOnce(&Database)) {
    let server = server_url();
    let number = SCHEMAS.fetch_add(1, Ordering::SeqCst);
    let schema = format!("afternote_it_{}_{number}", std::process::id());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let create = format!("CREATE SCHEMA {schema}");
    admin.execute(AssertSqlSafe(create)).await.unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    let database = Database::new(format!("{server}{separator}options[search_path]={schema}"));
    let outcome = AssertUnwindSafe(async {
        test(&database).await;
        database.assert_nothing_is_held().await;
    })
    .catch_unwind()
    .await;
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    admin.execute(AssertSqlSafe(drop)).await.unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
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
