//! Every plan is carried out by the compiled program as it was planned, to the last unit.

use std::collections::BTreeMap;

use ballast_client::account::{self, encode};
use ballast_client::event::Liquidated;
use ballast_client::instruction::MarketRef;
use ballast_client::risk::health::Side;
use ballast_client::risk::{Amount, Usd};
use ballast_client::table::Parameter;
use ballast_client::{ID, Market, Pubkey, StateView, Vault, snapshot, token};
use ballast_keeper::strategy::{self, Costs, Flow, Kind, LamportPrice, Plan, Purse, Situation, Terms, Token};
use ballast_tests::assets::{bps, tokens};
use ballast_tests::random::Random;
use ballast_tests::token22::{EXTENDED, Extension, token22};
use ballast_tests::vault::holding;
use ballast_tests::{Actor, Fixture, Receipt, address};

use crate::crowd;

/// Nine assets, some of them with a part of the bonus for the reserve, one with a fee on transfers; a liquidator with a
/// vault.
fn stage(modelled: bool) -> (Fixture, Actor) {
    let reserved = |(at, token): (usize, ballast_tests::assets::Token)| {
        if at % 3 == 0 { token.with(&[(Parameter::BonusReserve, bps(2_000))]) } else { token }
    };
    let market = Fixture::of(tokens(8).into_iter().enumerate().map(reserved).collect());
    let taxed = token22(EXTENDED);
    market.issues(&taxed, &[Extension::TransferFee { bps: 75, most: 3_000_000 }]);
    market.lists(taxed).expect("a listed asset");
    market.refreshes_all();
    let market = market.stocked();
    if modelled {
        market.adopts(6, 8);
        market.refreshes_all();
    }
    let bob = market.actor("bob", &[]);
    (market, bob)
}

fn now(market: &Fixture) -> u64 {
    u64::try_from(market.now()).expect("after 1970")
}

/// Writes a vault, with the books as they would be if it had come about by itself.
fn moves_in(market: &Fixture, address: &Pubkey, vault: &Vault) {
    let mut books = market.market();
    for position in vault.used() {
        let asset = &mut books.assets[usize::from(position.asset)];
        if position.side() == Side::Deposit {
            asset.deposit_shares += position.shares;
            asset.cash += position.shares;
        } else {
            asset.debt_shares += position.shares;
            asset.cash -= position.shares.min(asset.cash);
        }
    }
    rewrites(market, &books, address, vault);
}

/// Writes market, vault and tokens in custody past the program.
fn rewrites(market: &Fixture, books: &Market, address: &Pubkey, vault: &Vault) {
    market.counts_no_books();
    market.writes_data(&market.market_address(), &ID, encode(books));
    market.writes_data(address, &ID, encode(vault));
    for asset in books.listed() {
        holds(market, &asset.custody, asset.cash);
    }
}

/// Sets what a token account holds.
fn holds(market: &Fixture, account: &Pubkey, units: u64) {
    let mut there = market.account(account).expect("a token account");
    there.data[64..72].copy_from_slice(&units.to_le_bytes());
    market.writes(account, there);
}

/// A vault by chance that can be liquidated.
fn victim(random: &mut Random, market: &Fixture) -> Vault {
    let books = market.market();
    loop {
        let vault = crowd::close_call(random, &books, &market.market_address(), 9, 7);
        let state = snapshot::health(&books, &vault, now(market)).state;
        if matches!(state, StateView::Liquidatable | StateView::Insolvent) {
            return vault;
        }
    }
}

/// A purse by chance: of each asset nothing, little or plenty; some accounts are still to be created.
fn fills(random: &mut Random, market: &Fixture, bob: &Actor) -> Purse {
    let mut purse = Purse::default();
    let books = market.market();
    for (index, known) in market.tokens().iter().enumerate() {
        let (asset, wallet) = (index as u8, token::address(&bob.address(), &known.mint, &known.token_program));
        market.token_account(&bob.address(), known.symbol);
        let dollars = [0, 0, 20, 1_000, 100_000, 10_000_000][usize::try_from(random.between(0, 5)).expect("small")];
        let price = books.assets[index].spot().expect("a price");
        let amount = price.amount_floor(Usd::new(dollars * 1_000_000)).get();
        let exists = amount > 0 || random.once_in(2);
        if exists {
            holds(market, &wallet, amount);
        } else {
            market.writes(&wallet, Default::default());
        }
        purse.set(asset, Token { amount, exists, fee: Some(market.fee(known.symbol)) });
    }
    purse
}

/// What bob has of each asset in his wallet.
fn wallet(market: &Fixture, bob: &Actor) -> Vec<u64> {
    let known = market.tokens();
    let account = |at: &ballast_tests::assets::Token| token::address(&bob.address(), &at.mint, &at.token_program);
    known.iter().map(|token| market.balance(&account(token))).collect()
}

/// What moved when a plan was carried out.
fn realised(plan: &Plan, before: &[u64], after: &[u64], receipt: &Receipt) -> BTreeMap<u8, (u64, u64)> {
    if plan.kind == Kind::Into {
        assert_eq!(before, after, "no tokens move");
        let told: Liquidated = receipt.event();
        let debt = (told.debt_asset, (told.repaid + told.to_reserve, 0));
        return BTreeMap::from([debt, (told.collateral_asset, (0, told.seized))]);
    }
    let moved = before.iter().zip(after).enumerate().filter(|(_, (before, after))| before != after);
    let moved = moved
        .map(|(asset, (before, after))| (asset as u8, (before.saturating_sub(*after), after.saturating_sub(*before))));
    moved.collect()
}

/// The gain by plain arithmetic.
fn worth(market: &Market, moved: &BTreeMap<u8, (u64, u64)>) -> i64 {
    let value = |asset: &u8, units: u64| {
        let price = market.assets[usize::from(*asset)].spot().expect("a price");
        price.value_floor(Amount::new(units)).expect("a value").get() as i64
    };
    moved
        .iter()
        .map(|(asset, (paid, got))| value(asset, *got) - if *paid == 0 { 0 } else { value(asset, *paid) + 1 })
        .sum()
}

fn terms() -> Terms {
    let costs = Costs { unit_price: 20_000, lamport_price: LamportPrice::Asset(0), ..Costs::default() };
    Terms { least_profit: i64::MIN, absorb: true, costs, ..Terms::default() }
}

/// How often each kind was planned, and was the best.
#[derive(Debug, Default)]
struct Tally {
    planned: BTreeMap<&'static str, usize>,
    best: BTreeMap<&'static str, usize>,
}

/// Plans for vaults by chance, carries out every plan from the same state, and compares.
fn carries_out(seed: u64, modelled: bool, cases: usize, tally: &mut Tally) {
    let mut random = Random::new(seed);
    let (market, bob) = stage(modelled);
    let terms = terms();
    for case in 0..cases {
        let at = address(&format!("victim {seed} {case}"));
        let vault = victim(&mut random, &market);
        moves_in(&market, &at, &vault);
        if random.once_in(4) {
            lends_out(&mut random, &market, &at, &vault);
        }
        let purse = fills(&mut random, &market, &bob);
        let own = own_vault(&mut random, &market, &bob);
        let books = market.market();
        let situation = Situation {
            market: MarketRef::new(market.market_address(), &books),
            vault: (at, &vault),
            liquidator: bob.address(),
            purse: &purse,
            own: random.once_in(2).then_some((bob.vault_address(), &own)),
            terms: &terms,
            now: now(&market),
        };
        let plans = strategy::plans(&situation);
        assert!(plans.is_sorted_by_key(|plan| std::cmp::Reverse(plan.profit)), "the best first");
        for plan in &plans {
            *tally.planned.entry(plan.kind.name()).or_default() += 1;
            tries(&market, &bob, plan, &books);
        }
        if let Some(best) = plans.first() {
            *tally.best.entry(best.kind.name()).or_default() += 1;
        }
    }
}

/// Carries a plan out and puts everything back.
fn tries(market: &Fixture, bob: &Actor, plan: &Plan, books: &Market) {
    let instructions = plan.instructions(&MarketRef::new(market.market_address(), books), &bob.address());
    let written = instructions.iter().flat_map(|at| &at.accounts).filter(|meta| meta.is_writable);
    let named: Vec<Pubkey> = written.map(|meta| meta.pubkey).collect();
    let kept: Vec<_> = named.iter().map(|key| (*key, market.account(key).unwrap_or_default())).collect();
    let before = wallet(market, bob);
    let receipt = market.sends(&instructions, &[&bob.key]).unwrap_or_else(|refusal| panic!("{plan:#?}\n{refusal:#?}"));
    let moved = realised(plan, &before, &wallet(market, bob), &receipt);
    let planned: BTreeMap<u8, (u64, u64)> =
        plan.flows.iter().map(|Flow { asset, paid, received }| (*asset, (*paid, *received))).collect();
    assert_eq!(planned, moved, "{plan:#?}");
    assert_eq!(plan.gain, worth(books, &moved), "{plan:#?}");
    let state = snapshot::health(&market.market(), &account_of(market, plan), now(market));
    assert!(state.maint.decided || plan.kind == Kind::Absorb);
    for (key, account) in kept {
        market.writes(&key, account);
    }
}

fn account_of(market: &Fixture, plan: &Plan) -> Vault {
    let account = market.account(&plan.vault).expect("a vault");
    account::vault(&account.owner, &account.data).expect("a vault")
}

/// All tokens of a deposit of the vault, or almost all, are lent to somebody else.
fn lends_out(random: &mut Random, market: &Fixture, at: &Pubkey, vault: &Vault) {
    let mut books = market.market();
    for position in vault.used() {
        let asset = &mut books.assets[usize::from(position.asset)];
        if position.side() == Side::Deposit && random.once_in(2) {
            let left = if random.once_in(2) { 0 } else { position.shares / 7 };
            asset.debt_shares += asset.cash - left;
            asset.cash = left;
        }
    }
    rewrites(market, &books, at, vault);
}

/// Bob's vault has some dollars' worth of a stable coin.
fn own_vault(random: &mut Random, market: &Fixture, bob: &Actor) -> Vault {
    let usdc = market.index("USDC");
    let shares = 10u64.pow(u32::try_from(random.between(7, 13)).expect("small"));
    let mut vault = holding(&market.market_address(), &[(usdc, false, shares)]);
    (vault.owner, vault.bump) = (bob.address(), bob.vault().bump);
    moves_in(market, &bob.vault_address(), &vault);
    vault
}

/// Vaults for each market; more in a deep run.
fn cases() -> usize {
    if std::env::var("BALLAST_DEEP").is_ok_and(|value| value == "1") { 200 } else { 60 }
}

#[test]
fn every_plan_moves_what_it_says_and_gains_what_it_says() {
    let mut tally = Tally::default();
    for seed in 0..3 {
        carries_out(seed, false, cases(), &mut tally);
    }
    for kind in [Kind::Pair, Kind::Receivership, Kind::Into] {
        assert!(tally.best.get(kind.name()).copied().unwrap_or(0) >= 10, "{kind:?} is the best of some: {tally:?}");
    }
}

#[test]
fn every_plan_moves_what_it_says_in_a_market_with_a_model() {
    let mut tally = Tally::default();
    for seed in 100..102 {
        carries_out(seed, true, cases(), &mut tally);
    }
    assert!(tally.planned.values().sum::<usize>() > 100, "{tally:?}");
}

/// A vault that owes a thousand dollars and has so many lamports: what is planned for it by one who writes off or does not, and
/// whether the best plan leaves nothing of it.
fn crumbs(lamports: u64) -> (bool, Option<strategy::Plan>, bool) {
    let (market, bob) = stage(false);
    let (sol, usdc) = (market.index("SOL"), market.index("USDC"));
    let at = address("a vault of crumbs");
    let vault = holding(&market.market_address(), &[(sol, false, lamports), (usdc, true, 1_000_000_000)]);
    moves_in(&market, &at, &vault);
    let purse = fills(&mut Random::new(1), &market, &bob);
    let books = market.market();
    let wanted = Terms { least_profit: 50_000, receivership: false, into: false, ..terms() };
    let plans = |terms: &Terms| {
        strategy::plans(&Situation {
            market: MarketRef::new(market.market_address(), &books),
            vault: (at, &vault),
            liquidator: bob.address(),
            purse: &purse,
            own: None,
            terms,
            now: now(&market),
        })
    };
    let usual = !plans(&Terms { absorb: false, ..wanted.clone() }).is_empty();
    let plan = plans(&wanted).into_iter().next();
    let Some(best) = &plan else { return (usual, None, false) };
    let instructions = best.instructions(&MarketRef::new(market.market_address(), &books), &bob.address());
    market.sends(&instructions, &[&bob.key]).expect("it is taken");
    let empty = account_of(&market, best).used().is_empty();
    (usual, plan, empty)
}

#[test]
fn crumbs_that_hold_a_bad_debt_up_are_taken_at_a_small_loss_by_those_who_write_off() {
    // A hundredth of a cent.
    let (usual, plan, written_off) = crumbs(676);
    let plan = plan.expect("somebody takes the loss");
    assert!(!usual, "nobody earns by it");
    assert!(plan.profit < 0 && plan.profit >= plan.least, "{plan:#?}");
    assert!(written_off);
}

#[test]
fn what_is_worth_more_than_a_liquidation_has_to_bring_and_brings_less_is_taken_by_those_who_write_off() {
    // Ten cents, of which the bonus is less than five.
    let (usual, plan, written_off) = crumbs(676_000);
    let plan = plan.expect("somebody takes the little");
    assert!(!usual, "it is not enough for others");
    assert!((0..50_000).contains(&plan.profit) && plan.least < 0, "{plan:#?}");
    assert!(written_off);
    // Ten dollars bring enough, and are taken by everybody for that alone.
    let (usual, plan, _) = crumbs(67_600_000);
    assert!(usual && plan.is_some_and(|plan| plan.least == 50_000));
}
