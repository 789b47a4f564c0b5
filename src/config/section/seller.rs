//! `[seller]` and `[brand]`: who writes, and what the mails look like.

use chrono_tz::Tz;
use serde::Deserialize;

use crate::mail::{Address, Locale};

use super::zone;

/// `[seller]`: the legal person behind every mail (email-requirements C8).
#[derive(Debug, Clone, Deserialize)]
pub struct Seller {
    /// The name buyers know.
    pub name: String,
    /// The name in the register, as the footer must show it.
    pub legal_name: String,
    /// The postal address, one entry per line.
    pub postal_address: Vec<String>,
    /// Where a buyer reaches a person.
    pub support_email: Address,
    /// The help page.
    #[serde(default)]
    pub support_url: Option<String>,
    /// The privacy notice.
    pub privacy_url: String,
    /// The page with the legal notice, where the law asks for one.
    #[serde(default)]
    pub imprint_url: Option<String>,
    /// The seller's country, ISO 3166-1 alpha-2.
    pub country: String,
    /// The zone used where the buyer's is unknown.
    #[serde(deserialize_with = "zone")]
    pub zone: Tz,
    /// The language of last resort before English.
    pub locale: Locale,
}

/// `[brand]`: what the layout shows of the seller.
#[derive(Debug, Clone, Deserialize)]
pub struct Brand {
    /// The colour of buttons and rules, `#rrggbb`.
    pub color: String,
    /// The logo; without one the seller's name is written.
    #[serde(default)]
    pub logo_url: Option<String>,
    /// The width it is shown at, in CSS pixels.
    pub logo_width: u16,
    /// The height it is shown at, in CSS pixels.
    pub logo_height: u16,
    /// The text for readers without images; without one, the seller's name.
    #[serde(default)]
    pub logo_alt: Option<String>,
}
