//! `ballast gov model`: a model of correlation and stress, from a file into a draft and into a change.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ballast_client::model::Drafting;
use ballast_client::{Draft, LoadingRow, Proposal, Pubkey, RiskModel, ShockRow, account, change};
use ballast_cluster::definition::model::{Row, Terms};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::accounts::draft_for;
use super::acts::{AllActed, apply, propose, rent};
use super::describe::{date, hex};
use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::output::{Report, facts};
use crate::send::{Request, Sent, send};

/// Commands on models.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the digest of the rows that governance signs for; sends nothing
    Digest(FileOf),
    /// Write the rows into a draft, in as many transactions as they need; anybody may
    Upload(Upload),
    /// Propose the model; its draft can be written before or after
    Propose(FileOf),
    /// Take the model over at once, while the market is being set up
    Apply(FileOf),
    /// Confirm that the model in force still holds, for another period of validity: governance or the steward
    Confirm(Confirm),
    /// Close a draft of yours and take its rent back
    CloseDraft(CloseDraft),
}

/// Confirm the model in force.
#[derive(Args, Debug)]
pub struct Confirm {}

/// Close a draft.
#[derive(Args, Debug)]
pub struct CloseDraft {
    /// Address of the draft
    #[arg(value_name = "ADDRESS")]
    draft: Pubkey,
}

/// The file of a model.
#[derive(Args, Debug)]
pub struct FileOf {
    /// TOML file with tables [model] and [assets.NAME]
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
}

/// The file, and where its rows go.
#[derive(Args, Debug)]
pub struct Upload {
    #[command(flatten)]
    file: FileOf,
    /// A draft of yours to be written (again); by default a new one
    #[arg(long, value_name = "ADDRESS")]
    draft: Option<Pubkey>,
}

/// What stands in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Terms,
    #[serde(default)]
    assets: BTreeMap<String, Row>,
}

/// A model with the rows of all listed assets.
pub struct Model {
    pub terms: RiskModel,
    pub loadings: Vec<LoadingRow>,
    pub shocks: Vec<ShockRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Digest {
    digest: String,
    /// Rows of loadings and of shocks.
    rows: [usize; 2],
}

impl Report for Digest {
    fn text(&self) -> String {
        let [loadings, shocks] = self.rows;
        facts([("Digest", self.digest.clone()), ("Rows", format!("{loadings} of loadings, {shocks} of shocks"))])
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    pub draft: String,
    digest: String,
    /// Whether the draft says all of it now.
    pub complete: bool,
    pub transactions: Vec<Sent>,
    /// What stopped it after these transactions.
    #[serde(skip)]
    pub failure: Option<Failure>,
}

impl Report for Uploaded {
    fn text(&self) -> String {
        let sent: String = self.transactions.iter().map(Report::text).collect();
        let complete = if self.complete { "yes" } else { "no" }.to_owned();
        facts([("Draft", self.draft.clone()), ("Digest", self.digest.clone()), ("Complete", complete)]) + &sent
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Confirmed {
    action: &'static str,
    /// Unix seconds: until when the model held without it,
    valid_until_before: u64,
    /// and holds with it: by the cluster's clock once it has landed, before that by what the clock said last.
    valid_until: u64,
    #[serde(flatten)]
    sent: Sent,
}

impl Report for Confirmed {
    fn text(&self) -> String {
        let held = ("Held until", date(self.valid_until_before));
        facts([held, ("Holds until", date(self.valid_until))]) + &self.sent.text()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Closed {
    draft: String,
    #[serde(flatten)]
    sent: Sent,
}

impl Report for Closed {
    fn text(&self) -> String {
        facts([("Closed", self.draft.clone())]) + &self.sent.text()
    }
}

impl Confirm {
    async fn run(self, context: &Context, chain: &OnChain) -> Result<(), Failure> {
        let (signer, market) = (context.signer()?, &chain.market);
        let expected = chain.now.saturating_add(market.validity.into());
        let (before, after) = (date(market.valid_until), date(expected));
        let request = Request {
            preview: vec![format!("Confirm model {}: it holds until {after}, not {before}", market.model_version)],
            instructions: vec![change::confirm_risk_model(&signer.pubkey(), &chain.address)],
            signers: vec![&*signer],
        };
        let sent = send(context, request).await?;
        let valid_until = match sent {
            Sent::Confirmed { .. } => context.market_at(chain.address).await?.market.valid_until,
            _ => expected,
        };
        context.show(&Confirmed { action: "confirm", valid_until_before: market.valid_until, valid_until, sent })
    }
}

impl CloseDraft {
    async fn run(self, context: &Context, chain: &OnChain) -> Result<(), Failure> {
        let (author, draft) = (context.signer()?, self.draft);
        let found = context.connection.account(&draft).await?;
        let raw = found.ok_or_else(|| Failure::usage(format!("there is no draft at {draft}")))?;
        account::draft(&raw.owner, &raw.data).map_err(|error| Failure::usage(format!("{draft}: {error}")))?;
        let drafting = Drafting { market: chain.address, author: author.pubkey(), draft };
        let request = Request {
            preview: vec![format!("Close draft {draft}; {} gets its rent, {} lamports", author.pubkey(), raw.lamports)],
            instructions: vec![drafting.close()],
            signers: vec![&*author],
        };
        let sent = send(context, request).await?;
        context.show(&Closed { draft: draft.to_string(), sent })
    }
}

impl Command {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        match self {
            Self::Digest(file) => {
                let model = Model::read(&chain, &file.file)?;
                let rows = [model.loadings.len(), model.shocks.len()];
                context.show(&Digest { digest: hex(&model.digest()), rows })
            }
            Self::Upload(Upload { file, draft }) => {
                let model = Model::read(&chain, &file.file)?;
                let uploaded = upload(context, &chain, &model, draft).await?;
                if uploaded.failure.is_none() || !uploaded.transactions.is_empty() {
                    context.show(&uploaded)?;
                }
                uploaded.failure.map_or(Ok(()), Err)
            }
            Self::Propose(file) => {
                let proposal = Model::read(&chain, &file.file)?.proposal(&chain);
                context.show(&AllActed(vec![propose(context, &chain, proposal, None).await?]))
            }
            Self::Apply(file) => {
                let proposal = Model::read(&chain, &file.file)?.proposal(&chain);
                context.show(&AllActed(vec![apply(context, &chain, proposal).await?]))
            }
            Self::Confirm(confirm) => confirm.run(context, &chain).await,
            Self::CloseDraft(close) => close.run(context, &chain).await,
        }
    }
}

impl Model {
    fn read(chain: &OnChain, path: &PathBuf) -> Result<Self, Failure> {
        let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let file: File = toml::from_str(&text).map_err(|error| wrong(&error))?;
        let terms = file.model.read().map_err(|why| wrong(&why))?;
        let (mut loadings, mut shocks) = (vec![], vec![]);
        let named: Vec<String> = chain.market.listed().iter().map(|asset| name(&asset.name)).collect();
        if let Some(unknown) = file.assets.keys().find(|asset| !named.contains(asset)) {
            return Err(wrong(&format!("the market has no asset {unknown}")));
        }
        for asset in &named {
            let row = file.assets.get(asset).ok_or_else(|| wrong(&format!("[assets.{asset}] is missing")))?;
            let (loading, shock) = row.read(&terms).map_err(|why| wrong(&format!("[assets.{asset}]: {why}")))?;
            loadings.push(loading);
            shocks.push(shock);
        }
        // What the model has no use for is not written.
        if !terms.netting {
            loadings.clear();
        }
        if terms.scenarios == 0 {
            shocks.clear();
        }
        Ok(Self { terms, loadings, shocks })
    }

    fn digest(&self) -> [u8; 32] {
        ballast_client::Rows { loadings: &self.loadings, shocks: &self.shocks }.digest()
    }

    /// What brings it into a market.
    pub fn proposal(&self, chain: &OnChain) -> Proposal {
        Proposal::Model { model: self.terms.clone(), digest: self.digest(), version: chain.market.model_version }
    }

    fn written(&self, draft: &Draft) -> bool {
        draft.checked_rows(self.loadings.len().max(self.shocks.len()), &self.terms, &self.digest()).is_ok()
    }
}

/// Opens a draft, unless one is named or says all of it already, and writes the rows.
///
/// # Errors
/// [`Failure`] before anything is sent; a later one stands beside what was.
pub async fn upload(
    context: &Context,
    chain: &OnChain,
    model: &Model,
    named: Option<Pubkey>,
) -> Result<Uploaded, Failure> {
    let author = context.signer()?;
    let digest = hex(&model.digest());
    if let (None, Some((draft, _))) = (named, draft_for(context, chain, &model.proposal(chain)).await?) {
        return Ok(Uploaded { draft: draft.to_string(), digest, complete: true, transactions: vec![], failure: None });
    }
    let key = Keypair::new();
    let draft = named.unwrap_or_else(|| key.pubkey());
    let drafting = Drafting { market: chain.address, author: author.pubkey(), draft };
    let mut steps: Vec<(Vec<Instruction>, Vec<&dyn Signer>)> = vec![];
    if named.is_none() {
        // A draft signs for its own creation, and never again: its key is not kept.
        let open = drafting.open(rent(context, Draft::SPACE).await?).to_vec();
        steps.push((open, vec![&*author, &key]));
    }
    let rows = drafting.write_loadings(&model.loadings).into_iter().chain(drafting.write_shocks(&model.shocks));
    steps.extend(rows.map(|instruction| (vec![instruction], vec![&*author])));
    let (count, mut transactions) = (steps.len(), vec![]);
    for (at, (instructions, signers)) in steps.into_iter().enumerate() {
        let preview =
            vec![format!("Write draft {draft} ({} of {count}); to go on after a failure: --draft {draft}", at + 1)];
        match send(context, Request { preview, instructions, signers }).await {
            Ok(sent) => transactions.push(sent),
            Err(failure) => {
                let (draft, complete) = (draft.to_string(), false);
                return Ok(Uploaded { draft, digest, complete, transactions, failure: Some(failure) });
            }
        }
        // What comes after it cannot be tried out before it has landed.
        if context.options.dry_run {
            break;
        }
    }
    let now = context.connection.account(&draft).await?;
    let now = now.and_then(|raw| account::draft(&raw.owner, &raw.data).ok());
    let complete = now.is_some_and(|draft| model.written(&draft));
    Ok(Uploaded { draft: draft.to_string(), digest, complete, transactions, failure: None })
}
