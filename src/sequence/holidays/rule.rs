//! One line of a holiday file, and the dates it stands for.
//!
//! The form of a line is described in `config/holidays/README.md`.

use chrono::{Datelike, Days, Month, NaiveDate, Weekday};
use serde::Deserialize;

/// A holiday file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountryFile {
    pub(super) days: Vec<Line>,
}

/// One line of it, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    #[serde(deserialize_with = "parsed")]
    on: On,
    pub(super) name: String,
    from: Option<i32>,
    until: Option<i32>,
    every: Option<i32>,
    #[serde(default)]
    not_in: Vec<i32>,
    #[serde(default)]
    weekdays: Vec<Weekday>,
    #[serde(default, deserialize_with = "parsed_some")]
    except: Option<MonthDay>,
    #[serde(default)]
    regions: Vec<String>,
    #[serde(default)]
    not_regions: Vec<String>,
    observed: Option<Observed>,
}

/// What happens to a day that falls on a weekend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Observed {
    NextFreeWeekday,
    NearestWeekday,
    SundayToSaturday,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MonthDay {
    month: u32,
    day: u32,
}

/// The written date of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Fixed(MonthDay),
    /// Days after the Easter Sunday of the Gregorian calendar.
    Easter(i64),
    /// Days after the Easter Sunday of the Orthodox churches.
    Orthodox(i64),
    /// The nth such weekday of a month.
    Nth(u8, Weekday, u32),
    /// The last such weekday of a month.
    Last(Weekday, u32),
    /// The first such weekday at or after a day.
    AtOrAfter(Weekday, MonthDay),
    /// The last such weekday before a day.
    Before(Weekday, MonthDay),
}

fn parsed<'de, D: serde::Deserializer<'de>>(from: D) -> Result<On, D::Error> {
    let text = String::deserialize(from)?;
    On::parse(&text).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "`{text}` is no date of a holiday; write it as config/holidays/README.md says"
        ))
    })
}

fn parsed_some<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<MonthDay>, D::Error> {
    let text = String::deserialize(from)?;
    MonthDay::parse(&text)
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no day such as `05-01`")))
}

impl MonthDay {
    fn parse(text: &str) -> Option<Self> {
        let (month, day) = text.split_once('-')?;
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        // Any leap year: 02-29 may be written, it then exists in leap years only.
        NaiveDate::from_ymd_opt(2000, month, day)?;
        Some(Self { month, day })
    }

    fn of_year(self, year: i32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(year, self.month, self.day)
    }
}

impl On {
    fn parse(text: &str) -> Option<Self> {
        if let Some(days) = text.strip_prefix("easter") {
            return Some(Self::Easter(days.parse().ok()?));
        }
        if let Some(days) = text.strip_prefix("orthodox") {
            return Some(Self::Orthodox(days.parse().ok()?));
        }
        if let Some(fixed) = MonthDay::parse(text) {
            return Some(Self::Fixed(fixed));
        }
        let mut words = text.split(' ');
        let parts = [words.next()?, words.next()?, words.next()?];
        if words.next().is_some() {
            return None;
        }
        match parts {
            ["last", weekday, month] => Some(Self::Last(weekday.parse().ok()?, month_of(month)?)),
            [weekday, "from", day] => Some(Self::AtOrAfter(
                weekday.parse().ok()?,
                MonthDay::parse(day)?,
            )),
            [weekday, "before", day] => {
                Some(Self::Before(weekday.parse().ok()?, MonthDay::parse(day)?))
            }
            [nth, weekday, month] => {
                let nth = ["1st", "2nd", "3rd", "4th"]
                    .iter()
                    .zip(1..)
                    .find_map(|(word, n)| (*word == nth).then_some(n))?;
                Some(Self::Nth(nth, weekday.parse().ok()?, month_of(month)?))
            }
        }
    }

    fn of_year(self, year: i32) -> Option<NaiveDate> {
        match self {
            Self::Fixed(day) => day.of_year(year),
            Self::Easter(days) => shift(easter(year)?, days),
            Self::Orthodox(days) => shift(orthodox_easter(year)?, days),
            Self::Nth(nth, weekday, month) => {
                NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth)
            }
            Self::Last(weekday, month) => [5, 4]
                .into_iter()
                .find_map(|nth| NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth)),
            Self::AtOrAfter(weekday, day) => {
                let first = day.of_year(year)?;
                shift(first, i64::from(weekday.days_since(first.weekday())))
            }
            Self::Before(weekday, day) => {
                let end = day.of_year(year)?;
                let back = end.weekday().days_since(weekday);
                shift(end, -i64::from(if back == 0 { 7 } else { back }))
            }
        }
    }
}

fn month_of(name: &str) -> Option<u32> {
    name.parse::<Month>().ok().map(|m| m.number_from_month())
}

fn shift(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    let by = Days::new(days.unsigned_abs());
    if days < 0 {
        date.checked_sub_days(by)
    } else {
        date.checked_add_days(by)
    }
}

/// Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher).
pub(super) fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year.rem_euclid(19);
    let (century, of_century) = (year.div_euclid(100), year.rem_euclid(100));
    let correction = (8 * century + 13) / 25;
    let epact = (19 * golden + century - century / 4 - correction + 15).rem_euclid(30);
    let to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let days = epact + to_sunday - 7 * late + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(days / 31).ok()?,
        u32::try_from(days % 31 + 1).ok()?,
    )
}

/// Easter Sunday of the Orthodox churches: reckoned by the Julian calendar (Meeus), given in
/// the Gregorian one.
pub(super) fn orthodox_easter(year: i32) -> Option<NaiveDate> {
    let moon = (19 * year.rem_euclid(19) + 15) % 30;
    let to_sunday = (2 * year.rem_euclid(4) + 4 * year.rem_euclid(7) - moon + 34) % 7;
    let days = moon + to_sunday + 114;
    let julian = NaiveDate::from_ymd_opt(
        year,
        u32::try_from(days / 31).ok()?,
        u32::try_from(days % 31 + 1).ok()?,
    )?;
    let century = year.div_euclid(100);
    shift(julian, i64::from(century - century / 4 - 2))
}

impl Line {
    /// Whether the day is kept in a region. A line with `not_regions` counts where the region
    /// is unknown, a line with `regions` does not.
    pub(super) fn is_kept_in(&self, region: Option<&str>) -> bool {
        let named = |list: &[String]| {
            region.is_some_and(|region| list.iter().any(|r| r.eq_ignore_ascii_case(region)))
        };
        (self.regions.is_empty() || named(&self.regions)) && !named(&self.not_regions)
    }

    /// The day itself, where it is kept in that year.
    fn of_year(&self, year: i32) -> Option<NaiveDate> {
        let kept = self.from.is_none_or(|from| year >= from)
            && self.until.is_none_or(|until| year <= until)
            && !self.not_in.contains(&year)
            && self
                .every
                .is_none_or(|every| (year - self.from.unwrap_or(0)) % every.max(1) == 0);
        let date = self.on.of_year(year).filter(|_| kept)?;
        let counts = (self.weekdays.is_empty() || self.weekdays.contains(&date.weekday()))
            && self
                .except
                .is_none_or(|day| day.of_year(year) != Some(date));
        counts.then_some(date)
    }

    /// Whether there may be a place that keeps both days.
    fn meets(&self, other: &Self) -> bool {
        let apart = |a: &Self, b: &Self| {
            !a.regions.is_empty()
                && (a.regions.iter().all(|r| b.not_regions.contains(r))
                    || !b.regions.is_empty() && !a.regions.iter().any(|r| b.regions.contains(r)))
        };
        !apart(self, other) && !apart(other, self)
    }
}

/// The days off of a country that come from the holidays of one year, each with the index of
/// its line. A substitute may fall into the year before or after.
pub(super) fn days_of_year(lines: &[Line], year: i32) -> Vec<(NaiveDate, usize)> {
    let own: Vec<(NaiveDate, usize)> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((line.of_year(year)?, at)))
        .collect();
    let mut days = own.clone();
    for &(date, at) in &own {
        let line = &lines[at];
        let weekday = date.weekday();
        let weekend = matches!(weekday, Weekday::Sat | Weekday::Sun);
        let substitute = match line.observed {
            Some(Observed::NearestWeekday) if weekday == Weekday::Sat => shift(date, -1),
            Some(Observed::NearestWeekday) if weekday == Weekday::Sun => shift(date, 1),
            Some(Observed::NextFreeWeekday) if weekend => date.iter_days().skip(1).find(|day| {
                let taken = days
                    .iter()
                    .any(|(other, of)| other == day && line.meets(&lines[*of]));
                !taken && !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
            }),
            Some(Observed::SundayToSaturday) if weekday == Weekday::Sun => {
                days.retain(|day| *day != (date, at));
                shift(date, -1)
            }
            _ => None,
        };
        days.extend(substitute.map(|day| (day, at)));
    }
    days
}
