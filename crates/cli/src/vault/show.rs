//! `ballast vault show`.

use clap::Args;
use serde::Serialize;

use super::Which;
use super::foresight::stage;
use super::view::{Health, Holding, Liquidation, health, holdings, liquidations};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, facts};

/// Show a vault: positions, margin, liquidation prices.
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    vault: String,
    id: u16,
    owner: String,
    /// May act for the owner until a second of unix time.
    #[serde(skip_serializing_if = "Option::is_none")]
    delegate: Option<(String, u64)>,
    positions: Vec<Holding>,
    health: Health,
    liquidation_prices: Vec<Liquidation>,
    /// The least fall of everything deposited, in basis points, that makes it liquidatable.
    fall_bps: Option<u16>,
    #[serde(skip)]
    health_text: String,
}

impl Report for Shown {
    fn text(&self) -> String {
        let mut lines = vec![("Vault", format!("{} (number {})", self.vault, self.id)), ("Owner", self.owner.clone())];
        lines.extend(self.delegate.iter().map(|(who, until)| ("Delegate", format!("{who} until {until}"))));
        let prices = liquidations(&self.liquidation_prices, self.fall_bps);
        format!("{}\n{}\n{}{prices}", facts(lines), holdings(&self.positions), self.health_text)
    }
}

impl Show {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let chosen = self.which.find(context, &chain).await?;
        let Some(vault) = chosen.vault else {
            return Err(Failure::usage("a vault is read from the node: leave --market-account out"));
        };
        let stage = stage(context, &chain.market, &vault, chain.now, &[]).await?;
        let (found, thresholds) = (stage.health(), stage.thresholds());
        let delegated = vault.delegate != ballast_client::Pubkey::default() && chain.now < vault.delegate_until;
        context.show(&Shown {
            vault: chosen.address.to_string(),
            id: vault.id,
            owner: vault.owner.to_string(),
            delegate: delegated.then(|| (vault.delegate.to_string(), vault.delegate_until)),
            positions: Holding::all(&chain.market, &vault, chain.now),
            health: (&found).into(),
            liquidation_prices: Liquidation::all(&chain.market, &thresholds),
            fall_bps: thresholds.fall_bps,
            health_text: health(&found),
        })
    }
}
