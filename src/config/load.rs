//! From files and variables to one tree, and from the tree to typed sections.
//!
//! Layers, each over the one before: built-in defaults and sequences, files in their order,
//! environment variables. A value that cannot be read is recorded and replaced by the default
//! (or the example's value), so that reading goes on to the next problem; what was replaced
//! never leaves this module, because a configuration with a problem is refused as a whole.

mod prepare;
mod recover;

use std::{collections::BTreeMap, fs, path::Path as FilePath};

use prepare::prepare;
#[cfg(test)]
pub(super) use recover::read_once;

use super::{
    deliver::TransportSection,
    environment::{LoadOptions, PREFIX, add_variable},
    findings::Findings,
    problem::{ConfigProblems, Problem},
    secret,
    section::Settings,
    tree::{Node, Source, parse},
};

/// The documented defaults.
pub(super) const DEFAULTS: &str = include_str!("../../config/default.toml");
/// The configuration that runs as it is, loaded where no file is given.
pub(super) const EXAMPLE: &str = include_str!("../../config/example.toml");
/// The built-in sequences.
pub(super) const SEQUENCES: [(&str, &str); 5] = [
    (
        "own_shop",
        include_str!("../../config/sequences/own_shop.toml"),
    ),
    (
        "allegro",
        include_str!("../../config/sequences/allegro.toml"),
    ),
    ("amazon", include_str!("../../config/sequences/amazon.toml")),
    ("ebay", include_str!("../../config/sequences/ebay.toml")),
    (
        "aliexpress",
        include_str!("../../config/sequences/aliexpress.toml"),
    ),
];

/// A configuration as read, before the checks that need more than one value.
pub(super) struct Loaded {
    pub(super) settings: Settings,
    pub(super) transports: BTreeMap<String, TransportSection>,
    pub(super) findings: Findings,
    /// No file was given.
    pub(super) is_example: bool,
}

/// Reads every layer and makes sections of them.
pub(super) fn load(options: &LoadOptions) -> Result<Loaded, ConfigProblems> {
    let mut sources = Vec::new();
    let mut tree = built_in(&mut sources);
    let mut donor = tree.clone();
    let example = add_source(
        &mut sources,
        "the built-in example",
        EXAMPLE.to_owned(),
        None,
    );
    donor.overlay(parse(EXAMPLE, example).0);
    let is_example = options.files.is_empty();
    let first_given = if is_example { example } else { sources.len() };

    let mut broken = Vec::new();
    if is_example {
        tree.overlay(parse(EXAMPLE, example).0);
    }
    for file in &options.files {
        match fs::read_to_string(file) {
            Ok(text) => add_file(&mut tree, &mut sources, file, text, &mut broken),
            Err(error) => broken.push(Problem::without_text(
                file.display().to_string(),
                String::new(),
                format!("cannot read the file: {error}"),
                Some("name a file that exists and that this user may read".to_owned()),
            )),
        }
    }
    let mut variables = Node::empty();
    for (name, value) in &options.environment {
        if name.starts_with(PREFIX)
            && let Err(problem) = add_variable(&mut variables, &tree, name, value, &mut sources)
        {
            broken.push(*problem);
        }
    }
    tree.overlay(variables);
    // Behind a fault of syntax nothing can be trusted, not even where a table ends.
    if !broken.is_empty() {
        return Err(ConfigProblems(broken));
    }
    secret::overwrite_in_sources(&tree, &mut sources);

    let mut findings = Findings::new(tree, sources, first_given);
    prepare(&mut findings, options.credentials.as_deref());
    let mut donor = Findings::new(donor, Vec::new(), 0);
    prepare(&mut donor, None);
    match recover::read(&mut findings, &donor.tree) {
        Some((settings, transports)) => Ok(Loaded {
            settings,
            transports,
            findings,
            is_example,
        }),
        None => Err(findings.into_problems()),
    }
}

fn add_source(
    sources: &mut Vec<Source>,
    name: &str,
    text: String,
    folder: Option<&FilePath>,
) -> usize {
    sources.push(Source {
        name: name.to_owned(),
        text,
        folder: folder.map(FilePath::to_owned),
    });
    sources.len() - 1
}

fn built_in(sources: &mut Vec<Source>) -> Node {
    let source = add_source(sources, "the built-in defaults", DEFAULTS.to_owned(), None);
    let mut tree = parse(DEFAULTS, source).0;
    for (name, text) in SEQUENCES {
        let origin = format!("the built-in sequence {name}");
        let source = add_source(sources, &origin, text.to_owned(), None);
        tree.overlay(parse(text, source).0);
    }
    tree
}

fn add_file(
    tree: &mut Node,
    sources: &mut Vec<Source>,
    file: &FilePath,
    text: String,
    broken: &mut Vec<Problem>,
) {
    let origin = file.display().to_string();
    let (layer, errors) = parse(&text, sources.len());
    if !errors.is_empty() {
        let mut shown = text.clone();
        secret::overwrite_in_broken_text(&mut shown);
        broken.extend(errors.into_iter().map(|error| {
            Problem::in_text(
                &origin,
                &shown,
                error.span,
                String::new(),
                error.message,
                None,
            )
        }));
    }
    add_source(sources, &origin, text, file.parent());
    // A secret a later layer replaces is still written in this file's text.
    secret::overwrite_in_sources(&layer, sources);
    tree.overlay(layer);
}
