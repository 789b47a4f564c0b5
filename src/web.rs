//! What the service answers over HTTP: whether it lives, and whether it is ready.
//!
//! Listens on this machine alone: nobody has to log in, so nobody from outside may ask. Never
//! changes anything. [`bind`] takes the port before anything else starts, [`serve`] answers.

mod health;
mod host;

use std::{future::IntoFuture as _, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header},
    middleware,
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;

pub use health::{Answer, Beat, Check, Health};

use crate::config::Web;

/// No request here carries more.
const BODY_LIMIT: usize = 16 * 1024;

/// Why nothing can be answered.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address is not of this machine alone.
    #[error(
        "web.listen: {0} can be reached from other machines, and nobody has to log in yet; use 127.0.0.1 or [::1], and a tunnel or proxy with a login where others must reach it"
    )]
    NotLoopback(SocketAddr),
    /// Another program listens there.
    #[error(
        "web.listen: {address} is in use by another program; end that one, or listen elsewhere, as in AFTERNOTE__WEB__LISTEN={suggestion}"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
        /// Another that may be free.
        suggestion: SocketAddr,
    },
    /// The operating system refuses.
    #[error("web.listen: cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Takes the port.
pub async fn bind(web: &Web) -> Result<TcpListener, WebError> {
    let address = web.listen;
    if !address.ip().is_loopback() {
        return Err(WebError::NotLoopback(address));
    }
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => WebError::InUse {
                address,
                suggestion: SocketAddr::new(address.ip(), address.port().wrapping_add(1).max(1024)),
            },
            _ => WebError::Listen { address, source },
        })
}

/// Answers until `stop` ends; answers under way are given a moment.
pub async fn serve(
    listener: TcpListener,
    web: &Web,
    health: Health,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let hosts = Arc::new(host::Hosts::new(&web.allowed_hosts, address));
    let app = router(health).layer(middleware::from_fn_with_state(hosts, host::check));
    let (ended, mut has_ended) = tokio::sync::watch::channel(false);
    let serving = axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            stop.await;
            ended.send_replace(true);
        })
        .into_future();
    // A client that never reads its answer must not keep the service alive.
    let patience = async move {
        let _ = has_ended.wait_for(|ended| *ended).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    tokio::select! {
        served = serving => served,
        () = patience => Ok(()),
    }
}

fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(nothing_here)
        .with_state(health)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::map_response(
            async |mut response: axum::response::Response| {
                let headers = response.headers_mut();
                headers.insert(
                    header::CACHE_CONTROL,
                    header::HeaderValue::from_static("no-store"),
                );
                headers.insert(
                    header::X_CONTENT_TYPE_OPTIONS,
                    header::HeaderValue::from_static("nosniff"),
                );
                response
            },
        ))
}

async fn nothing_here() -> impl IntoResponse {
    (
        StatusCode::NOT_FOUND,
        "there is nothing here; ask for /livez or /readyz\n",
    )
}
