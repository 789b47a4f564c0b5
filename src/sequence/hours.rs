//! Send hours: at which local times and on which days a mail may go.
//!
//! Only their form and checks; [`super::calendar`] lays them over real days.

use std::fmt;

use chrono::{NaiveTime, Timelike, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::step::Span;

/// When a mail may go, by the recipient's clock and calendar.
///
/// In configuration: `"always"`, or a table with `from`, `to`, `weekdays`, `skip_holidays`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendHours {
    /// At any time.
    Always,
    /// Only inside daily hours on allowed days.
    Within(DailyHours),
}

/// Daily hours on allowed days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct DailyHours {
    /// First allowed local minute.
    pub from: NaiveTime,
    /// The local minute from which it may no longer go. At or before `from`: the hours run
    /// overnight into the next day and belong to the day they began on.
    pub to: NaiveTime,
    /// Days on which the hours may begin, Monday first.
    pub weekdays: Vec<Weekday>,
    /// Whether public holidays of the ship-to country are left out.
    pub skip_holidays: bool,
}

/// Why hours cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// A time that is none.
    #[error("`{0}` is no time of day; write hours and minutes such as `09:00`")]
    Time(String),
    /// A day that is none.
    #[error("`{0}` is no weekday; known are mon, tue, wed, thu, fri, sat, sun")]
    Weekday(String),
    /// A day that is named twice.
    #[error("the weekday `{0}` is named twice; name it once")]
    Twice(Weekday),
    /// No day at all.
    #[error(
        "no weekday is allowed, so nothing could ever be sent; name at least one of mon, tue, wed, thu, fri, sat, sun"
    )]
    NoWeekday,
}

/// The hours as configuration writes them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: String,
    to: String,
    #[serde(default = "every_day")]
    weekdays: Vec<String>,
    #[serde(default)]
    skip_holidays: bool,
}

const WEEK: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

fn every_day() -> Vec<String> {
    WEEK.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// Reads `mon` to `sun`.
pub fn parse_weekday(text: &str) -> Result<Weekday, HoursError> {
    WEEK.iter()
        .find_map(|(name, day)| (*name == text).then_some(*day))
        .ok_or_else(|| HoursError::Weekday(text.to_owned()))
}

/// Reads `HH:MM`.
pub fn parse_time(text: &str) -> Result<NaiveTime, HoursError> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .ok()
        .filter(|_| text.len() == 5)
        .ok_or_else(|| HoursError::Time(text.to_owned()))
}

impl DailyHours {
    /// Hours whose weekdays are checked and sorted, Monday first.
    pub fn new(
        from: NaiveTime,
        to: NaiveTime,
        mut weekdays: Vec<Weekday>,
        skip_holidays: bool,
    ) -> Result<Self, HoursError> {
        if weekdays.is_empty() {
            return Err(HoursError::NoWeekday);
        }
        weekdays.sort_unstable_by_key(Weekday::num_days_from_monday);
        if let Some(pair) = weekdays.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(HoursError::Twice(pair[0]));
        }
        Ok(Self {
            from,
            to,
            weekdays,
            skip_holidays,
        })
    }

    /// Whether the hours run past midnight into the next day.
    pub fn run_overnight(&self) -> bool {
        self.to <= self.from
    }

    /// How long the hours are open on an allowed day, in seconds of wall-clock time.
    fn open_seconds(&self) -> i64 {
        let (from, to) = (seconds(self.from), seconds(self.to));
        if self.run_overnight() {
            to + DAY - from
        } else {
            to - from
        }
    }
}

const DAY: i64 = 24 * 3600;

fn seconds(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight())
}

impl SendHours {
    /// Whether no mail with a window of that length can ever go, on whatever date it begins:
    /// the window ends before it begins, or no day is allowed.
    pub fn can_never_open(&self, window_length: Span) -> bool {
        let closed = match self {
            Self::Always => false,
            Self::Within(hours) => hours.weekdays.is_empty(),
        };
        closed || window_length < Span::ZERO
    }

    /// The longest time of a week without an allowed minute, rounded up to minutes. A window at
    /// least this long always holds an allowed minute, holidays and clock changes aside; a
    /// shorter one may hold none, depending on the day it begins. `None`: never open.
    pub fn longest_closed(&self) -> Option<Span> {
        let Self::Within(hours) = self else {
            return Some(Span::ZERO);
        };
        let mut starts: Vec<i64> = hours
            .weekdays
            .iter()
            .map(|day| i64::from(day.num_days_from_monday()) * DAY + seconds(hours.from))
            .collect();
        starts.sort_unstable();
        starts.push(starts.first()? + 7 * DAY);
        let closed = starts
            .windows(2)
            .map(|pair| (pair[1] - pair[0] - hours.open_seconds()).max(0))
            .max()?;
        Some(Span::minutes((closed + 59) / 60))
    }

    /// Whether a window of that length may, on some dates, hold no allowed minute even without
    /// a holiday: `check` warns of it, because such mails end as `no_allowed_time`.
    pub fn may_stay_closed(&self, window_length: Span) -> bool {
        self.longest_closed()
            .is_none_or(|closed| closed > Span::ZERO && window_length < closed)
    }
}

impl TryFrom<Written> for DailyHours {
    type Error = HoursError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let weekdays = written.weekdays.iter().map(|day| parse_weekday(day));
        Self::new(
            parse_time(&written.from)?,
            parse_time(&written.to)?,
            weekdays.collect::<Result<_, _>>()?,
            written.skip_holidays,
        )
    }
}

impl From<DailyHours> for Written {
    fn from(hours: DailyHours) -> Self {
        let name = |day: &Weekday| {
            let at = day.num_days_from_monday() as usize;
            WEEK[at].0.to_owned()
        };
        Self {
            from: hours.from.format("%H:%M").to_string(),
            to: hours.to.format("%H:%M").to_string(),
            weekdays: hours.weekdays.iter().map(name).collect(),
            skip_holidays: hours.skip_holidays,
        }
    }
}

impl Serialize for SendHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Always => serializer.serialize_str("always"),
            Self::Within(hours) => hours.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SendHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HoursVisitor;

        impl<'de> de::Visitor<'de> for HoursVisitor {
            type Value = SendHours;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`\"always\"` or a table with `from` and `to`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SendHours, E> {
                match text {
                    "always" => Ok(SendHours::Always),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<SendHours, A::Error> {
                DailyHours::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(SendHours::Within)
            }
        }

        deserializer.deserialize_any(HoursVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        hours: SendHours,
    }

    fn read(toml: &str) -> Result<SendHours, String> {
        toml::from_str::<Holder>(&format!("hours = {toml}"))
            .map(|holder| holder.hours)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn hours_read_back_from_what_they_write() {
        for text in [
            "\"always\"",
            r#"{ from = "09:00", to = "19:00", weekdays = ["mon", "sat"], skip_holidays = true }"#,
            r#"{ from = "22:00", to = "06:00" }"#,
        ] {
            let hours = read(text).unwrap();
            let written = toml::to_string(&Holder {
                hours: hours.clone(),
            })
            .unwrap();
            let again: Holder = toml::from_str(&written).unwrap();
            assert_eq!(again.hours, hours, "{written}");
        }
    }

    #[test]
    fn hours_that_cannot_be_meant_are_refused() {
        for (text, expected) in [
            (
                r#"{ from = "9:00", to = "19:00" }"#,
                "`9:00` is no time of day",
            ),
            (
                r#"{ from = "09:00", to = "24:00" }"#,
                "`24:00` is no time of day",
            ),
            (
                r#"{ from = "09:00", to = "19:00", weekdays = [] }"#,
                "no weekday is allowed",
            ),
            (
                r#"{ from = "09:00", to = "19:00", weekdays = ["Montag"] }"#,
                "`Montag` is no weekday",
            ),
            (
                r#"{ from = "09:00", to = "19:00", weekdays = ["mon", "mon"] }"#,
                "named twice",
            ),
            (
                r#"{ from = "09:00", to = "19:00", days = ["mon"] }"#,
                "unknown field `days`",
            ),
            (r#""sometimes""#, "always"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_longest_closed_time_is_found_on_the_week() {
        let hours = |from: &str, to: &str, days: &[&str]| {
            let days = days.iter().map(|day| parse_weekday(day).unwrap()).collect();
            let hours = DailyHours::new(
                parse_time(from).unwrap(),
                parse_time(to).unwrap(),
                days,
                true,
            );
            SendHours::Within(hours.unwrap())
        };
        let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        for (hours, closed) in [
            (SendHours::Always, Span::ZERO),
            (hours("00:00", "00:00", &week), Span::ZERO),
            (hours("09:00", "19:00", &week), Span::hours(14)),
            (hours("09:00", "19:00", &week[..6]), Span::hours(38)),
            (hours("22:00", "06:00", &week[..5]), Span::hours(64)),
            (hours("09:00", "10:00", &["wed"]), Span::hours(7 * 24 - 1)),
        ] {
            assert_eq!(hours.longest_closed(), Some(closed), "{hours:?}");
            assert!(!hours.may_stay_closed(closed));
            assert_eq!(
                hours.may_stay_closed(Span::minutes(closed.as_minutes() - 1)),
                closed > Span::ZERO
            );
            assert!(!hours.can_never_open(Span::ZERO));
            assert!(hours.can_never_open(Span::days(-1)));
        }
        let shut = SendHours::Within(DailyHours {
            from: NaiveTime::MIN,
            to: NaiveTime::MIN,
            weekdays: Vec::new(),
            skip_holidays: false,
        });
        assert!(shut.can_never_open(Span::days(9)) && shut.may_stay_closed(Span::days(9)));
    }
}
