//! Mails as files in a Maildir, for trying afternote out and for relays that collect files.

use std::{
    fmt::Write as _,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{Outcome, Outgoing, Phase, ReplyReason, TransportError};

/// The longest file name without extension.
const MAX_NAME: usize = 120;

/// A Maildir: a mail is written in `tmp`, synced, and renamed into `new`, so a file in
/// `new` is always whole. The same mail sent again replaces its own file.
#[derive(Debug, Clone)]
pub struct MaildirTransport {
    dir: Arc<Path>,
}

impl MaildirTransport {
    /// The Maildir at `dir`, made where it is missing.
    pub fn create(dir: &Path) -> Result<Self, TransportError> {
        for part in ["tmp", "new", "cur"] {
            fs::create_dir_all(dir.join(part)).map_err(TransportError::Maildir)?;
        }
        Ok(Self { dir: dir.into() })
    }

    /// Where the mail's file is put.
    pub fn path_of(&self, mail: &Outgoing) -> PathBuf {
        self.dir.join("new").join(file_name(mail))
    }

    pub(super) async fn send(&self, mail: &Outgoing) -> Outcome {
        let temporary = self.dir.join("tmp").join(file_name(mail));
        let path = self.path_of(mail);
        let raw = Arc::clone(&mail.raw);
        let written = tokio::task::spawn_blocking(move || write(&temporary, &path, &raw)).await;
        match written {
            Ok(Ok(())) => Outcome::of_reply_line(Phase::Body, "250 2.0.0 written to a file"),
            Ok(Err(error)) => not_written(&error.kind().to_string()),
            Err(_) => not_written("the writer stopped"),
        }
    }
}

fn not_written(why: &str) -> Outcome {
    let what = format!("cannot write the mail's file: {why}");
    Outcome::without_reply(Phase::Connect, ReplyReason::FileNotWritten, &what)
}

fn write(temporary: &Path, path: &Path, raw: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(temporary)?;
    file.write_all(raw)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    // The rename itself must survive a power cut.
    match path.parent() {
        Some(folder) if cfg!(unix) => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// The hinted name with everything but `A-Za-z0-9._-` replaced, or a hash of the bytes.
fn file_name(mail: &Outgoing) -> String {
    let hint = mail.file_name.as_deref().unwrap_or_default();
    let mut name: String = hint
        .trim_start_matches('.')
        .chars()
        .take(MAX_NAME)
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.is_empty() {
        for octet in &Sha256::digest(&mail.raw)[..20] {
            let _ = write!(name, "{octet:02x}");
        }
    }
    name.push_str(".eml");
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{deliver::Class, mail::Envelope};

    fn mail() -> Outgoing {
        let envelope = Envelope {
            sender: "bounce@shop.example".parse().unwrap(),
            recipient: "anna@example.com".parse().unwrap(),
        };
        Outgoing::new(envelope, b"Subject: x\r\n\r\nbody\r\n".as_slice())
    }

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn a_mail_sent_twice_is_one_whole_file() {
        let dir = tempfile::tempdir().unwrap();
        let transport = MaildirTransport::create(dir.path()).unwrap();
        let mail = mail().named("day 3/../follow_up");
        for _ in 0..2 {
            assert_eq!(transport.send(&mail).await.class, Class::Accepted);
        }
        assert_eq!(names(&dir.path().join("new")), ["day_3_.._follow_up.eml"]);
        assert!(names(&dir.path().join("tmp")).is_empty());
        assert_eq!(fs::read(transport.path_of(&mail)).unwrap(), &*mail.raw);
    }

    #[test]
    fn names_are_harmless_and_never_empty() {
        assert_eq!(file_name(&mail().named("ab12")), "ab12.eml");
        assert_eq!(file_name(&mail().named("../../etc/x")), "_.._etc_x.eml");
        for hint in ["", "..."] {
            assert_eq!(file_name(&mail().named(hint)).len(), 44, "{hint}");
        }
        assert_eq!(file_name(&mail()), file_name(&mail()));
        assert!(file_name(&mail().named("x".repeat(500))).len() <= 124);
    }

    #[tokio::test]
    async fn a_failing_write_is_transient_and_names_no_path() {
        let dir = tempfile::tempdir().unwrap();
        let transport = MaildirTransport::create(dir.path()).unwrap();
        fs::remove_dir(dir.path().join("tmp")).unwrap();
        let outcome = transport.send(&mail()).await;
        assert_eq!(
            (outcome.class, outcome.reason),
            (Class::Transient, ReplyReason::FileNotWritten)
        );
        assert_eq!(
            outcome.reply,
            "cannot write the mail's file: entity not found"
        );
    }
}
