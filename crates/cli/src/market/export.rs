//! `ballast market export`.

use ballast_cluster::definition::File;
use ballast_cluster::definition::export::export;
use clap::Args;
use serde::Serialize;

use super::migrate::cluster_of;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Report;

/// Print a market as the definition that could create it again.
#[derive(Args, Debug)]
pub struct Export {
    /// What to call it
    #[arg(long, default_value = "exported")]
    name: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Exported {
    file: File,
    #[serde(skip)]
    text: String,
}

impl Report for Exported {
    fn text(&self) -> String {
        self.text.clone()
    }
}

impl Export {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let market = context.market().await?;
        let cluster = cluster_of(context).await?;
        let file = export(&market.market, &self.name, cluster, market.address);
        let text = file.write().map_err(|wrong| Failure::Usage(wrong.to_string()))?;
        context.show(&Exported { file, text })
    }
}
