//! The finished message: headers and two bodies, as the octets that are frozen.
//!
//! Written by hand and not with the mail library's builder, which spends most of its
//! time on quoted-printable and passes text that looks like an encoded word unchanged.
//! Every value is cleaned here once more (email-requirements M5), whoever made it.
//! Pure: Date and Message-ID are given.

mod encode;

use sha2::{Digest, Sha256};

use self::encode::{HeaderLine, is_token, quoted_printable};
use crate::{
    clock::Instant,
    mail::{Address, Envelope, Locale, MailClass, Mailbox, Message, header},
};

/// The longest value of a custom header, in characters.
const MAX_CUSTOM_VALUE: usize = 500;

/// Everything a message is made of.
#[derive(Debug, Clone, Copy)]
pub struct MimeInput<'a> {
    /// `<token@id-domain>`; see [`crate::mail::message_id`].
    pub message_id: &'a str,
    /// When the mail was frozen.
    pub date: Instant,
    /// The envelope sender (D4).
    pub return_path: &'a Address,
    /// Who writes (M12).
    pub from: &'a Mailbox,
    /// Who is written to; also the envelope recipient.
    pub to: &'a Mailbox,
    /// Where answers go, when not to `from`.
    pub reply_to: Option<&'a Mailbox>,
    /// The subject, not encoded.
    pub subject: &'a str,
    /// The text shown after the subject; it is part of `html` already.
    pub preheader: &'a str,
    /// The HTML part.
    pub html: &'a str,
    /// The plain-text part.
    pub text: &'a str,
    /// The language the mail is written in.
    pub locale: &'a Locale,
    /// The Message-ID of the order's first mail, for transactional mails (M2).
    pub references: Option<&'a str>,
    /// What mailbox providers sort complaints by (M11).
    pub feedback_id: Option<FeedbackId<'a>>,
    /// How the recipient objects (U1).
    pub list_unsubscribe: Option<ListUnsubscribe<'a>>,
    /// More headers, as name and value (M6).
    pub custom: &'a [(String, String)],
}

/// The parts of `Feedback-ID`: nothing of an order or a buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedbackId<'a> {
    /// The step's id.
    pub step: &'a str,
    /// The channel's id.
    pub channel: &'a str,
    /// The class of the mail.
    pub class: MailClass,
    /// Stable, 5 to 15 characters.
    pub sender_id: &'a str,
}

/// The targets of `List-Unsubscribe`; written with `List-Unsubscribe-Post`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListUnsubscribe<'a> {
    /// The one `https:` URL, which takes a POST without asking.
    pub https: &'a str,
    /// A `mailto:` URL for older mail programs.
    pub mailto: Option<&'a str>,
}

/// Why no message can be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MimeError {
    /// Not `<token@domain>`.
    #[error("{0}: is no message id such as `<token@id.example.com>`")]
    MessageId(&'static str),
    /// M6.
    #[error("custom header `{0}`: cannot be set; choose a name such as `X-Shop-Campaign`")]
    CustomHeader(String),
    /// M3: exactly one of each.
    #[error("custom header `{0}`: is set already; remove it")]
    DoubledHeader(String),
    /// M11.
    #[error(
        "Feedback-ID: {0}: allows letters, digits, `-`, `_` and `.`; the sender id has 5 to 15 of them"
    )]
    FeedbackId(&'static str),
    /// U1.
    #[error("List-Unsubscribe: {0}: is no plain URL of its kind")]
    ListUnsubscribe(&'static str),
    /// M3: nothing is left of the subject.
    #[error("subject: is empty")]
    EmptySubject,
}

/// Headers [`build`] writes itself beyond the reserved ones.
const OWN_HEADERS: [&str; 7] = [
    "references",
    "in-reply-to",
    "auto-submitted",
    "x-auto-response-suppress",
    "feedback-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
];

/// The message, ready to be frozen.
pub fn build(input: &MimeInput<'_>) -> Result<Message, MimeError> {
    let subject = header::subject(input.subject);
    let mut raw = Vec::with_capacity((input.html.len() + input.text.len()) * 2 + 2048);
    let boundary = boundary(input.message_id);
    write_headers(input, &subject, &boundary, &mut raw)?;
    for (kind, body) in [("plain", input.text), ("html", input.html)] {
        raw.extend_from_slice(b"\r\n--");
        raw.extend_from_slice(boundary.as_bytes());
        raw.extend_from_slice(b"\r\nContent-Type: text/");
        raw.extend_from_slice(kind.as_bytes());
        raw.extend_from_slice(
            b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        );
        quoted_printable(body, &mut raw);
    }
    raw.extend_from_slice(b"\r\n--");
    raw.extend_from_slice(boundary.as_bytes());
    raw.extend_from_slice(b"--\r\n");
    Ok(Message {
        message_id: input.message_id.to_owned(),
        envelope: Envelope {
            sender: input.return_path.clone(),
            recipient: input.to.address.clone(),
        },
        subject,
        preheader: input.preheader.to_owned(),
        html: input.html.to_owned(),
        text: input.text.to_owned(),
        raw,
    })
}

fn write_headers(
    input: &MimeInput<'_>,
    subject: &str,
    boundary: &str,
    raw: &mut Vec<u8>,
) -> Result<(), MimeError> {
    if subject.is_empty() {
        return Err(MimeError::EmptySubject);
    }
    let message_id = checked_id("message id", input.message_id)?;
    let date = input.date.format("%a, %d %b %Y %H:%M:%S +0000").to_string();
    HeaderLine::new(raw, "Date").token(&date).end();
    HeaderLine::new(raw, "From").mailbox(input.from).end();
    HeaderLine::new(raw, "To").mailbox(input.to).end();
    if let Some(reply_to) = input.reply_to {
        HeaderLine::new(raw, "Reply-To").mailbox(reply_to).end();
    }
    HeaderLine::new(raw, "Subject").text(subject).end();
    HeaderLine::new(raw, "Message-ID").token(message_id).end();
    if let Some(references) = input.references {
        HeaderLine::new(raw, "References")
            .token(checked_id("references", references)?)
            .end();
    }
    HeaderLine::new(raw, "Auto-Submitted")
        .token("auto-generated")
        .end();
    HeaderLine::new(raw, "X-Auto-Response-Suppress")
        .token("OOF,")
        .token("AutoReply")
        .end();
    HeaderLine::new(raw, "Content-Language")
        .token(input.locale.as_str())
        .end();
    if let Some(id) = &input.feedback_id {
        HeaderLine::new(raw, "Feedback-ID")
            .token(&id.value()?)
            .end();
    }
    if let Some(targets) = &input.list_unsubscribe {
        targets.write(raw)?;
    }
    write_custom(input.custom, raw)?;
    HeaderLine::new(raw, "MIME-Version").token("1.0").end();
    HeaderLine::new(raw, "Content-Type")
        .token("multipart/alternative;")
        .token(&format!("boundary=\"{boundary}\""))
        .end();
    Ok(())
}

fn write_custom(custom: &[(String, String)], raw: &mut Vec<u8>) -> Result<(), MimeError> {
    for (at, (name, value)) in custom.iter().enumerate() {
        if !header::is_custom_name(name) {
            return Err(MimeError::CustomHeader(header::clean(name, 76)));
        }
        let is_same = |other: &str| name.eq_ignore_ascii_case(other);
        if OWN_HEADERS.iter().any(|own| is_same(own))
            || custom[..at].iter().any(|(other, _)| is_same(other))
        {
            return Err(MimeError::DoubledHeader(name.clone()));
        }
        HeaderLine::new(raw, name)
            .text(&header::clean(value, MAX_CUSTOM_VALUE))
            .end();
    }
    Ok(())
}

impl FeedbackId<'_> {
    fn value(&self) -> Result<String, MimeError> {
        if !(5..=15).contains(&self.sender_id.len()) {
            return Err(MimeError::FeedbackId("sender id"));
        }
        for (name, part) in [
            ("step", self.step),
            ("channel", self.channel),
            ("sender id", self.sender_id),
        ] {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            if !(1..=64).contains(&part.len()) || !part.bytes().all(is_plain) {
                return Err(MimeError::FeedbackId(name));
            }
        }
        Ok(format!(
            "{}:{}:{}:{}",
            self.step, self.channel, self.class, self.sender_id
        ))
    }
}

impl ListUnsubscribe<'_> {
    fn write(&self, raw: &mut Vec<u8>) -> Result<(), MimeError> {
        let is_url = |url: &str, scheme: &str| {
            url.len() <= 500
                && url.starts_with(scheme)
                && is_token(url)
                && !url.contains(['<', '>', ',', '"'])
        };
        if !is_url(self.https, "https://") {
            return Err(MimeError::ListUnsubscribe("https"));
        }
        let line = HeaderLine::new(raw, "List-Unsubscribe");
        match self.mailto {
            None => line.token(&format!("<{}>", self.https)).end(),
            Some(mailto) if is_url(mailto, "mailto:") => {
                line.token(&format!("<{}>,", self.https))
                    .token(&format!("<{mailto}>"))
                    .end();
            }
            Some(_) => return Err(MimeError::ListUnsubscribe("mailto")),
        }
        HeaderLine::new(raw, "List-Unsubscribe-Post")
            .token("List-Unsubscribe=One-Click")
            .end();
        Ok(())
    }
}

fn checked_id<'a>(name: &'static str, id: &'a str) -> Result<&'a str, MimeError> {
    id.strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .and_then(|inner| inner.split_once('@'))
        .filter(|(token, domain)| {
            let is_part =
                |part: &str| !part.is_empty() && is_token(part) && !part.contains(['<', '>', '@']);
            is_part(token) && is_part(domain) && id.len() <= 250
        })
        .map(|_| id)
        .ok_or(MimeError::MessageId(name))
}

/// The same for every attempt; `=_` can stand in no quoted-printable line.
fn boundary(message_id: &str) -> String {
    use std::fmt::Write as _;
    let mut boundary = "=_".to_owned();
    for octet in &Sha256::digest(message_id)[..12] {
        let _ = write!(boundary, "{octet:02x}");
    }
    boundary
}

#[cfg(test)]
mod tests;
