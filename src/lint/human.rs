//! Diagnostics for people: source excerpt, caret, reason, suggestion. Plain text, no colour.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Message, Renderer, Snippet};

use super::{Diagnostic, Severity};

/// Lines longer than this, in bytes, are shown as an excerpt around the place: inlined HTML often
/// is one line of many kilobytes.
const MAX_LINE: usize = 200;
/// How much is shown on each side of the place then.
const AROUND: usize = 60;

/// Renders the diagnostics of one source text, one block each, parted by blank lines.
///
/// `path` is what is shown as the place. Diagnostics without a place in the text (checks of a
/// sequence) are rendered without excerpt.
pub fn render_human(diagnostics: &[Diagnostic], source: &str, path: &str) -> String {
    let plain = Renderer::plain();
    let mut out = String::new();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warn => Level::WARNING,
            Severity::Info => Level::INFO,
        };
        let title = format!("{}: {}", diagnostic.rule.name(), diagnostic.message);
        let title = level.primary_title(title).id(diagnostic.rule.code());
        let help = Level::HELP.message(diagnostic.suggestion.as_str());
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        let is_placed = diagnostic.span.end <= source.len() && !diagnostic.span.is_empty();
        let group = title.elements(std::iter::empty::<Message<'_>>());
        let rendered = if is_placed {
            let (text, first_line, span) = excerpt(source, diagnostic);
            let snippet = Snippet::source(text)
                .path(path)
                .line_start(first_line)
                .annotation(AnnotationKind::Primary.span(span));
            plain.render(&[group.element(snippet).element(help)])
        } else {
            plain.render(&[group.element(help)])
        };
        // Writing to a string cannot fail.
        let _ = write!(out, "{rendered}");
    }
    out
}

/// The lines the place stands in, cut where they are very long; the number of the first; and the
/// place within them.
fn excerpt<'s>(
    source: &'s str,
    diagnostic: &Diagnostic,
) -> (&'s str, usize, std::ops::Range<usize>) {
    let span = diagnostic.span.clone();
    let line_start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = source[span.end..]
        .find('\n')
        .map_or(source.len(), |at| span.end + at);
    let from = if span.start - line_start > MAX_LINE {
        floor(source, span.start - AROUND)
    } else {
        line_start
    };
    let to = if line_end - span.end > MAX_LINE {
        floor(source, span.end + AROUND).max(span.end)
    } else {
        line_end
    };
    (
        &source[from..to],
        diagnostic.line,
        span.start - from..span.end - from,
    )
}

/// The last character boundary at or before an offset.
fn floor(source: &str, offset: usize) -> usize {
    (0..=offset.min(source.len()))
        .rev()
        .find(|&at| source.is_char_boundary(at))
        .unwrap_or(0)
}
