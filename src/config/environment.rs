//! What a configuration is loaded from; the only reader of the process environment.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::{
    problem::Problem,
    tree::{Mark, Node, Source, Value},
};

/// What every variable that sets a key begins with.
pub const PREFIX: &str = "AFTERNOTE__";
/// The variable that names a configuration file, used where none is given.
pub const FILE_VARIABLE: &str = "AFTERNOTE_CONFIG";

/// Where a configuration comes from. `Debug` shows the names of variables, never their values.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// Files, each laid over the one before. With none, the built-in example is loaded.
    pub files: Vec<PathBuf>,
    /// Variables by their whole name; those that do not begin with `AFTERNOTE__` are ignored.
    pub environment: BTreeMap<String, String>,
    /// The folder in which the service manager puts credentials (`$CREDENTIALS_DIRECTORY`).
    pub credentials: Option<PathBuf>,
}

impl LoadOptions {
    /// These files under the variables of this process.
    ///
    /// Without files, `AFTERNOTE_CONFIG` may name one.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_process(files: Vec<PathBuf>) -> Self {
        let mut files = files;
        if files.is_empty() {
            files.extend(std::env::var_os(FILE_VARIABLE).map(PathBuf::from));
        }
        Self {
            files,
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .filter(|(name, _)| name.starts_with(PREFIX))
                .collect(),
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("files", &self.files)
            .field("environment", &self.environment.keys().collect::<Vec<_>>())
            .field("credentials", &self.credentials)
            .finish()
    }
}

/// Whether the user asked programs for plain output (`NO_COLOR`, see no-color.org).
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub fn wants_no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The name of the person at the keyboard, for the audit log; `unknown` where the system names none.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
pub fn user_name() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// Adds one variable to `layer`. Its name finds keys of `tree` without regard to case, and `_` for `-`.
pub(super) fn add_variable(
    layer: &mut Node,
    tree: &Node,
    name: &str,
    value: &str,
    sources: &mut Vec<Source>,
) -> Result<(), Box<Problem>> {
    let origin = format!("environment variable {name}");
    let text = format!("{name}={value}");
    let segments: Vec<&str> = name[PREFIX.len()..].split("__").collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err(Box::new(Problem::without_text(
            origin,
            String::new(),
            "the name does not spell a setting".to_owned(),
            Some(format!(
                "write section and key with two underscores between them, as in `{PREFIX}SEND__BATCH`"
            )),
        )));
    }
    let source = sources.len();
    sources.push(Source {
        name: origin,
        text,
        folder: Some(Path::new("").to_owned()),
    });
    let mark = Mark {
        source,
        key: 0..name.len(),
        value: name.len() + 1..name.len() + 1 + value.len(),
    };
    let mut keys: Vec<String> = Vec::new();
    let mut known = Some(tree);
    for segment in segments {
        let existing = known.and_then(Node::table).and_then(|table| {
            table
                .iter()
                .find(|(key, _)| key.replace('-', "_").eq_ignore_ascii_case(segment))
        });
        known = existing.map(|(_, node)| node);
        // Country codes are the only keys in capitals.
        let is_country = segment.len() == 2 && keys.last().is_some_and(|key| key == "basis");
        keys.push(match existing {
            Some((key, _)) => key.clone(),
            None if is_country => segment.to_ascii_uppercase(),
            None => segment.to_ascii_lowercase(),
        });
    }
    let leaf = Node {
        mark: mark.clone(),
        value: Value::Untyped(value.to_owned()),
    };
    // Tables without a place of their own leave the places of the tables below them alone.
    let table_mark = Mark {
        value: 0..0,
        ..mark
    };
    let over = keys.into_iter().rev().fold(leaf, |node, key| Node {
        mark: table_mark.clone(),
        value: Value::Table(vec![(key, node)]),
    });
    layer.overlay(over);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::parse;

    #[test]
    fn variable_names_find_keys_without_regard_to_case() {
        let (tree, _) = parse("[channels.own-shop.basis]\nDE = \"consent\"", 0);
        let mut layer = Node::empty();
        let mut sources = Vec::new();
        let name = "AFTERNOTE__CHANNELS__OWN_SHOP__BASIS__DE";
        add_variable(&mut layer, &tree, name, "soft_opt_in", &mut sources).unwrap();
        let path = ["channels", "own-shop", "basis", "DE"].map(ToOwned::to_owned);
        assert_eq!(layer.find(&path).unwrap().text(), Some("soft_opt_in"));
    }

    #[test]
    fn a_name_without_a_key_is_refused() {
        let mut layer = Node::empty();
        let name = "AFTERNOTE__SEND__";
        let refused = add_variable(&mut layer, &Node::empty(), name, "1", &mut Vec::new());
        assert!(refused.is_err());
    }

    #[test]
    fn debug_shows_no_values() {
        let options = LoadOptions {
            environment: BTreeMap::from([("AFTERNOTE__X".to_owned(), "hunter2".to_owned())]),
            ..LoadOptions::default()
        };
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
