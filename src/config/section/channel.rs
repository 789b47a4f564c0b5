//! `[channels.NAME]`: one place the seller sells at, and how its buyers are written to.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, de};

use crate::{
    clock::Instant,
    mail::{Address, Locale, MailKind, Mailbox, Platform, header},
    order::event::Basis,
};

use super::{optional_date, optional_instant, optional_zone};

/// One channel.
#[derive(Debug, Clone, Deserialize)]
pub struct Channel {
    /// Where its orders are placed; decides policy and lint severities.
    pub platform: Platform,
    /// Its sequence: a built-in one or one of `[sequences]`.
    pub sequence: String,
    /// Whether anything is planned for its orders.
    pub enabled: bool,
    /// The languages its buyers may get; empty means all of `templates.locales`.
    pub locales: Vec<Locale>,
    /// The language where the buyer's is unknown or not offered; without one, the seller's.
    #[serde(default)]
    pub default_locale: Option<Locale>,
    /// Orders accepted before are history and get no mail; without it, all are (O1).
    #[serde(default, deserialize_with = "optional_instant")]
    pub activated_at: Option<Instant>,
    /// The zone where the buyer's is unknown; without one, the seller's.
    #[serde(default, deserialize_with = "optional_zone")]
    pub zone: Option<Tz>,
    /// The sender of order mails.
    #[serde(deserialize_with = "mailbox")]
    pub from_transactional: Mailbox,
    /// The sender of follow-up and review mails (M12).
    #[serde(default, deserialize_with = "optional_mailbox")]
    pub from_relationship: Option<Mailbox>,
    /// Where answers go; without it, to the sender.
    #[serde(default)]
    pub reply_to: Option<Address>,
    /// A fixed return path; without it and without `bounce_domain`, the sender.
    #[serde(default)]
    pub return_path: Option<Address>,
    /// The domain of return paths with a token in them (D4).
    #[serde(default)]
    pub bounce_domain: Option<String>,
    /// The right side of message ids; without it, the sender's domain (M1).
    #[serde(default)]
    pub id_domain: Option<String>,
    /// The sender in `Feedback-ID`, 5 to 15 characters; without it the header is left out (M11).
    #[serde(default)]
    pub feedback_sender_id: Option<String>,
    /// Its transport: one of `[transports]`.
    pub transport: String,
    /// Where a review is written; `{order_ref}` stands for the order's reference.
    #[serde(default)]
    pub review_url: Option<String>,
    /// Where the buyer sees the order; `{order_ref}` stands for the order's reference.
    #[serde(default)]
    pub order_url: Option<String>,
    /// By ship-to country, on what ground relationship mail may go; `default` for the others (P1).
    pub basis: BTreeMap<String, BasisRule>,
    /// Mail kinds the shop sends itself (H6).
    pub sent_by_shop: BTreeSet<MailKind>,
    /// Exceptions from the built-in policy (H1).
    #[serde(default)]
    pub policy: Vec<PolicyOverride>,
    /// Whether relationship mails carry `List-Unsubscribe`; without it, on own shops only (U1).
    #[serde(default)]
    pub list_unsubscribe: Option<bool>,
    /// Further headers of every mail (M6).
    pub headers: BTreeMap<String, String>,
}

/// On what ground relationship mail may go to a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BasisRule {
    /// The order must carry a recorded consent.
    Consent,
    /// The order must carry a record that the notice was shown.
    SoftOptIn,
    /// The marketplace's rules allow it.
    Platform,
    /// No relationship mail goes there.
    None,
}

/// One `[[channels.NAME.policy]]`: an exception with a name and a reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PolicyOverride {
    /// The mail it is about.
    pub kind: MailKind,
    /// What holds instead.
    pub permission: Permission,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub by: String,
    /// The last day it holds; without it, until it is taken out.
    #[serde(default, deserialize_with = "optional_date")]
    pub until: Option<NaiveDate>,
}

/// Whether a mail may go on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// It may.
    Allow,
    /// It may not.
    Forbid,
    /// Only after a person agreed.
    Ask,
}

impl BasisRule {
    /// The basis an order must have on record; `None` when no relationship mail may go.
    pub const fn required(self) -> Option<Basis> {
        match self {
            Self::Consent => Some(Basis::Consent),
            Self::SoftOptIn => Some(Basis::SoftOptIn),
            Self::Platform => Some(Basis::Platform),
            Self::None => None,
        }
    }
}

impl Channel {
    /// The rule for a ship-to country; `None` where the seller chose none.
    ///
    /// Preset, where the country itself is not written: `platform` on a marketplace, and
    /// `consent` for Germany on an own shop, whatever `default` says (P1).
    pub fn basis_for(&self, country: Option<&str>) -> Option<BasisRule> {
        let country = country.map(str::to_ascii_uppercase);
        let written = country.as_ref().and_then(|country| self.basis.get(country));
        let default = self.basis.get("default").copied();
        match written {
            Some(rule) => Some(*rule),
            None if self.platform.is_marketplace() => default.or(Some(BasisRule::Platform)),
            None if country.as_deref() == Some("DE") => Some(BasisRule::Consent),
            None => default,
        }
    }

    /// The right side of message ids.
    pub fn id_domain(&self) -> &str {
        self.id_domain
            .as_deref()
            .unwrap_or_else(|| self.from_transactional.address.domain())
    }

    /// The sender of relationship mails.
    pub fn from_relationship(&self) -> &Mailbox {
        self.from_relationship
            .as_ref()
            .unwrap_or(&self.from_transactional)
    }

    /// Whether relationship mails carry `List-Unsubscribe`.
    pub fn wants_list_unsubscribe(&self) -> bool {
        self.list_unsubscribe
            .unwrap_or(!self.platform.is_marketplace())
    }
}

/// A sender as configuration writes it: `{ name = "Shop", address = "orders@example.com" }`.
#[derive(Deserialize)]
struct MailboxSection {
    #[serde(default)]
    name: Option<String>,
    address: Address,
}

fn mailbox<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mailbox, D::Error> {
    let section = MailboxSection::deserialize(deserializer)?;
    if let Some(name) = &section.name
        && header::display_name(name).as_deref() != Some(name)
    {
        return Err(de::Error::custom(format!(
            "the display name is empty, longer than {} characters or holds what no header may; write the brand's name alone",
            header::MAX_DISPLAY_NAME
        )));
    }
    Ok(Mailbox::new(section.name.as_deref(), section.address))
}

fn optional_mailbox<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Mailbox>, D::Error> {
    mailbox(deserializer).map(Some)
}
