//! What parameters must fulfil together, pair by pair: every combination of low, middle and high values of two parameters
//! that rules relate to each other, directly or through others, is accepted if and only if the book says so.

use std::collections::BTreeSet;

use ballast_tests::client::parameters::Row;
use ballast_tests::client::table::{Parameter as P, Scope};
use ballast_tests::client::{Role, change};
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::*;

use crate::judge::{ONE, Rule, Values, agrees, broken, follow, last, proposal, rules};

/// All pairs that rules connect.
fn pairs() -> BTreeSet<(P, P)> {
    let mut pairs: BTreeSet<(P, P)> = BTreeSet::new();
    for rule in rules() {
        if let Rule::Ordered(a, b, _) | Rule::Pays { bonus: a, haircut: b, .. } = rule {
            pairs.insert((a.min(b), a.max(b)));
        }
    }
    // Through a third one.
    loop {
        let ends = |pair: (P, P)| [pair, (pair.1, pair.0)];
        let all: Vec<_> = pairs.iter().copied().flat_map(ends).collect();
        let joined =
            all.iter().flat_map(|(a, b)| all.iter().filter(move |(c, d)| b == c && a != d).map(|(_, d)| (*a, *d)));
        let more: BTreeSet<_> = joined.filter(|(a, d)| a < d).collect();
        if more.is_subset(&pairs) {
            return pairs;
        }
        pairs.extend(more);
    }
}

/// Low, middle, high.
fn values(parameter: P) -> [u64; 3] {
    let row = parameter.row();
    [row.least, row.least.midpoint(row.most), row.most]
}

/// While a market is set up, and as a proposal for an asset that nobody uses: both ask the same.
#[test]
fn two_values_are_accepted_if_and_only_if_they_fit_together() {
    let (setting_up, open) = (Fixture::setting_up(1), Fixture::with_assets(1));
    let (mut fit, mut unfit) = (0, 0);
    let pairs = pairs();
    for (a, b) in &pairs {
        let asset = (a.scope() == Scope::Asset).then_some(0);
        let present = Values::of(&setting_up.market(), asset);
        for x in values(*a) {
            for y in values(*b) {
                let about = format!("{} = {x} with {} = {y}", a.name(), b.name());
                let wanted = follow(&present, &[(*a, x), (*b, y)]);
                let expected = broken(&wanted);
                if expected.is_empty() {
                    fit += 1
                } else {
                    unfit += 1
                }
                let mut edits = wanted.unlike(&present);
                edits.extend(
                    [(*a, x), (*b, y)].into_iter().filter(|(parameter, value)| present.get(*parameter) == *value),
                );
                let change = proposal(asset, &present, &edits);
                agrees(&setting_up.foresees_change(Role::Governance, &change), &expected, &about);
                if asset.is_some() {
                    agrees(&open.foresees_proposal(&change), &expected, &about);
                }
            }
        }
    }
    println!("{} pairs: {fit} combinations fit, {unfit} do not", pairs.len());
    // Three haircuts with two bonuses, three add-ons, eight points, eight rates, ages, band, patience.
    assert_eq!(pairs.len(), 10 + 3 + 28 + 28 + 1 + 1 + 1);
    assert!(fit > 200 && unfit > 150);
}

/// The largest bonus that a maintenance haircut can pay, to two units.
#[test]
fn a_bonus_is_what_the_maintenance_haircut_can_pay() {
    let market = Fixture::setting_up(1);
    let present = Values::of(&market.market(), Some(0));
    let fifth = P::BonusMost.row().most;
    for haircut in [0, 1, 2, 1_000, ONE / 1_000, ONE / 100, ONE / 10, ONE / 7, ONE / 5, ONE / 5 + 2, ONE / 4, ONE] {
        let tried = |bonus| {
            let values = [(P::HaircutMaint, haircut), (P::BonusMost, bonus), (P::BonusLeast, 0)];
            let moved = follow(&present, &values);
            // Nothing that was pinned has followed.
            let change = proposal(Some(0), &present, &moved.with(&values).unlike(&present));
            market.foresees_change(Role::Governance, &change)
        };
        let most = last(fifth, |bonus| tried(bonus).is_ok()).expect("no bonus at all");
        // haircut / (1 - haircut)
        let (h, whole) = (u128::from(haircut), 1u128 << 32);
        let exact = (h * whole / (whole - h)).min(u128::from(fifth)) as u64;
        assert!(most.abs_diff(exact) <= 2, "{most} instead of {exact} for a haircut of {haircut}");
        if most < fifth {
            agrees(&tried(most + 1), &[BallastError::BadRiskParameters.into()], "a larger one");
        }
    }
}

/// A haircut that is on its way up does not pay for a bonus yet.
#[test]
fn a_bonus_does_not_rise_with_the_haircut_that_is_to_pay_it() {
    let market = crate::table::used();
    let hundredth = ONE / 100;
    market.arranges(Some(0), &[(P::HaircutMaint, 3 * hundredth), (P::BonusLeast, 0), (P::BonusMost, 3 * hundredth)]);
    // 4 % pay for 1 / 24, and nothing less does.
    let both = [(P::HaircutMaint, 4 * hundredth), (P::BonusMost, ONE / 24 - 10)];
    // At the latest when it is due: where it would start from is not known before.
    if market.proposes("both", market.values_of("SOL", &both)).is_ok() {
        market.advances(86_400);
        expect_refusal(market.executes("both"), BallastError::BadRiskParameters);
    }

    // One after the other: the bonus when the haircut is there.
    market.proposes("haircut", market.values_of("SOL", &both[..1])).unwrap();
    market.advances(86_400);
    market.executes("haircut").unwrap();
    let bonus = market.values_of("SOL", &both[1..]);
    for seconds in [0, 86_400, 86_400 - 1] {
        market.advances(seconds);
        agrees(&market.foresees_proposal(&bonus), &[BallastError::BadRiskParameters.into()], "too early");
    }
    market.advances(1);
    market.proposes("bonus", bonus).unwrap();
    market.advances(86_400);
    market.refreshes_all();
    market.executes("bonus").unwrap();
}

/// Low, middle and high caps of an asset with and without a source, and with netting with and without a volatility.
#[test]
fn caps_rise_where_there_is_a_price_source_and_with_netting_a_volatility() {
    let not_ready = [BallastError::AssetNotReady.into()];
    for netting in [false, true] {
        let market = Fixture::setting_up(2);
        if netting {
            // BTC has no volatility at all.
            market.models(&one_factor([330, 290, 250], 3_000), |symbol| match symbol {
                "SOL" => moves(500, 200),
                _ => Row::default(),
            });
        }
        // Not in the model, and without a source.
        market.lists_bare(assets::token("ETH")).unwrap();
        market.lists_bare(assets::token("LST")).unwrap();
        let lst = market.index("LST");
        let source = assets::token("LST").listing.source();
        market.applies(Role::Governance, change::source(&market.market(), lst, 0, source)).unwrap();
        for (symbol, sourced, volatile) in
            [("SOL", true, true), ("BTC", true, false), ("ETH", false, false), ("LST", true, false)]
        {
            let index = market.index(symbol);
            let present = Values::of(&market.market(), Some(index));
            for deposits in [0, 1_000, u64::MAX] {
                for debts in [0, 1_000, u64::MAX] {
                    let wanted = [(P::DepositCap, deposits), (P::DebtCap, debts)];
                    let rises = wanted.iter().any(|(cap, value)| *value > present.get(*cap));
                    let ready = sourced && (!netting || volatile);
                    let expected = if rises && !ready { &not_ready[..] } else { &[] };
                    let got = market.foresees_change(Role::Governance, &proposal(Some(index), &present, &wanted));
                    agrees(&got, expected, &format!("{symbol}, netting {netting}: {deposits} and {debts}"));
                }
            }
        }
    }
}
