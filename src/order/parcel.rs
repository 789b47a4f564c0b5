//! Parcels, and when an order counts as delivered.

use crate::clock::Instant;

use super::{
    Order, Stamp,
    event::{Pickup, Rung, Shipment},
};

/// One shipment of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// The parcel as its channel names it; `-` for the one parcel of a source that names none.
    pub parcel_ref: String,
    /// The lines in it; empty means we were not told, so any of them may be.
    pub line_refs: Vec<String>,
    /// Carrier and tracking, from the newest fact.
    pub shipment: Shipment,
    /// When it was handed over; after a return, when it was sent again.
    pub shipped: Option<Stamp>,
    /// Where it is.
    pub status: ParcelStatus,
    /// When `status` was reached.
    pub status_at: Option<Stamp>,
    /// Where it waits to be collected, and since when.
    pub pickup: Option<(Stamp, Pickup)>,
    /// When it went on the delivery vehicle.
    pub out_for_delivery: Option<Stamp>,
    /// The best evidence that it arrived.
    pub delivered: Option<Evidence>,
    /// When it should arrive, by the newest fact that says so.
    pub expected_at: Option<Instant>,
}

/// Where a parcel is. The first five are a rank; the rest stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParcelStatus {
    /// Handed over or announced.
    Announced,
    /// Scanned on the way.
    InTransit,
    /// On the delivery vehicle.
    OutForDelivery,
    /// Waiting to be collected.
    PickupReady,
    /// Handed over to the buyer or an agent.
    Delivered,
    /// On its way back.
    Returning,
    /// Back at the sender.
    Returned,
    /// Declared lost.
    Lost,
    /// The label was cancelled.
    Withdrawn,
}

impl ParcelStatus {
    /// The stable name used in tables and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::InTransit => "in_transit",
            Self::OutForDelivery => "out_for_delivery",
            Self::PickupReady => "pickup_ready",
            Self::Delivered => "delivered",
            Self::Returning => "returning",
            Self::Returned => "returned",
            Self::Lost => "lost",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Why we believe a parcel arrived, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// When it arrived.
    pub stamp: Stamp,
    /// How good the evidence is.
    pub rung: Rung,
    /// When we learned of it.
    pub received_at: Option<Instant>,
}

/// Whether an order has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Nothing was sent yet, or lines are still to be sent.
    NotAllShipped,
    /// Some parcel has not arrived.
    OnTheWay,
    /// All seems to have arrived, but by weaker evidence than asked for.
    EvidenceTooWeak {
        /// The weakest evidence among the parcels.
        have: Rung,
    },
    /// All has arrived; the evidence is that of the last parcel, its rung the weakest of all.
    Delivered(Evidence),
}

impl Parcel {
    pub(super) fn new(parcel_ref: &str) -> Self {
        Self {
            parcel_ref: parcel_ref.to_owned(),
            line_refs: Vec::new(),
            shipment: Shipment::default(),
            shipped: None,
            status: ParcelStatus::Announced,
            status_at: None,
            pickup: None,
            out_for_delivery: None,
            delivered: None,
            expected_at: None,
        }
    }

    /// Whether it can still arrive or has arrived.
    pub const fn is_live(&self) -> bool {
        !matches!(
            self.status,
            ParcelStatus::Returning
                | ParcelStatus::Returned
                | ParcelStatus::Lost
                | ParcelStatus::Withdrawn
        )
    }

    /// Whether it holds that line, as far as we were told.
    pub fn holds(&self, line_ref: &str) -> bool {
        self.line_refs.is_empty() || self.line_refs.iter().any(|r| r == line_ref)
    }
}

pub(super) fn delivery(order: &Order, lowest: Rung) -> DeliveryState {
    let live: Vec<&Parcel> = order.parcels.iter().filter(|p| p.is_live()).collect();
    let is_covered = |line_ref: &str| live.iter().any(|parcel| parcel.holds(line_ref));
    let has_open_line = order
        .lines_to_ship()
        .any(|line| !is_covered(&line.line_ref));
    if live.is_empty() || has_open_line || has_unsettled_loss(order) {
        return DeliveryState::NotAllShipped;
    }
    let mut last: Option<Evidence> = None;
    let mut weakest = Rung::Carrier;
    for parcel in &live {
        let Some(evidence) = parcel.delivered else {
            return DeliveryState::OnTheWay;
        };
        weakest = weakest.min(evidence.rung);
        if last.is_none_or(|known| known.stamp < evidence.stamp) {
            last = Some(evidence);
        }
    }
    match last {
        Some(evidence) if weakest >= lowest => DeliveryState::Delivered(Evidence {
            rung: weakest,
            ..evidence
        }),
        _ => DeliveryState::EvidenceTooWeak { have: weakest },
    }
}

/// Whether a parcel was lost or came back, and neither a parcel sent later, nor a refund or
/// cancellation of later date made up for it.
fn has_unsettled_loss(order: &Order) -> bool {
    order
        .parcels
        .iter()
        .filter(|parcel| {
            matches!(
                parcel.status,
                ParcelStatus::Lost | ParcelStatus::Returned | ParcelStatus::Returning
            )
        })
        .any(|parcel| {
            let Some(since) = parcel.status_at else {
                return true;
            };
            let sent_again = order
                .parcels
                .iter()
                .any(|other| other.is_live() && other.shipped.is_some_and(|s| s.at > since.at));
            let made_good = order
                .refunds
                .iter()
                .any(|refund| refund.stamp.at >= since.at)
                || order.cancellations.iter().any(|c| c.stamp.at >= since.at);
            !sent_again && !made_good
        })
}
