//! Before mails are switched on: how many that would send, and a person's word for it (O1).

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
};

use anyhow::{Context as _, bail};
use chrono::NaiveDate;

use crate::{
    cli::{
        Format, output,
        table::{Table, counted},
    },
    config::Activation,
    engine::{Engine, import::ImportFile},
    plan::simulate::Simulated,
};

/// Whether a person agreed to the mails these files would send.
pub(super) async fn agree(
    engine: &Engine,
    files: &[ImportFile<'_>],
    yes: Option<usize>,
    limits: &Activation,
    format: Format,
) -> anyhow::Result<bool> {
    let mails = engine.preview_activation(files).await?;
    let by_day = by_day(&mails);
    let total = mails.len();
    if format == Format::Text {
        show(&by_day, total)?;
    }
    let busiest = busiest(&by_day);
    let above = busiest.filter(|(_, count)| *count > limits.daily_cap as usize);
    match (yes, above) {
        (Some(number), _) if number == total => Ok(true),
        (Some(number), _) => bail!(
            "--yes says {number}, but {} would be sent; look at them, then say --yes {total}",
            counted(total, "mail")
        ),
        _ if total == 0 => Ok(true),
        (None, Some((day, count))) => bail!(
            "{count} mails on {day} are above send.activation.daily_cap = {}; import in parts, raise it, or say --yes {total} if that is meant",
            limits.daily_cap
        ),
        (None, None) => asked(total, format),
    }
}

type ByDay = BTreeMap<NaiveDate, BTreeMap<String, usize>>;

/// Counts by the day in UTC, and by step.
fn by_day(mails: &[Simulated]) -> ByDay {
    let mut days = ByDay::new();
    for mail in mails {
        *days
            .entry(mail.at.date_naive())
            .or_default()
            .entry(mail.decision.step.clone())
            .or_default() += 1;
    }
    days
}

fn busiest(days: &ByDay) -> Option<(NaiveDate, usize)> {
    days.iter()
        .map(|(day, steps)| (*day, steps.values().sum()))
        .max_by_key(|(_, count)| *count)
}

fn show(days: &ByDay, total: usize) -> anyhow::Result<()> {
    if total == 0 {
        output::line(
            "switching mails on for these orders sends nothing: none of them is of use any more, or all were sent",
        )?;
        return Ok(());
    }
    let mut table = Table::new(&["day (UTC)", "step", "mails"]);
    for (day, steps) in days {
        for (step, count) in steps {
            table.row(vec![day.to_string(), step.clone(), count.to_string()]);
        }
    }
    output::line(&table.render())?;
    output::line(&format!(
        "\nswitching mails on for these orders would send {}, if nothing else happens to them",
        counted(total, "mail")
    ))?;
    Ok(())
}

/// Asks for the number: a `y` is typed without reading.
fn asked(total: usize, format: Format) -> anyhow::Result<bool> {
    if format == Format::Json || !io::stdin().is_terminal() {
        bail!(
            "{} would be sent; nobody can be asked here, so say --yes {total} if that is meant",
            counted(total, "mail")
        );
    }
    let mut out = io::stdout().lock();
    write!(out, "type {total} to go on, anything else to leave it: ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("the answer cannot be read")?;
    Ok(answer.trim() == total.to_string())
}
