//! The sections of a configuration, one type each, with their keys as fields.
//!
//! Types only: defaults stand in `config/default.toml`, checks that need more than one value
//! in `config::check`.

pub mod channel;
pub mod seller;
pub mod sending;
pub mod service;
pub mod step;

use std::{collections::BTreeMap, fmt, net::SocketAddr};

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use crate::clock::{Instant, cut_to_millis};

use super::read::nearest;

/// Entries of a table in the order they were written.
#[derive(Debug, Clone)]
pub(super) struct Keyed<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Keyed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Keyed(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(std::marker::PhantomData))
    }
}

/// Everything but the transports, whose keys depend on their type.
#[derive(Debug, Deserialize)]
pub(super) struct Settings {
    pub(super) seller: seller::Seller,
    pub(super) brand: seller::Brand,
    pub(super) database: service::Database,
    pub(super) data: service::Data,
    pub(super) templates: service::Templates,
    #[serde(default)]
    pub(super) channels: BTreeMap<String, channel::Channel>,
    pub(super) sequences: BTreeMap<String, step::SequenceSection>,
    #[serde(rename = "transports")]
    pub(super) _transports: de::IgnoredAny,
    pub(super) send: sending::Sending,
    pub(super) service: service::Service,
    pub(super) web: service::Web,
    pub(super) unsubscribe: sending::Unsubscribe,
    pub(super) privacy: service::Privacy,
    pub(super) lint: service::Lint,
    pub(super) log: service::Log,
}

/// Reads an IANA zone name; an unknown one is refused with the most similar.
pub(super) fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    parse_zone(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// As [`zone`], for a key that may be left out.
pub(super) fn optional_zone<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Tz>, D::Error> {
    zone(deserializer).map(Some)
}

fn parse_zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| {
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        match nearest(name, names) {
            Some(near) => format!("`{name}` is no time zone; did you mean `{near}`?"),
            None => format!("`{name}` is no time zone; write an IANA name such as `Europe/Berlin`"),
        }
    })
}

/// A text, or a bare date or time of TOML.
struct Written(String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WrittenVisitor;

        impl Visitor<'_> for WrittenVisitor {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date or time")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
                Ok(Written(text.to_owned()))
            }
        }

        deserializer.deserialize_str(WrittenVisitor)
    }
}

/// Reads an instant with its offset; one without would be another instant on another machine.
pub(super) fn optional_instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Instant>, D::Error> {
    let Written(text) = Written::deserialize(deserializer)?;
    match DateTime::parse_from_rfc3339(&text) {
        Ok(at) => Ok(Some(cut_to_millis(at.to_utc()))),
        Err(_) => Err(de::Error::custom(format!(
            "`{text}` is no instant; write date, time and offset such as `2026-01-31T08:00:00Z`"
        ))),
    }
}

/// Reads a day.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let Written(text) = Written::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        de::Error::custom(format!(
            "`{text}` is no day; write year, month and day such as `2026-12-31`"
        ))
    })
}

/// As [`date`], for a key that may be left out.
pub(super) fn optional_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NaiveDate>, D::Error> {
    date(deserializer).map(Some)
}

/// Reads an address and a port to listen on.
pub(super) fn socket<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        de::Error::custom(format!(
            "`{text}` is no address to listen on; write IP address and port such as `127.0.0.1:8080`"
        ))
    })
}
