//! The golden vectors through the client and through the compiled program, to the unit; and what they cover.

use std::collections::{BTreeMap, BTreeSet};

use anchor_lang::AnchorDeserialize;
use ballast_client::event::Liquidated;
use ballast_client::instruction::MarketRef;
use ballast_client::risk::haircut::Depth;
use ballast_client::risk::health::Level;
use ballast_client::risk::holding;
use ballast_client::risk::interest::Pool;
use ballast_client::risk::price::Price;
use ballast_client::risk::ramp::Ramp;
use ballast_client::risk::{Amount, Shares, Usd};
use ballast_client::token::SPL_TOKEN;
use ballast_client::{BallastError, HealthView, ID, LevelView, Market, Pubkey, StateView};
use ballast_client::{account, local, snapshot, token};
use ballast_tests::golden::codec::Plan;
use ballast_tests::golden::{Golden, MarketCase, START, Vector};
use ballast_tests::{Fixture, address, key};

fn golden() -> Golden {
    Golden::committed().expect("tests/golden/health.json: type `cargo xtask golden`")
}

fn levels(view: &HealthView) -> [&LevelView; 3] {
    [&view.init, &view.target, &view.maint]
}

#[test]
fn the_file_is_what_the_generator_writes() {
    let text = std::fs::read_to_string(ballast_tests::golden::path()).unwrap();
    assert!(Golden::generate().text().unwrap() == text, "type `cargo xtask golden` and see what changed");
    assert!(golden().text().unwrap() == text, "it is read as it is written");
}

#[test]
fn the_client_says_the_same_of_every_vector() {
    let golden = golden();
    let accounts: Vec<_> = golden.markets.iter().map(MarketCase::account).collect();
    for (at, vector) in golden.vectors.iter().enumerate() {
        let market = &accounts[vector.market];
        let vault = vector.account(&MarketRef::new(address("market"), market));
        assert_eq!(snapshot::health(market, &vault, vector.now), vector.view, "vector {at}");
        let most = vector.plan.map_or(u64::MAX, |plan| plan.most);
        let best = snapshot::best_liquidation(market, address("vault"), &vault, vector.now, |_| most);
        let plan = best.map(|best| Plan::new(best.debt_asset, best.collateral_asset, most, &best.liquidation));
        assert_eq!(plan, vector.plan, "vector {at}");
    }
}

#[test]
fn the_compiled_program_says_the_same_of_every_vector() {
    let golden = golden();
    let network = Fixture::without_market();
    network.counts_no_books();
    let (payer, vault) = (key("payer"), address("vault"));
    for (index, case) in golden.markets.iter().enumerate() {
        let market = case.account();
        let of = MarketRef::new(address(&format!("market {index}")), &market);
        network.writes_data(&of.address, &ID, account::encode(&*market));
        let all = golden.vectors.iter().enumerate();
        for (at, vector) in all.filter(|(_, vector)| vector.market == index) {
            network.writes_data(&vault, &ID, account::encode(&vector.account(&of)));
            network.sets_clock(vector.now as i64, 1_000 + at as u64);
            let receipt = network.simulates(&[of.view_health(&vault)], &[&payer]).expect("a view");
            let view = HealthView::try_from_slice(&receipt.return_data).expect("a health view");
            assert_eq!(view, vector.view, "vector {at}");
        }
    }
}

/// Writes the accounts of a liquidation: pools and wallets that have exactly what the plan moves.
fn stages(network: &Fixture, case: &MarketCase, vector: &Vector, plan: &Plan) -> Option<Box<Market>> {
    let (at, bob) = (address("market"), address("bob"));
    let mut market = case.account();
    let (authority, bump) = Pubkey::find_program_address(&[b"authority", at.as_ref()], &ID);
    (market.authority, market.authority_bump) = (authority, bump);
    for (index, side, name, cash, paid) in [
        (plan.debt_asset, 1, "debt", 0, plan.repay + plan.to_reserve),
        (plan.collateral_asset, 0, "collateral", plan.seize, 0),
    ] {
        let held = vector.positions.iter().find(|held| (held.asset, held.side) == (index, side))?.shares;
        let asset = &mut market.assets[usize::from(index)];
        let total = if side == 0 { &mut asset.deposit_shares } else { &mut asset.debt_shares };
        *total = held.max(*total);
        // Larger pools stop earning interest at some index, which is not what these vectors are about.
        if (asset.deposit_shares | asset.debt_shares) >> 52 != 0 {
            return None;
        }
        (asset.mint, asset.custody, asset.cash) = (address(&format!("{name} mint")), address(name), cash);
        let mint = local::mint(&bob, asset.decimals, u64::MAX);
        network.writes_data(&asset.mint, &SPL_TOKEN, mint);
        network.writes_data(&asset.custody, &SPL_TOKEN, local::token_account(&asset.mint, &authority, cash));
        let wallet = token::address(&bob, &asset.mint, &SPL_TOKEN);
        network.writes_data(&wallet, &SPL_TOKEN, local::token_account(&asset.mint, &bob, paid));
    }
    network.writes_data(&at, &ID, account::encode(&*market));
    let of = MarketRef::new(at, &market);
    network.writes_data(&address("vault"), &ID, account::encode(&vector.account(&of)));
    network.sets_clock(vector.now as i64, 1_000);
    Some(market)
}

#[test]
fn the_compiled_program_moves_what_the_plans_say() {
    let golden = golden();
    let network = Fixture::without_market();
    network.counts_no_books();
    network.gives_lamports(&address("bob"));
    let mut moved = 0;
    for (at, vector) in golden.vectors.iter().enumerate() {
        let Some(plan) = &vector.plan else { continue };
        let Some(market) = stages(&network, &golden.markets[vector.market], vector, plan) else { continue };
        let of = MarketRef::new(address("market"), &market);
        let (debt, collateral) = (plan.debt_asset, plan.collateral_asset);
        let liquidate = of.liquidate(&address("bob"), &address("vault"), debt, collateral, plan.most);
        match network.simulates(&[liquidate], &[&key("bob")]) {
            Ok(receipt) => {
                let event: Liquidated = receipt.event();
                let done = Plan { most: plan.most, debt_asset: event.debt_asset, ..*plan };
                let done = Plan {
                    repay: event.repaid,
                    to_reserve: event.to_reserve,
                    seize: event.seized,
                    bonus: event.bonus,
                    ..done
                };
                let done = Plan { repaid_value: event.repaid_value, seized_value: event.seized_value, ..done };
                assert_eq!(done, *plan, "vector {at}");
                let maint = vector.view.maint;
                assert_eq!((event.equity_before, event.requirement_before), (maint.equity, maint.requirement));
                moved += 1;
            }
            // Less than a share, or a pool beyond 64 bits: refused by the books, which are no part of a plan.
            Err(refusal) => {
                let books = [BallastError::AmountTooSmall.into(), BallastError::AmountOutOfRange.into()];
                assert!(books.contains(&refusal.fault), "vector {at}: {refusal:#?}");
            }
        }
    }
    assert!(moved >= 100, "{moved}");
}

#[test]
fn what_is_stored_for_speed_follows_from_the_rest() {
    for case in golden().markets.iter().flat_map(|market| &market.assets) {
        let asset = &case.asset;
        let spot = Price::from_decimal_floor(case.number, case.exponent, asset.decimals).ok();
        assert_eq!((asset.spot(), asset.spot().is_some()), (spot, case.number > 0));
        assert_eq!(Depth::new(Usd::new(asset.depth)), Some(asset.depth(u64::MAX)));
        let ramp = Ramp::new(asset.ramp_start, asset.ramp_end - asset.ramp_start).unwrap();
        assert_eq!(asset.ramp(), ramp);
        let mut renewed = *asset;
        renewed.accrue(asset.accrued_at);
        assert_eq!((renewed.units, renewed.unit_shifts), (asset.units, asset.unit_shifts));
    }
}

#[test]
fn what_the_numbers_say_agrees_with_itself() {
    for (at, vector) in golden().vectors.iter().enumerate() {
        for level in levels(&vector.view).into_iter().filter(|level| level.decided) {
            assert_eq!(level.equity, level.assets as i64 - level.debts as i64, "vector {at}");
            assert!(level.requirement >= level.floor && level.requirement >= level.stress, "vector {at}");
            assert!(level.floor <= level.haircuts, "vector {at}");
            let square = u128::from(level.requirement) * u128::from(level.requirement);
            assert!(square >= level.portfolio_squared, "vector {at}");
            // Exactly the requirement may be refused, for the rounding of exposures; more is not, and less never passes.
            let slack = i128::from(level.equity) - i128::from(level.requirement);
            let rounding = i128::from((level.assets + level.debts) >> 25) + 1;
            assert!(if level.passes { slack >= -rounding } else { slack < rounding }, "vector {at}: {slack}");
        }
        let [_, target, maint] = levels(&vector.view);
        assert!(maint.requirement <= target.requirement, "vector {at}");
        if let Some(plan) = vector.plan {
            assert!(plan.repay > 0 && plan.repay <= plan.most && plan.seize > 0, "vector {at}");
            let most = (u128::from(plan.repaid_value) * ((1 << 32) + u128::from(plan.bonus))) >> 32;
            assert!(u128::from(plan.seized_value) <= most, "vector {at}");
        }
        let liquidatable = matches!(vector.view.state, StateView::Liquidatable | StateView::Insolvent);
        assert!(liquidatable || vector.plan.is_none(), "vector {at}");
    }
}

/// The vault after its plan, and whether the pair has come to its end.
fn after(market: &Market, vector: &Vector, plan: &Plan) -> Option<(HealthView, bool)> {
    let mut vault = vector.account(&MarketRef::new(address("market"), market));
    let pool = |index: u8, cash: u64| {
        let pool = market.assets[usize::from(index)].accrued_pool(vector.now);
        let all = Shares::new(u64::MAX);
        Pool { cash: Amount::new(cash), deposit_shares: all, debt_shares: all, ..pool }
    };
    let (debt, collateral) = (vault.holding(plan.debt_asset), vault.holding(plan.collateral_asset));
    let repaid = holding::repay(&mut pool(plan.debt_asset, 0), debt, Amount::new(plan.repay)).ok()?;
    let seized = Some(Amount::new(plan.seize));
    let taken = holding::withdraw(&mut pool(plan.collateral_asset, u64::MAX), collateral, seized).ok()?;
    vault.set_holding(plan.debt_asset, repaid.holding).unwrap();
    vault.set_holding(plan.collateral_asset, taken.holding).unwrap();
    let ended = repaid.holding.shares.is_zero() || taken.holding.shares.is_zero();
    Some((snapshot::health(market, &vault, vector.now), ended))
}

#[test]
fn every_plan_leads_towards_the_target_and_not_beyond() {
    let golden = golden();
    let accounts: Vec<_> = golden.markets.iter().map(MarketCase::account).collect();
    let (mut tried, mut stopped) = (0, 0);
    for (at, vector) in golden.vectors.iter().enumerate() {
        let Some(plan) = &vector.plan else { continue };
        let market = &accounts[vector.market];
        let Some((view, ended)) = after(market, vector, plan) else { continue };
        let missing = |level: &LevelView| i128::from(level.requirement) - i128::from(level.equity);
        let (before, after) = (missing(&vector.view.target), missing(&view.target));
        let LevelView { assets, debts, .. } = vector.view.target;
        // A share of each (the books move whole ones, each worth its index in native units), and what a unit value lacks of a
        // price.
        let unit = |index: u8| {
            let asset = &market.assets[usize::from(index)];
            let share = asset.supply_index.max(asset.borrow_index).div_ceil(1 << 52);
            asset.spot().unwrap().value_floor(Amount::new(share)).map_or(0, Usd::get) + 1
        };
        let rounding = ((assets + debts) >> 25) + 2 * unit(plan.debt_asset) + 2 * unit(plan.collateral_asset);
        let rounding = i128::from(rounding);
        // A pair that comes to its end, so that no dust is left, may go further.
        assert!(ended || after >= -rounding, "vector {at}: {after} after {before}, {rounding}");
        // No liquidation brings an insolvent vault to a target, and a saturated requirement says nothing of distances.
        let solvent = vector.view.state == StateView::Liquidatable && vector.view.target.requirement < u64::MAX;
        assert!(!solvent || after <= before + rounding, "vector {at}: {after} after {before}, {rounding}");
        tried += 1;
        stopped += usize::from(!ended);
    }
    assert!(tried >= 80 && stopped >= 40, "{tried}, {stopped}");
}

/// How many vectors there are of each kind.
fn census(golden: &Golden) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut count = |kind: String| *counts.entry(kind).or_default() += 1;
    for Vector { market, now, positions, view, plan } in &golden.vectors {
        let MarketCase { market, assets } = &golden.markets[*market];
        count("all".into());
        count(format!("{:?}", view.state));
        for (name, level) in Level::ALL.iter().zip(levels(view)) {
            match level.decided {
                true if level.requirement > 0 => count(format!("{name:?} {:?}", level.binding)),
                true => {}
                false => count(format!("{name:?} undecided")),
            }
        }
        count(format!("{} positions", positions.len()));
        if market.terms[0].netting != 0 {
            count(format!("{} factors", market.terms[0].factors));
            count(if *now <= market.valid_until { "valid" } else { "expired" }.into());
        }
        count(format!("{} scenarios", market.terms[0].scenarios));
        if *now < market.change_end {
            count("changing".into());
        }
        if plan.is_some() {
            count("plans".into());
        }
        for held in positions {
            let asset = &assets[usize::from(held.asset)].asset;
            if (asset.ramp_start..asset.ramp_end).contains(now) {
                count("ramps".into());
            }
        }
    }
    counts
}

#[test]
fn the_vectors_cover_what_they_promise() {
    let golden = golden();
    let counts = census(&golden);
    let least = |kind: &str, number: usize| {
        let found = counts.get(kind).copied().unwrap_or_default();
        assert!(found >= number, "{found} of {number} for {kind}: {counts:#?}");
    };
    least("all", 500);
    for state in ["Healthy", "Restricted", "Liquidatable", "Insolvent", "Unpriced"] {
        least(state, 40);
    }
    for level in ["Init", "Target", "Maint"] {
        for binding in ["Haircuts", "Portfolio", "Stress", "undecided"] {
            least(&format!("{level} {binding}"), 40);
        }
    }
    (0..=32).for_each(|count| least(&format!("{count} positions"), 1));
    (0..=6).for_each(|count| least(&format!("{count} factors"), 10));
    (0..=8).for_each(|count| least(&format!("{count} scenarios"), 10));
    for (kind, number) in [("expired", 40), ("valid", 40), ("plans", 100), ("ramps", 100), ("changing", 80)] {
        least(kind, number);
    }
    let assets: Vec<_> = golden.markets.iter().flat_map(|market| &market.assets).collect();
    let decimals: BTreeSet<_> = assets.iter().map(|case| case.asset.decimals).collect();
    assert_eq!(decimals, (0..=18).collect());
    let has = |number, exponent| assets.iter().any(|case| (case.number, case.exponent) == (number, exponent));
    assert!(has(1_000, -18) && has(1_000_000_000, 0), "1e-15 and 1e9 dollars");
    assert!(golden.vectors.iter().any(|vector| vector.positions.iter().any(|held| held.shares == u64::MAX)));
    assert!(golden.vectors.iter().all(|vector| vector.now < 2 * START));
}
