//! `afternote import`.

mod activate;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::engine::{
    Engine, Intake,
    import::{ImportFile, Imported},
    inbox::report_text,
};

use super::{Context, Format, output, start, table::did_you_mean};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Imported orders are history: they are stored and mail nobody. Importing a file again stores\n\
        what is new and repeats nothing. --activate shows how many mails that would send, by day and\n\
        step, and asks for their number first.\n\n\
        Exit code 0: all was stored. 1: records were refused (each with line and hint), the others\n\
        stored. 2: nothing could be done.\n\n\
        Examples:\n  \
        afternote import orders.csv --channel shop\n  \
        afternote import orders.csv --channel shop --activate\n  \
        afternote import new.jsonl --live --format json"
)]
pub(super) struct Args {
    /// Files of orders or events: CSV, the order export of Shopify, JSON lines.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The channel of orders that name none; needed where several are configured.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Switch mails on for these orders: what is still of use is sent when it is due.
    #[arg(long, conflicts_with = "live")]
    activate: bool,
    /// With --activate: the number of mails, where nobody can type it.
    #[arg(long, value_name = "N", requires = "activate")]
    yes: Option<usize>,
    /// Take the events as happening now: what happened since the channel's `activated_at` may mail.
    #[arg(long)]
    live: bool,
}

/// The report of one file, for scripts.
#[derive(Debug, Serialize)]
struct FileReport {
    file: String,
    #[serde(flatten)]
    imported: Imported,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    // All of them, before anything is stored.
    for file in &args.files {
        check_file(file)?;
    }
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    start::start_log(&config);
    let engine = start::engine(&config).await?;
    let channel = channel(&engine, args.channel.as_deref())?;
    let intake = match (args.activate, args.live) {
        (true, _) => Intake::Activated,
        (_, true) => Intake::Live,
        _ => Intake::History,
    };
    let files: Vec<ImportFile<'_>> = args
        .files
        .iter()
        .map(|path| ImportFile {
            path,
            channel: &channel,
            intake,
        })
        .collect();
    if args.activate {
        let is_agreed = activate::agree(
            &engine,
            &files,
            args.yes,
            &config.send.activation,
            context.format,
        )
        .await?;
        if !is_agreed {
            output::line("nothing was imported")?;
            return Ok(ExitCode::from(1));
        }
    }
    let mut reports = Vec::new();
    for file in files {
        let bar = progress(context.format, file.path);
        let imported = engine.import(file, |count| bar.set_position(count)).await;
        bar.finish_and_clear();
        reports.push(FileReport {
            file: file.path.display().to_string(),
            imported: imported?,
        });
    }
    let is_clean = reports.iter().all(|report| report.imported.is_clean());
    match context.format {
        Format::Json => output::json(&reports)?,
        Format::Text => print(&reports, intake)?,
    }
    // A file in no known format: nothing of it could be done.
    if reports
        .iter()
        .any(|report| report.imported.report.format.is_none())
    {
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::from(u8::from(!is_clean)))
}

fn print(reports: &[FileReport], intake: Intake) -> anyhow::Result<()> {
    for report in reports {
        output::line(&format!("{}:", report.file))?;
        output::line(report_text(&report.imported).trim_end())?;
    }
    let orders: u64 = reports.iter().map(|r| r.imported.applied.orders).sum();
    if orders > 0 {
        output::line(match intake {
            Intake::History => {
                "these orders are history and mail nobody; --activate switches mails on for them"
            }
            Intake::Activated => {
                "mails are switched on for these orders; `afternote serve` or `dispatch` sends them when due"
            }
            Intake::Live => {
                "what these events ask for is sent when due, by `afternote serve` or `dispatch`"
            }
        })?;
    }
    Ok(())
}

/// The channel of orders that name none.
fn channel(engine: &Engine, wanted: Option<&str>) -> anyhow::Result<String> {
    let known: Vec<&str> = engine.channels().keys().map(String::as_str).collect();
    match (wanted, known.as_slice()) {
        (Some(name), _) if known.contains(&name) => Ok(name.to_owned()),
        (Some(name), _) => bail!(
            "there is no enabled channel `{name}`; enabled are {}{}",
            known.join(", "),
            did_you_mean(name, known.iter().copied())
        ),
        (None, [only]) => Ok((*only).to_owned()),
        (None, []) => bail!("no channel is enabled; add [channels.NAME] to the configuration"),
        (None, _) => bail!(
            "several channels are configured; say whose orders these are with --channel: {}",
            known.join(", ")
        ),
    }
}

/// Refuses a file that is not there, with the name that was probably meant.
fn check_file(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    match path.metadata() {
        Ok(meta) if meta.is_dir() => {
            bail!("{shown} is a folder; name the files in it, as in {shown}/*.csv")
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("there is no file {shown}{}", neighbour(path))
        }
        Err(error) => bail!("{shown} cannot be read: {error}"),
    }
}

fn neighbour(path: &Path) -> String {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Ok(entries) = folder.read_dir() else {
        return format!("; there is no folder {}, either", folder.display());
    };
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    did_you_mean(&wanted, names.iter().map(String::as_str))
}

fn progress(format: Format, path: &Path) -> ProgressBar {
    if format == Format::Json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {msg}: {human_pos} records, {per_sec}")
    {
        bar.set_style(style);
    }
    bar.set_message(path.display().to_string());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
