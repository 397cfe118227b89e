//! Websocket subscriptions: `programSubscribe` for the vaults, `accountSubscribe` for market, clock and oracles.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ballast_client::{ID, Pubkey};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll};
use solana_client::rpc_config::RpcProgramAccountsConfig;
use solana_client::rpc_response::{Response, RpcKeyedAccount, UiAccount};
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;

use super::reading::{account_config, filters, update};
use super::subscription::{Arrivals, Subscriber};
use super::{Trust, Watched};
use crate::secret::Secret;
use crate::updates::Update;

/// Between two looks at whether the node still counts.
const LOOK: Duration = Duration::from_secs(1);

/// The nodes that count take turns: after a lost connection it is the next one's.
pub struct Websocket<T> {
    market: Pubkey,
    nodes: Vec<(String, Secret)>,
    watched: Watched,
    trust: Arc<T>,
    attempt: usize,
}

impl<T: Trust> Websocket<T> {
    /// `nodes`: names with the URLs of their websockets.
    pub fn new(market: Pubkey, nodes: Vec<(String, Secret)>, watched: Watched, trust: Arc<T>) -> Self {
        Self { market, nodes, watched, trust, attempt: 0 }
    }

    /// The next node that counts.
    fn next(&mut self) -> Option<(String, Secret)> {
        for _ in 0..self.nodes.len() {
            let turn = self.attempt.checked_rem(self.nodes.len())?;
            self.attempt = self.attempt.wrapping_add(1);
            let node = self.nodes.get(turn).filter(|(name, _)| self.trust.counts(name));
            if node.is_some() {
                return node.cloned();
            }
        }
        None
    }
}

impl<T: Trust> Subscriber for Websocket<T> {
    async fn listen(&mut self, arrivals: Arrivals) -> Result<()> {
        let (name, url) = self.next().context("no node to subscribe to can be relied on")?;
        let client = PubsubClient::new(url.reveal()).await.with_context(|| format!("endpoint {name}"))?;
        let watched = self.watched.borrow_and_update().clone();
        let mut changes =
            subscribe(&client, &self.market, &watched).await.with_context(|| format!("endpoint {name}"))?;
        arrivals.ready().await?;
        let mut looks = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = looks.tick() => ensure!(self.trust.counts(&name), "endpoint {name} cannot be relied on any more"),
                change = changes.next() => match change {
                    Some(change) => arrivals.update(change?).await?,
                    None => bail!("endpoint {name} has closed the connection"),
                },
                // Other oracle accounts: everything is subscribed to anew.
                changed = self.watched.changed() => {
                    changed.map_err(|_| anyhow!("nobody listens"))?;
                    if *self.watched.borrow() != watched {
                        bail!("other accounts are to be watched");
                    }
                }
            }
        }
    }
}

type Changes<'a> = SelectAll<BoxStream<'a, Result<Update>>>;

async fn subscribe<'a>(client: &'a PubsubClient, market: &Pubkey, watched: &[Pubkey]) -> Result<Changes<'a>> {
    let config = RpcProgramAccountsConfig {
        filters: Some(filters(market)),
        account_config: account_config(),
        ..RpcProgramAccountsConfig::default()
    };
    let (vaults, _) = client.program_subscribe(&ID, Some(config)).await.context("programSubscribe failed")?;
    let of_vault = |Response { context, value }: Response<RpcKeyedAccount>| {
        let address = value.pubkey.parse().map_err(|_| anyhow!("{:?} is not an address", value.pubkey))?;
        update(address, &value.account, context.slot)
    };
    let mut changes: Changes<'a> = SelectAll::new();
    changes.push(vaults.map(of_vault).boxed());
    for address in watched.iter().copied() {
        let subscribed = client.account_subscribe(&address, Some(account_config())).await;
        let (accounts, _) = subscribed.context("accountSubscribe failed")?;
        let of_account = move |Response { context, value }: Response<UiAccount>| update(address, &value, context.slot);
        changes.push(accounts.map(of_account).boxed());
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::watch;

    use super::*;

    /// The names of the nodes that count.
    struct Counting(Mutex<Vec<&'static str>>);

    impl Trust for Counting {
        fn counts(&self, node: &str) -> bool {
            self.0.lock().unwrap().contains(&node)
        }

        fn can_be(&self, _update: &Update) -> bool {
            true
        }
    }

    #[test]
    fn the_nodes_that_count_take_turns_and_the_others_are_left_out() {
        let (_watched, seen) = watch::channel(vec![]);
        let trust = Arc::new(Counting(Mutex::new(vec!["a", "c"])));
        let nodes = ["a", "b", "c"].map(|name| (name.to_owned(), Secret::new("ws://127.0.0.1:1")));
        let mut websocket = Websocket::new(Pubkey::default(), nodes.into(), seen, Arc::clone(&trust));
        let mut turn = || websocket.next().map(|(name, _)| name);
        assert_eq!([turn(), turn(), turn()], ["a", "c", "a"].map(|name| Some(name.to_owned())));
        *trust.0.lock().unwrap() = vec!["b"];
        assert_eq!([turn(), turn()], [Some("b".to_owned()), Some("b".to_owned())]);
        trust.0.lock().unwrap().clear();
        assert_eq!(turn(), None);
    }
}
