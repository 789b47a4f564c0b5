//! Checks of the steps of one sequence: windows, order, and the bounds for relationship mail.

use crate::{
    config::{findings::Findings, read::one_of},
    mail::{MailClass, MailKind},
    order::event::Rung,
    sequence::{Anchor, DeliverBy, ScopeKind, Sequence, Span, Step, step::NamedDeadline},
};

use super::{COUNTRY_HINT, NO_COUNTRY, is_country};

/// The outer bounds of a relationship mail's window, counted from delivery (T1).
const fn bounds(kind: MailKind) -> Option<(Span, Span)> {
    match kind {
        MailKind::FollowUp => Some((Span::days(2), Span::days(5))),
        MailKind::ReviewRequest => Some((Span::days(7), Span::days(14))),
        _ => None,
    }
}

pub(super) fn check(name: &str, sequence: &Sequence, findings: &mut Findings) {
    let at = |id: &str| {
        [
            "sequences".to_owned(),
            name.to_owned(),
            "steps".to_owned(),
            id.to_owned(),
        ]
    };
    for step in &sequence.steps {
        // A stand-in was put for what could not be read: checking it would mislead.
        if !findings.is_tainted(&at(&step.id)) {
            let mut place = Place {
                name,
                step,
                findings,
            };
            check_identity(&mut place);
            check_window(&mut place);
            check_deadline(&mut place);
            check_after(&mut place, sequence);
            check_relationship(&mut place, sequence);
            check_condition(&mut place);
        }
    }
    let reviews: Vec<&Step> = sequence
        .steps
        .iter()
        .filter(|step| step.kind == MailKind::ReviewRequest)
        .collect();
    if let [first, second, ..] = reviews.as_slice() {
        let message = format!(
            "`{}` asks for a review already; an order gets one request at most (rule CH003)",
            first.id
        );
        let hint = "change that step, even a switched-off one may have been sent for older orders";
        findings.check(
            &["sequences", name, "steps", &second.id, "kind"],
            message,
            hint,
        );
    }
}

/// A step and where it is written.
struct Place<'a> {
    name: &'a str,
    step: &'a Step,
    findings: &'a mut Findings,
}

impl Place<'_> {
    fn problem(&mut self, keys: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        let mut path = vec!["sequences", self.name, "steps", self.step.id.as_str()];
        path.extend(keys);
        self.findings.check(&path, message, hint);
    }
}

fn check_identity(place: &mut Place<'_>) {
    let step = place.step;
    let is_id = (1..=40).contains(&step.id.len())
        && step
            .id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !is_id {
        place.problem(
            &[],
            "is no id for a step",
            "write 1 to 40 lower-case letters, digits or `_`; the id stands in the ledger",
        );
    }
    if step.kind == MailKind::ComplaintReply || step.anchor == Anchor::ComplaintOpened {
        place.problem(
            &["kind"],
            "answers to complaints are written and sent by a person",
            "take the step out",
        );
    }
    let has_no_parcel = matches!(
        step.anchor,
        Anchor::Accepted | Anchor::Paid | Anchor::RefundIssued | Anchor::Cancelled
    );
    if step.scope == ScopeKind::Parcel && has_no_parcel {
        place.problem(
            &["scope"],
            "what the step counts from has no parcel",
            "write `order` or `incident`",
        );
    }
}

fn check_window(place: &mut Place<'_>) {
    let step = place.step;
    let window = step.window;
    if window.from > window.to {
        place.problem(
            &["window"],
            format!(
                "the window ends ({}) before it begins ({})",
                window.to, window.from
            ),
            "write the earlier moment as `from`",
        );
        return;
    }
    if step.target < window.from || step.target > window.to {
        place.problem(
            &["target"],
            format!(
                "{} lies outside the window {} to {}",
                step.target, window.from, window.to
            ),
            "choose a moment inside the window",
        );
    }
    let room = window.to.as_minutes() - step.target.as_minutes();
    if step.spread.as_minutes() < 0 || (room >= 0 && step.spread.as_minutes() > room) {
        place.problem(
            &["spread"],
            format!(
                "{} does not fit between the target and the end of the window",
                step.spread
            ),
            "write a length from `0m` up to what is left of the window after the target",
        );
    }
    let length = Span::minutes(window.to.as_minutes() - window.from.as_minutes());
    if step.hours.can_never_open(length) {
        place.problem(
            &["hours"],
            "no moment of the window lies in these hours, so the mail could never go",
            "allow more days, or longer hours",
        );
    }
}

fn check_deadline(place: &mut Place<'_>) {
    let step = place.step;
    match step.deliver_by {
        DeliverBy::After(limit) if limit < step.target => place.problem(
            &["deliver_by"],
            format!("{limit} is over before the mail is due ({})", step.target),
            "write a longer time, or `window_end`",
        ),
        DeliverBy::Named(NamedDeadline::PickupUntil)
            if !matches!(step.anchor, Anchor::PickupReady | Anchor::PickupUntil) =>
        {
            place.problem(
                &["deliver_by"],
                "`pickup_until` means nothing for a step that waits for no pick-up",
                "write a length such as `2d`, or `window_end`",
            );
        }
        _ => {}
    }
    if step.evidence == Rung::ShipDate && step.delivered_after_ship.as_minutes() <= 0 {
        place.problem(
            &["delivered_after_ship"],
            "with `evidence = \"ship_date\"` it must be a time after shipping",
            "write the days your slowest carrier needs, such as `10d`",
        );
    }
}

fn check_after(place: &mut Place<'_>, sequence: &Sequence) {
    let step = place.step;
    let Some(after) = &step.after else { return };
    let Some(first) = sequence.step(after) else {
        let others = sequence.steps.iter().map(|other| other.id.as_str());
        let hint = one_of(after, others.filter(|id| *id != step.id));
        place.problem(&["after"], format!("there is no step `{after}`"), hint);
        return;
    };
    let mut way = vec![step.id.as_str()];
    let mut at = step;
    while let Some(next) = at.after.as_deref().and_then(|id| sequence.step(id)) {
        if way.contains(&next.id.as_str()) {
            if next.id == step.id {
                way.push(&next.id);
                place.problem(
                    &["after"],
                    format!("the steps wait for each other: {}", way.join(" after ")),
                    "let one of them wait for nothing",
                );
            }
            return;
        }
        way.push(&next.id);
        at = next;
    }
    if step.enabled && !first.enabled {
        place.problem(
            &["after"],
            format!("`{after}` is switched off, so this step would never go"),
            format!("switch `{after}` on, or this step off"),
        );
    }
}

fn check_relationship(place: &mut Place<'_>, sequence: &Sequence) {
    let step = place.step;
    let Some((earliest, latest)) = bounds(step.kind) else {
        return;
    };
    debug_assert_eq!(step.class(), MailClass::Relationship);
    if step.anchor != Anchor::Delivered {
        place.problem(
            &["anchor"],
            format!("`{}` counts from delivery", step.kind),
            "write `delivered`",
        );
    }
    if step.scope != ScopeKind::Order {
        place.problem(
            &["scope"],
            format!("`{}` goes once for an order", step.kind),
            "write `order`",
        );
    }
    if step.evidence < Rung::Buyer {
        place.problem(
            &["evidence"],
            format!("`{}` never goes on a guessed delivery date", step.kind),
            "write `marketplace` or better, or at least `buyer`",
        );
    }
    if step.window.from < earliest || step.window.to > latest {
        let key = if step.window.from < earliest {
            "from"
        } else {
            "to"
        };
        place.problem(
            &["window", key],
            format!(
                "the window of `{}` must lie within {earliest} to {latest} after delivery",
                step.kind
            ),
            "narrow the window",
        );
    }
    if step.kind != MailKind::ReviewRequest {
        return;
    }
    let follows = step
        .after
        .as_deref()
        .and_then(|id| sequence.step(id))
        .is_some_and(|first| first.kind == MailKind::FollowUp);
    if !follows
        && step
            .after
            .as_deref()
            .is_none_or(|id| sequence.step(id).is_some())
    {
        place.problem(
            &["after"],
            "a review is asked for only after the follow-up",
            "name the follow-up step, such as `after = \"follow_up\"`",
        );
    }
}

fn check_condition(place: &mut Place<'_>) {
    let step = place.step;
    for (key, countries) in [
        ("countries", &step.when.countries),
        ("not_countries", &step.when.not_countries),
    ] {
        for country in countries {
            if !is_country(country) {
                place.problem(
                    &["when", key],
                    format!("`{country}` {NO_COUNTRY}"),
                    COUNTRY_HINT,
                );
            }
        }
    }
}
