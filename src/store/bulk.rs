//! Batches as one JSON text, unfolded in SQL by `rows` (see the `part!` macro).

use std::{borrow::Cow, io};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use super::StoreError;

/// Writes U+FFFD for NUL, which PostgreSQL can hold in no text and refuses the whole batch for.
struct NoNul;

impl Formatter for NoNul {
    fn write_char_escape<W>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        match escape {
            CharEscape::AsciiControl(0) => writer.write_all("\u{FFFD}".as_bytes()),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"\\/"),
            CharEscape::Backspace => writer.write_all(b"\\b"),
            CharEscape::FormFeed => writer.write_all(b"\\f"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
        }
    }
}

/// The text as it comes back from the tables.
pub(super) fn as_stored(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The batch as a JSON array.
pub(super) fn encode<T: Serialize + ?Sized>(rows: &T) -> Result<String, StoreError> {
    let mut text = Vec::with_capacity(1024);
    rows.serialize(&mut Serializer::with_formatter(&mut text, NoNul))
        .map_err(StoreError::Encode)?;
    String::from_utf8(text).map_err(|_| StoreError::Invalid("a batch is no text"))
}

/// Ids as a JSON array, sorted: two transactions that lock rows do it in the same order.
pub(super) fn encode_ids(ids: &[i64]) -> Result<String, StoreError> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    encode(&sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_becomes_a_replacement_character_and_the_rest_stays() {
        let text = "a\0b\"\\\n\t\r\u{1}\u{8}\u{c}ż/";
        let read: String = serde_json::from_str(&encode(text).unwrap()).unwrap();
        assert_eq!(read, as_stored(text));
    }

    #[test]
    fn ids_are_sorted_and_single() {
        assert_eq!(encode_ids(&[3, 1, 3, 2]).unwrap(), "[1,2,3]");
    }
}
