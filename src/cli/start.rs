//! What most commands begin with: configuration, log, engine.

use std::{process::ExitCode, sync::Arc};

use crate::{
    clock::{Clock, SystemClock},
    config::{Config, ConfigProblems, LoadOptions, LogFormat},
    engine::{
        Engine,
        assemble::{self, Deliver},
    },
};

use super::{Context, output};

/// The configuration, or its problems printed and the exit code for them.
pub(super) fn load_config(context: &Context) -> Result<Config, ExitCode> {
    let options = LoadOptions::from_process(context.config.clone());
    Config::load(&options).map_err(|problems| {
        print_problems(&problems);
        ExitCode::from(1)
    })
}

/// Prints every problem with its place and remedy.
#[expect(
    clippy::print_stderr,
    reason = "problems of the configuration are for the person who started the command"
)]
pub(super) fn print_problems(problems: &ConfigProblems) {
    eprintln!("{}", problems.render(output::wants_color()));
}

/// Starts the log as configured.
pub(super) fn start_log(config: &Config) {
    use tracing_subscriber::EnvFilter;
    // The scheduler tells at `info` how it is built; who wants to read that names it.
    let level = format!("tokio_cron_scheduler=warn,{}", config.log.level);
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(output::wants_color())
        .with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first log.
    let _ = match config.log.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_target(false).try_init(),
    };
}

/// A running engine on the machine's clock.
pub(super) async fn engine(config: &Config) -> anyhow::Result<Engine> {
    engine_on(config, Arc::new(SystemClock), Deliver::AsConfigured).await
}

/// A running engine on a clock of the caller's.
pub(super) async fn engine_on(
    config: &Config,
    clock: Arc<dyn Clock>,
    deliver: Deliver,
) -> anyhow::Result<Engine> {
    let worker = worker_name(&*clock);
    Ok(assemble::engine(config, clock, worker, deliver).await?)
}

/// A name no other running process has: host, process and moment of the start.
fn worker_name(clock: &dyn Clock) -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    format!(
        "{}/{}/{}",
        host.trim(),
        std::process::id(),
        clock.now().timestamp_millis()
    )
}

/// Who runs this command, for the audit log.
pub(super) fn actor() -> String {
    format!("cli:{}", crate::config::environment::user_name())
}
