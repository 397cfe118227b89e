//! How much a vault may borrow, found with the program's own health check on decoded accounts.

use anyhow::{Context, Result};
use ballast_client::risk::health::Side;
use ballast_client::risk::holding::Holding;
use ballast_client::risk::interest::shares_ceil;
use ballast_client::risk::{Amount, Usd};
use ballast_client::{Market, Vault};

/// Smallest debt worth a position: one dollar.
const LEAST: u64 = 1_000_000;
/// Part of a pool's deposits that stays in it, so that the last borrower does not find it empty.
const KEPT: u64 = 7;

/// The debts, in native units, that use `use_bps` of what the Init level allows, split by weight. Takes them out of
/// `cash`, what is left to borrow of each asset.
///
/// # Errors
/// An asset without a price.
pub fn debts(
    market: &Market,
    vault: &Vault,
    now: u64,
    weights: &[(usize, u64)],
    use_bps: u64,
    cash: &mut [u64],
) -> Result<Vec<(usize, u64)>> {
    let (mut fits, mut fails) = (0u64, vault_value(market, vault, now));
    while fails.saturating_sub(fits) > LEAST {
        let middle = fits + (fails - fits) / 2;
        if passes(market, vault, now, &split(market, weights, middle)?) {
            fits = middle;
        } else {
            fails = middle;
        }
    }
    let wanted = split(market, weights, fits / 10_000 * use_bps)?;
    let mut granted = Vec::with_capacity(wanted.len());
    for (asset, amount) in wanted {
        let left = cash.get_mut(asset).context("an asset that is not listed")?;
        let amount = amount.min(*left);
        *left -= amount;
        if amount > 0 {
            granted.push((asset, amount));
        }
    }
    Ok(granted)
}

/// What may be borrowed of each asset at most.
pub fn lendable(market: &Market) -> Vec<u64> {
    market.listed().iter().map(|asset| asset.cash - asset.cash / KEPT).collect()
}

/// Value of the deposits at spot, micro-dollars.
fn vault_value(market: &Market, vault: &Vault, now: u64) -> u64 {
    market.spot_health(vault, now, &mut None).map_or(0, |health| health.maint.assets.get())
}

fn split(market: &Market, weights: &[(usize, u64)], micro_dollars: u64) -> Result<Vec<(usize, u64)>> {
    let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
    let part = |(asset, weight): &(usize, u64)| {
        let value = u128::from(micro_dollars) * u128::from(*weight) / u128::from(total.max(1));
        let price = market.listed().get(*asset).and_then(|asset| asset.spot()).context("an asset without a price")?;
        Ok((*asset, price.amount_floor(Usd::new(u64::try_from(value)?)).get()))
    };
    weights.iter().map(part).collect()
}

/// Whether the vault passes the Init level with these debts.
fn passes(market: &Market, vault: &Vault, now: u64, debts: &[(usize, u64)]) -> bool {
    let mut vault = *vault;
    for (asset, amount) in debts {
        let Some(record) = market.listed().get(*asset) else { return false };
        let Ok(shares) = shares_ceil(Amount::new(*amount), record.accrued_pool(now).borrow_index) else { return false };
        let Ok(index) = u8::try_from(*asset) else { return false };
        if vault.set_holding(index, Holding { side: Side::Debt, shares }).is_err() {
            return false;
        }
    }
    market.init_health(&vault, now).is_ok_and(|health| health.passes())
}
