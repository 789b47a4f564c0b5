//! Secrets: which keys hold one, where they may be kept instead, and how they are hidden.
//!
//! Any secret `x` may be written as `x`, as `x_file` (a file only its owner and group can
//! read), or as `x_credential` (a name in the service manager's credential folder).
//! A secret never appears in a message, in `config show` or in the fingerprint.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::tree::{Node, Path as KeyPath, Source, Value};

/// What stands in place of a secret.
pub(super) const MASK: &str = "********";

/// Whether a key holds a secret.
pub(super) fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let last = key.rsplit('_').next().unwrap_or(&key);
    matches!(last, "password" | "secret" | "token") || key == "api_key"
}

/// Whether a key may be a misspelt secret: its line is shown with the problem.
fn looks_secret(key: &str) -> bool {
    let names_a_place = key.ends_with("_file") || key.ends_with("_credential");
    !names_a_place
        && key.split('_').any(|word| {
            ["password", "secret", "token", "passwd", "api"]
                .iter()
                .any(|secret| strsim::damerau_levenshtein(word, secret) <= secret.len() / 3)
        })
}

fn is_secret_path(path: &[String]) -> bool {
    path.last().is_some_and(|key| is_secret_key(key))
}

/// The part of a database address that is its password: `…://user:PART@host`.
fn password_in_url(text: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find("://")? + 3;
    let authority_end = text[start..]
        .find(['/', '?'])
        .map_or(text.len(), |at| start + at);
    let at = start + text[start..authority_end].rfind('@')?;
    let colon = start + text[start..at].find(':')?;
    Some(colon + 1..at)
}

/// A value as it may be shown.
pub(super) fn masked(path: &[String], text: &str) -> String {
    if is_secret_path(path) {
        return MASK.to_owned();
    }
    let mut shown = text.to_owned();
    if let Some(range) = password_in_url(text) {
        shown.replace_range(range, MASK);
    }
    shown
}

/// Whether a value must not be shown or hashed as it is.
pub(super) fn is_secret(path: &[String], node: &Node) -> bool {
    is_secret_path(path)
        || node
            .text()
            .is_some_and(|text| password_in_url(text).is_some())
}

/// Overwrites the secrets of `tree` in the texts they were written in; offsets stay true.
pub(super) fn overwrite_in_sources(tree: &Node, sources: &mut [Source]) {
    tree.each_leaf(&mut Vec::new(), &mut |path, leaf| {
        let Some(source) = sources.get_mut(leaf.mark.source) else {
            return;
        };
        let range = leaf.mark.value.clone();
        if path.last().is_some_and(|key| looks_secret(key)) {
            overwrite(&mut source.text, range);
        } else if let Some(inner) = source.text.get(range.clone()).and_then(password_in_url) {
            overwrite(
                &mut source.text,
                range.start + inner.start..range.start + inner.end,
            );
        }
    });
}

/// Overwrites what looks like a secret in a text that is not valid TOML.
pub(super) fn overwrite_in_broken_text(text: &mut String) {
    let mut start = 0;
    let mut ranges = Vec::new();
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        let word = ["password", "secret", "token", "api_key"]
            .into_iter()
            .filter_map(|word| lower.find(word).map(|at| at + word.len()))
            .min();
        if let Some(at) = word {
            ranges.push(start + at..start + line.trim_end().len().max(at));
        } else if let Some(inner) = password_in_url(line) {
            ranges.push(start + inner.start..start + inner.end);
        }
        start += line.len();
    }
    for range in ranges {
        overwrite(text, range);
    }
}

fn overwrite(text: &mut String, range: std::ops::Range<usize>) {
    let Some(part) = text.get(range.clone()) else {
        return;
    };
    let stars: String = part
        .bytes()
        .map(|b| if b == b'\n' { '\n' } else { '*' })
        .collect();
    text.replace_range(range, &stars);
}

/// Why a secret could not be taken from where it is kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    /// Secrets others can read (email-requirements S11).
    #[error("{} can be read by everybody; run `chmod o-rwx` on it", .0.display())]
    WorldReadable(PathBuf),
    /// The file cannot be read.
    #[error("cannot read {}: {source}; put the secret there, or name another file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing in it.
    #[error("{} is empty; put the secret on its first line", .0.display())]
    Empty(PathBuf),
    /// The service manager handed over no credentials.
    #[error(
        "no credentials were handed over; start the service with `LoadCredential=`, or use `_file`"
    )]
    NoCredentials,
    /// A credential name that would lead out of the folder.
    #[error("`{0}` is no name of a credential; write the bare name used with `LoadCredential=`")]
    CredentialName(String),
    /// The same secret twice.
    #[error("`{0}` is set as well; keep one of the two")]
    Twice(String),
}

/// Reads a secret from a file; the end of its last line does not count.
pub(super) fn read_file(path: &Path) -> Result<String, SecretError> {
    let unreadable = |source| SecretError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if is_world_readable(path).map_err(unreadable)? {
        return Err(SecretError::WorldReadable(path.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(SecretError::Empty(path.to_owned()));
    }
    Ok(secret.to_owned())
}

#[cfg(unix)]
fn is_world_readable(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_world_readable(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Puts the secrets that are kept elsewhere into the tree; gives back what failed, by path.
pub(super) fn fetch(
    tree: &mut Node,
    sources: &[Source],
    credentials: Option<&Path>,
) -> Vec<(KeyPath, SecretError)> {
    let mut failed = Vec::new();
    fetch_below(tree, &mut Vec::new(), sources, credentials, &mut failed);
    failed
}

fn fetch_below(
    node: &mut Node,
    path: &mut KeyPath,
    sources: &[Source],
    credentials: Option<&Path>,
    failed: &mut Vec<(KeyPath, SecretError)>,
) {
    match &mut node.value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.to_string());
                fetch_below(item, path, sources, credentials, failed);
                path.pop();
            }
        }
        Value::Table(table) => {
            let kept_elsewhere: Vec<(String, &'static str)> = table
                .iter()
                .filter_map(|(key, _)| {
                    ["_file", "_credential"].into_iter().find_map(|suffix| {
                        let base = key.strip_suffix(suffix)?;
                        is_secret_key(base).then(|| (base.to_owned(), suffix))
                    })
                })
                .collect();
            for (base, suffix) in kept_elsewhere {
                let key = format!("{base}{suffix}");
                let Some(at) = table.iter().position(|(known, _)| *known == key) else {
                    continue;
                };
                let Some(name) = table[at].1.text().map(ToOwned::to_owned) else {
                    continue;
                };
                let reference = table.remove(at).1;
                let plain = table.iter().position(|(known, _)| *known == base);
                if let Some(plain) = plain {
                    // A later source replaces an earlier one, however each keeps the secret.
                    match table[plain].1.mark.source.cmp(&reference.mark.source) {
                        std::cmp::Ordering::Greater => continue,
                        std::cmp::Ordering::Less => drop(table.remove(plain)),
                        std::cmp::Ordering::Equal => {
                            let mut at = path.clone();
                            at.push(base.clone());
                            failed.push((at, SecretError::Twice(key)));
                            continue;
                        }
                    }
                }
                let fetched = if suffix == "_credential" {
                    credential_path(credentials, &name)
                } else {
                    Ok(sources
                        .get(reference.mark.source)
                        .and_then(|source| source.folder.as_deref())
                        .unwrap_or_else(|| Path::new(""))
                        .join(&name))
                }
                .and_then(|file| read_file(&file));
                let value = match fetched {
                    Ok(secret) => secret,
                    Err(error) => {
                        let mut at = path.clone();
                        at.push(base.clone());
                        failed.push((at, error));
                        // Long enough to raise no second problem about the same secret.
                        MASK.repeat(8)
                    }
                };
                table.push((
                    base,
                    Node {
                        mark: reference.mark,
                        value: Value::String(value),
                    },
                ));
            }
            for (key, child) in table {
                path.push(key.clone());
                fetch_below(child, path, sources, credentials, failed);
                path.pop();
            }
        }
        _ => {}
    }
}

fn credential_path(folder: Option<&Path>, name: &str) -> Result<PathBuf, SecretError> {
    let is_name = !name.is_empty()
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !is_name {
        return Err(SecretError::CredentialName(name.to_owned()));
    }
    folder
        .map(|folder| folder.join(name))
        .ok_or(SecretError::NoCredentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_key(key: &str, expected: bool) {
        assert_eq!(is_secret_key(key), expected, "{key}");
    }

    #[test]
    fn keys_that_end_in_a_secret_word_are_secret() {
        check_key("password", true);
        check_key("client_secret", true);
        check_key("refresh_token", true);
        check_key("api_key", true);
        check_key("password_file", false);
        check_key("kid", false);
        check_key("key", false);
    }

    #[test]
    fn misspelt_secrets_are_hidden_as_well() {
        for (key, expected) in [
            ("passwrd", true),
            ("secrets", true),
            ("acess_tokn", true),
            ("password_file", false),
            ("batch", false),
            ("send", false),
            ("order_url", false),
        ] {
            assert_eq!(looks_secret(key), expected, "{key}");
        }
    }

    #[test]
    fn the_password_inside_an_address_is_masked() {
        let path = ["database".to_owned(), "url".to_owned()];
        assert_eq!(
            masked(&path, "postgres://app:hunter2@db.example/afternote"),
            "postgres://app:********@db.example/afternote"
        );
        assert_eq!(masked(&path, "sqlite:data/x.db"), "sqlite:data/x.db");
    }

    #[test]
    fn broken_texts_lose_their_secrets_too() {
        let mut text = "a = 1\npassword = \"hunter2\nurl = \"pg://u:pw@h/d\n".to_owned();
        let length = text.len();
        overwrite_in_broken_text(&mut text);
        assert!(
            !text.contains("hunter2") && !text.contains(":pw@"),
            "{text}"
        );
        assert_eq!(text.len(), length);
    }
}
