//! `/livez` and `/readyz` (email-requirements O6).

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};

use crate::engine::{Engine, EngineError};

/// A probe gives up waiting sooner or later; it gets its answer before.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether the scheduler beats, in words for people; `Err` says what is wrong.
pub type Beat = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// What readiness is judged by.
#[derive(Clone)]
pub struct Health {
    /// The engine, for the database and the templates.
    pub engine: Engine,
    /// The scheduler; `None` where this process runs none.
    pub beat: Option<Beat>,
}

/// An answer of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether every check passed.
    pub ready: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its stable name.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

pub(super) async fn livez() -> impl IntoResponse {
    Json(serde_json::json!({ "alive": true }))
}

pub(super) async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let engine = &health.engine;
    let mut checks = vec![
        of_database("database", "it can be written to", engine.check_writable()).await,
        of_database("migrations", "the schema is current", engine.check_schema()).await,
    ];
    if let Some(beat) = &health.beat {
        checks.push(check("scheduler", beat()));
    }
    // Only templates without a fault are ever put into use.
    let templates = engine.catalogue().templates().count();
    checks.push(check(
        "templates",
        match templates {
            0 => Err("there are none".to_owned()),
            count => Ok(format!("{count} are in use")),
        },
    ));
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Answer { ready, checks }))
}

async fn of_database(
    name: &str,
    good: &str,
    asked: impl Future<Output = Result<(), EngineError>>,
) -> Check {
    let found = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(())) => Ok(good.to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", PATIENCE.as_secs())),
    };
    check(name, found)
}

fn check(name: &str, found: Result<String, String>) -> Check {
    let ok = found.is_ok();
    Check {
        name: name.to_owned(),
        ok,
        detail: found.unwrap_or_else(|wrong| wrong),
    }
}
