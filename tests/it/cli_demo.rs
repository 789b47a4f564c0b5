//! `afternote demo`: complete, repeatable, careful with what is there.

use std::collections::BTreeMap;

use crate::cli::Place;

fn mails(place: &Place, folder: &str) -> BTreeMap<String, Vec<u8>> {
    place
        .path(folder)
        .join("mails")
        .read_dir()
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

#[test]
fn two_runs_give_the_same_mails_byte_for_byte() {
    let place = Place::new("");
    let first = place.run_bare(&["demo", "--once", "--out", "one"]);
    first.check(
        0,
        &[
            "my-shop",
            "review_request",
            "Not sent, and why",
            "why 10001",
        ],
    );
    let second = place.run_bare(&["demo", "--once", "--out", "two"]);
    assert_eq!(
        first.out.replace("one/", "two/").replace("one:", "two:"),
        second.out
    );
    let (one, two) = (mails(&place, "one"), mails(&place, "two"));
    assert!(one.len() > 200, "{}", one.len());
    assert!(one.keys().eq(two.keys()));
    for (name, bytes) in &one {
        assert_eq!(bytes, &two[name], "{name}");
    }
    assert!(one.contains_key("2026-03-02T09-16 my-shop 10001 accepted.eml"));
}

#[test]
fn the_story_of_the_demo_holds_what_was_promised() {
    let place = Place::new("");
    let said = place.run_bare(&["demo", "--once", "--format", "json"]);
    said.check(0, &[]);
    let story: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(story["orders"], 64);
    assert_eq!(story["totals"]["applied"]["refused"], serde_json::json!([]));
    assert_eq!(
        story["sent"].as_array().unwrap().len() as u64,
        story["totals"]["sent"].as_u64().unwrap()
    );
    // Nothing waits for a template to be mended or a person to decide.
    for group in story["not_sent"].as_array().unwrap() {
        let state = group["state"].as_str().unwrap();
        assert!(
            ["skipped", "expired", "superseded", "waiting"].contains(&state),
            "{group}"
        );
        assert_ne!(group["meaning"], "", "{group}");
    }
    // Each review request follows its order's follow-up.
    let mut followed = Vec::new();
    for mail in story["sent"].as_array().unwrap() {
        let order = (&mail["channel"], &mail["order_ref"]);
        match mail["kind"].as_str().unwrap() {
            "follow_up" => followed.push(order),
            "review_request" => assert!(followed.contains(&order), "{mail}"),
            _ => {}
        }
    }
    assert!(!followed.is_empty());
}

#[test]
fn nothing_of_anybody_is_overwritten() {
    let place = Place::new("");
    place.write("mine/letter.txt", "dear");
    place
        .run_bare(&["demo", "--once", "--days", "1", "--out", "mine"])
        .check(2, &["mine is not empty", "nothing is overwritten"]);
    place
        .run_bare(&["demo", "--once", "--days", "1"])
        .check(0, &["data/demo/mails"]);
    place
        .run_bare(&["demo", "--once", "--days", "1"])
        .check(0, &["data/demo-2/mails"]);
    place.write("file", "");
    place
        .run_bare(&["demo", "--once", "--out", "file"])
        .check(2, &["cannot use file"]);
    place
        .run(&["demo", "--once"])
        .check(2, &["demo brings its own configuration"]);
}
