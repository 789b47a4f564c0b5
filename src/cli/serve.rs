//! `afternote serve`.

use std::{process::ExitCode, sync::Arc};

use clap::ValueEnum;

use crate::{
    config::{Config, TransportSection},
    engine::Engine,
    service::{self, Ended, Pulse, Settings, Signals},
    store,
    web::{self, Beat, Health},
};

use super::{Context, start};

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Files dropped into the inbox folder are imported and moved to its done/ or failed/ folder,\n\
        each with a report beside it. /livez and /readyz answer on web.listen; ask them with\n\
        `afternote health`.\n\n\
        SIGTERM or Ctrl-C ends it: mails under way are finished (at most service.grace), no new\n\
        ones begin. A second signal ends it at once; what was under way is settled at the next start.\n\n\
        Examples:\n  \
        afternote serve --config afternote.toml\n  \
        afternote serve --config afternote.toml --role worker"
)]
pub(super) struct Args {
    /// What this process does. Several workers need PostgreSQL.
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Jobs and web.
    All,
    /// The jobs alone: sending, drop folder, housekeeping.
    Worker,
    /// The web alone.
    Web,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let config = match start::load_config(context) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    start::start_log(&config);
    serve(Arc::new(config), args.role).await
}

/// Serves a configuration until a signal ends it.
pub(super) async fn serve(config: Arc<Config>, role: Role) -> anyhow::Result<ExitCode> {
    // Before anything is opened: a signal during the start ends it gracefully, too.
    let mut signals = Signals::listen()?;
    let listener = match role {
        Role::Worker => None,
        Role::All | Role::Web => Some(web::bind(&config.web).await?),
    };
    let engine = start::engine(&config).await?;
    announce(&config, &engine, role);
    let pulse = Arc::new(Pulse::new(config.service.tick.as_std()));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let web = listener.map(|listener| {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(event = "web.listening", %address, "answers /livez and /readyz");
        }
        let health = Health {
            engine: engine.clone(),
            beat: (role == Role::All).then(|| beat(Arc::clone(&pulse))),
        };
        let (config, mut stopped) = (Arc::clone(&config), stopped.clone());
        tokio::spawn(async move {
            let stop = async move {
                let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
            };
            web::serve(listener, &config.web, health, stop).await
        })
    });
    let ended = if role == Role::Web {
        let signal = signals.next().await;
        tracing::info!(event = "service.stopping", signal);
        Ended::Finished
    } else {
        service::run(engine.clone(), Settings::of(&config), pulse, &mut signals).await?
    };
    stop.send_replace(true);
    if ended != Ended::AtOnce {
        if let Some(web) = web {
            web.await??;
        }
        engine.db().close().await;
    }
    tracing::info!(event = "service.stopped", ?ended);
    Ok(ExitCode::SUCCESS)
}

fn beat(pulse: Arc<Pulse>) -> Beat {
    Arc::new(move || {
        let age = pulse.age().as_secs();
        if pulse.is_alive() {
            Ok(format!("it ticked {age} s ago"))
        } else {
            Err(format!("it has not ticked for {age} s"))
        }
    })
}

/// Says what was started, so that the first lines of the log answer the first questions.
fn announce(config: &Config, engine: &Engine, role: Role) {
    let database = match engine.db().engine() {
        store::Engine::Sqlite => "SQLite",
        store::Engine::Postgres => "PostgreSQL",
    };
    tracing::info!(
        event = "service.starting",
        version = env!("CARGO_PKG_VERSION"),
        configuration = config.fingerprint(),
        role = ?role,
        database,
        inbox = %config.data.inbox_path().display()
    );
    if config.is_example() {
        tracing::warn!(
            event = "config.example",
            "no configuration file was named, so the built-in example runs; name yours with --config"
        );
    }
    for (name, channel) in engine.channels() {
        tracing::info!(
            event = "channel",
            channel = name,
            platform = %channel.platform(),
            sequence = channel.rules.sequence.name,
            transport = transport_of(config, name)
        );
    }
    for warning in &config.warnings {
        tracing::warn!(event = "config.warning", "{warning}");
    }
}

fn transport_of(config: &Config, channel: &str) -> String {
    match config.transport_of(channel) {
        Some(TransportSection::File(section)) => format!("files in {}", section.dir.display()),
        Some(TransportSection::Smtp(section)) => format!("relay {}", section.host),
        None => "none".to_owned(),
    }
}
