//! Orders of an invented seller on five channels: for `demo`, previews and tests.
//!
//! Each order shows one path an order can take and carries its name as a tag. The files
//! are ordinary JSON lines, compiled in; buyers are invented and their addresses end
//! in `example.com` or `.example`.

use chrono::TimeDelta;
use chrono_tz::Tz;

use crate::{
    clock::{Instant, from_millis},
    mail::Platform,
    order::{OrderEvent, TimePrecision},
};

use super::{Format, Options, Record, open};

/// A channel of the invented seller.
#[derive(Debug, Clone, Copy)]
pub struct DemoChannel {
    /// Its name, as the events carry it.
    pub name: &'static str,
    /// What it is.
    pub platform: Platform,
    /// The seller's zone there.
    pub zone: Tz,
    /// Its orders, as JSON lines.
    pub file: &'static str,
}

/// The channels.
pub const CHANNELS: [DemoChannel; 5] = [
    DemoChannel {
        name: "my-shop",
        platform: Platform::Shop,
        zone: chrono_tz::Europe::Berlin,
        file: include_str!("../../samples/demo/my-shop.jsonl"),
    },
    DemoChannel {
        name: "allegro",
        platform: Platform::Allegro,
        zone: chrono_tz::Europe::Warsaw,
        file: include_str!("../../samples/demo/allegro.jsonl"),
    },
    DemoChannel {
        name: "amazon",
        platform: Platform::Amazon,
        zone: chrono_tz::Europe::Berlin,
        file: include_str!("../../samples/demo/amazon.jsonl"),
    },
    DemoChannel {
        name: "ebay",
        platform: Platform::Ebay,
        zone: chrono_tz::Europe::Berlin,
        file: include_str!("../../samples/demo/ebay.jsonl"),
    },
    DemoChannel {
        name: "aliexpress",
        platform: Platform::Aliexpress,
        zone: chrono_tz::Europe::Berlin,
        file: include_str!("../../samples/demo/aliexpress.jsonl"),
    },
];

/// When the moved clock begins: 2 March 2026, 00:00 UTC, before the first event.
pub fn start() -> Instant {
    from_millis(1_772_409_600_000)
}

/// Every event with its channel, in the order they arrive.
///
/// Where a file does not say when an event arrived, it arrives minutes after it happened;
/// of one known by its day alone we learn that evening.
pub fn events() -> Vec<(String, OrderEvent)> {
    let mut events: Vec<(Instant, String, OrderEvent)> = CHANNELS
        .iter()
        .flat_map(|channel| records(channel).map(move |record| (channel, record)))
        .flat_map(|(channel, record)| {
            let name = record.channel.unwrap_or_else(|| channel.name.to_owned());
            record.events.into_iter().map(move |mut event| {
                let received = event.received_at.unwrap_or_else(|| arrival(&event));
                event.received_at = Some(received);
                (received, name.clone(), event)
            })
        })
        .collect();
    // Stable: what arrives in the same moment keeps the order of the file.
    events.sort_by_key(|(received, _, _)| *received);
    events
        .into_iter()
        .map(|(_, channel, event)| (channel, event))
        .collect()
}

/// The records of a channel. A test keeps every line of the files readable.
fn records(channel: &DemoChannel) -> impl Iterator<Item = Record> + use<> {
    let options = Options {
        channel: channel.name.to_owned(),
        zone: channel.zone,
        now: None,
        not_after: None,
    };
    open(Format::JsonLines, channel.file.as_bytes(), options)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
}

fn arrival(event: &OrderEvent) -> Instant {
    let lag = match event.precision {
        TimePrecision::Second => TimeDelta::minutes(2),
        TimePrecision::Minute => TimeDelta::minutes(5),
        TimePrecision::Day => TimeDelta::hours(18),
    };
    event.occurred_at + lag
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{
        intake::report::Report,
        mail::Address,
        order::{Fact, event::OrderDetails},
    };

    fn orders() -> Vec<(String, String, OrderDetails)> {
        let mut orders = Vec::new();
        for (channel, event) in events() {
            if let Fact::OrderAccepted(details) = event.fact {
                orders.push((channel, event.order_ref, details));
            }
        }
        orders
    }

    #[test]
    fn every_line_is_read_and_nothing_is_odd_but_the_address_meant_to_be() {
        let mut warnings = Vec::new();
        for channel in &CHANNELS {
            let options = Options {
                channel: channel.name.to_owned(),
                zone: channel.zone,
                now: None,
                not_after: None,
            };
            let records = open(Format::JsonLines, channel.file.as_bytes(), options).unwrap();
            let mut report = Report::new(Format::JsonLines, &records);
            for item in records {
                assert_eq!(
                    item.as_ref().unwrap().channel.as_deref(),
                    Some(channel.name)
                );
                report.add(&item);
            }
            assert!(report.is_clean(), "{report}");
            warnings.extend(
                report
                    .warnings
                    .into_iter()
                    .map(|warning| warning.first.to_string()),
            );
        }
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("`buyer_email`"), "{warnings:?}");
    }

    #[test]
    fn every_path_and_every_event_kind_of_a_source_is_shown() {
        let kinds: BTreeSet<&str> = events()
            .iter()
            .map(|(_, event)| event.fact.kind())
            .collect();
        let known = Fact::KINDS
            .into_iter()
            .filter(|kind| !Fact::INTERNAL_KINDS.contains(kind));
        assert_eq!(kinds, known.collect());
        let mut by_channel: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (channel, order_ref, _) in orders() {
            by_channel.entry(channel).or_default().insert(order_ref);
        }
        let counts: Vec<(&str, usize)> = by_channel
            .iter()
            .map(|(name, orders)| (name.as_str(), orders.len()))
            .collect();
        assert_eq!(
            counts,
            [
                ("aliexpress", 3),
                ("allegro", 4),
                ("amazon", 4),
                ("ebay", 4),
                ("my-shop", 49)
            ]
        );
        let paths: BTreeSet<String> = orders()
            .into_iter()
            .flat_map(|(_, _, details)| details.tags)
            .collect();
        insta::assert_snapshot!(paths.into_iter().collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn events_arrive_in_order_after_the_clock_starts() {
        let arrivals: Vec<Instant> = events()
            .iter()
            .filter_map(|(_, event)| event.received_at)
            .collect();
        assert_eq!(arrivals.len(), events().len());
        assert!(arrivals.is_sorted());
        assert!(arrivals[0] > start());
        assert_eq!(start().to_rfc3339(), "2026-03-02T00:00:00+00:00");
        let early = events().into_iter().find(|(_, event)| {
            event
                .received_at
                .is_some_and(|received| received < event.occurred_at)
        });
        assert_eq!(early, None);
    }

    #[test]
    fn totals_are_the_sum_of_their_parts() {
        for (_, order_ref, details) in orders() {
            let lines: rust_decimal::Decimal = details
                .lines
                .iter()
                .map(|line| {
                    line.price.unwrap_or_default() * rust_decimal::Decimal::from(line.quantity)
                })
                .sum();
            assert_eq!(
                details.total,
                Some(lines + details.shipping.unwrap_or_default()),
                "{order_ref}"
            );
        }
    }

    #[test]
    fn only_reserved_domains_are_used() {
        for (_, order_ref, details) in orders() {
            let Some(email) = details.buyer.email else {
                continue;
            };
            let domain = email.rsplit('@').next().unwrap_or_default();
            let is_reserved = domain == "example.com" || domain.ends_with("example");
            assert!(is_reserved, "{order_ref}");
            assert_eq!(
                email.parse::<Address>().is_ok(),
                order_ref != "10023",
                "{order_ref}"
            );
        }
    }
}
