//! Checks of `[send]`, `[unsubscribe]`, `[transports]`, and of every period.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;

use crate::config::{
    deliver::TransportSection,
    findings::Findings,
    section::{Settings, sending::Sending},
};

use super::{Checked, at_least_one, is_https};

/// The key of `config/example.toml`. Anyone can read it, so it may sign nothing that leaves.
const EXAMPLE_SECRET: &str = "example-only-replace-me-0123456789abcdef";

/// The shortest secret that signs unsubscribe links, in characters.
const SHORTEST_SECRET: usize = 32;
/// The longest unsubscribe address before the token, so that the whole link stays under 200 (U4).
const LONGEST_BASE_URL: usize = 100;

pub(super) fn check(checked: &Checked<'_>, findings: &mut Findings) {
    check_send(&checked.settings.send, findings);
    check_periods(checked.settings, findings);
    check_unsubscribe(checked, findings);
    check_transports(checked, findings);
}

fn check_send(send: &Sending, findings: &mut Findings) {
    at_least_one(&["send", "batch"], send.batch, findings);
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
}

fn check_periods(settings: &Settings, findings: &mut Findings) {
    let service = &settings.service;
    let kept = &settings.privacy.retention;
    for (path, period) in [
        (["service", "", "tick"], service.tick),
        (["service", "", "sweep"], service.sweep),
        (["service", "", "purge"], service.purge),
        (["send", "", "retry_for"], settings.send.retry_for),
        (["send", "caps", "per"], settings.send.caps.per),
        (["privacy", "retention", "bodies"], kept.bodies),
        (["privacy", "retention", "addresses"], kept.addresses),
        (["privacy", "retention", "events"], kept.events),
        (["privacy", "retention", "raw_payloads"], kept.raw_payloads),
        (["privacy", "retention", "attempts"], kept.attempts),
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
