//! Two configurations over the same orders: what changes for the buyers.

use std::{collections::BTreeMap, process::ExitCode};

use serde::Serialize;

use crate::{
    cli::{
        Context, Format, output,
        table::{counted, iso, utc},
    },
    engine::explain::local,
    plan::simulate::Simulated,
};

use super::{Outcome, report};

#[derive(Serialize)]
struct Document<'a> {
    from: String,
    to: String,
    orders: usize,
    added: Vec<report::Mail<'a>>,
    removed: Vec<report::Mail<'a>>,
    moved: Vec<Moved<'a>>,
    unchanged: usize,
}

#[derive(Serialize)]
struct Moved<'a> {
    #[serde(flatten)]
    mail: report::Mail<'a>,
    was_at: String,
    was_local: String,
}

/// A mail whatever its time: channel, order, step, scope, revision.
type Key<'a> = (&'a str, &'a str, &'a str, String, u32);

/// What one configuration does differently from another.
struct Difference<'a> {
    added: Vec<&'a Simulated>,
    removed: Vec<&'a Simulated>,
    /// Before and after.
    moved: Vec<(&'a Simulated, &'a Simulated)>,
    unchanged: usize,
}

pub(super) fn print(
    before: &Outcome,
    after: &Outcome,
    context: &Context,
) -> anyhow::Result<ExitCode> {
    let difference = difference(&before.mails, &after.mails);
    if context.format == Format::Json {
        output::json(&document(before, &difference))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines: Vec<(crate::clock::Instant, String)> = Vec::new();
    for mail in &difference.added {
        lines.push((mail.at, format!("+ {}", told(mail))));
    }
    for mail in &difference.removed {
        lines.push((mail.at, format!("- {}", told(mail))));
    }
    for (was, mail) in &difference.moved {
        let text = format!("~ {}, was {}", told(mail), local(was.at, was.zone));
        lines.push((mail.at, text));
    }
    lines.sort();
    for (_, line) in &lines {
        output::line(line)?;
    }
    if !lines.is_empty() {
        output::line("")?;
    }
    output::line(&format!(
        "{} from {} to {}: {} added, {} removed, {} moved, {} unchanged",
        counted(before.orders, "order"),
        utc(before.span.from),
        utc(before.span.to),
        difference.added.len(),
        difference.removed.len(),
        difference.moved.len(),
        difference.unchanged,
    ))?;
    report::notes(before);
    Ok(ExitCode::SUCCESS)
}

fn told(mail: &Simulated) -> String {
    format!(
        "{}  {} {}  {}",
        local(mail.at, mail.zone),
        mail.channel,
        mail.order_ref,
        report::what(mail)
    )
}

fn document<'a>(before: &Outcome, difference: &Difference<'a>) -> Document<'a> {
    let mails = |list: &[&'a Simulated]| list.iter().copied().map(report::mail).collect();
    Document {
        from: iso(before.span.from),
        to: iso(before.span.to),
        orders: before.orders,
        added: mails(&difference.added),
        removed: mails(&difference.removed),
        moved: difference
            .moved
            .iter()
            .map(|(was, mail)| Moved {
                mail: report::mail(mail),
                was_at: iso(was.at),
                was_local: local(was.at, was.zone),
            })
            .collect(),
        unchanged: difference.unchanged,
    }
}

fn difference<'a>(before: &'a [Simulated], after: &'a [Simulated]) -> Difference<'a> {
    let mut was = by_key(before);
    let mut difference = Difference {
        added: Vec::new(),
        removed: Vec::new(),
        moved: Vec::new(),
        unchanged: 0,
    };
    for (key, mail) in by_key(after) {
        match was.remove(&key) {
            None => difference.added.push(mail),
            Some(old) if old.at == mail.at => difference.unchanged += 1,
            Some(old) => difference.moved.push((old, mail)),
        }
    }
    difference.removed = was.into_values().collect();
    difference.added.sort_by_key(|mail| mail.at);
    difference.removed.sort_by_key(|mail| mail.at);
    difference.moved.sort_by_key(|(_, mail)| mail.at);
    difference
}

fn by_key(mails: &[Simulated]) -> BTreeMap<Key<'_>, &Simulated> {
    mails
        .iter()
        .filter(|mail| mail.is_sent)
        .map(|mail| {
            let decision = &mail.decision;
            let key = (
                mail.channel.as_str(),
                mail.order_ref.as_str(),
                decision.step.as_str(),
                decision.scope.to_string(),
                decision.revision,
            );
            (key, mail)
        })
        .collect()
}
