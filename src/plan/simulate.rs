//! The plan over a moved clock: which mails orders would get, without sending any.
//!
//! Every accepted mail is assumed to be accepted by the relay at once, so that what follows it
//! is seen too. Pure: the engine's own rules, no database, no clock.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use chrono::TimeDelta;
use chrono_tz::Tz;

use crate::{
    clock::Instant,
    mail::MailClass,
    order::{Fact, Order, OrderEvent, TimePrecision, event::MailRef},
    policy::{Cap, cap_frees_at},
    sequence::{Decision, Reason, Verdict},
};

use super::{BuyerStanding, ChannelRules, Detail, Entry, EntryState, Ledger, plan, zone_of};

/// One order to simulate.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The rules of its channel.
    pub rules: Arc<ChannelRules>,
    /// The order as it stands when the simulation begins.
    pub order: Order,
    /// Its rows in the ledger.
    pub ledger: Ledger,
    /// What is still to happen to it, by time of occurrence.
    pub coming: Vec<OrderEvent>,
    /// What caps compare buyers by; `None` counts towards no cap.
    pub buyer_key: Option<String>,
}

/// How long to simulate, and under which cap.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The first instant.
    pub from: Instant,
    /// The last instant.
    pub to: Instant,
    /// The cap on relationship mail per buyer.
    pub cap: Option<Cap>,
}

/// What became of one mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// The channel.
    pub channel: String,
    /// The order.
    pub order_ref: String,
    /// The recipient's zone.
    pub zone: Tz,
    /// When it would be sent, or when it was decided that it is not.
    pub at: Instant,
    /// Whether it would be sent.
    pub is_sent: bool,
    /// The decision, with its reasons.
    pub decision: Decision,
}

/// More turns than any order has mails: a plan that never comes to rest is cut off.
const MAX_TURNS: usize = 500;

/// Runs the orders through the span and gives every mail that went, and every one that ended
/// otherwise, by time.
pub fn simulate(subjects: Vec<Subject>, span: Span) -> Vec<Simulated> {
    let mut run = Run {
        span,
        sent_by_buyer: BTreeMap::new(),
        results: Vec::new(),
    };
    let mut actors: Vec<Actor> = subjects.into_iter().map(Actor::new).collect();
    let mut wakes: BinaryHeap<Reverse<(Instant, usize)>> = actors
        .iter()
        .enumerate()
        .map(|(index, _)| Reverse((span.from, index)))
        .collect();
    while let Some(Reverse((at, index))) = wakes.pop() {
        if at > span.to {
            continue;
        }
        let actor = &mut actors[index];
        if let Some(next) = actor.turn(at, &mut run) {
            wakes.push(Reverse((next, index)));
        }
    }
    for actor in &mut actors {
        actor.close(&mut run);
    }
    let mut results = run.results;
    results.sort_by(|a, b| {
        (
            a.at,
            &a.channel,
            &a.order_ref,
            &a.decision.step,
            &a.decision.scope,
        )
            .cmp(&(
                b.at,
                &b.channel,
                &b.order_ref,
                &b.decision.step,
                &b.decision.scope,
            ))
    });
    results
}

struct Run {
    span: Span,
    sent_by_buyer: BTreeMap<String, Vec<Instant>>,
    results: Vec<Simulated>,
}

struct Actor {
    subject: Subject,
    turns: usize,
}

impl Actor {
    fn new(mut subject: Subject) -> Self {
        // Stable: what happened at the same time keeps the order of the file.
        subject.coming.sort_by_key(|event| event.occurred_at);
        subject.coming.reverse();
        Self { subject, turns: 0 }
    }

    /// Lets everything happen that is due at `now`; gives the next moment to look again.
    fn turn(&mut self, now: Instant, run: &mut Run) -> Option<Instant> {
        self.take_events(now);
        loop {
            self.turns += 1;
            if self.turns > MAX_TURNS {
                return None;
            }
            let decisions = self.plan(now, run, Detail::Verdicts);
            let due = decisions.iter().find(
                |d| matches!(d.verdict, Verdict::Scheduled { send_at, .. } if send_at <= now),
            );
            let Some(due) = due else {
                return self.next_wake(now, &decisions);
            };
            let key = (due.step.clone(), due.scope.clone(), due.revision);
            self.send(&key, now, run);
        }
    }

    fn take_events(&mut self, now: Instant) {
        let mut arrived = Vec::new();
        while self
            .subject
            .coming
            .last()
            .is_some_and(|event| event.occurred_at <= now)
        {
            arrived.extend(self.subject.coming.pop());
        }
        for event in arrived {
            // An event that cannot be applied is passed over, as intake does.
            if let Ok(order) = self.subject.order.apply(&event) {
                self.subject.order = order;
            }
        }
    }

    fn plan(&self, now: Instant, run: &Run, detail: Detail) -> Vec<Decision> {
        let subject = &self.subject;
        let capped_until = match (&run.span.cap, &subject.buyer_key) {
            (Some(cap), Some(key)) => run
                .sent_by_buyer
                .get(key)
                .and_then(|sent| cap_frees_at(sent, *cap, now)),
            _ => None,
        };
        let standing = BuyerStanding {
            capped_until,
            ..BuyerStanding::default()
        };
        plan(
            &subject.order,
            &subject.rules,
            &subject.ledger,
            &standing,
            now,
            detail,
        )
    }

    fn send(&mut self, key: &(String, crate::sequence::Scope, u32), now: Instant, run: &mut Run) {
        let decision = self
            .plan(now, run, Detail::Reasons)
            .into_iter()
            .find(|d| d.step == key.0 && d.scope == key.1 && d.revision == key.2);
        let Some(decision) = decision else { return };
        let subject = &mut self.subject;
        // An order of the database brings the planned row of this mail: it becomes the sent one.
        subject
            .ledger
            .entries
            .retain(|e| e.step != key.0 || e.scope != key.1 || e.revision != key.2);
        subject.ledger.entries.push(Entry {
            step: decision.step.clone(),
            scope: decision.scope.clone(),
            revision: decision.revision,
            kind: decision.kind,
            state: EntryState::Sent,
            parcels: decision.parcels.clone(),
        });
        let accepted = OrderEvent {
            source: "simulate".to_owned(),
            source_event_id: format!("{}/{}/{}", decision.step, decision.scope, decision.revision),
            order_ref: subject.order.external_ref.clone(),
            parcel_ref: None,
            line_refs: Vec::new(),
            occurred_at: now,
            precision: TimePrecision::Second,
            received_at: Some(now),
            test: false,
            backfill: false,
            fact: Fact::MailAccepted(MailRef {
                step: decision.step.clone(),
                scope: decision.scope.to_string(),
                revision: decision.revision,
                mail_kind: decision.kind,
                message_id: String::new(),
                parcels: decision.parcels.clone(),
            }),
        };
        if let Ok(order) = subject.order.apply(&accepted) {
            subject.order = order;
        }
        if decision.kind.class() == MailClass::Relationship
            && let Some(key) = &subject.buyer_key
        {
            run.sent_by_buyer.entry(key.clone()).or_default().push(now);
        }
        run.results.push(self.result(decision, now, true));
    }

    fn result(&self, decision: Decision, at: Instant, is_sent: bool) -> Simulated {
        let subject = &self.subject;
        Simulated {
            channel: subject.rules.name.clone(),
            order_ref: subject.order.external_ref.clone(),
            zone: zone_of(&subject.order, subject.rules.seller_zone),
            at,
            is_sent,
            decision,
        }
    }

    fn next_wake(&self, now: Instant, decisions: &[Decision]) -> Option<Instant> {
        let planned = decisions
            .iter()
            .filter_map(|decision| match decision.verdict {
                Verdict::Scheduled { send_at, .. } => Some(send_at),
                Verdict::Held { until, .. } => Some(until + TimeDelta::milliseconds(1)),
                _ => None,
            });
        planned
            .chain(self.subject.coming.last().map(|event| event.occurred_at))
            .filter(|at| *at > now)
            .min()
    }

    /// What the mails that did not go ended as, at the end of the span.
    fn close(&mut self, run: &mut Run) {
        let now = run.span.to;
        self.take_events(now);
        for decision in self.plan(now, run, Detail::Reasons) {
            // An order on its way waits for its delivery: that is worth telling. What nobody has
            // heard of (a refund, a delay) is not.
            let has_begun = decision.anchored_at.is_some_and(|at| at <= now);
            let waits_for_more = matches!(decision.verdict,
                Verdict::Waiting { for_ } if for_ != Reason::WaitingForAnchor);
            if decision.verdict != Verdict::Done && (has_begun || waits_for_more) {
                let result = self.result(decision, now, false);
                run.results.push(result);
            }
        }
    }
}
