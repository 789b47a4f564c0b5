//! The template files by name: compiled in, overlaid by a seller's folder or by edits in memory.
//!
//! The only part of `render` that reads the disk, and only in [`TemplateFiles::overlay_directory`].

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};

use super::problem::{Fault, TemplateProblem};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The largest template file (email-requirements S2).
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// How deep folders may lie; templates use one level.
const MAX_DEPTH: usize = 4;

/// Template files by their name relative to the template folder, `/` between folders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateFiles(BTreeMap<String, String>);

/// Why a folder of templates could not be read.
#[derive(Debug, thiserror::Error)]
#[error("templates: cannot read {}: {source}; check the path and its permissions", path.display())]
pub struct ReadError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

impl TemplateFiles {
    /// The templates compiled into the binary.
    pub fn embedded() -> Self {
        let mut files = BTreeMap::new();
        collect_embedded(&EMBEDDED, &mut files);
        Self(files)
    }

    /// No files at all; for tests and tools that bring their own.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Lays the files of a folder over these, file by file.
    ///
    /// Files whose name ends neither in `.hbs`, `.mjml` nor `.txt`, and names that begin with
    /// a dot, are passed over, so notes and editor files may lie beside the templates.
    /// Symbolic links are followed for files, not for folders.
    pub fn overlay_directory(&mut self, folder: &Path) -> Result<(), ReadError> {
        self.overlay_level(folder, "", 0)
    }

    fn overlay_level(
        &mut self,
        folder: &Path,
        prefix: &str,
        depth: usize,
    ) -> Result<(), ReadError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| ReadError { path, source }
        };
        if depth > MAX_DEPTH {
            return Ok(());
        }
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let entry = entry.map_err(failed(folder))?;
            let path = entry.path();
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let full = format!("{prefix}{name}");
            if entry.file_type().map_err(failed(&path))?.is_dir() {
                self.overlay_level(&path, &format!("{full}/"), depth + 1)?;
            } else if is_template(&name) {
                let length = fs::metadata(&path).map_err(failed(&path))?.len();
                // An oversized file is not read; a text just over the limit makes the check say so.
                let text = if length > MAX_FILE_BYTES as u64 {
                    " ".repeat(MAX_FILE_BYTES + 1)
                } else {
                    fs::read_to_string(&path).map_err(failed(&path))?
                };
                self.insert(&full, text);
            }
        }
        Ok(())
    }

    /// Adds a file or puts another text in its place.
    pub fn insert(&mut self, name: &str, text: impl Into<String>) {
        let text: String = text.into();
        let text = if text.contains('\r') {
            text.replace("\r\n", "\n")
        } else {
            text
        };
        self.0.insert(name.to_owned(), text);
    }

    /// Takes a file away.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The text of a file.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A file's name and text, both borrowed from here.
    pub(crate) fn get_key(&self, name: &str) -> Option<(&str, &str)> {
        self.0
            .get_key_value(name)
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Every file, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Files too large to be parsed at all.
    pub(crate) fn oversized(&self) -> Vec<TemplateProblem> {
        self.iter()
            .filter(|(_, text)| text.len() > MAX_FILE_BYTES)
            .map(|(name, _)| {
                TemplateProblem::of_file(
                    name,
                    Fault::new(
                        "the file is larger than 256 kB",
                        "a mail is a few kB; shorten it",
                    ),
                )
            })
            .collect()
    }
}

fn is_template(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|end| end == "hbs" || end == "mjml" || end == "txt")
}

fn collect_embedded(dir: &Dir<'_>, files: &mut BTreeMap<String, String>) {
    for file in dir.files() {
        if let (Some(name), Some(text)) = (file.path().to_str(), file.contents_utf8())
            && is_template(name)
        {
            files.insert(name.replace('\\', "/"), text.to_owned());
        }
    }
    for inner in dir.dirs() {
        collect_embedded(inner, files);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_laid_over_the_embedded_files_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("accepted")).unwrap();
        fs::write(folder.path().join("accepted/en.hbs"), "mine\r\nline").unwrap();
        fs::write(folder.path().join("accepted/.en.hbs.swp"), "x").unwrap();
        fs::write(folder.path().join("README.md"), "x").unwrap();
        let embedded = TemplateFiles::embedded();
        let mut files = embedded.clone();
        files.overlay_directory(folder.path()).unwrap();
        assert_eq!(files.get("accepted/en.hbs"), Some("mine\nline"));
        assert_eq!(files.get("paid/en.hbs"), embedded.get("paid/en.hbs"));
        assert_eq!(files.0.len(), embedded.0.len());
    }

    #[test]
    fn a_file_beyond_the_limit_is_reported_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("big.hbs"),
            "a".repeat(MAX_FILE_BYTES + 1),
        )
        .unwrap();
        let mut files = TemplateFiles::empty();
        files.overlay_directory(folder.path()).unwrap();
        assert_eq!(files.oversized().len(), 1);
        assert!(!files.get("big.hbs").unwrap().contains('a'));
    }

    #[test]
    fn a_missing_folder_names_itself() {
        let error = TemplateFiles::empty()
            .overlay_directory(Path::new("/nonexistent/templates"))
            .unwrap_err();
        assert!(error.to_string().contains("/nonexistent/templates"));
    }
}
