//! An order as a file tells it: values with their places, not yet read.

use std::borrow::Cow;

use super::{
    error::{IntakeError, Warning},
    fields::Field,
};

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A column of a CSV.
    Column {
        /// 0-based.
        index: usize,
        /// Its header.
        header: &'static str,
    },
    /// A key of the order object.
    Key,
    /// A key of an object in one of its lists.
    Element {
        /// The list's key.
        list: &'static str,
        /// 0-based.
        index: usize,
    },
}

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) line: u64,
    pub(super) place: Place,
}

/// The values of an order, a line or a parcel.
#[derive(Debug, Clone, Default)]
pub(super) struct Cells<'a>(Vec<(Field, Cell<'a>)>);

/// A parcel.
#[derive(Debug, Clone, Default)]
pub(super) struct ParcelDraft<'a> {
    pub(super) cells: Cells<'a>,
    /// The lines in it, by their index.
    pub(super) lines: Vec<usize>,
    /// The lines in it, by the names the file gives them.
    pub(super) line_refs: Vec<String>,
}

/// An order.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft<'a> {
    /// Where it begins.
    pub(super) line: u64,
    pub(super) order_ref: String,
    pub(super) order: Cells<'a>,
    pub(super) lines: Vec<Cells<'a>>,
    pub(super) parcels: Vec<ParcelDraft<'a>>,
    pub(super) errors: Vec<IntakeError>,
    pub(super) warnings: Vec<Warning>,
}

impl Cell<'_> {
    /// The name of the value for people.
    pub(super) fn name(&self, field: Field) -> String {
        match self.place {
            Place::Column { header, .. } => header.to_owned(),
            Place::Key => field.name().to_owned(),
            Place::Element { list, index } => format!("{list}[{index}].{}", field.name()),
        }
    }

    /// An error about this value.
    pub(super) fn error(
        &self,
        field: Field,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> IntakeError {
        let error = IntakeError::at_line(self.line, message, hint).in_field(self.name(field));
        match self.place {
            Place::Column { index, .. } => error.in_column(index),
            Place::Key | Place::Element { .. } => error,
        }
    }

    /// A warning about this value.
    pub(super) fn warning(&self, field: Field, message: impl Into<String>) -> Warning {
        Warning::new(self.line, Some(self.name(field)), message)
    }
}

impl<'a> Cells<'a> {
    pub(super) fn get(&self, field: Field) -> Option<&Cell<'a>> {
        let (_, cell) = self.0.iter().find(|(other, _)| *other == field)?;
        Some(cell)
    }

    pub(super) fn first(&self) -> Option<(Field, &Cell<'a>)> {
        let (field, cell) = self.0.first()?;
        Some((*field, cell))
    }

    pub(super) fn set(&mut self, field: Field, cell: Cell<'a>) {
        self.0.push((field, cell));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over the values of another row about the same thing; they must agree.
    pub(super) fn merge(&mut self, other: Self, errors: &mut Vec<IntakeError>) {
        for (field, cell) in other.0 {
            match self.get(field) {
                None => self.set(field, cell),
                Some(first) if first.text == cell.text => {}
                Some(first) => errors.push(cell.error(
                    field,
                    format!("the value differs from the one in line {}", first.line),
                    "write the same value in each row of it, or leave all but one empty",
                )),
            }
        }
    }

    /// Whether both hold the same values.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().all(|(field, cell)| {
                other
                    .get(*field)
                    .is_some_and(|theirs| theirs.text == cell.text)
            })
    }
}
