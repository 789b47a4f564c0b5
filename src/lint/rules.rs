//! The rules, one file each: documentation, texts, check.

use std::ops::Range;

use super::{
    lexicon::Hit,
    read::Gate,
    rule::Rule,
    scene::{Scene, Text},
};

pub(crate) mod audience_by_mood;
pub(crate) mod change_or_removal_request;
pub(crate) mod discourage_negative;
pub(crate) mod happy_buyers_only;
pub(crate) mod incentive_for_positive_review;
pub(crate) mod incentive_for_review;
pub(crate) mod kind_not_allowed;
pub(crate) mod positive_only_ask;
pub(crate) mod repeated_review_request;
pub(crate) mod request_outside_window;
pub(crate) mod review_words_in_complaint_reply;
pub(crate) mod star_rating_ask;

/// A check of the gates of a template, given where its source asks for a review.
pub(crate) type GateCheck = fn(&[Range<usize>], &[Gate], &mut Findings);

/// What a rule says about itself and how it reads a text.
pub(crate) struct About {
    /// Markdown with the headings What it does, Why it is forbidden, Example, Use instead.
    pub(crate) documentation: &'static str,
    /// One sentence without its full stop: what is wrong and who says so.
    pub(crate) why: &'static str,
    /// The English neutral wording; lexicons hold those of other languages.
    pub(crate) instead: &'static str,
    /// Judges one sentence.
    pub(crate) sentence: Option<fn(Scene<'_>, &mut Findings)>,
    /// Judges a whole text.
    pub(crate) text: Option<fn(&Text<'_>, &mut Findings)>,
    /// Judges the gates of a template: the asks found in its source, and the gates.
    pub(crate) gates: Option<GateCheck>,
}

impl About {
    /// A rule that is judged outside texts.
    pub(crate) const fn new(
        documentation: &'static str,
        why: &'static str,
        instead: &'static str,
    ) -> Self {
        Self {
            documentation,
            why,
            instead,
            sentence: None,
            text: None,
            gates: None,
        }
    }

    /// The same rule, judging each sentence.
    pub(crate) const fn by_sentence(mut self, check: fn(Scene<'_>, &mut Findings)) -> Self {
        self.sentence = Some(check);
        self
    }

    /// The same rule, judging each text as a whole as well.
    pub(crate) const fn by_text(mut self, check: fn(&Text<'_>, &mut Findings)) -> Self {
        self.text = Some(check);
        self
    }

    /// The same rule, judging the gates of templates as well.
    pub(crate) const fn by_gates(mut self, check: GateCheck) -> Self {
        self.gates = Some(check);
        self
    }
}

/// Where a rule found something: tokens of the text being read, or bytes of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// First and last token.
    Tokens(u32, u32),
    /// A range of the source.
    Source(Range<usize>),
}

/// What the rules found in one text.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Rule and place, in the order found.
    pub(crate) found: Vec<(Rule, Place)>,
}

impl Findings {
    /// Reports the words from the first to the last of some hits.
    pub(crate) fn report(&mut self, rule: Rule, hits: &[Hit]) {
        let first = hits.iter().map(|hit| hit.first).min();
        let last = hits.iter().map(|hit| hit.last).max();
        if let (Some(first), Some(last)) = (first, last) {
            self.found.push((rule, Place::Tokens(first, last)));
        }
    }

    /// Reports a range of the source.
    pub(crate) fn report_source(&mut self, rule: Rule, range: Range<usize>) {
        self.found.push((rule, Place::Source(range)));
    }
}
