//! What a mail knows: plain data for the templates of each kind.
//!
//! Built from an order ([`build`]) or taken from the samples ([`samples`]). Nothing here but
//! text, numbers, times and addresses that were cleaned on the way in; never configuration,
//! environment or secrets (email-requirements S1). The declared list of variables
//! (`schema`) and these structs say the same; a test holds them together.

pub mod build;
mod parts;
pub mod samples;

pub use build::{BuildError, ContextRequest, ShopFacts, build};
pub use parts::*;
pub use samples::samples;

use chrono::NaiveDateTime;
use serde::{Serialize, Serializer};

use super::helpers::TIME_FORMAT;

/// Everything a mail of one kind may say.
#[derive(Clone, PartialEq, Serialize)]
pub struct MailContext {
    /// Who writes.
    pub shop: Shop,
    /// To whom.
    pub buyer: Buyer,
    /// About what.
    pub order: OrderPart,
    /// What this kind of mail says besides.
    #[serde(flatten)]
    pub part: Part,
}

impl std::fmt::Debug for MailContext {
    /// Names the part only: a context is made of personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailContext")
            .field("part", &self.part.name())
            .finish_non_exhaustive()
    }
}

impl MailContext {
    /// Puts the text of a reply into its frame, one paragraph per block of lines.
    ///
    /// Does nothing for mails of another kind.
    pub fn set_reply(&mut self, text: &str) {
        if let Part::Reply(part) = &mut self.part {
            part.reply.paragraphs = text.split("\n\n").filter_map(build::clean).collect();
        }
    }
}

/// The seller as the mail shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shop {
    /// The name buyers know.
    pub name: String,
    /// The name the law wants.
    pub legal_name: String,
    /// Postal address, a line each.
    pub address: Vec<String>,
    /// Where a person answers.
    pub support_email: Option<String>,
    /// A page with help.
    pub support_url: Option<String>,
    /// The privacy notice.
    pub privacy_url: Option<String>,
    /// The logo.
    pub logo_url: Option<String>,
    /// The button's colour: `#rrggbb`, dark enough for white text.
    pub button_color: String,
}

/// The buyer.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Buyer {
    /// For the greeting.
    pub first_name: Option<String>,
    /// The whole name.
    pub name: Option<String>,
}

/// The order.
#[derive(Clone, PartialEq, Serialize)]
pub struct OrderPart {
    /// As the buyer knows it.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Where the buyer sees it.
    pub url: Option<String>,
    /// When it was accepted, by the buyer's clock.
    pub accepted_on: Option<LocalTime>,
    /// What was bought and not cancelled.
    pub items: Vec<PricedItem>,
    /// What the buyer pays in all.
    pub total: Option<Money>,
    /// What of it is postage.
    pub shipping: Option<Money>,
    /// What was taken off.
    pub discount: Option<Money>,
    /// Ship-to address, a line each.
    pub address: Vec<String>,
    /// Until when dispatch is promised; only while that lies ahead.
    pub dispatch_by: Option<LocalTime>,
    /// Until when delivery is promised; only while that lies ahead.
    pub deliver_by: Option<LocalTime>,
    /// The invoice on the web.
    pub invoice_url: Option<String>,
}

/// A line of the order with its price.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PricedItem {
    /// What the buyer reads.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// Price of one.
    pub price: Option<Money>,
    /// Price of all of them.
    pub total: Option<Money>,
}

/// An amount with its currency; written by the helper `money`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// The amount.
    pub amount: rust_decimal::Decimal,
    /// ISO 4217 code.
    pub currency: String,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{} {}", self.amount, self.currency))
    }
}

/// A time by the buyer's clock; written by the helpers `date`, `weekday` and `time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime(pub NaiveDateTime);

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.format(TIME_FORMAT))
    }
}

/// What a mail says besides shop, buyer and order, by kind.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Part {
    /// Accepted, paid.
    Payment(PaymentPart),
    /// Shipped, split parcels.
    Shipment(ShipmentPart),
    /// Out for delivery, delivered, pick-up, customs.
    Parcel(Box<ParcelPart>),
    /// Delay.
    Delay(DelayPart),
    /// Out of stock.
    Stock(StockPart),
    /// Refund.
    Refund(RefundPart),
    /// Cancelled.
    Cancellation(CancellationPart),
    /// Returned.
    Returned(ReturnedPart),
    /// Follow-up and review request.
    Relationship(RelationshipPart),
    /// Reply to a complaint.
    Reply(ReplyPart),
}

impl Part {
    /// The name of the part.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Payment(_) => "payment",
            Self::Shipment(_) => "shipment",
            Self::Parcel(_) => "parcel",
            Self::Delay(_) => "delay",
            Self::Stock(_) => "stock",
            Self::Refund(_) => "refund",
            Self::Cancellation(_) => "cancellation",
            Self::Returned(_) => "returned",
            Self::Relationship(_) => "relationship",
            Self::Reply(_) => "reply",
        }
    }
}

macro_rules! part {
    ($(#[$doc:meta])* $part:ident { $field:ident: $inner:ty }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Serialize)]
        pub struct $part {
            /// The data, under its name.
            pub $field: $inner,
        }
    };
}

part!(
    /// Accepted, paid.
    PaymentPart { payment: Payment }
);
part!(
    /// Shipped, split parcels.
    ShipmentPart { shipment: Shipment }
);
part!(
    /// Delay.
    DelayPart { delay: Delay }
);
part!(
    /// Out of stock.
    StockPart { stock: Stock }
);
part!(
    /// Refund.
    RefundPart { refund: Refund }
);
part!(
    /// Cancelled.
    CancellationPart { cancellation: Cancellation }
);
part!(
    /// Returned.
    ReturnedPart { returned: Returned }
);
part!(
    /// Reply to a complaint.
    ReplyPart { reply: Reply }
);

#[cfg(test)]
#[path = "context/tests.rs"]
mod tests;
