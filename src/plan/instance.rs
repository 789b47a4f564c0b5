//! Which mails a step stands for in an order: one per order, parcel group or incident.

use std::collections::BTreeSet;

use chrono::{TimeDelta, TimeZone as _};
use chrono_tz::Tz;

use crate::{
    clock::Instant,
    mail::MailClass,
    order::{DeliveryState, Incident, Order, Parcel, Stamp, TimePrecision, event::Rung},
    sequence::{Anchor, Reason, Scope, ScopeKind, Step, calendar},
};

use super::ledger::Ledger;

/// A reminder is of no use while the first notice is still fresh.
const BEFORE_REMINDER: TimeDelta = TimeDelta::hours(20);
/// Parcels handed over within this time of the first share one mail.
const PARCEL_GROUP: TimeDelta = TimeDelta::hours(1);

/// One mail a step stands for, before anything is decided about it.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) scope: Scope,
    /// What its window counts from, or what it waits for.
    pub(super) anchor: Result<Stamp, Reason>,
    /// The parcels it tells about.
    pub(super) parcels: Vec<String>,
    /// The parcel's last moment to be collected, for pick-up mails.
    pub(super) pickup_until: Option<Instant>,
    /// The mail goes no earlier, whatever its window says.
    pub(super) not_before: Option<Instant>,
    /// The mail is about something that did not happen or is over.
    pub(super) moot: Option<Reason>,
    /// A newer incident of the same kind tells more.
    pub(super) is_outdated: bool,
}

impl Instance {
    fn new(scope: Scope, anchor: Result<Stamp, Reason>) -> Self {
        Self {
            scope,
            anchor,
            parcels: Vec::new(),
            pickup_until: None,
            not_before: None,
            moot: None,
            is_outdated: false,
        }
    }

    fn order(anchor: Option<Stamp>) -> Vec<Self> {
        vec![Self::new(
            Scope::Order,
            anchor.ok_or(Reason::WaitingForAnchor),
        )]
    }
}

/// The mails `step` stands for in `order`. Never empty for order-scoped steps, so that `why`
/// can say what a mail waits for.
pub(super) fn instances(order: &Order, ledger: &Ledger, step: &Step, zone: Tz) -> Vec<Instance> {
    match step.anchor {
        Anchor::Accepted => Instance::order(order.accepted),
        Anchor::Paid => Instance::order(order.paid.as_ref().map(|(stamp, _)| *stamp)),
        Anchor::Shipped => match step.scope {
            ScopeKind::Order => Instance::order(first_shipped(order)),
            _ => shipped_groups(order, ledger, step),
        },
        Anchor::Delivered => match step.scope {
            ScopeKind::Parcel => parcels_at(order, |p| p.delivered.map(|e| e.stamp)),
            _ => vec![Instance::new(Scope::Order, delivered(order, step, zone))],
        },
        Anchor::OutForDelivery => parcels_at(order, |p| p.out_for_delivery),
        Anchor::PickupReady => pickup(order, false, |(since, _)| Some(*since)),
        Anchor::PickupUntil => pickup(order, true, |(since, pickup)| {
            pickup.pickup_until.map(|at| Stamp { at, ..*since })
        }),
        Anchor::SplitShipped => Instance::order(split_since(order)),
        Anchor::Delayed => delays(order, zone),
        Anchor::OutOfStock => incidents(step, &order.stock_outs),
        Anchor::CustomsHold => customs(order, step),
        Anchor::RefundIssued => incidents(step, &order.refunds),
        Anchor::Cancelled => incidents(step, &order.cancellations),
        Anchor::Returned => incidents(step, &order.returned),
        Anchor::ComplaintOpened => Instance::order(order.complained),
    }
}

fn first_shipped(order: &Order) -> Option<Stamp> {
    order.parcels.iter().filter_map(|p| p.shipped).min()
}

/// Groups of parcels handed over within an hour, named by the first; parcels a mail has already
/// told about lead or join no group again.
fn shipped_groups(order: &Order, ledger: &Ledger, step: &Step) -> Vec<Instance> {
    let told: BTreeSet<&str> = ledger.told_parcels(order, &step.id).collect();
    let mut shipped: Vec<(Stamp, &Parcel)> = order
        .parcels
        .iter()
        .filter_map(|parcel| Some((parcel.shipped?, parcel)))
        .collect();
    shipped
        .sort_by(|(left, a), (right, b)| (left.at, &a.parcel_ref).cmp(&(right.at, &b.parcel_ref)));
    let mut groups: Vec<Instance> = Vec::new();
    for (stamp, parcel) in &shipped {
        if told.contains(parcel.parcel_ref.as_str()) {
            // Its mail is in the ledger under its own or another parcel's name: shown, not planned.
            let scope = Scope::Parcel(parcel.parcel_ref.clone());
            if ledger.entry(&step.id, &scope, 0).is_some() {
                let mut instance = Instance::new(scope, Ok(*stamp));
                instance.parcels = vec![parcel.parcel_ref.clone()];
                groups.push(instance);
            }
            continue;
        }
        let is_gone = !parcel.is_live();
        let joins = groups.last_mut().filter(|group| {
            group.moot.is_none()
                && !is_gone
                && !group.parcels.iter().any(|p| told.contains(p.as_str()))
                && group
                    .anchor
                    .is_ok_and(|first| stamp.at - first.at <= PARCEL_GROUP)
        });
        if let Some(group) = joins {
            group.parcels.push(parcel.parcel_ref.clone());
        } else {
            let mut instance = Instance::new(Scope::Parcel(parcel.parcel_ref.clone()), Ok(*stamp));
            instance.parcels = vec![parcel.parcel_ref.clone()];
            instance.moot = is_gone.then_some(Reason::NoLongerApplies);
            groups.push(instance);
        }
    }
    // A group is overtaken only when each of its parcels has arrived.
    for group in &mut groups {
        let all_arrived = group
            .parcels
            .iter()
            .filter_map(|r| order.parcel(r))
            .all(|p| p.delivered.is_some());
        if all_arrived && group.moot.is_none() {
            group.moot = Some(Reason::AlreadyDelivered);
        }
    }
    groups
}

fn parcels_at(order: &Order, stamp: impl Fn(&Parcel) -> Option<Stamp>) -> Vec<Instance> {
    order
        .parcels
        .iter()
        .filter_map(|parcel| {
            let mut instance =
                Instance::new(Scope::Parcel(parcel.parcel_ref.clone()), Ok(stamp(parcel)?));
            instance.parcels = vec![parcel.parcel_ref.clone()];
            instance.moot = (!parcel.is_live()).then_some(Reason::NoLongerApplies);
            Some(instance)
        })
        .collect()
}

fn pickup(
    order: &Order,
    is_reminder: bool,
    anchor: impl Fn(&(Stamp, crate::order::event::Pickup)) -> Option<Stamp>,
) -> Vec<Instance> {
    order
        .parcels
        .iter()
        .filter_map(|parcel| {
            let pickup = parcel.pickup.as_ref()?;
            let mut instance = Instance::new(
                Scope::Parcel(parcel.parcel_ref.clone()),
                Ok(anchor(pickup)?),
            );
            instance.parcels = vec![parcel.parcel_ref.clone()];
            instance.pickup_until = pickup.1.pickup_until;
            if is_reminder {
                instance.not_before = Some(pickup.0.at + BEFORE_REMINDER);
            }
            instance.moot = if parcel.delivered.is_some() {
                Some(Reason::AlreadyDelivered)
            } else {
                (!parcel.is_live()).then_some(Reason::NoLongerApplies)
            };
            Some(instance)
        })
        .collect()
}

fn incidents<T>(step: &Step, all: &[Incident<T>]) -> Vec<Instance> {
    if step.scope == ScopeKind::Order {
        return Instance::order(all.first().map(|incident| incident.stamp));
    }
    all.iter()
        .map(|incident| {
            let mut instance =
                Instance::new(Scope::Incident(incident.key.clone()), Ok(incident.stamp));
            instance.parcels = incident.parcel_ref.iter().cloned().collect();
            instance
        })
        .collect()
}

/// One notice per parcel customs holds, counted from the first hold; scope incident tells of each.
fn customs(order: &Order, step: &Step) -> Vec<Instance> {
    let mut found: Vec<Instance> = Vec::new();
    for hold in &order.customs {
        let scope = match (&hold.parcel_ref, step.scope) {
            (Some(parcel), ScopeKind::Parcel) => Scope::Parcel(parcel.clone()),
            (_, ScopeKind::Order) => Scope::Order,
            _ => Scope::Incident(hold.key.clone()),
        };
        if found.iter().any(|known| known.scope == scope) {
            continue;
        }
        let mut instance = Instance::new(scope, Ok(hold.stamp));
        instance.parcels = hold.parcel_ref.iter().cloned().collect();
        let parcel = hold.parcel_ref.as_deref().and_then(|r| order.parcel(r));
        instance.moot = parcel.and_then(|parcel| {
            if parcel.delivered.is_some() {
                Some(Reason::AlreadyDelivered)
            } else {
                (!parcel.is_live()).then_some(Reason::NoLongerApplies)
            }
        });
        found.push(instance);
    }
    found
}

/// Since when the buyer knows the order comes in several parcels: a parcel left without all the
/// lines, or another one left later. Parcels that leave together are one delivery to the buyer.
pub(super) fn split_since(order: &Order) -> Option<Stamp> {
    let mut shipped: Vec<(Stamp, &Parcel)> = order
        .parcels
        .iter()
        .filter(|parcel| parcel.is_live())
        .filter_map(|parcel| Some((parcel.shipped?, parcel)))
        .collect();
    shipped.sort_by_key(|(stamp, _)| *stamp);
    let (first, _) = shipped.first()?;
    let left_together = |stamp: &Stamp| stamp.at - first.at <= PARCEL_GROUP;
    let leaves_lines = order.lines_to_ship().any(|line| {
        !shipped
            .iter()
            .any(|(stamp, parcel)| left_together(stamp) && parcel.holds(&line.line_ref))
    });
    if leaves_lines {
        return Some(*first);
    }
    shipped
        .iter()
        .map(|(stamp, _)| *stamp)
        .find(|stamp| !left_together(stamp))
}

/// Announced delays, or the promised day that will pass with the order still open.
fn delays(order: &Order, zone: Tz) -> Vec<Instance> {
    let has_arrived = matches!(order.delivery(Rung::Buyer), DeliveryState::Delivered(_));
    let newest = order.delays.last();
    let mut found: Vec<Instance> = order
        .delays
        .iter()
        .map(|delay| {
            let mut instance = Instance::new(Scope::Incident(delay.key.clone()), Ok(delay.stamp));
            instance.parcels = delay.parcel_ref.iter().cloned().collect();
            let parcel = delay.parcel_ref.as_deref().and_then(|r| order.parcel(r));
            if has_arrived || parcel.is_some_and(|p| p.delivered.is_some()) {
                instance.moot = Some(Reason::AlreadyDelivered);
            }
            instance.is_outdated =
                newest.is_some_and(|n| n.key != delay.key && n.parcel_ref == delay.parcel_ref);
            instance
        })
        .collect();
    let promise = match newest {
        Some(delay) => delay.data.expected_at,
        None => order.details.promised_by,
    };
    if let Some(promised) = promise {
        // Late is what has not arrived when the promised day ends where the buyer lives.
        let end = calendar::end_of_day(promised, zone);
        let day = zone.from_utc_datetime(&promised.naive_utc()).date_naive();
        let stamp = Stamp {
            at: end,
            precision: TimePrecision::Second,
            backfill: order.accepted.is_some_and(|accepted| accepted.backfill)
                && order.activated_at.is_none(),
        };
        let mut instance = Instance::new(Scope::Incident(format!("promise@{day}")), Ok(stamp));
        let arrived_at = match order.delivery(Rung::Buyer) {
            DeliveryState::Delivered(evidence) => Some(evidence.stamp.at),
            _ => None,
        };
        instance.moot = match arrived_at {
            Some(arrived) if arrived <= end => Some(Reason::ArrivedInTime),
            Some(_) => Some(Reason::AlreadyDelivered),
            None if order.lines_to_ship().next().is_none() && order.parcels.is_empty() => {
                Some(Reason::NoLongerApplies)
            }
            None => waits_since(order).map(|since| {
                if since <= end {
                    Reason::ArrivedInTime
                } else {
                    Reason::NoLongerApplies
                }
            }),
        };
        found.push(instance);
    }
    found
}

/// Since when all that has not been handed over waits where the buyer can collect it.
fn waits_since(order: &Order) -> Option<Instant> {
    if matches!(order.delivery(Rung::Buyer), DeliveryState::NotAllShipped) {
        return None;
    }
    let on_the_way = order
        .parcels
        .iter()
        .filter(|parcel| parcel.is_live() && parcel.delivered.is_none());
    let since: Option<Vec<Instant>> = on_the_way
        .map(|parcel| parcel.pickup.as_ref().map(|(since, _)| since.at))
        .collect();
    since?.into_iter().max()
}

/// When the order arrived, by evidence the step accepts.
///
/// A transactional step may accept a guess from the promised or the ship date. Follow-up and
/// review never do, whatever their configuration says: no delivery date means wait.
fn delivered(order: &Order, step: &Step, zone: Tz) -> Result<Stamp, Reason> {
    let guess = |state: Reason| {
        if step.class() == MailClass::Relationship {
            return Err(state);
        }
        let last_shipped = order
            .parcels
            .iter()
            .filter(|p| p.is_live())
            .map(|p| p.shipped)
            .collect::<Option<Vec<Stamp>>>()
            .and_then(|stamps| stamps.into_iter().max());
        let by_promise = (step.evidence <= Rung::PromisedDate)
            .then_some(order.details.promised_by)
            .flatten();
        let by_ship_date = (step.evidence == Rung::ShipDate)
            .then(|| last_shipped.map(|stamp| stamp.at + step.delivered_after_ship.elapsed()))
            .flatten();
        match (last_shipped, by_promise.or(by_ship_date)) {
            (Some(shipped), Some(at)) => Ok(Stamp {
                at: calendar::end_of_day(at, zone),
                precision: TimePrecision::Second,
                backfill: shipped.backfill,
            }),
            _ => Err(state),
        }
    };
    match order.delivery(step.evidence) {
        DeliveryState::Delivered(evidence) => Ok(evidence.stamp),
        DeliveryState::NotAllShipped if order.parcels.is_empty() => Err(Reason::WaitingForAnchor),
        DeliveryState::NotAllShipped => Err(Reason::WaitingForParcels),
        DeliveryState::OnTheWay => guess(if order.parcels.iter().any(|p| p.delivered.is_some()) {
            Reason::WaitingForParcels
        } else {
            Reason::NoDeliveryEvidence
        }),
        DeliveryState::EvidenceTooWeak { .. } => guess(Reason::NoDeliveryEvidence),
    }
}
