//! Which format a file has, told by its first bytes.

use std::{
    fmt,
    io::{self, Chain, Cursor, Read},
};

use serde::Serialize;

use super::{
    error::{IntakeError, ReadError, shown_name},
    fields::Field,
    rows::Rows,
    shopify_csv,
};

/// How much of a file is looked at to tell its format.
const HEAD: u64 = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file format we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Our documented CSV: one row per article or parcel.
    OrdersCsv,
    /// The order export of Shopify.
    ShopifyCsv,
    /// One JSON object per line: orders, normalised events, or both.
    JsonLines,
    /// The same objects in one array.
    JsonArray,
}

impl Format {
    /// What people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrdersCsv => "order CSV",
            Self::ShopifyCsv => "Shopify order export",
            Self::JsonLines => "JSON lines",
            Self::JsonArray => "JSON array",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reader whose first bytes were looked at, from its beginning again.
pub type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// How a CSV file begins.
pub(super) struct Layout {
    pub(super) delimiter: u8,
    pub(super) names: Vec<String>,
    mark: usize,
    has_separator_line: bool,
}

/// Reads the first bytes of a file and tells its format; the reader given back begins
/// at the beginning again. `name` only serves the error message and may be empty.
pub fn sniff<R: Read>(name: &str, reader: R) -> Result<(Format, Whole<R>), ReadError> {
    let (head, reader) = split_head(reader)?;
    let format = detect(name, &head).map_err(ReadError::File)?;
    Ok((format, Cursor::new(head).chain(reader)))
}

fn split_head<R: Read>(mut reader: R) -> Result<(Vec<u8>, R), ReadError> {
    let mut head = Vec::new();
    (&mut reader)
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(at_the_start)?;
    Ok((head, reader))
}

fn at_the_start(source: io::Error) -> ReadError {
    ReadError::Io { line: 1, source }
}

/// Tells the format of a file by its first bytes (64 KiB are plenty; the header must be whole).
///
/// # Errors
/// Nothing fits: says what is accepted and which header was probably meant.
pub fn detect(name: &str, head: &[u8]) -> Result<Format, IntakeError> {
    let refuse = |message: &str, hint: &str| {
        let file = shown_name(name);
        let message = match file.as_str() {
            "" => format!("the file {message}"),
            file => format!("`{file}` {message}"),
        };
        Err(IntakeError::at_line(1, message, hint))
    };
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return refuse(
            "is written in UTF-16",
            "save it as \"CSV UTF-8\" and import it again",
        );
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xd0\xcf\x11\xe0") {
        return refuse(
            "is a workbook or an archive",
            "save the sheet as \"CSV UTF-8\" and import that",
        );
    }
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    match text.trim_ascii_start().first() {
        None => {
            return refuse(
                "is empty",
                "check the export; it should hold a header at least",
            );
        }
        Some(b'{') => return Ok(Format::JsonLines),
        Some(b'[') => return Ok(Format::JsonArray),
        Some(_) => {}
    }
    let layout = layout(head);
    if layout
        .names
        .iter()
        .any(|name| Field::from_name(name) == Some(Field::OrderRef))
    {
        return Ok(Format::OrdersCsv);
    }
    if shopify_csv::is_header(&layout.names) {
        return Ok(Format::ShopifyCsv);
    }
    refuse("has no header we know", &header_hint(&layout.names))
}

fn header_hint(names: &[String]) -> String {
    let guesses: Vec<String> = names
        .iter()
        .filter(|name| Field::from_name(name).is_none())
        .filter_map(|name| {
            let guess = Field::guess(name)?;
            Some(format!("`{}` as `{guess}`", shown_name(name)))
        })
        .take(6)
        .collect();
    let mut hint = String::from(
        "accepted are: a CSV whose first row names the columns, at least `order_ref` and \
         `accepted_at`; the order export of Shopify with its own headers (`Name`, `Email`, \
         `Created at`, `Lineitem name`, ...); JSON, one object per line or in an array, each with \
         `order_ref`",
    );
    if !guesses.is_empty() {
        hint.push_str("; perhaps write ");
        hint.push_str(&guesses.join(", "));
    }
    hint
}

/// The separator and the header that make most sense.
fn layout(head: &[u8]) -> Layout {
    let mark = if head.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let text = &head[mark..];
    // Excel writes its separator into a line of its own: `sep=;`.
    let has_separator_line = text
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"sep="));
    let mut layouts = [b',', b';', b'\t'].map(|delimiter| {
        let mut rows = Rows::new(text, delimiter);
        if has_separator_line {
            // Reading from memory does not fail.
            let _ = rows.skip_line();
        }
        let names: Vec<String> = match rows.next_row() {
            Some(Ok(row)) => row.values().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let known = names
            .iter()
            .filter(|name| Field::from_name(name).is_some() || shopify_csv::is_column(name))
            .count();
        let width = names.len();
        let layout = Layout {
            delimiter,
            names,
            mark,
            has_separator_line,
        };
        ((known, width), layout)
    });
    layouts.sort_by_key(|(fit, _)| *fit);
    let [_, _, (_, best)] = layouts;
    best
}

/// The rows behind the header of a CSV file, with the header.
pub(super) type Body<R> = Rows<Whole<R>>;

/// Opens a CSV file: finds its separator and reads its header.
pub(super) fn open_csv<R: Read>(reader: R) -> Result<(Layout, Body<R>), ReadError> {
    let (head, reader) = split_head(reader)?;
    let layout = layout(&head);
    let mut rows = Rows::new(Cursor::new(head).chain(reader), layout.delimiter);
    rows.skip_bytes(layout.mark).map_err(at_the_start)?;
    if layout.has_separator_line {
        rows.skip_line().map_err(at_the_start)?;
    }
    match rows.next_row() {
        Some(Ok(_)) => Ok((layout, rows)),
        Some(Err(super::rows::RowError::Io(error))) => Err(error),
        Some(Err(super::rows::RowError::Bad(bad))) => Err(ReadError::File(bad.error)),
        None => Err(ReadError::File(IntakeError::at_line(
            1,
            "the file is empty",
            "check the export; it should hold a header at least",
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], expected: Result<Format, &str>) {
        let found = detect("orders.csv", head);
        match (&found, expected) {
            (Ok(format), Ok(expected)) => assert_eq!(*format, expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            _ => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn formats_are_told_by_content() {
        check(b"order_ref,accepted_at\n", Ok(Format::OrdersCsv));
        check(
            b"\xef\xbb\xbf\"Order Ref\";accepted_at\r\n",
            Ok(Format::OrdersCsv),
        );
        check(
            b"sep=\t\r\norder_ref\taccepted_at\r\n",
            Ok(Format::OrdersCsv),
        );
        check(
            b"Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name\n",
            Ok(Format::ShopifyCsv),
        );
        check(b" \n{\"order_ref\":\"1\"}", Ok(Format::JsonLines));
        check(b"\xef\xbb\xbf[", Ok(Format::JsonArray));
    }

    #[test]
    fn what_fits_nothing_is_refused_with_the_way_out() {
        check(b"", Err("is empty"));
        check(b"\xff\xfeo\0", Err("UTF-16"));
        check(b"PK\x03\x04", Err("workbook"));
        check(
            b"Order Number;E-Mail;colour\n1;a@example.com;red\n",
            Err("perhaps write `Order Number` as `order_ref`, `E-Mail` as `buyer_email`"),
        );
        check(b"\"never closed", Err("no header we know"));
    }

    #[test]
    fn an_address_in_place_of_a_header_is_not_repeated() {
        let error = detect("x", b"email anna@example.com,2\n")
            .unwrap_err()
            .to_string();
        assert!(!error.contains("anna"), "{error}");
    }
}
