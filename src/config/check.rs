//! Checks that need more than one value, or that a type cannot say.
//!
//! What is wrong by itself (a name that does not exist, an impossible window) is refused
//! everywhere; what is merely not complete yet is refused only for enabled channels, so that a
//! channel can be prepared step by step.

mod channel;
mod seller;
mod sending;
mod sequence;

use std::collections::BTreeMap;

use crate::{mail::Locale, sequence::Sequence};

use super::{
    deliver::TransportSection,
    findings::Findings,
    section::{Settings, service::Web},
};

/// Everything the checks look at.
pub(super) struct Checked<'a> {
    pub(super) settings: &'a Settings,
    pub(super) transports: &'a BTreeMap<String, TransportSection>,
    pub(super) sequences: &'a BTreeMap<String, Sequence>,
}

/// Runs every check.
pub(super) fn check(checked: &Checked<'_>, findings: &mut Findings) {
    let settings = checked.settings;
    seller::check(settings, findings);
    sending::check(checked, findings);
    check_storage(settings, findings);
    check_templates(settings, findings);
    check_web(&settings.web, findings);
    check_lint_and_log(settings, findings);
    for (name, sequence) in checked.sequences {
        sequence::check(name, sequence, findings);
    }
    if settings.channels.is_empty() && !findings.is_tainted_at(&["channels"]) {
        findings.check(
            &["channels"],
            "no channel is configured, so no mail would ever be planned",
            "add a table such as `[channels.shop]`; config/example.toml shows one",
        );
    }
    for (name, channel) in &settings.channels {
        channel::check(name, channel, checked, findings);
    }
}

fn check_storage(settings: &Settings, findings: &mut Findings) {
    let is_known = ["sqlite:", "postgres:", "postgresql:"]
        .iter()
        .any(|scheme| settings.database.url.starts_with(scheme));
    if !is_known {
        findings.check(
            &["database", "url"],
            "is no address of a database we know",
            "write `sqlite:PATH` or `postgres://user@host/name`",
        );
    }
    at_least_one(
        &["database", "max_connections"],
        settings.database.max_connections,
        findings,
    );
}

fn check_templates(settings: &Settings, findings: &mut Findings) {
    let templates = &settings.templates;
    if templates.locales.is_empty() {
        findings.check(
            &["templates", "locales"],
            "no language is enabled",
            "name at least one, such as `en`",
        );
    }
    for (key, locales) in [
        ("locales", &templates.locales),
        ("partial_locales", &templates.partial_locales),
    ] {
        for (index, locale) in locales.iter().enumerate() {
            let path = ["templates", key, &index.to_string()];
            check_shipped(&path, locale, settings, findings);
        }
    }
    check_shipped(
        &["seller", "locale"],
        &settings.seller.locale,
        settings,
        findings,
    );
}

/// A language has templates when we ship them or the seller has a folder of their own.
fn check_shipped(path: &[&str], locale: &Locale, settings: &Settings, findings: &mut Findings) {
    if settings.templates.dir.is_none() && !Locale::SHIPPED.contains(&locale.language()) {
        findings.check(
            path,
            format!("there are no templates in `{locale}`"),
            format!(
                "choose from {}, or write your own and name their folder in `templates.dir`",
                Locale::SHIPPED.join(", ")
            ),
        );
    }
}

fn at_least_one(path: &[&str], value: u32, findings: &mut Findings) {
    if value == 0 {
        findings.check(path, "0 would stop everything", "write 1 or more");
    }
}

/// S8: beyond loopback only with a login, and there is none yet.
fn check_web(web: &Web, findings: &mut Findings) {
    if !web.listen.ip().is_loopback() {
        findings.check(
            &["web", "listen"],
            "would open the service to the network without a login",
            "listen on 127.0.0.1, and let a proxy with its own login pass on what others may see",
        );
    }
}

fn check_lint_and_log(settings: &Settings, findings: &mut Findings) {
    for (index, over) in settings.lint.overrides.iter().enumerate() {
        let index = index.to_string();
        for (key, value) in [
            ("rule", &over.rule),
            ("by", &over.by),
            ("reason", &over.reason),
        ] {
            if value.trim().is_empty() {
                findings.check(
                    &["lint", "overrides", &index, key],
                    "is empty",
                    "say which rule, who decided and why; the log of each mail names it",
                );
            }
        }
    }
    if settings
        .log
        .level
        .parse::<tracing_subscriber::EnvFilter>()
        .is_err()
    {
        findings.check(
            &["log", "level"],
            "is no log level",
            "write `error`, `warn`, `info`, `debug` or `trace`, or directives such as `info,afternote::engine=debug`",
        );
    }
}

const NO_COUNTRY: &str = "is no country code";
const COUNTRY_HINT: &str = "write two capital letters (ISO 3166-1), such as `DE`";
const NO_REPLY: &str = "answers to a no-reply address reach nobody";
const NO_REPLY_HINT: &str = "name a mailbox that people read";
const NO_HTTPS: &str = "is no https address";
const HTTPS_HINT: &str = "write it in full, such as `https://www.example.com/help`";

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_no_reply(local_part: &str) -> bool {
    let plain: String = local_part
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    ["noreply", "donotreply", "dontreply"]
        .iter()
        .any(|word| plain.contains(word))
}

/// `https://`, a host with a dot, and nothing that could end an attribute or a header.
fn is_https(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    host.contains('.')
        && !host.starts_with('.')
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && url
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"'\\`".contains(c))
}

fn is_domain(domain: &str) -> bool {
    format!("x@{domain}")
        .parse::<crate::mail::Address>()
        .is_ok()
}
