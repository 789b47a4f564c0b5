//! The rules in the order they are asked, for one mail at a time.

use chrono_tz::Tz;

use crate::{
    clock::Instant,
    mail::{MailClass, MailKind},
    order::{Closed, NoAddress, Order, Stamp, event::StepOrder},
    policy::Permission,
    sequence::{Anchor, Decision, Reason, Scope, Step, Verdict, zone::ZoneSource},
};

use super::{
    BuyerStanding, ChannelRules, Detail,
    instance::{Instance, instances},
    ledger::Ledger,
    relationship, supersede, timing,
    trail::Trail,
};

/// Everything a decision may look at.
pub(super) struct Planner<'a> {
    pub(super) order: &'a Order,
    pub(super) rules: &'a ChannelRules,
    pub(super) ledger: &'a Ledger,
    pub(super) standing: &'a BuyerStanding,
    pub(super) now: Instant,
    pub(super) zone: Tz,
    pub(super) zone_source: ZoneSource,
    pub(super) detail: Detail,
    pub(super) decisions: Vec<Decision>,
}

impl Planner<'_> {
    pub(super) fn decide_step(&mut self, step: &Step) {
        for instance in instances(self.order, self.ledger, step, self.zone) {
            for (revision, asked_at) in self.revisions(step, &instance.scope) {
                let decision = self.decide(step, &instance, revision, asked_at);
                self.decisions.push(decision);
            }
        }
    }

    /// Revision 0, and one more for each resend an operator asked for.
    fn revisions(&self, step: &Step, scope: &Scope) -> Vec<(u32, Option<Instant>)> {
        let mut revisions = vec![(0, None)];
        for (at, asked) in &self.order.resends {
            if names(asked, step, scope)
                && let Some(revision) = asked.revision
                && revision > 0
            {
                revisions.push((revision, Some(*at)));
            }
        }
        revisions.sort_unstable();
        revisions.dedup_by_key(|(revision, _)| *revision);
        revisions
    }

    fn decide(
        &self,
        step: &Step,
        instance: &Instance,
        revision: u32,
        asked_at: Option<Instant>,
    ) -> Decision {
        let mut trail = Trail::new(self.detail == Detail::Reasons);
        let anchor = instance.anchor.ok();
        if let Some(stamp) = anchor {
            trail.add(Reason::AnchorSeen, || anchor_text(step.anchor, &stamp));
        }
        if let Some(at) = asked_at {
            trail.add(Reason::Resent, || format!("asked for at {}", utc(at)));
        }
        let verdict = self.verdict(step, instance, revision, asked_at, &mut trail);
        Decision {
            step: step.id.clone(),
            kind: step.kind,
            scope: instance.scope.clone(),
            revision,
            anchored_at: anchor.map(|stamp| stamp.at),
            parcels: instance.parcels.clone(),
            verdict,
            because: trail.into_links(),
        }
    }

    fn verdict(
        &self,
        step: &Step,
        instance: &Instance,
        revision: u32,
        asked_at: Option<Instant>,
        trail: &mut Trail,
    ) -> Verdict {
        let entry = self.ledger.entry(&step.id, &instance.scope, revision);
        if entry.is_some_and(|entry| !entry.state.is_open()) {
            return Verdict::Done;
        }
        if let Some(reason) = self.never_sent(step, instance, trail) {
            return Verdict::Skipped { reason };
        }
        let anchor = match instance.anchor {
            Ok(anchor) => anchor,
            // What an order that has ended waits for will not come.
            Err(for_) => {
                return match closed_reason(self.order, step) {
                    Some(reason) => Verdict::Skipped { reason },
                    None => Verdict::Waiting { for_ },
                };
            }
        };
        if let Some(reason) = self.not_for_this_order(step, instance, &anchor, asked_at, trail) {
            return Verdict::Skipped { reason };
        }
        if let Some(verdict) = supersede::overtaken(self, step, instance) {
            return verdict;
        }
        let window = timing::window(self, step, instance, &anchor, asked_at, trail);
        let hold = match step.class() {
            MailClass::Transactional => self.held(step),
            MailClass::Relationship => match relationship::standing(self, step, revision, trail) {
                relationship::Standing::Clear => self.held(step),
                relationship::Standing::Held(reason) => Some(reason),
                relationship::Standing::Never(reason) => return Verdict::Skipped { reason },
                relationship::Standing::WaitsForStep => {
                    return if self.now > window.until {
                        missed(step, Reason::ExpiredWaitingForStep)
                    } else {
                        Verdict::Waiting {
                            for_: Reason::WaitingForStep,
                        }
                    };
                }
            },
        };
        timing::schedule(self, step, &window, hold, trail)
    }

    /// Rules that hold for the step whatever the order says.
    fn never_sent(&self, step: &Step, instance: &Instance, trail: &mut Trail) -> Option<Reason> {
        if step.kind == MailKind::ComplaintReply {
            return Some(Reason::NotWritten);
        }
        if !step.enabled {
            return Some(Reason::StepDisabled);
        }
        let carrier = instance
            .parcels
            .first()
            .and_then(|r| self.order.parcel(r))
            .and_then(|p| p.shipment.carrier.as_deref());
        let ruling =
            self.rules
                .policy
                .check(&self.rules.name, self.rules.platform, step.kind, carrier);
        match ruling.permission {
            Permission::Forbid => {
                trail.add(Reason::ChannelPolicy, || {
                    format!("{}: {}", ruling.rule.name, ruling.why)
                });
                return Some(Reason::ChannelPolicy);
            }
            Permission::Ask => {
                trail.add(Reason::ChannelPolicyAsk, || {
                    format!("{}: {}", ruling.rule.name, ruling.why)
                });
                return Some(Reason::ChannelPolicyAsk);
            }
            Permission::Allow => trail.add(Reason::PolicyAllows, || ruling.rule.name.to_owned()),
        }
        if step.sent_by_shop || self.rules.sent_by_shop.contains(&step.kind) {
            return Some(Reason::ShopSendsIt);
        }
        if !self.rules.with_template.contains(&step.kind) {
            return Some(Reason::NoTemplate);
        }
        None
    }

    /// Rules about the order's own facts.
    fn not_for_this_order(
        &self,
        step: &Step,
        instance: &Instance,
        anchor: &Stamp,
        asked_at: Option<Instant>,
        trail: &mut Trail,
    ) -> Option<Reason> {
        let order = self.order;
        if order.is_test {
            return Some(Reason::TestOrder);
        }
        if order
            .skipped_steps
            .iter()
            .any(|asked| names(asked, step, &instance.scope))
            && asked_at.is_none()
        {
            return Some(Reason::OperatorSkipped);
        }
        if anchor.backfill && asked_at.is_none() && !self.is_activated(step, anchor) {
            return Some(Reason::Backfill);
        }
        if let Err(missing) = order.address() {
            return Some(match missing {
                NoAddress::Missing => Reason::NoAddress,
                NoAddress::Invalid(_) => Reason::InvalidAddress,
            });
        }
        let is_relationship = step.class() == MailClass::Relationship;
        if self.standing.is_suppressed
            || (is_relationship && self.standing.is_suppressed_for_relationship)
        {
            return Some(Reason::Suppressed);
        }
        if let Some(fact) = unmet_condition(order, step, instance) {
            trail.add(Reason::ConditionNotMet, || fact.to_owned());
            return Some(Reason::ConditionNotMet);
        }
        if let Some(reason) = instance.moot {
            return Some(reason);
        }
        closed_reason(order, step)
    }

    /// Whether history was activated late enough for this mail to be of use still.
    fn is_activated(&self, step: &Step, anchor: &Stamp) -> bool {
        self.order.activated_at.is_some_and(|activated| {
            step.class() == MailClass::Relationship
                || anchor.at + self.rules.activation_age.elapsed() >= activated
        })
    }

    /// Stops that hold every class of mail.
    fn held(&self, step: &Step) -> Option<Reason> {
        if self.standing.is_paused {
            return Some(Reason::HeldByPause);
        }
        let is_operator_hold =
            |problem: &crate::order::OpenProblem| problem.kind == crate::order::ProblemKind::Hold;
        // A person stopped the whole order: not even transactional mail goes.
        (step.class() == MailClass::Transactional
            && self.order.open_problems().iter().any(is_operator_hold))
        .then_some(Reason::HeldByOperator)
    }
}

/// Whether an operator's order names this mail.
pub(super) fn names(asked: &StepOrder, step: &Step, scope: &Scope) -> bool {
    asked.step == step.id
        && asked
            .scope
            .as_deref()
            .is_none_or(|text| text.parse().is_ok_and(|asked: Scope| asked == *scope))
}

/// The verdict for a mail whose time passed.
pub(super) fn missed(step: &Step, reason: Reason) -> Verdict {
    Verdict::Expired {
        reason: match step.on_missed {
            crate::sequence::OnMissed::Expire => reason,
            crate::sequence::OnMissed::Operator => Reason::NeedsOperator,
        },
    }
}

/// The first fact of the step's condition the order does not meet.
fn unmet_condition(order: &Order, step: &Step, instance: &Instance) -> Option<&'static str> {
    let when = &step.when;
    let details = &order.details;
    let country = details
        .buyer
        .country
        .as_deref()
        .map(str::to_ascii_uppercase);
    let is_in = |set: &std::collections::BTreeSet<String>| {
        country
            .as_ref()
            .is_some_and(|c| set.iter().any(|s| s.eq_ignore_ascii_case(c)))
    };
    let has_tag =
        |set: &std::collections::BTreeSet<String>| details.tags.iter().any(|tag| set.contains(tag));
    let carriers: Vec<&str> = order
        .parcels
        .iter()
        .filter(|p| instance.parcels.is_empty() || instance.parcels.contains(&p.parcel_ref))
        .filter_map(|p| p.shipment.carrier.as_deref())
        .collect();
    let has_carrier = |set: &std::collections::BTreeSet<String>| {
        carriers
            .iter()
            .any(|c| set.iter().any(|s| s.eq_ignore_ascii_case(c)))
    };
    let several = order.parcels.iter().filter(|p| p.is_live()).count() > 1;
    let cash_on_delivery = order
        .paid
        .as_ref()
        .is_some_and(|(_, payment)| payment.method.as_deref().is_some_and(is_cash_on_delivery));
    let checks = [
        (
            "countries",
            when.countries.is_empty() || is_in(&when.countries),
        ),
        (
            "not_countries",
            when.not_countries.is_empty() || !is_in(&when.not_countries),
        ),
        ("tags", when.tags.is_empty() || has_tag(&when.tags)),
        (
            "not_tags",
            when.not_tags.is_empty() || !has_tag(&when.not_tags),
        ),
        (
            "min_total",
            when.min_total
                .is_none_or(|least| details.total.is_some_and(|total| total >= least)),
        ),
        (
            "carriers",
            when.carriers.is_empty() || has_carrier(&when.carriers),
        ),
        (
            "not_carriers",
            when.not_carriers.is_empty() || !has_carrier(&when.not_carriers),
        ),
        (
            "several_parcels",
            when.several_parcels.is_none_or(|wanted| wanted == several),
        ),
        (
            "cash_on_delivery",
            when.cash_on_delivery
                .is_none_or(|wanted| wanted == cash_on_delivery),
        ),
    ];
    checks
        .into_iter()
        .find(|(_, is_met)| !is_met)
        .map(|(name, _)| name)
}

fn is_cash_on_delivery(method: &str) -> bool {
    matches!(
        method.to_ascii_lowercase().as_str(),
        "cod" | "cash_on_delivery"
    )
}

/// Why a closed order does not get this mail. News about the end itself always go.
fn closed_reason(order: &Order, step: &Step) -> Option<Reason> {
    let (_, closed) = order.closed?;
    let tells_of_the_end = matches!(
        step.kind,
        MailKind::Refund | MailKind::Cancelled | MailKind::Returned
    );
    // A lost order is still owed its delay notice; the refund follows.
    let is_news_of_loss = closed == Closed::Lost && step.kind == MailKind::Delay;
    if tells_of_the_end || is_news_of_loss {
        return None;
    }
    Some(match closed {
        Closed::Cancelled => Reason::OrderCancelled,
        Closed::Refunded => Reason::OrderRefunded,
        Closed::Returned => Reason::OrderReturned,
        Closed::Lost => Reason::OrderLost,
    })
}

pub(super) fn utc(at: Instant) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn anchor_text(anchor: Anchor, stamp: &Stamp) -> String {
    let name = serde_json::to_value(anchor)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default();
    let precision = match stamp.precision {
        crate::order::TimePrecision::Day => ", only the day is known",
        _ => "",
    };
    format!("{name} at {}{precision}", utc(stamp.at))
}
