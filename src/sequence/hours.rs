//! Send hours: at which local times and on which days a mail may go.

use chrono::{NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

/// When a mail may go, by the recipient's clock and calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendHours {
    /// At any time.
    Always,
    /// Only inside daily hours on allowed days.
    Within(DailyHours),
}

/// Daily hours on allowed days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyHours {
    /// First allowed local minute.
    pub from: NaiveTime,
    /// The local minute from which it may no longer go. At or before `from`: the hours run
    /// overnight into the next day and belong to the day they began on.
    pub to: NaiveTime,
    /// Days on which the hours may begin, Monday first.
    pub weekdays: Vec<Weekday>,
    /// Whether public holidays of the ship-to country are left out.
    pub skip_holidays: bool,
}
