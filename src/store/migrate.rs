//! The schema's versions: forward only, each migration in one transaction.

use sqlx::raw_sql;

use super::{Db, StoreError, Ts, Tx, db::Handle};

/// A step of the schema, in both dialects.
struct Migration {
    version: i64,
    name: &'static str,
    lite: &'static str,
    pg: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            lite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            pg: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }
    };
}

/// Every migration, oldest first. An applied one never changes.
const MIGRATIONS: &[Migration] = &[migration!(1, "0001_first")];

statements! {
    // Two processes that start at once must not both apply a migration.
    LOCK = [(lite "SELECT 1") (pg "SELECT pg_advisory_xact_lock(7214083, hashtext(current_schema()))")];
    APPLIED = ["SELECT version, checksum FROM schema_history ORDER BY version"];
    RECORD = ["INSERT INTO schema_history (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"];
}

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (
    version    BIGINT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   TEXT NOT NULL,
    applied_at BIGINT NOT NULL
)";

const HAS_HISTORY: super::Sql = super::Sql {
    name: "HAS_HISTORY",
    lite: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_history'",
    pg: "SELECT COUNT(*) FROM information_schema.tables \
         WHERE table_schema = current_schema() AND table_name = 'schema_history'",
};

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The version before; 0 for an empty database.
    pub from: i64,
    /// The version now.
    pub to: i64,
    /// Names of the migrations applied.
    pub applied: Vec<&'static str>,
}

/// The newest version this program knows.
pub fn known_version() -> i64 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

/// Applies what is missing.
pub(super) async fn run(db: &Db, now: Ts) -> Result<Report, StoreError> {
    let mut report = Report {
        from: version(db).await?,
        to: 0,
        applied: Vec::new(),
    };
    loop {
        let mut tx = db.begin().await?;
        on!(tx, LOCK, |query, conn| sqlx::query(query)
            .fetch_optional(conn)
            .await
            .map(drop))?;
        raw(&mut tx, "schema_history", HISTORY, HISTORY).await?;
        let found = verified_version(&mut tx).await?;
        report.to = found;
        let Some(next) = MIGRATIONS.iter().find(|m| m.version > found) else {
            tx.commit().await?;
            return Ok(report);
        };
        raw(&mut tx, next.name, next.lite, next.pg).await?;
        let checksum = checksum(&mut tx, next);
        execute!(tx, RECORD, next.version, next.name, &checksum, now)?;
        tx.commit().await?;
        report.applied.push(next.name);
    }
}

/// Whether the database is at the version of this program.
pub(super) async fn check(db: &Db) -> Result<(), StoreError> {
    let (found, known) = (version(db).await?, known_version());
    if found < known {
        return Err(StoreError::NotMigrated { found, known });
    }
    Ok(())
}

/// The version of the database, 0 for an empty one; refuses a newer or changed one.
async fn version(db: &Db) -> Result<i64, StoreError> {
    let mut tx = db.read().await?;
    let tables: Vec<i64> = fetch_column!(tx, HAS_HISTORY)?;
    if tables == [0] {
        return Ok(0);
    }
    verified_version(&mut tx).await
}

async fn verified_version(tx: &mut Tx) -> Result<i64, StoreError> {
    let applied: Vec<(i64, String)> = fetch_all!(tx, APPLIED)?;
    let known = known_version();
    let found = applied.last().map_or(0, |(version, _)| *version);
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for migration in MIGRATIONS.iter().filter(|m| m.version <= found) {
        let expected = checksum(tx, migration);
        if !applied.contains(&(migration.version, expected)) {
            return Err(StoreError::ChangedMigration {
                version: migration.version,
            });
        }
    }
    Ok(found)
}

fn checksum(tx: &mut Tx, migration: &Migration) -> String {
    use sha2::{Digest, Sha256};
    let text = match tx.handle() {
        Handle::Lite(_) => migration.lite,
        Handle::Pg(_) => migration.pg,
    };
    // A checkout may end its lines by CR LF.
    let digest = Sha256::digest(text.replace('\r', "").as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        hex.extend(
            [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
        );
        hex
    })
}

async fn raw(
    tx: &mut Tx,
    name: &'static str,
    lite: &'static str,
    pg: &'static str,
) -> Result<(), StoreError> {
    let sql = super::Sql { name, lite, pg };
    on!(tx, sql, |text, conn| raw_sql(text)
        .execute(conn)
        .await
        .map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::on_both;

    #[tokio::test]
    async fn a_second_migration_finds_nothing_to_do() {
        on_both(async |db| {
            db.check_schema().await.unwrap();
            let again = run(&db, Ts(9)).await.unwrap();
            assert_eq!(again.applied, Vec::<&str>::new());
            assert_eq!((again.from, again.to), (known_version(), known_version()));
        })
        .await;
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        on_both(async |db| {
            let mut tx = db.begin().await.unwrap();
            execute!(tx, RECORD, 9_999_i64, "9999_future", "x", Ts(1)).unwrap();
            tx.commit().await.unwrap();
            for result in [
                db.check_schema().await,
                run(&db, Ts(2)).await.map(|_| ()),
            ] {
                let known = known_version();
                assert!(
                    matches!(result, Err(StoreError::TooNew { found: 9_999, known: k }) if k == known),
                    "{result:?}"
                );
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_changed_migration_is_refused() {
        on_both(async |db| {
            let mut tx = db.begin().await.unwrap();
            raw(
                &mut tx,
                "change",
                "UPDATE schema_history SET checksum = 'other' WHERE version = 1",
                "UPDATE schema_history SET checksum = 'other' WHERE version = 1",
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
            let result = run(&db, Ts(2)).await;
            assert!(
                matches!(result, Err(StoreError::ChangedMigration { version: 1 })),
                "{result:?}"
            );
        })
        .await;
    }

    #[test]
    fn versions_rise_and_stand_in_the_names() {
        for (n, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.version, n);
            assert!(
                migration.name.starts_with(&format!("{n:04}_")),
                "{}",
                migration.name
            );
        }
    }
}
