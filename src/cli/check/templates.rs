//! Templates: their faults, their wording, and the mails they make of the sample data.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use annotate_snippets::{AnnotationKind, Level as Title, Renderer, Snippet};
use chrono::NaiveDate;

use crate::{
    cli::lint::{
        platforms, rendered, shown_path,
        template::{self, NameParts, Source},
    },
    config::{self, Config},
    engine::{assemble, linter::Linter},
    lint::{Destination, Diagnostic, Draft, Field, FieldKind, Profile, Rule, Severity},
    mail::{Locale, MailKind, Platform},
    render::{
        Catalogue, LocaleChain, MailContext, Rendered, TemplateFiles, TemplateProblem, Wanted,
        context::{Part, samples},
    },
};

use super::{Entry, Level, Looked};

/// A rule in a part of a template: one report for it, wherever and how often it is found.
type Known = BTreeSet<(String, Rule, Severity)>;

pub(super) fn check(
    config: &Config,
    linter: &Linter,
    today: NaiveDate,
    entries: &mut Vec<Entry>,
    looked: &mut Looked,
) -> anyhow::Result<()> {
    let files = assemble::templates(config)?;
    let folder = config.templates.dir.as_deref();
    let used = platforms(config);
    let mut known = Known::new();
    for (name, text) in files.iter() {
        let Some(source) = source(&shown_path(folder, name), name, text) else {
            continue;
        };
        looked.templates += 1;
        for found in template::lint(linter, &source, &used, today) {
            let diagnostic = &found.diagnostic;
            known.insert((name.to_owned(), diagnostic.rule, diagnostic.severity));
            entries.push(Entry {
                shown: rendered(&source, &found, &used),
                ..of_rule(&source.path, diagnostic, &found.on_text(&used))
            });
        }
    }
    let catalogue = match Catalogue::load(&files, &assemble::wanted(config)) {
        Ok(catalogue) => Ok(catalogue),
        Err(problems) => {
            let (missing, faults): (Vec<_>, Vec<_>) = problems
                .into_iter()
                .partition(|problem| files.get(&problem.file).is_none());
            for problem in &faults {
                let origin = shown_path(folder, &problem.file);
                entries.push(of_problem(problem, &files, &origin));
            }
            entries.extend(of_missing(&missing, folder));
            // What is there can be written while translations are still missing.
            Catalogue::load(&files, &Wanted::default())
        }
    };
    let Ok(catalogue) = catalogue else {
        return Ok(());
    };
    let mut check = Samples {
        config,
        linter,
        today,
        catalogue: &catalogue,
        known,
        done: BTreeSet::new(),
        entries,
        looked,
    };
    for (name, channel) in config.channels.iter().filter(|(_, c)| c.enabled) {
        check.channel(name, channel);
    }
    Ok(())
}

/// A file as the linter reads it: mails, and the parts mails are put together from.
fn source(path: &str, name: &str, text: &str) -> Option<Source> {
    let parts = NameParts::of(name);
    // A partial may stand in any mail; a review request is judged most strictly.
    let is_part = name.starts_with("partials/") || name.starts_with("words/");
    let kind = parts
        .kind
        .or_else(|| is_part.then_some(MailKind::ReviewRequest))?;
    Some(Source {
        path: path.to_owned(),
        text: text.to_owned(),
        kind,
        locale: parts.locale.unwrap_or_else(Locale::english),
        platform: parts.platform,
    })
}

/// Writes every mail a channel may send with every sample, and reads the result.
struct Samples<'a> {
    config: &'a Config,
    linter: &'a Linter,
    today: NaiveDate,
    catalogue: &'a Catalogue,
    known: Known,
    /// Templates that were written for a platform and a review page already.
    done: BTreeSet<(String, Platform, Option<String>)>,
    entries: &'a mut Vec<Entry>,
    looked: &'a mut Looked,
}

impl Samples<'_> {
    fn channel(&mut self, name: &str, channel: &config::Channel) {
        let Some(sequence) = self.config.sequence_of(name) else {
            return;
        };
        let kinds: BTreeSet<MailKind> = sequence
            .steps
            .iter()
            .filter(|step| step.enabled && !step.sent_by_shop)
            .map(|step| step.kind)
            .collect();
        for kind in kinds {
            for locale in self.config.locales_of(name) {
                let chain = LocaleChain::new(
                    Some(&locale),
                    self.config.default_locale_of(name),
                    &self.config.seller.locale,
                );
                let Some(template) = self.catalogue.choose(kind, &chain, channel.platform) else {
                    continue;
                };
                let template = template.name.clone();
                let key = (
                    template.clone(),
                    channel.platform,
                    channel.review_url.clone(),
                );
                if self.done.insert(key) {
                    self.mails(&template, kind, &chain, channel);
                }
            }
        }
    }

    fn mails(
        &mut self,
        template: &str,
        kind: MailKind,
        chain: &LocaleChain,
        channel: &config::Channel,
    ) {
        for (sample, mut mail) in samples(kind) {
            use_own_pages(&mut mail, channel);
            self.looked.rendered += 1;
            match self.catalogue.render(kind, chain, channel.platform, &mail) {
                Err(error) => {
                    let message = format!("with the sample `{sample}`: {error}");
                    let origin = shown_path(self.config.templates.dir.as_deref(), template);
                    self.entries.push(Entry {
                        shown: format!("error: {origin}: {message}"),
                        severity: Level::Error,
                        origin,
                        line: 0,
                        column: 0,
                        path: None,
                        rule: None,
                        message,
                        hint: None,
                    });
                    return;
                }
                Ok(written) => self.read(template, sample, kind, channel.platform, &written, &mail),
            }
        }
    }

    fn read(
        &mut self,
        template: &str,
        sample: &str,
        kind: MailKind,
        platform: Platform,
        written: &Rendered,
        mail: &MailContext,
    ) {
        let field = |kind, text| Field {
            kind,
            text,
            name: None,
        };
        let draft = Draft {
            fields: vec![
                field(FieldKind::Subject, written.subject.as_str()),
                field(FieldKind::Preheader, written.preheader.as_str()),
                field(FieldKind::BodyHtml, written.html.as_str()),
                field(FieldKind::BodyText, written.text.as_str()),
            ],
            vars: merge_values(mail),
        };
        let profile = Profile {
            platform: Some(platform),
            kind,
            locale: written.locale.clone(),
            market: None,
            destination: Destination::Channel,
        };
        for found in self.linter.diagnose(&draft, &profile, self.today) {
            let key = (template.to_owned(), found.rule, found.severity);
            if self.known.insert(key) {
                let origin = shown_path(self.config.templates.dir.as_deref(), template);
                let part = found.field_kind.map_or("mail", FieldKind::as_str);
                let place = format!(
                    " (in the {part} written for {platform} from sample `{sample}`: \"{}\")",
                    found.excerpt
                );
                let mut entry = of_rule(&origin, &found, &place);
                // The place is in the mail, not in the file.
                (entry.line, entry.column) = (0, 0);
                self.entries.push(entry);
            }
        }
    }
}

/// The review page of the channel in place of the sample's: where it leads decides about rules.
fn use_own_pages(mail: &mut MailContext, channel: &config::Channel) {
    if let (Part::Relationship(part), Some(url)) = (&mut mail.part, &channel.review_url)
        && part.review_url.is_some()
    {
        part.review_url = Some(url.replace("{order_ref}", &mail.order.reference));
    }
}

/// What a sample fills in: names of products and people are not the seller's wording.
fn merge_values(mail: &MailContext) -> Vec<(&str, &str)> {
    let buyer = &mail.buyer;
    let names = [&buyer.name, &buyer.first_name].into_iter().flatten();
    let mut values: Vec<(&str, &str)> = names.map(|name| ("buyer_name", name.as_str())).collect();
    let lines = mail.order.address.iter();
    values.extend(lines.map(|line| ("address_line", line.as_str())));
    let items = mail.order.items.iter();
    values.extend(items.map(|item| ("product_name", item.title.as_str())));
    values
}

fn of_rule(origin: &str, found: &Diagnostic, place: &str) -> Entry {
    let (severity, word) = match found.severity {
        Severity::Error => (Level::Error, "error"),
        Severity::Warn => (Level::Warning, "warning"),
        Severity::Info => (Level::Info, "note"),
    };
    let message = format!("{}: {}{place}", found.rule.name(), found.message);
    Entry {
        severity,
        shown: format!(
            "{word}[{}]: {origin}: {message}\n  = help: {}",
            found.rule.code(),
            found.suggestion
        ),
        origin: origin.to_owned(),
        line: found.line,
        column: found.column,
        path: None,
        rule: Some(found.rule.code()),
        message,
        hint: Some(found.suggestion.clone()),
    }
}

/// Files that are not there: for people one paragraph per mail, for scripts one entry per file.
fn of_missing(missing: &[TemplateProblem], folder: Option<&Path>) -> Vec<Entry> {
    let hint = match folder {
        Some(folder) => format!(
            "add the files to {}, or take the languages off `templates.locales`",
            folder.display()
        ),
        None => "write your own and name their folder in `templates.dir`, or take the languages off `templates.locales`".to_owned(),
    };
    let mut by_mail: BTreeMap<&str, Vec<&TemplateProblem>> = BTreeMap::new();
    for problem in missing {
        let mail = problem.file.split('/').next().unwrap_or_default();
        by_mail.entry(mail).or_default().push(problem);
    }
    let mut entries = Vec::new();
    for (mail, problems) in by_mail {
        let files: Vec<&str> = problems.iter().map(|p| p.file.as_str()).collect();
        let mut shown = format!(
            "error: the mail `{mail}` is not translated to every language of `templates.locales`\n  = missing: {}\n  = help: {hint}",
            files.join(", ")
        );
        for problem in problems {
            entries.push(Entry {
                severity: Level::Error,
                origin: folder.map_or_else(
                    || problem.file.clone(),
                    |folder| folder.join(&problem.file).display().to_string(),
                ),
                line: 0,
                column: 0,
                path: None,
                rule: None,
                message: problem.message.clone(),
                hint: Some(hint.clone()),
                shown: std::mem::take(&mut shown),
            });
        }
    }
    entries
}

/// A fault of a file, with its line and a caret where the file is there.
fn of_problem(problem: &TemplateProblem, files: &TemplateFiles, origin: &str) -> Entry {
    let hint = Some(problem.hint.clone()).filter(|hint| !hint.is_empty());
    Entry {
        severity: Level::Error,
        shown: caret(problem, files, origin, hint.as_deref()),
        origin: origin.to_owned(),
        line: problem.line,
        column: problem.column,
        path: None,
        rule: None,
        message: problem.message.clone(),
        hint,
    }
}

fn caret(
    problem: &TemplateProblem,
    files: &TemplateFiles,
    origin: &str,
    hint: Option<&str>,
) -> String {
    let title = Title::ERROR.primary_title(problem.message.as_str());
    let help = hint.map(|hint| Title::HELP.message(hint));
    if files.get(&problem.file).is_none() || problem.excerpt.is_empty() {
        let title = Title::ERROR.primary_title(format!("{origin}: {}", problem.message));
        return Renderer::plain().render(&[title.elements(help)]);
    }
    let start: usize = problem
        .excerpt
        .chars()
        .take(problem.column.saturating_sub(1))
        .map(char::len_utf8)
        .sum();
    let end = start + mark(&problem.excerpt[start..]);
    let snippet = Snippet::source(problem.excerpt.as_str())
        .path(origin)
        .line_start(problem.line)
        .annotation(AnnotationKind::Primary.span(start..end));
    Renderer::plain().render(&[title.element(snippet).elements(help)])
}

/// How many bytes from here are one thing: a whole tag, or a word.
fn mark(rest: &str) -> usize {
    if rest.starts_with("{{")
        && let Some(end) = rest.find("}}")
    {
        return end + 2;
    }
    let word = rest
        .find(|c: char| c.is_whitespace() || "<>{}()\"'=,;".contains(c))
        .unwrap_or(rest.len());
    if word > 0 {
        return word;
    }
    rest.chars().next().map_or(0, char::len_utf8)
}
