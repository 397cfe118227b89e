//! What is looked at beside the main loop: whether the nodes agree, whether the former life is over, what is left for fees.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::desk::Desk;
use crate::endpoints::Endpoints;
use crate::metrics::Metrics;
use crate::server::{Condition, Status};

/// Between two looks at the nodes.
const NODES: Duration = Duration::from_secs(1);
/// Between two looks at the wallet.
const WALLET: Duration = Duration::from_secs(30);

/// Looks until the returned set is dropped.
pub fn start(endpoints: Arc<Endpoints>, desk: Arc<Desk>, metrics: Metrics, status: Status) -> JoinSet<()> {
    let mut watching = JoinSet::new();
    watching.spawn(nodes(Arc::clone(&endpoints), Arc::clone(&desk), status));
    watching.spawn(wallet(endpoints, desk, metrics));
    watching
}

async fn nodes(endpoints: Arc<Endpoints>, desk: Arc<Desk>, status: Status) {
    loop {
        let surveyed = endpoints.keep_surveyed().await;
        status.set(Condition::Rpc, surveyed.map_err(|unready| unready.to_string()));
        let settled = desk.require_no_seal().map_err(|refusal| refusal.to_string());
        status.set(Condition::Recovery, settled);
        tokio::time::sleep(NODES).await;
    }
}

async fn wallet(endpoints: Arc<Endpoints>, desk: Arc<Desk>, metrics: Metrics) {
    loop {
        if let Ok(answer) = endpoints.accounts(&[desk.address()]).await {
            let lamports = answer.accounts.first().and_then(Option::as_ref).map_or(0, |account| account.lamports);
            metrics.wallet(lamports);
        }
        tokio::time::sleep(WALLET).await;
    }
}
