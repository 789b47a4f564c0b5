//! `afternote dispatch`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use chrono::TimeZone as _;
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    clock::Instant,
    engine::{Engine, Foreseen, rehearse::Rehearsed},
    sequence::Reason,
    service::Signals,
};

use super::{
    Context, Format, eml, output, start,
    table::{Table, counted},
};

/// Arguments of `dispatch`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 0: done. 1: mails were stopped by the linter or the renderer, refused by the\n\
        relay, or are in doubt. 2: nothing could be done. Ctrl-C finishes the mails under way.\n\n\
        Examples:\n  \
        afternote dispatch --until-idle\n  \
        afternote dispatch --dry-run data/rehearsal"
)]
pub(super) struct Args {
    /// Go on until nothing is due; the way it works without it, too, and named for clarity.
    #[arg(long)]
    until_idle: bool,
    /// Send and change nothing: write each mail that is due into this folder and list what would
    /// happen.
    #[arg(long, value_name = "DIR", conflicts_with = "until_idle")]
    dry_run: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    start::start_log(&config);
    let engine = start::engine(&config).await?;
    match args.dry_run {
        Some(dir) => rehearse(&engine, &dir, context.format).await,
        None => send(&engine, context.format).await,
    }
}

async fn send(engine: &Engine, format: Format) -> anyhow::Result<ExitCode> {
    let (stop, stopped) = watch::channel(false);
    let mut signals = Signals::listen()?;
    let mut dispatching = std::pin::pin!(engine.dispatch(&stopped));
    let report = tokio::select! {
        report = &mut dispatching => report?,
        _ = signals.next() => {
            stop.send_replace(true);
            tokio::select! {
                report = &mut dispatching => report?,
                _ = signals.next() => anyhow::bail!(
                    "ended at once; mails that were under way are settled by the next `dispatch` or `serve`"
                ),
            }
        }
    };
    match format {
        Format::Json => output::json(&report)?,
        Format::Text if report.is_empty() => output::line("nothing is due")?,
        Format::Text => {
            output::line(&format!("{} sent", counted_u64(report.sent, "mail")))?;
            for (count, what) in [
                (report.retried, "could not be sent yet and are tried again"),
                (
                    report.failed,
                    "were refused for good; see `afternote outbox list --status dead`",
                ),
                (
                    report.uncertain,
                    "are in doubt; see `afternote outbox list --status uncertain`",
                ),
                (
                    report.blocked,
                    "were stopped by the linter or the renderer; see `afternote outbox list --status blocked`",
                ),
                (
                    report.not_sent,
                    "are not to go now or at all; `afternote why ORDER` says why",
                ),
            ] {
                if count > 0 {
                    output::line(&format!("{count} {what}"))?;
                }
            }
        }
    }
    let is_clean = report.failed + report.uncertain + report.blocked == 0;
    Ok(ExitCode::from(u8::from(!is_clean)))
}

fn counted_u64(count: u64, what: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), what)
}

/// A line of the rehearsal.
#[derive(Debug, Serialize)]
struct Line {
    message: i64,
    channel: String,
    order_ref: String,
    step: String,
    kind: String,
    /// `would_send`, `not_sent` or `blocked`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip)]
    local: String,
}

async fn rehearse(engine: &Engine, dir: &Path, format: Format) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let (now, rehearsed) = engine.rehearse().await?;
    let mut files = eml::Folder::new(dir);
    let mut lines = Vec::new();
    for one in rehearsed {
        lines.push(line(one, now, &mut files)?);
    }
    let has_blocked = lines.iter().any(|line| line.outcome == "blocked");
    match format {
        Format::Json => output::json(&lines)?,
        Format::Text if lines.is_empty() => output::line("nothing is due")?,
        Format::Text => {
            let mut table = Table::new(&[
                "recipient's time",
                "channel",
                "order",
                "mail",
                "outcome",
                "",
            ]);
            for line in &lines {
                table.row(vec![
                    line.local.clone(),
                    line.channel.clone(),
                    line.order_ref.clone(),
                    line.kind.clone(),
                    line.outcome.replace('_', " "),
                    said(line),
                ]);
            }
            output::line(&table.render())?;
            let mails = lines.iter().filter(|line| line.file.is_some()).count();
            output::line(&format!(
                "\n{} written to {}; nothing was sent and nothing was changed",
                counted(mails, "mail"),
                dir.display()
            ))?;
        }
    }
    Ok(ExitCode::from(u8::from(has_blocked)))
}

fn said(line: &Line) -> String {
    if let Some(subject) = &line.subject {
        return eml::cut(subject);
    }
    let meaning = line.meaning.unwrap_or_default();
    match &line.detail {
        Some(detail) if !detail.is_empty() => format!("{meaning} ({detail})"),
        _ => meaning.to_owned(),
    }
}

fn line(one: Rehearsed, now: Instant, files: &mut eml::Folder<'_>) -> anyhow::Result<Line> {
    let local = one.zone.from_utc_datetime(&now.naive_utc());
    let mut line = Line {
        message: one.message,
        kind: one.kind.to_string(),
        outcome: "would_send",
        subject: None,
        file: None,
        reason: None,
        meaning: None,
        detail: None,
        local: local.format("%a %Y-%m-%d %H:%M").to_string(),
        channel: one.channel,
        order_ref: one.order_ref,
        step: one.step,
    };
    match one.foreseen {
        Foreseen::Mail(raw) => {
            let label = eml::Label {
                at: now,
                zone: one.zone,
                channel: &line.channel,
                order_ref: &line.order_ref,
                step: &line.step,
            };
            line.file = Some(files.write(label, &raw)?);
            line.subject = Some(eml::subject(&raw));
        }
        Foreseen::NotSent {
            is_blocked,
            reason,
            detail,
        } => {
            line.outcome = if is_blocked { "blocked" } else { "not_sent" };
            line.reason = reason.map(Reason::code);
            line.meaning = reason.map(Reason::text);
            line.detail = detail;
        }
    }
    Ok(line)
}
