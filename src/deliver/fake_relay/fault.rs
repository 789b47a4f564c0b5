//! What a fake relay can be told to do wrong.

use std::{str::FromStr, time::Duration};

use crate::{config::duration::HumanDuration, deliver::Phase};

/// One misbehaviour: when, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The step it strikes at.
    pub phase: Phase,
    /// What happens there.
    pub action: Action,
}

/// What happens in place of the usual answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// This line, without its line end; as many lines as it holds line breaks.
    Reply(String),
    /// The connection ends without an answer. In phase `data` it ends inside the body.
    Drop,
    /// No answer, and the connection stays open.
    Silence,
    /// The usual answer, this much later.
    Delay(Duration),
}

/// A text that is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault; write a phase and a reply, `drop`, `silence` or `delay 50ms`, such as `rcpt 550 5.1.1 no such user`"
)]
pub struct FaultError(pub String);

/// The faults every transport must cope with, by name.
pub const CATALOGUE: [(&str, &str); 16] = [
    ("busy", "mail 421 4.3.2 closing, try again later"),
    ("rate", "rcpt 450 4.2.1 receiving mail too quickly"),
    ("local_error", "body 451 4.3.0 local error in processing"),
    ("mailbox_full_now", "rcpt 452 4.2.2 mailbox full"),
    ("user_unknown", "rcpt 550 5.1.1 no such user"),
    ("mailbox_full", "rcpt 552 5.2.2 storage allocation exceeded"),
    ("rejected", "body 554 5.7.1 transaction failed"),
    ("contradiction", "body 421 5.7.32 From is not aligned"),
    ("slow_final_dot", "body delay 20ms"),
    ("drop_before_dot", "data drop"),
    ("drop_after_dot", "body drop"),
    ("silent_after_dot", "body silence"),
    ("nonsense_after_dot", "body what?"),
    ("silent_at_rcpt", "rcpt silence"),
    ("drop_at_mail", "mail drop"),
    ("sender_level", "body 550 5.7.515 access denied"),
];

impl Fault {
    /// A reply in place of the usual one.
    pub fn reply(phase: Phase, line: &str) -> Self {
        Self {
            phase,
            action: Action::Reply(line.to_owned()),
        }
    }

    /// The fault of that name in [`CATALOGUE`].
    pub fn named(name: &str) -> Result<Self, FaultError> {
        CATALOGUE
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| FaultError(name.to_owned()))?
            .1
            .parse()
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || FaultError(text.to_owned());
        let (phase, what) = text.split_once(' ').ok_or_else(error)?;
        let phase = match phase {
            "connect" => Phase::Connect,
            "hello" => Phase::Hello,
            "tls" => Phase::Tls,
            "auth" => Phase::Auth,
            "mail" => Phase::Mail,
            "rcpt" => Phase::Rcpt,
            "data" => Phase::Data,
            "body" => Phase::Body,
            _ => return Err(error()),
        };
        let action = match what.split_once(' ').unwrap_or((what, "")) {
            ("drop", "") => Action::Drop,
            ("silence", "") => Action::Silence,
            ("delay", length) => Action::Delay(
                length
                    .parse::<HumanDuration>()
                    .map_err(|_| error())?
                    .as_std(),
            ),
            _ => Action::Reply(what.to_owned()),
        };
        Ok(Self { phase, action })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_catalogue_can_be_read() {
        for (name, _) in CATALOGUE {
            assert!(Fault::named(name).is_ok(), "{name}");
        }
        assert_eq!(
            Fault::named("slow_final_dot").unwrap().action,
            Action::Delay(Duration::from_millis(20))
        );
        for text in ["", "rcpt", "never 550 x", "body delay long"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
