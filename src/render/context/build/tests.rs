use super::{color::*, *};
use crate::{
    mail::{Locale, Platform},
    order::{
        Fact, OrderEvent, TimePrecision,
        event::{Delivery, OrderDetails},
    },
    render::{Catalogue, LocaleChain, context::Delay},
};
use std::sync::LazyLock;

fn day(day: i64) -> Instant {
    // 2 March 2026, 12:00 UTC, plus some days.
    crate::clock::from_millis(1_772_452_800_000 + (day - 2) * 86_400_000)
}

fn at(when: i64, parcel: Option<&str>, lines: &[&str], fact: Fact) -> OrderEvent {
    OrderEvent {
        source: "test".to_owned(),
        source_event_id: format!("{}-{when}-{parcel:?}", fact.kind()),
        order_ref: "A-1".to_owned(),
        parcel_ref: parcel.map(str::to_owned),
        line_refs: lines.iter().map(|line| (*line).to_owned()).collect(),
        occurred_at: day(when),
        precision: TimePrecision::Second,
        received_at: None,
        test: false,
        backfill: false,
        fact,
    }
}

fn accepted() -> OrderEvent {
    let line = |line_ref: &str, title: &str, quantity, price| Line {
        line_ref: line_ref.to_owned(),
        sku: None,
        title: title.to_owned(),
        quantity,
        price: Some(Decimal::new(price, 2)),
        ships: true,
    };
    at(
        2,
        None,
        &[],
        Fact::OrderAccepted(OrderDetails {
            buyer: event::Buyer {
                name: Some("Anna\r\nNowak".to_owned()),
                first_name: Some(" \u{202e} ".to_owned()),
                address_lines: vec!["Kwiatowa 3".to_owned(), String::new()],
                ..event::Buyer::default()
            },
            lines: vec![line("1", "Mug", 2, 1850), line("2", "Towel", 1, 1290)],
            currency: Some("eur".to_owned()),
            total: Some(Decimal::new(5480, 2)),
            shipping: Some(Decimal::new(490, 2)),
            promised_dispatch_by: Some(day(4)),
            promised_by: Some(day(9)),
            order_url: Some("https://shop.example/A-1".to_owned()),
            invoice_url: Some("http://insecure.example/".to_owned()),
            ..OrderDetails::default()
        }),
    )
}

fn order(events: &[OrderEvent]) -> Order {
    let mut all = vec![accepted()];
    all.extend_from_slice(events);
    Order::new("shop", "A-1").apply_all(&all).unwrap()
}

fn shop() -> ShopFacts {
    ShopFacts {
        name: "Kiln".to_owned(),
        postal_address: vec!["Weg 1".to_owned()],
        ..ShopFacts::default()
    }
}

fn attempt(
    order: &Order,
    kind: MailKind,
    scope: &str,
    now: i64,
    shop: &ShopFacts,
) -> Result<MailContext, BuildError> {
    let scope: Scope = scope.parse().unwrap();
    build(&ContextRequest {
        order,
        kind,
        scope: &scope,
        parcels: &[],
        shop,
        now: day(now),
        zone: chrono_tz::Europe::Warsaw,
    })
}

/// Builds and also renders, so that no state of an order stops its mail.
fn built(order: &Order, kind: MailKind, scope: &str, now: i64) -> MailContext {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());
    let context = attempt(order, kind, scope, now, &shop()).unwrap();
    let chain = LocaleChain::only(&Locale::english());
    let mail = CATALOGUE
        .render(kind, &chain, Platform::Shop, &context)
        .unwrap();
    assert!(mail.text.contains("A-1"));
    context
}

fn titles(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.title.as_str()).collect()
}

fn shipped(when: i64, parcel: &str, lines: &[&str], url: &str) -> OrderEvent {
    at(
        when,
        Some(parcel),
        lines,
        Fact::Shipped(event::Shipment {
            carrier: Some("DHL".to_owned()),
            tracking_number: Some(format!("N{parcel}")),
            tracking_url: Some(url.to_owned()),
            expected_at: Some(day(7)),
        }),
    )
}

#[test]
fn values_are_cleaned_and_unsafe_addresses_left_out() {
    let context = built(&order(&[]), MailKind::Accepted, "order", 2);
    assert_eq!(context.buyer.name.as_deref(), Some("Anna Nowak"));
    assert_eq!(context.buyer.first_name, None);
    assert_eq!(context.order.address, ["Kwiatowa 3"]);
    assert_eq!(context.order.invoice_url, None);
    assert_eq!(
        context.order.items[0].total.as_ref().unwrap().amount,
        Decimal::new(37, 0)
    );
    assert_eq!(context.order.total.as_ref().unwrap().currency, "EUR");
    assert_eq!(clean(&"x".repeat(1000)).unwrap().chars().count(), MAX_VALUE);
}

#[test]
fn promises_that_have_passed_are_not_repeated() {
    let order = order(&[]);
    let dispatch = |now| {
        built(&order, MailKind::Accepted, "order", now)
            .order
            .dispatch_by
    };
    assert!(dispatch(4).is_some());
    assert!(dispatch(5).is_none());
}

#[test]
fn times_are_told_by_the_buyers_clock() {
    let context = built(&order(&[]), MailKind::Accepted, "order", 2);
    let told = context.order.accepted_on.unwrap().0;
    assert_eq!(told.to_string(), "2026-03-02 13:00:00");
}

#[test]
fn the_means_of_payment_is_told_only_where_there_are_words_for_it() {
    let paid = |method: &str| {
        let order = order(&[at(
            3,
            None,
            &[],
            Fact::PaymentReceived(event::Payment {
                method: Some(method.to_owned()),
                ..event::Payment::default()
            }),
        )]);
        let Part::Payment(part) = built(&order, MailKind::Paid, "order", 3).part else {
            panic!()
        };
        part.payment
    };
    assert!(paid("card").by_card);
    assert!(paid("bank_transfer").by_transfer);
    let cash = paid("cod");
    assert!(cash.on_delivery && !cash.is_paid);
    assert_eq!(paid("PayPal").method_name.as_deref(), Some("PayPal"));
    assert_eq!(paid("online").method_name, None);
}

#[test]
fn a_parcel_is_counted_and_what_is_still_to_come_is_listed() {
    let first = shipped(3, "p1", &["1"], "https://t.example/1");
    let order_then = order(std::slice::from_ref(&first));
    let Part::Shipment(part) = built(&order_then, MailKind::Shipped, "parcel:p1", 3).part else {
        panic!()
    };
    let parcel = &part.shipment.parcels[0];
    assert_eq!((parcel.position, parcel.count), (1, 2));
    assert_eq!(titles(&parcel.items), ["Mug"]);
    assert_eq!(titles(&part.shipment.to_come), ["Towel"]);
    let order = order(&[first, shipped(4, "p2", &["2"], "ftp://t.example")]);
    let Part::Shipment(part) = built(&order, MailKind::Shipped, "parcel:p2", 4).part else {
        panic!()
    };
    let parcel = &part.shipment.parcels[0];
    assert_eq!((parcel.position, parcel.count), (2, 2));
    assert_eq!(parcel.tracking_url, None);
    assert_eq!(parcel.tracking_number.as_deref(), Some("Np2"));
    assert!(part.shipment.to_come.is_empty());
}

#[test]
fn parcels_the_plan_grouped_share_one_mail() {
    let order = order(&[
        shipped(3, "p1", &["1"], "https://t.example/1"),
        shipped(3, "p2", &["2"], "https://t.example/2"),
    ]);
    let parcels = ["p1".to_owned(), "p2".to_owned()];
    let shop = shop();
    let context = build(&ContextRequest {
        order: &order,
        kind: MailKind::Shipped,
        scope: &Scope::Parcel("p1".to_owned()),
        parcels: &parcels,
        shop: &shop,
        now: day(3),
        zone: chrono_tz::UTC,
    })
    .unwrap();
    let Part::Shipment(part) = context.part else {
        panic!()
    };
    assert_eq!(part.shipment.parcel_count, 2);
    assert_eq!(part.shipment.tracking_url, None);
}

#[test]
fn parcels_whose_lines_are_unknown_claim_no_contents() {
    let order = order(&[
        shipped(3, "p1", &[], "https://t.example/1"),
        shipped(4, "p2", &[], "https://t.example/2"),
    ]);
    let Part::Shipment(part) = built(&order, MailKind::SplitParcel, "order", 4).part else {
        panic!()
    };
    assert_eq!(part.shipment.parcels.len(), 2);
    assert!(
        part.shipment
            .parcels
            .iter()
            .all(|parcel| parcel.items.is_empty())
    );
}

#[test]
fn delivery_pickup_and_customs_tell_of_their_parcel() {
    let order = order(&[
        shipped(3, "p1", &[], "https://t.example/1"),
        at(
            4,
            Some("p1"),
            &[],
            Fact::CustomsHold(event::Customs {
                who_acts: Some("buyer".to_owned()),
                official_url: Some("javascript:x".to_owned()),
                ..event::Customs::default()
            }),
        ),
        at(
            5,
            Some("p1"),
            &[],
            Fact::PickupReady(event::Pickup {
                pickup_until: Some(day(9)),
                code: Some("123".to_owned()),
                ..event::Pickup::default()
            }),
        ),
        at(
            6,
            Some("p1"),
            &[],
            Fact::Delivered(Delivery {
                place: Some("Porch".to_owned()),
                ..Delivery::default()
            }),
        ),
    ]);
    let part = |kind, scope: &str| match built(&order, kind, scope, 5).part {
        Part::Parcel(part) => *part,
        _ => panic!(),
    };
    let key = order.customs[0].key.clone();
    let customs = part(MailKind::Customs, &format!("incident:{key}"))
        .customs
        .unwrap();
    assert!(customs.buyer_acts);
    assert_eq!(customs.official_url, None);
    let pickup = part(MailKind::PickupWaiting, "parcel:p1").pickup.unwrap();
    assert_eq!(pickup.code.as_deref(), Some("123"));
    assert!(pickup.until.is_some());
    let delivered = part(MailKind::Delivered, "parcel:p1");
    assert_eq!(delivered.parcel.place.as_deref(), Some("Porch"));
    assert!(delivered.pickup.is_none());
    assert!(delivered.parcel.delivered_on.is_some());
}

#[test]
fn a_delay_names_the_old_and_the_new_day() {
    let delayed = |when, expected: Option<i64>| {
        at(
            when,
            None,
            &[],
            Fact::Delayed(event::Delay {
                expected_at: expected.map(day),
                reason: None,
            }),
        )
    };
    let order = order(&[delayed(5, Some(12)), delayed(10, Some(15))]);
    let delay = |index: usize, now| {
        let scope = format!("incident:{}", order.delays[index].key);
        match built(&order, MailKind::Delay, &scope, now).part {
            Part::Delay(part) => part.delay,
            _ => panic!(),
        }
    };
    let dates = |delay: &Delay| {
        [delay.old_date, delay.new_date].map(|at| at.map(|at| at.0.date().to_string()))
    };
    let some = |day: &str| Some(format!("2026-03-{day}"));
    assert_eq!(dates(&delay(0, 5)), [some("09"), some("12")]);
    assert_eq!(dates(&delay(1, 10)), [some("12"), some("15")]);
    let Part::Delay(part) = built(&order, MailKind::Delay, "incident:promise@2026-03-15", 16).part
    else {
        panic!()
    };
    assert_eq!(dates(&part.delay), [some("15"), None]);
}

#[test]
fn refunds_and_cancellations_say_what_remains() {
    let order = order(&[
        at(
            3,
            None,
            &[],
            Fact::PaymentReceived(event::Payment::default()),
        ),
        at(
            4,
            None,
            &["2"],
            Fact::Cancelled(event::Cancellation::default()),
        ),
        at(
            5,
            None,
            &["2"],
            Fact::RefundIssued(event::Refund {
                amount: Some(Decimal::new(1290, 2)),
                refund_ref: Some("r1".to_owned()),
                ..event::Refund::default()
            }),
        ),
    ]);
    let Part::Refund(part) = built(&order, MailKind::Refund, "incident:r1", 5).part else {
        panic!()
    };
    assert!(part.refund.is_partial);
    assert_eq!(titles(&part.refund.items), ["Towel"]);
    assert_eq!(titles(&part.refund.remainder), ["Mug"]);
    let scope = format!("incident:{}", order.cancellations[0].key);
    let Part::Cancellation(part) = built(&order, MailKind::Cancelled, &scope, 5).part else {
        panic!()
    };
    assert!(!part.cancellation.is_whole && part.cancellation.was_paid);
    assert_eq!(
        part.cancellation.refund_amount.as_ref().unwrap().amount,
        Decimal::new(129, 1)
    );
    let accepted = built(&order, MailKind::Accepted, "order", 5);
    assert_eq!(
        accepted.order.items.len(),
        1,
        "cancelled lines are not listed"
    );
}

#[test]
fn a_review_link_comes_from_the_channel_or_the_order_or_not_at_all() {
    let order = order(&[]);
    let with = |url: Option<&str>| {
        let shop = ShopFacts {
            review_url: url.map(str::to_owned),
            ..shop()
        };
        attempt(&order, MailKind::ReviewRequest, "order", 12, &shop).map(|context| {
            match context.part {
                Part::Relationship(part) => part.review_url.unwrap(),
                _ => panic!(),
            }
        })
    };
    assert_eq!(
        with(Some("https://r.example/?o={order_ref}")).unwrap(),
        "https://r.example/?o=A-1"
    );
    assert_eq!(with(None).unwrap(), "https://shop.example/A-1");
    let mut bare = accepted();
    if let Fact::OrderAccepted(details) = &mut bare.fact {
        details.order_url = None;
    }
    let order = Order::new("shop", "A-1").apply(&bare).unwrap();
    let found = attempt(&order, MailKind::ReviewRequest, "order", 12, &shop());
    assert_eq!(found.unwrap_err(), BuildError::NoReviewUrl);
}

#[test]
fn what_is_not_there_is_an_error_with_its_name() {
    let order = order(&[]);
    let error = attempt(&order, MailKind::Refund, "incident:zz", 3, &shop()).unwrap_err();
    assert!(error.to_string().contains("incident:zz"), "{error}");
    assert!(attempt(&order, MailKind::Shipped, "parcel:p9", 3, &shop()).is_err());
    let nameless = ShopFacts {
        name: " ".to_owned(),
        ..shop()
    };
    assert_eq!(
        attempt(&order, MailKind::Accepted, "order", 3, &nameless).unwrap_err(),
        BuildError::NoShopFact("name")
    );
}

#[test]
fn a_pale_brand_colour_is_darkened_until_white_can_be_read_on_it() {
    assert_eq!(button_color(Some("#1f5f5b")), "#1f5f5b");
    assert_eq!(button_color(Some("red; background: url(x)")), "#1f5f5b");
    for pale in ["#ffff00", "#ffffff", "#80c0ff"] {
        let color = button_color(Some(pale));
        assert!(
            contrast_with_white(parse_color(&color).unwrap()) >= 4.5,
            "{color}"
        );
    }
}
