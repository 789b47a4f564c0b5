//! What was decided about one mail, and why: the closed list of reasons.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{clock::Instant, mail::MailKind};

/// What one mail of a step stands for: the order, a group of parcels, or an incident.
///
/// Part of the ledger's unique key, so its text is stable: `order`, `parcel:<ref>` (the first
/// parcel of a group), `incident:<ref>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// The whole order.
    Order,
    /// A parcel, or the group of parcels that left within an hour of it.
    Parcel(String),
    /// A delay, a refund, a return.
    Incident(String),
}

/// A text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope; known are `order`, `parcel:REF` and `incident:REF`")]
pub struct UnknownScope(pub String);

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order => f.write_str("order"),
            Self::Parcel(parcel) => write!(f, "parcel:{parcel}"),
            Self::Incident(incident) => write!(f, "incident:{incident}"),
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "order" => Ok(Self::Order),
            Some(("parcel", parcel)) if !parcel.is_empty() => Ok(Self::Parcel(parcel.to_owned())),
            Some(("incident", incident)) if !incident.is_empty() => {
                Ok(Self::Incident(incident.to_owned()))
            }
            _ => Err(UnknownScope(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// One mail of one step: what is to become of it, and the facts that led there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The step.
    pub step: String,
    /// Which mail.
    pub kind: MailKind,
    /// What it stands for.
    pub scope: Scope,
    /// Which sending of it: 0, or more after a resend.
    pub revision: u32,
    /// When the event it counts from happened; `None` while it has not.
    pub anchored_at: Option<Instant>,
    /// The parcels it tells the buyer about.
    pub parcels: Vec<String>,
    /// What is to become of it.
    pub verdict: Verdict,
    /// The chain of facts and rules that led there, in the order they were looked at.
    pub because: Vec<Because>,
}

/// What is to become of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// What it counts from has not happened.
    Waiting {
        /// What for.
        for_: Reason,
    },
    /// It goes at `send_at`, if nothing changes.
    Scheduled {
        /// The earliest allowed instant.
        from: Instant,
        /// The last allowed instant: the window's end, or the deliver-by if that is sooner.
        until: Instant,
        /// When.
        send_at: Instant,
    },
    /// Something stands in its way; it is looked at again when the order changes or at `until`.
    Held {
        /// What.
        by: Reason,
        /// The end of its window.
        until: Instant,
    },
    /// It does not go.
    Skipped {
        /// Why.
        reason: Reason,
    },
    /// Its time passed.
    Expired {
        /// Why.
        reason: Reason,
    },
    /// A newer mail says more.
    Superseded {
        /// The step that took its place.
        by: String,
    },
    /// The ledger already holds its end; it never changes.
    Done,
}

impl Verdict {
    /// The reason's stable code, where there is one.
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Waiting { for_: reason }
            | Self::Held { by: reason, .. }
            | Self::Skipped { reason }
            | Self::Expired { reason } => Some(*reason),
            Self::Superseded { .. } => Some(Reason::Superseded),
            Self::Scheduled { .. } | Self::Done => None,
        }
    }

    /// The verdict's stable name.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Scheduled { .. } => "scheduled",
            Self::Held { .. } => "held",
            Self::Skipped { .. } => "skipped",
            Self::Expired { .. } => "expired",
            Self::Superseded { .. } => "superseded",
            Self::Done => "done",
        }
    }
}

/// One link of the chain that led to a decision: a reason and the values it was judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// Which rule or fact.
    pub reason: Reason,
    /// The values: times, step ids, rule names. Never personal data.
    pub detail: String,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a mail was, was not, or was not yet sent. The codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* #[doc = $text] $name,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code, as stored and as printed with `--format json`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means, as a sentence without a full stop.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    // Waiting.
    WaitingForAnchor = "waiting_for_event", "the event it counts from has not happened";
    NoDeliveryEvidence = "no_delivery_evidence", "no evidence of delivery that is good enough; a guess from the ship date does not count";
    WaitingForParcels = "waiting_for_parcels", "part of the order is not delivered yet";
    WaitingForStep = "waiting_for_step", "the mail it follows was not accepted by the relay yet";
    // The chain towards a time.
    AnchorSeen = "anchor", "the event it counts from";
    WindowOpen = "window", "the window in which it may go";
    TargetAimed = "target", "the moment it aims for";
    HoursApplied = "send_hours", "moved to the next allowed minute in the recipient's zone";
    ZoneChosen = "zone", "the time zone it is sent by";
    JitterApplied = "spread", "spread so that buyers of one import are not all written to at once";
    Hastened = "send_now", "an operator asked for it to go as soon as it may";
    Resent = "resend", "an operator asked for one more sending";
    BasisFound = "basis", "the legal basis";
    PolicyAllows = "channel_policy_allows", "the channel allows this mail";
    // Holds.
    HeldByReturn = "held_by_return", "a return is open";
    HeldByComplaint = "held_by_complaint", "a complaint is open";
    HeldByMessage = "held_by_message", "a message of the buyer is unanswered";
    HeldByDelay = "held_by_delay", "a delay was announced and the order has not arrived";
    HeldByOperator = "held_by_operator", "an operator paused the order";
    HeldByPause = "held_by_pause", "the channel or the whole service is paused";
    HeldByCap = "held_by_cap", "the buyer has had as many mails as the cap allows for now";
    HeldByReturnLeg = "held_by_return_leg", "a parcel is on its way back";
    // Not sent by rule.
    ChannelPolicy = "channel_policy", "the channel forbids this mail";
    ChannelPolicyAsk = "channel_policy_ask", "the channel allows this mail only after the seller has agreed to it in the configuration";
    ShopSendsIt = "shop_sends_it", "the shop's own system sends this mail";
    StepDisabled = "step_disabled", "the step is switched off";
    NoTemplate = "no_template", "no template for this mail in a usable locale";
    NoBasis = "no_basis", "no legal basis is recorded for relationship mail";
    ConditionNotMet = "condition_not_met", "the order does not meet the step's condition";
    NotWritten = "written_by_a_person", "a person writes this mail; it is never sent by itself";
    Backfill = "history", "it happened before the channel was switched on";
    TestOrder = "test_order", "it is a test order of the source";
    NoAddress = "no_address", "the order has no mail address";
    InvalidAddress = "undeliverable_address", "the buyer's address is no valid mail address";
    Suppressed = "suppressed", "the address is on the suppression list";
    OperatorSkipped = "operator_skipped", "an operator decided that it is not to go";
    OrderCancelled = "order_cancelled", "the order was cancelled";
    OrderRefunded = "order_refunded", "the whole order was refunded";
    OrderReturned = "order_returned", "the order was returned";
    OrderLost = "order_lost", "the order was lost on the way";
    ReviewAlreadyLeft = "review_left", "the buyer has already left a review";
    AlreadyDelivered = "already_delivered", "the parcel was already delivered";
    ArrivedInTime = "arrived_in_time", "the order was not late";
    FollowUpNotSent = "previous_step_not_sent", "the mail it follows was not sent";
    OncePerOrder = "once_per_order", "a mail of this kind was already sent or attempted for the order";
    NoLongerApplies = "no_longer_applies", "the facts it was planned for no longer hold";
    Erased = "erased", "the buyer's data was erased";
    // Time passed.
    WindowClosed = "window_closed", "its window closed before it could go";
    NoAllowedTime = "no_allowed_time", "its window holds no allowed minute: send hours, weekdays and holidays fill it";
    DeliverByPassed = "deliver_by_passed", "it would arrive too late to be of use";
    ExpiredHeldByReturn = "expired_held_by_return", "its window closed while a return was open";
    ExpiredHeldByComplaint = "expired_held_by_complaint", "its window closed while a complaint was open";
    ExpiredHeldByMessage = "expired_held_by_message", "its window closed while a message of the buyer was unanswered";
    ExpiredHeldByDelay = "expired_held_by_delay", "its window closed while the order was delayed";
    ExpiredHeldByOperator = "expired_held_by_operator", "its window closed while an operator had paused the order";
    ExpiredHeldByPause = "expired_held_by_pause", "its window closed while the channel or the service was paused";
    ExpiredHeldByCap = "expired_held_by_cap", "its window closed before the cap allowed another mail to the buyer";
    ExpiredHeldByReturnLeg = "expired_held_by_return_leg", "its window closed while a parcel was on its way back";
    ExpiredWaitingForStep = "expired_waiting_for_step", "its window closed before the mail it follows was accepted";
    NeedsOperator = "needs_operator", "its window closed; an operator decides";
    RetriesUsedUp = "retries_used_up", "every attempt failed for a passing cause until its time was over";
    Superseded = "superseded", "a newer mail says more";
    // Attempts.
    RelayAccepted = "relay_accepted", "the relay accepted it";
    RelayRefused = "relay_refused", "the relay refused it for good";
    LintBlocked = "lint_blocked", "its wording breaks a rule of the compliance linter";
    RenderFailed = "render_failed", "it could not be rendered";
    InDoubt = "in_doubt", "it was under way when the connection or the process ended; it may or may not have arrived";
    Retrying = "retrying", "the last attempt failed for a passing cause";
    ChannelFault = "channel_fault", "the relay refuses our channel, not this buyer; the channel is paused and the mail kept";
    OperatorDecidedSent = "operator_decided_sent", "an operator decided that it had arrived";
    OperatorDecidedNotSent = "operator_decided_not_sent", "an operator decided that it had not arrived and is not to be sent";
    OperatorWithdrew = "operator_withdrew", "an operator withdrew it";
    SmtpUtf8Unsupported = "smtputf8_unsupported", "the relay cannot deliver to this address: it needs SMTPUTF8";
}

impl Reason {
    /// The reason a hold leaves behind when the window closes first.
    #[must_use]
    pub const fn when_expired(self) -> Self {
        match self {
            Self::HeldByReturn => Self::ExpiredHeldByReturn,
            Self::HeldByComplaint => Self::ExpiredHeldByComplaint,
            Self::HeldByMessage => Self::ExpiredHeldByMessage,
            Self::HeldByDelay => Self::ExpiredHeldByDelay,
            Self::HeldByOperator => Self::ExpiredHeldByOperator,
            Self::HeldByPause => Self::ExpiredHeldByPause,
            Self::HeldByCap => Self::ExpiredHeldByCap,
            Self::HeldByReturnLeg => Self::ExpiredHeldByReturnLeg,
            Self::WaitingForStep => Self::ExpiredWaitingForStep,
            _ => Self::WindowClosed,
        }
    }

    /// The reason of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn reason_codes_are_unique_and_read_back() {
        let codes: BTreeSet<&str> = Reason::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
    }

    #[test]
    fn scopes_read_back_from_their_text() {
        for scope in [
            Scope::Order,
            Scope::Parcel("1:2".to_owned()),
            Scope::Incident("r1".to_owned()),
        ] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for text in ["", "orders", "parcel:", "parcel", "line:1"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }
}
