//! How fast mails are built and handed over to a relay on the same machine.
//!
//! `cargo bench --bench deliver`; the relay runs in the same process and takes its share of the cores.

use std::{sync::Arc, time::Instant};

use afternote::{
    clock,
    config::deliver::TransportSection,
    deliver::{
        Class, Outgoing, Transport,
        fake_relay::{FakeRelay, RelayOptions},
    },
    mail::{Locale, Mailbox},
    render::mime::{self, MimeInput},
};

const MAILS: u32 = 20_000;

fn main() -> anyhow::Result<()> {
    let row = "<tr><td style=\"padding:8px 12px;font-size:16px\">Zażółć gęślą jaźń, 2 × 19,90 zł</td></tr>\n";
    let html = row.repeat(15_000 / row.len() + 1);
    let text = "Zażółć gęślą jaźń, 2 × 19,90 zł\n".repeat(60);
    let from = Mailbox::new(Some("Müller Shop"), "shop@shop.example".parse()?);
    let to = Mailbox::new(Some("Anna Nowak"), "anna@example.com".parse()?);
    let locale: Locale = "pl".parse()?;
    let build = |number: u32| {
        mime::build(&MimeInput {
            message_id: &format!("<m{number}@id.shop.example>"),
            date: clock::from_millis(1_790_000_000_000),
            return_path: &from.address,
            from: &from,
            to: &to,
            reply_to: None,
            subject: "Twoje zamówienie 42 jest w drodze",
            preheader: "",
            html: &html,
            text: &text,
            locale: &locale,
            references: None,
            feedback_id: None,
            list_unsubscribe: None,
            custom: &[],
        })
    };
    let start = Instant::now();
    let mut octets = 0;
    for number in 0..MAILS {
        octets += build(number)?.raw.len();
    }
    let per_mail = octets / MAILS as usize;
    report(&format!("build, {per_mail} octets"), start);
    let mail = Outgoing::from(&build(0)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    for connections in [1, 5] {
        runtime.block_on(send(connections, &mail))?;
    }
    Ok(())
}

async fn send(connections: u32, mail: &Outgoing) -> anyhow::Result<()> {
    let options = RelayOptions {
        forget_mails: true,
        ..RelayOptions::default()
    };
    let relay = FakeRelay::start(options).await?;
    let section: TransportSection = toml::from_str(&format!(
        "type = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nconnections = {connections}\nmessages_per_connection = 1000",
        relay.address().port()
    ))?;
    let transport = Arc::new(Transport::open(&section)?);
    let start = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (transport, mail) = (Arc::clone(&transport), mail.clone());
            tokio::spawn(async move {
                for _ in 0..MAILS / connections {
                    let outcome = transport.send(&mail).await;
                    anyhow::ensure!(outcome.class == Class::Accepted, "{outcome:?}");
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    report(&format!("send, {connections} connections"), start);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark's result")]
fn report(what: &str, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {:.0} mails/s", f64::from(MAILS) / seconds);
}
