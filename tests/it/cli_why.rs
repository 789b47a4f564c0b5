//! `why`, `order`, `outbox` and `suppress` over a database.

use super::cli_support::{Place, Ran};

const DAYS: &[&str] = &[
    "2026-03-02T08:14:00Z",
    "2026-03-02T08:16:00Z",
    "2026-03-03T15:45:00Z",
    "2026-03-05T12:00:00Z",
    "2026-03-09T11:20:00Z",
];

async fn place() -> Place {
    let place = Place::new(|text| text);
    drop(place.with_samples_until(DAYS).await);
    place
}

fn mail<'a>(json: &'a serde_json::Value, step: &str) -> &'a serde_json::Value {
    let mails = json["mails"].as_array().unwrap();
    mails.iter().find(|mail| mail["step"] == step).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_told_as_a_story() {
    let place = place().await;
    let ran = place.run(&["why", "B-3001"]);
    ran.expect(
        0,
        &[
            "Order B-3001 on shop",
            "Times are those of Europe/Berlin",
            "order_accepted",
            "follow_up: sent Mon 2026-03-09 12:20",
            "linter: pass",
            "written from follow_up/en.hbs",
            "next: the buyer has it",
        ],
    );
    assert!(
        !ran.out.contains("greta.lindau"),
        "no personal data:\n{}",
        ran.out
    );
    place
        .run(&["why", "B-3001", "review_request"])
        .expect(0, &["review_request:"]);
    let json = place.run(&["why", "B-3001", "--format", "json"]).json();
    assert_eq!(mail(&json, "follow_up")["state"], "sent");
    assert_eq!(
        mail(&json, "follow_up")["attempts"][0]["outcome"],
        "accepted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_list_what_exists() {
    let place = place().await;
    place
        .run(&["why", "B-9999"])
        .expect(2, &["no order `B-9999`", "afternote order list"]);
    place
        .run(&["why", "B-3001", "reviw_request"])
        .expect(2, &["no step `reviw_request`", "review_request"]);
    place
        .run(&["outbox", "show", "4711"])
        .expect(2, &["no message 4711", "afternote outbox list"]);
    place
        .run(&["order", "list", "--channel", "shp"])
        .expect(2, &["no enabled channel `shp`", "allegro, shop"]);
    place
        .run(&["outbox", "list", "--status", "unclear"])
        .expect(2, &["no such status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_listed_and_shown_without_personal_data() {
    let place = place().await;
    place
        .run(&["order", "list"])
        .expect(0, &["B-3001", "B-3002", "B-3003"]);
    place
        .run(&["order", "list", "--limit", "1"])
        .expect(0, &["older ones: add --before"]);
    let ran = place.run(&["order", "show", "B-3001"]);
    ran.expect(0, &["g***@example.com", "Europe/Berlin", "follow_up"]);
    assert!(!ran.out.contains("Greta"), "{}", ran.out);
    place
        .run(&["order", "show", "B-3001", "--personal"])
        .expect(
            0,
            &["greta.lindau@example.com", "Greta Lindau", "Amselweg 4"],
        );
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_need_a_reason_and_are_seen_by_why() {
    let place = place().await;
    place
        .run(&["order", "pause", "B-3003"])
        .expect(2, &["--reason"]);
    place
        .run(&["order", "pause", "B-3003", "--reason", ""])
        .expect(2, &["--reason"]);
    let reason = ["--reason", "asked by phone"];
    let run = |args: &[&str]| -> Ran { place.run(&[args, &reason[..]].concat()) };
    run(&["order", "pause", "B-3003"]).expect(0, &["order B-3003 is paused"]);
    place
        .run(&["order", "show", "B-3003"])
        .expect(0, &["paused by an operator"]);
    run(&["order", "resume", "B-3003"]).expect(0, &["order B-3003 is resumed"]);
    run(&["order", "skip", "B-3003", "follow_up"]).expect(0, &["follow_up of B-3003 is"]);
    run(&["order", "resend", "B-3001", "accepted"]).expect(2, &["--yes"]);
    run(&["order", "resend", "B-3001", "accepted", "--yes"]).expect(0, &["sending 2"]);
    run(&["order", "resend", "B-3001", "follow_up", "--yes"])
        .expect(2, &["goes once for an order"]);
    run(&["order", "pause", "--all-orders", "--channel", "shop"])
        .expect(0, &["all mail of channel shop is paused"]);
    place.run(&["order", "list"]).expect(
        0,
        &["channel shop is paused", "asked by phone", "cli:tester"],
    );
    run(&["order", "resume", "--all-orders", "--channel", "shop"])
        .expect(0, &["all mail of channel shop is resumed"]);
    let list = place.run(&["order", "list"]);
    assert!(!list.out.contains("is paused"), "{}", list.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_shown_and_settled() {
    let place = place().await;
    let sent = place.run(&["outbox", "list", "--status", "sent", "--format", "json"]);
    let sent = sent.json();
    let first = sent[0]["id"].as_i64().unwrap().to_string();
    place
        .run(&["outbox", "show", &first])
        .expect(0, &["sent", "template", "linter: pass", "tried"]);
    place
        .run(&["outbox", "withdraw", &first, "--reason", "x"])
        .expect(2, &["only planned and blocked messages"]);
    place
        .run(&["outbox", "decide", &first, "sent", "--reason", "x"])
        .expect(2, &["only uncertain messages"]);
    let order = ["outbox", "list", "--order", "B-3001", "--format", "json"];
    let rows = place.run(&order).json();
    let planned = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["status"] == "planned")
        .unwrap();
    let id = planned["id"].as_i64().unwrap().to_string();
    place
        .run(&["outbox", "withdraw", &id, "--reason", "not wanted"])
        .expect(0, &["is dead: an operator withdrew it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_suppressed_and_freed() {
    let place = place().await;
    let address = "greta.lindau@example.com";
    let reason = ["--reason", "asked by phone"];
    place
        .run(&["suppress", "add", "greta.lindau"])
        .expect(2, &["greta.lindau"]);
    place
        .run(&[&["suppress", "add", address][..], &reason[..]].concat())
        .expect(
            0,
            &[
                "all mail to g***@example.com is stopped",
                "1 order planned anew",
            ],
        );
    let list = place.run(&["suppress", "list"]);
    list.expect(0, &["manual", "cli:tester"]);
    assert!(!list.out.contains("greta"), "{}", list.out);
    place
        .run(&["suppress", "list", "--address", address])
        .expect(0, &["manual"]);
    place
        .run(
            &[
                &["suppress", "remove", address, "--relationship"][..],
                &reason[..],
            ]
            .concat(),
        )
        .expect(2, &["leave out --relationship"]);
    place
        .run(&[&["suppress", "remove", address][..], &reason[..]].concat())
        .expect(0, &["may go again"]);
    place
        .run(&["suppress", "list"])
        .expect(0, &["no suppressions"]);
}
