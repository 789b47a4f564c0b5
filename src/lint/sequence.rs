//! Checks of a whole sequence, which need no wording (CH001, CH002, CH003, CH006).
//!
//! Pure functions over plain inputs; the check of the configuration calls them. What a channel
//! permits is told by the caller: the table belongs to the channel policy.

use super::{Diagnostic, Rule, Severity, mood::is_mood_fact};
use crate::mail::{MailKind, Platform};

/// Whether a channel's policy lets a mail kind be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may be sent.
    Allow,
    /// It must not be sent.
    Forbid,
    /// Only with a permission that someone recorded.
    Ask,
}

/// One step of a sequence, as far as these checks look at it.
#[derive(Debug, Clone)]
pub struct StepFacts<'a> {
    /// The step's id, named in messages.
    pub id: &'a str,
    /// Which mail it sends.
    pub kind: MailKind,
    /// What the channel's policy says to that kind.
    pub permission: Permission,
    /// Whether the step runs once for each parcel instead of once for the order.
    pub per_parcel: bool,
    /// Whether the step's window counts from delivery.
    pub from_delivery: bool,
    /// The window, in whole hours after its anchor.
    pub window_hours: (u32, u32),
    /// The id of the step that must have gone before, if one is named.
    pub after: Option<&'a str>,
    /// Names of the facts its conditions read.
    pub conditions: Vec<&'a str>,
}

/// When a platform takes review requests, in hours after delivery.
///
/// Amazon: day 5 to day 30 (Solicitations API). The other marketplaces count their feedback
/// periods from the purchase; the day named here leaves room for the delivery.
pub const fn request_hours(platform: Option<Platform>) -> (u32, u32) {
    match platform {
        Some(Platform::Amazon) | None => (5 * 24, 30 * 24),
        Some(Platform::Ebay | Platform::Allegro | Platform::Aliexpress) => (0, 30 * 24),
        Some(Platform::Etsy | Platform::Walmart | Platform::Shop) => (0, 90 * 24),
    }
}

/// All checks of a sequence, in the order of its steps.
pub fn check_sequence(platform: Option<Platform>, steps: &[StepFacts<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut requests = 0_u32;
    for step in steps {
        found.extend(kind_not_allowed(step));
        if step.kind != MailKind::ReviewRequest {
            continue;
        }
        requests += 1;
        found.extend(outside_window(platform, step, steps));
        if requests > 1 || step.per_parcel {
            found.push(repeated(step));
        }
        found.extend(audience_by_mood(step));
    }
    found
}

/// CH001: the channel does not allow the kind; a warning where it takes a recorded permission.
fn kind_not_allowed(step: &StepFacts<'_>) -> Option<Diagnostic> {
    let severity = match step.permission {
        Permission::Allow => return None,
        Permission::Forbid => Severity::Error,
        Permission::Ask => Severity::Warn,
    };
    let what = match step.permission {
        Permission::Ask => "may be sent on this channel only with a recorded permission",
        _ => "may not be sent on this channel",
    };
    let message = format!("step `{}`: a mail of kind `{}` {what}", step.id, step.kind);
    Some(diagnostic(Rule::KindNotAllowed, severity, message))
}

/// CH002: the request can go too early, too late, or before the follow-up.
fn outside_window(
    platform: Option<Platform>,
    step: &StepFacts<'_>,
    steps: &[StepFacts<'_>],
) -> Option<Diagnostic> {
    let (from, to) = request_hours(platform);
    let follows = step.after.is_some_and(|after| {
        steps
            .iter()
            .any(|other| other.id == after && other.kind == MailKind::FollowUp)
    });
    let fault = if !step.from_delivery {
        "its window must count from delivery".to_owned()
    } else if step.window_hours.0 < from || step.window_hours.1 > to {
        format!(
            "its window reaches outside day {} to day {} after delivery",
            from / 24,
            to / 24
        )
    } else if !follows {
        "it does not wait for a follow-up; name that step in `after`".to_owned()
    } else {
        return None;
    };
    let message = format!(
        "step `{}`: the review request is at the wrong time: {fault}",
        step.id
    );
    Some(diagnostic(
        Rule::RequestOutsideWindow,
        Severity::Error,
        message,
    ))
}

/// CH003: a further request for the same order.
fn repeated(step: &StepFacts<'_>) -> Diagnostic {
    let message = if step.per_parcel {
        format!(
            "step `{}`: one review request per parcel asks a buyer of several parcels again",
            step.id
        )
    } else {
        format!("step `{}`: the sequence already asks for a review", step.id)
    };
    diagnostic(Rule::RepeatedReviewRequest, Severity::Error, message)
}

/// CH006: a condition on the buyer's mood.
fn audience_by_mood(step: &StepFacts<'_>) -> Option<Diagnostic> {
    let fact = step.conditions.iter().find(|name| is_mood_fact(name))?;
    let message = format!(
        "step `{}`: the condition on `{fact}` chooses who is asked by mood, score or complaint",
        step.id
    );
    Some(diagnostic(Rule::AudienceByMood, Severity::Error, message))
}

fn diagnostic(rule: Rule, severity: Severity, message: String) -> Diagnostic {
    Diagnostic {
        rule,
        severity,
        field: 0,
        field_kind: None,
        source: None,
        span: 0..0,
        line: 1,
        column: 1,
        excerpt: String::new(),
        message,
        suggestion: rule.about().instead.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow_up() -> StepFacts<'static> {
        StepFacts {
            id: "follow_up",
            kind: MailKind::FollowUp,
            permission: Permission::Allow,
            per_parcel: false,
            from_delivery: true,
            window_hours: (48, 120),
            after: None,
            conditions: Vec::new(),
        }
    }

    fn request() -> StepFacts<'static> {
        StepFacts {
            id: "review",
            kind: MailKind::ReviewRequest,
            window_hours: (7 * 24, 14 * 24),
            after: Some("follow_up"),
            ..follow_up()
        }
    }

    fn check(platform: Platform, steps: &[StepFacts<'_>], expected: &[(&str, Severity)]) {
        let found: Vec<(&str, Severity)> = check_sequence(Some(platform), steps)
            .iter()
            .map(|d| (d.rule.code(), d.severity))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_default_sequence_is_clean_on_every_platform() {
        for platform in Platform::ALL {
            check(platform, &[follow_up(), request()], &[]);
        }
    }

    #[test]
    fn forbidden_kinds_are_errors_and_those_to_ask_for_are_warnings() {
        let step = |permission| StepFacts {
            permission,
            ..follow_up()
        };
        check(
            Platform::Allegro,
            &[step(Permission::Forbid)],
            &[("CH001", Severity::Error)],
        );
        check(
            Platform::Allegro,
            &[step(Permission::Ask)],
            &[("CH001", Severity::Warn)],
        );
    }

    #[test]
    fn a_request_outside_its_window_or_before_the_follow_up_is_an_error() {
        let late = [("CH002", Severity::Error)];
        let early = StepFacts {
            window_hours: (72, 240),
            ..request()
        };
        check(Platform::Amazon, &[follow_up(), early.clone()], &late);
        check(Platform::Shop, &[follow_up(), early], &[]);
        check(
            Platform::Shop,
            &[StepFacts {
                after: None,
                ..request()
            }],
            &late,
        );
        check(Platform::Shop, &[request()], &late);
        let shipped = StepFacts {
            from_delivery: false,
            ..request()
        };
        check(Platform::Shop, &[follow_up(), shipped], &late);
    }

    #[test]
    fn a_second_request_for_an_order_is_an_error() {
        let twice = [("CH003", Severity::Error)];
        check(Platform::Shop, &[follow_up(), request(), request()], &twice);
        let per_parcel = StepFacts {
            per_parcel: true,
            ..request()
        };
        check(Platform::Shop, &[follow_up(), per_parcel], &twice);
    }

    #[test]
    fn an_audience_by_mood_is_an_error_and_one_by_order_facts_is_not() {
        let by = |name| StepFacts {
            conditions: vec![name],
            ..request()
        };
        let error = [("CH006", Severity::Error)];
        check(Platform::Shop, &[follow_up(), by("survey_score")], &error);
        check(Platform::Shop, &[follow_up(), by("open_complaint")], &error);
        check(Platform::Shop, &[follow_up(), by("ship_to_country")], &[]);
    }
}
