//! What an import read, refused and wondered about.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::Serialize;

use super::{
    Format, Record, Records,
    error::{IntakeError, ReadError, Rejected, Warning},
};
use crate::order::Fact;

/// How many refused records, and how many kinds of warning, are listed one by one.
const LISTED: usize = 100;

/// The result of reading one file. Holds no personal data.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The format the file was read as.
    pub format: Option<Format>,
    /// Records read: orders, or single events.
    pub records: u64,
    /// Records left out on purpose, such as sales over the counter.
    pub left_out: u64,
    /// Events they gave.
    pub events: u64,
    /// Events by kind.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Accepted orders without an address of the buyer.
    pub without_address: u64,
    /// Records refused.
    pub rejected: u64,
    /// The first hundred of them.
    pub rejections: Vec<Rejected>,
    /// Whether the file was read to its end.
    pub complete: bool,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<IntakeError>,
    /// Warnings, alike ones counted together.
    pub warnings: Vec<WarningCount>,
    /// Warnings of further kinds, not listed.
    pub unlisted_warnings: u64,
}

/// A warning and how often it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WarningCount {
    /// Its first occurrence.
    #[serde(flatten)]
    pub first: Warning,
    /// How often.
    pub count: u64,
}

impl Report {
    /// The report of a file about to be read.
    pub fn new<R>(format: Format, records: &Records<R>) -> Self {
        let mut report = Self {
            format: Some(format),
            complete: true,
            ..Self::default()
        };
        for note in records.notes() {
            report.warn(note);
        }
        report
    }

    /// Counts one item of the file.
    pub fn add(&mut self, item: &Result<Record, ReadError>) {
        match item {
            Ok(record) => self.add_record(record),
            Err(ReadError::Rejected(rejected)) => {
                self.rejected += 1;
                if self.rejections.len() < LISTED {
                    self.rejections.push(rejected.clone());
                }
            }
            Err(ReadError::File(error)) => self.end(error.clone()),
            Err(ReadError::Io { line, .. }) => self.end(IntakeError::at_line(
                *line,
                "the file cannot be read on",
                "import it again once it can; what was read already counts as a repeat then",
            )),
        }
    }

    fn add_record(&mut self, record: &Record) {
        self.records += 1;
        self.left_out += u64::from(record.events.is_empty());
        for event in &record.events {
            self.events += 1;
            *self.by_kind.entry(event.fact.kind()).or_default() += 1;
            if let Fact::OrderAccepted(details) = &event.fact {
                self.without_address += u64::from(details.buyer.email.is_none());
            }
        }
        for warning in &record.warnings {
            self.warn(warning);
        }
    }

    fn end(&mut self, error: IntakeError) {
        self.complete = false;
        self.ended_by = Some(error);
    }

    fn warn(&mut self, warning: &Warning) {
        let alike = |known: &&mut WarningCount| {
            known.first.message == warning.message && known.first.field == warning.field
        };
        if let Some(known) = self.warnings.iter_mut().find(alike) {
            known.count += 1;
        } else if self.warnings.len() < LISTED {
            self.warnings.push(WarningCount {
                first: warning.clone(),
                count: 1,
            });
        } else {
            self.unlisted_warnings += 1;
        }
    }

    /// Whether everything was read.
    pub fn is_clean(&self) -> bool {
        self.complete && self.rejected == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = self.format.map_or("file", Format::as_str);
        writeln!(
            f,
            "{format}: {}, {}",
            counted(self.records, "record"),
            counted(self.events, "event")
        )?;
        for (kind, count) in &self.by_kind {
            writeln!(f, "  {count:>8}  {kind}")?;
        }
        for (count, what) in [
            (self.left_out, "left out on purpose"),
            (self.without_address, "without the buyer's address"),
        ] {
            if count > 0 {
                writeln!(f, "{} {what}", counted(count, "order"))?;
            }
        }
        if self.rejected > 0 {
            writeln!(f, "{} refused:", counted(self.rejected, "record"))?;
            for rejected in &self.rejections {
                for error in &rejected.errors {
                    writeln!(f, "  {error}")?;
                }
            }
            let unlisted = self.rejected - self.rejections.len() as u64;
            if unlisted > 0 {
                writeln!(f, "  and {unlisted} more")?;
            }
        }
        if !self.warnings.is_empty() {
            writeln!(f, "warnings:")?;
        }
        for warning in &self.warnings {
            let mut times = String::new();
            if warning.count > 1 {
                let _ = write!(times, " ({} times; this is the first)", warning.count);
            }
            writeln!(f, "  {}{times}", warning.first)?;
        }
        if self.unlisted_warnings > 0 {
            writeln!(f, "  and {} more", self.unlisted_warnings)?;
        }
        if let Some(error) = &self.ended_by {
            writeln!(f, "not read to the end: {error}")?;
        }
        Ok(())
    }
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
