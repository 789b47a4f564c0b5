//! The jobs of a running service and its end.
//!
//! Holds when things are done, never what: each job calls one function of the engine, which takes
//! what is due from the ledger. So a tick that is missed, doubled or shared with another worker
//! changes nothing. Times are UTC; local hours are the plan's concern. Start with [`run`].

mod jobs;
mod pulse;
mod scheduler;
mod signals;

use std::{sync::Arc, time::Duration};

pub use jobs::Settings;
pub use pulse::Pulse;
pub use signals::Signals;

use crate::engine::Engine;
use scheduler::Scheduler;

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The scheduler refuses a job.
    #[error("the scheduler cannot be started: {0}")]
    Scheduler(#[from] tokio_cron_scheduler::JobSchedulerError),
    /// The operating system gives no signals.
    #[error("signals to stop cannot be received: {0}")]
    Signals(#[source] std::io::Error),
}

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything under way was finished.
    Finished,
    /// The grace was over before everything was finished.
    GraceOver,
    /// A second signal cut it short.
    AtOnce,
}

/// Runs the jobs until the first signal, then ends gracefully (email-requirements O9).
///
/// What is still under way when the grace is over, or at a second signal, is left to the leases:
/// the next start, or another worker, finds it.
pub async fn run(
    engine: Engine,
    settings: Settings,
    pulse: Arc<Pulse>,
    signals: &mut Signals,
) -> Result<Ended, ServiceError> {
    let grace = settings.grace;
    let mut scheduler = Scheduler::new().await?;
    jobs::add(&mut scheduler, engine, settings, pulse).await?;
    scheduler.start().await?;
    let signal = signals.next().await;
    tracing::info!(
        event = "service.stopping",
        signal,
        "no new mails are begun; those under way are finished"
    );
    Ok(end(scheduler, grace, signals).await)
}

async fn end(scheduler: Scheduler, grace: Duration, signals: &mut Signals) -> Ended {
    tokio::select! {
        () = scheduler.finish() => Ended::Finished,
        () = tokio::time::sleep(grace) => {
            tracing::warn!(event = "service.grace_over", "mails still under way are settled by the next start");
            Ended::GraceOver
        }
        signal = signals.next() => {
            tracing::warn!(event = "service.cut_short", signal, "mails still under way are settled by the next start");
            Ended::AtOnce
        }
    }
}
