//! The plan: small cases by name, and the promises of the product as properties.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use proptest::prelude::*;

use crate::{
    mail::MailClass,
    order::{
        Fact, OrderEvent, TimePrecision,
        event::{
            Basis, BasisRecord, Buyer, BuyerMessage, Cancellation, Complaint, Delay, Delivery,
            Empty, Line, MailRef, OrderDetails, Payment, Pickup, Refund, ReturnCase, Rung,
            Shipment, StepOrder,
        },
    },
    policy::Cap,
    sequence::{
        Anchor, DailyHours, DeliverBy, OnMissed, OrderCondition, Reason, Scope, ScopeKind,
        SendHours, Verdict, Window, step::NamedDeadline,
    },
};

use super::{
    simulate::{Simulated, Span as SimSpan, Subject, simulate},
    *,
};

const BERLIN: Tz = chrono_tz::Europe::Berlin;

fn at(days: i64, hours: i64) -> DateTime<Utc> {
    // A Monday, 08:00 in Berlin.
    Utc.with_ymd_and_hms(2026, 3, 2, 7, 0, 0).unwrap()
        + TimeDelta::days(days)
        + TimeDelta::hours(hours)
}

fn step(id: &str, kind: MailKind, anchor: Anchor, scope: ScopeKind) -> Step {
    Step {
        id: id.to_owned(),
        kind,
        enabled: true,
        anchor,
        scope,
        window: Window {
            from: Span::ZERO,
            to: Span::days(5),
        },
        target: Span::ZERO,
        after: None,
        hours: SendHours::Always,
        spread: Span::ZERO,
        evidence: Rung::Marketplace,
        delivered_after_ship: Span::days(7),
        on_missed: OnMissed::Expire,
        deliver_by: DeliverBy::After(Span::days(2)),
        when: OrderCondition::default(),
        sent_by_shop: false,
    }
}

fn office() -> SendHours {
    SendHours::Within(DailyHours {
        from: NaiveTime::from_hms_opt(9, 0, 0).unwrap(),
        to: NaiveTime::from_hms_opt(19, 0, 0).unwrap(),
        weekdays: vec![
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
        ],
        skip_holidays: true,
    })
}

fn sequence() -> Sequence {
    use {Anchor as A, MailKind as K, ScopeKind as S};
    let relationship = |mut s: Step, from, to, target| {
        s.window = Window {
            from: Span::days(from),
            to: Span::days(to),
        };
        s.target = Span::days(target);
        s.hours = office();
        s.spread = Span::hours(2);
        s.deliver_by = DeliverBy::Named(NamedDeadline::WindowEnd);
        s
    };
    let mut review = relationship(
        step("review", K::ReviewRequest, A::Delivered, S::Order),
        7,
        14,
        12,
    );
    review.after = Some("follow_up".to_owned());
    let mut reminder = step(
        "pickup_reminder",
        K::PickupReminder,
        A::PickupUntil,
        S::Parcel,
    );
    reminder.window = Window {
        from: Span::days(-2),
        to: Span::ZERO,
    };
    reminder.target = Span::days(-1);
    reminder.deliver_by = DeliverBy::Named(NamedDeadline::PickupUntil);
    Sequence {
        name: "test".to_owned(),
        steps: vec![
            step("accepted", K::Accepted, A::Accepted, S::Order),
            step("paid", K::Paid, A::Paid, S::Order),
            step("shipped", K::Shipped, A::Shipped, S::Parcel),
            step("delay", K::Delay, A::Delayed, S::Incident),
            step("pickup", K::PickupWaiting, A::PickupReady, S::Parcel),
            reminder,
            step("refund", K::Refund, A::RefundIssued, S::Incident),
            step("cancelled", K::Cancelled, A::Cancelled, S::Incident),
            // Before the follow-up in the list: the order of the list decides nothing.
            review,
            relationship(
                step("follow_up", K::FollowUp, A::Delivered, S::Order),
                2,
                5,
                3,
            ),
        ],
    }
}

fn rules_on(platform: Platform) -> ChannelRules {
    ChannelRules {
        name: "shop".to_owned(),
        platform,
        sequence: sequence(),
        policy: Policy::default(),
        basis: BasisSettings::default(),
        seller_zone: BERLIN,
        holidays: Holidays::builtin().clone(),
        sent_by_shop: BTreeSet::new(),
        with_template: MailKind::ALL.into_iter().collect(),
        rest_after_problem: Span::days(1),
        activation_age: Span::hours(48),
    }
}

fn rules() -> ChannelRules {
    rules_on(Platform::Shop)
}

fn event(when: DateTime<Utc>, parcel: Option<&str>, fact: Fact) -> OrderEvent {
    OrderEvent {
        source: "test".to_owned(),
        source_event_id: format!(
            "{}-{}-{}",
            fact.kind(),
            when.timestamp(),
            parcel.unwrap_or("")
        ),
        order_ref: "1001".to_owned(),
        parcel_ref: parcel.map(str::to_owned),
        line_refs: Vec::new(),
        occurred_at: when,
        precision: TimePrecision::Second,
        received_at: Some(when),
        test: false,
        backfill: false,
        fact,
    }
}

fn accepted() -> Fact {
    Fact::OrderAccepted(OrderDetails {
        buyer: Buyer {
            email: Some("anna@example.com".to_owned()),
            country: Some("DE".to_owned()),
            ..Buyer::default()
        },
        lines: vec![Line {
            line_ref: "l1".to_owned(),
            sku: None,
            title: "Mug".to_owned(),
            quantity: 1,
            price: None,
            ships: true,
        }],
        total: Some("30.00".parse().unwrap()),
        basis: Some(BasisRecord {
            basis: Basis::Consent,
            at: None,
            place: None,
            text_version: None,
        }),
        ..OrderDetails::default()
    })
}

fn paid() -> Fact {
    Fact::PaymentReceived(Payment::default())
}

fn shipped() -> Fact {
    Fact::Shipped(Shipment::default())
}

fn delivered() -> Fact {
    Fact::Delivered(Delivery::default())
}

fn usual() -> Vec<OrderEvent> {
    vec![
        event(at(0, 0), None, accepted()),
        event(at(0, 1), None, paid()),
        event(at(1, 0), Some("p1"), shipped()),
        event(at(3, 4), Some("p1"), delivered()),
    ]
}

fn with(more: Vec<OrderEvent>) -> Vec<OrderEvent> {
    let mut events = usual();
    events.extend(more);
    events
}

fn run(rules: ChannelRules, events: Vec<OrderEvent>, days: i64) -> Vec<Simulated> {
    let subject = Subject {
        order: Order::new(&rules.name, "1001"),
        rules: Arc::new(rules),
        ledger: Ledger::default(),
        coming: events,
        buyer_key: Some("anna".to_owned()),
    };
    simulate(
        vec![subject],
        SimSpan {
            from: at(0, -24),
            to: at(days, 0),
            cap: None,
        },
    )
}

/// `step scope = outcome` of a whole run, for comparing with a story.
fn outcomes(results: &[Simulated]) -> Vec<String> {
    let mut lines: Vec<String> = results
        .iter()
        .map(|r| {
            let outcome = if r.is_sent {
                let local = r.zone.from_utc_datetime(&r.at.naive_utc());
                format!("sent {}", local.format("%a %d %H:%M"))
            } else {
                match (&r.decision.verdict, r.decision.verdict.reason()) {
                    (Verdict::Superseded { by }, _) => format!("superseded {by}"),
                    (verdict, Some(reason)) => format!("{} {reason}", verdict.as_str()),
                    (verdict, None) => verdict.as_str().to_owned(),
                }
            };
            format!("{} {} = {outcome}", r.decision.step, r.decision.scope)
        })
        .collect();
    lines.sort();
    lines
}

fn outcome(results: &[Simulated], step: &str) -> String {
    outcomes(results)
        .into_iter()
        .find(|line| line.starts_with(&format!("{step} ")))
        .unwrap_or_else(|| format!("{step} = nothing"))
        .split(" = ")
        .last()
        .unwrap()
        .to_owned()
}

#[test]
fn a_usual_order_gets_each_mail_once_and_in_its_window() {
    let lines = outcomes(&run(rules(), usual(), 40));
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert_eq!(lines[0], "accepted order = sent Mon 02 08:00");
    assert_eq!(lines[2], "paid order = sent Mon 02 09:00");
    assert_eq!(lines[4], "shipped parcel:p1 = sent Tue 03 08:00");
    // Delivered Thursday 5 March 12:00: target Sunday 8, so Monday morning; day 12 is the 17th.
    assert!(
        lines[1].starts_with("follow_up order = sent Mon 09 09:"),
        "{}",
        lines[1]
    );
    assert!(
        lines[3].starts_with("review order = sent Tue 17 1"),
        "{}",
        lines[3]
    );
}

#[test]
fn without_a_delivery_date_relationship_mail_waits() {
    let mut guess = Delivery {
        inferred: true,
        ..Delivery::default()
    };
    guess.evidence = Some(Rung::ShipDate);
    let mut lenient = rules();
    for step in &mut lenient.sequence.steps {
        step.evidence = Rung::ShipDate;
    }
    let events = vec![
        event(at(0, 0), None, accepted()),
        event(at(1, 0), Some("p1"), shipped()),
    ];
    let results = run(lenient, events.clone(), 60);
    assert_eq!(
        outcome(&results, "follow_up"),
        "waiting no_delivery_evidence"
    );
    let mut guessed = events;
    guessed.push(event(at(3, 0), Some("p1"), Fact::Delivered(guess)));
    let results = run(rules(), guessed, 60);
    assert_eq!(
        outcome(&results, "follow_up"),
        "waiting no_delivery_evidence"
    );
    assert_eq!(outcome(&results, "review"), "waiting no_delivery_evidence");
}

#[test]
fn the_clock_starts_at_the_last_parcel() {
    let events = with(vec![
        event(at(1, 3), Some("p2"), shipped()),
        event(at(8, 4), Some("p2"), delivered()),
    ]);
    let results = run(rules(), events, 40);
    let follow_up = results
        .iter()
        .find(|r| r.decision.step == "follow_up")
        .unwrap();
    assert!(follow_up.at >= at(10, 4), "{}", follow_up.at);
}

#[test]
fn parcels_of_one_hour_share_a_mail_and_later_ones_get_their_own() {
    let mut slow = rules();
    for step in &mut slow.sequence.steps {
        if step.id == "shipped" {
            step.target = Span::hours(2);
        }
    }
    let events = vec![
        event(at(0, 0), None, accepted()),
        event(at(1, 0), Some("p1"), shipped()),
        event(at(1, 1), Some("p2"), shipped()),
        event(at(1, 5), Some("p3"), shipped()),
    ];
    let mut lines = outcomes(&run(slow, events, 5));
    lines.retain(|line| line.starts_with("shipped"));
    assert_eq!(
        lines,
        [
            "shipped parcel:p1 = sent Tue 03 10:00",
            "shipped parcel:p3 = sent Tue 03 15:00"
        ]
    );
}

#[test]
fn holds_postpone_inside_the_window_and_end_as_expired_by_their_name() {
    let open = |fact| vec![event(at(4, 0), None, fact)];
    for (fact, reason) in [
        (
            Fact::ReturnRequested(ReturnCase::default()),
            "expired expired_held_by_return",
        ),
        (
            Fact::ComplaintOpened(Complaint::default()),
            "expired expired_held_by_complaint",
        ),
        (
            Fact::BuyerMessageReceived(BuyerMessage::default()),
            "expired expired_held_by_message",
        ),
        (
            Fact::OrderHold(crate::order::event::Hold::default()),
            "expired expired_held_by_operator",
        ),
    ] {
        let results = run(rules(), with(open(fact)), 40);
        assert_eq!(outcome(&results, "follow_up"), reason);
        assert_eq!(
            outcome(&results, "review"),
            "skipped previous_step_not_sent"
        );
    }
    // Solved in time: the mail goes after a day of rest.
    let mut solved = open(Fact::ComplaintOpened(Complaint::default()));
    solved.push(event(
        at(6, 4),
        None,
        Fact::ComplaintClosed(Complaint::default()),
    ));
    let results = run(rules(), with(solved), 40);
    // Solved on Sunday 8 at 12:00; rested until Monday 9 at 12:00.
    assert_eq!(outcome(&results, "follow_up"), "sent Mon 09 12:00");
}

#[test]
fn an_end_of_the_order_stops_what_is_no_longer_true() {
    let cancel = Fact::Cancelled(Cancellation::default());
    let results = run(rules(), with(vec![event(at(4, 0), None, cancel)]), 40);
    assert_eq!(outcome(&results, "follow_up"), "skipped order_cancelled");
    assert_eq!(outcome(&results, "cancelled"), "sent Fri 06 08:00");
    let refund = Fact::RefundIssued(Refund {
        partial: Some(false),
        ..Refund::default()
    });
    let results = run(rules(), with(vec![event(at(4, 0), None, refund)]), 40);
    assert_eq!(outcome(&results, "follow_up"), "skipped order_refunded");
    assert_eq!(outcome(&results, "refund"), "sent Fri 06 08:00");
}

#[test]
fn a_review_left_or_a_step_skipped_stops_the_request() {
    let left = event(at(4, 0), None, Fact::ReviewLeft(Empty {}));
    assert_eq!(
        outcome(&run(rules(), with(vec![left]), 40), "review"),
        "skipped review_left"
    );
    let skip = Fact::StepSkipped(StepOrder {
        step: "follow_up".to_owned(),
        scope: None,
        reason: "asked on the phone".to_owned(),
        revision: None,
    });
    let results = run(rules(), with(vec![event(at(4, 0), None, skip)]), 40);
    assert_eq!(outcome(&results, "follow_up"), "skipped operator_skipped");
    assert_eq!(
        outcome(&results, "review"),
        "skipped previous_step_not_sent"
    );
}

#[test]
fn never_shipped_after_delivered() {
    // Everything is learned at once, after delivery.
    let events: Vec<OrderEvent> = usual()
        .into_iter()
        .map(|mut e| {
            e.source_event_id.push('x');
            e
        })
        .collect();
    let order = Order::new("shop", "1001").apply_all(&events).unwrap();
    let decisions = plan(
        &order,
        &rules(),
        &Ledger::default(),
        &BuyerStanding::default(),
        at(3, 5),
        Detail::Verdicts,
    );
    let verdict = |id: &str| {
        decisions
            .iter()
            .find(|d| d.step == id)
            .unwrap()
            .verdict
            .clone()
    };
    assert_eq!(
        verdict("shipped"),
        Verdict::Skipped {
            reason: Reason::AlreadyDelivered
        }
    );
    assert_eq!(
        verdict("accepted"),
        Verdict::Skipped {
            reason: Reason::AlreadyDelivered
        }
    );
}

#[test]
fn a_delay_is_told_once_per_incident_and_the_newest_counts() {
    let delay = |hours, reason: &str| {
        event(
            at(1, hours),
            Some("p1"),
            Fact::Delayed(Delay {
                expected_at: None,
                reason: Some(reason.to_owned()),
            }),
        )
    };
    let mut events = usual();
    events.truncate(3);
    events.push(delay(2, "weather"));
    events.push(delay(9, "strike"));
    let lines = outcomes(&run(rules(), events, 30));
    let delays: Vec<&String> = lines.iter().filter(|l| l.starts_with("delay")).collect();
    assert_eq!(delays.len(), 2, "{lines:?}");
    assert!(
        delays.iter().all(|l| l.contains("= sent Tue 03")),
        "{delays:?}"
    );
}

#[test]
fn a_promise_that_passes_gives_a_notice_at_the_end_of_its_day() {
    let promised = |events: &mut Vec<OrderEvent>| {
        if let Fact::OrderAccepted(details) = &mut events[0].fact {
            details.promised_by = Some(at(2, 5));
        }
    };
    let mut late = usual();
    promised(&mut late);
    assert_eq!(
        outcome(&run(rules(), late, 30), "delay"),
        "sent Wed 04 23:59"
    );
    let mut early = usual();
    early[3] = event(at(2, 1), Some("p1"), delivered());
    promised(&mut early);
    assert_eq!(
        outcome(&run(rules(), early, 30), "delay"),
        "skipped arrived_in_time"
    );
}

#[test]
fn a_pickup_reminder_comes_before_the_last_day() {
    let pickup = Fact::PickupReady(Pickup {
        pickup_until: Some(at(9, 0)),
        ..Pickup::default()
    });
    let mut events = usual();
    events.truncate(3);
    events.push(event(at(4, 0), Some("p1"), pickup));
    assert_eq!(
        outcome(&run(rules(), events.clone(), 30), "pickup_reminder"),
        "sent Tue 10 08:00"
    );
    events.push(event(at(5, 0), Some("p1"), delivered()));
    assert_eq!(
        outcome(&run(rules(), events, 30), "pickup_reminder"),
        "skipped already_delivered"
    );
}

#[test]
fn history_mails_nobody_until_it_is_activated() {
    let history: Vec<OrderEvent> = usual()
        .into_iter()
        .map(|mut e| {
            e.backfill = true;
            e
        })
        .collect();
    let results = run(rules(), history.clone(), 40);
    assert!(
        results.iter().all(|r| !r.is_sent),
        "{:?}",
        outcomes(&results)
    );
    assert_eq!(outcome(&results, "accepted"), "skipped history");
    let mut activated = history;
    activated.push(event(at(4, 0), None, Fact::OrderActivated(Empty {})));
    let results = run(rules(), activated, 40);
    assert!(outcome(&results, "follow_up").starts_with("sent"));
    // Transactional mail about events of more than 48 hours ago is of no use any more.
    assert_eq!(outcome(&results, "accepted"), "skipped history");
}

#[test]
fn marketplaces_forbid_most_of_the_sequence_and_say_so() {
    for platform in [
        Platform::Allegro,
        Platform::Amazon,
        Platform::Ebay,
        Platform::Aliexpress,
    ] {
        let results = run(rules_on(platform), usual(), 40);
        assert!(
            results.iter().all(|r| !r.is_sent),
            "{platform}: {:?}",
            outcomes(&results)
        );
        assert!(
            outcome(&results, "review").starts_with("skipped channel_policy"),
            "{platform}"
        );
    }
}

#[test]
fn no_basis_no_relationship_mail() {
    let mut events = usual();
    if let Fact::OrderAccepted(details) = &mut events[0].fact {
        details.basis = None;
    }
    let results = run(rules(), events, 40);
    assert_eq!(outcome(&results, "follow_up"), "skipped no_basis");
}

#[test]
fn unusable_addresses_are_told_apart() {
    let with_email = |email: Option<&str>| {
        let mut events = usual();
        if let Fact::OrderAccepted(details) = &mut events[0].fact {
            details.buyer.email = email.map(str::to_owned);
        }
        outcome(&run(rules(), events, 40), "paid")
    };
    assert_eq!(with_email(None), "skipped no_address");
    assert_eq!(
        with_email(Some("anna@localhost")),
        "skipped undeliverable_address"
    );
}

#[test]
fn a_cap_makes_the_mail_wait_inside_its_window() {
    let subject = |reference: &str, shift: i64| {
        let events = usual()
            .into_iter()
            .map(|mut e| {
                e.order_ref = reference.to_owned();
                e.occurred_at += TimeDelta::hours(shift);
                e
            })
            .collect();
        Subject {
            order: Order::new("shop", reference),
            rules: Arc::new(rules()),
            ledger: Ledger::default(),
            coming: events,
            buyer_key: Some("anna".to_owned()),
        }
    };
    let cap = Cap {
        max: 1,
        per: Span::days(1),
    };
    let results = simulate(
        vec![subject("1", 0), subject("2", 1)],
        SimSpan {
            from: at(0, 0),
            to: at(40, 0),
            cap: Some(cap),
        },
    );
    let mut sent: Vec<DateTime<Utc>> = results
        .iter()
        .filter(|r| r.is_sent && r.decision.step == "follow_up")
        .map(|r| r.at)
        .collect();
    sent.sort();
    assert_eq!(sent.len(), 2);
    assert!(sent[1] - sent[0] >= TimeDelta::days(1));
}

#[test]
fn a_review_request_is_never_asked_for_again_under_another_name() {
    let mut renamed = rules();
    let events = with(vec![
        event(at(7, 0), None, mail(MailKind::FollowUp, "follow_up")),
        event(at(15, 0), None, mail(MailKind::ReviewRequest, "review")),
    ]);
    for step in &mut renamed.sequence.steps {
        if step.kind == MailKind::ReviewRequest {
            step.id = "ask_for_review".to_owned();
        }
    }
    let results = run(renamed, events, 40);
    assert_eq!(
        outcome(&results, "ask_for_review"),
        "skipped once_per_order"
    );
}

#[test]
fn a_resend_of_a_review_request_that_went_is_refused() {
    let resend = |step: &str| {
        Fact::StepResent(StepOrder {
            step: step.to_owned(),
            scope: None,
            reason: "lost".to_owned(),
            revision: Some(1),
        })
    };
    let results = run(
        rules(),
        with(vec![
            event(at(17, 0), None, resend("review")),
            event(at(2, 0), None, resend("shipped")),
        ]),
        40,
    );
    let sent = |step: &str| {
        results
            .iter()
            .filter(|r| r.is_sent && r.decision.step == step)
            .count()
    };
    assert_eq!(sent("review"), 1, "{:?}", outcomes(&results));
    assert_eq!(sent("shipped"), 2, "{:?}", outcomes(&results));
}

fn mail(kind: MailKind, step: &str) -> Fact {
    Fact::MailAccepted(MailRef {
        step: step.to_owned(),
        scope: "order".to_owned(),
        revision: 0,
        mail_kind: kind,
        message_id: "<1@id.example>".to_owned(),
        parcels: Vec::new(),
    })
}

#[test]
fn plan_explains_itself_when_asked_and_only_then() {
    let order = Order::new("shop", "1001").apply_all(&usual()).unwrap();
    let decide = |detail| {
        plan(
            &order,
            &rules(),
            &Ledger::default(),
            &BuyerStanding::default(),
            at(3, 5),
            detail,
        )
    };
    let silent = decide(Detail::Verdicts);
    let told = decide(Detail::Reasons);
    assert!(silent.iter().all(|d| d.because.is_empty()));
    let follow_up = told.iter().find(|d| d.step == "follow_up").unwrap();
    let reasons: Vec<Reason> = follow_up.because.iter().map(|b| b.reason).collect();
    for expected in [
        Reason::AnchorSeen,
        Reason::PolicyAllows,
        Reason::BasisFound,
        Reason::WindowOpen,
        Reason::TargetAimed,
        Reason::ZoneChosen,
    ] {
        assert!(
            reasons.contains(&expected),
            "{expected} is missing in {reasons:?}"
        );
    }
    let verdicts = |all: &[Decision]| all.iter().map(|d| d.verdict.clone()).collect::<Vec<_>>();
    assert_eq!(verdicts(&silent), verdicts(&told));
}

fn any_event() -> impl Strategy<Value = OrderEvent> {
    let parcel = prop_oneof![Just("p1"), Just("p2")];
    (0_usize..16, 0_i64..30 * 24, parcel, any::<bool>()).prop_map(
        |(kind, hours, parcel, is_day)| {
            let p = Some(parcel);
            let (parcel, fact) = match kind {
                0..=2 => (p, delivered()),
                3 | 4 => (p, shipped()),
                5 => (None, accepted()),
                6 => (None, paid()),
                7 => (None, Fact::Cancelled(Cancellation::default())),
                8 => (None, Fact::ComplaintOpened(Complaint::default())),
                9 => (None, Fact::ComplaintClosed(Complaint::default())),
                10 => (None, Fact::BuyerMessageReceived(BuyerMessage::default())),
                11 => (
                    p,
                    Fact::ReturnedToSender(crate::order::event::ReturnLeg { is_final: true }),
                ),
                12 => (None, Fact::ReviewLeft(Empty {})),
                13 => (p, Fact::Delayed(Delay::default())),
                14 => (
                    None,
                    Fact::StepHastened(StepOrder {
                        step: "review".to_owned(),
                        scope: None,
                        reason: "now".to_owned(),
                        revision: None,
                    }),
                ),
                _ => (
                    None,
                    Fact::StepResent(StepOrder {
                        step: "review".to_owned(),
                        scope: None,
                        reason: "again".to_owned(),
                        revision: Some(1),
                    }),
                ),
            };
            let mut event = event(at(0, hours), parcel, fact);
            if is_day {
                event.precision = TimePrecision::Day;
            }
            event
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn promises_hold_for_any_course_of_events(
        events in prop::collection::vec(any_event(), 0..14),
        country in prop_oneof![Just("DE"), Just("US"), Just("PL"), Just("GB")],
    ) {
        let mut all = vec![event(at(0, 0), None, accepted())];
        if let Fact::OrderAccepted(details) = &mut all[0].fact {
            details.buyer.country = Some(country.to_owned());
        }
        all.extend(events);
        let results = run(rules(), all.clone(), 90);
        let sent: Vec<&Simulated> = results.iter().filter(|r| r.is_sent).collect();
        let of = |kind: MailKind| sent.iter().filter(|r| r.decision.kind == kind).collect::<Vec<_>>();
        let (follow_ups, reviews) = (of(MailKind::FollowUp), of(MailKind::ReviewRequest));
        prop_assert!(follow_ups.len() <= 1 && reviews.len() <= 1);
        for (mail, from, to) in follow_ups.iter().map(|m| (m, 2, 5)).chain(reviews.iter().map(|m| (m, 7, 14))) {
            // What was known when it went.
            let known: Vec<OrderEvent> = all.iter().filter(|e| e.occurred_at <= mail.at).cloned().collect();
            let order = Order::new("shop", "1001").apply_all(&known).unwrap();
            let crate::order::DeliveryState::Delivered(evidence) = order.delivery(Rung::Marketplace) else {
                return Err(TestCaseError::fail("sent without delivery"));
            };
            let slack = if evidence.stamp.precision == TimePrecision::Day { TimeDelta::days(1) } else { TimeDelta::zero() };
            let since = mail.at - evidence.stamp.at;
            prop_assert!(since >= TimeDelta::days(from) && since <= TimeDelta::days(to) + slack, "{since}");
            prop_assert!(order.closed.is_none());
            let local = mail.zone.from_utc_datetime(&mail.at.naive_utc());
            prop_assert!((9..19).contains(&chrono::Timelike::hour(&local)));
            prop_assert!(chrono::Datelike::weekday(&local) != Weekday::Sun);
        }
        if let Some(review) = reviews.first() {
            prop_assert!(follow_ups.first().is_some_and(|f| f.at < review.at));
        }
        for mail in &sent {
            prop_assert!(mail.decision.kind.class() == MailClass::Transactional || !mail.decision.because.is_empty());
        }
        let mut keys = BTreeSet::new();
        for mail in &sent {
            prop_assert!(keys.insert((mail.decision.step.clone(), mail.decision.scope.clone(), mail.decision.revision)), "twice");
        }
    }

    #[test]
    fn a_plan_is_total_and_repeats_exactly(
        events in prop::collection::vec(any_event(), 0..14),
        hours in 0_i64..60 * 24,
    ) {
        let order = Order::new("shop", "1001").apply_all(&events).unwrap();
        let decide = || plan(&order, &rules(), &Ledger::default(), &BuyerStanding::default(), at(0, hours), Detail::Reasons);
        let first = decide();
        prop_assert_eq!(&first, &decide());
        let mut keys = BTreeSet::new();
        for decision in &first {
            prop_assert!(keys.insert((decision.step.clone(), decision.scope.clone(), decision.revision)));
            if let Verdict::Scheduled { from, until, send_at } = decision.verdict {
                prop_assert!(from <= send_at && send_at <= until && send_at >= order.accepted.map_or(send_at, |_| send_at));
                prop_assert!(send_at >= at(0, hours));
            }
        }
    }
}

#[test]
fn scopes_name_what_a_mail_stands_for() {
    let order = Order::new("shop", "1001").apply_all(&usual()[..3]).unwrap();
    let decisions = plan(
        &order,
        &rules(),
        &Ledger::default(),
        &BuyerStanding::default(),
        at(1, 1),
        Detail::Verdicts,
    );
    let shipped = decisions.iter().find(|d| d.step == "shipped").unwrap();
    assert_eq!(shipped.scope, Scope::Parcel("p1".to_owned()));
    assert_eq!(shipped.parcels, ["p1"]);
}
