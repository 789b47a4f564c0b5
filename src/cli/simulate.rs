//! `afternote simulate`.

mod compare;
mod orders;
mod report;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    clock::{Clock as _, Instant, SystemClock},
    config::Config,
    engine::{Engine, assemble},
    plan::{
        ChannelRules,
        simulate::{Simulated, Span, Subject, simulate},
    },
    sequence::calendar,
};

use super::{Context, start};

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --orders no database is read: each event happens at its own time, every order counts as\n\
        live, and every mail as accepted by the relay. Without it, the orders of the database go on from\n\
        now as they stand. Nothing is sent and nothing is changed.\n\n\
        Examples:\n  \
        afternote simulate --orders orders.csv --channel shop\n  \
        afternote simulate --orders orders.jsonl --against next.toml\n  \
        afternote simulate --days 14 --summary"
)]
pub(super) struct Args {
    /// A file of orders (CSV or JSON lines); may be given several times.
    #[arg(long, value_name = "FILE")]
    orders: Vec<PathBuf>,
    /// The channel of orders that name none; with the database, only orders of this channel.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// The first moment: `2026-03-01` or `2026-03-01T08:00:00Z`; otherwise the first event, or now.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The last moment; a day counts to its end.
    #[arg(long, value_name = "TIME", conflicts_with = "days")]
    to: Option<String>,
    /// How many days.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// What another configuration would add, remove and move.
    #[arg(long, value_name = "CONFIG")]
    against: Option<PathBuf>,
    /// Print the counts only.
    #[arg(long)]
    summary: bool,
}

/// What was simulated.
pub(super) struct Outcome {
    span: Span,
    orders: usize,
    mails: Vec<Simulated>,
    /// What of the files was refused or odd.
    notes: Vec<String>,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let other = match &args.against {
        None => None,
        Some(path) => {
            let of_other = Context {
                config: vec![path.clone()],
                format: context.format,
            };
            match start::load_config(&of_other) {
                Ok(config) => Some(config),
                Err(code) => return Ok(code),
            }
        }
    };
    if args.orders.is_empty() {
        from_database(&args, context, &config, other.as_ref()).await
    } else {
        from_files(&args, context, &config, other.as_ref())
    }
}

fn from_files(
    args: &Args,
    context: &Context,
    config: &Config,
    other: Option<&Config>,
) -> anyhow::Result<ExitCode> {
    let rules = assemble::blueprint(config)?.rules;
    let read = orders::read(args, config, &rules)?;
    let from = match &args.from {
        Some(text) => moment(text, config.seller.zone, false)?,
        None => read
            .first
            .context("the files hold no event, so there is nothing to simulate")?,
    };
    let span = span(args, config, from)?;
    let outcome = outcome(read.subjects, span, read.notes);
    let Some(other) = other else {
        return report::print(&outcome, args.summary, context);
    };
    let rules = assemble::blueprint(other)?.rules;
    let read = orders::read(args, other, &rules)?;
    let cap = assemble::cap(other);
    let changed = self::outcome(read.subjects, Span { cap, ..span }, read.notes);
    compare::print(&outcome, &changed, context)
}

async fn from_database(
    args: &Args,
    context: &Context,
    config: &Config,
    other: Option<&Config>,
) -> anyhow::Result<ExitCode> {
    let engine = start::engine(config).await?;
    let now = SystemClock.now();
    let from = match &args.from {
        Some(text) => moment(text, config.seller.zone, false)?,
        None => now,
    };
    let span = span(args, config, from)?;
    let rules: BTreeMap<String, Arc<ChannelRules>> = engine
        .channels()
        .iter()
        .map(|(name, channel)| (name.clone(), Arc::clone(&channel.rules)))
        .collect();
    if let Some(name) = &args.channel {
        orders::check_channel(name, &rules)?;
    }
    let subjects = stored(&engine, &rules, args).await?;
    if subjects.is_empty() {
        anyhow::bail!(
            "the database holds no orders; import some with `afternote import`, or simulate a file with --orders"
        );
    }
    let outcome = outcome(subjects, span, Vec::new());
    let Some(other) = other else {
        return report::print(&outcome, args.summary, context);
    };
    let rules = assemble::blueprint(other)?.rules;
    let cap = assemble::cap(other);
    let subjects = stored(&engine, &rules, args).await?;
    let changed = self::outcome(subjects, Span { cap, ..span }, Vec::new());
    compare::print(&outcome, &changed, context)
}

async fn stored(
    engine: &Engine,
    rules: &BTreeMap<String, Arc<ChannelRules>>,
    args: &Args,
) -> anyhow::Result<Vec<Subject>> {
    let bar = progress("orders read");
    let mut subjects = engine
        .stored_subjects(rules, |count| bar.set_position(count))
        .await?;
    bar.finish_and_clear();
    if let Some(name) = &args.channel {
        subjects.retain(|subject| subject.order.channel == *name);
    }
    Ok(subjects)
}

fn outcome(subjects: Vec<Subject>, span: Span, notes: Vec<String>) -> Outcome {
    Outcome {
        span,
        orders: subjects.len(),
        mails: simulate(subjects, span),
        notes,
    }
}

fn span(args: &Args, config: &Config, from: Instant) -> anyhow::Result<Span> {
    let to = match &args.to {
        Some(text) => moment(text, config.seller.zone, true)?,
        None => from + TimeDelta::days(i64::from(args.days)),
    };
    anyhow::ensure!(
        from < to,
        "--to lies before the beginning; the simulation would begin at {}",
        super::table::utc(from)
    );
    Ok(Span {
        from,
        to,
        cap: assemble::cap(config),
    })
}

/// A moment of the command line: an instant, or a day in the seller's zone.
fn moment(text: &str, zone: Tz, is_end: bool) -> anyhow::Result<Instant> {
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(crate::clock::cut_to_millis(at.to_utc()));
    }
    let Ok(day) = text.parse::<NaiveDate>() else {
        anyhow::bail!(
            "`{text}` is no moment; write a day such as `2026-03-01` or an instant such as `2026-03-01T08:00:00Z`"
        );
    };
    let start = calendar::resolve(day.and_time(NaiveTime::MIN), zone);
    Ok(if is_end {
        calendar::end_of_day(start, zone)
    } else {
        start
    })
}

/// A counter on standard error; silent where that is no terminal.
fn progress(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template(&format!("{{spinner}} {{human_pos}} {what}")) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_end: bool, expected: Option<&str>) {
        let found = moment(text, chrono_tz::Europe::Berlin, is_end);
        assert_eq!(
            found.ok().map(super::super::table::iso).as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn moments_are_instants_or_days_of_the_seller() {
        check(
            "2026-03-01T08:00:00+01:00",
            false,
            Some("2026-03-01T07:00:00Z"),
        );
        check("2026-03-01", false, Some("2026-02-28T23:00:00Z"));
        check("2026-03-01", true, Some("2026-03-01T22:59:59.999Z"));
        check("March", false, None);
    }
}
