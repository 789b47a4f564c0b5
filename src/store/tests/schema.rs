//! Both engines hold the same tables, understand every statement and plan the hot ones by index.

use std::collections::BTreeMap;

use super::{Db, on_both, on_postgres, on_sqlite, orders};
use crate::store::Sql;

const COLUMNS: Sql = Sql {
    name: "COLUMNS",
    lite: "SELECT m.name, c.name, c.type, (c.\"notnull\" = 1 OR c.pk > 0) FROM sqlite_master AS m
        JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table'",
    pg: "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO'
        FROM information_schema.columns WHERE table_schema = current_schema()",
};

const INDEXES: Sql = Sql {
    name: "INDEXES",
    lite: "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    pg: "SELECT i.indexname::text FROM pg_indexes AS i WHERE i.schemaname = current_schema()
        AND NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conname = i.indexname
            AND c.connamespace = current_schema()::regnamespace) ORDER BY 1",
};

/// Column by table and name: its kind of type, and whether it must be filled.
type Columns = BTreeMap<(String, String), (&'static str, bool)>;

async fn columns(db: &Db) -> Columns {
    let mut tx = db.read().await.unwrap();
    let rows: Vec<(String, String, String, bool)> = fetch_all!(tx, COLUMNS).unwrap();
    rows.into_iter()
        .map(|(table, column, kind, is_filled)| {
            let kind = match kind.to_lowercase().as_str() {
                "integer" | "bigint" | "boolean" => "integer",
                "text" => "text",
                "blob" | "bytea" => "bytes",
                _ => "unexpected",
            };
            ((table, column), (kind, is_filled))
        })
        .collect()
}

async fn indexes(db: &Db) -> Vec<String> {
    let mut tx = db.read().await.unwrap();
    let mut names: Vec<String> = fetch_column!(tx, INDEXES).unwrap();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn both_schemas_have_the_same_columns_and_indexes() {
    let lite = std::cell::RefCell::new((Columns::new(), Vec::new()));
    on_sqlite(async |db| {
        let found = (columns(&db).await, indexes(&db).await);
        *lite.borrow_mut() = found;
    })
    .await;
    on_postgres(async |db| {
        let (lite_columns, lite_indexes) = lite.borrow().clone();
        assert!(lite_columns.len() > 100);
        assert_eq!(lite_columns, columns(&db).await);
        assert_eq!(lite_indexes, indexes(&db).await);
    })
    .await;
}

#[tokio::test]
async fn every_statement_is_understood() {
    on_both(async |db| db.check_statements().await.unwrap()).await;
}

const FILL: Sql = Sql {
    name: "FILL",
    lite: "INSERT INTO messages (order_id, channel, step, scope, revision, kind, class, status, is_held, due_at,
            planned_at, updated_at, order_version, fence, attempts)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        SELECT $1, 'shop', 'shipped', 'parcel:' || i, 0, 'shipped', i % 2, 'planned', FALSE, 1000000 + i, 0, 0, 1, 0, 0 FROM n",
    pg: "INSERT INTO messages (order_id, channel, step, scope, revision, kind, class, status, is_held, due_at,
            planned_at, updated_at, order_version, fence, attempts)
        SELECT $1, 'shop', 'shipped', 'parcel:' || i, 0, 'shipped', i % 2, 'planned', FALSE, 1000000 + i, 0, 0, 1, 0, 0
        FROM generate_series(1, 100000) AS n(i)",
};

const ANALYZE: Sql = Sql {
    name: "ANALYZE",
    lite: "ANALYZE",
    pg: "ANALYZE messages",
};

/// The plan of a statement, its values written into the text.
async fn explain(db: &Db, file: &[Sql], name: &str, values: &[&str]) -> String {
    let sql = file.iter().find(|sql| sql.name == name).unwrap();
    let mut tx = db.begin().await.unwrap();
    let with_values = |text: &str| {
        let mut text = text.to_owned();
        for (n, value) in (1..).zip(values) {
            text = text.replace(&format!("${n}"), value);
        }
        text
    };
    match tx.handle() {
        crate::store::db::Handle::Lite(conn) => {
            let text = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", with_values(sql.lite)));
            let rows: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(text).fetch_all(conn).await.unwrap();
            rows.into_iter().map(|row| row.3 + "\n").collect()
        }
        crate::store::db::Handle::Pg(conn) => {
            let text = sqlx::AssertSqlSafe(format!("EXPLAIN {}", with_values(sql.pg)));
            let rows: Vec<String> = sqlx::query_scalar(text).fetch_all(conn).await.unwrap();
            rows.join("\n")
        }
    }
}

#[tokio::test]
async fn hot_statements_use_their_indexes_among_100_000_waiting_messages() {
    on_both(async |db| {
        let order = orders(&db, 1).await[0];
        let mut tx = db.begin().await.unwrap();
        execute!(tx, FILL, order).unwrap();
        execute!(tx, ANALYZE).unwrap();
        tx.commit().await.unwrap();
        let batch = "'[{\"id\": 1, \"fence\": 1}]'";
        let settle = crate::store::settle::ALL;
        let doubt = crate::store::doubt::ALL;
        let dispatch = crate::store::dispatch::ALL;
        for (file, name, index, values) in [
            (
                dispatch,
                "CLAIM",
                "messages_due",
                vec!["'shop'", "0", "1000500", "100", "'w'", "9"],
            ),
            // Nothing is due, and everything is.
            (
                dispatch,
                "CLAIM",
                "messages_due",
                vec!["'shop'", "0", "5", "100", "'w'", "9"],
            ),
            (
                dispatch,
                "CLAIM",
                "messages_due",
                vec!["'shop'", "0", "9000000", "100", "'w'", "9"],
            ),
            (dispatch, "DUE_CHANNELS", "messages_due", vec!["9000000"]),
            (dispatch, "NEXT_DUE", "messages_due", vec!["5"]),
            (
                dispatch,
                "RELEASE",
                "messages",
                vec![batch, "'w'", "1", "NULL"],
            ),
            (doubt, "SWEEP_LEASED", "messages_leases", vec!["5"]),
            (doubt, "SWEEP_SENDING", "messages_leases", vec!["5"]),
            (settle, "SETTLE", "messages", vec![batch, "'w'", "1"]),
            (settle, "INTENT", "messages", vec![batch, "'w'", "1", "2"]),
        ] {
            let plan = explain(&db, file, name, &values).await;
            assert!(plan.contains(index), "{name}: {plan}");
            for scan in ["Seq Scan on messages", "SCAN messages", "SCAN m"] {
                let bad = plan.lines().any(|line| {
                    let line = line.trim_start_matches([' ', '-', '>']);
                    line.starts_with(scan) && !line.contains("INDEX")
                });
                assert!(!bad, "{name} reads the whole table: {plan}");
            }
        }
    })
    .await;
}
