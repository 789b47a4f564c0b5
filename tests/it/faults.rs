//! What relays, networks and processes do wrong, over real SMTP where it is SMTP.

use std::{sync::Arc, time::Duration};

use afternote::{
    clock::{Clock as _, Instant},
    deliver::fake_relay::{FakeRelay, Fault},
    mail::MailKind,
    order::Fact,
    sequence::Reason,
    store::{MessageRow, Status, dispatch::Claim},
};
use chrono::TimeDelta;

use crate::support::{
    Database, Options, TestApp, Told, journey, on_both_engines,
    orders::{accepted, day, details, details_of},
    relay,
};

/// An application that sends to a relay, with one order whose first mail is due.
async fn one_due(database: &Database) -> (TestApp, FakeRelay) {
    let (relay, config) = relay::start().await;
    let app = sending(database, config).await;
    app.apply(vec![accepted("1001", day(0, "08:00"), details())])
        .await;
    (app, relay)
}

async fn sending(database: &Database, config: String) -> TestApp {
    let options = Options {
        config,
        as_configured: true,
        ..Options::default()
    };
    let app = TestApp::start(database, options).await;
    app.clock.set(day(0, "08:00"));
    app
}

/// The one row of the ledger.
async fn only(app: &TestApp) -> MessageRow {
    let mut rows = app.rows().await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn due(row: &MessageRow) -> Instant {
    row.due_at.unwrap().into()
}

/// One attempt with that fault; what the row became.
async fn after(database: &Database, fault: &str) -> (TestApp, FakeRelay, MessageRow) {
    let (app, relay) = one_due(database).await;
    relay.fault_next(Fault::named(fault).unwrap());
    app.dispatch().await;
    let row = only(&app).await;
    (app, relay, row)
}

on_both_engines! {
    async fn a_passing_fault_is_tried_again_with_the_same_bytes(database) {
        let (app, relay) = one_due(database).await;
        for fault in ["busy", "rate", "local_error", "mailbox_full_now", "contradiction"] {
            relay.fault_next(Fault::named(fault).unwrap());
            app.dispatch().await;
            let row = only(&app).await;
            assert_eq!((row.status, row.reason), (Status::Planned, Some(Reason::Retrying)), "{fault}");
            assert!(due(&row) > app.clock.now(), "{fault}");
            app.clock.set(due(&row));
        }
        app.dispatch().await;
        let row = only(&app).await;
        assert_eq!((row.status, row.attempts), (Status::Sent, 6));
        let received = relay.received();
        let mut mails: Vec<&[u8]> = received.iter().map(|mail| &mail.raw[..]).collect();
        mails.dedup();
        assert_eq!(mails.len(), 1, "every attempt sends the same bytes");
        assert_eq!(relay.accepted(), 1);
    }

    async fn retries_follow_the_schedule(database) {
        let (app, relay) = one_due(database).await;
        for minutes in [5, 15, 30, 60, 120, 240, 240] {
            relay.fault_next(Fault::named("rate").unwrap());
            app.dispatch().await;
            let wait = due(&only(&app).await) - app.clock.now();
            let (least, most) = (minutes * 54, minutes * 66);
            assert!((least..=most).contains(&wait.num_seconds()), "{wait} is not {minutes} min");
            app.clock.advance(wait - TimeDelta::seconds(1));
            assert!(app.dispatch().await.is_empty(), "it is tried too early");
            app.clock.advance(TimeDelta::seconds(1));
        }
    }

    async fn what_is_still_refused_at_its_deadline_expires(database) {
        let (app, relay) = one_due(database).await;
        for _ in 0..60 {
            relay.fault_next(Fault::named("rate").unwrap());
        }
        app.run_until(day(10, "08:00")).await;
        let row = only(&app).await;
        assert_eq!((row.status, row.reason), (Status::Expired, Some(Reason::RetriesUsedUp)));
        let last: Instant = row.intent_at.unwrap().into();
        assert!(last <= day(2, "08:00"), "the order mail is of no use after two days: {last}");
        assert_eq!(relay.accepted(), 0);
    }

    async fn an_unknown_mailbox_is_suppressed_for_good(database) {
        let (app, relay, row) = after(database, "user_unknown").await;
        assert_eq!((row.status, row.reason), (Status::Dead, Some(Reason::RelayRefused)));
        app.apply(vec![accepted("1002", day(0, "09:00"), details())]).await;
        app.run_until(day(1, "08:00")).await;
        assert_eq!(app.state("1002", "accepted").await.1, "suppressed");
        assert_eq!(relay.received().len(), 0);
    }

    async fn a_full_mailbox_is_given_up_at_the_third_time(database) {
        let (app, relay) = one_due(database).await;
        for _ in 0..3 {
            relay.fault_next(Fault::named("mailbox_full_now").unwrap());
        }
        app.run_until(day(0, "12:00")).await;
        let row = only(&app).await;
        assert_eq!((row.status, row.reason), (Status::Skipped, Some(Reason::Suppressed)));
    }

    async fn a_refused_mail_is_dead_and_its_buyer_is_not(database) {
        for (order, fault) in [("1001", "rejected"), ("1002", "mailbox_full")] {
            let (relay, config) = relay::start().await;
            let app = sending(database, config).await;
            relay.fault_next(Fault::named(fault).unwrap());
            app.apply(vec![accepted(order, day(0, "08:00"), details())]).await;
            app.dispatch().await;
            let state = app.state(order, "accepted").await;
            assert_eq!(state, ("dead".to_owned(), "relay_refused".to_owned()), "{fault}");
            let other = format!("{order}-b");
            app.apply(vec![accepted(&other, day(0, "08:00"), details())]).await;
            app.dispatch().await;
            assert_eq!(app.state(&other, "accepted").await.0, "sent", "{fault}");
        }
    }

    async fn a_refused_login_rests_the_channel_and_keeps_the_queue(database) {
        let (relay, config) = relay::start().await;
        let app = sending(database, config).await;
        for number in 0..5 {
            let buyer = details_of(&format!("b{number}@example.com"));
            app.apply(vec![accepted(&format!("n{number}"), day(0, "08:00"), buyer)]).await;
        }
        for _ in 0..10 {
            relay.fault_next("mail 535 5.7.8 authentication failed".parse::<Fault>().unwrap());
        }
        app.dispatch().await;
        for row in app.rows().await {
            assert_eq!(row.status, Status::Planned, "the mail is kept");
        }
        let asked = relay.commands();
        app.clock.advance(TimeDelta::minutes(5));
        assert!(app.dispatch().await.is_empty(), "the channel rests");
        assert_eq!(relay.commands(), asked);
        app.run_until(day(0, "12:00")).await;
        assert_eq!(relay.accepted(), 5);
    }

    async fn transactional_mail_in_doubt_goes_once_more_with_the_same_id(database) {
        let (app, relay, row) = after(database, "drop_after_dot").await;
        assert_eq!((row.status, row.reason), (Status::Planned, Some(Reason::InDoubt)));
        relay.fault_next(Fault::named("drop_after_dot").unwrap());
        app.run_until(day(5, "08:00")).await;
        let row = only(&app).await;
        assert_eq!((row.status, row.attempts), (Status::Uncertain, 2), "twice in doubt: a person decides");
        let received = relay.received();
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].raw, received[1].raw);
    }

    async fn relationship_mail_in_doubt_never_goes_again(database) {
        let (relay, config) = relay::start().await;
        let app = sending(database, config).await;
        app.play(journey("1001")).await;
        relay.fault_next(Fault::named("drop_after_dot").unwrap());
        app.run_until(day(40, "08:00")).await;
        let row = app.row("follow_up").await;
        assert_eq!((row.status, row.attempts), (Status::Uncertain, 1));
        assert_eq!(relay.received().len(), 4, "three mails and one in doubt");
        assert_eq!(app.state("1001", "review_request").await.1, "expired_waiting_for_step");
    }

    async fn a_slow_relay_is_waited_for(database) {
        let (_app, relay, row) = after(database, "slow_final_dot").await;
        assert_eq!(row.status, Status::Sent);
        assert_eq!(relay.accepted(), 1);
    }

    async fn a_silent_relay_is_not_waited_for_forever(database) {
        let keys = "timeouts = { connect = \"1s\", command = \"100ms\", body = \"1s\", final_dot = \"100ms\" }";
        for (order, fault, reason) in [
            ("1001", "silent_at_rcpt", Reason::Retrying),
            ("1002", "silent_after_dot", Reason::InDoubt),
        ] {
            let (relay, config) = relay::start_with(afternote::deliver::fake_relay::RelayOptions::default(), keys).await;
            let app = sending(database, config).await;
            relay.fault_next(Fault::named(fault).unwrap());
            app.apply(vec![accepted(order, day(0, "08:00"), details())]).await;
            tokio::time::timeout(Duration::from_secs(10), app.dispatch()).await.unwrap();
            assert_eq!(app.state(order, "accepted").await.1, reason.code());
            app.clock.advance(TimeDelta::minutes(30));
            app.dispatch().await;
            assert_eq!(app.state(order, "accepted").await.0, "sent");
            app.clock.set(day(0, "08:00"));
        }
    }

    async fn a_lease_that_ended_frees_the_mail(database) {
        let (app, relay) = one_due(database).await;
        let mut tx = app.engine.db().single().await.unwrap();
        let now = app.clock.now();
        let claim = Claim {
            channel: "my-shop",
            class: MailKind::Accepted.class(),
            now,
            lease_until: now + TimeDelta::seconds(60),
            worker: "dead",
            limit: 10,
        };
        assert_eq!(tx.claim(claim).await.unwrap().rows.len(), 1);
        drop(tx);
        app.dispatch().await;
        assert_eq!(relay.accepted(), 0, "it is another worker's");
        app.clock.advance(TimeDelta::seconds(61));
        assert_eq!(app.engine.sweep().await.unwrap().released, 1);
        app.dispatch().await;
        assert_eq!(relay.accepted(), 1);
    }

    async fn two_workers_share_the_work_and_repeat_none(database) {
        let (relay, config) = relay::start().await;
        let first = sending(database, config.clone()).await;
        let options = Options {
            config,
            as_configured: true,
            worker: "test-2",
            clock: Some(Arc::clone(&first.clock)),
            ..Options::default()
        };
        let second = TestApp::start(database, options).await;
        let events = (0..150).map(|number| {
            accepted(&format!("n{number}"), day(0, "08:00"), details_of(&format!("b{number}@example.com")))
        });
        first.apply(events.collect()).await;
        let (one, two) = tokio::join!(first.dispatch(), second.dispatch());
        assert_eq!((one.sent + two.sent, one.lost + two.lost), (150, 0));
        let mut recipients: Vec<String> = relay.received().into_iter().map(|mail| mail.recipient).collect();
        recipients.sort_unstable();
        recipients.dedup();
        assert_eq!((recipients.len(), relay.accepted()), (150, 150));
    }

    async fn a_busy_database_is_waited_for(database) {
        let (app, relay) = one_due(database).await;
        let other = database.open().await;
        let blocker = async {
            let mut tx = other.begin().await.unwrap();
            let row = &app.rows().await[0];
            tx.load_orders(&[row.order_id], afternote::store::orders::Lock::Rows).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            tx.rollback().await.unwrap();
        };
        tokio::join!(blocker, app.dispatch());
        assert_eq!(relay.accepted(), 1);
        other.close().await;
    }

    async fn news_of_a_parcel_stop_when_it_arrives_between_two_attempts(database) {
        let (relay, config) = relay::start().await;
        let app = sending(database, config).await;
        let mut events = journey("1001");
        let mut delivered = events.pop().unwrap();
        app.play(events).await;
        relay.fault_next(Fault::named("rate").unwrap());
        app.run_until(day(1, "11:00")).await;
        assert_eq!(app.row("shipped").await.reason, Some(Reason::Retrying));
        delivered.occurred_at = day(1, "11:01");
        delivered.received_at = Some(day(1, "11:01"));
        app.play(vec![delivered]).await;
        app.run_until(day(2, "11:00")).await;
        let row = app.row("shipped").await;
        assert_eq!((row.status, row.reason), (Status::Skipped, Some(Reason::AlreadyDelivered)));
        let review = Told::new("1001", day(2, "12:00"), Fact::ReviewLeft(afternote::order::event::Empty {}));
        app.apply(vec![review.event()]).await;
    }
}
