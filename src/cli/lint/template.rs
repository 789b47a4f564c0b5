//! The wording of one template file: head and body, for every platform it may be used on.

use std::ops::Range;

use chrono::NaiveDate;

use crate::{
    engine::linter::Linter,
    lint::{Diagnostic, Draft, Field, FieldKind, Profile, diagnostic::line_and_column},
    mail::{Locale, MailKind, Platform},
    render::front_matter,
};

/// A template file and what its name says.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Source {
    /// As it is shown to people.
    pub(in crate::cli) path: String,
    pub(in crate::cli) text: String,
    pub(in crate::cli) kind: MailKind,
    pub(in crate::cli) locale: Locale,
    /// The one platform it is for, where its name says so.
    pub(in crate::cli) platform: Option<Platform>,
}

/// A finding, and the platforms on which it weighs that much; empty for "on any".
#[derive(Debug, Clone)]
pub(in crate::cli) struct Found {
    pub(in crate::cli) diagnostic: Diagnostic,
    pub(in crate::cli) on: Vec<Platform>,
}

/// What `<kind>/<locale>[.<platform>].hbs` says; each part may be unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::cli) struct NameParts {
    pub(in crate::cli) kind: Option<MailKind>,
    pub(in crate::cli) locale: Option<Locale>,
    pub(in crate::cli) platform: Option<Platform>,
}

impl NameParts {
    /// Reads the last folder and the file name of a path.
    pub(in crate::cli) fn of(path: &str) -> Self {
        let mut parts = path.rsplit(['/', '\\']);
        let stem = parts
            .next()
            .map(|file| file.trim_end_matches(".hbs").trim_end_matches(".txt"));
        let (locale, platform) = match stem.and_then(|stem| stem.split_once('.')) {
            Some((locale, platform)) => (Some(locale), platform.parse().ok()),
            None => (stem, None),
        };
        Self {
            kind: parts.next().and_then(|folder| folder.parse().ok()),
            locale: locale.and_then(|locale| locale.parse().ok()),
            platform,
        }
    }
}

/// Reads a file for each of the platforms; without any, for the strictest.
pub(in crate::cli) fn lint(
    linter: &Linter,
    source: &Source,
    platforms: &[Platform],
    today: NaiveDate,
) -> Vec<Found> {
    let of_profile: Vec<Option<Platform>> = match source.platform {
        Some(own) => vec![Some(own)],
        None if platforms.is_empty() => vec![None],
        None => platforms.iter().copied().map(Some).collect(),
    };
    let stretches = stretches(source);
    let mut found: Vec<Found> = Vec::new();
    for platform in &of_profile {
        let profile = Profile::new(*platform, source.kind, source.locale.clone());
        for (kind, range) in &stretches {
            let draft = Draft {
                fields: vec![Field {
                    kind: *kind,
                    text: &source.text[range.clone()],
                    name: Some(&source.path),
                }],
                vars: Vec::new(),
            };
            for diagnostic in linter.diagnose(&draft, &profile, today) {
                merge(
                    &mut found,
                    in_file(diagnostic, &source.text, range.start),
                    *platform,
                );
            }
        }
    }
    if of_profile.len() < 2 {
        for found in &mut found {
            found.on.clear();
        }
    }
    found.sort_by_key(|found| (found.diagnostic.span.start, found.diagnostic.rule));
    found
}

/// Subject, preheader and body; a file without a readable head is all body.
fn stretches(source: &Source) -> Vec<(FieldKind, Range<usize>)> {
    match front_matter::read(&source.path, &source.text) {
        Ok(head) => {
            let range = |entry: &front_matter::Entry| entry.at..entry.at + entry.value.len();
            vec![
                (FieldKind::Subject, range(&head.subject)),
                (FieldKind::Preheader, range(&head.preheader)),
                (FieldKind::Template, head.body..source.text.len()),
            ]
        }
        Err(_) => vec![(FieldKind::Template, 0..source.text.len())],
    }
}

/// The place of a finding in the whole file.
fn in_file(mut diagnostic: Diagnostic, text: &str, from: usize) -> Diagnostic {
    diagnostic.span = diagnostic.span.start + from..diagnostic.span.end + from;
    (diagnostic.line, diagnostic.column) = line_and_column(text, diagnostic.span.start);
    diagnostic
}

/// Keeps one finding for a rule and a place: the most severe, with all platforms it is severe on.
fn merge(found: &mut Vec<Found>, diagnostic: Diagnostic, platform: Option<Platform>) {
    let same = found.iter_mut().find(|known| {
        known.diagnostic.rule == diagnostic.rule && known.diagnostic.span == diagnostic.span
    });
    match same {
        None => found.push(Found {
            diagnostic,
            on: platform.into_iter().collect(),
        }),
        Some(known) if known.diagnostic.severity == diagnostic.severity => {
            known.on.extend(platform);
        }
        Some(known) if known.diagnostic.severity < diagnostic.severity => {
            *known = Found {
                diagnostic,
                on: platform.into_iter().collect(),
            };
        }
        Some(_) => {}
    }
}

impl Found {
    /// ` (on amazon, ebay)`, or nothing where it holds wherever the text is used.
    pub(in crate::cli) fn on_text(&self, used: &[Platform]) -> String {
        if self.on.is_empty() || self.on.len() == used.len() {
            return String::new();
        }
        let names: Vec<&str> = self.on.iter().map(|platform| platform.as_str()).collect();
        format!(" (on {})", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{RuleSet, Severity};

    fn source(text: &str) -> Source {
        Source {
            path: "review_request/en.hbs".to_owned(),
            text: text.to_owned(),
            kind: MailKind::ReviewRequest,
            locale: Locale::english(),
            platform: None,
        }
    }

    fn linter() -> Linter {
        Linter::new(RuleSet::with_extra(&[]).unwrap(), Vec::new())
    }

    #[test]
    fn a_finding_stands_at_its_place_in_the_file_and_names_its_platforms() {
        let text = "---\nsubject: Hello\npreheader: A word\ndescription: x\n---\n<p>Hi.</p>\n<p>Leave a review and get a 10% voucher.</p>\n";
        let used = [Platform::Amazon, Platform::Shop];
        let found = lint(&linter(), &source(text), &used, NaiveDate::default());
        assert_eq!(found.len(), 1);
        let diagnostic = &found[0].diagnostic;
        assert_eq!(diagnostic.line, 7);
        assert_eq!(&text[diagnostic.span.clone()], diagnostic.excerpt);
        assert_eq!(diagnostic.severity, Severity::Error);
        assert_eq!(found[0].on_text(&used), " (on amazon)");
    }

    #[test]
    fn names_tell_kind_locale_and_platform() {
        let parts = NameParts::of("my/templates/delay/de-AT.amazon.hbs");
        assert_eq!(parts.kind, Some(MailKind::Delay));
        assert_eq!(parts.locale, "de-AT".parse().ok());
        assert_eq!(parts.platform, Some(Platform::Amazon));
        assert_eq!(NameParts::of("notes.hbs").kind, None);
    }
}
