//! `ballast market list-asset`.

use std::path::PathBuf;

use ballast_cluster::definition::File;
use ballast_cluster::definition::file::AssetFile;
use clap::Args;

use super::apply::apply_and_show;
use crate::context::Context;
use crate::failure::Failure;

/// List an asset with its source and parameters: at once in a market that is being set up; in an open one it is listed at
/// once, and the rest is proposed.
#[derive(Args, Debug)]
pub struct ListAsset {
    /// The asset as a definition has it: name, mint, decimals, source, parameters
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
}

impl ListAsset {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let wrong = |why: String| Failure::usage(format!("{}: {why}", self.file.display()));
        let text = std::fs::read_to_string(&self.file).map_err(|error| wrong(error.to_string()))?;
        let asset: AssetFile = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let market = context.market().await?;
        let file = File { market: asset.name.clone(), assets: vec![asset], ..File::default() };
        let definition = file.define().map_err(|error| wrong(error.to_string()))?;
        apply_and_show(context, &definition, Some(market.address), None).await
    }
}
