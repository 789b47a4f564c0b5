//! Locales: a language with an optional region, written as a BCP 47 tag.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A language, or a language as one region writes it: `de`, `de-AT`.
///
/// Script and variant subtags are dropped: no template depends on them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

/// A text that is no locale tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no locale; write a language such as `de`, or a language and a region such as `de-AT`"
)]
pub struct LocaleError(pub String);

impl Locale {
    /// The eight languages afternote ships templates and lint lexicons for.
    pub const SHIPPED: [&'static str; 8] = ["en", "de", "pl", "fr", "es", "nl", "cs", "ru"];

    /// English, the last resort of every locale chain.
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// The tag, normalised: `de`, `de-AT`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language subtag: `de` of `de-AT`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// The region subtag, where there is one: `AT` of `de-AT`.
    pub fn region(&self) -> Option<&str> {
        self.0.split('-').nth(1)
    }

    /// The locale without its region.
    #[must_use]
    pub fn without_region(&self) -> Self {
        Self(self.language().to_owned())
    }

    /// Whether the language is written from right to left.
    pub fn is_rtl(&self) -> bool {
        matches!(self.language(), "ar" | "fa" | "he" | "ur" | "yi")
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

impl TryFrom<String> for Locale {
    type Error = LocaleError;

    fn try_from(tag: String) -> Result<Self, Self::Error> {
        tag.parse()
    }
}

impl FromStr for Locale {
    type Err = LocaleError;

    /// Reads `de`, `de-AT`, `de_at`, `DE`, `zh-Hant-TW` (script dropped).
    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        let error = || LocaleError(tag.to_owned());
        let mut parts = tag.trim().split(['-', '_']);
        let language = parts.next().unwrap_or_default();
        let letters = |text: &str| text.bytes().all(|b| b.is_ascii_alphabetic());
        if !(2..=3).contains(&language.len()) || !letters(language) {
            return Err(error());
        }
        let mut region = None;
        for part in parts {
            match part.len() {
                2 if letters(part) && region.is_none() => region = Some(part.to_ascii_uppercase()),
                3 if part.bytes().all(|b| b.is_ascii_digit()) && region.is_none() => {
                    region = Some(part.to_owned());
                }
                4..=8 if part.bytes().all(|b| b.is_ascii_alphanumeric()) => {}
                _ => return Err(error()),
            }
        }
        let language = language.to_ascii_lowercase();
        Ok(Self(match region {
            Some(region) => format!("{language}-{region}"),
            None => language,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tag: &str, expected: Option<&str>) {
        assert_eq!(
            tag.parse::<Locale>().ok().as_ref().map(Locale::as_str),
            expected,
            "{tag}"
        );
    }

    #[test]
    fn tags_are_normalised() {
        check("de", Some("de"));
        check("DE_at", Some("de-AT"));
        check(" pl-PL ", Some("pl-PL"));
        check("zh-Hant-TW", Some("zh-TW"));
        check("es-419", Some("es-419"));
    }

    #[test]
    fn other_text_is_refused() {
        for tag in ["", "d", "deutsch", "de-", "d1", "de-A!", "../etc"] {
            check(tag, None);
        }
    }

    #[test]
    fn language_and_region_are_parts_of_the_tag() {
        let locale: Locale = "de-AT".parse().unwrap();
        assert_eq!((locale.language(), locale.region()), ("de", Some("AT")));
        assert_eq!(locale.without_region().as_str(), "de");
    }
}
