//! Changes of a price source: which ones fit, and that none counts before its time.

use ballast_client::event::ChangeMade;
use ballast_client::{Proposal, Role, Source, SourceKind, change};
use ballast_tests::*;

const DAY: i64 = 86_400;

fn source(kind: SourceKind, name: &str) -> Source {
    Source::new(kind, address(name), 0)
}

fn pull(name: &str) -> Source {
    source(SourceKind::PythPull, name)
}

/// A proposal for a slot of an asset by name.
fn proposal(market: &Fixture, symbol: &str, slot: u8, to: Source) -> Proposal {
    change::source(&market.market(), market.index(symbol), slot, to)
}

#[test]
fn a_source_waits_two_days_and_is_a_candidate_then() {
    let market = Fixture::new();
    let before = market.asset("SOL");
    market.proposes("source", proposal(&market, "SOL", 0, pull("another"))).unwrap();
    market.advances(2 * DAY - 1);
    expect_refusal(market.executes("source"), BallastError::ChangeNotDue);
    market.advances(1);

    let receipt = market.executes("source").unwrap();

    let after = market.asset("SOL");
    assert_eq!((after.sources, after.candidate), (before.sources, pull("another")));
    assert_eq!((after.candidate_slot, after.candidate_checks, after.candidate_time), (0, 0, 0));
    // The price is what it was, and the old source goes on.
    assert_eq!((after.spot, after.publish_time), (before.spot, before.publish_time));
    market.refreshes_all();
    assert_eq!(market.asset("SOL").publish_time, market.now() as u64);
    let event: ChangeMade = receipt.event();
    assert!(event.waited);
}

#[test]
fn the_first_source_of_an_asset_counts_as_soon_as_it_is_executed() {
    let market = Fixture::new();
    market.lists_bare(assets::token("P08")).unwrap();
    let own = assets::token("P08").listing.source();
    market.changes(proposal(&market, "P08", 0, own)).unwrap();
    let asset = market.asset("P08");
    assert_eq!((asset.sources, asset.candidate), ([own, Source::NONE], Source::NONE));
    assert_eq!(asset.publish_time, market.now() as u64, "somebody refreshed it");
}

#[test]
fn before_the_first_price_a_source_is_replaced_at_once_and_with_it_both() {
    let market = Fixture::setting_up(0);
    market.lists_bare(assets::token("SOL")).unwrap();
    for (slot, to) in [(0, pull("one")), (1, pull("two")), (0, pull("three")), (1, Source::NONE), (1, pull("four"))] {
        market.applies(Role::Governance, proposal(&market, "SOL", slot, to)).unwrap();
        assert_eq!(market.asset("SOL").sources[usize::from(slot)], to);
    }
    assert_eq!(market.asset("SOL").sources, [pull("three"), pull("four")]);
}

#[test]
fn another_proposal_replaces_the_candidate() {
    let market = Fixture::new();
    let switchboard = source(SourceKind::SwitchboardPull, "feed");
    market.proposes("one", proposal(&market, "SOL", 0, pull("one"))).unwrap();
    market.proposes("two", proposal(&market, "SOL", 1, switchboard)).unwrap();
    market.advances(2 * DAY);
    market.executes("one").unwrap();
    market.executes("two").unwrap();
    let asset = market.asset("SOL");
    assert_eq!((asset.candidate, asset.candidate_slot), (switchboard, 1));
    assert_eq!(asset.sources[1], Source::NONE);
}

#[test]
fn a_second_source_is_removed_as_soon_as_that_is_executed() {
    let market = Fixture::setting_up(0);
    market.lists(assets::token("SOL")).unwrap();
    market.applies(Role::Governance, proposal(&market, "SOL", 1, pull("two"))).unwrap();
    market.opens_market().unwrap();
    market.proposes("none", proposal(&market, "SOL", 1, Source::NONE)).unwrap();
    market.advances(2 * DAY);
    market.executes("none").unwrap();
    let asset = market.asset("SOL");
    assert_eq!((asset.sources[1], asset.candidate, asset.second_publish_time), (Source::NONE, Source::NONE, 0));
}

/// What says nothing, or something else than it seems to.
#[test]
fn atk_d11_a_source_that_does_not_fit_is_refused() {
    let market = Fixture::setting_up(3);
    let own = market.asset("SOL").sources[0];
    let kinds = [
        SourceKind::PythPull,
        SourceKind::PythPullCore,
        SourceKind::PythPush,
        SourceKind::SwitchboardPull,
        SourceKind::StakePool,
    ];
    let pool = |base| Source::new(SourceKind::StakePool, address("pool"), base);
    let mut bad: Vec<_> = kinds.iter().map(|kind| (0, Source::new(*kind, Pubkey::default(), 1))).collect();
    bad.extend(kinds[..4].iter().map(|kind| (0, Source::new(*kind, address("key"), 1))));
    bad.extend([
        // Nothing, in the first place; nothing with a key; no such place; no such kind.
        (0, Source::NONE),
        (1, Source::new(SourceKind::None, address("key"), 0)),
        (2, pull("key")),
        (255, pull("key")),
        (0, Source { kind: 6, ..pull("key") }),
        (0, Source { kind: 255, ..pull("key") }),
        (0, Source { padding: [0, 0, 0, 0, 0, 1], ..pull("key") }),
        // A pool on itself, on what is not listed, and on the way to it.
        (0, pool(0)),
        (1, pool(0)),
        (0, pool(3)),
        (0, pool(255)),
    ]);
    for (slot, to) in bad {
        let asked = Proposal::Source { asset: 0, slot, from: if slot == 0 { own } else { Source::NONE }, to };
        expect_refusal(market.applies(Role::Governance, asked), BallastError::BadSource);
    }
    for kind in &kinds[..4] {
        market.applies(Role::Governance, proposal(&market, "SOL", 0, source(*kind, "good"))).unwrap();
    }
    market.applies(Role::Governance, proposal(&market, "SOL", 0, pool(1))).unwrap();
}

#[test]
fn a_second_source_needs_a_first_one() {
    let market = Fixture::setting_up(0);
    market.lists_bare(assets::token("SOL")).unwrap();
    let second = proposal(&market, "SOL", 1, pull("two"));
    expect_refusal(market.applies(Role::Governance, second.clone()), BallastError::BadSource);
    market.applies(Role::Governance, proposal(&market, "SOL", 0, pull("one"))).unwrap();
    market.applies(Role::Governance, second).unwrap();
}

#[test]
fn a_pool_stands_on_solid_ground() {
    let market = Fixture::setting_up(0);
    for symbol in ["SOL", "LST", "BTC"] {
        market.lists_bare(assets::token(symbol)).unwrap();
    }
    let pool = |base| Source::new(SourceKind::StakePool, address("pool"), base);
    let sets = |symbol, slot, to| market.applies(Role::Governance, proposal(&market, symbol, slot, to));
    sets("SOL", 0, pull("sol")).unwrap();
    sets("LST", 0, pool(0)).unwrap();
    // Not on another pool, in whichever place that is; and one of two sources at most.
    expect_refusal(sets("BTC", 0, pool(1)), BallastError::BadSource);
    expect_refusal(sets("LST", 1, pool(0)), BallastError::BadSource);
    sets("LST", 1, pull("lst")).unwrap();
    expect_refusal(sets("BTC", 0, pool(1)), BallastError::BadSource);
    sets("LST", 0, pull("lst itself")).unwrap();
    sets("LST", 1, pool(0)).unwrap();
    expect_refusal(sets("BTC", 0, pool(1)), BallastError::BadSource);
    expect_refusal(sets("LST", 0, pool(0)), BallastError::BadSource);
}

/// A chain of pools would be two rates on one price; nothing checks what is built upon a base later.
#[test]
fn a_base_stays_solid_ground() {
    let market = Fixture::setting_up(0);
    for symbol in ["SOL", "LST", "BTC"] {
        market.lists_bare(assets::token(symbol)).unwrap();
    }
    let pool = |base| Source::new(SourceKind::StakePool, address("pool"), base);
    let sets = |symbol, slot, to| market.applies(Role::Governance, proposal(&market, symbol, slot, to));
    sets("SOL", 0, pull("sol")).unwrap();
    sets("LST", 0, pool(0)).unwrap();
    sets("BTC", 0, pull("btc")).unwrap();
    expect_refusal(sets("SOL", 0, pool(2)), BallastError::BadSource);
    // Nor in a circle: each on the other.
    expect_refusal(sets("SOL", 0, pool(1)), BallastError::BadSource);
}

#[test]
fn a_source_is_written_against_the_present_one() {
    let market = Fixture::new();
    let own = market.asset("SOL").sources[0];
    for from in
        [Source::NONE, pull("another"), Source { base: 1, ..own }, Source { padding: [1, 0, 0, 0, 0, 0], ..own }]
    {
        let stale = Proposal::Source { asset: 0, slot: 0, from, to: pull("next") };
        expect_refusal(market.proposes("stale", stale), BallastError::ValueChanged);
    }
    for index in [8, 63, 64, 255] {
        let astray = Proposal::Source { asset: index, slot: 0, from: Source::NONE, to: pull("next") };
        expect_refusal(market.proposes("astray", astray), BallastError::AssetUnknown);
    }
}
