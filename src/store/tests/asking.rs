//! Lists, buyers, switches, notes, the purge, and opening the database.

use super::*;

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
async fn caps_count_relationship_mail_from_its_intent_on_over_all_orders() {
    on_both(async |db| {
        let ids = orders(&db, 2).await;
        let due = Planned::At(at(0).into());
        plan(
            &db,
            &[
                change(ids[0], MailKind::FollowUp, due),
                change(ids[1], MailKind::FollowUp, due),
                change(ids[1], MailKind::Shipped, due),
            ],
            at(0),
        )
        .await;
        let shipped = claim(&db, "w", at(1), 9).await.remove(0);
        assert_eq!(intent(&db, "w", &shipped, 1, at(1)).await, [shipped.id]);
        let mut tx = db.single().await.unwrap();
        let follow_ups = tx
            .claim(Claim {
                channel: "shop",
                class: MailClass::Relationship,
                now: at(1),
                lease_until: at(2),
                worker: "w",
                limit: 9,
            })
            .await
            .unwrap()
            .rows;
        drop(tx);
        assert_eq!(follow_ups.len(), 2);
        intent(&db, "w", &follow_ups[1], 1, at(1)).await;
        let mut tx = db.read().await.unwrap();
        let sent = tx.relationship_sent(&["buyer", "x"], at(1)).await.unwrap();
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].id, sent[0].order_id), (follow_ups[1].id, ids[1]));
        assert_eq!(tx.relationship_sent(&["buyer"], at(2)).await.unwrap(), []);
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
        let seen = crate::store::housekeeping::TemplateSeen {
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
        let question = crate::store::inbox::Conversation {
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
        let entry = crate::store::housekeeping::AuditEntry {
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
