//! What is looked at beside the main loop: whether the nodes agree, whether the former life is over, what is left for fees.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::desk::Desk;
use crate::endpoints::{Endpoints, Standing};
use crate::metrics::Metrics;
use crate::server::{Condition, Status};

/// Between two looks at the nodes.
const NODES: Duration = Duration::from_secs(1);
/// Between two looks at the wallet.
const WALLET: Duration = Duration::from_secs(30);

/// Looks until the returned set is dropped.
pub fn start(endpoints: Arc<Endpoints>, desk: Arc<Desk>, metrics: Metrics, status: Status) -> JoinSet<()> {
    let mut watching = JoinSet::new();
    watching.spawn(nodes(Arc::clone(&endpoints), Arc::clone(&desk), metrics.clone(), status));
    watching.spawn(wallet(endpoints, desk, metrics));
    watching
}

async fn nodes(endpoints: Arc<Endpoints>, desk: Arc<Desk>, metrics: Metrics, status: Status) {
    metrics.needed_endpoints(endpoints.policy().least_healthy);
    let mut before: BTreeMap<String, &'static str> = BTreeMap::new();
    loop {
        let surveyed = endpoints.keep_surveyed().await;
        status.set(Condition::Rpc, surveyed.map_err(|unready| unready.to_string()));
        for report in endpoints.reports() {
            let fault = fault(&report.standing);
            // Once for each time that it falls out, not for every look.
            if let Some(reason) = fault.filter(|reason| before.get(&report.name) != Some(reason)) {
                metrics.endpoint_failed(&report.name, reason);
            }
            match fault {
                Some(reason) => before.insert(report.name, reason),
                None => before.remove(&report.name),
            };
        }
        let settled = desk.require_no_seal().map_err(|refusal| refusal.to_string());
        status.set(Condition::Recovery, settled);
        endpoints.clock().sleep(NODES).await;
    }
}

/// Why a node is left out, for a label.
const fn fault(standing: &Standing) -> Option<&'static str> {
    match standing {
        Standing::Unknown | Standing::Healthy | Standing::Alone => None,
        Standing::Silent(_) => Some("silent"),
        Standing::Foreign(_) => Some("foreign"),
        Standing::Behind(_) => Some("behind"),
        Standing::Ahead(_) => Some("ahead"),
        Standing::Stuck(_) => Some("stuck"),
        Standing::Suspended(_) => Some("suspended"),
    }
}

async fn wallet(endpoints: Arc<Endpoints>, desk: Arc<Desk>, metrics: Metrics) {
    loop {
        if let Ok(answer) = endpoints.accounts(&[desk.address()]).await {
            let lamports = answer.accounts.first().and_then(Option::as_ref).map_or(0, |account| account.lamports);
            metrics.wallet(lamports);
        }
        endpoints.clock().sleep(WALLET).await;
    }
}
