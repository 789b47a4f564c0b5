//! Severity by platform: one table, read from top to bottom.

use super::{Destination, Profile, Rule, Severity};
use crate::mail::{MailKind, Platform};

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Error.
    E,
    /// Warning.
    W,
    /// Warning; error where German law applies, which holds the mail itself unfair.
    G,
    /// Warning outside replies to complaints, error in them.
    C,
}

use Cell::{C, E, G, W};

/// "3rd" is a mail of an own shop whose review goes to Google, Trustpilot or a similar site.
#[rustfmt::skip]
const TABLE: &[(Rule, [Cell; 8])] = &[
    //                                   amazon ebay allegro aliexp. etsy walmart shop 3rd
    (Rule::IncentiveForReview,           [E,    E,   E,      E,      E,   E,      G,   E]),
    (Rule::IncentiveForPositiveReview,   [E,    E,   E,      E,      E,   E,      E,   E]),
    (Rule::PositiveOnlyAsk,              [E,    W,   E,      E,      E,   E,      E,   E]),
    (Rule::StarRatingAsk,                [E,    W,   E,      E,      E,   E,      E,   E]),
    (Rule::HappyBuyersOnly,              [E,    E,   E,      E,      E,   E,      E,   E]),
    (Rule::ChangeOrRemovalRequest,       [E,    C,   E,      E,      E,   E,      E,   E]),
    (Rule::DiscourageNegative,           [E,    E,   E,      E,      E,   E,      E,   E]),
    (Rule::ReviewWordsInComplaintReply,  [E,    E,   E,      E,      E,   E,      E,   E]),
    (Rule::KindNotAllowed,               [E,    E,   E,      E,      E,   E,      E,   E]),
    (Rule::RequestOutsideWindow,         [E,    E,   E,      E,      E,   E,      E,   E]),
    (Rule::RepeatedReviewRequest,        [E,    E,   E,      E,      E,   E,      E,   E]),
    (Rule::AudienceByMood,               [E,    E,   E,      E,      E,   E,      E,   E]),
];

const PLATFORM_COLUMNS: usize = 7;
const THIRD_PARTY: usize = 7;

/// The severity of a rule in the circumstances of a mail. `names_site` is whether the text itself
/// leads to a review site outside the channel.
pub(crate) fn severity(rule: Rule, profile: &Profile, names_site: bool) -> Severity {
    let Some((_, cells)) = TABLE.iter().find(|(row, _)| *row == rule) else {
        return Severity::Error;
    };
    let third_party = names_site || matches!(profile.destination, Destination::ThirdParty(_));
    let weigh = |cell: Cell| match cell {
        E => Severity::Error,
        G if profile.is_germany() => Severity::Error,
        C if profile.kind == MailKind::ComplaintReply => Severity::Error,
        W | G | C => Severity::Warn,
    };
    match profile.platform {
        Some(Platform::Shop) if third_party => weigh(cells[THIRD_PARTY]),
        Some(platform) => Platform::ALL
            .iter()
            .position(|known| *known == platform)
            .and_then(|column| cells.get(column))
            .map_or(Severity::Error, |cell| weigh(*cell)),
        None => cells[..PLATFORM_COLUMNS]
            .iter()
            .map(|cell| weigh(*cell))
            .max()
            .unwrap_or(Severity::Error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: Rule, platform: Option<Platform>, locale: &str, site: bool, expected: Severity) {
        let profile = Profile::new(platform, MailKind::ReviewRequest, locale.parse().unwrap());
        assert_eq!(
            severity(rule, &profile, site),
            expected,
            "{rule:?} {platform:?} {locale}"
        );
    }

    #[test]
    fn every_rule_has_exactly_one_row_in_the_order_of_codes() {
        let rows: Vec<Rule> = TABLE.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(rows, Rule::ALL);
    }

    #[test]
    fn own_shops_are_relaxed_but_not_in_germany_nor_for_other_sites() {
        let rule = Rule::IncentiveForReview;
        check(rule, Some(Platform::Shop), "en", false, Severity::Warn);
        check(rule, Some(Platform::Shop), "de", false, Severity::Error);
        check(rule, Some(Platform::Shop), "de-AT", false, Severity::Warn);
        check(rule, Some(Platform::Shop), "en", true, Severity::Error);
        check(rule, None, "en", false, Severity::Error);
    }

    #[test]
    fn a_revision_request_on_ebay_is_a_warning_outside_replies_to_complaints() {
        let mut profile = Profile::new(
            Some(Platform::Ebay),
            MailKind::FollowUp,
            "en".parse().unwrap(),
        );
        let rule = Rule::ChangeOrRemovalRequest;
        assert_eq!(severity(rule, &profile, false), Severity::Warn);
        profile.kind = MailKind::ComplaintReply;
        assert_eq!(severity(rule, &profile, false), Severity::Error);
    }
}
