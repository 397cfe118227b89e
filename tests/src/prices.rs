//! The oracles of a fixture's market, and whoever refreshes it.

use ballast_client::local::Published;
use ballast_client::{Proposal, Pubkey, Role, SourceKind, change, instruction};
use solana_instruction::Instruction;

use crate::assets::{Feed, Token, oracle_program};
use crate::fixture::{DUST, Fixture};
use crate::oracle;
use crate::outcome::Outcome;

impl Fixture {
    /// A market of these tokens with all of their sources, that is being set up, with fresh prices.
    pub fn of(tokens: Vec<Token>) -> Self {
        let market = Self::without_market();
        market.creates_market(DUST).expect("a market");
        for token in tokens {
            market.lists_with_sources(token).expect("a listed asset");
        }
        market.refreshes_all();
        market
    }

    /// Governance lists a token with all of its sources, in a market that is being set up.
    pub fn lists_with_sources(&self, token: Token) -> Outcome {
        let (symbol, second) = (token.symbol, token.second.clone());
        let receipt = self.lists(token)?;
        if let Some(feed) = second {
            self.applies(Role::Governance, self.source_of(symbol, 1, &feed))?;
        }
        Ok(receipt)
    }

    /// Another source of an asset, as a change.
    pub fn source_of(&self, symbol: &str, slot: u8, feed: &Feed) -> Proposal {
        change::source(&self.market(), self.index(symbol), slot, feed.source())
    }

    fn publishes_for(&self, token: &Token, seen: &Published) {
        self.feed_publishes(&token.first(), &token.mint, seen);
    }

    /// A source publishes a price of a token, or a rate.
    pub fn feed_publishes(&self, feed: &Feed, mint: &Pubkey, seen: &Published) {
        let key = if feed.kind == SourceKind::StakePool { *mint } else { feed.key };
        let data = oracle::account(feed.kind, &key.to_bytes(), seen, self.clock().slot);
        self.writes_data(&feed.oracle, &oracle_program(feed.kind), data);
    }

    /// The oracle publishes a price; nobody has refreshed the market yet.
    pub fn publishes(&self, symbol: &str, seen: &Published) {
        self.publishes_for(&self.token(symbol), seen);
    }

    /// The second source publishes a price; nobody has refreshed the market yet.
    pub fn second_publishes(&self, symbol: &str, seen: &Published) {
        let token = self.token(symbol);
        self.feed_publishes(token.second.as_ref().expect("a second source"), &token.mint, seen);
    }

    /// Changes what the fixture knows about a token.
    pub fn knows(&self, symbol: &str, change: impl FnOnce(&mut Token)) {
        let (market, index) = (self.market_address(), usize::from(self.index(symbol)));
        if let Some(tokens) = self.world_mut().tokens.get_mut(&market) {
            change(&mut tokens[index]);
        }
    }

    /// The oracle publishes a price in dollars, now, and repeats it whenever all are refreshed.
    pub fn sets_price(&self, symbol: &str, dollars: &'static str) {
        self.knows(symbol, |token| token.price = dollars);
        self.publishes(symbol, &oracle::published(dollars, self.now()));
    }

    /// The second source publishes a price in dollars, now, and repeats it whenever all are refreshed.
    pub fn sets_second_price(&self, symbol: &str, dollars: &'static str) {
        self.knows(symbol, |token| token.second.as_mut().expect("a second source").price = dollars);
        self.second_publishes(symbol, &oracle::published(dollars, self.now()));
    }

    /// A second later the two sources of an asset say this, and somebody refreshes it.
    pub fn sources_say(&self, symbol: &str, first: &'static str, second: &'static str) -> Outcome {
        self.advances(1);
        self.sets_price(symbol, first);
        self.sets_second_price(symbol, second);
        self.refreshes(&[symbol])
    }

    /// Somebody compares the candidate of an asset, which this account belongs to, with its price.
    pub fn observes(&self, symbol: &str, oracle: &Pubkey) -> Outcome {
        let observe = instruction::observe_candidate(&self.market_address(), self.index(symbol), oracle);
        self.sends(&[observe], &[&self.payer()])
    }

    /// Somebody refreshes the prices of these assets.
    pub fn refreshes(&self, symbols: &[&str]) -> Outcome {
        self.sends(&[self.refresh_instruction(symbols)], &[&self.payer()])
    }

    /// With the accounts of the sources that the market knows.
    pub fn refresh_instruction(&self, symbols: &[&str]) -> Instruction {
        let (market, tokens) = (self.market(), self.tokens());
        let price = |symbol: &&str| {
            let at = tokens.iter().position(|token| token.symbol == *symbol).expect("a listed asset");
            let [_, second] = &market.assets[at].sources;
            let second = tokens[at].second.as_ref().filter(|_| !second.is_none());
            (at as u8, tokens[at].oracle, second.map(|feed| feed.oracle))
        };
        let prices: Vec<_> = symbols.iter().map(price).collect();
        instruction::refresh_prices(&self.market_address(), &prices)
    }

    /// All oracles publish the price that was set last, and somebody refreshes them all.
    pub fn refreshes_all(&self) {
        let tokens = self.tokens();
        for token in &tokens {
            self.publishes_for(token, &oracle::published(token.price, self.now()));
            if let Some(feed) = &token.second {
                self.feed_publishes(feed, &token.mint, &oracle::published(feed.price, self.now()));
            }
        }
        let symbols: Vec<_> = tokens.iter().map(|token| token.symbol).collect();
        for some in symbols.chunks(16) {
            self.refreshes(some).expect("fresh prices");
        }
    }

    /// A second later the prices of some assets are others, and the market knows all prices.
    pub fn prices_move(&self, prices: &[(&str, &'static str)]) {
        self.advances(1);
        for (symbol, dollars) in prices {
            self.sets_price(symbol, dollars);
        }
        self.refreshes_all();
    }

    /// A second later the price of an asset is another, and the market knows all prices.
    pub fn price_moves(&self, symbol: &str, dollars: &'static str) {
        self.prices_move(&[(symbol, dollars)]);
    }

    /// A second later the price of an asset is another, and the market knows that one price alone.
    pub fn price_of_one_moves(&self, symbol: &str, dollars: &'static str) {
        self.advances(1);
        self.sets_price(symbol, dollars);
        self.refreshes(&[symbol]).expect("a good price");
    }

    /// The price moves and stays so long that its average has followed.
    pub fn price_settles(&self, symbol: &str, dollars: &'static str) {
        self.price_moves(symbol, dollars);
        for _ in 0..4 {
            self.advances(3_600);
            self.refreshes_all();
        }
    }
}

/// A price a third lower. Decimal strings, so the digits are scaled as an integer.
pub fn lowered(price: &str) -> &'static str {
    let (whole, part) = price.split_once('.').unwrap_or((price, ""));
    let digits: u128 = format!("{whole}{part}00").parse().expect("a decimal price");
    let places = part.len() + 2;
    let text = format!("{:0>width$}", digits * 67 / 100, width = places + 1);
    let (whole, part) = text.split_at(text.len() - places);
    Box::leak(format!("{whole}.{part}").into_boxed_str())
}
