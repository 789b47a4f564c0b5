//! May this mail go on this channel? The built-in table with the seller's overrides (H1).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::mail::{MailKind, Platform};

use super::{
    rules::{Permission, Rule, names_carrier},
    table::rule,
};

/// One cell the seller decided on their own, with their reason.
///
/// Exactly one of `channel` and `platform` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The one channel it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The platform it is for, on all its channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The mail kind.
    pub kind: MailKind,
    /// Only parcels of this carrier; left out: every carrier the built-in rule does not forbid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// What holds instead.
    pub permission: Permission,
    /// Why.
    pub reason: String,
    /// Who decided it.
    pub by: String,
    /// When.
    pub date: NaiveDate,
}

/// Why an override cannot be used. `at` counts from 0 in the order they are written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// It is not said what it is for, or it is said twice.
    #[error("policy override {at}: name either `channel` or `platform`")]
    Target {
        /// Which.
        at: usize,
    },
    /// No reason is given.
    #[error(
        "policy override {at}: `reason` is empty; say why the built-in rule does not hold for you"
    )]
    NoReason {
        /// Which.
        at: usize,
    },
    /// Nobody stands for it.
    #[error("policy override {at}: `by` is empty; say who decided it")]
    NoAuthor {
        /// Which.
        at: usize,
    },
    /// Two overrides decide the same.
    #[error("policy override {at} decides the same as override {first}; keep one of them")]
    Twice {
        /// Which.
        at: usize,
        /// The one before it.
        first: usize,
    },
}

/// The built-in table with the seller's overrides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    overrides: Vec<Override>,
}

/// What holds for one mail on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling<'a> {
    /// Whether it may go.
    pub permission: Permission,
    /// The built-in rule that was looked at; its name, source and date are for `why`.
    pub rule: &'static Rule,
    /// Why: the seller's reason where the rule is overridden, else the rule's own.
    pub why: &'a str,
    /// The seller's decision, where there is one.
    pub overridden: Option<&'a Override>,
}

impl Policy {
    /// The built-in table with these overrides.
    pub fn new(overrides: Vec<Override>) -> Result<Self, OverrideError> {
        for (at, this) in overrides.iter().enumerate() {
            if this.channel.is_some() == this.platform.is_some() {
                return Err(OverrideError::Target { at });
            }
            if this.reason.trim().is_empty() {
                return Err(OverrideError::NoReason { at });
            }
            if this.by.trim().is_empty() {
                return Err(OverrideError::NoAuthor { at });
            }
            if let Some(first) = overrides[..at].iter().position(|other| {
                other.channel == this.channel
                    && other.platform == this.platform
                    && other.kind == this.kind
                    && other.carrier == this.carrier
            }) {
                return Err(OverrideError::Twice { at, first });
            }
        }
        Ok(Self { overrides })
    }

    /// The seller's overrides, for the console and `config show`.
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// Whether a mail of that kind may go on that channel, for a parcel of that carrier.
    ///
    /// An override for the channel outweighs one for its platform, one for the carrier outweighs
    /// one for all. What the rule forbids because of the carrier is lifted only by an override
    /// that names the carrier: agreeing to pick-up mails does not repeat the carrier's own.
    pub fn check(
        &self,
        channel: &str,
        platform: Platform,
        kind: MailKind,
        carrier: Option<&str>,
    ) -> Ruling<'_> {
        let rule = rule(platform, kind);
        let by_carrier = carrier.is_some_and(|carrier| rule.forbids_carrier(carrier));
        let weight = |o: &Override| {
            let target = match (&o.channel, o.platform) {
                (Some(name), _) if name == channel => 1,
                (None, Some(on)) if on == platform => 0,
                _ => return None,
            };
            let named = match (&o.carrier, carrier) {
                (Some(known), Some(carrier)) if names_carrier(carrier, known) => true,
                (Some(_), _) => return None,
                (None, _) => false,
            };
            let lifts_nothing = by_carrier && !named && o.permission != Permission::Forbid;
            (o.kind == kind && !lifts_nothing).then_some((named, target))
        };
        let overridden = self
            .overrides
            .iter()
            .filter_map(|o| Some((weight(o)?, o)))
            .max_by_key(|(weight, _)| *weight)
            .map(|(_, o)| o);
        match overridden {
            Some(o) => Ruling {
                permission: o.permission,
                rule,
                why: &o.reason,
                overridden,
            },
            None => Ruling {
                permission: if by_carrier {
                    Permission::Forbid
                } else {
                    rule.permission
                },
                rule,
                why: rule.why,
                overridden: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Permission::{Allow, Ask, Forbid};

    fn seller(toml: &str) -> Override {
        toml::from_str(&format!(
            "reason = \"agreed with the platform\"\nby = \"owner\"\ndate = \"2026-04-01\"\n{toml}"
        ))
        .unwrap()
    }

    #[test]
    fn the_built_in_rules_hold_without_overrides() {
        let policy = Policy::default();
        for (platform, kind, carrier, permission, name) in [
            (Platform::Shop, MailKind::Accepted, None, Allow, "own_shop"),
            (
                Platform::Allegro,
                MailKind::Shipped,
                None,
                Forbid,
                "allegro_sends_it",
            ),
            (
                Platform::Allegro,
                MailKind::Delay,
                None,
                Allow,
                "allegro_matter_of_one_order",
            ),
            (
                Platform::Allegro,
                MailKind::FollowUp,
                None,
                Ask,
                "allegro_follow_up",
            ),
            (
                Platform::Allegro,
                MailKind::PickupWaiting,
                None,
                Ask,
                "allegro_pickup",
            ),
            (
                Platform::Allegro,
                MailKind::PickupWaiting,
                Some("Geis"),
                Ask,
                "allegro_pickup",
            ),
            (
                Platform::Allegro,
                MailKind::PickupWaiting,
                Some("InPost"),
                Forbid,
                "allegro_pickup",
            ),
            (
                Platform::Amazon,
                MailKind::ReviewRequest,
                None,
                Forbid,
                "amazon_solicitations_api",
            ),
            (
                Platform::Etsy,
                MailKind::FollowUp,
                None,
                Forbid,
                "etsy_no_unasked_mail",
            ),
        ] {
            let ruling = policy.check("channel", platform, kind, carrier);
            assert_eq!((ruling.permission, ruling.rule.name), (permission, name));
            assert_eq!((ruling.why, ruling.overridden), (ruling.rule.why, None));
        }
        let amazon = policy.check("amazon", Platform::Amazon, MailKind::ReviewRequest, None);
        assert!(amazon.why.contains("done by the Solicitations API"));
    }

    /// Each case is `channel platform kind carrier permission`, with `!` where overridden.
    fn check(policy: &Policy, cases: &[&str]) {
        for case in cases {
            let words: Vec<&str> = case.split(' ').collect();
            let carrier = Some(words[3].replace('_', " ")).filter(|carrier| carrier != "-");
            let ruling = policy.check(
                words[0],
                words[1].parse().unwrap(),
                words[2].parse().unwrap(),
                carrier.as_deref(),
            );
            let mark = if ruling.overridden.is_some() { "!" } else { "" };
            assert_eq!(format!("{}{mark}", ruling.permission), words[4], "{case}");
            assert_eq!(ruling.why == "agreed with the platform", mark == "!");
        }
    }

    #[test]
    fn an_override_for_the_channel_outweighs_one_for_its_platform() {
        let policy = Policy::new(vec![
            seller("channel = \"allegro-b\"\nkind = \"follow_up\"\npermission = \"forbid\""),
            seller("platform = \"allegro\"\nkind = \"follow_up\"\npermission = \"allow\""),
        ]);
        check(
            &policy.unwrap(),
            &[
                "allegro-a allegro follow_up - allow!",
                "allegro-b allegro follow_up - forbid!",
                "allegro-a allegro review_request - forbid",
                "ebay ebay follow_up - forbid",
            ],
        );
    }

    #[test]
    fn what_a_carrier_announces_itself_is_agreed_to_by_its_name_only() {
        let policy = Policy::new(vec![
            seller("platform = \"allegro\"\nkind = \"pickup_waiting\"\npermission = \"allow\""),
            seller(
                "platform = \"allegro\"\nkind = \"pickup_reminder\"\npermission = \"allow\"\ncarrier = \"DPD\"",
            ),
            seller(
                "channel = \"shop\"\nkind = \"shipped\"\npermission = \"forbid\"\ncarrier = \"DHL\"",
            ),
        ]);
        check(
            &policy.unwrap(),
            &[
                "allegro-a allegro pickup_waiting Geis allow!",
                "allegro-a allegro pickup_waiting - allow!",
                "allegro-a allegro pickup_waiting DPD forbid",
                "allegro-a allegro pickup_reminder DPD_Pickup allow!",
                "allegro-a allegro pickup_reminder InPost forbid",
                "allegro-a allegro pickup_reminder - ask",
                "shop shop shipped DHL_Paket forbid!",
                "shop shop shipped DPD allow",
            ],
        );
    }

    #[test]
    fn overrides_say_for_what_why_and_by_whom() {
        let whole = seller("platform = \"ebay\"\nkind = \"delay\"\npermission = \"allow\"");
        let both = Override {
            channel: Some("ebay".to_owned()),
            ..whole.clone()
        };
        let neither = Override {
            platform: None,
            ..whole.clone()
        };
        let no_reason = Override {
            reason: " ".to_owned(),
            ..whole.clone()
        };
        let no_author = Override {
            by: String::new(),
            ..whole.clone()
        };
        for (overrides, expected) in [
            (vec![both], OverrideError::Target { at: 0 }),
            (vec![neither], OverrideError::Target { at: 0 }),
            (vec![no_reason], OverrideError::NoReason { at: 0 }),
            (vec![no_author], OverrideError::NoAuthor { at: 0 }),
            (
                vec![whole.clone(), whole.clone()],
                OverrideError::Twice { at: 1, first: 0 },
            ),
        ] {
            assert_eq!(Policy::new(overrides), Err(expected));
        }
        assert_eq!(
            Policy::new(vec![whole.clone()]).unwrap().overrides(),
            [whole]
        );
    }
}
