//! The platforms a channel can sell on. Policy and linter severities are per platform.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where the order was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Amazon.
    Amazon,
    /// eBay.
    Ebay,
    /// Allegro.
    Allegro,
    /// AliExpress.
    Aliexpress,
    /// Etsy.
    Etsy,
    /// Walmart Marketplace.
    Walmart,
    /// The seller's own shop: Shopify, WooCommerce and the like.
    Shop,
}

impl Platform {
    /// Every platform, in the order of the severity table.
    pub const ALL: [Self; 7] = [
        Self::Amazon,
        Self::Ebay,
        Self::Allegro,
        Self::Aliexpress,
        Self::Etsy,
        Self::Walmart,
        Self::Shop,
    ];

    /// The stable name used in configuration, tables and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amazon => "amazon",
            Self::Ebay => "ebay",
            Self::Allegro => "allegro",
            Self::Aliexpress => "aliexpress",
            Self::Etsy => "etsy",
            Self::Walmart => "walmart",
            Self::Shop => "shop",
        }
    }

    /// Whether the platform relays mail between buyer and seller and sets the rules for it.
    pub const fn is_marketplace(self) -> bool {
        !matches!(self, Self::Shop)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no platform; known are amazon, ebay, allegro, aliexpress, etsy, walmart, shop")]
pub struct UnknownPlatform(pub String);

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.as_str() == name)
            .ok_or_else(|| UnknownPlatform(name.to_owned()))
    }
}
