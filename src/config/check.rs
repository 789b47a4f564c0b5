//! Checks that need more than one value, or that a type cannot say.
//!
//! What is wrong by itself (a name that does not exist, an impossible window) is refused
//! everywhere; what is merely not complete yet is refused only for enabled channels, so that a
//! channel can be prepared step by step.

mod channel;
mod sequence;

use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret as _;

use crate::{mail::Locale, sequence::Sequence};

use super::{
    deliver::TransportSection,
    findings::Findings,
    section::{Settings, seller::Seller, sending::Send, service::Web},
};

/// The key of `config/example.toml`. Anyone can read it, so it may sign nothing that leaves.
const EXAMPLE_SECRET: &str = "example-only-replace-me-0123456789abcdef";

/// The shortest secret that signs unsubscribe links, in characters.
const SHORTEST_SECRET: usize = 32;
/// The shortest token a person may log in with, in characters.
const SHORTEST_TOKEN: usize = 24;
/// The longest unsubscribe address before the token, so that the whole link stays under 200 (U4).
const LONGEST_BASE_URL: usize = 100;

/// Everything the checks look at.
pub(super) struct Checked<'a> {
    pub(super) settings: &'a Settings,
    pub(super) transports: &'a BTreeMap<String, TransportSection>,
    pub(super) sequences: &'a BTreeMap<String, Sequence>,
}

/// Runs every check.
pub(super) fn check(checked: &Checked<'_>, findings: &mut Findings) {
    let settings = checked.settings;
    check_seller(&settings.seller, findings);
    check_brand(settings, findings);
    check_storage(settings, findings);
    check_templates(settings, findings);
    check_send(&settings.send, findings);
    check_periods(settings, findings);
    check_web(&settings.web, findings);
    check_unsubscribe(checked, findings);
    check_transports(checked, findings);
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

fn check_seller(seller: &Seller, findings: &mut Findings) {
    for (key, value) in [("name", &seller.name), ("legal_name", &seller.legal_name)] {
        if value.trim().is_empty() {
            findings.check(
                &["seller", key],
                "is empty",
                "every mail names who sends it",
            );
        }
    }
    if seller
        .postal_address
        .iter()
        .all(|line| line.trim().is_empty())
    {
        findings.check(
            &["seller", "postal_address"],
            "is empty",
            "the law asks for a postal address in the footer; write one line per entry",
        );
    }
    if !is_country(&seller.country) {
        findings.check(&["seller", "country"], NO_COUNTRY, COUNTRY_HINT);
    }
    if is_no_reply(seller.support_email.local_part()) {
        findings.check(&["seller", "support_email"], NO_REPLY, NO_REPLY_HINT);
    }
    for (key, url) in [
        ("privacy_url", Some(&seller.privacy_url)),
        ("support_url", seller.support_url.as_ref()),
        ("imprint_url", seller.imprint_url.as_ref()),
    ] {
        if url.is_some_and(|url| !is_https(url)) {
            findings.check(&["seller", key], NO_HTTPS, HTTPS_HINT);
        }
    }
}

fn check_brand(settings: &Settings, findings: &mut Findings) {
    let brand = &settings.brand;
    let is_color = brand.color.len() == 7
        && brand.color.starts_with('#')
        && brand.color[1..].bytes().all(|b| b.is_ascii_hexdigit());
    if !is_color {
        findings.check(
            &["brand", "color"],
            "is no colour",
            "write it as `#rrggbb`, such as `#1a5fb4`",
        );
    }
    if brand.logo_url.as_ref().is_some_and(|url| !is_https(url)) {
        findings.check(&["brand", "logo_url"], NO_HTTPS, HTTPS_HINT);
    }
    for (key, size) in [
        ("logo_width", brand.logo_width),
        ("logo_height", brand.logo_height),
    ] {
        if !(1..=600).contains(&size) {
            findings.check(
                &["brand", key],
                "no such size fits a mail",
                "write CSS pixels from 1 to 600, the width of the mail",
            );
        }
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
    for (index, locale) in templates.locales.iter().enumerate() {
        check_shipped(
            &["templates", "locales", &index.to_string()],
            locale,
            settings,
            findings,
        );
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

fn check_send(send: &Send, findings: &mut Findings) {
    at_least_one(&["send", "batch"], send.batch, findings);
    at_least_one(&["send", "concurrency"], send.concurrency.into(), findings);
    at_least_one(&["send", "max_attempts"], send.max_attempts, findings);
    at_least_one(&["send", "caps", "max"], send.caps.max, findings);
    if send.lease.as_millis() < 5_000 {
        findings.check(
            &["send", "lease"],
            "a lease that short runs out under a working process",
            "write `5s` or more; `60s` suits most relays",
        );
    }
    if send.retry_schedule.is_empty() || send.retry_schedule.iter().any(|wait| wait.is_zero()) {
        findings.check(
            &["send", "retry_schedule"],
            "an attempt would follow the one before at once",
            "write at least one wait, all longer than 0s, such as [\"5m\", \"15m\", \"1h\"]",
        );
    }
    if send.retry_jitter_percent > 50 {
        findings.check(
            &["send", "retry_jitter_percent"],
            "is more than 50",
            "write 0 to 50",
        );
    }
    let breaker = &send.breaker;
    for (key, percent) in [
        ("permanent_percent", breaker.permanent_percent),
        ("complaint_warn_percent", breaker.complaint_warn_percent),
        ("complaint_stop_percent", breaker.complaint_stop_percent),
    ] {
        if !(percent > 0.0 && percent <= 100.0) {
            findings.check(
                &["send", "breaker", key],
                "is no share",
                "write a percentage above 0 and up to 100",
            );
        }
    }
    if breaker.volume_factor.is_nan() || breaker.volume_factor <= 1.0 {
        findings.check(
            &["send", "breaker", "volume_factor"],
            "would take the usual volume for too much",
            "write a number above 1",
        );
    }
}

fn check_periods(settings: &Settings, findings: &mut Findings) {
    let service = &settings.service;
    let kept = &settings.privacy.retention;
    for (path, period) in [
        (["service", "", "tick"], service.tick),
        (["service", "", "sweep"], service.sweep),
        (["service", "", "poll"], service.poll),
        (["service", "", "purge"], service.purge),
        (["send", "", "retry_for"], settings.send.retry_for),
        (["send", "caps", "per"], settings.send.caps.per),
        (["privacy", "retention", "bodies"], kept.bodies),
        (["privacy", "retention", "addresses"], kept.addresses),
        (["privacy", "retention", "events"], kept.events),
        (["privacy", "retention", "raw_payloads"], kept.raw_payloads),
        (["privacy", "retention", "attempts"], kept.attempts),
        (
            ["privacy", "retention", "conversations"],
            kept.conversations,
        ),
        (["privacy", "retention", "audit"], kept.audit),
    ] {
        if period.is_zero() {
            let path: Vec<&str> = path.into_iter().filter(|key| !key.is_empty()).collect();
            findings.check(
                &path,
                "is no time at all",
                "write a length such as `30s`, `10m` or `30d`",
            );
        }
    }
}

/// S8: beyond loopback only with login and TLS, which a proxy before us provides.
fn check_web(web: &Web, findings: &mut Findings) {
    if !web.listen.ip().is_loopback() {
        if !web.behind_proxy {
            findings.check(
                &["web", "listen"],
                "the console would be open to the network without TLS",
                "listen on 127.0.0.1, or put a proxy that ends TLS before it and set `behind_proxy = true`",
            );
        }
        if web.users.is_empty() {
            findings.check(
                &["web", "listen"],
                "the console would be open to the network without login",
                "listen on 127.0.0.1, or add `[[web.users]]` with name, role and token",
            );
        }
    }
    let mut names = BTreeSet::new();
    for (index, user) in web.users.iter().enumerate() {
        let index = index.to_string();
        if user.name.trim().is_empty() || !names.insert(&user.name) {
            findings.check(
                &["web", "users", &index, "name"],
                "is empty or used twice",
                "give every person a name of their own; the audit log shows it",
            );
        }
        if user.token.expose_secret().chars().count() < SHORTEST_TOKEN {
            findings.check(
                &["web", "users", &index, "token"],
                "is too short to be safe",
                format!("use at least {SHORTEST_TOKEN} random characters"),
            );
        }
    }
}

fn check_unsubscribe(checked: &Checked<'_>, findings: &mut Findings) {
    let unsubscribe = &checked.settings.unsubscribe;
    if let Some(url) = &unsubscribe.base_url {
        if !is_https(url) || url.contains(['?', '#']) {
            findings.check(
                &["unsubscribe", "base_url"],
                "is no https address the token can be added to",
                "write it as `https://mail.example.com/u`, without `?` and `#`",
            );
        } else if url.len() > LONGEST_BASE_URL {
            findings.check(
                &["unsubscribe", "base_url"],
                "is too long",
                format!("keep it within {LONGEST_BASE_URL} characters, the whole link must stay under 200"),
            );
        }
    }
    let leaves = checked.settings.channels.values().any(|channel| {
        channel.enabled
            && matches!(
                checked.transports.get(&channel.transport),
                Some(TransportSection::Smtp(_))
            )
    });
    let mut kids = BTreeSet::new();
    for (index, key) in unsubscribe.keys.iter().enumerate() {
        let index = index.to_string();
        let is_kid = (1..=8).contains(&key.kid.len())
            && key
                .kid
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !is_kid || !kids.insert(&key.kid) {
            findings.check(
                &["unsubscribe", "keys", &index, "kid"],
                "is no name of a key, or is used twice",
                "write 1 to 8 lower-case letters and digits, such as `k1`",
            );
        }
        let path = ["unsubscribe", "keys", &index, "secret"];
        let secret = key.secret.expose_secret();
        if secret.chars().count() < SHORTEST_SECRET {
            findings.check(
                &path,
                "is too short to be safe",
                format!("use at least {SHORTEST_SECRET} random characters"),
            );
        } else if secret == EXAMPLE_SECRET && leaves {
            findings.check(
                &path,
                "is the key of the example, which everybody can read",
                "make one of your own, for example with `openssl rand -hex 32`, and keep it in a file named by `secret_file`",
            );
        }
    }
}

fn check_transports(checked: &Checked<'_>, findings: &mut Findings) {
    for (name, transport) in checked.transports {
        match transport {
            TransportSection::File(file) if file.dir.as_os_str().is_empty() => {
                findings.check(
                    &["transports", name, "dir"],
                    "is empty",
                    "name a folder, such as `data/outbox`",
                );
            }
            TransportSection::File(_) => {}
            TransportSection::Smtp(smtp) => {
                for problem in smtp.problems() {
                    let text = problem.to_string();
                    let mut path = vec!["transports", name.as_str()];
                    // `transport: timeouts: body: what is wrong` names its key first.
                    let mut rest = text.strip_prefix("transport: ").unwrap_or(&text);
                    while let Some((key, after)) = rest.split_once(": ")
                        && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                    {
                        path.push(key);
                        rest = after;
                    }
                    let (message, hint) = rest
                        .split_once("; ")
                        .unwrap_or((rest, "see config/default.toml"));
                    findings.check(&path, message, hint);
                }
            }
        }
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
