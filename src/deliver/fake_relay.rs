//! A fake SMTP relay for tests, demos and measurements (email-requirements O15).
//!
//! Listens on loopback only, keeps what it receives in memory, forwards nothing, and
//! misbehaves on request: see [`Fault`]. Never part of the way to a real buyer.

mod connection;
mod fault;

use std::{
    collections::{HashMap, VecDeque},
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, ServerConfig, crypto::ring},
};

use self::connection::{Connection, Ended};
pub use self::fault::{Action, CATALOGUE, Fault, FaultError};

/// How the relay behaves when no fault is asked for.
#[derive(Clone, Default)]
pub struct RelayOptions {
    /// Extensions it leaves out of its answer to `EHLO`.
    pub without: Vec<&'static str>,
    /// The size limit it announces.
    pub size: Option<usize>,
    /// Whether and how it speaks TLS.
    pub tls: RelayTls,
    /// Name and password it asks for; offers PLAIN and LOGIN unless `without` names them.
    pub login: Option<(String, String)>,
    /// Waits this long before each group of answers, like a round trip.
    pub round_trip: Duration,
    /// Counts mails without keeping them.
    pub forget_mails: bool,
}

/// Whether and how the relay speaks TLS.
#[derive(Clone, Default)]
pub enum RelayTls {
    /// Not at all.
    #[default]
    None,
    /// After `STARTTLS`.
    Starttls(TlsAcceptor),
    /// From the first octet.
    Implicit(TlsAcceptor),
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Not PEM.
    #[error("the certificate or its key is not PEM: {0}")]
    Pem(#[from] pem::Error),
    /// Certificate and key do not fit.
    #[error("the certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// A TLS end with this certificate, whatever names or dates it holds.
pub fn acceptor(certificate_pem: &str, key_pem: &str) -> Result<TlsAcceptor, CertificateError> {
    let chain = CertificateDer::pem_slice_iter(certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A mail the relay answered 250 to, or took whole before a fault struck.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The argument of `MAIL FROM`, parameters included.
    pub mail_from: String,
    /// The address in `RCPT TO`.
    pub recipient: String,
    /// The message, its dots as they were before the transport.
    pub raw: Vec<u8>,
    /// Whether the answer was 250.
    pub was_accepted: bool,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} octets)", self.raw.len())
    }
}

/// A running fake relay; dropping it closes it and all its connections.
pub struct FakeRelay {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// What all connections of one relay share.
struct State {
    options: RelayOptions,
    script: Mutex<Script>,
    received: Mutex<Vec<Received>>,
    accepted: AtomicU64,
    connections: AtomicUsize,
    most_at_once: AtomicUsize,
    open: AtomicUsize,
    commands: AtomicUsize,
    groups: AtomicUsize,
    hang_up: watch::Sender<Option<&'static str>>,
}

#[derive(Default)]
struct Script {
    connections: VecDeque<Fault>,
    mails: VecDeque<Option<Fault>>,
    recipients: HashMap<String, VecDeque<Fault>>,
}

impl FakeRelay {
    /// A relay on a free port of 127.0.0.1.
    pub async fn start(options: RelayOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            options,
            script: Mutex::default(),
            received: Mutex::default(),
            accepted: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            commands: AtomicUsize::new(0),
            groups: AtomicUsize::new(0),
            hang_up: watch::Sender::new(None),
        });
        let task = tokio::spawn(listen(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection meets this fault (phases connect, hello, tls, auth).
    pub fn fault_connection(&self, fault: Fault) {
        lock(&self.state.script).connections.push_back(fault);
    }

    /// The next mail not yet spoken for meets this fault; `None` lets one pass.
    pub fn fault_next(&self, fault: impl Into<Option<Fault>>) {
        lock(&self.state.script).mails.push_back(fault.into());
    }

    /// The next mail to this recipient meets this fault (phases rcpt, data, body).
    pub fn fault_for(&self, recipient: &str, fault: Fault) {
        let mut script = lock(&self.state.script);
        script
            .recipients
            .entry(recipient.to_lowercase())
            .or_default()
            .push_back(fault);
    }

    /// Ends all connections that wait for a command, with a last line or without a word.
    pub fn hang_up(&self, last_line: Option<&'static str>) {
        self.state.hang_up.send_replace(last_line);
    }

    /// Everything received so far, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
    }

    /// How many mails were answered with 250.
    pub fn accepted(&self) -> u64 {
        self.state.accepted.load(Ordering::SeqCst)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many connections were open at once at most.
    pub fn most_connections_at_once(&self) -> usize {
        self.state.most_at_once.load(Ordering::SeqCst)
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }

    /// How many commands were read so far.
    pub fn commands(&self) -> usize {
        self.state.commands.load(Ordering::SeqCst)
    }

    /// How many groups of answers were written so far: the round trips a client waited for.
    pub fn groups_answered(&self) -> usize {
        self.state.groups.load(Ordering::SeqCst)
    }
}

impl Drop for FakeRelay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for FakeRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeRelay({})", self.address)
    }
}

/// Accepts until it is aborted; the connections end with it.
async fn listen(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((tcp, _)) = listener.accept() => {
                connections.spawn(serve(tcp, Arc::clone(&state)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(tcp: TcpStream, state: Arc<State>) {
    state.connections.fetch_add(1, Ordering::SeqCst);
    let open = state.open.fetch_add(1, Ordering::SeqCst) + 1;
    state.most_at_once.fetch_max(open, Ordering::SeqCst);
    // A connection that breaks is what half of the scripts are about.
    let _ = converse(tcp, &state).await;
    state.open.fetch_sub(1, Ordering::SeqCst);
}

async fn converse(tcp: TcpStream, state: &Arc<State>) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let fault = lock(&state.script).connections.pop_front();
    match &state.options.tls {
        RelayTls::Implicit(acceptor) => {
            let tls = acceptor.accept(tcp).await?;
            Connection::new(tls, state, fault, true).run().await?;
        }
        RelayTls::Starttls(acceptor) => {
            let mut connection = Connection::new(tcp, state, fault.clone(), false);
            if connection.run().await? == Ended::WantsTls {
                let tls = acceptor.accept(connection.into_stream()).await?;
                let mut connection = Connection::new(tls, state, fault, true);
                connection.skip_greeting();
                connection.run().await?;
            }
        }
        RelayTls::None => {
            Connection::new(tcp, state, fault, false).run().await?;
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
