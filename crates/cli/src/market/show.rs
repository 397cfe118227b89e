//! `ballast market show`.

use ballast_client::risk::Rate;
use ballast_cluster::text;
use clap::Args;

use super::view::{AssetView, MarketView, PriceView, Roles};
use crate::amounts::Tokens;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, Table, bold, facts};
use crate::price::{Rounding, dollars};

/// Show a market.
#[derive(Args, Debug)]
pub struct Show {}

impl Show {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        context.show(&MarketView::of(&context.market().await?))
    }
}

impl Report for MarketView {
    fn text(&self) -> String {
        let nobody = || "nobody".to_owned();
        let mut lines = vec![("Market", self.market.clone()), ("State", self.state.to_owned())];
        let Roles { governance, guardian, steward } = &self.roles;
        for (role, holder) in [("Governance", governance), ("Guardian", guardian), ("Steward", steward)] {
            lines.push((role, holder.clone().unwrap_or_else(nobody)));
        }
        let Roles { governance, guardian, steward } = &self.named;
        for (role, holder) in [("governance", governance), ("guardian", guardian), ("steward", steward)] {
            lines.extend(holder.iter().map(|holder| ("Named", format!("{holder} for {role}; has to accept"))));
        }
        let parameter =
            |name: &str| self.parameters.get(name).and_then(|value| value.as_str()).unwrap_or("?").to_owned();
        lines.push(("Delay", parameter("delay")));
        lines.push(("Notice", parameter("notice")));
        lines.push(("Window", parameter("window")));
        lines.push(("Dust", parameter("dust")));
        let paused = [("borrowing", self.borrow_paused_until), ("withdrawing", self.withdraw_paused_until)];
        for (what, until) in paused.into_iter().filter_map(|(what, until)| Some((what, until?))) {
            lines.push(("Paused", format!("{what} until {} UTC, by the guardian", date(until))));
        }
        lines.push(("Model", if self.model.netting { "netting".to_owned() } else { "haircuts alone".to_owned() }));
        lines.push(("In flight", self.in_flight.to_owned()));
        let restrictions =
            self.assets.iter().flat_map(|asset| asset.restrictions.iter().map(move |line| (asset, line)));
        let restrictions: String = restrictions.map(|(asset, line)| format!("{}: {line}\n", asset.name)).collect();
        let mut out = facts(lines) + "\n" + &prices(&self.assets) + "\n" + &caps(&self.assets);
        if !restrictions.is_empty() {
            out += &format!("\n{}\n{restrictions}", bold("Restricted"));
        }
        out
    }
}

fn date(seconds: u64) -> String {
    text::date(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn prices(assets: &[AssetView]) -> String {
    let mut table =
        Table::new(&["Asset", ">Price", ">Age", ">Utilisation", ">Supply a year", ">Borrow a year", "Breaker"]);
    for asset in assets {
        let yearly = |rate: u32| text::percent(f64::from(rate) / 2f64.powi(52) * Rate::YEAR as f64);
        table.row([
            asset.name.clone(),
            price(&asset.price),
            asset.price.age.map_or_else(|| "-".to_owned(), |age| format!("{age}s")),
            text::percent(f64::from(asset.utilisation) / 2f64.powi(32)),
            yearly(asset.supply_rate),
            yearly(asset.borrow_rate),
            asset.price.breaker.to_owned(),
        ]);
    }
    table.to_string()
}

fn price(price: &PriceView) -> String {
    match price.pico_dollars.as_ref().and_then(|text| text.parse().ok()) {
        Some(pico) => dollars(pico, Rounding::Nearest),
        None if price.publish_time.is_some() => format!("over {}", dollars(u64::MAX, Rounding::Down)),
        None => "none".to_owned(),
    }
}

fn caps(assets: &[AssetView]) -> String {
    let mut table = Table::new(&["Asset", ">Deposits", ">Cap left", ">Debts", ">Cap left", ">In the pool"]);
    for asset in assets {
        let AssetView { deposits, deposit_cap_left, debts, debt_cap_left, cash, .. } = asset;
        let amounts = [deposits, deposit_cap_left, debts, debt_cap_left, cash].map(short);
        table.row(std::iter::once(asset.name.clone()).chain(amounts));
    }
    table.to_string()
}

fn short(tokens: &Tokens) -> String {
    text::tokens(tokens.amount.parse().unwrap_or(u64::MAX), tokens.decimals)
}
