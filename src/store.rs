//! The database: rows, statements, migrations. The only place with SQL text.
//!
//! SQLite or PostgreSQL, one text for both wherever possible. Start with [`Db`] and [`Tx`]; the
//! functions of `Tx` stand in one file per concern: [`orders`] and [`plan`] for what arrives,
//! [`dispatch`], [`settle`] and [`doubt`] for what leaves, [`ledger`] for those who ask.
//!
//! It never decides: which mail is due, may go or is given up is said by its callers. What it
//! guards by itself is what only a database can: a row is claimed by one worker, an intent is
//! refused once the order has changed, a worker that lost its lease changes nothing, a row that
//! has left the plan is not planned again.
//!
//! Everything in bulk travels as one JSON text and is unfolded in SQL, so that the cost of a
//! statement is paid once for a batch.

#[macro_use]
mod sql;

mod bulk;
pub mod buyers;
pub mod channels;
mod db;
pub mod dispatch;
pub mod doubt;
mod error;
pub mod housekeeping;
pub mod inbox;
pub mod ledger;
pub mod migrate;
pub mod orders;
pub mod plan;
pub mod purge;
pub mod rows;
pub mod settle;
pub mod switches;
mod ts;

pub use db::{Db, Engine, Settings, Tx};
pub use error::StoreError;
pub use rows::{MessageRow, Status};
pub use ts::Ts;

use sql::Sql;

/// Every statement, by the file that holds it. A test prepares each on both engines.
const ALL: &[&[Sql]] = &[
    buyers::ALL,
    channels::ALL,
    db::ALL,
    dispatch::ALL,
    doubt::ALL,
    housekeeping::ALL,
    inbox::ALL,
    ledger::ALL,
    migrate::ALL,
    orders::ALL,
    plan::ALL,
    purge::ALL,
    settle::ALL,
    switches::ALL,
];

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
