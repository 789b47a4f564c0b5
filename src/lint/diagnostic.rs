//! What the linter answers: diagnostics and the verdict over them.

use std::ops::Range;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{FieldKind, Rule};

/// How much a diagnostic matters, mildest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Shown in the editor only.
    Info,
    /// Lets the text pass, is shown and counted.
    Warn,
    /// Stops the save of a template and the send of a mail.
    Error,
}

impl Severity {
    /// The stable name used in answers and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The answer for a whole text: its highest severity, where `Info` passes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing above info.
    Pass,
    /// Something to look at; the mail may go.
    Warn,
    /// The mail must not go.
    Error,
}

impl Verdict {
    /// The verdict over some diagnostics.
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        match diagnostics.iter().map(|d| d.severity).max() {
            None | Some(Severity::Info) => Self::Pass,
            Some(Severity::Warn) => Self::Warn,
            Some(Severity::Error) => Self::Error,
        }
    }

    /// The stable name used in answers and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One finding of one rule at one place.
///
/// As JSON it is `{"rule","name","severity","start","end","message","suggestion"}`; `start` and
/// `end` are byte offsets into the field's source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The rule.
    pub rule: Rule,
    /// How much it matters here.
    pub severity: Severity,
    /// Index of the field in the draft; 0 for checks of a sequence.
    pub field: usize,
    /// Which text the field is; `None` for checks of a sequence.
    pub field_kind: Option<FieldKind>,
    /// The name of the field's source.
    pub source: Option<String>,
    /// Byte range in the source the author wrote, on character boundaries.
    pub span: Range<usize>,
    /// Line of the start, from 1.
    pub line: usize,
    /// Column of the start in characters, from 1.
    pub column: usize,
    /// The words of the source in the span.
    pub excerpt: String,
    /// What was found, why it is forbidden, and whose rule that is.
    pub message: String,
    /// A neutral wording or action instead.
    pub suggestion: String,
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("Diagnostic", 7)?;
        answer.serialize_field("rule", self.rule.code())?;
        answer.serialize_field("name", self.rule.name())?;
        answer.serialize_field("severity", &self.severity)?;
        answer.serialize_field("start", &self.span.start)?;
        answer.serialize_field("end", &self.span.end)?;
        answer.serialize_field("message", &self.message)?;
        answer.serialize_field("suggestion", &self.suggestion)?;
        answer.end()
    }
}

/// Line and column, both from 1, of a byte offset; the column counts characters.
pub(crate) fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = 1 + before.bytes().filter(|&b| b == b'\n').count();
    (line, 1 + before[line_start..].chars().count())
}
