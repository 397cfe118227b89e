//! A market falls; a keeper refreshes prices and liquidates what it can, as the client advises.

use ballast_client::event::Liquidated;
use ballast_client::snapshot::best_liquidation;
use ballast_client::{Pubkey, StateView};
use ballast_tests::*;

/// Liquidates everybody as often as the client finds something to gain.
fn keeps(market: &Fixture, keeper: &Actor, people: &[Actor]) -> Vec<Liquidated> {
    let mut done = vec![];
    for debtor in people {
        for _ in 0..10 {
            let vault: Pubkey = debtor.vault_address();
            let now = market.now() as u64;
            let Some(best) = best_liquidation(&market.market(), vault, &debtor.vault(), now, |_| u64::MAX) else {
                break;
            };
            let tokens = market.tokens();
            let pays = native(tokens[usize::from(best.debt_asset)].symbol, best.liquidation.repay.get());
            keeper.is_given(pays);
            let takes = tokens[usize::from(best.collateral_asset)].symbol;
            let receipt = keeper.liquidates(debtor, pays, takes).unwrap();
            let event: Liquidated = receipt.event();
            assert_eq!((event.repaid, event.seized), (best.liquidation.repay.get(), best.liquidation.seize.get()));
            let most = (u128::from(event.repaid_value) * ((1 << 32) + u128::from(event.bonus))) >> 32;
            assert!(u128::from(event.seized_value) <= most);
            done.push(event);
        }
    }
    done
}

/// Ten people with several assets on both sides and ever more debt.
fn people(market: &Fixture) -> Vec<Actor> {
    let names = ["ada", "bea", "cem", "dan", "eve", "fay", "gus", "hal", "ivy", "jon"];
    let people = names.iter().enumerate().map(|(at, name)| {
        let actor = market.actor(name, &[sol("40"), eth("2"), lst("20"), gold("1"), btc("0.1")]);
        for money in [sol("40"), eth("2"), lst("20"), gold("1"), btc("0.1")] {
            actor.deposits(money).unwrap();
        }
        // 23,950 dollars of collateral; from 2,100 to 15,330 dollars of debt in three assets.
        let dollars = 1_000 + 700 * at as u64;
        for symbol in ["USDC", "USDT", "BONK"] {
            let part = if symbol == "BONK" { dollars / 10 } else { dollars };
            actor.borrows(market.worth(symbol, part)).unwrap();
        }
        actor
    });
    people.collect()
}

#[test]
fn a_crash_is_survived_without_a_loss_when_it_is_slow() {
    let market = Fixture::new().stocked();
    let keeper = market.actor("keeper", &[]);
    let people = people(&market);
    let mut liquidations = 0;
    let path = [
        ("140", "2900", "154"),
        ("125", "2600", "137"),
        ("110", "2350", "120"),
        ("96", "2000", "104"),
        ("84", "1750", "91"),
        ("75", "1550", "81"),
        ("66", "1400", "71"),
        ("60", "1250", "64"),
        ("54", "1150", "57"),
    ];
    for (sol, eth, lst) in path {
        market.advances(30);
        market.prices_move(&[("SOL", sol), ("ETH", eth), ("LST", lst)]);
        liquidations += keeps(&market, &keeper, &people).len();
        market.conservation();
        for person in &people {
            let state = person.state();
            assert!(matches!(state, StateView::Healthy | StateView::Restricted), "{state:?} with SOL at {sol}");
        }
    }
    assert!(liquidations > 5, "{liquidations}");
    // Afterwards everybody can pay and leave.
    for person in &people {
        for symbol in ["USDC", "USDT", "BONK"] {
            let owed = native(symbol, person.owes(symbol));
            person.is_given(owed);
            if owed.units > 0 {
                person.repays(native(symbol, u64::MAX)).unwrap();
            }
        }
        for held in person.vault().used().to_vec() {
            person.withdraws_all(market.tokens()[usize::from(held.asset)].symbol).unwrap();
        }
        person.closes_vault().unwrap();
    }
}

#[test]
fn a_fall_within_a_second_is_paid_by_lenders_once() {
    let market = Fixture::new().stocked();
    let keeper = market.actor("keeper", &[]);
    let people = people(&market);
    market.prices_move(&[("SOL", "15"), ("ETH", "200"), ("LST", "16"), ("GOLD", "900"), ("BTC", "6000")]);
    let indexes =
        |market: &Fixture| market.market().listed().iter().map(|asset| asset.supply_index).collect::<Vec<_>>();
    let before = indexes(&market);
    let liquidations = keeps(&market, &keeper, &people);
    assert!(liquidations.len() > 10);
    let broken = people.iter().filter(|person| person.vault().used().is_empty()).count();
    let paid = before.iter().zip(indexes(&market)).filter(|(before, after)| after < *before).count();
    assert!(broken > 0 && paid > 0, "{broken} {paid}");
    for person in &people {
        let vault = person.vault();
        let has_deposit = vault.used().iter().any(|held| held.side == 0);
        // Nobody is left with both: either he is above his maintenance requirement, or there is nothing to take.
        let state = person.state();
        assert!(!has_deposit || matches!(state, StateView::Healthy | StateView::Restricted), "{state:?} {vault:?}");
    }
    market.conservation();
    // The lender of what was repaid leaves with it.
    let lender = market.newcomer("lender");
    lender.withdraws_all("SOL").unwrap();
}
