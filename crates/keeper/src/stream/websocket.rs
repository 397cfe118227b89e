//! Websocket subscriptions: `programSubscribe` for the vaults, `accountSubscribe` for market, clock and oracles.

use anyhow::{Context, Result, anyhow, bail};
use ballast_client::{ID, Pubkey};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll};
use solana_client::rpc_config::RpcProgramAccountsConfig;
use solana_client::rpc_response::{Response, RpcKeyedAccount, UiAccount};
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;

use super::Watched;
use super::reading::{account_config, filters, update};
use super::subscription::{Arrivals, Subscriber};
use crate::secret::Secret;
use crate::updates::Update;

/// The nodes take turns: after a lost connection it is the next one's.
pub struct Websocket {
    market: Pubkey,
    nodes: Vec<(String, Secret)>,
    watched: Watched,
    attempt: usize,
}

impl Websocket {
    /// `nodes`: names with the URLs of their websockets.
    pub fn new(market: Pubkey, nodes: Vec<(String, Secret)>, watched: Watched) -> Self {
        Self { market, nodes, watched, attempt: 0 }
    }
}

impl Subscriber for Websocket {
    async fn listen(&mut self, arrivals: Arrivals) -> Result<()> {
        let Some(turn) = self.attempt.checked_rem(self.nodes.len()) else { bail!("there is no node to subscribe to") };
        self.attempt = self.attempt.wrapping_add(1);
        let (name, url) = self.nodes.get(turn).context("there is no node to subscribe to")?;
        let client = PubsubClient::new(url.reveal()).await.with_context(|| format!("endpoint {name}"))?;
        let watched = self.watched.borrow_and_update().clone();
        let mut changes =
            subscribe(&client, &self.market, &watched).await.with_context(|| format!("endpoint {name}"))?;
        arrivals.ready().await?;
        loop {
            tokio::select! {
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
