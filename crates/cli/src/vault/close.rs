//! `ballast vault close`.

use ballast_client::{Pubkey, instruction};
use clap::Args;
use serde::Serialize;
use solana_signer::Signer;

use super::Which;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, facts};
use crate::send::{Request, Sent, send};

/// Close an empty vault; its rent goes back.
#[derive(Args, Debug)]
pub struct Close {
    #[command(flatten)]
    which: Which,
    /// Who gets the rent; by default the owner
    #[arg(long, value_name = "ADDRESS")]
    receiver: Option<Pubkey>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Closed {
    vault: String,
    receiver: String,
    #[serde(flatten)]
    sent: Sent,
}

impl Report for Closed {
    fn text(&self) -> String {
        facts([("Vault", self.vault.clone()), ("Rent to", self.receiver.clone())]) + &self.sent.text()
    }
}

impl Close {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let market = context.market().await?;
        let chosen = self.which.find(context, &market).await?;
        let owner = context.signer()?;
        let receiver = self.receiver.unwrap_or(chosen.owner);
        let close = instruction::close_vault(&owner.pubkey(), &chosen.address, &receiver);
        let preview = vec![format!("Close vault {}, its rent to {receiver}", chosen.address)];
        let request = Request { preview, instructions: vec![close], signers: vec![&*owner] };
        let sent = send(context, request).await?;
        let (vault, receiver) = (chosen.address.to_string(), receiver.to_string());
        context.show(&Closed { vault, receiver, sent })
    }
}
