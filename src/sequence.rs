//! Which mails an order gets, and when: sequences, windows, send hours and the plan.
//!
//! Pure: `plan` is total and deterministic; the engine stores what it decides,
//! `simulate` and `why` print it. Start with [`Step`], then [`decision`].

pub mod calendar;
pub mod decision;
pub mod holidays;
pub mod hours;
pub mod jitter;
pub mod step;
pub mod zone;

pub use calendar::{AnchorTime, OpenSpan, SendCalendar};
pub use decision::{Decision, Reason, Scope, Verdict};
pub use holidays::Holidays;
pub use hours::{DailyHours, HoursError, SendHours};
pub use step::{
    Anchor, DeliverBy, OnMissed, OrderCondition, ScopeKind, Sequence, Span, Step, Window,
};
pub use zone::{ZoneSource, recipient_zone};
