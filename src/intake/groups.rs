//! The rows of one order, brought together.
//!
//! An order is told whole: its lines stand in one event. So its rows are collected
//! before it is given out. Rows apart are joined while no more than [`OPEN_ORDERS`] other
//! orders lie between; a row that comes later still is refused with both its lines,
//! rather than turned into an order of one line.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io::Read,
};

use super::{
    MAX_LINES,
    error::{IntakeError, ReadError, Rejected},
    rows::{Row, RowError, Rows},
};

/// How many orders are kept open for rows to come.
pub(super) const OPEN_ORDERS: usize = 1_000;
/// How much memory the open orders may take.
const OPEN_BYTES: usize = 16 << 20;
/// How many errors of one order are kept; a file of nonsense shall not fill the memory.
pub(super) const MAX_ERRORS: usize = 50;

/// The rows of one order.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: String,
    pub(super) line: u64,
    pub(super) rows: Vec<Row>,
    /// What was wrong with rows of it.
    pub(super) errors: Vec<IntakeError>,
    weight: usize,
}

/// The orders of a file, in the order of their first rows.
pub(super) struct Groups<R> {
    rows: Rows<R>,
    key_index: usize,
    header: Vec<String>,
    open: VecDeque<Group>,
    /// How many groups were given out: the number of the front one.
    given: usize,
    by_key: HashMap<String, usize>,
    weight: usize,
    /// Every order given out, by the hash of its key, with its first line.
    seen: HashMap<u64, u64>,
    hasher: BuildHasherDefault<DefaultHasher>,
    ended: bool,
}

impl<R: Read> Groups<R> {
    /// `key_index` is the column that names the order.
    pub(super) fn new(rows: Rows<R>, key_index: usize, header: Vec<String>) -> Self {
        Self {
            rows,
            key_index,
            header,
            open: VecDeque::new(),
            given: 0,
            by_key: HashMap::new(),
            weight: 0,
            seen: HashMap::new(),
            hasher: BuildHasherDefault::default(),
            ended: false,
        }
    }

    /// The next order, or rows that belong to none.
    pub(super) fn next_group(&mut self) -> Option<Result<Group, ReadError>> {
        while !self.ended && self.open.len() <= OPEN_ORDERS && self.weight <= OPEN_BYTES {
            match self.rows.next_row() {
                None => self.ended = true,
                Some(Ok(row)) => {
                    if let Err(rejected) = self.place(row) {
                        return Some(Err(ReadError::Rejected(rejected)));
                    }
                }
                Some(Err(RowError::Bad(mut bad))) => {
                    let column = bad.error.column.map_or(0, |column| column as usize);
                    bad.error.field = self.header.get(column.wrapping_sub(1)).cloned();
                    let key = bad.values.get(self.key_index).map(str::trim);
                    let key = key.filter(|key| !key.is_empty()).map(str::to_owned);
                    let Some(key) = key else {
                        return Some(Err(ReadError::Rejected(Rejected::one(bad.error))));
                    };
                    if let Err(rejected) = self.add(&key, None, Some(bad.error)) {
                        return Some(Err(ReadError::Rejected(rejected)));
                    }
                }
                Some(Err(RowError::Io(error))) => {
                    // The last order may lack rows: better none than a part of it.
                    self.ended = true;
                    self.open.clear();
                    self.by_key.clear();
                    return Some(Err(error));
                }
            }
        }
        let group = self.open.pop_front()?;
        self.given += 1;
        self.weight -= group.weight;
        self.by_key.remove(&group.key);
        self.seen
            .insert(self.hasher.hash_one(&group.key), group.line);
        Some(Ok(group))
    }

    fn key_name(&self) -> &str {
        self.header.get(self.key_index).map_or("", String::as_str)
    }

    fn place(&mut self, row: Row) -> Result<(), Rejected> {
        let line = row.line;
        let key = row.get(self.key_index).unwrap_or_default().trim();
        if key.is_empty() {
            let error = IntakeError::at_line(
                line,
                "the row names no order",
                "repeat the order's number in each of its rows",
            );
            let error = error.in_column(self.key_index).in_field(self.key_name());
            return Err(Rejected::one(error));
        }
        let surplus = (self.header.len()..row.len()).find(|index| {
            row.get(*index)
                .is_some_and(|value| !value.trim().is_empty())
        });
        let error = surplus.map(|index| {
            IntakeError::at_line(
                line,
                format!(
                    "the row has a value beyond the {} columns of the header",
                    self.header.len()
                ),
                "put values that hold the separator in quotes",
            )
            .in_column(index)
        });
        let key = key.to_owned();
        self.add(&key, Some(row), error)
    }

    fn add(
        &mut self,
        key: &str,
        row: Option<Row>,
        error: Option<IntakeError>,
    ) -> Result<(), Rejected> {
        let line = row
            .as_ref()
            .map(|row| row.line)
            .or(error.as_ref().map(|error| error.line))
            .unwrap_or_default();
        let index = match self.open.back() {
            Some(last) if last.key == key => Some(self.open.len() - 1),
            _ => self.by_key.get(key).map(|number| number - self.given),
        };
        let index = match index {
            Some(index) => index,
            None => self.begin(key, line)?,
        };
        let group = &mut self.open[index];
        if group.rows.len() >= MAX_LINES && row.is_some() {
            group.fail(IntakeError::at_line(
                line,
                format!("the order has more than {MAX_LINES} rows"),
                "check that the order number is right; an order this long cannot be imported",
            ));
            return Ok(());
        }
        if let Some(row) = row {
            group.weight += row.weight();
            self.weight += row.weight();
            group.rows.push(row);
        }
        if let Some(error) = error {
            group.fail(error);
        }
        Ok(())
    }

    fn begin(&mut self, key: &str, line: u64) -> Result<usize, Rejected> {
        if let Some(first) = self.seen.get(&self.hasher.hash_one(key)) {
            let error = IntakeError::at_line(
                line,
                format!(
                    "the rows of this order stand too far apart: it began in line {first} and was \
                     read without this row"
                ),
                format!("sort the file by `{}` and import it again", self.key_name()),
            );
            let error = error.in_column(self.key_index).in_field(self.key_name());
            return Err(Rejected::one(error).of_order(Some(key)));
        }
        let group = Group {
            key: key.to_owned(),
            line,
            rows: Vec::with_capacity(2),
            errors: Vec::new(),
            weight: size_of::<Group>() + 2 * key.len(),
        };
        self.weight += group.weight;
        self.open.push_back(group);
        let number = self.given + self.open.len() - 1;
        self.by_key.insert(key.to_owned(), number);
        Ok(self.open.len() - 1)
    }
}

impl Group {
    fn fail(&mut self, error: IntakeError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead, BufReader};

    use super::*;

    /// A file without end: one order per row.
    struct Endless(u64, Vec<u8>);

    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.1.is_empty() {
                self.0 += 1;
                self.1 = format!("{},2026-03-02\n", self.0).into_bytes();
            }
            let count = self.1.len().min(into.len());
            into[..count].copy_from_slice(&self.1[..count]);
            self.1.drain(..count);
            Ok(count)
        }
    }

    #[test]
    fn orders_are_given_out_while_the_file_is_still_read() {
        let header = ["order_ref", "accepted_at"].map(str::to_owned).to_vec();
        let mut groups = Groups::new(Rows::new(Endless(0, Vec::new()), b','), 0, header);
        for number in 1..=5_000_u64 {
            let group = groups.next_group().unwrap().unwrap();
            assert_eq!((group.key, group.line), (number.to_string(), number));
            assert!(groups.open.len() <= OPEN_ORDERS + 1);
        }
    }

    #[test]
    fn large_orders_are_given_out_before_they_fill_the_memory() {
        let value = "x".repeat(60_000);
        let rows: Vec<String> = (0..600)
            .map(|number| format!("{number},{value}\n"))
            .collect();
        let text = rows.concat();
        let header = ["order_ref", "title"].map(str::to_owned).to_vec();
        let mut groups = Groups::new(Rows::new(BufReader::new(text.as_bytes()), b','), 0, header);
        assert!(text.len() > 2 * OPEN_BYTES);
        while let Some(group) = groups.next_group() {
            group.unwrap();
            assert!(groups.weight <= OPEN_BYTES + 2 * value.len());
        }
        assert_eq!(groups.weight, 0);
        assert!(BufReader::new(text.as_bytes()).lines().count() == groups.given);
    }
}
