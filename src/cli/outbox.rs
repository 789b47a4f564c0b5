//! `afternote outbox`.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use crate::{
    engine::{
        Engine,
        explain::AttemptStory,
        operate::{By, Doubt},
    },
    mail::MailKind,
    store::{MessageRow, Status, ledger::Filter},
};

use super::{
    Context, Format,
    order::{Because, Paging, known_channel},
    output, start,
    table::{Table, did_you_mean, iso, utc},
    why::lint_text,
};

/// Arguments of `outbox`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        afternote outbox list --status uncertain\n  \
        afternote outbox decide 17 sent --reason \"the buyer answered to it\"\n  \
        afternote outbox retry 21 --reason \"template mended\"")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List messages, newest first.
    List(List),
    /// Show a message with its attempts.
    Show {
        /// Its number.
        id: i64,
    },
    /// Put a blocked or dead message back into the plan.
    Retry(One),
    /// Never send a message that has not gone.
    Withdraw(One),
    /// Settle a message of which nobody knows whether it arrived.
    Decide {
        #[command(flatten)]
        message: One,
        /// What you found out.
        #[arg(value_enum)]
        verdict: Found,
    },
}

#[derive(Debug, clap::Args)]
struct List {
    /// planned, leased, sending, sent, blocked, skipped, expired, superseded, uncertain or dead.
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// Messages of one channel.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// One mail kind.
    #[arg(long)]
    kind: Option<MailKind>,
    /// One reason, by its code.
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// Messages of one order.
    #[arg(long, value_name = "ORDER")]
    order: Option<String>,
    #[command(flatten)]
    page: Paging,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The message's number.
    id: i64,
    #[command(flatten)]
    because: Because,
}

/// What a person found out about a message in doubt.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Found {
    /// It arrived: what follows it may go.
    Sent,
    /// It did not arrive, and is not to be sent any more.
    NotSent,
    /// It did not arrive: send the same message again.
    SendAgain,
}

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    order_id: i64,
    channel: &'a str,
    step: &'a str,
    kind: &'static str,
    scope: String,
    revision: u32,
    status: &'static str,
    reason: Option<&'static str>,
    meaning: Option<&'static str>,
    detail: Option<&'a str>,
    due_at: Option<String>,
    sent_at: Option<String>,
    window_until: Option<String>,
    attempts: u32,
    message_id: Option<&'a str>,
    template: Option<&'a str>,
    template_hash: Option<&'a str>,
    lint: Option<serde_json::Value>,
    updated_at: String,
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    tries: Vec<AttemptStory>,
}

#[derive(Serialize)]
struct Changed<'a> {
    ok: bool,
    action: &'a str,
    message: i64,
    status: &'static str,
}

fn status(name: &str) -> Result<Status, String> {
    name.parse::<Status>().map_err(|_| {
        let known = Status::ALL.map(Status::as_str);
        format!("no such status{}", did_you_mean(name, known.into_iter()))
    })
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let engine = start::engine(&config).await?;
    let actor = start::actor();
    match args.action {
        Action::List(list) => self::list(&engine, &list, context).await?,
        Action::Show { id } => show(&engine, id, context).await?,
        Action::Retry(one) => {
            engine.retry_message(one.id, &one.by(&actor)).await?;
            changed(&engine, "retry", one.id, context).await?;
        }
        Action::Withdraw(one) => {
            engine.withdraw(one.id, &one.by(&actor)).await?;
            changed(&engine, "withdraw", one.id, context).await?;
        }
        Action::Decide { message, verdict } => {
            let doubt = match verdict {
                Found::Sent => Doubt::Sent,
                Found::NotSent => Doubt::NotSent,
                Found::SendAgain => Doubt::SendAgain,
            };
            engine
                .decide_doubt(message.id, doubt, &message.by(&actor))
                .await?;
            changed(&engine, "decide", message.id, context).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl One {
    fn by<'a>(&'a self, actor: &'a str) -> By<'a> {
        By {
            actor,
            reason: &self.because.reason,
        }
    }
}

async fn list(engine: &Engine, list: &List, context: &Context) -> anyhow::Result<()> {
    if let Some(name) = &list.channel {
        known_channel(engine, name)?;
    }
    let order_id = match &list.order {
        Some(order) => Some(engine.find_order(order, list.channel.as_deref()).await?.id),
        None => None,
    };
    let mut tx = engine.db().read().await?;
    let filter = Filter {
        status: list.status,
        channel: list.channel.as_deref(),
        kind: list.kind,
        reason: list.reason.as_deref(),
        order_id,
    };
    let rows = tx.list_messages(filter, list.page.page()).await?.rows;
    if context.format == Format::Json {
        return output::json(&rows.iter().map(row).collect::<Vec<_>>());
    }
    if rows.is_empty() {
        output::line("no messages")?;
        return Ok(());
    }
    let mut table = Table::new(&["id", "channel", "mail", "status", "reason", "when", "tries"]);
    for message in &rows {
        table.row(vec![
            message.id.to_string(),
            message.channel.clone(),
            format!("{} ({})", message.step, message.scope),
            message.status.to_string(),
            message
                .reason
                .map(|reason| reason.code().to_owned())
                .unwrap_or_default(),
            when(message),
            message.attempts.to_string(),
        ]);
    }
    output::line(&table.render())?;
    if let Some(more) = list.page.more(rows.len(), rows.last().map(|row| row.id)) {
        output::line(&more)?;
    }
    Ok(())
}

fn when(message: &MessageRow) -> String {
    message
        .sent_at
        .or(message.due_at)
        .map(|at| utc(at.into()))
        .unwrap_or_default()
}

async fn show(engine: &Engine, id: i64, context: &Context) -> anyhow::Result<()> {
    let message = engine.message(id).await?;
    let mut tx = engine.db().read().await?;
    let tries: Vec<AttemptStory> = tx
        .attempts_of(id)
        .await?
        .into_iter()
        .map(Into::into)
        .collect();
    if context.format == Format::Json {
        return output::json(&Whole {
            row: row(&message),
            tries,
        });
    }
    let mut table = Table::new(&[&format!("message {id}"), message.status.as_str()]);
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            table.row(vec![format!("  {name}"), value]);
        }
    };
    let utc_of = |at: Option<crate::store::Ts>| at.map(|at| utc(at.into()));
    fact("channel", Some(message.channel.clone()));
    fact(
        "mail",
        Some(format!("{} ({})", message.step, message.scope)),
    );
    fact(
        "reason",
        message
            .reason
            .map(|r| format!("{} ({})", r.text(), r.code())),
    );
    fact("detail", message.detail.clone());
    fact("due", utc_of(message.due_at));
    fact("window until", utc_of(message.window_until));
    fact("sent", utc_of(message.sent_at));
    fact("Message-ID", message.message_id.clone());
    fact("template", message.template.clone());
    fact("hash", message.template_hash.clone());
    fact("", lint_of(&message).map(|lint| lint_text(&lint)));
    for attempt in &tries {
        let reply = [
            attempt.code.map(|c| c.to_string()),
            attempt.enhanced.clone(),
            attempt.reply.clone(),
        ];
        let reply: Vec<String> = reply.into_iter().flatten().collect();
        fact(
            "tried",
            Some(format!(
                "{}: {} {}",
                utc(attempt.started_at),
                attempt.outcome,
                reply.join(" ")
            )),
        );
    }
    output::line(&table.render())?;
    Ok(())
}

fn lint_of(message: &MessageRow) -> Option<serde_json::Value> {
    serde_json::from_str(message.lint.as_deref()?).ok()
}

fn row(message: &MessageRow) -> Row<'_> {
    let at = |at: Option<crate::store::Ts>| at.map(|at| iso(at.into()));
    Row {
        id: message.id,
        order_id: message.order_id,
        channel: &message.channel,
        step: &message.step,
        kind: message.kind.as_str(),
        scope: message.scope.to_string(),
        revision: message.revision,
        status: message.status.as_str(),
        reason: message.reason.map(crate::sequence::Reason::code),
        meaning: message.reason.map(crate::sequence::Reason::text),
        detail: message.detail.as_deref(),
        due_at: at(message.due_at),
        sent_at: at(message.sent_at),
        window_until: at(message.window_until),
        attempts: message.attempts,
        message_id: message.message_id.as_deref(),
        template: message.template.as_deref(),
        template_hash: message.template_hash.as_deref(),
        lint: lint_of(message),
        updated_at: iso(message.updated_at.into()),
    }
}

async fn changed(engine: &Engine, action: &str, id: i64, context: &Context) -> anyhow::Result<()> {
    let message = engine.message(id).await?;
    match context.format {
        Format::Json => output::json(&Changed {
            ok: true,
            action,
            message: id,
            status: message.status.as_str(),
        })?,
        Format::Text => {
            let why = message
                .reason
                .map(|r| format!(": {}", r.text()))
                .unwrap_or_default();
            output::line(&format!("message {id} is {}{why}", message.status))?;
        }
    }
    Ok(())
}
