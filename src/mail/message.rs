//! The finished mail: frozen bytes and the envelope they travel in.

use super::Address;

/// Where a mail goes: the SMTP addresses, not the headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The return path (`MAIL FROM`).
    pub sender: Address,
    /// The one recipient (`RCPT TO`). Every mail goes to one buyer.
    pub recipient: Address,
}

/// A rendered mail. `raw` is frozen before the first attempt; every attempt sends the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `<token@id-domain>` as written in the header, with the angle brackets (M1).
    pub message_id: String,
    /// The envelope.
    pub envelope: Envelope,
    /// The subject as the buyer reads it, not encoded.
    pub subject: String,
    /// The text shown after the subject in the inbox.
    pub preheader: String,
    /// The HTML part, decoded.
    pub html: String,
    /// The plain-text part, decoded.
    pub text: String,
    /// The whole message as it goes over the wire, lines ended by CR LF, not dot-stuffed.
    pub raw: Vec<u8>,
}
