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
        is_fresh(self.age(), self.interval)
    }
}

fn is_fresh(age: Duration, interval: Duration) -> bool {
    age < 2 * interval + POLLING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduler_that_misses_two_ticks_counts_as_dead() {
        let interval = Duration::from_secs(5);
        assert!(is_fresh(Duration::from_secs(10), interval));
        assert!(!is_fresh(Duration::from_secs(12), interval));
    }

    #[test]
    fn a_beat_makes_the_pulse_young_again() {
        let pulse = Pulse::new(Duration::from_secs(5));
        let before = pulse.age();
        pulse.beat();
        assert!(pulse.is_alive() && pulse.age() <= before.max(Duration::from_millis(100)));
    }
}
