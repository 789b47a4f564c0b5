//! When a mail is tried again, and when it is given up (email-requirements D5 to D10).

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use crate::{
    clock::Instant,
    deliver::{Class, Effect, Outcome},
    mail::MailClass,
    sequence::Reason,
    store::{Ts, settle::Settled},
};

/// The retry schedule of the configuration.
#[derive(Debug, Clone)]
pub struct RetrySchedule {
    /// The waits before each further attempt; the last one repeats.
    pub delays: Vec<TimeDelta>,
    /// How far a wait may differ, in percent.
    pub jitter_percent: u8,
    /// How long after the first attempt the last one may be.
    pub give_up_after: TimeDelta,
    /// The most attempts of one message.
    pub max_attempts: u32,
}

/// What is known about the message an attempt was made for.
#[derive(Debug, Clone, Copy)]
pub struct Attempted {
    /// The message: seed of the jitter.
    pub message: i64,
    /// The class of its kind.
    pub class: MailClass,
    /// Which attempt it was; 1 is the first.
    pub number: u32,
    /// When the message was planned first.
    pub first_planned_at: Instant,
    /// The end of its window.
    pub until: Option<Instant>,
    /// How many attempts ended in doubt before this one.
    pub earlier_doubts: u32,
}

/// How long a channel rests after the relay refused it for a reason of ours.
pub const CHANNEL_REST: TimeDelta = TimeDelta::minutes(15);
/// How long after a doubt the one further try of a transactional mail waits.
const AFTER_DOUBT: TimeDelta = TimeDelta::minutes(15);

impl RetrySchedule {
    /// What the message becomes, and why.
    pub fn settle(
        &self,
        message: &Attempted,
        outcome: &Outcome,
        now: Instant,
    ) -> (Settled, Reason) {
        match outcome.class {
            Class::Accepted => (Settled::Sent, Reason::RelayAccepted),
            // Nobody knows whether it arrived: the buyer of a transactional mail is better served
            // by a second copy with the same Message-ID than by none; for the others never (D10).
            Class::Uncertain => {
                if message.class == MailClass::Transactional && message.earlier_doubts == 0 {
                    (Settled::Retry(Ts::from(now + AFTER_DOUBT)), Reason::InDoubt)
                } else {
                    (Settled::Uncertain, Reason::InDoubt)
                }
            }
            _ if outcome.effect == Effect::PauseChannel => (
                Settled::Retry(Ts::from(now + CHANNEL_REST)),
                Reason::ChannelFault,
            ),
            Class::Permanent => (Settled::Dead, Reason::RelayRefused),
            Class::Transient => match self.next_try(message, now) {
                Some(at) => (Settled::Retry(Ts::from(at)), Reason::Retrying),
                None => (Settled::Expired, Reason::RetriesUsedUp),
            },
        }
    }

    fn next_try(&self, message: &Attempted, now: Instant) -> Option<Instant> {
        if message.number >= self.max_attempts {
            return None;
        }
        let index = usize::try_from(message.number.saturating_sub(1)).unwrap_or(usize::MAX);
        let delay = self.delays.get(index).or(self.delays.last())?;
        let at = now + *delay + self.jitter(message, *delay);
        let last = message.first_planned_at + self.give_up_after;
        let last = message.until.map_or(last, |until| until.min(last));
        (at <= last).then_some(at)
    }

    /// Between minus and plus `jitter_percent` of the delay, derived from message and attempt.
    fn jitter(&self, message: &Attempted, delay: TimeDelta) -> TimeDelta {
        let reach = delay.num_milliseconds() / 100 * i64::from(self.jitter_percent);
        if reach == 0 {
            return TimeDelta::zero();
        }
        let mut hash = Sha256::new();
        hash.update(message.message.to_be_bytes());
        hash.update(message.number.to_be_bytes());
        let digest = hash.finalize();
        let mut word = [0; 8];
        word.copy_from_slice(&digest[..8]);
        let span = u64::try_from(2 * reach + 1).unwrap_or(1);
        let offset = i64::try_from(u64::from_be_bytes(word) % span).unwrap_or(0);
        TimeDelta::milliseconds(offset - reach)
    }
}
