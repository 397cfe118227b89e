//! Names, descriptions and first values of all metrics.

use std::sync::Arc;

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

use super::{Label, Labels, Metrics, label};

/// Kinds of a liquidation.
pub const KINDS: [&str; 4] = ["pair", "receivership", "into", "absorb"];

/// Why a subscription is given up.
pub const LOSSES: [&str; 3] = ["closed", "silent", "mute"];

/// Registers a metric that starts empty, and gives it back.
fn keep<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// The same for most of them.
fn new<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    keep(registry, name, help, M::default())
}

/// From a millisecond to half a minute.
fn seconds(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    keep(registry, name, help, Histogram::new(exponential_buckets(0.001, 2.0, 16)))
}

/// Names end without `_total`: the encoder appends that to counters.
pub fn register() -> Metrics {
    let mut root = Registry::with_prefix("ballast_keeper");
    let r = &mut root;
    r.register("build", "The running version", build_info());
    let metrics = Metrics {
        attempts: new(r, "liquidation_attempts", "Liquidations handed to the desk, by kind"),
        liquidations: new(r, "liquidations", "Liquidations that landed, by kind"),
        failures: new(r, "liquidation_failures", "Liquidations that did not land, by reason"),
        profit: new(r, "profit_micro_dollars", "Gained by liquidations after fees"),
        loss: new(r, "loss_micro_dollars", "Lost by liquidations that cost more than they gained"),
        fees: new(r, "fees_lamports", "Paid for transactions"),
        price_to_send: seconds(
            r,
            "price_to_send_seconds",
            "From the arrival of a price to the sending of what follows",
        ),
        vaults: new(r, "vaults", "Vaults in the index"),
        liquidatable: new(r, "liquidatable_vaults", "Vaults that could be liquidated at the last scan"),
        bad_debts: new(r, "bad_debt_vaults", "Vaults with debt and nothing to seize at the last scan"),
        profitable: new(r, "profitable_vaults", "Vaults whose liquidation would pay, at the last ranking"),
        quarantined: new(r, "quarantined_accounts", "Accounts that could not be verified and are left out"),
        scan: keep(r, "scan_seconds", "Duration of a scan", Histogram::new(exponential_buckets(0.000_01, 2.0, 20))),
        evaluations: new(r, "vault_evaluations", "Vaults evaluated by scans"),
        oracle_age: new(r, "oracle_age_seconds", "Age of the stored price, by asset"),
        price_troubles: new(r, "price_troubles", "Assets whose oracle accounts are missing or would be refused"),
        refreshes: new(r, "price_refreshes", "Transactions with refresh_prices, by result"),
        posts: new(r, "price_posts", "Updates of the price source that were posted, by result"),
        source_up: new(r, "price_source_up", "1 when the price source answered the last time, by source"),
        source_difference: new(r, "source_difference_ratio", "Source less stored price, as a part of it, by asset"),
        cluster_time: new(r, "cluster_timestamp_seconds", "The cluster's clock, unix time"),
        behind: new(r, "rpc_slots_behind", "Slots behind the furthest node, by endpoint"),
        endpoint_healthy: new(r, "rpc_healthy", "1 when the endpoint is used, by endpoint"),
        endpoint_failures: new(r, "rpc_failures", "How often an endpoint was left out, by endpoint and reason"),
        healthy_endpoints: new(r, "rpc_healthy_endpoints", "Endpoints in use"),
        needed_endpoints: new(r, "rpc_needed_endpoints", "Endpoints that have to be in use for the keeper to act"),
        in_flight: new(r, "in_flight", "Transactions whose fate is open"),
        transactions: new(r, "transactions", "Transactions whose fate is known, by outcome"),
        wallet: new(r, "wallet_lamports", "What the keeper has left for fees"),
        journal_bytes: new(r, "journal_bytes", "Size of the journal"),
        journal_writable: new(r, "journal_writable", "1 when the last write to the journal succeeded"),
        journal_failures: new(r, "journal_failures", "Writes to the journal that failed"),
        pending_changes: new(r, "pending_changes", "Changes of the market that wait or are due"),
        overdue_change: new(r, "overdue_change_seconds", "How long the oldest due change has not been carried out"),
        change_expiry: new(r, "change_expiry_seconds", "Until the first due change expires; -1 without one"),
        executions: new(r, "change_executions", "Attempts to carry out a change, by result"),
        updates: new(r, "account_updates", "Accounts received, by stream"),
        resyncs: new(r, "resyncs", "Complete readings of all accounts, by reason"),
        streaming: new(r, "streaming", "1 when updates arrive by subscription, 0 when only by polling"),
        stream_wanted: new(r, "stream_wanted", "1 when updates are to arrive by subscription"),
        stream_losses: new(r, "stream_losses", "Subscriptions that were given up, by reason"),
        passes: new(r, "passes", "Passes of the main loop"),
        pass_failures: new(r, "pass_failures", "Parts of a pass that failed, by part"),
        last_pass: new(r, "last_pass_timestamp_seconds", "When the last pass ended, unix time"),
        registry: Arc::new(root),
    };
    for kind in KINDS {
        metrics.attempts.get_or_create(&label("kind", kind)).inc_by(0);
        metrics.liquidations.get_or_create(&label("kind", kind)).inc_by(0);
    }
    for reason in LOSSES {
        metrics.stream_losses.get_or_create(&label("reason", reason)).inc_by(0);
    }
    metrics.change_expiry.set(-1);
    metrics
}

/// A metric that is always 1: its label is what matters.
fn build_info() -> prometheus_client::metrics::info::Info<Vec<(&'static str, &'static str)>> {
    prometheus_client::metrics::info::Info::new(vec![("version", env!("CARGO_PKG_VERSION"))])
}

/// The labels of a failed request.
pub fn failed_request(endpoint: &str, reason: &str) -> Labels {
    [("endpoint", endpoint.to_owned()), ("reason", reason.to_owned())]
}

/// The label of an asset.
pub fn asset(name: &str) -> Label {
    label("asset", name)
}
