//! How fast the store takes events in, hands due mails out and finds that nothing is due.
//!
//! `cargo bench --bench store` with `AFTERNOTE_TEST_POSTGRES_URL` set; full durability on both
//! engines. `WAITING` (default 200000) sets how many mails wait for another day.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first error, prints, and reads its environment"
)]

use std::time::{Duration, Instant as Stopwatch};

use afternote::{
    clock::{Instant, from_millis},
    mail::{MailClass, MailKind, Platform},
    order::OrderEvent,
    sequence::Scope,
    store::{
        Db, Engine, Settings,
        channels::ChannelRow,
        dispatch::Claim,
        orders::{Lock, NewEvent, OrderKey, OrderUpdate},
        plan::{PlanChange, Planned},
        settle::{Frozen, IntentRow, Outcome, SettleRow, Settled},
    },
};
use chrono::TimeDelta;

#[path = "../src/store/testing.rs"]
mod testing;

const BATCH: usize = 500;
const DUE: usize = 10_000;

#[tokio::main]
async fn main() {
    testing::on_both(bench).await;
}

fn now() -> Instant {
    from_millis(1_750_000_000_000)
}

fn report(db: &Db, what: &str, count: usize, since: Stopwatch) {
    let seconds = since.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let count = count as f64;
    let engine = match db.engine() {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    };
    println!(
        "{engine:9} {what:44} {:>9.0}/s {:>9.3} ms each",
        count / seconds,
        seconds * 1000.0 / count
    );
}

async fn bench(db: Db) {
    let waiting: usize = std::env::var("WAITING")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(200_000);
    let channel = ChannelRow {
        name: "shop".to_owned(),
        platform: Platform::Shop,
        started_at: None,
    };
    let mut tx = db.begin().await.unwrap();
    tx.put_channels(&[channel], now()).await.unwrap();
    tx.commit().await.unwrap();

    let since = Stopwatch::now();
    let mut orders = Vec::new();
    for batch in 0..20 {
        orders.extend(ingest(&db, batch).await);
    }
    report(
        &db,
        "events of new orders, saved and planned",
        20 * BATCH,
        since,
    );

    let since = Stopwatch::now();
    for batch in 20..40 {
        let mut tx = db.begin().await.unwrap();
        let events: Vec<NewEvent> = orders
            .iter()
            .take(BATCH)
            .enumerate()
            .map(|(n, id)| event(*id, batch * BATCH + n))
            .collect();
        assert!(
            tx.insert_events(&events)
                .await
                .unwrap()
                .iter()
                .all(|is_new| *is_new)
        );
        tx.commit().await.unwrap();
    }
    report(&db, "events remembered, nothing else", 20 * BATCH, since);

    let since = Stopwatch::now();
    let later = now() + TimeDelta::days(3);
    let mut number = 0;
    while number < waiting {
        let changes: Vec<PlanChange> = (number..number + 2_000)
            .map(|n| {
                let spread = TimeDelta::seconds(i64::try_from(n).unwrap());
                change(orders[n % orders.len()], n, later + spread)
            })
            .collect();
        number += changes.len();
        let mut tx = db.begin().await.unwrap();
        tx.write_plan(&changes, now()).await.unwrap();
        tx.commit().await.unwrap();
    }
    report(&db, "decisions written", number, since);

    empty_claims(&db, "empty claim").await;
    let since = Stopwatch::now();
    for _ in 0..500 {
        let mut tx = db.single_read().await.unwrap();
        assert_eq!(tx.due_channels(now()).await.unwrap(), []);
    }
    report(&db, "due channels, none", 500, since);

    for (what, raw) in [
        ("claim + intent + settle, 100 a time", None),
        ("the same, 6 kB frozen each", Some(vec![b'x'; 6_000])),
    ] {
        let mut tx = db.begin().await.unwrap();
        let base = if raw.is_none() {
            10_000_000
        } else {
            20_000_000
        };
        let changes: Vec<PlanChange> = (0..DUE)
            .map(|n| change(orders[n % orders.len()], base + n, now()))
            .collect();
        tx.write_plan(&changes, now()).await.unwrap();
        tx.commit().await.unwrap();
        let since = Stopwatch::now();
        let mut sent = 0;
        let mut stages = [Duration::ZERO; 3];
        loop {
            let count = cycle(&db, raw.as_deref(), &mut stages).await;
            if count == 0 {
                break;
            }
            sent += count;
        }
        assert_eq!(sent, DUE);
        report(&db, what, sent, since);
        println!("          of which claim, intent, settle: {stages:.2?}");
    }
    empty_claims(&db, "empty claim after the drain").await;
}

async fn empty_claims(db: &Db, what: &str) {
    let since = Stopwatch::now();
    for _ in 0..1_000 {
        let mut tx = db.single().await.unwrap();
        assert!(tx.claim(claim()).await.unwrap().rows.is_empty());
    }
    report(db, what, 1_000, since);
    let mut tx = db.single().await.unwrap();
    let since = Stopwatch::now();
    for _ in 0..1_000 {
        assert!(tx.claim(claim()).await.unwrap().rows.is_empty());
    }
    report(db, "the same on one connection", 1_000, since);
}

fn claim() -> Claim<'static> {
    Claim {
        channel: "shop",
        class: MailClass::Transactional,
        now: now(),
        lease_until: now() + TimeDelta::minutes(1),
        worker: "bench",
        limit: 100,
    }
}

async fn cycle(db: &Db, raw: Option<&[u8]>, stages: &mut [Duration; 3]) -> usize {
    let since = Stopwatch::now();
    let mut tx = db.single().await.unwrap();
    let rows = tx.claim(claim()).await.unwrap().rows;
    drop(tx);
    if rows.is_empty() {
        return 0;
    }
    stages[0] += since.elapsed();
    let since = Stopwatch::now();
    let frozen = raw.map(|raw| Frozen {
        message_id: "<0123456789abcdef@id.example>",
        sender: "shop@example.com",
        recipient: "buyer@example.com",
        raw,
        template: "shipped/en",
        template_hash: "0123456789abcdef",
    });
    let intents: Vec<IntentRow<'_>> = rows
        .iter()
        .map(|row| IntentRow {
            leased: row.into(),
            parcels: &[],
            order_version: 1,
            frozen,
            lint: None,
        })
        .collect();
    let mut tx = db.begin().await.unwrap();
    let until = now() + TimeDelta::minutes(15);
    let passed = tx.intent("bench", &intents, now(), until).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(passed.len(), rows.len());
    stages[1] += since.elapsed();
    let since = Stopwatch::now();
    let settles: Vec<SettleRow> = rows
        .iter()
        .map(|row| SettleRow {
            leased: row.into(),
            started_at: now().into(),
            outcome: Outcome::Accepted,
            settled: Settled::Sent,
            reason: None,
            detail: None,
            code: Some(250),
            enhanced: Some("2.0.0".to_owned()),
            reply: Some("2.0.0 Ok: queued".to_owned()),
            cause: None,
        })
        .collect();
    let mut tx = db.begin().await.unwrap();
    let settled = tx.settle("bench", &settles, now()).await.unwrap();
    tx.commit().await.unwrap();
    stages[2] += since.elapsed();
    settled.len()
}

async fn ingest(db: &Db, batch: usize) -> Vec<i64> {
    let keys: Vec<OrderKey> = (0..BATCH)
        .map(|n| OrderKey {
            channel: "shop".to_owned(),
            external_ref: format!("B{batch}-{n}"),
        })
        .collect();
    let mut tx = db.begin().await.unwrap();
    let ids = tx.ensure_orders(&keys, now()).await.unwrap();
    let loaded = tx.load_orders(&ids, Lock::Rows).await.unwrap();
    assert_eq!(loaded.rows.len(), BATCH);
    let events: Vec<NewEvent> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| event(*id, batch * BATCH + n))
        .collect();
    tx.insert_events(&events).await.unwrap();
    let facts: Vec<OrderEvent> = vec![
        serde_json::from_value(serde_json::json!({
            "source": "csv", "source_event_id": "1", "order_ref": "1",
            "occurred_at": "2025-06-15T12:00:00Z", "kind": "order_accepted",
            "data": {
                "buyer": {"name": "Jan Kowalski", "email": "jan@example.com", "country": "PL"},
                "lines": [{"line_ref": "1", "title": "A lamp", "sku": "L-1"}],
                "currency": "EUR", "total": "12.50"
            },
        }))
        .unwrap(),
    ];
    let updates: Vec<OrderUpdate<'_>> = ids
        .iter()
        .map(|id| OrderUpdate {
            id: *id,
            expected_version: 0,
            facts: &facts,
            stage: "accepted",
            accepted_at: Some(now().into()),
            buyer_key: Some("0123456789abcdef0123456789abcdef"),
            is_test: false,
            is_history: false,
            parcels: Vec::new(),
        })
        .collect();
    assert!(tx.save_orders(&updates, now()).await.unwrap().is_empty());
    let changes: Vec<PlanChange> = ids
        .iter()
        .map(|id| change(*id, 0, now() + TimeDelta::days(2)))
        .collect();
    tx.write_plan(&changes, now()).await.unwrap();
    tx.commit().await.unwrap();
    ids
}

fn event(order_id: i64, number: usize) -> NewEvent {
    NewEvent {
        order_id,
        source: "shopify:example-shop".to_owned(),
        source_event_id: format!("event-{number}"),
        meaning_key: format!("shipped:{number}"),
        kind: "shipped",
        parcel_ref: Some("p1".to_owned()),
        occurred_at: now().into(),
        received_at: now().into(),
        is_backfill: false,
    }
}

fn change(order_id: i64, number: usize, due_at: Instant) -> PlanChange {
    PlanChange {
        order_id,
        channel: "shop".to_owned(),
        step: "shipped".to_owned(),
        scope: Scope::Parcel(format!("p{number}")),
        revision: 0,
        kind: MailKind::Shipped,
        planned: Planned::At(due_at.into()),
        reason: None,
        detail: None,
        window_from: Some(due_at.into()),
        window_until: Some((due_at + TimeDelta::days(3)).into()),
        order_version: 1,
        buyer_key: Some("0123456789abcdef0123456789abcdef".to_owned()),
    }
}
