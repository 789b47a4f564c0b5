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
         [[web.users]]\nname = \"a\"\nrole = \"admin\"\ntoken = \"t\"\n\
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
        "send.breaker",
        "lint.overrides[0]",
        "transports.relay.timeouts",
        "web.users[0]",
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
fn a_channel_that_lacks_much_is_told_all_of_it() {
    let found = shown("[channels.x]\n[channels.y]\nplatform = 3\ntransport = \"outbx\"");
    let places: Vec<String> = found
        .iter()
        .map(|text| text.split(": ").take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "21 channels.x.platform",
            "21 channels.x.sequence",
            "21 channels.x.from_transactional",
            "22 channels.y.sequence",
            "22 channels.y.from_transactional",
            "23 channels.y.platform",
            "24 channels.y.transport",
        ]
    );
}

#[test]
fn a_file_without_channels_is_told_so() {
    let found = shown_whole(&BASE[..BASE.find("[channels").unwrap()]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("0: channels: no channel is configured"),
        "{found:?}"
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
    let text = format!("{BASE}[send]\nbatch = 7\nconcurrency = 3\n");
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
    assert_eq!((config.send.batch, config.send.concurrency), (9, 3));
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
            files.write(
                "a.toml",
                &format!("{BASE}[send]\nbatch = 7\nconcurrency = 3\n"),
            ),
            files.write(
                "b.toml",
                "[send]\nbatch = 8\n[seller]\nzone = \"Europe/Warsaw\"\n",
            ),
        ],
        ..LoadOptions::default()
    };
    let config = Config::load(&options).unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert_eq!((config.send.batch, config.send.concurrency), (8, 3));
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

const MINE: &str = "[sequences.mine]\nextends = \"own_shop\"\n";

#[test]
fn sequences_extend_each_other_key_by_key() {
    let config = loads(&format!(
        "{MINE}[sequences.mine.steps.follow_up.window]\nto = \"4d\"\n\
         [sequences.b2b]\nextends = \"mine\"\n[sequences.b2b.steps.follow_up]\ntarget = \"2d\"\nhours = \"any\"\n\
         [sequences.b2b.steps.hello]\nkind = \"accepted\"\nanchor = \"accepted\"\nscope = \"order\"\nwindow = {{ from = \"0m\", to = \"1d\" }}"
    ));
    let steps = &config.sequences["b2b"].steps;
    let follow_up = config.sequences["b2b"].step("follow_up").unwrap();
    assert_eq!(
        (follow_up.window.from, follow_up.window.to),
        (Span::days(2), Span::days(4))
    );
    assert_eq!(follow_up.target, Span::days(2));
    assert_eq!(follow_up.hours, SendHours::Always);
    assert_eq!(steps.first().unwrap().id, "accepted");
    assert_eq!(steps.last().unwrap().id, "hello");
    assert_eq!(steps.last().unwrap().target, Span::ZERO);
}

#[test]
fn extending_what_is_not_there_or_oneself_is_refused() {
    check(
        "[sequences.mine]\nextends = \"own_shp\"",
        "sequences.mine.extends",
        &["did you mean `own_shop`?"],
    );
    let found = shown("[sequences.a]\nextends = \"b\"\n[sequences.b]\nextends = \"a\"");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("a extends b extends a"), "{found:?}");
}

#[track_caller]
fn check_step(step: &str, keys: &str, path: &str, parts: &[&str]) {
    check(
        &format!("{MINE}[sequences.mine.steps.{step}]\n{keys}"),
        &format!("sequences.mine.steps.{step}{path}"),
        parts,
    );
}

#[test]
fn impossible_windows_are_refused() {
    check_step(
        "accepted",
        "window = { from = \"2d\", to = \"1d\" }",
        ".window",
        &["ends (1d) before it begins (2d)"],
    );
    check_step(
        "accepted",
        "target = \"3d\"\ndeliver_by = \"window_end\"",
        ".target",
        &["3d lies outside the window 0m to 2d"],
    );
    check_step(
        "accepted",
        "window.to = \"2 days\"",
        ".window.to",
        &["no length of time", "`2d`"],
    );
    check_step(
        "accepted",
        "hours = { from = \"09:00\", to = \"10:00\", weekdays = [] }",
        ".hours",
        &["could never go"],
    );
    check_step(
        "accepted",
        "hours = { from = \"9\", to = \"10:00\" }",
        ".hours.from",
        &["no time of day"],
    );
    check_step(
        "accepted",
        "hours = { from = \"09:00\", to = \"10:00\", weekday = [] }",
        ".hours.weekday",
        &["did you mean `weekdays`?"],
    );
    check_step(
        "accepted",
        "hours = \"ofice\"",
        ".hours",
        &["did you mean `office`?"],
    );
    check_step("follow_up", "spread = \"9d\"", ".spread", &["does not fit"]);
    check_step(
        "shipped",
        "deliver_by = \"30m\"",
        ".deliver_by",
        &["over before the mail is due (1h)"],
    );
    check_step(
        "shipped",
        "deliver_by = \"pickup_until\"",
        ".deliver_by",
        &["waits for no pick-up"],
    );
    check_step(
        "shipped",
        "deliver_by = \"soon\"",
        ".deliver_by",
        &["is no deadline"],
    );
}

#[test]
fn relationship_windows_stay_inside_their_bounds() {
    check_step(
        "follow_up",
        "window.from = \"1d\"",
        ".window.from",
        &["within 2d to 5d after delivery"],
    );
    check_step(
        "review_request",
        "window.to = \"15d\"",
        ".window.to",
        &["within 7d to 14d after delivery"],
    );
    check_step(
        "review_request",
        "anchor = \"shipped\"",
        ".anchor",
        &["counts from delivery"],
    );
    check_step(
        "review_request",
        "after = \"\"",
        ".after",
        &["only after the follow-up"],
    );
    check_step(
        "review_request",
        "after = \"shipped\"",
        ".after",
        &["only after the follow-up"],
    );
    check_step(
        "review_request",
        "after = \"folow_up\"",
        ".after",
        &["did you mean `follow_up`?"],
    );
    check(
        &format!("{MINE}[sequences.mine.steps.follow_up]\nenabled = false"),
        "sequences.mine.steps.review_request.after",
        &["`follow_up` is switched off"],
    );
}

#[test]
fn steps_must_not_wait_for_each_other() {
    let found = shown(&format!(
        "{MINE}[sequences.mine.steps.paid]\nafter = \"shipped\"\n[sequences.mine.steps.shipped]\nafter = \"paid\""
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("paid after shipped after paid"),
        "{found:?}"
    );
}

#[test]
fn a_second_review_request_is_refused() {
    check_step(
        "second",
        "kind = \"review_request\"\nanchor = \"delivered\"\nscope = \"order\"\nwindow = { from = \"8d\", to = \"9d\" }\nafter = \"follow_up\"",
        ".kind",
        &["`review_request` asks for a review already", "CH003"],
    );
}

#[test]
fn nobody_is_chosen_by_mood() {
    for key in ["rating", "min_score", "mood", "no_complaint"] {
        check_step(
            "review_request",
            &format!("when = {{ {key} = 5 }}"),
            &format!(".when.{key}"),
            &["CH006"],
        );
    }
    check_step(
        "review_request",
        "when = { contries = [\"DE\"] }",
        ".when.contries",
        &["did you mean `countries`?"],
    );
    check_step(
        "review_request",
        "when = { countries = [\"de\"] }",
        ".when.countries",
        &["no country code"],
    );
}

#[test]
fn an_enabled_shop_must_be_complete_and_a_prepared_one_need_not() {
    let lines: Vec<&str> = BASE.lines().collect();
    let without = |words: &[&str]| -> String {
        let kept = lines
            .iter()
            .filter(|line| !words.iter().any(|word| line.starts_with(word)));
        kept.map(|line| format!("{line}\n")).collect()
    };
    for (words, path) in [
        (&["review_url"][..], "channels.shop.review_url"),
        (&["from_relationship"], "channels.shop.from_relationship"),
        (&["basis"], "channels.shop.basis"),
        (&["base_url"], "unsubscribe.base_url"),
        (&["keys"], "unsubscribe.keys"),
    ] {
        let text = without(words);
        let found = shown_whole(&text);
        assert_eq!(found.len(), 1, "{words:?} {found:?}");
        assert!(found[0].contains(&format!(": {path}: ")), "{found:?}");
        assert!(
            shown_whole(&format!("{text}enabled = false\n")).is_empty(),
            "{words:?}"
        );
        let quiet = "[sequences.own_shop.steps]\nfollow_up.enabled = false\nreview_request.enabled = false\n";
        assert!(
            shown_whole(&format!("{text}{quiet}")).is_empty(),
            "{words:?}"
        );
    }
}

#[test]
fn senders_and_addresses_are_checked() {
    check_changed(
        "care@lamps",
        "orders@lamps",
        "channels.shop.from_relationship.address",
        &["sender of order mails as well"],
    );
    check_changed(
        "orders@lamps.example",
        "no-reply@lamps.example",
        "channels.shop.from_transactional.address",
        &["reach nobody"],
    );
    check_changed(
        "orders@lamps.example",
        "orders@lamps",
        "channels.shop.from_transactional.address",
        &["no domain name"],
    );
    check_changed(
        "name = \"Lamps\", address = \"orders",
        "name = \"La\\nmps\", address = \"orders",
        "channels.shop.from_transactional",
        &["display name"],
    );
    check(
        "reply_to = \"noreply@lamps.example\"",
        "channels.shop.reply_to",
        &["reach nobody"],
    );
    check(
        "feedback_sender_id = \"abc\"",
        "channels.shop.feedback_sender_id",
        &["5 to 15"],
    );
    check(
        "id_domain = \"localhost\"",
        "channels.shop.id_domain",
        &["no domain name"],
    );
    check(
        "headers = { Subject = \"x\" }",
        "channels.shop.headers.Subject",
        &["cannot be set"],
    );
    check(
        "order_url = \"https://lamps.example/{order}\"",
        "channels.shop.order_url",
        &["`{order_ref}`"],
    );
    check(
        "order_url = \"http://lamps.example/\"",
        "channels.shop.order_url",
        &["https"],
    );
    check(
        "locales = [\"sv\"]",
        "channels.shop.locales[0]",
        &["no templates in `sv`"],
    );
    check(
        "locales = [\"de\"]\ndefault_locale = \"pl\"",
        "channels.shop.default_locale",
        &["not among"],
    );
    check(
        "locales = [\"deutsch\"]",
        "channels.shop.locales[0]",
        &["is no locale"],
    );
    check(
        "activated_at = \"yesterday\"",
        "channels.shop.activated_at",
        &[],
    );
    check(
        "sent_by_shop = [\"acepted\"]",
        "channels.shop.sent_by_shop[0]",
        &["did you mean `accepted`?"],
    );
    check_changed(
        "default = \"soft_opt_in\"",
        "default = \"platform\"",
        "channels.shop.basis.default",
        &["own shop"],
    );
    check_changed(
        "default = \"soft_opt_in\"",
        "default = \"none\", Germany = \"consent\"",
        "channels.shop.basis.Germany",
        &["no country code"],
    );
}

#[test]
fn exceptions_from_policy_need_a_name_and_a_reason() {
    check(
        "[[channels.shop.policy]]\nkind = \"delay\"\npermission = \"ask\"\nreason = \" \"\nby = \"Jana\"",
        "channels.shop.policy[0].reason",
        &["who decided and why"],
    );
    check(
        "[[channels.shop.policy]]\nkind = \"delay\"\npermission = \"ask\"\nreason = \"r\"",
        "channels.shop.policy[0].by",
        &["`by` is missing"],
    );
}

#[test]
fn the_console_is_not_opened_to_the_network_by_accident() {
    let found = shown("[web]\nlisten = \"0.0.0.0:8080\"");
    assert_eq!(found.len(), 2, "{found:?}");
    loads(
        "[web]\nlisten = \"0.0.0.0:8080\"\nbehind_proxy = true\n\
         [[web.users]]\nname = \"jana\"\nrole = \"admin\"\ntoken = \"0123456789abcdef01234567\"",
    );
}

#[test]
fn other_sections_are_checked() {
    check(
        "[send]\nretry_schedule = []",
        "send.retry_schedule",
        &["at least one wait"],
    );
    check("[send]\nlease = \"1s\"", "send.lease", &["`5s` or more"]);
    check(
        "[service]\ntick = \"0s\"",
        "service.tick",
        &["no time at all"],
    );
    check(
        "[service]\ntick = \"5 seconds\"",
        "service.tick",
        &["no duration"],
    );
    check(
        "[database]\nurl = \"mysql://h/d\"",
        "database.url",
        &["`sqlite:PATH`"],
    );
    check("[brand]\ncolor = \"blue\"", "brand.color", &["#rrggbb"]);
    check("[log]\nlevel = \"a=b=c\"", "log.level", &["no log level"]);
    check(
        "[transports.relay]\ntype = \"smtp\"\nhost = \"mail.example.com\"\nsecurity = \"none\"",
        "transports.relay.security",
        &["only for a relay on this machine"],
    );
    check(
        "[transports.relay]\nhost = \"h\"",
        "transports.relay.type",
        &["is missing"],
    );
    check(
        "[transports.relay]\ntype = \"smpt\"",
        "transports.relay.type",
        &["did you mean `smtp`?"],
    );
}

#[cfg(unix)]
#[test]
fn secrets_come_from_files_that_not_everybody_reads() {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    let files = Files::new();
    let secret = files.write("key", "fedcba9876543210fedcba9876543210\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    let text = BASE.replace(
        "secret = \"0123456789abcdef0123456789abcdef\"",
        "secret_file = \"key\"",
    );
    let options = LoadOptions {
        files: vec![files.write("shop.toml", &text)],
        ..LoadOptions::default()
    };
    let config = Config::load(&options).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let key = &config.unsubscribe.keys[0];
    assert_eq!(
        key.secret.expose_secret(),
        "fedcba9876543210fedcba9876543210"
    );

    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let found = Config::load(&options).unwrap_err().to_string();
    assert!(
        found.contains("can be read by everybody; run `chmod o-rwx`"),
        "{found}"
    );
    assert!(found.contains("shop.toml:12:"), "{found}");

    let credential = text.replace("secret_file", "secret_credential");
    fs::write(&options.files[0], credential).unwrap();
    let found = Config::load(&options).unwrap_err().to_string();
    assert!(found.contains("LoadCredential"), "{found}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let options = LoadOptions {
        credentials: Some(files.dir.path().to_owned()),
        ..options
    };
    assert!(Config::load(&options).is_ok());
}

#[test]
fn a_secret_given_twice_is_refused_and_a_variable_replaces_a_file() {
    let twice = "[transports.relay]\ntype = \"smtp\"\nhost = \"h.example\"\nusername = \"u\"\npassword = \"a\"\npassword_file = \"nowhere\"\n";
    check(
        twice,
        "transports.relay.password",
        &["`password_file` is set as well"],
    );
    let text = format!("{BASE}{}", twice.replace("password = \"a\"\n", ""));
    let variables = [("AFTERNOTE__TRANSPORTS__RELAY__PASSWORD", "12345")];
    let config = load_with(&text, &variables).unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert!(!format!("{config:?}").contains("12345"));
}

#[test]
fn the_key_of_the_example_signs_nothing_that_leaves() {
    let text = load::EXAMPLE.replace(
        "type = \"file\"\ndir = \"data/outbox\"",
        "type = \"smtp\"\nhost = \"mail.example.com\"",
    );
    let found = shown_whole(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("unsubscribe.keys[0].secret: is the key of the example"),
        "{found:?}"
    );
}

#[test]
fn show_names_origins_and_masks_secrets() {
    let text = format!(
        "{BASE}[database]\nurl = \"postgres://app:hunter2@db.example/a\"\n\
         [transports.relay]\ntype = \"smtp\"\nhost = \"h.example\"\nusername = \"u\"\npassword = \"hunter2\"\n"
    );
    let variables = [("AFTERNOTE__SEND__BATCH", "9")];
    let config = load_with(&text, &variables).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let shown = config.show();
    for line in [
        "batch = 9  # environment variable AFTERNOTE__SEND__BATCH",
        "password = \"********\"  # ",
        "url = \"postgres://app:********@db.example/a\"  # ",
        "zone = \"Europe/Berlin\"  # ",
        "lease = \"60s\"  # the built-in defaults:",
        "[sequences.own_shop.steps.follow_up]",
    ] {
        assert!(shown.contains(line), "{shown}\nlacks {line}");
    }
    assert!(!shown.contains("[sequences.amazon"), "{shown}");
    let json = config.show_json().to_string();
    for secret in ["hunter2", "0123456789abcdef"] {
        assert!(
            !shown.contains(secret)
                && !json.contains(secret)
                && !format!("{config:?}").contains(secret)
        );
    }
    // What is shown is TOML again.
    let (_, errors) = tree::parse(&shown, 0);
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn fingerprints_follow_settings_and_not_their_place_or_secrets() {
    let base = loads("").fingerprint();
    assert_eq!(base.len(), 16);
    assert_eq!(loads("[send]\nbatch = 100\n").fingerprint(), base);
    assert_ne!(loads("[send]\nbatch = 99\n").fingerprint(), base);
    let other_key = BASE.replace(
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba9876543210",
    );
    assert_eq!(load_with(&other_key, &[]).unwrap().fingerprint(), base);
}
