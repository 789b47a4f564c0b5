//! One phrase of a lexicon: words with open ends, alternatives in braces.

use crate::lint::{concept::Concept, fold::fold_char};

/// The longest list of phrases one pattern may stand for.
const MAX_EXPANSION: usize = 4096;

/// What a phrase stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It carries a concept.
    Concept(Concept),
    /// Its words mean something harmless here: hits inside it do not count.
    OtherSense,
}

/// A word of a phrase, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WordPattern {
    /// The letters looked for.
    pub(crate) text: String,
    /// Whether anything may stand before them in the word.
    pub(crate) open_left: bool,
    /// Whether anything may stand after them in the word.
    pub(crate) open_right: bool,
}

impl WordPattern {
    /// Whether a folded word fits.
    pub(crate) fn fits(&self, word: &str) -> bool {
        match (self.open_left, self.open_right) {
            (false, false) => word == self.text,
            (false, true) => word.starts_with(&self.text),
            (true, false) => word.ends_with(&self.text),
            (true, true) => word.contains(&self.text),
        }
    }
}

/// A phrase of one or more words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// The words, in order, none skipped.
    pub(crate) words: Vec<WordPattern>,
    /// What they stand for.
    pub(crate) meaning: Meaning,
    /// Index of the language.
    pub(crate) language: u8,
}

impl Pattern {
    /// Reads a pattern as written in a lexicon file; `None` when a phrase of it has no words.
    pub(crate) fn parse(phrase: &str, meaning: Meaning, language: u8) -> Option<Vec<Self>> {
        let mut phrases = expand(phrase);
        // German without umlauts: "fuenf" for "fünf". Folding alone gives "funf".
        let spelled: Vec<String> = phrases
            .iter()
            .filter(|p| p.contains(['ä', 'ö', 'ü']))
            .map(|p| p.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue"))
            .collect();
        phrases.extend(spelled);
        phrases
            .iter()
            .map(|phrase| {
                let words = words(phrase);
                (!words.is_empty()).then_some(Self {
                    words,
                    meaning,
                    language,
                })
            })
            .collect()
    }

    /// The word the search starts from: the longest one.
    pub(crate) fn seed(&self) -> usize {
        let mut seed = 0;
        for (index, word) in self.words.iter().enumerate() {
            if word.text.len() > self.words[seed].text.len() {
                seed = index;
            }
        }
        seed
    }
}

/// A word folded as the text is.
pub(crate) fn fold_word(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.chars() {
        fold_char(c, &mut |f| folded.push(f));
    }
    folded
}

/// `{a,b} c` to `a c`, `b c`; braces do not nest.
fn expand(phrase: &str) -> Vec<String> {
    let mut phrases = vec![String::new()];
    let mut rest = phrase;
    while let Some((before, after)) = rest.split_once('{') {
        let (choices, tail) = after.split_once('}').unwrap_or((after, ""));
        phrases = phrases
            .iter()
            .flat_map(|start| {
                choices
                    .split(',')
                    .map(move |choice| format!("{start}{before}{choice}"))
            })
            .take(MAX_EXPANSION)
            .collect();
        rest = tail;
    }
    for phrase in &mut phrases {
        phrase.push_str(rest);
    }
    phrases
}

/// Cuts a phrase into words as the tokenizer cuts a text.
fn words(phrase: &str) -> Vec<WordPattern> {
    let mut words: Vec<WordPattern> = Vec::new();
    let mut current = String::new();
    let mut open_left = false;
    let mut close = |current: &mut String, open_left: &mut bool, open_right: bool| {
        if !current.is_empty() {
            words.push(WordPattern {
                text: std::mem::take(current),
                open_left: *open_left,
                open_right,
            });
        }
        *open_left = false;
    };
    for c in phrase.chars() {
        match c {
            '*' if current.is_empty() => open_left = true,
            '*' => close(&mut current, &mut open_left, true),
            '%' | '€' | '$' | '£' | '/' | '=' | '@' | '&' => {
                close(&mut current, &mut open_left, false);
                current.push(c);
                close(&mut current, &mut open_left, false);
            }
            // A run of plus signs is one token, as in `A+++`.
            '+' if current.chars().all(|c| c == '+') => current.push('+'),
            '+' => {
                close(&mut current, &mut open_left, false);
                current.push('+');
            }
            c if c.is_alphanumeric() => fold_char(c, &mut |f| current.push(f)),
            _ => close(&mut current, &mut open_left, false),
        }
    }
    close(&mut current, &mut open_left, false);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(phrase: &str, expected: &[&str]) {
        let shown: Vec<String> = Pattern::parse(phrase, Meaning::OtherSense, 0)
            .unwrap()
            .iter()
            .map(|pattern| {
                pattern
                    .words
                    .iter()
                    .map(|w| {
                        let (left, right) = (w.open_left, w.open_right);
                        let mark = |open| if open { "*" } else { "" };
                        format!("{}{}{}", mark(left), w.text, mark(right))
                    })
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(shown, expected, "{phrase}");
    }

    #[test]
    fn braces_wildcards_and_umlauts_expand() {
        check("{your,a} review*", &["your review*", "a review*"]);
        check("thank-you", &["thank you"]);
        check("*bewertung*", &["*bewertung*"]);
        check("fünf", &["funf", "fuenf"]);
        check("% off", &["% off"]);
        check("A+++", &["a +++"]);
        check("bon d'achat", &["bon d achat"]);
    }

    #[test]
    fn a_pattern_without_words_is_refused() {
        assert_eq!(Pattern::parse("{a,}", Meaning::OtherSense, 0), None);
        assert_eq!(Pattern::parse(" * ", Meaning::OtherSense, 0), None);
    }
}
