//! Reads typed sections out of a settings tree.
//!
//! A serde deserializer that keeps the path of the value an error is about, collects
//! unknown keys instead of stopping at them, and never turns one type into another:
//! `port = "587"` is an error. Only the text of an environment variable, which has no
//! type of its own, is read as whatever the field wants.

use std::{cell::RefCell, fmt};

use serde::de::{
    self, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
    value::{MapAccessDeserializer, StrDeserializer},
};

use super::tree::{Node, Path, Value, parse_value};

/// A key no section knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownKey {
    pub(super) path: Path,
    pub(super) known: &'static [&'static str],
}

/// What reading found beside the values.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Keys no section knows.
    pub(super) unknown: RefCell<Vec<UnknownKey>>,
    /// Every table that was read as a struct, with the struct's keys.
    #[cfg(test)]
    pub(super) structs: RefCell<Vec<(Path, &'static [&'static str])>>,
}

/// Why a value could not be read.
#[derive(Debug)]
pub(super) struct ReadError {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The value it is about.
    pub(super) path: Option<Path>,
    /// The key inside that value, where only the key is known.
    pub(super) key: Option<String>,
    /// The key is not there at all.
    pub(super) is_missing: bool,
}

impl ReadError {
    fn new(message: String) -> Self {
        Self {
            message,
            hint: None,
            path: None,
            key: None,
            is_missing: false,
        }
    }

    /// The error, about the value at `path` unless it knows better.
    pub(super) fn at(mut self, path: &Path) -> Self {
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
pub(super) fn one_of<'n>(bad: &str, names: impl IntoIterator<Item = &'n str>) -> String {
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
pub(super) fn nearest<'n>(bad: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
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

/// A value about to be read.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    node: &'a Node,
    path: Path,
    notes: &'a Notes,
}

impl<'a> Reader<'a> {
    /// Reads the whole tree.
    pub(super) const fn new(root: &'a Node, notes: &'a Notes) -> Self {
        Self {
            node: root,
            path: Vec::new(),
            notes,
        }
    }

    /// Reads one value of the tree.
    pub(super) const fn below(node: &'a Node, path: Path, notes: &'a Notes) -> Self {
        Self { node, path, notes }
    }

    /// The error that this value is something else than `expected`.
    pub(super) fn expected(&self, expected: &str) -> ReadError {
        <ReadError as de::Error>::invalid_type(self.unexpected(), &expected).at(&self.path)
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match &self.node.value {
            Value::String(text) | Value::Untyped(text) => Unexpected::Str(text),
            Value::Integer(number) => Unexpected::Signed(*number),
            Value::Float(number) => Unexpected::Float(*number),
            Value::Bool(flag) => Unexpected::Bool(*flag),
            Value::Datetime(_) => Unexpected::Other("date or time"),
            Value::Array(_) => Unexpected::Seq,
            Value::Table(_) => Unexpected::Map,
        }
    }

    fn wrong<T>(&self, expected: &dyn Expected) -> Result<T, ReadError> {
        Err(<ReadError as de::Error>::invalid_type(self.unexpected(), expected).at(&self.path))
    }

    /// The text of an environment variable read as the TOML value it spells.
    fn typed(&self) -> Option<Node> {
        match &self.node.value {
            Value::Untyped(text) => parse_value(text, &self.node.mark),
            _ => None,
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let typed = self.typed();
        match typed.as_ref().map_or(&self.node.value, |node| &node.value) {
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            _ => return self.wrong(&visitor),
        }
        .map_err(|error: ReadError| error.at(&self.path))
    }

    fn note_unknown_keys(&self, table: &[(String, Node)], known: &'static [&'static str]) {
        #[cfg(test)]
        self.notes
            .structs
            .borrow_mut()
            .push((self.path.clone(), known));
        for (key, _) in table {
            if !known.contains(&key.as_str()) {
                let mut path = self.path.clone();
                path.push(key.clone());
                self.notes
                    .unknown
                    .borrow_mut()
                    .push(UnknownKey { path, known });
            }
        }
    }

    fn entries(&self, known: Option<&'static [&'static str]>) -> Option<Entries<'a>> {
        let Value::Table(table) = &self.node.value else {
            return None;
        };
        if let Some(known) = known {
            self.note_unknown_keys(table, known);
        }
        Some(Entries {
            rest: table.iter(),
            value: None,
            known,
            path: self.path.clone(),
            notes: self.notes,
        })
    }
}

macro_rules! read_numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let path = self.path.clone();
        match &self.node.value {
            Value::String(text) | Value::Datetime(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Untyped(text) => match self.typed() {
                Some(node) => Reader {
                    node: &node,
                    ..self
                }
                .deserialize_any(visitor),
                None => visitor.visit_str(text),
            },
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Table(_) => self.deserialize_map(visitor),
        }
        .map_err(|error| error.at(&path))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Untyped(text) if text == "true" => visitor.visit_bool(true),
            Value::Untyped(text) if text == "false" => visitor.visit_bool(false),
            _ => self.wrong(&visitor),
        }
    }

    read_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    /// Date types read themselves this way, so a bare TOML date is welcome here.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::String(text) | Value::Untyped(text) | Value::Datetime(text) => visitor
                .visit_str(text)
                .map_err(|error: ReadError| error.at(&self.path)),
            _ => self.wrong(&visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Datetime(_) => self.wrong(&visitor),
            _ => self.deserialize_str(visitor),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.wrong(&visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.wrong(&visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if let Some(node) = self.typed() {
            return Reader {
                node: &node,
                ..self
            }
            .deserialize_seq(visitor);
        }
        let Value::Array(items) = &self.node.value else {
            return self.wrong(&visitor);
        };
        let path = self.path.clone();
        visitor
            .visit_seq(Items {
                rest: items.iter().enumerate(),
                path: self.path,
                notes: self.notes,
            })
            .map_err(|error| error.at(&path))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if let Some(node) = self.typed() {
            return Reader {
                node: &node,
                ..self
            }
            .deserialize_map(visitor);
        }
        let Some(entries) = self.entries(None) else {
            return self.wrong(&visitor);
        };
        visitor
            .visit_map(entries)
            .map_err(|error| error.at(&self.path))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if let Some(node) = self.typed() {
            return Reader {
                node: &node,
                ..self
            }
            .deserialize_struct(name, fields, visitor);
        }
        let Some(entries) = self.entries(Some(fields)) else {
            return self.wrong(&visitor);
        };
        visitor
            .visit_map(entries)
            .map_err(|error| error.at(&self.path))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::String(text) | Value::Untyped(text) => {
                let text: StrDeserializer<'_, ReadError> = text.as_str().into_deserializer();
                visitor.visit_enum(text)
            }
            Value::Table(_) => match self.entries(None) {
                Some(entries) => visitor.visit_enum(MapAccessDeserializer::new(entries)),
                None => return self.wrong(&visitor),
            },
            _ => return self.wrong(&"a string"),
        }
        .map_err(|error| error.at(&self.path))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, (String, Node)>,
    value: Option<(&'a String, &'a Node)>,
    known: Option<&'static [&'static str]>,
    path: Path,
    notes: &'a Notes,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        // Unknown keys are noted already; passing them on would stop at the first.
        let next = self
            .rest
            .by_ref()
            .find(|(key, _)| self.known.is_none_or(|known| known.contains(&key.as_str())));
        let Some((key, node)) = next else {
            return Ok(None);
        };
        self.value = Some((key, node));
        let text: StrDeserializer<'_, ReadError> = key.as_str().into_deserializer();
        seed.deserialize(text).map(Some).map_err(|mut error| {
            error.key.get_or_insert_with(|| key.clone());
            error
        })
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ReadError> {
        let Some((key, node)) = self.value.take() else {
            return Err(ReadError::new(
                "a value was asked for before its key".to_owned(),
            ));
        };
        let mut path = self.path.clone();
        path.push(key.clone());
        seed.deserialize(Reader {
            node,
            path: path.clone(),
            notes: self.notes,
        })
        .map_err(|error| error.at(&path))
    }
}

struct Items<'a> {
    rest: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    path: Path,
    notes: &'a Notes,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some((index, node)) = self.rest.next() else {
            return Ok(None);
        };
        let mut path = self.path.clone();
        path.push(index.to_string());
        seed.deserialize(Reader {
            node,
            path: path.clone(),
            notes: self.notes,
        })
        .map(Some)
        .map_err(|error| error.at(&path))
    }
}
