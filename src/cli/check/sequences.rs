//! The sequence of each enabled channel against what its platform allows (CH001 to CH006).

use crate::{
    config::Config,
    engine::assemble,
    lint::{
        Diagnostic, Severity,
        sequence::{Permission, StepFacts, check_sequence},
    },
    policy::{self, Ruling},
    sequence::{Anchor, OrderCondition, ScopeKind, Step},
};

use super::{Entry, Level};

pub(super) fn check(config: &Config) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (name, channel) in config.channels.iter().filter(|(_, c)| c.enabled) {
        let Some(sequence) = config.sequence_of(name) else {
            continue;
        };
        let policy = assemble::policy(name, channel)?;
        let mut facts = Vec::new();
        let (mut forbidden, mut asking) = (Vec::new(), Vec::new());
        for step in sequence
            .steps
            .iter()
            .filter(|s| s.enabled && !s.sent_by_shop)
        {
            let ruling = policy.check(name, channel.platform, step.kind, None);
            match ruling.permission {
                // Never sent: the plan skips it, so there is nothing to object to.
                policy::Permission::Forbid => forbidden.push(step.id.as_str()),
                policy::Permission::Ask => asking.push(step.id.as_str()),
                policy::Permission::Allow => facts.push(facts_of(step, &ruling)),
            }
        }
        let found = check_sequence(Some(channel.platform), &facts);
        entries.extend(found.into_iter().map(|found| of_rule(name, found)));
        let what = "its platform forbids these mails, so they are skipped";
        entries.extend(note(
            name,
            &forbidden,
            what,
            "`afternote why` names the rule for each",
        ));
        let what = "these mails are skipped until you agree to them";
        let hint = format!("add [[channels.{name}.policy]] with kind, permission, reason and by");
        entries.extend(note(name, &asking, what, &hint));
    }
    Ok(entries)
}

fn facts_of<'a>(step: &'a Step, ruling: &Ruling<'_>) -> StepFacts<'a> {
    // What the platform forbids and the seller allowed for a stated reason stays a warning.
    let is_exception =
        ruling.overridden.is_some() && ruling.rule.permission != policy::Permission::Allow;
    let hours = |minutes: i64, up: i64| u32::try_from((minutes + up).div_euclid(60)).unwrap_or(0);
    StepFacts {
        id: &step.id,
        kind: step.kind,
        permission: if is_exception {
            Permission::Ask
        } else {
            Permission::Allow
        },
        per_parcel: step.scope != ScopeKind::Order,
        from_delivery: step.anchor == Anchor::Delivered,
        window_hours: (
            hours(step.window.from.as_minutes(), 0),
            hours(step.window.to.as_minutes(), 59),
        ),
        after: step.after.as_deref(),
        conditions: conditions(&step.when),
    }
}

/// The facts a condition reads.
fn conditions(when: &OrderCondition) -> Vec<&'static str> {
    [
        (!when.countries.is_empty(), "countries"),
        (!when.not_countries.is_empty(), "not_countries"),
        (!when.tags.is_empty(), "tags"),
        (!when.not_tags.is_empty(), "not_tags"),
        (when.min_total.is_some(), "min_total"),
        (!when.carriers.is_empty(), "carriers"),
        (!when.not_carriers.is_empty(), "not_carriers"),
        (when.several_parcels.is_some(), "several_parcels"),
        (when.cash_on_delivery.is_some(), "cash_on_delivery"),
    ]
    .into_iter()
    .filter_map(|(is_read, name)| is_read.then_some(name))
    .collect()
}

fn of_rule(channel: &str, found: Diagnostic) -> Entry {
    let severity = match found.severity {
        Severity::Error => Level::Error,
        Severity::Warn => Level::Warning,
        Severity::Info => Level::Info,
    };
    let word = if severity == Level::Error {
        "error"
    } else {
        "warning"
    };
    Entry {
        severity,
        shown: format!(
            "{word}[{}]: channels.{channel}: {}\n  = help: {}",
            found.rule.code(),
            found.message,
            found.suggestion
        ),
        origin: format!("channels.{channel}"),
        line: 0,
        column: 0,
        path: None,
        rule: Some(found.rule.code()),
        message: found.message,
        hint: Some(found.suggestion),
    }
}

fn note(channel: &str, steps: &[&str], what: &str, hint: &str) -> Option<Entry> {
    if steps.is_empty() {
        return None;
    }
    let message = format!("{what}: {}", steps.join(", "));
    Some(Entry {
        severity: Level::Info,
        shown: format!("note: channels.{channel}: {message}\n  = help: {hint}"),
        origin: format!("channels.{channel}"),
        line: 0,
        column: 0,
        path: None,
        rule: None,
        message,
        hint: Some(hint.to_owned()),
    })
}
