//! `afternote why`.

use std::fmt::Write as _;
use std::process::ExitCode;

use chrono_tz::Tz;

use crate::engine::explain::{AttemptStory, MailStory, Story, local};

use super::{
    Context, Format, output, start,
    table::{Table, counted},
};

/// Arguments of `why`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Tells of each mail whether it went, goes, or does not, and which facts and rules led there.\n\
        Times are the recipient's; with --format json they are UTC.\n\n\
        Examples:\n  \
        afternote why B-3001\n  \
        afternote why B-3001 review_request"
)]
pub(super) struct Args {
    /// The order, as its channel names it.
    order: String,
    /// One step of its sequence; without it, all.
    step: Option<String>,
    /// The channel, where several have an order of that name.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let engine = start::engine(&config).await?;
    let story = engine
        .why(&args.order, args.channel.as_deref(), args.step.as_deref())
        .await?;
    match context.format {
        Format::Json => output::json(&story)?,
        Format::Text => output::line(&told(&story, args.step.is_none()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The story as a text.
fn told(story: &Story, with_events: bool) -> String {
    let zone: Tz = story.zone.parse().unwrap_or(Tz::UTC);
    let mut blocks = vec![format!(
        "Order {} on {}: {}\nTimes are those of {}",
        story.order_ref,
        story.channel,
        story.stage.replace('_', " "),
        story.zone
    )];
    if with_events {
        blocks.push(events(story, zone));
    }
    let (told, waiting): (Vec<&MailStory>, Vec<&MailStory>) =
        story.mails.iter().partition(|mail| is_worth_telling(mail));
    blocks.extend(told.iter().map(|mail| one(mail, zone)));
    if !waiting.is_empty() {
        blocks.push(not_begun(&waiting));
    }
    blocks.join("\n\n")
}

/// A step of which nothing has happened is told in one line with the others like it.
fn is_worth_telling(mail: &MailStory) -> bool {
    mail.state != "waiting" || mail.reason.as_deref() != Some("waiting_for_event")
}

fn not_begun(mails: &[&MailStory]) -> String {
    let steps: Vec<&str> = mails.iter().map(|mail| mail.step.as_str()).collect();
    format!(
        "{}: waiting (waiting_for_event)\n  what they count from has not happened: nothing to do until it does",
        steps.join(", ")
    )
}

fn events(story: &Story, zone: Tz) -> String {
    if story.events.is_empty() {
        return "No events are remembered.".to_owned();
    }
    let mut table = Table::new(&["happened", "event", "parcel", "told by", "learned"]);
    for event in &story.events {
        let kind = if event.is_history {
            format!("{} (history)", event.kind)
        } else {
            event.kind.clone()
        };
        table.row(vec![
            short(event.occurred_at, zone),
            kind,
            event.parcel_ref.clone().unwrap_or_default(),
            event.source.clone(),
            if event.received_at == event.occurred_at {
                "at once".to_owned()
            } else {
                short(event.received_at, zone)
            },
        ]);
    }
    format!(
        "{} told us:\n{}",
        counted(story.events.len(), "event"),
        indented(&table.render())
    )
}

/// `Tue 2026-03-03 09:15`: the zone stands in the head of the story.
fn short(at: crate::clock::Instant, zone: Tz) -> String {
    without_zone(&local(at, zone)).to_owned()
}

fn without_zone(text: &str) -> &str {
    text.rsplit_once(' ').map_or(text, |(time, _)| time)
}

fn one(mail: &MailStory, zone: Tz) -> String {
    let mut head = mail.step.clone();
    if mail.kind != mail.step {
        // Writing to a string cannot fail.
        let _ = write!(head, " [{}]", mail.kind);
    }
    if mail.scope != "order" {
        // Writing to a string cannot fail.
        let _ = write!(head, " ({})", mail.scope);
    }
    if mail.revision > 0 {
        // Writing to a string cannot fail.
        let _ = write!(head, ", sending {}", mail.revision + 1);
    }
    // Writing to a string cannot fail.
    let _ = write!(head, ": {}", mail.state);
    if let Some(at) = &mail.local
        && matches!(
            mail.state.as_str(),
            "sent" | "scheduled" | "planned" | "uncertain"
        )
    {
        // Writing to a string cannot fail.
        let _ = write!(head, " {}", without_zone(at));
    }
    let mut lines = vec![head];
    if let (Some(code), Some(meaning)) = (&mail.reason, &mail.meaning) {
        let detail = mail
            .detail
            .as_ref()
            .filter(|detail| !detail.is_empty())
            .map(|detail| format!(": {detail}"))
            .unwrap_or_default();
        lines.push(format!("  {meaning}{detail} ({code})"));
    }
    for link in &mail.because {
        if Some(link.reason) == mail.reason.as_deref() && link.detail.is_empty() {
            continue;
        }
        let detail = if link.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", in_zone(&link.detail, zone))
        };
        lines.push(format!("    - {}{detail}", link.text));
    }
    lines.extend(mail.attempts.iter().map(|attempt| tried(attempt, zone)));
    if let Some(template) = &mail.template {
        let (name, hash) = template.split_once(' ').unwrap_or((template, ""));
        let hash = hash.get(..12).unwrap_or(hash);
        lines.push(format!("  written from {name} ({hash})"));
    }
    if let Some(lint) = &mail.lint {
        lines.push(format!("  {}", lint_text(lint)));
    }
    if let Some(id) = mail.message {
        let header = mail
            .message_id
            .as_ref()
            .map(|id| format!(", Message-ID {id}"))
            .unwrap_or_default();
        lines.push(format!("  message {id}{header}"));
    }
    if !mail.next.is_empty() {
        lines.push(format!("  next: {}", mail.next));
    }
    lines.join("\n")
}

/// A detail with its instants by the recipient's clock, like every time of the story.
fn in_zone(detail: &str, zone: Tz) -> String {
    detail
        .split(' ')
        .map(|word| {
            let (bare, rest) = match word.find('Z') {
                Some(at) => word.split_at(at + 1),
                None => (word, ""),
            };
            match bare.parse::<crate::clock::Instant>() {
                Ok(at) => format!("{}{rest}", short(at, zone)),
                Err(_) => word.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn tried(attempt: &AttemptStory, zone: Tz) -> String {
    let codes: Vec<String> = [
        attempt.code.map(|code| code.to_string()),
        attempt.enhanced.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let reply = attempt.reply.as_deref().unwrap_or_default();
    let said = [codes.join(" "), reply.to_owned()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    };
    let read = attempt
        .reason
        .as_ref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    format!(
        "  tried {}: {}{said}{read}",
        short(attempt.started_at, zone),
        attempt.outcome
    )
}

/// `linter: warn, RM004 star-rating-ask (warn, subject)`.
pub(super) fn lint_text(lint: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value, key: &str| {
        value
            .get(key)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut parts = vec![format!("linter: {}", text(lint, "verdict"))];
    let findings = lint.get("findings").and_then(serde_json::Value::as_array);
    for finding in findings.into_iter().flatten() {
        let mut part = format!(
            "{} {} ({}, {})",
            text(finding, "rule"),
            text(finding, "name"),
            text(finding, "severity"),
            text(finding, "field")
        );
        let by = text(finding, "overridden_by");
        if !by.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(part, ", lowered by {by}");
        }
        parts.push(part);
    }
    parts.join("; ")
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_a_detail_are_told_by_the_recipients_clock() {
        let zone = chrono_tz::Europe::Berlin;
        for (detail, expected) in [
            (
                "shipped at 2026-03-03T14:40:00Z, only the day is known",
                "shipped at Tue 2026-03-03 15:40, only the day is known",
            ),
            ("own_shop", "own_shop"),
            ("Zoll at noon", "Zoll at noon"),
        ] {
            assert_eq!(in_zone(detail, zone), expected);
        }
    }
}
