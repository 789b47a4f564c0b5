//! JSON values out of a reader: one per line, or the elements of one array.

use std::io::{self, BufRead, BufReader, Read};

use super::{
    MAX_RECORD,
    error::{IntakeError, ReadError, Rejected},
};

/// The text of one JSON value and the line it begins in.
pub(super) struct Piece {
    pub(super) line: u64,
    pub(super) bytes: Vec<u8>,
}

/// The values of a file.
pub(super) enum Splitter<R> {
    Lines(Lines<R>),
    Array(Array<R>),
}

impl<R: Read> Splitter<R> {
    pub(super) fn lines(reader: R) -> Self {
        Self::Lines(Lines {
            reader: BufReader::with_capacity(64 << 10, reader),
            line: 0,
            ended: false,
        })
    }

    pub(super) fn array(reader: R) -> Self {
        Self::Array(Array {
            reader: BufReader::with_capacity(64 << 10, reader),
            line: 1,
            state: Place::Before,
        })
    }

    pub(super) fn next_piece(&mut self) -> Option<Result<Piece, ReadError>> {
        match self {
            Self::Lines(lines) => lines.next_line(),
            Self::Array(array) => array.next_element(),
        }
    }
}

fn too_long(line: u64) -> ReadError {
    ReadError::Rejected(Rejected::one(IntakeError::at_line(
        line,
        "the record is longer than 1 MiB",
        "check that each order stands in a record of its own",
    )))
}

/// Lines, each a value.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: u64,
    ended: bool,
}

impl<R: Read> Lines<R> {
    fn next_line(&mut self) -> Option<Result<Piece, ReadError>> {
        while !self.ended {
            self.line += 1;
            let mut bytes = Vec::new();
            match self.read_line(&mut bytes) {
                Err(source) => {
                    self.ended = true;
                    return Some(Err(ReadError::Io {
                        line: self.line,
                        source,
                    }));
                }
                Ok(false) => return Some(Err(too_long(self.line))),
                Ok(true) => {}
            }
            if bytes.is_empty() {
                self.ended = true;
                break;
            }
            if self.line == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            if !bytes.trim_ascii().is_empty() {
                return Some(Ok(Piece {
                    line: self.line,
                    bytes,
                }));
            }
        }
        None
    }

    /// Reads a line; `false` when it is too long, which leaves the reader behind it.
    fn read_line(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let mut fits = true;
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Ok(fits);
            }
            let end = available.iter().position(|b| *b == b'\n');
            let piece = end.map_or(available.len(), |end| end + 1);
            if bytes.len() + piece > MAX_RECORD {
                fits = false;
            } else {
                bytes.extend_from_slice(&available[..piece]);
            }
            self.reader.consume(piece);
            if end.is_some() {
                return Ok(fits);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the opening bracket.
    Before,
    /// Before an element or the closing bracket.
    Inside,
    /// Behind an element.
    Behind,
    Ended,
}

/// The elements of one array.
pub(super) struct Array<R> {
    reader: BufReader<R>,
    line: u64,
    state: Place,
}

impl<R: Read> Array<R> {
    fn next_element(&mut self) -> Option<Result<Piece, ReadError>> {
        loop {
            let byte = match self.next_byte() {
                Ok(byte) => byte,
                Err(error) => return Some(Err(self.end_with(error))),
            };
            match (self.state, byte) {
                (Place::Ended, _) => return None,
                (_, None) => return Some(Err(self.cut_off())),
                (Place::Before, Some(b'[')) | (Place::Behind, Some(b',')) => {
                    self.state = Place::Inside;
                }
                (Place::Inside | Place::Behind, Some(b']')) => {
                    self.state = Place::Ended;
                    return None;
                }
                // White space, and the byte order mark.
                (_, Some(b' ' | b'\n' | b'\r' | b'\t'))
                | (Place::Before, Some(0xef | 0xbb | 0xbf)) => {}
                (Place::Inside, Some(b'{')) => return Some(self.object()),
                (_, Some(_)) => return Some(Err(self.no_element())),
            }
        }
    }

    /// An object, from behind its opening brace.
    fn object(&mut self) -> Result<Piece, ReadError> {
        let line = self.line;
        let mut bytes = vec![b'{'];
        let (mut depth, mut in_string, mut escaped, mut fits) = (1_usize, false, false, true);
        while depth > 0 {
            let byte = match self.next_byte() {
                Ok(Some(byte)) => byte,
                Ok(None) => return Err(self.cut_off()),
                Err(error) => return Err(self.end_with(error)),
            };
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
            fits = fits && bytes.len() < MAX_RECORD;
            if fits {
                bytes.push(byte);
            }
        }
        self.state = Place::Behind;
        if fits {
            Ok(Piece { line, bytes })
        } else {
            Err(too_long(line))
        }
    }

    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        let Some(byte) = self.reader.fill_buf()?.first().copied() else {
            return Ok(None);
        };
        self.reader.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    fn end_with(&mut self, source: io::Error) -> ReadError {
        self.state = Place::Ended;
        ReadError::Io {
            line: self.line,
            source,
        }
    }

    fn cut_off(&mut self) -> ReadError {
        self.state = Place::Ended;
        ReadError::Rejected(Rejected::one(IntakeError::at_line(
            self.line,
            "the array ends before its closing bracket",
            "check that the file was written to its end",
        )))
    }

    /// Behind text that is no element nothing shows where the next one begins.
    fn no_element(&mut self) -> ReadError {
        self.state = Place::Ended;
        ReadError::Rejected(Rejected::one(IntakeError::at_line(
            self.line,
            "the array holds something that is no object, and cannot be read on from here",
            "write orders and events as objects parted by commas, or one object per line",
        )))
    }
}
