//! One conversation with the fake relay.

use std::{io, mem, sync::atomic::Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::watch,
};

use super::{Action, Fault, Received, State, lock};
use crate::deliver::Phase;

/// More than any mail of ours; a client that sends more is cut off.
const MAX_INPUT: usize = 64 * 1024 * 1024;

/// How a conversation ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Closed,
    WantsTls,
}

/// Whether to go on after a step.
enum Next {
    Continue,
    End(Ended),
}

pub(super) struct Connection<'a, S> {
    stream: S,
    state: &'a State,
    fault: Option<Fault>,
    is_secure: bool,
    is_greeted: bool,
    is_logged_in: bool,
    mail: Option<Mail>,
    input: Vec<u8>,
    /// How many octets of `input` are read already.
    done: usize,
    output: Vec<u8>,
    hang_up: watch::Receiver<Option<&'static str>>,
}

/// The mail under way.
#[derive(Default)]
struct Mail {
    from: String,
    recipient: Option<String>,
    fault: Option<Fault>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Connection<'a, S> {
    pub(super) fn new(stream: S, state: &'a State, fault: Option<Fault>, is_secure: bool) -> Self {
        Self {
            stream,
            state,
            fault,
            is_secure,
            is_greeted: false,
            is_logged_in: false,
            mail: None,
            input: Vec::with_capacity(64 * 1024),
            done: 0,
            output: Vec::new(),
            hang_up: state.hang_up.subscribe(),
        }
    }

    /// After STARTTLS the relay does not greet again.
    pub(super) fn skip_greeting(&mut self) {
        self.is_greeted = true;
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    pub(super) async fn run(&mut self) -> io::Result<Ended> {
        if !self.is_greeted {
            self.is_greeted = true;
            if let Next::End(ended) = self
                .answer(Phase::Connect, "220 fake.example ESMTP")
                .await?
            {
                self.flush().await?;
                return Ok(ended);
            }
        }
        loop {
            while let Some(line) = self.take_line() {
                self.state.commands.fetch_add(1, Ordering::Relaxed);
                if let Next::End(ended) = self.command(&line).await? {
                    self.flush().await?;
                    return Ok(ended);
                }
            }
            self.flush().await?;
            if !self.read().await? {
                return Ok(Ended::Closed);
            }
        }
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, argument) = line.split_once([' ', ':']).unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                let offers = self.offers();
                self.answer(Phase::Hello, &offers).await
            }
            "STARTTLS" if !self.is_secure => {
                match self.answer(Phase::Tls, "220 2.0.0 go ahead").await? {
                    Next::Continue => Ok(Next::End(Ended::WantsTls)),
                    end @ Next::End(_) => Ok(end),
                }
            }
            "AUTH" => self.log_in(argument).await,
            "MAIL" if self.state.options.login.is_some() && !self.is_logged_in => {
                self.say("530 5.7.0 authentication required")
            }
            "MAIL" => {
                let from = argument.get(5..).unwrap_or_default().to_owned();
                let fault = lock(&self.state.script).mails.pop_front().flatten();
                self.mail = Some(Mail {
                    from,
                    fault,
                    ..Mail::default()
                });
                let next = self.answer(Phase::Mail, "250 2.1.0 sender ok").await;
                if self.is_refused(Phase::Mail) {
                    self.mail = None;
                }
                next
            }
            "RCPT" => self.recipient(argument).await,
            "DATA"
                if self
                    .mail
                    .as_ref()
                    .is_some_and(|mail| mail.recipient.is_some()) =>
            {
                self.body().await
            }
            "DATA" => self.say("503 5.5.1 no valid recipients"),
            "RSET" => {
                self.mail = None;
                self.say("250 2.0.0 reset")
            }
            "NOOP" => self.say("250 2.0.0 ok"),
            "QUIT" => {
                self.say("221 2.0.0 bye")?;
                Ok(Next::End(Ended::Closed))
            }
            _ => self.say("500 5.5.2 unknown command"),
        }
    }

    fn offers(&self) -> String {
        let options = &self.state.options;
        let mut offers = vec![
            "fake.example".to_owned(),
            "PIPELINING".to_owned(),
            "8BITMIME".to_owned(),
        ];
        offers.push("SMTPUTF8".to_owned());
        if let Some(size) = options.size {
            offers.push(format!("SIZE {size}"));
        }
        if matches!(options.tls, super::RelayTls::Starttls(_)) && !self.is_secure {
            offers.push("STARTTLS".to_owned());
        }
        if options.login.is_some() {
            let mechanisms: Vec<&str> = ["PLAIN", "LOGIN"]
                .into_iter()
                .filter(|mechanism| !options.without.contains(mechanism))
                .collect();
            offers.push(format!("AUTH {}", mechanisms.join(" ")));
        }
        offers.retain(|offer| !options.without.contains(&offer.as_str()));
        let last = offers.len() - 1;
        offers
            .iter()
            .enumerate()
            .map(|(at, offer)| format!("250{}{offer}", if at == last { ' ' } else { '-' }))
            .collect::<Vec<_>>()
            .join("\n")
    }

    async fn log_in(&mut self, argument: &str) -> io::Result<Next> {
        let given = match argument.split_once(' ') {
            Some(("PLAIN", answer)) => decode(answer),
            _ if argument == "LOGIN" => {
                let mut given = String::new();
                for question in ["Username:", "Password:"] {
                    self.say(&format!("334 {}", BASE64.encode(question)))?;
                    self.flush().await?;
                    let Some(line) = self.wait_for_line().await? else {
                        return Ok(Next::End(Ended::Closed));
                    };
                    given.push('\0');
                    given.push_str(&decode(&line));
                }
                given
            }
            _ => return self.say("504 5.5.4 unknown mechanism"),
        };
        let wanted = self.state.options.login.as_ref();
        self.is_logged_in =
            wanted.is_some_and(|(name, password)| given == format!("\0{name}\0{password}"));
        if self.is_logged_in {
            self.answer(Phase::Auth, "235 2.7.0 welcome").await
        } else {
            self.say("535 5.7.8 name or password is wrong")
        }
    }

    async fn recipient(&mut self, argument: &str) -> io::Result<Next> {
        let Some(mail) = &mut self.mail else {
            return self.say("503 5.5.1 MAIL first");
        };
        let address = argument.get(3..).unwrap_or_default();
        let address = address
            .split('>')
            .next()
            .unwrap_or_default()
            .trim_start_matches('<')
            .to_owned();
        let own = lock(&self.state.script)
            .recipients
            .get_mut(&address.to_lowercase())
            .and_then(std::collections::VecDeque::pop_front);
        if own.is_some() {
            mail.fault = own;
        }
        mail.recipient = Some(address);
        let next = self.answer(Phase::Rcpt, "250 2.1.5 recipient ok").await;
        if self.is_refused(Phase::Rcpt)
            && let Some(mail) = &mut self.mail
        {
            mail.recipient = None;
        }
        next
    }

    async fn body(&mut self) -> io::Result<Next> {
        let drops = matches!(self.fault_at(Phase::Data), Some(Action::Drop));
        if !drops && self.fault_at(Phase::Data).is_some() {
            let next = self.answer(Phase::Data, "354 go on").await;
            if !matches!(self.fault_at(Phase::Data), Some(Action::Delay(_))) {
                self.mail = None;
                return next;
            }
        } else {
            self.say("354 go on")?;
        }
        self.flush().await?;
        self.input.drain(..mem::take(&mut self.done));
        let mut searched = 0;
        let end = loop {
            if drops && !self.input.is_empty() {
                return Ok(Next::End(Ended::Closed));
            }
            if let Some(end) = end_of_body(&self.input, searched) {
                break end;
            }
            searched = self.input.len().saturating_sub(4);
            if !self.read().await? {
                return Ok(Next::End(Ended::Closed));
            }
        };
        let was_accepted = !self.is_refused(Phase::Body);
        if !self.state.options.forget_mails
            && let Some(mail) = &self.mail
        {
            lock(&self.state.received).push(Received {
                mail_from: mail.from.clone(),
                recipient: mail.recipient.clone().unwrap_or_default(),
                raw: without_stuffing(&self.input[..end]),
                was_accepted,
            });
        }
        self.done = end + b".\r\n".len();
        if was_accepted {
            self.state.accepted.fetch_add(1, Ordering::SeqCst);
        }
        let next = self.answer(Phase::Body, "250 2.0.0 queued as fake").await;
        self.mail = None;
        next
    }

    /// The fault of this phase: the mail's, else the connection's.
    fn fault_at(&self, phase: Phase) -> Option<Action> {
        let of_mail = self.mail.as_ref().and_then(|mail| mail.fault.as_ref());
        of_mail
            .into_iter()
            .chain(&self.fault)
            .find(|fault| fault.phase == phase)
            .map(|fault| fault.action.clone())
    }

    /// Whether the fault of this phase is an answer other than 250.
    fn is_refused(&self, phase: Phase) -> bool {
        matches!(self.fault_at(phase), Some(Action::Reply(line)) if !line.starts_with("250"))
    }

    /// The usual answer of a phase, or what its fault makes of it.
    async fn answer(&mut self, phase: Phase, usual: &str) -> io::Result<Next> {
        match self.fault_at(phase) {
            None => self.say(usual),
            Some(Action::Reply(line)) => {
                self.say(&line)?;
                if line.starts_with("421") {
                    return Ok(Next::End(Ended::Closed));
                }
                Ok(Next::Continue)
            }
            Some(Action::Drop) => Ok(Next::End(Ended::Closed)),
            Some(Action::Silence) => {
                self.flush().await?;
                while self.read().await? {}
                Ok(Next::End(Ended::Closed))
            }
            Some(Action::Delay(length)) => {
                self.flush().await?;
                tokio::time::sleep(length).await;
                self.say(usual)
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the common last step of commands")]
    fn say(&mut self, lines: &str) -> io::Result<Next> {
        for line in lines.split('\n') {
            self.output.extend_from_slice(line.as_bytes());
            self.output.extend_from_slice(b"\r\n");
        }
        Ok(Next::Continue)
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        if !self.state.options.round_trip.is_zero() {
            tokio::time::sleep(self.state.options.round_trip).await;
        }
        self.state.groups.fetch_add(1, Ordering::SeqCst);
        let output = mem::take(&mut self.output);
        self.stream.write_all(&output).await?;
        self.stream.flush().await?;
        self.output = output;
        self.output.clear();
        Ok(())
    }

    /// Reads more; false when the conversation is over.
    async fn read(&mut self) -> io::Result<bool> {
        self.input.drain(..self.done);
        self.done = 0;
        tokio::select! {
            count = self.stream.read_buf(&mut self.input) => Ok(count? > 0 && self.input.len() <= MAX_INPUT),
            Ok(()) = self.hang_up.changed() => {
                let last = *self.hang_up.borrow_and_update();
                if let Some(line) = last {
                    self.say(line)?;
                    self.flush().await?;
                }
                Ok(false)
            }
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let rest = &self.input[self.done..];
        let end = rest.iter().position(|&b| b == b'\n')?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let line = String::from_utf8_lossy(line).into_owned();
        self.done += end + 1;
        Some(line)
    }

    async fn wait_for_line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Some(line));
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }
}

fn decode(text: &str) -> String {
    let octets = BASE64.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&octets).into_owned()
}

/// Where the line of the final dot begins, looking from `searched` on.
fn end_of_body(input: &[u8], searched: usize) -> Option<usize> {
    if input.starts_with(b".\r\n") {
        return Some(0);
    }
    let rest = &input[searched..];
    let found = rest.windows(5).position(|window| window == b"\r\n.\r\n")?;
    Some(searched + found + 2)
}

fn without_stuffing(body: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|&b| b == b'\n') {
        raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    raw
}
