//! What each kind of mail says besides shop, buyer and order.

use serde::Serialize;

use super::{LocalTime, Money};

/// A line of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What the buyer reads.
    pub title: String,
    /// How many.
    pub quantity: u32,
}

/// How the order is or was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "templates ask yes-or-no questions"
)]
pub struct Payment {
    /// The money has arrived.
    pub is_paid: bool,
    /// The courier collects it.
    pub on_delivery: bool,
    /// By card.
    pub by_card: bool,
    /// By bank transfer.
    pub by_transfer: bool,
    /// How much.
    pub amount: Option<Money>,
    /// A means with a name of its own, such as `PayPal`.
    pub method_name: Option<String>,
    /// The name on the buyer's statement.
    pub statement_name: Option<String>,
}

/// Parcels that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shipment {
    /// The parcels this mail tells of.
    pub parcels: Vec<ParcelFacts>,
    /// How many they are.
    pub parcel_count: usize,
    /// Whether they are more than one.
    pub is_several: bool,
    /// The tracking page, where this mail tells of one parcel.
    pub tracking_url: Option<String>,
    /// The expected day, where this mail tells of one parcel.
    pub expected_on: Option<LocalTime>,
    /// What is still to come.
    pub to_come: Vec<Item>,
}

/// One parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParcelFacts {
    /// Its place among the parcels of the order, from 1.
    pub position: usize,
    /// How many parcels the order has so far.
    pub count: usize,
    /// Whether the order comes in several parcels.
    pub is_one_of_several: bool,
    /// What is in it.
    pub items: Vec<Item>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The number to follow it by.
    pub tracking_number: Option<String>,
    /// The page to follow it on.
    pub tracking_url: Option<String>,
    /// When it should arrive; only while that lies ahead.
    pub expected_on: Option<LocalTime>,
    /// Where it was left.
    pub place: Option<String>,
    /// When it was handed over.
    pub delivered_on: Option<LocalTime>,
}

/// One parcel, and what its stage adds.
#[derive(Clone, PartialEq, Serialize)]
pub struct ParcelPart {
    /// The parcel.
    pub parcel: ParcelFacts,
    /// What is still to come.
    pub to_come: Vec<Item>,
    /// Where it waits to be collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup: Option<Pickup>,
    /// What customs needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customs: Option<Customs>,
}

/// Where a parcel waits.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Pickup {
    /// The name of the place.
    pub place: Option<String>,
    /// Where it is.
    pub address: Option<String>,
    /// When it is open.
    pub hours: Option<String>,
    /// What to show or type there.
    pub code: Option<String>,
    /// The last moment to collect it.
    pub until: Option<LocalTime>,
}

/// What customs needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Customs {
    /// The buyer must act.
    pub buyer_acts: bool,
    /// We must act.
    pub seller_acts: bool,
    /// The carrier must act.
    pub carrier_acts: bool,
    /// Why the parcel is held.
    pub reason: Option<String>,
    /// What for.
    pub what_for: Option<String>,
    /// By when.
    pub act_by: Option<LocalTime>,
    /// The official page.
    pub official_url: Option<String>,
}

/// A moved date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delay {
    /// What was promised.
    pub old_date: Option<LocalTime>,
    /// What is expected now.
    pub new_date: Option<LocalTime>,
    /// Why.
    pub reason: Option<String>,
    /// What is late.
    pub items: Vec<Item>,
    /// Whether it is on its way already, so that cancelling is no longer possible.
    pub is_shipped: bool,
    /// Where to follow it.
    pub tracking_url: Option<String>,
}

/// What cannot be sent now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stock {
    /// Which items.
    pub items: Vec<Item>,
    /// When they should be back.
    pub expected_on: Option<LocalTime>,
    /// Why.
    pub reason: Option<String>,
}

/// Money that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refund {
    /// How much.
    pub amount: Option<Money>,
    /// Less than the whole order.
    pub is_partial: bool,
    /// To the card.
    pub by_card: bool,
    /// To the bank account.
    pub by_transfer: bool,
    /// By a means with a name of its own.
    pub method_name: Option<String>,
    /// After how many days it is visible at the latest.
    pub visible_days: u32,
    /// For which items.
    pub items: Vec<Item>,
    /// What remains ordered.
    pub remainder: Vec<Item>,
}

/// A cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cancellation {
    /// Nothing of the order is left.
    pub is_whole: bool,
    /// The buyer asked for it.
    pub by_buyer: bool,
    /// Money had arrived, so money goes back.
    pub was_paid: bool,
    /// How much went back already.
    pub refund_amount: Option<Money>,
    /// What was cancelled.
    pub items: Vec<Item>,
    /// What remains ordered.
    pub remainder: Vec<Item>,
}

/// A return that arrived or was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "templates ask yes-or-no questions"
)]
pub struct Returned {
    /// The parcel itself came back, undelivered.
    pub is_parcel: bool,
    /// Money goes back.
    pub will_be_refunded: bool,
    /// New goods go out.
    pub will_be_replaced: bool,
    /// It was not accepted.
    pub was_declined: bool,
    /// How much goes back.
    pub refund_amount: Option<Money>,
    /// After how many days it is visible at the latest.
    pub visible_days: u32,
    /// Which items.
    pub items: Vec<Item>,
}

/// What relationship mails add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelationshipPart {
    /// The way out, where the channel has one (U1).
    pub unsubscribe_url: Option<String>,
    /// The one review link; review requests only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_url: Option<String>,
}

/// What a person wrote.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// One text each.
    pub paragraphs: Vec<String>,
}
