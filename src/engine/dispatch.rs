//! Mails out: claim what is due, decide again, freeze, write the intent, send, settle.
//!
//! One coordinator claims, prepares and settles in groups; sendings run beside it. Nothing is
//! held open in the database while a mail travels: what lies between intent and outcome is in the
//! ledger, and a process that dies there leaves rows the sweep finds (email-requirements D11).

use std::{collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use serde::Serialize;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::MissedTickBehavior,
};

use crate::{
    clock::Instant,
    deliver::{Class, Effect, Outcome, Phase, ReplyReason},
    store::{
        MessageRow, StoreError,
        dispatch::{Claim, DueChannel, Leased},
        switches::Switch,
    },
};

use super::{
    Engine, EngineError,
    prepare::{Prepared, Ready},
    settle::{Finished, SettledCounts},
    standing,
};

/// What a dispatch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Dispatched {
    /// Rows claimed.
    pub claimed: u64,
    /// Mails the relay accepted.
    pub sent: u64,
    /// Mails to be tried again.
    pub retried: u64,
    /// Mails refused for good or out of time.
    pub failed: u64,
    /// Mails in doubt.
    pub uncertain: u64,
    /// Mails the linter or the renderer stopped.
    pub blocked: u64,
    /// Rows that are not to go now or at all, decided when they were due.
    pub not_sent: u64,
    /// Rows whose order changed while they were prepared: looked at again.
    pub changed: u64,
    /// Outcomes that came after another worker had taken the row over.
    pub lost: u64,
}

impl Dispatched {
    fn add_settled(&mut self, settled: SettledCounts) {
        self.sent += settled.sent;
        self.retried += settled.retried;
        self.failed += settled.failed;
        self.uncertain += settled.uncertain;
        self.lost += settled.lost;
    }

    /// Whether nothing at all was done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Tells a running dispatch to begin nothing new. A dropped sender means the same.
pub type Stop = watch::Receiver<bool>;

/// How long outcomes are gathered before they are settled: a group shares one commit.
const GATHER: Duration = Duration::from_millis(10);

/// Mails of one channel that may be under way at once, as a multiple of a claim: a slow relay
/// fills its own share and leaves the others theirs.
const SHARE: usize = 2;

impl Engine {
    /// Sends what is due until nothing is, or until told to stop; mails under way are finished.
    ///
    /// A mail that fails, a row that cannot be read and a channel that is paused never stop the
    /// others. An error means that the ledger could not be reached; nothing is lost by it.
    pub async fn dispatch(&self, stop: &Stop) -> Result<Dispatched, EngineError> {
        let mut run = Run::new(self.clone());
        let outcome = run.until_idle(stop).await;
        // Also after an error: what is under way has an outcome, and it must reach the ledger.
        run.finish().await;
        outcome.map(|()| run.report)
    }
}

struct Run {
    engine: Engine,
    report: Dispatched,
    sends: JoinSet<()>,
    outcomes: mpsc::UnboundedReceiver<Finished>,
    outcome_sender: mpsc::UnboundedSender<Finished>,
    under_way: BTreeMap<i64, (String, Leased)>,
}

impl Run {
    fn new(engine: Engine) -> Self {
        let (outcome_sender, outcomes) = mpsc::unbounded_channel();
        Self {
            engine,
            report: Dispatched::default(),
            sends: JoinSet::new(),
            outcomes,
            outcome_sender,
            under_way: BTreeMap::new(),
        }
    }

    async fn until_idle(&mut self, stop: &Stop) -> Result<(), EngineError> {
        let lease = self.engine.lease;
        let mut renewal = tokio::time::interval(
            lease
                .to_std()
                .unwrap_or_default()
                .max(Duration::from_secs(3))
                / 3,
        );
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewal.reset();
        loop {
            let is_stopping = *stop.borrow() || stop.has_changed().is_err();
            let claimed = if is_stopping {
                0
            } else {
                self.claim_round().await?
            };
            if self.under_way.is_empty() {
                if claimed == 0 {
                    return Ok(());
                }
                continue;
            }
            tokio::select! {
                biased;
                _ = renewal.tick() => self.renew().await?,
                finished = self.outcomes.recv() => {
                    if let Some(finished) = finished {
                        let group = self.gather(finished).await;
                        self.settle(group).await;
                    }
                }
                // Room for more and more was due: claim again while the others travel.
                () = std::future::ready(()), if claimed > 0 => {}
            }
        }
    }

    /// Claims once for each channel and class with something due; gives the rows claimed.
    async fn claim_round(&mut self) -> Result<usize, EngineError> {
        let engine = self.engine.clone();
        let now = engine.clock.now();
        let mut tx = engine.db.single().await?;
        let due = tx.due_channels(now).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let switches = tx.switches(now).await?;
        drop(tx);
        let mut claimed = 0;
        for channel in due {
            if let Some(switch) = whole_switch(&switches, &channel) {
                tracing::debug!(
                    event = "channel.held",
                    channel = channel.channel,
                    reason = switch.reason
                );
                continue;
            }
            let free = self.free_share(&channel.channel);
            if free == 0 || !engine.channels.contains_key(&channel.channel) {
                continue;
            }
            let rows = self.claim(&channel, free, now).await?;
            if rows.is_empty() {
                continue;
            }
            claimed += rows.len();
            self.report.claimed += rows.len() as u64;
            let prepared = engine.prepare(rows, &switches, now).await?;
            self.begin(prepared);
        }
        Ok(claimed)
    }

    fn free_share(&self, channel: &str) -> usize {
        let batch = usize::try_from(self.engine.batch).unwrap_or(usize::MAX);
        let used = self
            .under_way
            .values()
            .filter(|(name, _)| name == channel)
            .count();
        // A claim of a few rows costs as much as one of many: wait until half a batch fits.
        let free = (batch * SHARE).saturating_sub(used);
        if free >= batch.div_ceil(2) {
            free.min(batch)
        } else {
            0
        }
    }

    async fn claim(
        &self,
        due: &DueChannel,
        limit: usize,
        now: Instant,
    ) -> Result<Vec<MessageRow>, EngineError> {
        let mut tx = self.engine.db.single().await?;
        let claimed = tx
            .claim(Claim {
                channel: &due.channel,
                class: due.class,
                now,
                lease_until: now + self.engine.lease,
                worker: &self.engine.worker,
                limit: u32::try_from(limit).unwrap_or(u32::MAX),
            })
            .await?;
        for error in &claimed.corrupt {
            // The row stays leased and comes back with the sweep; it stops nobody.
            tracing::error!(event = "message.unreadable", %error);
        }
        Ok(claimed.rows)
    }

    /// Starts the sending of every mail whose intent is written.
    fn begin(&mut self, prepared: Prepared) {
        self.report.blocked += prepared.blocked;
        self.report.not_sent += prepared.not_sent;
        self.report.changed += prepared.changed;
        for ready in prepared.ready {
            let Ready {
                sending,
                outgoing,
                transport,
            } = ready;
            self.under_way
                .insert(sending.leased.id, (sending.channel.clone(), sending.leased));
            let outcomes = self.outcome_sender.clone();
            self.sends.spawn(async move {
                // A transport that breaks down leaves its own mail in doubt and stops no other.
                let outcome = AssertUnwindSafe(transport.send(&outgoing))
                    .catch_unwind()
                    .await
                    .unwrap_or_else(|_| broke_down());
                // The receiver outlives every sending of its run.
                let _ = outcomes.send(Finished { sending, outcome });
            });
        }
    }

    /// The outcome that came and those that follow within a moment.
    async fn gather(&mut self, first: Finished) -> Vec<Finished> {
        let limit = usize::try_from(self.engine.batch).unwrap_or(usize::MAX);
        let mut group = vec![first];
        let deadline = tokio::time::Instant::now() + GATHER;
        while group.len() < limit && group.len() < self.under_way.len() {
            match tokio::time::timeout_at(deadline, self.outcomes.recv()).await {
                Ok(Some(finished)) => group.push(finished),
                _ => break,
            }
        }
        group
    }

    /// Writes outcomes to the ledger, patiently: a mail that went must be known to have gone.
    async fn settle(&mut self, group: Vec<Finished>) {
        for finished in &group {
            self.under_way.remove(&finished.sending.leased.id);
        }
        match self.settle_patiently(&group).await {
            Ok(counts) => self.report.add_settled(counts),
            Err(error) if group.len() > 1 => {
                tracing::warn!(event = "settle.group_failed", %error, "settling the mails one by one");
                for finished in group {
                    match self.settle_patiently(std::slice::from_ref(&finished)).await {
                        Ok(counts) => self.report.add_settled(counts),
                        Err(error) => unsettled(&finished, &error),
                    }
                }
            }
            Err(error) => group
                .iter()
                .for_each(|finished| unsettled(finished, &error)),
        }
        while self.sends.try_join_next().is_some() {}
    }

    async fn settle_patiently(&self, group: &[Finished]) -> Result<SettledCounts, EngineError> {
        let mut wait = Duration::from_millis(50);
        for _ in 0..8 {
            match self.engine.settle(group).await {
                Err(EngineError::Store(error)) if error.is_transient() => {
                    tracing::warn!(event = "settle.waits", %error);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
                other => return other,
            }
        }
        self.engine.settle(group).await
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let leased: Vec<Leased> = self.under_way.values().map(|(_, leased)| *leased).collect();
        if leased.is_empty() {
            return Ok(());
        }
        let until = self.engine.clock.now() + self.engine.lease;
        let mut tx = self.engine.db.single().await?;
        tx.renew(&self.engine.worker, &leased, until).await?;
        Ok(())
    }

    /// Waits for the mails under way and settles them.
    async fn finish(&mut self) {
        while !self.under_way.is_empty() {
            match self.outcomes.recv().await {
                Some(finished) => {
                    let group = self.gather(finished).await;
                    self.settle(group).await;
                }
                None => return,
            }
        }
    }
}

/// The outcome of a sending that broke down: how far it came is not known.
fn broke_down() -> Outcome {
    Outcome {
        class: Class::Uncertain,
        phase: Phase::Body,
        code: None,
        enhanced: None,
        reply: "the transport broke down; please report it".to_owned(),
        reason: ReplyReason::LostAfterFinalDot,
        effect: Effect::None,
    }
}

/// The switch that holds everything of a channel and class. One for a single step is asked when
/// the row is prepared.
pub(super) fn whole_switch<'a>(switches: &'a [Switch], due: &DueChannel) -> Option<&'a Switch> {
    standing::switch_for(switches, &due.channel, due.class, "")
        .filter(|switch| switch.step.is_empty())
}

fn unsettled(finished: &Finished, error: &EngineError) {
    tracing::error!(
        event = "settle.failed",
        message.id = finished.sending.leased.id,
        outcome = ?finished.outcome.class,
        %error,
        "the outcome could not be written; the mail is in doubt when its lease ends"
    );
}
