//! Connections: opening, transactions, and whether the database can be used.

use std::{fmt, path::Path, str::FromStr, time::Duration};

use sqlx::{
    Executor, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::clock::Instant;

use super::{StoreError, Ts, migrate};

/// How to reach the database.
#[derive(Clone)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://...`; may hold a password.
    pub url: String,
    /// At most so many connections: to the server, or for reading the file. At least 1.
    pub max_connections: u32,
    /// How long a call may wait for a connection or a lock before it is `Busy` or `Unavailable`.
    pub patience: Duration,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url.split(':').next().unwrap_or_default())
            .field("max_connections", &self.max_connections)
            .field("patience", &self.patience)
            .finish()
    }
}

/// Which engine holds the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file of our own.
    Sqlite,
    /// A server, for more than one worker.
    Postgres,
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pools: Pools,
}

#[derive(Debug, Clone)]
enum Pools {
    /// SQLite has one writer: a second one would only wait.
    Lite {
        write: SqlitePool,
        read: SqlitePool,
    },
    Pg(PgPool),
}

/// A transaction, or a connection on which each statement commits by itself.
///
/// Dropped without [`Tx::commit`], a transaction is rolled back.
#[derive(Debug)]
pub struct Tx {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Lite(Transaction<'static, Sqlite>),
    LiteSingle(PoolConnection<Sqlite>),
    Pg(Transaction<'static, Postgres>),
    PgSingle(PoolConnection<Postgres>),
}

/// The connection of one engine.
pub(super) enum Handle<'a> {
    /// SQLite.
    Lite(&'a mut SqliteConnection),
    /// PostgreSQL.
    Pg(&'a mut PgConnection),
}

statements! {
    // Touches a row and takes the write lock, and changes nothing.
    PING = ["UPDATE settings SET value = value WHERE name = ''"];
}

impl Db {
    /// Opens the database; creates an SQLite file and its folder where there is none.
    ///
    /// The schema is not looked at: see [`Db::migrate`] and [`Db::check_schema`].
    pub async fn open(settings: &Settings) -> Result<Self, StoreError> {
        let pools = match settings.url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => open_sqlite(settings).await?,
            Some("postgres" | "postgresql") => {
                let options = PgConnectOptions::from_str(&settings.url)
                    .map_err(|_| StoreError::Url("it is no URL of PostgreSQL"))?
                    .application_name("afternote")
                    .statement_cache_capacity(256);
                Pools::Pg(
                    PgPoolOptions::new()
                        .max_connections(settings.max_connections.max(1))
                        .acquire_timeout(settings.patience)
                        // A connection is tested when it comes back; a round trip before each use
                        // would double the price of an empty claim.
                        .test_before_acquire(false)
                        .connect_with(options)
                        .await
                        .map_err(|error| StoreError::from_sqlx("open", error))?,
                )
            }
            _ => return Err(StoreError::Url("its engine is not known")),
        };
        Ok(Self { pools })
    }

    /// Which engine it is.
    pub const fn engine(&self) -> Engine {
        match self.pools {
            Pools::Lite { .. } => Engine::Sqlite,
            Pools::Pg(_) => Engine::Postgres,
        }
    }

    /// Begins a transaction that writes.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pools {
            // A transaction that began by reading cannot wait for the write lock: it fails at once.
            Pools::Lite { write, .. } => write.begin_with("BEGIN IMMEDIATE").await.map(Inner::Lite),
            Pools::Pg(pool) => pool.begin().await.map(Inner::Pg),
        };
        Tx::new("begin", inner)
    }

    /// Begins a transaction that only reads, and sees the database as it stands now.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pools {
            Pools::Lite { read, .. } => read.begin().await.map(Inner::Lite),
            Pools::Pg(pool) => pool
                .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .await
                .map(Inner::Pg),
        };
        Tx::new("begin", inner)
    }

    /// A connection on which each statement commits by itself: for functions of one statement,
    /// such as [`Tx::claim`], without the price of a transaction around it.
    pub async fn single(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pools {
            Pools::Lite { write, .. } => write.acquire().await.map(Inner::LiteSingle),
            Pools::Pg(pool) => pool.acquire().await.map(Inner::PgSingle),
        };
        Tx::new("acquire", inner)
    }

    /// A connection for one reading statement, such as [`Tx::due_channels`]: on SQLite it does not
    /// wait for the writer.
    pub async fn single_read(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pools {
            Pools::Lite { read, .. } => read.acquire().await.map(Inner::LiteSingle),
            Pools::Pg(pool) => pool.acquire().await.map(Inner::PgSingle),
        };
        Tx::new("acquire", inner)
    }

    /// Brings the schema to the version of this program; `now` is written beside each migration.
    pub async fn migrate(&self, now: Instant) -> Result<migrate::Report, StoreError> {
        migrate::run(self, Ts::from(now)).await
    }

    /// Whether the schema is the one this program was built for.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        migrate::check(self).await
    }

    /// Whether the database can be written to now.
    pub async fn ping_writable(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        execute!(tx, PING)?;
        tx.commit().await
    }

    /// Prepares every statement this program may run; names the first that the schema refuses.
    pub async fn check_statements(&self) -> Result<(), StoreError> {
        let mut tx = self.read().await?;
        for sql in super::ALL.iter().copied().flatten().copied() {
            on!(tx, sql, |query, conn| {
                conn.prepare(sqlx::SqlStr::from_static(query))
                    .await
                    .map(drop)
            })?;
        }
        Ok(())
    }

    /// Closes all connections, after those in use came back.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Lite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pools::Pg(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(settings: &Settings) -> Result<Pools, StoreError> {
    if settings.url.contains(":memory:") || settings.url.contains("mode=memory") {
        return Err(StoreError::Url(
            "a database in memory would lose every mail at a restart",
        ));
    }
    let options = SqliteConnectOptions::from_str(&settings.url)
        .map_err(|_| StoreError::Url("it is no URL of SQLite"))?
        .busy_timeout(settings.patience)
        .foreign_keys(true)
        .statement_cache_capacity(256);
    if let Some(folder) = options
        .get_filename()
        .parent()
        .filter(|p| *p != Path::new(""))
    {
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(|error| StoreError::CannotOpen(Some(error)))?;
    }
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(settings.patience)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    let failed = |error| StoreError::from_sqlx("open", error);
    let write = pool()
        .max_connections(1)
        .connect_with(
            options
                .clone()
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // With NORMAL a power cut may undo the last commits: mails already sent go again.
                .synchronous(SqliteSynchronous::Full)
                // Copy the log back every 16 MB and cut it to 64 MB after a burst.
                .pragma("wal_autocheckpoint", "4000")
                .pragma("journal_size_limit", "67108864")
                .pragma("cache_size", "-65536"),
        )
        .await
        .map_err(failed)?;
    let read = pool()
        .max_connections(settings.max_connections.max(1))
        .connect_with(options.read_only(true))
        .await
        .map_err(failed)?;
    Ok(Pools::Lite { write, read })
}

impl Tx {
    fn new(what: &'static str, inner: Result<Inner, sqlx::Error>) -> Result<Self, StoreError> {
        inner
            .map(|inner| Self { inner })
            .map_err(|error| StoreError::from_sqlx(what, error))
    }

    /// Makes what was written lasting. On a single connection it already is.
    ///
    /// An error leaves open whether it was: the connection may have ended behind the commit.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Lite(tx) => tx.commit().await,
            Inner::Pg(tx) => tx.commit().await,
            Inner::LiteSingle(_) | Inner::PgSingle(_) => Ok(()),
        }
        .map_err(|error| StoreError::from_sqlx("commit", error))
    }

    /// Undoes what was written. On a single connection it stays.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Lite(tx) => tx.rollback().await,
            Inner::Pg(tx) => tx.rollback().await,
            Inner::LiteSingle(_) | Inner::PgSingle(_) => Ok(()),
        }
        .map_err(|error| StoreError::from_sqlx("rollback", error))
    }

    /// Refuses to go on without a transaction around several statements that belong together.
    pub(super) const fn must_be_transaction(&self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Lite(_) | Inner::Pg(_) => Ok(()),
            Inner::LiteSingle(_) | Inner::PgSingle(_) => Err(StoreError::Invalid(
                "this needs a transaction; use `Db::begin` in place of `Db::single`",
            )),
        }
    }

    /// The connection of the engine at hand.
    pub(super) fn handle(&mut self) -> Handle<'_> {
        match &mut self.inner {
            Inner::Lite(tx) => Handle::Lite(&mut *tx),
            Inner::LiteSingle(conn) => Handle::Lite(&mut *conn),
            Inner::Pg(tx) => Handle::Pg(&mut *tx),
            Inner::PgSingle(conn) => Handle::Pg(&mut *conn),
        }
    }
}
