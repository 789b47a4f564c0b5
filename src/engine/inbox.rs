//! The drop folder: order files put into `inbox/` are imported and moved to `done/` or `failed/`.
//!
//! A file lies in `inbox/<channel>/` to belong to that channel, or in `inbox/` itself where only
//! one channel is configured. Beside a moved file lies its report, `<name>.report.txt`, which
//! names line and column of whatever was refused.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::clock::Instant;

use super::{
    Engine, EngineError, Intake,
    import::{ImportFile, Imported},
};

/// A file whose last change is younger may still be written.
const SETTLE_SECONDS: u64 = 2;

/// What happened to one dropped file.
#[derive(Debug)]
pub struct Dropped {
    /// Where the file lies now.
    pub moved_to: PathBuf,
    /// What the import did; `None` when the file could not be assigned to a channel.
    pub imported: Option<Imported>,
    /// Whether every record was read and stored.
    pub is_clean: bool,
}

impl Engine {
    /// Imports what lies in the drop folder; a file that fails stops no other.
    ///
    /// Events of dropped files are live: what happened after the channel was switched on may mail.
    pub async fn import_inbox(&self, inbox: &Path) -> Result<Vec<Dropped>, EngineError> {
        let mut dropped = Vec::new();
        for (path, channel) in self.files(inbox)? {
            let outcome = match &channel {
                Some(channel) => {
                    let file = ImportFile {
                        path: &path,
                        channel,
                        intake: Intake::Live,
                    };
                    self.import(file, |_| {}).await
                }
                None => Err(EngineError::Refused(format!(
                    "several channels are configured; put the file into {}/CHANNEL/, where CHANNEL is one of {}",
                    inbox.display(),
                    self.channels.keys().cloned().collect::<Vec<_>>().join(", ")
                ))),
            };
            match outcome {
                // The database is busy or away: the file stays and is tried again.
                Err(EngineError::Store(error)) if error.is_transient() => return Err(error.into()),
                outcome => dropped.push(self.put_away(inbox, &path, outcome)?),
            }
        }
        Ok(dropped)
    }

    /// The files to import with their channel, oldest name first.
    fn files(&self, inbox: &Path) -> Result<Vec<(PathBuf, Option<String>)>, EngineError> {
        let only = match self.channels.len() {
            1 => self.channels.keys().next().cloned(),
            _ => None,
        };
        let mut files = Vec::new();
        for path in list(inbox)? {
            let name = path
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default();
            if path.is_dir() {
                if self.channels.contains_key(&name) {
                    files.extend(
                        list(&path)?
                            .into_iter()
                            .filter(|p| is_ready(p))
                            .map(|p| (p, Some(name.clone()))),
                    );
                }
            } else if is_ready(&path) {
                files.push((path, only.clone()));
            }
        }
        Ok(files)
    }

    fn put_away(
        &self,
        inbox: &Path,
        path: &Path,
        outcome: Result<Imported, EngineError>,
    ) -> Result<Dropped, EngineError> {
        let is_clean = outcome.as_ref().is_ok_and(Imported::is_clean);
        let folder = inbox.join(if is_clean { "done" } else { "failed" });
        std::fs::create_dir_all(&folder).map_err(|e| io_error("creating", &folder, e))?;
        let target = free_name(&folder, path, self.clock.now());
        let report = match &outcome {
            Ok(imported) => report_text(imported),
            Err(error) => format!("{error}\n"),
        };
        let beside = PathBuf::from(format!("{}.report.txt", target.display()));
        std::fs::write(&beside, report).map_err(|e| io_error("writing", &beside, e))?;
        std::fs::rename(path, &target).map_err(|e| io_error("moving", path, e))?;
        tracing::info!(
            event = "inbox.file",
            is_clean,
            records = outcome.as_ref().map_or(0, |i| i.report.records)
        );
        Ok(Dropped {
            moved_to: target,
            imported: outcome.ok(),
            is_clean,
        })
    }
}

/// The report of an import, for people.
pub fn report_text(imported: &Imported) -> String {
    use std::fmt::Write as _;
    let mut text = imported.report.to_string();
    let applied = &imported.applied;
    let _ = writeln!(
        text,
        "stored: {} of {}, {} known already",
        counted(applied.events, "new event"),
        counted(applied.orders, "order"),
        applied.duplicates
    );
    for record in &imported.refused {
        let _ = writeln!(
            text,
            "line {}: order {}: {}: {}",
            record.line, record.refused.order_ref, record.refused.kind, record.refused.why
        );
    }
    text
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(folder).map_err(|e| io_error("creating", folder, e))?;
            return Ok(Vec::new());
        }
        Err(error) => return Err(io_error("reading", folder, error)),
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default();
            // Names beginning with a dot are files still being copied, by custom.
            !name.starts_with('.') && name != "done" && name != "failed"
        })
        .collect();
    paths.sort();
    Ok(paths)
}

/// Whether nobody writes to the file any more, as far as its age tells.
fn is_ready(path: &Path) -> bool {
    let Ok(meta) = path.metadata() else {
        return false;
    };
    let age = meta.modified().ok().and_then(|at| at.elapsed().ok());
    meta.is_file() && age.is_none_or(|age| age.as_secs() >= SETTLE_SECONDS)
}

/// A name in `folder` that is not taken: an earlier file of the same name is never overwritten.
fn free_name(folder: &Path, path: &Path, now: Instant) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let plain = folder.join(name);
    if !plain.exists() {
        return plain;
    }
    folder.join(format!(
        "{}-{}",
        now.format("%Y%m%dT%H%M%S%3f"),
        name.to_string_lossy()
    ))
}

fn io_error(what: &str, path: &Path, source: io::Error) -> EngineError {
    EngineError::Io {
        what: format!("{what} {}", path.display()),
        source,
    }
}
