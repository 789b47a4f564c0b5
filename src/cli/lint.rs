//! `afternote lint`.

mod jsonl;
mod rules;
pub(super) mod template;

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::Subcommand;
use serde::Serialize;

use crate::{
    clock::{Clock as _, SystemClock},
    config::Config,
    engine::{assemble, linter::Linter},
    lint::{Severity, Verdict, render_human},
    mail::{Locale, MailKind, Platform},
};

use super::{Context, Format, output, start, table::counted};
use template::{Found, NameParts, Source};

/// Arguments of `lint`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 nothing of severity error, 1 something is, 2 the check could not be done.\n\n\
        A line of --jsonl is an object with `text`, `kind` (a mail kind such as review_request) and, where \
        known, `platform`, `locale`, `field` (subject, preheader, body_text, body_html), `vars`, `market`, \
        `destination` and `id`. An unknown platform is judged as the strictest, an unknown locale in \
        every language. The answer is {\"id\",\"verdict\",\"findings\":[{\"rule\",\"name\",\"severity\",\"start\",\
        \"end\",\"message\",\"suggestion\"}]}; start and end count bytes of `text`.\n\n\
        Examples:\n  \
        afternote lint                                  all templates in force\n  \
        afternote lint templates/review_request/en.hbs  one file\n  \
        afternote lint draft.txt --kind review_request --locale en --platform amazon\n  \
        afternote lint --jsonl texts.jsonl\n  \
        afternote lint explain RM001"
)]
pub(super) struct Args {
    /// Template files or folders; none: all templates in force, the built-in ones too.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Check texts instead, one JSON object per line; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "kind", "locale", "platform"])]
    jsonl: Option<PathBuf>,
    /// The mail kind of files whose path does not say it.
    #[arg(long)]
    kind: Option<MailKind>,
    /// The language of files whose name does not say it.
    #[arg(long)]
    locale: Option<Locale>,
    /// Judge by the rules of this platform only; otherwise by those of all enabled channels.
    #[arg(long)]
    platform: Option<Platform>,
    #[command(subcommand)]
    about: Option<About>,
}

#[derive(Debug, Subcommand)]
enum About {
    /// Explain a rule: what it does, why, an example, what to write instead.
    Explain {
        /// Its code or its name: RM001, incentive-for-review.
        rule: String,
    },
    /// List the rules.
    Rules,
}

/// A finding in the JSON document.
#[derive(Serialize)]
struct Row<'a> {
    path: &'a str,
    line: usize,
    column: usize,
    #[serde(flatten)]
    diagnostic: &'a crate::lint::Diagnostic,
    #[serde(skip_serializing_if = "<[Platform]>::is_empty")]
    platforms: &'a [Platform],
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    verdict: Verdict,
    files: usize,
    findings: Vec<Row<'a>>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    match &args.about {
        Some(About::Explain { rule }) => rules::explain(rule, context)?,
        Some(About::Rules) => rules::list(context)?,
        None => {
            // Nothing was checked: that is a failure, not a finding.
            let Ok(config) = start::load_config(context) else {
                return Ok(ExitCode::from(2));
            };
            let linter = assemble::linter(&config)?;
            let today = SystemClock.now().date_naive();
            return match &args.jsonl {
                Some(path) => texts(&linter, today, path),
                None => templates(args, &config, &linter, today, context),
            };
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(
    clippy::print_stderr,
    reason = "standard output holds the answers only"
)]
fn texts(linter: &Linter, today: NaiveDate, path: &Path) -> anyhow::Result<ExitCode> {
    let input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("reading {}", path.display()))?)
    };
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let tally = match jsonl::run(linter, today, input, &mut out) {
        Ok(tally) => tally,
        Err(error) if is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
        Err(error) => return Err(error),
    };
    if tally.bad_lines > 0 {
        eprintln!(
            "afternote: {} of {} could not be read; each answer with `error` names its line",
            tally.bad_lines,
            counted(usize::try_from(tally.lines).unwrap_or(usize::MAX), "line")
        );
        return Ok(ExitCode::from(2));
    }
    Ok(exit(tally.with_errors > 0))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn exit(has_findings: bool) -> ExitCode {
    if has_findings {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    }
}

fn templates(
    args: &Args,
    config: &Config,
    linter: &Linter,
    today: NaiveDate,
    context: &Context,
) -> anyhow::Result<ExitCode> {
    let sources = if args.paths.is_empty() {
        in_force(config, args)?
    } else {
        named(args)?
    };
    let used = match args.platform {
        Some(platform) => vec![platform],
        None if config.is_example() && !args.paths.is_empty() => Vec::new(),
        None => platforms(config),
    };
    let mut found: Vec<(&Source, Found)> = Vec::new();
    for source in &sources {
        let of_source = template::lint(linter, source, &used, today);
        found.extend(of_source.into_iter().map(|found| (source, found)));
    }
    let worst = found
        .iter()
        .map(|(_, found)| found.diagnostic.severity)
        .max();
    if context.format == Format::Json {
        output::json(&document(&sources, &found, worst))?;
    } else {
        print(&sources, &found, &used)?;
    }
    Ok(exit(worst == Some(Severity::Error)))
}

fn document<'a>(
    sources: &[Source],
    found: &'a [(&Source, Found)],
    worst: Option<Severity>,
) -> Document<'a> {
    let verdict = match worst {
        Some(Severity::Error) => Verdict::Error,
        Some(Severity::Warn) => Verdict::Warn,
        _ => Verdict::Pass,
    };
    Document {
        ok: verdict != Verdict::Error,
        verdict,
        files: sources.len(),
        findings: found
            .iter()
            .map(|(source, found)| Row {
                path: &source.path,
                line: found.diagnostic.line,
                column: found.diagnostic.column,
                diagnostic: &found.diagnostic,
                platforms: &found.on,
            })
            .collect(),
    }
}

fn print(sources: &[Source], found: &[(&Source, Found)], used: &[Platform]) -> anyhow::Result<()> {
    for (source, found) in found {
        output::line(&rendered(source, found, used))?;
        output::line("")?;
    }
    let count = |severity| {
        found
            .iter()
            .filter(|(_, found)| found.diagnostic.severity == severity)
            .count()
    };
    let judged_by = if used.is_empty() {
        "the strictest platform".to_owned()
    } else {
        let names: Vec<&str> = used.iter().map(|platform| platform.as_str()).collect();
        names.join(", ")
    };
    output::line(&format!(
        "{} in {}, judged for {judged_by}",
        summary(count(Severity::Error), count(Severity::Warn)),
        counted(sources.len(), "file")
    ))?;
    Ok(())
}

/// `2 errors, 1 warning`, or that there is nothing.
pub(super) fn summary(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "no problems".to_owned(),
        (errors, 0) => counted(errors, "error"),
        (0, warnings) => counted(warnings, "warning"),
        (errors, warnings) => {
            format!(
                "{}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            )
        }
    }
}

/// A finding with its excerpt, caret and suggestion.
pub(super) fn rendered(source: &Source, found: &Found, used: &[Platform]) -> String {
    let mut diagnostic = found.diagnostic.clone();
    diagnostic.message.push_str(&found.on_text(used));
    render_human(&[diagnostic], &source.text, &source.path)
}

/// The platforms of the enabled channels.
pub(super) fn platforms(config: &Config) -> Vec<Platform> {
    let mut platforms: Vec<Platform> = config
        .channels
        .values()
        .filter(|channel| channel.enabled)
        .map(|channel| channel.platform)
        .collect();
    platforms.sort_unstable();
    platforms.dedup();
    platforms
}

/// Every mail in force: the built-in ones under the seller's own.
fn in_force(config: &Config, args: &Args) -> anyhow::Result<Vec<Source>> {
    let files = assemble::templates(config)?;
    let folder = config.templates.dir.as_deref();
    Ok(files
        .iter()
        .filter(|(name, _)| is_handlebars(name))
        .filter_map(|(name, text)| {
            let parts = NameParts::of(name);
            Some(Source {
                path: shown_path(folder, name),
                text: text.to_owned(),
                kind: parts.kind?,
                locale: parts.locale?,
                platform: parts.platform,
            })
        })
        .filter(|source| {
            args.kind.is_none_or(|kind| source.kind == kind)
                && args
                    .locale
                    .as_ref()
                    .is_none_or(|locale| source.locale == *locale)
        })
        .collect())
}

fn is_handlebars(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "hbs")
}

/// Where a template in force lies: in the seller's folder, or compiled in.
pub(super) fn shown_path(folder: Option<&Path>, name: &str) -> String {
    match folder.map(|folder| folder.join(name)) {
        Some(path) if path.exists() => path.display().to_string(),
        _ => format!("built-in templates/{name}"),
    }
}

fn named(args: &Args) -> anyhow::Result<Vec<Source>> {
    let mut files = Vec::new();
    for path in &args.paths {
        let before = files.len();
        collect(path, 0, &mut files).with_context(|| format!("reading {}", path.display()))?;
        if files.len() == before {
            anyhow::bail!(
                "{}: there is no template in it; a template is a file named `<kind>/<locale>.hbs`",
                path.display()
            );
        }
    }
    files
        .into_iter()
        .map(|path| {
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let name = path.display().to_string();
            let parts = NameParts::of(&name);
            let missing = |what: &str| {
                format!("{name}: the path does not say the {what}; say it with --{what}, or name the file `<kind>/<locale>.hbs`")
            };
            Ok(Source {
                text,
                kind: args.kind.or(parts.kind).with_context(|| missing("kind"))?,
                locale: args
                    .locale
                    .clone()
                    .or(parts.locale)
                    .with_context(|| missing("locale"))?,
                platform: args.platform.or(parts.platform),
                path: name,
            })
        })
        .collect()
}

/// A file as it is; of a folder the files of mails, by name.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    if depth > 4 {
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        let name = entry
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let is_mail = || NameParts::of(&entry.display().to_string()).kind.is_some();
        match name {
            Some(name) if name.starts_with('.') => {}
            _ if entry.is_dir() => collect(&entry, depth + 1, files)?,
            Some(name) if is_handlebars(&name) && is_mail() => files.push(entry),
            _ => {}
        }
    }
    Ok(())
}
