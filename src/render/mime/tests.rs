use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;

use super::*;
use crate::clock;

fn mailbox(name: Option<&str>, address: &str) -> Mailbox {
    // Not through `Mailbox::new`: what comes from the database may hold anything.
    Mailbox {
        name: name.map(str::to_owned),
        address: address.parse().unwrap(),
    }
}

struct Parts {
    from: Mailbox,
    to: Mailbox,
    return_path: Address,
    locale: Locale,
}

fn parts(to_name: Option<&str>) -> Parts {
    Parts {
        from: mailbox(Some("Müller & Söhne, \"Shop\""), "shop@shop.example"),
        to: mailbox(to_name, "anna@example.com"),
        return_path: "bounce+1@b.shop.example".parse().unwrap(),
        locale: "de-AT".parse().unwrap(),
    }
}

fn input<'a>(parts: &'a Parts, subject: &'a str) -> MimeInput<'a> {
    MimeInput {
        message_id: "<abc123@id.shop.example>",
        date: clock::from_millis(1_790_000_000_000),
        return_path: &parts.return_path,
        from: &parts.from,
        to: &parts.to,
        reply_to: Some(&parts.from),
        subject,
        preheader: "soon with you",
        html: "<p>Grüße</p>\n<p>.dot = x</p>",
        text: "Grüße \n.dot\nFrom here",
        locale: &parts.locale,
        references: None,
        feedback_id: None,
        list_unsubscribe: None,
        custom: &[],
    }
}

fn lines_are_lawful(raw: &[u8]) {
    let text = std::str::from_utf8(raw).unwrap();
    assert!(text.is_ascii() && text.ends_with("\r\n"));
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert_eq!(text.matches('\r').count(), text.matches("\r\n").count());
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    for line in head.split("\r\n") {
        let is_single = line.trim_start().split(' ').count() <= 2;
        assert!(line.len() <= 78 || is_single && line.len() <= 998, "{line}");
        assert!(!line.trim().is_empty());
    }
    for line in body.split("\r\n") {
        assert!(line.len() <= 76 && !line.starts_with('.'), "{line}");
    }
}

/// Subject and name of the recipient as a mail program reads them.
fn read_back(name: &str, subject: &str) -> (Option<String>, String) {
    let parts = parts(Some(name));
    let message = build(&input(&parts, subject)).unwrap();
    lines_are_lawful(&message.raw);
    let parsed = MessageParser::new().parse(&message.raw).unwrap();
    let to = parsed.to().unwrap();
    assert_eq!(to.iter().count(), 1);
    let to = to.first().unwrap();
    assert_eq!(to.address(), Some("anna@example.com"));
    for header in [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
    ] {
        let count = parsed
            .headers()
            .iter()
            .filter(|h| h.name().eq_ignore_ascii_case(header))
            .count();
        assert_eq!(count, 1, "{header}");
    }
    assert!(parsed.bcc().is_none() && parsed.cc().is_none());
    (
        to.name().map(str::to_owned),
        parsed.subject().unwrap().to_owned(),
    )
}

fn check(name: &str, subject: &str) {
    let (read_name, read_subject) = read_back(name, subject);
    assert_eq!(read_name, header::display_name(name), "{name}");
    assert_eq!(read_subject, header::subject(subject), "{subject}");
}

#[test]
fn hostile_names_and_subjects_stay_one_value() {
    for text in [
        "Anna\r\nBcc: x@example.com",
        "Anna\u{0}\u{85}\u{2028}\r\n\r\n<script>",
        "evil\u{202e}gpj.exe",
        "=?utf-8?Q?=0D=0ABcc:_x@example.com?=",
        "a \"quoted\\\" <x@example.com>, b",
        "(comment) [x]; y: z",
        "Zażółć gęślą jaźń 🎉👨‍👩‍👧‍👦",
        "Your order 🎉 is on its way",
        &"x".repeat(300),
        &"ż".repeat(300),
        &"word ".repeat(60),
        &"\\\" ".repeat(40),
        &"🎉".repeat(200),
        "'",
        ".",
    ] {
        check(text, text);
    }
}

proptest! {
    #[test]
    fn any_name_and_subject_reads_back(name in "\\PC{0,90}", subject in ".{0,250}") {
        prop_assume!(!header::subject(&subject).is_empty());
        let (read_name, read_subject) = read_back(&name, &subject);
        prop_assert_eq!(read_name, header::display_name(&name));
        prop_assert_eq!(read_subject, header::subject(&subject));
    }

    #[test]
    fn any_body_reads_back(text in "(.|\r\n|\n| |\t|=|\\.|From |[a-z]{40}){0,200}") {
        let parts = parts(None);
        let mut input = input(&parts, "x");
        input.text = &text;
        input.html = &text;
        let message = build(&input).unwrap();
        lines_are_lawful(&message.raw);
        let parsed = MessageParser::new().parse(&message.raw).unwrap();
        let wanted = text.replace("\r\n", "\n").replace('\r', "\n");
        for body in [parsed.body_text(0).unwrap(), parsed.body_html(0).unwrap()] {
            let read = body.replace("\r\n", "\n");
            prop_assert_eq!(read.strip_suffix('\n').unwrap_or(&read), wanted.strip_suffix('\n').unwrap_or(&wanted));
        }
    }
}

#[test]
fn a_full_message_reads_as_written() {
    let parts = parts(Some("Anna Nowak"));
    let custom = [("X-Shop-Campaign".to_owned(), "späte\r\nEvil: x".to_owned())];
    let https = format!("https://shop.example/u/{}", "t".repeat(160));
    let message = build(&MimeInput {
        references: Some("<first@id.shop.example>"),
        feedback_id: Some(FeedbackId {
            step: "follow_up",
            channel: "shop-de",
            class: MailClass::Relationship,
            sender_id: "shop1",
        }),
        list_unsubscribe: Some(ListUnsubscribe {
            https: &https,
            mailto: Some("mailto:u@shop.example?subject=t"),
        }),
        custom: &custom,
        ..input(&parts, "Ihre Bestellung 42")
    })
    .unwrap();
    lines_are_lawful(&message.raw);
    insta::assert_snapshot!(
        String::from_utf8(message.raw.clone())
            .unwrap()
            .replace("\r\n", "\n")
    );
    let parsed = MessageParser::new().parse(&message.raw).unwrap();
    assert_eq!(
        parsed
            .header_raw("List-Unsubscribe")
            .unwrap()
            .matches("https:")
            .count(),
        1
    );
    assert_eq!(parsed.header_raw("Evil"), None);
    assert_eq!(parsed.parts.len(), 3);
    assert!(
        parsed.parts[1].is_content_type("text", "plain")
            && parsed.parts[2].is_content_type("text", "html")
    );
}

#[test]
fn the_same_input_gives_the_same_octets() {
    let parts = parts(None);
    let input = input(&parts, "x");
    assert_eq!(build(&input).unwrap(), build(&input).unwrap());
}

#[test]
fn unlawful_headers_are_refused() {
    let parts = parts(None);
    let input = input(&parts, "x");
    let refused = |input: &MimeInput<'_>| build(input).err();
    for id in [
        "",
        "<>",
        "<a>",
        "a@b",
        "<a b@c>",
        "<a@b>\r\nX: y",
        "<a@b@c>",
        "<ż@b>",
    ] {
        assert_eq!(
            refused(&MimeInput {
                message_id: id,
                ..input
            }),
            Some(MimeError::MessageId("message id")),
            "{id}"
        );
    }
    assert_eq!(
        refused(&MimeInput {
            subject: "\r\n\u{202e}",
            ..input
        }),
        Some(MimeError::EmptySubject)
    );
    for name in ["Subject", "Bcc", "X Y", "X\r\nY"] {
        let custom = [(name.to_owned(), "v".to_owned())];
        assert!(
            matches!(
                refused(&MimeInput {
                    custom: &custom,
                    ..input
                }),
                Some(MimeError::CustomHeader(_))
            ),
            "{name}"
        );
    }
    let header = |name: &str| (name.to_owned(), "v".to_owned());
    for custom in [
        vec![header("feedback-id")],
        vec![header("X-A"), header("x-a")],
    ] {
        assert!(matches!(
            refused(&MimeInput {
                custom: &custom,
                ..input
            }),
            Some(MimeError::DoubledHeader(_))
        ));
    }
    for https in [
        "http://x.example/",
        "https://x.example/>,<https://y.example",
        "https://x\r\nX: y",
    ] {
        let list_unsubscribe = Some(ListUnsubscribe {
            https,
            mailto: None,
        });
        assert_eq!(
            refused(&MimeInput {
                list_unsubscribe,
                ..input
            }),
            Some(MimeError::ListUnsubscribe("https")),
            "{https}"
        );
    }
    let feedback_id = Some(FeedbackId {
        step: "a:b",
        channel: "c",
        class: MailClass::Transactional,
        sender_id: "shop1",
    });
    assert_eq!(
        refused(&MimeInput {
            feedback_id,
            ..input
        }),
        Some(MimeError::FeedbackId("step"))
    );
}
