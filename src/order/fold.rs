//! What each fact means for the view of an order.
//!
//! Facts are read once, in canonical order; a later fact about the same thing wins.

use rust_decimal::Decimal;

use crate::clock::Instant;

use super::{
    Closed, Evidence, Incident, Order, Parcel, ParcelStatus, Stamp,
    event::{Fact, OrderDetails, OrderEvent, ReturnCase, Rung},
    problem::{ProblemKind, Problems},
};

/// The one parcel of a source that names none.
const UNNAMED_PARCEL: &str = "-";

pub(super) fn fold(channel: &str, external_ref: &str, facts: Vec<OrderEvent>) -> Order {
    let mut order = Order {
        channel: channel.to_owned(),
        external_ref: external_ref.to_owned(),
        facts: Vec::new(),
        details: OrderDetails::default(),
        accepted: None,
        paid: None,
        parcels: Vec::new(),
        cancellations: Vec::new(),
        delays: Vec::new(),
        stock_outs: Vec::new(),
        customs: Vec::new(),
        refunds: Vec::new(),
        returned: Vec::new(),
        problems: Problems::default(),
        review_left_at: None,
        complained: None,
        mails: Vec::new(),
        skipped_steps: Vec::new(),
        resends: Vec::new(),
        hastened_steps: Vec::new(),
        closed: None,
        needs_review: false,
        activated_at: None,
        is_test: false,
    };
    for event in &facts {
        read(&mut order, event);
    }
    settle_end(&mut order);
    order.facts = facts;
    order
}

fn read(order: &mut Order, event: &OrderEvent) {
    let stamp = Stamp {
        at: event.occurred_at,
        precision: event.precision,
        backfill: event.backfill,
    };
    order.is_test |= event.test;
    match &event.fact {
        Fact::OrderAccepted(details) => accept(order, stamp, details),
        Fact::OrderSnapshot(details) => overlay(&mut order.details, details),
        Fact::PaymentReceived(payment) => {
            // A second payment (a surcharge, a repeat) does not move the date.
            if order.paid.is_none() {
                order.paid = Some((stamp, payment.clone()));
            }
        }
        Fact::Cancelled(cancellation) => {
            let incident = incident(event, stamp, None, cancellation.clone());
            if event.line_refs.is_empty() || cancels_the_rest(order, &event.line_refs) {
                order.closed = Some((stamp, Closed::Cancelled));
            }
            order.cancellations.push(incident);
        }
        Fact::RefundIssued(refund) => {
            let key = refund.refund_ref.clone();
            order
                .refunds
                .push(incident(event, stamp, key, refund.clone()));
        }
        Fact::Delayed(delay) => order
            .delays
            .push(incident(event, stamp, None, delay.clone())),
        Fact::OutOfStock(delay) => {
            order
                .stock_outs
                .push(incident(event, stamp, None, delay.clone()));
        }
        Fact::CustomsHold(customs) => {
            order
                .customs
                .push(incident(event, stamp, None, customs.clone()));
        }
        Fact::ReturnRequested(_)
        | Fact::ReturnCompleted(_)
        | Fact::ComplaintOpened(_)
        | Fact::ComplaintClosed(_)
        | Fact::BuyerMessageReceived(_)
        | Fact::BuyerMessageAnswered(_)
        | Fact::OrderHold(_)
        | Fact::OrderReleased(_) => read_problem(order, event, stamp),
        Fact::ReviewLeft(_) => {
            order.review_left_at.get_or_insert(stamp.at);
        }
        Fact::NeedsReview(_) => order.needs_review = true,
        Fact::OrderActivated(_) => order.activated_at = order.activated_at.max(Some(stamp.at)),
        Fact::MailAccepted(mail) => order.mails.push((stamp.at, mail.clone())),
        Fact::StepSkipped(step) => order.skipped_steps.push(step.clone()),
        Fact::StepResent(step) => order.resends.push((stamp.at, step.clone())),
        Fact::StepHastened(step) => order.hastened_steps.push((stamp.at, step.clone())),
        Fact::Shipped(_)
        | Fact::InTransit(_)
        | Fact::OutForDelivery(_)
        | Fact::PickupReady(_)
        | Fact::DeliveryAttemptFailed(_)
        | Fact::Delivered(_)
        | Fact::ReturnedToSender(_)
        | Fact::Lost(_)
        | Fact::ParcelWithdrawn(_) => read_parcel_event(order, event, stamp),
    }
}

/// The first acceptance counts; one after an end brings the order back with new dates.
fn accept(order: &mut Order, stamp: Stamp, details: &OrderDetails) {
    overlay(&mut order.details, details);
    if order.closed.is_some() {
        order.closed = None;
        order.paid = None;
        order.cancellations.clear();
        order.accepted = Some(stamp);
    } else if order.accepted.is_none() {
        order.accepted = Some(stamp);
    }
}

/// Whether cancelling these lines leaves no line to send or use.
fn cancels_the_rest(order: &Order, line_refs: &[String]) -> bool {
    !order.details.lines.is_empty()
        && order
            .details
            .lines
            .iter()
            .all(|line| line_refs.contains(&line.line_ref) || order.is_cancelled(&line.line_ref))
}

fn read_problem(order: &mut Order, event: &OrderEvent, stamp: Stamp) {
    let name = |reference: &Option<String>| reference.clone().unwrap_or_default();
    match &event.fact {
        Fact::ReturnRequested(case) => {
            order
                .problems
                .open_case(ProblemKind::Return, &name(&case.return_ref), stamp.at);
        }
        Fact::ReturnCompleted(case) => {
            match &case.return_ref {
                Some(reference) => {
                    order
                        .problems
                        .solve_case(ProblemKind::Return, reference, stamp.at);
                }
                None => order.problems.solve_all(ProblemKind::Return, stamp.at),
            }
            if brought_goods_back(case) {
                let key = case.return_ref.clone();
                order
                    .returned
                    .push(incident(event, stamp, key, case.clone()));
                if event.line_refs.is_empty() || cancels_the_rest(order, &event.line_refs) {
                    order.closed = Some((stamp, Closed::Returned));
                }
            }
        }
        Fact::ComplaintOpened(complaint) => {
            order.complained.get_or_insert(stamp);
            order.problems.open_case(
                ProblemKind::Complaint,
                &name(&complaint.complaint_ref),
                stamp.at,
            );
        }
        Fact::ComplaintClosed(complaint) => match &complaint.complaint_ref {
            Some(reference) => {
                order
                    .problems
                    .solve_case(ProblemKind::Complaint, reference, stamp.at);
            }
            None => order.problems.solve_all(ProblemKind::Complaint, stamp.at),
        },
        Fact::BuyerMessageReceived(message) => {
            order
                .problems
                .open_case(ProblemKind::Message, &name(&message.thread_ref), stamp.at);
        }
        Fact::BuyerMessageAnswered(message) => match &message.thread_ref {
            Some(reference) => order
                .problems
                .solve_case(ProblemKind::Message, reference, stamp.at),
            None => order.problems.solve_all(ProblemKind::Message, stamp.at),
        },
        Fact::OrderHold(hold) => {
            order
                .problems
                .open_case(ProblemKind::Hold, &name(&hold.hold_ref), stamp.at);
        }
        Fact::OrderReleased(hold) => match &hold.hold_ref {
            Some(reference) => order
                .problems
                .solve_case(ProblemKind::Hold, reference, stamp.at),
            None => order.problems.solve_all(ProblemKind::Hold, stamp.at),
        },
        _ => {}
    }
}

/// A return that was declined, withdrawn or answered with new goods leaves the order as it was.
fn brought_goods_back(case: &ReturnCase) -> bool {
    !matches!(
        case.result.as_deref(),
        Some("withdrawn" | "declined" | "rejected" | "cancelled" | "replaced" | "exchanged")
    )
}

fn read_parcel_event(order: &mut Order, event: &OrderEvent, stamp: Stamp) {
    let targets: Vec<usize> = match &event.parcel_ref {
        Some(parcel_ref) => vec![parcel_index(order, parcel_ref)],
        // An event that names no parcel speaks of all of them.
        None if !order.parcels.is_empty() && !matches!(event.fact, Fact::Shipped(_)) => {
            (0..order.parcels.len()).collect()
        }
        None => vec![parcel_index(order, UNNAMED_PARCEL)],
    };
    for index in targets {
        read_parcel(&mut order.parcels[index], event, stamp);
    }
    if let Fact::ReturnedToSender(leg) = &event.fact
        && leg.is_final
    {
        order
            .returned
            .push(incident(event, stamp, None, ReturnCase::default()));
    }
}

fn parcel_index(order: &mut Order, parcel_ref: &str) -> usize {
    if let Some(index) = order
        .parcels
        .iter()
        .position(|p| p.parcel_ref == parcel_ref)
    {
        return index;
    }
    order.parcels.push(Parcel::new(parcel_ref));
    order.parcels.len() - 1
}

fn read_parcel(parcel: &mut Parcel, event: &OrderEvent, stamp: Stamp) {
    match &event.fact {
        Fact::Shipped(shipment) => {
            if !parcel.is_live() || parcel.shipped.is_none() {
                let was_back = !parcel.is_live();
                parcel.shipped = Some(stamp);
                if was_back {
                    // Sent again: what was true of the first journey no longer holds.
                    parcel.delivered = None;
                    parcel.pickup = None;
                    parcel.out_for_delivery = None;
                    parcel.status = ParcelStatus::Announced;
                    parcel.status_at = Some(stamp);
                }
            }
            overlay_option(&mut parcel.shipment.carrier, shipment.carrier.as_ref());
            overlay_option(
                &mut parcel.shipment.tracking_number,
                shipment.tracking_number.as_ref(),
            );
            overlay_option(
                &mut parcel.shipment.tracking_url,
                shipment.tracking_url.as_ref(),
            );
            overlay_option(
                &mut parcel.shipment.expected_at,
                shipment.expected_at.as_ref(),
            );
            overlay_option(&mut parcel.expected_at, shipment.expected_at.as_ref());
            if !event.line_refs.is_empty() {
                parcel.line_refs.clone_from(&event.line_refs);
            }
        }
        Fact::InTransit(_) | Fact::DeliveryAttemptFailed(_) => {
            advance(parcel, ParcelStatus::InTransit, stamp);
        }
        Fact::OutForDelivery(expected) => {
            overlay_option(&mut parcel.expected_at, expected.expected_at.as_ref());
            if parcel.is_live() {
                parcel.out_for_delivery = Some(stamp);
            }
            advance(parcel, ParcelStatus::OutForDelivery, stamp);
        }
        Fact::PickupReady(pickup) => {
            if parcel.is_live() {
                // The first notice starts the wait; a later one may correct place and date.
                let since = parcel.pickup.as_ref().map_or(stamp, |(since, _)| *since);
                parcel.pickup = Some((since, pickup.clone()));
            }
            advance(parcel, ParcelStatus::PickupReady, stamp);
        }
        Fact::Delivered(delivery) => {
            let rung = match delivery.evidence {
                Some(rung) if delivery.inferred => rung.min(Rung::PromisedDate),
                Some(rung) => rung,
                None if delivery.inferred => Rung::PromisedDate,
                None => Rung::Marketplace,
            };
            let evidence = Evidence {
                stamp,
                rung,
                received_at: event.received_at,
            };
            // The best rung counts; on the same rung the first telling does.
            if parcel.delivered.is_none_or(|known| known.rung < rung) {
                parcel.delivered = Some(evidence);
            }
            parcel.status = ParcelStatus::Delivered;
            parcel.status_at = Some(stamp);
        }
        Fact::ReturnedToSender(leg) => {
            parcel.delivered = None;
            parcel.status = if leg.is_final {
                ParcelStatus::Returned
            } else {
                ParcelStatus::Returning
            };
            parcel.status_at = Some(stamp);
        }
        Fact::Lost(_) => {
            parcel.status = ParcelStatus::Lost;
            parcel.status_at = Some(stamp);
        }
        Fact::ParcelWithdrawn(_) => {
            parcel.status = ParcelStatus::Withdrawn;
            parcel.status_at = Some(stamp);
        }
        _ => {}
    }
}

/// Moves a live parcel up the rank; a late scan never moves it down.
fn advance(parcel: &mut Parcel, status: ParcelStatus, stamp: Stamp) {
    // A scan after "lost" is a find; a scan on the way back is part of the way back.
    let is_found = parcel.status == ParcelStatus::Lost;
    if is_found || (parcel.is_live() && parcel.status < status) {
        parcel.status = status;
        parcel.status_at = Some(stamp);
    }
}

fn overlay_option<T: Clone>(known: &mut Option<T>, newer: Option<&T>) {
    if let Some(newer) = newer {
        *known = Some(newer.clone());
    }
}

/// Newer details win field by field; what they leave out stays.
fn overlay(known: &mut OrderDetails, newer: &OrderDetails) {
    let OrderDetails {
        buyer,
        language,
        lines,
        currency,
        total,
        shipping,
        discount,
        promised_dispatch_by,
        promised_by,
        order_url,
        invoice_url,
        basis,
        tags,
    } = newer;
    overlay_option(&mut known.buyer.email, buyer.email.as_ref());
    overlay_option(&mut known.buyer.name, buyer.name.as_ref());
    overlay_option(&mut known.buyer.first_name, buyer.first_name.as_ref());
    overlay_option(&mut known.buyer.country, buyer.country.as_ref());
    overlay_option(&mut known.buyer.region, buyer.region.as_ref());
    overlay_option(&mut known.buyer.zone, buyer.zone.as_ref());
    if !buyer.address_lines.is_empty() {
        known.buyer.address_lines.clone_from(&buyer.address_lines);
    }
    overlay_option(&mut known.language, language.as_ref());
    if !lines.is_empty() {
        known.lines.clone_from(lines);
    }
    overlay_option(&mut known.currency, currency.as_ref());
    overlay_option(&mut known.total, total.as_ref());
    overlay_option(&mut known.shipping, shipping.as_ref());
    overlay_option(&mut known.discount, discount.as_ref());
    overlay_option(
        &mut known.promised_dispatch_by,
        promised_dispatch_by.as_ref(),
    );
    overlay_option(&mut known.promised_by, promised_by.as_ref());
    overlay_option(&mut known.order_url, order_url.as_ref());
    overlay_option(&mut known.invoice_url, invoice_url.as_ref());
    overlay_option(&mut known.basis, basis.as_ref());
    if !tags.is_empty() {
        known.tags.clone_from(tags);
    }
}

/// Ends that follow from several facts together: all money back, all parcels back or lost.
fn settle_end(order: &mut Order) {
    if order.closed.is_some() {
        return;
    }
    if let Some(at) = all_money_back_at(order) {
        order.closed = Some((at, Closed::Refunded));
        return;
    }
    let has_live = order.parcels.iter().any(Parcel::is_live);
    let ended: Vec<&Parcel> = order
        .parcels
        .iter()
        .filter(|p| p.status != ParcelStatus::Withdrawn)
        .collect();
    if has_live || ended.is_empty() {
        return;
    }
    let last = ended.iter().filter_map(|p| p.status_at).max();
    let all = |status| ended.iter().all(|p| p.status == status);
    let closed = if all(ParcelStatus::Returned) {
        Closed::Returned
    } else if all(ParcelStatus::Lost) {
        Closed::Lost
    } else {
        return;
    };
    order.closed = last.map(|at| (at, closed));
}

/// When the refunds since the order was (last) accepted reached the whole total.
fn all_money_back_at(order: &Order) -> Option<Stamp> {
    let since: Option<Instant> = order.accepted.map(|stamp| stamp.at);
    let mut sum = Decimal::ZERO;
    for refund in &order.refunds {
        if since.is_some_and(|since| refund.stamp.at < since) {
            continue;
        }
        sum += refund.data.amount.unwrap_or_default();
        let is_whole = match (refund.data.partial, order.details.total) {
            (Some(false), _) => true,
            (_, Some(total)) if total > Decimal::ZERO => sum >= total,
            (Some(true), _) => false,
            // Neither said nor to be worked out: the cautious reading asks for no review.
            (None, _) => true,
        };
        if is_whole {
            return Some(refund.stamp);
        }
    }
    None
}

fn incident<T>(
    event: &OrderEvent,
    stamp: Stamp,
    reference: Option<String>,
    data: T,
) -> Incident<T> {
    let at = stamp.at.timestamp();
    let derived = match &event.parcel_ref {
        Some(parcel_ref) => format!("{parcel_ref}@{at}"),
        None => format!("@{at}"),
    };
    Incident {
        key: reference.unwrap_or(derived),
        stamp,
        parcel_ref: event.parcel_ref.clone(),
        line_refs: event.line_refs.clone(),
        data,
    }
}
