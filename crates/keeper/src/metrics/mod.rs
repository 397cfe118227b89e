//! What the keeper counts, for Prometheus. Every room counts through the methods of [`Metrics`]; nothing is global.
//!
//! Names begin with `ballast_keeper_` and carry their unit. Labels come from short fixed lists (kinds, reasons, assets,
//! endpoints), never from addresses, so that the number of series stays small.

mod counting;
mod registration;

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// What Prometheus is told that [`Metrics::text`] is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label with its value.
type Label = [(&'static str, String); 1];
/// Two labels.
type Labels = [(&'static str, String); 2];
/// A fraction or a time.
type Real = Gauge<f64, std::sync::atomic::AtomicU64>;

/// All metrics. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,

    attempts: Family<Label, Counter>,
    liquidations: Family<Label, Counter>,
    failures: Family<Label, Counter>,
    profit: Counter,
    loss: Counter,
    fees: Counter,
    price_to_send: Histogram,

    vaults: Gauge,
    liquidatable: Gauge,
    bad_debts: Gauge,
    profitable: Gauge,
    quarantined: Gauge,
    scan: Histogram,
    evaluations: Counter,

    oracle_age: Family<Label, Real>,
    price_troubles: Gauge,
    refreshes: Family<Label, Counter>,
    posts: Family<Label, Counter>,
    source_up: Family<Label, Gauge>,
    cluster_time: Gauge,
    source_difference: Family<Label, Real>,

    behind: Family<Label, Gauge>,
    endpoint_healthy: Family<Label, Gauge>,
    endpoint_failures: Family<Labels, Counter>,
    healthy_endpoints: Gauge,
    needed_endpoints: Gauge,

    in_flight: Gauge,
    transactions: Family<Label, Counter>,
    wallet: Gauge,
    journal_bytes: Gauge,
    journal_writable: Gauge,
    journal_failures: Counter,

    pending_changes: Gauge,
    overdue_change: Gauge,
    change_expiry: Gauge,
    executions: Family<Label, Counter>,

    updates: Family<Label, Counter>,
    resyncs: Family<Label, Counter>,
    streaming: Gauge,
    stream_wanted: Gauge,
    stream_losses: Family<Label, Counter>,
    passes: Counter,
    pass_failures: Family<Label, Counter>,
    last_pass: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        registration::register()
    }

    /// All metrics in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // Writing to memory does not fail; a scrape without end marker is dropped by Prometheus.
            Err(_) => String::new(),
        }
    }
}

fn label(name: &'static str, value: &str) -> Label {
    [(name, value.to_owned())]
}
