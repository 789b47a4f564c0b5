//! Keyed hashes of buyers' addresses: what caps and suppressions compare by.
//!
//! The tables hold only these, so a suppression survives the erasure of the buyer's data. The
//! key is the installation's own, made once and kept in the database.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::mail::Address;

/// Makes buyer keys.
#[derive(Clone)]
pub struct BuyerKeys {
    key: [u8; 32],
}

impl BuyerKeys {
    /// Keys under the installation's secret.
    pub fn new(secret: &str) -> Self {
        Self {
            key: Sha256::digest(secret.as_bytes()).into(),
        }
    }

    /// The key of an address: 32 hexadecimal digits, equal for equal addresses whatever their case.
    pub fn of(&self, address: &Address) -> String {
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.key) {
            Ok(mac) => mac,
            // HMAC takes keys of any length; the type does not say so.
            Err(_) => return String::new(),
        };
        mac.update(address.comparison_key().as_bytes());
        hex(&mac.finalize().into_bytes()[..16])
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
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_case_and_depend_on_the_secret() {
        let address = |text: &str| text.parse::<Address>().unwrap();
        let keys = BuyerKeys::new("one");
        let key = keys.of(&address("Anna@example.com"));
        assert_eq!(key.len(), 32);
        assert_eq!(key, keys.of(&address("anna@EXAMPLE.com")));
        assert_ne!(key, keys.of(&address("anna+1@example.com")));
        assert_ne!(key, BuyerKeys::new("two").of(&address("anna@example.com")));
    }
}
