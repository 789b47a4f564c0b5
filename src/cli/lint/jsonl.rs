//! `lint --jsonl`: texts one per line in, answers one per line out, in the same order.
//!
//! Lines are read in groups and judged on all cores. A group ends where the input pauses, so
//! another program may send one line and wait for its answer.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    thread,
};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cli::output,
    engine::linter::Linter,
    lint::{Destination, Diagnostic, Draft, Field, FieldKind, Profile, Verdict, parse_kind},
    mail::{Locale, Platform},
};

/// Most lines judged together.
const GROUP: usize = 4_096;
/// Fewer lines than this are not worth a second thread.
const SMALL: usize = 64;
/// The longest line, in bytes.
const MAX_LINE: u64 = 4 << 20;
/// How much is read ahead.
const BUFFER: usize = 1 << 20;

/// What the whole file came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) lines: u64,
    pub(super) with_errors: u64,
    pub(super) bad_lines: u64,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Line<'a> {
    #[serde(default)]
    id: Option<Value>,
    #[serde(borrow, default)]
    platform: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    locale: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    field: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(default)]
    vars: BTreeMap<String, Value>,
    #[serde(borrow, default)]
    market: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    destination: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Judged {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
        verdict: Verdict,
        findings: Vec<Diagnostic>,
    },
    Bad {
        line: u64,
        error: String,
    },
}

/// Judges every line of `input`.
pub(super) fn run(
    linter: &Linter,
    today: NaiveDate,
    input: impl Read,
    out: &mut impl Write,
) -> anyhow::Result<Tally> {
    let mut reader = BufReader::with_capacity(BUFFER, input);
    let mut tally = Tally::default();
    let mut group: Vec<(u64, Vec<u8>)> = Vec::with_capacity(GROUP);
    loop {
        let mut line = Vec::new();
        let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)?;
        let is_end = read == 0;
        if !is_end {
            tally.lines += 1;
            if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
                skip_line(&mut reader)?;
                line.clear();
                line.extend_from_slice(b"\"longer than 4 MiB\"");
            }
            if !line.trim_ascii().is_empty() {
                group.push((tally.lines, line));
            }
        }
        let pauses = !reader.buffer().contains(&b'\n');
        if group.len() >= GROUP || (is_end || pauses) && !group.is_empty() {
            answer(linter, today, &group, out, &mut tally)?;
            group.clear();
        }
        if is_end {
            return Ok(tally);
        }
    }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        if let Some(at) = chunk.iter().position(|&byte| byte == b'\n') {
            reader.consume(at + 1);
            return Ok(());
        }
        let length = chunk.len();
        reader.consume(length);
    }
}

fn answer(
    linter: &Linter,
    today: NaiveDate,
    group: &[(u64, Vec<u8>)],
    out: &mut impl Write,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let parts = if group.len() < SMALL { 1 } else { cores };
    let size = group.len().div_ceil(parts).max(1);
    let judged: Vec<anyhow::Result<(Vec<u8>, Tally)>> = thread::scope(|scope| {
        let workers: Vec<_> = group
            .chunks(size)
            .map(|lines| scope.spawn(move || judge_lines(linter, today, lines)))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| anyhow::bail!("the linter stopped on one of the lines"))
            })
            .collect()
    });
    for part in judged {
        let (bytes, counted) = part?;
        out.write_all(&bytes)?;
        tally.with_errors += counted.with_errors;
        tally.bad_lines += counted.bad_lines;
    }
    out.flush()?;
    Ok(())
}

fn judge_lines(
    linter: &Linter,
    today: NaiveDate,
    lines: &[(u64, Vec<u8>)],
) -> anyhow::Result<(Vec<u8>, Tally)> {
    let mut bytes = Vec::with_capacity(lines.len() * 64);
    let mut tally = Tally::default();
    for (number, line) in lines {
        let answer = judge(linter, today, *number, line).unwrap_or_else(|error| Answer::Bad {
            line: *number,
            error,
        });
        match &answer {
            Answer::Judged { verdict, .. } => {
                tally.with_errors += u64::from(*verdict == Verdict::Error);
            }
            Answer::Bad { .. } => tally.bad_lines += 1,
        }
        output::json_line(&mut bytes, &answer)?;
    }
    Ok((bytes, tally))
}

fn judge(linter: &Linter, today: NaiveDate, number: u64, line: &[u8]) -> Result<Answer, String> {
    let line: Line<'_> =
        serde_json::from_slice(line.trim_ascii()).map_err(|error| readable(&error))?;
    let kind = parse_kind(&line.kind).ok_or_else(|| {
        format!(
            "`kind` is no mail kind{}",
            crate::cli::table::did_you_mean(
                &line.kind,
                crate::mail::MailKind::ALL.iter().map(|kind| kind.as_str())
            )
        )
    })?;
    let field = match line.field.as_deref() {
        None => FieldKind::BodyText,
        Some(name) => FieldKind::parse(name).ok_or_else(|| {
            "`field` is none of subject, preheader, body_text, body_html, template".to_owned()
        })?,
    };
    let profile = Profile {
        // An unknown platform is judged as the strictest one.
        platform: line
            .platform
            .as_deref()
            .and_then(|name| name.to_ascii_lowercase().parse::<Platform>().ok()),
        kind,
        locale: locale(line.locale.as_deref()),
        market: line.market.map(Cow::into_owned),
        destination: destination(line.destination.as_deref()),
    };
    let draft = Draft {
        fields: vec![Field {
            kind: field,
            text: &line.text,
            name: None,
        }],
        vars: line
            .vars
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect(),
    };
    let findings = linter.diagnose(&draft, &profile, today);
    Ok(Answer::Judged {
        line: line.id.is_none().then_some(number),
        id: line.id,
        verdict: Verdict::of(&findings),
        findings,
    })
}

/// The locale; for one nobody knows a tag no lexicon has, so that every lexicon is read.
fn locale(tag: Option<&str>) -> Locale {
    let known = tag.and_then(|tag| tag.parse::<Locale>().ok());
    known
        .or_else(|| "und".parse().ok())
        .unwrap_or_else(Locale::english)
}

fn destination(name: Option<&str>) -> Destination {
    match name {
        None | Some("" | "channel") => Destination::Channel,
        Some(site) => Destination::ThirdParty(site.to_owned()),
    }
}

/// What the reader of JSON says, without its own line number: ours counts the lines of the file.
fn readable(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} at column {}", &text[..place], error.column())
}
