//! CSV rows out of a reader.
//!
//! Written by hand for two things a general reader does not give: memory stays bounded
//! whatever the file holds, and a row that breaks the form (a quote that never ends)
//! costs that row alone: reading goes on at the next line.

use std::io::{self, Read};

use super::{
    MAX_FIELD, MAX_RECORD,
    error::{IntakeError, ReadError},
};

const CHUNK: usize = 64 << 10;

/// The rows of a CSV file.
pub(super) struct Rows<R> {
    reader: R,
    delimiter: u8,
    buffer: Vec<u8>,
    /// Where the next row begins in the buffer.
    start: usize,
    at_end: bool,
    /// The line the next row begins in, 1-based.
    line: u64,
}

/// One row: its values, unquoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The line it begins in.
    pub(super) line: u64,
    text: String,
    ends: Vec<u32>,
}

/// A row that broke the form, with the values before the break.
#[derive(Debug)]
pub(super) struct BadRow {
    pub(super) error: IntakeError,
    pub(super) values: Row,
}

/// Why no row came.
#[derive(Debug)]
pub(super) enum RowError {
    Bad(Box<BadRow>),
    Io(ReadError),
}

enum Fault {
    Io(io::Error),
    Form(&'static str, &'static str),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Row {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1] as usize,
        };
        Some(&self.text[start..end])
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Roughly what it takes in memory.
    pub(super) fn weight(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + size_of::<Self>()
    }

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

impl<R: Read> Rows<R> {
    pub(super) fn new(reader: R, delimiter: u8) -> Self {
        Self {
            reader,
            delimiter,
            buffer: Vec::with_capacity(2 * CHUNK),
            start: 0,
            at_end: false,
            line: 1,
        }
    }

    /// The next row that is not blank.
    pub(super) fn next_row(&mut self) -> Option<Result<Row, RowError>> {
        loop {
            if self.start > CHUNK {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
            match self.byte(self.start) {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some(Err(self.broken(error))),
            }
            match self.row() {
                Ok(row) if row.is_blank() => {}
                Ok(row) => return Some(Ok(row)),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Takes the rest of the line as it stands, for a line that is no row.
    pub(super) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(at) = self.buffer[self.start..].iter().position(|b| *b == b'\n') {
                self.start += at + 1;
                self.line += 1;
                return Ok(());
            }
            self.buffer.clear();
            self.start = 0;
            if self.at_end || !self.fill()? {
                return Ok(());
            }
        }
    }

    /// Passes over the first bytes of the file: its byte order mark.
    pub(super) fn skip_bytes(&mut self, count: usize) -> io::Result<()> {
        if count > 0 && self.byte(self.start + count - 1)?.is_some() {
            self.start += count;
        }
        Ok(())
    }

    fn row(&mut self) -> Result<Row, RowError> {
        let mut bytes = Vec::with_capacity(160);
        let mut ends = Vec::with_capacity(32);
        let line = self.line;
        let (error, index) = match self.scan(&mut bytes, &mut ends) {
            Ok(end) => {
                self.line += newlines(&self.buffer[self.start..end]);
                self.start = end;
                match String::from_utf8(bytes) {
                    Ok(text) => return Ok(Row { line, text, ends }),
                    Err(not_utf8) => {
                        let at = not_utf8.utf8_error().valid_up_to();
                        let index = ends.iter().take_while(|end| **end as usize <= at).count();
                        let error = IntakeError::at_line(
                            line,
                            "the text is not UTF-8",
                            "save the file as \"CSV UTF-8\" and import it again",
                        );
                        bytes = not_utf8.into_bytes();
                        (error, index)
                    }
                }
            }
            Err(Fault::Io(error)) => return Err(self.broken(error)),
            Err(Fault::Form(message, hint)) => {
                if let Err(error) = self.skip_line() {
                    return Err(self.broken(error));
                }
                (IntakeError::at_line(line, message, hint), ends.len())
            }
        };
        Err(RowError::Bad(Box::new(BadRow {
            error: error.in_column(index),
            values: lossy(line, &bytes, &ends),
        })))
    }

    /// Scans one row from `start`; the offset behind it.
    fn scan(&mut self, bytes: &mut Vec<u8>, ends: &mut Vec<u32>) -> Result<usize, Fault> {
        let mut at = self.start;
        loop {
            let field_start = bytes.len();
            at = if self.byte(at)? == Some(b'"') {
                self.quoted(at + 1, bytes, field_start)?
            } else {
                self.plain(at, bytes, field_start)?
            };
            let next = self.byte(at)?;
            // The record limit keeps every offset far below 4 GiB.
            ends.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            match next {
                Some(b'\n') => return Ok(at + 1),
                Some(_) => at += 1,
                None => return Ok(at),
            }
            self.check_record(at)?;
        }
    }

    /// A value without quotes: up to the delimiter, the end of the line or of the file.
    fn plain(
        &mut self,
        mut at: usize,
        bytes: &mut Vec<u8>,
        field_start: usize,
    ) -> Result<usize, Fault> {
        loop {
            let rest = &self.buffer[at..];
            let delimiter = self.delimiter;
            let found = rest.iter().position(|b| *b == delimiter || *b == b'\n');
            let piece = &rest[..found.unwrap_or(rest.len())];
            bytes.extend_from_slice(piece);
            at += piece.len();
            check_field(bytes.len() - field_start)?;
            self.check_record(at)?;
            if found.is_some() || self.byte(at)?.is_none() {
                break;
            }
        }
        if self.byte(at)? != Some(self.delimiter) && bytes.len() > field_start {
            // The carriage return of a Windows line end.
            bytes.pop_if(|last| *last == b'\r');
        }
        Ok(at)
    }

    /// A value in quotes, from behind the opening one to the delimiter behind the closing one.
    fn quoted(
        &mut self,
        mut at: usize,
        bytes: &mut Vec<u8>,
        field_start: usize,
    ) -> Result<usize, Fault> {
        const NEVER_ENDS: Fault = Fault::Form(
            "a value begins with a quote that never ends",
            "close the quote, or write \"\" for a quote inside a quoted value",
        );
        loop {
            let rest = &self.buffer[at..];
            let found = rest.iter().position(|b| *b == b'"');
            let piece = &rest[..found.unwrap_or(rest.len())];
            bytes.extend_from_slice(piece);
            at += piece.len();
            if bytes.len() - field_start > MAX_FIELD || at - self.start > MAX_RECORD {
                return Err(NEVER_ENDS);
            }
            if found.is_none() {
                if self.byte(at)?.is_none() {
                    return Err(NEVER_ENDS);
                }
                continue;
            }
            at += 1;
            if self.byte(at)? == Some(b'"') {
                bytes.push(b'"');
                at += 1;
                continue;
            }
            break;
        }
        while matches!(self.byte(at)?, Some(b' ' | b'\r')) {
            at += 1;
            self.check_record(at)?;
        }
        match self.byte(at)? {
            None | Some(b'\n') => Ok(at),
            Some(byte) if byte == self.delimiter => Ok(at),
            Some(_) => Err(Fault::Form(
                "text follows the closing quote of a value",
                "write \"\" for a quote inside a quoted value",
            )),
        }
    }

    fn check_record(&self, at: usize) -> Result<(), Fault> {
        if at - self.start > MAX_RECORD {
            return Err(Fault::Form(
                "the row is longer than 1 MiB",
                "check that the file has line breaks, or split the row",
            ));
        }
        Ok(())
    }

    fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        while at >= self.buffer.len() {
            if self.at_end || !self.fill()? {
                return Ok(None);
            }
        }
        Ok(Some(self.buffer[at]))
    }

    fn fill(&mut self) -> io::Result<bool> {
        let before = self.buffer.len();
        let limit = u64::try_from(CHUNK).unwrap_or(u64::MAX);
        let read = (&mut self.reader)
            .take(limit)
            .read_to_end(&mut self.buffer)?;
        self.at_end = read < CHUNK;
        Ok(self.buffer.len() > before)
    }

    fn broken(&mut self, source: io::Error) -> RowError {
        // Nothing behind a failed read can be trusted to follow on.
        self.at_end = true;
        self.buffer.clear();
        self.start = 0;
        RowError::Io(ReadError::Io {
            line: self.line,
            source,
        })
    }
}

fn check_field(length: usize) -> Result<(), Fault> {
    if length > MAX_FIELD {
        return Err(Fault::Form(
            "the value is longer than 64 kB",
            "shorten it; no field of an order is that long",
        ));
    }
    Ok(())
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|b| u64::from(*b == b'\n')).sum()
}

/// What could be read of a bad row, each value on its own, so that offsets stay right.
fn lossy(line: u64, bytes: &[u8], ends: &[u32]) -> Row {
    let mut row = Row {
        line,
        text: String::new(),
        ends: Vec::with_capacity(ends.len()),
    };
    let mut start = 0;
    for end in ends.iter().map(|end| *end as usize) {
        row.text
            .push_str(&String::from_utf8_lossy(&bytes[start..end]));
        row.ends
            .push(u32::try_from(row.text.len()).unwrap_or(u32::MAX));
        start = end;
    }
    row
}

#[cfg(test)]
mod tests;
