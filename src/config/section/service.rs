//! Sections of the program itself: storage, templates, jobs, console, retention, linter, log.

use std::{net::SocketAddr, path::PathBuf};

use chrono::NaiveDate;
use serde::Deserialize;

use crate::mail::{Locale, Platform};

use super::{super::duration::HumanDuration, date, socket};

/// `[database]`: where orders and the ledger are kept.
#[derive(Clone, Deserialize)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://…`. May hold a password: `Debug` does not show it.
    pub url: String,
    /// Most connections of the pool (PostgreSQL), or of readers (SQLite).
    pub max_connections: u32,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = super::super::secret::masked(&[], &self.url);
        f.debug_struct("Database")
            .field("url", &shown)
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

/// `[data]`: folders of the program.
#[derive(Debug, Clone, Deserialize)]
pub struct Data {
    /// The folder everything else of ours lies in.
    pub dir: PathBuf,
    /// The folder watched for order files; a relative path counts from `dir`.
    pub inbox: PathBuf,
}

impl Data {
    /// The folder watched for order files.
    pub fn inbox_path(&self) -> PathBuf {
        self.dir.join(&self.inbox)
    }
}

/// `[templates]`: where texts come from.
#[derive(Debug, Clone, Deserialize)]
pub struct Templates {
    /// A folder whose files replace built-in templates of the same name.
    #[serde(default)]
    pub dir: Option<PathBuf>,
    /// The languages that must be complete.
    pub locales: Vec<Locale>,
    /// Languages used where a mail has a template in them; other mails go in the channel's own.
    pub partial_locales: Vec<Locale>,
    /// Whether changed files are taken up while running.
    pub reload: bool,
}

impl Templates {
    /// Every language a buyer may be written to in, the complete ones first.
    pub fn offered(&self) -> Vec<Locale> {
        self.locales
            .iter()
            .chain(&self.partial_locales)
            .cloned()
            .collect()
    }
}

/// `[service]`: how often the jobs run.
#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    /// How often due mails are looked for.
    pub tick: HumanDuration,
    /// How often leases that ran out are taken back.
    pub sweep: HumanDuration,
    /// How often data past its retention is deleted.
    pub purge: HumanDuration,
    /// How long mails under way may take to finish when the service stops.
    pub grace: HumanDuration,
}

/// `[web]`: where the service answers `/livez` and `/readyz`.
#[derive(Debug, Clone, Deserialize)]
pub struct Web {
    /// Address and port.
    #[serde(deserialize_with = "socket")]
    pub listen: SocketAddr,
    /// Host names answered to; empty means the address itself and `localhost`.
    pub allowed_hosts: Vec<String>,
}

/// `[privacy]`.
#[derive(Debug, Clone, Deserialize)]
pub struct Privacy {
    /// How long what is kept.
    pub retention: Retention,
}

/// `[privacy.retention]` (email-requirements P2).
#[derive(Debug, Clone, Deserialize)]
pub struct Retention {
    /// Rendered mails.
    pub bodies: HumanDuration,
    /// Names and addresses, counted from the order's last step.
    pub addresses: HumanDuration,
    /// Order events, without personal data.
    pub events: HumanDuration,
    /// Payloads as sources sent them.
    pub raw_payloads: HumanDuration,
    /// Attempts with their reply codes.
    pub attempts: HumanDuration,
}

/// `[lint]`: the seller's changes to the compliance linter.
#[derive(Debug, Clone, Deserialize)]
pub struct Lint {
    /// Further lexicon files.
    pub lexicons: Vec<PathBuf>,
    /// Rules whose severity is changed.
    #[serde(default)]
    pub overrides: Vec<LintOverride>,
}

/// One `[[lint.overrides]]`: who lowers which rule, why, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LintOverride {
    /// The rule's code or name.
    pub rule: String,
    /// Only on this platform.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// The severity it gets.
    pub severity: LintSeverity,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The last day it holds.
    #[serde(deserialize_with = "date")]
    pub until: NaiveDate,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LintSeverity {
    /// Not reported.
    Off,
    /// Reported; the mail goes.
    Warning,
    /// The mail does not go.
    Error,
}

/// `[log]`.
#[derive(Debug, Clone, Deserialize)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// Which lines: a level, or directives such as `info,afternote::engine=debug`.
    pub level: String,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
