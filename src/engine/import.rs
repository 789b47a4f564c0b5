//! Files of orders in: read as a stream, applied in batches, reported record by record.

use std::{io::Read, path::Path};

use crate::{
    clock::Instant,
    intake::{self, Format, Options, ReadError, Record, report::Report},
};

use super::{
    Applied, Engine, EngineError, Incoming, Intake,
    apply::{BATCH, Refused},
};

/// What an import did.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Imported {
    /// What was read.
    pub report: Report,
    /// What was stored.
    pub applied: Applied,
    /// Records whose events could not be applied, with their line in the file.
    pub refused: Vec<RefusedRecord>,
}

/// An event of the file that could not be applied.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RefusedRecord {
    /// The record's first line in the file.
    pub line: u64,
    /// Why.
    #[serde(flatten)]
    pub refused: Refused,
}

impl Imported {
    /// Whether every record was read and stored.
    pub fn is_clean(&self) -> bool {
        self.report.is_clean() && self.refused.is_empty()
    }
}

/// A file to import.
#[derive(Debug, Clone, Copy)]
pub struct ImportFile<'a> {
    /// Where it lies.
    pub path: &'a Path,
    /// The channel of its orders, where a record names none.
    pub channel: &'a str,
    /// How its events are taken.
    pub intake: Intake,
}

impl Engine {
    /// Imports a file. `progress` is told how many records were read so far.
    ///
    /// A record that cannot be read or applied is reported with its line and the others go on. An
    /// error means that the file could not be read or the database not be written; what was stored
    /// before stays, and importing the file again stores the rest.
    pub async fn import(
        &self,
        file: ImportFile<'_>,
        mut progress: impl FnMut(u64),
    ) -> Result<Imported, EngineError> {
        let io = |source| EngineError::Io {
            what: format!("reading {}", file.path.display()),
            source,
        };
        let name = file
            .path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let reader = std::io::BufReader::new(std::fs::File::open(file.path).map_err(io)?);
        let (format, reader) = match intake::sniff(&name, reader) {
            Ok(found) => found,
            Err(error) => return Ok(not_begun(error)),
        };
        self.import_reader(format, reader, file, &mut progress)
            .await
    }

    async fn import_reader<R: Read>(
        &self,
        format: Format,
        reader: R,
        file: ImportFile<'_>,
        progress: &mut impl FnMut(u64),
    ) -> Result<Imported, EngineError> {
        let now = self.clock.now();
        let records = match intake::open(format, reader, self.options(file.channel, now)) {
            Ok(records) => records,
            Err(error) => return Ok(not_begun(error)),
        };
        let mut imported = Imported {
            report: Report::new(format, &records),
            ..Imported::default()
        };
        let mut batch: Vec<Incoming> = Vec::with_capacity(BATCH);
        let mut lines: Vec<u64> = Vec::with_capacity(BATCH);
        for item in records {
            imported.report.add(&item);
            progress(imported.report.records + imported.report.rejected);
            let Ok(record) = item else { continue };
            let Record {
                line,
                channel,
                events,
                ..
            } = record;
            let channel = channel.unwrap_or_else(|| file.channel.to_owned());
            for event in events {
                batch.push(Incoming {
                    channel: channel.clone(),
                    event,
                });
                lines.push(line);
            }
            if batch.len() >= BATCH {
                self.apply_lines(&mut batch, &mut lines, file.intake, &mut imported)
                    .await?;
            }
        }
        self.apply_lines(&mut batch, &mut lines, file.intake, &mut imported)
            .await?;
        Ok(imported)
    }

    async fn apply_lines(
        &self,
        batch: &mut Vec<Incoming>,
        lines: &mut Vec<u64>,
        intake: Intake,
        imported: &mut Imported,
    ) -> Result<(), EngineError> {
        if batch.is_empty() {
            return Ok(());
        }
        let applied = self.apply(std::mem::take(batch), intake).await?;
        imported
            .refused
            .extend(applied.refused.iter().map(|refused| RefusedRecord {
                line: lines.get(refused.index).copied().unwrap_or_default(),
                refused: refused.clone(),
            }));
        imported.applied.add(applied, 0);
        lines.clear();
        Ok(())
    }

    /// How a file of that channel is read.
    pub fn options(&self, channel: &str, now: Instant) -> Options {
        Options {
            channel: channel.to_owned(),
            zone: self
                .channels
                .get(channel)
                .map_or(chrono_tz::UTC, super::Channel::zone),
            now: Some(now),
            not_after: Some(now + chrono::TimeDelta::days(1)),
        }
    }
}

/// A file of which nothing could be read.
fn not_begun(error: ReadError) -> Imported {
    let mut imported = Imported::default();
    imported.report.add(&Err(error));
    imported
}
