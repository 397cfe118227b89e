//! `ballast vault simulate`: what prices and actions would do to a vault. Nothing is sent or signed.

use ballast_client::impact::Shock;
use ballast_client::preview::Action;
use clap::Args;
use serde::Serialize;

use super::Which;
use super::foresight::{foresee, stage};
use super::fresh::{Refresh, refreshed};
use super::moves::Move;
use super::view::{Health, Holding, Liquidation, changes, holdings};
use crate::amounts::{Tokens, parts};
use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::output::Report;

/// Largest rise of a price, in basis points: a hundredfold.
const MOST_BPS: i64 = 990_000;

/// Show what prices and actions would do: first the prices, then deposits, repayments, withdrawals and loans.
#[derive(Args, Debug)]
pub struct Simulate {
    #[command(flatten)]
    which: Which,
    /// A price that moves: SOL=-20%, or all=-20% for every asset; any number of times
    #[arg(long = "price", value_name = "ASSET=PERCENT", allow_hyphen_values = true)]
    prices: Vec<String>,
    /// Deposit; any number of times, as the others
    #[arg(long, value_name = "ASSET=AMOUNT")]
    deposit: Vec<String>,
    /// Repay; `all` for everything owed
    #[arg(long, value_name = "ASSET=AMOUNT")]
    repay: Vec<String>,
    /// Withdraw; `all` for everything deposited
    #[arg(long, value_name = "ASSET=AMOUNT")]
    withdraw: Vec<String>,
    /// Borrow; `all` for the most that the program would accept
    #[arg(long, value_name = "ASSET=AMOUNT")]
    borrow: Vec<String>,
    /// Whether prices that are too old count as they would after a refresh
    #[arg(long, value_enum, default_value_t)]
    refresh: Refresh,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Simulated {
    vault: String,
    actions: Vec<Acted>,
    before: Health,
    after: Health,
    positions: Vec<Holding>,
    liquidation_prices: Vec<Liquidation>,
    /// The least fall of everything deposited, in basis points, that would then make it liquidatable.
    fall_bps: Option<u16>,
    #[serde(skip)]
    lines: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Acted {
    action: &'static str,
    asset: String,
    /// What would move; absent where nothing can.
    #[serde(flatten)]
    tokens: Option<Tokens>,
    /// Name of the error and what it says, where the program would refuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<(String, String)>,
}

impl Report for Simulated {
    fn text(&self) -> String {
        let mut text = format!("Vault {}\n", self.vault);
        for Acted { action, asset, tokens, refused } in &self.actions {
            let amount = tokens.as_ref().map_or("nothing of", |tokens| tokens.ui_amount_string.as_str());
            text += &format!("{action} {amount} {asset}");
            text += &refused.as_ref().map_or_else(String::new, |(name, why)| format!(": refused, {why} ({name})"));
            text.push('\n');
        }
        format!("{text}{}\n\n{}", self.lines.join("\n"), holdings(&self.positions))
    }
}

impl Simulate {
    /// # Errors
    /// [`Failure`]; where the program would refuse an action, that.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let chosen = self.which.find(context, &chain).await?;
        let Some(vault) = chosen.vault else {
            return Err(Failure::usage("a vault is read from the node: leave --market-account out"));
        };
        let shocks = self.prices.iter().map(|text| shock(&chain, text)).collect::<Result<Vec<_>, _>>()?;
        let mut moves = Vec::new();
        let kinds = [
            (Move::Deposit, &self.deposit),
            (Move::Repay, &self.repay),
            (Move::Withdraw, &self.withdraw),
            (Move::Borrow, &self.borrow),
        ];
        for (direction, words) in kinds {
            moves.extend(parts(&chain, words)?.into_iter().map(|part| (direction, part)));
        }
        let assets: Vec<u8> = moves.iter().map(|(_, part)| part.asset).collect();
        let fresh = refreshed(context, &chain, &vault, &assets, self.refresh).await?;
        let stage = stage(context, &fresh.market, &vault, chain.now, &assets).await?;
        let (preview, after, actions) = foresee(stage, &shocks, &moves)?;
        let acted = moves.iter().zip(&actions).zip(&preview.outcomes).map(|(((direction, part), action), outcome)| {
            let asset = &chain.market.assets[usize::from(part.asset)];
            let moved = outcome.flows.first().map(|flow| flow.tokens);
            Acted {
                action: direction.verb(),
                asset: name(&asset.name),
                tokens: moved.or(asked(action)).map(|amount| Tokens::of(asset, amount)),
                refused: outcome.refusal.as_ref().map(|refusal| (refusal.name.clone(), refusal.message.clone())),
            }
        });
        let simulated = Simulated {
            vault: chosen.address.to_string(),
            actions: acted.collect(),
            before: (&preview.before).into(),
            after: (&preview.after).into(),
            positions: Holding::all(&after.market, &after.vault, chain.now),
            liquidation_prices: Liquidation::all(&after.market, &preview.thresholds),
            fall_bps: preview.thresholds.fall_bps,
            lines: changes(&after.market, &preview),
        };
        context.show(&simulated)?;
        match preview.refusal() {
            Some(refusal) => Err(refusal.clone().into()),
            None => Ok(()),
        }
    }
}

fn asked(action: &Action) -> Option<u64> {
    match action {
        Action::Deposit { amount, .. } | Action::Borrow { amount, .. } => Some(*amount),
        Action::Withdraw { amount, .. } | Action::Repay { amount, .. } => *amount,
        Action::Liquidate { .. } => None,
    }
}

/// `SOL=-20%`.
fn shock(chain: &OnChain, text: &str) -> Result<Shock, Failure> {
    let wrong = || Failure::usage(format!("{text} is no move of a price: write SOL=-20%, or all=+5.5%"));
    let (asset, percent) = text.split_once('=').ok_or_else(wrong)?;
    let digits = percent.strip_suffix('%').ok_or_else(wrong)?;
    let (falls, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    // Two decimal places of a per cent are basis points.
    let bps = crate::amounts::native(digits, 2).map_err(|_| wrong())?;
    let bps = i64::try_from(bps).map_err(|_| wrong())? * if falls { -1 } else { 1 };
    if !(-9_999..=MOST_BPS).contains(&bps) {
        return Err(Failure::usage(format!("{text}: a price falls by less than 100% and rises by 9900% at most")));
    }
    let asset = if asset == "all" { None } else { Some(chain.asset(asset)?) };
    Ok(Shock { asset, bps: i32::try_from(bps).map_err(|_| wrong())? })
}
