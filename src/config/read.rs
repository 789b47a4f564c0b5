//! Reads typed sections out of a settings tree.
//!
//! A serde deserializer that keeps the path of the value an error is about, collects
//! unknown keys instead of stopping at them, and never turns one type into another:
//! `port = "587"` is an error. Only the text of an environment variable, which has no
//! type of its own, is read as whatever the field wants.

mod error;

use std::cell::RefCell;

use serde::de::{
    self, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
    value::{MapAccessDeserializer, StrDeserializer},
};

pub(super) use error::{ReadError, nearest, one_of};

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
