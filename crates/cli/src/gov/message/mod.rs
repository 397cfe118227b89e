//! `ballast gov verify-message`: what a message does, before a hardware wallet signs it.

mod chain;
mod fees;
mod foreign;
mod squads;
mod view;
mod wire;

use std::io::Read as _;

use ballast_client::Pubkey;
use clap::Args;
use solana_transaction::Signature;

use super::describe::Described;
use crate::context::Context;
use crate::failure::Failure;
use chain::Chain;
use fees::{Fees, MOST_FEE};
use view::{NonceView, SignerView, Verified, unreadable};
use wire::Parsed;

/// Show what a message or transaction does. Exit code 4 when any of it is not understood, or not in order
#[derive(Args, Debug)]
pub struct VerifyMessage {
    /// The message or transaction in base64; `-` reads it from standard input
    #[arg(value_name = "BASE64")]
    message: String,
    /// Instructions of other programs are no failure
    #[arg(long)]
    allow_foreign: bool,
    /// The largest fee that is in order, in lamports
    #[arg(long, value_name = "LAMPORTS", default_value_t = MOST_FEE)]
    max_fee: u64,
}

impl VerifyMessage {
    /// # Errors
    /// [`Failure`]; exit code 4 when something is not understood (unless it is foreign and that is allowed), or speaks
    /// against it: another market, a fee or rent beyond measure, a wrong signature.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let text = if self.message == "-" {
            let mut text = String::new();
            let read = std::io::stdin().lock().read_to_string(&mut text);
            read.map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
            text
        } else {
            self.message.clone()
        };
        let parsed = wire::parse(&text).map_err(Failure::Usage)?;
        let verified = verified(context, &parsed, self.max_fee).await;
        let readable = verified.instructions.iter().all(|step| step.is_all(&["own", "needed", "multisig", "foreign"]));
        let understood = verified.understood || (self.allow_foreign && readable);
        let objected = verified.objected();
        context.show(&verified)?;
        match (understood, objected) {
            (true, false) => Ok(()),
            (false, _) => Err(Failure::NotInOrder("not everything in it is understood: do not sign it".to_owned())),
            (true, true) => Err(Failure::NotInOrder("it is not in order: do not sign it".to_owned())),
        }
    }
}

async fn verified(context: &Context, parsed: &Parsed, max_fee: u64) -> Verified {
    let mut warnings = vec![];
    let tables = lookup_tables(context, parsed, &mut warnings).await;
    let mut chain = Chain::new(context);
    let steps = parsed.steps(&tables);
    let mut instructions = vec![];
    for (at, step) in steps.iter().enumerate() {
        instructions.push(match step {
            Some(step) => chain.step(step).await,
            None => unreadable(parsed, at),
        });
    }
    let needed: Vec<_> = steps.iter().flatten().filter_map(foreign::decode).collect();
    let fees = Fees::of(&parsed.message, needed.iter());
    let first = steps.first().and_then(Option::as_ref);
    let nonce = first.and_then(|step| foreign::decode(step)?.nonce);
    if let Some((account, _)) = &nonce {
        let what = "it can be sent at any time, also years from now, until the nonce is advanced";
        warnings.push(format!("the transaction has a durable nonce ({account}): {what}"));
    }
    let understood = instructions.iter().all(|step| step.is_all(&["own", "needed", "multisig"]));
    if instructions.is_empty() {
        warnings.push("it has no instruction".to_owned());
    }
    let mut objections: Vec<String> = fees.objection(max_fee).into_iter().collect();
    let Chain { asked, seen, .. } = chain;
    let market = seen.first().copied();
    if seen.iter().any(|other| Some(*other) != market) {
        objections.push("its instructions are about different markets".to_owned());
    }
    if let (Some(market), None) = (market, asked) {
        warnings.push(format!("nobody has said which market is meant (--market): make sure that it is {market}"));
    }
    let bytes = parsed.message.serialize();
    let signers = parsed.signers().iter().enumerate().map(|(at, key)| {
        let signature = parsed.signatures.get(at).filter(|signature| **signature != Signature::default());
        let signed = signature.map(|signature| signature.verify(key.as_ref(), &bytes));
        SignerView { key: key.to_string(), signed }
    });
    let signers: Vec<_> = signers.collect();
    let wrong = signers.iter().filter(|signer| signer.signed == Some(false));
    objections.extend(wrong.map(|signer| format!("a signature is wrong: that of {}", signer.key)));
    Verified {
        form: parsed.form,
        version: parsed.version(),
        fee_payer: parsed.signers().first().map(Pubkey::to_string).unwrap_or_default(),
        signers,
        blockhash: parsed.message.recent_blockhash().to_string(),
        durable_nonce: nonce
            .map(|(account, authority)| NonceView { account: account.to_string(), authority: authority.to_string() }),
        fees,
        market: market.map(|market| market.to_string()),
        tables: parsed.tables().iter().map(Pubkey::to_string).collect(),
        instructions,
        warnings,
        objections,
        understood,
    }
}

async fn lookup_tables(context: &Context, parsed: &Parsed, warnings: &mut Vec<String>) -> Vec<Option<Vec<Pubkey>>> {
    let mut tables = vec![];
    for address in parsed.tables() {
        let found = context.connection.account(&address).await.ok().flatten();
        let table = found.and_then(|raw| wire::table(&raw.owner, &raw.data));
        match table {
            Some(_) => warnings.push(format!("accounts come from table {address}, whose owner can extend it")),
            None => warnings.push(format!("table {address} cannot be read: accounts of the message are unknown")),
        }
        tables.push(table);
    }
    tables
}
