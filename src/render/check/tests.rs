use crate::{
    mail::MailKind,
    render::{schema, tag},
};

fn faults(kind: MailKind, text: &str) -> Vec<(usize, String, String)> {
    let (tags, broken) = tag::read(text);
    assert_eq!(broken, []);
    super::check(&tags, None, schema::of(kind), &["one", "other"])
        .into_iter()
        .map(|(at, fault)| (at, fault.message, fault.hint))
        .collect()
}

fn passes(kind: MailKind, text: &str) {
    assert_eq!(faults(kind, text), [], "{text}");
}

fn fails(text: &str, at: usize, words: &str, hint: &str) {
    let found = faults(MailKind::Shipped, text);
    assert!(
        found.iter().any(|(place, message, said)| *place == at
            && message.contains(words)
            && said.contains(hint)),
        "{text}: {found:?}"
    );
}

#[test]
fn declared_values_pass_in_every_form() {
    passes(
        MailKind::Shipped,
        "{{order.ref}}{{#if order.total}}{{money order.total}}{{/if}}\
         {{#each shipment.parcels}}{{position}}{{#if tracking_url}}{{url tracking_url}}{{/if}}\
         {{#each items}}{{title}}{{@index}}{{@root.order.ref}}{{../position}}{{/each}}{{/each}}\
         {{#each order.items as |it|}}{{it.title}}{{/each}}\
         {{list order.items \"title\"}}{{list order.address}}\
         {{plural shipment.parcel_count one=\"# parcel\" other=\"# parcels\"}}\
         {{fallback buyer.first_name \"there\"}}{{#with order}}{{ref}}{{/with}}",
    );
}

#[test]
fn unknown_names_are_found_in_every_corner() {
    fails("{{ordr.ref}}", 2, "no variable `ordr.ref`", "order");
    fails("{{order.rf}}", 2, "no variable `order.rf`", "`order.ref`");
    fails(
        "{{#if order.totl}}x{{/if}}",
        6,
        "no variable",
        "`order.total`",
    );
    fails(
        "{{#if (and order.url order.typo)}}x{{/if}}",
        21,
        "no variable",
        "",
    );
    fails(
        "{{#if order.url}}a{{else if order.typo}}b{{/if}}",
        28,
        "no variable",
        "",
    );
    fails(
        "{{#each order.itms}}{{/each}}",
        8,
        "no variable",
        "`order.items`",
    );
    fails(
        "{{#each order.items}}{{order.ref}}{{/each}}",
        23,
        "no variable",
        "@root.order.ref",
    );
    fails("{{shout order.ref}}", 2, "no helper `shout`", "");
    fails("{{log order.ref}}", 2, "no helper `log`", "");
    fails("{{lookup order \"ref\"}}", 2, "no helper `lookup`", "");
    fails("{{#script}}x{{/script}}", 3, "no block `script`", "");
    fails("{{@root.env}}", 2, "no variable `@root.env`", "");
    fails("{{review_url}}", 2, "no variable `review_url`", "");
}

#[test]
fn a_value_that_may_be_missing_needs_a_question_before_it() {
    fails(
        "Hi {{buyer.first_name}},",
        5,
        "may be missing",
        "#if buyer.first_name",
    );
    fails(
        "{{#if buyer.name}}{{buyer.first_name}}{{/if}}",
        20,
        "may be missing",
        "",
    );
    fails(
        "{{#if (or buyer.first_name order.url)}}{{buyer.first_name}}{{/if}}",
        41,
        "may be missing",
        "",
    );
    fails(
        "{{#if order.url}}a{{else}}{{url order.url}}{{/if}}",
        32,
        "may be missing",
        "",
    );
    fails(
        "{{#if order.url}}a{{/if}}{{url order.url}}",
        31,
        "may be missing",
        "",
    );
    fails(
        "{{#unless order.url}}{{url order.url}}{{/unless}}",
        27,
        "may be missing",
        "",
    );
    for good in [
        "{{#if buyer.first_name}}{{buyer.first_name}}{{/if}}",
        "{{#unless order.url}}a{{else}}{{url order.url}}{{/unless}}",
        "{{#if (not order.url)}}a{{else}}{{url order.url}}{{/if}}",
        "{{#if (and order.url order.total)}}{{url order.url}}{{money order.total}}{{/if}}",
        "{{#if order.url}}{{#each order.items}}{{url @root.order.url}}{{/each}}{{/if}}",
    ] {
        passes(MailKind::Shipped, good);
    }
}

#[test]
fn values_are_written_with_the_helper_of_their_sort() {
    fails(
        "{{#if order.total}}{{order.total}}{{/if}}",
        21,
        "needs the helper `money`",
        "",
    );
    fails(
        "{{#if order.url}}{{order.url}}{{/if}}",
        19,
        "needs the helper `url`",
        "",
    );
    fails("{{money order.ref}}", 8, "`money` cannot write", "text");
    fails("{{order.items}}", 2, "needs the helper `list`", "");
    fails("{{list order.items}}", 2, "which value", "");
    fails("{{list order.items \"price\"}}", 19, "no text `price`", "");
    fails("{{order}}", 2, "cannot be printed", "");
    fails(
        "{{plural shipment.parcel_count one=\"#\"}}",
        2,
        "lacks the form `other`",
        "",
    );
    fails("{{money}}", 2, "has no value", "");
    fails("{{shop.button_color}}", 2, "cannot be printed", "");
    fails("{{@index}}", 2, "inside `{{#each}}`", "");
    fails("{{#if order.url}}", 0, "never closed", "");
    fails(
        "{{#if order.url order.ref}}{{/if}}",
        3,
        "takes one value",
        "",
    );
    fails("{{../order.ref}}", 2, "leads out", "");
}

#[test]
fn nesting_is_limited() {
    let text = "{{#if order.url}}".repeat(33) + &"{{/if}}".repeat(33);
    fails(&text, 32 * 17, "deeper than 32", "");
}
