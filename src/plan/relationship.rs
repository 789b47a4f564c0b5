//! What must be true before a follow-up or a review request may go.

use crate::{
    mail::MailKind,
    order::ProblemKind,
    policy::basis,
    sequence::{Reason, Step, Verdict},
};

use super::{decide::Planner, ledger::Ledger, trail::Trail};

/// Where a relationship mail stands.
pub(super) enum Standing {
    /// Nothing in its way.
    Clear,
    /// Something is, for now.
    Held(Reason),
    /// The mail it follows has not been accepted, and still may be.
    WaitsForStep,
    /// It does not go.
    Never(Reason),
}

pub(super) fn standing(
    planner: &Planner<'_>,
    step: &Step,
    revision: u32,
    trail: &mut Trail,
) -> Standing {
    let order = planner.order;
    // Once per order, whatever the step is called today and whoever asks for another one.
    if planner.ledger.may_have_sent(order, step.kind) {
        return Standing::Never(Reason::OncePerOrder);
    }
    let is_tried_elsewhere = planner.decisions.iter().any(|other| {
        other.kind == step.kind
            && (other.step != step.id || other.revision != revision)
            && matches!(
                other.verdict,
                Verdict::Scheduled { .. } | Verdict::Held { .. }
            )
    });
    if is_tried_elsewhere {
        return Standing::Never(Reason::OncePerOrder);
    }
    if step.kind == MailKind::ReviewRequest && order.review_left_at.is_some() {
        return Standing::Never(Reason::ReviewAlreadyLeft);
    }
    let buyer = &order.details.buyer;
    match basis::find(
        planner.rules.platform,
        buyer.country.as_deref(),
        order.details.basis.as_ref(),
        &planner.rules.basis,
    ) {
        Ok(found) => trail.add(Reason::BasisFound, || format!("{found:?}").to_lowercase()),
        Err(_) => return Standing::Never(Reason::NoBasis),
    }
    if let Some(standing) = after(planner, step, trail) {
        return standing;
    }
    match planner.order.open_problems().first() {
        None => Standing::Clear,
        Some(problem) => {
            let reason = match problem.kind {
                ProblemKind::Hold => Reason::HeldByOperator,
                ProblemKind::Complaint => Reason::HeldByComplaint,
                ProblemKind::Return => Reason::HeldByReturn,
                ProblemKind::ReturnLeg => Reason::HeldByReturnLeg,
                ProblemKind::Message => Reason::HeldByMessage,
                ProblemKind::Delay => Reason::HeldByDelay,
            };
            let (reference, since) = (problem.reference.clone(), problem.since);
            trail.add(reason, || {
                let since = super::decide::utc(since);
                if reference.is_empty() {
                    format!("since {since}")
                } else {
                    format!("{reference}, since {since}")
                }
            });
            Standing::Held(reason)
        }
    }
}

/// Whether the mail this one follows was accepted by the relay. `None`: it was, or there is none.
///
/// A review request follows the follow-up even where a configuration forgot to say so.
fn after(planner: &Planner<'_>, step: &Step, trail: &mut Trail) -> Option<Standing> {
    let order = planner.order;
    let needs_follow_up = step.kind == MailKind::ReviewRequest
        && Ledger::accepted_at(order, MailKind::FollowUp).is_none();
    let before = step.after.as_deref();
    let needs_before =
        before.is_some_and(|before| !order.mails.iter().any(|(_, mail)| mail.step == before));
    // A follow-up sent under an older name of its step counts for a review request.
    let is_follow_up_step = before.is_none_or(|before| {
        planner
            .rules
            .sequence
            .step(before)
            .is_none_or(|s| s.kind == MailKind::FollowUp)
    });
    let is_missing = needs_follow_up
        || (needs_before && !(step.kind == MailKind::ReviewRequest && is_follow_up_step));
    if !is_missing {
        return None;
    }
    trail.add(Reason::WaitingForStep, || {
        before.unwrap_or("follow_up").to_owned()
    });
    let may_still_go = planner.decisions.iter().any(|other| {
        let is_the_one = match before {
            Some(before) => other.step == before,
            None => other.kind == MailKind::FollowUp,
        };
        is_the_one
            && match &other.verdict {
                Verdict::Waiting { .. } | Verdict::Scheduled { .. } | Verdict::Held { .. } => true,
                // Under way, in doubt or blocked: a person or the relay may still say "sent".
                Verdict::Done => planner
                    .ledger
                    .entry(&other.step, &other.scope, other.revision)
                    .is_some_and(|entry| entry.state != super::EntryState::Dead),
                _ => false,
            }
    });
    Some(if may_still_go {
        Standing::WaitsForStep
    } else {
        Standing::Never(Reason::FollowUpNotSent)
    })
}
