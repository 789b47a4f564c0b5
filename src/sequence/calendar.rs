//! Local time: the only place that turns wall clocks into instants and back.
//!
//! A local time that a clock change skips moves forward to the first instant after the gap; one
//! that comes twice means the first (email-requirements T3). Every function is total: at the
//! edge of the calendar values are held, never wrapped.

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

use crate::clock::{Instant, cut_to_millis};

use super::{
    holidays::Holidays,
    hours::{DailyHours, SendHours},
    step::{Span, Window},
};

/// When an event happened, as exactly as its source says: one instant, or a whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnchorTime {
    /// Not before.
    pub earliest: Instant,
    /// Not after.
    pub latest: Instant,
}

impl AnchorTime {
    /// An event known to the second.
    pub const fn exact(at: Instant) -> Self {
        Self {
            earliest: at,
            latest: at,
        }
    }

    /// An event of which only the local day is known.
    pub fn whole_day(at: Instant, tz: Tz) -> Self {
        Self {
            earliest: start_of_day(at, tz),
            latest: end_of_day(at, tz),
        }
    }
}

/// The wall clock of a zone at an instant.
pub fn local(at: Instant, tz: Tz) -> NaiveDateTime {
    let utc = at.naive_utc();
    let offset = tz.offset_from_utc_datetime(&utc).fix();
    utc.checked_add_offset(offset).unwrap_or(utc)
}

/// The instant of a local time: in a gap the first instant after it, of two the first.
pub fn resolve(local: NaiveDateTime, tz: Tz) -> Instant {
    let candidates = tz.offset_from_local_datetime(&local);
    let offset = candidates
        .earliest()
        .into_iter()
        .chain(candidates.latest())
        .map(|offset| offset.fix())
        // The larger offset is the earlier instant.
        .max_by_key(chrono::FixedOffset::local_minus_utc);
    match offset {
        Some(offset) => local.checked_sub_offset(offset).map_or_else(
            || cut_to_millis(local.and_utc()),
            |utc| cut_to_millis(utc.and_utc()),
        ),
        None => end_of_gap(local, tz),
    }
}

/// The first instant whose wall clock is past a local time that no instant has.
fn end_of_gap(skipped: NaiveDateTime, tz: Tz) -> Instant {
    // Further than any offset, and than the day a zone skips when it crosses the date line.
    const REACH: i64 = 50 * 3_600_000;
    let middle = skipped.and_utc().timestamp_millis();
    let (mut before, mut after) = (middle.saturating_sub(REACH), middle.saturating_add(REACH));
    while after - before > 1 {
        let probe = before + (after - before) / 2;
        if local(crate::clock::from_millis(probe), tz) > skipped {
            after = probe;
        } else {
            before = probe;
        }
    }
    crate::clock::from_millis(after)
}

/// So many calendar days later (or earlier) at the same wall-clock time.
pub fn add_days(at: Instant, days: i64, tz: Tz) -> Instant {
    if days == 0 {
        return at;
    }
    let from = local(at, tz);
    let by = Days::new(days.unsigned_abs());
    let moved = if days < 0 {
        from.checked_sub_days(by)
    } else {
        from.checked_add_days(by)
    };
    match moved {
        Some(moved) => resolve(moved, tz),
        None if days < 0 => DateTime::<Utc>::MIN_UTC,
        None => DateTime::<Utc>::MAX_UTC,
    }
}

/// A span later: whole days keep the wall-clock time, the rest is elapsed time.
pub fn add_span(at: Instant, span: Span, tz: Tz) -> Instant {
    add_elapsed(
        add_days(at, span.whole_days(), tz),
        TimeDelta::minutes(span.minutes_of_day()),
    )
}

fn add_elapsed(at: Instant, by: TimeDelta) -> Instant {
    at.checked_add_signed(by)
        .unwrap_or(if by < TimeDelta::zero() {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
}

/// The first instant of the local day an instant lies in.
pub fn start_of_day(at: Instant, tz: Tz) -> Instant {
    resolve(local(at, tz).date().and_time(NaiveTime::MIN), tz)
}

/// The last millisecond of the local day an instant lies in.
pub fn end_of_day(at: Instant, tz: Tz) -> Instant {
    match local(at, tz).date().succ_opt() {
        Some(next) => resolve(next.and_time(NaiveTime::MIN), tz) - TimeDelta::milliseconds(1),
        None => at,
    }
}

/// From when to when a mail may go, strict under both readings of a day: 24 hours, and a day of
/// the recipient's calendar. For relationship mail, whose days are a promise.
///
/// Both ends are allowed instants. The window is empty (`from` after `to`) where the anchor is
/// too vague for it.
pub fn window(anchor: &AnchorTime, window: &Window, tz: Tz) -> (Instant, Instant) {
    let both = |at: Instant, span: Span| (add_elapsed(at, span.elapsed()), add_span(at, span, tz));
    let from = both(anchor.latest, window.from);
    let to = both(anchor.earliest, window.to);
    (from.0.max(from.1), to.0.min(to.1))
}

/// From when to when a mail may go by elapsed time alone. For transactional mail: an event
/// known by its day counts from that day's beginning to its end, so that news is not held back.
pub fn elapsed_window(anchor: &AnchorTime, window: &Window) -> (Instant, Instant) {
    (
        add_elapsed(anchor.earliest, window.from.elapsed()),
        add_elapsed(anchor.latest, window.to.elapsed()),
    )
}

/// Send hours laid over the real days of one recipient.
#[derive(Debug, Clone, Copy)]
pub struct SendCalendar<'a> {
    /// The hours and days allowed.
    pub hours: &'a SendHours,
    /// The recipient's zone.
    pub tz: Tz,
    /// Ship-to country, ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
    /// Ship-to region, for regional holidays.
    pub region: Option<&'a str>,
    /// The holidays to leave out, where the hours say so.
    pub holidays: &'a Holidays,
}

/// One open stretch: from the first allowed instant to the first that no longer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSpan {
    /// The first allowed instant.
    pub from: Instant,
    /// The first instant that is not allowed any more.
    pub to: Instant,
}

/// After so many days without an allowed one there is none: bounds the search.
const FURTHEST: i64 = 400;

impl<'a> SendCalendar<'a> {
    /// The first allowed instant at or after `not_before` and at or before `until`.
    pub fn first_allowed(&self, not_before: Instant, until: Instant) -> Option<Instant> {
        let first = match self.hours {
            SendHours::Always => not_before,
            SendHours::Within(hours) => self.spans(hours, not_before, until).next()?.from,
        };
        (first <= until).then_some(first)
    }

    /// The last allowed instant (whole milliseconds) in the same range.
    pub fn last_allowed(&self, not_before: Instant, until: Instant) -> Option<Instant> {
        let last = match self.hours {
            SendHours::Always => until,
            SendHours::Within(hours) => {
                let span = self.spans(hours, not_before, until).last()?;
                until.min(span.to - TimeDelta::milliseconds(1))
            }
        };
        (last >= not_before).then_some(last)
    }

    /// Whether an instant is allowed.
    pub fn is_allowed(&self, at: Instant) -> bool {
        self.first_allowed(at, at).is_some()
    }

    /// The open stretches between two instants, in order, cut to them; at most 400 days of them.
    pub fn allowed_spans(&self, from: Instant, until: Instant) -> Vec<OpenSpan> {
        let end = add_elapsed(until, TimeDelta::milliseconds(1));
        match self.hours {
            SendHours::Always if from <= until => vec![OpenSpan { from, to: end }],
            SendHours::Always => Vec::new(),
            SendHours::Within(hours) => self
                .spans(hours, from, until)
                .map(|span| OpenSpan {
                    to: span.to.min(end),
                    ..span
                })
                .collect(),
        }
    }

    /// The holiday that closes the local day of an instant, for `why`.
    pub fn holiday_at(&self, at: Instant) -> Option<&'a str> {
        self.holiday(local(at, self.tz).date())
    }

    fn holiday(&self, date: NaiveDate) -> Option<&'a str> {
        self.holidays.is_holiday(self.country?, self.region, date)
    }

    /// The open stretches that touch `[not_before, until]`, their beginnings cut to it.
    fn spans(
        &self,
        hours: &'a DailyHours,
        not_before: Instant,
        until: Instant,
    ) -> impl Iterator<Item = OpenSpan> + use<'_, 'a> {
        let today = local(not_before, self.tz).date();
        // The hours of yesterday may run into today.
        let first = today.pred_opt().unwrap_or(today);
        let furthest = if hours.weekdays.is_empty() {
            0
        } else {
            FURTHEST
        };
        (0..furthest)
            .map_while(move |days| first.checked_add_days(Days::new(days.unsigned_abs())))
            .take_while(move |date| {
                // A day's wall clock begins at most a day away from the same day in UTC.
                date.and_time(NaiveTime::MIN).and_utc() <= add_elapsed(until, TimeDelta::days(1))
            })
            .filter(move |date| self.is_open_on(hours, *date))
            .filter_map(move |date| {
                let last = if hours.run_overnight() {
                    date.succ_opt()?
                } else {
                    date
                };
                let from = resolve(date.and_time(hours.from), self.tz).max(not_before);
                let to = resolve(last.and_time(hours.to), self.tz);
                (from < to && from <= until).then_some(OpenSpan { from, to })
            })
    }

    fn is_open_on(&self, hours: &DailyHours, date: NaiveDate) -> bool {
        hours.weekdays.contains(&date.weekday())
            && !(hours.skip_holidays && self.holiday(date).is_some())
    }
}

#[cfg(test)]
mod tests;
