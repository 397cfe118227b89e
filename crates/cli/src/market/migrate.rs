//! `ballast migrate`: applies the numbered definitions of a directory to the cluster, as often as one likes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ballast_cluster::definition::{Cluster, File};
use clap::Args;
use serde::Serialize;

use super::apply::{Applied, apply};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, note};

/// Bring the markets of this cluster to where the numbered files of a directory say.
#[derive(Args, Debug)]
pub struct Migrate {
    /// Directory of definitions named NNNN-name.toml
    #[arg(default_value = "migrations", value_name = "DIR")]
    directory: PathBuf,
    /// Only the market of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Key of the market's account, for the run that creates it
    #[arg(long, value_name = "KEYPAIR")]
    market_keypair: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Migrated(Vec<Applied>);

impl Report for Migrated {
    fn text(&self) -> String {
        self.0.iter().map(Report::text).collect::<Vec<_>>().join("\n")
    }
}

/// A definition file.
///
/// # Errors
/// [`Failure::Usage`].
pub fn read(path: &Path) -> Result<File, Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    File::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// Which cluster it is, by its first block.
///
/// # Errors
/// [`Failure::Rpc`].
pub async fn cluster_of(context: &Context) -> Result<Cluster, Failure> {
    let genesis = context.connection.client().get_genesis_hash().await.context("no genesis hash")?;
    Ok(Cluster::of_genesis(&genesis.to_string()))
}

/// The files of a directory by their numbers, later ones of the same market laid over earlier ones.
fn files(directory: &Path) -> Result<BTreeMap<String, File>, Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: {why}", directory.display()));
    let entries = std::fs::read_dir(directory).map_err(|error| wrong(error.to_string()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|error| wrong(error.to_string()))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut numbers: Vec<String> = Vec::new();
    let mut markets: BTreeMap<String, File> = BTreeMap::new();
    for path in &paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let number: String = name.chars().take_while(char::is_ascii_digit).collect();
        if number.len() != 4 || !name[4..].starts_with('-') || numbers.contains(&number) {
            return Err(wrong(format!("{name}: a definition is named NNNN-name.toml, each number once")));
        }
        numbers.push(number);
        let file = read(path)?;
        let laid = match markets.remove(&file.market) {
            Some(earlier) => earlier.overlaid(file).map_err(|error| wrong(format!("{name}: {error}")))?,
            None => file,
        };
        markets.insert(laid.market.clone(), laid);
    }
    if markets.is_empty() {
        return Err(wrong("there are no definitions here".to_owned()));
    }
    Ok(markets)
}

impl Migrate {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let cluster = cluster_of(context).await?;
        let mut definitions = Vec::new();
        // Everything is checked before anything is sent.
        for (name, file) in files(&self.directory)? {
            let definition = file.define().map_err(|wrong| Failure::usage(format!("market {name}: {wrong}")))?;
            if definition.cluster != cluster {
                note(&format!("Market {name} belongs to another cluster and is left alone."));
            } else if self.name.as_ref().is_none_or(|wanted| *wanted == name) {
                definitions.push(definition);
            }
        }
        let key = self.market_keypair.as_ref();
        let key = key.map(|key| context.signer_at(key, "the key of the market (--market-keypair)")).transpose()?;
        let located = definitions.iter().filter(|definition| definition.address.is_none()).count();
        if located > 1 {
            return Err(Failure::usage("several markets of this cluster have no address: choose one with --name"));
        }
        let mut applied = Vec::new();
        for definition in &definitions {
            let named = definition.address.or(key.as_ref().map(|key| key.pubkey()));
            let address = match named {
                Some(address) => address,
                None => context.market_address()?,
            };
            applied.push(apply(context, definition, Some(address), key.as_ref()).await?);
        }
        context.show(&Migrated(applied))
    }
}
