//! Times as the tables hold them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::clock::{Instant, from_millis};

/// Milliseconds since 1970-01-01 UTC, the form of every time in the tables.
///
/// The drivers' own time types differ between the engines and sort as text on SQLite.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct Ts(pub i64);

impl Ts {
    /// The instant.
    pub fn instant(self) -> Instant {
        from_millis(self.0)
    }
}

impl From<Instant> for Ts {
    fn from(at: Instant) -> Self {
        Self(at.timestamp_millis())
    }
}

impl From<Ts> for DateTime<Utc> {
    fn from(ts: Ts) -> Self {
        ts.instant()
    }
}

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.instant().fmt(f)
    }
}

impl fmt::Debug for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.instant(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_survives_the_round_trip() {
        for millis in [-1, 0, 1_700_000_000_123, 4_102_444_800_000] {
            let at = from_millis(millis);
            assert_eq!(Ts::from(at), Ts(millis));
            assert_eq!(Instant::from(Ts(millis)), at);
        }
    }
}
