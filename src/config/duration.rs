//! Durations as people write them: `90s`, `10m`, `2d`, `1h30m`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A length of time in whole milliseconds.
///
/// A day is 24 hours: calendar days are the business of the send windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HumanDuration(u64);

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no duration; write a number and a unit (ms, s, m, h, d), such as `30s`, `10m` or `1h30m`"
)]
pub struct DurationError(pub String);

/// Units from long to short, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl HumanDuration {
    /// That many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// That many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// The length in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The length as the standard library counts it.
    pub const fn as_std(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// Whether nothing is left of it.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl FromStr for HumanDuration {
    type Err = DurationError;

    /// Numbers with units, long units first, each unit at most once: `1h30m`, `1h 30m`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim())
            .map(Self)
            .ok_or_else(|| DurationError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let unit = &rest[..letters];
        rest = rest[letters..].trim_start();
        // Walking on in the list refuses a unit that was written before or out of order.
        let (_, millis) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(count.checked_mul(*millis)?)?;
    }
    // Times are i64 milliseconds elsewhere.
    i64::try_from(total).ok()?;
    Some(total)
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, millis) in UNITS {
            let count = rest / millis;
            rest %= millis;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl From<HumanDuration> for Duration {
    fn from(duration: HumanDuration) -> Self {
        duration.as_std()
    }
}

impl From<HumanDuration> for String {
    fn from(duration: HumanDuration) -> Self {
        duration.to_string()
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(u64, &str)>) {
        let parsed = text.parse::<HumanDuration>().ok();
        assert_eq!(
            parsed.map(|d| (d.as_millis(), d.to_string())),
            expected.map(|(millis, shown)| (millis, shown.to_owned())),
            "{text}"
        );
    }

    #[test]
    fn numbers_with_units_are_read_and_shown_in_one_way() {
        check("30s", Some((30_000, "30s")));
        check("10m", Some((600_000, "10m")));
        check("90m", Some((5_400_000, "1h30m")));
        check("1h 30m", Some((5_400_000, "1h30m")));
        check("2d", Some((172_800_000, "2d")));
        check("14d", Some((1_209_600_000, "14d")));
        check("1500ms", Some((1_500, "1s500ms")));
        check("0s", Some((0, "0s")));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "10",
            "m",
            "-5m",
            "5 m",
            "1.5h",
            "30m1h",
            "5m5m",
            "5M",
            "5min",
            "ten",
            "5m,",
            "99999999999999999999s",
            "9999999999999999d",
            "５m",
        ] {
            check(text, None);
        }
    }
}
