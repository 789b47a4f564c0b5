//! Our documented CSV: one row per article or parcel (`docs/import-csv.md`).

use std::{borrow::Cow, io::Read};

use super::{
    Options, Record,
    amounts::DecimalMark,
    build::Build,
    detect,
    draft::{Cell, Cells, Draft, ParcelDraft, Place},
    error::{IntakeError, ReadError, Warning, shown_name},
    fields::{Field, Level},
    groups::{Group, Groups},
    rows::Row,
};

/// A file of orders.
pub(super) struct OrdersCsv<R> {
    groups: Groups<detect::Whole<R>>,
    /// The field of each column; `None` where nobody reads it.
    columns: Vec<Option<Field>>,
    build: Build,
}

impl<R: Read> OrdersCsv<R> {
    pub(super) fn open(
        reader: R,
        options: Options,
        notes: &mut Vec<Warning>,
    ) -> Result<Self, ReadError> {
        let (layout, rows) = detect::open_csv(reader)?;
        let columns = read_header(&layout.names, notes).map_err(ReadError::File)?;
        let key = columns
            .iter()
            .position(|column| *column == Some(Field::OrderRef))
            .unwrap_or_default();
        let mark = if layout.delimiter == b',' {
            DecimalMark::Point
        } else {
            DecimalMark::PointOrComma
        };
        Ok(Self {
            groups: Groups::new(rows, key, shown(&layout.names)),
            columns,
            build: Build::new("csv", mark, options),
        })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, ReadError>> {
        let group = match self.groups.next_group()? {
            Ok(group) => group,
            Err(error) => return Some(Err(error)),
        };
        Some(self.build.record(draft(&group, &self.columns)))
    }
}

/// The headers, fit to stand in messages.
fn shown(names: &[String]) -> Vec<String> {
    names.iter().map(|name| shown_name(name)).collect()
}

fn read_header(
    names: &[String],
    notes: &mut Vec<Warning>,
) -> Result<Vec<Option<Field>>, IntakeError> {
    let mut columns = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let field = Field::from_name(name);
        if field.is_some() && columns.contains(&field) {
            return Err(IntakeError::at_line(
                1,
                "two columns have this header",
                "rename one of them",
            )
            .in_field(shown_name(name))
            .in_column(index));
        }
        if field.is_none() && !name.trim().is_empty() {
            let guess = Field::guess(name)
                .map(|guess| format!("; did you mean `{guess}`?"))
                .unwrap_or_default();
            notes.push(Warning::new(
                1,
                Some(shown_name(name)),
                format!("nobody reads this column{guess}"),
            ));
        }
        columns.push(field);
    }
    if !columns.contains(&Some(Field::OrderRef)) {
        return Err(IntakeError::at_line(
            1,
            "no column is called `order_ref`",
            "name the column with the order's number so",
        ));
    }
    let says_something = columns
        .iter()
        .flatten()
        .any(|field| field.name().ends_with("_at") && *field != Field::ExpectedAt);
    if !says_something {
        return Err(IntakeError::at_line(
            1,
            "no column says when something happened",
            "add `accepted_at` for orders, or `shipped_at`, `delivered_at` and the like for news \
             of orders that are known already",
        ));
    }
    Ok(columns)
}

fn draft<'a>(group: &'a Group, columns: &[Option<Field>]) -> Draft<'a> {
    let mut draft = Draft {
        line: group.line,
        order_ref: group.key.clone(),
        errors: group.errors.clone(),
        ..Draft::default()
    };
    for row in &group.rows {
        let mut cells = split(row, columns);
        let errors = &mut draft.errors;
        draft.order.merge(std::mem::take(&mut cells[0]), errors);
        let [_, line, parcel] = cells;
        let line = (!line.is_empty()).then(|| place_line(&mut draft, line));
        if !parcel.is_empty() {
            place_parcel(&mut draft, parcel, line);
        }
    }
    draft
}

/// The values of a row: those of the order, of the line, of the parcel.
fn split<'a>(row: &'a Row, columns: &[Option<Field>]) -> [Cells<'a>; 3] {
    let mut cells = [Cells::default(), Cells::default(), Cells::default()];
    for (index, (field, text)) in columns.iter().zip(row.values()).enumerate() {
        let Some(field) = *field else { continue };
        let text = text.trim();
        if text.is_empty() || field == Field::OrderRef {
            continue;
        }
        let cell = Cell {
            text: Cow::Borrowed(text),
            line: row.line,
            place: Place::Column {
                index,
                header: field.name(),
            },
        };
        let level = match field.level() {
            Level::Order => 0,
            Level::Line => 1,
            Level::Parcel => 2,
        };
        cells[level].set(field, cell);
    }
    cells
}

/// The line of a row: a new one, or the one of the same `line_ref` told again.
fn place_line<'a>(draft: &mut Draft<'a>, cells: Cells<'a>) -> usize {
    let line_ref = cells.get(Field::LineRef);
    let known = line_ref.and_then(|cell| {
        draft.lines.iter().position(|line| {
            line.get(Field::LineRef)
                .is_some_and(|other| other.text == cell.text)
        })
    });
    if let Some(index) = known {
        draft.lines[index].merge(cells, &mut draft.errors);
        return index;
    }
    draft.lines.push(cells);
    draft.lines.len() - 1
}

/// The parcel of a row: known by its `parcel_ref`, else by its tracking number; rows with
/// neither are one parcel only where they say the same: a delivery told of one row must
/// not stand for another.
fn place_parcel<'a>(draft: &mut Draft<'a>, cells: Cells<'a>, line: Option<usize>) {
    let key = |cells: &Cells<'a>| {
        [Field::ParcelRef, Field::TrackingNumber]
            .into_iter()
            .find_map(|field| cells.get(field).map(|cell| (field, cell.text.clone())))
    };
    let own = key(&cells);
    let known = draft.parcels.iter().position(|parcel| {
        key(&parcel.cells) == own && (own.is_some() || parcel.cells.equals(&cells))
    });
    let index = known.unwrap_or_else(|| {
        draft.parcels.push(ParcelDraft::default());
        draft.parcels.len() - 1
    });
    let parcel = &mut draft.parcels[index];
    parcel.cells.merge(cells, &mut draft.errors);
    if let Some(line) = line
        && !parcel.lines.contains(&line)
    {
        parcel.lines.push(line);
    }
}
