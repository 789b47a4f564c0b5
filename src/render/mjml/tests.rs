use super::*;
use crate::render::{markup, tag};

fn faults(text: &str) -> Vec<(usize, String)> {
    let (tags, _) = tag::read(text);
    let (events, _) = markup::scan(text, &tags);
    check(text, &tags, &events)
        .1
        .into_iter()
        .map(|(at, fault)| (at, fault.message))
        .collect()
}

const BEFORE: &str = "<mjml lang=\"en\" dir=\"ltr\"><mj-body><mj-section><mj-column>";

fn in_column(text: &str) -> String {
    format!("{BEFORE}{text}</mj-column></mj-section></mj-body></mjml>")
}

#[test]
fn a_plain_mail_has_no_fault() {
    assert_eq!(
        faults(&in_column(
            "<mj-text><p>Hi{{#if a}} {{a}}{{else}}!{{/if}}</p></mj-text>\
             {{#if b}}<mj-button href=\"{{url b}}\" background-color=\"{{c}}\">x</mj-button>{{/if}}\
             <mj-table><tr><th scope=\"col\">x</th></tr>{{#each l}}<tr><td>{{x}}</td></tr>{{/each}}</mj-table>"
        )),
        []
    );
}

fn check_at(text: &str, offset: usize, words: &str) {
    let found = faults(&in_column(text));
    let at = BEFORE.len() + offset;
    assert!(
        found
            .iter()
            .any(|(place, message)| *place == at && message.contains(words)),
        "{text}\n{at}: {found:?}"
    );
}

#[test]
fn unknown_tags_and_attributes_are_faults() {
    check_at("<mj-foo/>", 0, "no tag `<mj-foo>`");
    check_at(
        "<mj-text colour=\"red\">x</mj-text>",
        9,
        "no attribute `colour`",
    );
    check_at("<mj-hero/>", 0, "may not be used");
    check_at("<p>x</p>", 0, "may not stand directly");
    check_at("x", 0, "text may not stand");
    check_at("<mj-text><br></mj-text>", 9, "not closed");
}

#[test]
fn a_tag_opened_in_one_branch_and_closed_in_another_is_a_fault() {
    check_at(
        "<mj-text>{{#if a}}<p>{{else}}x{{/if}}</p></mj-text>",
        21,
        "not closed in it",
    );
    check_at("<mj-text>{{#if a}}</mj-text>{{/if}}", 18, "another branch");
    check_at(
        "<mj-text>{{#if a}}x{{/each}}</mj-text>",
        19,
        "closes `{{#if}}`",
    );
}

#[test]
fn variables_stand_only_where_they_are_safe() {
    let link = |href: &str| format!("<mj-text><a href=\"{href}\">x</a></mj-text>");
    check_at(&link("{{a}}"), 18, "must be written with `url`");
    check_at(
        &link("https://x/{{url a}}"),
        28,
        "must be written with `url`",
    );
    check_at(&link("javascript:x"), 18, "must be an https");
    check_at(
        "<mj-text><p style=\"color:{{a}}\">x</p></mj-text>",
        25,
        "may not stand in `style`",
    );
    check_at(
        "<mj-image src=\"https://x\" width=\"{{w}}\" alt=\"\"/>",
        33,
        "may not stand in `width`",
    );
    check_at("<mj-image src=\"https://x\"/>", 0, "needs `alt`");
    check_at(
        "<mj-text><p style=\"display: flex\">x</p></mj-text>",
        19,
        "display:flex",
    );
}

#[test]
fn what_is_never_closed_is_named() {
    assert!(
        faults("<mjml lang=\"en\" dir=\"ltr\"><mj-body>{{#if a}}")
            .iter()
            .any(|(at, message)| *at == 35 && message.contains("never closed"))
    );
}
