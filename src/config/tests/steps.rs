//! Sequences and their steps.

use super::*;

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
