//! `afternote suppress`.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use crate::{
    engine::{Engine, operate::By},
    mail::Address,
    store::{buyers::Suppression, rows::Covers},
};

use super::{
    Context, Format,
    order::Because,
    output, start,
    table::{Table, counted, iso, utc},
};

/// Arguments of `suppress`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Addresses are kept as keyed hashes only, so the list shows no address; ask for one with\n\
        `suppress list --address`.\n\n\
        Examples:\n  \
        afternote suppress add anna@example.com --reason \"asked by phone\"\n  \
        afternote suppress list --address anna@example.com\n  \
        afternote suppress remove anna@example.com --reason \"asked to get order mail again\""
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep mail from an address, and take back what is planned for it.
    Add(One),
    /// Let mail go to an address again.
    Remove(One),
    /// List suppressions.
    List {
        /// Those of one address.
        #[arg(long)]
        address: Option<Address>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Behind this key: the last one of the page before.
        #[arg(long, value_name = "KEY", default_value = "")]
        after: String,
    },
}

#[derive(Debug, clap::Args)]
struct One {
    /// The buyer's mail address.
    address: Address,
    /// Follow-up and review request only; order mails still go.
    #[arg(long)]
    relationship: bool,
    #[command(flatten)]
    because: Because,
}

#[derive(Serialize)]
struct Row<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    channel: &'a str,
    covers: Covers,
    reason: &'a str,
    source: &'a str,
    created_at: String,
}

#[derive(Serialize)]
struct Changed {
    ok: bool,
    action: &'static str,
    address: String,
    covers: Covers,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<usize>,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let engine = start::engine(&config).await?;
    match args.action {
        Action::Add(one) => add(&engine, &one, context).await?,
        Action::Remove(one) => remove(&engine, &one, context).await?,
        Action::List {
            address,
            limit,
            after,
        } => {
            let rows = if let Some(address) = &address {
                engine.suppressions_of(address).await?
            } else {
                let mut tx = engine.db().read().await?;
                tx.list_suppressions(&after, limit).await?
            };
            list(&rows, address.as_ref(), limit, context)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl One {
    const fn covers(&self) -> Covers {
        if self.relationship {
            Covers::Relationship
        } else {
            Covers::All
        }
    }

    const fn what(&self) -> &'static str {
        if self.relationship {
            "follow-up and review mail"
        } else {
            "all mail"
        }
    }
}

async fn add(engine: &Engine, one: &One, context: &Context) -> anyhow::Result<()> {
    let actor = start::actor();
    let by = By {
        actor: &actor,
        reason: &one.because.reason,
    };
    let orders = engine
        .suppress(&one.address, one.covers(), "manual", &by)
        .await?;
    let said = format!(
        "{} to {} is stopped; {} planned anew",
        one.what(),
        one.address.masked(),
        counted(orders, "order")
    );
    changed("add", one, Some(orders), &said, context)
}

async fn remove(engine: &Engine, one: &One, context: &Context) -> anyhow::Result<()> {
    let actor = start::actor();
    let by = By {
        actor: &actor,
        reason: &one.because.reason,
    };
    let was_there = engine
        .lift_suppression(&one.address, one.covers(), &by)
        .await?;
    if !was_there {
        let others = engine.suppressions_of(&one.address).await?;
        let hint = match others.first() {
            Some(other) if other.channel.is_empty() && other.covers != one.covers() => {
                match other.covers {
                    Covers::All => "; all mail to it is stopped, leave out --relationship",
                    Covers::Relationship => {
                        "; follow-up and review mail to it is stopped, add --relationship"
                    }
                }
            }
            Some(_) => "; it is stopped for one channel",
            None => "; nothing is stopped for this address",
        };
        anyhow::bail!("there is no such suppression{hint}");
    }
    let said = format!("{} to {} may go again", one.what(), one.address.masked());
    changed("remove", one, None, &said, context)
}

fn changed(
    action: &'static str,
    one: &One,
    orders: Option<usize>,
    said: &str,
    context: &Context,
) -> anyhow::Result<()> {
    match context.format {
        Format::Text => output::line(said)?,
        Format::Json => output::json(&Changed {
            ok: true,
            action,
            address: one.address.masked(),
            covers: one.covers(),
            orders,
        })?,
    }
    Ok(())
}

fn list(
    rows: &[Suppression],
    address: Option<&Address>,
    limit: u32,
    context: &Context,
) -> anyhow::Result<()> {
    if context.format == Format::Json {
        let rows: Vec<Row<'_>> = rows.iter().map(row).collect();
        return output::json(&rows);
    }
    if rows.is_empty() {
        output::line(&match address {
            Some(address) => format!("nothing is stopped for {}", address.masked()),
            None => "no suppressions".to_owned(),
        })?;
        return Ok(());
    }
    let mut table = Table::new(&[
        "key",
        "channel",
        "covers",
        "reason",
        "learned from",
        "since",
    ]);
    for row in rows {
        table.row(vec![
            row.buyer_key.clone(),
            if row.channel.is_empty() {
                "all".to_owned()
            } else {
                row.channel.clone()
            },
            row.covers.as_str().to_owned(),
            row.reason.clone(),
            row.source.clone(),
            utc(row.created_at.into()),
        ]);
    }
    output::line(&table.render())?;
    let is_full = address.is_none() && u32::try_from(rows.len()).is_ok_and(|shown| shown >= limit);
    if let Some(last) = rows.last().filter(|_| is_full) {
        output::line(&format!("\nfurther ones: add --after {}", last.buyer_key))?;
    }
    Ok(())
}

fn row(suppression: &Suppression) -> Row<'_> {
    Row {
        key: &suppression.buyer_key,
        channel: &suppression.channel,
        covers: suppression.covers,
        reason: &suppression.reason,
        source: &suppression.source,
        created_at: iso(suppression.created_at.into()),
    }
}
