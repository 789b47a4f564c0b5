//! Order stories in small, and the property that the order of arrival does not matter.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{
    event::{
        BuyerMessage, Cancellation, Complaint, Customs, Delay, Delivery, Empty, Expected, Fact,
        Hold, Line, MailRef, OrderDetails, Payment, Pickup, Reason, Refund, ReturnCase, ReturnLeg,
        Rung, Shipment, StepOrder,
    },
    *,
};

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_400_000, 0).unwrap() + TimeDelta::hours(hours)
}

fn event(hours: i64, parcel: Option<&str>, fact: Fact) -> OrderEvent {
    OrderEvent {
        source: "test".to_owned(),
        source_event_id: format!("{}-{hours}-{}", fact.kind(), parcel.unwrap_or("")),
        order_ref: "1001".to_owned(),
        parcel_ref: parcel.map(str::to_owned),
        line_refs: Vec::new(),
        occurred_at: at(hours),
        precision: TimePrecision::Second,
        received_at: Some(at(hours)),
        test: false,
        backfill: false,
        fact,
    }
}

fn line(line_ref: &str) -> Line {
    Line {
        line_ref: line_ref.to_owned(),
        sku: None,
        title: "Mug".to_owned(),
        quantity: 1,
        price: None,
        ships: true,
    }
}

fn accepted(lines: &[&str]) -> Fact {
    Fact::OrderAccepted(OrderDetails {
        lines: lines.iter().map(|l| line(l)).collect(),
        total: Some("30.00".parse().unwrap()),
        ..OrderDetails::default()
    })
}

fn refund(amount: &str, reference: &str) -> Fact {
    Fact::RefundIssued(Refund {
        amount: Some(amount.parse().unwrap()),
        refund_ref: Some(reference.to_owned()),
        ..Refund::default()
    })
}

fn shipped() -> Fact {
    Fact::Shipped(Shipment::default())
}

fn delivered() -> Fact {
    Fact::Delivered(Delivery::default())
}

fn mail(kind: MailKind) -> Fact {
    Fact::MailAccepted(MailRef {
        step: kind.as_str().to_owned(),
        scope: "order".to_owned(),
        revision: 0,
        mail_kind: kind,
        message_id: "<x@id.example>".to_owned(),
        parcels: Vec::new(),
    })
}

fn order(events: &[OrderEvent]) -> Order {
    Order::new("shop", "1001").apply_all(events).unwrap()
}

fn stage_of(events: &[OrderEvent]) -> &'static str {
    order(events).stage().as_str()
}

/// One event of each kind, a day after the state it meets.
fn every_fact() -> Vec<(Option<&'static str>, Fact)> {
    let p = Some("p1");
    vec![
        (None, accepted(&["l1"])),
        (None, Fact::OrderSnapshot(OrderDetails::default())),
        (None, Fact::PaymentReceived(Payment::default())),
        (p, shipped()),
        (p, Fact::InTransit(Empty {})),
        (p, Fact::OutForDelivery(Expected::default())),
        (p, Fact::PickupReady(Pickup::default())),
        (p, Fact::DeliveryAttemptFailed(Reason::default())),
        (p, delivered()),
        (p, Fact::Delayed(Delay::default())),
        (None, Fact::OutOfStock(Delay::default())),
        (p, Fact::CustomsHold(Customs::default())),
        (p, Fact::ReturnedToSender(ReturnLeg { is_final: false })),
        (p, Fact::ReturnedToSender(ReturnLeg { is_final: true })),
        (p, Fact::Lost(Reason::default())),
        (p, Fact::ParcelWithdrawn(Empty {})),
        (None, Fact::Cancelled(Cancellation::default())),
        (None, refund("10.00", "r1")),
        (None, refund("30.00", "r2")),
        (None, Fact::ReturnRequested(ReturnCase::default())),
        (None, Fact::ReturnCompleted(ReturnCase::default())),
        (None, Fact::ComplaintOpened(Complaint::default())),
        (None, Fact::ComplaintClosed(Complaint::default())),
        (None, Fact::BuyerMessageReceived(BuyerMessage::default())),
        (None, Fact::BuyerMessageAnswered(BuyerMessage::default())),
        (None, Fact::ReviewLeft(Empty {})),
        (None, Fact::OrderHold(Hold::default())),
        (None, Fact::OrderReleased(Hold::default())),
        (None, Fact::NeedsReview(Reason::default())),
        (None, mail(MailKind::FollowUp)),
        (None, mail(MailKind::ReviewRequest)),
    ]
}

#[test]
fn stage_by_event_table() {
    let story: Vec<(&str, OrderEvent)> = vec![
        ("accepted", event(0, None, accepted(&["l1"]))),
        (
            "paid",
            event(1, None, Fact::PaymentReceived(Payment::default())),
        ),
        ("shipped", event(24, Some("p1"), shipped())),
        ("delivered", event(72, Some("p1"), delivered())),
        ("followed_up", event(144, None, mail(MailKind::FollowUp))),
        (
            "review_requested",
            event(360, None, mail(MailKind::ReviewRequest)),
        ),
    ];
    let mut table = String::new();
    for reached in 0..=story.len() {
        let base: Vec<OrderEvent> = story[..reached].iter().map(|(_, e)| e.clone()).collect();
        for (parcel, fact) in every_fact() {
            let label = match &fact {
                Fact::ReturnedToSender(leg) => format!("returned_to_sender final={}", leg.is_final),
                Fact::RefundIssued(r) => format!("refund_issued {}", r.amount.unwrap()),
                Fact::MailAccepted(m) => format!("mail_accepted {}", m.mail_kind),
                other => other.kind().to_owned(),
            };
            let mut events = base.clone();
            events.push(event(400, parcel, fact));
            let after = order(&events);
            let problems: Vec<String> = after
                .open_problems()
                .iter()
                .map(|p| format!("{:?}", p.kind))
                .collect();
            writeln!(
                table,
                "{:<17} + {label:<32} = {:<17} {}",
                stage_of(&base),
                after.stage().as_str(),
                problems.join(" ")
            )
            .unwrap();
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_order_is_delivered_when_its_last_parcel_is() {
    let mut events = vec![
        event(0, None, accepted(&["l1", "l2"])),
        event(10, Some("p1"), shipped()),
        event(20, Some("p2"), shipped()),
        event(50, Some("p1"), delivered()),
    ];
    assert_eq!(
        order(&events).delivery(Rung::Marketplace),
        DeliveryState::OnTheWay
    );
    events.push(event(90, Some("p2"), delivered()));
    let DeliveryState::Delivered(evidence) = order(&events).delivery(Rung::Marketplace) else {
        panic!("not delivered")
    };
    assert_eq!(evidence.stamp.at, at(90));
}

#[test]
fn a_line_in_no_parcel_keeps_the_order_open() {
    let mut first = event(10, Some("p1"), shipped());
    first.line_refs = vec!["l1".to_owned()];
    let events = [
        event(0, None, accepted(&["l1", "l2"])),
        first,
        event(50, Some("p1"), delivered()),
    ];
    assert_eq!(
        order(&events).delivery(Rung::Marketplace),
        DeliveryState::NotAllShipped
    );
    let mut cancelled = event(60, None, Fact::Cancelled(Cancellation::default()));
    cancelled.line_refs = vec!["l2".to_owned()];
    let after = order(&events).apply(&cancelled).unwrap();
    assert!(matches!(
        after.delivery(Rung::Marketplace),
        DeliveryState::Delivered(_)
    ));
    assert_eq!(after.closed, None);
}

#[test]
fn better_evidence_replaces_weaker_and_never_the_other_way() {
    let claim = |hours, rung| {
        event(
            hours,
            Some("p1"),
            Fact::Delivered(Delivery {
                evidence: Some(rung),
                ..Delivery::default()
            }),
        )
    };
    let after = order(&[
        event(0, None, accepted(&["l1"])),
        event(10, Some("p1"), shipped()),
        claim(40, Rung::Buyer),
        claim(45, Rung::Carrier),
        claim(50, Rung::Marketplace),
    ]);
    assert_eq!(after.parcels[0].delivered.unwrap().stamp.at, at(45));
}

#[test]
fn a_guess_from_the_ship_date_is_no_evidence() {
    let inferred = Fact::Delivered(Delivery {
        inferred: true,
        ..Delivery::default()
    });
    let after = order(&[
        event(0, None, accepted(&["l1"])),
        event(10, Some("p1"), shipped()),
        event(40, Some("p1"), inferred),
    ]);
    assert_eq!(
        after.delivery(Rung::Marketplace),
        DeliveryState::EvidenceTooWeak {
            have: Rung::PromisedDate
        }
    );
}

#[test]
fn an_order_that_comes_back_takes_its_dates_from_the_new_facts() {
    let events = [
        event(0, None, accepted(&["l1"])),
        event(1, None, Fact::PaymentReceived(Payment::default())),
        event(5, None, Fact::Cancelled(Cancellation::default())),
    ];
    assert_eq!(stage_of(&events), "closed_cancelled");
    let back = order(&events)
        .apply(&event(9, None, accepted(&["l1"])))
        .unwrap();
    assert_eq!(
        (back.stage(), back.accepted.unwrap().at),
        (Stage::Accepted, at(9))
    );
    assert!(back.paid.is_none());
}

#[test]
fn a_parcel_sent_again_forgets_its_first_delivery() {
    let after = order(&[
        event(0, None, accepted(&["l1"])),
        event(10, Some("p1"), shipped()),
        event(40, Some("p1"), delivered()),
        event(
            60,
            Some("p1"),
            Fact::ReturnedToSender(ReturnLeg { is_final: true }),
        ),
        event(80, Some("p1"), shipped()),
    ]);
    assert_eq!(after.stage(), Stage::Shipped);
    assert_eq!(after.parcels[0].shipped.unwrap().at, at(80));
    let arrived = after.apply(&event(99, Some("p1"), delivered())).unwrap();
    assert_eq!(arrived.parcels[0].delivered.unwrap().stamp.at, at(99));
}

#[test]
fn refunds_close_the_order_when_they_reach_the_total() {
    let base = order(&[
        event(0, None, accepted(&["l1"])),
        event(9, None, refund("10.00", "r1")),
    ]);
    assert_eq!(base.stage(), Stage::Accepted);
    // The same refund told again by another source is the same refund.
    let again = base.apply(&event(10, None, refund("10.00", "r1"))).unwrap();
    assert_eq!(again.refunds.len(), 1);
    let all = again
        .apply(&event(11, None, refund("20.00", "r2")))
        .unwrap();
    assert_eq!(all.stage(), Stage::Closed(Closed::Refunded));
}

#[test]
fn events_that_cannot_be_are_rejected() {
    let base = order(&[event(0, None, accepted(&["l1"]))]);
    let mut other = event(1, None, shipped());
    other.order_ref = "1002".to_owned();
    let mut future = event(50, None, shipped());
    future.received_at = Some(at(1));
    let mut nameless = event(1, Some(" "), shipped());
    nameless.source_event_id = "x".to_owned();
    assert!(matches!(base.apply(&other), Err(Rejected::OtherOrder(_))));
    assert!(matches!(
        base.apply(&future),
        Err(Rejected::ImpossibleTime(_))
    ));
    assert!(matches!(
        base.apply(&nameless),
        Err(Rejected::BadReference("parcel_ref"))
    ));
}

fn any_event() -> impl Strategy<Value = OrderEvent> {
    let kinds = every_fact().len();
    (0..kinds, 0_i64..12, 0_u8..3, any::<bool>()).prop_map(|(kind, hours, parcel, has_lines)| {
        let (is_parcel, fact) = every_fact().swap_remove(kind);
        let parcel = is_parcel.and(["p1", "p2"].get(usize::from(parcel)).copied());
        let mut event = event(hours, parcel, fact);
        if has_lines && event.fact.kind() == "shipped" {
            event.line_refs = vec!["l1".to_owned()];
        }
        event
    })
}

fn events_and_shuffle() -> impl Strategy<Value = (Vec<OrderEvent>, Vec<OrderEvent>)> {
    prop::collection::vec(any_event(), 0..14)
        .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter((events, shuffled) in events_and_shuffle()) {
        let at_once = order(&events);
        let mut one_by_one = Order::new("shop", "1001");
        for event in &shuffled {
            one_by_one = one_by_one.apply(event).unwrap();
            // A repeat changes nothing.
            prop_assert_eq!(&one_by_one.apply(event).unwrap(), &one_by_one);
        }
        prop_assert_eq!(&one_by_one, &at_once);
    }

    #[test]
    fn facts_survive_the_store(events in prop::collection::vec(any_event(), 0..14)) {
        let before = order(&events);
        let json = serde_json::to_string(before.facts()).unwrap();
        let facts: Vec<OrderEvent> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(Order::from_facts("shop", "1001", facts), before);
    }

    #[test]
    fn an_operators_step_orders_are_kept(hours in 0_i64..5) {
        let step = StepOrder { step: "follow_up".to_owned(), scope: None, reason: "asked".to_owned(), revision: None };
        let after = order(&[event(hours, None, Fact::StepSkipped(step.clone()))]);
        prop_assert_eq!(after.skipped_steps, vec![step]);
    }
}

#[test]
fn corrected_details_of_the_same_date_win_by_the_time_of_receipt() {
    let with_email = |email: &str, received: i64| {
        let mut event = event(0, None, accepted(&["l1"]));
        if let Fact::OrderAccepted(details) = &mut event.fact {
            details.buyer.email = Some(email.to_owned());
        }
        event.source_event_id = email.to_owned();
        event.received_at = Some(at(received));
        event
    };
    let (wrong, right) = (
        with_email("z@example.com", 1),
        with_email("a@example.com", 2),
    );
    for events in [[wrong.clone(), right.clone()], [right, wrong]] {
        assert_eq!(
            order(&events).details.buyer.email.as_deref(),
            Some("a@example.com")
        );
    }
}
