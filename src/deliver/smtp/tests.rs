//! The transport against the fake relay, over real sockets.

use std::{net::TcpListener, path::PathBuf, sync::LazyLock, time::Duration};

use crate::{
    config::{
        deliver::{Security, SmtpSection, TransportSection},
        duration::HumanDuration,
    },
    deliver::{
        Class::{self, Accepted, Permanent, Transient, Uncertain},
        Effect, Outgoing, Phase, ReplyReason as R, SmtpTransport, Transport,
        fake_relay::{FakeRelay, Fault, RelayOptions, RelayTls, acceptor},
    },
    mail::Envelope,
};

const RAW: &[u8] = b"Subject: x\r\n\r\n.leading dot\r\nend\r\n";

fn mail_to(recipient: &str) -> Outgoing {
    let envelope = Envelope {
        sender: "bounce@shop.example".parse().unwrap(),
        recipient: recipient.parse().unwrap(),
    };
    Outgoing::new(envelope, RAW)
}

fn mail() -> Outgoing {
    mail_to("anna.nowak@example.com")
}

/// A section for `port`, in plain text, with limits fit for tests.
fn section(port: u16) -> SmtpSection {
    let toml = format!("type = \"smtp\"\nhost = \"localhost\"\nsecurity = \"none\"\nport = {port}");
    let TransportSection::Smtp(mut section) = toml::from_str(&toml).unwrap() else {
        panic!("not smtp");
    };
    section.connections = 1;
    // Long enough for a busy machine; the tests about time limits shorten the one they mean.
    for limit in [
        &mut section.timeouts.connect,
        &mut section.timeouts.command,
        &mut section.timeouts.body,
        &mut section.timeouts.final_dot,
    ] {
        *limit = HumanDuration::from_secs(20);
    }
    *section
}

async fn relay(options: RelayOptions) -> (FakeRelay, Transport) {
    let relay = FakeRelay::start(options).await.unwrap();
    let transport = open(&section(relay.address().port()));
    (relay, transport)
}

fn open(section: &SmtpSection) -> Transport {
    Transport::Smtp(SmtpTransport::new(section).unwrap())
}

/// What a fault leads to, and how many connections three mails (fine, faulty, fine) take.
async fn check(
    fault: &str,
    without: &[&'static str],
    expected: (Class, Phase, R, Effect),
    connections: usize,
) {
    let (relay, _) = relay(RelayOptions {
        without: without.to_vec(),
        ..RelayOptions::default()
    })
    .await;
    let mut section = section(relay.address().port());
    if fault.ends_with("silence") {
        section.timeouts.command = HumanDuration::from_millis(60);
        section.timeouts.final_dot = HumanDuration::from_millis(60);
    }
    let transport = open(&section);
    relay.fault_next(None);
    relay.fault_next(fault.parse::<Fault>().unwrap());
    assert_eq!(transport.send(&mail()).await.class, Accepted, "{fault}");
    let outcome = transport.send(&mail()).await;
    let got = (outcome.class, outcome.phase, outcome.reason, outcome.effect);
    assert_eq!(got, expected, "{fault}: {outcome:?}");
    assert_eq!(
        transport.send(&mail()).await.class,
        Accepted,
        "after {fault}"
    );
    assert_eq!(relay.connections(), connections, "{fault}");
    let received = relay.received();
    let kept = received.iter().filter(|mail| mail.was_accepted);
    let is_kept = matches!(expected.0, Uncertain | Accepted)
        && !fault.contains("what")
        && fault != "data drop";
    let is_kept = usize::from(is_kept);
    assert_eq!(kept.count(), 2 + is_kept, "{fault}");
    assert!(received.iter().all(|mail| mail.raw == RAW), "{fault}");
}

#[tokio::test]
async fn every_scripted_refusal_has_its_outcome_and_keeps_the_connection() {
    for without in [&[][..], &["PIPELINING"]] {
        for (fault, class, phase, reason, effect) in [
            (
                "rcpt 450 4.2.1 too quickly",
                Transient,
                Phase::Rcpt,
                R::RateLimited,
                Effect::BackOffGroup,
            ),
            (
                "mail 451 4.3.0 local error",
                Transient,
                Phase::Mail,
                R::TryLater,
                Effect::None,
            ),
            (
                "data 451 4.3.0 local error",
                Transient,
                Phase::Data,
                R::TryLater,
                Effect::None,
            ),
            (
                "body 451 4.3.0 local error",
                Transient,
                Phase::Body,
                R::TryLater,
                Effect::None,
            ),
            (
                "rcpt 452 4.2.2 full",
                Transient,
                Phase::Rcpt,
                R::MailboxFull,
                Effect::CountSoftBounce,
            ),
            (
                "rcpt 550 5.1.1 unknown",
                Permanent,
                Phase::Rcpt,
                R::UserUnknown,
                Effect::SuppressAddress,
            ),
            (
                "rcpt 552 5.2.2 full",
                Permanent,
                Phase::Rcpt,
                R::MailboxFull,
                Effect::CountSoftBounce,
            ),
            (
                "body 554 transaction failed",
                Permanent,
                Phase::Body,
                R::Refused,
                Effect::None,
            ),
            (
                "body 550 5.7.515 level",
                Permanent,
                Phase::Body,
                R::SenderPolicy,
                Effect::PauseChannel,
            ),
            (
                "rcpt 554 5.7.1 Relay access denied",
                Permanent,
                Phase::Rcpt,
                R::RelayDenied,
                Effect::PauseChannel,
            ),
            (
                "body delay 5ms",
                Accepted,
                Phase::Body,
                R::Accepted,
                Effect::None,
            ),
        ] {
            check(fault, without, (class, phase, reason, effect), 1).await;
        }
    }
}

#[tokio::test]
async fn a_broken_connection_is_in_doubt_only_after_the_final_dot() {
    for without in [&[][..], &["PIPELINING"]] {
        for (fault, class, phase, reason) in [
            ("rcpt drop", Transient, Phase::Rcpt, R::ConnectionLost),
            // A short body is out of our hands, dot and all, before the relay hangs up on it.
            ("data drop", Uncertain, Phase::Body, R::LostAfterFinalDot),
            ("rcpt silence", Transient, Phase::Rcpt, R::TimedOut),
            ("rcpt what?", Transient, Phase::Rcpt, R::ProtocolError),
            ("rcpt 354 go on", Transient, Phase::Rcpt, R::ProtocolError),
            ("body drop", Uncertain, Phase::Body, R::LostAfterFinalDot),
            (
                "body silence",
                Uncertain,
                Phase::Body,
                R::TimedOutAfterFinalDot,
            ),
            (
                "body what?",
                Uncertain,
                Phase::Body,
                R::UnclearAfterFinalDot,
            ),
        ] {
            check(fault, without, (class, phase, reason, Effect::None), 2).await;
        }
        check(
            "body 421 5.7.32 not aligned",
            without,
            (
                Transient,
                Phase::Body,
                R::SenderPolicy,
                Effect::BackOffGroup,
            ),
            2,
        )
        .await;
    }
}

#[tokio::test]
async fn a_body_that_could_not_be_handed_over_whole_was_surely_not_sent() {
    let (relay, transport) = relay(RelayOptions::default()).await;
    relay.fault_next("data drop".parse::<Fault>().unwrap());
    // More than the sockets' buffers can hold.
    let large = Outgoing::new(mail().envelope, vec![b'x'; 32 << 20]);
    let outcome = transport.send(&large).await;
    let got = (outcome.class, outcome.phase, outcome.reason);
    assert_eq!(got, (Transient, Phase::Data, R::ConnectionLost));
    assert!(relay.received().is_empty());
}

#[tokio::test]
async fn a_parked_connection_that_died_is_replaced_once() {
    for last_line in [
        None,
        Some("221 2.0.0 bye"),
        Some("421 4.4.2 idle for too long"),
    ] {
        for without in [vec![], vec!["PIPELINING"]] {
            let (relay, transport) = relay(RelayOptions {
                without,
                ..RelayOptions::default()
            })
            .await;
            assert_eq!(transport.send(&mail()).await.class, Accepted);
            relay.hang_up(last_line);
            while relay.open_connections() > 0 {
                tokio::task::yield_now().await;
            }
            let outcome = transport.send(&mail()).await;
            assert_eq!(outcome.class, Accepted, "{last_line:?}: {outcome:?}");
            assert_eq!((relay.connections(), relay.received().len()), (2, 2));
        }
    }
}

#[tokio::test]
async fn a_relay_that_closes_every_connection_is_tried_twice_at_most() {
    let (relay, transport) = relay(RelayOptions::default()).await;
    assert_eq!(transport.send(&mail()).await.class, Accepted);
    for _ in 0..2 {
        relay.fault_next("mail 421 4.3.2 closing".parse::<Fault>().unwrap());
    }
    let outcome = transport.send(&mail()).await;
    let expected = (Transient, R::RelayBusy, Effect::BackOffGroup);
    assert_eq!((outcome.class, outcome.reason, outcome.effect), expected);
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn a_dropped_send_takes_its_connection_with_it() {
    let (relay, transport) = relay(RelayOptions::default()).await;
    for fault in ["rcpt delay 30s", "body delay 30s"] {
        relay.fault_next(fault.parse::<Fault>().unwrap());
        let before = relay.commands();
        let first = mail();
        let send = transport.send(&first);
        tokio::select! {
            outcome = send => panic!("{outcome:?}"),
            () = async { while relay.commands() < before + 3 { tokio::task::yield_now().await; } } => {}
        }
        let outcome = transport.send(&mail()).await;
        assert_eq!(
            (outcome.class, outcome.code),
            (Accepted, Some(250)),
            "{fault}"
        );
    }
    assert_eq!(relay.connections(), 3);
}

#[tokio::test]
async fn the_number_of_connections_is_a_real_limit() {
    let relay = FakeRelay::start(RelayOptions::default()).await.unwrap();
    let mut section = section(relay.address().port());
    section.connections = 3;
    section.messages_per_connection = 4;
    let transport = open(&section);
    let sends = (0..40).map(|n| {
        let transport = transport.clone();
        async move {
            transport
                .send(&mail_to(&format!("b{n}@example.com")))
                .await
                .class
        }
    });
    let classes = futures_util::future::join_all(sends).await;
    assert!(classes.iter().all(|class| *class == Accepted));
    assert_eq!(relay.received().len(), 40);
    // A connection saying goodbye may overlap with its successor.
    assert!(
        relay.most_connections_at_once() <= 6,
        "{}",
        relay.most_connections_at_once()
    );
    assert!(relay.connections() >= 10, "{}", relay.connections());
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let relay = FakeRelay::start(RelayOptions::default()).await.unwrap();
    let mut section = section(relay.address().port());
    section.idle = HumanDuration::from_millis(0);
    let transport = open(&section);
    for _ in 0..3 {
        assert_eq!(transport.send(&mail()).await.class, Accepted);
    }
    transport.close_idle();
    assert_eq!(relay.connections(), 3);
    while relay.open_connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn replies_are_stored_without_the_recipient() {
    let (relay, transport) = relay(RelayOptions::default()).await;
    let text = "550 5.1.1 <Anna.Nowak@example.com>: user anna.nowak unknown\u{7}";
    relay.fault_for("anna.nowak@example.com", Fault::reply(Phase::Rcpt, text));
    let outcome = transport.send(&mail()).await;
    assert_eq!(outcome.reply, "<(address)>: user (address) unknown");
    assert_eq!(outcome.enhanced.as_deref(), Some("5.1.1"));
    assert!(!format!("{outcome:?}{transport:?}{:?}", mail()).contains("nowak"));
}

#[tokio::test]
async fn a_mail_the_relay_cannot_carry_is_refused_without_asking() {
    let (relay, transport) = relay(RelayOptions {
        size: Some(10),
        ..RelayOptions::default()
    })
    .await;
    let outcome = transport.send(&mail()).await;
    assert_eq!(
        (outcome.reason, outcome.effect),
        (R::MessageTooLarge, Effect::PauseChannel)
    );
    assert_eq!(relay.commands(), 1);
}

#[tokio::test]
async fn non_ascii_addresses_need_a_relay_with_smtputf8() {
    let unicode = mail_to("zażółć@example.pl");
    let (relay_without, transport) = relay(RelayOptions {
        without: vec!["SMTPUTF8"],
        ..RelayOptions::default()
    })
    .await;
    let outcome = transport.send(&unicode).await;
    let expected = (Permanent, R::Smtputf8Unsupported, Effect::None);
    assert_eq!((outcome.class, outcome.reason, outcome.effect), expected);
    assert_eq!(transport.send(&mail()).await.class, Accepted);
    assert_eq!(relay_without.connections(), 1);

    let (relay_with, transport) = relay(RelayOptions::default()).await;
    assert_eq!(transport.send(&unicode).await.class, Accepted);
    assert!(relay_with.received()[0].mail_from.ends_with(" SMTPUTF8"));
}

#[tokio::test]
async fn a_refused_session_keeps_the_mail() {
    for (fault, reason, effect) in [
        ("connect 421 4.3.2 busy", R::RelayBusy, Effect::BackOffGroup),
        (
            "connect 554 5.7.1 listed",
            R::SessionRefused,
            Effect::PauseChannel,
        ),
        ("connect drop", R::ConnectionLost, Effect::None),
        ("connect SSH-2.0-x", R::ProtocolError, Effect::None),
        ("hello 501 5.5.4 bad name", R::Syntax, Effect::PauseChannel),
    ] {
        let (relay, transport) = relay(RelayOptions::default()).await;
        relay.fault_connection(fault.parse().unwrap());
        let outcome = transport.send(&mail()).await;
        let got = (outcome.class, outcome.reason, outcome.effect);
        assert_eq!(got, (Transient, reason, effect), "{fault}");
        assert_eq!(
            transport.send(&mail()).await.class,
            Accepted,
            "after {fault}"
        );
    }
}

#[tokio::test]
async fn no_relay_is_a_transient_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let outcome = open(&section(port)).send(&mail()).await;
    assert_eq!(
        (outcome.class, outcome.reason),
        (Transient, R::ConnectFailed)
    );
}

#[tokio::test]
async fn login_works_both_ways_and_its_failure_pauses_the_channel() {
    for (without, password, expected) in [
        (
            vec!["LOGIN"],
            "pass word",
            (Accepted, R::Accepted, Effect::None),
        ),
        (
            vec!["PLAIN"],
            "pass word",
            (Accepted, R::Accepted, Effect::None),
        ),
        (
            vec![],
            "wrong",
            (Transient, R::AuthFailed, Effect::PauseChannel),
        ),
        (
            vec!["PLAIN"],
            "wrong",
            (Transient, R::AuthFailed, Effect::PauseChannel),
        ),
        (
            vec!["PLAIN", "LOGIN"],
            "pass word",
            (Transient, R::AuthFailed, Effect::PauseChannel),
        ),
    ] {
        let relay = FakeRelay::start(RelayOptions {
            without,
            login: Some(("shop".to_owned(), "pass word".to_owned())),
            ..RelayOptions::default()
        })
        .await
        .unwrap();
        let mut section = section(relay.address().port());
        section.username = Some("shop".to_owned());
        section.password = Some(password.into());
        let transport = open(&section);
        let outcome = transport.send(&mail()).await;
        assert_eq!((outcome.class, outcome.reason, outcome.effect), expected);
        assert!(!format!("{outcome:?}{transport:?}").contains("pass word"));
    }
    let (_relay, transport) = relay(RelayOptions {
        login: Some(("shop".to_owned(), "x".to_owned())),
        ..RelayOptions::default()
    })
    .await;
    let outcome = transport.send(&mail()).await;
    assert_eq!(
        (outcome.reason, outcome.effect),
        (R::AuthFailed, Effect::PauseChannel)
    );
}

struct Certificates {
    good: (String, String),
    other_name: (String, String),
    ca_file: tempfile::TempPath,
}

/// One authority, one certificate for `localhost`, one for another name.
static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(|| {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(vec![]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let issue = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        (
            params.signed_by(&key, &issuer).unwrap().pem(),
            key.serialize_pem(),
        )
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority_pem).unwrap();
    Certificates {
        good: issue("localhost"),
        other_name: issue("other.example"),
        ca_file: file.into_temp_path(),
    }
});

async fn check_tls(
    tls: RelayTls,
    security: Security,
    ca_file: Option<PathBuf>,
    expected: (Class, R, Effect),
) {
    let relay = FakeRelay::start(RelayOptions {
        tls,
        ..RelayOptions::default()
    })
    .await
    .unwrap();
    let mut section = section(relay.address().port());
    section.security = security;
    section.ca_file = ca_file;
    section.timeouts.command = HumanDuration::from_millis(500);
    section.timeouts.connect = HumanDuration::from_millis(500);
    let transport = open(&section);
    for _ in 0..2 {
        let outcome = transport.send(&mail()).await;
        let got = (outcome.class, outcome.reason, outcome.effect);
        assert_eq!(got, expected, "{security:?}: {outcome:?}");
    }
    let kept = if expected.0 == Accepted { 2 } else { 0 };
    assert_eq!(relay.received().len(), kept);
}

#[tokio::test]
async fn mail_goes_only_to_a_relay_with_the_right_certificate() {
    let certificates = &*CERTIFICATES;
    let good = acceptor(&certificates.good.0, &certificates.good.1).unwrap();
    let other_name = acceptor(&certificates.other_name.0, &certificates.other_name.1).unwrap();
    let ca = Some(certificates.ca_file.to_path_buf());
    let sent = (Accepted, R::Accepted, Effect::None);
    let refused = (Transient, R::TlsFailed, Effect::PauseChannel);
    let (implicit, starttls) = (RelayTls::Implicit, RelayTls::Starttls);
    check_tls(implicit(good.clone()), Security::Tls, ca.clone(), sent).await;
    check_tls(starttls(good.clone()), Security::Starttls, ca.clone(), sent).await;
    check_tls(
        implicit(other_name.clone()),
        Security::Tls,
        ca.clone(),
        refused,
    )
    .await;
    check_tls(
        starttls(other_name),
        Security::Starttls,
        ca.clone(),
        refused,
    )
    .await;
    check_tls(implicit(good.clone()), Security::Tls, None, refused).await;
    check_tls(starttls(good), Security::Starttls, None, refused).await;
    check_tls(RelayTls::None, Security::Starttls, ca.clone(), refused).await;
    check_tls(RelayTls::None, Security::Tls, ca, refused).await;
}

#[tokio::test]
async fn octets_sent_before_the_handshake_are_not_trusted() {
    let certificates = &*CERTIFICATES;
    let tls = RelayTls::Starttls(acceptor(&certificates.good.0, &certificates.good.1).unwrap());
    let relay = FakeRelay::start(RelayOptions {
        tls,
        ..RelayOptions::default()
    })
    .await
    .unwrap();
    relay.fault_connection("tls 220 go ahead\r\n250 injected".parse().unwrap());
    let mut section = section(relay.address().port());
    section.security = Security::Starttls;
    section.ca_file = Some(certificates.ca_file.to_path_buf());
    let outcome = open(&section).send(&mail()).await;
    assert_eq!(
        (outcome.phase, outcome.reason),
        (Phase::Tls, R::ProtocolError)
    );
}

#[tokio::test]
async fn a_round_trip_costs_two_waits_a_mail() {
    // RSET, MAIL, RCPT and DATA share one; the body has the other.
    let (relay, transport) = relay(RelayOptions {
        round_trip: Duration::from_millis(2),
        ..RelayOptions::default()
    })
    .await;
    for _ in 0..3 {
        assert_eq!(transport.send(&mail()).await.class, Accepted);
    }
    assert_eq!(relay.groups_answered(), 2 + 3 * 2);
}
