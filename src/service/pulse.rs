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
        is_in_time(self.age(), self.interval)
    }
}

fn is_in_time(age: Duration, interval: Duration) -> bool {
    age < 2 * interval + POLLING
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(age: u64, expected: bool) {
        let is_alive = is_in_time(Duration::from_secs(age), Duration::from_secs(5));
        assert_eq!(is_alive, expected, "{age}");
    }

    #[test]
    fn a_scheduler_that_misses_two_ticks_counts_as_dead() {
        check(0, true);
        check(10, true);
        check(12, false);
    }

    #[test]
    fn a_tick_makes_it_young_again() {
        let pulse = Pulse::new(Duration::ZERO);
        let before = *pulse.last.lock().unwrap();
        pulse.beat();
        assert!(*pulse.last.lock().unwrap() >= before);
        assert!(pulse.is_alive());
    }
}
