//! The command line: parse, call, print. One file per subcommand.
//!
//! Everything a command does is done by another module; here stand its arguments, its output for
//! people and for scripts, and its exit code: 0 fine, 1 findings, 2 usage or failure.

mod check;
mod config;
mod demo;
mod dispatch;
mod eml;
mod health;
mod import;
mod lint;
mod migrate;
mod order;
mod outbox;
mod output;
mod serve;
mod simulate;
mod start;
mod suppress;
mod table;
mod why;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

pub use output::Format;

/// Post-purchase e-mail sequencer: the right mail at the right time, in words no marketplace
/// objects to.
#[derive(Debug, Parser)]
#[command(name = "afternote", version, about, max_term_width = 100)]
pub struct Cli {
    /// The configuration file; without it the built-in example runs. Also: `AFTERNOTE_CONFIG`.
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole product on sample orders: a moved clock, real mails as files.
    Demo(demo::Args),
    /// Run the service: scheduler, drop folder, health.
    Serve(serve::Args),
    /// Send what is due now, then exit.
    Dispatch(dispatch::Args),
    /// Import orders from CSV or JSON lines; history unless activated.
    Import(import::Args),
    /// Check configuration, sequences and templates; all problems at once.
    Check(check::Args),
    /// Check wording: templates, or texts one per line.
    Lint(lint::Args),
    /// Print every mail orders would get over a span of time, without sending any.
    Simulate(simulate::Args),
    /// Explain what an order's mails became, and why.
    Why(why::Args),
    /// List, show and steer orders.
    Order(order::Args),
    /// List, show and settle messages.
    Outbox(outbox::Args),
    /// Keep mail from an address.
    Suppress(suppress::Args),
    /// Bring the database to this version.
    Migrate(migrate::Args),
    /// Ask whether a running service is well.
    Health(health::Args),
    /// Show the configuration in force.
    Config(config::Args),
}

/// What every command is given.
#[derive(Debug, Clone)]
pub struct Context {
    /// The configuration files, later ones over earlier ones.
    pub config: Vec<PathBuf>,
    /// How results are printed.
    pub format: Format,
}

impl Cli {
    /// Runs the command; gives the exit code.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let context = Context {
            config: self.config,
            format: self.format,
        };
        match self.command {
            Command::Demo(args) => demo::run(args, &context).await,
            Command::Serve(args) => serve::run(args, &context).await,
            Command::Dispatch(args) => dispatch::run(args, &context).await,
            Command::Import(args) => import::run(args, &context).await,
            Command::Check(args) => check::run(&args, &context),
            Command::Lint(args) => lint::run(&args, &context),
            Command::Simulate(args) => simulate::run(args, &context).await,
            Command::Why(args) => why::run(args, &context).await,
            Command::Order(args) => order::run(args, &context).await,
            Command::Outbox(args) => outbox::run(args, &context).await,
            Command::Suppress(args) => suppress::run(args, &context).await,
            Command::Migrate(args) => migrate::run(args, &context).await,
            Command::Health(args) => health::run(args, &context).await,
            Command::Config(args) => config::run(&args, &context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
