//! Small things every list needs: columns, counts, dates.

use crate::clock::Instant;

/// Rows of texts under a head, each column as wide as its longest text.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self {
            rows: vec![head.iter().map(|&name| name.to_owned()).collect()],
        }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The whole table; the last column is not filled up.
    pub(super) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let lines = self.rows.iter().map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// `1 error`, `3 errors`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// An instant for people, where no recipient's clock applies.
pub(super) fn utc(at: Instant) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// An instant for scripts: ISO 8601 in UTC.
pub(super) fn iso(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// The known name nearest to a mistyped one, as a hint that begins with `; `; empty when none is.
pub(super) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let wanted = name.to_lowercase();
    known
        .map(|candidate| {
            (
                strsim::jaro_winkler(&wanted, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_text() {
        let mut table = Table::new(&["id", "what"]);
        table.row(vec!["größe".to_owned(), "a".to_owned()]);
        assert_eq!(table.render(), "id     what\ngröße  a");
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!(
            [counted(1, "error"), counted(0, "error")],
            ["1 error", "0 errors"]
        );
    }

    #[test]
    fn a_near_name_is_offered() {
        let known = ["RM001", "incentive-for-review"];
        assert_eq!(
            did_you_mean("incentive-review", known.into_iter()),
            "; did you mean `incentive-for-review`?"
        );
        assert_eq!(did_you_mean("zzz", known.into_iter()), "");
    }
}
