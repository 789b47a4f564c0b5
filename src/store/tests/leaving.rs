//! From the claim to the outcome, and what a vanished worker leaves behind.

use super::*;

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
            order_id: new.order_id,
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
