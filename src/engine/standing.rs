//! What is known about buyers beyond their orders: suppressions, caps, stop switches.

use std::collections::BTreeMap;

use crate::{
    clock::Instant,
    mail::MailClass,
    plan::BuyerStanding,
    policy::{Cap, cap_frees_at},
    store::{
        StoreError, Tx,
        buyers::{RelationshipSent, Suppression},
        rows::Covers,
        switches::Switch,
    },
};

/// The suppressions of a batch of buyers.
#[derive(Debug, Default)]
pub(super) struct Suppressions {
    by_key: BTreeMap<String, Vec<Suppression>>,
}

/// Looks up the suppressions of some buyers in one statement.
pub(super) async fn suppressions(
    tx: &mut Tx,
    keys: impl Iterator<Item = &String>,
) -> Result<Suppressions, StoreError> {
    let keys: Vec<&str> = keys.map(String::as_str).collect();
    if keys.is_empty() {
        return Ok(Suppressions::default());
    }
    let mut found = Suppressions::default();
    for suppression in tx.suppressions_of(&keys).await? {
        found
            .by_key
            .entry(suppression.buyer_key.clone())
            .or_default()
            .push(suppression);
    }
    Ok(found)
}

impl Suppressions {
    /// The standing of one buyer on one channel, as far as suppressions tell.
    pub(super) fn of(&self, key: Option<&str>, channel: &str) -> BuyerStanding {
        let mut standing = BuyerStanding::default();
        let all = key
            .and_then(|key| self.by_key.get(key))
            .into_iter()
            .flatten();
        for suppression in all.filter(|s| s.channel.is_empty() || s.channel == channel) {
            match suppression.covers {
                Covers::All => standing.is_suppressed = true,
                Covers::Relationship => standing.is_suppressed_for_relationship = true,
            }
        }
        standing
    }
}

/// Until when the cap closes the way to a buyer, counting all orders but never the message itself;
/// `ahead` are mails that are about to go.
pub(super) fn capped_until(
    sent: &[RelationshipSent],
    ahead: &[Instant],
    key: &str,
    message: i64,
    cap: Cap,
    now: Instant,
) -> Option<Instant> {
    let times: Vec<Instant> = sent
        .iter()
        .filter(|row| row.buyer_key == key && row.id != message)
        .map(|row| row.intent_at.into())
        .chain(ahead.iter().copied())
        .collect();
    cap_frees_at(&times, cap, now)
}

/// The switch that holds mails of a channel, class and step now.
pub(super) fn switch_for<'a>(
    switches: &'a [Switch],
    channel: &str,
    class: MailClass,
    step: &str,
) -> Option<&'a Switch> {
    switches.iter().find(|switch| {
        (switch.channel.is_empty() || switch.channel == channel)
            && (switch.step.is_empty() || switch.step == step)
            && switch.covers.covers(class)
    })
}
