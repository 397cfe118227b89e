//! `ballast market create`.

use std::path::PathBuf;

use ballast_client::Pubkey;
use ballast_cluster::definition::File;
use ballast_cluster::definition::file::Roles;
use clap::Args;

use super::apply::apply_and_show;
use super::migrate::{cluster_of, read};
use crate::context::Context;
use crate::failure::Failure;

/// Create a market.
#[derive(Args, Debug)]
pub struct Create {
    /// Definition of the market; without one it is empty
    #[arg(value_name = "FILE.toml")]
    file: Option<PathBuf>,
    /// Key of the market's account, made with solana-keygen; its address is that of the market
    #[arg(long, value_name = "KEYPAIR")]
    market_keypair: String,
    /// Who may tighten, pause and cancel; nobody by default
    #[arg(long, value_name = "ADDRESS", conflicts_with = "file")]
    guardian: Option<Pubkey>,
    /// Who may take small steps on listed parameters; nobody by default
    #[arg(long, value_name = "ADDRESS", conflicts_with = "file")]
    steward: Option<Pubkey>,
}

impl Create {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let key = context.signer_at(&self.market_keypair, "the key of the market (--market-keypair)")?;
        if context.connection.account(&key.pubkey()).await?.is_some() {
            return Err(Failure::usage(format!("there is an account at {} already", key.pubkey())));
        }
        let cluster = cluster_of(context).await?;
        let file = match &self.file {
            Some(path) => read(path)?,
            None => {
                let holder = |holder: Option<Pubkey>| holder.map(|holder| holder.to_string());
                let roles = Roles { governance: None, guardian: holder(self.guardian), steward: holder(self.steward) };
                File { market: "new".to_owned(), cluster: Some(cluster), roles, ..File::default() }
            }
        };
        let definition = file.define().map_err(|wrong| Failure::Usage(wrong.to_string()))?;
        if definition.cluster != cluster {
            let message = format!("the definition is for {}, and this is {cluster}; see -u", definition.cluster);
            return Err(Failure::Usage(message));
        }
        apply_and_show(context, &definition, Some(key.pubkey()), Some(&key)).await
    }
}
