//! `afternote lint`: templates, texts one per line, and the rules.

use super::cli_support::Place;

const BAD: &str = r#"{"id":"a","platform":"amazon","kind":"review_request","locale":"en","field":"body_text","text":"Leave a review and we will email you a 15% voucher."}"#;
const GOOD: &str = r#"{"id":2,"platform":"shop","kind":"review_request","locale":"en","field":"subject","text":"How was your order?"}"#;

fn lines(text: &str) -> Vec<serde_json::Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn texts_are_answered_in_their_order() {
    let place = Place::new(|text| text);
    let file = place.write("texts.jsonl", &format!("{BAD}\n\n{GOOD}\n"));
    let ran = place.run(&["lint", "--jsonl", file.to_str().unwrap()]);
    ran.expect(1, &[]);
    let answers = lines(&ran.out);
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["id"], "a");
    assert_eq!(answers[0]["verdict"], "error");
    let finding = &answers[0]["findings"][0];
    assert_eq!(finding["rule"], "RM001");
    assert_eq!(finding["name"], "incentive-for-review");
    assert_eq!(finding["severity"], "error");
    assert!(finding["start"].as_u64() < finding["end"].as_u64());
    assert!(!finding["suggestion"].as_str().unwrap().is_empty());
    assert_eq!(
        answers[1],
        serde_json::json!({"id": 2, "verdict": "pass", "findings": []})
    );
}

#[test]
fn many_lines_keep_their_order() {
    let place = Place::new(|text| text);
    let input: String = (0..10_000)
        .map(|id| GOOD.replace("\"id\":2", &format!("\"id\":{id}")) + "\n")
        .collect();
    let ran = place.run_with(&["lint", "--jsonl", "-"], &input);
    ran.expect(0, &[]);
    let ids: Vec<u64> = lines(&ran.out)
        .iter()
        .map(|answer| answer["id"].as_u64().unwrap())
        .collect();
    assert!(ids.iter().copied().eq(0..10_000));
}

#[test]
fn a_broken_line_is_answered_with_its_number_and_the_others_are_judged() {
    let place = Place::new(|text| text);
    let kind = GOOD.replace("review_request", "reviw_request");
    let input = format!("{GOOD}\n{{\"id\":3,\n{kind}\n{BAD}");
    let ran = place.run_with(&["lint", "--jsonl", "-"], &input);
    ran.expect(2, &["2 of 4 lines could not be read"]);
    let answers = lines(&ran.out);
    assert_eq!(answers[1]["line"], 2);
    assert!(answers[1]["error"].is_string());
    assert_eq!(answers[2]["line"], 3);
    assert!(
        answers[2]["error"]
            .as_str()
            .unwrap()
            .contains("review_request")
    );
    assert_eq!(answers[3]["verdict"], "error");
}

#[test]
fn an_unknown_platform_is_judged_most_strictly_and_an_unknown_locale_in_every_language() {
    let place = Place::new(|text| text);
    let text = |platform: &str, locale: &str, text: &str| {
        serde_json::json!({"platform": platform, "kind": "review_request", "locale": locale, "text": text}).to_string()
    };
    let voucher = "Leave a review and get a 10% voucher.";
    let polish = "Wystaw opinię, a otrzymasz kod rabatowy 10%.";
    let input = [
        text("shop", "en", voucher),
        text("bazaar", "en", voucher),
        text("bazaar", "xx", polish),
    ]
    .join("\n");
    let ran = place.run_with(&["lint", "--jsonl", "-"], &input);
    let verdicts: Vec<String> = lines(&ran.out)
        .iter()
        .map(|answer| answer["verdict"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(verdicts, ["warn", "error", "error"]);
    assert_eq!(lines(&ran.out)[1]["line"], 2, "no id: the line names it");
}

#[test]
fn the_templates_in_force_pass() {
    let place = Place::new(|text| text);
    place
        .run(&["lint"])
        .expect(0, &["no problems", "judged for allegro, shop"]);
}

#[test]
fn a_draft_is_judged_by_the_flags_where_its_path_says_nothing() {
    let place = Place::new(|text| text);
    place.write("draft.txt", "Please leave a 5-star review!\n");
    place
        .run(&["lint", "draft.txt"])
        .expect(2, &["does not say the kind", "--kind"]);
    let flags = [
        "lint",
        "draft.txt",
        "--kind",
        "review_request",
        "--locale",
        "en",
    ];
    place
        .run(&flags)
        .expect(1, &["RM004", "draft.txt:1:", "^^^", "help:"]);
    place.write("review_request/en.hbs", "Please leave a 5-star review!\n");
    let json = place.run(&["lint", "review_request", "--format", "json"]);
    assert_eq!(json.code, 1);
    assert_eq!(json.json()["findings"][0]["rule"], "RM004");
    assert_eq!(json.json()["findings"][0]["line"], 1);
}

#[test]
fn what_cannot_be_read_is_a_failure() {
    let place = Place::new(|text| text);
    place
        .run(&["lint", "nothing.hbs"])
        .expect(2, &["nothing.hbs"]);
    place
        .run(&["lint", "--jsonl", "nothing.jsonl"])
        .expect(2, &["reading nothing.jsonl"]);
}

#[test]
fn rules_are_listed_and_explained() {
    let place = Place::new(|text| text);
    place
        .run(&["lint", "rules"])
        .expect(0, &["RM001", "incentive-for-review", "CH006"]);
    for name in ["RM004", "rm004", "star-rating-ask"] {
        place.run(&["lint", "explain", name]).expect(
            0,
            &["# star-rating-ask (RM004)", "## Use instead", "warn: ebay"],
        );
    }
    place
        .run(&["lint", "explain", "star-rating"])
        .expect(2, &["did you mean `star-rating-ask`?"]);
    let json = place
        .run(&["lint", "explain", "RM001", "--format", "json"])
        .json();
    assert_eq!(json["code"], "RM001");
}
