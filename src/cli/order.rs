//! `afternote order`.

mod show;

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::{Subcommand, builder::NonEmptyStringValueParser};
use serde::Serialize;

use crate::{
    engine::{
        Engine,
        operate::{By, OrderAction},
    },
    sequence::Scope,
    store::{
        ledger::{OrderSummary, Page},
        rows::Covers,
    },
};

use super::{
    Context, Format, output, start,
    table::{Table, did_you_mean, iso, utc},
};

/// Arguments of `order`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every change is written to the audit log with your name and the reason you give.\n\n\
        Examples:\n  \
        afternote order show B-3001\n  \
        afternote order pause B-3001 --reason \"buyer asked for a call first\"\n  \
        afternote order pause --all-orders --channel allegro --reason \"wrong prices in the shop\"\n  \
        afternote order skip B-3001 review_request --reason \"complaint by phone\""
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List orders, newest first.
    List(List),
    /// Show an order: what is in it, where it stands, its mails.
    Show {
        #[command(flatten)]
        order: Which,
        /// Show name, address and lines too: personal data.
        #[arg(long)]
        personal: bool,
    },
    /// Let nothing go to the buyer until it is resumed.
    Pause(Stop),
    /// Let go on what was paused.
    Resume(Stop),
    /// Never send a step of an order.
    Skip(OneStep),
    /// Send a step once more; it still passes linter, legal basis and suppressions.
    Resend {
        #[command(flatten)]
        step: OneStep,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Send a step as soon as its window and hours allow.
    SendNow(OneStep),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Orders of one channel.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Orders at one stage: accepted, paid, shipped, delivered, …
    #[arg(long)]
    stage: Option<String>,
    #[command(flatten)]
    page: Paging,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Paging {
    /// At most so many rows.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Rows with a smaller id only: the last id of the page before.
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The order, as its channel names it.
    order: String,
    /// The channel, where several have an order of that name.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Stop {
    /// The order, as its channel names it.
    #[arg(required_unless_present = "all_orders", conflicts_with = "all_orders")]
    order: Option<String>,
    /// The channel of the order; with --all-orders, the channel to stop.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Every order of --channel, or of all channels: nothing goes out at all.
    #[arg(long)]
    all_orders: bool,
    /// With --all-orders: follow-up and review request only.
    #[arg(long, requires = "all_orders")]
    relationship: bool,
    #[command(flatten)]
    because: Because,
}

#[derive(Debug, clap::Args)]
struct OneStep {
    #[command(flatten)]
    order: Which,
    /// The step, as `why` names it.
    step: String,
    /// One mail of the step only: `order`, `parcel:REF` or `incident:REF`.
    #[arg(long)]
    scope: Option<Scope>,
    #[command(flatten)]
    because: Because,
}

/// Why a change is made.
#[derive(Debug, clap::Args)]
pub(super) struct Because {
    /// Why, in your words; it stands in the audit log and in `why`.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(super) reason: String,
}

/// What a change did, for scripts.
#[derive(Serialize)]
struct Changed<'a> {
    ok: bool,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    channel: &'a str,
    order: &'a str,
    stage: &'a str,
    accepted_at: Option<String>,
    updated_at: String,
    is_test: bool,
    is_history: bool,
    is_erased: bool,
}

impl Paging {
    pub(super) const fn page(self) -> Page {
        Page {
            before: self.before,
            limit: self.limit,
        }
    }

    /// How to see the next page, where there may be one.
    pub(super) fn more(self, shown: usize, last: Option<i64>) -> Option<String> {
        let is_full = u32::try_from(shown).is_ok_and(|shown| shown >= self.limit);
        last.filter(|_| is_full)
            .map(|last| format!("\nolder ones: add --before {last}"))
    }
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let engine = start::engine(&config).await?;
    match args.action {
        Action::List(list) => self::list(&engine, &list, context).await?,
        Action::Show { order, personal } => {
            show::run(
                &engine,
                &order.order,
                order.channel.as_deref(),
                personal,
                context,
            )
            .await?;
        }
        Action::Pause(stop) => pause(&engine, &stop, true, context).await?,
        Action::Resume(stop) => pause(&engine, &stop, false, context).await?,
        Action::Skip(step) => {
            one_step(&engine, &step, "skip", OrderAction::Skip, context).await?;
        }
        Action::SendNow(step) => {
            one_step(&engine, &step, "send-now", OrderAction::SendNow, context).await?;
        }
        Action::Resend { step, yes } => {
            // Before the question: an order or a step that is not there needs no answer.
            engine
                .why(
                    &step.order.order,
                    step.order.channel.as_deref(),
                    Some(&step.step),
                )
                .await?;
            if !yes && !confirmed(&step)? {
                output::line("nothing was changed")?;
                return Ok(ExitCode::SUCCESS);
            }
            one_step(&engine, &step, "resend", OrderAction::Resend, context).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(engine: &Engine, list: &List, context: &Context) -> anyhow::Result<()> {
    if let Some(name) = &list.channel {
        known_channel(engine, name)?;
    }
    let now = engine.clock().now();
    let mut tx = engine.db().read().await?;
    let rows = tx
        .list_orders(
            list.channel.as_deref(),
            list.stage.as_deref(),
            list.page.page(),
        )
        .await?;
    if context.format == Format::Json {
        return output::json(&rows.iter().map(row).collect::<Vec<_>>());
    }
    for switch in tx.switches(now).await? {
        let what = if switch.channel.is_empty() {
            "every channel".to_owned()
        } else {
            format!("channel {}", switch.channel)
        };
        output::line(&format!(
            "note: {what} is paused ({} mails) since {} by {}: {}",
            switch.covers.as_str(),
            utc(switch.set_at.into()),
            switch.actor,
            switch.reason
        ))?;
    }
    if rows.is_empty() {
        output::line("no orders; import some with `afternote import FILE`")?;
        return Ok(());
    }
    let mut table = Table::new(&["id", "channel", "order", "stage", "accepted", ""]);
    for order in &rows {
        let marks = [
            (order.is_test, "test"),
            (order.is_history, "history"),
            (order.erased_at.is_some(), "erased"),
        ];
        let marks: Vec<&str> = marks
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, mark)| *mark)
            .collect();
        table.row(vec![
            order.id.to_string(),
            order.channel.clone(),
            order.external_ref.clone(),
            order.stage.clone(),
            order
                .accepted_at
                .map(|at| utc(at.into()))
                .unwrap_or_default(),
            marks.join(", "),
        ]);
    }
    output::line(&table.render())?;
    if let Some(more) = list
        .page
        .more(rows.len(), rows.last().map(|order| order.id))
    {
        output::line(&more)?;
    }
    Ok(())
}

fn row(order: &OrderSummary) -> Row<'_> {
    Row {
        id: order.id,
        channel: &order.channel,
        order: &order.external_ref,
        stage: &order.stage,
        accepted_at: order.accepted_at.map(|at| iso(at.into())),
        updated_at: iso(order.updated_at.into()),
        is_test: order.is_test,
        is_history: order.is_history,
        is_erased: order.erased_at.is_some(),
    }
}

/// Refuses a channel that is not configured, and lists those that are.
pub(super) fn known_channel(engine: &Engine, name: &str) -> anyhow::Result<()> {
    let names: Vec<&str> = engine.channels().keys().map(String::as_str).collect();
    anyhow::ensure!(
        engine.channels().contains_key(name),
        "there is no enabled channel `{name}`{}; enabled are {}",
        did_you_mean(name, names.iter().copied()),
        names.join(", ")
    );
    Ok(())
}

async fn pause(
    engine: &Engine,
    stop: &Stop,
    is_stop: bool,
    context: &Context,
) -> anyhow::Result<()> {
    let actor = start::actor();
    let by = By {
        actor: &actor,
        reason: &stop.because.reason,
    };
    let channel = stop.channel.as_deref();
    let (action, done) = if is_stop {
        ("pause", "paused")
    } else {
        ("resume", "resumed")
    };
    let said = if let Some(order) = &stop.order {
        let wanted = if is_stop {
            OrderAction::Pause
        } else {
            OrderAction::Resume
        };
        engine.operate(order, channel, wanted, None, &by).await?;
        format!("order {order} is {done}")
    } else {
        if let Some(name) = channel {
            known_channel(engine, name)?;
        }
        // Resuming everything lifts a stop of relationship mail too.
        let covers: &[Covers] = match (stop.relationship, is_stop) {
            (true, _) => &[Covers::Relationship],
            (false, true) => &[Covers::All],
            (false, false) => &[Covers::All, Covers::Relationship],
        };
        for covers in covers {
            engine.switch(channel, *covers, is_stop, &by).await?;
        }
        let what = if stop.relationship {
            "follow-up and review mail"
        } else {
            "all mail"
        };
        let place = channel.map_or_else(
            || "every channel".to_owned(),
            |name| format!("channel {name}"),
        );
        format!("{what} of {place} is {done}")
    };
    changed(action, stop.order.as_deref(), channel, None, &said, context)
}

async fn one_step<'a>(
    engine: &Engine,
    step: &'a OneStep,
    name: &str,
    action: impl Fn(&'a str) -> OrderAction<'a>,
    context: &Context,
) -> anyhow::Result<()> {
    let actor = start::actor();
    let by = By {
        actor: &actor,
        reason: &step.because.reason,
    };
    let channel = step.order.channel.as_deref();
    let order = step.order.order.as_str();
    engine
        .operate(order, channel, action(&step.step), step.scope.as_ref(), &by)
        .await?;
    let said = after(engine, step).await?;
    changed(name, Some(order), channel, Some(&step.step), &said, context)
}

/// What became of the step.
async fn after(engine: &Engine, step: &OneStep) -> anyhow::Result<String> {
    let story = engine
        .why(
            &step.order.order,
            step.order.channel.as_deref(),
            Some(&step.step),
        )
        .await?;
    let mails: Vec<String> = story
        .mails
        .iter()
        .filter(|mail| {
            let scope = step.scope.as_ref().map(ToString::to_string);
            scope.is_none_or(|scope| scope == mail.scope)
        })
        .map(|mail| {
            let when = mail
                .local
                .as_ref()
                .map(|at| format!(", {at}"))
                .unwrap_or_default();
            let why = mail
                .meaning
                .as_ref()
                .map(|text| format!(": {text}"))
                .unwrap_or_default();
            let which = if mail.revision > 0 {
                format!(" (sending {})", mail.revision + 1)
            } else {
                String::new()
            };
            format!(
                "{} of {}{which} is {}{when}{why}",
                mail.step, story.order_ref, mail.state
            )
        })
        .collect();
    Ok(mails.join("\n"))
}

fn changed(
    action: &str,
    order: Option<&str>,
    channel: Option<&str>,
    step: Option<&str>,
    said: &str,
    context: &Context,
) -> anyhow::Result<()> {
    match context.format {
        Format::Text => output::line(said)?,
        Format::Json => output::json(&Changed {
            ok: true,
            action,
            order,
            channel,
            step,
        })?,
    }
    Ok(())
}

/// Asks the person at the terminal; without one, `--yes` is needed.
#[expect(
    clippy::print_stderr,
    reason = "a question to the person at the terminal"
)]
fn confirmed(step: &OneStep) -> anyhow::Result<bool> {
    anyhow::ensure!(
        io::stdin().is_terminal(),
        "`{}` would go to the buyer of {} once more; confirm it with --yes",
        step.step,
        step.order.order
    );
    eprint!(
        "Send `{}` to the buyer of {} once more? [y/N] ",
        step.step, step.order.order
    );
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
