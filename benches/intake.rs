//! How fast order files are read: from bytes to events, without storing them.
//!
//! `cargo bench --bench intake`; the counter is rows (one row is one order here).

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark stops at what it does not expect"
)]

use std::fmt::Write as _;

use afternote::intake::{Format, Options, open};
use divan::{Bencher, counter::ItemsCount};

const ROWS: usize = 20_000;

fn main() {
    divan::main();
}

fn options() -> Options {
    Options {
        channel: "my-shop".to_owned(),
        zone: chrono_tz::Europe::Berlin,
        now: Some("2026-03-20T10:00:00Z".parse().unwrap()),
        not_after: None,
    }
}

/// Rows as a shop would export them; each gives four events.
fn orders_csv() -> String {
    let mut text = String::from(
        "order_ref,buyer_email,buyer_name,language,country,currency,total,accepted_at,paid_at,\
         payment_method,sku,title,quantity,price,shipped_at,carrier,tracking_number,tracking_url,\
         delivered_at,delivery_evidence,basis\n",
    );
    for row in 0..ROWS {
        writeln!(
            text,
            "{row},buyer{row}@example.com,\"Buyer, {row}\",de,DE,EUR,48.80,2026-03-02 09:14,\
             2026-03-02 09:15,card,CUP-BLUE,Blue cup,2,21.95,2026-03-03 15:40,dhl,{row:020},\
             https://track.example/{row:020},2026-03-05 11:22,carrier,consent"
        )
        .unwrap();
    }
    text
}

/// The same orders, line by line.
fn orders_jsonl() -> String {
    let mut text = String::new();
    for row in 0..ROWS {
        writeln!(
            text,
            "{{\"order_ref\":\"{row}\",\"buyer_email\":\"buyer{row}@example.com\",\
             \"buyer_name\":\"Buyer, {row}\",\"language\":\"de\",\"country\":\"DE\",\
             \"currency\":\"EUR\",\"total\":\"48.80\",\"accepted_at\":\"2026-03-02T09:14:00Z\",\
             \"paid_at\":\"2026-03-02T09:15:00Z\",\"payment_method\":\"card\",\
             \"lines\":[{{\"sku\":\"CUP-BLUE\",\"title\":\"Blue cup\",\"quantity\":2,\
             \"price\":\"21.95\"}}],\"parcels\":[{{\"shipped_at\":\"2026-03-03T15:40:00Z\",\
             \"carrier\":\"dhl\",\"tracking_number\":\"{row:020}\",\
             \"delivered_at\":\"2026-03-05T11:22:00Z\"}}]}}"
        )
        .unwrap();
    }
    text
}

fn events(format: Format, text: &str) -> usize {
    open(format, text.as_bytes(), options())
        .unwrap()
        .map(|item| item.unwrap().events.len())
        .sum()
}

#[divan::bench]
fn csv(bencher: Bencher<'_, '_>) {
    let text = orders_csv();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| events(Format::OrdersCsv, &text));
}

#[divan::bench]
fn json_lines(bencher: Bencher<'_, '_>) {
    let text = orders_jsonl();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| events(Format::JsonLines, &text));
}
