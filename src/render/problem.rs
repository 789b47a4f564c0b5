//! What is wrong with a template file, and where: found at load, all at once.

use std::fmt;

/// One fault of one template file.
///
/// Ordered by file, line and column, which is how a list of them is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateProblem {
    /// The file, relative to the template folder, with `/` between folders.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to write instead; empty where the message says it all.
    pub hint: String,
    /// The line of the source, as it stands in the file; empty where there is none.
    pub excerpt: String,
}

impl TemplateProblem {
    /// A fault at a byte offset of a file's text.
    pub(crate) fn at(file: &str, text: &str, offset: usize, fault: impl Into<Fault>) -> Self {
        let fault = fault.into();
        let offset = floor_boundary(text, offset);
        let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line = text[..start].matches('\n').count() + 1;
        let column = text[start..offset].chars().count() + 1;
        let excerpt = text[start..].lines().next().unwrap_or_default();
        Self {
            file: file.to_owned(),
            line,
            column,
            message: fault.message,
            hint: fault.hint,
            excerpt: cut(excerpt),
        }
    }

    /// A fault of a file as a whole, or of one that is not there.
    pub(crate) fn of_file(file: &str, fault: impl Into<Fault>) -> Self {
        let fault = fault.into();
        Self {
            file: file.to_owned(),
            line: 1,
            column: 1,
            message: fault.message,
            hint: fault.hint,
            excerpt: String::new(),
        }
    }
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            hint,
            excerpt: _,
        } = self;
        write!(f, "{file}:{line}:{column}: {message}")?;
        if hint.is_empty() {
            Ok(())
        } else {
            write!(f, " ({hint})")
        }
    }
}

/// A fault without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self::new(message, "")
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Self {
        Self::new(message, "")
    }
}

/// The known name nearest to `name`, as a hint; empty when none is near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
        .unwrap_or_default()
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn cut(line: &str) -> String {
    const MAX: usize = 200;
    line.chars().take(MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let problem = TemplateProblem::at("a.hbs", "eins\nzwei größe x\n", 17, "bad");
        assert_eq!((problem.line, problem.column), (2, 11));
        assert_eq!(problem.excerpt, "zwei größe x");
        assert_eq!(problem.to_string(), "a.hbs:2:11: bad");
    }

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        let known = ["order.total", "order.ref"];
        assert_eq!(
            nearest("order.totl", known.into_iter()),
            "did you mean `order.total`?"
        );
        assert_eq!(nearest("zzz", known.into_iter()), "");
    }
}
