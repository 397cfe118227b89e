//! Vaults and markets by chance, close to where decisions change.

use ballast_client::risk::price::Price;
use ballast_client::risk::ramp::Ramp;
use ballast_client::risk::{Amount, Fraction, Rate};
use ballast_client::{Market, Pubkey, Vault};
use ballast_tests::random::Random;
use ballast_tests::vault::holding;

/// Native units of an asset that are worth this many micro-dollars.
fn units(market: &Market, asset: u8, value: u64) -> u64 {
    let price = market.assets[usize::from(asset)].spot().expect("a price");
    price.amount_floor(ballast_client::risk::Usd::new(value)).get().max(1)
}

/// A vault with deposits and debts such that many can be liquidated and many cannot.
pub fn close_call(random: &mut Random, market: &Market, address: &Pubkey, assets: u8, most: u64) -> Vault {
    let count = random.between(1, most.min(u64::from(assets)));
    let mut chosen: Vec<u8> = (0..assets).collect();
    while chosen.len() as u64 > count {
        let at = random.between(0, chosen.len() as u64 - 1);
        chosen.remove(usize::try_from(at).expect("small"));
    }
    let scale = 10u64.pow(u32::try_from(random.between(1, 6)).expect("small"));
    let owed: Vec<bool> = chosen.iter().map(|_| random.once_in(2)).collect();
    let deposits = owed.iter().filter(|owed| !**owed).count().max(1) as u64;
    let debts = owed.iter().filter(|owed| **owed).count().max(1) as u64;
    // Debts of 40 to 105 parts of a hundred of the deposits.
    let part = random.between(40, 105);
    let mut position = |(asset, owed): (&u8, &bool)| {
        let dollars = random.between(80, 120) * scale;
        let value = if *owed { dollars * 10_000 * part / debts } else { dollars * 1_000_000 / deposits };
        (*asset, *owed, units(market, *asset, value))
    };
    let positions: Vec<_> = chosen.iter().zip(&owed).map(&mut position).collect();
    holding(address, &positions)
}

/// A price moves by up to a fifth.
pub fn price_moves(random: &mut Random, market: &mut Market, asset: usize, now: u64) {
    let asset = &mut market.assets[asset];
    let Some(spot) = asset.spot() else { return };
    let part = Fraction::from_bps(u16::try_from(random.between(0, 2_000)).expect("a part")).expect("a part");
    let moved = if random.once_in(2) { spot.lowered_floor(part) } else { spot.raised_ceil(part) };
    let moved: Price = moved.expect("a price");
    asset.set_prices(moved, moved, moved, moved, moved);
    asset.accrue(now);
    asset.usable_until = now + random.between(0, 100);
    asset.init_until = asset.usable_until;
}

/// Something else of the market changes: a rate, a haircut on a ramp, a pool, the model.
pub fn market_changes(random: &mut Random, market: &mut Market, now: u64) {
    let count = usize::from(market.asset_count);
    let at = usize::try_from(random.between(0, count as u64 - 1)).expect("small");
    let ramp = || Ramp::new(now, 60).expect("a short ramp");
    match random.between(0, 6) {
        0 => {
            let asset = &mut market.assets[at];
            asset.accrue(now);
            asset.borrow_rate = Rate::from_yearly_bps(40_000).expect("a rate").get();
            asset.supply_rate = asset.borrow_rate / 2;
        }
        1 => {
            let asset = &mut market.assets[at];
            asset.haircuts_before = asset.haircuts;
            asset.haircuts = asset.haircuts.map(|part| part / 2 + u32::MAX / 20);
            (asset.ramp_start, asset.ramp_end, asset.ramp_reciprocal) = ramp().parts();
        }
        2 => market.assets[at].usable_until = now - random.between(0, 1),
        3 => {
            let mut pool = market.assets[at].accrued_pool(now);
            pool.cash = pool.cash.plus(Amount::new(1_000)).expect("few units");
            market.assets[at].set_pool(pool).expect("a pool");
        }
        4 => {
            market.terms[1] = market.terms[0];
            market.terms[0].multipliers = market.terms[0].multipliers.map(|times| times / 2 + 40_000);
            for asset in &mut market.assets {
                asset.columns[1] = asset.columns[0];
            }
            (market.change_start, market.change_end, market.change_reciprocal) = ramp().parts();
        }
        5 => {
            (market.valid_until, market.fallback_until, market.fallback_reciprocal) = ramp().parts();
        }
        _ => {
            let asset = &mut market.assets[at];
            asset.depth /= 2;
            asset.depth_reciprocal = asset.depth_reciprocal / 2 + (1 << 31) - 1;
        }
    }
}
