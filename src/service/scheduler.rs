//! tokio-cron-scheduler with what it leaves open: a job never overlaps itself, a panic is logged
//! and does not end it, and finishing waits for the runs under way.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::sync::{Mutex, watch};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// One run of a job.
pub(super) type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The scheduler knows whole seconds.
const SHORTEST: Duration = Duration::from_secs(1);

pub(super) struct Scheduler {
    inner: JobScheduler,
    stop: watch::Sender<bool>,
    running: Vec<Arc<Mutex<()>>>,
}

impl Scheduler {
    pub(super) async fn new() -> Result<Self, JobSchedulerError> {
        Ok(Self {
            inner: JobScheduler::new().await?,
            stop: watch::Sender::new(false),
            running: Vec::new(),
        })
    }

    /// Turns true when the service is to end; jobs begin nothing new then.
    pub(super) fn stop(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Runs a job once in `interval`, for the first time when the first one is over.
    ///
    /// `on_tick` is called at each tick, also when the last run is not over and no new one begins.
    pub(super) async fn every(
        &mut self,
        interval: Duration,
        name: &'static str,
        on_tick: impl Fn() + Send + Sync + 'static,
        work: impl Fn() -> Run + Send + Sync + 'static,
    ) -> Result<(), JobSchedulerError> {
        let busy = Arc::new(Mutex::new(()));
        self.running.push(Arc::clone(&busy));
        let stop = self.stop();
        let work = Arc::new(work);
        let job = Job::new_repeated_async(interval.max(SHORTEST), move |_, _| {
            on_tick();
            let (busy, stop, work) = (Arc::clone(&busy), stop.clone(), Arc::clone(&work));
            Box::pin(async move {
                if *stop.borrow() {
                    return;
                }
                let Ok(_one) = busy.try_lock() else { return };
                guarded(name, work()).await;
            })
        })?;
        self.inner.add(job).await?;
        Ok(())
    }

    pub(super) async fn start(&self) -> Result<(), JobSchedulerError> {
        self.inner.start().await
    }

    /// Begins no further run and waits for those under way.
    pub(super) async fn finish(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = self.inner.shutdown().await {
            tracing::warn!(event = "scheduler.shutdown", %error);
        }
        for busy in &self.running {
            let _over = busy.lock().await;
        }
    }
}

/// A run whose panic ends nothing else.
async fn guarded(name: &'static str, work: Run) {
    // The panic's own message was printed by the panic hook.
    if tokio::spawn(work).await.is_err() {
        tracing::error!(
            event = "job.panicked",
            job = name,
            "it runs again at its next tick; please report it"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    async fn within<T>(what: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), what)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_long_run_is_never_doubled_and_finishing_waits_for_it() {
        let mut scheduler = Scheduler::new().await.unwrap();
        let ticks = Arc::new(Semaphore::new(0));
        let gate = Arc::new(Semaphore::new(0));
        let runs = Arc::new(AtomicUsize::new(0));
        let over = Arc::new(AtomicUsize::new(0));
        let tick = Arc::clone(&ticks);
        let (g, r, o) = (Arc::clone(&gate), Arc::clone(&runs), Arc::clone(&over));
        scheduler
            .every(
                SHORTEST,
                "slow",
                move || tick.add_permits(1),
                move || {
                    let (gate, runs, over) = (Arc::clone(&g), Arc::clone(&r), Arc::clone(&o));
                    Box::pin(async move {
                        runs.fetch_add(1, Ordering::SeqCst);
                        let _permit = gate.acquire().await;
                        over.fetch_add(1, Ordering::SeqCst);
                    })
                },
            )
            .await
            .unwrap();
        scheduler.start().await.unwrap();
        within(ticks.acquire_many(3)).await.unwrap().forget();
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        let finishing = tokio::spawn(scheduler.finish());
        assert_eq!(over.load(Ordering::SeqCst), 0);
        gate.add_permits(10);
        within(finishing).await.unwrap();
        assert_eq!(over.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_job_that_panics_runs_again() {
        let mut scheduler = Scheduler::new().await.unwrap();
        let runs = Arc::new(Semaphore::new(0));
        let count = Arc::clone(&runs);
        scheduler
            .every(
                SHORTEST,
                "broken",
                || (),
                move || {
                    let count = Arc::clone(&count);
                    Box::pin(async move {
                        count.add_permits(1);
                        panic!("as the test wants");
                    })
                },
            )
            .await
            .unwrap();
        scheduler.start().await.unwrap();
        within(runs.acquire_many(2)).await.unwrap().forget();
        within(scheduler.finish()).await;
    }
}
