//! How accounts are asked for, and what is made of the answers.

use anyhow::{Context, Result, anyhow};
use ballast_client::{ID, Pubkey, Vault};
use ballast_cluster::connection::Raw;
use solana_client::rpc_config::{CommitmentConfig, RpcAccountInfoConfig, UiAccountEncoding};
use solana_client::rpc_filter::{Memcmp, RpcFilterType};
use solana_client::rpc_response::UiAccount;

use crate::endpoints::{Endpoints, Standing};
use crate::updates::Update;

/// Where the market stands in a vault's bytes.
pub const MARKET_OFFSET: usize = 16;

/// Where the poller reads. What comes is unverified but for its slot.
pub trait Reader: Send + Sync + 'static {
    /// Accounts in the order of their addresses. One that does not exist has no data.
    fn accounts(&self, addresses: Vec<Pubkey>) -> impl Future<Output = Result<Vec<Update>>> + Send;

    /// All vaults of a market.
    fn vaults(&self, market: Pubkey) -> impl Future<Output = Result<Vec<Update>>> + Send;
}

/// What is believed of what a subscription brings, and of whom.
pub trait Trust: Send + Sync + 'static {
    /// Whether the node of this name can be relied on at the moment.
    fn counts(&self, node: &str) -> bool;

    /// Whether an account can have been seen like this.
    fn can_be(&self, update: &Update) -> bool;
}

impl Trust for Endpoints {
    fn counts(&self, node: &str) -> bool {
        self.reports().iter().any(|report| report.name == node && report.standing == Standing::Healthy)
    }

    fn can_be(&self, update: &Update) -> bool {
        self.is_credible(update)
    }
}

/// Owner of what does not exist.
const NOBODY: Pubkey = Pubkey::new_from_array([0; 32]);

impl Reader for Endpoints {
    async fn accounts(&self, addresses: Vec<Pubkey>) -> Result<Vec<Update>> {
        let answer = Self::accounts(self, &addresses).await?;
        let update = |(address, raw): (Pubkey, Option<Raw>)| match raw {
            Some(Raw { owner, data, .. }) => Update { address, owner, data: Some(data), slot: answer.slot },
            None => Update { address, owner: NOBODY, data: None, slot: answer.slot },
        };
        Ok(addresses.into_iter().zip(answer.accounts).map(update).collect())
    }

    async fn vaults(&self, market: Pubkey) -> Result<Vec<Update>> {
        Ok(Self::vaults(self, &market).await?.0)
    }
}

/// Which of the program's accounts are vaults of a market.
pub fn filters(market: &Pubkey) -> Vec<RpcFilterType> {
    let size = RpcFilterType::DataSize(u64::try_from(Vault::SPACE).unwrap_or(u64::MAX));
    vec![size, RpcFilterType::Memcmp(Memcmp::new_base58_encoded(MARKET_OFFSET, market.as_ref()))]
}

/// Whether an update has the form of a vault, of this market or another.
pub fn is_vault(update: &Update) -> bool {
    update.owner == ID && update.data.as_ref().is_some_and(|data| data.len() == Vault::SPACE)
}

/// How accounts are asked for. What is processed is newest; what a fork takes back, the next complete reading corrects.
pub fn account_config() -> RpcAccountInfoConfig {
    RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::Base64),
        commitment: Some(CommitmentConfig::processed()),
        ..RpcAccountInfoConfig::default()
    }
}

/// An account as a node sends it.
///
/// # Errors
/// An owner that is no address, or data in another encoding.
pub fn update(address: Pubkey, account: &UiAccount, slot: u64) -> Result<Update> {
    let owner = account.owner.parse().map_err(|_| anyhow!("the owner of {address} is not an address"))?;
    let data = account.data.decode().with_context(|| format!("account {address} cannot be decoded"))?;
    Ok(Update { address, owner, data: Some(data), slot })
}
