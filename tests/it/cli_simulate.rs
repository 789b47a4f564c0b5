//! `afternote simulate`: what orders would get, and what another configuration would change.

use super::cli_support::Place;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/orders.jsonl");

#[test]
fn every_mail_of_a_file_is_told_with_its_local_time_and_why() {
    let place = Place::new(|text| text);
    let ran = place.run(&["simulate", "--orders", SAMPLES, "--channel", "shop"]);
    ran.expect(
        0,
        &[
            "Mon 2026-03-09 12:19  Europe/Berlin",
            "4d after delivered Thu 2026-03-05 11:22",
            "step_disabled",
            "3 orders from 2026-03-02 08:14 UTC",
        ],
    );
    assert!(!place.path("test.db").exists(), "no database is touched");
}

#[test]
fn json_holds_utc_times_and_reasons() {
    let place = Place::new(|text| text);
    let args = [
        "simulate",
        "--orders",
        SAMPLES,
        "--channel",
        "shop",
        "--format",
        "json",
    ];
    let json = place.run(&args).json();
    let mails = json["mails"].as_array().unwrap();
    let mail = mails
        .iter()
        .find(|mail| mail["order"] == "B-3001" && mail["step"] == "follow_up")
        .unwrap();
    assert_eq!(mail["verdict"], "sent");
    assert!(mail["at"].as_str().unwrap().ends_with('Z'));
    assert!(mail["local"].as_str().unwrap().contains("Europe/Berlin"));
    let waiting = mails
        .iter()
        .find(|mail| mail["order"] == "B-3003" && mail["step"] == "follow_up")
        .unwrap();
    assert_eq!(waiting["verdict"], "waiting");
    assert_eq!(json["summary"]["sent"]["follow_up"], 2);
}

#[test]
fn the_span_can_be_chosen() {
    let place = Place::new(|text| text);
    let base = [
        "simulate",
        "--orders",
        SAMPLES,
        "--channel",
        "shop",
        "--summary",
    ];
    let with = |more: &[&str]| place.run(&[&base[..], more].concat());
    with(&["--to", "2026-03-05"]).expect(0, &["to 2026-03-05 22:59 UTC"]);
    with(&["--days", "1"]).expect(0, &["to 2026-03-03 08:14 UTC"]);
    with(&["--from", "soon"]).expect(2, &["`soon` is no moment"]);
    with(&["--to", "2020-01-01"]).expect(2, &["--to lies before"]);
}

#[test]
fn another_configuration_is_compared_mail_by_mail() {
    let place = Place::new(|text| text);
    let next = std::fs::read_to_string(place.path("shop.toml"))
        .unwrap()
        .replace("target = \"4d\"", "target = \"3d\"")
        .replace(
            "[transports.outbox]",
            "[sequences.shop_steps.steps.paid]\nenabled = false\n\n[transports.outbox]",
        );
    place.write("next.toml", &next);
    let base = [
        "simulate",
        "--orders",
        SAMPLES,
        "--channel",
        "shop",
        "--against",
    ];
    let ran = place.run(&[&base[..], &["next.toml"]].concat());
    ran.expect(
        0,
        &[
            "~ Mon 2026-03-09 09:00",
            "was Mon 2026-03-09 12:19",
            "0 added, 2 removed, 2 moved",
        ],
    );
    let same = place.run(&[&base[..], &["shop.toml"]].concat());
    same.expect(0, &["0 added, 0 removed, 0 moved"]);
    let json = place
        .run(&[&base[..], &["next.toml", "--format", "json"]].concat())
        .json();
    assert_eq!(json["moved"].as_array().unwrap().len(), 2);
    assert_eq!(json["removed"][0]["step"], "paid");
}

#[test]
fn mistakes_are_explained() {
    let place = Place::new(|text| text);
    let channel = ["simulate", "--orders", SAMPLES, "--channel", "shp"];
    place
        .run(&channel)
        .expect(2, &["no enabled channel `shp`", "allegro, shop"]);
    place
        .run(&["simulate", "--orders", SAMPLES])
        .expect(2, &["name no channel", "--channel"]);
    place
        .run(&["simulate", "--orders", "nothing.csv"])
        .expect(2, &["reading nothing.csv"]);
    place
        .run(&["simulate"])
        .expect(2, &["the database holds no orders", "--orders"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_the_database_go_on_from_where_they_stand() {
    let place = Place::new(|text| text);
    let moments = [
        "2026-03-02T08:14:00Z",
        "2026-03-02T08:16:00Z",
        "2026-03-06T12:00:00Z",
    ];
    drop(place.with_samples_until(&moments).await);
    let span = ["--from", "2026-03-06T12:00:00Z", "--days", "30"];
    let ran = place.run(&[&["simulate", "--format", "json"][..], &span[..]].concat());
    ran.expect(0, &[]);
    let json = ran.json();
    let mails = json["mails"].as_array().unwrap();
    let of = |step: &str| {
        mails
            .iter()
            .find(|mail| mail["order"] == "B-3001" && mail["step"] == step)
    };
    assert_eq!(of("follow_up").unwrap()["verdict"], "sent");
    assert_eq!(of("review_request").unwrap()["verdict"], "sent");
    assert!(of("accepted").is_none(), "what was sent is not sent again");
}
