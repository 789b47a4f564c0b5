//! `afternote import`, `dispatch`, `migrate`, `config`: with right and with wrong input.

use crate::cli::{Place, SECOND, fresh_order};

#[test]
fn history_mails_nobody_until_a_person_says_the_number() {
    let place = Place::new("");
    place.write("orders.csv", &fresh_order("A1"));
    place
        .run(&["import", "orders.csv"])
        .check(0, &["1 record, 1 event", "mail nobody"]);
    place.run(&["dispatch"]).check(0, &["nothing is due"]);
    place
        .run(&["import", "orders.csv", "--activate"])
        .check(2, &["accepted  1", "say --yes 1"]);
    place
        .run(&["import", "orders.csv", "--activate", "--yes", "7"])
        .check(2, &["--yes says 7, but 1 mail would be sent"]);
    place.run(&["dispatch"]).check(0, &["nothing is due"]);
    place
        .run(&["import", "orders.csv", "--activate", "--yes", "1"])
        .check(0, &["mails are switched on"]);
    let rehearsal = place.run(&["dispatch", "--dry-run", "dry"]);
    rehearsal.check(0, &["would send", "nothing was sent"]);
    assert_eq!(crate::cli::files(&place.path("dry")).len(), 1);
    assert!(place.mails().is_empty());
    place
        .run(&["dispatch", "--until-idle"])
        .check(0, &["1 mail sent"]);
    assert_eq!(place.mails().len(), 1);
    place
        .run(&["import", "orders.csv", "--activate"])
        .check(0, &["sends nothing"]);
    place.run(&["dispatch"]).check(0, &["nothing is due"]);
}

#[test]
fn a_day_above_the_cap_needs_the_number_on_the_command_line() {
    let place = Place::new("[send.activation]\ndaily_cap = 1\n");
    let (first, second) = (fresh_order("A1"), fresh_order("A2"));
    let second = second.lines().nth(1).unwrap();
    place.write("orders.csv", &format!("{first}{second}\n"));
    place
        .run(&["import", "orders.csv", "--activate"])
        .check(2, &["above send.activation.daily_cap = 1", "--yes 2"]);
    place
        .run(&["import", "orders.csv", "--activate", "--yes", "2"])
        .check(0, &[]);
    place.run(&["dispatch"]).check(0, &["2 mails sent"]);
}

#[test]
fn refused_records_are_named_and_the_others_stored() {
    let place = Place::new("");
    place.write(
        "orders.csv",
        "order_ref,accepted_at,buyer_email\nA1,yesterday,a@example.com\nA2,2026-02-02T09:00:00Z,b@example.com\n",
    );
    let said = place.run(&["import", "orders.csv"]);
    said.check(
        1,
        &[
            "1 record refused",
            "line 2, column 2 (`accepted_at`)",
            "stored: 1 new event of 1 order,",
        ],
    );
    assert!(!said.out.contains("a@example.com"));
    let said = place.run(&["import", "orders.csv", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code, Some(1));
    assert_eq!(report[0]["report"]["rejections"][0]["line"], 2);
    assert_eq!(report[0]["applied"]["duplicates"], 1);
}

#[test]
fn wrong_names_are_answered_with_the_right_ones() {
    let place = Place::new(SECOND);
    place.write("orders.csv", &fresh_order("A1"));
    for (args, parts) in [
        (
            &["import", "ordrs.csv"][..],
            &["there is no file ordrs.csv", "`orders.csv`"][..],
        ),
        (&["import", "none/x.csv"], &["there is no folder none"]),
        (&["import", "."], &["is a folder"]),
        (&["import", "orders.csv"], &["--channel: other, shop"]),
        (
            &["import", "orders.csv", "--channel", "shpo"],
            &["did you mean `shop`?"],
        ),
        (&["import"], &["<FILE>..."]),
        (
            &["import", "orders.csv", "--live", "--activate"],
            &["cannot be used with"],
        ),
        (&["import", "orders.csv", "--yes", "3"], &["--activate"]),
    ] {
        place.run(args).check(2, parts);
    }
    place.write("junk.csv", "a,b\n1,2\n");
    place
        .run(&["import", "junk.csv", "--channel", "shop"])
        .check(2, &["has no header we know"]);
}

#[test]
fn a_wrong_configuration_is_shown_with_its_line() {
    let place = Place::new("[send]\nbach = 3\n");
    place
        .run(&["dispatch"])
        .check(1, &["afternote.toml:", "bach = 3", "batch"]);
    place
        .run_bare(&["--config", "none.toml", "dispatch"])
        .check(1, &["none.toml", "cannot read the file"]);
}

#[test]
fn a_database_that_cannot_be_used_says_so() {
    let place = Place::new("[database]\nurl = \"sqlite:afternote.toml/x.db\"\n");
    place
        .run(&["dispatch"])
        .check(2, &["the database cannot be opened", "may be written to"]);
}

#[tokio::test]
async fn a_database_locked_by_another_program_says_so() {
    use sqlx::{Connection as _, SqliteConnection};
    let place = Place::new("");
    place.run(&["migrate"]).check(0, &["schema version 0"]);
    let url = format!("sqlite:{}", place.path("data/afternote.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .unwrap();
    let said = tokio::task::spawn_blocking(move || place.run(&["dispatch"]))
        .await
        .unwrap();
    said.check(2, &["the database is busy"]);
}

#[test]
fn migrating_twice_does_nothing_the_second_time() {
    let place = Place::new("");
    place
        .run(&["migrate"])
        .check(0, &["from schema version 0 to"]);
    place.run(&["migrate"]).check(0, &["nothing to do"]);
}

#[test]
fn the_configuration_is_shown_without_secrets() {
    let place = Place::new("");
    for format in ["text", "json"] {
        let said = place.run(&["config", "show", "--format", format]);
        said.check(0, &["lamps.example"]);
        assert!(!said.out.contains("of-these-tests-alone"), "{format}");
    }
    place
        .run_bare(&["config", "default"])
        .check(0, &["# Every key of afternote"]);
    let example = place.run_bare(&["config", "example"]);
    place.write("own.toml", &example.out);
    place
        .run_bare(&["--config", "own.toml", "config", "show"])
        .check(0, &["lamps.example.com"]);
}
