//! The `afternote` binary: parses, runs, maps errors to exit codes.

use std::process::ExitCode;

use afternote::cli::Cli;
use clap::Parser as _;

#[tokio::main]
#[expect(
    clippy::print_stderr,
    reason = "the last word of a command that failed"
)]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("afternote: {error:#}");
            ExitCode::from(2)
        }
    }
}
