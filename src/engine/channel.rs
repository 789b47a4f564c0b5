//! A channel as the engine uses it: rules to plan by, senders to write as, a transport to send by.

use std::{collections::BTreeSet, sync::Arc};

use chrono_tz::Tz;

use crate::{
    clock::Instant,
    deliver::Transport,
    mail::{Address, Locale, Mailbox, Platform},
    plan::ChannelRules,
    render::ShopFacts,
    store::{Ts, channels::ChannelRow},
};

/// One channel, ready to plan and send.
#[derive(Clone)]
pub struct Channel {
    /// What the plan goes by.
    pub rules: Arc<ChannelRules>,
    /// What leaves by.
    pub transport: Transport,
    /// Events before this moment are history; `None`: all are, until it is set.
    pub activated_at: Option<Instant>,
    /// Whom and how it writes.
    pub sender: Sender,
    /// What the templates show of the seller.
    pub shop: ShopFacts,
}

/// Whom a channel writes as, and the headers that go with it.
#[derive(Debug, Clone)]
pub struct Sender {
    /// From, for transactional mail.
    pub from_transactional: Mailbox,
    /// From, for relationship mail (M12).
    pub from_relationship: Mailbox,
    /// Where answers go.
    pub reply_to: Option<Address>,
    /// The envelope's sender; `None`: the From address.
    pub return_path: Option<Address>,
    /// The right side of Message-IDs (M1).
    pub id_domain: String,
    /// The last part of Feedback-ID (M11).
    pub feedback_sender_id: Option<String>,
    /// Whether relationship mail carries List-Unsubscribe (U1).
    pub list_unsubscribe: bool,
    /// Further headers, checked (M6).
    pub headers: Vec<(String, String)>,
    /// The languages its buyers may get.
    pub locales: BTreeSet<Locale>,
    /// The language where the buyer's is unknown or not offered.
    pub default_locale: Locale,
    /// The seller's own, asked last before English.
    pub shop_locale: Locale,
}

impl Channel {
    /// The channel's name.
    pub fn name(&self) -> &str {
        &self.rules.name
    }

    /// The platform it sells on.
    pub fn platform(&self) -> Platform {
        self.rules.platform
    }

    /// The zone of the seller on this channel.
    pub fn zone(&self) -> Tz {
        self.rules.seller_zone
    }

    pub(super) fn row(&self) -> ChannelRow {
        ChannelRow {
            name: self.rules.name.clone(),
            platform: self.rules.platform,
            started_at: self.activated_at.map(Ts::from),
        }
    }
}
