//! `/metrics`, `/healthz` and `/readyz` on a loopback address.
//!
//! Healthy is a process whose main loop turns. Ready is one that could act: enough nodes, a complete index, a journal that
//! can be written, and nothing left over from the run before. Who is ending is not ready any more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::metrics::{CONTENT_TYPE, Metrics};

/// What has to hold before the keeper can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Enough nodes that agree.
    Rpc,
    /// All accounts of the market have been read.
    Index,
    /// The journal takes what is written to it.
    Journal,
    /// What the run before had begun is settled.
    Recovery,
    /// It has not been asked to end.
    Service,
}

impl Condition {
    /// Those that somebody has to look at first.
    pub const ALL: [Self; 4] = [Self::Rpc, Self::Index, Self::Journal, Self::Recovery];

    const fn name(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::Index => "index",
            Self::Journal => "journal",
            Self::Recovery => "recovery",
            Self::Service => "service",
        }
    }
}

struct Inner {
    ticked: Instant,
    /// What does not hold, and why.
    missing: BTreeMap<Condition, String>,
}

/// The state that the server shows. Cheap to clone.
#[derive(Clone)]
pub struct Status {
    inner: Arc<Mutex<Inner>>,
    /// How long the main loop may take for a turn.
    patience: Duration,
}

impl Status {
    /// Nothing holds yet.
    pub fn new(patience: Duration) -> Self {
        let missing = Condition::ALL.map(|condition| (condition, "not looked at yet".to_owned()));
        let inner = Inner { ticked: Instant::now(), missing: missing.into() };
        Self { inner: Arc::new(Mutex::new(inner)), patience }
    }

    /// What a thread left that panicked is as good as any other state.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The main loop turns.
    pub fn tick(&self) {
        self.lock().ticked = Instant::now();
    }

    /// A condition holds, or does not for a reason.
    pub fn set(&self, condition: Condition, state: Result<(), String>) {
        let mut inner = self.lock();
        match state {
            Ok(()) => inner.missing.remove(&condition),
            Err(reason) => inner.missing.insert(condition, reason),
        };
    }

    /// It begins nothing more, and waits for what is under way. There is no way back.
    pub fn end(&self) {
        self.set(
            Condition::Service,
            Err("ending: nothing more is begun, and what is under way is waited for".to_owned()),
        );
    }

    /// What does not hold, by name, and why.
    pub fn missing(&self) -> BTreeMap<&'static str, String> {
        self.lock().missing.iter().map(|(condition, why)| (condition.name(), why.clone())).collect()
    }

    fn readiness(&self) -> (bool, Value) {
        let reasons = self.missing();
        (reasons.is_empty(), json!({ "ready": reasons.is_empty(), "reasons": reasons }))
    }

    fn health(&self) -> (bool, Value) {
        let idle = self.lock().ticked.elapsed();
        let healthy = idle <= self.patience;
        let seconds = [idle, self.patience].map(|time| time.as_secs());
        (healthy, json!({ "healthy": healthy, "seconds_since_last_turn": seconds[0], "limit_seconds": seconds[1] }))
    }
}

fn answer((good, body): (bool, Value)) -> Response {
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

/// What is served.
pub fn routes(metrics: Metrics, status: Status) -> Router {
    let exposition = move || {
        let text = metrics.text();
        async move { ([(header::CONTENT_TYPE, CONTENT_TYPE)], text) }
    };
    Router::new()
        .route("/metrics", get(exposition))
        .route("/healthz", get(|State(status): State<Status>| async move { answer(status.health()) }))
        .route("/readyz", get(|State(status): State<Status>| async move { answer(status.readiness()) }))
        .with_state(status)
}

/// Serves until `stop` is done.
///
/// # Errors
/// Of the listener.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    axum::serve(listener, routes).with_graceful_shutdown(stop).await.context("the server has stopped")
}
