//! Which host names are answered to: a page elsewhere that points its own name at this machine
//! (DNS rebinding) gets no answer.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// The names, in lower case and without port.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// The names that were allowed, or the address itself and `localhost`.
    pub(super) fn new(allowed: &[String], address: SocketAddr) -> Self {
        if allowed.is_empty() {
            return Self(vec![
                address.ip().to_string(),
                "127.0.0.1".to_owned(),
                "::1".to_owned(),
                "localhost".to_owned(),
            ]);
        }
        Self(
            allowed
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
        )
    }

    fn knows(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        self.0.contains(&name)
    }
}

/// `[::1]:80` and `localhost:80` without what names the port.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.split(':').next().unwrap_or(host)
}

pub(super) async fn check(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().host());
    match host {
        Some(host) if hosts.knows(host) => next.run(request).await,
        _ => (
            StatusCode::MISDIRECTED_REQUEST,
            "this host name is not answered to; add it to web.allowed_hosts\n",
        )
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: &[&str], host: &str, expected: bool) {
        let allowed: Vec<String> = allowed.iter().map(|&name| name.to_owned()).collect();
        let hosts = Hosts::new(&allowed, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(hosts.knows(host), expected, "{host}");
    }

    #[test]
    fn only_names_of_this_machine_or_allowed_ones_are_known() {
        check(&[], "127.0.0.1:8080", true);
        check(&[], "LOCALHOST", true);
        check(&[], "[::1]:9", true);
        check(&[], "evil.example", false);
        check(&[], "127.0.0.1.evil.example:8080", false);
        check(&["mail.shop.example"], "mail.shop.example:443", true);
        check(&["mail.shop.example"], "localhost", false);
        check(&[], "", false);
    }
}
