use std::collections::BTreeSet;

use super::{rule::easter, rule::orthodox_easter, *};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Country, region, year and days of each published calendar.
fn facts() -> impl Iterator<Item = (&'static str, Option<&'static str>, i32, &'static str)> {
    include_str!("facts.txt").lines().skip(1).map(|line| {
        let (place, days) = line.split_once(": ").unwrap();
        let parts: Vec<&str> = place.split(' ').collect();
        let region = Some(parts[1]).filter(|region| *region != "-");
        (parts[0], region, parts[2].parse().unwrap(), days)
    })
}

/// The days on which we differ on purpose.
fn differs(country: &str, date: NaiveDate) -> bool {
    let sunday = date.weekday() == chrono::Weekday::Sun;
    let easter = easter(date.year()).unwrap();
    match country {
        // Good Friday is no general day off in the Netherlands.
        "NL" => easter - date == chrono::TimeDelta::days(2),
        // Nearly all regions keep Maundy Thursday; holidays on a Sunday are moved by some regions.
        "ES" => sunday || easter - date == chrono::TimeDelta::days(3),
        // A day of remembrance that is always kept on a Sunday.
        "IT" => sunday && date.month() == 11,
        _ => false,
    }
}

#[test]
fn the_rules_agree_with_published_calendars() {
    for (country, region, year, days) in facts() {
        let expected: BTreeSet<NaiveDate> = days
            .split(' ')
            .map(|day| date(&format!("{year}-{}-{}", &day[..2], &day[2..])))
            .filter(|date| !differs(country, *date))
            .collect();
        let ours: BTreeSet<NaiveDate> = Holidays::builtin()
            .in_year(country, region, year)
            .into_iter()
            .map(|(date, _)| date)
            .filter(|date| !differs(country, *date))
            .collect();
        assert_eq!(ours, expected, "{country} {region:?} {year}");
    }
}

#[test]
fn every_country_with_rules_is_compared_with_a_published_calendar() {
    let compared: BTreeSet<&str> = facts().map(|fact| fact.0).collect();
    assert_eq!(
        Holidays::builtin().countries().collect::<BTreeSet<_>>(),
        compared
    );
}

#[test]
fn names_regions_and_unknown_places_are_told_apart() {
    for (country, region, day, expected) in [
        ("PL", None, "2024-12-24", None),
        ("PL", None, "2025-12-24", Some("Christmas Eve")),
        ("pl", Some("MZ"), "2025-12-24", Some("Christmas Eve")),
        ("NL", None, "2025-04-26", Some("King's Day")),
        ("NL", None, "2025-04-27", None),
        ("NL", None, "2026-05-05", None),
        ("DE", None, "2026-06-04", None),
        ("DE", Some("BY"), "2026-06-04", Some("Corpus Christi")),
        ("DE", Some("de-by"), "2026-06-04", Some("Corpus Christi")),
        // Most of the United Kingdom keeps Easter Monday: so does a place we do not know better.
        ("GB", None, "2026-04-06", Some("Easter Monday")),
        ("GB", Some("Kent"), "2026-04-06", Some("Easter Monday")),
        ("GB", Some("SCT"), "2026-04-06", None),
        ("FR", Some("67"), "2026-04-03", Some("Good Friday")),
        ("FR", Some("75"), "2026-04-03", None),
        ("JP", None, "2026-01-01", None),
        ("Poland", None, "2026-01-01", None),
        ("", None, "2026-01-01", None),
    ] {
        let found = Holidays::builtin().is_holiday(country, region, date(day));
        assert_eq!(found, expected, "{country} {region:?} {day}");
    }
}

#[test]
fn a_sellers_own_dates_are_kept_beside_the_rules() {
    let holidays = Holidays::builtin()
        .clone()
        .with_extra("PL", date("2026-06-05"), "bridge day")
        .and_then(|holidays| holidays.with_extra("jp", date("2026-01-01"), "New Year"))
        .unwrap();
    for (country, day, expected) in [
        ("PL", "2026-06-05", Some("bridge day")),
        ("PL", "2026-06-04", Some("Corpus Christi")),
        ("JP", "2026-01-01", Some("New Year")),
        ("DE", "2026-06-05", None),
    ] {
        assert_eq!(holidays.is_holiday(country, None, date(day)), expected);
    }
    assert_eq!(
        Holidays::builtin().is_holiday("PL", None, date("2026-06-05")),
        None
    );
    assert!(
        Holidays::none()
            .with_extra("Poland", date("2026-06-05"), "x")
            .is_err()
    );
    assert!(Holidays::builtin().knows("pl") && !Holidays::builtin().knows("JP"));
}

#[test]
fn easter_falls_where_the_churches_say() {
    for (year, west, east) in [
        (2000, "2000-04-23", "2000-04-30"),
        (2024, "2024-03-31", "2024-05-05"),
        (2025, "2025-04-20", "2025-04-20"),
        (2026, "2026-04-05", "2026-04-12"),
        (2027, "2027-03-28", "2027-05-02"),
        (2030, "2030-04-21", "2030-04-28"),
        (2038, "2038-04-25", "2038-04-25"),
        (2099, "2099-04-12", "2099-04-12"),
    ] {
        assert_eq!(easter(year), Some(date(west)), "{year}");
        assert_eq!(orthodox_easter(year), Some(date(east)), "{year}");
    }
}

#[test]
fn a_line_that_means_nothing_is_refused() {
    for line in [
        r#"{ on = "13-01", name = "x" }"#,
        r#"{ on = "5th mon may", name = "x" }"#,
        r#"{ on = "easter", name = "x" }"#,
        r#"{ on = "sun after 05-01", name = "x" }"#,
        r#"{ on = "05-01", name = "x", region = ["BY"] }"#,
        r#"{ on = "05-01", name = "x", observed = "someday" }"#,
        r#"{ on = "05-01" }"#,
    ] {
        let file = format!("days = [{line}]");
        let error = Holidays::from_files(&[("XX", &file)])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("holidays of XX"), "{line}: {error}");
    }
}
