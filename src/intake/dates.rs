//! Dates as files write them.

use chrono::{FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::{
    clock::{Instant, cut_to_millis},
    order::TimePrecision,
};

/// A moment, and how exactly the file knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The moment; with day precision the first instant of that local day.
    pub at: Instant,
    /// How exact it is.
    pub precision: TimePrecision,
}

/// Why a text is no date we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateFault {
    /// Written with slashes: the day and the month cannot be told apart.
    #[error("a date with slashes may mean two days")]
    Slashes,
    /// Not one of the forms, or no day of the calendar.
    #[error("this is no date")]
    Form,
    /// A year no order of ours can have.
    #[error("the year is not between 2000 and 2099")]
    Year,
}

/// Reads `2026-03-02`, `2026-03-02 14:05[:30[.123]]`, `02.03.2026 [14:05[:30]]`, RFC 3339,
/// and each form with a time followed by an offset (` +0100`, `+01:00`, `Z`, ` UTC`).
///
/// Without an offset the time is the local time of `zone`. A local time the clocks
/// skip moves forward; one they show twice is the first of the two.
pub fn parse_date(text: &str, zone: Tz) -> Result<When, DateFault> {
    let text = text.trim();
    if !text.is_ascii() {
        return Err(DateFault::Form);
    }
    let end = text
        .find(|c: char| !matches!(c, '0'..='9' | '-' | '.' | '/'))
        .unwrap_or(text.len());
    let (day, rest) = text.split_at(end);
    if day.contains('/') {
        return Err(DateFault::Slashes);
    }
    let day = parse_day(day).ok_or(DateFault::Form)?;
    let rest = rest
        .strip_prefix(['T', 't', ' '])
        .map(str::trim)
        .or(rest.is_empty().then_some(""))
        .ok_or(DateFault::Form)?;
    if !(2000..2100).contains(&chrono::Datelike::year(&day)) {
        return Err(DateFault::Year);
    }
    if rest.is_empty() {
        let at = first_instant(day, zone).ok_or(DateFault::Form)?;
        return Ok(When {
            at,
            precision: TimePrecision::Day,
        });
    }
    let end = rest
        .find(|c: char| !matches!(c, '0'..='9' | ':' | '.'))
        .unwrap_or(rest.len());
    let (time, offset) = rest.split_at(end);
    let (time, precision) = parse_time(time).ok_or(DateFault::Form)?;
    let local = day.and_time(time);
    let at = match offset.trim() {
        "" => resolve(local, zone),
        offset => parse_offset(offset).and_then(|offset| {
            let at = offset.from_local_datetime(&local).single()?;
            Some(at.to_utc())
        }),
    }
    .ok_or(DateFault::Form)?;
    Ok(When {
        at: cut_to_millis(at),
        precision,
    })
}

fn parse_day(text: &str) -> Option<NaiveDate> {
    let separator = if text.contains('-') { '-' } else { '.' };
    let mut parts = text.split(separator);
    let (first, month, last) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, day) = if separator == '-' {
        (first, last)
    } else {
        (last, first)
    };
    let fits = parts.next().is_none()
        && year.len() == 4
        && (1..=2).contains(&month.len())
        && (1..=2).contains(&day.len());
    if !fits {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

fn parse_time(text: &str) -> Option<(NaiveTime, TimePrecision)> {
    let mut parts = text.split(':');
    let two_digits = |part: &str| {
        ((1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())
            .flatten()
    };
    let hour = two_digits(parts.next()?)?;
    let minute = two_digits(parts.next()?)?;
    let Some(seconds) = parts.next() else {
        let time = NaiveTime::from_hms_opt(hour, minute, 0)?;
        return Some((time, TimePrecision::Minute));
    };
    if parts.next().is_some() {
        return None;
    }
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let is_fraction =
        (1..=9).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    if !is_fraction {
        return None;
    }
    let millis = format!("{fraction:0<3}")[..3].parse().ok()?;
    let time = NaiveTime::from_hms_milli_opt(hour, minute, two_digits(seconds)?.min(59), millis)?;
    Some((time, TimePrecision::Second))
}

fn parse_offset(text: &str) -> Option<FixedOffset> {
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return FixedOffset::east_opt(0);
    }
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits = match digits.len() {
        5 if digits.as_bytes()[2] == b':' => format!("{}{}", &digits[..2], &digits[3..]),
        4 => digits.to_owned(),
        _ => return None,
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits[2..].parse().ok()?;
    if minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3_600 + minutes * 60))
}

fn first_instant(day: NaiveDate, zone: Tz) -> Option<Instant> {
    resolve(day.and_time(NaiveTime::MIN), zone)
}

/// The last second of the local day of an instant: how long an expected or promised day lasts.
pub(super) fn end_of_day(at: Instant, zone: Tz) -> Instant {
    let day = at.with_timezone(&zone).date_naive();
    day.succ_opt()
        .and_then(|next| first_instant(next, zone))
        .map_or(at, |next| next - TimeDelta::seconds(1))
}

/// The instant of a local time; a skipped one moves forward to the end of the gap.
fn resolve(local: NaiveDateTime, zone: Tz) -> Option<Instant> {
    // The longest gap on record is the whole day Samoa left out in 2011.
    const STEPS: i32 = 25 * 4;
    (0..=STEPS).find_map(|step| {
        let shifted = local.checked_add_signed(TimeDelta::minutes(15) * step)?;
        match zone.from_local_datetime(&shifted) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
            LocalResult::None => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use TimePrecision::{Day, Minute, Second};

    fn check(text: &str, expected: Result<(&str, TimePrecision), DateFault>) {
        let read = parse_date(text, chrono_tz::Europe::Berlin);
        let expected = expected.map(|(at, precision)| When {
            at: at.parse().unwrap(),
            precision,
        });
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn each_form_gives_its_moment_and_its_precision() {
        check("2026-03-02", Ok(("2026-03-01T23:00:00Z", Day)));
        check("02.03.2026", Ok(("2026-03-01T23:00:00Z", Day)));
        check("2.3.2026 8:05", Ok(("2026-03-02T07:05:00Z", Minute)));
        check("2026-03-02 14:05", Ok(("2026-03-02T13:05:00Z", Minute)));
        check("2026-03-02T14:05:30", Ok(("2026-03-02T13:05:30Z", Second)));
        check(
            " 2026-03-02 14:05:30 ",
            Ok(("2026-03-02T13:05:30Z", Second)),
        );
        check("2026-03-02T14:05:30Z", Ok(("2026-03-02T14:05:30Z", Second)));
        check("2026-03-02T14:05Z", Ok(("2026-03-02T14:05:00Z", Minute)));
        check(
            "2026-03-02T14:05:30.1239-05:00",
            Ok(("2026-03-02T19:05:30.123Z", Second)),
        );
        check(
            "2026-03-01 10:00:00 +0100",
            Ok(("2026-03-01T09:00:00Z", Second)),
        );
        check(
            "2026-03-01 10:00:00 UTC",
            Ok(("2026-03-01T10:00:00Z", Second)),
        );
    }

    #[test]
    fn a_skipped_local_time_moves_forward_and_a_doubled_one_is_the_first() {
        check("2026-03-29 02:30", Ok(("2026-03-29T01:00:00Z", Minute)));
        check("2026-10-25 02:30", Ok(("2026-10-25T00:30:00Z", Minute)));
    }

    #[test]
    fn other_text_is_refused_with_its_reason() {
        check("03/02/2026", Err(DateFault::Slashes));
        check("1899-12-30", Err(DateFault::Year));
        for text in [
            "",
            "soon",
            "2026-02-30",
            "2026-13-01",
            "26-03-02",
            "20260302",
            "2026-03-02 25:00",
            "2026-03-02 10",
            "2026-03-02 10:00:00:00",
            "2026-03-02 10:00:00.",
            "2026-03-02T10:00+1:0",
            "2026-03-02T10:00+9900",
            "2026-03-02x10:00",
            "45718",
            "2026-03-02 10:00:00 CET",
            "２０２６-03-02",
        ] {
            check(text, Err(DateFault::Form));
        }
    }
}
