//! `ballast migrate`: applies the numbered definitions of a directory to the cluster, as often as one likes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ballast_client::Pubkey;
use ballast_cluster::definition::{Cluster, Definition, File};
use clap::Args;
use serde::Serialize;

use super::applied::{Applied, Status};
use super::apply::apply;
use super::preflight::checked;
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

/// Where the market of a definition is: as its file says, or else where its key or `--market` do.
fn place(context: &Context, definition: &Definition, key: Option<Pubkey>) -> Result<Pubkey, Failure> {
    let Some(known) = definition.address.or(key) else { return context.market_address() };
    match context.options.market {
        Some(asked) if asked != known => Err(Failure::usage(format!(
            "market {} is at {known}, and --market (or BALLAST_MARKET) says {asked}: leave that out, or choose another with \
             --name",
            definition.market
        ))),
        _ => Ok(known),
    }
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
        let mut ready = Vec::new();
        for definition in &definitions {
            let address = place(context, definition, key.as_ref().map(|key| key.pubkey()))?;
            let checked = checked(context, definition, Some(address), key.as_ref()).await;
            checked.map_err(|failure| failure.about(&format!("market {}", definition.market)))?;
            ready.push((definition, address));
        }
        let mut migrated = Migrated(Vec::new());
        for (definition, address) in ready {
            let mut applied = apply(context, definition, Some(address), key.as_ref()).await;
            let failure = applied.failure.take();
            if failure.is_none() || applied.status == Status::Stopped {
                migrated.0.push(applied);
            }
            if let Some(failure) = failure {
                // What was done before it is shown all the same.
                if !migrated.0.is_empty() {
                    context.show(&migrated)?;
                }
                return Err(failure);
            }
        }
        context.show(&migrated)
    }
}
