//! Which module may use which: the table of ARCHITECTURE.md, enforced on the source text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Module and what it may use of `crate::`, in reading order.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("mail", &["clock"]),
    ("order", &["clock", "mail"]),
    ("sequence", &["clock", "mail", "order"]),
    ("policy", &["clock", "mail", "order", "sequence"]),
    ("plan", &["clock", "mail", "order", "sequence", "policy"]),
    ("lint", &["clock", "mail"]),
    ("render", &["clock", "mail", "order", "sequence", "lint"]),
    (
        "config",
        &[
            "clock", "mail", "order", "sequence", "policy", "plan", "lint", "render",
        ],
    ),
    (
        "store",
        &["clock", "mail", "order", "sequence", "plan", "config"],
    ),
    ("deliver", &["clock", "mail", "config"]),
    ("intake", &["clock", "mail", "order", "config"]),
    (
        "engine",
        &[
            "clock", "mail", "order", "sequence", "policy", "plan", "lint", "render", "config",
            "store", "deliver", "intake",
        ],
    ),
    (
        "web",
        &[
            "clock", "mail", "order", "sequence", "plan", "lint", "render", "config", "engine",
        ],
    ),
    ("service", &["clock", "config", "engine", "web"]),
    (
        "cli",
        &[
            "clock", "mail", "order", "sequence", "policy", "plan", "lint", "render", "config",
            "store", "deliver", "intake", "engine", "web", "service",
        ],
    ),
];

/// Modules that compute and nothing else.
const PURE: &[&str] = &[
    "clock", "mail", "order", "sequence", "policy", "plan", "lint",
];

/// What a pure module may not touch.
const IMPURE: &[&str] = &[
    "tokio",
    "sqlx",
    "lettre",
    "axum",
    "handlebars",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
];

fn source_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The lines of a file that are code of the product: no comments, no tests.
fn product_code(path: &Path) -> String {
    let is_test_file = path.components().any(|c| {
        let name = c.as_os_str().to_string_lossy();
        name == "tests.rs" || name == "tests" || name == "testing.rs"
    });
    if is_test_file {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The modules of the crate a text names, in paths and in grouped `use crate::{...}`.
fn modules_named(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_usize;
            let mut starts = true;
            for (index, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => starts = true,
                    c if starts && depth == 0 && (c.is_alphabetic() || c == '_') => {
                        named.insert(word(&group[index..]));
                        starts = false;
                    }
                    _ => {}
                }
            }
        } else {
            named.insert(word(rest));
        }
    }
    named.remove("");
    named
}

fn code_by_module() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&src, &mut files);
    let mut modules: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for path in files {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let code = product_code(&path);
        modules
            .entry(module)
            .or_default()
            .push((inside.to_owned(), code));
    }
    modules
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let modules = code_by_module();
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(module, _)| *module).collect();
    let mut faults = Vec::new();
    for (module, files) in &modules {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| name == module) else {
            faults.push(format!("module {module} is not in the table"));
            continue;
        };
        for (path, code) in files {
            for used in modules_named(code) {
                if known.contains(used.as_str())
                    && used != *module
                    && !allowed.contains(&used.as_str())
                {
                    faults.push(format!("{} uses crate::{used}", path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pure_modules_do_no_io() {
    let modules = code_by_module();
    let mut faults = Vec::new();
    for module in PURE {
        for (path, code) in modules.get(*module).into_iter().flatten() {
            for foreign in IMPURE {
                let uses = [format!("use {foreign}"), format!("{foreign}::")];
                if uses.iter().any(|text| code.contains(text.as_str())) {
                    faults.push(format!("{} uses {foreign}", path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_architecture_document_names_every_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for module in code_by_module().keys() {
        assert!(
            document.contains(&format!("`{module}`")),
            "ARCHITECTURE.md does not name `{module}`"
        );
    }
}

#[test]
fn the_reader_of_use_paths_sees_grouped_and_plain_paths() {
    let code = "use crate::{clock::Instant, mail::{self, Kind}, order};\nlet x = crate::store::Db;";
    let named: Vec<String> = modules_named(code).into_iter().collect();
    assert_eq!(named, ["clock", "mail", "order", "store"]);
}
