//! The messages as they leave: headers, parts, threads (email-requirements M1 to M13, U1).

use std::collections::BTreeSet;

use afternote::{
    mail::{MailClass, MailKind, Platform},
    order::{Fact, event::Refund},
};
use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders as _};

use crate::support::{
    Sent, TestApp, Told, journey, on_both_engines,
    orders::{day, details, journey_of},
};

fn parsed(mail: &Sent) -> Message<'_> {
    MessageParser::default().parse(&mail.raw).unwrap()
}

fn raw_values<'a>(message: &'a Message<'_>, name: &str) -> Vec<&'a str> {
    message
        .headers_raw()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

fn raw_value<'a>(message: &'a Message<'_>, name: &str) -> Option<&'a str> {
    let mut values = raw_values(message, name);
    assert!(values.len() <= 1, "{name} stands twice");
    values.pop()
}

/// A journey with a refund behind the follow-up: five transactional and two relationship mails.
async fn mails(app: &TestApp) -> Vec<Sent> {
    app.play(journey("1001")).await;
    let refund = Refund {
        amount: Some(1.into()),
        currency: Some("EUR".to_owned()),
        ..Refund::default()
    };
    app.play(vec![
        Told::new("1001", day(8, "10:00"), Fact::RefundIssued(refund)).event(),
    ])
    .await;
    app.run_until(day(40, "00:00")).await;
    let mails = app.sent().await;
    assert_eq!(mails.len(), 6);
    mails
}

on_both_engines! {
    async fn every_mail_is_well_formed(database) {
        let app = TestApp::new(database).await;
        let mails = mails(&app).await;
        let ids: BTreeSet<&str> = mails.iter().map(|mail| mail.message_id.as_str()).collect();
        assert_eq!(ids.len(), mails.len(), "M1: one id for one mail");
        for mail in &mails {
            let message = parsed(mail);
            assert!(mail.message_id.ends_with("@mail.lamps.example>"), "M1");
            for name in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"] {
                assert_eq!(raw_values(&message, name).len(), 1, "M3: {name}");
            }
            for line in mail.raw.split(|octet| *octet == b'\n') {
                assert!(line.len() <= 999, "M4");
                assert!(line.is_empty() || line.ends_with(b"\r"), "M4: a bare line feed");
            }
            let head = String::from_utf8(mail.raw.clone()).unwrap();
            let head = head.split("\r\n\r\n").next().unwrap();
            for line in head.lines() {
                let value = line.split_once(": ").map_or(line, |(_, value)| value);
                let is_one_token = !value.trim().contains(' ');
                assert!(line.len() <= 78 || is_one_token, "M4: {line}");
            }
            assert_eq!(raw_value(&message, "X-Shop"), Some("lamps"), "M6");
            assert_eq!(message.to().unwrap().first().unwrap().address(), Some("greta.lindau@example.com"), "M7");
            assert_eq!(raw_value(&message, "Auto-Submitted"), Some("auto-generated"), "M10");
            assert_eq!(raw_value(&message, "X-Auto-Response-Suppress"), Some("OOF, AutoReply"), "M10");
            let (class, from) = match mail.kind.class() {
                MailClass::Transactional => ("transactional", "orders@lamps.example"),
                MailClass::Relationship => ("relationship", "care@lamps.example"),
            };
            let feedback = raw_value(&message, "Feedback-ID").unwrap();
            assert_eq!(feedback, format!("{}:my-shop:{class}:examplelamps", mail.step), "M11");
            let sender = message.from().unwrap().first().unwrap();
            assert_eq!((sender.name(), sender.address()), (Some("Example Lamps"), Some(from)), "M12");
            assert_eq!(message.reply_to().unwrap().first().unwrap().address(), Some("help@lamps.example"), "M12");
        }
    }

    async fn text_stands_first_and_says_what_the_page_says(database) {
        let app = TestApp::new(database).await;
        for mail in mails(&app).await {
            let message = parsed(&mail);
            assert!(message.content_type().unwrap().subtype() == Some("alternative"), "M9");
            let types: Vec<&str> = message.parts[1..].iter().map(|part| part.content_type().unwrap().subtype().unwrap()).collect();
            assert_eq!(types, ["plain", "html"], "M9");
            for part in &message.parts[1..] {
                let kind = part.content_type().unwrap();
                assert_eq!(kind.attribute("charset").unwrap().to_lowercase(), "utf-8", "M4");
            }
            let text = message.body_text(0).unwrap();
            assert!(text.contains("1001") && !text.contains("&amp;") && !text.contains("<p"), "M9: {text}");
            assert!(message.body_html(0).unwrap().contains("1001"));
        }
    }

    async fn transactional_mails_of_an_order_are_one_thread(database) {
        let app = TestApp::new(database).await;
        let mails = mails(&app).await;
        assert_eq!(mails[0].kind, MailKind::Accepted);
        for (index, mail) in mails.iter().enumerate() {
            let message = parsed(mail);
            let is_transactional = mail.kind.class() == MailClass::Transactional;
            let expected = (index > 0 && is_transactional).then_some(mails[0].message_id.as_str());
            assert_eq!(raw_value(&message, "References"), expected, "M2: {}", mail.kind);
            assert_eq!(raw_value(&message, "In-Reply-To"), None, "M2");
            assert!(!mail.subject.starts_with("Re:"), "M2");
        }
    }

    async fn relationship_mail_of_an_own_shop_takes_opt_outs_and_no_other_does(database) {
        let app = TestApp::new(database).await;
        for mail in mails(&app).await {
            let message = parsed(&mail);
            let header = raw_value(&message, "List-Unsubscribe");
            let post = raw_value(&message, "List-Unsubscribe-Post");
            if mail.kind.class() == MailClass::Transactional {
                assert_eq!((header, post), (None, None), "U1: {}", mail.kind);
                continue;
            }
            assert_eq!(post, Some("List-Unsubscribe=One-Click"), "U1");
            let header = header.unwrap();
            let parts: Vec<&str> = header.split(',').map(|part| part.trim().trim_matches(['<', '>'])).collect();
            let token = parts[0].strip_prefix("https://mail.lamps.example/u/").unwrap();
            assert_eq!(parts[1], format!("mailto:unsubscribe@lamps.example?subject={token}"), "U1");
            assert!(token.starts_with("v1.k1.") && parts[0].len() <= 200, "U4");
            assert!(message.body_html(0).unwrap().contains(parts[0]), "U1: a visible link");
            assert!(message.body_text(0).unwrap().contains(parts[0]), "U1: a visible link");
        }
    }

    async fn marketplace_mail_carries_no_opt_out_of_ours(database) {
        let config = "[[channels.allegro.policy]]\nkind = \"follow_up\"\npermission = \"allow\"\n\
                      reason = \"agreed\"\nby = \"test\"\n";
        let app = TestApp::with(database, config).await;
        for event in journey("1001") {
            app.run_until(event.occurred_at).await;
            app.tell("allegro", vec![event], afternote::engine::Intake::Live).await;
        }
        app.run_until(day(40, "00:00")).await;
        let mails = app.sent().await;
        assert_eq!(mails.len(), 1);
        assert_eq!(app.engine.channels()["allegro"].platform(), Platform::Allegro);
        assert_eq!(raw_value(&parsed(&mails[0]), "List-Unsubscribe"), None, "U1");
    }

    async fn hostile_names_stay_names(database) {
        let app = TestApp::new(database).await;
        let mut facts = details();
        facts.buyer.name = Some("Greta\r\nBcc: victim@example.com\u{202e}\0 Lindau".to_owned());
        "Tasse <script>alert(1)</script> & \u{202e}Co".clone_into(&mut facts.lines[0].title);
        app.play(journey_of("1001", facts)).await;
        app.run_until(day(40, "00:00")).await;
        let mails = app.sent().await;
        assert_eq!(mails.len(), 5);
        for mail in &mails {
            let message = parsed(mail);
            assert_eq!(raw_value(&message, "Bcc"), None, "M5");
            let to = message.to().unwrap().first().unwrap();
            assert_eq!(to.address(), Some("greta.lindau@example.com"), "M5");
            let name = to.name().unwrap();
            assert!(!name.contains(['\r', '\n', '\u{202e}', '\0']), "M5: {name:?}");
            assert!(!message.body_html(0).unwrap().contains("<script"), "M9");
            assert!(matches!(message.header("Subject"), Some(HeaderValue::Text(_))));
        }
    }
}
