//! The linter with the seller's own lexicons and overrides, as every mail passes it.

use chrono::NaiveDate;

use crate::{
    lint::{Diagnostic, Draft, Profile, Rule, RuleSet, Severity},
    mail::Platform,
};

/// Rules, lexicons and overrides.
#[derive(Debug)]
pub struct Linter {
    rules: RuleSet,
    overrides: Vec<Override>,
}

/// A rule the seller weighs differently, with a name, a reason and an end (linter rules, section 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The rule.
    pub rule: Rule,
    /// Only there; `None`: everywhere.
    pub platform: Option<Platform>,
    /// The severity it gets; `None`: not reported.
    pub severity: Option<Severity>,
    /// Who decided.
    pub by: String,
    /// The last day it holds.
    pub until: NaiveDate,
}

/// A finding as it weighs after the overrides. Holds no words of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// The field it was found in.
    pub field: Option<&'static str>,
    /// Who lowered it, where somebody did.
    pub overridden_by: Option<String>,
}

impl Linter {
    /// A linter of these rules and overrides.
    pub const fn new(rules: RuleSet, overrides: Vec<Override>) -> Self {
        Self { rules, overrides }
    }

    /// Names the rules and lexicons in use.
    pub fn version(&self) -> &str {
        self.rules.version()
    }

    /// The rules in use.
    pub const fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Reads a mail; overrides that ended before `today` no longer hold.
    pub fn check(&self, draft: &Draft<'_>, profile: &Profile, today: NaiveDate) -> Vec<Finding> {
        self.judged(draft, profile, today)
            .map(|(found, lowered)| Finding {
                rule: found.rule,
                severity: found.severity,
                field: found.field_kind.map(crate::lint::FieldKind::as_str),
                overridden_by: lowered.map(|lowered| lowered.by.clone()),
            })
            .collect()
    }

    /// As [`Linter::check`], with place, words and suggestion: for the author of a text.
    pub fn diagnose(
        &self,
        draft: &Draft<'_>,
        profile: &Profile,
        today: NaiveDate,
    ) -> Vec<Diagnostic> {
        self.judged(draft, profile, today)
            .map(|(found, _)| found)
            .collect()
    }

    fn judged<'a>(
        &'a self,
        draft: &Draft<'_>,
        profile: &'a Profile,
        today: NaiveDate,
    ) -> impl Iterator<Item = (Diagnostic, Option<&'a Override>)> {
        let found = self.rules.check(draft, profile).into_iter();
        found.filter_map(move |mut found| {
            let lowered = self.overrides.iter().find(|o| {
                o.rule == found.rule
                    && o.until >= today
                    && (o.platform.is_none() || o.platform == profile.platform)
            });
            if let Some(lowered) = lowered {
                // Lowering, never raising: what the rule lets pass, an override does not stop.
                found.severity = lowered.severity?.min(found.severity);
            }
            Some((found, lowered))
        })
    }
}
