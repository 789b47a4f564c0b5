use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::{
    mail::MailKind,
    render::schema::{self, Sort},
};

/// Every path of a value, `[]` behind lists, with whether it is there.
fn paths(path: &str, value: &Value, found: &mut BTreeSet<(String, bool)>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                paths(&format!("{path}{dot}{name}"), inner, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                paths(&format!("{path}[]"), item, found);
            }
        }
        _ => {
            let is_there = !value.is_null() && value.as_str() != Some("");
            found.insert((path.to_owned(), is_there));
        }
    }
}

/// What the render adds to each context.
const ADDED: [&str; 2] = ["lang", "dir"];

#[test]
fn samples_hold_exactly_the_declared_variables() {
    for kind in MailKind::ALL {
        let declared = schema::variables(kind);
        let mut seen = BTreeSet::new();
        for (name, context) in samples(kind) {
            let value = serde_json::to_value(&context).unwrap();
            let mut found = BTreeSet::new();
            paths("", &value, &mut found);
            for (path, is_there) in found {
                let Some(variable) = declared.iter().find(|v| v.path == path) else {
                    panic!("{kind} {name}: `{path}` is not declared");
                };
                assert!(
                    is_there || variable.is_optional,
                    "{kind} {name}: `{path}` is empty and not declared optional"
                );
                if is_there {
                    seen.insert(path);
                }
            }
        }
        for variable in declared {
            let is_added = ADDED.contains(&variable.path.as_str());
            assert!(
                is_added || seen.contains(&variable.path) || variable.path == "order.discount",
                "{kind}: no sample has `{}`",
                variable.path
            );
        }
    }
}

#[test]
fn values_have_the_form_their_sort_declares() {
    for kind in MailKind::ALL {
        let value = serde_json::to_value(&samples(kind)[0].1).unwrap();
        for variable in schema::variables(kind) {
            if variable.path.contains("[]") || ADDED.contains(&variable.path.as_str()) {
                continue;
            }
            let pointer = format!("/{}", variable.path.replace('.', "/"));
            let Some(found) = value.pointer(&pointer).filter(|v| !v.is_null()) else {
                continue;
            };
            let fits = match variable.sort {
                Sort::Number => found.is_u64(),
                Sort::Flag => found.is_boolean(),
                Sort::Money => found.as_str().is_some_and(|t| t.ends_with(" EUR")),
                Sort::Time => found.as_str().is_some_and(|t| t.len() == 19),
                Sort::Url => found.as_str().is_some_and(|t| t.starts_with("https://")),
                _ => found.is_string(),
            };
            assert!(fits, "{kind}: {} is {found}", variable.path);
        }
    }
}
