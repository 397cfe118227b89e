//! What a transaction costs, in lamports and in micro-dollars.

use ballast_client::Market;
use ballast_client::risk::Amount;
use ballast_client::risk::health::Prices;
use ballast_client::transaction::Budget;

/// What a lamport is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LamportPrice {
    /// That of an asset of the market whose native unit is a lamport.
    Asset(u8),
    /// Micro-dollars for a billion lamports.
    Fixed(u64),
}

/// What the cluster charges.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// Lamports for a signature.
    pub signature: u64,
    /// Micro-lamports for a compute unit.
    pub unit_price: u64,
    /// Lamports that a new token account needs. They come back when it is closed, but nobody counts on it.
    pub rent: u64,
    pub lamport_price: LamportPrice,
}

impl Default for Costs {
    fn default() -> Self {
        Self { signature: 5_000, unit_price: 0, rent: 2_039_280, lamport_price: LamportPrice::Fixed(0) }
    }
}

const LAMPORTS_PER_SOL: u128 = 1_000_000_000;

impl Costs {
    /// Lamports of a transaction with one signature, this many compute units, and new token accounts.
    pub fn lamports(&self, units: u32, accounts: usize) -> u64 {
        let rent = self.rent.saturating_mul(u64::try_from(accounts).unwrap_or(u64::MAX));
        let priority = Budget { units, price: self.unit_price }.priority_fee_ceil();
        self.signature.saturating_add(priority).saturating_add(rent)
    }

    /// Lamports in micro-dollars, rounded up. `None` when the price of a lamport is not known now.
    pub fn value_ceil(&self, market: &Market, lamports: u64, now: u64) -> Option<u64> {
        match self.lamport_price {
            LamportPrice::Fixed(price) => {
                let value = (u128::from(lamports) * u128::from(price)).div_ceil(LAMPORTS_PER_SOL);
                u64::try_from(value).ok()
            }
            LamportPrice::Asset(index) => {
                let asset = market.listed().get(usize::from(index))?;
                let price = asset.spot().filter(|_| now <= asset.usable_until(Prices::Spot))?;
                Some(price.value_floor(Amount::new(lamports)).ok()?.get() + 1)
            }
        }
    }
}
