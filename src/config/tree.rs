//! Settings as a tree in which every value remembers where it was written.
//!
//! Files and environment variables each become one tree; trees are laid over each other
//! key by key. Nothing here knows what a key means.

use std::{ops::Range, path::PathBuf};

use toml::de::{DeTable, DeValue};

/// A text settings came from: a file, a part of the program, or one environment variable.
#[derive(Clone)]
pub(super) struct Source {
    /// The file's path as it was given, or what it is called in a message.
    pub(super) name: String,
    /// The text, in which secrets are overwritten once they are known; offsets stay true.
    pub(super) text: String,
    /// The folder relative paths of secrets count from.
    pub(super) folder: Option<PathBuf>,
}

/// Where a value was written: the source and the byte ranges of its key and of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) source: usize,
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// One value and its mark. No `Debug`: the value may be a secret.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) value: Value,
}

/// A value as it was written, not yet as any type wants it.
#[derive(Clone)]
pub(super) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// A date or a time, as text.
    Datetime(String),
    /// The text of an environment variable: what it is, the reader of it decides.
    Untyped(String),
    Array(Vec<Node>),
    Table(Table),
}

/// Keys and values in the order they were written.
pub(super) type Table = Vec<(String, Node)>;

/// The way from the root to a value; places in a list are decimal numbers.
pub(super) type Path = Vec<String>;

/// The path through these keys.
pub(super) fn keys(path: &[&str]) -> Path {
    path.iter().map(|&key| key.to_owned()).collect()
}

/// `channels.shop.policy[0].kind`.
pub(super) fn show_path(path: &[String]) -> String {
    let mut text = String::new();
    for segment in path {
        let is_index = !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
        if is_index && !text.is_empty() {
            text.push('[');
            text.push_str(segment);
            text.push(']');
            continue;
        }
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(segment);
    }
    text
}

impl Node {
    /// A table with nothing in it, written nowhere.
    pub(super) const fn empty() -> Self {
        Self {
            mark: Mark {
                source: 0,
                key: 0..0,
                value: 0..0,
            },
            value: Value::Table(Vec::new()),
        }
    }

    /// The entries, when this is a table.
    pub(super) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The entries, when this is a table.
    pub(super) fn table_mut(&mut self) -> Option<&mut Table> {
        match &mut self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text, when this is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) | Value::Untyped(text) => Some(text),
            _ => None,
        }
    }

    /// The value under that key or at that place.
    pub(super) fn get(&self, segment: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(table) => table
                .iter()
                .find(|(key, _)| key == segment)
                .map(|(_, node)| node),
            Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The value under that key or at that place.
    pub(super) fn get_mut(&mut self, segment: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Table(table) => table
                .iter_mut()
                .find(|(key, _)| key == segment)
                .map(|(_, node)| node),
            Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The value at that path.
    pub(super) fn find(&self, path: &[String]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |node, segment| node.get(segment))
    }

    /// Puts a value at that path; does nothing where its table is missing.
    pub(super) fn put(&mut self, path: &[String], value: Self) {
        let Some((last, way)) = path.split_last() else {
            return;
        };
        let parent = way
            .iter()
            .try_fold(self, |node, segment| node.get_mut(segment));
        match parent {
            Some(parent) if parent.get(last).is_some() => {
                if let Some(old) = parent.get_mut(last) {
                    *old = value;
                }
            }
            Some(Self {
                value: Value::Table(table),
                ..
            }) => table.push((last.clone(), value)),
            _ => {}
        }
    }

    /// Takes the value at that path away.
    pub(super) fn remove(&mut self, path: &[String]) -> Option<Self> {
        let (last, way) = path.split_last()?;
        let parent = way
            .iter()
            .try_fold(self, |node, segment| node.get_mut(segment))?;
        match &mut parent.value {
            Value::Table(table) => {
                let at = table.iter().position(|(key, _)| key == last)?;
                Some(table.remove(at).1)
            }
            Value::Array(items) => {
                let at = last.parse::<usize>().ok().filter(|at| *at < items.len())?;
                Some(items.remove(at))
            }
            _ => None,
        }
    }

    /// Lays `over` on top: tables key by key, everything else as a whole.
    ///
    /// A table whose `type` changes is another thing and keeps nothing of the old one.
    pub(super) fn overlay(&mut self, over: Self) {
        let kind = |node: &Self| node.get("type").and_then(Self::text).map(ToOwned::to_owned);
        let is_another = kind(&over).is_some_and(|new| kind(self).is_some_and(|old| old != new));
        if !is_another && let (Value::Table(base), Value::Table(_)) = (&mut self.value, &over.value)
        {
            if !over.mark.value.is_empty() {
                self.mark = over.mark;
            }
            let Value::Table(entries) = over.value else {
                return;
            };
            for (key, node) in entries {
                match base.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, old)) => old.overlay(node),
                    None => base.push((key, node)),
                }
            }
        } else {
            *self = over;
        }
    }

    /// Calls `visit` for every value that is no table, with its path.
    pub(super) fn each_leaf(&self, path: &mut Path, visit: &mut impl FnMut(&[String], &Self)) {
        match &self.value {
            Value::Table(table) => {
                for (key, node) in table {
                    path.push(key.clone());
                    node.each_leaf(path, visit);
                    path.pop();
                }
            }
            Value::Array(items) if items.iter().any(|item| item.table().is_some()) => {
                for (index, node) in items.iter().enumerate() {
                    path.push(index.to_string());
                    node.each_leaf(path, visit);
                    path.pop();
                }
            }
            _ => visit(path, self),
        }
    }
}

/// A fault of TOML's syntax: the message and where.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) message: String,
    pub(super) span: Range<usize>,
}

/// Reads a TOML text; what could be read comes back beside all faults of it.
pub(super) fn parse(text: &str, source: usize) -> (Node, Vec<SyntaxError>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let errors = errors
        .iter()
        .map(|error| SyntaxError {
            message: error.message().replace('\n', ", "),
            span: error.span().unwrap_or(0..0),
        })
        .collect();
    let span = root.span();
    let node = Node {
        mark: Mark {
            source,
            key: 0..0,
            value: span,
        },
        value: Value::Table(from_table(root.get_ref(), source)),
    };
    (node, errors)
}

/// Reads one TOML value, such as a list in an environment variable.
pub(super) fn parse_value(text: &str, mark: &Mark) -> Option<Node> {
    let parsed = DeValue::parse(text).ok()?;
    let mut node = Node {
        mark: mark.clone(),
        value: from_value(parsed.get_ref(), mark.source),
    };
    set_marks(&mut node, mark);
    Some(node)
}

fn set_marks(node: &mut Node, mark: &Mark) {
    node.mark = mark.clone();
    match &mut node.value {
        Value::Table(table) => table
            .iter_mut()
            .for_each(|(_, child)| set_marks(child, mark)),
        Value::Array(items) => items.iter_mut().for_each(|child| set_marks(child, mark)),
        _ => {}
    }
}

fn from_table(table: &DeTable<'_>, source: usize) -> Table {
    let mut entries: Vec<(String, Node)> = table
        .iter()
        .map(|(key, value)| {
            let node = Node {
                mark: Mark {
                    source,
                    key: key.span(),
                    value: value.span(),
                },
                value: from_value(value.get_ref(), source),
            };
            (key.get_ref().to_string(), node)
        })
        .collect();
    // The parser sorts by name; the order of writing is the order `why` lists steps in.
    entries.sort_by_key(|(_, node)| node.mark.key.start);
    entries
}

fn from_value(value: &DeValue<'_>, source: usize) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            // A number beyond 64 bits stays text, so that the reader refuses it by type.
            i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Value::Datetime(number.to_string()), Value::Integer)
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(datetime) => Value::Datetime(datetime.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| Node {
                    mark: Mark {
                        source,
                        key: item.span(),
                        value: item.span(),
                    },
                    value: from_value(item.get_ref(), source),
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(from_table(table, source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(node: &Node) -> Vec<String> {
        let mut seen = Vec::new();
        node.each_leaf(&mut Vec::new(), &mut |path, leaf| {
            seen.push(format!("{} {:?}", show_path(path), leaf.mark.source));
        });
        seen
    }

    #[test]
    fn overlays_merge_tables_and_replace_everything_else() {
        let (mut base, _) = parse("[a]\nx = 1\ny = [1, 2]\n[a.b]\nz = 1", 0);
        let (over, _) = parse("[a]\ny = [3]\n[a.b]\nw = 2", 1);
        base.overlay(over);
        assert_eq!(leaves(&base), ["a.x 0", "a.y 1", "a.b.z 0", "a.b.w 1"]);
    }

    #[test]
    fn tables_keep_the_order_of_writing() {
        let (node, errors) = parse("zebra = 1\napple = 2\n[m.z]\nq = 1\n[m.a]\nq = 1", 0);
        assert!(errors.is_empty());
        assert_eq!(leaves(&node), ["zebra 0", "apple 0", "m.z.q 0", "m.a.q 0"]);
    }

    #[test]
    fn all_faults_of_syntax_are_found() {
        let (_, errors) = parse("a = \nb = 1\nc = [1,\n[d]\nx = =\n", 0);
        assert!(errors.len() >= 2, "{errors:?}");
    }
}
