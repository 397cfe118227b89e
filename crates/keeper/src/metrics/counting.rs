//! What the other rooms call.

use std::time::Duration;

use super::registration::{asset, failed_request};
use super::{Metrics, label};

/// The largest number for what is larger.
fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The liquidator.
impl Metrics {
    /// A liquidation goes to the desk. Kinds: `pair`, `receivership`, `into`, `absorb`.
    pub fn liquidation_attempted(&self, kind: &str) {
        self.attempts.get_or_create(&label("kind", kind)).inc();
    }

    /// A liquidation landed. `profit` in micro-dollars after costs. Kinds: the same, and `settled` for one that a former life
    /// had sent, or whose fate was unknown for a while.
    pub fn liquidation_landed(&self, kind: &str, profit: i64) {
        self.liquidations.get_or_create(&label("kind", kind)).inc();
        if profit >= 0 {
            self.profit.inc_by(profit.unsigned_abs());
        } else {
            self.loss.inc_by(profit.unsigned_abs());
        }
    }

    /// A liquidation did not land. Reasons: `failed`, `expired`, `unknown`, or the name of a refusal, see
    /// [`crate::desk::Refusal::name`].
    pub fn liquidation_failed(&self, reason: &str) {
        self.failures.get_or_create(&label("reason", reason)).inc();
    }

    /// From the arrival of a price to the first sending of a liquidation that follows from it.
    pub fn price_to_send(&self, elapsed: Duration) {
        self.price_to_send.observe(elapsed.as_secs_f64());
    }
}

/// The index.
impl Metrics {
    pub fn vaults(&self, count: usize) {
        self.vaults.set(whole(count));
    }

    /// Vaults whose liquidation would leave the least profit, or more.
    pub fn profitable(&self, count: usize) {
        self.profitable.set(whole(count));
    }

    pub fn quarantined(&self, count: usize) {
        self.quarantined.set(whole(count));
    }

    /// A scan ended that evaluated so many vaults and found these.
    pub fn scanned(&self, elapsed: Duration, evaluated: usize, liquidatable: usize, bad_debts: usize) {
        self.scan.observe(elapsed.as_secs_f64());
        self.evaluations.inc_by(u64::try_from(evaluated).unwrap_or(u64::MAX));
        self.liquidatable.set(whole(liquidatable));
        self.bad_debts.set(whole(bad_debts));
    }
}

/// Prices.
impl Metrics {
    /// Age of the price stored in the market, seconds.
    pub fn oracle_age(&self, name: &str, seconds: u64) {
        self.oracle_age.get_or_create(&asset(name)).set(seconds as f64);
    }

    /// Assets whose oracle accounts are missing, or would be refused.
    pub fn price_troubles(&self, count: usize) {
        self.price_troubles.set(whole(count));
    }

    /// A transaction with `refresh_prices` ended. Results: as those of [`Self::transaction`].
    pub fn prices_refreshed(&self, result: &str) {
        self.refreshes.get_or_create(&label("result", result)).inc();
    }

    /// An update of the price source was posted or not.
    pub fn price_posted(&self, result: &str) {
        self.posts.get_or_create(&label("result", result)).inc();
    }

    /// Whether a price source answers. Sources: `hermes`, `file`.
    pub fn price_source(&self, name: &str, up: bool) {
        self.source_up.get_or_create(&label("source", name)).set(i64::from(up));
    }

    /// The cluster's clock, unix seconds.
    pub fn cluster_time(&self, unix: u64) {
        self.cluster_time.set(i64::try_from(unix).unwrap_or(i64::MAX));
    }

    /// Price of the source less the stored one, as a part of the stored one.
    pub fn source_difference(&self, name: &str, ratio: f64) {
        self.source_difference.get_or_create(&asset(name)).set(ratio);
    }
}

/// Endpoints. They go by a short name, never by their URL, which may contain a key.
impl Metrics {
    /// Whether an endpoint is used, and how many slots it is behind the furthest one.
    pub fn endpoint(&self, name: &str, healthy: bool, behind: u64) {
        self.behind.get_or_create(&label("endpoint", name)).set(i64::try_from(behind).unwrap_or(i64::MAX));
        self.endpoint_healthy.get_or_create(&label("endpoint", name)).set(i64::from(healthy));
    }

    /// A node is left out. Reasons: `silent`, `foreign`, `behind`, `ahead`, `stuck`, `suspended`.
    pub fn endpoint_failed(&self, name: &str, reason: &str) {
        self.endpoint_failures.get_or_create(&failed_request(name, reason)).inc();
    }

    pub fn healthy_endpoints(&self, count: usize) {
        self.healthy_endpoints.set(whole(count));
    }

    /// How many have to be healthy for the keeper to act.
    pub fn needed_endpoints(&self, count: usize) {
        self.needed_endpoints.set(whole(count));
    }
}

/// The desk and its journal.
impl Metrics {
    pub fn in_flight(&self, count: usize) {
        self.in_flight.set(whole(count));
    }

    /// The fate of a transaction. Outcomes: `landed`, `failed`, `refused`, `expired`, `busy`, `unknown`.
    pub fn transaction(&self, outcome: &str) {
        self.transactions.get_or_create(&label("outcome", outcome)).inc();
    }

    /// What a transaction that landed cost.
    pub fn fee_paid(&self, lamports: u64) {
        self.fees.inc_by(lamports);
    }

    /// What the keeper has left for fees.
    pub fn wallet(&self, lamports: u64) {
        self.wallet.set(i64::try_from(lamports).unwrap_or(i64::MAX));
    }

    /// A write to the journal succeeded; it has so many bytes now.
    pub fn journal_written(&self, bytes: u64) {
        self.journal_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.journal_writable.set(1);
    }

    pub fn journal_failed(&self) {
        self.journal_failures.inc();
        self.journal_writable.set(0);
    }
}

/// The executor of changes.
impl Metrics {
    /// What waits: how many, for how long the oldest due one has been due, and in how many seconds the first due one expires.
    pub fn changes(&self, pending: usize, overdue: u64, expiry: Option<u64>) {
        self.pending_changes.set(whole(pending));
        self.overdue_change.set(i64::try_from(overdue).unwrap_or(i64::MAX));
        let expiry = expiry.map_or(-1, |seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
        self.change_expiry.set(expiry);
    }

    /// An attempt to carry out a change ended. Results: as those of [`Self::transaction`].
    pub fn change_executed(&self, result: &str) {
        self.executions.get_or_create(&label("result", result)).inc();
    }
}

/// Streams and the main loop.
impl Metrics {
    /// An account arrived. Streams: `polling`, `websocket`, `yellowstone`.
    pub fn update_received(&self, stream: &str) {
        self.updates.get_or_create(&label("stream", stream)).inc();
    }

    /// All accounts were read. Reasons: `start`, `silence`, `reconnect`, `interval`.
    pub fn resynced(&self, reason: &str) {
        self.resyncs.get_or_create(&label("reason", reason)).inc();
    }

    /// Whether updates arrive by subscription.
    pub fn streaming(&self, live: bool) {
        self.streaming.set(i64::from(live));
    }

    /// Whether the configuration asks for a subscription.
    pub fn stream_wanted(&self, wanted: bool) {
        self.stream_wanted.set(i64::from(wanted));
    }

    /// A subscription was given up. Reasons: `closed`, `silent`, `mute`.
    pub fn stream_lost(&self, reason: &str) {
        self.stream_losses.get_or_create(&label("reason", reason)).inc();
    }

    /// A pass of the main loop ended at this unix time.
    pub fn passed(&self, now: u64) {
        self.passes.inc();
        self.last_pass.set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    /// A part of a pass failed: `stream` (a reading, or its task), `watch` (its task), `nodes` (too few can be relied on),
    /// `changes` (they cannot be read).
    pub fn pass_failed(&self, part: &str) {
        self.pass_failures.get_or_create(&label("part", part)).inc();
    }
}
