//! The SMTP transport: a bounded pool of connections to one relay.
//!
//! At most `connections` are open; one that failed, was cut off by a dropped future, or
//! has carried its share is closed and never reused. A parked connection that turns
//! out to be dead before its first command was accepted is replaced once.

mod session;
mod stream;

use std::{
    fmt, fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring},
};

use self::session::Session;
use super::{Outcome, Outgoing, Phase, ReplyReason, TransportError};
use crate::config::deliver::{Security, SmtpSection, TimeoutSection, TransportSectionError};

/// How long a closing connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Connections to one relay. Cloning shares them.
#[derive(Clone)]
pub struct SmtpTransport(Arc<Pool>);

struct Pool {
    settings: Settings,
    permits: Semaphore,
    parked: Mutex<Vec<Session>>,
}

/// What a connection needs to know; checked, and with its files read.
struct Settings {
    host: String,
    port: u16,
    security: Security,
    tls: TlsConnector,
    server_name: Option<ServerName<'static>>,
    login: Option<(String, SecretString)>,
    hello: Option<String>,
    timeouts: TimeoutSection,
    connections: u16,
    messages_per_connection: u32,
    idle: Duration,
}

impl SmtpTransport {
    /// A transport for a checked section. Reads the password and certificate files.
    pub fn new(section: &SmtpSection) -> Result<Self, TransportError> {
        if let Some(problem) = section.problems().into_iter().next() {
            return Err(problem.into());
        }
        let server_name = match section.security {
            Security::None => None,
            Security::Tls | Security::Starttls => Some(
                ServerName::try_from(section.host.clone()).map_err(|_| TransportError::HostName)?,
            ),
        };
        let settings = Settings {
            host: section.host.clone(),
            port: section.port(),
            security: section.security,
            tls: TlsConnector::from(Arc::new(tls_config(section)?)),
            server_name,
            login: section.username.clone().zip(section.read_password()?),
            hello: section.hello.clone(),
            timeouts: section.timeouts,
            connections: section.connections,
            messages_per_connection: section.messages_per_connection,
            idle: section.idle.as_std(),
        };
        Ok(Self(Arc::new(Pool {
            permits: Semaphore::new(usize::from(settings.connections)),
            parked: Mutex::new(Vec::new()),
            settings,
        })))
    }

    /// Most connections open at once.
    pub fn connections(&self) -> usize {
        usize::from(self.0.settings.connections)
    }

    /// Closes the parked connections that have waited for longer than `idle`.
    pub fn close_idle(&self) {
        let idle = self.0.settings.idle;
        // Under one lock: a list that looked empty for a moment would let the pool grow past its limit.
        self.parked().retain(|session| session.idle_for() < idle);
    }

    /// One attempt over one connection, waiting for a free one.
    pub(super) async fn send(&self, mail: &Outgoing) -> Outcome {
        let Ok(_permit) = self.0.permits.acquire().await else {
            let what = "the transport is closed";
            return Outcome::without_reply(Phase::Connect, ReplyReason::ConnectFailed, what);
        };
        if let Some(mut session) = self.take_parked() {
            let attempt = session.transact(mail, &self.0.settings.timeouts).await;
            if !attempt.was_stale {
                self.put_back(session, attempt.is_usable);
                return attempt.outcome;
            }
        }
        match Session::open(&self.0.settings).await {
            Err(outcome) => outcome,
            Ok(mut session) => {
                let attempt = session.transact(mail, &self.0.settings.timeouts).await;
                self.put_back(session, attempt.is_usable);
                attempt.outcome
            }
        }
    }

    fn take_parked(&self) -> Option<Session> {
        self.close_idle();
        // The one used last is the least likely to have been closed by the relay.
        self.parked().pop()
    }

    fn put_back(&self, session: Session, is_usable: bool) {
        if !is_usable {
            return;
        }
        if session.mails() < self.0.settings.messages_per_connection {
            self.parked().push(session);
        } else {
            tokio::spawn(tokio::time::timeout(GOODBYE, session.quit()));
        }
    }

    fn parked(&self) -> MutexGuard<'_, Vec<Session>> {
        self.0.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.0.settings;
        f.debug_struct("SmtpTransport")
            .field("host", &settings.host)
            .field("port", &settings.port)
            .finish_non_exhaustive()
    }
}

/// The public roots, and the section's own.
fn tls_config(section: &SmtpSection) -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = &section.ca_file {
        let pem = fs::read(path).map_err(|source| TransportSectionError::Unreadable {
            key: "ca_file",
            path: path.clone(),
            source,
        })?;
        let found: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|_| TransportError::CaFile)?;
        let (added, _) = roots.add_parsable_certificates(found);
        if added == 0 {
            return Err(TransportError::CaFile);
        }
    }
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

#[cfg(test)]
mod tests;
