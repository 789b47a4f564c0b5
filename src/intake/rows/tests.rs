use super::*;
use proptest::prelude::*;

fn read(text: &[u8], delimiter: u8) -> Vec<Result<(u64, Vec<String>), String>> {
    let mut rows = Rows::new(text, delimiter);
    std::iter::from_fn(|| rows.next_row())
        .map(|row| match row {
            Ok(row) => Ok((row.line, row.values().map(str::to_owned).collect())),
            Err(RowError::Bad(bad)) => Err(bad.error.to_string()),
            Err(RowError::Io(error)) => Err(error.to_string()),
        })
        .collect()
}

fn check(text: &str, expected: &[(u64, &[&str])]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(line, values)| Ok((*line, values.iter().map(|v| (*v).to_owned()).collect())))
        .collect();
    assert_eq!(read(text.as_bytes(), b','), expected, "{text:?}");
}

#[test]
fn rows_are_read_whatever_ends_their_lines() {
    check("a,b\nc,d", &[(1, &["a", "b"]), (2, &["c", "d"])]);
    check("a,b\r\nc,d\r\n", &[(1, &["a", "b"]), (2, &["c", "d"])]);
    check("a,\n,b\n", &[(1, &["a", ""]), (2, &["", "b"])]);
}

#[test]
fn blank_rows_are_passed_over_and_counted() {
    check("\n\r\na\n,,\nb", &[(3, &["a"]), (5, &["b"])]);
}

#[test]
fn quoted_values_keep_breaks_delimiters_and_quotes() {
    check(
        "\"a\r\nb\",\"c,d\" ,\"say \"\"hi\"\"\"\r\ne",
        &[(1, &["a\r\nb", "c,d", "say \"hi\""]), (3, &["e"])],
    );
    check("5\" nail,\"\"\n", &[(1, &["5\" nail", ""])]);
}

#[test]
fn a_row_that_breaks_the_form_costs_itself_alone() {
    for (text, error) in [
        (
            "a\nb,\"c\nd\n",
            "line 2, column 2: a value begins with a quote that never ends",
        ),
        (
            "a\nb,\"c\"x\nd\n",
            "line 2, column 2: text follows the closing quote",
        ),
        (
            "a\n\"b\nx\"y,z\nd\n",
            "line 2, column 1: text follows the closing quote",
        ),
    ] {
        let rows = read(text.as_bytes(), b',');
        let errors: Vec<&String> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
        assert!(errors[0].starts_with(error), "{errors:?}");
        assert!(
            rows.iter().flatten().any(|(_, values)| values == &["d"]),
            "{rows:?}"
        );
    }
}

#[test]
fn text_in_another_encoding_names_its_column() {
    let rows = read(b"a,b\nM\xfcller,x\nc,\xff\n", b',');
    assert_eq!(rows.len(), 3);
    assert!(
        rows[1]
            .as_ref()
            .unwrap_err()
            .starts_with("line 2, column 1: the text is not UTF-8")
    );
    assert!(
        rows[2]
            .as_ref()
            .unwrap_err()
            .starts_with("line 3, column 2: the text is not UTF-8")
    );
}

#[test]
fn a_value_or_row_without_end_is_refused_in_bounded_memory() {
    let long = format!("a\n{}\nb\n", "x".repeat(3 * MAX_RECORD));
    let mut rows = Rows::new(long.as_bytes(), b',');
    assert!(rows.next_row().unwrap().is_ok());
    assert!(matches!(rows.next_row(), Some(Err(RowError::Bad(_)))));
    assert!(rows.buffer.capacity() < 2 * MAX_RECORD);
    assert_eq!(rows.next_row().unwrap().unwrap().line, 3);
    let many = format!("{}\nb\n", "xyz,".repeat(MAX_RECORD / 3));
    assert!(
        read(many.as_bytes(), b',')[0]
            .as_ref()
            .unwrap_err()
            .contains("1 MiB")
    );
    let value = format!("{}\nb\n", "x".repeat(MAX_FIELD + 1));
    assert!(
        read(value.as_bytes(), b',')[0]
            .as_ref()
            .unwrap_err()
            .contains("64 kB")
    );
}

#[test]
fn a_failing_reader_ends_the_rows_with_its_error() {
    struct Failing(bool);
    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("gone"));
            }
            into[..4].copy_from_slice(b"a,b\n");
            Ok(4)
        }
    }
    let mut rows = Rows::new(Failing(false), b',');
    assert!(matches!(rows.next_row(), Some(Err(RowError::Io(_)))));
    assert!(rows.next_row().is_none());
}

proptest! {
    /// The `csv` crate is the judge for files of good form.
    #[test]
    fn rows_are_those_the_csv_crate_reads(
        table in proptest::collection::vec(proptest::collection::vec("[a\",;\r\n ]{0,6}", 2..5), 1..20)
    ) {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let read: Vec<Vec<String>> =
            read(&text, b',').into_iter().map(|row| row.unwrap().1).collect();
        let kept: Vec<Vec<String>> = table
            .into_iter()
            .filter(|row| !row.concat().trim().is_empty())
            .collect();
        prop_assert_eq!(read, kept);
    }

    #[test]
    fn arbitrary_bytes_end_without_panic(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        let lines = newlines(&text) + 1;
        prop_assert!(read(&text, b';').len() as u64 <= lines);
    }
}
