//! The binary as a person or a script runs it: a folder, a configuration, what it said.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use afternote::clock::{Clock as _, SystemClock};
use tempfile::TempDir;

/// What every configuration of these tests begins with.
const CONFIG: &str = r#"
[seller]
name = "Example Lamps"
legal_name = "Example Lamps GmbH"
postal_address = ["Musterweg 1", "10115 Berlin"]
support_email = "help@lamps.example"
privacy_url = "https://lamps.example/privacy"
country = "DE"
zone = "Europe/Berlin"

[templates]
locales = ["en"]

[channels."*"]
activated_at = 2026-01-01T00:00:00Z
basis = { default = "consent" }
from_transactional = { name = "Example Lamps", address = "orders@lamps.example" }
from_relationship = { name = "Example Lamps", address = "care@lamps.example" }

[channels.shop]
platform = "shop"
sequence = "own_shop"
review_url = "https://lamps.example/review?order={order_ref}"

[unsubscribe]
base_url = "https://mail.lamps.example/u"
[[unsubscribe.keys]]
kid = "k1"
secret = "of-these-tests-alone-0123456789abcdef"

[service]
tick = "1s"
"#;

/// A second channel.
pub(crate) const SECOND: &str = "[channels.other]\nplatform = \"shop\"\nsequence = \"own_shop\"\n\
    review_url = \"https://lamps.example/review?order={order_ref}\"\n";

/// A folder with a configuration, in which commands run.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// A folder whose configuration ends with `further`.
    pub(crate) fn new(further: &str) -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        place.write("afternote.toml", &format!("{CONFIG}\n{further}"));
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A command in this folder that reads nothing of the environment of the tests.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_afternote"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("USER", "tester")
            .stdin(std::process::Stdio::null());
        command
    }

    /// Runs a command with this folder's configuration.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        let mut all = vec!["--config", "afternote.toml"];
        all.extend(args);
        said(&self.command(&all).output().unwrap())
    }

    /// Runs a command without any configuration.
    pub(crate) fn run_bare(&self, args: &[&str]) -> Said {
        said(&self.command(args).output().unwrap())
    }

    /// The mails in the folder `data/outbox`.
    pub(crate) fn mails(&self) -> Vec<String> {
        files(&self.path("data/outbox/new"))
    }
}

fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

impl Said {
    /// The command ended so, and said all of this.
    #[track_caller]
    pub(crate) fn check(&self, code: i32, parts: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in parts {
            assert!(
                self.out.contains(part) || self.err.contains(part),
                "`{part}` is missing in {self:?}"
            );
        }
        self
    }
}

/// The texts of the files in a folder, by name.
pub(crate) fn files(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// A CSV of one order that was accepted a minute ago.
pub(crate) fn fresh_order(order_ref: &str) -> String {
    let accepted = SystemClock.now() - chrono::TimeDelta::minutes(1);
    format!(
        "order_ref,accepted_at,buyer_email,country,language\n{order_ref},{},anna@example.com,DE,en\n",
        accepted.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    )
}
