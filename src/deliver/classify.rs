//! What a relay's refusal means: one table, read from the top.
//!
//! Sources: RFC 5321 section 4.2, RFC 3463 and the IANA registry of enhanced status
//! codes, RFC 7505 (null MX), Gmail's "SMTP errors and codes", Microsoft's "550 5.7.515".
//! Pure.

use super::{
    outcome::{Class, Effect, Outcome, Phase, ReplyReason},
    reply::{self, Enhanced, Parsed, Reply},
};
use crate::mail::Address;

/// When a row of the table holds.
#[derive(Clone, Copy)]
enum When {
    /// The refusal came before any mail was named.
    BeforeMail,
    /// The refusal answers `MAIL FROM`.
    AtMail,
    /// At any time.
    Always,
}

/// One row: all four conditions must hold; an empty list holds always.
struct Row {
    when: When,
    /// Basic codes.
    codes: &'static [u16],
    /// Subject and detail of the enhanced code, whatever its class: `4.2.2` and `5.2.2` mean the same thing.
    enhanced: &'static [(u16, u16)],
    /// Any of these words in the text, in lower case.
    words: &'static [&'static str],
    reason: ReplyReason,
}

const fn row(
    when: When,
    codes: &'static [u16],
    enhanced: &'static [(u16, u16)],
    words: &'static [&'static str],
    reason: ReplyReason,
) -> Row {
    Row {
        when,
        codes,
        enhanced,
        words,
        reason,
    }
}

/// Words that speak of how much is sent, not of what or to whom.
const RATE: &[&str] = &[
    "rate",
    "too many",
    "too quickly",
    "too fast",
    "throttl",
    "exceeded the limit",
    "slow down",
];

/// Words of relays that give no enhanced code for an unknown mailbox.
const UNKNOWN: &[&str] = &[
    "user unknown",
    "unknown user",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "does not exist",
    "doesn't exist",
    "mailbox not found",
    "invalid recipient",
    "unknown recipient",
    "recipient unknown",
    "unknown mailbox",
];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // Ours, told by what the relay answers before a mail is named.
    row(When::Always,     &[535, 534, 538, 525, 432, 530], &[], &[],                              ReplyReason::AuthFailed),
    row(When::Always,     &[],    &[(7, 8), (7, 9), (7, 13), (7, 14), (7, 57), (7, 139)], &[],    ReplyReason::AuthFailed),
    row(When::Always,     &[],    &[(7, 10), (7, 11)], &[],                                       ReplyReason::TlsFailed),
    row(When::BeforeMail, &[421], &[], &[],                                                       ReplyReason::RelayBusy),
    row(When::BeforeMail, &[500, 501, 502, 503, 504], &[], &[],                                   ReplyReason::Syntax),
    row(When::BeforeMail, &[],    &[], RATE,                                                      ReplyReason::RateLimited),

    // Ours: who we are. Gmail answers SPF failures with 5.7.27, in RFC 7505 the null MX of the
    // *sender*: it never touches the recipient. 7.32 is Gmail's alignment of From.
    row(When::Always,     &[],    &[(7, 20), (7, 21), (7, 22), (7, 23), (7, 24), (7, 26), (7, 27),
                                    (7, 30), (7, 32), (7, 40), (7, 509), (7, 515)], &[],          ReplyReason::SenderPolicy),
    row(When::Always,     &[],    &[(7, 25)], &[],                                                ReplyReason::ReverseName),
    row(When::Always,     &[],    &[(7, 29)], &[],                                                ReplyReason::TlsFailed),
    row(When::Always,     &[],    &[(1, 7), (1, 8), (7, 60), (7, 708)], &[],                      ReplyReason::SenderRefused),

    // Ours: the mail itself.
    row(When::Always,     &[],    &[(3, 4), (2, 3)], &[],                                         ReplyReason::MessageTooLarge),
    row(When::Always,     &[552, 554, 550, 523], &[], &["message size", "too large", "too big", "size limit"], ReplyReason::MessageTooLarge),
    row(When::Always,     &[],    &[(6, 7), (6, 9)], &[],                                         ReplyReason::Smtputf8Unsupported),

    // Rates, before the mailbox rows: 5.2.1 with a word on rates is no disabled mailbox.
    row(When::Always,     &[],    &[(7, 28), (2, 1), (7, 0), (7, 1), (4, 5), (5, 3)], RATE,       ReplyReason::RateLimited),
    row(When::Always,     &[],    &[(7, 28)], &[],                                                ReplyReason::RateLimited),
    row(When::Always,     &[421, 450, 451], &[], RATE,                                            ReplyReason::RateLimited),

    // All that is left of refusals before a mail was named.
    row(When::BeforeMail, &[450, 451, 454], &[], &[],                                             ReplyReason::TryLater),
    row(When::BeforeMail, &[],    &[], &[],                                                       ReplyReason::SessionRefused),

    // The mailbox. An answer to MAIL cannot speak of the recipient.
    row(When::AtMail,     &[550, 553, 554, 501], &[(1, 0), (1, 1), (1, 2), (1, 3), (1, 10)], &[], ReplyReason::SenderRefused),
    row(When::AtMail,     &[],    &[(2, 2)], &[],                                                 ReplyReason::SenderRefused),
    row(When::Always,     &[],    &[(1, 1)], &[],                                                 ReplyReason::UserUnknown),
    row(When::Always,     &[],    &[(1, 2)], &[],                                                 ReplyReason::BadDomain),
    row(When::Always,     &[],    &[(1, 3)], &[],                                                 ReplyReason::BadAddress),
    row(When::Always,     &[],    &[(1, 6)], &[],                                                 ReplyReason::Moved),
    row(When::Always,     &[],    &[(1, 10)], &[],                                                ReplyReason::NullMx),
    row(When::Always,     &[556], &[], &[],                                                       ReplyReason::NullMx),
    row(When::Always,     &[],    &[(2, 1)], &[],                                                 ReplyReason::MailboxDisabled),
    row(When::Always,     &[],    &[(2, 2)], &[],                                                 ReplyReason::MailboxFull),

    // 5.7.1 and its like say too little: the words decide.
    row(When::Always,     &[550, 551, 553, 554, 454, 450], &[], &["relay access denied", "relaying denied", "relay denied",
                                    "not permitted to relay", "unable to relay", "relay not permitted"], ReplyReason::RelayDenied),
    row(When::Always,     &[],    &[(7, 0), (7, 1)], &["authentication required", "not authenticated", "must authenticate",
                                    "authenticate first"],                                        ReplyReason::AuthFailed),
    row(When::Always,     &[],    &[(7, 0), (7, 1)], &["not owned by user", "send as", "sender address rejected"], ReplyReason::SenderRefused),
    row(When::Always,     &[],    &[(7, 1)], &["spf", "dkim", "dmarc"],                           ReplyReason::SenderPolicy),
    row(When::AtMail,     &[550, 553], &[], &["sender"],                                          ReplyReason::SenderRefused),

    // Syntax is ours; 5.4 is between the relay and the recipient; 5.6 is the content.
    row(When::Always,     &[500, 502, 503, 504], &[], &[],                                        ReplyReason::Syntax),
    row(When::Always,     &[],    &[(5, 0), (5, 1), (5, 2), (5, 4), (5, 5), (5, 6)], &[],         ReplyReason::Syntax),
    row(When::Always,     &[],    &[(4, 0), (4, 1), (4, 2), (4, 3), (4, 4), (4, 6), (4, 7)], &[], ReplyReason::NoRoute),
    row(When::Always,     &[],    &[(6, 0), (6, 1), (6, 2), (6, 3), (6, 5), (6, 6)], &[],         ReplyReason::ContentRefused),
    row(When::Always,     &[421], &[], &[],                                                       ReplyReason::RelayBusy),
    row(When::Always,     &[],    &[(3, 1), (3, 2)], &[],                                         ReplyReason::RelayBusy),
    row(When::Always,     &[554, 550], &[(7, 0), (7, 1)], &["spam", "content", "virus"],          ReplyReason::ContentRefused),
    row(When::Always,     &[550, 553, 554, 521], &[(7, 0), (7, 1), (7, 2)], &[],                  ReplyReason::PolicyRefused),

    // No enhanced code we know: words, then the basic code.
    row(When::Always,     &[452, 552, 422, 550, 554], &[], &["mailbox full", "mailbox is full", "quota", "storage allocation", "over quota"], ReplyReason::MailboxFull),
    row(When::Always,     &[550, 551, 553, 554], &[], UNKNOWN,                                    ReplyReason::UserUnknown),
    row(When::Always,     &[501], &[], &[],                                                       ReplyReason::Syntax),
    row(When::Always,     &[452], &[], &["too many"],                                             ReplyReason::RateLimited),
    row(When::Always,     &[452], &[], &[],                                                       ReplyReason::RelayBusy),
    row(When::Always,     &[450, 451, 454, 455, 458, 459], &[], &[],                              ReplyReason::TryLater),
    row(When::Always,     &[],    &[], &[],                                                       ReplyReason::Refused),
];

/// What a refusal (a 4xx or 5xx reply) in `phase` means.
///
/// The class follows the enhanced code; where that contradicts the basic code, as in
/// `421 5.7.32`, the basic code counts (D5), so it always counts. A 5xx before MAIL
/// refuses the session and not the mail, so the mail stays transient.
pub fn classify(
    phase: Phase,
    code: u16,
    enhanced: Option<Enhanced>,
    text: &str,
) -> (Class, ReplyReason, Effect) {
    let text = text.to_lowercase();
    let reason = TABLE
        .iter()
        .find(|row| row.holds(phase, code, enhanced, &text))
        .map_or(ReplyReason::Refused, |row| row.reason);
    let class = if code >= 500 && !phase.is_before_mail() {
        Class::Permanent
    } else {
        Class::Transient
    };
    let is_refusal_for_good = code >= 500;
    (class, reason, effect(reason, is_refusal_for_good))
}

impl Row {
    fn holds(&self, phase: Phase, code: u16, enhanced: Option<Enhanced>, text: &str) -> bool {
        let in_phase = match self.when {
            When::BeforeMail => phase.is_before_mail(),
            When::AtMail => phase == Phase::Mail,
            When::Always => true,
        };
        in_phase
            && (self.codes.is_empty() || self.codes.contains(&code))
            && (self.enhanced.is_empty()
                || enhanced.is_some_and(|Enhanced(_, subject, detail)| {
                    self.enhanced.contains(&(subject, detail))
                }))
            && (self.words.is_empty() || self.words.iter().any(|word| text.contains(word)))
    }
}

/// What a reason asks of others; `for_good` is false for 4xx replies.
fn effect(reason: ReplyReason, for_good: bool) -> Effect {
    use ReplyReason as R;
    match reason {
        R::UserUnknown | R::BadDomain | R::NullMx | R::Moved | R::MailboxDisabled if for_good => {
            Effect::SuppressAddress
        }
        R::MailboxFull => Effect::CountSoftBounce,
        // A temporary refusal of what we are slows down; a final one stops the channel.
        R::AuthFailed
        | R::RelayDenied
        | R::SenderRefused
        | R::SenderPolicy
        | R::ReverseName
        | R::TlsFailed
        | R::MessageTooLarge
        | R::Syntax
        | R::SessionRefused
            if for_good =>
        {
            Effect::PauseChannel
        }
        R::TlsFailed | R::PlainTextRefused | R::MessageTooLarge => Effect::PauseChannel,
        R::AuthFailed
        | R::SenderPolicy
        | R::ReverseName
        | R::RateLimited
        | R::RelayBusy
        | R::SessionRefused => Effect::BackOffGroup,
        _ => Effect::None,
    }
}

impl Outcome {
    /// The outcome of a refusal.
    pub fn refused(phase: Phase, reply: &Reply, recipient: Option<&Address>) -> Self {
        let text = reply.text();
        let (class, reason, effect) = classify(phase, reply.code, reply.enhanced, &text);
        Self {
            class,
            phase,
            code: Some(reply.code),
            enhanced: reply.enhanced.map(|code| code.to_string()),
            reply: reply::scrub(&text, recipient),
            reason,
            effect,
        }
    }

    /// The outcome of a mail the relay took.
    pub fn accepted(reply: &Reply, recipient: Option<&Address>) -> Self {
        Self {
            class: Class::Accepted,
            phase: Phase::Body,
            code: Some(reply.code),
            enhanced: reply.enhanced.map(|code| code.to_string()),
            reply: reply::scrub(&reply.text(), recipient),
            reason: ReplyReason::Accepted,
            effect: Effect::None,
        }
    }

    /// The outcome of a relay's reply such as `550 5.1.1 no such user` in `phase`; text
    /// that is no final reply becomes a protocol error, as it would on a connection.
    pub fn of_reply_line(phase: Phase, line: &str) -> Self {
        match reply::parse(format!("{line}\r\n").as_bytes()) {
            Parsed::Complete(reply, _) if reply.code < 300 => Self::accepted(&reply, None),
            Parsed::Complete(reply, _) if reply.code >= 400 => Self::refused(phase, &reply, None),
            _ => Self::without_reply(phase, ReplyReason::ProtocolError, "unexpected answer"),
        }
    }

    /// The outcome of an attempt that ended without a reply that decides it.
    pub fn without_reply(phase: Phase, reason: ReplyReason, what: &str) -> Self {
        use ReplyReason as R;
        let class = match reason {
            R::Accepted => Class::Accepted,
            R::LostAfterFinalDot | R::TimedOutAfterFinalDot | R::UnclearAfterFinalDot => {
                Class::Uncertain
            }
            R::Smtputf8Unsupported | R::MessageTooLarge => Class::Permanent,
            _ => Class::Transient,
        };
        Self {
            class,
            phase,
            code: None,
            enhanced: None,
            reply: reply::scrub(what, None),
            reason,
            effect: effect(reason, true),
        }
    }
}

#[cfg(test)]
mod tests;
