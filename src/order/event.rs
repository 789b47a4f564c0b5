//! What happened to an order: the events every source is translated into.
//!
//! The serde form of [`OrderEvent`] is the normalised event of the generic webhook
//! and of `import`, and the form in which facts are stored with the order.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{clock::Instant, mail::MailKind};

/// One thing that happened to one order, as one source told it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// Who says so: `shopify:example-shop`, `csv`, `operator`, `afternote`.
    pub source: String,
    /// The source's own key for this delivery; a repeat is stored once.
    pub source_event_id: String,
    /// The order as its channel names it.
    pub order_ref: String,
    /// The parcel, for parcel events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcel_ref: Option<String>,
    /// The lines concerned; empty means all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub line_refs: Vec<String>,
    /// When it happened. With day precision: the first instant of that local day.
    pub occurred_at: Instant,
    /// How exact `occurred_at` is.
    #[serde(default, rename = "time_precision")]
    pub precision: TimePrecision,
    /// When we learned of it; `None` is filled with the time of the import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Instant>,
    /// Test traffic of the source: stored, never mailed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// Happened before the channel was switched on: builds state, mails nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backfill: bool,
    /// What happened, with its data.
    #[serde(flatten)]
    pub fact: Fact,
}

/// How exact a time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimePrecision {
    /// To the second or better.
    #[default]
    Second,
    /// To the minute.
    Minute,
    /// Only the local day is known: waits start at its end and windows close as if at its start.
    Day,
}

/// Event kinds and their data (order sources: "Normalised event").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Fact {
    /// The buyer committed; buyer and lines are known. After a cancellation: the order is back.
    OrderAccepted(OrderDetails),
    /// The whole order as it stands now; newer details replace older ones.
    OrderSnapshot(OrderDetails),
    /// The money is confirmed, or pay-on-delivery was accepted (`method: cod`).
    PaymentReceived(Payment),
    /// A parcel was handed over. Again with new data: corrected tracking, or a parcel sent again.
    Shipped(Shipment),
    /// A physical scan on the way.
    InTransit(Empty),
    /// On the delivery vehicle.
    OutForDelivery(Expected),
    /// Waits in a locker, shop or post office.
    PickupReady(Pickup),
    /// The courier tried and could not hand it over.
    DeliveryAttemptFailed(Reason),
    /// The buyer or an agent holds the goods.
    Delivered(Delivery),
    /// Carrier or seller moved the date.
    Delayed(Delay),
    /// An item cannot be sent now.
    OutOfStock(Delay),
    /// Customs needs data, money or time.
    CustomsHold(Customs),
    /// The parcel goes back, or is back (`final`).
    ReturnedToSender(ReturnLeg),
    /// The carrier declares it lost or destroyed.
    Lost(Reason),
    /// The label was cancelled: the parcel never existed.
    ParcelWithdrawn(Empty),
    /// The order, or the lines named, will not be fulfilled.
    Cancelled(Cancellation),
    /// Money goes back.
    RefundIssued(Refund),
    /// The buyer opened a return.
    ReturnRequested(ReturnCase),
    /// The return was closed, whatever the result. A withdrawn one has `result: withdrawn`.
    ReturnCompleted(ReturnCase),
    /// Dispute, claim, case, chargeback.
    ComplaintOpened(Complaint),
    /// The complaint is over.
    ComplaintClosed(Complaint),
    /// The buyer wrote.
    BuyerMessageReceived(BuyerMessage),
    /// We answered the thread.
    BuyerMessageAnswered(BuyerMessage),
    /// The buyer rated the order or a line: no request any more.
    ReviewLeft(Empty),
    /// Somebody stopped the sequence of this order.
    OrderHold(Hold),
    /// Somebody let it go on.
    OrderReleased(Hold),
    /// Staff should look at this order. Never mails.
    NeedsReview(Reason),
    /// A person switched mails on for an order imported as history (O1).
    OrderActivated(Empty),
    /// The relay accepted a mail of ours. Written by the engine when it settles.
    MailAccepted(MailRef),
    /// An operator decided that a step is not to go.
    StepSkipped(StepOrder),
    /// An operator asked for one more sending of a step, as a new revision.
    StepResent(StepOrder),
    /// An operator asked for a step to go at the first allowed minute of its window.
    StepHastened(StepOrder),
}

impl Fact {
    /// The stable name of the event kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OrderAccepted(_) => "order_accepted",
            Self::OrderSnapshot(_) => "order_snapshot",
            Self::PaymentReceived(_) => "payment_received",
            Self::Shipped(_) => "shipped",
            Self::InTransit(_) => "in_transit",
            Self::OutForDelivery(_) => "out_for_delivery",
            Self::PickupReady(_) => "pickup_ready",
            Self::DeliveryAttemptFailed(_) => "delivery_attempt_failed",
            Self::Delivered(_) => "delivered",
            Self::Delayed(_) => "delayed",
            Self::OutOfStock(_) => "out_of_stock",
            Self::CustomsHold(_) => "customs_hold",
            Self::ReturnedToSender(_) => "returned_to_sender",
            Self::Lost(_) => "lost",
            Self::ParcelWithdrawn(_) => "parcel_withdrawn",
            Self::Cancelled(_) => "cancelled",
            Self::RefundIssued(_) => "refund_issued",
            Self::ReturnRequested(_) => "return_requested",
            Self::ReturnCompleted(_) => "return_completed",
            Self::ComplaintOpened(_) => "complaint_opened",
            Self::ComplaintClosed(_) => "complaint_closed",
            Self::BuyerMessageReceived(_) => "buyer_message_received",
            Self::BuyerMessageAnswered(_) => "buyer_message_answered",
            Self::ReviewLeft(_) => "review_left",
            Self::OrderHold(_) => "order_hold",
            Self::OrderReleased(_) => "order_released",
            Self::NeedsReview(_) => "needs_review",
            Self::OrderActivated(_) => "order_activated",
            Self::MailAccepted(_) => "mail_accepted",
            Self::StepSkipped(_) => "step_skipped",
            Self::StepResent(_) => "step_resent",
            Self::StepHastened(_) => "step_hastened",
        }
    }

    /// Every event kind's name, for error messages and documentation.
    pub const KINDS: [&'static str; 32] = [
        "order_accepted",
        "order_snapshot",
        "payment_received",
        "shipped",
        "in_transit",
        "out_for_delivery",
        "pickup_ready",
        "delivery_attempt_failed",
        "delivered",
        "delayed",
        "out_of_stock",
        "customs_hold",
        "returned_to_sender",
        "lost",
        "parcel_withdrawn",
        "cancelled",
        "refund_issued",
        "return_requested",
        "return_completed",
        "complaint_opened",
        "complaint_closed",
        "buyer_message_received",
        "buyer_message_answered",
        "review_left",
        "order_hold",
        "order_released",
        "needs_review",
        "order_activated",
        "mail_accepted",
        "step_skipped",
        "step_resent",
        "step_hastened",
    ];

    /// The kinds only afternote and its operators write: [`Fact::is_internal`] by name.
    pub const INTERNAL_KINDS: [&'static str; 5] = [
        "order_activated",
        "mail_accepted",
        "step_skipped",
        "step_resent",
        "step_hastened",
    ];

    /// Whether the event is about one parcel and must name it.
    pub const fn is_about_a_parcel(&self) -> bool {
        matches!(
            self,
            Self::Shipped(_)
                | Self::InTransit(_)
                | Self::OutForDelivery(_)
                | Self::PickupReady(_)
                | Self::DeliveryAttemptFailed(_)
                | Self::Delivered(_)
                | Self::CustomsHold(_)
                | Self::ReturnedToSender(_)
                | Self::Lost(_)
                | Self::ParcelWithdrawn(_)
        )
    }

    /// Whether only afternote and its operators write this event, never a source.
    pub const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::OrderActivated(_)
                | Self::MailAccepted(_)
                | Self::StepSkipped(_)
                | Self::StepResent(_)
                | Self::StepHastened(_)
        )
    }
}

/// No data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Empty {}

/// The facts of an order as its channel knows them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OrderDetails {
    /// Who bought.
    #[serde(default)]
    pub buyer: Buyer,
    /// The language the buyer shopped in, as the source writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What was bought.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// ISO 4217 code of all amounts of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What the buyer pays in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Decimal>,
    /// What of it is postage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Decimal>,
    /// What was taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Decimal>,
    /// The day until which dispatch was promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_dispatch_by: Option<Instant>,
    /// The moment until which delivery was promised.
    #[serde(
        default,
        rename = "promised_delivery_to",
        skip_serializing_if = "Option::is_none"
    )]
    pub promised_by: Option<Instant>,
    /// A page of the channel where the buyer sees the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_url: Option<String>,
    /// The invoice, if the seller has one on the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_url: Option<String>,
    /// The legal basis for relationship mail, as recorded at the sale (P1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<BasisRecord>,
    /// The seller's own labels; `when` conditions of a step may name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// Who bought. `Debug` shows no personal data.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Buyer {
    /// The address as the source gave it; it is parsed where a mail is to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The first name, where the source knows it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Ship-to country, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Ship-to region: the part of ISO 3166-2 behind the dash (`CA` of `US-CA`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// IANA zone, where the source knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Ship-to address lines as one text each, for the address block. Erased first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address_lines: Vec<String>,
}

impl fmt::Debug for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buyer")
            .field("country", &self.country)
            .field("has_email", &self.email.is_some())
            .finish_non_exhaustive()
    }
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The line as its channel names it.
    pub line_ref: String,
    /// The seller's article number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What the buyer reads.
    pub title: String,
    /// How many.
    #[serde(default = "one")]
    pub quantity: u32,
    /// Price of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Decimal>,
    /// Whether it travels in a parcel; downloads do not.
    #[serde(default = "yes")]
    pub ships: bool,
}

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

/// The recorded basis for relationship mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisRecord {
    /// Which basis.
    #[serde(rename = "type")]
    pub basis: Basis,
    /// When it was given or shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
    /// Where: `checkout`, `account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The version of the text the buyer saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
}

/// On what ground relationship mail may go (P1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The buyer said yes.
    Consent,
    /// The notice of ePrivacy 13(2) was shown when the address was collected.
    SoftOptIn,
    /// The marketplace's own rules allow the mail.
    Platform,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payment {
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// ISO 4217 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// `online`, `card`, `cod`, `transfer`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The name the buyer's statement will show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_name: Option<String>,
}

/// A parcel handed over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shipment {
    /// The carrier's name or code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The number to follow the parcel by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// The page to follow it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    /// When it should arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Instant>,
}

/// A new expectation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Expected {
    /// When it should arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Instant>,
}

/// A parcel waiting to be collected.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pickup {
    /// The last moment to collect it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_until: Option<Instant>,
    /// Name of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening_hours: Option<String>,
    /// What the buyer needs: a code, a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A reason, in the source's words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reason {
    /// Why; for staff and `why`, not for buyers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The handing over of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// How good the evidence is; `None` is read as the marketplace's or shop's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Rung>,
    /// The source only concluded it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
    /// Where it was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// The rungs of the evidence ladder for delivery, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Ship date plus some days.
    ShipDate,
    /// The promised date has passed.
    PromisedDate,
    /// The buyer said so.
    Buyer,
    /// The shop or marketplace says so.
    Marketplace,
    /// A tracking aggregator says so.
    Aggregator,
    /// The carrier scanned it.
    Carrier,
}

/// A moved date, for the order or one parcel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delay {
    /// The new date, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Instant>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What customs needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Customs {
    /// Why the parcel is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who must act: `buyer`, `seller`, `carrier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_acts: Option<String>,
    /// What for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what_for: Option<String>,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_by: Option<Instant>,
    /// The official page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official_url: Option<String>,
}

/// A parcel on its way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReturnLeg {
    /// Whether it has arrived back.
    #[serde(default, rename = "final")]
    pub is_final: bool,
}

/// A cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cancellation {
    /// `buyer`, `seller`, `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Money going back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refund {
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// ISO 4217 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The refund as its channel names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_ref: Option<String>,
    /// How it goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Whether less than the whole order is refunded; `None` is worked out from the total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<bool>,
}

/// A return of goods.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReturnCase {
    /// The return as its channel names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_ref: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it ended: `refunded`, `replaced`, `declined`, `withdrawn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// A complaint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Complaint {
    /// The complaint as its channel names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complaint_ref: Option<String>,
    /// When an answer is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// A message of the buyer, or our answer to the thread. Never its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BuyerMessage {
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_ref: Option<String>,
    /// The message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_ref: Option<String>,
}

/// A stop put on one order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hold {
    /// Which stop, so that two can stand side by side; empty is the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ref: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A mail of ours, by its place in the sequence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MailRef {
    /// The step.
    pub step: String,
    /// `order`, or the scope key of the step.
    pub scope: String,
    /// Which sending of it; 0 unless resent.
    #[serde(default)]
    pub revision: u32,
    /// The mail kind.
    pub mail_kind: MailKind,
    /// The Message-ID, so that later mails of the order can refer to it (M2).
    pub message_id: String,
    /// The parcels it told the buyer about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<String>,
}

/// What an operator ordered for a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOrder {
    /// The step.
    pub step: String,
    /// The scope key; `None` means every scope of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Why, in the operator's words.
    pub reason: String,
    /// For a resend: the new revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}
