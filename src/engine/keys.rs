//! Keyed hashes of buyers' addresses: what caps and suppressions compare by.
//!
//! The tables hold only these, so a suppression survives the erasure of the buyer's data. The
//! key is the installation's own, made once and kept in the database.

use crate::mail::{Address, unsubscribe::AddressKey};

/// Makes buyer keys.
#[derive(Clone)]
pub(super) struct BuyerKeys {
    secret: String,
}

impl BuyerKeys {
    /// Keys under the installation's secret.
    pub(super) const fn new(secret: String) -> Self {
        Self { secret }
    }

    /// The key of an address, equal for equal addresses whatever their case.
    pub(super) fn of(&self, address: &Address) -> AddressKey {
        AddressKey::derive(self.secret.as_bytes(), address)
    }
}

impl std::fmt::Debug for BuyerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BuyerKeys")
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
