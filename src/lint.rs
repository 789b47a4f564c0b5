//! The compliance linter: may this wording go to this buyer, on this channel, in this mail?
//!
//! [`check`] reads the texts of a mail or a template and answers with diagnostics. It never
//! fails, never panics, does no I/O, and its work grows linearly with the text. Rules reason
//! about concepts (a review, a benefit, a negation) within sentences; which words carry a
//! concept is data, one lexicon file per language. In reading order: [`draft`] is the input,
//! `read` makes views of it, `passage` cuts and folds them, `lexicon` finds concepts, `scene`
//! relates them, `rules` judges (one file per rule), `severity` weighs, [`diagnostic`] is the
//! output. [`sequence`] holds the checks that need no wording.

pub mod diagnostic;
pub mod draft;
pub mod human;
pub mod mood;
pub mod rule;
pub mod ruleset;
pub mod sequence;

mod concept;
mod fold;
mod lexicon;
mod passage;
mod read;
mod rules;
mod scene;
mod severity;
#[cfg(test)]
mod tests;

pub use diagnostic::{Diagnostic, Severity, Verdict};
pub use draft::{Destination, Draft, Field, FieldKind, Profile, parse_kind};
pub use human::render_human;
pub use lexicon::LexiconError;
pub use rule::{Rule, UnknownRule};
pub use ruleset::RuleSet;

/// How much a rule weighs in the circumstances of a mail, before its text is looked at.
pub fn severity_of(rule: Rule, profile: &Profile) -> Severity {
    severity::severity(rule, profile, false)
}

/// Reads all fields of a draft with the shipped lexicons.
pub fn check(draft: &Draft<'_>, profile: &Profile) -> Vec<Diagnostic> {
    RuleSet::shipped().check(draft, profile)
}
