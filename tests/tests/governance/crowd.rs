//! Random vaults on a thread: positions in several assets, and debts that leave a requirement met by a hair, or not.

use ballast_tests::client::risk::Usd;
use ballast_tests::client::risk::health::Level;
use ballast_tests::client::{HealthView, LevelView, Market, Position, StateView, Vault, snapshot};

use crate::random::Random;

/// A dollar, in micro-dollars.
const DOLLAR: u64 = 1_000_000;

/// Whether a vault can be liquidated.
pub fn falls(view: &HealthView) -> bool {
    matches!(view.state, StateView::Liquidatable | StateView::Insolvent)
}

pub fn level(view: &HealthView, level: Level) -> &LevelView {
    match level {
        Level::Init => &view.init,
        Level::Target => &view.target,
        Level::Maint => &view.maint,
    }
}

/// A vault with these positions: asset, side, shares.
pub fn vault(positions: &[(u8, u8, u64)]) -> Vault {
    let mut vault: Vault = bytemuck::Zeroable::zeroed();
    vault.version = 1;
    vault.position_count = positions.len() as u8;
    for (slot, (asset, side, shares)) in vault.positions.iter_mut().zip(positions) {
        *slot = Position { shares: *shares, asset: *asset, side: *side, padding: [0; 6] };
    }
    vault
}

/// One to three deposits and as many debts in some of these assets, worth from a few to a billion dollars; with the largest
/// debts that pass a level at a time, less a random part of them, which is mostly a tiny one.
pub fn on_the_brink(random: &mut Random, market: &Market, assets: &[u8], at: Level, now: u64) -> Vault {
    let mut chosen: Vec<u8> = assets.to_vec();
    while chosen.len() > 2 + random.below(5) {
        chosen.remove(random.below(chosen.len()));
    }
    let deposits = 1 + random.below(chosen.len() - 1);
    // Any of them are the deposits, not the first ones.
    let mut sides: Vec<u8> = (0..chosen.len()).map(|place| u8::from(place >= deposits)).collect();
    for place in (1..sides.len()).rev() {
        sides.swap(place, random.below(place + 1));
    }
    let size = random.scale(3, 30);
    let positions: Vec<_> = chosen
        .iter()
        .zip(&sides)
        .map(|(asset, side)| {
            let dollars = size.saturating_mul(random.between(1, 8));
            let spot = market.assets[usize::from(*asset)].spot().expect("a price");
            (*asset, *side, spot.amount_floor(Usd::new(dollars * DOLLAR)).get().max(2_000))
        })
        .collect();
    let scaled = |part: u64| {
        let debt = |shares: u64| ((u128::from(shares) * u128::from(part)) >> 32) as u64;
        let scale = |(asset, side, shares): &(u8, u8, u64)| {
            (*asset, *side, if *side == 1 { debt(*shares).max(1) } else { *shares })
        };
        vault(&positions.iter().map(scale).collect::<Vec<_>>())
    };
    let passes = |part: u64| level(&snapshot::health(market, &scaled(part), now), at).passes;
    let most = crate::judge::last(1 << 34, |part| part == 0 || passes(part)).expect("nothing owed passes");
    let less = match random.below(4) {
        0 => 0,
        1 => 1,
        _ => most >> random.between(6, 32),
    };
    scaled(most.saturating_sub(less).max(1))
}

/// The same with a little more debt: it fails the level.
pub fn beyond(vault: &Vault, random: &mut Random) -> Vault {
    let mut beyond = *vault;
    let part = 1 + random.scale(1, 20);
    for position in beyond.positions.iter_mut().filter(|position| position.side == 1) {
        position.shares = position.shares.saturating_add(1 + position.shares / (1 << 20) * part);
    }
    beyond
}
