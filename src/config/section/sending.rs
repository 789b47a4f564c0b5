//! `[send]` and `[unsubscribe]`: the pace of sending, retries, caps, opt-out links.

use secrecy::SecretString;
use serde::Deserialize;

use crate::mail::Address;

use super::super::duration::HumanDuration;

/// `[send]`: how mails are claimed, sent and tried again.
#[derive(Debug, Clone, Deserialize)]
pub struct Sending {
    /// Messages of one claim.
    pub batch: u32,
    /// How long a claim holds without a sign of life.
    pub lease: HumanDuration,
    /// The waits before each further attempt; the last one repeats (D8).
    pub retry_schedule: Vec<HumanDuration>,
    /// How far a wait may differ, in percent of it.
    pub retry_jitter_percent: u8,
    /// How long after the first attempt the last one may be.
    pub retry_for: HumanDuration,
    /// The most attempts of one message.
    pub max_attempts: u32,
    /// The most relationship mails to one address.
    pub caps: Caps,
    /// What an import may send at most.
    pub activation: Activation,
}

/// `[send.caps]`: over all orders and channels of an address, relationship mail only.
#[derive(Debug, Clone, Deserialize)]
pub struct Caps {
    /// So many mails.
    pub max: u32,
    /// In any period of this length.
    pub per: HumanDuration,
}

/// `[send.activation]`: limits of `import --activate` (O1).
#[derive(Debug, Clone, Deserialize)]
pub struct Activation {
    /// Transactional mails of older events are not sent.
    pub max_age: HumanDuration,
    /// The most mails a day that an import starts.
    pub daily_cap: u32,
}

/// `[unsubscribe]`: the links and addresses of `List-Unsubscribe` (U1, U4).
#[derive(Debug, Clone, Deserialize)]
pub struct Unsubscribe {
    /// The public address of our unsubscribe page, https; the token is added to it.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The mailbox that takes unsubscribe requests by mail.
    #[serde(default)]
    pub mailto: Option<Address>,
    /// The first key signs; all of them are accepted.
    #[serde(default)]
    pub keys: Vec<UnsubscribeKey>,
}

/// One `[[unsubscribe.keys]]`.
#[derive(Debug, Clone, Deserialize)]
pub struct UnsubscribeKey {
    /// The key's name inside tokens.
    pub kid: String,
    /// The key: at least 32 characters.
    pub secret: SecretString,
}
