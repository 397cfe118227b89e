//! The parameter table through the compiled program, row by row as the table lists them: ranges in a market that is being set
//! up, directions and steps in one that is open. A new row is tested without a change to this file.

use ballast_tests::client::table::{Parameter as P, Scope};
use ballast_tests::client::{Market, Proposal, Role};
use ballast_tests::*;
use client::risk::Usd;
use client::risk::price::Price;

use crate::judge::{
    self, Values, agrees, broken, follow, in_range, of, proposal, small_enough, targets, tightens, within,
};

/// SOL is asset 0.
pub const ASSET: u8 = 0;
/// An asset that nobody has anything in.
const UNUSED: u8 = 3;

fn fault(error: BallastError) -> Fault {
    error.into()
}

/// The asset that a parameter of this scope belongs to.
fn subject(scope: Scope) -> Option<u8> {
    (scope == Scope::Asset).then_some(ASSET)
}

/// An open market in which the first three assets have deposits and debts.
pub fn used() -> Fixture {
    let market = Fixture::setting_up(4);
    let (lender, borrower) = (market.actor("lender", &[]), market.actor("borrower", &[]));
    for symbol in ["SOL", "BTC", "ETH"] {
        for actor in [&lender, &borrower] {
            actor.is_given(market.worth(symbol, 1_000_000));
            actor.deposits(market.worth(symbol, 1_000_000)).unwrap();
        }
    }
    for (id, symbol) in [(0, "SOL"), (1, "BTC"), (2, "ETH")] {
        let other = if symbol == "SOL" { "BTC" } else { "SOL" };
        let vault = lender.with_vault(id + 1);
        vault.opens_vault().unwrap();
        vault.is_given(market.worth(other, 1_000_000));
        vault.deposits(market.worth(other, 1_000_000)).unwrap();
        vault.borrows(market.worth(symbol, 100_000)).unwrap();
        let asset = market.asset(symbol);
        assert!(asset.deposit_shares > 0 && asset.debt_shares > 0);
    }
    market
}

/// Where a parameter stands when it is moved: as it is, at the ends of its range, in the middle, and off.
fn presents(parameter: P, listed: u64) -> Vec<u64> {
    let row = parameter.row();
    let mut found = vec![listed, row.least, row.least.midpoint(row.most), row.most];
    found.extend(row.zero_is_off.then_some(0));
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn a_code_stands_for_one_parameter() {
    for code in 0..=u8::MAX {
        let named: Vec<_> = P::ALL.iter().filter(|parameter| parameter.code() == code).collect();
        assert_eq!(named, P::from_code(code).iter().collect::<Vec<_>>(), "code {code}");
    }
    for parameter in P::ALL {
        let row = parameter.row();
        assert!(row.least <= row.most, "{}", parameter.name());
        // The smallest change of the guards against an ambush: whatever ramps, tightens in steps or towards a floor.
        assert!(!row.ramps || row.tightens != client::table::Tightens::Never, "{}", parameter.name());
    }
}

/// Values at and beyond the ends of a range, by themselves and with what the rules relate to them.
#[test]
fn every_parameter_keeps_its_range_while_a_market_is_set_up() {
    let market = Fixture::setting_up(1);
    let (mut alone, mut along, mut refused) = (0, 0, 0);
    for &parameter in P::ALL {
        let (row, asset) = (parameter.row(), subject(parameter.scope()));
        let present = Values::of(&market.market(), asset);
        let mut values = vec![row.least, row.least.midpoint(row.most), row.most, 0];
        values.extend(row.least.checked_sub(1));
        values.extend(row.most.checked_add(1));
        for value in values {
            let about = format!("{} = {value}", parameter.name());
            let mut set = vec![(parameter, value)];
            for with_others in [false, true] {
                let wanted = if with_others { follow(&present, &set) } else { present.with(&set) };
                set.extend(wanted.unlike(&present).into_iter().filter(|(other, _)| *other != parameter));
                let expected =
                    if in_range(row, value) { broken(&wanted) } else { vec![fault(BallastError::ParameterOutOfRange)] };
                let got = market.foresees_change(Role::Governance, &proposal(asset, &present, &set));
                agrees(&got, &expected, &about);
                if let Ok(after) = got {
                    assert_eq!(Values::of(&after, asset), wanted, "{about}");
                    alone += usize::from(!with_others);
                    along += usize::from(with_others && set.len() > 1);
                } else {
                    refused += 1;
                }
            }
        }
    }
    println!("{alone} accepted alone, {along} with others, {refused} refused");
    assert!(alone > 3 * P::ALL.len() / 2 && along > P::ALL.len() / 4 && refused > P::ALL.len());
}

/// A number that does not fit the bytes of its parameter is not cut to what does.
#[test]
fn no_value_is_cut_to_its_width() {
    let market = Fixture::setting_up(1);
    for &parameter in P::ALL {
        let asset = subject(parameter.scope());
        let present = Values::of(&market.market(), asset);
        for bits in [8, 16, 32, 48, 63] {
            let value = present.get(parameter) ^ (1 << bits);
            let got = market.foresees_change(Role::Governance, &proposal(asset, &present, &[(parameter, value)]));
            let about = format!("{} = {value}", parameter.name());
            if !in_range(parameter.row(), value) {
                agrees(&got, &[fault(BallastError::ParameterOutOfRange)], &about);
            } else if let Ok(after) = got {
                assert_eq!(Values::of(&after, asset).get(parameter), value, "{about}");
            }
        }
    }
}

/// What a signer may do at once is refused for these reasons, or for none.
fn at_once(role: Role, parameter: P, from: u64, to: u64, free: bool, first: u64) -> Vec<Fault> {
    let row = parameter.row();
    let may = match role {
        Role::Governance | Role::Guardian => tightens(row, from, to),
        Role::Steward => within(row.steward, from, to, 0),
    };
    if !in_range(row, to) {
        vec![fault(BallastError::ParameterOutOfRange)]
    } else if !may {
        vec![fault(BallastError::MustWait)]
    } else {
        stepped(parameter, from, to, free, first, false)
    }
}

/// What is proposed, or not, is refused for these reasons, or for none.
fn stepped(parameter: P, from: u64, to: u64, free: bool, first: u64, proposed: bool) -> Vec<Fault> {
    let row = parameter.row();
    // A cap is worth no more than the end of the band says.
    let bounded = matches!(row.step, client::table::Step::Growth) || parameter == P::BandHigh;
    if !in_range(row, to) {
        vec![fault(BallastError::ParameterOutOfRange)]
    } else if (!free || bounded) && !small_enough(row, from, to, first, proposed) {
        vec![fault(BallastError::StepTooLarge)]
    } else {
        vec![]
    }
}

/// What a cap may grow to from zero, whatever its step: what the market's first cap buys at the end of the band, or what is
/// there already.
fn first(market: &Market, asset: Option<u8>, parameter: P, now: u64) -> u64 {
    let Some(index) = asset else { return 0 };
    let asset = &market.assets[usize::from(index)];
    let pool = asset.accrued_pool(now);
    let there = if parameter == P::DebtCap { pool.debts_floor() } else { pool.deposits_ceil() };
    let end =
        Price::from_decimal_floor(asset.band_high, -12, asset.decimals).ok().filter(|_| asset.band_high < u64::MAX);
    let bought = end.map_or(0, |price| price.amount_floor(Usd::new(market.first_cap)).get());
    bought.max(there.expect("fits 64 bits").get())
}

/// Every parameter of a scope, from several values to all where something changes, at once by every role and as a proposal.
fn moves(scope: Scope, asset: Option<u8>, free: bool) {
    let market = used();
    let base = market.market();
    let listed = Values::of(&base, asset);
    let (mut accepted, mut refused) = (0, 0);
    for parameter in of(scope) {
        let mut from = presents(parameter, listed.get(parameter));
        if free {
            // Of an asset in use all of them.
            from.retain(|value| *value == listed.get(parameter) || *value == parameter.row().least);
        }
        for from in from {
            let arranged = follow(&listed, &[(parameter, from)]);
            if !broken(&arranged).is_empty() {
                // The ends of a curve have one value.
                continue;
            }
            market.restores(&base);
            market.arranges(asset, &arranged.unlike(&listed));
            let account = market.market();
            let present = Values::of(&account, asset);
            assert_eq!(present, arranged);
            let first = first(&account, asset, parameter, market.second());
            for to in targets(parameter.row(), from, first) {
                let after = present.with(&[(parameter, to)]);
                let change = proposal(asset, &present, &[(parameter, to)]);
                let about = format!("{} from {from} to {to}", parameter.name());
                let mut check = |got: drill::Foresight, mut expected: Vec<Fault>, who: &str, counts: bool| {
                    if expected.is_empty() {
                        expected = broken(&after);
                    }
                    agrees(&got, &expected, &format!("{who}: {about}"));
                    match got {
                        Ok(market) => {
                            accepted += 1;
                            let expected = if counts { &after } else { &present };
                            assert_eq!(&Values::of(&market, asset), expected, "{who}: {about}");
                        }
                        Err(_) => refused += 1,
                    }
                };
                for role in Role::ALL {
                    let expected = at_once(role, parameter, from, to, free, first);
                    check(market.foresees_change(role, &change), expected, &format!("{role:?}"), true);
                }
                let expected = stepped(parameter, from, to, free, first, true);
                check(market.foresees_proposal(&change), expected, "proposed", false);
            }
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 100 && refused > 100);
}

/// From every value a proposal leads on in both directions, whatever else has to move along; or nothing that was tightened,
/// or turned off, could ever be taken back.
#[test]
fn no_value_is_a_dead_end() {
    let market = used();
    let base = market.market();
    let mut found: Vec<String> = vec![];
    for scope in [Scope::Asset, Scope::Market] {
        let asset = subject(scope);
        let listed = Values::of(&base, asset);
        for parameter in of(scope) {
            let (row, rank) = (parameter.row(), |value| judge::rank(parameter.row(), value));
            for from in presents(parameter, listed.get(parameter)) {
                let arranged = follow(&listed, &[(parameter, from)]);
                if !broken(&arranged).is_empty() {
                    continue;
                }
                market.restores(&base);
                market.arranges(asset, &arranged.unlike(&listed));
                let first = first(&market.market(), asset, parameter, market.second());
                for up in [false, true] {
                    let there = |to: &u64| if up { rank(*to) > rank(from) } else { rank(*to) < rank(from) };
                    let fits = |to: &u64| broken(&follow(&arranged, &[(parameter, *to)])).is_empty();
                    let wanted =
                        targets(row, from, first).into_iter().filter(|to| in_range(row, *to) && there(to) && fits(to));
                    let mut wanted = wanted.peekable();
                    let nowhere_to_go = wanted.peek().is_none();
                    let led_on = wanted.any(|to| {
                        let moved = follow(&arranged, &[(parameter, to)]);
                        market.foresees_proposal(&proposal(asset, &arranged, &moved.unlike(&arranged))).is_ok()
                    });
                    if !nowhere_to_go && !led_on {
                        found.push(format!("{} from {from}, up: {up}", parameter.name()));
                    }
                }
            }
        }
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn of_an_asset_in_use_tightening_passes_at_once_and_everything_else_waits_in_steps() {
    moves(Scope::Asset, Some(ASSET), false);
}

#[test]
fn of_an_asset_that_nobody_uses_only_caps_have_steps_and_what_loosens_waits_all_the_same() {
    moves(Scope::Asset, Some(UNUSED), true);
}

#[test]
fn of_the_market_tightening_passes_at_once_and_everything_else_waits_in_steps() {
    moves(Scope::Market, None, false);
}

/// In a set-up, at once, proposed, and executed when the value has changed meanwhile.
#[test]
fn a_change_is_refused_when_a_value_is_not_the_one_it_was_written_against() {
    let (setting_up, open) = (Fixture::setting_up(1), used());
    for &parameter in P::ALL {
        let asset = subject(parameter.scope());
        for market in [&setting_up, &open] {
            let present = Values::of(&market.market(), asset);
            for other in [present.get(parameter).wrapping_add(1), present.get(parameter).wrapping_sub(1), u64::MAX / 3]
            {
                let wrong = present.with(&[(parameter, other)]);
                let change = proposal(asset, &wrong, &[(parameter, present.get(parameter))]);
                let about = format!("{} from {other}", parameter.name());
                for role in
                    Role::ALL.into_iter().filter(|role| *role == Role::Governance || !market.market().in_setup())
                {
                    let got = market.foresees_change(role, &change);
                    agrees(&got, &[fault(BallastError::ValueChanged)], &about);
                }
                let refusal =
                    if market.market().in_setup() { BallastError::MarketNotOpen } else { BallastError::ValueChanged };
                agrees(&market.foresees_proposal(&change), &[fault(refusal)], &about);
            }
        }
    }
}

#[test]
fn edits_name_parameters_of_one_record_in_the_order_of_their_codes_each_once() {
    let market = used();
    let account = market.market();
    let all = [Values::of(&account, Some(ASSET)), Values::of(&account, None)];
    for (asset, present, others) in [(Some(ASSET), &all[0], &all[1]), (None, &all[1], &all[0])] {
        let tried = |edits: Vec<client::Edit>, expected: BallastError| {
            let change = Proposal::Parameters { asset, edits, ramp: 0 };
            for got in [market.foresees_proposal(&change), market.foresees_change(Role::Guardian, &change)] {
                agrees(&got, &[fault(expected)], "in order");
            }
        };
        let same = |values: &Values, parameter: P| client::Edit {
            parameter: parameter.code(),
            from: values.get(parameter),
            to: values.get(parameter),
        };
        tried(vec![], BallastError::ParametersOutOfOrder);
        for code in 0..=u8::MAX {
            match P::from_code(code) {
                Some(known) if present.find(known).is_some() => {
                    // At once it would have to wait before it is out of order.
                    let twice = Proposal::Parameters { asset, edits: vec![same(present, known); 2], ramp: 0 };
                    agrees(&market.foresees_proposal(&twice), &[fault(BallastError::ParametersOutOfOrder)], "twice");
                }
                Some(known) => tried(vec![same(others, known)], BallastError::ParameterUnknown),
                None => {
                    let edits = vec![client::Edit { parameter: code, from: 0, to: 0 }];
                    tried(edits, BallastError::ParameterUnknown);
                }
            }
        }
    }
    for pair in judge::of(Scope::Asset).collect::<Vec<_>>().windows(2) {
        let edit = |parameter: P| client::Edit {
            parameter: parameter.code(),
            from: all[0].get(parameter),
            to: all[0].get(parameter),
        };
        let change = Proposal::Parameters { asset: Some(ASSET), edits: vec![edit(pair[1]), edit(pair[0])], ramp: 0 };
        agrees(&market.foresees_proposal(&change), &[fault(BallastError::ParametersOutOfOrder)], "the other way round");
    }
}
