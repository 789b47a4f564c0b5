//! The labelled texts of `tests/fixtures/lint`, and properties that hold for any text.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const CASES: &str = include_str!("../../tests/fixtures/lint/cases.jsonl");

/// A labelled text. `codes` are the codes to report, the first is the one that must be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    channel: String,
    mail: String,
    lang: String,
    part: String,
    content: String,
    verdict: Verdict,
    codes: Vec<String>,
    #[serde(default)]
    merged: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    country: Option<String>,
    #[serde(default)]
    site: Option<String>,
}

fn lint(case: &Case) -> Vec<Diagnostic> {
    let draft = Draft {
        fields: vec![Field {
            kind: FieldKind::parse(&case.part).unwrap(),
            text: &case.content,
            name: None,
        }],
        vars: case
            .merged
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect(),
    };
    let profile = Profile {
        market: case.country.clone(),
        destination: case
            .site
            .clone()
            .map_or(Destination::Channel, Destination::ThirdParty),
        ..Profile::new(
            case.channel.parse().ok(),
            parse_kind(&case.mail).unwrap(),
            case.lang.parse().unwrap(),
        )
    };
    check(&draft, &profile)
}

#[test]
fn labelled_texts_get_their_verdict_and_their_first_code() {
    let mut faults = Vec::new();
    for line in CASES.lines().filter(|line| !line.trim().is_empty()) {
        let case: Case = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let found = lint(&case);
        let codes: Vec<&str> = found.iter().map(|d| d.rule.code()).collect();
        let verdict = Verdict::of(&found);
        let has_first = case
            .codes
            .first()
            .is_none_or(|code| codes.contains(&code.as_str()));
        if verdict != case.verdict || !has_first {
            faults.push(format!(
                "{}: {:?} {codes:?}, expected {:?} {:?}: {}",
                case.name, verdict, case.verdict, case.codes, case.content
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn profile(locale: &str) -> Profile {
    Profile::new(
        None,
        crate::mail::MailKind::ReviewRequest,
        locale.parse().unwrap(),
    )
}

fn lint_text(kind: FieldKind, text: &str, locale: &str) -> Vec<Diagnostic> {
    let draft = Draft {
        fields: vec![Field {
            kind,
            text,
            name: None,
        }],
        vars: Vec::new(),
    };
    check(&draft, &profile(locale))
}

#[test]
fn places_are_bytes_of_the_source_through_tags_entities_and_expressions() {
    let check = |kind, text: &str, excerpt: &str, place: (usize, usize)| {
        let found = lint_text(kind, text, "en");
        let first = found.first().unwrap();
        assert_eq!(first.excerpt, excerpt);
        assert_eq!(&text[first.span.clone()], excerpt);
        assert_eq!((first.line, first.column), place);
    };
    check(
        FieldKind::BodyText,
        "Grüße,\nplease leave a pos\u{ad}itive review",
        "pos\u{ad}itive review",
        (2, 16),
    );
    check(
        FieldKind::BodyHtml,
        "<p>Leave us <b>fi&#118;e</b>-<i>sta</i>rs",
        "fi&#118;e</b>-<i>sta</i>rs",
        (1, 16),
    );
    check(
        FieldKind::Template,
        "{{#if x}}Please leave a {{else}}Write a {{/if}}positive review of {{name}}",
        "positive review",
        (1, 48),
    );
    check(
        FieldKind::Template,
        "{{> button label=\"Give us 5 stars\"}}",
        "5 stars",
        (1, 27),
    );
}

#[test]
fn a_finding_in_several_readings_of_a_template_is_reported_once() {
    let text = "{{#if x}}a{{/if}}{{#if y}}b{{/if}} Please leave a positive review.";
    assert_eq!(lint_text(FieldKind::Template, text, "en").len(), 1);
}

#[test]
fn an_unknown_language_is_read_with_every_lexicon() {
    for text in [
        "Prosimy o pozytywną opinię.",
        "Bitte hinterlassen Sie eine positive Bewertung.",
    ] {
        assert!(
            !lint_text(FieldKind::BodyText, text, "sv").is_empty(),
            "{text}"
        );
    }
}

#[test]
fn a_lexicon_of_the_store_extends_the_shipped_ones() {
    let extra = "locale = \"en\"\n[concepts]\nbenefit = [\"widget dollars\"]";
    let own = RuleSet::with_extra(&[extra]).unwrap();
    let draft = Draft {
        fields: vec![Field {
            kind: FieldKind::Subject,
            text: "Write a review and get widget dollars",
            name: None,
        }],
        vars: Vec::new(),
    };
    assert_eq!(check(&draft, &profile("en")), []);
    let codes: Vec<&str> = own
        .check(&draft, &profile("en"))
        .iter()
        .map(|d| d.rule.code())
        .collect();
    assert_eq!(codes, ["RM001"]);
    assert_ne!(own.version(), RuleSet::shipped().version());
}

#[test]
fn faults_of_a_lexicon_name_their_place() {
    let check = |extra: &str, expected: &str| {
        let error = RuleSet::with_extra(&[extra]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(
        "locale = \"en\"\n[concepts]\nrevew = []",
        "`revew` in the lexicon of `en` is no concept",
    );
    check(
        "locale = \"en\"\nsenses = [\"*\"]",
        "`*` in the lexicon of `en` has no word",
    );
    check("lokale = 1", "cannot be read");
}

#[test]
fn answers_are_json_with_code_name_place_and_reason() {
    let found = lint_text(FieldKind::Subject, "Give us 5 stars", "en");
    insta::assert_json_snapshot!(found);
}

#[test]
fn diagnostics_for_people_show_the_place() {
    let source = "Hello,\n\nIf you are happy, please leave a positive review.\nThank you";
    let found = lint_text(FieldKind::BodyText, source, "en");
    insta::assert_snapshot!(render_human(
        &found,
        source,
        "templates/review_request/en.hbs"
    ));
}

#[test]
fn long_lines_are_shown_as_an_excerpt() {
    let source = format!(
        "{} Give us 5 stars {}",
        "ü ".repeat(5_000),
        "ü ".repeat(5_000)
    );
    let found = lint_text(FieldKind::BodyText, &source, "en");
    let shown = render_human(&found, &source, "x");
    assert!(shown.len() < 1_000, "{}", shown.len());
    assert!(shown.contains("5 stars"));
}

#[test]
fn large_adversarial_texts_are_read_to_the_end() {
    let pieces = [
        "<a \"",
        "<",
        "{{",
        "{{#if x}}",
        "{{else}}",
        "&",
        "<!--",
        "</",
        "s t a r s ",
        "5",
        "★",
        "\u{202e}",
        "not ",
        "5 stars review voucher not ",
        "r3v1ew ",
        "<div hidden>",
        "{{{{",
        "<style>",
        "о",
        "a@",
    ];
    for piece in pieces {
        let text = piece.repeat(40_000 / piece.len());
        for kind in FieldKind::ALL {
            lint_text(kind, &text, "en");
        }
    }
}

/// Text made of what the readers treat specially, with other characters between.
fn tricky() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<p>"),
        Just("</b>"),
        Just("<a href='"),
        Just("&eacute;"),
        Just("&#"),
        Just("{{#if score}}"),
        Just("{{else}}"),
        Just("{{/if}}"),
        Just("{{x}}"),
        Just("}}"),
        Just("5 stars"),
        Just("★★★★★"),
        Just(" review "),
        Just("positive"),
        Just("voucher"),
        Just("\u{200b}"),
        Just("\u{202e}"),
        Just("ѕtаr"),
        Just("s t a r s"),
        Just("not "),
        Just("\n"),
        Just("* "),
        Just("ß"),
        Just("İ"),
        Just("<!--"),
    ];
    proptest::collection::vec(
        prop_oneof![
            piece.prop_map(str::to_owned),
            any::<char>().prop_map(String::from)
        ],
        0..60,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_read_and_every_place_is_in_it(text in tricky(), other in any::<String>()) {
        for source in [&text, &other] {
            for kind in FieldKind::ALL {
                for found in lint_text(kind, source, "ru") {
                    prop_assert!(source.get(found.span.clone()).is_some_and(|s| !s.is_empty()));
                    prop_assert_eq!(&source[found.span.clone()], &found.excerpt);
                    render_human(&[found], source, "x");
                }
            }
        }
    }
}
