//! The heart: which mails an order gets, when, and why.
//!
//! [`plan`] is pure, total and deterministic: the engine stores what it decides, `simulate`
//! prints it over a moved clock, `why` explains it. It reads facts, configuration and the
//! ledger, and never the time but the `now` it is given. Read `decide` for the order in which
//! rules are asked; `instance` for what a step stands for; `timing` for when.

mod decide;
mod instance;
pub mod ledger;
mod relationship;
pub mod simulate;
mod supersede;
mod timing;
mod trail;

use std::collections::BTreeSet;

use chrono_tz::Tz;

pub use ledger::{Entry, EntryState, Ledger};

use crate::{
    clock::Instant,
    mail::{MailKind, Platform},
    order::Order,
    policy::{BasisSettings, Policy},
    sequence::{Decision, Sequence, Span, Step, holidays::Holidays, zone},
};

/// What holds for every order of a channel.
#[derive(Debug, Clone)]
pub struct ChannelRules {
    /// The channel's name in the configuration.
    pub name: String,
    /// Where it sells.
    pub platform: Platform,
    /// The mails it sends.
    pub sequence: Sequence,
    /// What the platform and the seller allow.
    pub policy: Policy,
    /// On what ground relationship mail may go, per country.
    pub basis: BasisSettings,
    /// Where the seller is: the zone of orders that tell nothing better.
    pub seller_zone: Tz,
    /// Public holidays.
    pub holidays: Holidays,
    /// Mail kinds the shop's own system sends (H6).
    pub sent_by_shop: BTreeSet<MailKind>,
    /// Mail kinds for which there is a template; others are skipped and say so.
    pub with_template: BTreeSet<MailKind>,
    /// How long relationship mail rests after a problem was solved (T6).
    pub rest_after_problem: Span,
    /// Imported history that was activated: transactional mail about events older than this at
    /// the activation is no longer of use (O1).
    pub activation_age: Span,
}

/// What is known about the buyer beyond the order. Looked up where a mail is about to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BuyerStanding {
    /// No mail at all may go to the address: it bounces, or staff said so.
    pub is_suppressed: bool,
    /// No relationship mail may go: the buyer opted out or complained.
    pub is_suppressed_for_relationship: bool,
    /// The buyer has had as many relationship mails as the cap allows, until then.
    pub capped_until: Option<Instant>,
    /// Channel, step or service are paused by a switch.
    pub is_paused: bool,
}

/// How much of its reasoning a plan writes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Verdicts only: for the engine.
    Verdicts,
    /// Verdicts with the chain of reasons: for `why`, `simulate` and the console.
    Reasons,
}

/// Decides every mail of every step of the channel's sequence for one order at `now`.
///
/// The decisions stand in the order of the sequence, then of scope and revision. The same
/// arguments give the same decisions; a later `now` alone never moves a mail earlier, and never
/// out of its window.
pub fn plan(
    order: &Order,
    rules: &ChannelRules,
    ledger: &Ledger,
    standing: &BuyerStanding,
    now: Instant,
    detail: Detail,
) -> Vec<Decision> {
    let buyer = &order.details.buyer;
    let (zone, zone_source) = zone::recipient_zone(
        buyer.zone.as_deref(),
        buyer.country.as_deref(),
        buyer.region.as_deref(),
        rules.seller_zone,
    );
    let mut planner = decide::Planner {
        order,
        rules,
        ledger,
        standing,
        now,
        zone,
        zone_source,
        detail,
        decisions: Vec::with_capacity(rules.sequence.steps.len()),
    };
    // A step is decided after the one it follows, so that it can see how that one ended.
    for index in decision_order(&rules.sequence) {
        planner.decide_step(&rules.sequence.steps[index]);
    }
    let position = |id: &str| rules.sequence.steps.iter().position(|s| s.id == id);
    let mut decisions = planner.decisions;
    decisions.sort_by(|left, right| {
        (position(&left.step), &left.scope, left.revision).cmp(&(
            position(&right.step),
            &right.scope,
            right.revision,
        ))
    });
    decisions
}

/// The recipient's zone of an order: what `why`, `simulate` and the templates show times in.
pub fn zone_of(order: &Order, seller_zone: Tz) -> Tz {
    let buyer = &order.details.buyer;
    zone::recipient_zone(
        buyer.zone.as_deref(),
        buyer.country.as_deref(),
        buyer.region.as_deref(),
        seller_zone,
    )
    .0
}

/// Indices of the steps, each behind the step it follows. A cycle (refused by the configuration
/// check) is broken at its last step.
fn decision_order(sequence: &Sequence) -> Vec<usize> {
    fn visit(sequence: &Sequence, index: usize, seen: &mut Vec<bool>, order: &mut Vec<usize>) {
        if seen[index] {
            return;
        }
        seen[index] = true;
        let step: &Step = &sequence.steps[index];
        if let Some(before) = &step.after
            && let Some(position) = sequence.steps.iter().position(|s| s.id == *before)
        {
            visit(sequence, position, seen, order);
        }
        order.push(index);
    }
    let mut seen = vec![false; sequence.steps.len()];
    let mut order = Vec::with_capacity(sequence.steps.len());
    for index in 0..sequence.steps.len() {
        visit(sequence, index, &mut seen, &mut order);
    }
    order
}

#[cfg(test)]
mod tests;
