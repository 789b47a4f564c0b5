//! The configuration in force, as a person or a program may see it: secrets masked, with the
//! origin of each value; and its fingerprint.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    secret::{is_secret, masked},
    tree::{Node, Path, Source, Value, show_path},
};

/// TOML text in which each value is followed by a comment that names its origin.
pub(super) fn to_toml(tree: &Node, sources: &[Source]) -> String {
    let mut text = String::new();
    write_table(tree, &mut Vec::new(), sources, &mut text);
    text
}

fn write_table(node: &Node, path: &mut Path, sources: &[Source], text: &mut String) {
    let Some(table) = node.table() else { return };
    let is_table = |child: &Node| child.table().is_some_and(|table| !table.is_empty());
    let values: Vec<&(String, Node)> = table.iter().filter(|(_, child)| !is_table(child)).collect();
    if !values.is_empty() && !path.is_empty() {
        let header: Vec<String> = path.iter().map(|key| show_key(key)).collect();
        let gap = if text.is_empty() { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{gap}[{}]", header.join("."));
    }
    for (key, child) in values {
        path.push(key.clone());
        let value = show_value(child, path);
        let origin = show_origin(child, sources);
        let _ = writeln!(text, "{} = {value}  # {origin}", show_key(key));
        path.pop();
    }
    for (key, child) in table.iter().filter(|(_, child)| is_table(child)) {
        path.push(key.clone());
        write_table(child, path, sources, text);
        path.pop();
    }
}

fn show_key(key: &str) -> String {
    let is_bare = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if is_bare {
        key.to_owned()
    } else {
        toml::Value::String(key.to_owned()).to_string()
    }
}

fn show_value(node: &Node, path: &mut Path) -> String {
    match &node.value {
        Value::Array(items) => {
            let shown: Vec<String> = items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    path.push(index.to_string());
                    let shown = show_value(item, path);
                    path.pop();
                    shown
                })
                .collect();
            format!("[{}]", shown.join(", "))
        }
        Value::Table(table) => {
            let shown: Vec<String> = table
                .iter()
                .map(|(key, child)| {
                    path.push(key.clone());
                    let shown = format!("{} = {}", show_key(key), show_value(child, path));
                    path.pop();
                    shown
                })
                .collect();
            if shown.is_empty() {
                "{}".to_owned()
            } else {
                format!("{{ {} }}", shown.join(", "))
            }
        }
        _ if is_secret(path, node) && node.text().is_none() => "\"********\"".to_owned(),
        Value::String(text) => toml::Value::String(masked(path, text)).to_string(),
        Value::Untyped(text) => show_untyped(path, text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => toml::Value::Float(*number).to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Datetime(text) => text.clone(),
    }
}

/// The text of a variable as TOML: as it is where it spells a value, else quoted.
fn show_untyped(path: &[String], text: &str) -> String {
    let shown = masked(path, text);
    let mark = super::tree::Mark {
        source: 0,
        key: 0..0,
        value: 0..0,
    };
    if shown == text && super::tree::parse_value(text, &mark).is_some() {
        shown
    } else {
        toml::Value::String(shown).to_string()
    }
}

fn show_origin(node: &Node, sources: &[Source]) -> String {
    let Some(source) = sources.get(node.mark.source) else {
        return "unknown".to_owned();
    };
    if source.name.starts_with("environment") {
        return source.name.clone();
    }
    format!("{}:{}", source.name, line_of(source, node.mark.value.start))
}

fn line_of(source: &Source, offset: usize) -> usize {
    let before = source.text.as_bytes().iter().take(offset);
    before.filter(|b| **b == b'\n').count() + 1
}

/// `{"path": …, "value": …, "origin": …, "line": …}` for each value, in the order of writing.
pub(super) fn to_json(tree: &Node, sources: &[Source]) -> serde_json::Value {
    let mut values = Vec::new();
    tree.each_leaf(&mut Vec::new(), &mut |path, leaf| {
        let source = sources.get(leaf.mark.source);
        values.push(json!({
            "path": show_path(path),
            "value": json_value(leaf, &mut path.to_vec()),
            "origin": source.map(|source| source.name.as_str()),
            "line": source.map(|source| line_of(source, leaf.mark.value.start)),
        }));
    });
    serde_json::Value::Array(values)
}

fn json_value(node: &Node, path: &mut Path) -> serde_json::Value {
    match &node.value {
        _ if is_secret(path, node) && node.text().is_none() => json!("********"),
        Value::String(text) | Value::Untyped(text) => json!(masked(path, text)),
        Value::Datetime(text) => json!(text),
        Value::Integer(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Bool(flag) => json!(flag),
        Value::Array(items) => {
            json!(
                items
                    .iter()
                    .map(|item| json_value(item, path))
                    .collect::<Vec<_>>()
            )
        }
        Value::Table(table) => table
            .iter()
            .map(|(key, child)| (key.clone(), json_value(child, path)))
            .collect(),
    }
}

/// The first 16 hexadecimal digits of a hash over every setting.
///
/// Where a value was written does not count, and neither does a secret: changing a password is
/// no other configuration, and a hash of one could be tried out.
pub(super) fn fingerprint(tree: &Node) -> String {
    let mut lines = Vec::new();
    tree.each_leaf(&mut Vec::new(), &mut |path, leaf| {
        lines.push(format!(
            "{}={}",
            show_path(path),
            show_value(leaf, &mut path.to_vec())
        ));
    });
    // The order of steps counts as little as that of sections: steps are found by id.
    lines.sort_unstable();
    let hash = Sha256::digest(lines.join("\n").as_bytes());
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
