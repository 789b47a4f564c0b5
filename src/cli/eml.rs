//! Finished mails as files a person opens: their names, and the subject for lists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::TimeZone as _;
use chrono_tz::Tz;

use crate::clock::Instant;

/// A subject in a table is cut there.
const SUBJECT: usize = 52;

/// A folder of mails, named by the recipient's time, channel, order and step.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    dir: &'a Path,
    taken: BTreeSet<String>,
}

/// What names a mail's file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label<'a> {
    pub(super) at: Instant,
    pub(super) zone: Tz,
    pub(super) channel: &'a str,
    pub(super) order_ref: &'a str,
    pub(super) step: &'a str,
}

impl<'a> Folder<'a> {
    pub(super) fn new(dir: &'a Path) -> Self {
        Self {
            dir,
            taken: BTreeSet::new(),
        }
    }

    /// Writes a mail; gives the name of its file.
    pub(super) fn write(&mut self, label: Label<'_>, raw: &[u8]) -> anyhow::Result<String> {
        let name = self.free_name(label);
        let path: PathBuf = self.dir.join(&name);
        fs::write(&path, raw).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(name)
    }

    fn free_name(&mut self, label: Label<'_>) -> String {
        let local = label.zone.from_utc_datetime(&label.at.naive_utc());
        let stem = harmless(&format!(
            "{} {} {} {}",
            local.format("%Y-%m-%dT%H-%M"),
            label.channel,
            label.order_ref,
            label.step
        ));
        let mut name = format!("{stem}.eml");
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{stem} {number}.eml");
            number += 1;
        }
        name
    }
}

/// An order's reference may hold anything; a file's name may not.
fn harmless(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_alphanumeric() || " ._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(150)
        .collect()
}

/// A subject short enough for a table.
pub(super) fn cut(subject: &str) -> String {
    if subject.chars().count() <= SUBJECT {
        return subject.to_owned();
    }
    let mut short: String = subject.chars().take(SUBJECT - 1).collect();
    short.push('…');
    short
}

/// The subject of a mail as a reader sees it.
///
/// Reads what we write: a folded header of plain text and base64 words in UTF-8.
pub(super) fn subject(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let value = unfolded
        .lines()
        .find_map(|line| line.strip_prefix("Subject: "))
        .unwrap_or_default();
    decode(value)
}

fn decode(value: &str) -> String {
    let mut decoded = String::new();
    let mut was_encoded = false;
    for word in value.split(' ') {
        let plain = encoded_word(word);
        let is_encoded = plain.is_some();
        // A space between two encoded words only separates them.
        let is_joined = decoded.is_empty() || (was_encoded && is_encoded);
        if !is_joined {
            decoded.push(' ');
        }
        decoded.push_str(plain.as_deref().unwrap_or(word));
        was_encoded = is_encoded;
    }
    decoded
}

fn encoded_word(word: &str) -> Option<String> {
    let octets = word.strip_prefix("=?utf-8?B?")?.strip_suffix("?=")?;
    String::from_utf8(BASE64.decode(octets).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: &str) {
        let raw = format!("From: a@shop.example\r\n{header}\r\nTo: b\r\n\r\nSubject: no\r\n");
        assert_eq!(subject(raw.as_bytes()), expected, "{header}");
    }

    #[test]
    fn files_have_harmless_names_of_their_own() {
        let label = Label {
            at: crate::clock::from_millis(1_772_409_600_000),
            zone: chrono_tz::Europe::Berlin,
            channel: "my-shop",
            order_ref: "../#1",
            step: "paid",
        };
        let mut folder = Folder::new(Path::new(""));
        assert_eq!(
            [folder.free_name(label), folder.free_name(label)],
            [
                "2026-03-02T01-00 my-shop ..__1 paid.eml",
                "2026-03-02T01-00 my-shop ..__1 paid 2.eml"
            ]
        );
    }

    #[test]
    fn subjects_read_as_they_were_meant() {
        check(
            "Subject: Order 1001 is on\r\n its way",
            "Order 1001 is on its way",
        );
        check("Subject: =?utf-8?B?R3LDvMOfZQ==?=", "Grüße");
        check(
            "Subject: =?utf-8?B?R3LDvA==?=\r\n =?utf-8?B?w59l?=",
            "Grüße",
        );
        check("X-Subject: none", "");
    }
}
