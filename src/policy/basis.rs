//! On what legal ground relationship mail goes to a buyer (email-requirements P1).
//!
//! There is no silent default: a basis is recorded on the order, claimed by the seller for the
//! country, or given by the marketplace. Holds safe defaults, not legal advice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    mail::Platform,
    order::event::{Basis, BasisRecord},
};

/// Countries where only recorded consent counts unless the seller names them
/// (section 7 UWG; KG Berlin 5 W 15/17).
const CONSENT_COUNTRIES: [&str; 1] = ["DE"];

/// What the seller says about the orders of a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// Only consent that is recorded on the order counts.
    Consent,
    /// The notice of ePrivacy 13(2) is shown wherever an address is collected, so an order
    /// without a record counts too.
    SoftOptIn,
}

/// What holds for marketplace orders.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MarketplaceBasis {
    /// The marketplace's own rules are the basis; its policy decides what may go.
    #[default]
    Platform,
    /// The same as for the seller's own shop.
    AsShop,
}

/// The seller's choice of legal bases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BasisSettings {
    /// By ship-to country, ISO 3166-1 alpha-2 in upper case. Germany demands consent unless it
    /// is named here.
    pub countries: BTreeMap<String, Claim>,
    /// For every other country; left out, only what is recorded on the order counts there.
    #[serde(rename = "default", skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Claim>,
    /// For orders of marketplaces.
    pub marketplaces: MarketplaceBasis,
}

/// Why there is no basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoBasis {
    /// Nothing is recorded, and the seller claims nothing for the country.
    #[error(
        "no basis is recorded on the order and none is configured for its country; choose one under `basis` once the notice is shown at checkout"
    )]
    NotRecorded,
    /// The country's setting demands consent and the order records none.
    #[error("the country demands consent and none is recorded on the order")]
    ConsentNotRecorded,
    /// The country of the order is unknown, so consent is demanded.
    #[error("the order names no country, so consent is demanded, and none is recorded on it")]
    CountryUnknown,
}

impl BasisSettings {
    /// The seller's claim for a country, with the presets.
    pub fn claim(&self, country: &str) -> Option<Claim> {
        let code = country.trim().to_ascii_uppercase();
        let preset = CONSENT_COUNTRIES
            .contains(&code.as_str())
            .then_some(Claim::Consent);
        self.countries
            .get(&code)
            .copied()
            .or(preset)
            .or(self.elsewhere)
    }
}

/// The basis on which relationship mail may go for an order.
///
/// Recorded consent always counts. A recorded notice counts unless the country demands consent;
/// without a record the seller's claim for the country decides. An order whose country is
/// unknown is treated as one that demands consent. `platform` counts on marketplaces only.
pub fn find(
    platform: Platform,
    country: Option<&str>,
    recorded: Option<&BasisRecord>,
    settings: &BasisSettings,
) -> Result<Basis, NoBasis> {
    if platform.is_marketplace() && settings.marketplaces == MarketplaceBasis::Platform {
        return Ok(Basis::Platform);
    }
    let recorded = recorded.map(|record| record.basis);
    if recorded == Some(Basis::Consent) {
        return Ok(Basis::Consent);
    }
    let country = country.ok_or(NoBasis::CountryUnknown)?;
    match (settings.claim(country), recorded) {
        (Some(Claim::Consent), _) => Err(NoBasis::ConsentNotRecorded),
        (Some(Claim::SoftOptIn), _) | (None, Some(Basis::SoftOptIn)) => Ok(Basis::SoftOptIn),
        (None, _) => Err(NoBasis::NotRecorded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Basis::{Consent, Platform as Relay, SoftOptIn};

    fn record(basis: Basis) -> BasisRecord {
        BasisRecord {
            basis,
            at: None,
            place: None,
            text_version: None,
        }
    }

    #[test]
    fn no_basis_is_ever_assumed() {
        let nothing = BasisSettings::default();
        let claimed: BasisSettings =
            toml::from_str("default = \"soft_opt_in\"\ncountries = { NL = \"consent\" }").unwrap();
        let shown_in_germany: BasisSettings =
            toml::from_str("countries = { DE = \"soft_opt_in\" }").unwrap();
        for (settings, country, recorded, expected) in [
            (&nothing, Some("PL"), None, Err(NoBasis::NotRecorded)),
            (&nothing, Some("PL"), Some(SoftOptIn), Ok(SoftOptIn)),
            (&nothing, Some("PL"), Some(Consent), Ok(Consent)),
            (&nothing, Some("PL"), Some(Relay), Err(NoBasis::NotRecorded)),
            (&nothing, Some("DE"), None, Err(NoBasis::ConsentNotRecorded)),
            (
                &nothing,
                Some("de"),
                Some(SoftOptIn),
                Err(NoBasis::ConsentNotRecorded),
            ),
            (&nothing, Some("DE"), Some(Consent), Ok(Consent)),
            (
                &nothing,
                None,
                Some(SoftOptIn),
                Err(NoBasis::CountryUnknown),
            ),
            (&nothing, None, Some(Consent), Ok(Consent)),
            (&claimed, Some("PL"), None, Ok(SoftOptIn)),
            (&claimed, Some("NL"), None, Err(NoBasis::ConsentNotRecorded)),
            (
                &claimed,
                Some("NL"),
                Some(SoftOptIn),
                Err(NoBasis::ConsentNotRecorded),
            ),
            // A default for everywhere does not lift Germany's preset; naming Germany does.
            (&claimed, Some("DE"), None, Err(NoBasis::ConsentNotRecorded)),
            (&claimed, None, None, Err(NoBasis::CountryUnknown)),
            (&shown_in_germany, Some("DE"), None, Ok(SoftOptIn)),
            (
                &shown_in_germany,
                Some("AT"),
                None,
                Err(NoBasis::NotRecorded),
            ),
        ] {
            let recorded = recorded.map(record);
            let found = find(Platform::Shop, country, recorded.as_ref(), settings);
            assert_eq!(found, expected, "{country:?} {recorded:?}");
        }
    }

    #[test]
    fn marketplaces_give_their_own_basis_unless_the_seller_says_otherwise() {
        let preset = BasisSettings::default();
        let as_shop: BasisSettings = toml::from_str("marketplaces = \"as_shop\"").unwrap();
        for platform in Platform::ALL.into_iter().filter(|p| p.is_marketplace()) {
            assert_eq!(find(platform, Some("DE"), None, &preset), Ok(Relay));
            assert_eq!(
                find(platform, Some("DE"), None, &as_shop),
                Err(NoBasis::ConsentNotRecorded)
            );
        }
    }
}
