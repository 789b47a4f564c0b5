//! `afternote outbox`.

use std::process::ExitCode;

use super::Context;

/// Arguments of `outbox`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) async fn run(_args: Args, _context: &Context) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built")
}
