//! `afternote health`.

use std::{io, net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::web::Answer;

use super::{Context, Format, output, start};

/// Arguments of `health`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 0: ready. 1: not ready, or nobody answers. 2: the question was wrong.\n\n\
        Examples:\n  \
        afternote health\n  \
        afternote health --wait 30\n  \
        afternote health --url http://127.0.0.1:8080"
)]
pub(super) struct Args {
    /// Ask again for so many seconds until it is ready.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Where the service listens; without it, web.listen of the configuration.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// One question takes no longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(250);
/// An answer is a few hundred octets.
const LONGEST: u64 = 64 * 1024;

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let host = match &args.url {
        Some(url) => host_of(url)?,
        None => match start::load_config(context) {
            Ok(config) => reachable(config.web.listen).to_string(),
            Err(code) => return Ok(code),
        },
    };
    let deadline = Instant::now() + Duration::from_secs(args.wait);
    let asked = loop {
        let asked = ask(&host).await;
        let is_ready = matches!(&asked, Ok(answer) if answer.ready);
        if is_ready || Instant::now() + PAUSE >= deadline {
            break asked;
        }
        sleep(PAUSE).await;
    };
    report(&host, asked, context.format)
}

fn report(host: &str, asked: anyhow::Result<Answer>, format: Format) -> anyhow::Result<ExitCode> {
    let code = match &asked {
        Ok(answer) if answer.ready => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    };
    match (asked, format) {
        (Ok(answer), Format::Json) => output::json(&answer)?,
        (Ok(answer), Format::Text) => {
            output::line(if answer.ready { "ready" } else { "not ready" })?;
            for check in answer.checks {
                let mark = if check.ok { "ok  " } else { "FAIL" };
                output::line(&format!("  {mark}  {}: {}", check.name, check.detail))?;
            }
        }
        (Err(error), Format::Json) => {
            output::json(&serde_json::json!({ "ready": false, "error": format!("{error:#}") }))?;
        }
        (Err(error), Format::Text) => {
            output::line(&format!(
                "not ready: {error:#}\nis `afternote serve` running, and does it listen on {host}?"
            ))?;
        }
    }
    Ok(code)
}

/// An address that means "all of mine" is asked at this machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(at) if at.ip().is_unspecified() => {
            SocketAddr::from(([127, 0, 0, 1], at.port()))
        }
        SocketAddr::V6(at) if at.ip().is_unspecified() => {
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, at.port()))
        }
        other => other,
    }
}

/// `http://host:port/…` → `host:port`.
fn host_of(url: &str) -> anyhow::Result<String> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some((scheme, _)) => bail!(
            "--url: `{scheme}` is not spoken here; the service itself listens with http, as in http://127.0.0.1:8080"
        ),
        None => url,
    };
    let host = rest.split('/').next().unwrap_or_default();
    let is_plain = host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    if host.is_empty() || !is_plain {
        bail!("--url: names no host; write it as in http://127.0.0.1:8080");
    }
    let has_port = match host.rsplit_once(']') {
        Some((_, port)) => port.starts_with(':'),
        None => host.contains(':'),
    };
    Ok(if has_port {
        host.to_owned()
    } else {
        format!("{host}:80")
    })
}

async fn ask(host: &str) -> anyhow::Result<Answer> {
    timeout(PATIENCE, question(host))
        .await
        .with_context(|| format!("no answer in {} s", PATIENCE.as_secs()))?
}

async fn question(host: &str) -> anyhow::Result<Answer> {
    let mut stream = TcpStream::connect(host)
        .await
        .with_context(|| format!("cannot connect to {host}"))?;
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    let request = format!("GET /readyz HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    match (&mut stream).take(LONGEST).read_to_end(&mut answer).await {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => return Err(error.into()),
        _ => {}
    }
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("what answers there is no web server")?;
    let status = head.lines().next().unwrap_or_default();
    serde_json::from_str(body)
        .with_context(|| format!("what answers there is not afternote ({status})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Option<&str>) {
        assert_eq!(host_of(url).ok().as_deref(), expected, "{url}");
    }

    #[test]
    fn a_url_names_host_and_port() {
        check("http://127.0.0.1:8080", Some("127.0.0.1:8080"));
        check("http://localhost:8080/readyz", Some("localhost:8080"));
        check("localhost", Some("localhost:80"));
        check("http://[::1]:9", Some("[::1]:9"));
        check("http://[::1]", Some("[::1]:80"));
        check("https://mail.example.com", None);
        check("http:///readyz", None);
        check("http://a b", None);
    }
}
