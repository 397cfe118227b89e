//! `begin_liquidation` to `end_liquidation`: several debts from the purse for several deposits, in one transaction.
//!
//! All that is gained is the bonus, so more is better until the target of the vault is reached: the largest repayment
//! is looked for by halving, each time rehearsed under the rules of `end_liquidation`. Deposits are taken by their
//! bonus, the best first. Where the schedule's bonus would leave the vault with less margin, it is tried again at the
//! least bonus, which the program always allows.

use ballast_client::Asset;
use ballast_client::rehearsal::{Outcome, Receivership, Step as Move};
use ballast_client::risk::health::Side;
use ballast_client::risk::price::Price;
use ballast_client::risk::{Amount, Fraction, Usd};

use super::Situation;
use super::plan::{Flow, Kind, Plan, Step};
use super::purse::Token;

/// Halvings until the largest repayment is found: to a two-thousandth, a half of the usual margin.
const HALVINGS: usize = 11;
/// Most assets that are repaid, and that are seized. More do not fit a transaction.
const MOST_ASSETS: usize = 6;
const ONE: u128 = 1 << 32;
/// A cent: what is worth less is not worth an instruction, micro-dollars.
const LEAST_VALUE: u64 = 10_000;

/// One position as a receivership could move it.
#[derive(Clone, Copy)]
struct Movable<'a> {
    asset: u8,
    record: &'a Asset,
    price: Price,
    token: Token,
    /// Most native units that can be moved, and what they are worth, micro-dollars.
    most: u64,
    value: u64,
}

/// The best receivership for which the purse pays. `None` where none would be settled or fit a transaction.
pub(super) fn plan(situation: &Situation<'_>) -> Option<Plan> {
    let (_, vault) = situation.vault;
    let open = Receivership::begin(situation.market.market, vault, situation.now)?;
    let [mut debts, deposits] = [Side::Debt, Side::Deposit].map(|side| positions(situation, side));
    debts.sort_by_key(|debt| std::cmp::Reverse(debt.value));
    let mut best: Option<Plan> = None;
    // Where no deposit pays more than its least bonus, the second round would be the first one again.
    let pays_more = |deposit: &Movable<'_>| {
        let [schedule, at_least] = open.bonuses(deposit.record);
        schedule > at_least
    };
    let rounds: &[bool] = if deposits.iter().any(pays_more) { &[false, true] } else { &[false] };
    for least in rounds.iter().copied() {
        let bonus = |record: &Asset| {
            let [schedule, at_least] = open.bonuses(record);
            if least { at_least } else { schedule }
        };
        let mut deposits: Vec<_> = deposits.iter().map(|deposit| (*deposit, bonus(deposit.record))).collect();
        deposits.sort_by_key(|(deposit, bonus)| (std::cmp::Reverse(*bonus), std::cmp::Reverse(deposit.value)));
        let found = largest(situation, &open, &debts, &deposits);
        if found.as_ref().map(|plan| plan.profit) > best.as_ref().map(|plan| plan.profit) {
            best = found;
        }
    }
    best
}

/// The positions of one side that can be moved: with a price, with tokens in purse or pool, and with a mint that lets
/// them.
fn positions<'a>(situation: &Situation<'a>, side: Side) -> Vec<Movable<'a>> {
    let (_, vault) = situation.vault;
    let (market, now) = (situation.market.market, situation.now);
    let position = |asset: u8| {
        let record = market.listed().get(usize::from(asset))?;
        let price = record.usable_spot(now).ok()?;
        let token = situation.purse.token(asset, record);
        token.fee?;
        let whole = vault.holding(asset).amount(&record.accrued_pool(now)).ok()?.get();
        let most = match side {
            Side::Debt => whole.min(token.most()),
            Side::Deposit => whole.min(record.cash),
        };
        let value = price.value_floor(Amount::new(most)).ok()?.get();
        (value >= LEAST_VALUE).then_some(Movable { asset, record, price, token, most, value })
    };
    let held = vault.used().iter().filter(|at| at.side() == side);
    held.filter_map(|at| position(at.asset)).collect()
}

/// What is repaid and what is seized.
struct Moves {
    repayments: Vec<Move>,
    seizures: Vec<Move>,
}

/// The plan with the largest repayment that is settled and fits a transaction.
fn largest(
    situation: &Situation<'_>,
    open: &Receivership<'_>,
    debts: &[Movable<'_>],
    deposits: &[(Movable<'_>, Fraction)],
) -> Option<Plan> {
    // As many assets as fit: with fewer of them less is moved.
    let sizes = (2..=2 * MOST_ASSETS).rev().map(|count| {
        let debts = debts.len().min(count / 2);
        (debts, deposits.len().min(count - debts))
    });
    let mut sizes: Vec<_> = sizes.collect();
    sizes.dedup();
    sizes.into_iter().find_map(|(some_debts, some_deposits)| {
        let (debts, deposits) = (debts.get(..some_debts)?, deposits.get(..some_deposits)?);
        let moves = most_settled(situation, open, debts, deposits)?;
        build(situation, debts, deposits, &moves)
    })
}

fn most_settled(
    situation: &Situation<'_>,
    open: &Receivership<'_>,
    debts: &[Movable<'_>],
    deposits: &[(Movable<'_>, Fraction)],
) -> Option<Moves> {
    let settled = |value: u64| {
        let moves = moves(situation, open, debts, deposits, value)?;
        (open.end(&moves.repayments, &moves.seizures) == Outcome::Settled).then_some(moves)
    };
    let all: u64 = debts.iter().map(|debt| debt.value).sum();
    if let Some(moves) = settled(all) {
        return Some(moves);
    }
    let (mut good, mut bad, mut best) = (0, all, None);
    for _ in 0..HALVINGS {
        let middle = good + (bad - good) / 2;
        match settled(middle) {
            Some(moves) => (good, best) = (middle, Some(moves)),
            None => bad = middle,
        }
    }
    best
}

/// Repays this value, from the first debt on, and seizes what it pays for, from the first deposit on, less the margin.
/// Where the deposits are not worth as much, no more is repaid than they cost.
fn moves(
    situation: &Situation<'_>,
    open: &Receivership<'_>,
    debts: &[Movable<'_>],
    deposits: &[(Movable<'_>, Fraction)],
    value: u64,
) -> Option<Moves> {
    let cost = |(deposit, bonus): &(Movable<'_>, Fraction)| {
        open.cost(Move { asset: deposit.asset, amount: deposit.most }, *bonus).map(Usd::get)
    };
    let affordable: u64 = deposits.iter().filter_map(cost).sum();
    let bps = u64::from(situation.terms.margin_bps);
    let with_margin = |value: u64| value.saturating_add(value.saturating_mul(bps) / 10_000);
    let mut left = value.min(with_margin(affordable).saturating_add(debts.len() as u64));
    let (mut repayments, mut repaid) = (vec![], 0u64);
    for debt in debts {
        let amount = if left >= debt.value { debt.most } else { debt.price.amount_floor(Usd::new(left)).get() };
        let worth = debt.price.value_floor(Amount::new(amount)).ok()?.get();
        if worth >= LEAST_VALUE {
            repayments.push(Move { asset: debt.asset, amount });
            repaid = repaid.saturating_add(worth);
            left = left.saturating_sub(worth);
        }
    }
    let mut budget = repaid.saturating_sub(repaid.saturating_mul(bps) / 10_000);
    let mut seizures = vec![];
    for (deposit, bonus) in deposits {
        let (amount, cost) = bought(open, deposit, *bonus, budget)?;
        if amount > 0 {
            seizures.push(Move { asset: deposit.asset, amount });
            budget = budget.saturating_sub(cost);
        }
    }
    (!repayments.is_empty() && !seizures.is_empty()).then_some(Moves { repayments, seizures })
}

/// The most of a deposit that a budget pays for at a bonus, and what it costs of it.
fn bought(open: &Receivership<'_>, deposit: &Movable<'_>, bonus: Fraction, budget: u64) -> Option<(u64, u64)> {
    let grown = u128::from(budget) * (ONE + u128::from(bonus.get())) / ONE;
    // The cost counts one micro-dollar on top of the value.
    let value = u64::try_from(grown).ok()?.saturating_sub(2);
    let amount = deposit.price.amount_floor(Usd::new(value)).get().min(deposit.most);
    let cost = open.cost(Move { asset: deposit.asset, amount }, bonus)?.get();
    Some(if cost < LEAST_VALUE || cost > budget { (0, 0) } else { (amount, cost) })
}

fn build(
    situation: &Situation<'_>,
    debts: &[Movable<'_>],
    deposits: &[(Movable<'_>, Fraction)],
    moves: &Moves,
) -> Option<Plan> {
    let (mut steps, mut flows) = (vec![Step::Begin], vec![]);
    for Move { asset, amount } in &moves.repayments {
        let debt = debts.iter().find(|debt| debt.asset == *asset)?;
        let paid = debt.token.sent(*amount)?;
        steps.push(Step::Repay { asset: *asset, most: paid });
        flows.push(Flow { asset: *asset, paid, received: 0 });
    }
    for Move { asset, amount } in &moves.seizures {
        let (deposit, _) = deposits.iter().find(|(deposit, _)| deposit.asset == *asset)?;
        steps.push(Step::Seize { asset: *asset, amount: *amount });
        flows.push(Flow { asset: *asset, paid: 0, received: deposit.token.received(*amount)? });
    }
    steps.push(Step::End);
    Plan::new(situation, Kind::Receivership, steps, super::plan::flows(flows), situation.vault.0)
}
