//! The books: market, vaults and clock as the cluster has them, read over JSON-RPC.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ballast_client::account::Clock;
use ballast_client::instruction::MarketRef;
use ballast_client::{HealthView, ID, Market, Pubkey, Vault, account, snapshot};

use crate::connection::{Connection, Raw};

/// How often a market is asked for until it is not older than its vaults.
const ATTEMPTS: u32 = 10;
/// Pause in between: as long as a block takes.
const PAUSE: Duration = Duration::from_millis(400);
/// Where the market stands in a vault's bytes, for asking a node for the vaults of one market.
pub const MARKET_OFFSET: usize = 16;

/// A state of the market and all its vaults.
pub struct Books {
    pub address: Pubkey,
    pub market: Box<Market>,
    /// Sorted by address.
    pub vaults: Vec<(Pubkey, Vault)>,
    /// Accounts of the size of a vault that cannot be read, and why. They are in no sum of these books.
    pub unreadable: Vec<(Pubkey, String)>,
    /// The cluster's clock, unix seconds.
    pub now: u64,
    /// The node had reached this slot when it answered for the market: never before that of the vaults.
    pub slot: u64,
    /// The node had reached this slot when it answered for the vaults.
    pub vaults_slot: u64,
}

impl Books {
    /// # Errors
    /// The node does not answer, there is no market, or its answers stay older than the vaults.
    pub async fn read(connection: &Connection, address: Pubkey) -> Result<Self> {
        let found = connection.program_accounts(&ID, Vault::SPACE, (MARKET_OFFSET, address.as_ref())).await?;
        let Decoded { mut vaults, unreadable } = Decoded::of(found.accounts, |vault| vault.market == address);
        vaults.sort_by_key(|(address, _)| address.to_bytes());
        let (market, clock, slot) = read_market_since(connection, &address, found.slot).await?;
        Ok(Self { address, market, vaults, unreadable, now: clock.unix, slot, vaults_slot: found.slot })
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

/// What accounts of vaults say.
#[derive(Default)]
pub struct Decoded {
    pub vaults: Vec<(Pubkey, Vault)>,
    /// Those that cannot be read, and why. What was not asked for is one of them.
    pub unreadable: Vec<(Pubkey, String)>,
}

impl Decoded {
    pub fn of(accounts: Vec<(Pubkey, Raw)>, wanted: impl Fn(&Vault) -> bool) -> Self {
        let mut decoded = Self::default();
        for (at, raw) in accounts {
            match account::vault(&raw.owner, &raw.data) {
                Ok(vault) if wanted(&vault) => decoded.vaults.push((at, vault)),
                Ok(_) => decoded.unreadable.push((at, "the node was not asked for it".to_owned())),
                Err(error) => decoded.unreadable.push((at, error.to_string())),
            }
        }
        decoded
    }
}

/// As [`read_market_at`], not before a slot: behind one address there may be a node that lags behind another.
async fn read_market_since(connection: &Connection, address: &Pubkey, least: u64) -> Result<(Box<Market>, Clock, u64)> {
    let mut read = read_market_at(connection, address).await?;
    for _ in 1..ATTEMPTS {
        if read.2 >= least {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        read = read_market_at(connection, address).await?;
    }
    ensure!(read.2 >= least, "the node has vaults of slot {least} and a market of slot {}; try another node", read.2);
    Ok(read)
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
