//! `afternote demo`: the whole product on sample orders, over a moved clock.

mod folder;
mod moved;
mod told;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use chrono::TimeDelta;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    clock::ManualClock,
    config::{Config, LoadOptions},
    deliver::{MemoryTransport, Transport},
    engine::assemble::{self, Deliver},
    intake,
};

use super::{Context, Format, output, serve, start};
use folder::Folder;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An invented seller's orders on five channels happen one after the other, on a clock that\n\
        jumps from one event to the next. Each mail becomes a file any mail program opens; nothing\n\
        leaves this machine. Two runs give the same files, byte for byte.\n\n\
        Examples:\n  \
        afternote demo --once\n  \
        afternote demo --once --out /tmp/afternote-demo --days 10"
)]
pub(super) struct Args {
    /// End when all is sent. Without it, the demo's drop folder is watched until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Where mails and database go: a folder that is empty or not there yet. Without it,
    /// data/demo, or data/demo-2 and so on where that is taken.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many days the clock runs, from 2 March 2026.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    if !context.config.is_empty() {
        anyhow::bail!(
            "demo brings its own configuration; leave --config out, or try yours with `afternote simulate`"
        );
    }
    let folder = Folder::prepare(args.out)?;
    let config = match load(&folder) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    start::start_log(&config);
    let events = intake::demo::events();
    let clock = Arc::new(ManualClock::new(intake::demo::start()));
    let mails = MemoryTransport::new();
    seed(&config, &clock).await?;
    let engine = start::engine_on(
        &config,
        Arc::clone(&clock) as _,
        Deliver::Through(Transport::Memory(mails.clone())),
    )
    .await?;
    let end = intake::demo::start() + TimeDelta::days(i64::from(args.days));
    let bar = progress(context.format, u64::from(args.days));
    let totals = moved::run(&engine, &clock, events, end, |now| {
        let days = (now - intake::demo::start()).num_days();
        bar.set_position(u64::try_from(days).unwrap_or_default());
    })
    .await?;
    bar.finish_and_clear();
    let story = told::tell(&engine, &mails, &folder, totals).await?;
    engine.db().close().await;
    match context.format {
        Format::Json => output::json(&story)?,
        Format::Text => story.print(args.once)?,
    }
    if args.once {
        return Ok(ExitCode::SUCCESS);
    }
    serve::serve(Arc::new(config), serve::Role::Worker).await
}

/// The demo's own configuration, from the file it was written to.
fn load(folder: &Folder) -> Result<Config, ExitCode> {
    let options = LoadOptions {
        files: vec![folder.config_file()],
        ..LoadOptions::default()
    };
    Config::load(&options).map_err(|problems| {
        start::print_problems(&problems);
        ExitCode::from(2)
    })
}

/// Gives the new database a secret everybody knows: links and keys derived from it repeat.
async fn seed(config: &Config, clock: &ManualClock) -> anyhow::Result<()> {
    use crate::clock::Clock as _;
    let db = assemble::open_database(config).await?;
    db.migrate(clock.now()).await?;
    let mut tx = db.begin().await?;
    tx.keep_setting("buyer_key_secret", "demo", clock.now())
        .await?;
    tx.commit().await?;
    db.close().await;
    Ok(())
}

fn progress(format: Format, days: u64) -> ProgressBar {
    if format == Format::Json {
        return ProgressBar::hidden();
    }
    // Drawn on standard error, and only where that is a terminal.
    let bar = ProgressBar::new(days);
    if let Ok(style) = ProgressStyle::with_template("day {pos} of {len} {bar:30} {elapsed}") {
        bar.set_style(style);
    }
    bar
}
