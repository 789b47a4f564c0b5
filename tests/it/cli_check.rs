//! `afternote check`: what a person who made a mistake is told.

use super::cli_support::Place;

const REVIEW: &str = "templates/review_request/en.hbs";

/// The built-in review request with something added to its body.
fn review_with(body: &str) -> String {
    let built_in = include_str!("../../templates/review_request/en.hbs");
    built_in.replace(
        "{{> button to=review_url label=\"Write a review\"}}",
        &format!("{body}\n    {{{{> button to=review_url label=\"Write a review\"}}}}"),
    )
}

fn with_templates(text: &str) -> String {
    text.replace("[templates]\n", "[templates]\ndir = \"templates\"\n")
}

#[test]
fn a_sound_configuration_passes_and_says_what_was_looked_at() {
    let place = Place::new(|text| text);
    place.run(&["check"]).expect(
        0,
        &[
            "no problems in 2 enabled channels",
            "written from samples",
            "its platform forbids these mails",
        ],
    );
    let json = place.run(&["check", "--format", "json"]).json();
    assert_eq!(json["ok"], true);
    assert!(!place.path("test.db").exists(), "check needs no database");
}

#[test]
fn an_unknown_key_is_shown_with_a_caret_and_the_nearest_known_one() {
    let place = Place::new(|text| text.replace("privacy_url", "privcy_url"));
    let ran = place.run(&["check"]);
    ran.expect(1, &["shop.toml:", "^^^^^^^^^^", "`privacy_url`", "error"]);
    let json = place.run(&["check", "--format", "json"]).json();
    let problems = json["problems"].as_array().unwrap();
    let problem = problems
        .iter()
        .find(|p| p["path"] == "seller.privcy_url")
        .unwrap();
    assert_eq!(json["ok"], false);
    assert_eq!(problem["severity"], "error");
    assert_eq!(problem["column"], 1);
    assert!(problem["hint"].as_str().unwrap().contains("privacy_url"));
}

#[test]
fn every_problem_is_told_at_once() {
    let place = Place::new(|text| {
        text.replace("zone = \"Europe/Berlin\"", "zone = \"Europe/Berln\"")
            .replace("target = \"4d\"", "target = \"6d\"")
    });
    place.run(&["check"]).expect(
        1,
        &[
            "Europe/Berln",
            "6d lies outside the window 2d to 5d",
            "2 errors in the configuration",
        ],
    );
}

#[test]
fn a_second_review_request_is_refused() {
    let place = Place::new(|text| {
        let second = "[sequences.shop_steps.steps.again]\nkind = \"review_request\"\nanchor = \"delivered\"\nscope = \"order\"\nafter = \"follow_up\"\nwindow = { from = \"13d\", to = \"14d\" }\nhours = \"office\"\n\n[transports.outbox]";
        text.replace("[transports.outbox]", second)
    });
    place.run(&["check"]).expect(1, &["CH003", "again"]);
}

#[test]
fn an_audience_chosen_by_mood_is_refused() {
    let place = Place::new(|text| {
        let mood = "[sequences.shop_steps.steps.review_request]\nwhen = { rating = 5 }\n\n[transports.outbox]";
        text.replace("[transports.outbox]", mood)
    });
    place.run(&["check"]).expect(1, &["rating"]);
}

#[test]
fn a_missing_translation_names_the_files() {
    let place = Place::new(|text| text.replace("locales = [\"en\"]", "locales = [\"en\", \"da\"]"));
    // Danish is not among the shipped languages, so a folder of their own is needed at all.
    place
        .run(&["check"])
        .expect(1, &["there are no templates in `da`"]);
    let place = Place::new(|text| {
        with_templates(&text.replace("locales = [\"en\"]", "locales = [\"en\", \"da\"]"))
    });
    place.write(REVIEW, &review_with(""));
    place.run(&["check"]).expect(
        1,
        &[
            "the mail `review_request` is not translated",
            "review_request/da.hbs",
            "add the files to",
        ],
    );
}

#[test]
fn an_unknown_variable_is_shown_with_its_line_and_a_caret() {
    let place = Place::new(|text| with_templates(&text));
    place.write(REVIEW, &review_with("<mj-text>{{order.totl}}</mj-text>"));
    let ran = place.run(&["check"]);
    ran.expect(1, &["order.totl", "order.total", "^^^^"]);
    let json = place.run(&["check", "--format", "json"]).json();
    let problem = &json["problems"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["severity"] == "error")
        .unwrap();
    assert!(
        problem["origin"]
            .as_str()
            .unwrap()
            .ends_with("review_request/en.hbs")
    );
    assert!(problem["line"].as_u64().unwrap() > 5);
}

#[test]
fn a_branch_for_the_happy_is_refused_with_its_rule() {
    let place = Place::new(|text| with_templates(&text));
    let body = "<mj-text><p>Happy with it? Leave us a review.</p></mj-text>";
    place.write(REVIEW, &review_with(body));
    let ran = place.run(&["check"]);
    ran.expect(
        1,
        &[
            "RM005",
            "happy-buyers-only",
            "Happy with it? Leave us a review",
            "^^^",
            "help:",
        ],
    );
    let json = place.run(&["check", "--format", "json"]).json();
    let problems = json["problems"].as_array().unwrap();
    let found: Vec<_> = problems.iter().filter(|p| p["rule"] == "RM005").collect();
    assert_eq!(found.len(), 1, "told once: {problems:#?}");
}

#[test]
fn hours_that_can_leave_a_window_closed_are_a_warning() {
    let place = Place::new(|text| {
        text.replace(
            "target = \"4d\"",
            "target = \"4d\"\nhours = { from = \"09:00\", to = \"10:00\", weekdays = [\"mon\"] }",
        )
    });
    let ran = place.run(&["check"]);
    ran.expect(0, &["warning", "no_allowed_time", "1 warning"]);
    place.run(&["check", "--strict"]).expect(1, &["1 warning"]);
}

#[test]
fn a_country_without_known_holidays_is_a_warning() {
    let place = Place::new(|text| text.replace("country = \"DE\"", "country = \"JP\""));
    place.run(&["check"]).expect(0, &["public holidays of JP"]);
}
