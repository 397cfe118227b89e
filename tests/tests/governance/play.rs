//! A random market to which random sequences of events happen, one after the other.

use ballast_tests::assets::{Feed, tokens};
use ballast_tests::client::parameters::{Row, times};
use ballast_tests::client::table::Parameter as P;
use ballast_tests::client::{LoadingRow, Market, RiskModel, Role, ShockRow, Source, SourceKind, Vault};
use ballast_tests::client::{instruction, local, snapshot};
use ballast_tests::oracle::published;
use ballast_tests::*;

use crate::judge::{Values, follow};
use crate::moves::{Event, Kind};
use crate::random::Random;

pub const DAY: u64 = 86_400;

/// A model with its rows in somebody's draft.
pub struct Drafted {
    pub author: &'static str,
    pub model: RiskModel,
    pub loadings: Vec<LoadingRow>,
    pub shocks: Vec<ShockRow>,
}

/// One random market, to which every sequence returns.
pub struct Play {
    pub fixture: Fixture,
    pub assets: u8,
    /// The second from which on things count.
    pub begin: u64,
    base: Box<Market>,
    set_up_at: u64,
    /// All sources that an asset can have. They say the same.
    pub feeds: Vec<Vec<Feed>>,
    pub drafts: Vec<Drafted>,
    pub events: Vec<Event>,
    pub count: usize,
    pub waiting: Vec<String>,
    /// The confidence interval of all feeds is one in so many: wide ones trip what governance makes narrow.
    interval: u64,
}

fn row(random: &mut Random, factors: u8, scenarios: u8) -> Row {
    let mut row = Row::default();
    for loading in &mut row.loadings_bps[..usize::from(factors)] {
        *loading = random.between(0, 1_600) as i16 - 800;
    }
    row.specific_bps = random.between(10, 800) as u16;
    for shock in &mut row.shocks_bps[..usize::from(scenarios)] {
        *shock = random.between(0, 6_000) as i16 - 3_500;
    }
    row
}

/// Any model, or none; one that nobody confirms ends `valid` seconds from when it is set.
fn model(random: &mut Random, valid: u32) -> RiskModel {
    let mut model = RiskModel::default();
    let falling = |random: &mut Random, least: u64, most: u64| {
        let mut levels = [(); 3].map(|()| times(random.between(least, most) as u16));
        levels.sort_unstable_by(|a, b| b.cmp(a));
        levels
    };
    if random.percent(60) {
        model.netting = true;
        model.factors = random.between(0, 6) as u8;
        model.lambdas = falling(random, 100, 400);
        model.floor = random.between(0, 1 << 32) as u32;
        (model.validity, model.grace) = (valid, random.between(DAY, 10 * DAY) as u32);
    }
    if random.percent(60) {
        model.scenarios = random.between(1, 8) as u8;
        model.tail = random.between(1, u64::from(model.scenarios)) as u8;
        model.multipliers = falling(random, 50, 150);
    }
    model
}

impl Play {
    pub fn new(random: &mut Random) -> Self {
        let count = 6 + random.below(3);
        let fixture = Fixture::of(tokens(count));
        let mut play = Self {
            assets: count as u8,
            begin: 0,
            base: fixture.market(),
            set_up_at: fixture.second(),
            feeds: vec![],
            drafts: vec![],
            events: vec![],
            count: 0,
            waiting: vec![],
            interval: random.pick(&[2_000, 200, 60]),
            fixture,
        };
        play.sets_up(random);
        play
    }

    fn sets_up(&mut self, random: &mut Random) {
        let fixture = &self.fixture;
        for (index, token) in fixture.tokens().iter().enumerate() {
            let other = |name: &str, kind| Feed::new(&format!("{name} of {}", token.symbol), kind, token.price);
            let all = [token.first(), other("another", SourceKind::PythPull), other("core", SourceKind::PythPullCore)];
            self.feeds.push(all.into());
            let present = Values::of(&fixture.market(), Some(index as u8));
            let part = |random: &mut Random, least, most| random.between(least, most) * (1 << 32) / 10_000;
            let maint = part(random, 200, 3_000);
            let target = maint + part(random, 0, 1_000);
            let addon = part(random, 0, 1_500);
            let raised = addon + part(random, 0, 800);
            let values = [
                (P::HaircutMaint, maint),
                (P::HaircutTarget, target),
                (P::HaircutInit, target + part(random, 0, 2_000)),
                (P::AddonMaint, addon),
                (P::AddonTarget, raised),
                (P::AddonInit, raised + part(random, 0, 1_000)),
                (P::Depth, if random.percent(25) { 0 } else { random.scale(45, 55) }),
                (P::BonusLeast, 0),
                (P::BonusMost, (maint * 9 / 10).min(P::BonusMost.row().most)),
            ];
            fixture.arranges(Some(index as u8), &follow(&present, &values).unlike(&present));
        }
        for author in ["quant", "analyst", "professor", "student"] {
            let validity = random.between(2 * DAY, 30 * DAY) as u32;
            let model = model(random, validity);
            fixture.opens_draft(author).expect("a draft");
            let symbols: Vec<_> = fixture.tokens().iter().map(|token| token.symbol).collect();
            let rows: Vec<_> = symbols.iter().map(|_| row(random, model.factors, model.scenarios)).collect();
            let place = |symbol: &str| rows[symbols.iter().position(|known| *known == symbol).expect("listed")];
            let (loadings, mut shocks) = (fixture.loadings(place), fixture.shocks(place));
            fixture.writes_loadings(author, &loadings);
            fixture.writes_shocks(author, &shocks);
            shocks.truncate(if model.scenarios > 0 { shocks.len() } else { 0 });
            self.drafts.push(Drafted { author, model, loadings, shocks });
        }
        // One that expires around the time that matters, or later.
        if random.percent(75) {
            let drafted = &mut self.drafts[0];
            if drafted.model.netting {
                drafted.model.validity = random.between(8 * DAY, 11 * DAY) as u32;
            }
            let model = drafted.model.clone();
            fixture.sets_model("quant", &model, &self.drafts[0].loadings, &self.drafts[0].shocks).expect("a model");
        }
        fixture.opens_market().expect("an open market");
        let fixture = self.fixture.clone().stocked();
        let borrower = fixture.actor("borrower", &[]);
        for token in fixture.tokens() {
            borrower.is_given(fixture.worth(token.symbol, 1_000_000));
        }
        borrower.deposits(fixture.worth("SOL", 1_000_000)).expect("a deposit");
        let second = borrower.with_vault(1);
        second.opens_vault().expect("a vault");
        second.deposits(fixture.worth("BTC", 1_000_000)).expect("a deposit");
        // Some are owed, some are only deposited.
        for token in fixture.tokens() {
            let from = if token.symbol == "SOL" { &second } else { &borrower };
            let _ = from.borrows(fixture.worth(token.symbol, random.between(1_000, 60_000)));
        }
        fixture.counts_no_books();
        self.base = fixture.market();
        self.set_up_at = fixture.second();
    }

    pub fn market(&self) -> Box<Market> {
        self.fixture.market()
    }

    pub fn goes_to(&self, second: u64) {
        self.fixture.goes_to(second);
    }

    /// Back to the beginning, with other things to come.
    pub fn starts(&mut self, random: &mut Random) {
        self.fixture.restores(&self.base);
        self.fixture.goes_to(self.set_up_at);
        self.begin = self.set_up_at + 8 * DAY;
        let (begin, notice) = (self.begin, u64::from(self.base.notice));
        let soon = |random: &mut Random| begin + if random.percent(20) { 0 } else { random.between(0, notice) };
        self.events.clear();
        for _ in 0..random.below(6) {
            let kind = random.pick(&[
                Kind::Asset,
                Kind::Asset,
                Kind::Asset,
                Kind::Asset,
                Kind::Slow,
                Kind::Market,
                Kind::Source,
                Kind::Source,
                Kind::Model,
                Kind::Model,
            ]);
            let wait = match kind {
                Kind::Asset | Kind::Model => DAY,
                Kind::Source => 2 * DAY,
                Kind::Slow | Kind::Market => 7 * DAY,
            };
            let due = soon(random);
            self.events.push(Event::Propose(due - wait, kind));
        }
        for _ in 0..1 + random.below(6) {
            let role = random.pick(&[Role::Governance, Role::Guardian, Role::Guardian, Role::Steward]);
            self.events.push(Event::AtOnce(soon(random), role));
        }
        for _ in 0..random.below(3) {
            let role = random.pick(&[Role::Governance, Role::Guardian]);
            self.events.push(Event::Pause(soon(random), role));
            self.events.push(Event::Resume(soon(random), role));
        }
        if random.percent(30) {
            self.events.push(Event::Confirm(soon(random), random.pick(&[Role::Governance, Role::Steward])));
        }
        if random.percent(10) {
            self.events.push(Event::List(soon(random)));
        }
        for _ in 0..5 {
            self.events.push(Event::Look(soon(random)));
        }
    }

    /// The next thing that happens, as long as it does soon enough.
    pub fn next_event(&mut self, _: &mut Random, notice: u64) -> Option<Event> {
        let next = self.events.iter().enumerate().min_by_key(|(_, event)| event.at())?.0;
        let event = self.events.swap_remove(next);
        if event.at() > self.begin + notice { self.next_event(&mut Random::new(0), notice) } else { Some(event) }
    }

    /// All feeds say what they always said, and somebody refreshes what can be refreshed.
    pub fn refreshes(&self) {
        let (market, now) = (self.market(), self.fixture.now());
        let tokens = self.fixture.tokens();
        let mut prices = vec![];
        for (index, (feeds, token)) in self.feeds.iter().zip(&tokens).enumerate() {
            for feed in feeds {
                let said = published(token.price, now);
                let said = local::Published { confidence: said.price.unsigned_abs() / self.interval, ..said };
                self.fixture.feed_publishes(feed, &token.mint, &said);
            }
            let oracle = |source: &Source| feeds.iter().find(|feed| feed.source() == *source).map(|feed| feed.oracle);
            let [first, second] = &market.assets[index].sources;
            prices.push((index as u8, oracle(first).expect("a known source"), oracle(second)));
        }
        let refresh = |prices: &[(u8, Pubkey, Option<Pubkey>)]| {
            let refresh = instruction::refresh_prices(&self.fixture.market_address(), prices);
            self.fixture.hastens(&[refresh], &[&self.fixture.payer()])
        };
        if refresh(&prices).is_err() {
            for price in prices {
                let _ = refresh(&[price]);
            }
        }
    }

    /// Nothing that waits is left for the next sequence.
    pub fn ends(&mut self) {
        for name in self.waiting.drain(..) {
            let _ = self.fixture.cancels(Role::Governance, &name);
        }
    }

    /// The client, whose word the play takes, says what the program says.
    pub fn compares_with_the_program(&self, vault: &Vault) {
        let (address, fixture) = (address("vault of the play"), &self.fixture);
        let mut vault = *vault;
        vault.market = fixture.market_address();
        fixture.writes_data(&address, &client::ID, client::account::encode(&vault));
        let view = fixture.health(&address);
        assert_eq!(view, snapshot::health(&self.market(), &vault, fixture.second()));
    }
}
