//! What the integration tests stand on: databases of their own, an application over them, orders.
//!
//! A test is written once with [`on_both_engines`] and runs on SQLite and on PostgreSQL.

pub(crate) mod app;
pub(crate) mod database;
pub(crate) mod orders;
pub(crate) mod relay;
pub(crate) mod story;

pub(crate) use app::{Options, Sent, TestApp};
pub(crate) use database::{Database, on_postgres, on_sqlite};
pub(crate) use orders::{Told, journey};

/// Writes each test twice: `name::sqlite` and `name::postgres`.
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn test($database: &crate::support::Database) $body

            #[tokio::test]
            async fn sqlite() {
                crate::support::on_sqlite(test).await;
            }

            #[tokio::test]
            async fn postgres() {
                crate::support::on_postgres(test).await;
            }
        }
    )+ };
}
pub(crate) use on_both_engines;
