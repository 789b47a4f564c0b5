//! From an order to what its mail may say. Pure: the time comes as a parameter.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization;

use crate::{
    clock::Instant,
    mail::MailKind,
    order::{
        Incident, Order, Parcel, ParcelStatus,
        event::{self, Line},
    },
    render::helpers::safe_url,
    sequence::Scope,
};

use super::{
    Buyer, Cancellation, CancellationPart, Customs, Delay, DelayPart, Item, LocalTime, MailContext,
    Money, OrderPart, ParcelFacts, ParcelPart, Part, Payment, PaymentPart, Pickup, PricedItem,
    Refund, RefundPart, RelationshipPart, Reply, ReplyPart, Returned, ReturnedPart, Shipment,
    ShipmentPart, Shop, Stock, StockPart,
};

/// The longest value a mail takes over, in characters: beyond it, text is cut with `…`.
const MAX_VALUE: usize = 300;
/// Until a refund shows: banks take up to ten days for cards, three for transfers.
const CARD_DAYS: u32 = 10;
const TRANSFER_DAYS: u32 = 3;

/// The seller as configured for one channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShopFacts {
    /// The name buyers know.
    pub name: String,
    /// The name the law wants.
    pub legal_name: String,
    /// Postal address, a line each.
    pub postal_address: Vec<String>,
    /// Where a person answers.
    pub support_email: Option<String>,
    /// A page with help.
    pub support_url: Option<String>,
    /// The privacy notice.
    pub privacy_url: Option<String>,
    /// The logo, over https.
    pub logo_url: Option<String>,
    /// `#rrggbb`; darkened where white text on it could not be read.
    pub brand_color: Option<String>,
    /// Where reviews are written: an https address in which `{order}` stands for the order's
    /// reference. `None`: the order's own page is taken.
    pub review_url: Option<String>,
    /// The way out of relationship mail for this buyer; `None` on marketplace relays (U1).
    pub unsubscribe_url: Option<String>,
}

/// Which mail is to be written, and about what.
#[derive(Debug, Clone, Copy)]
pub struct ContextRequest<'a> {
    /// The order.
    pub order: &'a Order,
    /// Which mail.
    pub kind: MailKind,
    /// What it stands for.
    pub scope: &'a Scope,
    /// The parcels the plan put into this mail; empty: the one the scope names.
    pub parcels: &'a [String],
    /// The seller.
    pub shop: &'a ShopFacts,
    /// The present moment: promises that have passed are not repeated.
    pub now: Instant,
    /// The zone of the buyer.
    pub zone: Tz,
}

/// Why a mail cannot be written for an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The order has no such parcel, refund, delay, ….
    #[error("{kind}: the order has nothing under `{scope}`; plan it again")]
    NoSubject {
        /// Which mail.
        kind: MailKind,
        /// The scope that names nothing.
        scope: String,
    },
    /// A review request without a place to review.
    #[error(
        "review_request: no review link; set `review_url` for the channel or import the order's own page"
    )]
    NoReviewUrl,
    /// A value the seller must configure is missing.
    #[error("shop.{0} is missing or empty; every mail names its sender")]
    NoShopFact(&'static str),
}

/// What the mail may say.
///
/// Every text is cleaned on the way: line breaks, control characters and bidi overrides become
/// spaces, empty values become missing ones, addresses that are not https become missing.
pub fn build(request: &ContextRequest<'_>) -> Result<MailContext, BuildError> {
    let builder = Builder { request };
    Ok(MailContext {
        shop: builder.shop()?,
        buyer: builder.buyer(),
        order: builder.order(),
        part: builder.part()?,
    })
}

/// A value fit for a mail: composed, one line, no control characters, not endless.
pub(super) fn clean(value: &str) -> Option<String> {
    let mut cleaned = String::with_capacity(value.len());
    let mut space = false;
    let mut length = 0;
    for c in value.nfc() {
        // Bidi embeddings and overrides could turn the rest of the mail around.
        if c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            space = length > 0;
            continue;
        }
        if length + 1 >= MAX_VALUE {
            cleaned.push('…');
            break;
        }
        if space {
            cleaned.push(' ');
            length += 1;
        }
        space = false;
        cleaned.push(c);
        length += 1;
    }
    (!cleaned.is_empty()).then_some(cleaned)
}

fn text(value: Option<&String>) -> Option<String> {
    value.and_then(|value| clean(value))
}

/// An address that may stand in a mail: https, however the source wrote it.
fn address(value: Option<&String>) -> Option<String> {
    value
        .and_then(|value| safe_url(value))
        .filter(|url| !url.to_ascii_lowercase().starts_with("mailto:"))
}

struct Builder<'a> {
    request: &'a ContextRequest<'a>,
}

impl Builder<'_> {
    fn shop(&self) -> Result<Shop, BuildError> {
        let shop = self.request.shop;
        let address_lines: Vec<String> = shop
            .postal_address
            .iter()
            .filter_map(|line| clean(line))
            .collect();
        if address_lines.is_empty() {
            return Err(BuildError::NoShopFact("postal_address"));
        }
        let name = clean(&shop.name).ok_or(BuildError::NoShopFact("name"))?;
        Ok(Shop {
            legal_name: clean(&shop.legal_name).unwrap_or_else(|| name.clone()),
            name,
            address: address_lines,
            support_email: text(shop.support_email.as_ref()),
            support_url: address(shop.support_url.as_ref()),
            privacy_url: address(shop.privacy_url.as_ref()),
            logo_url: address(shop.logo_url.as_ref()),
            button_color: button_color(shop.brand_color.as_deref()),
        })
    }

    fn buyer(&self) -> Buyer {
        let buyer = &self.request.order.details.buyer;
        Buyer {
            first_name: text(buyer.first_name.as_ref()),
            name: text(buyer.name.as_ref()),
        }
    }

    fn order(&self) -> OrderPart {
        let order = self.request.order;
        let details = &order.details;
        OrderPart {
            reference: clean(&order.external_ref).unwrap_or_else(|| "-".to_owned()),
            url: address(details.order_url.as_ref()),
            accepted_on: order.accepted.map(|stamp| self.local(stamp.at)),
            items: details
                .lines
                .iter()
                .filter(|line| !order.is_cancelled(&line.line_ref))
                .map(|line| PricedItem {
                    title: title(line),
                    quantity: line.quantity,
                    price: self.money(line.price),
                    total: self.money(
                        line.price
                            .and_then(|price| price.checked_mul(Decimal::from(line.quantity))),
                    ),
                })
                .collect(),
            total: self.money(details.total),
            shipping: self.money(details.shipping),
            discount: self.money(details.discount.filter(|amount| !amount.is_zero())),
            address: details
                .buyer
                .address_lines
                .iter()
                .filter_map(|line| clean(line))
                .collect(),
            dispatch_by: self.ahead(details.promised_dispatch_by),
            deliver_by: self.ahead(details.promised_by),
            invoice_url: address(details.invoice_url.as_ref()),
        }
    }

    fn part(&self) -> Result<Part, BuildError> {
        Ok(match self.request.kind {
            MailKind::Accepted | MailKind::Paid => Part::Payment(PaymentPart {
                payment: self.payment(),
            }),
            MailKind::Shipped | MailKind::SplitParcel => Part::Shipment(ShipmentPart {
                shipment: self.shipment()?,
            }),
            MailKind::OutForDelivery
            | MailKind::Delivered
            | MailKind::PickupWaiting
            | MailKind::PickupReminder => Part::Parcel(Box::new(self.parcel_part()?)),
            MailKind::Customs => Part::Parcel(Box::new(self.customs()?)),
            MailKind::Delay => Part::Delay(DelayPart {
                delay: self.delay()?,
            }),
            MailKind::OutOfStock => Part::Stock(StockPart {
                stock: self.stock()?,
            }),
            MailKind::Refund => Part::Refund(RefundPart {
                refund: self.refund()?,
            }),
            MailKind::Cancelled => Part::Cancellation(CancellationPart {
                cancellation: self.cancellation()?,
            }),
            MailKind::Returned => Part::Returned(ReturnedPart {
                returned: self.returned()?,
            }),
            MailKind::FollowUp => Part::Relationship(RelationshipPart {
                unsubscribe_url: address(self.request.shop.unsubscribe_url.as_ref()),
                review_url: None,
            }),
            MailKind::ReviewRequest => Part::Relationship(RelationshipPart {
                unsubscribe_url: address(self.request.shop.unsubscribe_url.as_ref()),
                review_url: Some(self.review_url()?),
            }),
            MailKind::ComplaintReply => Part::Reply(ReplyPart {
                reply: Reply {
                    paragraphs: Vec::new(),
                },
            }),
        })
    }

    fn no_subject(&self) -> BuildError {
        BuildError::NoSubject {
            kind: self.request.kind,
            scope: self.request.scope.to_string(),
        }
    }

    fn local(&self, at: Instant) -> LocalTime {
        let at: DateTime<Utc> = at;
        LocalTime(at.with_timezone(&self.request.zone).naive_local())
    }

    /// A promise, while it lies ahead by the buyer's calendar.
    fn ahead(&self, at: Option<Instant>) -> Option<LocalTime> {
        let today = self.local(self.request.now).0.date();
        at.map(|at| self.local(at))
            .filter(|local| local.0.date() >= today)
    }

    fn money(&self, amount: Option<Decimal>) -> Option<Money> {
        self.money_in(amount, None)
    }

    fn money_in(&self, amount: Option<Decimal>, currency: Option<&String>) -> Option<Money> {
        let currency = currency
            .or(self.request.order.details.currency.as_ref())?
            .trim()
            .to_ascii_uppercase();
        let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_alphabetic());
        amount.filter(|_| is_code).map(|amount| Money {
            amount: amount.normalize(),
            currency,
        })
    }

    fn items<'l>(&self, lines: impl Iterator<Item = &'l Line>) -> Vec<Item> {
        let _ = self;
        lines
            .map(|line| Item {
                title: title(line),
                quantity: line.quantity,
            })
            .collect()
    }

    /// The lines of those references; all of them where none is named.
    fn named_items(&self, line_refs: &[String]) -> Vec<Item> {
        self.items(
            self.request
                .order
                .details
                .lines
                .iter()
                .filter(|line| line_refs.is_empty() || line_refs.contains(&line.line_ref)),
        )
    }

    /// What is neither cancelled nor among those references.
    fn remainder(&self, line_refs: &[String]) -> Vec<Item> {
        let order = self.request.order;
        self.items(order.details.lines.iter().filter(|line| {
            !line_refs.is_empty()
                && !line_refs.contains(&line.line_ref)
                && !order.is_cancelled(&line.line_ref)
        }))
    }

    fn payment(&self) -> Payment {
        let order = self.request.order;
        let payment = order.paid.as_ref().map(|(_, payment)| payment);
        let method = payment.and_then(|payment| payment.method.as_deref());
        let means = Means::of(method);
        let on_delivery = means == Means::OnDelivery;
        Payment {
            is_paid: payment.is_some() && !on_delivery,
            on_delivery,
            by_card: means == Means::Card,
            by_transfer: means == Means::Transfer,
            amount: payment
                .and_then(|payment| self.money_in(payment.amount, payment.currency.as_ref()))
                .or_else(|| self.money(order.details.total)),
            method_name: means.name(),
            statement_name: payment.and_then(|payment| text(payment.statement_name.as_ref())),
        }
    }

    /// Live parcels that left, first one first: what "parcel 2 of 3" counts.
    fn shipped(&self) -> Vec<&Parcel> {
        let mut shipped: Vec<&Parcel> = self
            .request
            .order
            .parcels
            .iter()
            .filter(|parcel| parcel.is_live() && parcel.shipped.is_some())
            .collect();
        shipped.sort_by(|left, right| {
            (left.shipped, &left.parcel_ref).cmp(&(right.shipped, &right.parcel_ref))
        });
        shipped
    }

    fn shipment(&self) -> Result<Shipment, BuildError> {
        let all = self.shipped();
        let chosen: Vec<&Parcel> = match self.request.scope {
            _ if !self.request.parcels.is_empty() => all
                .iter()
                .copied()
                .filter(|parcel| self.request.parcels.contains(&parcel.parcel_ref))
                .collect(),
            Scope::Parcel(parcel_ref) => all
                .iter()
                .copied()
                .filter(|parcel| &parcel.parcel_ref == parcel_ref)
                .collect(),
            Scope::Order | Scope::Incident(_) => all.clone(),
        };
        let [first, rest @ ..] = chosen.as_slice() else {
            return Err(self.no_subject());
        };
        let facts: Vec<ParcelFacts> = chosen.iter().map(|parcel| self.facts(parcel)).collect();
        let one = facts.first().filter(|_| rest.is_empty());
        let _ = first;
        Ok(Shipment {
            parcel_count: facts.len(),
            is_several: facts.len() > 1,
            tracking_url: one.and_then(|parcel| parcel.tracking_url.clone()),
            expected_on: one.and_then(|parcel| parcel.expected_on),
            to_come: self.to_come(),
            parcels: facts,
        })
    }

    /// Lines that travel and are in no parcel yet.
    fn to_come(&self) -> Vec<Item> {
        let shipped = self.shipped();
        self.items(
            self.request
                .order
                .lines_to_ship()
                .filter(|line| !shipped.iter().any(|parcel| parcel.holds(&line.line_ref))),
        )
    }

    fn facts(&self, parcel: &Parcel) -> ParcelFacts {
        let order = self.request.order;
        let all = self.shipped();
        let position = all
            .iter()
            .position(|other| other.parcel_ref == parcel.parcel_ref)
            .map_or(1, |index| index + 1);
        // Lines still to come travel in at least one parcel more.
        let count = all.len().max(position) + usize::from(!self.to_come().is_empty());
        let delivered =
            order
                .facts()
                .iter()
                .rev()
                .find_map(|event| match (&event.fact, &event.parcel_ref) {
                    (event::Fact::Delivered(delivery), parcel_ref)
                        if parcel_ref
                            .as_ref()
                            .is_none_or(|named| *named == parcel.parcel_ref) =>
                    {
                        text(delivery.place.as_ref())
                    }
                    _ => None,
                });
        ParcelFacts {
            position,
            count,
            is_one_of_several: count > 1,
            items: if parcel.line_refs.is_empty() && all.len() > 1 {
                // We were not told what is in which parcel: say nothing rather than everything.
                Vec::new()
            } else {
                self.items(
                    order
                        .lines_to_ship()
                        .filter(|line| parcel.holds(&line.line_ref)),
                )
            },
            carrier: text(parcel.shipment.carrier.as_ref()),
            tracking_number: text(parcel.shipment.tracking_number.as_ref()),
            tracking_url: address(parcel.shipment.tracking_url.as_ref()),
            expected_on: self.ahead(parcel.expected_at),
            place: delivered,
            delivered_on: parcel
                .delivered
                .map(|evidence| self.local(evidence.stamp.at)),
        }
    }

    fn parcel_part(&self) -> Result<ParcelPart, BuildError> {
        let order = self.request.order;
        let parcel = match self.request.scope {
            Scope::Parcel(parcel_ref) => order.parcel(parcel_ref),
            Scope::Order | Scope::Incident(_) => order
                .parcels
                .iter()
                .filter(|parcel| parcel.is_live())
                .max_by_key(|parcel| (parcel.status, parcel.status_at)),
        }
        .ok_or_else(|| self.no_subject())?;
        let is_pickup = matches!(
            self.request.kind,
            MailKind::PickupWaiting | MailKind::PickupReminder
        );
        let pickup = match (&parcel.pickup, is_pickup) {
            (Some((_, pickup)), true) => Some(Pickup {
                place: text(pickup.place.as_ref()),
                address: text(pickup.address.as_ref()),
                hours: text(pickup.opening_hours.as_ref()),
                code: text(pickup.code.as_ref()),
                until: self.ahead(pickup.pickup_until),
            }),
            (None, true) => return Err(self.no_subject()),
            (_, false) => None,
        };
        Ok(ParcelPart {
            parcel: self.facts(parcel),
            to_come: self.to_come(),
            pickup,
            customs: None,
        })
    }

    fn incident<'i, T>(&self, all: &'i [Incident<T>]) -> Result<&'i Incident<T>, BuildError> {
        match self.request.scope {
            Scope::Incident(key) => all.iter().find(|incident| &incident.key == key),
            Scope::Order | Scope::Parcel(_) => all.last(),
        }
        .ok_or_else(|| self.no_subject())
    }

    fn customs(&self) -> Result<ParcelPart, BuildError> {
        let order = self.request.order;
        let incident = self.incident(&order.customs)?;
        let parcel = incident
            .parcel_ref
            .as_deref()
            .and_then(|parcel_ref| order.parcel(parcel_ref))
            .or(order.parcels.first())
            .ok_or_else(|| self.no_subject())?;
        let who = incident.data.who_acts.as_deref().unwrap_or_default();
        Ok(ParcelPart {
            parcel: self.facts(parcel),
            to_come: self.to_come(),
            pickup: None,
            customs: Some(Customs {
                buyer_acts: who.eq_ignore_ascii_case("buyer"),
                seller_acts: who.eq_ignore_ascii_case("seller"),
                carrier_acts: who.eq_ignore_ascii_case("carrier"),
                reason: text(incident.data.reason.as_ref()),
                what_for: text(incident.data.what_for.as_ref()),
                act_by: self.ahead(incident.data.act_by),
                official_url: address(incident.data.official_url.as_ref()),
            }),
        })
    }

    fn delay(&self) -> Result<Delay, BuildError> {
        let order = self.request.order;
        // A promise that passed without news has no event: its scope names the promised day.
        let is_promise =
            matches!(self.request.scope, Scope::Incident(key) if key.starts_with("promise@"));
        let found = match self.incident(&order.delays) {
            Ok(incident) if !is_promise => Some(incident),
            _ if is_promise => None,
            Ok(_) => None,
            Err(error) => return Err(error),
        };
        let earlier = order
            .delays
            .iter()
            .take_while(|delay| found.is_none_or(|found| found.key != delay.key))
            .filter_map(|delay| delay.data.expected_at)
            .last();
        let parcel = found
            .and_then(|delay| delay.parcel_ref.as_deref())
            .and_then(|parcel_ref| order.parcel(parcel_ref));
        let line_refs = match (found, parcel) {
            (Some(delay), _) if !delay.line_refs.is_empty() => delay.line_refs.clone(),
            (_, Some(parcel)) => parcel.line_refs.clone(),
            _ => Vec::new(),
        };
        let is_moving = |parcel: &Parcel| parcel.is_live() && parcel.shipped.is_some();
        let one = parcel.or(match order.parcels.as_slice() {
            [one] => Some(one),
            _ => None,
        });
        let old = earlier.or(order.details.promised_by);
        let new_date = self.ahead(found.and_then(|delay| delay.data.expected_at));
        Ok(Delay {
            old_date: old
                .map(|at| self.local(at))
                .filter(|old| new_date.is_none_or(|new| new.0.date() != old.0.date())),
            new_date,
            reason: found.and_then(|delay| text(delay.data.reason.as_ref())),
            items: self.named_items(&line_refs),
            is_shipped: parcel.map_or_else(
                || order.parcels.iter().any(is_moving) && self.to_come().is_empty(),
                is_moving,
            ),
            tracking_url: one.and_then(|parcel| address(parcel.shipment.tracking_url.as_ref())),
        })
    }

    fn stock(&self) -> Result<Stock, BuildError> {
        let incident = self.incident(&self.request.order.stock_outs)?;
        Ok(Stock {
            items: self.named_items(&incident.line_refs),
            expected_on: self.ahead(incident.data.expected_at),
            reason: text(incident.data.reason.as_ref()),
        })
    }

    fn refund(&self) -> Result<Refund, BuildError> {
        let order = self.request.order;
        let incident = self.incident(&order.refunds)?;
        let refund = &incident.data;
        let is_partial =
            refund
                .partial
                .unwrap_or_else(|| match (refund.amount, order.details.total) {
                    (Some(amount), Some(total)) => amount < total,
                    _ => !incident.line_refs.is_empty(),
                });
        let paid_by = order.paid.as_ref().and_then(|(_, p)| p.method.as_deref());
        let means = Means::of(refund.method.as_deref().or(paid_by));
        Ok(Refund {
            amount: self.money_in(refund.amount, refund.currency.as_ref()),
            is_partial,
            by_card: means == Means::Card,
            by_transfer: means == Means::Transfer,
            visible_days: means.days(),
            method_name: means.name(),
            items: if is_partial && incident.line_refs.is_empty() {
                Vec::new()
            } else {
                self.named_items(&incident.line_refs)
            },
            remainder: if is_partial {
                self.remainder(&incident.line_refs)
            } else {
                Vec::new()
            },
        })
    }

    fn cancellation(&self) -> Result<Cancellation, BuildError> {
        let order = self.request.order;
        let incident = self.incident(&order.cancellations)?;
        let remainder = self.remainder(&incident.line_refs);
        let refund = order
            .refunds
            .iter()
            .find(|refund| refund.stamp.at >= incident.stamp.at);
        Ok(Cancellation {
            is_whole: remainder.is_empty(),
            by_buyer: incident.data.by.as_deref() == Some("buyer"),
            was_paid: order.paid.is_some() && !self.payment().on_delivery,
            refund_amount: refund.and_then(|refund| {
                self.money_in(refund.data.amount, refund.data.currency.as_ref())
            }),
            items: self.named_items(&incident.line_refs),
            remainder,
        })
    }

    fn returned(&self) -> Result<Returned, BuildError> {
        let order = self.request.order;
        let incident = self.incident(&order.returned)?;
        let result = incident.data.result.as_deref().unwrap_or_default();
        let is_parcel = incident
            .parcel_ref
            .as_deref()
            .and_then(|parcel_ref| order.parcel(parcel_ref))
            .is_some_and(|parcel| parcel.status == ParcelStatus::Returned);
        let refund = order
            .refunds
            .iter()
            .find(|refund| refund.stamp.at >= incident.stamp.at);
        let paid_by = order.paid.as_ref().and_then(|(_, p)| p.method.as_deref());
        Ok(Returned {
            is_parcel,
            will_be_refunded: result == "refunded" || refund.is_some(),
            will_be_replaced: matches!(result, "replaced" | "exchanged"),
            was_declined: matches!(result, "declined" | "rejected"),
            refund_amount: refund.and_then(|refund| {
                self.money_in(refund.data.amount, refund.data.currency.as_ref())
            }),
            visible_days: Means::of(paid_by).days(),
            items: self.named_items(&incident.line_refs),
        })
    }

    fn review_url(&self) -> Result<String, BuildError> {
        let order = self.request.order;
        let configured = self.request.shop.review_url.as_ref().map(|template| {
            let reference: String = order
                .external_ref
                .bytes()
                .map(|b| {
                    if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.') {
                        char::from(b).to_string()
                    } else {
                        format!("%{b:02X}")
                    }
                })
                .collect();
            template.replace("{order}", &reference)
        });
        address(configured.as_ref())
            .or_else(|| address(order.details.order_url.as_ref()))
            .ok_or(BuildError::NoReviewUrl)
    }
}

fn title(line: &Line) -> String {
    clean(&line.title)
        .or_else(|| line.sku.as_deref().and_then(clean))
        .or_else(|| clean(&line.line_ref))
        .unwrap_or_else(|| "-".to_owned())
}

/// The means of payment templates have words for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Means {
    Card,
    Transfer,
    OnDelivery,
    Named(String),
    Unknown,
}

impl Means {
    fn of(method: Option<&str>) -> Self {
        let Some(method) = method.and_then(clean) else {
            return Self::Unknown;
        };
        match method.to_ascii_lowercase().as_str() {
            "card" | "credit_card" | "debit_card" | "credit card" => Self::Card,
            "transfer" | "bank_transfer" | "bank transfer" | "bacs" | "sepa" => Self::Transfer,
            "cod" | "cash_on_delivery" | "cash on delivery" => Self::OnDelivery,
            "online" | "manual" | "other" | "unknown" => Self::Unknown,
            _ => Self::Named(method),
        }
    }

    fn name(&self) -> Option<String> {
        match self {
            Self::Named(name) => Some(name.clone()),
            Self::Card | Self::Transfer | Self::OnDelivery | Self::Unknown => None,
        }
    }

    const fn days(&self) -> u32 {
        match self {
            Self::Transfer => TRANSFER_DAYS,
            Self::Card | Self::OnDelivery | Self::Named(_) | Self::Unknown => CARD_DAYS,
        }
    }
}

/// The brand's colour, darkened until white text on it has a contrast of 4.5 (C5).
fn button_color(brand: Option<&str>) -> String {
    const QUIET: [u8; 3] = [0x1f, 0x5f, 0x5b];
    let mut color = brand.and_then(parse_color).unwrap_or(QUIET);
    while contrast_with_white(color) < 4.5 {
        color = color.map(|channel| channel.saturating_sub((channel / 16).max(1)));
    }
    let [red, green, blue] = color;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn parse_color(text: &str) -> Option<[u8; 3]> {
    let hex = text.trim().strip_prefix('#')?;
    if hex.len() != 6 || !hex.is_ascii() {
        return None;
    }
    let channel = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}

fn contrast_with_white(color: [u8; 3]) -> f64 {
    let [red, green, blue] = color.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    });
    1.05 / (0.2126f64.mul_add(red, 0.7152f64.mul_add(green, 0.0722 * blue)) + 0.05)
}
#[cfg(test)]
#[path = "build/tests.rs"]
mod tests;
