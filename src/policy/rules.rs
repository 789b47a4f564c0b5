//! The rules of each platform: what they permit, why, and where that is written.
//!
//! The strict reading: what a platform sends itself is not sent again, and what is not plainly
//! allowed asks for the seller's agreement. Which rule stands where is [`super::table`]'s.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a mail may go on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// It may go.
    Allow,
    /// It may go once the seller has agreed to it in the configuration.
    Ask,
    /// It may not go.
    Forbid,
}

impl Permission {
    /// The stable name used in configuration and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Forbid => "forbid",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule of a platform: what it permits, why, and who says so.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable name, as `why` prints it.
    pub name: &'static str,
    /// What it permits.
    pub permission: Permission,
    /// Why, as a sentence without a full stop.
    pub why: &'static str,
    /// Where it is written.
    pub source: &'static str,
    /// When this table last settled the rule, as year and month.
    pub dated: &'static str,
    /// Carriers whose own notices reach the buyer: for them the rule forbids. Each is one or
    /// more words, lower case, to be found in the carrier's name.
    pub forbidden_carriers: &'static [&'static str],
}

const fn said(
    name: &'static str,
    permission: Permission,
    why: &'static str,
    source: &'static str,
    dated: &'static str,
) -> Rule {
    Rule {
        name,
        permission,
        why,
        source,
        dated,
        forbidden_carriers: &[],
    }
}

use Permission::{Allow, Ask, Forbid};

/// When the table was last gone through as a whole.
const EDITION: &str = "2026-11";

const AMAZON: &str =
    "Amazon Communication Guidelines: sellercentral.amazon.com help G1701, 200383320, 201054220";
pub(super) static AM_SENDS: Rule = said(
    "amazon_sends_it",
    Forbid,
    "Amazon confirms orders, shipping, refunds and returns itself and forbids the seller to repeat it",
    AMAZON,
    EDITION,
);
pub(super) static AM_NEED: Rule = said(
    "amazon_needed_for_the_order",
    Allow,
    "Amazon allows messages that are needed to complete the order",
    AMAZON,
    EDITION,
);
pub(super) static AM_ONE: Rule = said(
    "amazon_no_thanks_only_message",
    Forbid,
    "Amazon forbids messages that only thank or ask how it went, and one would use up the single proactive message of the order",
    AMAZON,
    EDITION,
);
pub(super) static AM_API: Rule = said(
    "amazon_solicitations_api",
    Forbid,
    "on Amazon the review request is done by the Solicitations API, once per order, in place of a mail",
    "developer-docs.amazon.com/sp-api, Solicitations API",
    EDITION,
);
pub(super) static AM_REPLY: Rule = said(
    "amazon_answers",
    Allow,
    "Amazon allows answers to the buyer",
    AMAZON,
    EDITION,
);

const EBAY: &str = "eBay member-to-member contact policy, ebay.co.uk help 5033; developer.ebay.com, Member communications";
pub(super) static EB_SENDS: Rule = said(
    "ebay_sends_it",
    Forbid,
    "eBay sends this notice itself",
    EBAY,
    EDITION,
);
pub(super) static EB_NEWS: Rule = said(
    "ebay_message_centre",
    Ask,
    "eBay expects news of an order through its message centre; agree to it if you write to the member alias by mail",
    EBAY,
    EDITION,
);
pub(super) static EB_FOLLOW: Rule = said(
    "ebay_no_marketing",
    Forbid,
    "eBay forbids mail to members that is not needed for the order",
    EBAY,
    EDITION,
);
pub(super) static EB_REVIEW: Rule = said(
    "ebay_asks_for_feedback",
    Forbid,
    "eBay asks for feedback itself; reminders by mail count as unwanted contact",
    EBAY,
    EDITION,
);
pub(super) static EB_REPLY: Rule = said(
    "ebay_answers",
    Allow,
    "answers to the member's own message are allowed, through the alias",
    EBAY,
    EDITION,
);

const ALLEGRO: &str = "Allegro terms; developer.allegro.pl/news of 14 October 2025 (rules from 2 March 2026); github.com/allegro/allegro-api issues 13038, 12176, 10252";
pub(super) static AL_SENDS: Rule = said(
    "allegro_sends_it",
    Forbid,
    "Allegro sends this notice itself and stops mails of sellers that repeat it",
    ALLEGRO,
    EDITION,
);
pub(super) static AL_ORDER: Rule = said(
    "allegro_matter_of_one_order",
    Allow,
    "Allegro lets individual matters of one order pass",
    ALLEGRO,
    EDITION,
);
pub(super) static AL_CLOSE: Rule = said(
    "allegro_may_repeat_status",
    Ask,
    "Allegro tells the buyer the new status; a mail passes only as an individual matter of the order",
    ALLEGRO,
    EDITION,
);
pub(super) static AL_PICKUP: Rule = Rule {
    name: "allegro_pickup",
    permission: Ask,
    why: "carriers integrated with Allegro announce a waiting parcel themselves; agree to it for carriers of your own contract",
    source: ALLEGRO,
    dated: EDITION,
    forbidden_carriers: &[
        "allegro",
        "inpost",
        "paczkomat",
        "paczkomaty",
        "dpd",
        "orlen",
        "dhl",
        "ups",
        "gls",
        "pocztex",
        "poczta polska",
        "packeta",
    ],
};
pub(super) static AL_FOLLOW: Rule = said(
    "allegro_follow_up",
    Ask,
    "Allegro stops thank-you mails; a question after delivery passes only as an individual matter of the order",
    ALLEGRO,
    EDITION,
);
pub(super) static AL_REVIEW: Rule = said(
    "allegro_asks_for_rating",
    Forbid,
    "Allegro asks for the rating itself and stops requests to rate the transaction",
    ALLEGRO,
    EDITION,
);
pub(super) static AL_REPLY: Rule = said(
    "allegro_answers",
    Allow,
    "answers in a thread the buyer began are allowed",
    ALLEGRO,
    EDITION,
);

const ALIEXPRESS: &str = "AliExpress Open Platform (the order carries no buyer address); AliExpress rules on trading feedback";
pub(super) static AX_SENDS: Rule = said(
    "aliexpress_sends_it",
    Forbid,
    "AliExpress sends this notice itself and gives no mail address",
    ALIEXPRESS,
    EDITION,
);
pub(super) static AX_NEWS: Rule = said(
    "aliexpress_message",
    Ask,
    "AliExpress expects news of an order as a platform message; agree to it if you hold the buyer's address with a legal basis",
    ALIEXPRESS,
    EDITION,
);
pub(super) static AX_FOLLOW: Rule = said(
    "aliexpress_no_follow_up",
    Forbid,
    "AliExpress gives no address for mail after the sale",
    ALIEXPRESS,
    EDITION,
);
pub(super) static AX_REVIEW: Rule = said(
    "aliexpress_asks_for_feedback",
    Forbid,
    "feedback is asked for on the platform only",
    ALIEXPRESS,
    EDITION,
);
pub(super) static AX_REPLY: Rule = said(
    "aliexpress_answers",
    Allow,
    "answers to the buyer's own message are allowed",
    ALIEXPRESS,
    EDITION,
);

const ETSY: &str = "Etsy Seller Policy, messages and reviews";
pub(super) static ET_SENDS: Rule = said(
    "etsy_sends_it",
    Forbid,
    "Etsy sends this notice itself",
    ETSY,
    EDITION,
);
pub(super) static ET_NEWS: Rule = said(
    "etsy_messages",
    Ask,
    "Etsy expects news of an order in its own messages; agree to it if the buyer is written to by mail",
    ETSY,
    EDITION,
);
pub(super) static ET_FOLLOW: Rule = said(
    "etsy_no_unasked_mail",
    Forbid,
    "Etsy forbids unsolicited mail to its buyers",
    ETSY,
    EDITION,
);
pub(super) static ET_REVIEW: Rule = said(
    "etsy_asks_for_review",
    Forbid,
    "Etsy asks for the review itself",
    ETSY,
    EDITION,
);
pub(super) static ET_REPLY: Rule = said(
    "etsy_answers",
    Allow,
    "answers to the buyer's own message are allowed",
    ETSY,
    EDITION,
);

const WALMART: &str =
    "Walmart Marketplace customer communication and review policies, marketplacelearn.walmart.com";
pub(super) static WM_SENDS: Rule = said(
    "walmart_sends_it",
    Forbid,
    "Walmart sends this notice itself",
    WALMART,
    EDITION,
);
pub(super) static WM_NEWS: Rule = said(
    "walmart_relay",
    Ask,
    "Walmart allows messages through its relay only where the order needs them; agree to it if yours does",
    WALMART,
    EDITION,
);
pub(super) static WM_FOLLOW: Rule = said(
    "walmart_no_unasked_mail",
    Forbid,
    "Walmart forbids marketing to its customers",
    WALMART,
    EDITION,
);
pub(super) static WM_REVIEW: Rule = said(
    "walmart_asks_for_review",
    Forbid,
    "Walmart asks for the review itself",
    WALMART,
    EDITION,
);
pub(super) static WM_REPLY: Rule = said(
    "walmart_answers",
    Allow,
    "answers to the customer's own message are allowed",
    WALMART,
    EDITION,
);

pub(super) static OWN: Rule = said(
    "own_shop",
    Allow,
    "it is your own shop; relationship mail still needs its legal basis",
    "Directive 2002/58/EC art. 13(2)",
    EDITION,
);

impl Rule {
    /// Whether the carrier's own notices reach the buyer under this rule.
    pub fn forbids_carrier(&self, carrier: &str) -> bool {
        self.forbidden_carriers
            .iter()
            .any(|known| names_carrier(carrier, known))
    }
}

/// Whether the words of `known` stand one after the other in a carrier's name, whatever the
/// case and whatever stands between words: `poczta polska` in `POCZTA_POLSKA`.
pub(super) fn names_carrier(carrier: &str, known: &str) -> bool {
    fn words(text: &str) -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect()
    }
    let (carrier, known) = (words(carrier), words(known));
    !known.is_empty() && carrier.windows(known.len()).any(|run| run == known)
}
