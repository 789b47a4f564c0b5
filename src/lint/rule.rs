//! The rules by code and name. A rule is one row here, one row in `severity`, and one file.

use std::{fmt, str::FromStr};

use super::rules;

macro_rules! rules {
    ($($variant:ident $code:literal $name:literal $module:ident,)*) => {
        /// A rule of the linter. Codes are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(#[doc = concat!($code, " ", $name)] $variant,)* }

        impl Rule {
            /// Every rule, in the order of codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code: `RM001`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name: `incentive-for-review`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does, why it is forbidden, an example, what to use instead; Markdown.
            pub const fn documentation(self) -> &'static str {
                match self { $(Self::$variant => rules::$module::ABOUT.documentation,)* }
            }

            pub(crate) const fn about(self) -> &'static rules::About {
                match self { $(Self::$variant => &rules::$module::ABOUT,)* }
            }
        }
    };
}

rules! {
    IncentiveForReview          "RM001" "incentive-for-review"            incentive_for_review,
    IncentiveForPositiveReview  "RM002" "incentive-for-positive-review"   incentive_for_positive_review,
    PositiveOnlyAsk             "RM003" "positive-only-ask"               positive_only_ask,
    StarRatingAsk               "RM004" "star-rating-ask"                 star_rating_ask,
    HappyBuyersOnly             "RM005" "happy-buyers-only"               happy_buyers_only,
    ChangeOrRemovalRequest      "RM007" "change-or-removal-request"       change_or_removal_request,
    DiscourageNegative          "RM011" "discourage-negative"             discourage_negative,
    ReviewWordsInComplaintReply "RM012" "review-words-in-complaint-reply" review_words_in_complaint_reply,
    KindNotAllowed              "CH001" "kind-not-allowed-on-channel"     kind_not_allowed,
    RequestOutsideWindow        "CH002" "review-request-outside-window"   request_outside_window,
    RepeatedReviewRequest       "CH003" "repeated-review-request"         repeated_review_request,
    AudienceByMood              "CH006" "audience-by-mood"                audience_by_mood,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())
    }
}

/// A text that is neither code nor name of a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rule; write a code such as RM001 or a name such as incentive-for-review")]
pub struct UnknownRule(pub String);

impl FromStr for Rule {
    type Err = UnknownRule;

    /// Reads a code in any case, or a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|rule| rule.code().eq_ignore_ascii_case(text) || rule.name() == text)
            .ok_or_else(|| UnknownRule(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_by_code_and_by_name() {
        for &rule in Rule::ALL {
            assert_eq!(rule.code().parse(), Ok(rule));
            assert_eq!(rule.name().parse(), Ok(rule));
        }
        assert_eq!("rm001".parse(), Ok(Rule::IncentiveForReview));
        assert!("RM999".parse::<Rule>().is_err());
    }

    #[test]
    fn every_rule_is_documented_under_the_same_headings() {
        for &rule in Rule::ALL {
            let text = rule.documentation();
            assert!(
                text.starts_with(&format!("# {} ({})", rule.name(), rule.code())),
                "{text}"
            );
            let headings: Vec<&str> = text.lines().filter(|l| l.starts_with("## ")).collect();
            assert_eq!(
                headings,
                [
                    "## What it does",
                    "## Why it is forbidden",
                    "## Example",
                    "## Use instead"
                ],
                "{rule}"
            );
        }
    }
}
