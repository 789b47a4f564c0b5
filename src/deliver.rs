//! Carrying finished mails to a relay, a folder, or memory.
//!
//! Owns the transports, the SMTP session, and what a relay's answer means
//! ([`classify`]). Never builds or changes a mail, never decides whether one should
//! be sent, never retries by itself: one call of [`Transport::send`] is one attempt,
//! and its [`Outcome`] says whether the mail was surely sent, surely not sent, or is
//! in doubt. Start with [`Transport`].

pub mod classify;
pub mod fake_relay;
pub mod maildir;
pub mod memory;
pub mod outcome;
pub mod reply;
pub mod smtp;

use std::{fmt, sync::Arc};

pub use maildir::MaildirTransport;
pub use memory::MemoryTransport;
pub use outcome::{Class, Effect, Outcome, Phase, ReplyReason};
pub use smtp::SmtpTransport;

use crate::{
    config::deliver::{TransportSection, TransportSectionError},
    mail::{Envelope, Message},
};

/// A frozen mail on its way out. Cloning shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub envelope: Envelope,
    /// The whole message, lines ended by CR LF, not dot-stuffed.
    pub raw: Arc<[u8]>,
    /// Whether the relay must support SMTPUTF8 (email-requirements M8).
    pub needs_smtputf8: bool,
    /// What a file of this mail is called, without extension; best the token of
    /// [`crate::mail::message_id::token`], so that an attempt again writes the same file.
    pub file_name: Option<String>,
}

impl Outgoing {
    /// A mail of these bytes; whether it needs SMTPUTF8 follows from the addresses.
    pub fn new(envelope: Envelope, raw: impl Into<Arc<[u8]>>) -> Self {
        Self {
            needs_smtputf8: envelope.sender.needs_smtputf8() || envelope.recipient.needs_smtputf8(),
            envelope,
            raw: raw.into(),
            file_name: None,
        }
    }

    /// The mail with a name for its file.
    #[must_use]
    pub fn named(mut self, file_name: impl Into<String>) -> Self {
        self.file_name = Some(file_name.into());
        self
    }
}

impl From<&Message> for Outgoing {
    fn from(message: &Message) -> Self {
        let token = message.message_id.trim_start_matches('<');
        let token = token.split('@').next().unwrap_or(token);
        Self::new(message.envelope.clone(), message.raw.as_slice()).named(token)
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("envelope", &self.envelope)
            .field("octets", &self.raw.len())
            .finish_non_exhaustive()
    }
}

/// A way for mails to leave. Cloning shares connections and folders.
#[derive(Debug, Clone)]
pub enum Transport {
    /// To a relay.
    Smtp(SmtpTransport),
    /// Into a Maildir.
    File(MaildirTransport),
    /// Kept in memory, for tests and dry runs.
    Memory(MemoryTransport),
}

/// Why a transport cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The section itself is wrong.
    #[error(transparent)]
    Section(#[from] TransportSectionError),
    /// The extra certificates cannot be used.
    #[error("transport: ca_file: holds no usable PEM certificate")]
    CaFile,
    /// The host is neither a name nor an IP address.
    #[error("transport: host: is no host name or IP address a certificate could be issued for")]
    HostName,
    /// The TLS library refuses to start.
    #[error("transport: cannot set up TLS: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    /// The Maildir cannot be created.
    #[error("transport: dir: cannot create the Maildir: {0}")]
    Maildir(#[source] std::io::Error),
}

impl Transport {
    /// The transport a section describes. Reads its files, connects to nothing.
    pub fn open(section: &TransportSection) -> Result<Self, TransportError> {
        Ok(match section {
            TransportSection::File(section) => Self::File(MaildirTransport::create(&section.dir)?),
            TransportSection::Smtp(section) => Self::Smtp(SmtpTransport::new(section)?),
        })
    }

    /// One attempt to hand over one mail.
    ///
    /// Never fails: what went wrong is in the outcome. Dropping the future closes the
    /// connection it used; whether that mail went out is then in doubt.
    pub async fn send(&self, mail: &Outgoing) -> Outcome {
        match self {
            Self::Smtp(transport) => transport.send(mail).await,
            Self::File(transport) => transport.send(mail).await,
            Self::Memory(transport) => transport.send(mail),
        }
    }

    /// How many mails can usefully be under way at once.
    pub fn parallelism(&self) -> usize {
        match self {
            Self::Smtp(transport) => transport.connections(),
            Self::File(_) | Self::Memory(_) => 4,
        }
    }

    /// Closes connections that have waited unused for too long. Cheap; call it now and then.
    pub fn close_idle(&self) {
        if let Self::Smtp(transport) = self {
            transport.close_idle();
        }
    }
}
