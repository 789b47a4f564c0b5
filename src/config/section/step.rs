//! `[sequences.NAME]`: steps as configuration writes them, made into the steps of `sequence`.

use std::fmt;

use chrono::{NaiveTime, Weekday};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    mail::MailKind,
    order::event::Rung,
    sequence::{
        Anchor, DailyHours, DeliverBy, OnMissed, OrderCondition, ScopeKind, SendHours, Sequence,
        Span, Step, Window, step::NamedDeadline,
    },
};

use super::Keyed;

/// One sequence; what it extends is laid under it before it is read.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::config) struct SequenceSection {
    #[serde(default, rename = "extends")]
    pub(in crate::config) _extends: Option<String>,
    pub(in crate::config) steps: Keyed<StepSection>,
}

/// One step, its id being the key it stands under.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::config) struct StepSection {
    pub(in crate::config) kind: MailKind,
    pub(in crate::config) enabled: bool,
    pub(in crate::config) anchor: Anchor,
    pub(in crate::config) scope: ScopeKind,
    pub(in crate::config) window: Window,
    #[serde(default)]
    pub(in crate::config) target: Option<Span>,
    #[serde(default)]
    pub(in crate::config) after: Option<String>,
    #[serde(deserialize_with = "hours")]
    pub(in crate::config) hours: SendHours,
    pub(in crate::config) spread: Span,
    pub(in crate::config) evidence: Rung,
    pub(in crate::config) delivered_after_ship: Span,
    pub(in crate::config) on_missed: OnMissed,
    #[serde(deserialize_with = "deliver_by")]
    pub(in crate::config) deliver_by: DeliverBy,
    pub(in crate::config) when: OrderCondition,
    pub(in crate::config) sent_by_shop: bool,
}

impl SequenceSection {
    /// The sequence of that name.
    pub(in crate::config) fn to_sequence(&self, name: &str) -> Sequence {
        Sequence {
            name: name.to_owned(),
            steps: self
                .steps
                .0
                .iter()
                .map(|(id, section)| section.to_step(id))
                .collect(),
        }
    }
}

impl StepSection {
    fn to_step(&self, id: &str) -> Step {
        Step {
            id: id.to_owned(),
            kind: self.kind,
            enabled: self.enabled,
            anchor: self.anchor,
            scope: self.scope,
            window: self.window,
            target: self.target.unwrap_or(self.window.from),
            // An empty text takes an inherited `after` away.
            after: self.after.clone().filter(|after| !after.is_empty()),
            hours: self.hours.clone(),
            spread: self.spread,
            evidence: self.evidence,
            delivered_after_ship: self.delivered_after_ship,
            on_missed: self.on_missed,
            deliver_by: self.deliver_by,
            when: self.when.clone(),
            sent_by_shop: self.sent_by_shop,
        }
    }
}

const PRESETS: &[&str] = &["any", "office"];

/// The hours of a preset: `office` is 09:00 to 19:00, not on Sundays and public holidays (T3).
fn preset(name: &str) -> Option<SendHours> {
    match name {
        "any" => Some(SendHours::Always),
        "office" => Some(SendHours::Within(DailyHours {
            from: NaiveTime::from_hms_opt(9, 0, 0)?,
            to: NaiveTime::from_hms_opt(19, 0, 0)?,
            weekdays: vec![
                Weekday::Mon,
                Weekday::Tue,
                Weekday::Wed,
                Weekday::Thu,
                Weekday::Fri,
                Weekday::Sat,
            ],
            skip_holidays: true,
        })),
        _ => None,
    }
}

/// `hours = { from = "09:00", to = "19:00", weekdays = ["mon", …], holidays = false }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoursSection {
    #[serde(deserialize_with = "time_of_day")]
    from: NaiveTime,
    #[serde(deserialize_with = "time_of_day")]
    to: NaiveTime,
    #[serde(default = "every_day", deserialize_with = "weekdays")]
    weekdays: Vec<Weekday>,
    #[serde(default = "yes")]
    holidays: bool,
}

const fn yes() -> bool {
    true
}

fn every_day() -> Vec<Weekday> {
    let mut day = Weekday::Mon;
    let mut days = Vec::new();
    while days.len() < 7 {
        days.push(day);
        day = day.succ();
    }
    days
}

fn hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SendHours, D::Error> {
    struct HoursVisitor;

    impl<'de> Visitor<'de> for HoursVisitor {
        type Value = SendHours;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("`any`, `office` or a table with `from` and `to`")
        }

        fn visit_str<E: de::Error>(self, name: &str) -> Result<SendHours, E> {
            preset(name).ok_or_else(|| E::unknown_variant(name, PRESETS))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SendHours, A::Error> {
            let section = HoursSection::deserialize(MapAccessDeserializer::new(map))?;
            Ok(SendHours::Within(DailyHours {
                from: section.from,
                to: section.to,
                weekdays: section.weekdays,
                skip_holidays: !section.holidays,
            }))
        }
    }

    deserializer.deserialize_any(HoursVisitor)
}

fn time_of_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_plain = text.len() == 5;
    NaiveTime::parse_from_str(&text, "%H:%M")
        .ok()
        .filter(|_| is_plain)
        .ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is no time of day; write hours and minutes such as `09:00` (midnight is `00:00`)"
            ))
        })
}

fn weekdays<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Weekday>, D::Error> {
    let mut days = Vec::new();
    for name in Vec::<String>::deserialize(deserializer)? {
        let day = name.parse::<Weekday>().map_err(|_| {
            de::Error::custom(format!(
                "`{name}` is no day of the week; write `mon`, `tue`, `wed`, `thu`, `fri`, `sat` or `sun`"
            ))
        })?;
        days.push(day);
    }
    days.sort_by_key(Weekday::num_days_from_monday);
    days.dedup();
    Ok(days)
}

fn deliver_by<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DeliverBy, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "window_end" => Ok(DeliverBy::Named(NamedDeadline::WindowEnd)),
        "pickup_until" => Ok(DeliverBy::Named(NamedDeadline::PickupUntil)),
        _ => text.parse().map(DeliverBy::After).map_err(|_| {
            de::Error::custom(format!(
                "`{text}` is no deadline; write a length such as `2d`, or `window_end` or `pickup_until`"
            ))
        }),
    }
}
