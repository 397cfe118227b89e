//! What is to be shown of a market, in the program's own numbers.

use ballast_client::change::{market_value, value};
use ballast_client::explain::{Availability, Why, explain};
use ballast_client::preview::pico_dollars;
use ballast_client::table::{Parameter, Scope};
use ballast_client::{Asset, Kind, Market, Pubkey, Role, Source};
use ballast_cluster::definition::export::origin;
use ballast_cluster::definition::file::SourceFile;
use ballast_cluster::definition::values;
use serde::Serialize;

use crate::amounts::Tokens;
use crate::context::{OnChain, name};

/// A market.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketView {
    pub market: String,
    /// `set-up` or `open`.
    pub state: &'static str,
    /// Unix seconds; zero in the set-up.
    pub opened_at: u64,
    /// The cluster's clock, unix seconds.
    pub now: u64,
    pub roles: Roles,
    /// Named for the roles; they have to accept.
    pub named: Roles,
    /// As a definition has them: `delay` and others.
    pub parameters: values::Values,
    /// Unix seconds up to which nobody borrows; absent without a pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub borrow_paused_until: Option<u64>,
    /// The same for withdrawals from vaults with debts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdraw_paused_until: Option<u64>,
    /// What a transaction has begun: `nothing`, `flash-loan` or `receivership`.
    pub in_flight: &'static str,
    pub model: Model,
    pub assets: Vec<AssetView>,
}

/// Holders of roles; absent where nobody is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Roles {
    pub governance: Option<String>,
    pub guardian: Option<String>,
    pub steward: Option<String>,
}

/// The model of correlation and stress.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    pub netting: bool,
    pub factors: Vec<String>,
    pub scenarios: Vec<String>,
    pub version: u32,
    /// Unix seconds; zero without netting.
    pub valid_until: u64,
}

/// An asset.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetView {
    pub index: usize,
    pub name: String,
    pub mint: String,
    pub token_program: String,
    pub custody: String,
    pub sources: Vec<SourceFile>,
    /// A source on its way in, and how often it has agreed of how often it must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    pub price: PriceView,
    pub deposits: Tokens,
    pub debts: Tokens,
    /// In the pool, to be borrowed or withdrawn.
    pub cash: Tokens,
    pub deposit_cap: Tokens,
    /// What may still be deposited.
    pub deposit_cap_left: Tokens,
    pub debt_cap: Tokens,
    /// What may still be borrowed under the cap.
    pub debt_cap_left: Tokens,
    /// Debts over deposits in 2^-32.
    pub utilisation: u32,
    /// Per second in 2^-52.
    pub supply_rate: u32,
    pub borrow_rate: u32,
    /// What is refused at the moment, and why.
    pub restrictions: Vec<String>,
    pub parameters: values::Values,
}

/// See [`AssetView::candidate`].
#[derive(Debug, Serialize)]
pub struct Candidate {
    pub source: SourceFile,
    pub slot: u8,
    pub checks: u8,
    pub needed: u8,
}

/// A price.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceView {
    /// 10^-12 dollars for a whole token, as the feed publishes it; absent without a price and above 64 bits.
    pub pico_dollars: Option<String>,
    /// Unix seconds.
    pub publish_time: Option<u64>,
    /// Seconds.
    pub age: Option<u64>,
    /// For borrowing and withdrawing.
    pub usable_init: bool,
    /// For liquidations.
    pub usable_spot: bool,
    /// Which of its states the breaker is in.
    pub breaker: &'static str,
}

impl MarketView {
    pub fn of(chain: &OnChain) -> Self {
        let OnChain { address, market, now } = chain;
        let ahead = |until: u64| (*now < until).then_some(until);
        let [terms, _] = &market.terms;
        let named = |names: &[[u8; 16]], count: u8| names.iter().take(count.into()).map(|text| name(text)).collect();
        Self {
            market: address.to_string(),
            state: if market.in_setup() { "set-up" } else { "open" },
            opened_at: market.opened_at,
            now: *now,
            roles: roles(&market.roles),
            named: roles(&market.named),
            parameters: values::write(Scope::Market, 0, |parameter| market_value(market, parameter)),
            borrow_paused_until: ahead(market.borrow_pause.until),
            withdraw_paused_until: ahead(market.withdraw_pause.until),
            in_flight: match &market.in_flight {
                begun if begun.is(Kind::FlashLoan) => "flash-loan",
                begun if begun.is(Kind::Receivership) => "receivership",
                _ => "nothing",
            },
            model: Model {
                netting: terms.netting != 0,
                factors: named(&market.factor_names, terms.factors),
                scenarios: named(&market.scenario_names, terms.scenarios),
                version: market.model_version,
                valid_until: market.valid_until,
            },
            assets: market
                .listed()
                .iter()
                .enumerate()
                .map(|(at, asset)| AssetView::of(market, at, asset, *now))
                .collect(),
        }
    }
}

fn roles(holders: &[Pubkey; 3]) -> Roles {
    let holder = |role: Role| {
        let holder = role.of(holders);
        (*holder != Pubkey::default()).then(|| holder.to_string())
    };
    Roles { governance: holder(Role::Governance), guardian: holder(Role::Guardian), steward: holder(Role::Steward) }
}

impl AssetView {
    fn of(market: &Market, index: usize, asset: &Asset, now: u64) -> Self {
        let pool = asset.accrued_pool(now);
        // Beyond 64 bits only for sums that no custody holds.
        let all =
            |sum: ballast_client::risk::Result<ballast_client::risk::Amount>| sum.map_or(u64::MAX, |sum| sum.get());
        let (deposits, debts) = (all(pool.deposits_ceil()), all(pool.debts_floor()));
        let tokens = |amount| Tokens::of(asset, amount);
        let source = |source: &Source| SourceFile::of(&origin(market, source));
        Self {
            index,
            name: name(&asset.name),
            mint: asset.mint.to_string(),
            token_program: asset.token_program().to_string(),
            custody: asset.custody.to_string(),
            sources: asset.sources.iter().filter(|source| !source.is_none()).map(source).collect(),
            candidate: (!asset.candidate.is_none()).then(|| Candidate {
                source: source(&asset.candidate),
                slot: asset.candidate_slot,
                checks: asset.candidate_checks,
                needed: asset.source_checks,
            }),
            price: PriceView::of(asset, now),
            deposits: tokens(deposits),
            debts: tokens(debts),
            cash: tokens(asset.cash),
            deposit_cap: tokens(asset.deposit_cap),
            deposit_cap_left: tokens(asset.deposit_cap.saturating_sub(deposits)),
            debt_cap: tokens(asset.debt_cap),
            debt_cap_left: tokens(asset.debt_cap.saturating_sub(debts)),
            utilisation: pool.utilisation_floor().map_or(u32::MAX, |part| part.get()),
            supply_rate: asset.supply_rate,
            borrow_rate: asset.borrow_rate,
            restrictions: restrictions(asset, now),
            parameters: values::write(Scope::Asset, asset.decimals, |parameter| value(asset, parameter)),
        }
    }
}

impl PriceView {
    fn of(asset: &Asset, now: u64) -> Self {
        use ballast_client::risk::breaker::State;
        let explained = explain(asset, now);
        let price = asset.spot().filter(|_| asset.publish_time != 0);
        Self {
            pico_dollars: price.and_then(|price| Some(pico_dollars(price, asset.decimals)?.to_string())),
            publish_time: price.map(|_| asset.publish_time),
            age: explained.age,
            usable_init: explained.init.counts(),
            usable_spot: explained.spot.counts(),
            breaker: match explained.breaker {
                State::Normal => "normal",
                State::Cautious => "cautious",
                State::ReduceOnly => "reduce-only",
            },
        }
    }
}

/// What is refused at the moment, and why, one line for each reason.
fn restrictions(asset: &Asset, now: u64) -> Vec<String> {
    let explained = explain(asset, now);
    let mut lines = Vec::new();
    for (what, availability) in [("no borrowing or withdrawing", explained.init), ("no liquidation", explained.spot)] {
        if let Availability::Withheld(why) = availability {
            lines.push(format!("{what}: {}", reason(why)));
        }
    }
    if [Parameter::DepositCap, Parameter::DebtCap].iter().all(|cap| value(asset, *cap) == Some(0)) {
        lines.push("nobody can use it: its caps are zero".to_owned());
    }
    lines
}

/// Why a price does not count, in words.
pub fn reason(why: Why) -> String {
    match why {
        Why::NoSource => "the asset has no price source".to_owned(),
        Why::NoPrice => "it has never had a price; refresh it".to_owned(),
        Why::TooOld { since } => format!("its price is too old since {since}; refresh it"),
        Why::Doubted { published } => format!("a newer price, of {published}, was not believed"),
        Why::Paused { until } => format!("the asset is paused until {until}"),
        Why::Breaker { until } => format!("its breaker is tripped until {until}"),
        Why::Grace { until } => format!("its price was missing; it counts again from {until} on"),
        Why::AwaitsNext => "it counts again with the next price".to_owned(),
    }
}
