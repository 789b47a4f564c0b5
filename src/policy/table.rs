//! What each platform lets a seller mail: the built-in table of rules.
//!
//! Sellers change single cells with an override ([`super::channel`]).

use crate::mail::{MailKind, Platform};

use super::rules::{
    AL_CLOSE, AL_FOLLOW, AL_ORDER, AL_PICKUP, AL_REPLY, AL_REVIEW, AL_SENDS, AM_API, AM_NEED,
    AM_ONE, AM_REPLY, AM_SENDS, AX_FOLLOW, AX_NEWS, AX_REPLY, AX_REVIEW, AX_SENDS, EB_FOLLOW,
    EB_NEWS, EB_REPLY, EB_REVIEW, EB_SENDS, ET_FOLLOW, ET_NEWS, ET_REPLY, ET_REVIEW, ET_SENDS, OWN,
    Rule, WM_FOLLOW, WM_NEWS, WM_REPLY, WM_REVIEW, WM_SENDS,
};

type Row = [&'static Rule; 7];

/// One row per mail kind; the columns in the order of [`Platform::ALL`].
#[rustfmt::skip]
const fn row(kind: MailKind) -> Row {
    match kind {
        //                              Amazon      eBay        Allegro     AliExpress  Etsy        Walmart     shop
        MailKind::Accepted
        | MailKind::Paid
        | MailKind::Shipped
        | MailKind::OutForDelivery
        | MailKind::Delivered
        | MailKind::SplitParcel     => [&AM_SENDS,  &EB_SENDS,  &AL_SENDS,  &AX_SENDS,  &ET_SENDS,  &WM_SENDS,  &OWN],
        MailKind::Delay
        | MailKind::OutOfStock
        | MailKind::Customs         => [&AM_NEED,   &EB_NEWS,   &AL_ORDER,  &AX_NEWS,   &ET_NEWS,   &WM_NEWS,   &OWN],
        MailKind::PickupWaiting
        | MailKind::PickupReminder  => [&AM_SENDS,  &EB_NEWS,   &AL_PICKUP, &AX_NEWS,   &ET_NEWS,   &WM_NEWS,   &OWN],
        MailKind::Refund            => [&AM_SENDS,  &EB_SENDS,  &AL_ORDER,  &AX_SENDS,  &ET_SENDS,  &WM_SENDS,  &OWN],
        MailKind::Cancelled
        | MailKind::Returned        => [&AM_SENDS,  &EB_SENDS,  &AL_CLOSE,  &AX_SENDS,  &ET_SENDS,  &WM_SENDS,  &OWN],
        MailKind::FollowUp          => [&AM_ONE,    &EB_FOLLOW, &AL_FOLLOW, &AX_FOLLOW, &ET_FOLLOW, &WM_FOLLOW, &OWN],
        MailKind::ReviewRequest     => [&AM_API,    &EB_REVIEW, &AL_REVIEW, &AX_REVIEW, &ET_REVIEW, &WM_REVIEW, &OWN],
        MailKind::ComplaintReply    => [&AM_REPLY,  &EB_REPLY,  &AL_REPLY,  &AX_REPLY,  &ET_REPLY,  &WM_REPLY,  &OWN],
    }
}

/// The built-in rule of a platform for a mail kind.
pub fn rule(platform: Platform, kind: MailKind) -> &'static Rule {
    let column = match platform {
        Platform::Amazon => 0,
        Platform::Ebay => 1,
        Platform::Allegro => 2,
        Platform::Aliexpress => 3,
        Platform::Etsy => 4,
        Platform::Walmart => 5,
        Platform::Shop => 6,
    };
    row(kind)[column]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_table_reads_as_the_platforms_want_it() {
        use std::fmt::Write as _;
        let columns = Platform::ALL.map(Platform::as_str).join(" ");
        let mut table = format!("{:16} {columns}\n", "");
        for kind in MailKind::ALL {
            let cells = Platform::ALL.map(|platform| rule(platform, kind).permission.as_str());
            writeln!(table, "{:16} {}", kind.as_str(), cells.join(" ")).unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn every_rule_is_dated_named_once_and_says_why() {
        let mut names: BTreeMap<&str, &Rule> = BTreeMap::new();
        for platform in Platform::ALL {
            for kind in MailKind::ALL {
                let rule = rule(platform, kind);
                assert_eq!(*names.entry(rule.name).or_insert(rule), rule);
                assert!(
                    !rule.source.is_empty() && rule.dated.len() == 7,
                    "{}",
                    rule.name
                );
                assert!(
                    rule.why.len() > 20 && !rule.why.ends_with('.'),
                    "{}",
                    rule.name
                );
                let own = platform == Platform::Shop;
                assert_eq!(rule.name == "own_shop", own);
                assert!(
                    own || rule.name.starts_with(platform.as_str()),
                    "{}",
                    rule.name
                );
            }
        }
    }

    #[test]
    fn carriers_are_known_by_the_words_of_their_names() {
        let pickup = rule(Platform::Allegro, MailKind::PickupWaiting);
        for (carrier, forbidden) in [
            ("InPost Paczkomaty 24/7", true),
            ("INPOST", true),
            ("Allegro One Box", true),
            ("dpd", true),
            ("DPD_PL", true),
            ("ORLEN Paczka", true),
            ("POCZTA_POLSKA", true),
            ("Poczta Czeska", false),
            ("Startups Express", false),
            ("Geis", false),
            ("", false),
        ] {
            assert_eq!(pickup.forbids_carrier(carrier), forbidden, "{carrier}");
        }
    }
}
