//! Makes whole tables of what is written in parts: shared settings, `extends`, secrets.

use std::path::Path as FilePath;

use crate::config::{
    findings::Findings,
    read::one_of,
    secret,
    tree::{Node, keys},
};

/// Lays shared settings under channels and steps, follows `extends`, fetches secrets.
pub(super) fn prepare(findings: &mut Findings, credentials: Option<&FilePath>) {
    if let Some(shared) = findings.tree.remove(&keys(&["channels", "*"]))
        && let Some(channels) = findings.tree.get_mut("channels").and_then(Node::table_mut)
    {
        for (_, channel) in channels {
            lay_under(channel, shared.clone());
        }
    }
    let shared_step = findings
        .tree
        .remove(&keys(&["sequences", "*"]))
        .and_then(|mut shared| shared.remove(&keys(&["steps", "*"])));
    extend_sequences(findings);
    if let Some(shared) = shared_step
        && let Some(sequences) = findings.tree.get_mut("sequences").and_then(Node::table_mut)
    {
        for (_, sequence) in sequences {
            if let Some(steps) = sequence.get_mut("steps").and_then(Node::table_mut) {
                for (_, step) in steps {
                    lay_under(step, shared.clone());
                }
            }
        }
    }
    let failed = secret::fetch(&mut findings.tree, &findings.sources, credentials);
    for (path, error) in failed {
        findings.add_text(&path, &error.to_string());
        findings.taint(path);
    }
}

/// Puts `shared` under a table; the mark stays that of the table.
fn lay_under(node: &mut Node, mut shared: Node) {
    if node.table().is_some() {
        shared.overlay(node.clone());
        *node = shared;
    }
}

fn extend_sequences(findings: &mut Findings) {
    let Some(sequences) = findings.tree.get("sequences") else {
        return;
    };
    let sequences = sequences.clone();
    let names: Vec<String> = sequences
        .table()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect();
    for name in &names {
        let path = keys(&["sequences", name, "extends"]);
        let mut way = vec![name.as_str()];
        let mut whole = sequences.get(name).cloned();
        let mut at = name.as_str();
        let fault = loop {
            let Some(base) = sequences
                .get(at)
                .and_then(|sequence| sequence.get("extends"))
                .and_then(Node::text)
            else {
                break None;
            };
            if way.contains(&base) {
                way.push(base);
                break Some((
                    format!("`extends` runs in a circle: {}", way.join(" extends ")),
                    "let one of them stand alone, or extend a built-in sequence".to_owned(),
                ));
            }
            let Some(below) = sequences.get(base) else {
                break Some((
                    format!("there is no sequence `{base}`"),
                    one_of(base, names.iter().map(String::as_str)),
                ));
            };
            if let Some(top) = whole.take() {
                let mut merged = below.clone();
                merged.overlay(top);
                whole = Some(merged);
            }
            way.push(base);
            at = base;
        };
        if let Some((message, hint)) = fault {
            findings.add(&path, message, Some(hint));
            findings.drop_value(&path[..2]);
        } else if let Some(whole) = whole {
            findings.note_depth(name, way.len());
            findings.tree.put(&path[..2], whole);
        }
    }
}
