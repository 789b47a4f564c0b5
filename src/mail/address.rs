//! Mail addresses, parsed once and then trusted (email-requirements M7).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::header;

/// An address that can stand in an envelope and a header.
///
/// The local part is kept byte for byte (plus-tags of marketplace relays matter);
/// the domain is lower case A-labels. `Debug` and `Display` show a masked form, so
/// an address cannot slip into a log: use [`Address::as_str`] where the real one is meant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    text: String,
    at: usize,
}

/// Why a text is no address we can write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("the address is empty")]
    Empty,
    /// No `@`.
    #[error("the address has no `@`")]
    NoAt,
    /// White space or a control character inside or around it.
    #[error("the address contains a space or a control character")]
    Space,
    /// The part before the `@` is missing, longer than 64 octets, or malformed.
    #[error("the part before the `@` is empty, too long or malformed")]
    LocalPart,
    /// The part after the `@` is no public domain name.
    #[error("the part after the `@` is no domain name such as `example.com`")]
    Domain,
}

impl Address {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    /// The part after the `@`, in A-labels.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Whether the relay must support SMTPUTF8 for this address (M8).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local_part().is_ascii()
    }

    /// A form that is safe to show: `j***@example.com`.
    pub fn masked(&self) -> String {
        let first = self.local_part().chars().next().unwrap_or('*');
        format!("{first}***@{}", self.domain())
    }

    /// The form suppressions and caps compare by: the whole address in lower case.
    pub fn comparison_key(&self) -> String {
        self.text.to_lowercase()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Space);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        if !is_local_part(local) {
            return Err(AddressError::LocalPart);
        }
        let domain = to_a_labels(domain).ok_or(AddressError::Domain)?;
        if local.len() + 1 + domain.len() > 254 {
            return Err(AddressError::LocalPart);
        }
        Ok(Self {
            at: local.len(),
            text: format!("{local}@{domain}"),
        })
    }
}

/// A dot-atom of at most 64 octets. Quoted local parts are refused: no shop or
/// marketplace issues them, and many relays mangle them.
fn is_local_part(local: &str) -> bool {
    let is_atom_char = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(c)
            || (!c.is_ascii() && c.is_alphanumeric())
    };
    (1..=64).contains(&local.len())
        // A relay started as a command would read a leading dash as an option.
        && !local.starts_with('-')
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

fn to_a_labels(domain: &str) -> Option<String> {
    if domain.is_empty() || domain.ends_with('.') {
        return None;
    }
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let top = labels.last()?;
    let is_domain = labels.len() >= 2
        && ascii.len() <= 253
        && labels.iter().all(is_label)
        // An all-digit top label would be an IP address.
        && !top.bytes().all(|b| b.is_ascii_digit());
    is_domain.then_some(ascii)
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.masked())
    }
}

/// An address with the name to show beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The display name, cleaned for a header (M5); `None` shows the bare address.
    pub name: Option<String>,
    /// The address.
    pub address: Address,
}

impl Mailbox {
    /// A mailbox whose name is cleaned on the way in.
    pub fn new(name: Option<&str>, address: Address) -> Self {
        Self {
            name: name.and_then(header::display_name),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, AddressError>) {
        let parsed = text.parse::<Address>();
        assert_eq!(
            parsed.as_ref().map(Address::as_str).map_err(|e| *e),
            expected,
            "{text}"
        );
    }

    #[test]
    fn common_addresses_are_kept_byte_for_byte() {
        check("Anna.Nowak@Example.COM", Ok("Anna.Nowak@example.com"));
        check("ab1c+2f9d@allegromail.pl", Ok("ab1c+2f9d@allegromail.pl"));
        check("zażółć@example.pl", Ok("zażółć@example.pl"));
        check("a@bücher.example", Ok("a@xn--bcher-kva.example"));
    }

    #[test]
    fn unusable_addresses_name_their_fault() {
        check("", Err(AddressError::Empty));
        check("anna.example.com", Err(AddressError::NoAt));
        check("a b@example.com", Err(AddressError::Space));
        check(
            "a@example.com\r\nBcc: x@example.com",
            Err(AddressError::Space),
        );
        check("@example.com", Err(AddressError::LocalPart));
        check("-oQ@example.com", Err(AddressError::LocalPart));
        check("a..b@example.com", Err(AddressError::LocalPart));
        check(
            &format!("{}@example.com", "x".repeat(65)),
            Err(AddressError::LocalPart),
        );
        for domain in [
            "localhost",
            "example.com.",
            "127.0.0.1",
            "a_b.example",
            "-x.example",
            "",
        ] {
            check(&format!("a@{domain}"), Err(AddressError::Domain));
        }
    }

    #[test]
    fn debug_and_display_hide_the_local_part() {
        let address: Address = "anna.nowak@example.com".parse().unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "a***@example.com Address(a***@example.com)"
        );
    }
}
