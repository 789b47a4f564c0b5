use super::{Class::*, Effect::*, Phase::*, ReplyReason as R, *};

type Expected = (Class, R, Effect);

fn check(phase: Phase, reply: &str, expected: Expected) {
    let Parsed::Complete(parsed, _) = reply::parse(format!("{reply}\r\n").as_bytes()) else {
        panic!("no reply: {reply}");
    };
    let got = classify(phase, parsed.code, parsed.enhanced, &parsed.text());
    assert_eq!(got, expected, "{phase}: {reply}");
}

#[test]
fn unusable_addresses_are_suppressed() {
    for (reply, reason) in [
        (
            "550 5.1.1 The email account that you tried to reach does not exist",
            R::UserUnknown,
        ),
        ("550 5.1.2 Bad destination system address", R::BadDomain),
        ("551 5.1.6 Recipient has moved", R::Moved),
        ("556 5.1.10 Recipient address has null MX", R::NullMx),
        ("556 no mail here", R::NullMx),
        (
            "550 5.2.1 The email account that you tried to reach is disabled",
            R::MailboxDisabled,
        ),
        ("550 No such user here", R::UserUnknown),
    ] {
        check(Rcpt, reply, (Permanent, reason, SuppressAddress));
    }
    check(
        Body,
        "550 5.1.1 unknown",
        (Permanent, R::UserUnknown, SuppressAddress),
    );
}

#[test]
fn what_is_not_about_the_address_never_suppresses_it() {
    for (phase, reply) in [
        (Rcpt, "450 5.1.1 greylisted, unverified"),
        (Rcpt, "450 4.1.1 unverified address"),
        (
            Rcpt,
            "550 5.2.1 The user is receiving mail at a rate that prevents delivery",
        ),
        (
            Body,
            "550 5.7.27 this mail has been blocked because SPF does not pass",
        ),
        (Rcpt, "550 5.7.27 sender address has null MX"),
        (Mail, "550 5.1.1 sender unknown"),
        (Mail, "553 5.1.2 domain of sender does not exist"),
        (Hello, "550 5.1.1 odd"),
        (Rcpt, "550 requested action not taken: mailbox unavailable"),
        (Rcpt, "550 5.7.1 denied by policy"),
        (Rcpt, "550 5.1.3 bad address syntax"),
        (Rcpt, "552 5.2.2 mailbox full"),
    ] {
        let Parsed::Complete(parsed, _) = reply::parse(format!("{reply}\r\n").as_bytes()) else {
            panic!("no reply: {reply}");
        };
        let (_, _, effect) = classify(phase, parsed.code, parsed.enhanced, &parsed.text());
        assert_ne!(effect, SuppressAddress, "{phase}: {reply}");
    }
}

#[test]
fn temporary_refusals_are_tried_again() {
    for (phase, reply, reason, effect) in [
        (
            Connect,
            "421 4.3.2 service shutting down",
            R::RelayBusy,
            BackOffGroup,
        ),
        (Mail, "421 try later", R::RelayBusy, BackOffGroup),
        (
            Body,
            "421 4.7.28 unusual rate of mail",
            R::RateLimited,
            BackOffGroup,
        ),
        (
            Rcpt,
            "450 4.2.1 The user is receiving mail too quickly",
            R::RateLimited,
            BackOffGroup,
        ),
        (
            Rcpt,
            "450 4.2.1 mailbox temporarily unavailable",
            R::MailboxDisabled,
            None,
        ),
        (
            Rcpt,
            "451 4.7.1 greylisted, come back in 5 minutes",
            R::TryLater,
            None,
        ),
        (Body, "451 local error in processing", R::TryLater, None),
        (
            Rcpt,
            "452 4.2.2 mailbox full",
            R::MailboxFull,
            CountSoftBounce,
        ),
        (
            Mail,
            "452 4.3.1 insufficient system storage",
            R::RelayBusy,
            BackOffGroup,
        ),
        (
            Rcpt,
            "452 too many recipients",
            R::RateLimited,
            BackOffGroup,
        ),
        (
            Auth,
            "454 4.7.0 temporary authentication failure",
            R::TryLater,
            None,
        ),
    ] {
        check(phase, reply, (Transient, reason, effect));
    }
}

#[test]
fn contradicting_codes_go_by_the_basic_code() {
    check(
        Body,
        "421 5.7.32 From is not aligned",
        (Transient, R::SenderPolicy, BackOffGroup),
    );
    check(
        Rcpt,
        "550 4.2.2 full",
        (Permanent, R::MailboxFull, CountSoftBounce),
    );
}

#[test]
fn our_faults_pause_the_channel() {
    for (phase, reply, reason) in [
        (Rcpt, "550 5.7.1 Relay access denied", R::RelayDenied),
        (
            Rcpt,
            "554 5.7.1 <x@y.example>: Relay access denied",
            R::RelayDenied,
        ),
        (
            Body,
            "550 5.7.515 Access denied, sending domain does not meet the level",
            R::SenderPolicy,
        ),
        (Body, "550 5.7.26 DMARC", R::SenderPolicy),
        (Body, "550 5.7.25 no PTR record", R::ReverseName),
        (
            Mail,
            "530 5.7.0 Must issue a STARTTLS command first",
            R::AuthFailed,
        ),
        (
            Mail,
            "530 5.7.57 Client not authenticated to send mail",
            R::AuthFailed,
        ),
        (Mail, "550 5.7.60 SendAsDenied", R::SenderRefused),
        (
            Mail,
            "553 5.7.1 sender address rejected: not owned by user shop",
            R::SenderRefused,
        ),
        (
            Mail,
            "552 5.3.4 message size exceeds fixed limit",
            R::MessageTooLarge,
        ),
        (Body, "552 message too large", R::MessageTooLarge),
        (
            Body,
            "550 5.2.3 too long for this mailbox",
            R::MessageTooLarge,
        ),
        (Mail, "501 5.5.4 syntax error in parameters", R::Syntax),
        (Mail, "503 bad sequence", R::Syntax),
        (Body, "550 5.7.29 TLS required", R::TlsFailed),
    ] {
        check(phase, reply, (Permanent, reason, PauseChannel));
    }
}

#[test]
fn a_refused_session_refuses_no_mail() {
    for (phase, reply, reason) in [
        (
            Auth,
            "535 5.7.8 Username and Password not accepted",
            R::AuthFailed,
        ),
        (
            Auth,
            "534 5.7.9 Application-specific password required",
            R::AuthFailed,
        ),
        (
            Auth,
            "535 5.7.139 SMTP AUTH is disabled for the tenant",
            R::AuthFailed,
        ),
        (
            Connect,
            "554 5.7.1 your address is listed",
            R::SessionRefused,
        ),
        (Hello, "501 5.5.4 invalid name", R::Syntax),
    ] {
        check(phase, reply, (Transient, reason, PauseChannel));
    }
}

#[test]
fn other_refusals_end_this_mail_only() {
    for (phase, reply, reason, effect) in [
        (
            Rcpt,
            "552 5.2.2 mailbox full",
            R::MailboxFull,
            CountSoftBounce,
        ),
        (
            Rcpt,
            "552 exceeded storage allocation",
            R::MailboxFull,
            CountSoftBounce,
        ),
        (
            Rcpt,
            "550 5.2.1 receives mail at a rate that prevents",
            R::RateLimited,
            BackOffGroup,
        ),
        (Body, "554 5.7.1 rejected as spam", R::ContentRefused, None),
        (Body, "550 5.7.1 denied by policy", R::PolicyRefused, None),
        (Body, "554 5.6.0 malformed", R::ContentRefused, None),
        (
            Rcpt,
            "550 5.4.1 recipient address rejected",
            R::NoRoute,
            None,
        ),
        (
            Rcpt,
            "553 5.6.7 SMTPUTF8 required",
            R::Smtputf8Unsupported,
            None,
        ),
        (Body, "554 transaction failed", R::Refused, None),
        (Rcpt, "599 odd", R::Refused, None),
    ] {
        check(phase, reply, (Permanent, reason, effect));
    }
}

#[test]
fn a_lost_answer_is_in_doubt_only_after_the_final_dot() {
    for reason in R::ALL {
        let outcome = Outcome::without_reply(Data, *reason, "x");
        assert_eq!(
            outcome.class == Uncertain,
            reason.as_str().ends_with("after_final_dot"),
            "{reason}"
        );
    }
}

#[test]
fn every_row_can_be_reached() {
    // A row whose conditions are all held by an earlier, wider row would be dead.
    for (index, row) in TABLE.iter().enumerate() {
        let phase = match row.when {
            When::BeforeMail => Hello,
            When::AtMail => Mail,
            When::Always => Rcpt,
        };
        let words: Vec<&str> = if row.words.is_empty() {
            vec![""]
        } else {
            row.words.to_vec()
        };
        let codes: Vec<u16> = if row.codes.is_empty() {
            vec![550, 599, 499]
        } else {
            row.codes.to_vec()
        };
        let enhanced: Vec<Option<Enhanced>> = if row.enhanced.is_empty() {
            vec![Option::None]
        } else {
            row.enhanced
                .iter()
                .map(|&(subject, detail)| Some(Enhanced(5, subject, detail)))
                .collect()
        };
        let reached = words.iter().any(|word| {
            codes.iter().any(|&code| {
                enhanced.iter().any(|&enhanced| {
                    TABLE
                        .iter()
                        .position(|other| other.holds(phase, code, enhanced, word))
                        == Some(index)
                })
            })
        });
        assert!(reached, "row {index} ({}) is never reached", row.reason);
    }
}
