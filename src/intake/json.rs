//! JSON: orders and normalised events, one object each (`docs/import-jsonl.md`).

use std::io::Read;

use serde::{Deserialize, Deserializer, de::value::MapDeserializer};
use serde_json::{Map, Value};

use crate::order::{Fact, OrderEvent, TimePrecision};

use super::{
    MAX_FIELD, Options, Record,
    amounts::DecimalMark,
    build::{Build, check_ref},
    dates::parse_date,
    error::{IntakeError, ReadError, Rejected, Warning, nearest, shape, shown_name},
    json_order,
    splitter::{Piece, Splitter},
};

const SOURCE: &str = "jsonl";
const EVENT_KEYS: [&str; 14] = [
    "channel",
    "source",
    "source_event_id",
    "kind",
    "order_ref",
    "parcel_ref",
    "line_refs",
    "occurred_at",
    "time_precision",
    "received_at",
    "test",
    "backfill",
    "data",
    "raw_ref",
];
/// Data the order sources give that no decision depends on; no reason to warn.
const UNUSED_DATA: [&str; 6] = [
    "score",
    "scale",
    "type",
    "time_source",
    "raw_status",
    "line_refs",
];

/// A file of JSON objects.
pub(super) struct JsonRecords<R> {
    pieces: Splitter<R>,
    build: Build,
}

impl<R: Read> JsonRecords<R> {
    pub(super) fn lines(reader: R, options: Options) -> Self {
        Self::of(Splitter::lines(reader), options)
    }

    pub(super) fn array(reader: R, options: Options) -> Self {
        Self::of(Splitter::array(reader), options)
    }

    fn of(pieces: Splitter<R>, options: Options) -> Self {
        Self {
            pieces,
            build: Build::new(SOURCE, DecimalMark::Point, options),
        }
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, ReadError>> {
        Some(match self.pieces.next_piece()? {
            Ok(piece) => self.record(&piece),
            Err(error) => Err(error),
        })
    }

    fn record(&self, piece: &Piece) -> Result<Record, ReadError> {
        let line = piece.line;
        let object = parse(piece).map_err(refused)?;
        let order_ref = reference(&object, "order_ref", line).map_err(refused)?;
        let name = order_ref.clone();
        let of_order = |error: IntakeError| {
            ReadError::Rejected(Rejected::one(error).of_order(name.as_deref()))
        };
        check_values(&object, line).map_err(of_order)?;
        let Some(order_ref) = order_ref else {
            return Err(refused(
                IntakeError::at_line(line, "the record names no order", "add `order_ref`")
                    .in_field("order_ref"),
            ));
        };
        if object.contains_key("kind") {
            let zone = self.build.options.zone;
            let mut record = event(object, order_ref, line, zone).map_err(of_order)?;
            if let Some(end) = self.build.options.not_after
                && record.events.iter().any(|event| event.occurred_at > end)
            {
                let message = "the event lies in the future";
                let hint = "send only what has happened";
                let error = IntakeError::at_line(line, message, hint).in_field("occurred_at");
                return Err(of_order(error));
            }
            self.build.finish(&mut record);
            return Ok(record);
        }
        self.build
            .record(json_order::draft(&object, order_ref, line))
    }
}

fn refused(error: IntakeError) -> ReadError {
    ReadError::Rejected(Rejected::one(error))
}

fn parse(piece: &Piece) -> Result<Map<String, Value>, IntakeError> {
    match serde_json::from_slice(piece.bytes.trim_ascii_end()) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(IntakeError::at_line(
            piece.line,
            "this is no object",
            "write one object per line, `{\"order_ref\": ...}`",
        )),
        Err(error) => {
            let line = piece.line + u64::try_from(error.line()).unwrap_or(1).saturating_sub(1);
            let is_opening = piece.bytes.trim_ascii() == b"{";
            let hint = if is_opening {
                "write each object on one line, or all of them in one array"
            } else {
                "check quotes, commas and braces of this record"
            };
            let error = IntakeError::at_line(line, broken(&error), hint);
            Err(error)
        }
    }
}

/// What is wrong with the syntax. Nothing of the text is repeated.
fn broken(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let fault = text.split(" at line ").next().unwrap_or_default();
    format!("broken JSON behind character {}: {fault}", error.column())
}

/// A reference: a text, or a number written without quotes.
fn reference(
    object: &Map<String, Value>,
    key: &str,
    line: u64,
) -> Result<Option<String>, IntakeError> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => {
            Err(IntakeError::at_line(line, "this is no text", "write it in quotes").in_field(key))
        }
    }
}

/// Limits that hold for every text in the object, however deep.
fn check_values(object: &Map<String, Value>, line: u64) -> Result<(), IntakeError> {
    let mut open: Vec<&Value> = object.values().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values),
            Value::Object(values) => open.extend(values.values()),
            Value::String(text) if text.len() > MAX_FIELD => {
                return Err(IntakeError::at_line(
                    line,
                    "a value is longer than 64 kB",
                    "shorten it; no field of an order is that long",
                ));
            }
            // PostgreSQL has no text that holds one.
            Value::String(text) if text.contains('\0') => {
                return Err(IntakeError::at_line(
                    line,
                    "a value contains a NUL character",
                    "remove `\\u0000` from the record",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The event without its data, which is read apart for better errors.
#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    source_event_id: Option<String>,
    #[serde(default)]
    line_refs: Vec<String>,
    #[serde(default)]
    time_precision: Option<TimePrecision>,
    #[serde(default)]
    received_at: Option<crate::clock::Instant>,
    #[serde(default)]
    test: bool,
    #[serde(default)]
    backfill: bool,
}

fn event(
    mut object: Map<String, Value>,
    order_ref: String,
    line: u64,
    zone: chrono_tz::Tz,
) -> Result<Record, IntakeError> {
    object.retain(|_, value| !value.is_null());
    let mut warnings = Vec::new();
    for key in object
        .keys()
        .filter(|key| !EVENT_KEYS.contains(&key.as_str()))
    {
        warnings.push(unknown_key(line, "", key, EVENT_KEYS));
    }
    let data = object
        .remove("data")
        .unwrap_or_else(|| Value::Object(Map::new()));
    let fact = fact(&object, &data, line)?;
    let written = serde_json::to_value(&fact).unwrap_or_default();
    warn_unused(&data, &written["data"], line, "data", &mut warnings);
    let parcel_ref = reference(&object, "parcel_ref", line)?;
    if fact.is_about_a_parcel() && parcel_ref.is_none() {
        let message = format!("`{}` is about a parcel and names none", fact.kind());
        return Err(IntakeError::at_line(line, message, "add `parcel_ref`").in_field("parcel_ref"));
    }
    check_ref(&order_ref, "order_ref", line)?;
    check_ref(
        parcel_ref.as_deref().unwrap_or_default(),
        "parcel_ref",
        line,
    )?;
    let when = match object.get("occurred_at") {
        Some(Value::String(text)) => parse_date(text, zone).map_err(|fault| {
            let message = format!("{fault} (it looks like `{}`)", shape(text));
            IntakeError::at_line(line, message, "write 2026-03-02T14:05:00Z")
        }),
        Some(_) => Err(IntakeError::at_line(
            line,
            "this is no date",
            "write it as a text, 2026-03-02T14:05:00Z",
        )),
        None => Err(IntakeError::at_line(
            line,
            "the event does not say when it happened",
            "add it, as in 2026-03-02T14:05:00Z",
        )),
    }
    .map_err(|error| error.in_field("occurred_at"))?;
    object.retain(|key, _| !matches!(key.as_str(), "kind" | "occurred_at" | "parcel_ref"));
    let frame: Frame = typed(Value::Object(object), line)?;
    Ok(Record {
        line,
        channel: frame.channel,
        order_ref: order_ref.clone(),
        events: vec![OrderEvent {
            source: frame.source.unwrap_or_else(|| SOURCE.to_owned()),
            source_event_id: frame.source_event_id.unwrap_or_default(),
            order_ref,
            parcel_ref,
            line_refs: frame.line_refs,
            occurred_at: when.at,
            precision: frame.time_precision.unwrap_or(when.precision),
            received_at: frame.received_at,
            test: frame.test,
            backfill: frame.backfill,
            fact,
        }],
        warnings,
    })
}

fn fact(object: &Map<String, Value>, data: &Value, line: u64) -> Result<Fact, IntakeError> {
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !Fact::KINDS.contains(&kind) {
        let hint = match nearest(kind, Fact::KINDS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", Fact::KINDS.join(", ")),
        };
        let message = format!("`{}` is no event kind", shown_name(kind));
        return Err(IntakeError::at_line(line, message, hint).in_field("kind"));
    }
    // The kind first: serde then reads the data in place, and knows the path of what does not fit.
    let tagged = [("kind", Value::from(kind)), ("data", data.clone())];
    let fact: Fact = typed(MapDeserializer::new(tagged.into_iter()), line)?;
    if fact.is_internal() {
        let message = format!("`{kind}` is written by afternote alone");
        let hint = "leave the event out; a mail or an operator's decision cannot be imported";
        return Err(IntakeError::at_line(line, message, hint).in_field("kind"));
    }
    Ok(fact)
}

/// Reads a value, with the path of what does not fit and never its content.
fn typed<'de, T: Deserialize<'de>>(
    value: impl Deserializer<'de, Error = serde_json::Error>,
    line: u64,
) -> Result<T, IntakeError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let text = error.inner().to_string();
        // serde repeats the value before the word "expected": only what is behind it is shown.
        let (message, hint) = match text.rsplit_once("expected ") {
            Some((_, expected)) => (
                "the value does not fit".to_owned(),
                format!("expected is {expected}"),
            ),
            None if text.starts_with("missing field") => (text, "add it".to_owned()),
            None => (
                "the value cannot be read".to_owned(),
                "write times as 2026-03-02T14:05:00Z and amounts as \"12.50\"".to_owned(),
            ),
        };
        IntakeError::at_line(line, message, hint).in_field(path)
    })
}

/// Warns of keys that were read over: what was understood, written again, lacks them.
fn warn_unused(given: &Value, written: &Value, line: u64, path: &str, warnings: &mut Vec<Warning>) {
    match (given, written) {
        (Value::Object(given), Value::Object(written)) => {
            for (key, value) in given {
                let is_default = value.is_null()
                    || *value == Value::Bool(false)
                    || value.as_array().is_some_and(Vec::is_empty);
                match written.get(key) {
                    Some(inner) => {
                        let path = format!("{path}.{key}");
                        warn_unused(value, inner, line, &path, warnings);
                    }
                    None if is_default || UNUSED_DATA.contains(&key.as_str()) => {}
                    None => {
                        let known = written.keys().map(String::as_str);
                        let prefix = format!("{path}.");
                        warnings.push(unknown_key(line, &prefix, key, known));
                    }
                }
            }
        }
        (Value::Array(given), Value::Array(written)) => {
            for (index, (given, written)) in given.iter().zip(written).enumerate() {
                let path = format!("{path}[{index}]");
                warn_unused(given, written, line, &path, warnings);
            }
        }
        _ => {}
    }
}

/// A key nobody reads, with the one that was probably meant.
pub(super) fn unknown_key<'a>(
    line: u64,
    prefix: &str,
    key: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Warning {
    let guess = nearest(key, known)
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    Warning::new(
        line,
        Some(format!("{prefix}{}", shown_name(key))),
        format!("nobody reads this key{guess}"),
    )
}
