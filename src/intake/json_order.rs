//! Order objects: the fields of the order CSV, with lines and parcels as lists.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    draft::{Cell, Cells, Draft, ParcelDraft, Place},
    error::{IntakeError, Warning, shown_name},
    fields::{Field, Level},
    json::unknown_key,
};

/// The order an object tells of. What cannot be taken stands in its errors.
pub(super) fn draft(object: &Map<String, Value>, order_ref: String, line: u64) -> Draft<'_> {
    let mut draft = Draft {
        line,
        order_ref,
        ..Draft::default()
    };
    for (key, value) in object {
        match key.as_str() {
            "lines" => {
                for (index, element) in elements(value, line, "lines", &mut draft) {
                    let place = Place::Element {
                        list: "lines",
                        index,
                    };
                    let cells = cells(element, Level::Line, place, line, &mut draft);
                    draft.lines.push(cells);
                }
            }
            "parcels" => {
                for (index, element) in elements(value, line, "parcels", &mut draft) {
                    let parcel = parcel(element, index, line, &mut draft);
                    draft.parcels.push(parcel);
                }
            }
            _ => {}
        }
    }
    draft.order = cells(object, Level::Order, Place::Key, line, &mut draft);
    draft
}

fn elements<'a>(
    value: &'a Value,
    line: u64,
    list: &str,
    draft: &mut Draft<'_>,
) -> Vec<(usize, &'a Map<String, Value>)> {
    let mut fail = || {
        draft.errors.push(
            IntakeError::at_line(line, "this is no list of objects", "write `[{...}, {...}]`")
                .in_field(list),
        );
    };
    let values = match value {
        Value::Null => return Vec::new(),
        Value::Array(values) => values,
        _ => {
            fail();
            return Vec::new();
        }
    };
    let objects: Vec<_> = values
        .iter()
        .enumerate()
        .filter_map(|(index, value)| Some((index, value.as_object()?)))
        .collect();
    if objects.len() < values.len() {
        fail();
    }
    objects
}

fn parcel<'a>(
    object: &'a Map<String, Value>,
    index: usize,
    line: u64,
    draft: &mut Draft<'a>,
) -> ParcelDraft<'a> {
    let place = Place::Element {
        list: "parcels",
        index,
    };
    let mut line_refs = Vec::new();
    let named = object.get("line_refs").filter(|value| !value.is_null());
    for value in named.iter().filter_map(|value| value.as_array()).flatten() {
        match value {
            Value::String(text) => line_refs.push(text.clone()),
            Value::Number(number) => line_refs.push(number.to_string()),
            _ => {}
        }
    }
    let count = named.map(|value| value.as_array().map_or(usize::MAX, Vec::len));
    if count.is_some_and(|count| count != line_refs.len()) {
        draft.errors.push(
            IntakeError::at_line(
                line,
                "this is no list of line names",
                "write `[\"1\", \"2\"]`",
            )
            .in_field(format!("parcels[{index}].line_refs")),
        );
    }
    ParcelDraft {
        cells: cells(object, Level::Parcel, place, line, draft),
        lines: Vec::new(),
        line_refs,
    }
}

/// The scalar values of an object.
fn cells<'a>(
    object: &'a Map<String, Value>,
    level: Level,
    place: Place,
    line: u64,
    draft: &mut Draft<'_>,
) -> Cells<'a> {
    let mut cells = Cells::default();
    for (key, value) in object {
        let field = Field::ALL.iter().find(|field| field.name() == key).copied();
        let Some(field) = field.filter(|field| field.level() == level) else {
            let is_read_elsewhere = match level {
                Level::Order => matches!(key.as_str(), "lines" | "parcels"),
                Level::Parcel => key == "line_refs",
                Level::Line => false,
            };
            if !is_read_elsewhere {
                draft
                    .warnings
                    .push(stray_key(key, field, level, place, line));
            }
            continue;
        };
        let text = match value {
            Value::Null => continue,
            Value::String(text) => Some(Cow::Borrowed(text.trim())),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
            Value::Array(values) => joined(field, values),
            Value::Object(_) => None,
        };
        let cell = Cell {
            text: text.clone().unwrap_or_default(),
            line,
            place,
        };
        if text.is_none() {
            let hint = "write a text, a number, or true or false";
            draft
                .errors
                .push(cell.error(field, "the value does not fit", hint));
        } else if !cell.text.is_empty() && field != Field::OrderRef {
            cells.set(field, cell);
        }
    }
    cells
}

/// The two fields that may be lists.
fn joined<'a>(field: Field, values: &[Value]) -> Option<Cow<'a, str>> {
    if !matches!(field, Field::Tags | Field::Address) {
        return None;
    }
    let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    // A line break behind the last one too: it tells a list of one tag from tags parted by commas.
    (texts.len() == values.len()).then(|| Cow::Owned(texts.join("\n") + "\n"))
}

/// A key that is unknown here, with where it belongs or what was probably meant.
fn stray_key(key: &str, known: Option<Field>, level: Level, place: Place, line: u64) -> Warning {
    let prefix = match place {
        Place::Element { list, index } => format!("{list}[{index}]."),
        Place::Key | Place::Column { .. } => String::new(),
    };
    if let Some(field) = known {
        let home = match field.level() {
            Level::Order => "the order itself",
            Level::Line => "an element of `lines`",
            Level::Parcel => "an element of `parcels`",
        };
        return Warning::new(
            line,
            Some(format!("{prefix}{key}")),
            format!("not read here: it belongs into {home}"),
        );
    }
    let names = Field::ALL.iter().filter(|field| field.level() == level);
    let mut warning = unknown_key(line, &prefix, key, names.map(|field| field.name()));
    if !warning.message.contains("did you mean")
        && let Some(guess) = Field::guess(&shown_name(key))
    {
        warning.message = format!("{}; did you mean `{guess}`?", warning.message);
    }
    warning
}
