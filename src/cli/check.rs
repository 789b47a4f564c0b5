//! `afternote check`: everything that can be known to be wrong before a mail is planned.

mod sequences;
mod templates;

use std::process::ExitCode;

use serde::Serialize;

use crate::{
    clock::{Clock as _, SystemClock},
    config::{Config, LoadOptions, Problem, Severity as ConfigSeverity},
    engine::assemble,
};

use super::{Context, Format, lint::summary, output, table::counted};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Reads configuration, sequences and templates; needs no database and sends nothing.\n\
        Every template is also written with each set of sample data, and the result is read by the\n\
        compliance linter.\n\n\
        Exit codes: 0 no errors (there may be warnings), 1 errors, 2 the check could not be done."
)]
pub(super) struct Args {
    /// Fail on warnings too.
    #[arg(long)]
    strict: bool,
}

/// How much an entry matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Info,
    Warning,
    Error,
}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Entry {
    severity: Level,
    /// The file, variable or channel it is about.
    origin: String,
    /// From 1; 0 where there is no place in a text.
    line: usize,
    column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    message: String,
    hint: Option<String>,
    /// As people read it; empty where the entry before tells it too.
    #[serde(skip)]
    shown: String,
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    errors: usize,
    warnings: usize,
    problems: &'a [Entry],
}

/// What was looked at, for the last line.
#[derive(Debug, Default)]
struct Looked {
    channels: usize,
    templates: usize,
    rendered: usize,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    let color = context.format == Format::Text && output::wants_color_on_stdout();
    let options = LoadOptions::from_process(context.config.clone());
    let mut looked = None;
    let entries = match Config::load(&options) {
        Err(problems) => problems.0.iter().map(|p| of_config(p, color)).collect(),
        Ok(config) => {
            let (entries, done) = of_everything(&config, color)?;
            looked = Some(done);
            entries
        }
    };
    let count = |level| {
        entries
            .iter()
            .filter(|entry| entry.severity == level)
            .count()
    };
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let is_ok = errors == 0 && !(args.strict && warnings > 0);
    match context.format {
        Format::Json => output::json(&Document {
            ok: is_ok,
            errors,
            warnings,
            problems: &entries,
        })?,
        Format::Text => {
            for entry in entries.iter().filter(|entry| !entry.shown.is_empty()) {
                output::styled(&format!("{}\n", entry.shown))?;
            }
            output::line(&last_line(
                errors,
                warnings,
                looked.as_ref(),
                is_example(&options),
            ))?;
        }
    }
    Ok(if is_ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

const fn is_example(options: &LoadOptions) -> bool {
    options.files.is_empty()
}

fn last_line(errors: usize, warnings: usize, looked: Option<&Looked>, is_example: bool) -> String {
    let mut line = summary(errors, warnings);
    match looked {
        None => line.push_str(
            " in the configuration; sequences and templates are checked once it can be read",
        ),
        Some(looked) => {
            line += " in ";
            line += &counted(looked.channels, "enabled channel");
            line += ", ";
            line += &counted(looked.templates, "template");
            if looked.rendered == 0 {
                line += "; mails are written from samples once the templates can be read";
            } else {
                line += " and ";
                line += &counted(looked.rendered, "mail");
                line += " written from samples";
            }
        }
    }
    if is_example {
        line.push_str("\nchecked the built-in example; name your own file with --config");
    }
    line
}

fn of_everything(config: &Config, color: bool) -> anyhow::Result<(Vec<Entry>, Looked)> {
    let today = SystemClock.now().date_naive();
    let linter = assemble::linter(config)?;
    let mut entries: Vec<Entry> = config
        .warnings
        .iter()
        .map(|problem| of_config(problem, color))
        .collect();
    entries.extend(sequences::check(config)?);
    let mut looked = Looked {
        channels: config.channels.values().filter(|c| c.enabled).count(),
        ..Looked::default()
    };
    templates::check(config, &linter, today, &mut entries, &mut looked)?;
    // Notes first, errors last: the end is what a terminal shows.
    entries.sort_by_key(|entry| entry.severity);
    Ok((entries, looked))
}

fn of_config(problem: &Problem, color: bool) -> Entry {
    Entry {
        severity: match problem.severity {
            ConfigSeverity::Warning => Level::Warning,
            ConfigSeverity::Error => Level::Error,
        },
        origin: problem.origin.clone(),
        line: problem.line,
        column: problem.column,
        path: Some(problem.path.clone()).filter(|path| !path.is_empty()),
        rule: None,
        message: problem.message.clone(),
        hint: problem.hint.clone(),
        shown: problem.render(color),
    }
}
