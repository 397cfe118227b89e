//! The oracles of a fixture's market, and whoever refreshes it.

use ballast_client::instruction;
use ballast_client::local::Published;
use solana_instruction::Instruction;

use crate::assets::Token;
use crate::fixture::Fixture;
use crate::oracle;
use crate::outcome::Outcome;

impl Fixture {
    fn publishes_for(&self, token: &Token, seen: &Published) {
        let data = oracle::account(token.listing.oracle_kind, &token.feed(), seen, self.clock().slot);
        self.writes_data(&token.oracle, &token.oracle_program(), data);
    }

    /// The oracle publishes a price; nobody has refreshed the market yet.
    pub fn publishes(&self, symbol: &str, seen: &Published) {
        self.publishes_for(&self.token(symbol), seen);
    }

    /// The oracle publishes a price in dollars, now, and repeats it whenever all are refreshed.
    pub fn sets_price(&self, symbol: &str, dollars: &'static str) {
        let (market, index) = (self.market_address(), usize::from(self.index(symbol)));
        if let Some(tokens) = self.world_mut().tokens.get_mut(&market) {
            tokens[index].price = dollars;
        }
        self.publishes(symbol, &oracle::published(dollars, self.now()));
    }

    /// Somebody refreshes the prices of these assets.
    pub fn refreshes(&self, symbols: &[&str]) -> Outcome {
        self.sends(&[self.refresh_instruction(symbols)], &[&self.payer()])
    }

    pub fn refresh_instruction(&self, symbols: &[&str]) -> Instruction {
        let tokens = self.tokens();
        let price = |symbol: &&str| {
            let at = tokens.iter().position(|token| token.symbol == *symbol).expect("a listed asset");
            (at as u8, tokens[at].oracle)
        };
        let prices: Vec<_> = symbols.iter().map(price).collect();
        instruction::refresh_prices(&self.market_address(), &prices)
    }

    /// All oracles publish the price that was set last, and somebody refreshes them all.
    pub fn refreshes_all(&self) {
        let tokens = self.tokens();
        for token in &tokens {
            self.publishes_for(token, &oracle::published(token.price, self.now()));
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
