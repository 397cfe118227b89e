//! The books: market, vaults and clock as the cluster has them, read over JSON-RPC.

use anyhow::{Context, Result, bail, ensure};
use ballast_client::account::Clock;
use ballast_client::instruction::MarketRef;
use ballast_client::{HealthView, ID, Market, Pubkey, Vault, account, snapshot};

use crate::connection::{Connection, Raw};

/// Where the market stands in a vault's bytes, for asking a node for the vaults of one market.
pub const MARKET_OFFSET: usize = 16;

/// A state of the market and all its vaults.
pub struct Books {
    pub address: Pubkey,
    pub market: Box<Market>,
    /// Sorted by address.
    pub vaults: Vec<(Pubkey, Vault)>,
    /// The cluster's clock, unix seconds.
    pub now: u64,
    /// The node had reached this slot when it answered for the market.
    pub slot: u64,
}

impl Books {
    pub async fn read(connection: &Connection, address: Pubkey) -> Result<Self> {
        let found = connection.program_accounts(&ID, Vault::SPACE, (MARKET_OFFSET, address.as_ref())).await?;
        let decode = |(at, raw): (Pubkey, Raw)| {
            let vault = account::vault(&raw.owner, &raw.data).with_context(|| format!("account {at}"))?;
            ensure!(vault.market == address, "the node answered with vault {at} of market {}", vault.market);
            Ok((at, vault))
        };
        let mut vaults = found.accounts.into_iter().map(decode).collect::<Result<Vec<_>>>()?;
        vaults.sort_by_key(|(address, _)| address.to_bytes());
        let (market, clock, slot) = read_market_at(connection, &address).await?;
        Ok(Self { address, market, vaults, now: clock.unix, slot })
    }

    /// What the program says about a vault at the time of these books.
    pub fn health(&self, vault: &Vault) -> HealthView {
        snapshot::health(&self.market, vault, self.now)
    }

    /// For building instructions.
    pub fn reference(&self) -> MarketRef<'_> {
        MarketRef::new(self.address, &self.market)
    }
}

/// The market and the clock in unix seconds, read together.
pub async fn read_market(connection: &Connection, address: &Pubkey) -> Result<(Box<Market>, u64)> {
    let (market, clock, _) = read_market_at(connection, address).await?;
    Ok((market, clock.unix))
}

/// The market and the clock, read together, and the slot that the node had reached then.
pub async fn read_market_at(connection: &Connection, address: &Pubkey) -> Result<(Box<Market>, Clock, u64)> {
    let found = connection.accounts(&[*address, account::CLOCK]).await?;
    let [Some(market), Some(clock)] = found.accounts.as_slice() else {
        bail!("no account {address}: not a market, or another cluster than this one");
    };
    let market = account::market(&market.owner, &market.data).with_context(|| format!("account {address}"))?;
    Ok((market, account::clock(&clock.owner, &clock.data)?, found.slot))
}

/// The cluster's clock, unix seconds.
pub async fn read_clock(connection: &Connection) -> Result<u64> {
    let clock = connection.account(&account::CLOCK).await?.context("there is no clock")?;
    Ok(account::clock(&clock.owner, &clock.data)?.unix)
}
