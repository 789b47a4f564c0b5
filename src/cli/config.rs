//! `afternote config`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{Context, Format, output, start};

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
        afternote config show --config afternote.toml\n  \
        afternote config example > afternote.toml")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print every setting in force and where it comes from; secrets are masked.
    Show,
    /// Print every key with its default and why it is what it is.
    Default,
    /// Print a configuration that runs as it is, to begin your own with.
    Example,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Default => output::line(include_str!("../../config/default.toml").trim_end())?,
        Command::Example => output::line(include_str!("../../config/example.toml").trim_end())?,
        Command::Show => match start::load_config(context) {
            Ok(config) => match context.format {
                Format::Json => output::json(&config.show_json())?,
                Format::Text => output::line(config.show().trim_end())?,
            },
            Err(code) => return Ok(code),
        },
    }
    Ok(ExitCode::SUCCESS)
}
