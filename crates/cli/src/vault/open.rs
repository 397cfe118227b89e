//! `ballast vault open`.

use ballast_client::{address, instruction};
use clap::Args;
use serde::Serialize;
use solana_signer::Signer;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, facts};
use crate::send::{Request, Sent, send};

/// Open a vault.
#[derive(Args, Debug)]
pub struct Open {
    /// Its number, different from those of your other vaults
    #[arg(long, default_value_t = 0)]
    id: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    vault: String,
    id: u16,
    owner: String,
    #[serde(flatten)]
    sent: Sent,
}

impl Report for Opened {
    fn text(&self) -> String {
        facts([("Vault", self.vault.clone()), ("Owner", self.owner.clone())]) + &self.sent.text()
    }
}

impl Open {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let (owner, payer) = (context.signer()?, context.fee_payer()?);
        let market = match &context.options.market_account {
            Some(_) => context.market().await?.address,
            None => context.market_address()?,
        };
        let vault = address::vault(&market, &owner.pubkey(), self.id);
        let open = instruction::open_vault(&owner.pubkey(), &payer.pubkey(), &market, self.id);
        let preview = vec![format!("Open vault {} of {} at {vault}", self.id, owner.pubkey())];
        let request = Request { preview, instructions: vec![open], signers: vec![&*owner, &*payer] };
        let sent = send(context, request).await?;
        let (vault, owner) = (vault.to_string(), owner.pubkey().to_string());
        context.show(&Opened { vault, id: self.id, owner, sent })
    }
}
