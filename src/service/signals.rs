//! The signals that end the service.

use tokio::signal;

use super::ServiceError;

/// SIGTERM and SIGINT, one after the other.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    term: signal::unix::Signal,
    #[cfg(unix)]
    int: signal::unix::Signal,
}

impl Signals {
    /// Takes the signals over from now on: none sent later ends the process by itself.
    #[cfg(unix)]
    pub fn listen() -> Result<Self, ServiceError> {
        use signal::unix::{SignalKind, signal};
        Ok(Self {
            term: signal(SignalKind::terminate()).map_err(ServiceError::Signals)?,
            int: signal(SignalKind::interrupt()).map_err(ServiceError::Signals)?,
        })
    }

    /// Takes the signals over from now on: none sent later ends the process by itself.
    #[cfg(not(unix))]
    pub fn listen() -> Result<Self, ServiceError> {
        Ok(Self {})
    }

    /// Waits for the next signal; gives its name.
    #[cfg(unix)]
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }

    /// Waits for the next signal; gives its name.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> &'static str {
        // Without a handler the process ends by itself; nothing to wait for then.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
