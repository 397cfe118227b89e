//! The books: market, vaults and clock as the cluster has them, read over JSON-RPC.

use anyhow::{Context, Result, ensure};
use ballast_client::instruction::MarketRef;
use ballast_client::{HealthView, ID, Market, Pubkey, Vault, account, snapshot};

use crate::connection::Connection;

/// The account that holds the cluster's clock.
const CLOCK: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");
/// Where the market stands in a vault's bytes.
const MARKET_OFFSET: usize = 16;

/// A state of the market and all its vaults.
pub struct Books {
    pub address: Pubkey,
    pub market: Box<Market>,
    /// Sorted by address.
    pub vaults: Vec<(Pubkey, Vault)>,
    /// The cluster's clock, unix seconds.
    pub now: u64,
}

impl Books {
    pub async fn read(connection: &Connection, address: Pubkey) -> Result<Self> {
        let vaults = connection.program_accounts(&ID, Vault::SPACE, (MARKET_OFFSET, address.as_ref())).await?;
        let decode = |(address, data): (Pubkey, Vec<u8>)| {
            let vault = account::vault(&data).with_context(|| format!("vault {address}"))?;
            Ok((address, vault))
        };
        let mut vaults = vaults.into_iter().map(decode).collect::<Result<Vec<_>>>()?;
        vaults.sort_by_key(|(address, _)| address.to_bytes());
        let (market, now) = read_market(connection, &address).await?;
        Ok(Self { address, market, vaults, now })
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

/// The market and the clock, read together.
pub async fn read_market(connection: &Connection, address: &Pubkey) -> Result<(Box<Market>, u64)> {
    let mut found = connection.accounts(&[*address, CLOCK]).await?;
    ensure!(found.len() == 2, "the node answered for {} accounts instead of 2", found.len());
    let clock = found.pop().flatten().context("the clock is missing")?;
    let market = found.pop().flatten().context("the market is missing")?;
    Ok((account::market(&market).context("market")?, seconds(&clock)?))
}

/// The cluster's clock, unix seconds.
pub async fn read_clock(connection: &Connection) -> Result<u64> {
    let clock = connection.accounts(&[CLOCK]).await?.pop().flatten().context("the clock is missing")?;
    seconds(&clock)
}

/// The last field of the clock's bytes.
fn seconds(clock: &[u8]) -> Result<u64> {
    let bytes = clock.get(32..40).and_then(|bytes| bytes.try_into().ok()).context("the clock is too short")?;
    u64::try_from(i64::from_le_bytes(bytes)).context("the clock stands before 1970")
}
