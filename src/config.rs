//! What the seller decided: sections, loading, checks. The only reader of the environment.
//!
//! [`Config::load`] lays files and `AFTERNOTE__SECTION__KEY` variables over the built-in
//! defaults and gives back either a configuration that holds together or every problem of it,
//! each with file, line and remedy. Nothing here sends, stores or plans.
//! `config/default.toml` names and explains every key; start reading there.

pub mod deliver;
pub mod duration;
pub mod environment;
pub mod problem;
pub mod section;

mod check;
mod findings;
mod load;
mod read;
mod secret;
mod show;
mod tree;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use chrono_tz::Tz;

use crate::{mail::Locale, sequence::Sequence};

pub use deliver::TransportSection;
pub use environment::LoadOptions;
pub use problem::{ConfigProblems, Problem, Severity};
pub use section::{
    channel::{BasisRule, Channel, Permission, PolicyOverride},
    seller::{Brand, Seller},
    sending::{Activation, Caps, Sending, Unsubscribe, UnsubscribeKey},
    service::{
        Data, Database, Lint, LintOverride, LintSeverity, Log, LogFormat, Privacy, Retention,
        Service, Templates, Web,
    },
};

/// A configuration in which everything was read and every check passed.
///
/// `Debug` is [`Config::show`]: secrets masked.
pub struct Config {
    /// Who writes.
    pub seller: Seller,
    /// What mails look like.
    pub brand: Brand,
    /// Where orders and the ledger are kept.
    pub database: Database,
    /// Folders.
    pub data: Data,
    /// Where texts come from.
    pub templates: Templates,
    /// Where the seller sells, by name.
    pub channels: BTreeMap<String, Channel>,
    /// How mails leave, by name.
    pub transports: BTreeMap<String, TransportSection>,
    /// Every sequence, built-in ones too, by name; see [`Config::sequence_of`].
    pub sequences: BTreeMap<String, Sequence>,
    /// How mails are claimed, sent and tried again.
    pub send: Sending,
    /// How often the jobs run.
    pub service: Service,
    /// Console, webhooks, unsubscribe page.
    pub web: Web,
    /// Opt-out links.
    pub unsubscribe: Unsubscribe,
    /// Retention.
    pub privacy: Privacy,
    /// Changes to the linter.
    pub lint: Lint,
    /// Log lines.
    pub log: Log,
    /// What may not be meant as it is written; shown by `check`, never a reason to refuse.
    pub warnings: Vec<Problem>,
    /// Sequences with the channel's `sent_by_shop` applied, by channel.
    by_channel: BTreeMap<String, Sequence>,
    is_example: bool,
    tree: tree::Node,
    sources: Vec<tree::Source>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

impl Config {
    /// Loads and checks a configuration; reads files and secrets, nothing else.
    ///
    /// # Errors
    /// All problems at once, in the order of files and lines. Faults of TOML's syntax come
    /// alone: behind one, nothing else can be trusted.
    pub fn load(options: &LoadOptions) -> Result<Self, ConfigProblems> {
        let load::Loaded {
            settings,
            transports,
            mut findings,
            is_example,
        } = load::load(options)?;
        let sequences: BTreeMap<String, Sequence> = settings
            .sequences
            .iter()
            .map(|(name, section)| (name.clone(), section.to_sequence(name)))
            .collect();
        check::check(
            &check::Checked {
                settings: &settings,
                transports: &transports,
                sequences: &sequences,
            },
            &mut findings,
        );
        if !findings.is_clean() {
            return Err(findings.into_problems());
        }
        let warnings = findings.take_warnings();
        let by_channel = settings
            .channels
            .iter()
            .filter_map(|(name, channel)| {
                let mut sequence = sequences.get(&channel.sequence)?.clone();
                for step in &mut sequence.steps {
                    step.sent_by_shop |= channel.sent_by_shop.contains(&step.kind);
                }
                Some((name.clone(), sequence))
            })
            .collect();
        Ok(Self {
            seller: settings.seller,
            brand: settings.brand,
            database: settings.database,
            data: settings.data,
            templates: settings.templates,
            channels: settings.channels,
            transports,
            sequences,
            send: settings.send,
            service: settings.service,
            web: settings.web,
            unsubscribe: settings.unsubscribe,
            privacy: settings.privacy,
            lint: settings.lint,
            log: settings.log,
            warnings,
            by_channel,
            is_example,
            tree: findings.tree,
            sources: findings.sources,
        })
    }

    /// The steps of a channel, those its shop sends itself marked; `None` for an unknown channel.
    pub fn sequence_of(&self, channel: &str) -> Option<&Sequence> {
        self.by_channel.get(channel)
    }

    /// The transport of a channel; `None` for an unknown channel.
    pub fn transport_of(&self, channel: &str) -> Option<&TransportSection> {
        self.transports.get(&self.channels.get(channel)?.transport)
    }

    /// The languages a channel's buyers may get; empty for an unknown channel.
    pub fn locales_of(&self, channel: &str) -> Vec<Locale> {
        match self.channels.get(channel) {
            None => Vec::new(),
            Some(channel) if channel.locales.is_empty() => self.templates.offered(),
            Some(channel) => channel.locales.clone(),
        }
    }

    /// The language where the buyer's is unknown or not offered.
    pub fn default_locale_of(&self, channel: &str) -> &Locale {
        self.channels
            .get(channel)
            .and_then(|channel| channel.default_locale.as_ref())
            .unwrap_or(&self.seller.locale)
    }

    /// The zone where the buyer's is unknown.
    pub fn zone_of(&self, channel: &str) -> Tz {
        self.channels
            .get(channel)
            .and_then(|channel| channel.zone)
            .unwrap_or(self.seller.zone)
    }

    /// Whether no file was given and the built-in example is in force.
    pub const fn is_example(&self) -> bool {
        self.is_example
    }

    /// Everything in force as TOML, secrets masked, the origin of each value in a comment.
    pub fn show(&self) -> String {
        show::to_toml(&self.shown_tree(), &self.sources)
    }

    /// As [`Config::show`]: a list of `{"path", "value", "origin", "line"}`.
    pub fn show_json(&self) -> serde_json::Value {
        show::to_json(&self.shown_tree(), &self.sources)
    }

    /// 16 hexadecimal digits that name this configuration in `why` and in logs.
    ///
    /// The same settings give the same fingerprint wherever they are written; secrets do not count.
    pub fn fingerprint(&self) -> String {
        show::fingerprint(&self.shown_tree())
    }

    /// The tree without the sequences no channel uses.
    fn shown_tree(&self) -> tree::Node {
        let mut tree = self.tree.clone();
        if let Some(sequences) = tree.get_mut("sequences").and_then(tree::Node::table_mut) {
            sequences.retain(|(name, _)| {
                self.channels
                    .values()
                    .any(|channel| channel.sequence == *name)
            });
        }
        tree
    }
}
