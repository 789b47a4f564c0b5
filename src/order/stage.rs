//! The stages of an order. Derived from facts, never stored as the truth.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Events arrived before the order itself.
    Announced,
    /// The buyer committed.
    Accepted,
    /// The money is there.
    Paid,
    /// A parcel is on its way.
    Shipped,
    /// Everything has arrived.
    Delivered,
    /// The follow-up was accepted by the relay.
    FollowedUp,
    /// The review request was accepted by the relay.
    ReviewRequested,
    /// The order ended another way.
    Closed(Closed),
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// It was cancelled.
    Cancelled,
    /// All money went back.
    Refunded,
    /// The goods went back.
    Returned,
    /// The goods were lost.
    Lost,
}

impl Stage {
    /// The stable name used in tables, output and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Accepted => "accepted",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::FollowedUp => "followed_up",
            Self::ReviewRequested => "review_requested",
            Self::Closed(Closed::Cancelled) => "closed_cancelled",
            Self::Closed(Closed::Refunded) => "closed_refunded",
            Self::Closed(Closed::Returned) => "closed_returned",
            Self::Closed(Closed::Lost) => "closed_lost",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
