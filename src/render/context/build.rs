//! From an order to what its mail may say. Pure: the time comes as a parameter.

mod color;
mod incidents;
mod parcels;
mod payment;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization;

use crate::{
    clock::Instant,
    mail::MailKind,
    order::{
        Order,
        event::{self, Line},
    },
    render::helpers::safe_url,
    sequence::Scope,
};

use super::{
    Buyer, CancellationPart, DelayPart, Item, LocalTime, MailContext, Money, OrderPart, Part,
    PaymentPart, PricedItem, RefundPart, RelationshipPart, Reply, ReplyPart, ReturnedPart,
    ShipmentPart, Shop, StockPart,
};

/// The longest value a mail takes over, in characters: beyond it, text is cut with `…`.
const MAX_VALUE: usize = 300;

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
    /// Where reviews are written: an https address in which `{order_ref}` stands for the order's
    /// reference. `None`: the order's own page is taken.
    pub review_url: Option<String>,
    /// The order's page on the channel, with `{order_ref}` as above, for orders whose source
    /// names none.
    pub order_url: Option<String>,
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
            button_color: color::button_color(shop.brand_color.as_deref()),
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
            url: self.order_url(),
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

    fn review_url(&self) -> Result<String, BuildError> {
        address(self.filled(self.request.shop.review_url.as_ref()).as_ref())
            .or_else(|| self.order_url())
            .ok_or(BuildError::NoReviewUrl)
    }

    /// The order's page: the one the source named, else the channel's.
    fn order_url(&self) -> Option<String> {
        address(self.request.order.details.order_url.as_ref())
            .or_else(|| address(self.filled(self.request.shop.order_url.as_ref()).as_ref()))
    }

    /// A configured address with the order's reference in it, percent-encoded.
    fn filled(&self, template: Option<&String>) -> Option<String> {
        let reference: String = self
            .request
            .order
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
        template.map(|template| template.replace("{order_ref}", &reference))
    }
}

/// What the buyer reads for a line; never empty.
fn title(line: &Line) -> String {
    clean(&line.title)
        .or_else(|| line.sku.as_deref().and_then(clean))
        .or_else(|| clean(&line.line_ref))
        .unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
#[path = "build/tests.rs"]
mod tests;
