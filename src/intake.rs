//! Wire formats into [`OrderEvent`]s.
//!
//! Files of orders are read here: our CSV, JSON lines, a JSON array and the order
//! export of Shopify. Everything is parsing over a reader the caller opened; this
//! module opens nothing, stores nothing and knows no time but the one it is given.
//! A file is read as a stream: one order at a time is turned into events, and a
//! record that cannot be read is refused alone, with its line and its column.
//!
//! Start with [`sniff`] and [`open`]; [`report::Report`] counts what came out. The
//! formats are described for sellers in `docs/import-csv.md` and `docs/import-jsonl.md`.

mod amounts;
mod build;
mod dates;
pub mod demo;
mod detect;
mod draft;
mod error;
mod fields;
mod groups;
mod ids;
mod json;
mod json_order;
mod orders_csv;
mod parcels;
pub mod report;
mod rows;
mod shopify_csv;
mod splitter;
mod values;

use std::io::Read;

use chrono_tz::Tz;

use crate::{clock::Instant, order::OrderEvent};

pub use dates::{DateFault, When, parse_date};
pub use detect::{Format, Whole, detect, sniff};
pub use error::{IntakeError, ReadError, Rejected, Warning};
pub use fields::{Column, columns};

/// The longest record, in bytes: a CSV row or a JSON value.
pub const MAX_RECORD: usize = 1 << 20;
/// The longest value of a field, in bytes.
pub const MAX_FIELD: usize = 64 << 10;
/// The most lines or parcels of one order.
pub const MAX_LINES: usize = 1_000;
/// The longest reference of an order or a parcel, in bytes.
pub const MAX_REF: usize = 255;
/// The most events one record may give.
pub const MAX_EVENTS: usize = 4_000;

/// What a reader must know beside the file.
#[derive(Debug, Clone)]
pub struct Options {
    /// The channel the orders belong to, where a record names none.
    pub channel: String,
    /// The zone of dates written without an offset.
    pub zone: Tz,
    /// Fills `received_at` where the record has none; `None` leaves it empty.
    pub now: Option<Instant>,
    /// Something that happened cannot have happened after this moment: such a date
    /// is refused. `None` accepts any (for `simulate` and samples).
    pub not_after: Option<Instant>,
}

/// What one order of the file, or one line of events, says.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where it begins in the file, 1-based.
    pub line: u64,
    /// The channel, where the record names one.
    pub channel: Option<String>,
    /// The order.
    pub order_ref: String,
    /// What happened, in the order of the life of an order. Empty when the record was
    /// left out on purpose; a warning then says why.
    pub events: Vec<OrderEvent>,
    /// What was odd but did no harm.
    pub warnings: Vec<Warning>,
}

/// The records of a file, one after the other.
pub struct Records<R> {
    source: Source<R>,
    notes: Vec<Warning>,
}

enum Source<R> {
    Csv(orders_csv::OrdersCsv<R>),
    Shopify(shopify_csv::ShopifyCsv<R>),
    Json(json::JsonRecords<R>),
}

impl<R> Records<R> {
    /// What is odd about the file as a whole: columns nobody reads, facts it cannot hold.
    pub fn notes(&self) -> &[Warning] {
        &self.notes
    }
}

/// Begins to read a file of a known format.
///
/// Reads the header of a CSV at once; a header that cannot be used refuses the file.
pub fn open<R: Read>(format: Format, reader: R, options: Options) -> Result<Records<R>, ReadError> {
    let mut notes = Vec::new();
    let source = match format {
        Format::OrdersCsv => Source::Csv(orders_csv::OrdersCsv::open(reader, options, &mut notes)?),
        Format::ShopifyCsv => {
            Source::Shopify(shopify_csv::ShopifyCsv::open(reader, options, &mut notes)?)
        }
        Format::JsonLines => Source::Json(json::JsonRecords::lines(reader, options)),
        Format::JsonArray => Source::Json(json::JsonRecords::array(reader, options)),
    };
    Ok(Records { source, notes })
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.source {
            Source::Csv(source) => source.next(),
            Source::Shopify(source) => source.next(),
            Source::Json(source) => source.next(),
        }
    }
}

#[cfg(test)]
mod tests;
