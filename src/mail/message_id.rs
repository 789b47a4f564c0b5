//! Message-IDs, derived so that a retry repeats one and changed content gets a new one
//! (email-requirements M1).

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::Address;

/// Everything a Message-ID depends on. Two mails that differ in any field get different ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The seller's id.
    pub seller: &'a str,
    /// The order's id.
    pub order: &'a str,
    /// The step's id.
    pub step: &'a str,
    /// What the step is about: the order, or one of its parcels.
    pub scope: &'a str,
    /// The recipient; one id is never used for two of them.
    pub recipient: &'a Address,
    /// Counts up when a person has the mail sent again with other content.
    pub revision: u32,
}

/// Length of the token in octets of the hash: 160 bits, 40 characters.
const TOKEN_OCTETS: usize = 20;

/// The Message-ID as it stands in the header: `<token@domain>`.
///
/// `domain` is the configured id-domain, never the name of the machine.
pub fn derive(identity: &Identity<'_>, domain: &str) -> String {
    format!("<{}@{domain}>", token(identity))
}

/// The part before the `@`: 40 lower-case hexadecimal digits, fit for a file name.
pub fn token(identity: &Identity<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(b"afternote message id 1");
    let revision = identity.revision.to_string();
    for field in [
        identity.seller,
        identity.order,
        identity.step,
        identity.scope,
        identity.recipient.as_str(),
        &revision,
    ] {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field.as_bytes());
    }
    let mut token = String::with_capacity(TOKEN_OCTETS * 2);
    for octet in &hash.finalize()[..TOKEN_OCTETS] {
        let _ = write!(token, "{octet:02x}");
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(change: impl FnOnce(&mut Identity<'_>)) -> String {
        let recipient: Address = "anna@example.com".parse().unwrap();
        let mut identity = Identity {
            seller: "s1",
            order: "o1",
            step: "follow_up",
            scope: "order",
            recipient: &recipient,
            revision: 1,
        };
        change(&mut identity);
        derive(&identity, "id.example")
    }

    #[test]
    fn the_same_mail_repeats_its_id() {
        // The literal pins the derivation: another version must not change ids under way.
        assert_eq!(
            id(|_| {}),
            "<795c62916cfdb6d39ab15d7b15b5e5c0187e62a9@id.example>"
        );
    }

    #[test]
    fn every_field_changes_the_id() {
        let other: Address = "jan@example.com".parse().unwrap();
        let plain = id(|_| {});
        assert_ne!(id(|i| i.seller = "s2"), plain);
        assert_ne!(id(|i| i.order = "o2"), plain);
        assert_ne!(id(|i| i.step = "review_request"), plain);
        assert_ne!(id(|i| i.scope = "parcel:1"), plain);
        assert_ne!(id(|i| i.revision = 2), plain);
        let recipient = &other;
        let identity = Identity {
            seller: "s1",
            order: "o1",
            step: "follow_up",
            scope: "order",
            recipient,
            revision: 1,
        };
        assert_ne!(derive(&identity, "id.example"), plain);
    }

    #[test]
    fn moving_a_letter_between_fields_changes_the_id() {
        let left = id(|i| (i.seller, i.order) = ("ab", "c"));
        let right = id(|i| (i.seller, i.order) = ("a", "bc"));
        assert_ne!(left, right);
    }
}
