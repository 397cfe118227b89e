//! Promises of the book that the program does not keep. Each test says what the book says, and fails.

use ballast_tests::assets::{Feed, token};
use ballast_tests::client::parameters::Row;
use ballast_tests::client::table::Parameter as P;
use ballast_tests::client::{Pausable, Role, SourceKind, change};
use ballast_tests::governance::{moves, one_factor};
use ballast_tests::*;
use client::risk::Usd;

use crate::drill::capacity;
use crate::harmless::tightened;
use crate::random::more;
use crate::thief::{DAY, DOLLAR, FAKE, Thief, bank, truth};

/// docs: "What it can take later is [...] at most what the outflow limit lets leave." A source that he controls takes over
/// after two days and ten observations. Then it lies, and every vault that has the asset is his by liquidation, which no limit
/// counts.
#[test]
#[ignore = "finding: liquidations at a price of his own are beyond the outflow limit"]
fn atk_g01_a_swapped_source_takes_no_more_than_the_outflow_limit() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    thief.buys(bank.worth("USDC", 1_000_000));
    for whale in ["walt", "wendy", "will", "wilma"] {
        let whale = bank.actor(whale, &[bank.worth("SOL", 2_000_000)]);
        whale.deposits(bank.worth("SOL", 2_000_000)).unwrap();
        whale.borrows(bank.worth("USDC", 900_000)).unwrap();
        bank.advances(2 * DAY as i64);
        bank.refreshes_all();
    }
    let begin = bank.second();
    let feed = Feed::new("SOL of the thief", SourceKind::SwitchboardPull, "150");
    thief.proposes(change::source(&bank.market(), 0, 0, feed.source()));
    thief.governance = None;
    thief.waits_until(begin + 2 * DAY);
    thief.executes();
    thief.takes_over("SOL", &feed);
    let limit = capacity(&bank, "SOL").0;
    // A hundredth of what it is.
    bank.knows("SOL", |token| token.price = "1.5");
    bank.advances(1);
    thief.prices_are_fresh();
    let paid = bank.worth("USDC", 1_000_000);
    for victim in ["ann", "walt", "wendy", "will", "wilma"] {
        thief.me.liquidates(&bank.newcomer(victim), paid, "SOL").unwrap();
    }
    println!("after {} s: {} dollars", bank.second() - begin, thief.gain() / DOLLAR);
    assert!(thief.took("SOL") <= limit, "{} of {}", truth("SOL", thief.took("SOL")), truth("SOL", limit));
}

/// docs: "No more than a part of the deposits of an asset leaves within a period." Whoever has more tokens for a moment
/// makes the deposits larger, borrows a part of all that, and takes his own out again.
#[test]
#[ignore = "finding: a deposit for a moment multiplies the outflow limit"]
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
    flash.withdraws_all("USDC").unwrap();
    println!("{} of {}", thief.took("USDC"), limit);
    assert!(thief.took("USDC") <= limit);
}

/// docs: "No more than a part of the deposits of an asset leaves within a period." A full bucket and what leaks meanwhile are
/// two parts.
#[test]
#[ignore = "finding: almost twice the limit leaves within a period"]
fn no_more_than_the_outflow_limit_leaves_within_a_period() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    thief.buys(bank.worth("SOL", 40_000_000));
    thief.me.deposits(bank.worth("SOL", 39_000_000)).unwrap();
    bank.advances(2 * DAY as i64);
    thief.prices_are_fresh();
    let limit = capacity(&bank, "USDC").0;
    thief.me.borrows(native("USDC", limit as u64 - 10)).unwrap();
    for _ in 0..23 {
        bank.advances(3_600);
        thief.prices_are_fresh();
        thief.me.borrows(native("USDC", limit as u64 / 24 - 10)).unwrap();
    }
    println!("{} of {limit} within 23 hours", thief.took("USDC"));
    assert!(thief.took("USDC") <= limit);
}

/// "With at most the first cap x (1 - haircut) in the first round": a cap counts tokens, and what they are worth says a feed
/// of the one who has listed them.
#[test]
#[ignore = "finding: the first cap bounds tokens and not what they count"]
fn a_new_asset_is_worth_no_more_than_the_first_cap_on_its_first_day() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    bank.lists_bare(token(FAKE).priced_by(thief.fake.clone())).unwrap();
    let index = bank.index(FAKE);
    thief.proposes(change::source(&bank.market(), index, 0, thief.fake.source()));
    let none = [P::HaircutInit, P::HaircutTarget, P::HaircutMaint].map(|haircut| (haircut, 0));
    let whole = [P::BreakerJump, P::BreakerDrawdown].map(|guard| (guard, u64::from(u32::MAX)));
    let short = [(P::AveragePeriod, 1)];
    thief.proposes(bank.values_of(FAKE, &[&none[..], &whole, &short].concat()));
    let digest = client::Rows::default().digest();
    let (model, version) = (client::RiskModel::default(), bank.market().model_version);
    thief.proposes(client::Proposal::Model { model, digest, version });
    bank.advances(2 * DAY as i64);
    thief.prices_are_fresh();
    thief.executes();
    assert!(thief.fake_is_worth("1"));
    let first = Usd::new(bank.market().first_cap);
    let cap = bank.asset(FAKE).spot().unwrap().amount_floor(first).get();
    thief.proposes(bank.values_of(FAKE, &[(P::DepositCap, cap)]));
    bank.advances(DAY as i64);
    thief.prices_are_fresh();
    assert!(thief.fake_is_worth("1"));
    thief.executes();
    thief.deposits_fakes();
    for _ in 0..2 {
        bank.advances(2);
        thief.fake_is_worth("1000");
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
#[ignore = "finding: a pause lasts a second longer than it costs"]
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

/// docs: "What several numbers must fulfil together holds on every way: [...] a source where there is a cap, and with netting
/// a volatility." A model may take the volatility away from an asset that people use.
#[test]
#[ignore = "finding: a model leaves an asset with caps without a volatility"]
fn a_model_gives_a_volatility_to_every_asset_with_caps() {
    let market = Fixture::setting_up(2);
    market.opens_draft("quant").unwrap();
    let row = |symbol: &str| if symbol == "SOL" { moves(500, 200) } else { Row::default() };
    let (loadings, shocks) = (market.loadings(row), market.shocks(row));
    market.writes_loadings("quant", &loadings);
    let set = market.sets_model("quant", &one_factor([330, 290, 250], 0), &loadings, &shocks);
    expect_refusal(set, BallastError::AssetNotReady);
}

/// docs: "A parameter, source or role that would be refused as things are is refused now."
#[test]
#[ignore = "finding: a proposal is not judged with the ramp that it would start"]
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
#[ignore = "finding: a longer outflow period brings back credit"]
fn a_longer_outflow_period_lets_nothing_more_leave() {
    tightened(1, more(12, 100), |parameter| parameter == P::OutflowPeriod);
}
