//! Ready data for preview, check and tests (email-requirements V3): invented, never a buyer's.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use rust_decimal::Decimal;

use crate::mail::MailKind;

use super::{
    Buyer, Cancellation, CancellationPart, Customs, Delay, DelayPart, Item, LocalTime, MailContext,
    Money, OrderPart, ParcelFacts, ParcelPart, Part, Payment, PaymentPart, Pickup, PricedItem,
    Refund, RefundPart, RelationshipPart, Reply, ReplyPart, Returned, ReturnedPart, Shipment,
    ShipmentPart, Shop, Stock, StockPart,
};

/// The samples of a mail kind, each with its name; the first is the plain one.
pub fn samples(kind: MailKind) -> Vec<(&'static str, MailContext)> {
    let mut found = vec![
        ("plain", plain(kind)),
        ("missing_optional", missing_optional(kind)),
        ("sixty_items", sixty_items(kind)),
        ("long_words", long_words(kind)),
        ("right_to_left_name", right_to_left(kind)),
        ("emoji", emoji(kind)),
    ];
    if has_parcel(kind) {
        found.push(("split_parcels", split_parcels(kind)));
        found.push(("no_tracking", no_tracking(kind)));
    }
    found.extend(states(kind));
    found
}

const fn has_parcel(kind: MailKind) -> bool {
    matches!(
        kind,
        MailKind::Shipped
            | MailKind::SplitParcel
            | MailKind::OutForDelivery
            | MailKind::Delivered
            | MailKind::PickupWaiting
            | MailKind::PickupReminder
            | MailKind::Customs
    )
}

fn day(month: u32, day: u32, hour: u32) -> LocalTime {
    let date = NaiveDate::from_ymd_opt(2026, month, day).unwrap_or_default();
    let time = NaiveTime::from_hms_opt(hour, 30, 0).unwrap_or_default();
    LocalTime(NaiveDateTime::new(date, time))
}

#[expect(clippy::unnecessary_wraps, reason = "every use is an optional value")]
fn eur(cents: i64) -> Option<Money> {
    Some(Money {
        amount: Decimal::new(cents, 2),
        currency: "EUR".to_owned(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "every use is an optional value")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn priced(title: &str, quantity: u32, cents: i64) -> PricedItem {
    PricedItem {
        title: title.to_owned(),
        quantity,
        price: eur(cents),
        total: eur(cents * i64::from(quantity)),
    }
}

fn item(title: &str, quantity: u32) -> Item {
    Item {
        title: title.to_owned(),
        quantity,
    }
}

fn mug() -> Item {
    item("Stoneware mug, sea green", 2)
}

fn towel() -> Item {
    item("Linen tea towel", 1)
}

fn plain(kind: MailKind) -> MailContext {
    MailContext {
        shop: Shop {
            name: "Kiln & Linen".to_owned(),
            legal_name: "Kiln & Linen GmbH".to_owned(),
            address: vec![
                "Beispielweg 12".to_owned(),
                "04109 Leipzig, Germany".to_owned(),
            ],
            support_email: some("hello@kiln.example"),
            support_url: some("https://kiln.example/help"),
            privacy_url: some("https://kiln.example/privacy"),
            logo_url: some("https://kiln.example/logo.png"),
            button_color: "#1f5f5b".to_owned(),
        },
        buyer: Buyer {
            first_name: some("Anna"),
            name: some("Anna Nowak"),
        },
        order: OrderPart {
            reference: "KL-10482".to_owned(),
            url: some("https://kiln.example/orders/KL-10482"),
            accepted_on: Some(day(3, 2, 9)),
            items: vec![
                priced("Stoneware mug, sea green", 2, 1850),
                priced("Linen tea towel", 1, 1290),
            ],
            total: eur(5480),
            shipping: eur(490),
            discount: None,
            address: vec![
                "Anna Nowak".to_owned(),
                "Kwiatowa 3".to_owned(),
                "60-101 Poznań, Poland".to_owned(),
            ],
            dispatch_by: Some(day(3, 4, 12)),
            deliver_by: Some(day(3, 9, 18)),
            invoice_url: some("https://kiln.example/invoices/KL-10482"),
        },
        part: part(kind),
    }
}

fn parcel() -> ParcelFacts {
    ParcelFacts {
        position: 1,
        count: 1,
        is_one_of_several: false,
        items: vec![mug(), towel()],
        carrier: some("DHL"),
        tracking_number: some("00340434161094042557"),
        tracking_url: some("https://tracking.example/00340434161094042557"),
        expected_on: Some(day(3, 6, 14)),
        place: some("Parcel locker 104, Kwiatowa"),
        delivered_on: Some(day(3, 6, 11)),
    }
}

#[expect(clippy::too_many_lines, reason = "one literal per mail kind")]
fn part(kind: MailKind) -> Part {
    let parcel_part = |pickup, customs| {
        Part::Parcel(Box::new(ParcelPart {
            parcel: parcel(),
            to_come: Vec::new(),
            pickup,
            customs,
        }))
    };
    match kind {
        MailKind::Accepted => Part::Payment(PaymentPart {
            payment: Payment {
                is_paid: false,
                on_delivery: false,
                by_card: false,
                by_transfer: true,
                amount: eur(5480),
                method_name: None,
                statement_name: None,
            },
        }),
        MailKind::Paid => Part::Payment(PaymentPart {
            payment: Payment {
                is_paid: true,
                on_delivery: false,
                by_card: true,
                by_transfer: false,
                amount: eur(5480),
                method_name: None,
                statement_name: some("KILN LINEN LEIPZIG"),
            },
        }),
        MailKind::Shipped | MailKind::SplitParcel => Part::Shipment(shipment(vec![parcel()])),
        MailKind::OutForDelivery | MailKind::Delivered => parcel_part(None, None),
        MailKind::PickupWaiting | MailKind::PickupReminder => parcel_part(
            Some(Pickup {
                place: some("Kiosk Blumeneck"),
                address: some("Lindenallee 8, 60-102 Poznań"),
                hours: some("Mon-Fri 8:00-20:00, Sat 9:00-14:00"),
                code: some("482913"),
                until: Some(day(3, 13, 20)),
            }),
            None,
        ),
        MailKind::Customs => parcel_part(
            None,
            Some(Customs {
                buyer_acts: true,
                seller_acts: false,
                carrier_acts: false,
                reason: some("The declaration is not complete"),
                what_for: some("Confirm the value of the goods"),
                act_by: Some(day(3, 12, 12)),
                official_url: some("https://customs.example/case/771"),
            }),
        ),
        MailKind::Delay => Part::Delay(DelayPart {
            delay: Delay {
                old_date: Some(day(3, 9, 18)),
                new_date: Some(day(3, 13, 18)),
                reason: some("The glaze had to be fired again"),
                items: vec![mug()],
                is_shipped: false,
                tracking_url: None,
            },
        }),
        MailKind::OutOfStock => Part::Stock(StockPart {
            stock: Stock {
                items: vec![towel()],
                expected_on: Some(day(3, 20, 12)),
                reason: some("The linen is still at the dye works"),
            },
        }),
        MailKind::Refund => Part::Refund(RefundPart {
            refund: Refund {
                amount: eur(1290),
                is_partial: true,
                by_card: true,
                by_transfer: false,
                method_name: None,
                visible_days: 10,
                items: vec![towel()],
                remainder: vec![mug()],
            },
        }),
        MailKind::Cancelled => Part::Cancellation(CancellationPart {
            cancellation: Cancellation {
                is_whole: true,
                by_buyer: true,
                was_paid: true,
                refund_amount: eur(5480),
                items: vec![mug(), towel()],
                remainder: Vec::new(),
            },
        }),
        MailKind::Returned => Part::Returned(ReturnedPart {
            returned: Returned {
                is_parcel: false,
                will_be_refunded: true,
                will_be_replaced: false,
                was_declined: false,
                refund_amount: eur(1290),
                visible_days: 10,
                items: vec![towel()],
            },
        }),
        MailKind::FollowUp | MailKind::ReviewRequest => Part::Relationship(RelationshipPart {
            unsubscribe_url: some("https://kiln.example/u/v1.k1.abcdef.0123456789"),
            review_url: (kind == MailKind::ReviewRequest)
                .then(|| "https://kiln.example/orders/KL-10482/review".to_owned()),
        }),
        MailKind::ComplaintReply => Part::Reply(ReplyPart {
            reply: Reply {
                paragraphs: vec![
                    "We have looked at your photos: the handle broke on its way to you, not in your hands.".to_owned(),
                    "A new mug leaves our workshop tomorrow. You need not send anything back.".to_owned(),
                ],
            },
        }),
    }
}

fn shipment(parcels: Vec<ParcelFacts>) -> ShipmentPart {
    let one = parcels.first().filter(|_| parcels.len() == 1);
    ShipmentPart {
        shipment: Shipment {
            parcel_count: parcels.len(),
            is_several: parcels.len() > 1,
            tracking_url: one.and_then(|parcel| parcel.tracking_url.clone()),
            expected_on: one.and_then(|parcel| parcel.expected_on),
            to_come: Vec::new(),
            parcels,
        },
    }
}

/// Calls `change` for each parcel of the mail.
fn each_parcel(context: &mut MailContext, change: impl Fn(&mut ParcelFacts)) {
    match &mut context.part {
        Part::Shipment(part) => {
            for parcel in &mut part.shipment.parcels {
                change(parcel);
            }
            *part = ShipmentPart {
                shipment: Shipment {
                    to_come: std::mem::take(&mut part.shipment.to_come),
                    ..shipment(part.shipment.parcels.clone()).shipment
                },
            };
        }
        Part::Parcel(part) => change(&mut part.parcel),
        _ => {}
    }
}

fn missing_optional(kind: MailKind) -> MailContext {
    let mut context = plain(kind);
    context.shop.support_email = None;
    context.shop.support_url = None;
    context.shop.privacy_url = None;
    context.shop.logo_url = None;
    context.buyer = Buyer {
        first_name: None,
        name: None,
    };
    let order = &mut context.order;
    order.url = None;
    order.accepted_on = None;
    order.total = None;
    order.shipping = None;
    order.address.clear();
    order.dispatch_by = None;
    order.deliver_by = None;
    order.invoice_url = None;
    for item in &mut order.items {
        item.price = None;
        item.total = None;
    }
    each_parcel(&mut context, |parcel| {
        parcel.carrier = None;
        parcel.tracking_number = None;
        parcel.tracking_url = None;
        parcel.expected_on = None;
        parcel.place = None;
        parcel.delivered_on = None;
        parcel.items.clear();
    });
    match &mut context.part {
        Part::Payment(part) => {
            part.payment.by_card = false;
            part.payment.by_transfer = false;
            part.payment.amount = None;
            part.payment.statement_name = None;
        }
        Part::Parcel(part) => {
            if let Some(pickup) = &mut part.pickup {
                *pickup = Pickup {
                    place: None,
                    address: None,
                    hours: None,
                    code: None,
                    until: None,
                };
            }
            if let Some(customs) = &mut part.customs {
                *customs = Customs {
                    buyer_acts: false,
                    seller_acts: false,
                    carrier_acts: false,
                    reason: None,
                    what_for: None,
                    act_by: None,
                    official_url: None,
                };
            }
        }
        Part::Delay(part) => {
            part.delay.old_date = None;
            part.delay.new_date = None;
            part.delay.reason = None;
        }
        Part::Stock(part) => {
            part.stock.expected_on = None;
            part.stock.reason = None;
        }
        Part::Refund(part) => {
            part.refund.amount = None;
            part.refund.by_card = false;
            part.refund.items.clear();
            part.refund.remainder.clear();
        }
        Part::Cancellation(part) => part.cancellation.refund_amount = None,
        Part::Returned(part) => part.returned.refund_amount = None,
        Part::Relationship(part) => part.unsubscribe_url = None,
        Part::Shipment(_) | Part::Reply(_) => {}
    }
    context
}

fn sixty_items(kind: MailKind) -> MailContext {
    let mut context = plain(kind);
    context.order.items = (1..=60)
        .map(|number| priced(&format!("Glaze sample no. {number}, matt"), 1, 390))
        .collect();
    context.order.total = eur(60 * 390);
    let items: Vec<Item> = context
        .order
        .items
        .iter()
        .map(|priced| item(&priced.title, priced.quantity))
        .collect();
    each_parcel(&mut context, |parcel| parcel.items.clone_from(&items));
    match &mut context.part {
        Part::Refund(part) => part.refund.items = items,
        Part::Cancellation(part) => part.cancellation.items = items,
        Part::Delay(part) => part.delay.items = items,
        _ => {}
    }
    context
}

fn long_words(kind: MailKind) -> MailContext {
    const WORD: &str = "Donaudampfschifffahrtselektrizitätenwerk";
    let mut context = plain(kind);
    WORD.clone_into(&mut context.shop.name);
    context.buyer.first_name = some(WORD);
    context.order.reference = "4".repeat(40);
    for priced in &mut context.order.items {
        priced.title = format!("{WORD} {WORD}");
    }
    each_parcel(&mut context, |parcel| {
        parcel.tracking_number = Some("9".repeat(40));
        for item in &mut parcel.items {
            item.title = format!("{WORD} {WORD}");
        }
    });
    context
}

fn right_to_left(kind: MailKind) -> MailContext {
    let mut context = plain(kind);
    context.buyer.first_name = some("نور");
    context.buyer.name = some("نور الهدى");
    context.order.address = vec![
        "نور الهدى".to_owned(),
        "Sonnenallee 120".to_owned(),
        "12045 Berlin".to_owned(),
    ];
    context
}

fn emoji(kind: MailKind) -> MailContext {
    let mut context = plain(kind);
    context.buyer.first_name = some("Zoë 🌻");
    for priced in &mut context.order.items {
        priced.title = format!("{} ☕️👩🏽‍🎨", priced.title);
    }
    context
}

fn split_parcels(kind: MailKind) -> MailContext {
    let mut context = plain(kind);
    let second = ParcelFacts {
        position: 2,
        count: 3,
        is_one_of_several: true,
        items: vec![towel()],
        carrier: some("DPD"),
        tracking_number: some("01916500123456"),
        tracking_url: some("https://tracking.example/01916500123456"),
        ..parcel()
    };
    match &mut context.part {
        Part::Shipment(part) => {
            let first = ParcelFacts {
                count: 3,
                is_one_of_several: true,
                items: vec![mug()],
                ..parcel()
            };
            *part = shipment(vec![first, second]);
            part.shipment.to_come = vec![item("Tray, oiled oak", 1)];
        }
        Part::Parcel(part) => {
            part.parcel = second;
            part.to_come = vec![item("Tray, oiled oak", 1)];
        }
        _ => {}
    }
    context
}

fn no_tracking(kind: MailKind) -> MailContext {
    let mut context = plain(kind);
    each_parcel(&mut context, |parcel| {
        parcel.tracking_number = None;
        parcel.tracking_url = None;
    });
    context
}

/// States of a kind that change what its mail says.
fn states(kind: MailKind) -> Vec<(&'static str, MailContext)> {
    let with = |change: &dyn Fn(&mut Part)| {
        let mut context = plain(kind);
        change(&mut context.part);
        context
    };
    match kind {
        MailKind::Accepted | MailKind::Paid => vec![
            (
                "cash_on_delivery",
                with(&|part| {
                    if let Part::Payment(part) = part {
                        part.payment.is_paid = false;
                        part.payment.on_delivery = true;
                        part.payment.by_card = false;
                        part.payment.by_transfer = false;
                    }
                }),
            ),
            ("named_means", {
                let mut context = plain(kind);
                context.order.discount = eur(500);
                if let Part::Payment(part) = &mut context.part {
                    part.payment.is_paid = true;
                    part.payment.by_card = false;
                    part.payment.by_transfer = false;
                    part.payment.method_name = some("PayPal");
                    part.payment.statement_name = some("PAYPAL *KILN LINEN");
                }
                context
            }),
        ],
        MailKind::Shipped => vec![("number_without_link", {
            let mut context = plain(kind);
            each_parcel(&mut context, |parcel| parcel.tracking_url = None);
            context
        })],
        MailKind::Delay => vec![(
            "already_shipped",
            with(&|part| {
                if let Part::Delay(part) = part {
                    part.delay.is_shipped = true;
                    part.delay.tracking_url = some("https://tracking.example/1");
                }
            }),
        )],
        MailKind::Customs => vec![(
            "seller_acts",
            with(&|part| {
                if let Part::Parcel(part) = part
                    && let Some(customs) = &mut part.customs
                {
                    customs.buyer_acts = false;
                    customs.seller_acts = true;
                }
            }),
        )],
        MailKind::Refund => vec![(
            "whole_order",
            with(&|part| {
                if let Part::Refund(part) = part {
                    part.refund.by_card = false;
                    part.refund.method_name = some("PayPal");
                    part.refund.is_partial = false;
                    part.refund.remainder.clear();
                    part.refund.amount = eur(5480);
                    part.refund.items = vec![mug(), towel()];
                }
            }),
        )],
        MailKind::Cancelled => vec![(
            "some_lines_by_us",
            with(&|part| {
                if let Part::Cancellation(part) = part {
                    part.cancellation = Cancellation {
                        is_whole: false,
                        by_buyer: false,
                        was_paid: true,
                        refund_amount: None,
                        items: vec![towel()],
                        remainder: vec![mug()],
                    };
                }
            }),
        )],
        MailKind::Returned => vec![(
            "parcel_came_back",
            with(&|part| {
                if let Part::Returned(part) = part {
                    part.returned.is_parcel = true;
                    part.returned.will_be_refunded = false;
                    part.returned.refund_amount = None;
                    part.returned.items = vec![mug(), towel()];
                }
            }),
        )],
        _ => Vec::new(),
    }
}
