//! From decisions to rows: which rows of the ledger a plan changes.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::{
    clock::Instant,
    order::Order,
    plan::{Entry, EntryState, Ledger},
    sequence::{Decision, Reason, Verdict},
    store::{
        MessageRow, Status, Ts,
        plan::{PlanChange, Planned},
    },
};

/// The rows of an order as the plan sees them. A row leased by a worker is still open.
pub(super) fn ledger_of(order: &Order, rows: &[MessageRow]) -> Ledger {
    let entries = rows
        .iter()
        .map(|row| Entry {
            step: row.step.clone(),
            scope: row.scope.clone(),
            revision: row.revision,
            kind: row.kind,
            state: entry_state(row),
            parcels: parcels_of(order, row),
        })
        .collect();
    Ledger { entries }
}

fn entry_state(row: &MessageRow) -> EntryState {
    // A row that used up its attempts has had its chance: a plan must not begin them anew.
    if row.status == Status::Expired && row.reason == Some(Reason::RetriesUsedUp) {
        return EntryState::Dead;
    }
    match row.status {
        Status::Planned
        | Status::Leased
        | Status::Skipped
        | Status::Expired
        | Status::Superseded => EntryState::Open,
        Status::Sending => EntryState::Sending,
        Status::Sent => EntryState::Sent,
        Status::Uncertain => EntryState::Uncertain,
        Status::Blocked => EntryState::Blocked,
        Status::Dead => EntryState::Dead,
    }
}

/// The parcels a row's mail tells about. Sent mails say so in the order's facts, those under way
/// or in doubt in their row; before, the parcel of the scope stands for its group.
fn parcels_of(order: &Order, row: &MessageRow) -> Vec<String> {
    let scope = row.scope.to_string();
    let sent = order.mails.iter().find(|(_, mail)| {
        mail.step == row.step && mail.scope == scope && mail.revision == row.revision
    });
    match (sent, &row.scope) {
        (Some((_, mail)), _) if !mail.parcels.is_empty() => mail.parcels.clone(),
        _ if !row.parcels.is_empty() => row.parcels.clone(),
        (_, crate::sequence::Scope::Parcel(parcel)) => vec![parcel.clone()],
        _ => Vec::new(),
    }
}

/// What a decision makes of a row that is not under way.
pub(super) fn planned_of(verdict: &Verdict) -> Option<Planned> {
    Some(match verdict {
        Verdict::Scheduled { send_at, .. } => Planned::At(Ts::from(*send_at)),
        // Looked at again when the order changes, or when its window has just closed.
        Verdict::Held { until, .. } => {
            Planned::Held(Some(Ts::from(*until + TimeDelta::milliseconds(1))))
        }
        Verdict::Waiting { .. } => Planned::Held(None),
        Verdict::Skipped { .. } => Planned::Skipped,
        Verdict::Expired { .. } => Planned::Expired,
        Verdict::Superseded { .. } => Planned::Superseded,
        Verdict::Done => return None,
    })
}

/// The window of a decision, where it has one.
pub(super) const fn window_of(verdict: &Verdict) -> (Option<Instant>, Option<Instant>) {
    match verdict {
        Verdict::Scheduled { from, until, .. } => (Some(*from), Some(*until)),
        Verdict::Held { until, .. } => (None, Some(*until)),
        _ => (None, None),
    }
}

/// The detail stored with a reason: what took its place, or nothing.
pub(super) fn detail_of(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Superseded { by } => Some(format!("by {by}")),
        _ => None,
    }
}

/// Which order the changes are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) order_id: i64,
    pub(super) channel: &'a str,
    /// The version the order has when the changes are written.
    pub(super) order_version: i64,
    pub(super) buyer_key: Option<&'a str>,
}

/// The rows that must be written so that the ledger says what was decided.
///
/// A mail whose event has not happened gets no row, and neither does one that is no mail of this
/// order at all (history, a step switched off): `why` explains those from the plan.
pub(super) fn changes(
    target: Target<'_>,
    decisions: &[Decision],
    rows: &[MessageRow],
) -> Vec<PlanChange> {
    let mut changes = Vec::new();
    let mut decided = BTreeSet::new();
    for decision in decisions {
        decided.insert((&decision.step, &decision.scope, decision.revision));
        let row = rows.iter().find(|row| {
            row.step == decision.step
                && row.scope == decision.scope
                && row.revision == decision.revision
        });
        let Some(planned) = planned_of(&decision.verdict) else {
            continue;
        };
        if row.is_none() && !deserves_a_row(decision) {
            continue;
        }
        let (from, until) = window_of(&decision.verdict);
        // Between two attempts the last one's outcome is the reason; a plan has none of its own.
        let last_attempt = row
            .filter(|row| row.status == Status::Planned && row.retry_at.is_some())
            .and_then(|row| row.reason);
        let change = PlanChange {
            order_id: target.order_id,
            channel: target.channel.to_owned(),
            step: decision.step.clone(),
            scope: decision.scope.clone(),
            revision: decision.revision,
            kind: decision.kind,
            planned,
            reason: decision.verdict.reason().or(last_attempt),
            detail: detail_of(&decision.verdict),
            window_from: from.map(Ts::from),
            window_until: until.map(Ts::from),
            order_version: target.order_version,
            buyer_key: target.buyer_key.map(str::to_owned),
        };
        if row.is_none_or(|row| row.status.is_open_to_plan() && differs(row, &change)) {
            changes.push(change);
        }
    }
    // A row nothing decides about any more: its parcel or incident is gone, or its step was renamed.
    for row in rows {
        let is_decided = decided.contains(&(&row.step, &row.scope, row.revision));
        if !is_decided && row.status == Status::Planned {
            changes.push(PlanChange {
                order_id: target.order_id,
                channel: target.channel.to_owned(),
                step: row.step.clone(),
                scope: row.scope.clone(),
                revision: row.revision,
                kind: row.kind,
                planned: Planned::Skipped,
                reason: Some(Reason::NoLongerApplies),
                detail: None,
                window_from: None,
                window_until: None,
                order_version: target.order_version,
                buyer_key: target.buyer_key.map(str::to_owned),
            });
        }
    }
    changes
}

fn deserves_a_row(decision: &Decision) -> bool {
    decision.anchored_at.is_some()
        && match &decision.verdict {
            Verdict::Waiting { .. } => false,
            Verdict::Skipped { reason } => !matches!(
                reason,
                Reason::StepDisabled | Reason::NotWritten | Reason::Backfill | Reason::TestOrder
            ),
            _ => true,
        }
}

fn differs(row: &MessageRow, change: &PlanChange) -> bool {
    // Why a mail did not go is known best by the plan that saw its end.
    let is_over = matches!(
        (row.status, change.planned),
        (Status::Expired, Planned::Expired) | (Status::Superseded, Planned::Skipped)
    );
    if is_over {
        return false;
    }
    let (status, is_held, due_at) = match change.planned {
        Planned::At(at) => (Status::Planned, false, Some(at)),
        Planned::Held(at) => (Status::Planned, true, at),
        Planned::Skipped => (Status::Skipped, false, None),
        Planned::Expired => (Status::Expired, false, None),
        Planned::Superseded => (Status::Superseded, false, None),
    };
    let due_at = match (due_at, row.retry_at) {
        (Some(due), Some(retry)) => Some(due.max(retry)),
        (due, _) => due,
    };
    row.status != status
        || row.is_held != is_held
        || row.due_at != due_at
        || row.reason != change.reason
        || row.window_until != change.window_until
        || row.kind != change.kind
        || row.buyer_key != change.buyer_key
}
