//! Newest facts win: a mail that a newer fact has overtaken does not go (T4).

use crate::{
    mail::MailKind,
    order::{Order, Parcel},
    sequence::{Reason, Step, Verdict},
};

use super::{
    decide::Planner,
    instance::{Instance, split_since},
};

/// The verdict for a mail that newer facts have overtaken; `None` when it still tells news.
///
/// Delivery overtakes every mail about the way there, whether or not a "delivered" mail goes.
/// Other facts overtake an older mail only where their own mail will tell the buyer.
pub(super) fn overtaken(
    planner: &Planner<'_>,
    step: &Step,
    instance: &Instance,
) -> Option<Verdict> {
    if instance.is_outdated {
        return Some(Verdict::Superseded {
            by: step.id.clone(),
        });
    }
    let order = planner.order;
    let told_by = |kind: MailKind| teller(planner, kind);
    let has = |test: &dyn Fn(&Parcel) -> bool| parcels(order, instance).any(test);
    let is_delivered = |p: &Parcel| p.delivered.is_some();
    let all_delivered = {
        let mut own = parcels(order, instance).peekable();
        own.peek().is_some() && own.all(is_delivered)
    };
    let by_delivery = || match told_by(MailKind::Delivered) {
        Some(by) => Verdict::Superseded { by },
        None => Verdict::Skipped {
            reason: Reason::AlreadyDelivered,
        },
    };
    match step.kind {
        MailKind::Accepted | MailKind::Paid => {
            if all_delivered {
                return Some(by_delivery());
            }
            let is_shipped = order
                .parcels
                .iter()
                .any(|p| p.is_live() && p.shipped.is_some());
            is_shipped
                .then(|| told_by(MailKind::Shipped))
                .flatten()
                .map(|by| Verdict::Superseded { by })
        }
        MailKind::Shipped | MailKind::SplitParcel | MailKind::OutOfStock => {
            if all_delivered {
                return Some(by_delivery());
            }
            if step.kind != MailKind::Shipped {
                return None;
            }
            let waits = has(&|p| p.pickup.is_some() && p.delivered.is_none());
            let is_out = has(&|p| p.out_for_delivery.is_some());
            // The mail about several parcels shows the same parcels with the same links.
            let is_split = split_since(order).is_some_and(|since| instance.anchor == Ok(since));
            waits
                .then(|| told_by(MailKind::PickupWaiting))
                .flatten()
                .or_else(|| is_out.then(|| told_by(MailKind::OutForDelivery)).flatten())
                .or_else(|| is_split.then(|| told_by(MailKind::SplitParcel)).flatten())
                .map(|by| Verdict::Superseded { by })
        }
        MailKind::OutForDelivery => {
            if all_delivered {
                return Some(by_delivery());
            }
            has(&|p| p.pickup.is_some())
                .then(|| told_by(MailKind::PickupWaiting))
                .flatten()
                .map(|by| Verdict::Superseded { by })
        }
        MailKind::PickupWaiting | MailKind::PickupReminder | MailKind::Customs => {
            all_delivered.then(by_delivery)
        }
        _ => None,
    }
}

/// The parcels the mail is about; for order mails all live ones.
fn parcels<'a>(order: &'a Order, instance: &'a Instance) -> impl Iterator<Item = &'a Parcel> {
    order.parcels.iter().filter(|parcel| {
        if instance.parcels.is_empty() {
            parcel.is_live()
        } else {
            instance.parcels.contains(&parcel.parcel_ref)
        }
    })
}

/// The step that tells the buyer of the newer fact, if one will.
fn teller(planner: &Planner<'_>, kind: MailKind) -> Option<String> {
    let rules = planner.rules;
    rules
        .sequence
        .steps
        .iter()
        .find(|step| {
            step.kind == kind
                && step.enabled
                && !step.sent_by_shop
                && !rules.sent_by_shop.contains(&kind)
                && rules.with_template.contains(&kind)
                && rules
                    .policy
                    .check(&rules.name, rules.platform, kind, None)
                    .permission
                    == crate::policy::Permission::Allow
        })
        .map(|step| step.id.clone())
}
