//! What is wrong with a configuration, shown the way a compiler would.

use std::{fmt, ops::Range};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration holds together, but this may not be meant.
    Warning,
    /// The configuration is refused.
    Error,
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the configuration is refused because of it.
    pub severity: Severity,
    /// The file as it was given, `environment variable AFTERNOTE__…`, or a built-in file.
    pub origin: String,
    /// The line, from 1; 0 where the problem has no place in a text.
    pub line: usize,
    /// The column in characters, from 1; 0 where the problem has no place in a text.
    pub column: usize,
    /// The bytes of the source it is about.
    pub span: Range<usize>,
    /// The setting: `channels.shop.sequence`; empty for faults of syntax.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The lines around `span`, secrets overwritten, and the number of the first.
    excerpt: Option<(String, usize, Range<usize>)>,
}

impl Problem {
    /// A problem at `span` of `text`, whose secrets are overwritten already.
    pub(super) fn in_text(
        origin: &str,
        text: &str,
        span: Range<usize>,
        path: String,
        message: String,
        hint: Option<String>,
    ) -> Self {
        let start = floor_char_boundary(text, span.start);
        let end = floor_char_boundary(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[..start].matches('\n').count() + 1;
        let shown = start - line_start..end.min(line_end).max(start) - line_start;
        Self {
            severity: Severity::Error,
            origin: origin.to_owned(),
            line,
            column: text[line_start..start].chars().count() + 1,
            span: start..end,
            path,
            message,
            hint,
            excerpt: Some((text[line_start..line_end].to_owned(), line, shown)),
        }
    }

    /// A problem of a whole source, such as a file that cannot be read or lacks a section.
    pub(super) const fn without_text(
        origin: String,
        path: String,
        message: String,
        hint: Option<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            origin,
            line: 0,
            column: 0,
            span: 0..0,
            path,
            message,
            hint,
            excerpt: None,
        }
    }

    /// The same as a warning.
    pub(super) fn into_warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// The problem as a text of several lines: message, place, source line with a caret, remedy.
    pub fn render(&self, color: bool) -> String {
        let title = if self.path.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.path, self.message)
        };
        let level = match self.severity {
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let Some((source, line, span)) = &self.excerpt else {
            let help = self.hint.as_deref().map(|hint| Level::HELP.message(hint));
            let report = level
                .primary_title(format!("{}: {title}", self.origin))
                .elements(help);
            return renderer.render(&[report]);
        };
        let mut annotation = AnnotationKind::Primary.span(span.clone());
        if let Some(hint) = &self.hint {
            annotation = annotation.label(hint.as_str());
        }
        let report = level.primary_title(title).element(
            Snippet::source(source.as_str())
                .line_start(*line)
                .path(self.origin.as_str())
                .annotation(annotation),
        );
        renderer.render(&[report])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration; never empty when returned as an error.
///
/// In the order of the sources, then of the lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
pub struct ConfigProblems(pub Vec<Problem>);

impl ConfigProblems {
    /// All problems, each as [`Problem::render`] shows it, and how many there are.
    pub fn render(&self, color: bool) -> String {
        let mut text = String::new();
        for problem in &self.0 {
            text.push_str(&problem.render(color));
            text.push_str("\n\n");
        }
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        text + &format!("{count} {noun} in the configuration")
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_and_a_caret() {
        let problem = Problem::in_text(
            "shop.toml",
            "[send]\nbatsch = 5\n",
            7..13,
            "send.batsch".to_owned(),
            "unknown key".to_owned(),
            Some("did you mean `batch`?".to_owned()),
        );
        assert_eq!((problem.line, problem.column), (2, 1));
        assert_eq!(
            problem.render(false),
            "error: send.batsch: unknown key\n \
             --> shop.toml:2:1\n  \
             |\n\
             2 | batsch = 5\n  \
             | ^^^^^^ did you mean `batch`?"
        );
    }
}
