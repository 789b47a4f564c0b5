//! Mails kept in memory: for tests, dry runs and the preview.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Class, Outcome, Outgoing, Phase};
use crate::mail::Address;

/// A transport whose mails stay in memory and whose answers can be set beforehand.
#[derive(Clone, Default)]
pub struct MemoryTransport(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    attempts: Vec<(Outgoing, Outcome)>,
    next: VecDeque<Outcome>,
    by_recipient: HashMap<Address, VecDeque<Outcome>>,
}

impl MemoryTransport {
    /// A transport that accepts everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next attempt without an answer of its own gets this outcome.
    pub fn answer_next(&self, outcome: Outcome) {
        self.state().next.push_back(outcome);
    }

    /// The next attempt to write to `recipient` gets this outcome.
    pub fn answer(&self, recipient: &Address, outcome: Outcome) {
        let mut state = self.state();
        state
            .by_recipient
            .entry(recipient.clone())
            .or_default()
            .push_back(outcome);
    }

    /// The mails accepted so far, in order.
    pub fn sent(&self) -> Vec<Outgoing> {
        self.state()
            .attempts
            .iter()
            .filter(|(_, outcome)| outcome.class == Class::Accepted)
            .map(|(mail, _)| mail.clone())
            .collect()
    }

    /// Every attempt so far with its outcome, in order.
    pub fn attempts(&self) -> Vec<(Outgoing, Outcome)> {
        self.state().attempts.clone()
    }

    pub(super) fn send(&self, mail: &Outgoing) -> Outcome {
        let mut state = self.state();
        let scripted = state
            .by_recipient
            .get_mut(&mail.envelope.recipient)
            .and_then(VecDeque::pop_front);
        let outcome = scripted
            .or_else(|| state.next.pop_front())
            .unwrap_or_else(|| Outcome::of_reply_line(Phase::Body, "250 2.0.0 kept in memory"));
        state.attempts.push((mail.clone(), outcome.clone()));
        outcome
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MemoryTransport({} attempts)",
            self.state().attempts.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Envelope;

    fn mail(recipient: &str) -> Outgoing {
        let envelope = Envelope {
            sender: "bounce@shop.example".parse().unwrap(),
            recipient: recipient.parse().unwrap(),
        };
        Outgoing::new(envelope, b"Subject: x\r\n\r\n".as_slice())
    }

    #[test]
    fn set_answers_come_once_and_the_rest_is_accepted() {
        let transport = MemoryTransport::new();
        let anna = mail("anna@example.com");
        transport.answer(
            &anna.envelope.recipient,
            Outcome::of_reply_line(Phase::Rcpt, "550 5.1.1 no"),
        );
        transport.answer_next(Outcome::of_reply_line(Phase::Body, "451 later"));
        let classes: Vec<Class> = [&mail("jan@example.com"), &anna, &anna]
            .map(|mail| transport.send(mail).class)
            .to_vec();
        assert_eq!(
            classes,
            [Class::Transient, Class::Permanent, Class::Accepted]
        );
        assert_eq!(transport.sent(), [anna]);
        assert_eq!(transport.attempts().len(), 3);
    }
}
