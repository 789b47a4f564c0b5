//! Mail kinds and the class each belongs to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which mail: the purpose it serves for the buyer.
///
/// The declared order is the order of an order's life; it decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// The order was received.
    Accepted,
    /// The money has arrived.
    Paid,
    /// A parcel is on its way, with tracking.
    Shipped,
    /// A parcel is on the delivery vehicle.
    OutForDelivery,
    /// A parcel was handed over.
    Delivered,
    /// The promised day will be or was missed.
    Delay,
    /// An item cannot be sent now.
    OutOfStock,
    /// A parcel waits at a pick-up point.
    PickupWaiting,
    /// The last days to collect a waiting parcel.
    PickupReminder,
    /// The order comes in several parcels.
    SplitParcel,
    /// Customs needs something.
    Customs,
    /// Money goes back, in full or in part.
    Refund,
    /// The order, or some lines, will not be sent.
    Cancelled,
    /// A return has arrived or was closed.
    Returned,
    /// "Is all well?", some days after delivery. Asks for no rating.
    FollowUp,
    /// The one neutral request for a review.
    ReviewRequest,
    /// The frame of an answer to a complaint; sent by a person only.
    ComplaintReply,
}

/// Whether a mail is part of carrying out the order or relationship marketing.
///
/// The class is a property of the mail kind, never of a template's text
/// (email-requirements, mail classes T and R).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailClass {
    /// Tells the buyer what happens to the order (class T).
    Transactional,
    /// Follow-up and review request (class R): quiet hours, legal basis, opt-out.
    Relationship,
}

impl MailKind {
    /// Every kind, in declared order.
    pub const ALL: [Self; 17] = [
        Self::Accepted,
        Self::Paid,
        Self::Shipped,
        Self::OutForDelivery,
        Self::Delivered,
        Self::Delay,
        Self::OutOfStock,
        Self::PickupWaiting,
        Self::PickupReminder,
        Self::SplitParcel,
        Self::Customs,
        Self::Refund,
        Self::Cancelled,
        Self::Returned,
        Self::FollowUp,
        Self::ReviewRequest,
        Self::ComplaintReply,
    ];

    /// The stable name used in configuration, tables, folders and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::OutForDelivery => "out_for_delivery",
            Self::Delivered => "delivered",
            Self::Delay => "delay",
            Self::OutOfStock => "out_of_stock",
            Self::PickupWaiting => "pickup_waiting",
            Self::PickupReminder => "pickup_reminder",
            Self::SplitParcel => "split_parcel",
            Self::Customs => "customs",
            Self::Refund => "refund",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
            Self::FollowUp => "follow_up",
            Self::ReviewRequest => "review_request",
            Self::ComplaintReply => "complaint_reply",
        }
    }

    /// The class of the kind.
    pub const fn class(self) -> MailClass {
        match self {
            Self::FollowUp | Self::ReviewRequest => MailClass::Relationship,
            _ => MailClass::Transactional,
        }
    }
}

impl MailClass {
    /// The stable name used in configuration, tables and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Relationship => "relationship",
        }
    }
}

impl fmt::Display for MailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for MailClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no mail kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no mail kind")]
pub struct UnknownMailKind(pub String);

impl FromStr for MailKind {
    type Err = UnknownMailKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownMailKind(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_name() {
        for kind in MailKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.as_str()));
        }
    }

    #[test]
    fn only_follow_up_and_review_request_are_relationship_mail() {
        let relationship: Vec<MailKind> = MailKind::ALL
            .into_iter()
            .filter(|kind| kind.class() == MailClass::Relationship)
            .collect();
        assert_eq!(relationship, [MailKind::FollowUp, MailKind::ReviewRequest]);
    }
}
