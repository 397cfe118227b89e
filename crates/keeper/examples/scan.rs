//! How fast the index judges vaults after prices have moved, and how much memory a vault takes. `cargo xtask scan` runs
//! it and keeps what it prints in benches/scan.md.

use std::fmt::Write as _;
use std::time::Duration;

use ballast_client::account::encode;
use ballast_client::risk::{Fraction, Usd};
use ballast_client::{ID, Market, Pubkey, Vault};
use ballast_keeper::index::Index;
use ballast_keeper::updates::Update;
use ballast_tests::Fixture;
use ballast_tests::random::Random;
use ballast_tests::vault::holding;

const ASSETS: usize = 24;
const POSITIONS: usize = 8;
const DEBTS: usize = 3;
const ROUNDS: usize = 31;

/// What this thread has used of a core so far. Not the time on the wall: other programs run on the machine as well.
fn processor_time() -> Duration {
    #[repr(C)]
    struct Time {
        seconds: i64,
        nanoseconds: i64,
    }
    // The standard library links the C library and has no name for this clock.
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    /// `CLOCK_THREAD_CPUTIME_ID` on Linux.
    const THREAD: i32 = 3;
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: the layout is that of `timespec` on 64-bit Linux, and the pointer is valid for the call.
    let done = unsafe { clock_gettime(THREAD, &raw mut time) };
    assert_eq!(done, 0, "this system has no clock for threads");
    Duration::new(time.seconds.cast_unsigned(), u32::try_from(time.nanoseconds).expect("below a billion"))
}

/// What one round measured.
struct Round {
    time: Duration,
    touched: usize,
    evaluated: usize,
}

/// A market with fresh prices, with or without six factors and eight scenarios.
fn market(modelled: bool) -> (Pubkey, Box<Market>, u64) {
    let fixture = Fixture::with_assets(ASSETS);
    if modelled {
        fixture.adopts(6, 8);
        fixture.refreshes_all();
    }
    let mut market = fixture.market();
    for asset in &mut market.assets[..ASSETS] {
        // Some interest, so that time alone moves every debt.
        (asset.borrow_rate, asset.supply_rate) = (7_000_000, 4_000_000);
        asset.usable_until += 1_000_000;
    }
    (fixture.market_address(), market, u64::try_from(fixture.now()).expect("after 1970"))
}

/// Eight positions, three of them debts; debts of 30 to 84 parts of a hundred of the deposits: a few vaults can be
/// liquidated.
fn vault(random: &mut Random, market: &Market, address: &Pubkey) -> Vault {
    let mut chosen: Vec<usize> = (0..ASSETS).collect();
    while chosen.len() > POSITIONS {
        chosen.remove(random.below(chosen.len()));
    }
    let dollars = random.between(1_000, 50_999);
    let used = random.between(30, 84);
    let first_debt = random.below(POSITIONS - DEBTS);
    let position = |(at, asset): (usize, usize)| {
        let owed = (first_debt..first_debt + DEBTS).contains(&at);
        let value = dollars * 10_000 * if owed { used } else { 100 * DEBTS as u64 / (POSITIONS - DEBTS) as u64 };
        let price = market.assets[asset].spot().expect("a price");
        (u8::try_from(asset).expect("small"), owed, price.amount_floor(Usd::new(value)).get().max(1))
    };
    let positions: Vec<_> = chosen.into_iter().enumerate().map(position).collect();
    holding(address, &positions)
}

/// Moves the price of an asset by up to half a percent.
fn moves(random: &mut Random, market: &mut Market, asset: usize, now: u64) {
    let asset = &mut market.assets[asset];
    let spot = asset.spot().expect("a price");
    let part = Fraction::new(u32::try_from(random.between(0, u64::from(u32::MAX)) / 200).expect("a part"));
    let moved = if random.once_in(2) { spot.lowered_floor(part) } else { spot.raised_ceil(part) }.expect("a price");
    asset.set_prices(moved, moved, moved, moved, moved);
    asset.accrue(now);
}

/// Prices move again and again; `all` of them, or one. A second passes where all move.
fn rounds(index: &mut Index, start: (&Market, u64), all: bool, slot: &mut u64) -> Vec<Round> {
    let (mut market, mut now) = (Box::new(*start.0), start.1);
    let mut random = Random::new(7);
    let mut found = vec![];
    for round in 0..=ROUNDS {
        let assets = if all { 0..ASSETS } else { round % ASSETS..round % ASSETS + 1 };
        now += u64::from(all);
        assets.for_each(|asset| moves(&mut random, &mut market, asset, now));
        *slot += 1;
        let update = Update { address: *index.address(), owner: ID, data: Some(encode(&*market)), slot: *slot };
        let begin = processor_time();
        index.apply(&update);
        let counts = index.scan(now).counts;
        let time = processor_time().saturating_sub(begin);
        // The first one has to judge everything.
        if round > 0 {
            found.push(Round { time, touched: counts.touched, evaluated: counts.evaluated });
        }
    }
    found
}

/// Vaults renewed in a second, median and worst.
fn speeds(rounds: &[Round]) -> [f64; 2] {
    let mut speeds: Vec<f64> = rounds.iter().map(|round| round.touched as f64 / round.time.as_secs_f64()).collect();
    speeds.sort_by(f64::total_cmp);
    [speeds[speeds.len() / 2], speeds[0]]
}

fn median_millis(rounds: &[Round]) -> f64 {
    let mut times: Vec<f64> = rounds.iter().map(|round| round.time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn measure(table: &mut String, modelled: bool, vaults: usize) {
    let (address, market, now) = market(modelled);
    let mut index = Index::new(address);
    let mut random = Random::new(1);
    let mut slot = 1;
    index.apply(&Update { address, owner: ID, data: Some(encode(&*market)), slot });
    for number in 0..vaults as u64 {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        let data = Some(encode(&vault(&mut random, &market, &address)));
        index.apply(&Update { address: Pubkey::from(key), owner: ID, data, slot });
    }
    assert_eq!(index.len(), vaults);
    let liquidatable = index.scan(now).liquidatable.len();
    let bytes = index.bytes() / vaults;
    let model = if modelled { "6 factors, 8 scenarios" } else { "none" };
    for (all, what) in [(false, "one price"), (true, "all prices, a second")] {
        for screened in [false, true] {
            index.screens(screened);
            let rounds = rounds(&mut index, (&market, now), all, &mut slot);
            let [median, worst] = speeds(&rounds);
            let touched = rounds.iter().map(|round| round.touched).sum::<usize>() / rounds.len();
            let evaluated = rounds.iter().map(|round| round.evaluated).sum::<usize>() / rounds.len();
            let how = if screened { "screened" } else { "exact" };
            let [median, worst] = [median, worst].map(|speed| format!("{:.2}", speed / 1e6));
            let millis = median_millis(&rounds);
            let line = format!(
                "| {vaults} | {POSITIONS} | {model} | {what} | {how} | {touched} | {evaluated} | {median} | {worst} | \
                 {millis:.2} | {liquidatable} | {bytes} |"
            );
            eprintln!("{line}");
            let _ = writeln!(table, "{line}");
        }
    }
}

fn main() {
    let mut table = String::from(INTRODUCTION);
    for modelled in [false, true] {
        for vaults in [10_000, 100_000] {
            measure(&mut table, modelled, vaults);
        }
    }
    table.push_str(CLOSING);
    print!("{table}");
}

const INTRODUCTION: &str = "\
# Speed of the keeper's scan

Written by `cargo xtask scan`, on one core, in the development profile (`crates/risk` is optimised, the walk around it
is not). Times are those that the thread used of its core. A round is: prices move by up to half a percent, the market
account is applied, all vaults are scanned. *Touched* are the vaults whose decision the change could alter, and is
renewed; *exact* judges each of them by the whole check, *screened* asks first whether prices have moved further than
the vault tolerates, and *checked* is how many then need the whole check. M/s are millions of touched vaults per second:
median and worst of 31 rounds.

| vaults | positions | model | what moves | how | touched | checked | M/s | worst | ms | liquidatable | bytes each |
|---:|---:|---|---|---|---:|---:|---:|---:|---:|---:|---:|
";

const CLOSING: &str = "
What does not depend on the machine is asserted by tests: every decision of a scan, with and without the screen, is the
one of `ballast_client::snapshot::health` (`crates/keeper/tests/liquidation/index.rs`), a vault within its tolerance
stays sound (`crates/risk/tests/properties/sheet.rs`), and a vault takes at most 2,048 bytes even with 32 positions.
";
