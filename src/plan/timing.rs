//! When a mail may go: its window, the moment in it, and what becomes of it when neither is left.

use chrono::{TimeDelta, TimeZone as _};

use crate::{
    clock::Instant,
    mail::MailClass,
    order::{Stamp, TimePrecision},
    sequence::{
        Reason, Step, Verdict,
        calendar::{self, AnchorTime, SendCalendar},
        jitter,
        step::{DeliverBy, NamedDeadline},
    },
};

use super::{
    decide::{Planner, missed, names, utc},
    instance::Instance,
    trail::Trail,
};

/// A relationship mail is not begun in the last minutes of its window: the relay may take that
/// long to accept it, and an acceptance outside the window would break a promise.
const HANDOVER: TimeDelta = TimeDelta::minutes(15);

/// The instants between which a mail may go, and the one it aims for.
pub(super) struct Times {
    pub(super) from: Instant,
    pub(super) until: Instant,
    /// The moment aimed for, never before `from`.
    pub(super) aim: Instant,
    /// Whether the deliver-by ends it before its window does.
    pub(super) ends_by_deadline: bool,
}

/// The window of a mail, from its anchor.
pub(super) fn window(
    planner: &Planner<'_>,
    step: &Step,
    instance: &Instance,
    anchor: &Stamp,
    asked_at: Option<Instant>,
    trail: &mut Trail,
) -> Times {
    let zone = planner.zone;
    let is_relationship = step.class() == MailClass::Relationship;
    // A resend of transactional mail counts from the request; relationship mail keeps its window.
    let moved = asked_at.filter(|_| !is_relationship);
    let time = match (moved, anchor.precision) {
        (Some(at), _) => AnchorTime::exact(at),
        (None, TimePrecision::Day) => AnchorTime::whole_day(anchor.at, zone),
        (None, _) => AnchorTime::exact(anchor.at),
    };
    let (from, to) = if is_relationship {
        let (from, to) = calendar::window(&time, &step.window, zone);
        (from, to - HANDOVER)
    } else {
        calendar::elapsed_window(&time, &step.window)
    };
    let from = instance.not_before.map_or(from, |at| from.max(at));
    let deadline = match step.deliver_by {
        DeliverBy::After(span) => Some(time.latest + span.elapsed()),
        DeliverBy::Named(NamedDeadline::PickupUntil) => instance.pickup_until,
        DeliverBy::Named(NamedDeadline::WindowEnd) => None,
    };
    let until = deadline.map_or(to, |deadline| deadline.min(to));
    trail.add(Reason::WindowOpen, || {
        format!(
            "{} to {} ({} to {} after)",
            utc(from),
            utc(until),
            step.window.from,
            step.window.to
        )
    });
    let aim = aim(planner, step, instance, (&time, moved), from, trail);
    Times {
        from,
        until,
        aim,
        ends_by_deadline: until < to,
    }
}

fn aim(
    planner: &Planner<'_>,
    step: &Step,
    instance: &Instance,
    (time, asked_at): (&AnchorTime, Option<Instant>),
    from: Instant,
    trail: &mut Trail,
) -> Instant {
    let order = planner.order;
    let hastened = order
        .hastened_steps
        .iter()
        .filter(|(_, asked)| names(asked, step, &instance.scope))
        .map(|(at, _)| *at)
        .max();
    let mut aim = if let Some(at) = hastened {
        trail.add(Reason::Hastened, || format!("asked for at {}", utc(at)));
        from.max(at)
    } else {
        let target = if let Some(asked) = asked_at {
            asked
        } else if step.class() == MailClass::Relationship {
            calendar::add_span(time.latest, step.target, planner.zone)
        } else {
            time.earliest + step.target.elapsed()
        };
        let target = target.max(from);
        trail.add(Reason::TargetAimed, || {
            format!("{} ({} after)", utc(target), step.target)
        });
        let spread = jitter::offset(&jitter_key(planner, step, instance), step.spread);
        if spread > TimeDelta::zero() {
            trail.add(Reason::JitterApplied, || {
                format!("{} min later", spread.num_minutes())
            });
        }
        target + spread
    };
    if step.class() == MailClass::Relationship {
        if let Some(solved) = order.last_solved_at() {
            aim = aim.max(solved + planner.rules.rest_after_problem.elapsed());
        }
        if let Some(free) = planner.standing.capped_until {
            trail.add(Reason::HeldByCap, || format!("until {}", utc(free)));
            aim = aim.max(free);
        }
    }
    aim
}

fn jitter_key(planner: &Planner<'_>, step: &Step, instance: &Instance) -> String {
    format!(
        "{}\u{0}{}\u{0}{}\u{0}{}",
        planner.rules.name, planner.order.external_ref, step.id, instance.scope
    )
}

/// The verdict that window, hours, holds and the present give.
pub(super) fn schedule(
    planner: &Planner<'_>,
    step: &Step,
    times: &Times,
    hold: Option<Reason>,
    trail: &mut Trail,
) -> Verdict {
    let now = planner.now;
    let closed = |hold: Option<Reason>| match hold {
        Some(reason) => missed(step, reason.when_expired()),
        None if times.ends_by_deadline => missed(step, Reason::DeliverByPassed),
        None => missed(step, Reason::WindowClosed),
    };
    if now > times.until {
        return closed(hold.or_else(|| capped_past(planner, times)));
    }
    if let Some(reason) = capped_past(planner, times) {
        return Verdict::Held {
            by: reason,
            until: times.until,
        };
    }
    if let Some(by) = hold {
        return Verdict::Held {
            by,
            until: times.until,
        };
    }
    let buyer = &planner.order.details.buyer;
    let send_calendar = SendCalendar {
        hours: &step.hours,
        tz: planner.zone,
        country: buyer.country.as_deref(),
        region: buyer.region.as_deref(),
        holidays: &planner.rules.holidays,
    };
    let allowed = |not_before: Instant| send_calendar.first_allowed(not_before, times.until);
    // Nothing allowed at or behind the target: an earlier minute of the window serves the buyer
    // better than none.
    let earliest = times.from.max(rest_ends(planner, step));
    let Some(moment) = allowed(times.aim).or_else(|| allowed(earliest)) else {
        return missed(step, Reason::NoAllowedTime);
    };
    let send_at = if moment >= now {
        moment
    } else {
        // Late: the next allowed minute from now, if the window still has one.
        match allowed(now) {
            Some(next) => next,
            None => return closed(None),
        }
    };
    trail.add(Reason::ZoneChosen, || {
        format!("{} ({})", planner.zone, planner.zone_source.as_str())
    });
    if send_at != times.aim {
        trail.add(Reason::HoursApplied, || {
            let local = planner.zone.from_utc_datetime(&send_at.naive_utc());
            format!("{} in {}", local.format("%a %Y-%m-%d %H:%M"), planner.zone)
        });
    }
    Verdict::Scheduled {
        from: times.from,
        until: times.until,
        send_at,
    }
}

/// The cap outlasts the window.
fn capped_past(planner: &Planner<'_>, times: &Times) -> Option<Reason> {
    planner
        .standing
        .capped_until
        .filter(|free| *free > times.until)
        .map(|_| Reason::HeldByCap)
}

/// When the rest after a solved problem and the cap are over: no earlier minute will do.
fn rest_ends(planner: &Planner<'_>, step: &Step) -> Instant {
    if step.class() != MailClass::Relationship {
        return crate::clock::from_millis(0);
    }
    let rest = planner
        .order
        .last_solved_at()
        .map(|solved| solved + planner.rules.rest_after_problem.elapsed());
    rest.max(planner.standing.capped_until)
        .unwrap_or(crate::clock::from_millis(0))
}
