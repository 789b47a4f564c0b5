//! The demo's folder: what lies where, and that nothing of anybody is overwritten.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

/// Where the demo goes when nobody says.
const USUAL: &str = "data/demo";
/// So many demos beside each other are enough.
const MOST: u32 = 999;

/// A fresh folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder with its configuration.
    pub(super) fn prepare(wanted: Option<PathBuf>) -> anyhow::Result<Self> {
        let dir = match wanted {
            Some(dir) if is_free(&dir)? => dir,
            Some(dir) => bail!(
                "{} is not empty; name a folder that is empty or not there yet, so that nothing is overwritten",
                dir.display()
            ),
            None => usual()?,
        };
        let folder = Self(dir);
        fs::create_dir_all(folder.mails())
            .with_context(|| format!("cannot create {}", folder.mails().display()))?;
        let path = folder.config_file();
        fs::write(&path, folder.config_text()?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(folder)
    }

    /// The configuration every other command can be given.
    pub(super) fn config_file(&self) -> PathBuf {
        self.0.join("afternote.toml")
    }

    /// Where the mails are put.
    pub(super) fn mails(&self) -> PathBuf {
        self.0.join("mails")
    }

    /// The folder watched for order files.
    pub(super) fn inbox(&self) -> PathBuf {
        self.0.join("inbox")
    }

    /// The demo's configuration with this folder's paths, good wherever it is used from.
    fn config_text(&self) -> anyhow::Result<String> {
        let dir = std::path::absolute(&self.0)
            .with_context(|| format!("cannot find out where {} is", self.0.display()))?;
        let quoted = |path: &Path, prefix: &str| {
            let text = path
                .to_str()
                .context("the folder's name is not Unicode; choose another one with --out")?;
            anyhow::Ok(toml::Value::String(format!("{prefix}{text}")).to_string())
        };
        Ok(format!(
            "{}\n# The demo's folder.\n[database]\nurl = {}\n\n[data]\ndir = {}\n\n\
             [transports.outbox]\ntype = \"file\"\ndir = {}\n",
            include_str!("../../../config/demo.toml"),
            quoted(&dir.join("afternote.db"), "sqlite:")?,
            quoted(&dir, "")?,
            quoted(&dir.join("outbox"), "")?,
        ))
    }
}

fn usual() -> anyhow::Result<PathBuf> {
    let first = PathBuf::from(USUAL);
    if is_free(&first)? {
        return Ok(first);
    }
    for number in 2..=MOST {
        let next = PathBuf::from(format!("{USUAL}-{number}"));
        if is_free(&next)? {
            return Ok(next);
        }
    }
    bail!("{USUAL} and its followers are all taken; delete old ones, or choose a folder with --out")
}

/// Whether nothing is there.
fn is_free(dir: &Path) -> anyhow::Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot use {}", dir.display())),
    }
}
