//! Why a value could not be read, in words for the person who wrote it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::config::tree::Path;

/// Why a value could not be read.
#[derive(Debug)]
pub(in crate::config) struct ReadError {
    pub(in crate::config) message: String,
    pub(in crate::config) hint: Option<String>,
    /// The value it is about.
    pub(in crate::config) path: Option<Path>,
    /// The key inside that value, where only the key is known.
    pub(in crate::config) key: Option<String>,
    /// The key is not there at all.
    pub(in crate::config) is_missing: bool,
}

impl ReadError {
    pub(in crate::config) fn new(message: String) -> Self {
        Self {
            message,
            hint: None,
            path: None,
            key: None,
            is_missing: false,
        }
    }

    /// The error, about the value at `path` unless it knows better.
    pub(in crate::config) fn at(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.clone());
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    /// Our own types write `what is wrong; what to do`.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        match text.split_once("; ") {
            Some((message, hint)) => Self {
                hint: Some(hint.to_owned()),
                ..Self::new(message.to_owned())
            },
            None => Self::new(text),
        }
    }

    // The value itself is not repeated: the source line shows it, unless it is a secret.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = plain_expectation(&expected.to_string());
        let hint = match (&found, wanted.as_str()) {
            (Unexpected::Str(_), "a whole number" | "a number" | "`true` or `false`") => {
                Some("write the value without quotes")
            }
            (
                Unexpected::Signed(_)
                | Unexpected::Unsigned(_)
                | Unexpected::Float(_)
                | Unexpected::Bool(_),
                "a string",
            ) => Some("put the value in quotes"),
            (_, "a table") => Some("write keys with their values, such as `{ key = \"value\" }`"),
            (_, "a list") => Some("put the value in square brackets"),
            _ => None,
        };
        Self {
            hint: hint.map(ToOwned::to_owned),
            ..Self::new(format!("expected {wanted}, found {}", kind_of(&found)))
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let value = match found {
            Unexpected::Signed(number) => number.to_string(),
            Unexpected::Unsigned(number) => number.to_string(),
            other => kind_of(&other).to_owned(),
        };
        let bounds = match expected.to_string().as_str() {
            "u8" => "a whole number from 0 to 255".to_owned(),
            "u16" => "a whole number from 0 to 65535".to_owned(),
            "u32" | "u64" | "usize" => "a whole number of 0 or more".to_owned(),
            other => plain_expectation(other),
        };
        Self::new(format!("expected {bounds}, found {value}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            hint: Some(one_of(variant, expected.iter().copied())),
            ..Self::new(format!("`{variant}` is not a known value here"))
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self {
            hint: Some(one_of(field, expected.iter().copied())),
            key: Some(field.to_owned()),
            ..Self::new(format!("unknown key `{field}`"))
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            key: Some(field.to_owned()),
            is_missing: true,
            ..Self::new(format!("`{field}` is missing"))
        }
    }
}

/// "did you mean `x`?" where one of the names is close, else the names.
pub(in crate::config) fn one_of<'n>(bad: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    if let Some(near) = nearest(bad, names.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    if names.is_empty() {
        return "there is none to choose from".to_owned();
    }
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("write one of {}", list.join(", "))
}

/// The name most like `bad`, if any is like it at all.
pub(in crate::config) fn nearest<'n>(
    bad: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let lower = bad.to_lowercase();
    names
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&lower, &name.to_lowercase()),
                name,
            )
        })
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .map(|(_, name)| name)
}

fn plain_expectation(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        "path string" | "a formatted date and time string" | "a formatted date string" => {
            "a string".to_owned()
        }
        other if other.starts_with("struct ") || other.starts_with("internally tagged") => {
            "a table".to_owned()
        }
        other => other.to_owned(),
    }
}

const fn kind_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "`true` or `false`",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        Unexpected::Other(_) => "a date or time",
        _ => "something else",
    }
}
