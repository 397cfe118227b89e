//! `ballast gov verify-message`: what a message does, before a hardware wallet signs it.

mod foreign;
mod wire;

use std::io::Read as _;

use ballast_client::decode::{self, Decoded};
use ballast_client::{Market, Proposal, Pubkey, account, change};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use solana_transaction::Signature;

use super::describe::{Described, asset_name, described};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, Table};
use wire::{Parsed, Step};

/// Show what a message or transaction does. Exit code 4 when any of it is not understood
#[derive(Args, Debug)]
pub struct VerifyMessage {
    /// The message or transaction in base64; `-` reads it from standard input
    #[arg(value_name = "BASE64")]
    message: String,
    /// Instructions of other programs are no failure
    #[arg(long)]
    allow_foreign: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    /// `message` or `transaction`.
    form: &'static str,
    /// `legacy`, `0` or `1`.
    version: &'static str,
    fee_payer: String,
    signers: Vec<SignerView>,
    /// With a durable nonce it is the nonce.
    blockhash: String,
    durable_nonce: Option<NonceView>,
    tables: Vec<String>,
    instructions: Vec<StepView>,
    warnings: Vec<String>,
    /// Whether every instruction is one of ours or one that they need, and every byte of them is accounted for.
    understood: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignerView {
    key: String,
    /// Absent where nobody has signed yet; false for a signature of something else.
    signed: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NonceView {
    account: String,
    authority: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StepView {
    program: String,
    program_name: Option<&'static str>,
    /// `own`, `needed` (a budget, an account for this program, a nonce), `foreign`, or `unreadable`.
    kind: &'static str,
    name: Option<String>,
    arguments: Value,
    accounts: Vec<AccountView>,
    /// Names of the assets that its arguments count, where the market can be read.
    assets: Vec<AssetView>,
    /// What it changes in the market, where that can be read.
    change: Option<Described>,
    /// What is wrong or unusual with it.
    warnings: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssetView {
    index: u8,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountView {
    name: String,
    /// Absent for an optional one that is left out.
    address: Option<String>,
    signer: bool,
    writable: bool,
}

impl Report for Verified {
    fn text(&self) -> String {
        let mut out = format!("A {} of version {}\n", self.form, self.version);
        let mut fact = |name: &str, value: &str| out.push_str(&format!("{name:<12}{value}\n"));
        fact("fee payer:", &self.fee_payer);
        for signer in &self.signers {
            let state = match signer.signed {
                Some(true) => " (signed)",
                Some(false) => " (SIGNATURE IS WRONG)",
                None => "",
            };
            fact("signer:", &format!("{}{state}", signer.key));
        }
        fact("blockhash:", &self.blockhash);
        self.tables.iter().for_each(|table| fact("table:", table));
        for (at, step) in self.instructions.iter().enumerate() {
            out.push_str(&format!("\n{}. {}", at + 1, step.text()));
        }
        out.push('\n');
        self.warnings.iter().for_each(|warning| out.push_str(&format!("WARNING: {warning}\n")));
        let verdict = if self.understood { "Everything is understood." } else { "NOT everything is understood." };
        out + verdict
    }
}

impl StepView {
    fn text(&self) -> String {
        let program = self.program_name.unwrap_or(&self.program);
        let name = self.name.as_deref().unwrap_or("?");
        let mut out = format!("{program}: {name}\n");
        self.warnings.iter().for_each(|warning| out.push_str(&format!("   WARNING: {warning}\n")));
        match &self.change {
            Some(change) => change.text().lines().for_each(|line| out.push_str(&format!("   {line}\n"))),
            None if self.arguments.as_object().is_some_and(|arguments| !arguments.is_empty()) => {
                out.push_str(&format!("   {}\n", self.arguments));
            }
            None => {}
        }
        for AssetView { index, name } in &self.assets {
            out.push_str(&format!("   asset {index} is {name}\n"));
        }
        let mut table = Table::new(&["Account", "Address", "", ""]);
        for account in &self.accounts {
            let mark = |yes: bool, text: &str| if yes { text.to_owned() } else { String::new() };
            let address = account.address.clone().unwrap_or_else(|| "none".to_owned());
            let marks = [mark(account.signer, "signs"), mark(account.writable, "written")];
            table.row([account.name.clone(), address].into_iter().chain(marks));
        }
        table.to_string().lines().for_each(|line| out.push_str(&format!("   {line}\n")));
        out
    }
}

impl VerifyMessage {
    /// # Errors
    /// [`Failure`]; exit code 4 when something is not understood, unless it is foreign and that is allowed.
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
        let verified = verified(context, &parsed).await;
        let foreign = verified.instructions.iter().all(|step| step.kind != "unreadable");
        let wrong = verified.signers.iter().any(|signer| signer.signed == Some(false));
        let fine = !wrong && (verified.understood || (self.allow_foreign && foreign));
        context.show(&verified)?;
        if fine {
            return Ok(());
        }
        let why = if wrong { "a signature is wrong" } else { "not everything in it is understood: do not sign it" };
        Err(Failure::NotInOrder(why.to_owned()))
    }
}

async fn verified(context: &Context, parsed: &Parsed) -> Verified {
    let mut warnings = vec![];
    let tables = lookup_tables(context, parsed, &mut warnings).await;
    let mut chain = Chain { context, asked: context.market_address().ok(), reading: true, markets: vec![] };
    let steps = parsed.steps(&tables);
    let mut instructions = vec![];
    for (at, step) in steps.iter().enumerate() {
        instructions.push(match step {
            Some(step) => chain.step(step).await,
            None => unreadable(parsed, at),
        });
    }
    let nonce = steps.first().and_then(Option::as_ref).and_then(|step| foreign::decode(step)?.nonce);
    if let Some((account, _)) = &nonce {
        let what = "it can be sent at any time, also years from now, until the nonce is advanced";
        warnings.push(format!("the transaction has a durable nonce ({account}): {what}"));
    }
    let understood = instructions.iter().all(|step| ["own", "needed"].contains(&step.kind));
    if instructions.is_empty() {
        warnings.push("it has no instruction".to_owned());
    }
    let bytes = parsed.message.serialize();
    let signers = parsed.signers().iter().enumerate().map(|(at, key)| {
        let signature = parsed.signatures.get(at).filter(|signature| **signature != Signature::default());
        let signed = signature.map(|signature| signature.verify(key.as_ref(), &bytes));
        SignerView { key: key.to_string(), signed }
    });
    Verified {
        form: parsed.form,
        version: parsed.version(),
        fee_payer: parsed.signers().first().map(Pubkey::to_string).unwrap_or_default(),
        signers: signers.collect(),
        blockhash: parsed.message.recent_blockhash().to_string(),
        durable_nonce: nonce
            .map(|(account, authority)| NonceView { account: account.to_string(), authority: authority.to_string() }),
        tables: parsed.tables().iter().map(Pubkey::to_string).collect(),
        instructions,
        warnings,
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

fn unreadable(parsed: &Parsed, at: usize) -> StepView {
    let instruction = parsed.message.instructions().get(at);
    let key =
        instruction.and_then(|found| parsed.message.static_account_keys().get(usize::from(found.program_id_index)));
    StepView {
        program: key.map_or_else(|| "unknown".to_owned(), Pubkey::to_string),
        program_name: key.and_then(foreign::program_name),
        kind: "unreadable",
        name: None,
        arguments: Value::Null,
        accounts: vec![],
        assets: vec![],
        change: None,
        warnings: vec!["it uses accounts of a table that cannot be read".to_owned()],
    }
}

/// What is asked of the cluster while instructions are decoded.
struct Chain<'a> {
    context: &'a Context,
    /// The market that the user has named, if any.
    asked: Option<Pubkey>,
    /// Whether the node has answered so far.
    reading: bool,
    /// Markets that were asked for already.
    markets: Vec<(Pubkey, Option<Box<Market>>)>,
}

impl Chain<'_> {
    async fn step(&mut self, step: &Step) -> StepView {
        if step.program == ballast_client::ID {
            return self.own(step).await;
        }
        let numbered = step.accounts.iter().enumerate().map(|(at, named)| (format!("{}", at + 1), Some(*named)));
        let mut view = view(step, numbered.collect());
        if let Some(found) = foreign::decode(step) {
            (view.kind, view.name, view.arguments) = ("needed", Some(found.name.to_owned()), found.arguments);
            return view;
        }
        let program = view.program_name.unwrap_or("an UNKNOWN program");
        view.warnings.push(format!("this is an instruction of {program}, which is not decoded here"));
        view
    }

    async fn own(&mut self, step: &Step) -> StepView {
        let decoded = match decode::parts(&step.data, &step.accounts) {
            Ok(decoded) => decoded,
            Err(why) => {
                let mut view = view(step, vec![]);
                (view.kind, view.warnings) = ("unreadable", vec![why]);
                return view;
            }
        };
        let market = decoded.account("market");
        let mut view = view(step, decoded.accounts.clone());
        (view.kind, view.name) = ("own", Some(decoded.name.clone()));
        view.arguments = decoded.arguments.clone();
        if let (Some(market), Some(asked)) = (market, self.asked)
            && market != asked
        {
            view.warnings.push(format!("the market is {market}, and not {asked}"));
        }
        let assets = decoded.assets();
        if let (Some(market), false) = (market, assets.is_empty())
            && let Some(market) = self.market(&market).await
        {
            let named = |index: u8| AssetView { index, name: asset_name(market, index) };
            view.assets = assets.into_iter().map(named).collect();
        }
        if let Some(proposal) = self.proposal(&decoded, step, &mut view.warnings).await {
            view.change = self.described(market, &proposal, &mut view.warnings).await;
        }
        view
    }

    /// The proposal in the instruction, or in the pending change that it is about.
    async fn proposal(&mut self, decoded: &Decoded, step: &Step, warnings: &mut Vec<String>) -> Option<Proposal> {
        if let Some(proposal) = change::proposal_of(&step.data) {
            return Some(proposal);
        }
        if !["execute_change", "cancel_change"].contains(&decoded.name.as_str()) {
            return None;
        }
        let address = decoded.account("change")?;
        let raw = self.read(&address).await;
        let found = raw.and_then(|raw| account::change(&raw.owner, &raw.data).ok());
        let proposal = found.and_then(|change| Some(change.read().ok()?.proposal));
        if proposal.is_none() {
            warnings.push(format!("the change {address} cannot be read"));
        }
        proposal
    }

    async fn described(
        &mut self,
        market: Option<Pubkey>,
        proposal: &Proposal,
        warnings: &mut Vec<String>,
    ) -> Option<Described> {
        let clock = self.read(&account::CLOCK).await;
        let clock = clock.and_then(|raw| account::clock(&raw.owner, &raw.data).ok());
        let found = self.market(&market?).await;
        let (Some(market), Some(clock)) = (found, clock) else {
            warnings.push("the market cannot be read: numbers are as they are stored, and not compared".to_owned());
            return None;
        };
        Some(described(market, proposal, clock.unix))
    }

    async fn market(&mut self, address: &Pubkey) -> Option<&Market> {
        if !self.markets.iter().any(|(known, _)| known == address) {
            let raw = self.read(address).await;
            let found = raw.and_then(|raw| account::market(&raw.owner, &raw.data).ok());
            self.markets.push((*address, found));
        }
        self.markets.iter().find(|(known, _)| known == address)?.1.as_deref()
    }

    async fn read(&mut self, address: &Pubkey) -> Option<ballast_cluster::connection::Raw> {
        if !self.reading {
            return None;
        }
        let found = self.context.connection.account(address).await;
        // A node that does not answer is not asked again.
        self.reading = found.is_ok();
        found.ok().flatten()
    }
}

fn view(step: &Step, accounts: Vec<(String, Option<wire::Named>)>) -> StepView {
    let account = |(name, named): (String, Option<wire::Named>)| AccountView {
        name,
        address: named.map(|named| named.address.to_string()),
        signer: named.is_some_and(|named| named.signer),
        writable: named.is_some_and(|named| named.writable),
    };
    StepView {
        program: step.program.to_string(),
        program_name: foreign::program_name(&step.program),
        kind: "foreign",
        name: None,
        arguments: Value::Null,
        accounts: accounts.into_iter().map(account).collect(),
        assets: vec![],
        change: None,
        warnings: vec![],
    }
}
