//! Amounts, dates, numbers, lists and plurals as each locale writes them, from CLDR data.
//!
//! Formatters are costly to make and cheap to use, so each locale's are made once and kept.

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{Datelike, NaiveDateTime, Timelike};
use fixed_decimal::Decimal;
use icu::{
    calendar::{Date, Gregorian},
    datetime::{
        FixedCalendarDateTimeFormatter, NoCalendarFormatter,
        fieldsets::{MDE, T, YMD},
        input::Time,
    },
    decimal::DecimalFormatter,
    list::{ListFormatter, options::ListFormatterOptions},
    locale::Locale as IcuLocale,
    plurals::{PluralCategory, PluralRules, PluralRulesOptions},
};
use icu_experimental::dimension::currency::{CurrencyType, formatter::CurrencyFormatter};

use crate::mail::Locale;

/// How many locales are kept; more than any shop has, fewer than a stranger could name.
const MAX_LOCALES: usize = 256;

/// Text in the language and habits of one locale.
pub(crate) struct Formats {
    locale: IcuLocale,
    number: DecimalFormatter,
    date: FixedCalendarDateTimeFormatter<Gregorian, YMD>,
    weekday: FixedCalendarDateTimeFormatter<Gregorian, MDE>,
    time: NoCalendarFormatter<T>,
    plural: PluralRules,
    list: ListFormatter,
    currencies: RwLock<BTreeMap<String, Arc<CurrencyFormatter<DecimalFormatter>>>>,
}

/// A locale CLDR data cannot serve, or a value that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The data of a locale could not be read.
    #[error("no CLDR data for locale `{0}`")]
    Locale(String),
    /// A currency that is no ISO 4217 code.
    #[error("`{0}` is no currency code; write three letters such as `EUR`")]
    Currency(String),
    /// Text where a number belongs.
    #[error("`{0}` is no number")]
    Number(String),
    /// Text where a date belongs.
    #[error("`{0}` is no date")]
    Date(String),
}

impl Formats {
    /// The formats of a locale.
    pub(crate) fn new(locale: &Locale) -> Result<Self, FormatError> {
        let failed = || FormatError::Locale(locale.as_str().to_owned());
        let icu = IcuLocale::from_str(locale.as_str()).map_err(|_| failed())?;
        Ok(Self {
            number: DecimalFormatter::try_new((&icu).into(), <_>::default())
                .map_err(|_| failed())?,
            date: FixedCalendarDateTimeFormatter::try_new((&icu).into(), YMD::long())
                .map_err(|_| failed())?,
            weekday: FixedCalendarDateTimeFormatter::try_new((&icu).into(), MDE::long())
                .map_err(|_| failed())?,
            time: NoCalendarFormatter::try_new((&icu).into(), T::hm()).map_err(|_| failed())?,
            plural: PluralRules::try_new((&icu).into(), PluralRulesOptions::default())
                .map_err(|_| failed())?,
            list: ListFormatter::try_new_and((&icu).into(), ListFormatterOptions::default())
                .map_err(|_| failed())?,
            currencies: RwLock::default(),
            locale: icu,
        })
    }

    /// `12.5` and `EUR` as an amount: `€12.50`, `12,50 €`.
    pub(crate) fn money(&self, amount: &str, currency: &str) -> Result<String, FormatError> {
        let number = || FormatError::Number(amount.to_owned());
        let amount = Decimal::from_str(amount).map_err(|_| number())?;
        Ok(self
            .currency(currency)?
            .format_fixed_decimal(&amount)
            .to_string())
    }

    fn currency(
        &self,
        code: &str,
    ) -> Result<Arc<CurrencyFormatter<DecimalFormatter>>, FormatError> {
        // A poisoned cache is still a cache: nothing is left half done in it.
        let known = self
            .currencies
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(code)
            .cloned();
        if let Some(formatter) = known {
            return Ok(formatter);
        }
        let failed = || FormatError::Currency(code.to_owned());
        let currency: CurrencyType = code
            .to_ascii_lowercase()
            .parse::<icu::locale::extensions::unicode::Value>()
            .ok()
            .filter(|_| code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic()))
            .and_then(|value| CurrencyType::try_from(&value).ok())
            .ok_or_else(failed)?;
        let formatter = Arc::new(
            CurrencyFormatter::try_new_symbol((&self.locale).into(), currency, <_>::default())
                .map_err(|_| failed())?,
        );
        self.currencies
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(code.to_owned(), Arc::clone(&formatter));
        Ok(formatter)
    }

    /// `2 March 2026`.
    pub(crate) fn date(&self, at: NaiveDateTime) -> Result<String, FormatError> {
        Ok(self.date.format(&gregorian(at)?).to_string())
    }

    /// `Monday, March 2`.
    pub(crate) fn weekday(&self, at: NaiveDateTime) -> Result<String, FormatError> {
        Ok(self.weekday.format(&gregorian(at)?).to_string())
    }

    /// `14:05`, `2:05 PM`.
    pub(crate) fn time(&self, at: NaiveDateTime) -> Result<String, FormatError> {
        let failed = || FormatError::Date(at.to_string());
        let (hour, minute) = (at.hour(), at.minute());
        let (hour, minute) = (
            u8::try_from(hour).map_err(|_| failed())?,
            u8::try_from(minute).map_err(|_| failed())?,
        );
        let time = Time::try_new(hour, minute, 0, 0).map_err(|_| failed())?;
        Ok(self.time.format(&time).to_string())
    }

    /// `1,234`.
    pub(crate) fn number(&self, number: u64) -> String {
        self.number.format(&Decimal::from(number)).to_string()
    }

    /// The plural form a count takes: `one`, `few`, `many`, `other`.
    pub(crate) fn plural_form(&self, count: u64) -> &'static str {
        form_name(self.plural.category_for(count))
    }

    /// The plural forms counts take in this language.
    pub(crate) fn plural_forms(&self) -> Vec<&'static str> {
        // CLDR lists `many` for millions in French and Spanish, and `other` for fractions in
        // Polish, Czech and Russian; a count of things never needs those, so the forms asked
        // for are the ones that counts up to a thousand take.
        let mut forms: Vec<&'static str> = (0..=1000).map(|n| self.plural_form(n)).collect();
        forms.sort_unstable();
        forms.dedup();
        forms
    }

    /// `a, b and c`.
    pub(crate) fn list(&self, items: &[String]) -> String {
        self.list.format(items.iter()).to_string()
    }
}

fn gregorian(at: NaiveDateTime) -> Result<Date<Gregorian>, FormatError> {
    let failed = || FormatError::Date(at.to_string());
    let month = u8::try_from(at.month()).map_err(|_| failed())?;
    let day = u8::try_from(at.day()).map_err(|_| failed())?;
    Date::try_new_gregorian(at.year(), month, day).map_err(|_| failed())
}

const fn form_name(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

/// The formats of all locales in use, made at first need.
#[derive(Default)]
pub(crate) struct FormatCache(RwLock<BTreeMap<String, Arc<Formats>>>);

impl FormatCache {
    /// The formats of a locale tag.
    pub(crate) fn get(&self, tag: &str) -> Result<Arc<Formats>, FormatError> {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(tag)
            .cloned();
        if let Some(formats) = known {
            return Ok(formats);
        }
        let locale: Locale = tag
            .parse()
            .map_err(|_| FormatError::Locale(tag.to_owned()))?;
        let formats = Arc::new(Formats::new(&locale)?);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MAX_LOCALES {
            all.insert(tag.to_owned(), Arc::clone(&formats));
        }
        Ok(formats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn check(locale: &str, expected: [&str; 6]) {
        let formats = Formats::new(&locale.parse().unwrap()).unwrap();
        let at = NaiveDate::from_ymd_opt(2026, 3, 2)
            .unwrap()
            .and_hms_opt(14, 5, 0)
            .unwrap();
        let items: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let found = [
            formats.money("1234.5", "EUR").unwrap(),
            formats.date(at).unwrap(),
            formats.weekday(at).unwrap(),
            formats.time(at).unwrap(),
            formats.number(1_234_567),
            formats.list(&items),
        ];
        // No-break spaces are right in a mail and unreadable in a test.
        let plain = found.map(|text| text.replace(['\u{a0}', '\u{202f}'], " "));
        assert_eq!(plain, expected.map(str::to_owned), "{locale}");
    }

    #[test]
    fn every_shipped_language_writes_values_its_own_way() {
        check(
            "en",
            [
                "€1,234.50",
                "March 2, 2026",
                "Monday, March 2",
                "2:05 PM",
                "1,234,567",
                "a, b, and c",
            ],
        );
        check(
            "en-GB",
            [
                "€1,234.50",
                "2 March 2026",
                "Monday 2 March",
                "14:05",
                "1,234,567",
                "a, b and c",
            ],
        );
        check(
            "de",
            [
                "1.234,50 €",
                "2. März 2026",
                "Montag, 2. März",
                "14:05",
                "1.234.567",
                "a, b und c",
            ],
        );
        check(
            "pl",
            [
                "1234,50 €",
                "2 marca 2026",
                "poniedziałek, 2 marca",
                "14:05",
                "1 234 567",
                "a, b i c",
            ],
        );
        check(
            "fr",
            [
                "1 234,50 €",
                "2 mars 2026",
                "lundi 2 mars",
                "14:05",
                "1 234 567",
                "a, b et c",
            ],
        );
        check(
            "es",
            [
                "1234,50 €",
                "2 de marzo de 2026",
                "lunes, 2 de marzo",
                "14:05",
                "1.234.567",
                "a, b y c",
            ],
        );
        check(
            "nl",
            [
                "€ 1.234,50",
                "2 maart 2026",
                "maandag 2 maart",
                "14:05",
                "1.234.567",
                "a, b en c",
            ],
        );
        check(
            "cs",
            [
                "1 234,50 €",
                "2. března 2026",
                "pondělí 2. března",
                "14:05",
                "1 234 567",
                "a, b a c",
            ],
        );
        check(
            "ru",
            [
                "1 234,50 €",
                "2 марта 2026 г.",
                "понедельник, 2 марта",
                "14:05",
                "1 234 567",
                "a, b и c",
            ],
        );
    }

    #[test]
    fn counts_take_the_forms_of_their_language() {
        for (locale, forms) in [
            ("en", &["one", "other"][..]),
            ("fr", &["one", "other"]),
            ("pl", &["few", "many", "one"]),
            ("cs", &["few", "one", "other"]),
            ("ru", &["few", "many", "one"]),
        ] {
            let formats = Formats::new(&locale.parse().unwrap()).unwrap();
            assert_eq!(formats.plural_forms(), forms, "{locale}");
        }
        let polish = Formats::new(&"pl".parse().unwrap()).unwrap();
        let found = [1, 2, 5, 22, 112].map(|n| polish.plural_form(n));
        assert_eq!(found, ["one", "few", "many", "few", "many"]);
    }

    #[test]
    fn currencies_have_their_own_places_and_bad_codes_are_refused() {
        let formats = Formats::new(&"en".parse().unwrap()).unwrap();
        assert_eq!(formats.money("1500", "JPY").unwrap(), "¥1,500");
        assert_eq!(formats.money("10", "USD").unwrap(), "$10.00");
        for code in ["EURO", "", "12", "E R"] {
            assert_eq!(
                formats.money("1", code),
                Err(FormatError::Currency(code.to_owned()))
            );
        }
        assert!(formats.money("ten", "EUR").is_err());
    }
}
