//! Promises of the book that the program has broken once, before anybody used it.

use ballast_tests::assets::{Feed, token};
use ballast_tests::client::table::Parameter as P;
use ballast_tests::client::{Pausable, Role, SourceKind, change};
use ballast_tests::*;
use client::risk::Usd;
use client::risk::price::Price;

use crate::drill::{PICO_DOLLAR, capacity};
use crate::harmless::tightened;
use crate::random::more;
use crate::thief::{DAY, DOLLAR, FAKE, Thief, bank};

/// A source that a thief controls takes over after two days and ten observations, when nobody cancels it. Then it lies, every
/// vault that has the asset is his by liquidation, and no outflow limit counts that. What stands before it is the band: it
/// widens by half of its end a day.
#[test]
fn atk_g01_a_swapped_source_lies_within_the_band() {
    let bank = bank();
    let walt = bank.actor("walt", &[bank.worth("SOL", 2_000_000)]);
    walt.deposits(bank.worth("SOL", 2_000_000)).unwrap();
    walt.borrows(bank.worth("USDC", 900_000)).unwrap();
    // 75 to 300 dollars around 150.
    let band = [(P::BandLow, 75 * PICO_DOLLAR), (P::BandHigh, 300 * PICO_DOLLAR)];
    bank.changes(bank.values_of("SOL", &band)).unwrap();
    let mut thief = Thief::new(&bank);
    thief.buys(bank.worth("USDC", 1_000_000));
    thief.prices_are_fresh();
    let begin = bank.second();
    let feed = Feed::new("SOL of the thief", SourceKind::SwitchboardPull, "150");
    thief.proposes(change::source(&bank.market(), 0, 0, feed.source()));
    assert!(!thief.proposes(bank.values_of("SOL", &[(P::BandLow, 75 * PICO_DOLLAR / 2 - 1)])));
    thief.proposes(bank.values_of("SOL", &[(P::BandLow, 75 * PICO_DOLLAR / 2)]));
    thief.governance = None;
    thief.waits_until(begin + 2 * DAY);
    thief.executes();
    thief.takes_over("SOL", &feed);
    let paid = bank.worth("USDC", 1_000_000);
    for lie in ["1.5", "37.499999", "300.000001", "15000"] {
        bank.knows("SOL", |token| token.price = lie);
        bank.advances(1);
        bank.sets_price("SOL", lie);
        expect_withheld(bank.refreshes(&["SOL"]), Doubt::Band);
        for victim in ["ann", "walt"] {
            expect_refusal(thief.me.liquidates(&bank.newcomer(victim), paid, "SOL"), BallastError::PriceUnusable);
        }
        thief.grabs();
        assert_eq!(thief.gain(), 0);
    }
    // What the band lets pass, it does not stop.
    bank.advances(1);
    bank.sets_price("SOL", "37.5");
    bank.refreshes(&["SOL"]).unwrap();
    thief.me.liquidates(&walt, paid, "SOL").unwrap();
}

/// Whoever has more tokens for a moment makes the deposits larger, borrows a part of all that, and takes his own out again.
#[test]
fn a_deposit_for_a_moment_does_not_raise_the_outflow_limit() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    thief.buys(bank.worth("SOL", 40_000_000));
    thief.buys(bank.worth("USDC", 39_000_000));
    thief.me.deposits(bank.worth("SOL", 39_000_000)).unwrap();
    bank.advances(2 * DAY as i64);
    thief.prices_are_fresh();
    let limit = capacity(&bank, "USDC").0;
    let flash = thief.me.with_vault(1);
    flash.opens_vault().unwrap();
    flash.deposits(bank.worth("USDC", 38_000_000)).unwrap();
    thief.me.borrows(bank.worth("USDC", 9_000_000)).unwrap();
    let _ = flash.withdraws_all("USDC");
    println!("{} of {}", thief.took("USDC"), limit);
    assert!(thief.took("USDC") <= limit);
}

/// A full bucket and what leaks meanwhile are two parts: each is half of what may leave.
#[test]
fn no_more_than_the_outflow_limit_leaves_within_a_period() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    thief.buys(bank.worth("SOL", 40_000_000));
    thief.me.deposits(bank.worth("SOL", 39_000_000)).unwrap();
    bank.advances(2 * DAY as i64);
    thief.prices_are_fresh();
    let limit = 2 * capacity(&bank, "USDC").0;
    for hour in 0..24 {
        bank.advances(if hour == 0 { 1_200 } else { 3_600 });
        thief.prices_are_fresh();
        thief.grabs_of("USDC");
    }
    let took = thief.took("USDC");
    println!("{took} of {limit} within 23 hours");
    assert!(took <= limit && took > limit * 9 / 10);
}

/// A cap counts tokens, and what they are worth says a feed of the one who has listed them.
#[test]
fn a_new_asset_is_worth_no_more_than_the_first_cap_on_its_first_day() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    bank.lists_bare(token(FAKE).priced_by(thief.fake.clone())).unwrap();
    let index = bank.index(FAKE);
    thief.proposes(change::source(&bank.market(), index, 0, thief.fake.source()));
    let none = [P::HaircutInit, P::HaircutTarget, P::HaircutMaint].map(|haircut| (haircut, 0));
    let whole = [P::BreakerJump, P::BreakerDrawdown].map(|guard| (guard, u64::from(u32::MAX)));
    let short = [(P::AveragePeriod, 1), (P::BandHigh, PICO_DOLLAR)];
    thief.proposes(bank.values_of(FAKE, &[&none[..], &whole, &short].concat()));
    let digest = client::Rows::default().digest();
    let (model, version) = (client::RiskModel::default(), bank.market().model_version);
    thief.proposes(client::Proposal::Model { model, digest, version });
    bank.advances(2 * DAY as i64);
    thief.prices_are_fresh();
    thief.executes();
    assert!(thief.fake_is_worth("0.0001"));
    let first = Usd::new(bank.market().first_cap);
    let asset = bank.asset(FAKE);
    let end = Price::from_decimal_floor(asset.band_high, -12, asset.decimals).unwrap();
    let cap = end.amount_floor(first).get();
    assert!(!thief.proposes(bank.values_of(FAKE, &[(P::DepositCap, cap + 1)])));
    thief.proposes(bank.values_of(FAKE, &[(P::DepositCap, cap)]));
    bank.advances(DAY as i64);
    thief.prices_are_fresh();
    thief.executes();
    thief.deposits_fakes();
    for price in ["1", "1", "1000"] {
        bank.advances(2);
        thief.fake_is_worth(price);
    }
    thief.prices_are_fresh();
    let counted = thief.me.health().init.assets;
    println!("{} dollars of a first cap of {}", counted / 1_000_000, first.get() / 1_000_000);
    thief.grabs();
    println!("{} dollars taken", thief.gain() / DOLLAR);
    assert!(thief.gain() <= i128::from(first.get()));
}

/// docs: "three days at a stretch, of which one second comes back for every ten that pass." A pause of a second stops two.
#[test]
fn a_pause_costs_as_much_as_it_lasts() {
    let bank = bank();
    let begin = bank.second();
    let mut paused = 0;
    while bank.second() < begin + 1_000 {
        let now = bank.second();
        if !bank.market().borrow_pause.active(now) {
            bank.pauses(Role::Guardian, Pausable::Borrow, 1).unwrap();
        }
        paused += u64::from(bank.market().borrow_pause.active(now));
        bank.goes_to(now + 1);
    }
    let spent = bank.market().borrow_pause.spent;
    println!("{paused} seconds of a thousand for {spent}");
    assert!(spent + 1_000 / 10 >= paused);
}

/// docs: "A parameter, source or role that would be refused as things are is refused now."
#[test]
fn a_proposal_that_cannot_be_executed_is_refused() {
    let market = crate::table::used();
    let hundredth = u64::from(u32::MAX) / 100;
    market.arranges(Some(0), &[(P::HaircutMaint, 3 * hundredth), (P::BonusLeast, 0), (P::BonusMost, 3 * hundredth)]);
    let both = [(P::HaircutMaint, 4 * hundredth), (P::BonusMost, 4 * hundredth)];
    let proposed = market.proposes("both", market.values_of("SOL", &both));
    market.advances(DAY as i64);
    assert!(proposed.is_err() || market.executes("both").is_ok());
}

/// docs: "Tightening is a direction of a parameter." A longer period keeps what came in for longer, and as much more may
/// leave.
#[test]
fn a_longer_outflow_period_lets_nothing_more_leave() {
    tightened(1, more(12, 100), |parameter| parameter == P::OutflowPeriod);
}
