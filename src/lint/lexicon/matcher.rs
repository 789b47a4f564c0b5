//! Finds every phrase of every lexicon in a passage, in one pass.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{ANY_LANGUAGE, Meaning, Pattern, pattern::WordPattern};
use crate::lint::{
    concept::Concept,
    passage::{Gap, Passage, small},
};

/// A concept found in a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    /// The first token.
    pub(crate) first: u32,
    /// The last token (of it, not after it).
    pub(crate) last: u32,
    /// What was found.
    pub(crate) concept: Concept,
    /// Index of the language of the phrase.
    pub(crate) language: u8,
}

/// A pattern, and where in it a word of the automaton stands.
#[derive(Debug, Clone, Copy)]
struct Use {
    pattern: u32,
    position: u32,
    language: u8,
}

/// Which languages are looked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted([bool; 256]);

impl Wanted {
    /// Every language.
    pub(crate) const ALL: Self = Self([true; 256]);

    /// Words that belong to no language.
    pub(crate) fn none() -> Self {
        let mut wanted = Self([false; 256]);
        wanted.add(ANY_LANGUAGE);
        wanted
    }

    /// One language more.
    pub(crate) fn add(&mut self, language: u8) {
        self.0[usize::from(language)] = true;
    }

    /// Whether a language is looked for.
    pub(crate) fn has(&self, language: u8) -> bool {
        self.0[usize::from(language)]
    }
}

/// A phrase found in a passage, before senses are weighed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) meaning: Meaning,
    pub(crate) language: u8,
}

/// The patterns, ready to be searched for.
///
/// A pattern is found by its longest word; its other words are compared in place. Patterns of
/// concepts no rule can do without are searched first, so that most mails end there.
#[derive(Debug)]
pub(crate) struct Matcher {
    patterns: Vec<Pattern>,
    triggers: Index,
    context: Index,
}

#[derive(Debug)]
struct Index {
    automaton: Option<AhoCorasick>,
    /// For each word of the automaton: the patterns it stands in.
    uses: Vec<Vec<Use>>,
}

impl Matcher {
    /// Builds the automata.
    pub(crate) fn new(patterns: Vec<Pattern>) -> Self {
        let is_trigger = |p: &Pattern| match p.meaning {
            Meaning::Concept(concept) => concept.is_trigger(),
            Meaning::OtherSense => false,
        };
        Self {
            triggers: Index::new(&patterns, is_trigger),
            context: Index::new(&patterns, |p| !is_trigger(p)),
            patterns,
        }
    }

    /// The phrases that carry a trigger concept.
    pub(crate) fn triggers(&self, passage: &Passage) -> Vec<Found> {
        let mut found = Vec::new();
        self.triggers
            .find(&self.patterns, passage, &Wanted::ALL, &mut found);
        found
    }

    /// Adds all other phrases of some languages.
    pub(crate) fn context(&self, passage: &Passage, wanted: &Wanted, found: &mut Vec<Found>) {
        self.context.find(&self.patterns, passage, wanted, found);
    }

    /// Whether a folded word is one a one-word pattern stands for.
    pub(crate) fn knows(&self, word: &str) -> bool {
        word.len() >= 4
            && [&self.triggers, &self.context]
                .iter()
                .any(|index| index.knows(&self.patterns, word))
    }
}

impl Index {
    fn new(patterns: &[Pattern], belongs: impl Fn(&Pattern) -> bool) -> Self {
        let mut by_word: BTreeMap<String, Vec<Use>> = BTreeMap::new();
        for (index, pattern) in patterns.iter().enumerate().filter(|(_, p)| belongs(p)) {
            let seed = pattern.seed();
            by_word
                .entry(needle(&pattern.words[seed]))
                .or_default()
                .push(Use {
                    pattern: small(index),
                    position: small(seed),
                    language: pattern.language,
                });
        }
        let (words, uses): (Vec<String>, Vec<_>) = by_word.into_iter().unzip();
        Self {
            // Building only fails for sizes far beyond any lexicon; without an automaton nothing
            // would be found, which the tests of the shipped lexicons would show.
            automaton: AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::DFA))
                .build(&words)
                .or_else(|_| AhoCorasick::new(&words))
                .ok(),
            uses,
        }
    }

    fn find(
        &self,
        patterns: &[Pattern],
        passage: &Passage,
        wanted: &Wanted,
        found: &mut Vec<Found>,
    ) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let mut token = 0;
        for hit in automaton.find_overlapping_iter(&passage.text) {
            // Matches come in order of their ends, so the token only moves forward.
            let end = hit.end() - usize::from(passage.text[..hit.end()].ends_with(' '));
            while passage
                .tokens
                .get(token)
                .is_some_and(|t| (t.end as usize) < end)
            {
                token += 1;
            }
            for used in &self.uses[hit.pattern().as_usize()] {
                if !wanted.has(used.language) {
                    continue;
                }
                let position = used.position;
                let pattern = &patterns[used.pattern as usize];
                if let Some(first) = token.checked_sub(position as usize)
                    && fits(pattern, passage, first, position as usize)
                {
                    found.push(Found {
                        first: small(first),
                        last: small(first + pattern.words.len() - 1),
                        meaning: pattern.meaning,
                        language: pattern.language,
                    });
                }
            }
        }
    }

    fn knows(&self, patterns: &[Pattern], word: &str) -> bool {
        let Some(automaton) = &self.automaton else {
            return false;
        };
        let text = format!(" {word} ");
        automaton.find_overlapping_iter(&text).any(|hit| {
            self.uses[hit.pattern().as_usize()].iter().any(|used| {
                let words = &patterns[used.pattern as usize].words;
                words.len() == 1 && words[0].text.len() >= 4 && words[0].fits(word)
            })
        })
    }
}

/// What the automaton looks for. Every token of a passage stands between spaces, so a closed end
/// of a word is a space.
fn needle(word: &WordPattern) -> String {
    let space = |open| if open { "" } else { " " };
    format!(
        "{}{}{}",
        space(word.open_left),
        word.text,
        space(word.open_right)
    )
}

/// Whether the words of a pattern stand at `first`; the one at `known` has been compared.
fn fits(pattern: &Pattern, passage: &Passage, first: usize, known: usize) -> bool {
    pattern.words.iter().enumerate().all(|(index, word)| {
        let token = first + index;
        let joined = index == 0
            || passage
                .tokens
                .get(token)
                .is_some_and(|t| t.gap < Gap::Clause);
        joined && (index == known || word.fits(passage.word(token)))
    })
}
