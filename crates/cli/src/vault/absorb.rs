//! `ballast vault absorb`.

use ballast_client::risk::health::Side;
use ballast_client::{Market, Vault};
use clap::Args;
use serde::Serialize;

use super::Which;
use crate::amounts::Tokens;
use crate::context::{Context, name};
use crate::failure::Failure;
use crate::output::{Report, facts};
use crate::send::{Request, Sent, send};

/// Write off what a vault without any collateral owes. Anybody may
///
/// The reserve of each asset pays first, then those who deposited it.
#[derive(Args, Debug)]
pub struct Absorb {
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Absorbed {
    vault: String,
    owner: String,
    /// What it owes; as it was read before.
    debts: Vec<Debt>,
    #[serde(flatten)]
    sent: Sent,
}

#[derive(Serialize)]
struct Debt {
    asset: String,
    #[serde(flatten)]
    tokens: Tokens,
}

impl Report for Absorbed {
    fn text(&self) -> String {
        let debts = self.debts.iter().map(|debt| ("Debt", format!("{} {}", debt.tokens.ui_amount_string, debt.asset)));
        let lines = [("Vault", self.vault.clone()), ("Owner", self.owner.clone())].into_iter().chain(debts);
        facts(lines) + &self.sent.text()
    }
}

impl Absorb {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let chosen = self.which.find(context, &chain).await?;
        let debts = chosen.vault.as_ref().map(|vault| debts(&chain.market, vault, chain.now)).unwrap_or_default();
        let mut preview = vec![format!("Write off what vault {} owes", chosen.address)];
        preview.extend(debts.iter().map(|debt| format!("  {} {}", debt.tokens.ui_amount_string, debt.asset)));
        let instructions = vec![chain.reference().absorb_bad_debt(&chosen.address)];
        let sent = send(context, Request { preview, instructions, signers: vec![] }).await?;
        let (vault, owner) = (chosen.address.to_string(), chosen.owner.to_string());
        context.show(&Absorbed { vault, owner, debts, sent })
    }
}

/// With interest, rounded up.
fn debts(market: &Market, vault: &Vault, now: u64) -> Vec<Debt> {
    let owed = vault.used().iter().filter(|position| position.side() == Side::Debt);
    let debt = |asset: u8| {
        let record = market.listed().get(usize::from(asset))?;
        let amount = vault.holding(asset).amount(&record.accrued_pool(now)).ok()?;
        Some(Debt { asset: name(&record.name), tokens: Tokens::of(record, amount.get()) })
    };
    owed.filter_map(|position| debt(position.asset)).collect()
}
