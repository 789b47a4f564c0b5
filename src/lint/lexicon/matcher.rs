//! Finds every phrase of every lexicon in a passage, in one pass.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::{Meaning, Pattern};
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
    /// For each word of the automaton: pattern and position of the word in it.
    uses: Vec<Vec<(u32, u32)>>,
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
        self.triggers.find(&self.patterns, passage, &mut found);
        found
    }

    /// Adds all other phrases.
    pub(crate) fn context(&self, passage: &Passage, found: &mut Vec<Found>) {
        self.context.find(&self.patterns, passage, found);
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
        let mut by_word: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
        for (index, pattern) in patterns.iter().enumerate().filter(|(_, p)| belongs(p)) {
            let seed = pattern.seed();
            by_word
                .entry(pattern.words[seed].text.as_str())
                .or_default()
                .push((small(index), small(seed)));
        }
        let (words, uses): (Vec<&str>, Vec<_>) = by_word.into_iter().unzip();
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

    fn find(&self, patterns: &[Pattern], passage: &Passage, found: &mut Vec<Found>) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let mut token = 0;
        for hit in automaton.find_overlapping_iter(&passage.text) {
            // Matches come in order of their ends, so the token only moves forward.
            while passage
                .tokens
                .get(token)
                .is_some_and(|t| (t.end as usize) < hit.end())
            {
                token += 1;
            }
            let Some(at) = passage.tokens.get(token) else {
                break;
            };
            let at_start = at.start as usize == hit.start();
            let at_end = at.end as usize == hit.end();
            for &(pattern, position) in &self.uses[hit.pattern().as_usize()] {
                let pattern = &patterns[pattern as usize];
                let word = &pattern.words[position as usize];
                if (at_start || word.open_left)
                    && (at_end || word.open_right)
                    && let Some(first) = token.checked_sub(position as usize)
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
        automaton.find_overlapping_iter(word).any(|hit| {
            self.uses[hit.pattern().as_usize()]
                .iter()
                .any(|&(pattern, _)| {
                    let words = &patterns[pattern as usize].words;
                    words.len() == 1 && words[0].text.len() >= 4 && words[0].fits(word)
                })
        })
    }
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
