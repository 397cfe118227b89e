//! The one way from instructions to the cluster: simulate, show, ask, budget, sign, send until it has landed or never can.

use std::time::Duration;

use anyhow::Context as _;
use ballast_client::Pubkey;
use ballast_client::transaction::{Budget, transaction_bytes};
use ballast_cluster::fate::Fate;
use ballast_cluster::sending::{self, Draft, FeePolicy, Signed, Trial};
use base64::Engine;
use serde::Serialize;
use solana_instruction::Instruction;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::{Hash, Signature};

use crate::context::Context;
use crate::failure::Failure;
use crate::nonce::Durable;
use crate::options::TransactionVersion;
use crate::output::{Report, facts, note};

/// Blocks for which a blockhash is good.
const VALID_BLOCKS: u64 = 150;
/// Lamports for a signature.
const SIGNATURE_FEE: u64 = 5_000;
/// How long a node may fail without a break while a transaction is on its way: longer than one can take to land or expire.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is to be sent as one transaction.
pub struct Request<'a> {
    /// What it does, line by line, for the one who is about to sign.
    pub preview: Vec<String>,
    pub instructions: Vec<Instruction>,
    /// Who signs besides the fee payer; in any order, also more than once.
    pub signers: Vec<&'a dyn Signer>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Sent {
    /// It has landed.
    Confirmed { signature: String },
    /// `--dry-run`: it would succeed.
    DryRun {
        units: u64,
        /// Lamports, at the price that would be offered.
        fee: u64,
        bytes: usize,
    },
    /// `--sign-only`: to be sent by somebody else.
    Signed {
        blockhash: String,
        /// The message in base64.
        message: String,
        /// `PUBKEY=SIGNATURE`, as `--signer` takes it.
        signers: Vec<String>,
        /// Who still has to sign.
        absent: Vec<String>,
        bytes: usize,
    },
}

impl Report for Sent {
    fn text(&self) -> String {
        match self {
            Self::Confirmed { signature, .. } => facts([("Signature", signature.clone())]),
            Self::DryRun { units, fee, bytes, .. } => facts([
                ("Dry run", "it would succeed; nothing was sent".to_owned()),
                ("Compute units", units.to_string()),
                ("Fee", format!("{fee} lamports")),
                ("Bytes", bytes.to_string()),
            ]),
            Self::Signed { blockhash, message, signers, absent, bytes } => {
                let mut lines = vec![
                    ("Blockhash", blockhash.clone()),
                    ("Transaction message", message.clone()),
                    ("Bytes", bytes.to_string()),
                ];
                lines.extend(signers.iter().map(|signer| ("Signer", signer.clone())));
                lines.extend(absent.iter().map(|signer| ("Absent signer", signer.clone())));
                facts(lines)
            }
        }
    }
}

/// Sends a request as the options say.
///
/// # Errors
/// [`Failure`]: refused by the simulation or by the chain, not signed by everybody, declined, or the node failed.
pub async fn send(context: &Context, request: Request<'_>) -> Result<Sent, Failure> {
    let options = &context.options;
    let payer = context.fee_payer()?;
    let durable = Durable::of(context)?;
    let mut instructions = request.instructions;
    // What stands in place of a new blockhash.
    let given = match &durable {
        Some(durable) => {
            durable.prepend(context, &mut instructions).await?;
            Some(durable.value(context).await?)
        }
        None => options.blockhash,
    };
    let mut signers: Vec<&dyn Signer> = Vec::new();
    for signer in request.signers.into_iter().chain(durable.iter().map(|durable| &*durable.authority)) {
        let known = signers.iter().map(|known| known.pubkey()).chain([payer.pubkey()]);
        if !known.collect::<Vec<_>>().contains(&signer.pubkey()) {
            signers.push(signer);
        }
    }
    let draft = Draft {
        instructions,
        payer: &*payer,
        signers,
        version: options.transaction_version.into(),
        tables: Vec::new(),
    };
    request.preview.iter().for_each(|line| note(line));
    if options.sign_only {
        let blockhash = match given {
            Some(blockhash) => blockhash,
            None => context.connection.client().get_latest_blockhash().await.context("no blockhash")?,
        };
        let budget = fixed_budget(context);
        Fee::of(&draft, budget)?.within(options.max_fee)?;
        return Ok(signed(&sending::sign(&draft, budget, blockhash)?));
    }
    let trial = context.connection.try_out(&draft).await?;
    let budget = if given.is_some() { fixed_budget(context) } else { Some(budget(context, &draft, &trial).await?) };
    let fee = Fee::of(&draft, budget)?.within(options.max_fee)?;
    if options.dry_run {
        return dry_run(&draft, budget, &trial, fee);
    }
    context.agree(&format!("Fee: {fee}")).await?;
    let ready = match given {
        Some(blockhash) => with_blockhash(context, &draft, budget, blockhash).await?,
        None => context.connection.sign(&draft, budget.unwrap_or(UNMEASURED)).await?,
    };
    require_all(&ready.transaction)?;
    deliver(context, &ready, durable.map(|durable| durable.account)).await
}

/// Hands a transaction over until its fate is decided. Whatever happens, its signature has been told. With a nonce in place
/// of a blockhash no block is the last.
async fn deliver(context: &Context, ready: &Signed, nonce: Option<Pubkey>) -> Result<Sent, Failure> {
    let Signed { last_valid_block_height, .. } = *ready;
    let signature = ready.signature();
    note(&format!("Sending transaction {signature}"));
    match (context.connection.carry_through(ready, PATIENCE).await, nonce) {
        (Ok(Fate::Landed(_)), _) => Ok(Sent::Confirmed { signature: signature.to_string() }),
        (Ok(Fate::Failed(failure)), _) => Err(Failure::from(failure).sent(signature)),
        (Ok(Fate::Expired(why)), Some(nonce)) => Err(Failure::Lasting { signature, nonce, why }),
        (Err(undecided), Some(nonce)) => {
            Err(Failure::Lasting { signature, nonce, why: Some(format!("{:#}", undecided.error)) })
        }
        (Ok(Fate::Expired(why)), None) => Err(Failure::Expired { signature, last_valid_block_height, why }),
        (Err(undecided), None) => Err(Failure::Undecided(Box::new(undecided))),
    }
}

/// Lamports that a transaction costs whether it succeeds or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fee {
    signatures: u64,
    priority: u64,
}

impl Fee {
    fn of(draft: &Draft<'_>, budget: Option<Budget>) -> Result<Self, Failure> {
        let message = sending::message(draft, budget, Hash::default())?;
        let count = u64::from(message.header().num_required_signatures);
        let signatures = SIGNATURE_FEE.saturating_mul(count);
        Ok(Self { signatures, priority: budget.map_or(0, Budget::priority_fee_ceil) })
    }

    const fn total(self) -> u64 {
        self.signatures.saturating_add(self.priority)
    }

    /// Refuses more than the user wants to pay.
    fn within(self, most: u64) -> Result<Self, Failure> {
        if self.total() <= most {
            return Ok(self);
        }
        let message =
            format!("the fee would be {self}, more than --max-fee {most}: offer a lower price, or allow more");
        Err(Failure::Usage(message))
    }
}

impl std::fmt::Display for Fee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { signatures, priority } = self;
        write!(f, "{} lamports ({signatures} for signatures, {priority} for priority)", self.total())
    }
}

/// The budget of what is not simulated: the most there is, for nothing.
const UNMEASURED: Budget = Budget { units: 1_400_000, price: 0 };

/// A transaction that several people sign must not contain anything that each of them would find differently.
fn fixed_budget(context: &Context) -> Option<Budget> {
    let options = &context.options;
    let Budget { units, price } = UNMEASURED;
    let asked = options.with_compute_unit_limit.is_some() || options.with_compute_unit_price.is_some();
    // Without a budget in its message, version 1 runs nothing.
    (asked || options.transaction_version == TransactionVersion::V1).then_some(Budget {
        units: options.with_compute_unit_limit.unwrap_or(units),
        price: options.with_compute_unit_price.unwrap_or(price),
    })
}

async fn budget(context: &Context, draft: &Draft<'_>, trial: &Trial) -> Result<Budget, Failure> {
    let options = &context.options;
    let policy = match options.with_compute_unit_price {
        Some(price) => FeePolicy { least: price, most: price, ..FeePolicy::default() },
        None => FeePolicy::default(),
    };
    let found = context.connection.budget(draft, trial, policy).await?;
    Ok(Budget { units: options.with_compute_unit_limit.unwrap_or(found.units), ..found })
}

fn dry_run(draft: &Draft<'_>, budget: Option<Budget>, trial: &Trial, fee: Fee) -> Result<Sent, Failure> {
    let message = sending::message(draft, budget, Hash::default())?;
    Ok(Sent::DryRun { units: trial.units, fee: fee.total(), bytes: transaction_bytes(&message) })
}

/// A blockhash of the user's: nobody knows how old it is, so it may be good for as long as a new one.
async fn with_blockhash(
    context: &Context,
    draft: &Draft<'_>,
    budget: Option<Budget>,
    blockhash: Hash,
) -> Result<Signed, Failure> {
    let height = context.connection.client().get_block_height().await.context("no block height")?;
    let transaction = sending::sign(draft, budget, blockhash)?;
    Ok(Signed { transaction, last_valid_block_height: height.saturating_add(VALID_BLOCKS) })
}

/// The keys that sign a transaction, each with its signature, in order.
fn signatures(transaction: &VersionedTransaction) -> impl Iterator<Item = (String, Option<String>)> {
    let keys = transaction.message.static_account_keys().iter();
    keys.zip(&transaction.signatures)
        .map(|(key, signature)| (key.to_string(), (*signature != Signature::default()).then(|| signature.to_string())))
}

fn signed(transaction: &VersionedTransaction) -> Sent {
    let message = transaction.message.serialize();
    let (mut signers, mut absent) = (Vec::new(), Vec::new());
    for (key, signature) in signatures(transaction) {
        match signature {
            Some(signature) => signers.push(format!("{key}={signature}")),
            None => absent.push(key),
        }
    }
    Sent::Signed {
        blockhash: transaction.message.recent_blockhash().to_string(),
        message: base64::prelude::BASE64_STANDARD.encode(message),
        signers,
        absent,
        bytes: transaction_bytes(&transaction.message),
    }
}

fn require_all(transaction: &VersionedTransaction) -> Result<(), Failure> {
    let absent: Vec<String> =
        signatures(transaction).filter(|(_, found)| found.is_none()).map(|(key, _)| key).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let message =
        format!("not signed by {}: name a key that can sign, or --signer PUBKEY=SIGNATURE", absent.join(", "));
    Err(Failure::Usage(message))
}
