//! Layers, recovery and places; the files below look at single sections.

mod secrets;
mod sections;
mod steps;

use std::{collections::BTreeSet, fs, path::PathBuf};

use insta::assert_snapshot;
use tempfile::TempDir;

use super::*;
use crate::{
    mail::MailKind,
    sequence::{SendHours, Span},
};

/// A configuration that is complete; tests append to it or change a line.
const BASE: &str = r#"[seller]
name = "Lamps"
legal_name = "Lamps GmbH"
postal_address = ["Musterweg 1", "10115 Berlin"]
support_email = "help@lamps.example"
privacy_url = "https://lamps.example/privacy"
country = "DE"
zone = "Europe/Berlin"

[unsubscribe]
base_url = "https://mail.lamps.example/u"
keys = [{ kid = "k1", secret = "0123456789abcdef0123456789abcdef" }]

[channels.shop]
platform = "shop"
sequence = "own_shop"
from_transactional = { name = "Lamps", address = "orders@lamps.example" }
from_relationship = { name = "Lamps", address = "care@lamps.example" }
review_url = "https://lamps.example/review?o={order_ref}"
basis = { default = "soft_opt_in" }
"#;

struct Files {
    dir: TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
    let files = Files::new();
    let options = LoadOptions {
        files: vec![files.write("shop.toml", text)],
        environment: variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        credentials: None,
    };
    Config::load(&options)
}

fn problems(text: &str) -> Vec<Problem> {
    load_with(text, &[])
        .err()
        .map(|found| found.0)
        .unwrap_or_default()
}

/// Each problem as `line: path: message; hint`, for the base with `added` behind it.
fn shown(added: &str) -> Vec<String> {
    shown_whole(&format!("{BASE}{added}"))
}

fn shown_whole(text: &str) -> Vec<String> {
    problems(text)
        .iter()
        .map(|p| {
            format!(
                "{}: {}: {}; {}",
                p.line,
                p.path,
                p.message,
                p.hint.as_deref().unwrap_or("-")
            )
        })
        .collect()
}

/// The base with `added` has exactly one problem, whose text begins with `path: ` and holds all `parts`.
#[track_caller]
fn check(added: &str, path: &str, parts: &[&str]) {
    let found = shown(added);
    assert_eq!(found.len(), 1, "{added}\n{found:#?}");
    let (_, text) = found[0].split_once(": ").unwrap();
    assert!(text.starts_with(&format!("{path}: ")), "{text}");
    for part in parts {
        assert!(text.contains(part), "{text}\nlacks {part}");
    }
}

/// As [`check`], for the base with `old` replaced by `new`.
#[track_caller]
fn check_changed(old: &str, new: &str, path: &str, parts: &[&str]) {
    assert!(BASE.contains(old), "{old}");
    let found = shown_whole(&BASE.replacen(old, new, 1));
    assert_eq!(found.len(), 1, "{new}\n{found:#?}");
    let (_, text) = found[0].split_once(": ").unwrap();
    assert!(text.starts_with(&format!("{path}: ")), "{text}");
    for part in parts {
        assert!(text.contains(part), "{text}\nlacks {part}");
    }
}

#[track_caller]
fn loads(added: &str) -> Config {
    match load_with(&format!("{BASE}{added}"), &[]) {
        Ok(config) => config,
        Err(found) => panic!("{}", found.render(false)),
    }
}

#[test]
fn without_a_file_the_example_runs_on_defaults() {
    let config =
        Config::load(&LoadOptions::default()).unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert!(config.is_example());
    assert_eq!(config.database.url, "sqlite:data/afternote.db");
    assert!(matches!(
        config.transport_of("shop"),
        Some(TransportSection::File(_))
    ));
    assert_eq!(config.send.retry_schedule.len(), 6);
    let follow_up = config
        .sequence_of("shop")
        .unwrap()
        .step("follow_up")
        .unwrap();
    assert_eq!(follow_up.target, Span::days(4));
}

#[test]
fn the_example_file_and_the_base_load_clean() {
    let files = Files::new();
    let options = LoadOptions {
        files: vec![files.write("example.toml", load::EXAMPLE)],
        ..LoadOptions::default()
    };
    let config = Config::load(&options).unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert!(!config.is_example());
    assert!(!loads("").is_example());
}

#[test]
fn built_in_files_are_sound() {
    let built_in = load::SEQUENCES.map(|(_, text)| text);
    for text in built_in.into_iter().chain([load::DEFAULTS, load::EXAMPLE]) {
        let (_, errors) = tree::parse(text, 0);
        assert!(errors.is_empty(), "{errors:?}");
    }
    let config = loads("");
    for (name, sequence) in &config.sequences {
        assert_eq!(sequence.steps.len(), 16, "{name}");
        let kinds: Vec<MailKind> = sequence.steps.iter().map(|step| step.kind).collect();
        for kind in MailKind::ALL {
            let expected = kind != MailKind::ComplaintReply;
            assert_eq!(kinds.contains(&kind), expected, "{name} {kind}");
        }
    }
}

#[test]
fn built_in_relationship_steps_keep_to_office_hours() {
    let config = loads("");
    let review = config
        .sequence_of("shop")
        .unwrap()
        .step("review_request")
        .unwrap();
    assert_eq!(review.after.as_deref(), Some("follow_up"));
    let SendHours::Within(hours) = &review.hours else {
        panic!("at any time")
    };
    assert!(hours.skip_holidays && !hours.weekdays.contains(&chrono::Weekday::Sun));
}

#[test]
fn default_toml_names_every_key() {
    let files = Files::new();
    let everything = format!(
        "{BASE}\n[[channels.shop.policy]]\nkind = \"delay\"\npermission = \"ask\"\nreason = \"r\"\nby = \"b\"\n\
         [transports.relay]\ntype = \"smtp\"\nhost = \"h.example\"\ntimeouts = {{}}\n\
         [[lint.overrides]]\nrule = \"r\"\nseverity = \"off\"\nby = \"b\"\nreason = \"r\"\nuntil = 2030-01-01\n"
    );
    let options = LoadOptions {
        files: vec![files.write("all.toml", &everything)],
        ..LoadOptions::default()
    };
    let loaded = load::load(&options).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let notes = read::Notes::default();
    load::read_once(&loaded.findings.tree, &notes).unwrap();
    let named: BTreeSet<&str> = load::DEFAULTS
        .split(|c: char| !(c.is_ascii_lowercase() || c == '_'))
        .collect();
    let structs = notes.structs.into_inner();
    // One of each kind was read: the test looks at all sections.
    for path in [
        "send.activation",
        "lint.overrides[0]",
        "transports.relay.timeouts",
    ] {
        assert!(
            structs.iter().any(|(at, _)| tree::show_path(at) == path),
            "{path}"
        );
    }
    for (path, keys) in structs {
        for key in keys {
            assert!(
                named.contains(key),
                "{}.{key} is not in default.toml",
                tree::show_path(&path)
            );
        }
    }
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    check(
        "[send]\nbatsch = 5",
        "send.batsch",
        &["unknown key", "did you mean `batch`?"],
    );
    check(
        "[channels.shop.polcy]\na = 1",
        "channels.shop.polcy",
        &["did you mean `policy`?"],
    );
    check("[sned]\nbatch = 5", "sned", &["did you mean `send`?"]);
    check(
        "[sequences.mine]\nextends = \"own_shop\"\n[sequences.mine.steps.follow_up]\ntargte = \"3d\"",
        "sequences.mine.steps.follow_up.targte",
        &["did you mean `target`?"],
    );
    check(
        "[transports.relay]\ntype = \"smtp\"\nhost = \"localhost\"\nsecurity = \"none\"\ntimeouts = { dot = \"1s\" }",
        "transports.relay.timeouts.dot",
        &["unknown key"],
    );
}

#[test]
fn wrong_types_are_never_turned_into_right_ones() {
    check(
        "[send]\nbatch = \"5\"",
        "send.batch",
        &["expected a whole number, found a string", "without quotes"],
    );
    check(
        "[templates]\nreload = \"true\"",
        "templates.reload",
        &["expected `true` or `false`"],
    );
    check(
        "[data]\ndir = 5",
        "data.dir",
        &["expected a string, found a whole number", "in quotes"],
    );
    check(
        "[data]\ndir = 2026-01-01",
        "data.dir",
        &["expected a string, found a date or time"],
    );
    check(
        "[send.caps]\nper = 30",
        "send.caps.per",
        &["expected a string"],
    );
    check(
        "[send]\nbatch = -1",
        "send.batch",
        &["expected a whole number of 0 or more, found -1"],
    );
    check(
        "[transports.relay]\ntype = \"smtp\"\nhost = \"h.example\"\nport = \"587\"",
        "transports.relay.port",
        &["expected a whole number, found a string"],
    );
    check(
        "[transports.relay]\ntype = \"smtp\"\nhost = \"h.example\"\nport = 70000",
        "transports.relay.port",
        &["from 0 to 65535, found 70000"],
    );
}

#[test]
fn values_out_of_a_closed_list_name_the_nearest() {
    check_changed(
        "sequence = \"own_shop\"",
        "sequence = \"own_shpo\"",
        "channels.shop.sequence",
        &["no sequence `own_shpo`", "`own_shop`?"],
    );
    check_changed(
        "platform = \"shop\"",
        "platform = \"amzon\"",
        "channels.shop.platform",
        &["did you mean `amazon`?"],
    );
}

#[test]
fn a_zone_must_exist() {
    check_changed(
        "Europe/Berlin",
        "Europe/Berln",
        "seller.zone",
        &["no time zone", "did you mean `Europe/Berlin`?"],
    );
    check_changed("Europe/Berlin", "CEST+2", "seller.zone", &["IANA name"]);
}

#[test]
fn a_missing_section_asks_for_each_key_that_has_no_default() {
    let without_seller = &BASE[BASE.find("[unsubscribe]").unwrap()..];
    let found = shown_whole(without_seller);
    let paths: Vec<&str> = found
        .iter()
        .map(|text| text.split(": ").nth(1).unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "name",
            "legal_name",
            "postal_address",
            "support_email",
            "privacy_url",
            "country",
            "zone"
        ]
        .map(|key| format!("seller.{key}"))
    );
}

#[test]
fn all_problems_come_at_once_in_the_order_of_lines() {
    let text = BASE
        .replace("Europe/Berlin", "Europe/Berln")
        .replace("orders@lamps.example", "orders.lamps.example")
        + "[send]\nbatch = \"many\"\nlese = \"60s\"\n\
           [sequences.own_shop.steps.review_request]\nwindow = { from = \"6d\", to = \"14d\" }\n\
           [transports.relay]\ntype = \"smtp\"\nhost = \"mail.example.com\"\nsecurity = \"none\"\n\
           username = \"shop\"\npassword = \"hunter2\"\nconections = 5\n";
    let found = load_with(&text, &[]).unwrap_err();
    let rendered = found.render(false);
    let dir = found.0[0].origin.trim_end_matches("shop.toml").to_owned();
    assert!(!rendered.contains("hunter2"), "{rendered}");
    assert_snapshot!(rendered.replace(&dir, ""));
}

#[test]
fn faults_of_syntax_come_alone_and_hide_secrets() {
    let found = load_with("[seller\n[send]\npassword = hunter2\nbatch =\n", &[]).unwrap_err();
    let rendered = found.render(false);
    assert!(found.0.len() >= 2, "{rendered}");
    assert_eq!((found.0[0].line, found.0[0].path.as_str()), (1, ""));
    assert!(!rendered.contains("hunter2"), "{rendered}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let options = LoadOptions {
        files: vec![PathBuf::from("no/such.toml")],
        ..LoadOptions::default()
    };
    let found = Config::load(&options).unwrap_err();
    assert!(
        found
            .to_string()
            .starts_with("no/such.toml: cannot read the file"),
        "{found}"
    );
}

#[test]
fn variables_win_over_files_and_files_over_defaults() {
    let text = format!("{BASE}[send]\nbatch = 7\n");
    let config = load_with(
        &text,
        &[
            ("AFTERNOTE__SEND__BATCH", "9"),
            ("AFTERNOTE__SEND__LEASE", "90s"),
            ("AFTERNOTE__TEMPLATES__LOCALES", "[\"en\", \"de\"]"),
            ("AFTERNOTE__TEMPLATES__RELOAD", "true"),
            ("AFTERNOTE__SELLER__NAME", "587"),
            ("AFTERNOTE__CHANNELS__SHOP__BASIS__PL", "consent"),
            ("AFTERNOTE_CONFIG", "ignored"),
            ("PATH", "ignored"),
        ],
    )
    .unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert_eq!(config.send.batch, 9);
    assert_eq!(config.send.lease.as_millis(), 90_000);
    assert_eq!(config.templates.locales.len(), 2);
    assert!(config.templates.reload);
    assert_eq!(config.seller.name, "587");
    assert_eq!(
        config.channels["shop"].basis_for(Some("pl")),
        Some(BasisRule::Consent)
    );
    assert_eq!(
        config.channels["shop"].basis_for(Some("FR")),
        Some(BasisRule::SoftOptIn)
    );
}

#[test]
fn problems_in_variables_name_the_variable() {
    let found = load_with(
        BASE,
        &[
            ("AFTERNOTE__SEND__BATCH", "many"),
            ("AFTERNOTE__SEND__BACH", "1"),
        ],
    )
    .unwrap_err();
    let shown: Vec<String> = found.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "environment variable AFTERNOTE__SEND__BACH:1:1: send.bach: unknown key; did you mean `batch`?",
            "environment variable AFTERNOTE__SEND__BATCH:1:24: send.batch: expected a whole number, found a string; write the value without quotes",
        ]
    );
}

#[test]
fn later_files_are_laid_over_earlier_ones() {
    let files = Files::new();
    let options = LoadOptions {
        files: vec![
            files.write("a.toml", &format!("{BASE}[send]\nbatch = 7\n")),
            files.write(
                "b.toml",
                "[send]\nbatch = 8\n[seller]\nzone = \"Europe/Warsaw\"\n",
            ),
        ],
        ..LoadOptions::default()
    };
    let config = Config::load(&options).unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert_eq!(config.send.batch, 8);
    assert_eq!(config.zone_of("shop"), chrono_tz::Europe::Warsaw);
}

#[test]
fn shared_channel_settings_lie_under_each_channel() {
    let config =
        loads("[channels.\"*\"]\nreply_to = \"desk@lamps.example\"\ndefault_locale = \"de\"");
    let reply_to = config.channels["shop"].reply_to.as_ref().unwrap();
    assert_eq!(reply_to.as_str(), "desk@lamps.example");
    assert_eq!(config.default_locale_of("shop").as_str(), "de");
    assert_eq!(config.channels.len(), 1);
}

#[test]
fn what_may_not_be_meant_is_a_warning() {
    let text = format!("{BASE}[sequences.own_shop.steps.follow_up]\nevidence = \"buyer\"\n");
    let config = load_with(&text, &[]).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let shown: Vec<(usize, &str)> = config
        .warnings
        .iter()
        .map(|warning| (warning.line, warning.path.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (14, "channels.shop"),
            (22, "sequences.own_shop.steps.follow_up.evidence"),
        ]
    );
    assert!(config.warnings[0].render(false).starts_with("warning: "));
    let example = Config::load(&LoadOptions::default()).unwrap();
    assert_eq!(example.warnings, []);
}

#[test]
fn follow_up_and_review_never_go_on_a_guess() {
    let text = format!("{BASE}[sequences.own_shop.steps.follow_up]\nevidence = \"ship_date\"\n");
    let problems = load_with(&text, &[]).unwrap_err();
    let shown = problems.render(false);
    assert!(
        shown.contains("never goes on a guessed delivery date"),
        "{shown}"
    );
}

#[test]
fn no_lost_or_broken_line_stops_the_search_for_problems() {
    let whole = format!(
        "{}{}",
        load::EXAMPLE,
        "[send]\nbatch = 5\n[transports.relay]\ntype = \"smtp\"\nhost = \"mail.example.com\"\n"
    );
    let lines: Vec<&str> = whole.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let with = |new: &str| {
            let mut lines = lines.clone();
            lines[at] = new;
            lines.join("\n")
        };
        let key = line.split(" = ").next().unwrap_or_default();
        let broken = [
            format!("{key} = [[1]]"),
            format!("{key} = {{ a = 1 }}"),
            format!("{key} = 2020-01-01"),
            line.replace('"', ""),
            format!("zz{line}"),
        ];
        for text in [with(""), with(&broken[at % broken.len()])] {
            if let Err(found) = load_with(&text, &[]) {
                assert!(!found.0.is_empty(), "{text}");
                for problem in &found.0 {
                    assert!(problem.origin.ends_with("shop.toml"), "{problem}\n{text}");
                    assert!(!problem.render(false).is_empty());
                }
            }
        }
    }
}
