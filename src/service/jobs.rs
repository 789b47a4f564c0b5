//! The jobs: each calls the engine and logs what came of it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::{
    config::Config,
    engine::{
        Engine, EngineError, assemble,
        housekeeping::{RetentionAges, SweepReport},
        reload::Reloader,
    },
};

use super::{Pulse, ServiceError, scheduler::Scheduler};

/// How often what is done, and with which folders.
#[derive(Debug)]
pub struct Settings {
    /// How often due mails and dropped files are looked for.
    pub tick: Duration,
    /// How often leases that ran out are taken back.
    pub sweep: Duration,
    /// How often data past its retention is deleted.
    pub purge: Duration,
    /// How long mails under way may take when the service ends.
    pub grace: Duration,
    /// How long what is kept.
    pub retention: RetentionAges,
    /// The drop folder.
    pub inbox: PathBuf,
    /// The configuration whose templates are taken up when they change; `None`: they are not.
    pub reload: Option<Arc<Config>>,
}

impl Settings {
    /// The settings of a configuration.
    pub fn of(config: &Arc<Config>) -> Self {
        let service = &config.service;
        Self {
            tick: service.tick.as_std(),
            sweep: service.sweep.as_std(),
            purge: service.purge.as_std(),
            grace: service.grace.as_std(),
            retention: assemble::retention(config),
            inbox: config.data.inbox_path(),
            reload: (config.templates.reload && config.templates.dir.is_some())
                .then(|| Arc::clone(config)),
        }
    }
}

/// Adds every job.
pub(super) async fn add(
    scheduler: &mut Scheduler,
    engine: Engine,
    settings: Settings,
    pulse: Arc<Pulse>,
) -> Result<(), ServiceError> {
    let Settings {
        tick,
        sweep,
        purge,
        retention,
        inbox,
        reload,
        ..
    } = settings;
    let stop = scheduler.stop();
    let sender = engine.clone();
    scheduler
        .every(
            tick,
            "dispatch",
            move || pulse.beat(),
            move || Box::pin(dispatch(sender.clone(), stop.clone(), tick)),
        )
        .await?;
    let sweeper = engine.clone();
    scheduler
        .every(
            sweep,
            "sweep",
            || (),
            move || Box::pin(sweep_once(sweeper.clone())),
        )
        .await?;
    let importer = engine.clone();
    let importing = scheduler.stop();
    scheduler
        .every(
            tick,
            "inbox",
            || (),
            move || Box::pin(import(importer.clone(), inbox.clone(), importing.clone())),
        )
        .await?;
    let purger = engine.clone();
    scheduler
        .every(
            purge,
            "purge",
            || (),
            move || Box::pin(purge_once(purger.clone(), retention)),
        )
        .await?;
    if let Some(config) = reload {
        let reloader = Arc::new(Reloader::new(config));
        scheduler
            .every(
                tick,
                "templates",
                || (),
                move || {
                    let (engine, reloader) = (engine.clone(), Arc::clone(&reloader));
                    Box::pin(async move {
                        // Reading and compiling templates keeps a thread busy for a while.
                        let done = tokio::task::spawn_blocking(move || reloader.take_up(&engine));
                        if let Err(error) = done.await {
                            tracing::error!(event = "templates.reload_failed", %error);
                        }
                    })
                },
            )
            .await?;
    }
    Ok(())
}

/// Sends what is due, and what falls due before the next tick at its own moment.
async fn dispatch(engine: Engine, stop: watch::Receiver<bool>, tick: Duration) {
    let until = Instant::now() + tick;
    loop {
        if let Err(error) = send(&engine, &stop).await {
            return failed("dispatch", &error);
        }
        let next = match engine.next_due().await {
            Ok(Some(next)) => next,
            Ok(None) => return,
            Err(error) => return failed("dispatch", &error),
        };
        let wait = (next - engine.clock().now()).to_std().unwrap_or_default();
        // The next tick does as well, and must not find this run still waiting.
        if Instant::now() + wait + Duration::from_secs(1) >= until {
            return;
        }
        let mut stop = stop.clone();
        tokio::select! {
            () = tokio::time::sleep(wait.max(Duration::from_millis(10))) => {}
            _ = stop.wait_for(|is_stopping| *is_stopping) => return,
        }
    }
}

/// Sends what is due now.
async fn send(engine: &Engine, stop: &watch::Receiver<bool>) -> Result<(), EngineError> {
    let report = engine.dispatch(stop).await?;
    if !report.is_empty() {
        tracing::info!(
            event = "dispatch",
            sent = report.sent,
            retried = report.retried,
            failed = report.failed,
            uncertain = report.uncertain,
            blocked = report.blocked,
            not_sent = report.not_sent
        );
    }
    Ok(())
}

async fn sweep_once(engine: Engine) {
    engine.close_idle();
    match engine.sweep().await {
        Ok(swept) if swept == SweepReport::default() => {}
        Ok(swept) => tracing::warn!(
            event = "sweep",
            released = swept.released,
            tried_again = swept.tried_again,
            uncertain = swept.uncertain,
            "a worker vanished while it had mails"
        ),
        Err(error) => failed("sweep", &error),
    }
}

async fn import(engine: Engine, inbox: PathBuf, stop: watch::Receiver<bool>) {
    let work = Box::pin(engine.import_inbox(&inbox));
    match Box::pin(engine.in_turn("inbox", work)).await {
        // Each file logs itself. What it asks for at once need not wait for the next tick.
        Ok(Some(Ok(files))) if !files.is_empty() => {
            if let Err(error) = send(&engine, &stop).await {
                failed("inbox", &error);
            }
        }
        Ok(None | Some(Ok(_))) => {}
        Ok(Some(Err(error))) | Err(error) => failed("inbox", &error),
    }
}

async fn purge_once(engine: Engine, ages: RetentionAges) {
    let work = Box::pin(engine.purge(&ages));
    match Box::pin(engine.in_turn("purge", work)).await {
        Ok(None) => {}
        Ok(Some(Ok(purged))) => tracing::info!(event = "purge", ?purged),
        Ok(Some(Err(error))) | Err(error) => failed("purge", &error),
    }
}

fn failed(job: &'static str, error: &EngineError) {
    tracing::error!(event = "job.failed", job, %error, "it runs again at its next tick");
}
