//! Correlation and stress for the standard market, brought in as governance would: rows into a draft over several
//! transactions, then taken over.

use ballast_client::model::Drafting;
use ballast_client::parameters::{Row, times_levels};
use ballast_client::risk::Fraction;
use ballast_client::{Draft, Pubkey, RiskModel, account};
use solana_signer::Signer;

use crate::fixture::Fixture;
use crate::key;
use crate::outcome::{Outcome, Receipt};

/// What the standard model promises about itself, in seconds.
pub const VALIDITY: u32 = 2_592_000;
pub const GRACE: u32 = 604_800;

/// The standard row of an asset: a market factor, a few smaller ones, scenarios of falls and of a depeg.
pub fn row(symbol: &str, index: usize, factors: u8, scenarios: u8) -> Row {
    let stable = symbol.starts_with("USD");
    let spread = i16::try_from(index % 7).expect("small") * 40;
    let mut row = Row::default();
    if factors > 0 {
        row.loadings_bps = match symbol {
            _ if stable => [5, -10, 0, 20, 0, 0],
            "SOL" | "LST" => [900, 600, 0, 0, 50, 0],
            "BTC" => [700, -200, 100, 0, 0, 30],
            "ETH" => [800, 100, 300, 0, 0, 0],
            _ => [850 - spread, 200, 150 + spread, 0, 40, -60],
        };
        row.loadings_bps[usize::from(factors)..].fill(0);
        row.specific_bps = match symbol {
            _ if stable => 15,
            "LST" => 60,
            "SOL" | "BTC" | "ETH" => 250,
            _ => 500,
        };
    }
    let falls: [i16; 8] = if stable {
        [0, 0, -800, 100, 0, -300, 0, 0]
    } else {
        [-2_500 - spread, -1_500, 0, 2_000, -1_000 + spread, -500, 1_000, -3_000]
    };
    row.shocks_bps = falls;
    row.shocks_bps[usize::from(scenarios)..].fill(0);
    row
}

/// The standard model with some factors and scenarios: of the scenarios the mean of the two worst counts.
pub fn risk_model(factors: u8, scenarios: u8) -> RiskModel {
    let mut model = RiskModel::default();
    if factors > 0 {
        model = RiskModel {
            netting: true,
            factors,
            lambdas: times_levels([330, 290, 250]),
            floor: Fraction::from_bps(3_000).expect("a part").get(),
            validity: VALIDITY,
            grace: GRACE,
            factor_names: ["market", "solana", "defi", "dollar", "staking", "metals"].map(name),
            ..model
        };
    }
    if scenarios > 0 {
        let names = ["crash", "fall", "depeg", "rally", "rotation", "contagion", "squeeze", "alts"];
        model = RiskModel {
            scenarios,
            tail: scenarios.min(2),
            multipliers: times_levels([110, 100, 90]),
            scenario_names: names.map(name),
            ..model
        };
    }
    model
}

fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

impl Fixture {
    /// The draft that somebody called `author` writes for this market.
    pub fn drafting(&self, author: &str) -> Drafting {
        Drafting {
            market: self.market_address(),
            author: key(author).pubkey(),
            draft: crate::address(&format!("draft of {author}")),
        }
    }

    pub fn draft(&self, address: &Pubkey) -> Box<Draft> {
        let found = self.account(address).expect("a draft");
        account::draft(&found.owner, &found.data).expect("a draft")
    }

    /// The author creates the account of a draft and opens it.
    pub fn opens_draft(&self, author: &str) -> Outcome {
        self.gives_lamports(&key(author).pubkey());
        let rent = self.world().svm.minimum_balance_for_rent_exemption(Draft::SPACE);
        let both = self.drafting(author).open(rent);
        self.sends(&both, &[&key(author), &key(&format!("draft of {author}"))])
    }

    /// The standard rows of the listed assets.
    pub fn rows(&self, factors: u8, scenarios: u8) -> Vec<Row> {
        let tokens = self.tokens();
        tokens.iter().enumerate().map(|(index, token)| row(token.symbol, index, factors, scenarios)).collect()
    }

    /// Governance adopts the standard model with this many factors and scenarios, and it has phased in. Returns what taking
    /// it over cost.
    pub fn adopts(&self, factors: u8, scenarios: u8) -> Receipt {
        let rows = self.rows(factors, scenarios);
        let row = |symbol: &str| rows[usize::from(self.index(symbol))];
        self.models(&risk_model(factors, scenarios), row)
    }
}
