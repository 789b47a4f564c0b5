//! Sequences and their steps, as configuration describes them.

use std::{collections::BTreeSet, fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    mail::{MailClass, MailKind},
    order::event::Rung,
};

use super::hours::SendHours;

/// The steps of a channel, in the order they are listed by `why` and `config show`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The name configuration gives it.
    pub name: String,
    /// The steps; ids are unique, `after` names another step of the same sequence.
    pub steps: Vec<Step>,
}

impl Sequence {
    /// The step of that id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

/// One mail of a sequence: what starts it, when it may go, and what stands in its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The step's name inside its sequence: part of the ledger's key, so never renamed lightly.
    pub id: String,
    /// Which mail it sends.
    pub kind: MailKind,
    /// Switched off steps are planned as `skipped: step_disabled`, so that `why` can say so.
    pub enabled: bool,
    /// What the window counts from.
    pub anchor: Anchor,
    /// One mail per order, per parcel, or per incident.
    pub scope: ScopeKind,
    /// When it may go, counted from the anchor.
    pub window: Window,
    /// The moment inside the window to aim for.
    pub target: Span,
    /// A step whose mail the relay must have accepted before.
    pub after: Option<String>,
    /// Local hours and days in which it may go.
    pub hours: SendHours,
    /// How far sendings are spread behind the earliest allowed minute, so that buyers of one
    /// import do not all get their mail in the same second; zero for mails that should go at once.
    pub spread: Span,
    /// The lowest rung of evidence for "delivered" the step accepts.
    pub evidence: Rung,
    /// With `evidence = "ship_date"`: so long after shipping an order counts as delivered.
    pub delivered_after_ship: Span,
    /// What happens when the window closes first.
    pub on_missed: OnMissed,
    /// How long after the aimed-for moment a transactional mail still makes sense (D9).
    pub deliver_by: DeliverBy,
    /// Facts the order must meet; never mood, score or complaint (CH006).
    pub when: OrderCondition,
    /// The shop's own system sends this mail; we plan it as `skipped: shop_sends_it` (H6).
    pub sent_by_shop: bool,
}

impl Step {
    /// The class of the step's mail kind.
    pub const fn class(&self) -> MailClass {
        self.kind.class()
    }
}

/// The event a window counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The order was accepted.
    Accepted,
    /// The money arrived.
    Paid,
    /// The parcel was handed over.
    Shipped,
    /// Scope parcel: this parcel was delivered. Scope order: the last one was.
    Delivered,
    /// The parcel went on the delivery vehicle.
    OutForDelivery,
    /// The parcel began to wait for pick-up; the window counts from there.
    PickupReady,
    /// The end of the pick-up time; windows count backwards with negative spans.
    PickupUntil,
    /// A delay was announced, or the promised day ended with the order still open.
    Delayed,
    /// An item turned out not to be in stock.
    OutOfStock,
    /// Customs holds the parcel.
    CustomsHold,
    /// A second parcel left while others are still to come.
    SplitShipped,
    /// Money was sent back.
    RefundIssued,
    /// The order or lines of it were cancelled.
    Cancelled,
    /// The parcel came back, or a return was completed.
    Returned,
    /// A complaint was opened. Only answers written by people hang on it.
    ComplaintOpened,
}

/// What one mail of the step stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// One mail per order.
    Order,
    /// One mail per parcel; parcels handed over within an hour share one mail.
    Parcel,
    /// One mail per incident: a delay, a refund, a return.
    Incident,
}

/// From when to when a mail may go, counted from the anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The earliest moment.
    pub from: Span,
    /// The latest moment.
    pub to: Span,
}

/// A signed length of time as configuration writes it: `90m`, `12h`, `2d`, `-1d`.
///
/// Whole days are calendar days of the recipient and keep the wall-clock time across a
/// daylight-saving change; hours and minutes are elapsed time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    minutes: i64,
}

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no length of time; write days, hours or minutes such as `2d`, `12h`, `90m` or `1d12h`"
)]
pub struct SpanError(pub String);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self { minutes: 0 };
    const DAY: i64 = 24 * 60;

    /// That many days.
    pub const fn days(days: i64) -> Self {
        Self {
            minutes: days * Self::DAY,
        }
    }

    /// That many hours.
    pub const fn hours(hours: i64) -> Self {
        Self {
            minutes: hours * 60,
        }
    }

    /// That many minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self { minutes }
    }

    /// The whole length in minutes.
    pub const fn as_minutes(self) -> i64 {
        self.minutes
    }

    /// The whole days of it, towards zero.
    pub const fn whole_days(self) -> i64 {
        self.minutes / Self::DAY
    }

    /// What is left of it after the whole days.
    pub const fn minutes_of_day(self) -> i64 {
        self.minutes % Self::DAY
    }

    /// The length as elapsed time, each day counted as 24 hours.
    pub const fn elapsed(self) -> chrono::TimeDelta {
        chrono::TimeDelta::minutes(self.minutes)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.minutes.unsigned_abs();
        if magnitude == 0 {
            return f.write_str("0m");
        }
        if self.minutes < 0 {
            f.write_str("-")?;
        }
        for (unit, size) in [("d", 24 * 60), ("h", 60), ("m", 1)] {
            let count = match unit {
                "d" => magnitude / size,
                "h" => magnitude % (24 * 60) / size,
                _ => magnitude % 60,
            };
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || SpanError(text.to_owned());
        let trimmed = text.trim();
        let (sign, mut rest) = match trimmed.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, trimmed),
        };
        let mut minutes: i64 = 0;
        let mut last_unit = i64::MAX;
        if rest.is_empty() {
            return Err(error());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
            let count: i64 = rest[..digits].parse().map_err(|_| error())?;
            let unit = match rest.as_bytes()[digits] {
                b'w' => 7 * Self::DAY,
                b'd' => Self::DAY,
                b'h' => 60,
                b'm' => 1,
                _ => return Err(error()),
            };
            // Units run from large to small, each at most once.
            if unit >= last_unit {
                return Err(error());
            }
            last_unit = unit;
            minutes = count
                .checked_mul(unit)
                .and_then(|part| minutes.checked_add(part))
                // Ten years: beyond any sensible window, and far from overflow in date arithmetic.
                .filter(|total| *total <= 3650 * Self::DAY)
                .ok_or_else(error)?;
            rest = &rest[digits + 1..];
        }
        Ok(Self {
            minutes: sign * minutes,
        })
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

/// What to do with a mail whose window closed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum OnMissed {
    /// It ends as `expired`.
    #[default]
    Expire,
    /// An operator decides: it ends as `expired: needs_operator` and is listed for a decision.
    Operator,
}

/// Until when a planned mail still makes sense (D9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DeliverBy {
    /// So long after the anchor.
    After(Span),
    /// A named moment.
    Named(NamedDeadline),
}

/// Moments a mail may have to be delivered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedDeadline {
    /// The end of the step's window.
    WindowEnd,
    /// The last moment to collect the parcel; where it is unknown, the end of the window.
    PickupUntil,
}

/// Facts an order must meet for a step. An empty condition is met by every order.
///
/// There is no field for mood, score or complaint: choosing who is asked for a review
/// by how pleased they seem is forbidden (CH006), so it cannot be written down here.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrderCondition {
    /// Ship-to countries, ISO 3166-1 alpha-2; empty means every country.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub countries: BTreeSet<String>,
    /// Ship-to countries left out.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub not_countries: BTreeSet<String>,
    /// The order must carry one of these tags.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The order must carry none of these tags.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub not_tags: BTreeSet<String>,
    /// The least total, in the order's own currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_total: Option<Decimal>,
    /// Carriers, compared without case; empty means every carrier.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub carriers: BTreeSet<String>,
    /// Carriers left out (such as those whose platform sends the notice itself).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub not_carriers: BTreeSet<String>,
    /// Whether the order must (`true`) or must not (`false`) come in several parcels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub several_parcels: Option<bool>,
    /// Whether the order was (`true`) or was not (`false`) paid on delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cash_on_delivery: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write_the_same_text() {
        for (text, minutes) in [
            ("2d", 2880),
            ("90m", 90),
            ("1d12h", 2160),
            ("-1d", -1440),
            ("1w", 10080),
            ("0m", 0),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.as_minutes(), minutes, "{text}");
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
        assert_eq!(Span::minutes(90).to_string(), "1h30m");
    }

    #[test]
    fn other_text_is_no_span() {
        for text in [
            "",
            "-",
            "2",
            "d",
            "2x",
            "2h1d",
            "1d1d",
            "2.5d",
            "99999d",
            "9999999999999999999d",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
