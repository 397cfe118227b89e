//! Guards as weapons: each at its limit and beyond, up and down. Whoever is healthy at what it is outside, before and
//! after, is not liquidated through any of them, and none moves what counts at `Maint`.

use ballast_client::local::Published;
use ballast_client::table::{Parameter, Scope, Tightens};
use ballast_client::{Pausable, Role, SourceKind, change};
use ballast_tests::assets::{Feed, bps};
use ballast_tests::oracle::published;
use ballast_tests::*;

use crate::crowd::{CALM, Crowd, Raw, SYMBOLS, dollars_of, edgy};

/// SOL at a price, everything else as it was.
fn sol_at(dollars: &'static str) -> Raw {
    [dollars, CALM[1], CALM[2], CALM[3]]
}

/// Prices around 150 that no vault of the crowd minds, whichever side it is on.
const MILD: [&str; 6] = ["150.5", "149.6", "150.2", "149.8", "150.7", "150"];

#[test]
fn the_crowd_stands_at_the_edge() {
    let crowd = Crowd::guarded(&[]);
    assert_eq!(crowd.moves(CALM), 6);
    // Everybody takes a half per cent, and nobody two in the wrong direction: otherwise nothing below would be a test.
    for dollars in MILD {
        assert_eq!(crowd.moves(sol_at(dollars)), 6, "{dollars}");
    }
    assert!(crowd.moves(sol_at("147")) < 6);
    let crowd = Crowd::guarded(&[]);
    assert!(crowd.moves(sol_at("154")) < 6);
}

/// What the feed of SOL says, with one thing changed; everything else is fresh.
fn says(crowd: &Crowd, dollars: &'static str, change: impl FnOnce(&mut Published)) -> usize {
    crowd.publishes(sol_at(dollars));
    let mut seen = published(dollars, crowd.market.now());
    change(&mut seen);
    crowd.market.publishes("SOL", &seen);
    crowd.refreshes();
    crowd.holds(sol_at(dollars))
}

#[test]
fn atk_d10_a_confidence_interval_liquidates_nobody() {
    for guards in [&[][..], &[(Parameter::BreakerConfidence, bps(100))], &[(Parameter::ConfidenceMultiple, 1_000)]] {
        let crowd = Crowd::guarded(guards);
        for bps in [0, 99, 100, 101, 199, 200, 201, 999, 5_000, 9_999, 20_000] {
            for dollars in ["150.5", "149.6"] {
                let wide = |seen: &mut Published| seen.confidence = seen.price.unsigned_abs() / 10_000 * bps;
                assert_eq!(says(&crowd, dollars, wide), 6, "{bps}");
            }
        }
    }
}

#[test]
fn atk_d10_a_band_liquidates_nobody() {
    let band = [(Parameter::BandLow, 149_700_000_000_000), (Parameter::BandHigh, 150_300_000_000_000)];
    let crowd = Crowd::guarded(&band);
    for dollars in ["149.7", "149.69", "150.3", "150.31", "149.6", "150.7", "150"] {
        assert_eq!(crowd.moves(sol_at(dollars)), 6, "{dollars}");
    }
    // Beyond it for good, in both directions: the price becomes too old, and nothing is decided by it.
    for dollars in ["100", "200", "1", "1000000"] {
        let crowd = Crowd::guarded(&band);
        for _ in 0..8 {
            crowd.market.advances(9);
            crowd.moves(sol_at(dollars));
        }
    }
}

#[test]
fn atk_d10_the_maximum_ages_liquidate_nobody() {
    let crowd = Crowd::guarded(&[(Parameter::MaxAgeInit, 10)]);
    for age in [0, 9, 10, 11, 59, 60, 61, 100_000] {
        crowd.market.advances(age);
        assert_eq!(crowd.holds(CALM), 6, "everything {age} seconds old");
        assert_eq!(says(&crowd, "150.5", |seen| seen.publish_time -= age), 6, "{age}");
        assert_eq!(crowd.moves(CALM), 6);
    }
}

#[test]
fn atk_d10_sources_that_disagree_liquidate_nobody() {
    for conservative in [0, 1] {
        let second = Feed::new("SOL at Switchboard", SourceKind::SwitchboardPull, "150");
        let checked = edgy("SOL", &[(Parameter::Conservative, conservative)]).checked_by(second);
        let crowd = Crowd::of(vec![checked, edgy("LST", &[]), edgy("ETH", &[]), edgy("USDC", &[])], false);
        // 2 % are agreed. Within them the policy makes `Init` more careful, and nothing else.
        for second in ["150", "152.9", "147.1", "153.1", "146.9", "1", "1000000"] {
            for dollars in ["150.3", "149.8"] {
                crowd.publishes(sol_at(dollars));
                crowd.market.sets_second_price("SOL", second);
                crowd.refreshes();
                assert_eq!(crowd.holds(sol_at(dollars)), 6, "{dollars} and {second}");
            }
        }
        // For longer than the price lasts.
        for _ in 0..8 {
            crowd.market.advances(9);
            crowd.publishes(CALM);
            crowd.market.sets_second_price("SOL", "100");
            crowd.refreshes();
            assert_eq!(crowd.holds(CALM), 6);
        }
    }
}

/// One step of the price, at the limit of a breaker and beyond it, in a crowd of its own; then the breaker's whole time.
fn steps(guards: &[(Parameter, u64)], dollars: &[&'static str]) -> [usize; 3] {
    let mut states = [0; 3];
    for dollars in dollars {
        let crowd = Crowd::guarded(guards);
        let healthy = crowd.moves(sol_at(dollars));
        assert!(healthy >= 3, "one side of the crowd at least: {healthy}");
        states[usize::from(crowd.market.asset("SOL").breaker)] += 1;
        for seconds in [58, 300, 240, 1] {
            crowd.market.advances(seconds);
            crowd.moves(sol_at(dollars));
        }
    }
    states
}

#[test]
fn atk_d10_the_jump_breaker_liquidates_nobody() {
    let guards = [(Parameter::BreakerJump, bps(100)), (Parameter::Caution, 16 << 16)];
    // Within 1 % of 150, within 2 %, beyond.
    let states = steps(&guards, &["151.4", "148.6", "151.6", "148.4", "152.9", "147.1", "153.1", "146.9", "200"]);
    assert_eq!(states, [2, 4, 3]);
}

#[test]
fn atk_d10_the_drawdown_breaker_liquidates_nobody() {
    let guards = [(Parameter::BreakerDrawdown, bps(100)), (Parameter::Caution, 16 << 16)];
    let states = steps(&guards, &["148.6", "148.4", "147", "200"]);
    assert_eq!(states, [2, 2, 0]);
}

#[test]
fn atk_d10_the_variance_breaker_and_the_volatility_multiplier_liquidate_nobody() {
    // Calibrated for almost nothing: any move is far beyond it, and haircuts at `Init` are sixteenfold.
    let guards = [
        (Parameter::BreakerVariance, 2 << 16),
        (Parameter::CalibratedVariance, 1),
        (Parameter::VolatilityLimit, 16 << 16),
        (Parameter::VariancePeriod, 60),
    ];
    let states = steps(&guards, &["150.01", "149.99", "151", "149"]);
    assert_eq!(states, [0, 4, 0]);
    let crowd = Crowd::guarded(&guards[1..]);
    for dollars in MILD {
        assert_eq!(crowd.moves(sol_at(dollars)), 6);
        assert_eq!(crowd.market.asset("SOL").volatility, 16 << 16);
    }
}

#[test]
fn atk_d10_a_growth_limit_liquidates_nobody() {
    // No growth at all, the case of a clamp that is behind: SOL at 150, LST at 1.1 of it.
    let pool = Feed::new("pool of LST", SourceKind::StakePool, "1.1");
    for limit in [0, bps(100), bps(1_500)] {
        let lst = edgy("LST", &[(Parameter::GrowthLimit, limit)]).priced_by(pool.clone());
        let crowd = Crowd::of(vec![edgy("SOL", &[]), lst, edgy("ETH", &[]), edgy("USDC", &[])], false);
        let market = &crowd.market;
        for (rate, dollars) in [
            ("1.1", "165"),
            ("1.101", "165.15"),
            ("1.104", "165.6"),
            ("1.2", "180"),
            ("2.2", "330"),
            ("1.1", "165"),
            ("1.098", "164.7"),
            ("1.1", "165"),
        ] {
            market.advances(1);
            for symbol in ["SOL", "ETH", "USDC"] {
                market.sets_price(symbol, market.token(symbol).price);
            }
            market.sets_price("LST", rate);
            crowd.refreshes();
            let healthy = crowd.holds([CALM[0], dollars, CALM[2], CALM[3]]);
            assert!(healthy >= 4, "{rate}: {healthy}");
        }
    }
}

#[test]
fn atk_d10_a_pause_liquidates_nobody() {
    for paused in (0..4).map(Pausable::Asset).chain([Pausable::Borrow, Pausable::Withdraw]) {
        let crowd = Crowd::guarded(&[]);
        let market = &crowd.market;
        assert_eq!(crowd.moves(CALM), 6);
        market.pauses(Role::Guardian, paused, 300).unwrap();
        assert_eq!(crowd.holds(CALM), 6, "{paused:?}");
        for dollars in MILD {
            market.advances(59);
            assert_eq!(crowd.moves(sol_at(dollars)), 6, "{paused:?} at {dollars}");
        }
        assert_eq!(crowd.moves(CALM), 6, "after it");
        // Ended early, and again, so that it begins and ends between two prices.
        for _ in 0..3 {
            market.pauses(Role::Guardian, paused, 86_400).unwrap();
            assert_eq!(crowd.holds(CALM), 6);
            market.resumes(Role::Guardian, paused).unwrap();
            assert_eq!(crowd.holds(CALM), 6);
        }
    }
}

#[test]
fn atk_d10_an_outage_and_its_grace_liquidate_nobody() {
    let grace = [(Parameter::RecoveryGap, 600), (Parameter::RecoveryGrace, 600)];
    // One asset has a grace and the others have none, on either side of the vaults.
    for at in 0..4 {
        let guards = |index: usize| if index == at { &grace[..] } else { &[] };
        let tokens = [("SOL", 0), ("LST", 1), ("ETH", 2), ("USDC", 3)].map(|(name, index)| edgy(name, guards(index)));
        let crowd = Crowd::of(tokens.to_vec(), false);
        for outage in [59, 60, 61, 659, 660, 661, 7_200] {
            crowd.market.advances(outage);
            assert_eq!(crowd.holds(CALM), 6, "in it");
            assert_eq!(crowd.moves(sol_at("150.4")), 6, "the first price after it");
            for _ in 0..5 {
                crowd.market.advances(149);
                assert_eq!(crowd.moves(CALM), 6);
            }
        }
    }
}

#[test]
fn atk_d10_limits_of_outflow_and_caps_liquidate_nobody_and_keep_nobody_from_saving_himself() {
    let crowd = Crowd::guarded(&[]);
    let market = &crowd.market;
    assert_eq!(crowd.moves(CALM), 6);
    // Everything that the guardian may tighten at once, as far as the table goes, but for what counts at `Maint`.
    let rows = Parameter::ALL.iter().map(|parameter| (*parameter, parameter.row()));
    let strictest: Vec<_> = rows
        .filter(|(parameter, row)| parameter.scope() == Scope::Asset && !row.ramps)
        .filter_map(|(parameter, row)| match row.tightens {
            Tightens::Up => Some((parameter, row.most)),
            Tightens::Down => Some((parameter, row.least)),
            Tightens::Never => None,
        })
        .collect();
    assert!(strictest.len() >= 20, "{strictest:?}");
    for symbol in SYMBOLS {
        let asset = market.asset(symbol);
        for value in strictest.iter().filter(|(parameter, to)| change::value(&asset, *parameter) != Some(*to)) {
            let outcome = market.applies(Role::Guardian, market.values_of(symbol, &[*value]));
            assert!(outcome.is_ok(), "{value:?} {outcome:#?}");
        }
        assert_eq!(crowd.holds(CALM), 6, "{symbol}");
    }
    for dollars in MILD {
        assert_eq!(crowd.moves(sol_at(dollars)), 6);
    }
    // The lender takes what may leave; debts can be paid back all the same.
    let lender = market.newcomer("lender");
    for symbol in SYMBOLS {
        // A twentieth may leave within a day, half of it at once.
        let hundredth = market.asset(symbol).cash / 100;
        lender.withdraws(native(symbol, 2 * hundredth)).unwrap();
        expect_refusal(lender.withdraws(native(symbol, hundredth)), BallastError::OutflowLimitExceeded);
    }
    assert_eq!(crowd.moves(CALM), 6);
    for (debtor, symbol) in crowd.vaults.iter().zip(["USDC", "SOL", "SOL", "LST", "USDC", "ETH"]) {
        debtor.is_given(dollars_of(symbol, 100_000));
        debtor.repays(native(symbol, u64::MAX)).unwrap();
        assert_eq!(debtor.owes(symbol), 0);
    }
}

/// The same guards in a market with netting and stress, where a missing leg of a hedge could matter.
#[test]
fn atk_d10_no_guard_liquidates_a_hedged_vault() {
    let guards = [
        (Parameter::BreakerJump, bps(100)),
        (Parameter::BreakerConfidence, bps(100)),
        (Parameter::Caution, 16 << 16),
        (Parameter::RecoveryGap, 600),
        (Parameter::RecoveryGrace, 600),
        (Parameter::MaxAgeInit, 10),
    ];
    let tokens = ["SOL", "LST", "ETH", "USDC"].map(|symbol| edgy(symbol, &guards));
    let crowd = Crowd::of(tokens.to_vec(), true);
    let market = &crowd.market;
    assert_eq!(crowd.moves(CALM), 6);
    for index in 0..4 {
        market.pauses(Role::Guardian, Pausable::Asset(index), 30).unwrap();
        assert_eq!(crowd.holds(CALM), 6, "{index} is paused");
        for dollars in ["150.4", "149.7"] {
            assert_eq!(crowd.moves(sol_at(dollars)), 6);
        }
        market.resumes(Role::Guardian, Pausable::Asset(index)).unwrap();
        assert_eq!(crowd.moves(CALM), 6);
    }
    for bps in [101, 5_000] {
        let wide = |seen: &mut Published| seen.confidence = seen.price.unsigned_abs() / 10_000 * bps;
        assert_eq!(says(&crowd, "150.3", wide), 6);
    }
    market.advances(700);
    assert_eq!(crowd.holds(CALM), 6);
    for _ in 0..12 {
        market.advances(59);
        assert_eq!(crowd.moves(CALM), 6);
    }
    for dollars in ["148.4", "147", "144", "139", "150", "160", "170"] {
        crowd.moves(sol_at(dollars));
    }
}

/// Two assets move together outside; the update of one is refused by a guard, that of the other is taken. Calls `then` with
/// what it is outside.
fn parted(then: impl Fn(&Crowd, Raw)) {
    let second = Feed::new("SOL at Switchboard", SourceKind::SwitchboardPull, "150");
    for (dollars, lst) in [("135", "148.5"), ("165", "181.5")] {
        for guard in ["confidence", "band", "sources"] {
            let band = [(Parameter::BandLow, 140_000_000_000_000), (Parameter::BandHigh, 160_000_000_000_000)];
            let values = if guard == "band" { &band[..] } else { &[] };
            let mut token = edgy("SOL", values);
            if guard == "sources" {
                token = token.checked_by(second.clone());
            }
            let crowd = Crowd::of(vec![token, edgy("LST", &[]), edgy("ETH", &[]), edgy("USDC", &[])], false);
            let raw = [dollars, lst, CALM[2], CALM[3]];
            crowd.publishes(raw);
            match guard {
                "confidence" => {
                    let seen = published(dollars, crowd.market.now());
                    let wide = Published { confidence: seen.price.unsigned_abs() / 40, ..seen };
                    crowd.market.publishes("SOL", &wide);
                }
                "sources" => crowd.market.sets_second_price("SOL", "150"),
                _ => {}
            }
            crowd.refreshes();
            then(&crowd, raw);
        }
    }
}

/// Nobody who is healthy before and after may be liquidated with the new price of his deposit and the old one of his debt.
#[test]
fn atk_d10_a_price_refused_beside_one_that_is_taken_liquidates_nobody() {
    parted(|crowd, raw| {
        let healthy = crowd.holds(raw);
        assert!(healthy >= 2, "the staked pairs are healthy outside: {healthy}");
    });
}

#[test]
fn atk_d10_a_price_refused_beside_one_that_is_taken_does_no_harm_once_it_is_too_old() {
    parted(|crowd, raw| {
        crowd.market.advances(60);
        for (symbol, dollars) in SYMBOLS.into_iter().zip(raw).skip(1) {
            crowd.market.sets_price(symbol, dollars);
            crowd.market.refreshes(&[symbol]).unwrap();
        }
        let healthy = crowd.holds(raw);
        assert!(healthy >= 2, "the staked pairs are healthy outside: {healthy}");
    });
}
