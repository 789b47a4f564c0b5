//! One connection to a relay: greeting, TLS, login, and mail after mail.
//!
//! Each step reports its own phase, each wait has its limit, and whatever ends a mail
//! before its final dot was handed over whole is "surely not sent".

use std::{fmt::Write as _, io, net::SocketAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    commands::{Data, Ehlo, Quit, Rset, Starttls},
    extension::ClientId,
};
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};

use super::{
    Settings,
    stream::{Stream, is_tls_fault},
};
use crate::{
    config::deliver::{Security, TimeoutSection},
    deliver::{
        Outcome, Outgoing, Phase, ReplyReason,
        reply::{self, Parsed, Reply},
    },
};

/// The longest reply we read; a relay that says more is not one.
const MAX_REPLY_OCTETS: usize = 64 * 1024;
/// How long to wait for the reason after the relay has cut off a body.
const EARLY_REPLY: Duration = Duration::from_secs(1);

/// A connection that is ready for mails.
pub(super) struct Session {
    stream: Stream,
    input: Vec<u8>,
    output: Vec<u8>,
    offers: Offers,
    mails: u32,
    /// The last transaction was refused half-way: the next one begins with `RSET`.
    needs_reset: bool,
    used: Instant,
}

/// What the relay offers in its answer to `EHLO`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each extension, each read alone"
)]
struct Offers {
    pipelining: bool,
    starttls: bool,
    eight_bit: bool,
    smtputf8: bool,
    /// `SIZE`; a limit of 0 means none is known.
    size: Option<usize>,
    plain: bool,
    login: bool,
}

/// What became of one mail on this connection.
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    /// Whether the connection can carry another mail.
    pub(super) is_usable: bool,
    /// Whether the connection broke before any command of this mail was accepted.
    pub(super) was_stale: bool,
}

/// Why a step got no reply.
enum Failure {
    Lost(io::ErrorKind),
    TimedOut,
    Unexpected,
}

impl Session {
    /// Connects, and goes as far as the settings ask: TLS, login.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Outcome> {
        let limits = &settings.timeouts;
        let tcp = match timeout(limits.connect.as_std(), connect(settings)).await {
            Ok(connected) => connected?,
            Err(_) => return Err(failed(Phase::Connect, &Failure::TimedOut)),
        };
        let mut session = Self {
            stream: Stream::Plain(tcp),
            input: Vec::new(),
            output: Vec::new(),
            offers: Offers::default(),
            mails: 0,
            needs_reset: false,
            used: Instant::now(),
        };
        if settings.security == Security::Tls {
            session = session.secure(settings).await?;
        }
        session.expect(Phase::Connect, 220, limits).await?;
        session.hello(settings).await?;
        if settings.security == Security::Starttls {
            if !session.offers.starttls {
                let what = "the relay offers no STARTTLS";
                return Err(Outcome::without_reply(
                    Phase::Tls,
                    ReplyReason::TlsFailed,
                    what,
                ));
            }
            session
                .ask(Phase::Tls, &Starttls.to_string(), 220, limits)
                .await?;
            // Octets that came before the handshake were not protected by it.
            if !session.input.is_empty() {
                return Err(failed(Phase::Tls, &Failure::Unexpected));
            }
            session = session.secure(settings).await?;
            session.hello(settings).await?;
        }
        session.log_in(settings).await?;
        Ok(session)
    }

    /// How many mails this connection was used for.
    pub(super) fn mails(&self) -> u32 {
        self.mails
    }

    /// How long the connection has not been used.
    pub(super) fn idle_for(&self) -> Duration {
        self.used.elapsed()
    }

    /// Says goodbye.
    pub(super) async fn quit(mut self) {
        let _ = self.stream.write_all(Quit.to_string().as_bytes()).await;
        let _ = self.stream.shutdown().await;
    }

    async fn secure(self, settings: &Settings) -> Result<Self, Outcome> {
        let Some(name) = settings.server_name.clone() else {
            let what = "no host name to check the certificate for";
            return Err(Outcome::without_reply(
                Phase::Tls,
                ReplyReason::TlsFailed,
                what,
            ));
        };
        let handshake = self.stream.secure(&settings.tls, name);
        match timeout(settings.timeouts.connect.as_std(), handshake).await {
            Ok(Ok(stream)) => Ok(Self { stream, ..self }),
            Ok(Err(error)) if is_tls_fault(&error) => {
                let what = format!("TLS failed: {error}");
                Err(Outcome::without_reply(
                    Phase::Tls,
                    ReplyReason::TlsFailed,
                    &what,
                ))
            }
            Ok(Err(error)) => Err(failed(Phase::Tls, &Failure::Lost(error.kind()))),
            Err(_) => Err(failed(Phase::Tls, &Failure::TimedOut)),
        }
    }

    async fn hello(&mut self, settings: &Settings) -> Result<(), Outcome> {
        let client = match (
            &settings.hello,
            self.stream.local_addr().map(|addr| addr.ip()),
        ) {
            (Some(name), _) => ClientId::Domain(name.clone()),
            (None, Ok(std::net::IpAddr::V4(ip))) => ClientId::Ipv4(ip),
            (None, Ok(std::net::IpAddr::V6(ip))) => ClientId::Ipv6(ip),
            (None, Err(_)) => ClientId::Domain("localhost".to_owned()),
        };
        let command = Ehlo::new(client).to_string();
        let reply = self
            .ask(Phase::Hello, &command, 250, &settings.timeouts)
            .await?;
        self.offers = Offers::of(&reply);
        Ok(())
    }

    async fn log_in(&mut self, settings: &Settings) -> Result<(), Outcome> {
        let Some((user, password)) = &settings.login else {
            return Ok(());
        };
        let limits = &settings.timeouts;
        let refused = |what| Outcome::without_reply(Phase::Auth, ReplyReason::AuthFailed, what);
        let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
        if self.offers.plain {
            let answer = Mechanism::Plain.response(&credentials, None);
            let answer = answer.map_err(|_| refused("the login cannot be written down"))?;
            let command = format!("AUTH PLAIN {}\r\n", BASE64.encode(answer));
            self.ask(Phase::Auth, &command, 235, limits).await?;
        } else if self.offers.login {
            let mut challenge = self.ask(Phase::Auth, "AUTH LOGIN\r\n", 334, limits).await?;
            for wanted in [334, 235] {
                let text = BASE64.decode(challenge.text().trim()).unwrap_or_default();
                let text = String::from_utf8_lossy(&text).into_owned();
                let answer = Mechanism::Login.response(&credentials, Some(&text));
                let answer = answer
                    .map_err(|_| refused("the relay asks something else than name and password"))?;
                let line = format!("{}\r\n", BASE64.encode(answer));
                challenge = self.ask(Phase::Auth, &line, wanted, limits).await?;
            }
        } else {
            return Err(refused(
                "the relay offers neither AUTH PLAIN nor AUTH LOGIN",
            ));
        }
        Ok(())
    }

    /// Sends one mail.
    pub(super) async fn transact(&mut self, mail: &Outgoing, limits: &TimeoutSection) -> Attempt {
        self.mails += 1;
        self.used = Instant::now();
        let recipient = &mail.envelope.recipient;
        if mail.needs_smtputf8 && !self.offers.smtputf8 {
            let what = "the relay does not offer SMTPUTF8, which this address needs";
            return Attempt::usable(Outcome::without_reply(
                Phase::Mail,
                ReplyReason::Smtputf8Unsupported,
                what,
            ));
        }
        if self
            .offers
            .size
            .is_some_and(|most| most > 0 && mail.raw.len() > most)
        {
            let what = format!(
                "the mail has {} octets, more than the relay takes",
                mail.raw.len()
            );
            return Attempt::usable(Outcome::without_reply(
                Phase::Mail,
                ReplyReason::MessageTooLarge,
                &what,
            ));
        }
        if let Err(attempt) = self.offer(mail, limits).await {
            return attempt;
        }
        if let Err(failure) = self.hand_over(&mail.raw, limits).await {
            // A relay that cuts a body off often says why; the final dot never went out.
            return match self.reply(EARLY_REPLY).await {
                Ok(reply) if reply.code >= 400 => {
                    Attempt::broken(Outcome::refused(Phase::Data, &reply, Some(recipient)))
                }
                _ => Attempt::broken(failed(Phase::Data, &failure)),
            };
        }
        let answer = self.reply(limits.final_dot.as_std()).await;
        self.used = Instant::now();
        match answer {
            Ok(reply) if reply.code == 250 => {
                Attempt::usable(Outcome::accepted(&reply, Some(recipient)))
            }
            Ok(reply) if reply.code >= 400 => Attempt {
                is_usable: reply.code != 421,
                ..Attempt::broken(Outcome::refused(Phase::Body, &reply, Some(recipient)))
            },
            Ok(_) | Err(Failure::Unexpected) => {
                Attempt::broken(in_doubt(ReplyReason::UnclearAfterFinalDot))
            }
            Err(Failure::Lost(_)) => Attempt::broken(in_doubt(ReplyReason::LostAfterFinalDot)),
            Err(Failure::TimedOut) => Attempt::broken(in_doubt(ReplyReason::TimedOutAfterFinalDot)),
        }
    }

    /// Says who writes to whom, up to the relay's go-ahead for the body.
    async fn offer(&mut self, mail: &Outgoing, limits: &TimeoutSection) -> Result<(), Attempt> {
        let recipient = &mail.envelope.recipient;
        let mut steps = [
            (Phase::Mail, String::new(), &[250][..]),
            (Phase::Mail, self.mail_command(mail), &[250]),
            (
                Phase::Rcpt,
                format!("RCPT TO:<{}>\r\n", recipient.as_str()),
                &[250, 251],
            ),
            (Phase::Data, Data.to_string(), &[354]),
        ];
        let first = if self.needs_reset {
            steps[0].1 = Rset.to_string();
            0
        } else {
            1
        };
        let mut accepted_mail = false;
        let mut refusal: Option<Outcome> = None;
        for at in first..steps.len() {
            let (phase, _, wanted) = &steps[at];
            if !self.offers.pipelining && refusal.is_some() {
                break;
            }
            let written = match (self.offers.pipelining, at == first) {
                (true, true) => {
                    let all: String = steps[first..]
                        .iter()
                        .map(|(_, command, _)| command.as_str())
                        .collect();
                    self.write(&all, limits).await
                }
                (true, false) => Ok(()),
                (false, _) => self.write(&steps[at].1, limits).await,
            };
            let answer = match written {
                Ok(()) => self.reply(limits.command.as_std()).await,
                Err(failure) => Err(failure),
            };
            let stale = |outcome| Attempt {
                was_stale: !accepted_mail,
                ..Attempt::broken(outcome)
            };
            match answer {
                Ok(reply) if wanted.contains(&reply.code) && refusal.is_none() => {
                    accepted_mail |= at > 0;
                }
                Ok(reply) if reply.code == 421 => {
                    let outcome = Outcome::refused(*phase, &reply, Some(recipient));
                    return Err(stale(refusal.unwrap_or(outcome)));
                }
                Ok(reply) if reply.code >= 400 && at > 0 => {
                    refusal
                        .get_or_insert_with(|| Outcome::refused(*phase, &reply, Some(recipient)));
                }
                // 250 for RCPT after MAIL was refused is odd but harmless. A go-ahead for the body of a
                // mail without recipient is not: only closing the connection sends surely nothing.
                Ok(reply) if reply.code == 250 && *phase == Phase::Rcpt => {}
                Ok(_) => {
                    return Err(refusal.map_or_else(
                        || stale(failed(*phase, &Failure::Unexpected)),
                        Attempt::broken,
                    ));
                }
                Err(failure) => {
                    let is_timeout = matches!(failure, Failure::TimedOut);
                    let outcome = failed(*phase, &failure);
                    return Err(match refusal {
                        Some(refusal) => Attempt::broken(refusal),
                        None if is_timeout => Attempt::broken(outcome),
                        None => stale(outcome),
                    });
                }
            }
        }
        self.needs_reset = refusal.is_some();
        refusal.map_or(Ok(()), |outcome| Err(Attempt::usable(outcome)))
    }

    fn mail_command(&self, mail: &Outgoing) -> String {
        let mut command = format!("MAIL FROM:<{}>", mail.envelope.sender.as_str());
        if self.offers.size.is_some() {
            let _ = write!(command, " SIZE={}", mail.raw.len());
        }
        if self.offers.eight_bit && !mail.raw.is_ascii() {
            command.push_str(" BODY=8BITMIME");
        }
        if mail.needs_smtputf8 {
            command.push_str(" SMTPUTF8");
        }
        command.push_str("\r\n");
        command
    }

    /// Writes the body and its final dot at once. An error means that the last octets
    /// never left this process, so the relay cannot have seen the final dot.
    async fn hand_over(&mut self, raw: &[u8], limits: &TimeoutSection) -> Result<(), Failure> {
        self.output.clear();
        stuff_dots(raw, &mut self.output);
        let output = &self.output;
        let stream = &mut self.stream;
        let writing = async {
            stream.write_all(output).await?;
            stream.flush().await
        };
        limited(limits.body.as_std(), writing).await
    }

    async fn write(&mut self, commands: &str, limits: &TimeoutSection) -> Result<(), Failure> {
        // An answer to a question not yet asked: we have lost step with the relay.
        if !self.input.is_empty() {
            return Err(Failure::Unexpected);
        }
        let stream = &mut self.stream;
        let writing = async {
            stream.write_all(commands.as_bytes()).await?;
            stream.flush().await
        };
        limited(limits.command.as_std(), writing).await
    }

    async fn reply(&mut self, limit: Duration) -> Result<Reply, Failure> {
        limited(limit, self.read_reply()).await?
    }

    async fn read_reply(&mut self) -> io::Result<Result<Reply, Failure>> {
        loop {
            match reply::parse(&self.input) {
                Parsed::Complete(reply, used) => {
                    self.input.drain(..used);
                    return Ok(Ok(reply));
                }
                Parsed::Malformed => return Ok(Err(Failure::Unexpected)),
                Parsed::Incomplete if self.input.len() > MAX_REPLY_OCTETS => {
                    return Ok(Err(Failure::Unexpected));
                }
                Parsed::Incomplete => {}
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn ask(
        &mut self,
        phase: Phase,
        command: &str,
        wanted: u16,
        limits: &TimeoutSection,
    ) -> Result<Reply, Outcome> {
        if let Err(failure) = self.write(command, limits).await {
            return Err(failed(phase, &failure));
        }
        self.expect(phase, wanted, limits).await
    }

    async fn expect(
        &mut self,
        phase: Phase,
        wanted: u16,
        limits: &TimeoutSection,
    ) -> Result<Reply, Outcome> {
        match self.reply(limits.command.as_std()).await {
            Ok(reply) if reply.code == wanted => Ok(reply),
            Ok(reply) if reply.code >= 400 => Err(Outcome::refused(phase, &reply, None)),
            Ok(_) => Err(failed(phase, &Failure::Unexpected)),
            Err(failure) => Err(failed(phase, &failure)),
        }
    }
}

impl Attempt {
    fn usable(outcome: Outcome) -> Self {
        Self {
            outcome,
            is_usable: true,
            was_stale: false,
        }
    }

    fn broken(outcome: Outcome) -> Self {
        Self {
            outcome,
            is_usable: false,
            was_stale: false,
        }
    }
}

impl Offers {
    fn of(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase().replace("AUTH=", "AUTH ");
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("STARTTLS") => offers.starttls = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.smtputf8 = true,
                Some("SIZE") => {
                    offers.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0));
                }
                Some("AUTH") => {
                    for mechanism in words {
                        offers.plain |= mechanism == "PLAIN";
                        offers.login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        offers
    }
}

async fn connect(settings: &Settings) -> Result<TcpStream, Outcome> {
    let no_way =
        |what: &str| Outcome::without_reply(Phase::Connect, ReplyReason::ConnectFailed, what);
    let found = lookup_host((settings.host.as_str(), settings.port)).await;
    let mut addresses: Vec<SocketAddr> = found
        .map_err(|_| no_way("the relay's name cannot be resolved"))?
        .collect();
    if settings.security == Security::None {
        addresses.retain(|address| address.ip().is_loopback());
        if addresses.is_empty() {
            let what = "without TLS only a relay on this machine may be used";
            return Err(Outcome::without_reply(
                Phase::Connect,
                ReplyReason::PlainTextRefused,
                what,
            ));
        }
    }
    let connected = TcpStream::connect(addresses.as_slice()).await;
    let tcp = connected
        .map_err(|error| no_way(&format!("no connection to the relay: {}", error.kind())))?;
    // Without this, each small write waits some 40 ms for the other side's acknowledgement.
    tcp.set_nodelay(true)
        .map_err(|error| no_way(&error.kind().to_string()))?;
    Ok(tcp)
}

async fn limited<T>(
    limit: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, Failure> {
    match timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure::Lost(error.kind())),
        Err(_) => Err(Failure::TimedOut),
    }
}

/// The outcome of a step that failed before the final dot.
fn failed(phase: Phase, failure: &Failure) -> Outcome {
    let (reason, what) = match failure {
        Failure::Lost(kind) => (
            ReplyReason::ConnectionLost,
            format!("the connection broke: {kind}"),
        ),
        Failure::TimedOut => (
            ReplyReason::TimedOut,
            "the relay did not answer in time".to_owned(),
        ),
        Failure::Unexpected => (
            ReplyReason::ProtocolError,
            "the relay's answer fits no question of ours".to_owned(),
        ),
    };
    Outcome::without_reply(phase, reason, &what)
}

fn in_doubt(reason: ReplyReason) -> Outcome {
    Outcome::without_reply(
        Phase::Body,
        reason,
        "handed over whole, but the relay's answer was lost",
    )
}

/// The body as it goes over the wire: dots at line starts doubled, ended by the final dot.
fn stuff_dots(raw: &[u8], out: &mut Vec<u8>) {
    out.reserve(raw.len() + 64);
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !raw.is_empty() && !raw.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(raw: &str) -> String {
        let mut out = Vec::new();
        stuff_dots(raw.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dots_at_line_starts_are_doubled_and_the_final_dot_stands_alone() {
        assert_eq!(stuffed("a\r\n.b\r\n..\r\n"), "a\r\n..b\r\n...\r\n.\r\n");
        assert_eq!(stuffed(".\r\nx.y"), "..\r\nx.y\r\n.\r\n");
        assert_eq!(stuffed(""), ".\r\n");
    }

    #[test]
    fn offers_are_read_whatever_their_case() {
        let octets = b"250-mx.example hi\r\n250-pipelining\r\n250-SIZE 1000\r\n250-AUTH=LOGIN\r\n250 Auth plain XOAUTH2\r\n";
        let Parsed::Complete(reply, _) = reply::parse(octets) else {
            panic!("no reply");
        };
        let expected = Offers {
            pipelining: true,
            size: Some(1000),
            plain: true,
            login: true,
            ..Offers::default()
        };
        assert_eq!(Offers::of(&reply), expected);
    }
}
