//! A simulation for people and for scripts.

use std::fmt::Write as _;
use std::{collections::BTreeMap, process::ExitCode};

use serde::Serialize;

use crate::{
    cli::{
        Context, Format, output,
        table::{Table, counted, iso, utc},
    },
    engine::explain::local,
    plan::simulate::Simulated,
    sequence::{Reason, Verdict},
};

use super::Outcome;

#[derive(Serialize)]
struct Document<'a> {
    from: String,
    to: String,
    orders: usize,
    mails: Vec<Mail<'a>>,
    summary: Summary,
    notes: &'a [String],
}

#[derive(Serialize)]
pub(super) struct Mail<'a> {
    pub(super) channel: &'a str,
    pub(super) order: &'a str,
    pub(super) step: &'a str,
    pub(super) kind: &'static str,
    pub(super) scope: String,
    pub(super) revision: u32,
    is_sent: bool,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) local: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    why: String,
}

/// How many mails went by kind, and how many did not by kind and reason.
#[derive(Serialize, Default)]
struct Summary {
    sent: BTreeMap<&'static str, usize>,
    not_sent: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
}

pub(super) fn print(
    outcome: &Outcome,
    is_short: bool,
    context: &Context,
) -> anyhow::Result<ExitCode> {
    let summary = summary(&outcome.mails);
    if context.format == Format::Json {
        output::json(&Document {
            from: iso(outcome.span.from),
            to: iso(outcome.span.to),
            orders: outcome.orders,
            mails: if is_short {
                Vec::new()
            } else {
                outcome.mails.iter().map(mail).collect()
            },
            summary,
            notes: &outcome.notes,
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    if !is_short {
        lists(outcome)?;
    }
    output::line(&format!(
        "{} from {} to {}: {}, {} not sent",
        counted(outcome.orders, "order"),
        utc(outcome.span.from),
        utc(outcome.span.to),
        counted(
            outcome.mails.iter().filter(|mail| mail.is_sent).count(),
            "mail"
        ),
        outcome.mails.iter().filter(|mail| !mail.is_sent).count(),
    ))?;
    totals(&summary)?;
    notes(outcome);
    Ok(ExitCode::SUCCESS)
}

/// What of the files was refused or odd, on standard error.
#[expect(
    clippy::print_stderr,
    reason = "remarks about the input are not the result"
)]
pub(super) fn notes(outcome: &Outcome) {
    for note in &outcome.notes {
        eprintln!("note: {note}");
    }
}

fn lists(outcome: &Outcome) -> anyhow::Result<()> {
    let mut sent = Table::new(&["local time", "zone", "channel", "order", "mail", "why then"]);
    let mut unsent = Table::new(&["channel", "order", "mail", "not sent", "why"]);
    for mail in &outcome.mails {
        let what = what(mail);
        if mail.is_sent {
            let (time, zone) = local_parts(mail);
            sent.row(vec![
                time,
                zone,
                mail.channel.clone(),
                mail.order_ref.clone(),
                what,
                why(mail),
            ]);
        } else {
            unsent.row(vec![
                mail.channel.clone(),
                mail.order_ref.clone(),
                what,
                code(mail).to_owned(),
                why(mail),
            ]);
        }
    }
    output::line(&sent.render())?;
    output::line("")?;
    if outcome.mails.iter().any(|mail| !mail.is_sent) {
        output::line(&unsent.render())?;
        output::line("")?;
    }
    Ok(())
}

fn totals(summary: &Summary) -> anyhow::Result<()> {
    if !summary.sent.is_empty() {
        let mut table = Table::new(&["\nsent", ""]);
        for (kind, count) in &summary.sent {
            table.row(vec![(*kind).to_owned(), count.to_string()]);
        }
        output::line(&table.render())?;
    }
    if !summary.not_sent.is_empty() {
        let mut table = Table::new(&["\nnot sent", "reason", ""]);
        for (kind, reasons) in &summary.not_sent {
            for (reason, count) in reasons {
                table.row(vec![
                    (*kind).to_owned(),
                    (*reason).to_owned(),
                    count.to_string(),
                ]);
            }
        }
        output::line(&table.render())?;
    }
    Ok(())
}

fn summary(mails: &[Simulated]) -> Summary {
    let mut summary = Summary::default();
    for mail in mails {
        let kind = mail.decision.kind.as_str();
        if mail.is_sent {
            *summary.sent.entry(kind).or_default() += 1;
        } else {
            let reasons = summary.not_sent.entry(kind).or_default();
            *reasons.entry(code(mail)).or_default() += 1;
        }
    }
    summary
}

/// The row of a mail.
pub(super) fn mail(mail: &Simulated) -> Mail<'_> {
    let planned = match &mail.decision.verdict {
        _ if mail.is_sent => Some(mail.at),
        Verdict::Scheduled { send_at, .. } => Some(*send_at),
        _ => None,
    };
    Mail {
        channel: &mail.channel,
        order: &mail.order_ref,
        step: &mail.decision.step,
        kind: mail.decision.kind.as_str(),
        scope: mail.decision.scope.to_string(),
        revision: mail.decision.revision,
        is_sent: mail.is_sent,
        verdict: if mail.is_sent {
            "sent"
        } else {
            mail.decision.verdict.as_str()
        },
        at: planned.map(iso),
        local: planned.map(|at| local(at, mail.zone)),
        reason: (!mail.is_sent).then(|| code(mail)),
        why: why(mail),
    }
}

/// The step, and what of the order it is about.
pub(super) fn what(mail: &Simulated) -> String {
    let decision = &mail.decision;
    let mut text = decision.step.clone();
    if decision.step != decision.kind.as_str() {
        // Writing to a string cannot fail.
        let _ = write!(text, " [{}]", decision.kind);
    }
    if decision.scope != crate::sequence::Scope::Order {
        // Writing to a string cannot fail.
        let _ = write!(text, " ({})", decision.scope);
    }
    text
}

pub(super) fn local_parts(mail: &Simulated) -> (String, String) {
    let text = local(mail.at, mail.zone);
    match text.rsplit_once(' ') {
        Some((time, zone)) => (time.to_owned(), zone.to_owned()),
        None => (text, String::new()),
    }
}

/// The reason's code of a mail that did not go.
fn code(mail: &Simulated) -> &'static str {
    match &mail.decision.verdict {
        Verdict::Scheduled { .. } => "after_the_end",
        verdict => verdict.reason().map_or("done", Reason::code),
    }
}

/// Why at that time, or why not, in few words.
fn why(mail: &Simulated) -> String {
    let decision = &mail.decision;
    if !mail.is_sent {
        return match &decision.verdict {
            Verdict::Scheduled { send_at, .. } => {
                format!(
                    "it is due after the end of the simulation, {}",
                    local(*send_at, mail.zone)
                )
            }
            Verdict::Superseded { by } => format!("`{by}` tells the buyer more"),
            verdict => verdict.reason().map_or_else(String::new, |reason| {
                let detail = decision
                    .because
                    .iter()
                    .find(|link| link.reason == reason && !link.detail.is_empty());
                match detail.and_then(|link| link.detail.split(':').next()) {
                    Some(detail)
                        if reason == Reason::ChannelPolicy
                            || reason == Reason::ChannelPolicyAsk =>
                    {
                        format!("{} ({detail})", reason.text())
                    }
                    _ => reason.text().to_owned(),
                }
            }),
        };
    }
    let detail = |reason: Reason| {
        let link = decision.because.iter().find(|link| link.reason == reason)?;
        Some(link.detail.as_str())
    };
    let mut parts = Vec::new();
    // `2026-03-08 09:00 UTC (3d after)` is told as `3d after delivered 2026-03-05 …`.
    let span = detail(Reason::TargetAimed)
        .and_then(|text| text.split_once('('))
        .and_then(|(_, span)| span.split_once(" after)"))
        .map(|(span, _)| span);
    // `shipped at 2026-…Z`: the event by its name, its time by the recipient's clock.
    let event = detail(Reason::AnchorSeen)
        .and_then(|text| text.split(' ').next())
        .unwrap_or("the event");
    let anchor = match decision.anchored_at {
        Some(at) => {
            let text = local(at, mail.zone);
            let time = text
                .rsplit_once(' ')
                .map_or(text.as_str(), |(time, _)| time);
            format!("{event} {time}")
        }
        None => event.to_owned(),
    };
    match span {
        Some("0m") | None => parts.push(format!("at once after {anchor}")),
        Some(span) => match span.strip_prefix('-') {
            Some(span) => parts.push(format!("{span} before {anchor}")),
            None => parts.push(format!("{span} after {anchor}")),
        },
    }
    if let Some(spread) = detail(Reason::JitterApplied) {
        parts.push(format!("spread {}", spread.trim_end_matches(" later")));
    }
    for (reason, text) in [
        (Reason::HoursApplied, "next allowed hour"),
        (Reason::Hastened, "hastened by an operator"),
        (Reason::HeldByCap, "waited for the cap"),
    ] {
        if detail(reason).is_some() {
            parts.push(text.to_owned());
        }
    }
    parts.join(", ")
}
