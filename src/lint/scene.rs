//! One sentence as a rule sees it: concepts in order, with questions about how they relate.

mod ratings;

use super::{
    concept::Concept,
    lexicon::{ANY_LANGUAGE, Found, Hit, Meaning},
    passage::{Passage, Token, TokenKind, small},
};
use crate::mail::MailKind;

/// How far before a word a negation still governs it, in words between them.
const NEGATION_REACH: usize = 6;
/// How far from "feedback" a word may stand that makes it the public one.
const BESIDE_FEEDBACK: usize = 6;

/// A view read in one language.
pub(crate) struct Text<'p> {
    /// The folded text.
    pub(crate) passage: &'p Passage,
    /// Which mail it is part of.
    pub(crate) kind: MailKind,
    /// The concepts found, in order.
    hits: Vec<Hit>,
    /// The first hit of each sentence, and one more: the number of hits.
    starts: Vec<usize>,
}

impl<'p> Text<'p> {
    /// The concepts of one language in a passage, harmless senses taken out, ratings put together.
    pub(crate) fn new(passage: &'p Passage, kind: MailKind, found: &[Found], language: u8) -> Self {
        let ours = |f: &&Found| f.language == language || f.language == ANY_LANGUAGE;
        let mut senses: Vec<(u32, u32)> = found
            .iter()
            .filter(ours)
            .filter(|f| f.meaning == Meaning::OtherSense)
            .map(|f| (f.first, f.last))
            .collect();
        senses.sort_unstable();
        let mut hits: Vec<Hit> = found
            .iter()
            .filter(ours)
            .filter_map(|f| match f.meaning {
                Meaning::Concept(concept) if !has_other_sense(&senses, f.first, f.last) => {
                    Some(Hit {
                        first: f.first,
                        last: f.last,
                        concept,
                        language: f.language,
                    })
                }
                _ => None,
            })
            .collect();
        ratings::add(passage, &mut hits);
        hits.sort_unstable();
        hits.dedup();
        let mut starts = Vec::with_capacity(passage.sentences.len() + 1);
        let mut at = 0;
        for sentence in &passage.sentences {
            starts.push(at);
            while hits.get(at).is_some_and(|hit| hit.first < sentence.end) {
                at += 1;
            }
        }
        starts.push(hits.len());
        Self {
            passage,
            kind,
            hits,
            starts,
        }
    }

    /// The sentence with this number.
    pub(crate) fn scene(&self, sentence: usize) -> Option<Scene<'_>> {
        let hits = self
            .hits
            .get(*self.starts.get(sentence)?..*self.starts.get(sentence + 1)?)?;
        Some(Scene {
            text: self,
            sentence,
            hits,
            set: hits.iter().fold(0, |set, hit| set | hit.concept.bit()),
        })
    }

    /// The sentences, in order.
    pub(crate) fn scenes(&self) -> impl Iterator<Item = Scene<'_>> {
        (0..self.passage.sentences.len()).filter_map(|sentence| self.scene(sentence))
    }
}

/// Whether a phrase of another sense, at least as long, lies over the tokens.
fn has_other_sense(senses: &[(u32, u32)], first: u32, last: u32) -> bool {
    // Senses are sorted by their start; only those that start at or before `last` matter, and
    // none is longer than a dozen words.
    let end = senses.partition_point(|sense| sense.0 <= last);
    senses[..end]
        .iter()
        .rev()
        .take_while(|sense| sense.0 + 16 > first)
        .any(|sense| sense.1 >= first && sense.1 - sense.0 >= last - first)
}

/// One sentence.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'t> {
    /// The text it stands in.
    pub(crate) text: &'t Text<'t>,
    sentence: usize,
    hits: &'t [Hit],
    set: u64,
}

impl<'t> Scene<'t> {
    /// The hits of a concept, in order.
    pub(crate) fn hits(self, concept: Concept) -> impl Iterator<Item = Hit> + 't {
        let set = if self.has(concept) { self.hits } else { &[] };
        set.iter()
            .copied()
            .filter(move |hit| hit.concept == concept)
    }

    /// Whether the sentence carries a concept.
    pub(crate) fn has(self, concept: Concept) -> bool {
        self.set & concept.bit() != 0
    }

    /// Whether the sentence carries one of some concepts.
    pub(crate) fn has_any(self, concepts: &[Concept]) -> bool {
        concepts.iter().any(|concept| self.has(*concept))
    }

    /// Whether there is nothing to judge.
    pub(crate) fn is_empty(self) -> bool {
        self.hits.is_empty()
    }

    /// How many tokens the sentence has.
    pub(crate) fn len(self) -> usize {
        self.text
            .passage
            .sentences
            .get(self.sentence)
            .map_or(0, |s| (s.end - s.first) as usize)
    }

    /// Whether it ends with a question mark.
    pub(crate) fn is_question(self) -> bool {
        self.text
            .passage
            .sentences
            .get(self.sentence)
            .is_some_and(|s| s.is_question)
    }

    /// Its number in the passage.
    pub(crate) fn sentence(self) -> usize {
        self.sentence
    }

    /// The sentence after it.
    pub(crate) fn next(self) -> Option<Self> {
        self.text.scene(self.sentence + 1)
    }

    /// The sentence before it.
    pub(crate) fn previous(self) -> Option<Self> {
        self.text.scene(self.sentence.checked_sub(1)?)
    }

    /// How many tokens stand between two hits; 0 when they touch or overlap.
    pub(crate) fn gap(a: Hit, b: Hit) -> usize {
        let between = if a.last < b.first {
            b.first - a.last - 1
        } else if b.last < a.first {
            a.first - b.last - 1
        } else {
            0
        };
        between as usize
    }

    /// Whether two hits stand in one clause.
    pub(crate) fn same_clause(self, a: Hit, b: Hit) -> bool {
        let clause = |token: u32| self.token(token).map(|t| t.clause);
        clause(a.first) == clause(b.first)
    }

    /// The link a hit stands in; 0 for none.
    pub(crate) fn link(self, hit: Hit) -> u16 {
        self.token(hit.first).map_or(0, |t| t.link)
    }

    /// Whether a concept stands between two hits.
    pub(crate) fn is_between(self, a: Hit, b: Hit, concept: Concept) -> bool {
        let (from, to) = (a.last.min(b.last), a.first.max(b.first));
        self.hits(concept)
            .any(|hit| hit.first > from && hit.last < to)
    }

    /// Whether a negation governs the hit: before it in its clause, or right at the clause's end.
    pub(crate) fn is_negated(self, hit: Hit) -> bool {
        self.hits(Concept::Negation).any(|not| {
            // "Не могли бы вы": a negation inside a request is politeness.
            let is_polite = self
                .hits(Concept::Ask)
                .any(|ask| ask.first <= not.first && not.last < ask.last);
            if is_polite || !self.same_clause(not, hit) {
                return false;
            }
            if not.last < hit.first {
                Self::gap(not, hit) <= NEGATION_REACH && !self.is_between(not, hit, Concept::Turn)
            } else {
                not.first > hit.last && Self::gap(hit, not) <= 3 && self.ends_clause(not)
            }
        })
    }

    /// The first hit of a concept no negation governs.
    pub(crate) fn affirmed(self, concept: Concept) -> Option<Hit> {
        self.hits(concept).find(|hit| !self.is_negated(*hit))
    }

    /// The words that speak of a public judgement: nouns, acts, ratings. A word that may mean
    /// something else (feedback, comment) counts when its sentence treats it as one.
    pub(crate) fn review_words(self) -> impl Iterator<Item = Hit> + 't {
        self.hits
            .iter()
            .copied()
            .filter(move |hit| match hit.concept {
                Concept::Review
                | Concept::Rate
                | Concept::Top
                | Concept::TopRating
                | Concept::LowRating
                | Concept::Scale => true,
                Concept::Feedback => self.is_public(*hit),
                _ => false,
            })
    }

    /// Whether feedback or comment means the public one: by a word beside it that speaks of
    /// giving, changing or judging it, or by a review site or a reward in its sentence.
    fn is_public(self, feedback: Hit) -> bool {
        use Concept::{
            Change, Exchange, Leave, LowRating, Negative, Positive, Scale, Site, TopRating,
        };
        const BESIDE: [Concept; 7] = [
            Leave, Positive, Negative, Change, TopRating, LowRating, Scale,
        ];
        self.has_any(&[Site, Exchange])
            || BESIDE
                .into_iter()
                .flat_map(|concept| self.hits(concept))
                .any(|hit| {
                    let overlaps = hit.first <= feedback.last && feedback.first <= hit.last;
                    !overlaps
                        && self.same_clause(hit, feedback)
                        && Self::gap(hit, feedback) <= BESIDE_FEEDBACK
                })
    }

    /// The words that ask the buyer for a review, if the sentence does.
    pub(crate) fn ask(self) -> Option<Hit> {
        if let Some(rate) = self.affirmed(Concept::Rate) {
            return Some(rate);
        }
        let frame = self.has(Concept::Leave) || self.has(Concept::Ask);
        let rating = [Concept::TopRating, Concept::Top, Concept::Praise];
        if frame {
            self.affirmed(Concept::Review)
                .or_else(|| {
                    self.has(Concept::Leave)
                        .then(|| self.affirmed(Concept::Feedback))
                        .flatten()
                })
                .or_else(|| {
                    rating
                        .into_iter()
                        .find_map(|concept| self.affirmed(concept))
                })
        } else {
            self.affirmed(Concept::Praise)
        }
    }

    fn token(self, token: u32) -> Option<&'t Token> {
        self.text.passage.tokens.get(token as usize)
    }

    fn ends_clause(self, hit: Hit) -> bool {
        let clause = |token: u32| self.token(token).map(|t| t.clause);
        clause(hit.last + 1) != clause(hit.last)
    }
}

/// Whether the mail is one that may speak of reviews at all, so that a bare mention weighs more.
pub(crate) const fn is_after_delivery(kind: MailKind) -> bool {
    matches!(
        kind,
        MailKind::Delivered | MailKind::FollowUp | MailKind::ReviewRequest
    )
}

/// A hit that is one token of the passage.
fn token_hit(token: usize, concept: Concept) -> Hit {
    Hit {
        first: small(token),
        last: small(token),
        concept,
        language: ANY_LANGUAGE,
    }
}

/// The value of a number token.
fn number(passage: &Passage, token: usize) -> Option<u32> {
    match passage.tokens.get(token)?.kind {
        TokenKind::Number(value) => value,
        _ => None,
    }
}
