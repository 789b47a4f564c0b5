//! What stands in the way of follow-up and review: open returns, complaints, unanswered
//! messages, delays, stops (email-requirements T6).
//!
//! Problems are operational facts. Mood and score are none: they are never read.

use std::collections::BTreeMap;

use crate::clock::Instant;

use super::{Order, Parcel, ParcelStatus, event::Rung, parcel::DeliveryState};

/// What kind of problem is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// Somebody stopped the order's sequence.
    Hold,
    /// A complaint, dispute or claim.
    Complaint,
    /// A return of goods.
    Return,
    /// A parcel is on its way back.
    ReturnLeg,
    /// The buyer's last message has no answer.
    Message,
    /// A delay was announced and the order has not arrived.
    Delay,
}

/// One open problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenProblem {
    /// What kind.
    pub kind: ProblemKind,
    /// Which one, by the channel's reference.
    pub reference: String,
    /// Since when.
    pub since: Instant,
}

/// Opened and solved problems by kind and reference. The later of both times decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Problems {
    cases: BTreeMap<(ProblemKind, String), Case>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Case {
    opened_at: Option<Instant>,
    solved_at: Option<Instant>,
}

impl Problems {
    pub(super) fn open_case(&mut self, kind: ProblemKind, reference: &str, at: Instant) {
        let case = self.case(kind, reference);
        case.opened_at = case.opened_at.max(Some(at));
    }

    pub(super) fn solve_case(&mut self, kind: ProblemKind, reference: &str, at: Instant) {
        let case = self.case(kind, reference);
        case.solved_at = case.solved_at.max(Some(at));
    }

    /// Solves every case of a kind: an answer that names no case answers them all.
    pub(super) fn solve_all(&mut self, kind: ProblemKind, at: Instant) {
        for ((case_kind, _), case) in &mut self.cases {
            if *case_kind == kind {
                case.solved_at = case.solved_at.max(Some(at));
            }
        }
    }

    fn case(&mut self, kind: ProblemKind, reference: &str) -> &mut Case {
        self.cases
            .entry((kind, reference.to_owned()))
            .or_insert(Case {
                opened_at: None,
                solved_at: None,
            })
    }

    pub(super) fn open(&self, order: &Order) -> Vec<OpenProblem> {
        let mut open: Vec<OpenProblem> = self
            .cases
            .iter()
            .filter_map(|((kind, reference), case)| {
                let since = case.opened_at?;
                // At the same instant the solving counts: canonical order reads it last.
                let is_open = case.solved_at.is_none_or(|solved| solved < since);
                is_open.then(|| OpenProblem {
                    kind: *kind,
                    reference: reference.clone(),
                    since,
                })
            })
            .collect();
        let returning = |parcel: &&Parcel| parcel.status == ParcelStatus::Returning;
        open.extend(order.parcels.iter().filter(returning).filter_map(|parcel| {
            Some(OpenProblem {
                kind: ProblemKind::ReturnLeg,
                reference: parcel.parcel_ref.clone(),
                since: parcel.status_at?.at,
            })
        }));
        if let Some(delay) = order.delays.last()
            && !matches!(order.delivery(Rung::Buyer), DeliveryState::Delivered(_))
        {
            open.push(OpenProblem {
                kind: ProblemKind::Delay,
                reference: delay.key.clone(),
                since: delay.stamp.at,
            });
        }
        open.sort_by(|left, right| {
            (left.kind, &left.reference).cmp(&(right.kind, &right.reference))
        });
        open
    }

    pub(super) fn last_solved_at(&self) -> Option<Instant> {
        self.cases
            .values()
            .filter(|case| case.opened_at.is_some())
            .filter_map(|case| case.solved_at)
            .max()
    }
}
