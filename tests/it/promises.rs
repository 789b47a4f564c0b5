//! The promises, each with tests that fail when it is broken.

use std::sync::Arc;

use afternote::{
    deliver::{Outcome, Phase},
    engine::{Incoming, Intake, operate::OrderAction},
    mail::MailKind::{FollowUp, ReviewRequest},
    order::{
        Fact, OrderEvent,
        event::{Cancellation, Delivery, Rung},
    },
    sequence::Reason,
    store::{Status, dispatch::Claim},
};
use chrono::TimeDelta;

use crate::support::{
    Database, Options, TestApp, Told,
    app::BY,
    journey, on_both_engines,
    orders::{accepted, day, delivered, details, details_of, journey_of},
};

/// When the journey's review request is due at the latest: behind every spread.
const REVIEW_DAY: i64 = 15;

/// A second process over the same database, clock and mailbox.
async fn second_worker(database: &Database, first: &TestApp, config: &str) -> TestApp {
    let options = Options {
        config: config.to_owned(),
        worker: "test-2",
        clock: Some(Arc::clone(&first.clock)),
        mailbox: first.mailbox.clone(),
        ..Options::default()
    };
    TestApp::start(database, options).await
}

fn lost_after_the_dot() -> Outcome {
    Outcome {
        class: afternote::deliver::Class::Uncertain,
        phase: Phase::Body,
        code: None,
        enhanced: None,
        reply: "connection lost".to_owned(),
        reason: afternote::deliver::ReplyReason::LostAfterFinalDot,
        effect: afternote::deliver::Effect::None,
    }
}

/// What a process does that dies between the intent and the answer: claim, intent, nothing more.
async fn die_while_sending(app: &TestApp, kind: afternote::mail::MailKind) {
    let mut tx = app.engine.db().single().await.unwrap();
    let now = afternote::clock::Clock::now(&*app.clock);
    let claim = Claim {
        channel: "my-shop",
        class: kind.class(),
        now,
        lease_until: now + TimeDelta::seconds(60),
        worker: "dead",
        limit: 10,
    };
    let rows = tx.claim(claim).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.kind).collect::<Vec<_>>(), [kind]);
    drop(tx);
    let mut tx = app.engine.db().begin().await.unwrap();
    let row = &rows[0];
    let order = tx
        .load_orders(&[row.order_id], afternote::store::orders::Lock::None)
        .await
        .unwrap()
        .rows
        .remove(0);
    let intent = afternote::store::settle::IntentRow {
        leased: row.into(),
        order_version: order.version,
        parcels: &row.parcels,
        frozen: Some(afternote::store::settle::Frozen {
            message_id: "<frozen@mail.lamps.example>",
            sender: "care@lamps.example",
            recipient: "greta.lindau@example.com",
            raw: b"Message-ID: <frozen@mail.lamps.example>\r\nSubject: frozen\r\n\r\nfrozen\r\n",
            template: "none",
            template_hash: "none",
        }),
        lint: None,
    };
    let passed = tx
        .intent("dead", &[intent], now, now + TimeDelta::seconds(60))
        .await
        .unwrap();
    assert_eq!(passed, [row.id]);
    tx.commit().await.unwrap();
}

/// Plays the journey until the review request is due, and stops the clock at that very moment.
async fn until_review_is_due(app: &TestApp) {
    app.play(journey("1001")).await;
    app.run_until(day(13, "00:00")).await;
    let due = app.row("review_request").await.due_at.unwrap();
    app.clock.set(due.into());
}

on_both_engines! {
    // Promise 1: the review request.

    async fn review_request_goes_only_after_the_follow_up_was_accepted(database) {
        let app = TestApp::new(database).await;
        app.play(journey("1001")).await;
        let follow_up = app.row("follow_up").await.due_at.unwrap();
        app.clock.set(follow_up.into());
        app.mailbox.answer_next(Outcome::of_reply_line(Phase::Body, "554 5.6.0 refused"));
        app.run_until(day(40, "00:00")).await;
        assert_eq!(app.count(FollowUp).await, 0);
        assert_eq!(app.count(ReviewRequest).await, 0);
        let state = app.state("1001", "review_request").await;
        assert_eq!(state, ("skipped".to_owned(), "previous_step_not_sent".to_owned()));
    }

    async fn review_request_goes_only_from_day_7_to_14_after_delivery(database) {
        let app = TestApp::new(database).await;
        for number in 0..20 {
            let mut events = journey_of(&format!("n{number}"), details_of(&format!("b{number}@example.com")));
            for event in &mut events {
                let later = TimeDelta::hours(number * 5);
                event.occurred_at += later;
                event.received_at = Some(event.occurred_at);
            }
            app.apply(events).await;
        }
        app.run_until(day(60, "00:00")).await;
        let reviews: Vec<_> = app.sent().await.into_iter().filter(|m| m.kind == ReviewRequest).collect();
        assert_eq!(reviews.len(), 20);
        for mail in reviews {
            let number: i64 = mail.order_ref[1..].parse().unwrap();
            let after = mail.at - (day(3, "10:00") + TimeDelta::hours(number * 5));
            assert!(after >= TimeDelta::days(7) && after <= TimeDelta::days(14), "{after}");
        }
    }

    async fn review_request_in_doubt_is_never_sent_again(database) {
        let app = TestApp::new(database).await;
        until_review_is_due(&app).await;
        app.mailbox.answer_next(lost_after_the_dot());
        app.run_until(day(60, "00:00")).await;
        let tries = app.mailbox.attempts().len();
        assert_eq!(tries, 5, "four mails and one attempt at the review request");
        assert_eq!(app.row("review_request").await.status, Status::Uncertain);
    }

    async fn review_request_is_not_repeated_after_a_crash_while_sending(database) {
        let app = TestApp::new(database).await;
        until_review_is_due(&app).await;
        die_while_sending(&app, ReviewRequest).await;
        let restarted = second_worker(database, &app, "").await;
        restarted.run_until(day(60, "00:00")).await;
        assert_eq!(app.count(ReviewRequest).await, 0);
        let row = app.row("review_request").await;
        assert_eq!((row.status, row.reason), (Status::Uncertain, Some(Reason::InDoubt)));
    }

    async fn review_request_is_not_repeated_by_a_reimport(database) {
        let app = TestApp::new(database).await;
        app.play(journey("1001")).await;
        app.run_until(day(REVIEW_DAY, "20:00")).await;
        let again = app.apply(journey("1001")).await;
        assert_eq!((again.duplicates, again.orders), (4, 0));
        // The same facts under other keys, by another source.
        let renamed = journey("1001").into_iter().map(|event| OrderEvent {
            source: "csv".to_owned(),
            source_event_id: format!("csv/{}", event.source_event_id),
            ..event
        });
        app.apply(renamed.collect()).await;
        app.run_until(day(60, "00:00")).await;
        assert_eq!((app.count(FollowUp).await, app.count(ReviewRequest).await), (1, 1));
    }

    async fn review_request_is_not_repeated_by_a_renamed_step(database) {
        let app = TestApp::new(database).await;
        app.play(journey("1001")).await;
        app.run_until(day(REVIEW_DAY, "20:00")).await;
        let changed = second_worker(database, &app, RENAMED).await;
        // Something happens to the order, so that it is planned anew.
        changed.apply(vec![delivered("1001", day(REVIEW_DAY, "20:00"))]).await;
        changed.run_until(day(60, "00:00")).await;
        assert_eq!((app.count(FollowUp).await, app.count(ReviewRequest).await), (1, 1));
        let reason = changed.state("1001", "ask").await.1;
        assert_eq!(reason, "once_per_order");
    }

    async fn review_request_is_not_repeated_after_its_rows_were_lost(database) {
        let app = TestApp::new(database).await;
        app.play(journey("1001")).await;
        app.run_until(day(REVIEW_DAY, "20:00")).await;
        for table in ["attempts", "frozen", "messages"] {
            database.execute(&format!("DELETE FROM {table}")).await;
        }
        app.apply(vec![delivered("1001", day(REVIEW_DAY, "20:00"))]).await;
        app.run_until(day(60, "00:00")).await;
        assert_eq!(app.mailbox.sent().len(), 5);
    }

    async fn an_operator_cannot_send_a_review_request_twice_or_early(database) {
        let app = TestApp::new(database).await;
        app.play(journey("1001")).await;
        let engine = &app.engine;
        let now = OrderAction::SendNow("review_request");
        engine.operate("1001", None, now, None, &BY).await.unwrap();
        app.run_until(day(60, "00:00")).await;
        let review = app.sent().await.into_iter().find(|m| m.kind == ReviewRequest).unwrap();
        assert!(review.at >= day(10, "10:00"), "{}", review.at);
        let again = OrderAction::Resend("review_request");
        let refused = engine.operate("1001", None, again, None, &BY).await.unwrap_err();
        assert!(refused.to_string().contains("once for an order"), "{refused}");
    }

    async fn two_workers_send_nothing_twice(database) {
        let app = TestApp::new(database).await;
        let other = second_worker(database, &app, "").await;
        let mut events = Vec::new();
        for number in 0..60 {
            let buyer = details_of(&format!("buyer{number}@example.com"));
            events.extend(journey_of(&format!("n{number}"), buyer));
        }
        app.clock.set(day(3, "10:00"));
        app.apply(events).await;
        for _ in 0..20 {
            tokio::join!(app.dispatch(), other.dispatch());
            let Some(next) = app.engine.next_due().await.unwrap() else { break };
            app.clock.set(next + TimeDelta::minutes(20));
        }
        let mails = app.sent().await;
        let mut ids: Vec<&str> = mails.iter().map(|mail| mail.message_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), mails.len(), "a mail went twice");
        assert_eq!((app.count(FollowUp).await, app.count(ReviewRequest).await), (60, 60));
    }

    // Promise 2: the follow-up.

    async fn follow_up_goes_in_day_2_to_5_or_not_at_all(database) {
        let app = TestApp::new(database).await;
        // Told later and later: in the end the window has closed.
        for hours in 0..40_i64 {
            let order = format!("n{hours}");
            let mut events = journey_of(&order, details_of(&format!("b{hours}@example.com")));
            events[3].received_at = Some(day(3, "10:00") + TimeDelta::hours(hours * 4));
            app.play(events).await;
        }
        app.run_until(day(40, "00:00")).await;
        let follow_ups: Vec<_> = app.sent().await.into_iter().filter(|m| m.kind == FollowUp).collect();
        assert!(follow_ups.len() > 20 && follow_ups.len() < 40, "{}", follow_ups.len());
        for mail in &follow_ups {
            let after = mail.at - day(3, "10:00");
            assert!(after >= TimeDelta::days(2) && after <= TimeDelta::days(5), "{after}");
        }
        assert_eq!(app.count(ReviewRequest).await, follow_ups.len());
    }

    async fn a_guess_from_the_ship_date_is_no_delivery(database) {
        let config = "sequences.own_shop.steps.delivered.enabled = true\n\
                      sequences.own_shop.steps.delivered.evidence = \"ship_date\"\n";
        let app = TestApp::with(database, config).await;
        let mut events = journey("1001");
        let guess = Delivery { evidence: Some(Rung::ShipDate), ..Delivery::default() };
        events[3].fact = Fact::Delivered(guess);
        app.play(events).await;
        app.run_until(day(60, "00:00")).await;
        assert_eq!((app.count(FollowUp).await, app.count(ReviewRequest).await), (0, 0));
        let state = app.state("1001", "follow_up").await;
        assert_eq!(state, ("waiting".to_owned(), "no_delivery_evidence".to_owned()));
    }

    // Promise 3: the wording.

    async fn a_template_that_breaks_a_rule_sends_nothing(database) {
        let folder = tempfile::tempdir().unwrap();
        let text = shipped_template("review_request").replace(
            "If you have a few minutes",
            "Leave a 5-star review and get a 10% voucher. If you have a few minutes",
        );
        write_template(folder.path(), "review_request", &text);
        let app = TestApp::with(database, &format!("templates.dir = \"{}\"", folder.path().display())).await;
        app.play(journey("1001")).await;
        app.run_until(day(40, "00:00")).await;
        assert_eq!((app.count(FollowUp).await, app.count(ReviewRequest).await), (1, 0));
        let row = app.row("review_request").await;
        assert_eq!((row.status, row.reason), (Status::Blocked, Some(Reason::LintBlocked)));
        let rules = row.detail.unwrap();
        assert!(rules.contains("RM0"), "{rules}");
        assert!(row.lint.unwrap().contains("\"error\""));
    }

    async fn merged_data_cannot_smuggle_in_forbidden_wording(database) {
        let app = TestApp::new(database).await;
        let mut facts = details();
        facts.order_url = Some("https://shop.example/?rating=5&text=Leave+a+5-star+review+and+get+a+voucher".to_owned());
        facts.buyer.first_name = Some("Leave us a 5-star review and get a 10% voucher".to_owned());
        "Lamp. Please leave us a positive 5-star review and we will send you a 10 EUR gift card".clone_into(&mut facts.lines[0].title);
        app.play(journey_of("1001", facts)).await;
        app.run_until(day(40, "00:00")).await;
        for mail in app.sent().await {
            let text = String::from_utf8_lossy(&mail.raw).to_lowercase();
            let is_request = mail.kind == ReviewRequest || mail.kind == FollowUp;
            assert!(!(is_request && text.contains("gift card")), "{}", mail.kind);
        }
        let row = app.row("follow_up").await;
        assert_eq!((row.status, row.reason), (Status::Blocked, Some(Reason::LintBlocked)), "{:?}", row.lint);
    }

    // Promise 4: eligibility at the moment of intent.

    async fn an_order_cancelled_while_it_is_prepared_gets_no_mail(database) {
        let app = TestApp::new(database).await;
        app.play(journey("1001")).await;
        let due = app.row("follow_up").await.due_at.unwrap();
        app.clock.set(due.into());
        // Claimed by a worker that then looks away; the order is cancelled; the lease ends.
        let mut tx = app.engine.db().single().await.unwrap();
        let now = afternote::clock::Clock::now(&*app.clock);
        let claim = Claim {
            channel: "my-shop",
            class: FollowUp.class(),
            now,
            lease_until: now + TimeDelta::seconds(60),
            worker: "slow",
            limit: 10,
        };
        let rows = tx.claim(claim).await.unwrap().rows;
        assert_eq!(rows.len(), 1);
        drop(tx);
        let before = order_version(&app, rows[0].order_id).await;
        app.apply(vec![Told::new("1001", now, Fact::Cancelled(Cancellation::default())).event()]).await;
        assert_ne!(order_version(&app, rows[0].order_id).await, before);
        // The intent of the slow worker names the order it had checked, and is refused.
        let intent = afternote::store::settle::IntentRow {
            leased: (&rows[0]).into(),
            order_version: before,
            parcels: &[],
            frozen: None,
            lint: None,
        };
        let mut tx = app.engine.db().begin().await.unwrap();
        let passed = tx.intent("slow", &[intent], now, now + TimeDelta::seconds(60)).await.unwrap();
        assert_eq!(passed, Vec::<i64>::new());
        tx.commit().await.unwrap();
        app.run_until(day(40, "00:00")).await;
        assert_eq!(app.count(FollowUp).await, 0);
        assert_eq!(app.state("1001", "follow_up").await.1, "order_cancelled");
    }

    async fn what_became_untrue_after_planning_is_seen_when_it_is_due(database) {
        let app = TestApp::new(database).await;
        app.play(journey("1001")).await;
        let planned = app.row("follow_up").await;
        app.apply(vec![Told::new("1001", day(3, "11:00"), Fact::Cancelled(Cancellation::default())).event()]).await;
        app.run_until(day(4, "10:00")).await;
        // A lost write left the row as it was planned: only the recheck can stop it.
        let due = planned.due_at.unwrap();
        database.execute(&format!(
            "UPDATE messages SET status = 'planned', due_at = {} WHERE id = {}",
            afternote::clock::Instant::from(due).timestamp_millis(), planned.id,
        )).await;
        app.run_until(day(40, "00:00")).await;
        assert_eq!(app.count(FollowUp).await, 0);
        let row = app.row("follow_up").await;
        assert_eq!((row.status, row.reason), (Status::Skipped, Some(Reason::OrderCancelled)));
    }

    // Promise 6: history.

    async fn importing_history_mails_nobody_until_it_is_activated(database) {
        let app = TestApp::new(database).await;
        app.clock.set(day(4, "09:00"));
        let mut orders = journey("1001");
        orders.extend(journey_of("1002", details_of("other@example.com")));
        app.tell("my-shop", orders, Intake::History).await;
        app.run_until(day(5, "09:00")).await;
        assert_eq!(app.mailbox.attempts().len(), 0);
        app.tell("my-shop", journey("1001"), Intake::Activated).await;
        app.run_until(day(40, "00:00")).await;
        assert_eq!(app.kinds().await, [FollowUp, ReviewRequest]);
        assert!(app.sent().await.iter().all(|mail| mail.order_ref == "1001"));
    }

    async fn a_channel_that_was_never_switched_on_mails_nobody(database) {
        let config = "channels.my-shop.activated_at = 2027-01-01T00:00:00Z\n";
        let app = TestApp::with(database, config).await;
        app.play(journey("1001")).await;
        app.run_until(day(60, "00:00")).await;
        assert_eq!(app.mailbox.attempts().len(), 0);
    }

    // Promise 7: one bad thing never stops the others.

    async fn an_order_that_cannot_be_read_stops_no_other(database) {
        let app = TestApp::new(database).await;
        for (number, order) in ["bad", "good"].iter().enumerate() {
            app.apply(journey_of(order, details_of(&format!("b{number}@example.com")))).await;
        }
        let broken = database.execute("UPDATE orders SET facts = '[{\"kind\":\"nonsense\"}]' WHERE external_ref = 'bad'").await;
        assert_eq!(broken, 1);
        app.run_until(day(40, "00:00")).await;
        let orders: Vec<String> = app.sent().await.into_iter().map(|mail| mail.order_ref).collect();
        assert!(orders.contains(&"good".to_owned()) && !orders.contains(&"bad".to_owned()));
        assert_eq!(app.count(ReviewRequest).await, 1);
        let again = app.tell("my-shop", journey("bad").into_iter().chain(journey("new")).collect(), Intake::Live).await;
        assert_eq!(again.refused.len(), 4, "{again:?}");
        assert_eq!(again.orders, 1);
        let held = app.rows().await.iter().filter(|row| row.status == Status::Leased).count();
        database.left_leased.store(u32::try_from(held).unwrap(), std::sync::atomic::Ordering::SeqCst);
    }

    async fn an_order_that_cannot_be_rendered_stops_no_other(database) {
        let folder = tempfile::tempdir().unwrap();
        let subject = "subject: Order {{order.ref}} received";
        let poison = "subject: {{#if buyer.first_name}}For {{buyer.first_name}}{{/if}}";
        let text = shipped_template("accepted").replace(subject, poison);
        write_template(folder.path(), "accepted", &text);
        let app = TestApp::with(database, &format!("templates.dir = \"{}\"", folder.path().display())).await;
        let mut facts = details_of("other@example.com");
        facts.buyer.first_name = None;
        facts.buyer.name = None;
        app.clock.set(day(0, "08:00"));
        let events = vec![
            accepted("bad", day(0, "08:00"), facts),
            accepted("good", day(0, "08:00"), details()),
        ];
        app.apply(events).await;
        app.dispatch().await;
        let orders: Vec<String> = app.sent().await.into_iter().map(|mail| mail.order_ref).collect();
        assert_eq!(orders, ["good"]);
        let row = app.rows().await.remove(0);
        assert_eq!((row.status, row.reason), (Status::Blocked, Some(Reason::RenderFailed)));
    }

    async fn a_broken_address_and_a_refused_event_stop_no_other(database) {
        let app = TestApp::new(database).await;
        let mut events = journey_of("bad", details_of("not an address"));
        events.extend(journey("good"));
        let nowhere = Incoming { channel: "nowhere".to_owned(), event: events[0].clone() };
        let batch = events.into_iter()
            .map(|event| Incoming { channel: "my-shop".to_owned(), event })
            .chain([nowhere]);
        let applied = app.engine.apply(batch.collect(), Intake::Live).await.unwrap();
        assert_eq!((applied.refused.len(), applied.orders), (1, 2));
        app.run_until(day(40, "00:00")).await;
        let orders: Vec<String> = app.sent().await.into_iter().map(|mail| mail.order_ref).collect();
        assert_eq!(orders, ["good"; 2]);
        assert_eq!(app.state("bad", "follow_up").await.1, "undeliverable_address");
    }
}

async fn order_version(app: &TestApp, order: i64) -> i64 {
    let mut tx = app.engine.db().read().await.unwrap();
    let lock = afternote::store::orders::Lock::None;
    tx.load_orders(&[order], lock).await.unwrap().rows[0].version
}

/// Both relationship steps under other names, aiming at other days.
const RENAMED: &str = r#"
[channels.my-shop]
sequence = "renamed"
[sequences.renamed.steps.care]
kind = "follow_up"
anchor = "delivered"
scope = "order"
window = { from = "2d", to = "5d" }
[sequences.renamed.steps.ask]
kind = "review_request"
anchor = "delivered"
scope = "order"
window = { from = "7d", to = "14d" }
target = "13d"
after = "care"
"#;

fn shipped_template(kind: &str) -> String {
    let path = format!("{}/templates/{kind}/en.hbs", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn write_template(folder: &std::path::Path, kind: &str, text: &str) {
    assert_ne!(text, shipped_template(kind), "the template was not changed");
    std::fs::create_dir_all(folder.join(kind)).unwrap();
    std::fs::write(folder.join(kind).join("en.hbs"), text).unwrap();
}
