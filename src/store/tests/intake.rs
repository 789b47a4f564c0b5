//! Orders, events and the plan.

use super::*;

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
        let sql = crate::store::Sql {
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
