//! From files and variables to one tree, and from the tree to typed sections.
//!
//! Layers, each over the one before: built-in defaults and sequences, files in their order,
//! environment variables. A value that cannot be read is recorded and replaced by the default
//! (or the example's value), so that reading goes on to the next problem; what was replaced
//! never leaves this module, because a configuration with a problem is refused as a whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path as FilePath,
};

use serde::{Deserialize, de::Error as _};

use super::{
    deliver::{FileSection, SmtpSection, TransportSection},
    environment::{LoadOptions, PREFIX, add_variable},
    findings::Findings,
    problem::{ConfigProblems, Problem},
    read::{Notes, ReadError, Reader, UnknownKey, nearest, one_of},
    secret,
    section::Settings,
    tree::{Node, Path, Source, Value, parse},
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

/// How often reading starts again after a problem; far beyond the problems of any real file.
const MOST_ROUNDS: usize = 2000;

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
    match read(&mut findings, &donor.tree) {
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

/// Lays shared settings under channels and steps, follows `extends`, fetches secrets.
fn prepare(findings: &mut Findings, credentials: Option<&FilePath>) {
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

fn keys(path: &[&str]) -> Path {
    path.iter().map(|&key| key.to_owned()).collect()
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
            findings.tree.put(&path[..2], whole);
        }
    }
}

type Sections = (Settings, BTreeMap<String, TransportSection>);

/// Reads again and again, putting a stand-in where something was wrong, until all can be read.
fn read(findings: &mut Findings, donor: &Node) -> Option<Sections> {
    let mut replaced = BTreeSet::new();
    for _ in 0..MOST_ROUNDS {
        let notes = Notes::default();
        let result = read_once(&findings.tree, &notes);
        for unknown in notes.unknown.take() {
            add_unknown_key(findings, &unknown);
        }
        match result {
            Ok(sections) => return Some(sections),
            Err(error) => recover(findings, donor, error, &mut replaced)?,
        }
    }
    None
}

pub(super) fn read_once(tree: &Node, notes: &Notes) -> Result<Sections, ReadError> {
    let settings = Settings::deserialize(Reader::new(tree, notes))?;
    let mut transports = BTreeMap::new();
    for (name, node) in tree
        .get("transports")
        .and_then(Node::table)
        .into_iter()
        .flatten()
    {
        let transport = read_transport(node, keys(&["transports", name]), notes)?;
        transports.insert(name.clone(), transport);
    }
    Ok((settings, transports))
}

/// Which keys a transport has depends on its `type`; reading that first keeps every place exact.
fn read_transport(node: &Node, path: Path, notes: &Notes) -> Result<TransportSection, ReadError> {
    const TYPES: &[&str] = &["file", "smtp"];
    if node.table().is_none() {
        return Err(Reader::below(node, path, notes).expected("a table"));
    }
    let Some(kind) = node.get("type") else {
        return Err(ReadError::missing_field("type").at(&path));
    };
    let type_path: Path = path.iter().cloned().chain(["type".to_owned()]).collect();
    let Some(name) = kind.text() else {
        return Err(Reader::below(kind, type_path, notes).expected("a string"));
    };
    let mut body = node.clone();
    body.remove(&keys(&["type"]));
    let reader = Reader::below(&body, path.clone(), notes);
    match name {
        "file" => FileSection::deserialize(reader).map(TransportSection::File),
        "smtp" => {
            SmtpSection::deserialize(reader).map(|smtp| TransportSection::Smtp(Box::new(smtp)))
        }
        _ => Err(ReadError::unknown_variant(name, TYPES).at(&type_path)),
    }
    .map_err(|error| error.at(&path))
}

/// Words by which a condition would choose buyers by how pleased they seem.
const MOOD: [&str; 18] = [
    "score",
    "rating",
    "ratings",
    "stars",
    "mood",
    "sentiment",
    "satisfaction",
    "satisfied",
    "nps",
    "csat",
    "happy",
    "unhappy",
    "positive",
    "negative",
    "feedback",
    "complaint",
    "complaints",
    "review_score",
];

fn add_unknown_key(findings: &mut Findings, unknown: &UnknownKey) {
    let Some((key, way)) = unknown.path.split_last() else {
        return;
    };
    let is_condition = way.first().is_some_and(|key| key == "sequences")
        && way.last().is_some_and(|key| key == "when");
    let is_mood = is_condition
        && key
            .split('_')
            .chain([key.as_str()])
            .any(|word| MOOD.contains(&word));
    if is_mood {
        findings.add_at_key(
            &unknown.path,
            "who is asked for a review must not depend on how pleased they seem (rule CH006)"
                .to_owned(),
            Some(
                "take it out; choose by facts of the order, such as `countries` or `tags`"
                    .to_owned(),
            ),
        );
        return;
    }
    // Where the name is far from all, the section's keys are the help.
    let hint = nearest(key, unknown.known.iter().copied()).map_or_else(
        || one_of(key, unknown.known.iter().copied()),
        |near| format!("did you mean `{near}`?"),
    );
    findings.add_at_key(&unknown.path, "unknown key".to_owned(), Some(hint));
}

/// Records the problem and puts something readable in its place; `None` when nothing can be.
fn recover(
    findings: &mut Findings,
    donor: &Node,
    error: ReadError,
    replaced: &mut BTreeSet<Path>,
) -> Option<()> {
    let table = error.path.unwrap_or_default();
    let mut target = table.clone();
    if let Some(key) = error.key {
        target.push(key);
    }
    if error.is_missing {
        if !findings.is_tainted(&target) {
            let hint = "add it; config/default.toml describes it".to_owned();
            findings.add_at_key(&target, error.message, error.hint.or(Some(hint)));
        }
    } else {
        if findings.tree.find(&target).is_none() {
            target.clone_from(&table);
        }
        findings.add(&target, error.message, error.hint);
    }
    findings.taint(target.clone());
    let stand_in = replaced
        .insert(target.clone())
        .then(|| stand_in(donor, &target))
        .flatten();
    if let Some(mut node) = stand_in {
        if let Some(old) = findings.tree.find(&target) {
            node.mark = old.mark.clone();
        }
        findings.tree.put(&target, node);
        return Some(());
    }
    let gone = if error.is_missing { table } else { target };
    if gone.is_empty() {
        return None;
    }
    findings.drop_value(&gone);
    Some(())
}

/// The default of a setting, or what the example's channel or a built-in step has in its place.
fn stand_in(donor: &Node, path: &[String]) -> Option<Node> {
    if let Some(node) = donor.find(path) {
        return Some(node.clone());
    }
    let mut similar = path.to_vec();
    match path.first().map(String::as_str) {
        Some("channels") if path.len() > 2 => "shop".clone_into(&mut similar[1]),
        Some("sequences") if path.len() > 4 => {
            "own_shop".clone_into(&mut similar[1]);
            if donor.find(&similar[..4]).is_none() {
                "accepted".clone_into(&mut similar[3]);
            }
        }
        _ => return None,
    }
    donor
        .find(&similar)
        .filter(|node| !matches!(node.value, Value::Table(ref table) if table.is_empty()))
        .cloned()
}
