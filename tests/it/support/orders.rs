//! Orders as a test tells them: events at a local time, with buyers that do not exist.

use afternote::{
    clock::Instant,
    order::{
        Fact, OrderEvent, TimePrecision,
        event::{Basis, BasisRecord, Buyer, Delivery, Line, OrderDetails, Payment, Rung, Shipment},
    },
};
use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::{Europe::Berlin, Tz};
use rust_decimal::Decimal;

/// Day 0: a Monday.
pub(crate) const START: &str = "2026-03-02";

/// A local moment in Berlin.
pub(crate) fn at(date: &str, time: &str) -> Instant {
    local(date.parse().unwrap(), time.parse().unwrap(), Berlin)
}

/// A local moment.
pub(crate) fn local(date: NaiveDate, time: NaiveTime, zone: Tz) -> Instant {
    zone.from_local_datetime(&date.and_time(time))
        .earliest()
        .unwrap()
        .to_utc()
}

/// Day `day` after [`START`] in Berlin.
pub(crate) fn day(day: i64, time: &str) -> Instant {
    let date: NaiveDate = START.parse().unwrap();
    local(date + TimeDelta::days(day), time.parse().unwrap(), Berlin)
}

/// An event, ready to be changed.
pub(crate) struct Told(OrderEvent);

impl Told {
    /// Something that happened to an order and was told at once.
    pub(crate) fn new(order_ref: &str, at: Instant, fact: Fact) -> Self {
        Self(OrderEvent {
            source: "test".to_owned(),
            source_event_id: format!("{order_ref}/{}/{}", fact.kind(), at.timestamp()),
            order_ref: order_ref.to_owned(),
            parcel_ref: None,
            line_refs: Vec::new(),
            occurred_at: at,
            precision: TimePrecision::Second,
            received_at: Some(at),
            test: false,
            backfill: false,
            fact,
        })
    }

    /// About one parcel.
    pub(crate) fn parcel(mut self, parcel: &str) -> Self {
        self.0.parcel_ref = Some(parcel.to_owned());
        self.0.source_event_id.push('/');
        self.0.source_event_id.push_str(parcel);
        self
    }

    /// Of the whole event.
    pub(crate) fn event(self) -> OrderEvent {
        self.0
    }
}

/// The facts of an order of Greta Lindau in Leipzig, who gave her consent.
pub(crate) fn details() -> OrderDetails {
    OrderDetails {
        buyer: Buyer {
            email: Some("greta.lindau@example.com".to_owned()),
            name: Some("Greta Lindau".to_owned()),
            first_name: Some("Greta".to_owned()),
            country: Some("DE".to_owned()),
            address_lines: vec!["Amselweg 4".to_owned(), "04109 Leipzig".to_owned()],
            ..Buyer::default()
        },
        language: Some("de".to_owned()),
        lines: vec![Line {
            line_ref: "1".to_owned(),
            sku: None,
            title: "Hafentasse, blau".to_owned(),
            quantity: 1,
            price: Some(Decimal::new(2195, 2)),
            ships: true,
        }],
        currency: Some("EUR".to_owned()),
        total: Some(Decimal::new(2195, 2)),
        basis: Some(BasisRecord {
            basis: Basis::Consent,
            at: None,
            place: None,
            text_version: None,
        }),
        ..OrderDetails::default()
    }
}

/// The facts of an order of somebody else.
pub(crate) fn details_of(email: &str) -> OrderDetails {
    let mut details = details();
    details.buyer.email = Some(email.to_owned());
    details
}

/// An order accepted at a moment.
pub(crate) fn accepted(order_ref: &str, at: Instant, details: OrderDetails) -> OrderEvent {
    Told::new(order_ref, at, Fact::OrderAccepted(details)).event()
}

/// A parcel handed over.
pub(crate) fn shipped(order_ref: &str, at: Instant) -> OrderEvent {
    let shipment = Shipment {
        carrier: Some("dhl".to_owned()),
        tracking_number: Some(format!("T{order_ref}")),
        ..Shipment::default()
    };
    Told::new(order_ref, at, Fact::Shipped(shipment))
        .parcel("p1")
        .event()
}

/// A parcel delivered, by the carrier's word.
pub(crate) fn delivered(order_ref: &str, at: Instant) -> OrderEvent {
    let delivery = Delivery {
        evidence: Some(Rung::Carrier),
        ..Delivery::default()
    };
    Told::new(order_ref, at, Fact::Delivered(delivery))
        .parcel("p1")
        .event()
}

/// An order that goes well: accepted and paid on day 0, shipped on day 1, delivered on day 3
/// (Thursday 5 March 2026) at 10:00.
pub(crate) fn journey(order_ref: &str) -> Vec<OrderEvent> {
    journey_of(order_ref, details())
}

/// The same for other facts.
pub(crate) fn journey_of(order_ref: &str, details: OrderDetails) -> Vec<OrderEvent> {
    vec![
        accepted(order_ref, day(0, "08:00"), details),
        Told::new(
            order_ref,
            day(0, "08:01"),
            Fact::PaymentReceived(Payment::default()),
        )
        .event(),
        shipped(order_ref, day(1, "10:00")),
        delivered(order_ref, day(3, "10:00")),
    ]
}
