//! The token behind an unsubscribe link (email-requirements U4).
//!
//! `v1.kid.payload.tag`: the payload holds the channel's id and a keyed hash of the
//! address, the tag is HMAC-SHA-256 cut to 128 bits. No address, no order, no expiry.
//! Version 1 objects to relationship mail (U5). Pure: what an objection does is
//! decided elsewhere.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Address;

/// Longest unsubscribe URL, in octets (U4).
pub const MAX_URL: usize = 200;
/// Shortest secret of a [`Key`], in octets.
pub const MIN_SECRET: usize = 16;
/// Octets of the HMAC kept in the token.
const TAG_OCTETS: usize = 16;
/// Separates what is signed here from any other use of the same secret.
const CONTEXT: &[u8] = b"afternote unsubscribe 1";

/// A keyed hash that stands for an address where the address itself must not stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressKey(pub [u8; 16]);

impl AddressKey {
    /// The key of `address`; spellings that differ in case alone share one.
    pub fn derive(secret: &[u8], address: &Address) -> Self {
        let mut mac = keyed(secret);
        mac.update(b"afternote address key 1");
        mac.update(address.comparison_key().as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Self(key)
    }
}

impl fmt::Display for AddressKey {
    /// 32 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// What a token says: this address wants no relationship mail from this channel's seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The channel's id.
    pub channel: String,
    /// The address, hashed.
    pub address: AddressKey,
}

/// One signing secret and the name it is called by in tokens.
#[derive(Clone)]
pub struct Key {
    kid: String,
    secret: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.kid)
    }
}

/// Why a key, token or URL cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The key's name would not survive in a URL.
    #[error("an unsubscribe key is named by 1 to 8 lower-case letters and digits")]
    KeyName,
    /// The key's secret could be guessed.
    #[error("an unsubscribe key needs a secret of at least 16 octets")]
    ShortSecret,
    /// No key to sign with, or two of the same name.
    #[error("unsubscribe needs at least one key, each with a name of its own")]
    Keys,
    /// Not a token of ours, or signed by a key that is gone.
    #[error("this unsubscribe link is not one of ours or is incomplete")]
    Invalid,
    /// The whole URL would be cut or folded by mail programs.
    #[error(
        "the unsubscribe URL is longer than 200 characters; shorten the base URL or the channel id"
    )]
    TooLong,
}

impl Key {
    /// A key named `kid`.
    pub fn new(kid: &str, secret: &[u8]) -> Result<Self, TokenError> {
        let is_name = (1..=8).contains(&kid.len())
            && kid
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !is_name {
            return Err(TokenError::KeyName);
        }
        if secret.len() < MIN_SECRET {
            return Err(TokenError::ShortSecret);
        }
        Ok(Self {
            kid: kid.to_owned(),
            secret: secret.to_vec(),
        })
    }
}

/// The keys in use: the first signs, all of them verify, so that links in mails
/// already sent keep working after a new key was put in front.
#[derive(Debug, Clone)]
pub struct Keyring {
    signing: Key,
    retired: Vec<Key>,
}

impl Keyring {
    /// A ring that signs with the first of `keys`.
    pub fn new(keys: Vec<Key>) -> Result<Self, TokenError> {
        let mut keys = keys.into_iter();
        let signing = keys.next().ok_or(TokenError::Keys)?;
        let mut retired: Vec<Key> = Vec::new();
        for key in keys {
            if key.kid == signing.kid || retired.iter().any(|other| other.kid == key.kid) {
                return Err(TokenError::Keys);
            }
            retired.push(key);
        }
        Ok(Self { signing, retired })
    }

    /// The token for `claim`.
    pub fn sign(&self, claim: &Claim) -> String {
        let mut payload = claim.address.0.to_vec();
        payload.extend_from_slice(claim.channel.as_bytes());
        let signed = format!(
            "v1.{}.{}",
            self.signing.kid,
            URL_SAFE_NO_PAD.encode(payload)
        );
        let tag = tag(&self.signing, &signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&tag[..TAG_OCTETS]))
    }

    /// `base` followed by the token; `base` ends where the token begins.
    pub fn url(&self, base: &str, claim: &Claim) -> Result<String, TokenError> {
        let url = format!("{base}{}", self.sign(claim));
        if url.len() > MAX_URL {
            return Err(TokenError::TooLong);
        }
        Ok(url)
    }

    /// The claim of a token, once its tag was compared in constant time.
    pub fn verify(&self, token: &str) -> Result<Claim, TokenError> {
        self.claim_of(token).ok_or(TokenError::Invalid)
    }

    fn claim_of(&self, token: &str) -> Option<Claim> {
        let (signed, tag_text) = token.rsplit_once('.')?;
        let mut parts = signed.split('.');
        let (version, kid, payload) = (parts.next()?, parts.next()?, parts.next()?);
        if version != "v1" || parts.next().is_some() {
            return None;
        }
        let key = std::iter::once(&self.signing)
            .chain(&self.retired)
            .find(|key| key.kid == kid)?;
        let given = URL_SAFE_NO_PAD.decode(tag_text).ok()?;
        if given.len() != TAG_OCTETS {
            return None;
        }
        tag(key, signed).verify_truncated_left(&given).ok()?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let (address, channel) = payload.split_first_chunk::<16>()?;
        Some(Claim {
            channel: String::from_utf8(channel.to_vec()).ok()?,
            address: AddressKey(*address),
        })
    }
}

fn tag(key: &Key, signed: &str) -> Hmac<Sha256> {
    let mut mac = keyed(&key.secret);
    mac.update(CONTEXT);
    mac.update(signed.as_bytes());
    mac
}

#[expect(
    clippy::expect_used,
    reason = "HMAC takes a key of any length (RFC 2104)"
)]
fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str) -> Key {
        Key::new(kid, format!("{kid} secret of 16 octets").as_bytes()).unwrap()
    }

    fn ring(kids: &[&str]) -> Keyring {
        Keyring::new(kids.iter().map(|kid| key(kid)).collect()).unwrap()
    }

    fn claim() -> Claim {
        let address: Address = "Anna@example.com".parse().unwrap();
        Claim {
            channel: "shop-de".to_owned(),
            address: AddressKey::derive(b"pepper", &address),
        }
    }

    #[test]
    fn a_token_gives_its_claim_back() {
        let token = ring(&["a"]).sign(&claim());
        assert_eq!(ring(&["a"]).verify(&token), Ok(claim()));
    }

    #[test]
    fn a_retired_key_still_verifies_and_a_removed_one_does_not() {
        let token = ring(&["a"]).sign(&claim());
        assert_eq!(ring(&["b", "a"]).verify(&token), Ok(claim()));
        assert_eq!(ring(&["b"]).verify(&token), Err(TokenError::Invalid));
        assert!(ring(&["b", "a"]).sign(&claim()).starts_with("v1.b."));
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let ring = ring(&["a"]);
        let token = ring.sign(&claim());
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(ring.verify(&changed), Err(TokenError::Invalid), "{changed}");
        }
    }

    #[test]
    fn shortened_and_foreign_texts_are_refused() {
        let ring = ring(&["a"]);
        let token = ring.sign(&claim());
        for end in 0..token.len() {
            assert_eq!(ring.verify(&token[..end]), Err(TokenError::Invalid));
        }
        for text in [
            "",
            "v1",
            "v1.a..",
            "v1.a.AA.AA",
            "....",
            &format!("{token}.x"),
            "v2.a.b.c",
        ] {
            assert_eq!(ring.verify(text), Err(TokenError::Invalid), "{text}");
        }
    }

    #[test]
    fn the_token_holds_no_address() {
        let token = ring(&["a"]).sign(&claim());
        let payload = token.split('.').nth(2).unwrap();
        let octets = URL_SAFE_NO_PAD.decode(payload).unwrap();
        let text = String::from_utf8_lossy(&octets).to_lowercase();
        assert!(
            !text.contains("anna") && !text.contains("example"),
            "{text}"
        );
    }

    #[test]
    fn case_does_not_change_the_address_key_but_the_secret_does() {
        let upper: Address = "ANNA@EXAMPLE.COM".parse().unwrap();
        assert_eq!(AddressKey::derive(b"pepper", &upper), claim().address);
        assert_ne!(AddressKey::derive(b"salt", &upper), claim().address);
        assert_eq!(claim().address.to_string().len(), 32);
    }

    #[test]
    fn a_url_stays_within_200_characters() {
        let ring = ring(&["a"]);
        let url = ring.url("https://mail.example/u/", &claim()).unwrap();
        assert!(url.len() <= MAX_URL, "{}", url.len());
        let long = format!("https://mail.example/{}/", "x".repeat(150));
        assert_eq!(ring.url(&long, &claim()), Err(TokenError::TooLong));
    }

    #[test]
    fn weak_and_doubled_keys_are_refused() {
        assert_eq!(Key::new("a", b"short").err(), Some(TokenError::ShortSecret));
        for kid in ["", "A", "a.b", "ninechars"] {
            assert_eq!(Key::new(kid, &[0; 32]).err(), Some(TokenError::KeyName));
        }
        assert_eq!(Keyring::new(vec![]).err(), Some(TokenError::Keys));
        assert_eq!(
            Keyring::new(vec![key("a"), key("b"), key("b")]).err(),
            Some(TokenError::Keys)
        );
        assert!(!format!("{:?}", ring(&["a"])).contains("secret of"));
    }
}
