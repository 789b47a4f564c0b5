//! Reads sections out of the tree, and goes on reading after a problem.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::Error as _};

use crate::config::{
    deliver::{FileSection, SmtpSection, TransportSection},
    findings::Findings,
    read::{Notes, ReadError, Reader, UnknownKey, nearest, one_of},
    section::Settings,
    tree::{Node, Path, Value, keys},
};

/// How often reading starts again after a problem; far beyond the problems of any real file.
const MOST_ROUNDS: usize = 2000;

pub(super) type Sections = (Settings, BTreeMap<String, TransportSection>);

/// Reads again and again, putting a stand-in where something was wrong, until all can be read.
pub(super) fn read(findings: &mut Findings, donor: &Node) -> Option<Sections> {
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

pub(in crate::config) fn read_once(tree: &Node, notes: &Notes) -> Result<Sections, ReadError> {
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
