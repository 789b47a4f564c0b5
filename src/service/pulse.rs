//! The sign of life of the scheduler, for readiness.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The scheduler looks for due jobs twice a second; a tick may be that much late.
const POLLING: Duration = Duration::from_secs(1);

/// When the scheduler ticked last.
#[derive(Debug)]
pub struct Pulse {
    interval: Duration,
    last: Mutex<Instant>,
}

impl Pulse {
    /// A pulse that should beat once in `interval`, starting now.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: Mutex::new(Instant::now()),
        }
    }

    /// The scheduler ticked.
    pub(super) fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long ago the scheduler ticked last.
    pub fn age(&self) -> Duration {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
    }

    /// Whether the last tick is less than two intervals old (email-requirements O6).
    pub fn is_alive(&self) -> bool {
        self.age() < 2 * self.interval + POLLING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_scheduler_that_misses_two_ticks_counts_as_dead_until_it_ticks_again() {
        let pulse = Pulse::new(Duration::from_secs(5));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(pulse.is_alive());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!pulse.is_alive());
        pulse.beat();
        assert!(pulse.is_alive());
    }
}
