//! What the tables must hold to, on both engines.

mod asking;
mod intake;
mod leaving;
mod schema;

use chrono::TimeDelta;

use crate::{
    clock::{Instant, from_millis},
    mail::{MailClass, MailKind, Platform},
    order::OrderEvent,
    sequence::{Reason, Scope},
};

use super::{
    Db, MessageRow, Settings, Status, StoreError, Ts,
    buyers::Suppression,
    channels::ChannelRow,
    dispatch::{Claim, Decided, Leased, Verdict},
    doubt::Resolution,
    ledger::{Filter, Page},
    orders::{Lock, NewEvent, OrderKey, OrderUpdate, ParcelRow},
    plan::{PlanChange, Planned},
    purge::Retention,
    rows::Covers,
    settle::{Frozen, IntentRow, Outcome, SettleRow, Settled},
    switches::{Cause, Switch},
    testing::{on_both, on_postgres, on_sqlite},
};

/// A moment so many minutes into the test.
fn at(minutes: i64) -> Instant {
    from_millis(1_750_000_000_000) + TimeDelta::minutes(minutes)
}

fn facts(text: &str) -> Vec<OrderEvent> {
    vec![
        serde_json::from_value(serde_json::json!({
            "source": "csv", "source_event_id": "1", "order_ref": text,
            "occurred_at": "2025-06-15T12:00:00Z", "kind": "order_accepted",
            "data": {"buyer": {"name": format!("Zażółć \"{text}\" \\ \u{0} 😀")}},
        }))
        .unwrap(),
    ]
}

/// Makes the channel `shop` and so many orders at version 1.
async fn orders(db: &Db, count: usize) -> Vec<i64> {
    let keys: Vec<OrderKey> = (0..count)
        .map(|n| OrderKey {
            channel: "shop".to_owned(),
            external_ref: format!("A{n}"),
        })
        .collect();
    let mut tx = db.begin().await.unwrap();
    let channel = ChannelRow {
        name: "shop".to_owned(),
        platform: Platform::Shop,
        started_at: None,
    };
    tx.put_channels(&[channel], at(0)).await.unwrap();
    let ids = tx.ensure_orders(&keys, at(0)).await.unwrap();
    let facts = facts("A");
    let updates: Vec<OrderUpdate<'_>> = ids.iter().map(|id| update(*id, 0, &facts)).collect();
    assert_eq!(tx.save_orders(&updates, at(0)).await.unwrap(), [0; 0]);
    tx.commit().await.unwrap();
    ids
}

fn update(id: i64, expected_version: i64, facts: &[OrderEvent]) -> OrderUpdate<'_> {
    OrderUpdate {
        id,
        expected_version,
        facts,
        stage: "accepted",
        accepted_at: Some(at(0).into()),
        buyer_key: Some("buyer"),
        is_test: false,
        is_history: false,
        parcels: vec![ParcelRow {
            parcel_ref: "p1",
            carrier: Some("dhl"),
            tracking_number: Some("T-1"),
        }],
    }
}

fn change(order_id: i64, kind: MailKind, planned: Planned) -> PlanChange {
    PlanChange {
        order_id,
        channel: "shop".to_owned(),
        step: kind.as_str().to_owned(),
        scope: Scope::Order,
        revision: 0,
        kind,
        planned,
        reason: None,
        detail: None,
        window_from: None,
        window_until: None,
        order_version: 1,
        buyer_key: Some("buyer".to_owned()),
    }
}

async fn plan(db: &Db, changes: &[PlanChange], now: Instant) -> u64 {
    let mut tx = db.begin().await.unwrap();
    let written = tx.write_plan(changes, now).await.unwrap();
    tx.commit().await.unwrap();
    written
}

/// One accepted mail for each of so many orders, due at minute 0.
async fn due(db: &Db, count: usize) -> Vec<i64> {
    let ids = orders(db, count).await;
    let changes: Vec<PlanChange> = ids
        .iter()
        .map(|id| change(*id, MailKind::Accepted, Planned::At(at(0).into())))
        .collect();
    assert_eq!(plan(db, &changes, at(0)).await, count as u64);
    ids
}

async fn claim(db: &Db, worker: &str, now: Instant, limit: u32) -> Vec<MessageRow> {
    let mut tx = db.single().await.unwrap();
    let loaded = tx
        .claim(Claim {
            channel: "shop",
            class: MailClass::Transactional,
            now,
            lease_until: now + TimeDelta::minutes(1),
            worker,
            limit,
        })
        .await
        .unwrap();
    assert!(loaded.corrupt.is_empty());
    loaded.rows
}

const RAW: &[u8] = b"Subject: \xc5\xbc\r\n\r\n\x00\xff body\r\n";

async fn intent(db: &Db, worker: &str, row: &MessageRow, version: i64, now: Instant) -> Vec<i64> {
    let mut tx = db.begin().await.unwrap();
    let frozen = Frozen {
        message_id: "<1@id.example>",
        sender: "s@example.com",
        recipient: "r@example.com",
        raw: RAW,
        template: "accepted/en",
        template_hash: "h1",
    };
    let passed = tx
        .intent(
            worker,
            &[IntentRow {
                leased: row.into(),
                order_version: version,
                parcels: &[],
                frozen: Some(frozen),
                lint: Some("{}"),
            }],
            now,
            now + TimeDelta::minutes(15),
        )
        .await
        .unwrap();
    tx.commit().await.unwrap();
    passed
}

fn outcome(leased: Leased, outcome: Outcome, settled: Settled) -> SettleRow {
    SettleRow {
        leased,
        started_at: at(1).into(),
        outcome,
        settled,
        reason: None,
        detail: None,
        code: Some(250),
        enhanced: Some("2.0.0".to_owned()),
        reply: Some("ok".to_owned()),
        cause: None,
    }
}

async fn settle(db: &Db, worker: &str, row: SettleRow, now: Instant) -> Vec<i64> {
    let mut tx = db.begin().await.unwrap();
    let settled = tx.settle(worker, &[row], now).await.unwrap();
    tx.commit().await.unwrap();
    settled
}

async fn message(db: &Db, id: i64) -> MessageRow {
    db.read().await.unwrap().message(id).await.unwrap().unwrap()
}
