//! What can go wrong with the database, and what may be tried again.

use std::{error::Error as StdError, io};

/// A failed operation of the store.
///
/// Texts of the database are left out on purpose: they quote values, and values are personal
/// data (email-requirements P4). The code finds them in the server's manual.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// `database.url` cannot be used.
    #[error(
        "database.url: {0}; write `sqlite:path/to/afternote.db` or `postgres://user@host/name`"
    )]
    Url(&'static str),
    /// The database file or its folder cannot be opened.
    #[error(
        "database.url: the database cannot be opened; check that its folder exists and may be written to"
    )]
    CannotOpen(#[source] Option<io::Error>),
    /// The database was written by a newer afternote.
    #[error(
        "the database has schema version {found}, this afternote knows {known}; start the newer afternote, or restore a backup made by this one"
    )]
    TooNew {
        /// Version of the database.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The schema is older than this program.
    #[error("the database has schema version {found}, {known} is needed; run `afternote migrate`")]
    NotMigrated {
        /// Version of the database, 0 for an empty one.
        found: i64,
        /// Version this program needs.
        known: i64,
    },
    /// A migration that was applied is not the one this program holds.
    #[error(
        "migration {version} was changed after it was applied; restore a backup, or use the afternote that applied it"
    )]
    ChangedMigration {
        /// Which.
        version: i64,
    },
    /// A row that cannot be read back.
    #[error(
        "{table}.{column} of row {id} cannot be read; the row was changed by another program or is damaged"
    )]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        id: i64,
    },
    /// A unique key, a foreign key or a check refused the write.
    #[error("{statement} was refused by a constraint of the database (code {code})")]
    Conflict {
        /// The statement.
        statement: &'static str,
        /// The engine's code.
        code: String,
    },
    /// Another connection holds what is needed.
    #[error("the database is busy (code {code}); it may be tried again")]
    Busy {
        /// The engine's code.
        code: String,
    },
    /// The database cannot be reached now.
    #[error("the database cannot be reached; it may be tried again")]
    Unavailable(#[source] Option<io::Error>),
    /// Nothing can be written.
    #[error(
        "the database is read-only; check the rights of its file and folder, or whether the server is a standby"
    )]
    ReadOnly,
    /// No room left.
    #[error("the disk of the database is full; free some space")]
    DiskFull,
    /// A batch could not be written as JSON.
    #[error("a batch could not be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// A caller broke a rule of the store.
    #[error("{0}")]
    Invalid(&'static str),
    /// Anything else the engine says.
    #[error("{statement} failed (code {code})")]
    Failed {
        /// The statement.
        statement: &'static str,
        /// The engine's code, or the kind of failure.
        code: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unavailable(_))
    }

    /// Reads an error of the driver; `statement` names what was tried.
    pub(super) fn from_sqlx(statement: &'static str, error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                Self::from_code(statement, &error.code().unwrap_or_default())
            }
            sqlx::Error::Io(error) => Self::Unavailable(Some(error)),
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(None),
            sqlx::Error::Tls(error) => Self::Unavailable(Some(io::Error::other(error.to_string()))),
            // A value of another type or a NULL where none may be: names the column, never the value.
            sqlx::Error::ColumnDecode { index, source } => Self::Failed {
                statement,
                code: format!("column {index}: {}", kind_of(source.as_ref())),
            },
            sqlx::Error::ColumnNotFound(column) => Self::Failed {
                statement,
                code: format!("no column {column}"),
            },
            sqlx::Error::RowNotFound => Self::Failed {
                statement,
                code: "no row".to_owned(),
            },
            sqlx::Error::Configuration(_) => Self::Url("it is not understood"),
            _ => Self::Failed {
                statement,
                code: "driver".to_owned(),
            },
        }
    }

    /// Reads a code: five characters are an SQLSTATE, fewer an (extended) result code of SQLite.
    fn from_code(statement: &'static str, code: &str) -> Self {
        let owned = code.to_owned();
        if let Ok(lite) = code.parse::<u32>()
            && code.len() < 5
        {
            return match lite & 0xff {
                5 | 6 => Self::Busy { code: owned },
                8 => Self::ReadOnly,
                13 => Self::DiskFull,
                14 => Self::CannotOpen(None),
                19 => Self::Conflict {
                    statement,
                    code: owned,
                },
                _ => Self::Failed {
                    statement,
                    code: owned,
                },
            };
        }
        match code {
            // Serialization failure, deadlock, lock not available, too many connections.
            "40001" | "40P01" | "55P03" | "53300" => Self::Busy { code: owned },
            "25006" => Self::ReadOnly,
            "53100" => Self::DiskFull,
            // Shutting down, starting up, connection gone.
            "57P01" | "57P02" | "57P03" => Self::Unavailable(None),
            _ if code.starts_with("08") => Self::Unavailable(None),
            _ if code.starts_with("23") => Self::Conflict {
                statement,
                code: owned,
            },
            _ => Self::Failed {
                statement,
                code: owned,
            },
        }
    }
}

/// A decoding error without the value it is about.
fn kind_of(error: &(dyn StdError + 'static)) -> &'static str {
    if error.is::<sqlx::error::UnexpectedNullError>() {
        "unexpected NULL"
    } else {
        "unreadable value"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, expected: &str, is_transient: bool) {
        let error = StoreError::from_code("CLAIM", code);
        let name = format!("{error:?}");
        assert!(name.starts_with(expected), "{code}: {name}");
        assert_eq!(error.is_transient(), is_transient, "{code}");
    }

    #[test]
    fn codes_of_both_engines_are_read() {
        check("5", "Busy", true);
        check("517", "Busy", true);
        check("6", "Busy", true);
        check("8", "ReadOnly", false);
        check("1032", "ReadOnly", false);
        check("13", "DiskFull", false);
        check("14", "CannotOpen", false);
        check("2067", "Conflict", false);
        check("787", "Conflict", false);
        check("1", "Failed", false);
        check("40001", "Busy", true);
        check("40P01", "Busy", true);
        check("57P01", "Unavailable", true);
        check("08006", "Unavailable", true);
        check("25006", "ReadOnly", false);
        check("53100", "DiskFull", false);
        check("23505", "Conflict", false);
        check("42703", "Failed", false);
    }
}
