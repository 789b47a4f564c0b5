//! The whole path under load: import, claim, plan, render, lint, intent, SMTP, settle.
//!
//! `cargo bench --bench pipeline -- [SENT] [STORED]` prints one table; scripts/bench calls it. Rows
//! are rates and times of one run on this machine; the sink is a relay on loopback that keeps
//! nothing, the floor is the same sink fed with one frozen mail by the same transport.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    reason = "a benchmark"
)]

use std::{sync::Arc, time::Instant as Stopwatch};

use afternote::{
    clock::{Clock, ManualClock},
    config::{Config, LoadOptions},
    deliver::{
        Outgoing,
        fake_relay::{FakeRelay, RelayOptions},
    },
    engine::{
        Engine, Incoming, Intake,
        assemble::{self, Deliver},
    },
    order::{
        Fact, Order, OrderEvent, TimePrecision,
        event::{Basis, BasisRecord, Buyer, Line, OrderDetails, Payment, Shipment},
    },
    plan::{BuyerStanding, Detail, Ledger, plan},
};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_449_200, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn event(order: usize, minutes: i64, parcel: Option<&str>, fact: Fact) -> OrderEvent {
    OrderEvent {
        source: "bench".to_owned(),
        source_event_id: &format!("{}-{order}", fact.kind()),
        order_ref: &format!("B-{order}"),
        parcel_ref: parcel.map(str::to_owned),
        line_refs: Vec::new(),
        occurred_at: at(minutes),
        precision: TimePrecision::Second,
        received_at: None,
        test: false,
        backfill: false,
        fact,
    }
}

fn accepted(order: usize) -> Fact {
    Fact::OrderAccepted(OrderDetails {
        buyer: Buyer {
            email: Some(&format!("buyer{order}@example.com")),
            name: Some("Anna Beispiel".to_owned()),
            country: Some("DE".to_owned()),
            ..Buyer::default()
        },
        language: Some("de".to_owned()),
        currency: Some("EUR".to_owned()),
        total: Some("34.70".parse().unwrap()),
        lines: (0..3)
            .map(|n| Line {
                line_ref: &format!("l{n}"),
                sku: None,
                title: "Becher 330 ml, handgedreht".to_owned(),
                quantity: 1,
                price: Some("9.90".parse().unwrap()),
                ships: true,
            })
            .collect(),
        basis: Some(BasisRecord {
            basis: Basis::Consent,
            at: None,
            place: None,
            text_version: None,
        }),
        ..OrderDetails::default()
    })
}

async fn engine(
    url: &str,
    relay: &FakeRelay,
    clock: &Arc<ManualClock>,
    folder: &std::path::Path,
) -> Engine {
    let file = folder.join("bench.toml");
    let port = relay.address().port();
    let base = include_str!("../config/example.toml")
        .replace("example-only-replace-me-0123456789abcdef", "bench-key-bench-key-bench-key-bench-key")
        .replace(
            "type = \"file\"\ndir = \"data/outbox\"",
            &format!("type = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nconnections = 5\nmessages_per_connection = 100000"),
        );
    std::fs::write(&file, &format!("{base}\n[database]\nurl = \"{url}\"\n")).unwrap();
    let config = Config::load(&LoadOptions {
        files: vec![file],
        ..LoadOptions::default()
    })
    .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    assemble::engine(&config, clock, "bench".to_owned(), Deliver::AsConfigured)
        .await
        .unwrap()
}

fn row(what: &str, value: &str) {
    println!("{what:<58} {value:>22}");
}

async fn measure(name: &str, url: &str, sent: usize, stored: usize) {
    let folder = tempfile::tempdir().unwrap();
    let relay = FakeRelay::start(RelayOptions {
        forget_mails: true,
        ..RelayOptions::default()
    })
    .await
    .unwrap();
    let clock = Arc::new(ManualClock::new(at(0)));
    let engine = engine(url, &relay, &clock, folder.path()).await;
    // Waiting rows: paid long before they are due.
    let started = Stopwatch::now();
    let mut events = 0_usize;
    for chunk in (0..stored).collect::<Vec<_>>().chunks(250) {
        let batch: Vec<Incoming> = chunk
            .iter()
            .flat_map(|n| {
                let order = sent + n;
                [
                    event(order, 0, None, accepted(order)),
                    // Shipped: due an hour later, which never comes in this run.
                    event(order, 1, Some("p1"), Fact::Shipped(Shipment::default())),
                ]
            })
            .map(|event| Incoming {
                channel: "shop".to_owned(),
                event,
            })
            .collect();
        events += batch.len();
        engine.apply(batch, Intake::Live).await.unwrap();
    }
    if stored > 0 {
        let rate = events as f64 / started.elapsed().as_secs_f64();
        row(
            &format!("{name}: intake, 500 events a transaction"),
            &format!("{rate:.0} events/s"),
        );
    }
    let (_keep_going, stop) = watch::channel(false);
    // Clears the mails that were due at once, so that the measured ones stand alone.
    clock.set(at(60 * 24 * 4));
    let cleared = Stopwatch::now();
    let report = engine.dispatch(&stop).await.unwrap();
    if report.claimed > 0 {
        row(
            &format!("{name}: rows decided and not sent"),
            format!(
                "{:.0} rows/s",
                report.claimed as f64 / cleared.elapsed().as_secs_f64()
            ),
        );
    }
    for chunk in (0..sent).collect::<Vec<_>>().chunks(500) {
        let batch = chunk
            .iter()
            .map(|n| {
                let mut event = event(*n, 60 * 24 * 4, None, accepted(*n));
                event.source_event_id.push('s');
                Incoming {
                    channel: "shop".to_owned(),
                    event,
                }
            })
            .collect();
        engine.apply(batch, Intake::Live).await.unwrap();
    }
    let empty_before = relay.accepted();
    let started = Stopwatch::now();
    let report = engine.dispatch(&stop).await.unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(
        relay.accepted() - empty_before,
        report.sent,
        "every mail reached the sink"
    );
    row(
        &format!("{name}: dispatch until idle, {} mails", report.sent),
        &format!("{:.0} mails/s", report.sent as f64 / seconds),
    );
    let started = Stopwatch::now();
    for _ in 0..200 {
        engine.dispatch(&stop).await.unwrap();
    }
    row(
        &format!("{name}: tick with nothing due"),
        &format!("{:.3} ms", started.elapsed().as_secs_f64() * 1000.0 / 200.0),
    );
    // The floor: the same transport and sink, one frozen mail again and again.
    let channel = engine.channels()["shop"].clone();
    let raw = vec![b'x'; 76]
        .into_iter()
        .chain(*b"\r\n")
        .cycle()
        .take(78 * 300)
        .collect::<Vec<u8>>();
    let envelope = afternote::mail::Envelope {
        sender: "a@example.com".parse().unwrap(),
        recipient: "b@example.com".parse().unwrap(),
    };
    let mail = Outgoing::new(envelope, raw);
    let started = Stopwatch::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (transport, mail) = (channel.transport.clone(), mail.clone());
        tasks.spawn(async move {
            for _ in 0..2000 {
                transport.send(&mail).await;
            }
        });
    }
    tasks.join_all().await;
    row(
        &format!("{name}: floor, SMTP alone, 5 connections"),
        &format!("{:.0} mails/s", 10_000.0 / started.elapsed().as_secs_f64()),
    );
    engine.db().close().await;
}

fn pure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.toml");
    std::fs::write(&file, include_str!("../config/example.toml")).unwrap();
    let config = Config::load(&LoadOptions {
        files: vec![file],
        ..LoadOptions::default()
    })
    .unwrap();
    let started = Stopwatch::now();
    let blueprint = assemble::blueprint(&config).unwrap();
    row(
        "start: templates, lexicons, rules",
        &format!("{:.0} ms", started.elapsed().as_secs_f64() * 1000.0),
    );
    let rules = &blueprint.rules["shop"];
    let facts = vec![
        event(1, 0, None, accepted(1)),
        event(1, 1, None, Fact::PaymentReceived(Payment::default())),
        event(1, 2, Some("p1"), Fact::Shipped(Shipment::default())),
        event(
            1,
            3000,
            Some("p1"),
            Fact::Delivered(afternote::order::event::Delivery::default()),
        ),
    ];
    let order = Order::new("shop", "B-1").apply_all(&facts).unwrap();
    let (ledger, standing) = (Ledger::default(), BuyerStanding::default());
    let rounds = 20_000;
    let started = Stopwatch::now();
    for _ in 0..rounds {
        std::hint::black_box(plan(
            &order,
            rules,
            &ledger,
            &standing,
            at(3100),
            Detail::Verdicts,
        ));
    }
    row(
        "plan of a delivered order, 16 steps",
        format!(
            "{:.1} us",
            started.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
        ),
    );
    let started = Stopwatch::now();
    for _ in 0..rounds {
        std::hint::black_box(Order::from_facts("shop", "B-1", facts.clone()));
    }
    row(
        "order from its facts",
        format!(
            "{:.1} us",
            started.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
        ),
    );
}

#[tokio::main]
async fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let sent = numbers.first().copied().unwrap_or(20_000);
    let stored = numbers.get(1).copied().unwrap_or(0);
    pure();
    let folder = tempfile::tempdir().unwrap();
    measure(
        "SQLite",
        &format!("sqlite:{}/bench.db", folder.path().display()),
        sent,
        stored,
    )
    .await;
    if let Some(url) = bench_postgres() {
        measure("PostgreSQL", &url, sent, stored).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is told its server by scripts/bench"
)]
fn bench_postgres() -> Option<String> {
    std::env::var("AFTERNOTE_BENCH_POSTGRES_URL").ok()
}
