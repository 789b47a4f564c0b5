use super::*;
use chrono::Weekday;
use chrono_tz::{America, Asia, Australia, Europe, Pacific, TZ_VARIANTS};

fn at(text: &str) -> Instant {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn wall(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn hours(from: &str, to: &str, days: &str) -> SendHours {
    let days = days
        .split(' ')
        .map(|day| super::super::hours::parse_weekday(day).unwrap());
    let time = |text| super::super::hours::parse_time(text).unwrap();
    SendHours::Within(DailyHours::new(time(from), time(to), days.collect(), true).unwrap())
}

const WORKDAYS: &str = "mon tue wed thu fri sat";
const EVERY_DAY: &str = "mon tue wed thu fri sat sun";

#[test]
fn skipped_local_times_move_forward_and_doubled_ones_mean_the_first() {
    for (tz, local, expected) in [
        (Europe::Warsaw, "2026-07-01 12:00", "2026-07-01T10:00:00Z"),
        (Europe::Warsaw, "2026-03-29 02:00", "2026-03-29T01:00:00Z"),
        (Europe::Warsaw, "2026-03-29 02:30", "2026-03-29T01:00:00Z"),
        (Europe::Warsaw, "2026-03-29 03:00", "2026-03-29T01:00:00Z"),
        (Europe::Warsaw, "2026-10-25 02:30", "2026-10-25T00:30:00Z"),
        (Europe::Warsaw, "2026-10-25 03:00", "2026-10-25T02:00:00Z"),
        (
            America::Santiago,
            "2026-09-06 00:00",
            "2026-09-06T04:00:00Z",
        ),
        (
            Australia::Lord_Howe,
            "2026-10-04 02:10",
            "2026-10-03T15:30:00Z",
        ),
        (Pacific::Apia, "2011-12-30 10:00", "2011-12-30T10:00:00Z"),
    ] {
        assert_eq!(resolve(wall(local), tz), at(expected), "{tz} {local}");
    }
}

/// Offset changes between two years, found day by day and then halved down.
fn changes(tz: Tz, from: i32, to: i32) -> Vec<Instant> {
    let year = |y: i32| {
        let first = NaiveDate::from_ymd_opt(y, 1, 1).unwrap();
        first.and_time(NaiveTime::MIN).and_utc()
    };
    let offset = |at: Instant| local(at, tz) - at.naive_utc();
    let mut found = Vec::new();
    let mut day = year(from);
    while day < year(to) {
        let next = day + TimeDelta::days(1);
        if offset(day) != offset(next) {
            let (mut low, mut high) = (day, next);
            while high - low > TimeDelta::seconds(1) {
                let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
                if offset(middle) == offset(low) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            found.push(high);
        }
        day = next;
    }
    found
}

#[test]
fn resolving_is_total_and_monotone_around_every_change_of_every_zone() {
    let mut seen = 0;
    for &tz in &TZ_VARIANTS {
        for change in changes(tz, 2024, 2031) {
            seen += 1;
            let before = change - TimeDelta::milliseconds(1);
            let (old, new) = (local(before, tz), local(change, tz));
            let mut last = None;
            for minutes in -200..=200 {
                let wall = old.min(new) + TimeDelta::minutes(minutes);
                let got = resolve(wall, tz);
                assert!(last.is_none_or(|last| last <= got), "{tz} {wall}");
                last = Some(got);
                if wall > old && wall < new {
                    assert_eq!(got, change, "{tz} {wall} lies in a gap");
                } else {
                    assert_eq!(local(got, tz), cut_to_millis(wall.and_utc()).naive_utc());
                    // No earlier instant reads the same on the clock.
                    let earlier = got - (old - new).max(TimeDelta::zero());
                    assert!(earlier == got || local(earlier, tz) != wall, "{tz} {wall}");
                }
            }
        }
    }
    assert!(seen > 1000, "only {seen} changes were looked at");
}

#[test]
fn every_function_holds_at_the_ends_of_time() {
    for tz in [Asia::Tokyo, America::New_York, Pacific::Kiritimati] {
        for end in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            for days in [-1, 1, i64::MIN, i64::MAX] {
                add_days(end, days, tz);
            }
            start_of_day(end, tz);
            end_of_day(end, tz);
            window(&AnchorTime::exact(end), &two_to_five(), tz);
        }
        resolve(NaiveDateTime::MIN, tz);
        resolve(NaiveDateTime::MAX, tz);
    }
}

#[test]
fn a_day_later_is_the_same_time_on_the_wall() {
    let warsaw = Europe::Warsaw;
    for (from, days, expected) in [
        ("2026-03-28T11:00:00Z", 1, "2026-03-29T10:00:00Z"),
        ("2026-03-28T01:30:00Z", 1, "2026-03-29T01:00:00Z"),
        ("2026-10-24T10:00:00Z", 1, "2026-10-25T11:00:00Z"),
        ("2026-10-26T11:00:00Z", -2, "2026-10-24T10:00:00Z"),
        ("2026-10-25T01:30:00Z", 0, "2026-10-25T01:30:00Z"),
        ("2028-02-28T11:00:00Z", 1, "2028-02-29T11:00:00Z"),
    ] {
        assert_eq!(add_days(at(from), days, warsaw), at(expected), "{from}");
    }
}

#[test]
fn days_begin_and_end_where_the_zone_says() {
    for (tz, now, start, end) in [
        (
            Europe::Warsaw,
            "2026-03-29T12:00:00Z",
            "2026-03-28T23:00:00Z",
            "2026-03-29T21:59:59.999Z",
        ),
        (
            Europe::Warsaw,
            "2026-10-25T00:00:00Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T22:59:59.999Z",
        ),
        // In Santiago midnight itself is skipped.
        (
            America::Santiago,
            "2026-09-06T12:00:00Z",
            "2026-09-06T04:00:00Z",
            "2026-09-07T02:59:59.999Z",
        ),
    ] {
        assert_eq!(start_of_day(at(now), tz), at(start));
        assert_eq!(end_of_day(at(now), tz), at(end));
    }
}

fn two_to_five() -> Window {
    Window {
        from: Span::days(2),
        to: Span::days(5),
    }
}

#[test]
fn a_strict_window_holds_under_both_readings_of_a_day() {
    let warsaw = Europe::Warsaw;
    for (delivered, from, to) in [
        (
            "2026-07-01T10:00:00Z",
            "2026-07-03T10:00:00Z",
            "2026-07-06T10:00:00Z",
        ),
        // Into summer time: calendar days are an hour shorter.
        (
            "2026-03-28T11:00:00Z",
            "2026-03-30T11:00:00Z",
            "2026-04-02T10:00:00Z",
        ),
        // Out of it: an hour longer.
        (
            "2026-10-24T10:00:00Z",
            "2026-10-26T11:00:00Z",
            "2026-10-29T10:00:00Z",
        ),
    ] {
        let anchor = AnchorTime::exact(at(delivered));
        assert_eq!(
            window(&anchor, &two_to_five(), warsaw),
            (at(from), at(to)),
            "{delivered}"
        );
        assert_eq!(
            elapsed_window(&anchor, &two_to_five()),
            (
                at(delivered) + TimeDelta::days(2),
                at(delivered) + TimeDelta::days(5)
            )
        );
    }
    let day = AnchorTime::whole_day(at("2026-07-01T10:00:00Z"), warsaw);
    assert_eq!(
        window(&day, &two_to_five(), warsaw),
        (at("2026-07-03T21:59:59.999Z"), at("2026-07-05T22:00:00Z"))
    );
}

#[test]
fn strict_windows_stay_inside_both_readings_in_every_zone() {
    for &tz in &TZ_VARIANTS {
        for change in changes(tz, 2025, 2027) {
            for hours in -140..=20 {
                let anchor = change + TimeDelta::minutes(hours * 60 + 7);
                let (from, to) = window(&AnchorTime::exact(anchor), &two_to_five(), tz);
                assert!(from - anchor >= TimeDelta::days(2) && to - anchor <= TimeDelta::days(5));
                assert!(from >= add_days(anchor, 2, tz) && to <= add_days(anchor, 5, tz));
                assert!(from < to);
            }
        }
    }
}

/// Each case is `not before, until -> first allowed`, in UTC; `-` for none.
fn check(hours: &SendHours, tz: Tz, country: &str, cases: &[&str]) {
    for case in cases {
        let (range, expected) = case.split_once(" -> ").unwrap();
        let (from, until) = range.split_once(", ").unwrap();
        let calendar = SendCalendar {
            hours,
            tz,
            country: Some(country),
            region: None,
            holidays: Holidays::builtin(),
        };
        let utc = |text: &str| at(&format!("{text}Z"));
        let expected = Some(expected).filter(|text| *text != "-").map(utc);
        assert_eq!(
            calendar.first_allowed(utc(from), utc(until)),
            expected,
            "{hours:?} {case}"
        );
    }
}

#[test]
fn the_first_allowed_instant_of_daytime_hours_is_found() {
    let day = hours("09:00", "19:00", WORKDAYS);
    check(
        &day,
        Europe::Warsaw,
        "PL",
        &[
            // Inside, before and after the hours.
            "2026-07-01T10:00:00.250, 2026-07-09T00:00:00 -> 2026-07-01T10:00:00.250",
            "2026-07-01T03:00:00, 2026-07-09T00:00:00 -> 2026-07-01T07:00:00",
            "2026-07-01T17:00:00, 2026-07-09T00:00:00 -> 2026-07-02T07:00:00",
            // Saturday evening: Sunday is left out.
            "2026-07-04T18:00:00, 2026-07-09T00:00:00 -> 2026-07-06T07:00:00",
            // Never past the end, not even by a millisecond.
            "2026-07-04T18:00:00, 2026-07-06T07:00:00 -> 2026-07-06T07:00:00",
            "2026-07-04T18:00:00, 2026-07-06T06:59:59.999 -> -",
            "2026-07-01T10:00:00, 2026-07-01T09:00:00 -> -",
            // Delivered on 22 December: Christmas and a Sunday fill day 2 to 5.
            "2026-12-24T08:00:00, 2026-12-27T08:00:00 -> -",
            "2026-12-24T08:00:00, 2026-12-28T08:00:00 -> 2026-12-28T08:00:00",
        ],
    );
    check(
        &day,
        Europe::Berlin,
        "DE",
        &["2026-12-24T08:00:00, 2026-12-27T08:00:00 -> 2026-12-24T08:00:00"],
    );
    check(
        &SendHours::Always,
        Europe::Warsaw,
        "PL",
        &[
            "2026-12-25T02:00:00, 2026-12-25T02:00:00 -> 2026-12-25T02:00:00",
            "2026-12-25T02:00:00, 2026-12-25T01:00:00 -> -",
        ],
    );
}

#[test]
fn overnight_hours_belong_to_the_day_they_began_on() {
    let friday_night = hours("22:00", "06:00", "fri");
    check(
        &friday_night,
        Europe::Warsaw,
        "PL",
        &[
            "2026-07-03T12:00:00, 2026-07-09T00:00:00 -> 2026-07-03T20:00:00",
            "2026-07-04T03:59:00, 2026-07-09T00:00:00 -> 2026-07-04T03:59:00",
            "2026-07-04T04:00:00, 2026-07-30T00:00:00 -> 2026-07-10T20:00:00",
            // Friday 1 May is a holiday: its night is closed too, though it ends on a Saturday.
            "2026-05-02T01:00:00, 2026-05-05T00:00:00 -> -",
            // The night from a Friday into a holiday, 15 August, is open.
            "2026-08-14T23:00:00, 2026-08-15T00:00:00 -> 2026-08-14T23:00:00",
        ],
    );
    let around_the_clock = hours("12:00", "12:00", "sat");
    check(
        &around_the_clock,
        Europe::Warsaw,
        "PL",
        &[
            "2026-07-04T09:00:00, 2026-07-06T00:00:00 -> 2026-07-04T10:00:00",
            "2026-07-05T09:59:00, 2026-07-06T00:00:00 -> 2026-07-05T09:59:00",
            "2026-07-05T10:00:00, 2026-07-06T00:00:00 -> -",
        ],
    );
}

fn night(hours: &SendHours) -> SendCalendar<'_> {
    SendCalendar {
        hours,
        tz: Europe::Warsaw,
        country: None,
        region: None,
        holidays: Holidays::builtin(),
    }
}

#[test]
fn hours_inside_a_clock_change_are_neither_doubled_nor_stretched() {
    let spans = |hours: &SendHours, date: &str| {
        let start = at(&format!("{date}T00:00:00Z"));
        let spans =
            night(hours).allowed_spans(start - TimeDelta::hours(1), start + TimeDelta::hours(20));
        spans
            .into_iter()
            .map(|span| (span.to - span.from).num_minutes())
            .collect::<Vec<_>>()
    };
    let one_night = |from, to| hours(from, to, EVERY_DAY);
    // The hour is skipped: nothing is open. It comes twice: it counts once.
    assert_eq!(
        spans(&one_night("02:10", "02:50"), "2026-03-29"),
        Vec::<i64>::new()
    );
    assert_eq!(spans(&one_night("02:30", "04:00"), "2026-03-29"), [60]);
    assert_eq!(spans(&one_night("02:10", "02:50"), "2026-10-25"), [40]);
    assert_eq!(spans(&one_night("01:00", "04:00"), "2026-10-25"), [240]);
}

#[test]
fn the_last_allowed_instant_mirrors_the_first() {
    let day = hours("09:00", "19:00", WORKDAYS);
    let calendar = SendCalendar {
        hours: &day,
        tz: Europe::Warsaw,
        country: Some("PL"),
        region: None,
        holidays: Holidays::builtin(),
    };
    for (from, until, expected) in [
        (
            "2026-07-01T03:00:00Z",
            "2026-07-05T12:00:00Z",
            Some("2026-07-04T16:59:59.999Z"),
        ),
        (
            "2026-07-01T03:00:00Z",
            "2026-07-04T09:00:00Z",
            Some("2026-07-04T09:00:00Z"),
        ),
        ("2026-07-04T17:00:00Z", "2026-07-05T12:00:00Z", None),
    ] {
        assert_eq!(
            calendar.last_allowed(at(from), at(until)),
            expected.map(at),
            "{from}"
        );
    }
    assert_eq!(
        calendar.holiday_at(at("2026-12-24T12:00:00Z")),
        Some("Christmas Eve")
    );
    assert!(!calendar.is_allowed(at("2026-12-24T12:00:00Z")));
}

#[test]
fn no_answer_takes_forever() {
    let shut = SendHours::Within(DailyHours {
        from: NaiveTime::MIN,
        to: NaiveTime::MIN,
        weekdays: Vec::new(),
        skip_holidays: true,
    });
    let all_days = hours("09:00", "10:00", "mon");
    let mut holidays = Holidays::none();
    for day in NaiveDate::from_ymd_opt(2026, 1, 1)
        .unwrap()
        .iter_days()
        .take(3000)
    {
        holidays = holidays.with_extra("PL", day, "closed").unwrap();
    }
    for hours in [&shut, &all_days] {
        let calendar = SendCalendar {
            hours,
            tz: Europe::Warsaw,
            country: Some("PL"),
            region: None,
            holidays: &holidays,
        };
        assert_eq!(
            calendar.first_allowed(at("2026-01-01T00:00:00Z"), DateTime::<Utc>::MAX_UTC),
            None
        );
        assert_eq!(
            calendar.first_allowed(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MIN_UTC),
            None
        );
    }
}

#[test]
fn the_answer_is_the_one_a_walk_over_every_minute_finds() {
    use proptest::prelude::*;
    let zones = [
        Europe::Warsaw,
        America::New_York,
        Australia::Lord_Howe,
        America::Santiago,
        Asia::Kathmandu,
    ];
    proptest!(ProptestConfig::with_cases(300), |(
        zone in 0..zones.len(),
        start in 1_772_000_000_i64..1_800_000_000,
        length in 0_i64..4 * 1440,
        from in 0_u32..96,
        to in 0_u32..96,
        days in 1_u8..128,
    )| {
        let time = |quarter: u32| NaiveTime::from_hms_opt(quarter / 4, quarter % 4 * 15, 0).unwrap();
        let weekdays = (0..7_u8).filter(|day| days >> day & 1 == 1).map(|day| Weekday::try_from(day).unwrap());
        let daily = DailyHours::new(time(from), time(to), weekdays.collect(), true).unwrap();
        let send_hours = SendHours::Within(daily.clone());
        let tz = zones[zone];
        let calendar = SendCalendar { hours: &send_hours, tz, country: Some("US"), region: None, holidays: Holidays::builtin() };
        let start = crate::clock::from_millis(start / 60 * 60_000);
        let until = start + TimeDelta::minutes(length);
        let open_from = |date: NaiveDate| daily.weekdays.contains(&date.weekday())
            && Holidays::builtin().is_holiday("US", None, date).is_none();
        let allowed = |at: Instant| {
            let today = local(at, tz).date();
            [today.pred_opt().unwrap(), today].into_iter().any(|date| {
                let end = if daily.to <= daily.from { date.succ_opt().unwrap() } else { date };
                open_from(date)
                    && resolve(date.and_time(daily.from), tz) <= at
                    && at < resolve(end.and_time(daily.to), tz)
            })
        };
        let walked = (0..=length).map(|m| start + TimeDelta::minutes(m)).find(|at| allowed(*at));
        prop_assert_eq!(calendar.first_allowed(start, until), walked);
    });
}
