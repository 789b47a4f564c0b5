//! `afternote migrate`.

use std::process::ExitCode;

use serde::Serialize;

use crate::{
    clock::{Clock as _, SystemClock},
    engine::assemble,
};

use super::{Context, Format, output, start};

/// Arguments of `migrate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every other command does the same when it starts; run it by itself to choose the moment.\n\
        Migrations only go forward, each in one transaction. Keep a backup of the database."
)]
pub(super) struct Args {}

#[derive(Debug, Serialize)]
struct Migrated {
    from: i64,
    to: i64,
    applied: Vec<&'static str>,
}

pub(super) async fn run(_args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    start::start_log(&config);
    let db = assemble::open_database(&config).await?;
    let report = db.migrate(SystemClock.now()).await?;
    db.close().await;
    let migrated = Migrated {
        from: report.from,
        to: report.to,
        applied: report.applied,
    };
    match context.format {
        Format::Json => output::json(&migrated)?,
        Format::Text if migrated.applied.is_empty() => output::line(&format!(
            "the database is at schema version {}; nothing to do",
            migrated.to
        ))?,
        Format::Text => output::line(&format!(
            "the database went from schema version {} to {}: {}",
            migrated.from,
            migrated.to,
            migrated.applied.join(", ")
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}
