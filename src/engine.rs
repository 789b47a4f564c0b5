//! Carries out what the plan decides: the only place that joins store, deliver, render and lint.
//!
//! [`Engine::apply`] takes events in, [`Engine::dispatch`] sends what is due, [`Engine::sweep`]
//! finds what a lost worker left behind; [`operate`] holds what people may order. Nothing here
//! decides whether a mail may go: `plan` does, here it is asked again at each step. The wall
//! clock is never read, only the [`Clock`] it is given.

pub mod activation;
pub mod apply;
pub mod assemble;
pub mod channel;
mod compose;
mod diff;
pub mod dispatch;
pub mod explain;
pub mod housekeeping;
pub mod import;
pub mod inbox;
mod keys;
pub mod linter;
pub mod operate;
mod prepare;
pub mod rehearse;
pub mod reload;
pub mod retry;
mod settle;
pub mod simulate;
mod standing;
pub mod turn;

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::TimeDelta;

pub use apply::{Applied, Incoming, Intake};
pub use channel::Channel;
pub use dispatch::{Dispatched, Stop};
pub use prepare::Foreseen;

use crate::{
    clock::Clock,
    mail::unsubscribe,
    policy::Cap,
    render::Catalogue,
    store::{Db, MessageRow, StoreError},
};
use keys::BuyerKeys;
use retry::RetrySchedule;

/// The engine. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// What an engine is made of.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    /// Unique for each running process: leases name it.
    pub(crate) worker: String,
    pub(crate) channels: BTreeMap<String, Channel>,
    catalogue: RwLock<Arc<Catalogue>>,
    keys: BuyerKeys,
    retry: RetrySchedule,
    cap: Option<Cap>,
    lease: TimeDelta,
    batch: u32,
    parallel: usize,
    unsubscribe: Option<Unsubscribe>,
    linter: Arc<linter::Linter>,
    seller: String,
}

/// How unsubscribe links are made (email-requirements U1, U4).
#[derive(Debug)]
pub struct Unsubscribe {
    /// The keys tokens are signed with.
    pub keys: unsubscribe::Keyring,
    /// The public address of the page, ending where a token begins.
    pub base_url: String,
    /// The `mailto:` URL that takes requests by mail.
    pub mailto: Option<String>,
}

/// What [`Engine::new`] needs.
pub struct Parts {
    /// The database, migrated.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unique for each running process.
    pub worker: String,
    /// The channels by name.
    pub channels: BTreeMap<String, Channel>,
    /// The templates.
    pub catalogue: Arc<Catalogue>,
    /// How failed attempts are repeated.
    pub retry: RetrySchedule,
    /// The cap on relationship mail per buyer.
    pub cap: Option<Cap>,
    /// How long a claim holds without a sign of life.
    pub lease: TimeDelta,
    /// Rows of one claim.
    pub batch: u32,
    /// How unsubscribe links are made; `None` where nothing needs them.
    pub unsubscribe: Option<Unsubscribe>,
    /// The compliance linter.
    pub linter: Arc<linter::Linter>,
    /// The seller's name: part of every Message-ID's seed.
    pub seller: String,
}

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such order.
    #[error("there is no order `{0}`; list orders with `afternote order list`")]
    UnknownOrder(String),
    /// The reference exists on several channels.
    #[error(
        "order `{order_ref}` exists on several channels ({channels}); say which with --channel"
    )]
    AmbiguousOrder {
        /// The reference asked for.
        order_ref: String,
        /// The channels that have it.
        channels: String,
    },
    /// No such message.
    #[error("there is no message {0}; list messages with `afternote outbox list`")]
    UnknownMessage(i64),
    /// No such step in the order's sequence.
    #[error("sequence `{sequence}` has no step `{step}`; its steps are {known}")]
    UnknownStep {
        /// The step asked for.
        step: String,
        /// The sequence of the order's channel.
        sequence: String,
        /// Its steps.
        known: String,
    },
    /// The channel of the order is not configured any more.
    #[error("channel `{0}` is not configured; add [channels.{0}] to the configuration")]
    UnknownChannel(String),
    /// What was asked for is not possible as things stand.
    #[error("{0}")]
    Refused(String),
    /// A file or folder.
    #[error("{what}: {source}")]
    Io {
        /// What was tried with which file.
        what: String,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
}

impl Engine {
    /// An engine over a migrated database: makes sure of the installation's secret and channels.
    pub async fn new(parts: Parts) -> Result<Self, EngineError> {
        let now = parts.clock.now();
        let mut tx = parts.db.begin().await?;
        let secret = tx
            .keep_setting("buyer_key_secret", &fresh_secret(&parts, now), now)
            .await?;
        let rows: Vec<_> = parts.channels.values().map(Channel::row).collect();
        tx.put_channels(&rows, now).await?;
        tx.commit().await?;
        Ok(Self(Arc::new(Inner {
            db: parts.db,
            clock: parts.clock,
            worker: parts.worker,
            channels: parts.channels,
            catalogue: RwLock::new(parts.catalogue),
            keys: BuyerKeys::new(secret),
            retry: parts.retry,
            cap: parts.cap,
            lease: parts.lease,
            batch: parts.batch.max(1),
            parallel: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            unsubscribe: parts.unsubscribe,
            linter: parts.linter,
            seller: parts.seller,
        })))
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The channels by name.
    pub fn channels(&self) -> &BTreeMap<String, Channel> {
        &self.channels
    }

    /// The templates in use.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(
            &self
                .catalogue
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Puts other templates into use, all at once.
    pub fn replace_catalogue(&self, catalogue: Arc<Catalogue>) {
        *self
            .catalogue
            .write()
            .unwrap_or_else(PoisonError::into_inner) = catalogue;
    }
}

impl Deref for Engine {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Rows by the order they belong to.
fn by_order(rows: Vec<MessageRow>) -> BTreeMap<i64, Vec<MessageRow>> {
    let mut by_order: BTreeMap<i64, Vec<MessageRow>> = BTreeMap::new();
    for row in rows {
        by_order.entry(row.order_id).or_default().push(row);
    }
    by_order
}

/// A secret for a new installation. Kept only where none is stored yet.
///
/// Taken from the operating system's randomness: a secret that could be derived would let anybody
/// with a copy of the tables find out which addresses are in them.
fn fresh_secret(parts: &Parts, now: crate::clock::Instant) -> String {
    let mut bytes = [0_u8; 32];
    if getrandom::fill(&mut bytes).is_err() {
        // No randomness at all: still unique to this installation and moment.
        tracing::warn!(
            event = "secret.weak",
            "the operating system gives no randomness"
        );
        return format!(
            "{}/{}/{}",
            parts.worker,
            parts.seller,
            now.timestamp_micros()
        );
    }
    keys::hex(&bytes)
}
