//! Runs the binary as a person would, in a folder of its own.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use afternote::{
    clock::{Instant, ManualClock},
    config::{Config, LoadOptions},
    deliver::{MemoryTransport, Transport},
    engine::{
        Engine, Incoming, Intake,
        assemble::{self, Deliver},
    },
    intake::{self, Format, Options},
    order::OrderEvent,
};

/// A folder with a configuration.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// What a run of the binary gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// A folder with the example configuration in one language, changed as asked for.
    pub(crate) fn new(change: impl Fn(String) -> String) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let example = include_str!("../../config/example.toml")
            .replace("default_locale = \"pl\"", "default_locale = \"en\"")
            .replace("data/outbox", &place.path("outbox").display().to_string());
        let database = place.path("test.db");
        let text = format!(
            "{example}\n[templates]\nlocales = [\"en\"]\npartial_locales = []\n\n[database]\nurl = \"sqlite:{}\"\n",
            database.display()
        );
        place.write("shop.toml", &change(text));
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs `afternote --config shop.toml …` in the folder.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// The same, with a text on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Ran {
        use std::io::Write as _;
        let mut child = Command::new(env!("CARGO_BIN_EXE_afternote"))
            .current_dir(self.folder.path())
            .env_clear()
            .env("USER", "tester")
            .args(["--config", "shop.toml"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // Beside the reading: a pipe that is full on both sides would wait for ever.
        let writer = std::thread::spawn(move || {
            // A command that reads nothing may have ended already.
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// An engine over the folder's database, on a clock of its own and sending into memory.
    pub(crate) async fn engine(&self, now: &str) -> (Engine, Arc<ManualClock>, MemoryTransport) {
        let options = LoadOptions {
            files: vec![self.path("shop.toml")],
            ..LoadOptions::default()
        };
        let config = Config::load(&options).unwrap();
        let clock = Arc::new(ManualClock::new(at(now)));
        let memory = MemoryTransport::new();
        let engine = assemble::engine(
            &config,
            Arc::clone(&clock) as Arc<dyn afternote::clock::Clock>,
            "test".to_owned(),
            Deliver::Through(Transport::Memory(memory.clone())),
        )
        .await
        .unwrap();
        (engine, clock, memory)
    }

    /// The sample orders in the database: at each moment what has happened by then is told, and
    /// what is due is sent.
    pub(crate) async fn with_samples_until(&self, moments: &[&str]) -> Engine {
        let (engine, clock, _memory) = self.engine(moments[0]).await;
        let options = Options {
            channel: "shop".to_owned(),
            zone: chrono_tz::Europe::Berlin,
            now: None,
            not_after: None,
        };
        let samples = include_str!("../../samples/orders.jsonl");
        let records = intake::open(Format::JsonLines, samples.as_bytes(), options).unwrap();
        let mut coming: Vec<OrderEvent> =
            records.flat_map(|record| record.unwrap().events).collect();
        coming.sort_by_key(|event| event.occurred_at);
        // Kept open: a closed channel would read as a stop.
        let (_stopper, stop) = tokio::sync::watch::channel(false);
        for moment in moments {
            clock.set(at(moment));
            let later = coming.partition_point(|event| event.occurred_at <= at(moment));
            let happened = coming.drain(..later).map(|event| Incoming {
                channel: "shop".to_owned(),
                event,
            });
            engine
                .apply(happened.collect(), Intake::Live)
                .await
                .unwrap();
            engine.dispatch(&stop).await.unwrap();
        }
        engine
    }
}

impl Ran {
    /// Fails with everything that was printed unless the code and every text are there.
    pub(crate) fn expect(&self, code: i32, texts: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        let all = format!("{}{}", self.out, self.err);
        for text in texts {
            assert!(all.contains(text), "`{text}` is not in:\n{all}");
        }
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON:\n{}", self.out))
    }
}

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}
