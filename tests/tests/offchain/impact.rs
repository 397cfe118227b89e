//! The impact of a change, counted before it is made, is what is counted after it was really made.

use ballast_client::impact::{Shock, Tally, compared, in_force, shocked, tally};
use ballast_client::preview::pico_dollars;
use ballast_client::table::Parameter::{self, *};
use ballast_client::{Draft, Proposal, Pubkey, SourceKind, StateView, Vault, account, snapshot};
use ballast_tests::assets::{Feed, bps, token};
use ballast_tests::governance::worst_of;
use ballast_tests::model::risk_model;
use ballast_tests::*;

/// Borrowers of every boldness: `share` per cent of their SOL's price in dollars.
const SHARES: [u64; 7] = [20, 55, 60, 64, 67, 69, 70];

struct Town {
    market: Fixture,
    vaults: Vec<Pubkey>,
}

impl Town {
    fn new() -> Self {
        Self::of(Fixture::new())
    }

    fn of(market: Fixture) -> Self {
        let market = market.stocked();
        let vaults = SHARES.iter().enumerate().map(|(at, share)| {
            let name: &'static str = Box::leak(format!("borrower {at}").into_boxed_str());
            let actor = market.actor(name, &[sol("100")]);
            actor.deposits(sol("100")).unwrap();
            actor.borrows(native("USDC", 150 * share * 1_000_000)).unwrap();
            actor.vault_address()
        });
        let vaults = vaults.collect();
        Self { market, vaults }
    }

    fn now(&self) -> u64 {
        self.market.now() as u64
    }

    fn vaults(&self) -> Vec<(Pubkey, Vault)> {
        self.vaults.iter().map(|address| (*address, self.market.vault(address))).collect()
    }

    /// Counted by the health of each vault, as `view_health` says it.
    fn counted(&self) -> Tally {
        let (market, now) = (self.market.market(), self.now());
        let mut found = Tally::default();
        for (address, vault) in self.vaults() {
            let health = self.market.health(&address);
            assert_eq!(health, snapshot::health(&market, &vault, now));
            let add = |group: &mut ballast_client::impact::Group| {
                group.vaults += 1;
                group.debts += health.maint.debts;
                group.collateral += health.maint.assets;
            };
            add(&mut found.indebted);
            if !health.init.passes {
                add(&mut found.restricted);
            }
            if !health.target.passes {
                add(&mut found.below_target);
            }
            if !health.maint.passes {
                add(&mut found.liquidatable);
            }
            if health.maint.equity < 0 {
                add(&mut found.insolvent);
            }
        }
        found
    }

    fn after(&self, proposal: &Proposal, draft: Option<&Draft>) -> Tally {
        let changed = in_force(&self.market.market(), proposal, draft, self.now()).unwrap();
        let vaults = self.vaults();
        tally(&changed, vaults.iter().map(|(_, vault)| vault), self.now())
    }

    /// Proposes it, waits, predicts, executes, lets every ramp end, and counts. Then the same time passes without it, and the
    /// prediction is made from there.
    fn proves(&self, proposal: Proposal, author: Option<&str>) -> (Tally, Tally) {
        let market = &self.market;
        market.proposes("it", proposal.clone()).unwrap();
        market.advances(proposal.delay(market.market().delay) as i64);
        market.refreshes_all();
        // Rates follow the utilisation with a booking; the execution is one.
        let lender = market.newcomer("newcomer");
        lender.opens_vault().unwrap();
        lender.is_given(sol("1"));
        lender.deposits(sol("1")).unwrap();
        let before = account::encode(&*market.market());
        market.executes_from("it", author).unwrap();
        let ends = market.market();
        let end = ends.assets.iter().map(|asset| asset.ramp_end).max().unwrap().max(ends.change_end);
        market.advances(end.saturating_sub(self.now()) as i64);
        market.refreshes_all();
        let real = self.counted();
        let (executed, address) = (account::encode(&*market.market()), market.market_address());
        market.counts_no_books();
        market.writes_data(&address, &ballast_client::ID, before);
        market.refreshes_all();
        let draft = author.map(|author| market.draft(&market.drafting(author).draft));
        let predicted = self.after(&proposal, draft.as_deref());
        market.writes_data(&address, &ballast_client::ID, executed);
        (predicted, real)
    }

    fn proves_values(&self, values: &[(Parameter, u64)]) -> Tally {
        let (predicted, real) = self.proves(self.market.values_of("SOL", values), None);
        assert_eq!(predicted, real);
        real
    }
}

#[test]
fn what_counts_at_init_alone_restricts_the_boldest() {
    let town = Town::new();
    let real = town.proves_values(&[(HaircutInit, bps(4_000))]);
    assert_eq!((real.indebted.vaults, real.restricted.vaults, real.liquidatable.vaults), (7, 5, 0));
}

#[test]
fn haircuts_that_rise_along_a_ramp_are_counted_at_its_end() {
    let town = Town::new();
    town.market.price_settles("SOL", "140");
    let values = [(HaircutInit, bps(3_400)), (HaircutTarget, bps(3_000)), (HaircutMaint, bps(2_500))];
    let real = town.proves_values(&values);
    assert!(real.liquidatable.vaults > 0 && real.liquidatable.vaults < real.below_target.vaults, "{real:?}");
    assert!(real.below_target.vaults < real.restricted.vaults, "{real:?}");
    assert!(real.liquidatable.debts > 0 && real.liquidatable.debts < real.liquidatable.collateral);
}

#[test]
fn a_depth_that_shrinks_is_counted_at_the_end_of_its_ramp() {
    let town = Town::new();
    let depth = town.market.asset("SOL").depth;
    town.proves_values(&[(Depth, depth.div_ceil(2))]);
}

#[test]
fn what_loosens_frees_vaults() {
    let town = Town::new();
    town.market.price_settles("SOL", "128");
    let before = town.counted();
    let real = town.proves_values(&[(HaircutInit, bps(1_500)), (HaircutTarget, bps(1_500))]);
    assert!(before.restricted.vaults > real.restricted.vaults, "{before:?} {real:?}");
}

#[test]
fn a_model_is_counted_when_it_has_phased_in() {
    let town = Town::new();
    let market = &town.market;
    market.opens_draft("quant").unwrap();
    let rows = market.rows(2, 3);
    let row = |symbol: &str| rows[usize::from(market.index(symbol))];
    let (loadings, shocks) = (market.loadings(row), market.shocks(row));
    market.writes_loadings("quant", &loadings);
    market.writes_shocks("quant", &shocks);
    let model = risk_model(2, 3);
    let proposal = market.drafting("quant").proposal(&market.market(), model, &loadings, &shocks);
    let (predicted, real) = town.proves(proposal, Some("quant"));
    assert_eq!(predicted, real);
}

#[test]
fn the_worst_are_named_with_what_they_lose() {
    let town = Town::new();
    let (market, now) = (town.market.market(), town.now());
    let values = [(HaircutInit, bps(3_200)), (HaircutTarget, bps(3_000)), (HaircutMaint, bps(2_500))];
    let proposal = town.market.values_of("SOL", &values);
    let changed = in_force(&market, &proposal, None, now).unwrap();
    let vaults = town.vaults();
    let impact = compared(&market, &changed, &vaults, now, 3);
    assert_eq!(impact.before, town.counted());
    assert_eq!(impact.after, tally(&changed, vaults.iter().map(|(_, vault)| vault), now));
    assert!(impact.affected >= 3);
    assert_eq!(impact.worst.len(), 3);
    let boldest = &impact.worst[0];
    assert_eq!((boldest.vault, boldest.before.state), (town.vaults[6], StateView::Healthy));
    let health = snapshot::health(&changed, &town.market.vault(&boldest.vault), now);
    assert_eq!(boldest.after.state, health.state);
    assert_eq!(boldest.after.above_maint, Some(health.maint.equity - health.maint.requirement as i64));
    assert_eq!((boldest.after.debts, boldest.after.collateral), (health.maint.debts, health.maint.assets));
    assert!(impact.worst.windows(2).all(|pair| pair[0].after.debts >= pair[1].after.debts));
}

#[test]
fn a_change_that_would_be_refused_has_no_impact_but_the_programs_reason() {
    let town = Town::new();
    let (market, now) = (town.market.market(), town.now());
    let steep = town.market.values_of("SOL", &[(HaircutMaint, bps(2_600))]);
    let refusal = in_force(&market, &steep, None, now).unwrap_err();
    assert_eq!((refusal.code, refusal.name.as_str()), (6_505, "StepTooLarge"));
    let town_model = town.market.drafting("nobody").proposal(&market, worst_of(1, [100, 100, 100]), &[], &[]);
    assert_eq!(in_force(&market, &town_model, None, now).unwrap_err().name, "DraftIncomplete");
}

/// Spot prices move by the very factor; so the vaults that can be liquidated are those that a real move makes so.
#[test]
fn a_shock_makes_those_liquidatable_whom_a_real_fall_makes_so() {
    for (bps, dollars) in [(-1_000, "135"), (-1_500, "127.5"), (-2_000, "120"), (1_000, "165")] {
        let town = Town::new();
        let asset = Some(town.market.index("SOL"));
        let moved = shocked(&town.market.market(), &[Shock { asset, bps }], town.now()).unwrap();
        let vaults = town.vaults();
        let predicted = tally(&moved, vaults.iter().map(|(_, vault)| vault), town.now());
        town.market.price_moves("SOL", dollars);
        let real = town.counted();
        assert_eq!(predicted.liquidatable.vaults, real.liquidatable.vaults, "{dollars}");
        assert_eq!(predicted.below_target.vaults, real.below_target.vaults, "{dollars}");
        assert_eq!(predicted.insolvent.vaults, real.insolvent.vaults, "{dollars}");
    }
}

#[test]
fn a_liquid_staking_token_falls_with_its_base_unless_it_is_named() {
    let pool = Feed::new("pool", SourceKind::StakePool, "1.1");
    let market = Fixture::of(vec![token("SOL"), token("BTC"), token("LST").priced_by(pool)]);
    let (record, now) = (market.market(), market.now() as u64);
    let number = |market: &ballast_client::Market, at: usize| {
        pico_dollars(market.assets[at].spot().unwrap(), market.assets[at].decimals).unwrap()
    };
    // Each is halved, rounded down, or stays as it was.
    let halved = |shocks: &[Shock]| {
        let moved = shocked(&record, shocks, now).unwrap();
        [0, 1, 2].map(|at| match (number(&record, at), number(&moved, at)) {
            (before, after) if after == before / 2 => true,
            (before, after) => {
                assert_eq!(after, before);
                false
            }
        })
    };
    let fall = |asset| Shock { asset, bps: -5_000 };
    assert_eq!(halved(&[fall(Some(0))]), [true, false, true]);
    assert_eq!(halved(&[fall(Some(2))]), [false, false, true]);
    assert_eq!(halved(&[fall(Some(0)), Shock { asset: Some(2), bps: 0 }]), [true, false, false]);
    assert_eq!(halved(&[fall(None)]), [true, true, true]);
    for bps in [-10_000, -10_001] {
        assert_eq!(shocked(&record, &[Shock { asset: Some(0), bps }], now).unwrap_err().name, "PriceOutOfRange");
    }
    assert_eq!(shocked(&record, &[fall(Some(9))], now).unwrap_err().name, "AssetUnknown");
}
