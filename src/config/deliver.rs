//! `[transport]`: how finished mails leave.
//!
//! ```toml
//! [transport]
//! type = "smtp"
//! host = "smtp.example.com"
//! security = "starttls"
//! username = "shop"
//! password_file = "/run/credentials/smtp-password"
//! ```

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::duration::HumanDuration;

/// Where mails go: into a folder or to a relay.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TransportSection {
    /// Each mail becomes an `.eml` file in a Maildir; nobody is written to.
    File(FileSection),
    /// Mails go to an SMTP relay.
    Smtp(Box<SmtpSection>),
}

/// Keys of `type = "file"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSection {
    /// The Maildir; it and its `tmp`, `new` and `cur` are created where they are missing.
    pub dir: PathBuf,
}

/// Keys of `type = "smtp"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSection {
    /// The relay's name or IP address; the certificate must be valid for it.
    pub host: String,
    /// The relay's port. Default: 465 for `tls`, 587 for `starttls`, 25 for `none`.
    pub port: Option<u16>,
    /// How the connection is protected. Default: `tls`.
    #[serde(default)]
    pub security: Security,
    /// The account at the relay; none means the relay asks for no login.
    pub username: Option<String>,
    /// The account's password. Better kept in a file.
    pub password: Option<SecretString>,
    /// A file that holds the password; the end of its line does not count.
    pub password_file: Option<PathBuf>,
    /// The name we give in `EHLO`. Default: the address of our end of the connection.
    pub hello: Option<String>,
    /// Most connections open at once. Default: 5.
    #[serde(default = "default_connections")]
    pub connections: u16,
    /// Most mails over one connection. Default: 100.
    #[serde(default = "default_messages_per_connection")]
    pub messages_per_connection: u32,
    /// How long a connection may wait unused before it is closed. Default: `60s`.
    #[serde(default = "default_idle")]
    pub idle: HumanDuration,
    /// How long each step may take.
    #[serde(default)]
    pub timeouts: TimeoutSection,
    /// A PEM file of certificates to trust besides the public ones.
    pub ca_file: Option<PathBuf>,
}

/// How the connection to the relay is protected (email-requirements D1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first octet.
    #[default]
    Tls,
    /// `STARTTLS`, refused when the relay does not offer it.
    Starttls,
    /// Plain text, to this machine only.
    None,
}

/// Keys of `timeouts`. The defaults follow RFC 5321 section 4.5.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutSection {
    /// Name look-up, TCP and TLS together. Default: `30s`.
    pub connect: HumanDuration,
    /// The answer to each command, the greeting included. Default: `5m`.
    pub command: HumanDuration,
    /// Handing over the body. Default: `3m`.
    pub body: HumanDuration,
    /// The answer to the final dot (email-requirements D10). Default: `10m`.
    pub final_dot: HumanDuration,
}

impl Default for TimeoutSection {
    fn default() -> Self {
        Self {
            connect: HumanDuration::from_secs(30),
            command: HumanDuration::from_secs(300),
            body: HumanDuration::from_secs(180),
            final_dot: HumanDuration::from_secs(600),
        }
    }
}

const fn default_connections() -> u16 {
    5
}

const fn default_messages_per_connection() -> u32 {
    100
}

const fn default_idle() -> HumanDuration {
    HumanDuration::from_secs(60)
}

/// What is wrong with a transport section, beyond its syntax.
#[derive(Debug, thiserror::Error)]
pub enum TransportSectionError {
    /// No host.
    #[error("transport: host: is empty; name the relay")]
    NoHost,
    /// D1: plain text would cross a network.
    #[error(
        "transport: security: `none` is only for a relay on this machine; use `tls` or `starttls`, or `localhost` as host"
    )]
    PlainTextBeyondLoopback,
    /// Both, or one without its partner.
    #[error("transport: username: needs exactly one of `password` and `password_file`")]
    Login,
    /// A number that would stop all mail.
    #[error("transport: {0}: must be at least 1")]
    Zero(&'static str),
    /// A time limit of nothing.
    #[error("transport: timeouts: {0}: must be longer than 0s")]
    ZeroTimeout(&'static str),
    /// The `EHLO` name would break the command.
    #[error("transport: hello: is no domain name or address literal such as `mail.example.com`")]
    Hello,
    /// Secrets others can read (email-requirements S11).
    #[error("transport: {key}: {path} can be read by everybody; run `chmod o-r` on it")]
    WorldReadable {
        /// The key that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("transport: {key}: cannot read {path}: {source}")]
    Unreadable {
        /// The key that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl SmtpSection {
    /// The port that is written or follows from `security`.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::Tls => 465,
            Security::Starttls => 587,
            Security::None => 25,
        })
    }

    /// All that is wrong with the section, without touching a file or the network.
    pub fn problems(&self) -> Vec<TransportSectionError> {
        use TransportSectionError as E;
        let mut problems = Vec::new();
        if self.host.trim().is_empty() {
            problems.push(E::NoHost);
        } else if self.security == Security::None && !is_loopback(&self.host) {
            problems.push(E::PlainTextBeyondLoopback);
        }
        let passwords =
            usize::from(self.password.is_some()) + usize::from(self.password_file.is_some());
        if passwords != usize::from(self.username.is_some()) {
            problems.push(E::Login);
        }
        if self.connections == 0 {
            problems.push(E::Zero("connections"));
        }
        if self.messages_per_connection == 0 {
            problems.push(E::Zero("messages_per_connection"));
        }
        for (name, limit) in [
            ("connect", self.timeouts.connect),
            ("command", self.timeouts.command),
            ("body", self.timeouts.body),
            ("final_dot", self.timeouts.final_dot),
        ] {
            if limit.is_zero() {
                problems.push(E::ZeroTimeout(name));
            }
        }
        if self.hello.as_deref().is_some_and(|name| !is_hello(name)) {
            problems.push(E::Hello);
        }
        problems
    }

    /// The password, read from its file where it is kept in one.
    pub fn read_password(&self) -> Result<Option<SecretString>, TransportSectionError> {
        if let Some(password) = &self.password {
            return Ok(Some(password.clone()));
        }
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let key = "password_file";
        let unreadable = |source| TransportSectionError::Unreadable {
            key,
            path: path.clone(),
            source,
        };
        if is_world_readable(path).map_err(unreadable)? {
            return Err(TransportSectionError::WorldReadable {
                key,
                path: path.clone(),
            });
        }
        let text = SecretString::from(fs::read_to_string(path).map_err(unreadable)?);
        Ok(Some(
            text.expose_secret().trim_end_matches(['\r', '\n']).into(),
        ))
    }
}

/// Whether `host` is certainly this machine. What a name resolves to is checked
/// again when the connection is made.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// A domain name, or an address literal in square brackets.
fn is_hello(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(toml: &str) -> SmtpSection {
        match toml::from_str(&format!("type = \"smtp\"\n{toml}")).unwrap() {
            TransportSection::Smtp(section) => *section,
            TransportSection::File(_) => panic!("not smtp"),
        }
    }

    fn check(toml: &str, expected: &[&str]) {
        let shown: Vec<String> = smtp(toml)
            .problems()
            .iter()
            .map(|problem| problem.to_string().split_once(": ").unwrap().1.to_owned())
            .collect();
        let shown: Vec<&str> = shown
            .iter()
            .map(|text| text.split(':').next().unwrap())
            .collect();
        assert_eq!(shown, expected, "{toml}");
    }

    #[test]
    fn a_short_section_gets_safe_defaults() {
        let section = smtp("host = \"smtp.example.com\"");
        assert_eq!(section.security, Security::Tls);
        assert_eq!((section.port(), section.connections), (465, 5));
        assert_eq!(section.timeouts.final_dot.to_string(), "10m");
        assert!(section.problems().is_empty());
    }

    #[test]
    fn plain_text_is_for_this_machine_only() {
        check("host = \"localhost\"\nsecurity = \"none\"", &[]);
        check("host = \"127.0.0.1\"\nsecurity = \"none\"", &[]);
        check("host = \"::1\"\nsecurity = \"none\"", &[]);
        check("host = \"10.0.0.1\"\nsecurity = \"none\"", &["security"]);
        check("host = \"mailpit\"\nsecurity = \"none\"", &["security"]);
    }

    #[test]
    fn all_problems_are_found_at_once() {
        check(
            "host = \"\"\nusername = \"u\"\nconnections = 0\nhello = \"a b\"\ntimeouts = { body = \"0s\" }",
            &["host", "username", "connections", "timeouts", "hello"],
        );
        check("host = \"a.example\"\npassword = \"p\"", &["username"]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        for text in [
            "type = \"smtp\"\nhost = \"h\"\nhots = 1",
            "type = \"file\"\ndir = \"d\"\nhost = \"h\"",
            "type = \"smtp\"\nhost = \"h\"\ntimeouts = { dot = \"1s\" }",
            "type = \"pigeon\"",
        ] {
            assert!(toml::from_str::<TransportSection>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_password_comes_from_a_file_only_its_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        fs::write(&path, "p4ss word\n").unwrap();
        let mut section = smtp("host = \"h\"\nusername = \"u\"");
        section.password_file = Some(path.clone());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(
                section.read_password(),
                Err(TransportSectionError::WorldReadable { .. })
            ));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let password = section.read_password().unwrap().unwrap();
        assert_eq!(password.expose_secret(), "p4ss word");
        assert!(!format!("{section:?}{password:?}").contains("p4ss"));
    }
}
