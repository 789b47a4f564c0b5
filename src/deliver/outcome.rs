//! What became of an attempt (email-requirements D5 to D7, D10).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the mail went out.
    pub class: Class,
    /// How far the attempt came.
    pub phase: Phase,
    /// The reply's basic code, where there was a reply.
    pub code: Option<u16>,
    /// The reply's enhanced code, such as `5.1.1`.
    pub enhanced: Option<String>,
    /// The first 500 characters of the reply, or what went wrong; without addresses
    /// and control characters.
    pub reply: String,
    /// Why, from a closed list.
    pub reason: ReplyReason,
    /// What the outcome asks of others.
    pub effect: Effect,
}

impl Outcome {
    /// Whether the fault is ours and not the mail's: the mail keeps its place in the
    /// outbox whatever the class, and goes when the channel is resumed (D7).
    pub fn keeps_mail(&self) -> bool {
        self.effect == Effect::PauseChannel
    }
}

/// Whether a mail went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The relay took it.
    Accepted,
    /// Surely not sent; another attempt may succeed.
    Transient,
    /// Surely not sent; another attempt would end the same.
    Permanent,
    /// Handed over to the final dot, but the answer was lost.
    Uncertain,
}

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the greeting. Also: before a file was opened.
    Connect,
    /// `EHLO`.
    Hello,
    /// `STARTTLS` and the handshake.
    Tls,
    /// `AUTH`.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// `DATA`, and handing over the body before its final dot.
    Data,
    /// The answer to the final dot.
    Body,
}

impl Phase {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Hello => "hello",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Body => "body",
        }
    }

    /// Whether a refusal here speaks of the connection, before any mail was named.
    pub const fn is_before_mail(self) -> bool {
        matches!(self, Self::Connect | Self::Hello | Self::Tls | Self::Auth)
    }
}

/// What an outcome asks of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing beyond the class.
    None,
    /// Never write to this address again (D6).
    SuppressAddress,
    /// The mailbox is full: the third time in 30 days suppresses the address (D6).
    CountSoftBounce,
    /// The fault is ours: stop the channel, raise an alert, keep the queue (D7).
    PauseChannel,
    /// Send less to this group of recipients for a while (D12).
    BackOffGroup,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// Why an attempt ended as it did. A closed list with stable codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ReplyReason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ReplyReason {
            /// Every reason, in declared order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable code used in tables, metrics and logs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }
        }
    };
}

reasons! {
    /// The relay took the mail.
    Accepted = "accepted",
    /// No such mailbox.
    UserUnknown = "user_unknown",
    /// No such domain.
    BadDomain = "bad_domain",
    /// The domain says it takes no mail.
    NullMx = "null_mx",
    /// The mailbox has moved away.
    Moved = "moved",
    /// The mailbox is disabled.
    MailboxDisabled = "mailbox_disabled",
    /// The address cannot be read by the recipient's side.
    BadAddress = "bad_address",
    /// The mailbox is full.
    MailboxFull = "mailbox_full",
    /// We, or all senders to this recipient, send too much at present.
    RateLimited = "rate_limited",
    /// "Try again later", without more.
    TryLater = "try_later",
    /// The relay closes or has no room.
    RelayBusy = "relay_busy",
    /// The route to the recipient does not work.
    NoRoute = "no_route",
    /// The recipient's side refuses this mail by a policy of its own.
    PolicyRefused = "policy_refused",
    /// The recipient's side refuses the content.
    ContentRefused = "content_refused",
    /// Refused without a reason we can read.
    Refused = "refused",
    /// The relay cannot carry an address with non-ASCII letters before the `@`.
    Smtputf8Unsupported = "smtputf8_unsupported",
    /// Ours: the login was refused, is missing, or no way to log in is offered.
    AuthFailed = "auth_failed",
    /// Ours: the relay does not send for us.
    RelayDenied = "relay_denied",
    /// Ours: the relay refuses our sender address.
    SenderRefused = "sender_refused",
    /// Ours: SPF, DKIM or DMARC does not pass.
    SenderPolicy = "sender_policy",
    /// Ours: our address has no proper reverse name.
    ReverseName = "reverse_name",
    /// Ours: TLS is missing, too weak, or the certificate does not match.
    TlsFailed = "tls_failed",
    /// Ours: the mail is too large.
    MessageTooLarge = "message_too_large",
    /// Ours: the relay does not understand us.
    Syntax = "syntax",
    /// Ours: the relay refuses to talk to us at all.
    SessionRefused = "session_refused",
    /// Ours: the relay would be reached in plain text beyond this machine.
    PlainTextRefused = "plain_text_refused",
    /// No connection came about.
    ConnectFailed = "connect_failed",
    /// The connection broke before the final dot.
    ConnectionLost = "connection_lost",
    /// No answer in time, before the final dot.
    TimedOut = "timed_out",
    /// An answer that fits no question, before the final dot.
    ProtocolError = "protocol_error",
    /// The connection broke after the final dot.
    LostAfterFinalDot = "lost_after_final_dot",
    /// No answer in time to the final dot.
    TimedOutAfterFinalDot = "timed_out_after_final_dot",
    /// An unreadable answer to the final dot.
    UnclearAfterFinalDot = "unclear_after_final_dot",
    /// The file could not be written.
    FileNotWritten = "file_not_written",
}

impl fmt::Display for ReplyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_serialised_names() {
        for reason in ReplyReason::ALL {
            let json = serde_json::to_string(reason).unwrap();
            assert_eq!(json, format!("\"{reason}\""));
        }
    }
}
