//! The drill (G01): the key of governance is stolen for a day, and the thief does the best he can. Figures are dollars at true
//! prices, which never move, against 50 million that lenders have.

use ballast_tests::assets::{WHOLE, token};
use ballast_tests::client::table::{Parameter as P, Scope, Tightens};
use ballast_tests::client::{Pausable, RiskModel, Role, Source, change};
use ballast_tests::*;
use client::risk::Usd;
use client::risk::price::Price;

use crate::judge::{Values, in_range, of, proposal, targets, tightens};
use crate::thief::{DAY, DOLLAR, FAKE, HOUR, REAL, Thief, bank, truth};

/// Every route at once: whatever he thinks loosens something, for every parameter of every asset and of the market; sources,
/// roles, the model. Returns how many attempts there were.
fn onslaught(thief: &Thief) -> usize {
    let (bank, mut tried) = (&thief.bank, 0);
    let market = bank.market();
    let assets = (0..market.asset_count).map(Some).chain([None]);
    for asset in assets {
        let scope = if asset.is_some() { Scope::Asset } else { Scope::Market };
        let present = Values::of(&market, asset);
        for parameter in of(scope) {
            let (row, from) = (parameter.row(), present.get(parameter));
            let loosens = |to: &u64| *to != from && in_range(row, *to) && !tightens(row, from, *to);
            for to in targets(row, from, 0).into_iter().filter(loosens) {
                tried += 1;
                let change = proposal(asset, &present, &[(parameter, to)]);
                assert!(!thief.can_apply(change), "{} from {from} to {to}", parameter.name());
            }
        }
    }
    let me = thief.me.address();
    let mut others: Vec<_> = Role::ALL.map(|role| change::role(&market, role, me)).into();
    others.push(change::role(&market, Role::Guardian, Pubkey::default()));
    others.extend((0..market.asset_count).flat_map(|asset| {
        let other = change::source(&market, asset, 0, thief.fake.source());
        [other, change::source(&market, asset, 1, thief.fake.source()), change::source(&market, asset, 1, Source::NONE)]
    }));
    let version = market.model_version;
    let digest = client::Rows::default().digest();
    others.push(client::Proposal::Model { model: RiskModel::default(), digest, version });
    for other in others {
        tried += 1;
        assert!(!thief.can_apply(other.clone()), "{other:?}");
    }
    tried
}

/// Everything that could be of use, as far as it is let.
fn proposes_everything(thief: &mut Thief) {
    let market = thief.bank.market();
    let (me, fake) = (thief.me.address(), thief.bank.index(FAKE));
    for role in Role::ALL {
        thief.proposes(change::role(&market, role, me));
    }
    let version = market.model_version;
    let digest = client::Rows::default().digest();
    thief.proposes(client::Proposal::Model { model: RiskModel::default(), digest, version });
    thief.proposes(change::source(&market, fake, 0, thief.fake.source()));
    // Nobody uses the fake asset yet, so no step is too large but for its caps.
    let whole = [P::HaircutInit, P::HaircutTarget, P::HaircutMaint, P::BonusLeast, P::BonusMost].map(|zero| (zero, 0));
    let guards = [P::BreakerJump, P::BreakerConfidence, P::BreakerDrawdown, P::MaxConfidence];
    let values =
        [&whole[..], &guards.map(|guard| (guard, WHOLE)), &[(P::AveragePeriod, 1), (P::Caution, 1 << 16)]].concat();
    // A cap is measured at the end of the band.
    let values = [&values[..], &[(P::BandHigh, PICO_DOLLAR)]].concat();
    thief.proposes(thief.bank.values_of(FAKE, &values));
    // Each by itself, so that one refusal spoils nothing else.
    for asset in (0..market.asset_count).map(Some).chain([None]) {
        let scope = if asset.is_some() { Scope::Asset } else { Scope::Market };
        let present = Values::of(&market, asset);
        // What has no loose direction harms him as likely as others; but some of it he can use.
        let of_use = [P::BonusLeast, P::BonusMost, P::MaxConfidence, P::AveragePeriod, P::Agreement];
        let chosen = |known: &P| known.row().tightens != Tightens::Never || of_use.contains(known);
        for parameter in of(scope).filter(|known| asset != Some(fake) && chosen(known)) {
            let (row, from) = (parameter.row(), present.get(parameter));
            let up = parameter != P::AveragePeriod;
            let loosens = |to: &u64| match row.tightens {
                Tightens::Never => in_range(row, *to) && if up { *to > from } else { *to < from },
                _ => *to != from && in_range(row, *to) && !tightens(row, from, *to),
            };
            let mut wanted: Vec<_> = targets(row, from, 0).into_iter().filter(loosens).collect();
            wanted.sort_by_key(|to| std::cmp::Reverse(to.abs_diff(from)));
            let _ = wanted.into_iter().any(|to| thief.proposes(proposal(asset, &present, &[(parameter, to)])));
        }
    }
}

/// What may leave of an asset at once by its limit, and as much again within the period: half of the part of what was there.
pub fn capacity(bank: &Fixture, symbol: &str) -> (i128, u64) {
    let asset = bank.asset(symbol);
    let gone = bank.second() - asset.outflow_at >= u64::from(asset.outflow_period);
    let before = i128::from(asset.cash) + if gone { 0 } else { i128::from(asset.outflow_level) };
    (before * i128::from(asset.outflow_limit) / (2 << 32), u64::from(asset.outflow_period))
}

/// A day with the key: lists a token that he prints, tries all at once and proposes all that he can.
fn steals_for_a_day(thief: &mut Thief) -> usize {
    let begin = thief.second();
    let fake = token(FAKE).priced_by(thief.fake.clone());
    thief.bank.lists_bare(fake).unwrap();
    proposes_everything(thief);
    let mut tried = 0;
    for hour in [0, 6, 12, 18, 23] {
        thief.bank.goes_to(begin + hour * HOUR);
        thief.prices_are_fresh();
        if hour % 23 == 0 {
            tried += onslaught(thief);
        }
        // Pauses may be of use to somebody. They are not.
        for paused in [Pausable::Borrow, Pausable::Withdraw, Pausable::Asset(0)] {
            thief.bank.pauses(Role::Governance, paused, 60).unwrap();
        }
        thief.executes();
        thief.accepts();
        thief.deposits_fakes();
        thief.grabs();
        thief.bank.advances(61);
        thief.prices_are_fresh();
        thief.grabs();
        assert_eq!(thief.gain(), 0);
    }
    thief.bank.goes_to(begin + DAY - 1);
    thief.prices_are_fresh();
    thief.executes();
    thief.grabs();
    assert_eq!(thief.gain(), 0, "before the delay");
    tried
}

/// Goes on, without the stolen key, for some hours or to the next second at which something is due.
fn goes_on(thief: &mut Thief, hours: u64) {
    let next = thief.second() + hours * HOUR;
    thief.bank.goes_to(thief.next().map_or(next, |due| due.min(next)));
    thief.prices_are_fresh();
    thief.executes();
    if thief.accepts() && thief.governance.is_some() {
        proposes_everything(thief);
    }
    uses_his_token(thief);
    // What has become due meanwhile.
    thief.executes();
    uses_his_token(thief);
    thief.grabs();
}

/// A dollar in the unit of the band.
pub const PICO_DOLLAR: u64 = 1_000_000_000_000;

/// His token is worth as much as its band allows. Both the band and the cap grow as fast as they may.
fn uses_his_token(thief: &mut Thief) {
    let (index, asset) = (thief.bank.index(FAKE), thief.bank.asset(FAKE));
    if asset.sources[0].is_none() || asset.band_high == u64::MAX {
        return;
    }
    let price = (asset.band_high / PICO_DOLLAR).to_string();
    thief.fake_is_worth(&price);
    thief.bank.advances(2);
    thief.fake_is_worth(&price);
    thief.deposits_fakes();
    let market = thief.bank.market();
    let end = Price::from_decimal_floor(asset.band_high, -12, asset.decimals).expect("a price");
    let first = end.amount_floor(Usd::new(market.first_cap)).get();
    let present = Values::of(&market, Some(index));
    for grown in [(P::DepositCap, first.max(2 * asset.deposit_cap)), (P::BandHigh, 2 * asset.band_high)] {
        thief.proposes(proposal(Some(index), &present, &[grown]));
    }
}

/// Nobody does anything at all, and he lists a token of his own. (Sources of assets that people use: see `promises`.) The role
/// takes three days and a cap for his token one more. His first cap is what the market's first cap has grown to by then,
/// four times of 100,000 dollars; cap and band double every day. At no time has more left of any asset than its outflow limit
/// lets leave: a tenth at once, and as much again within every day that follows.
#[test]
fn atk_g01_a_stolen_key_takes_nothing_for_four_days_then_a_first_cap_and_never_more_than_the_outflow_limits() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    let begin = bank.second();
    let tried = steals_for_a_day(&mut thief);
    println!("{tried} attempts at once, {} proposals", thief.count());
    assert!(tried > 3_000 && thief.count() > 100);
    thief.governance = None;

    let mut limits = None;
    let mut rounds = vec![];
    while thief.second() < begin + 8 * DAY {
        goes_on(&mut thief, 6);
        let now = thief.second();
        if limits.is_none() && thief.gain() > 0 {
            limits = Some((now, REAL.map(|symbol| capacity(&bank, symbol).0)));
        }
        let Some((first, _)) = &limits else { continue };
        for symbol in REAL {
            // What a bucket holds, and what has leaked since, of deposits that earn interest meanwhile.
            let (most, period) = capacity(&bank, symbol);
            let limit = most + most * i128::from(now - first) / i128::from(period);
            assert!(thief.took(symbol) <= limit, "{symbol}: {} of {limit}", thief.took(symbol));
        }
        rounds.push((now - begin, thief.gain() / DOLLAR));
    }
    println!("{rounds:?}");
    let Some((first, limits)) = limits else { panic!("the thief is no good") };
    // Three days for the role and one for the cap, but for the seconds that his feed takes.
    assert!((4 * DAY..4 * DAY + 60).contains(&(first - begin)), "{}", first - begin);
    let (_, at_first) = rounds[0];
    assert!((360_000..=400_000).contains(&at_first), "{at_first}");
    // Fourfold a day, as long as the outflow limits allow it: together a tenth of 51.5 million dollars at once.
    let round: i128 = REAL.iter().zip(limits).map(|(symbol, most)| truth(symbol, most)).sum::<i128>() / DOLLAR;
    assert!((5_149_000..=5_150_000).contains(&round), "{round}");
    let after =
        |days: u64| rounds.iter().rfind(|(at, _)| *at <= first - begin + days * DAY + 7 * HOUR).expect("a round").1;
    assert!(after(1) <= 4 * 400_000 && after(1) > 3 * at_first, "{}", after(1));
    assert!(after(2) <= 16 * 400_000 && after(2) > round, "{}", after(2));
    assert!(after(3) <= 64 * 400_000 && after(3) <= 4 * round, "{}", after(3));
}

/// The guardian cancels within the delay all that he can, and whoever gets the key back what is left: the replacement of the
/// guardian, three days before it counts.
#[test]
fn atk_g01_nothing_is_ever_taken_when_somebody_cancels_within_the_delay() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    let begin = bank.second();
    let before = bank.market();
    steals_for_a_day(&mut thief);
    thief.governance = None;
    let cancel = |role: Role, (change, proposer): &(Pubkey, Pubkey)| {
        let key = bank.holder(role);
        let cancel = change::cancel(&key.pubkey(), &bank.market_address(), change, proposer);
        bank.sends(&[cancel], &[&bank.payer(), &key])
    };
    let waiting = thief.waiting();
    let mut left = vec![];
    for change in &waiting {
        if let Err(refusal) = cancel(Role::Guardian, change) {
            assert_eq!(refusal.fault, BallastError::GuardianReplaced.into());
            left.push(change);
        }
    }
    assert!(left.len() == 1 && waiting.len() > 100, "{} of {}", left.len(), waiting.len());
    bank.goes_to(begin + DAY);
    for change in left {
        cancel(Role::Governance, change).unwrap();
    }
    while thief.second() < begin + 30 * DAY {
        goes_on(&mut thief, 12);
        assert_eq!(thief.gain(), 0);
    }
    let after = bank.market();
    assert_eq!(after.roles, before.roles);
    for asset in (0..before.asset_count).map(Some).chain([None]) {
        assert_eq!(Values::of(&after, asset), Values::of(&before, asset));
    }
}

/// The guardian is nobody's friend and nobody has the key any more: the thief becomes guardian after three days. That gives
/// him no money.
#[test]
fn atk_g01_a_thief_who_becomes_guardian_alone_takes_nothing_from_lenders() {
    let bank = bank();
    let mut thief = Thief::new(&bank);
    let begin = bank.second();
    thief.proposes(change::role(&bank.market(), Role::Guardian, thief.me.address()));
    thief.governance = None;
    bank.goes_to(begin + 3 * DAY);
    thief.prices_are_fresh();
    thief.executes();
    assert!(thief.accepts() && thief.governance.is_none());
    let key = thief.me.key.insecure_clone();
    for _ in 0..20 {
        bank.advances(12 * HOUR as i64);
        thief.prices_are_fresh();
        let market = bank.market();
        for asset in 0..market.asset_count {
            let present = Values::of(&market, Some(asset));
            for parameter in of(Scope::Asset) {
                let (row, from) = (parameter.row(), present.get(parameter));
                let mut wanted = targets(row, from, 0);
                wanted.retain(|to| in_range(row, *to) && tightens(row, from, *to));
                wanted.sort_by_key(|to| std::cmp::Reverse(to.abs_diff(from)));
                for to in wanted.into_iter().take(2) {
                    let change = proposal(Some(asset), &Values::of(&bank.market(), Some(asset)), &[(parameter, to)]);
                    let apply = change::apply(&key.pubkey(), &bank.market_address(), None, change);
                    if bank.foresees(std::slice::from_ref(&apply), &[&bank.payer(), &key]).is_ok() {
                        bank.sends(&[apply], &[&bank.payer(), &key]).unwrap();
                    }
                }
            }
        }
        thief.grabs();
        assert_eq!(thief.gain(), 0);
    }
}
