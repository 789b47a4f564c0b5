//! What can be wrong with a file, a record, a field.
//!
//! No message repeats a value: a shifted column would put an address into it. The
//! most that is shown is a value's [`shape`].

use std::{fmt, io};

use serde::Serialize;

/// One thing that is wrong, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct IntakeError {
    /// The line of the file, 1-based.
    pub line: u64,
    /// The column of the CSV, 1-based; JSON has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The header of the column, or the path of the JSON field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl IntakeError {
    pub(super) fn at_line(line: u64, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            line,
            column: None,
            field: None,
            message: message.into(),
            hint: hint.into(),
        }
    }

    #[must_use]
    pub(super) fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    #[must_use]
    pub(super) fn in_column(mut self, index: usize) -> Self {
        self.column = u32::try_from(index + 1).ok();
        self
    }
}

impl fmt::Display for IntakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(field) = &self.field {
            write!(f, " (`{field}`)")?;
        }
        write!(f, ": {}; {}", self.message, self.hint)
    }
}

/// An order, or a line of events, that was refused. The others are not touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Where the record begins, 1-based.
    pub line: u64,
    /// The order, where the record still shows it; for people to read, cut and masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<String>,
    /// Everything that is wrong with it; at least one.
    pub errors: Vec<IntakeError>,
}

impl Rejected {
    pub(super) fn one(error: IntakeError) -> Self {
        Self {
            line: error.line,
            order_ref: None,
            errors: vec![error],
        }
    }

    #[must_use]
    pub(super) fn of_order(mut self, order_ref: Option<&str>) -> Self {
        self.order_ref = order_ref.map(shown_name);
        self
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

/// Why a record, or the rest of the file, was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file as a whole cannot be used; nothing was read.
    #[error("{0}")]
    File(IntakeError),
    /// This record was refused; reading goes on.
    #[error("{0}")]
    Rejected(Rejected),
    /// The reader failed; nothing follows.
    #[error("line {line}: the file cannot be read on; import it again once it can")]
    Io {
        /// How far reading came.
        line: u64,
        /// What the reader said.
        #[source]
        source: io::Error,
    },
}

/// Something odd that did no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The line of the file, 1-based.
    pub line: u64,
    /// The header of the column, or the path of the JSON field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is odd and what was done about it.
    pub message: String,
}

impl Warning {
    pub(super) fn new(line: u64, field: Option<String>, message: impl Into<String>) -> Self {
        Self {
            line,
            field,
            message: message.into(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = &self.field {
            write!(f, " (`{field}`)")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// How a value looks, without what it says: `99.99.9999` for a date, `aa@aa.aa` for an address.
pub(super) fn shape(value: &str) -> String {
    const LONGEST: usize = 24;
    let mut shape: String = value
        .chars()
        .take(LONGEST)
        .map(|c| match c {
            _ if c.is_numeric() => '9',
            _ if c.is_alphabetic() => 'a',
            _ if c.is_control() => '?',
            _ => c,
        })
        .collect();
    if value.chars().nth(LONGEST).is_some() {
        shape.push('…');
    }
    shape
}

/// The candidate that looks most like `name`, where one looks like it at all.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const LIKE: f64 = 0.86;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A key or header of the file, fit to be shown: cut, and without control characters.
pub(super) fn shown_name(name: &str) -> String {
    // A file without a header shows its first row here, so an address is masked.
    if name.contains('@') {
        return shape(name);
    }
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_shows_the_form_and_not_the_content() {
        assert_eq!(shape("31/12/2026"), "99/99/9999");
        assert_eq!(shape("anna@example.com"), "aaaa@aaaaaaa.aaa");
        assert_eq!(shape(&"x".repeat(30)), format!("{}…", "a".repeat(24)));
    }

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let known = ["paid_at", "parcel_ref", "price"];
        assert_eq!(nearest("payd_at", known), Some("paid_at"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn an_error_reads_as_one_sentence_with_its_place() {
        let error = IntakeError::at_line(7, "no date", "write 2026-03-02")
            .in_field("paid_at")
            .in_column(4);
        assert_eq!(
            error.to_string(),
            "line 7, column 5 (`paid_at`): no date; write 2026-03-02"
        );
    }
}
