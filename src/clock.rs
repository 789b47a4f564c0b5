//! The only reader of the wall clock.
//!
//! Everything that depends on the time takes a [`Clock`] or an instant, so a
//! test, `simulate` and `demo` can move the time and a run repeats exactly.
//! Instants are whole milliseconds in UTC: that is what the ledger stores, so a
//! value survives the round trip through the database unchanged.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// An instant in UTC, cut to milliseconds.
pub type Instant = DateTime<Utc>;

/// A source of the present time.
pub trait Clock: Send + Sync {
    /// The present instant, cut to milliseconds.
    fn now(&self) -> Instant;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Instant {
        cut_to_millis(Utc::now())
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock {
    millis: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Instant) -> Self {
        Self {
            millis: AtomicI64::new(start.timestamp_millis()),
        }
    }

    /// Moves the clock; a negative `by` moves it back.
    pub fn advance(&self, by: TimeDelta) {
        self.millis
            .fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }

    /// Puts the clock to `now`.
    pub fn set(&self, now: Instant) {
        self.millis.store(now.timestamp_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        from_millis(self.millis.load(Ordering::SeqCst))
    }
}

/// The instant cut to whole milliseconds.
pub fn cut_to_millis(at: Instant) -> Instant {
    from_millis(at.timestamp_millis())
}

/// The instant that many milliseconds after the epoch, held inside chrono's range.
pub fn from_millis(millis: i64) -> Instant {
    DateTime::from_timestamp_millis(millis).unwrap_or(if millis < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_when_told() {
        let start = from_millis(1_700_000_000_123);
        let clock = ManualClock::new(start);
        assert_eq!(clock.now(), start);
        clock.advance(TimeDelta::days(2));
        assert_eq!(clock.now(), start + TimeDelta::days(2));
        clock.set(start);
        assert_eq!(clock.now(), start);
    }

    #[test]
    fn system_clock_gives_whole_milliseconds() {
        let now = SystemClock.now();
        assert_eq!(now.timestamp_subsec_nanos() % 1_000_000, 0);
    }
}
