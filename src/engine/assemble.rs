//! From configuration to a running engine: channels, transports, templates, linter.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use crate::{
    clock::Clock,
    config::{
        self, BasisRule, Config, LintSeverity, Permission as Configured, duration::HumanDuration,
    },
    deliver::{Transport, TransportError},
    lint::{LexiconError, Rule, RuleSet, Severity, UnknownRule},
    mail::unsubscribe,
    plan::ChannelRules,
    policy::{BasisSettings, Cap, Claim, MarketplaceBasis, Override, Permission, Policy},
    render::{Catalogue, ShopFacts, TemplateFiles, TemplateProblem, Wanted},
    sequence::{Span, holidays::Holidays},
    store::{self, Db, StoreError},
};

use super::{
    Channel, Engine, EngineError, Parts, Unsubscribe,
    channel::Sender,
    housekeeping::RetentionAges,
    linter::{self, Linter},
    retry::RetrySchedule,
};

/// Why a configuration gives no engine.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// Templates with faults: all of them.
    #[error("{} problems in the templates; run `afternote check` to see each with its line", .0.len())]
    Templates(Vec<TemplateProblem>),
    /// The template folder cannot be read.
    #[error("templates.dir: {0}")]
    TemplateFolder(String),
    /// A lexicon file cannot be read.
    #[error("lint.lexicons: {path}: {source}")]
    LexiconFile {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// A lexicon file does not say what it should.
    #[error("lint.lexicons: {0}")]
    Lexicon(#[from] LexiconError),
    /// An override names no rule.
    #[error("lint.overrides: {0}")]
    Rule(#[from] UnknownRule),
    /// A transport cannot be set up.
    #[error("transports.{name}: {source}")]
    Transport {
        /// Its name.
        name: String,
        /// What went wrong.
        #[source]
        source: TransportError,
    },
    /// An unsubscribe key cannot be used.
    #[error("unsubscribe.keys: {0}")]
    Unsubscribe(#[from] unsubscribe::TokenError),
    /// A policy exception cannot be used.
    #[error("channels.{channel}.policy: {why}")]
    Policy {
        /// The channel.
        channel: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What of a configuration can be told without a database: rules, templates, linter.
pub struct Blueprint {
    /// The rules of each enabled channel.
    pub rules: BTreeMap<String, Arc<ChannelRules>>,
    /// The templates.
    pub catalogue: Arc<Catalogue>,
    /// The linter.
    pub linter: Arc<Linter>,
}

/// Where mails go instead of where the configuration says.
#[derive(Clone)]
pub enum Deliver {
    /// Where the configuration says.
    AsConfigured,
    /// All through this transport: `demo`, tests.
    Through(Transport),
}

/// The templates of a configuration: the built-in ones under the seller's own.
pub fn templates(config: &Config) -> Result<TemplateFiles, AssembleError> {
    let mut files = TemplateFiles::embedded();
    if let Some(folder) = &config.templates.dir {
        files
            .overlay_directory(folder)
            .map_err(|error| AssembleError::TemplateFolder(error.to_string()))?;
    }
    Ok(files)
}

/// What must be there: every kind an enabled channel's sequence sends, in every enabled language.
pub fn wanted(config: &Config) -> Wanted {
    let kinds = config
        .channels
        .iter()
        .filter(|(_, channel)| channel.enabled)
        .filter_map(|(name, _)| config.sequence_of(name))
        .flat_map(|sequence| {
            sequence
                .steps
                .iter()
                .filter(|s| s.enabled && !s.sent_by_shop)
                .map(|s| s.kind)
        })
        .collect();
    Wanted {
        kinds,
        locales: config.templates.locales.iter().cloned().collect(),
    }
}

/// Rules, templates and linter of a configuration.
pub fn blueprint(config: &Config) -> Result<Blueprint, AssembleError> {
    blueprint_with(config, catalogue(config)?)
}

/// The templates of a configuration, loaded: by far the longest part of a start.
pub fn catalogue(config: &Config) -> Result<Arc<Catalogue>, AssembleError> {
    let catalogue = Catalogue::load(&templates(config)?, &wanted(config));
    Ok(Arc::new(catalogue.map_err(AssembleError::Templates)?))
}

/// Rules and linter of a configuration, with templates that were loaded before.
pub fn blueprint_with(
    config: &Config,
    catalogue: Arc<Catalogue>,
) -> Result<Blueprint, AssembleError> {
    let mut rules = BTreeMap::new();
    for (name, channel) in config
        .channels
        .iter()
        .filter(|(_, channel)| channel.enabled)
    {
        rules.insert(
            name.clone(),
            Arc::new(channel_rules(config, name, channel, &catalogue)?),
        );
    }
    Ok(Blueprint {
        rules,
        catalogue,
        linter: Arc::new(linter(config)?),
    })
}

/// The linter with the seller's lexicons and overrides.
pub fn linter(config: &Config) -> Result<Linter, AssembleError> {
    let mut lexicons = Vec::new();
    for path in &config.lint.lexicons {
        let text = fs::read_to_string(path).map_err(|source| AssembleError::LexiconFile {
            path: path.clone(),
            source,
        })?;
        lexicons.push(text);
    }
    let texts: Vec<&str> = lexicons.iter().map(String::as_str).collect();
    let mut overrides = Vec::new();
    for entry in &config.lint.overrides {
        overrides.push(linter::Override {
            rule: entry.rule.parse::<Rule>()?,
            platform: entry.platform,
            severity: match entry.severity {
                LintSeverity::Off => None,
                LintSeverity::Warning => Some(Severity::Warn),
                LintSeverity::Error => Some(Severity::Error),
            },
            by: entry.by.clone(),
            until: entry.until,
        });
    }
    Ok(Linter::new(RuleSet::with_extra(&texts)?, overrides))
}

/// A running engine: opens and migrates the database, sets up transports.
pub async fn engine(
    config: &Config,
    clock: Arc<dyn Clock>,
    worker: String,
    deliver: Deliver,
) -> Result<Engine, AssembleError> {
    engine_with(config, blueprint(config)?, clock, worker, deliver).await
}

/// As [`engine`], from a blueprint that was made before.
pub async fn engine_with(
    config: &Config,
    blueprint: Blueprint,
    clock: Arc<dyn Clock>,
    worker: String,
    deliver: Deliver,
) -> Result<Engine, AssembleError> {
    let db = open_database(config).await?;
    db.migrate(clock.now()).await?;
    let mut channels = BTreeMap::new();
    for (name, rules) in &blueprint.rules {
        let channel = &config.channels[name];
        let transport = match &deliver {
            Deliver::Through(transport) => transport.clone(),
            Deliver::AsConfigured => transport(config, &channel.transport)?,
        };
        channels.insert(
            name.clone(),
            Channel {
                rules: Arc::clone(rules),
                transport,
                activated_at: channel.activated_at,
                sender: sender(config, name, channel),
                shop: shop_facts(config, channel),
            },
        );
    }
    let send = &config.send;
    Ok(Engine::new(Parts {
        db,
        clock,
        worker,
        channels,
        catalogue: blueprint.catalogue,
        retry: RetrySchedule {
            delays: send
                .retry_schedule
                .iter()
                .map(|delay| delta(*delay))
                .collect(),
            jitter_percent: send.retry_jitter_percent,
            give_up_after: delta(send.retry_for),
            max_attempts: send.max_attempts,
        },
        cap: cap(config),
        lease: delta(send.lease),
        batch: send.batch,
        unsubscribe: unsubscribe_links(config)?,
        linter: blueprint.linter,
        seller: config.seller.name.clone(),
    })
    .await?)
}

/// The database of a configuration, opened and not migrated.
pub async fn open_database(config: &Config) -> Result<Db, StoreError> {
    Db::open(&store::Settings {
        url: config.database.url.clone(),
        max_connections: config.database.max_connections,
        patience: std::time::Duration::from_secs(10),
    })
    .await
}

/// The cap on relationship mail; `max = 0` would forbid it all and is refused by the check.
pub fn cap(config: &Config) -> Option<Cap> {
    let caps = &config.send.caps;
    Some(Cap {
        max: caps.max,
        per: Span::minutes(delta(caps.per).num_minutes()),
    })
}

/// The retention of a configuration.
pub fn retention(config: &Config) -> RetentionAges {
    let retention = &config.privacy.retention;
    RetentionAges {
        addresses: delta(retention.addresses),
        mails: delta(retention.bodies),
        payloads: delta(retention.raw_payloads),
        replies: delta(retention.attempts),
        events: delta(retention.events),
    }
}

fn transport(config: &Config, name: &str) -> Result<Transport, AssembleError> {
    let failed = |source| AssembleError::Transport {
        name: name.to_owned(),
        source,
    };
    match config.transports.get(name) {
        Some(section) => Transport::open(section).map_err(failed),
        // The configuration check has refused a channel without its transport.
        None => Ok(Transport::Memory(crate::deliver::MemoryTransport::new())),
    }
}

fn channel_rules(
    config: &Config,
    name: &str,
    channel: &config::Channel,
    catalogue: &Catalogue,
) -> Result<ChannelRules, AssembleError> {
    let sequence = config
        .sequence_of(name)
        .cloned()
        .unwrap_or(crate::sequence::Sequence {
            name: channel.sequence.clone(),
            steps: Vec::new(),
        });
    Ok(ChannelRules {
        name: name.to_owned(),
        platform: channel.platform,
        sequence,
        policy: policy(name, channel)?,
        basis: basis(channel),
        seller_zone: config.zone_of(name),
        holidays: Holidays::builtin().clone(),
        sent_by_shop: channel.sent_by_shop.clone(),
        with_template: catalogue
            .templates()
            .map(|template| template.kind)
            .collect(),
        rest_after_problem: Span::days(1),
        activation_age: Span::minutes(delta(config.send.activation.max_age).num_minutes()),
    })
}

/// What may go on a channel: the built-in table with the seller's exceptions.
pub fn policy(name: &str, channel: &config::Channel) -> Result<Policy, AssembleError> {
    let overrides = channel
        .policy
        .iter()
        .map(|entry| Override {
            channel: Some(name.to_owned()),
            platform: None,
            kind: entry.kind,
            carrier: None,
            permission: match entry.permission {
                Configured::Allow => Permission::Allow,
                Configured::Forbid => Permission::Forbid,
                Configured::Ask => Permission::Ask,
            },
            reason: entry.reason.clone(),
            by: entry.by.clone(),
            date: entry.until.unwrap_or_default(),
        })
        .collect();
    Policy::new(overrides).map_err(|error| AssembleError::Policy {
        channel: name.to_owned(),
        why: error.to_string(),
    })
}

fn basis(channel: &config::Channel) -> BasisSettings {
    let claim = |rule: BasisRule| match rule {
        BasisRule::SoftOptIn => Some(Claim::SoftOptIn),
        // Without consent on the order there is none: the strictest reading of both.
        BasisRule::Consent | BasisRule::None => Some(Claim::Consent),
        BasisRule::Platform => None,
    };
    BasisSettings {
        countries: channel
            .basis
            .iter()
            .filter(|(country, _)| country.as_str() != "default")
            .filter_map(|(country, rule)| Some((country.clone(), claim(*rule)?)))
            .collect(),
        elsewhere: channel.basis.get("default").and_then(|rule| claim(*rule)),
        marketplaces: MarketplaceBasis::Platform,
    }
}

fn sender(config: &Config, name: &str, channel: &config::Channel) -> Sender {
    Sender {
        from_transactional: channel.from_transactional.clone(),
        from_relationship: channel.from_relationship().clone(),
        reply_to: channel.reply_to.clone(),
        return_path: channel.return_path.clone(),
        id_domain: channel.id_domain().to_owned(),
        feedback_sender_id: channel.feedback_sender_id.clone(),
        list_unsubscribe: channel.wants_list_unsubscribe(),
        headers: channel
            .headers
            .iter()
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
        locales: config.locales_of(name).into_iter().collect(),
        default_locale: config.default_locale_of(name).clone(),
        shop_locale: config.seller.locale.clone(),
    }
}

fn shop_facts(config: &Config, channel: &config::Channel) -> ShopFacts {
    let seller = &config.seller;
    ShopFacts {
        name: seller.name.clone(),
        legal_name: seller.legal_name.clone(),
        postal_address: seller.postal_address.clone(),
        support_email: Some(seller.support_email.as_str().to_owned()),
        support_url: seller.support_url.clone(),
        privacy_url: Some(seller.privacy_url.clone()),
        logo_url: config.brand.logo_url.clone(),
        brand_color: Some(config.brand.color.clone()),
        review_url: channel.review_url.clone(),
        order_url: channel.order_url.clone(),
        unsubscribe_url: None,
    }
}

fn unsubscribe_links(config: &Config) -> Result<Option<Unsubscribe>, AssembleError> {
    let section = &config.unsubscribe;
    let Some(base_url) = section
        .base_url
        .clone()
        .filter(|_| !section.keys.is_empty())
    else {
        return Ok(None);
    };
    let keys = section
        .keys
        .iter()
        .map(|key| unsubscribe::Key::new(&key.kid, key.secret.expose_secret().as_bytes()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Unsubscribe {
        keys: unsubscribe::Keyring::new(keys)?,
        // The token stands behind a slash, whether or not the configuration ends with one.
        base_url: format!("{}/", base_url.trim_end_matches('/')),
        mailto: section
            .mailto
            .as_ref()
            .map(|address| address.as_str().to_owned()),
    }))
}

/// A configured period as elapsed time.
pub fn delta(duration: HumanDuration) -> TimeDelta {
    TimeDelta::milliseconds(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2))
}
