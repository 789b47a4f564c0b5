//! Lexicons: which words of a language carry which concept. Data, not code.
//!
//! A lexicon is a TOML file per language (`config/compliance/<locale>.toml`); its first comment
//! explains the pattern syntax. [`Pattern`] is one phrase, [`Matcher`] finds them all in one pass.

mod matcher;
mod pattern;

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

pub(crate) use matcher::{Found, Hit, Matcher, Wanted};
pub(crate) use pattern::{Meaning, Pattern};

use super::concept::Concept;

/// The language of hits that belong to none: digits, signs, names of sites.
pub(crate) const ANY_LANGUAGE: u8 = u8::MAX;

/// Why a lexicon file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LexiconError {
    /// Not TOML of the right shape.
    #[error("the lexicon cannot be read: {0}; compare it with a shipped one")]
    Syntax(#[from] toml::de::Error),
    /// A key under `[concepts]` that names no concept.
    #[error("`{key}` in the lexicon of `{locale}` is no concept; known are {known}")]
    UnknownConcept {
        /// The file's `locale`.
        locale: String,
        /// The key.
        key: String,
        /// The keys that exist.
        known: String,
    },
    /// A pattern without a letter or digit to look for.
    #[error(
        "the pattern `{pattern}` in the lexicon of `{locale}` has no word to look for; write at least one"
    )]
    EmptyPattern {
        /// The file's `locale`.
        locale: String,
        /// The pattern as written.
        pattern: String,
    },
    /// More languages than a set of rules can hold.
    #[error("a set of rules holds at most 200 languages")]
    TooManyLanguages,
}

/// A lexicon file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// A language, or `*` for words that belong to none.
    locale: String,
    /// Frequent small words, to tell which language a sentence is in.
    #[serde(default)]
    function_words: Vec<String>,
    /// Phrases whose words do not mean what they usually do.
    #[serde(default)]
    senses: Vec<String>,
    /// Neutral wordings to suggest, by rule code.
    #[serde(default)]
    suggestions: BTreeMap<String, String>,
    /// Patterns by concept key.
    #[serde(default)]
    concepts: BTreeMap<String, Vec<String>>,
}

/// All that is known of the languages of a set of rules.
#[derive(Debug, Default)]
pub(crate) struct Lexicons {
    languages: Vec<Language>,
    patterns: Vec<Pattern>,
}

/// One language beside its patterns.
#[derive(Debug)]
pub(crate) struct Language {
    /// The language subtag.
    pub(crate) code: String,
    function_words: HashSet<String>,
    suggestions: BTreeMap<String, String>,
}

impl Language {
    /// Whether a folded word is one of the small words of the language.
    pub(crate) fn is_function_word(&self, word: &str) -> bool {
        self.function_words.contains(word)
    }

    /// The neutral wording to suggest in this language.
    pub(crate) fn suggestion(&self, code: &str) -> Option<&str> {
        self.suggestions.get(code).map(String::as_str)
    }
}

impl Lexicons {
    /// Adds a file; a language already there is extended.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), LexiconError> {
        let file: File = toml::from_str(text)?;
        let language = self.language_of(&file.locale)?;
        for phrase in &file.senses {
            self.add_pattern(&file.locale, language, Meaning::OtherSense, phrase)?;
        }
        for (key, phrases) in &file.concepts {
            let concept = Concept::from_key(key).ok_or_else(|| LexiconError::UnknownConcept {
                locale: file.locale.clone(),
                key: key.clone(),
                known: Concept::ALL
                    .iter()
                    .filter(|c| Concept::from_key(c.key()).is_some())
                    .map(|c| c.key())
                    .collect::<Vec<_>>()
                    .join(", "),
            })?;
            for phrase in phrases {
                self.add_pattern(&file.locale, language, Meaning::Concept(concept), phrase)?;
            }
        }
        if let Some(language) = self.languages.get_mut(usize::from(language)) {
            language
                .function_words
                .extend(file.function_words.iter().map(|w| pattern::fold_word(w)));
            language.suggestions.extend(file.suggestions);
        }
        Ok(())
    }

    /// The languages, in the order they were added.
    pub(crate) fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// Every pattern.
    pub(crate) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    fn language_of(&mut self, locale: &str) -> Result<u8, LexiconError> {
        if locale == "*" {
            return Ok(ANY_LANGUAGE);
        }
        let code = locale.split(['-', '_']).next().unwrap_or(locale);
        let code = code.to_ascii_lowercase();
        let known = self.languages.iter().position(|l| l.code == code);
        let index = known.unwrap_or(self.languages.len());
        if known.is_none() {
            self.languages.push(Language {
                code,
                function_words: HashSet::new(),
                suggestions: BTreeMap::new(),
            });
        }
        u8::try_from(index)
            .ok()
            .filter(|&index| index < 200)
            .ok_or(LexiconError::TooManyLanguages)
    }

    fn add_pattern(
        &mut self,
        locale: &str,
        language: u8,
        meaning: Meaning,
        phrase: &str,
    ) -> Result<(), LexiconError> {
        let patterns = Pattern::parse(phrase, meaning, language).ok_or_else(|| {
            LexiconError::EmptyPattern {
                locale: locale.to_owned(),
                pattern: phrase.to_owned(),
            }
        })?;
        self.patterns.extend(patterns);
        Ok(())
    }
}
