//! The recipient's time zone: from the buyer, the ship-to region or country, else the seller.
//!
//! The table is data (`config/zones.toml`, compiled in). Resolving local times in a zone is
//! [`super::calendar`]'s work.

use std::{collections::BTreeMap, sync::LazyLock};

use chrono_tz::Tz;
use serde::Deserialize;

/// Where a zone was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ZoneSource {
    /// The order names the buyer's zone.
    Buyer,
    /// The ship-to region.
    Region,
    /// The ship-to country: its only zone, or the one most people live in.
    Country,
    /// The seller's own zone, because nothing nearer is known.
    Seller,
}

impl ZoneSource {
    /// The source's stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Region => "region",
            Self::Country => "country",
            Self::Seller => "seller",
        }
    }
}

/// The zone by whose clock a buyer is written to, and where it was taken from.
///
/// `buyer_zone` is an IANA name; one that does not exist is passed over. `country` is ISO 3166-1
/// alpha-2, `region` the part of ISO 3166-2 behind the dash (or the whole code), in any case.
pub fn recipient_zone(
    buyer_zone: Option<&str>,
    country: Option<&str>,
    region: Option<&str>,
    seller: Tz,
) -> (Tz, ZoneSource) {
    if let Some(zone) = buyer_zone.and_then(|name| name.trim().parse().ok()) {
        return (zone, ZoneSource::Buyer);
    }
    let Some(country) = country else {
        return (seller, ZoneSource::Seller);
    };
    let code = CountryCode::new(country);
    let Some(zones) = code.and_then(|code| ZONES.get(&code)) else {
        return (seller, ZoneSource::Seller);
    };
    region
        .and_then(|region| zones.region(region_code(country, region)))
        .map_or((zones.most_people, ZoneSource::Country), |zone| {
            (zone, ZoneSource::Region)
        })
}

/// Two letters of ISO 3166-1, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CountryCode([u8; 2]);

impl CountryCode {
    pub(super) fn new(text: &str) -> Option<Self> {
        match *text.trim().as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        // Two ASCII letters are always text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The region behind the dash: `CA` of `US-CA`; a bare `CA` stays.
pub(super) fn region_code<'a>(country: &str, region: &'a str) -> &'a str {
    let region = region.trim();
    match region.split_once('-') {
        Some((before, code)) if before.eq_ignore_ascii_case(country.trim()) => code,
        _ => region,
    }
}

struct CountryZones {
    most_people: Tz,
    regions: Vec<(String, Tz)>,
}

impl CountryZones {
    fn region(&self, code: &str) -> Option<Tz> {
        self.regions
            .iter()
            .find(|(region, _)| region.eq_ignore_ascii_case(code))
            .map(|(_, zone)| *zone)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ZoneFile {
    country: BTreeMap<String, Tz>,
    region: BTreeMap<String, BTreeMap<String, Tz>>,
}

static ZONES: LazyLock<BTreeMap<CountryCode, CountryZones>> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the file is part of the program and a test reads it"
    )]
    let mut file: ZoneFile = toml::from_str(include_str!("../../config/zones.toml"))
        .expect("the built-in zone table is well-formed");
    let regions_of = |code: &str, regions: &mut BTreeMap<String, BTreeMap<String, Tz>>| {
        regions
            .remove(code)
            .unwrap_or_default()
            .into_iter()
            .collect()
    };
    file.country
        .iter()
        .filter_map(|(code, &most_people)| {
            let regions = regions_of(code, &mut file.region);
            let zones = CountryZones {
                most_people,
                regions,
            };
            Some((CountryCode::new(code)?, zones))
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America, Asia, Atlantic, Australia, Europe, Pacific};

    #[test]
    fn the_nearest_source_of_a_zone_wins() {
        let seller = Europe::Warsaw;
        for (zone, country, region, expected) in [
            (
                Some("Asia/Tokyo"),
                Some("US"),
                Some("CA"),
                (Asia::Tokyo, ZoneSource::Buyer),
            ),
            (
                Some("Mars/Olympus"),
                Some("US"),
                Some("CA"),
                (America::Los_Angeles, ZoneSource::Region),
            ),
            (
                Some(""),
                Some("us"),
                Some("us-hi"),
                (Pacific::Honolulu, ZoneSource::Region),
            ),
            (
                None,
                Some("US"),
                None,
                (America::New_York, ZoneSource::Country),
            ),
            (
                None,
                Some("US"),
                Some("Nowhere"),
                (America::New_York, ZoneSource::Country),
            ),
            (
                None,
                Some("AU"),
                Some("WA"),
                (Australia::Perth, ZoneSource::Region),
            ),
            (
                None,
                Some("CA"),
                Some("BC"),
                (America::Vancouver, ZoneSource::Region),
            ),
            (
                None,
                Some("BR"),
                Some("AM"),
                (America::Manaus, ZoneSource::Region),
            ),
            (
                None,
                Some("RU"),
                Some("KGD"),
                (Europe::Kaliningrad, ZoneSource::Region),
            ),
            (
                None,
                Some("MX"),
                Some("BCN"),
                (America::Tijuana, ZoneSource::Region),
            ),
            (
                None,
                Some("ES"),
                Some("TF"),
                (Atlantic::Canary, ZoneSource::Region),
            ),
            (
                None,
                Some("ES"),
                Some("M"),
                (Europe::Madrid, ZoneSource::Country),
            ),
            (
                None,
                Some("PT"),
                Some("PT-20"),
                (Atlantic::Azores, ZoneSource::Region),
            ),
            (
                None,
                Some("DE"),
                None,
                (Europe::Berlin, ZoneSource::Country),
            ),
            (None, Some("JP"), None, (Asia::Tokyo, ZoneSource::Country)),
            (None, Some("ZZ"), None, (seller, ZoneSource::Seller)),
            (None, Some("Germany"), None, (seller, ZoneSource::Seller)),
            (None, None, Some("CA"), (seller, ZoneSource::Seller)),
        ] {
            assert_eq!(
                recipient_zone(zone, country, region, seller),
                expected,
                "{zone:?} {country:?} {region:?}"
            );
        }
    }

    #[test]
    fn the_table_covers_the_world_and_loses_no_region() {
        assert!(ZONES.len() >= 248, "{}", ZONES.len());
        let file: ZoneFile = toml::from_str(include_str!("../../config/zones.toml")).unwrap();
        for (country, regions) in &file.region {
            for (region, zone) in regions {
                assert_eq!(
                    recipient_zone(None, Some(country), Some(region), Europe::Warsaw),
                    (*zone, ZoneSource::Region),
                    "{country}-{region}"
                );
            }
        }
        assert_eq!(file.region["US"].len(), 51 + 5);
        assert_eq!(file.region["BR"].len(), 27);
        assert_eq!(file.region["CA"].len(), 13);
    }
}
