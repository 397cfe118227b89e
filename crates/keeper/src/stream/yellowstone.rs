//! A Yellowstone gRPC subscription: the same accounts as by websocket, straight from a validator's plugin.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail};
use ballast_client::{ID, Pubkey, Vault};
use futures_util::{SinkExt, StreamExt};
use yellowstone_grpc_client::{ClientTlsConfig, GeyserGrpcClient};
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter::Filter;
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter_memcmp::Data;
use yellowstone_grpc_proto::geyser::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::geyser::{
    CommitmentLevel, SubscribeRequest, SubscribeRequestFilterAccounts, SubscribeRequestFilterAccountsFilter,
    SubscribeRequestFilterAccountsFilterMemcmp, SubscribeRequestPing, SubscribeUpdateAccount,
};

use super::Watched;
use super::reading::MARKET_OFFSET;
use super::subscription::{Arrivals, Subscriber};
use crate::secret::Secret;
use crate::updates::Update;

/// Bytes of one message at most: a market has some 70 kB.
const LARGEST_MESSAGE: usize = 16 << 20;

/// One server.
pub struct Yellowstone {
    market: Pubkey,
    url: Secret,
    token: Option<Secret>,
    watched: Watched,
}

impl Yellowstone {
    pub fn new(market: Pubkey, url: Secret, token: Option<Secret>, watched: Watched) -> Self {
        Self { market, url, token, watched }
    }

    async fn connect(&self) -> Result<GeyserGrpcClient> {
        let token = self.token.as_ref().map(|token| token.reveal().to_owned());
        let builder = GeyserGrpcClient::build_from_shared(self.url.reveal().to_owned())?.x_token(token)?;
        let builder = builder.max_decoding_message_size(LARGEST_MESSAGE);
        let secure = self.url.reveal().starts_with("https://");
        let builder = if secure { builder.tls_config(ClientTlsConfig::new().with_native_roots())? } else { builder };
        builder.connect().await.context("the Yellowstone server cannot be reached")
    }
}

/// What is subscribed to.
pub fn request(market: &Pubkey, watched: &[Pubkey]) -> SubscribeRequest {
    let filter = |filter| SubscribeRequestFilterAccountsFilter { filter: Some(filter) };
    let offset = u64::try_from(MARKET_OFFSET).unwrap_or(u64::MAX);
    let data = Some(Data::Bytes(market.to_bytes().to_vec()));
    let of_market = Filter::Memcmp(SubscribeRequestFilterAccountsFilterMemcmp { offset, data });
    let size = Filter::Datasize(u64::try_from(Vault::SPACE).unwrap_or(u64::MAX));
    let vaults = SubscribeRequestFilterAccounts {
        owner: vec![ID.to_string()],
        filters: vec![filter(size), filter(of_market)],
        ..SubscribeRequestFilterAccounts::default()
    };
    let account = watched.iter().map(Pubkey::to_string).collect();
    let others = SubscribeRequestFilterAccounts { account, ..SubscribeRequestFilterAccounts::default() };
    SubscribeRequest {
        accounts: HashMap::from([("vaults".to_owned(), vaults), ("watched".to_owned(), others)]),
        commitment: Some(CommitmentLevel::Processed.into()),
        ..SubscribeRequest::default()
    }
}

/// An account as the server sends it.
///
/// # Errors
/// Addresses of another length.
pub fn update(found: SubscribeUpdateAccount) -> Result<Update> {
    let account = found.account.context("an update without an account")?;
    let address = |bytes: &[u8]| Pubkey::try_from(bytes).map_err(|_| anyhow!("an address of {} bytes", bytes.len()));
    // An account without lamports is gone.
    let data = (account.lamports > 0).then(|| account.data.to_vec());
    Ok(Update { address: address(&account.pubkey)?, owner: address(&account.owner)?, data, slot: found.slot })
}

impl Subscriber for Yellowstone {
    async fn listen(&mut self, arrivals: Arrivals) -> Result<()> {
        let mut client = self.connect().await?;
        let watched = self.watched.borrow_and_update().clone();
        let request = request(&self.market, &watched);
        let (mut sink, mut updates) = client.subscribe_with_request(Some(request)).await?;
        arrivals.ready().await?;
        loop {
            tokio::select! {
                next = updates.next() => {
                    let Some(next) = next else { bail!("the Yellowstone server has closed the connection") };
                    match next?.update_oneof {
                        Some(UpdateOneof::Account(account)) => arrivals.update(update(account)?).await?,
                        // Proxies close what only listens.
                        Some(UpdateOneof::Ping(_)) => {
                            let ping = Some(SubscribeRequestPing { id: 1 });
                            sink.send(SubscribeRequest { ping, ..SubscribeRequest::default() }).await?;
                        }
                        _ => {}
                    }
                }
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
