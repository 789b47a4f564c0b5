//! What the tables must hold to, on both engines.

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
    dispatch::{Claim, Decided, Leased, Verdict},
    ledger::{Filter, Page},
    orders::{ChannelRow, Lock, NewEvent, OrderKey, OrderUpdate, ParcelRow},
    plan::{PlanChange, Planned},
    purge::Retention,
    rows::Covers,
    settle::{Frozen, IntentRow, Outcome, Resolution, SettleRow, Settled},
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

#[tokio::test]
async fn facts_come_back_as_they_were_stored_and_ids_in_the_order_asked_for() {
    on_both(async |db| {
        let ids = orders(&db, 3).await;
        let mut tx = db.begin().await.unwrap();
        let key = |n: usize| OrderKey {
            channel: "shop".to_owned(),
            external_ref: format!("A{n}"),
        };
        let again = tx
            .ensure_orders(&[key(2), key(7), key(0), key(2)], at(1))
            .await
            .unwrap();
        assert_eq!([again[0], again[2], again[3]], [ids[2], ids[0], ids[2]]);
        assert!(!ids.contains(&again[1]));
        let loaded = tx.load_orders(&ids, Lock::Rows).await.unwrap();
        assert_eq!(loaded.rows.len(), 3);
        assert_eq!(loaded.rows[0].facts, facts("A"));
        assert_eq!(loaded.rows[0].version, 1);
        let found = tx.find_parcels(&["T-1", "none"]).await.unwrap();
        assert_eq!(found.len(), 3);
        let nul = OrderKey {
            channel: "shop".to_owned(),
            external_ref: "A\0".to_owned(),
        };
        let made = tx
            .ensure_orders(std::slice::from_ref(&nul), at(1))
            .await
            .unwrap();
        assert_eq!(tx.ensure_orders(&[nul], at(1)).await.unwrap(), made);
        let unknown = OrderKey {
            channel: "nowhere".to_owned(),
            external_ref: "1".to_owned(),
        };
        let result = tx.ensure_orders(&[unknown], at(1)).await;
        assert!(
            matches!(result, Err(StoreError::Conflict { .. })),
            "{result:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn one_order_that_cannot_be_read_does_not_hide_the_others() {
    on_both(async |db| {
        let ids = orders(&db, 2).await;
        let mut tx = db.begin().await.unwrap();
        let sql = super::Sql {
            name: "damage",
            lite: "UPDATE orders SET facts = '{' WHERE id = $1",
            pg: "UPDATE orders SET facts = '{' WHERE id = $1",
        };
        execute!(tx, sql, ids[0]).unwrap();
        let loaded = tx.load_orders(&ids, Lock::None).await.unwrap();
        assert_eq!(loaded.rows.iter().map(|o| o.id).collect::<Vec<_>>(), [ids[1]]);
        assert!(
            matches!(loaded.corrupt[..], [StoreError::Corrupt { table: "orders", column: "facts", id }] if id == ids[0])
        );
    })
    .await;
}

#[tokio::test]
async fn a_stale_version_is_refused_and_named() {
    on_both(async |db| {
        let ids = orders(&db, 2).await;
        let facts = facts("B");
        let mut tx = db.begin().await.unwrap();
        let conflicts = tx
            .save_orders(
                &[update(ids[0], 0, &facts), update(ids[1], 1, &facts)],
                at(1),
            )
            .await
            .unwrap();
        assert_eq!(conflicts, [ids[0]]);
    })
    .await;
}

#[tokio::test]
async fn an_event_is_new_once_by_its_key_and_once_by_its_meaning() {
    on_both(async |db| {
        let ids = orders(&db, 1).await;
        let event = |key: &str, meaning: &str| NewEvent {
            order_id: ids[0],
            source: "csv".to_owned(),
            source_event_id: key.to_owned(),
            meaning_key: meaning.to_owned(),
            kind: "shipped",
            parcel_ref: None,
            occurred_at: at(0).into(),
            received_at: at(1).into(),
            is_backfill: true,
        };
        let mut tx = db.begin().await.unwrap();
        let first = [
            event("1", "a"),
            event("1", "a"),
            event("2", "a"),
            event("3\0", "b"),
        ];
        assert_eq!(
            tx.insert_events(&first[..3]).await.unwrap(),
            [true, false, false]
        );
        // PostgreSQL can hold no NUL: it is replaced, and the repeat is known all the same.
        assert_eq!(tx.insert_events(&first[3..]).await.unwrap(), [true]);
        assert_eq!(tx.insert_events(&first[3..]).await.unwrap(), [false]);
        assert_eq!(
            tx.insert_events(&[event("1", "c"), event("4", "d")])
                .await
                .unwrap(),
            [false, true]
        );
        assert_eq!(tx.events_of(ids[0]).await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn the_plan_replaces_waiting_rows_and_never_those_under_way_or_ended() {
    on_both(async |db| {
        let ids = due(&db, 1).await;
        let kind = MailKind::Accepted;
        let skip = || change(ids[0], kind, Planned::Skipped);
        assert_eq!(plan(&db, &[skip()], at(1)).await, 1);
        assert_eq!(claim(&db, "w", at(2), 10).await, []);
        let again = change(ids[0], kind, Planned::At(at(1).into()));
        // Of two decisions about one message the last counts.
        assert_eq!(plan(&db, &[skip(), again], at(1)).await, 1);
        let row = claim(&db, "w", at(2), 10).await.remove(0);
        assert_eq!(plan(&db, &[skip()], at(2)).await, 0);
        assert_eq!(intent(&db, "w", &row, 1, at(2)).await, [row.id]);
        assert_eq!(plan(&db, &[skip()], at(2)).await, 0);
        settle(
            &db,
            "w",
            outcome((&row).into(), Outcome::Accepted, Settled::Sent),
            at(3),
        )
        .await;
        assert_eq!(plan(&db, &[skip()], at(4)).await, 0);
        let row = message(&db, row.id).await;
        assert_eq!(
            (row.status, row.sent_at),
            (Status::Sent, Some(at(3).into()))
        );
    })
    .await;
}

#[tokio::test]
async fn a_retry_keeps_its_bytes_and_is_not_brought_forward_by_a_new_plan() {
    on_both(async |db| {
        let ids = due(&db, 1).await;
        let row = claim(&db, "w", at(1), 1).await.remove(0);
        intent(&db, "w", &row, 1, at(1)).await;
        let retry = Settled::Retry(at(30).into());
        assert_eq!(
            settle(
                &db,
                "w",
                outcome((&row).into(), Outcome::Transient, retry),
                at(2)
            )
            .await,
            [row.id]
        );
        let again = change(ids[0], MailKind::Accepted, Planned::At(at(0).into()));
        assert_eq!(plan(&db, &[again], at(3)).await, 1);
        assert_eq!(claim(&db, "w", at(29), 1).await, []);
        let row = claim(&db, "w2", at(30), 1).await.remove(0);
        assert!(row.is_frozen());
        assert_eq!((row.attempts, row.fence), (1, 2));
        let mut tx = db.read().await.unwrap();
        let frozen = tx.load_frozen(&[row.id]).await.unwrap().remove(0);
        assert_eq!(frozen.raw, RAW);
        assert_eq!(frozen.message_id, "<1@id.example>");
        let attempts = tx.attempts_of(row.id).await.unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(
            (attempts[0].outcome.as_str(), attempts[0].code),
            ("transient", Some(250))
        );
    })
    .await;
}

#[tokio::test]
async fn an_intent_is_refused_after_the_order_changed_or_the_lease_ended() {
    on_both(async |db| {
        let ids = due(&db, 1).await;
        let row = claim(&db, "w", at(1), 1).await.remove(0);
        assert_eq!(intent(&db, "w", &row, 2, at(1)).await, [0; 0]);
        assert_eq!(intent(&db, "other", &row, 1, at(1)).await, [0; 0]);
        assert_eq!(intent(&db, "w", &row, 1, at(2)).await, [0; 0]);
        let mut tx = db.begin().await.unwrap();
        let facts = facts("C");
        tx.save_orders(&[update(ids[0], 1, &facts)], at(1))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(intent(&db, "w", &row, 1, at(1)).await, [0; 0]);
        assert_eq!(intent(&db, "w", &row, 2, at(1)).await, [row.id]);
        // The second time it is already being sent.
        assert_eq!(intent(&db, "w", &row, 2, at(1)).await, [0; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_lost_its_fence_changes_nothing() {
    on_both(async |db| {
        due(&db, 1).await;
        let old = claim(&db, "w", at(1), 1).await.remove(0);
        let mut tx = db.begin().await.unwrap();
        let swept = tx.sweep_leases(at(3)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            (swept.released, swept.uncertain.rows.len()),
            (vec![old.id], 0)
        );
        // The same worker claims it again: only the number tells the claims apart.
        let new = claim(&db, "w", at(3), 1).await.remove(0);
        let stale: Leased = (&old).into();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(
            tx.release("w", &[stale], None, at(3)).await.unwrap(),
            [0; 0]
        );
        assert_eq!(tx.renew("w", &[stale], at(9)).await.unwrap(), [0; 0]);
        let decided = Decided {
            leased: stale,
            verdict: Verdict::Blocked,
            reason: Some(Reason::LintBlocked),
            detail: None,
            window_from: None,
            window_until: None,
            order_version: 1,
            template: None,
            template_hash: None,
            lint: None,
        };
        assert_eq!(tx.decide("w", &[decided], at(3)).await.unwrap(), [0; 0]);
        tx.commit().await.unwrap();
        assert_eq!(intent(&db, "w", &old, 1, at(3)).await, [0; 0]);
        assert_eq!(intent(&db, "w", &new, 1, at(3)).await, [new.id]);
        let lost = outcome(stale, Outcome::Accepted, Settled::Sent);
        assert_eq!(settle(&db, "w", lost, at(3)).await, [0; 0]);
        assert_eq!(message(&db, new.id).await.status, Status::Sending);
    })
    .await;
}

#[tokio::test]
async fn a_mail_whose_worker_vanished_is_uncertain_until_its_answer_or_a_decision_comes() {
    on_both(async |db| {
        due(&db, 3).await;
        let rows = claim(&db, "w", at(1), 3).await;
        for row in &rows {
            intent(&db, "w", row, 1, at(1)).await;
        }
        let mut tx = db.begin().await.unwrap();
        let swept = tx.sweep_leases(at(20)).await.unwrap();
        assert_eq!(swept.uncertain.rows.len(), 3);
        assert_eq!(swept.uncertain.rows[0].reason, Some(Reason::InDoubt));
        assert_eq!(
            tx.requeue_uncertain(&[rows[1].id], at(21), at(20))
                .await
                .unwrap(),
            [rows[1].id]
        );
        tx.commit().await.unwrap();
        // Late answers count, also for a mail that waits to go again.
        for row in &rows[..2] {
            let late = outcome(row.into(), Outcome::Accepted, Settled::Sent);
            assert_eq!(settle(&db, "w", late.clone(), at(21)).await, [row.id]);
            assert_eq!(settle(&db, "w", late, at(22)).await, [0; 0]);
        }
        assert_eq!(claim(&db, "w2", at(25), 3).await, []);
        let mut tx = db.begin().await.unwrap();
        let attempts = tx.attempts_of(rows[0].id).await.unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].outcome, "accepted");
        let decision = Resolution {
            id: rows[2].id,
            from: Status::Uncertain,
            to: Status::Sent,
            due_at: None,
            reason: Reason::OperatorDecidedSent,
            detail: Some("seen in the relay's log"),
        };
        assert!(tx.resolve(&decision, at(30)).await.unwrap());
        assert!(!tx.resolve(&decision, at(30)).await.unwrap());
        tx.commit().await.unwrap();
        let too_late = outcome((&rows[2]).into(), Outcome::Transient, Settled::Dead);
        assert_eq!(settle(&db, "w", too_late, at(31)).await, [0; 0]);
        assert_eq!(message(&db, rows[2].id).await.status, Status::Sent);
    })
    .await;
}

#[tokio::test]
async fn concurrent_workers_never_claim_the_same_message() {
    on_both(async |db| {
        due(&db, 300).await;
        let workers = (0..6).map(|n| {
            let db = db.clone();
            async move {
                let name = format!("w{n}");
                let mut ids = Vec::new();
                loop {
                    let rows = claim(&db, &name, at(1), 7).await;
                    if rows.is_empty() {
                        return ids;
                    }
                    ids.extend(rows.into_iter().map(|row| (row.id, row.fence)));
                }
            }
        });
        let mut all: Vec<(i64, i64)> = futures_util::future::join_all(workers)
            .await
            .into_iter()
            .flatten()
            .collect();
        all.sort_unstable();
        assert!(all.iter().all(|(_, fence)| *fence == 1));
        all.dedup();
        assert_eq!(all.len(), 300);
    })
    .await;
}

#[tokio::test]
async fn what_is_due_is_found_by_channel_and_class() {
    on_both(async |db| {
        let ids = orders(&db, 1).await;
        plan(
            &db,
            &[
                change(ids[0], MailKind::FollowUp, Planned::At(at(10).into())),
                change(ids[0], MailKind::Shipped, Planned::At(at(5).into())),
                change(ids[0], MailKind::Delay, Planned::Held(None)),
            ],
            at(0),
        )
        .await;
        let mut tx = db.single().await.unwrap();
        assert_eq!(tx.due_channels(at(4)).await.unwrap(), []);
        assert_eq!(tx.next_due(at(0)).await.unwrap(), Some(at(5).into()));
        let due = tx.due_channels(at(10)).await.unwrap();
        let classes: Vec<(MailClass, Ts)> = due.iter().map(|d| (d.class, d.oldest)).collect();
        assert_eq!(
            classes,
            [
                (MailClass::Transactional, at(5).into()),
                (MailClass::Relationship, at(10).into())
            ]
        );
        let health = tx.health(at(10)).await.unwrap();
        assert_eq!(
            health.due.iter().map(|d| d.count).collect::<Vec<_>>(),
            [1, 1]
        );
    })
    .await;
}

#[tokio::test]
async fn lists_filter_and_page() {
    on_both(async |db| {
        let ids = due(&db, 5).await;
        plan(
            &db,
            &[change(ids[0], MailKind::FollowUp, Planned::Expired)],
            at(0),
        )
        .await;
        let mut tx = db.read().await.unwrap();
        let page = |before| Page { before, limit: 2 };
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let rows = tx
                .list_messages(Filter::default(), page(before))
                .await
                .unwrap()
                .rows;
            let Some(last) = rows.last() else { break };
            before = Some(last.id);
            seen.extend(rows.iter().map(|row| row.id));
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]));
        for (filter, expected) in [
            (
                Filter {
                    status: Some(Status::Expired),
                    ..Filter::default()
                },
                1,
            ),
            (
                Filter {
                    status: Some(Status::Dead),
                    ..Filter::default()
                },
                0,
            ),
            (
                Filter {
                    kind: Some(MailKind::FollowUp),
                    ..Filter::default()
                },
                1,
            ),
            (
                Filter {
                    order_id: Some(ids[0]),
                    ..Filter::default()
                },
                2,
            ),
            (
                Filter {
                    channel: Some("other"),
                    ..Filter::default()
                },
                0,
            ),
        ] {
            let page = Page {
                before: None,
                limit: 100,
            };
            let rows = tx.list_messages(filter, page).await.unwrap().rows;
            assert_eq!(rows.len(), expected, "{filter:?}");
        }
        assert_eq!(tx.find_orders("A1", None).await.unwrap().len(), 1);
        assert_eq!(tx.find_orders("A1", Some("other")).await.unwrap(), []);
        let counts = tx.counts().await.unwrap();
        assert_eq!(counts.iter().map(|c| c.count).sum::<i64>(), 6);
    })
    .await;
}

#[tokio::test]
async fn suppressions_and_caps_know_the_buyer_by_its_key_only() {
    on_both(async |db| {
        let ids = orders(&db, 1).await;
        let mut tx = db.begin().await.unwrap();
        let entry = Suppression {
            buyer_key: "buyer".to_owned(),
            channel: String::new(),
            covers: Covers::Relationship,
            reason: "unsubscribe".to_owned(),
            source: "link".to_owned(),
            created_at: Ts(0),
        };
        assert_eq!(
            tx.suppress(std::slice::from_ref(&entry), at(1))
                .await
                .unwrap(),
            1
        );
        assert_eq!(
            tx.suppress(std::slice::from_ref(&entry), at(2))
                .await
                .unwrap(),
            0
        );
        let found = tx.suppressions_of(&["buyer", "x"]).await.unwrap();
        assert_eq!(
            found,
            [Suppression {
                created_at: at(1).into(),
                ..entry
            }]
        );
        assert_eq!(tx.orders_of_buyer("buyer").await.unwrap(), ids);
        assert!(
            tx.lift_suppression("buyer", "", Covers::Relationship)
                .await
                .unwrap()
        );
        assert_eq!(tx.suppressions_of(&["buyer"]).await.unwrap(), []);
        assert_eq!(tx.relationship_sent(&["buyer"], at(0)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn switches_stand_side_by_side_and_end() {
    on_both(async |db| {
        let mut tx = db.begin().await.unwrap();
        let mut switch = Switch {
            channel: "shop".to_owned(),
            step: String::new(),
            covers: Covers::All,
            cause: Cause::Operator,
            reason: "holiday".to_owned(),
            actor: "cli".to_owned(),
            set_at: at(0).into(),
            ends_at: Some(at(10).into()),
        };
        tx.set_switch(&switch).await.unwrap();
        switch.cause = Cause::Breaker;
        switch.ends_at = None;
        tx.set_switch(&switch).await.unwrap();
        assert_eq!(tx.switches(at(9)).await.unwrap().len(), 2);
        assert_eq!(
            tx.switches(at(10)).await.unwrap(),
            std::slice::from_ref(&switch)
        );
        assert!(
            tx.lift_switch("shop", "", Covers::All, Cause::Breaker)
                .await
                .unwrap()
        );
        assert!(
            !tx.lift_switch("shop", "", Covers::All, Cause::Breaker)
                .await
                .unwrap()
        );
    })
    .await;
}

#[tokio::test]
async fn a_named_lease_has_one_holder_at_a_time() {
    on_both(async |db| {
        let mut tx = db.single().await.unwrap();
        let mut take = async |worker: &str, now| {
            tx.take_lease("poll:shop", worker, at(now), at(now + 5))
                .await
                .unwrap()
        };
        assert_eq!(take("a", 0).await, Some(1));
        assert_eq!(take("b", 4).await, None);
        assert_eq!(take("a", 4).await, Some(1));
        assert_eq!(take("b", 8).await, None);
        assert_eq!(take("b", 9).await, Some(2));
        tx.drop_lease("poll:shop", "b").await.unwrap();
        assert_eq!(
            tx.take_lease("poll:shop", "a", at(9), at(20))
                .await
                .unwrap(),
            Some(3)
        );
    })
    .await;
}

#[tokio::test]
async fn small_notes_are_kept_once() {
    on_both(async |db| {
        orders(&db, 1).await;
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tx.keep_setting("salt", "a", at(0)).await.unwrap(), "a");
        assert_eq!(tx.keep_setting("salt", "b", at(0)).await.unwrap(), "a");
        assert_eq!(tx.cursor("s").await.unwrap(), None);
        tx.set_cursor("s", "p1", at(1)).await.unwrap();
        tx.set_cursor("s", "p1", at(2)).await.unwrap();
        let cursor = tx.cursor("s").await.unwrap().unwrap();
        assert_eq!(
            (cursor.polled_at, cursor.updated_at),
            (at(2).into(), at(1).into())
        );
        let seen = super::housekeeping::TemplateSeen {
            template: "accepted/en".to_owned(),
            template_hash: "h".to_owned(),
            first_seen_at: Ts(0),
        };
        assert_eq!(
            tx.note_templates(std::slice::from_ref(&seen), at(1))
                .await
                .unwrap(),
            1
        );
        assert_eq!(tx.note_templates(&[seen], at(2)).await.unwrap(), 0);
        let question = super::inbox::Conversation {
            channel: "shop".to_owned(),
            thread_ref: "t".to_owned(),
            order_id: None,
            asked_at: Some(at(1).into()),
            answered_at: None,
        };
        tx.note_conversations(std::slice::from_ref(&question), at(1))
            .await
            .unwrap();
        assert_eq!(tx.open_conversations(at(5), 9).await.unwrap().len(), 1);
        let entry = super::housekeeping::AuditEntry {
            actor: "cli",
            action: "step.skip",
            target: "order:1",
            detail: "{}",
        };
        tx.audit(entry, at(1)).await.unwrap();
        assert_eq!(
            tx.audit_log(Some("order:1"), None, 9).await.unwrap().len(),
            1
        );
        assert_eq!(tx.audit_log(Some("order:2"), None, 9).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn purge_forgets_what_is_old_and_keeps_what_may_still_go() {
    on_both(async |db| {
        let ids = due(&db, 3).await;
        let rows = claim(&db, "w", at(1), 3).await;
        for row in &rows {
            intent(&db, "w", row, 1, at(1)).await;
        }
        for row in &rows[..2] {
            settle(
                &db,
                "w",
                outcome(row.into(), Outcome::Accepted, Settled::Sent),
                at(2),
            )
            .await;
        }
        let mut tx = db.begin().await.unwrap();
        tx.store_payload("s", Some(ids[0]), b"{}", at(1))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let retention = Retention {
            mails_before: at(100),
            payloads_before: at(100),
            replies_before: at(100),
            events_before: at(100),
            batch: 1,
            max_batches: 2,
        };
        let purged = db.purge(retention).await.unwrap();
        assert_eq!((purged.mails, purged.replies, purged.payloads), (2, 2, 1));
        assert!(purged.has_more);
        assert!(!db.purge(retention).await.unwrap().has_more);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(
            tx.load_frozen(&[rows[0].id, rows[2].id])
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(tx.stale_orders(at(100), 0, 9).await.unwrap(), ids[..2]);
        let erased = tx.erase_orders(&ids, at(100)).await.unwrap();
        assert_eq!((erased.mails, erased.parcels), (1, 3));
        let order = tx
            .load_orders(&ids[..1], Lock::None)
            .await
            .unwrap()
            .rows
            .remove(0);
        assert_eq!(order.erased_at, Some(at(100).into()));
    })
    .await;
}

#[tokio::test]
async fn several_statements_that_belong_together_need_a_transaction() {
    on_both(async |db| {
        let mut single = db.single().await.unwrap();
        let result = single.settle("w", &[], at(0)).await;
        assert!(matches!(result, Err(StoreError::Invalid(_))), "{result:?}");
        single.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.keep_setting("a", "1", at(0)).await.unwrap();
        drop(tx);
        db.ping_writable().await.unwrap();
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.setting("a").await.unwrap(), None);
        assert!(tx.keep_setting("a", "1", at(0)).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn urls_that_cannot_work_are_refused_without_being_repeated() {
    for url in ["mysql://u:secret@h/x", "sqlite::memory:", "secret"] {
        let settings = Settings {
            url: url.to_owned(),
            max_connections: 1,
            patience: std::time::Duration::from_secs(1),
        };
        let error = Db::open(&settings).await.map(drop).unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    let settings = Settings {
        url: "postgres://u:secret@h/x".to_owned(),
        max_connections: 1,
        patience: std::time::Duration::from_secs(1),
    };
    assert!(!format!("{settings:?}").contains("secret"));
}
