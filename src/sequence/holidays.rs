//! Public holidays: which day is one, where, and what it is called.
//!
//! The rules are data (`config/holidays/*.toml`, compiled in); the dates are worked out once
//! and looked up without allocating. Holds national and regional days, never those of one
//! town: sellers add dates of their own.

mod rule;

use std::{collections::BTreeMap, sync::LazyLock};

use chrono::{Datelike, NaiveDate};

use rule::{CountryFile, Line};

use super::zone::{CountryCode, region_code};

/// The years whose days are worked out; outside them only the seller's own dates are known.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;

const FILES: &[(&str, &str)] = &[
    ("AT", include_str!("../../config/holidays/at.toml")),
    ("BE", include_str!("../../config/holidays/be.toml")),
    ("CH", include_str!("../../config/holidays/ch.toml")),
    ("CZ", include_str!("../../config/holidays/cz.toml")),
    ("DE", include_str!("../../config/holidays/de.toml")),
    ("DK", include_str!("../../config/holidays/dk.toml")),
    ("EE", include_str!("../../config/holidays/ee.toml")),
    ("ES", include_str!("../../config/holidays/es.toml")),
    ("FI", include_str!("../../config/holidays/fi.toml")),
    ("FR", include_str!("../../config/holidays/fr.toml")),
    ("GB", include_str!("../../config/holidays/gb.toml")),
    ("GR", include_str!("../../config/holidays/gr.toml")),
    ("HR", include_str!("../../config/holidays/hr.toml")),
    ("IE", include_str!("../../config/holidays/ie.toml")),
    ("IT", include_str!("../../config/holidays/it.toml")),
    ("LT", include_str!("../../config/holidays/lt.toml")),
    ("LU", include_str!("../../config/holidays/lu.toml")),
    ("NL", include_str!("../../config/holidays/nl.toml")),
    ("NO", include_str!("../../config/holidays/no.toml")),
    ("PL", include_str!("../../config/holidays/pl.toml")),
    ("PT", include_str!("../../config/holidays/pt.toml")),
    ("RO", include_str!("../../config/holidays/ro.toml")),
    ("SE", include_str!("../../config/holidays/se.toml")),
    ("SI", include_str!("../../config/holidays/si.toml")),
    ("SK", include_str!("../../config/holidays/sk.toml")),
    ("US", include_str!("../../config/holidays/us.toml")),
];

static BUILTIN: LazyLock<Holidays> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the files are part of the program and a test reads each of them"
    )]
    Holidays::from_files(FILES).expect("the built-in holiday files are well-formed")
});

/// The public holidays of the countries that are known, with the seller's own dates.
#[derive(Debug, Clone, Default)]
pub struct Holidays {
    countries: BTreeMap<CountryCode, Country>,
    extra: BTreeMap<CountryCode, BTreeMap<NaiveDate, String>>,
}

#[derive(Debug, Clone)]
struct Country {
    lines: std::sync::Arc<[Line]>,
    /// Sorted by date; the second value is the index of the line.
    days: std::sync::Arc<[(NaiveDate, usize)]>,
}

/// A holiday file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("holidays of {country}: {source}")]
struct FileError {
    country: String,
    source: toml::de::Error,
}

/// A date that cannot be added: its country is not written as ISO 3166-1 alpha-2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no country code; write two letters such as `PL`")]
pub struct UnknownCountryCode(pub String);

impl Holidays {
    /// The built-in rules.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// No holidays at all.
    pub fn none() -> Self {
        Self::default()
    }

    fn from_files(files: &[(&str, &str)]) -> Result<Self, FileError> {
        let mut countries = BTreeMap::new();
        for &(code, text) in files {
            let file: CountryFile = toml::from_str(text).map_err(|source| FileError {
                country: code.to_owned(),
                source,
            })?;
            let mut days: Vec<(NaiveDate, usize)> = YEARS
                .flat_map(|year| rule::days_of_year(&file.days, year))
                .collect();
            days.sort_unstable();
            if let Some(country) = CountryCode::new(code) {
                let (lines, days) = (file.days.into(), days.into());
                countries.insert(country, Country { lines, days });
            }
        }
        Ok(Self {
            countries,
            extra: BTreeMap::new(),
        })
    }

    /// The same holidays and one date of the seller's own, kept in the whole country.
    pub fn with_extra(
        mut self,
        country: &str,
        date: NaiveDate,
        name: &str,
    ) -> Result<Self, UnknownCountryCode> {
        let code =
            CountryCode::new(country).ok_or_else(|| UnknownCountryCode(country.to_owned()))?;
        self.extra
            .entry(code)
            .or_default()
            .insert(date, name.to_owned());
        Ok(self)
    }

    /// The name of the holiday, if the date is one there.
    ///
    /// `country` is ISO 3166-1 alpha-2, `region` the part of ISO 3166-2 behind the dash (or the
    /// whole code), both in any case. An unknown country has no holidays but the seller's own.
    pub fn is_holiday(&self, country: &str, region: Option<&str>, date: NaiveDate) -> Option<&str> {
        let code = CountryCode::new(country)?;
        let own = || Some(self.extra.get(&code)?.get(&date)?.as_str());
        let Some(Country { lines, days }) = self.countries.get(&code) else {
            return own();
        };
        let first = days.partition_point(|(day, _)| *day < date);
        let region = region.map(|region| region_code(country, region));
        days[first..]
            .iter()
            .take_while(|(day, _)| *day == date)
            .map(|(_, line)| &lines[*line])
            .find(|line| line.is_kept_in(region))
            .map(|line| line.name.as_str())
            .or_else(own)
    }

    /// The holidays of one year there, in order: for the console and `config show`.
    pub fn in_year(
        &self,
        country: &str,
        region: Option<&str>,
        year: i32,
    ) -> Vec<(NaiveDate, &str)> {
        NaiveDate::from_ymd_opt(year, 1, 1)
            .into_iter()
            .flat_map(|first| first.iter_days())
            .take_while(|date| date.year() == year)
            .filter_map(|date| Some((date, self.is_holiday(country, region, date)?)))
            .collect()
    }

    /// Whether there are built-in rules for the country. Elsewhere only Sundays and the
    /// seller's own dates are kept free, which `check` may point out.
    pub fn knows(&self, country: &str) -> bool {
        CountryCode::new(country).is_some_and(|code| self.countries.contains_key(&code))
    }

    /// The countries with built-in rules, ISO 3166-1 alpha-2, sorted.
    pub fn countries(&self) -> impl Iterator<Item = &str> {
        self.countries.keys().map(CountryCode::as_str)
    }
}

#[cfg(test)]
mod tests;
