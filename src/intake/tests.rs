use std::fmt::Write as _;

use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::{report::Report, *};

mod json;
mod rows;

pub(super) fn options() -> Options {
    Options {
        channel: "my-shop".to_owned(),
        zone: Berlin,
        now: Some("2026-03-20T10:00:00Z".parse().unwrap()),
        not_after: None,
    }
}

/// Everything a file gives, as lines a reviewer can read.
fn told(text: &[u8], options: Options) -> String {
    let (format, reader) = match sniff("file", text) {
        Ok(sniffed) => sniffed,
        Err(error) => return format!("! {error}\n"),
    };
    let records = match open(format, reader, options) {
        Ok(records) => records,
        Err(error) => return format!("! {error}\n"),
    };
    let mut out = format!("{format}\n");
    for note in records.notes() {
        writeln!(out, "note: {note}").unwrap();
    }
    for item in records {
        match item {
            Ok(record) => tell(&record, &mut out),
            Err(error) => writeln!(out, "! {error}").unwrap(),
        }
    }
    out
}

fn tell(record: &Record, out: &mut String) {
    let channel = record.channel.as_deref().unwrap_or("-");
    writeln!(out, "{} {} {channel}", record.line, record.order_ref).unwrap();
    for event in &record.events {
        let at = event.occurred_at.to_rfc3339();
        let mut fact = serde_json::to_value(&event.fact).unwrap();
        let data = fact["data"].take();
        let parcel = event.parcel_ref.as_deref().unwrap_or("-");
        let (kind, precision, refs) = (event.fact.kind(), event.precision, &event.line_refs);
        writeln!(out, "  {kind} {at} {precision:?} {parcel} {refs:?} {data}").unwrap();
    }
    for warning in &record.warnings {
        writeln!(out, "  ~ {warning}").unwrap();
    }
}

fn records(text: &str) -> Vec<Result<Record, ReadError>> {
    let (format, reader) = sniff("file", text.as_bytes()).unwrap();
    open(format, reader, options()).unwrap().collect()
}

/// The events' kinds of each record, or the first error.
fn check(text: &str, expected: &[Result<&[&str], &str>]) {
    let found = records(text);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        match (found, expected) {
            (Ok(record), Ok(kinds)) => {
                let found: Vec<&str> = record.events.iter().map(|e| e.fact.kind()).collect();
                assert_eq!(&found, kinds, "{text}");
            }
            (Err(error), Err(part)) => {
                let error = error.to_string();
                assert!(error.contains(part), "{error}\nlacks {part}");
            }
            _ => panic!("{found:?}, expected {expected:?}"),
        }
    }
}

const SAMPLE_CSV: &str = include_str!("../../samples/orders.csv");
const SAMPLE_JSONL: &str = include_str!("../../samples/orders.jsonl");
const SAMPLE_SHOPIFY: &str = include_str!("../../samples/shopify-export.csv");

#[test]
fn the_sample_csv_gives_these_events() {
    insta::assert_snapshot!(told(SAMPLE_CSV.as_bytes(), options()));
}

#[test]
fn the_sample_json_lines_give_these_events() {
    insta::assert_snapshot!(told(SAMPLE_JSONL.as_bytes(), options()));
}

#[test]
fn the_sample_shopify_export_gives_these_events() {
    insta::assert_snapshot!(told(SAMPLE_SHOPIFY.as_bytes(), options()));
}

#[test]
fn separators_line_ends_marks_and_decimal_commas_change_nothing() {
    let plain = "order_ref,accepted_at,total,currency\nX1,02.03.2026 10:00,1250.50,eur\n";
    let expected = records(plain).remove(0).unwrap().events;
    for text in [
        "\u{feff}order_ref,accepted_at,total,currency\r\nX1,02.03.2026 10:00,1250.50,eur\r\n",
        "order_ref;accepted_at;total;currency\nX1;02.03.2026 10:00;1.250,50;eur",
        "sep=;\r\nOrder Ref;Accepted-At;TOTAL;currency\r\nX1;2026-03-02 10:00;1250,50;EUR\r\n",
        "order_ref\taccepted_at\ttotal\tcurrency\nX1\t2026-03-02 10:00\t1 250,50\teur\n",
        "\"order_ref\",\"accepted_at\",\"total\",\"currency\"\n\"X1\",\"2026-03-02 10:00\",\"1,250.50\",\"EUR\"\n",
    ] {
        assert_eq!(records(text).remove(0).unwrap().events, expected, "{text}");
    }
}

#[test]
fn a_bad_value_refuses_its_order_alone_and_names_its_place() {
    check(
        "order_ref,accepted_at,total\nX1,2026-03-02,1.00\nX2,03/04/2026,1.00\nX2,,1x\nX3,2026-03-02,1.00\n",
        &[
            Ok(&["order_accepted"]),
            Err(
                "line 3, column 2 (`accepted_at`): a date with slashes may mean two days (it looks like `99/99/9999`)",
            ),
            Ok(&["order_accepted"]),
        ],
    );
    check(
        "order_ref,accepted_at,quantity,title\nX1,2026-03-02,two,Cup\nX2,2026-03-02,2.0,Cup\n",
        &[
            Err(
                "line 2, column 3 (`quantity`): this is no count (it looks like `aaa`); write a whole number",
            ),
            Ok(&["order_accepted"]),
        ],
    );
}

#[test]
fn every_error_of_an_order_is_told_at_once() {
    let text = "order_ref,accepted_at,total,country,basis,title,delivery_evidence,delivered_at\n\
                X1,soon,1x,Germany,mail,Cup,promised_date,2026-03-02\n";
    let Err(ReadError::Rejected(rejected)) = records(text).remove(0) else {
        panic!("accepted")
    };
    let fields: Vec<_> = rejected
        .errors
        .iter()
        .filter_map(|e| e.field.as_deref())
        .collect();
    assert_eq!(
        fields,
        [
            "accepted_at",
            "total",
            "country",
            "basis",
            "delivery_evidence"
        ]
    );
    assert_eq!(rejected.order_ref.as_deref(), Some("X1"));
}

#[test]
fn a_header_that_cannot_be_used_refuses_the_file() {
    for (text, part) in [
        (
            "order_ref,title\nX1,Cup\n",
            "no column says when something happened",
        ),
        (
            "order_ref,paid_at,Paid At\nX1,,\n",
            "line 1, column 3 (`Paid At`): two columns",
        ),
        (
            "order_nr,buyer,paid_on\nX1,,\n",
            "perhaps write `order_nr` as `order_ref`",
        ),
    ] {
        let told = told(text.as_bytes(), options());
        assert!(told.starts_with("! ") && told.contains(part), "{told}");
    }
}

#[test]
fn unread_columns_are_noted_with_the_one_probably_meant() {
    let told = told(
        b"order_ref,accepted_at,delivred_at,colour\nX1,2026-03-02,x,red\n",
        options(),
    );
    assert!(
        told.contains("(`delivred_at`): nobody reads this column; did you mean `delivered_at`?"),
        "{told}"
    );
    assert!(
        told.contains("(`colour`): nobody reads this column\n"),
        "{told}"
    );
}

#[test]
fn a_future_date_is_refused_where_the_present_is_known() {
    let text =
        "order_ref,accepted_at,delivered_at,expected_at\nX1,2026-03-02,2026-03-30,2026-04-02\n";
    let mut options = options();
    options.not_after = options.now;
    let told = told(text.as_bytes(), options);
    assert!(
        told.contains("column 3 (`delivered_at`): the date lies in the future"),
        "{told}"
    );
    assert!(!told.contains("(`expected_at`): the date"), "{told}");
}

#[test]
fn an_expected_day_lasts_until_its_end() {
    let text = "order_ref,accepted_at,promised_by\nX1,2026-03-02,2026-03-29\n";
    let told = told(text.as_bytes(), options());
    assert!(
        told.contains("\"promised_delivery_to\":\"2026-03-29T21:59:59Z\""),
        "{told}"
    );
}

#[test]
fn reading_a_file_again_repeats_its_keys_and_a_change_makes_new_ones() {
    let keys = |text: &str, channel: &str| -> Vec<String> {
        let mut options = options();
        options.channel = channel.to_owned();
        options.now = None;
        let found = open(Format::OrdersCsv, text.as_bytes(), options).unwrap();
        found
            .flat_map(|r| r.unwrap().events)
            .map(|e| e.source_event_id)
            .collect()
    };
    let first = keys(SAMPLE_CSV, "a");
    assert_eq!(first, keys(SAMPLE_CSV, "a"));
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len());
    assert!(
        first
            .iter()
            .zip(keys(SAMPLE_CSV, "b"))
            .all(|(a, b)| *a != b)
    );
    let changed = keys(
        &SAMPLE_CSV.replace("2026-03-05 11:22", "2026-03-05 11:23"),
        "a",
    );
    let differing = first.iter().zip(&changed).filter(|(a, b)| a != b).count();
    assert_eq!(differing, 1);
}

#[test]
fn shopify_rows_below_the_first_belong_to_it_and_nothing_is_delivered() {
    let told = told(SAMPLE_SHOPIFY.as_bytes(), options());
    assert!(!told.contains("delivered 2"), "{told}");
    assert!(told.contains("\"method\":\"cod\""), "{told}");
    assert!(told.contains("5900000001041"), "{told}");
}

#[test]
fn a_shopify_id_a_spreadsheet_has_rounded_is_refused() {
    check(
        "Name,Created at,Lineitem name,Id\n#1,2026-03-02 10:00:00 +0100,Cup,5.9E+12\n#2,2026-03-02 10:00:00 +0100,Cup,\n",
        &[
            Err("line 2, column 4 (`Id`): the id is no whole number"),
            Ok(&["order_accepted"]),
        ],
    );
}

#[test]
fn no_message_repeats_a_name_or_an_address() {
    let text = "order_ref,accepted_at,total,country,quantity,ships,currency,title,tracking_url,region,zone,language\n\
                X1,anna@example.com,anna,anna,anna,anna,anna,Cup,anna,annab,anna,anna!\n";
    let told = told(text.as_bytes(), options());
    assert!(told.matches("line 2").count() >= 7, "{told}");
    assert!(!told.contains("anna"), "{told}");
}

#[test]
fn the_report_counts_and_reads_well() {
    let text = "order_ref,accepted_at,buyer_email,language,colour\nX1,2026-03-02,,xx!,\nX2,2026-03-02,a@example.com,xx!,\nX3,soon,,,\n";
    let (format, reader) = sniff("file", text.as_bytes()).unwrap();
    let records = open(format, reader, options()).unwrap();
    let mut report = Report::new(format, &records);
    for item in records {
        report.add(&item);
    }
    insta::assert_snapshot!(report);
    insta::assert_json_snapshot!(report);
    assert!(!report.is_clean());
}

#[test]
fn each_column_is_documented() {
    let csv = include_str!("../../docs/import-csv.md");
    for column in columns() {
        let row = format!("| `{}` | {} |", column.name, column.meaning);
        assert!(csv.contains(&row), "docs/import-csv.md lacks\n{row}");
    }
    let json = include_str!("../../docs/import-jsonl.md");
    for kind in crate::order::Fact::KINDS {
        let is_internal = crate::order::Fact::INTERNAL_KINDS.contains(&kind);
        assert_eq!(
            json.contains(&format!("`{kind}`")),
            !is_internal,
            "docs/import-jsonl.md: {kind}"
        );
    }
}

#[test]
fn the_examples_of_the_documentation_are_read_without_a_complaint() {
    for (name, page, count) in [
        ("import-csv.md", include_str!("../../docs/import-csv.md"), 3),
        (
            "import-jsonl.md",
            include_str!("../../docs/import-jsonl.md"),
            2,
        ),
    ] {
        let blocks: Vec<&str> = page
            .split("```")
            .skip(1)
            .step_by(2)
            .filter_map(|block| block.strip_prefix("csv\n").or(block.strip_prefix("json\n")))
            .collect();
        assert_eq!(blocks.len(), count, "{name}");
        for block in blocks {
            let told = told(block.as_bytes(), options());
            assert!(
                !told.contains("! ") && !told.contains("~ ") && !told.contains("note:"),
                "{name}: {told}"
            );
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused_without_panic(
        format in prop_oneof![
            Just(Format::OrdersCsv), Just(Format::ShopifyCsv), Just(Format::JsonLines), Just(Format::JsonArray)
        ],
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let _ = detect("x", &bytes);
        if let Ok(records) = open(format, bytes.as_slice(), options()) {
            prop_assert!(records.count() <= bytes.len() + 1);
        }
    }

    #[test]
    fn arbitrary_values_are_read_or_refused_without_panic(values in proptest::collection::vec(".{0,20}", 8)) {
        for header in [
            "order_ref,accepted_at,total,quantity,title,country,delivered_at,tags",
            "Name,Created at,Lineitem name,Total,Id,Refunded Amount,Paid at,Shipping Country",
        ] {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&values).unwrap();
            let row = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let text = format!("{header}\n{row}");
            let (format, reader) = sniff("x", text.as_bytes()).unwrap();
            prop_assert!(open(format, reader, options()).unwrap().count() <= 2);
        }
    }

    #[test]
    fn arbitrary_objects_are_read_or_refused_without_panic(key in "[a-z_]{1,12}", value in ".{0,20}") {
        let line = serde_json::json!({
            "order_ref": "1", "paid_at": value, "lines": [{key.clone(): value}], key: value,
        });
        prop_assert_eq!(records(&line.to_string()).len(), 1);
    }
}

#[test]
fn a_reference_as_long_as_a_text_is_refused() {
    let long = "x".repeat(256);
    check(
        &format!("order_ref,paid_at\n{long},2026-03-02\nX2,2026-03-02\n"),
        &[
            Err("line 2 (`order_ref`): the reference is longer than 255 bytes"),
            Ok(&["payment_received"]),
        ],
    );
    check(
        &format!(
            "{{\"order_ref\":1,\"kind\":\"lost\",\"occurred_at\":\"2026-03-02\",\"parcel_ref\":\"{long}\"}}"
        ),
        &[Err("line 1 (`parcel_ref`): the reference is longer")],
    );
}
