//! What is shown of a message.

use ballast_client::Pubkey;
use ballast_cluster::text::printable;
use serde::Serialize;
use serde_json::Value;

use super::fees::Fees;
use super::wire::{self, Parsed, Step};
use super::{Described, foreign};
use crate::output::{Report, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// `message` or `transaction`.
    pub form: &'static str,
    /// `legacy`, `0` or `1`.
    pub version: &'static str,
    pub fee_payer: String,
    pub signers: Vec<SignerView>,
    /// With a durable nonce it is the nonce.
    pub blockhash: String,
    pub durable_nonce: Option<NonceView>,
    pub fees: Fees,
    /// The market that it works on; absent where no instruction names one.
    pub market: Option<String>,
    pub tables: Vec<String>,
    pub instructions: Vec<StepView>,
    pub warnings: Vec<String>,
    /// Why it must not be signed, besides what is not understood.
    pub objections: Vec<String>,
    /// Whether every instruction is one of ours or one that they need, and every byte of them is accounted for.
    pub understood: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignerView {
    pub key: String,
    /// Absent where nobody has signed yet; false for a signature of something else.
    pub signed: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NonceView {
    pub account: String,
    pub authority: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    pub program: String,
    pub program_name: Option<&'static str>,
    /// `own`, `needed` (a budget, an account for this program, a nonce), `multisig` (of Squads v4: look at `inside`),
    /// `foreign`, or `unreadable`.
    pub kind: &'static str,
    pub name: Option<String>,
    pub arguments: Value,
    pub accounts: Vec<AccountView>,
    /// Names of the assets that its arguments count, where the market can be read.
    pub assets: Vec<AssetView>,
    /// What it changes in the market, where that can be read.
    pub change: Option<Described>,
    /// What a multi-signature runs when it is approved.
    pub inside: Vec<StepView>,
    /// What is unusual with it.
    pub warnings: Vec<String>,
    /// Why it must not be signed, besides what is not understood.
    pub objections: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetView {
    pub index: u8,
    pub name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    pub name: String,
    /// Absent for an optional one that is left out.
    pub address: Option<String>,
    pub signer: bool,
    pub writable: bool,
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
        fact("fee:", &self.fees.text());
        fact("blockhash:", &self.blockhash);
        self.market.iter().for_each(|market| fact("market:", market));
        self.tables.iter().for_each(|table| fact("table:", table));
        for (at, step) in self.instructions.iter().enumerate() {
            out.push_str(&format!("\n{}. {}", at + 1, step.text()));
        }
        out.push('\n');
        self.warnings.iter().for_each(|warning| out.push_str(&format!("WARNING: {warning}\n")));
        self.objections.iter().for_each(|objection| out.push_str(&format!("DO NOT SIGN: {objection}\n")));
        let verdict = if self.understood { "Everything is understood." } else { "NOT everything is understood." };
        out.push_str(verdict);
        if self.objected() {
            out.push_str(" It is NOT IN ORDER: see DO NOT SIGN.");
        }
        out
    }
}

impl Verified {
    /// Whether anything speaks against it, besides what is not understood.
    pub fn objected(&self) -> bool {
        !self.objections.is_empty() || self.instructions.iter().any(StepView::objected)
    }
}

impl StepView {
    fn objected(&self) -> bool {
        !self.objections.is_empty() || self.inside.iter().any(Self::objected)
    }

    /// Whether it is of one of these kinds, and all that is inside it too.
    pub fn is_all(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind) && self.inside.iter().all(|step| step.is_all(kinds))
    }

    fn text(&self) -> String {
        let program = self.program_name.unwrap_or(&self.program);
        let name = self.name.as_deref().unwrap_or("?");
        let mut out = format!("{program}: {name}\n");
        self.warnings.iter().for_each(|warning| out.push_str(&format!("   WARNING: {warning}\n")));
        self.objections.iter().for_each(|objection| out.push_str(&format!("   DO NOT SIGN: {objection}\n")));
        match &self.change {
            Some(change) => change.text().lines().for_each(|line| out.push_str(&format!("   {line}\n"))),
            None if self.arguments.as_object().is_some_and(|arguments| !arguments.is_empty()) => {
                out.push_str(&format!("   {}\n", printable(&self.arguments.to_string())));
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
        for (at, step) in self.inside.iter().enumerate() {
            out.push_str(&format!("\n   Inside, {}. ", at + 1));
            let text = step.text();
            let mut lines = text.lines();
            out.push_str(&format!("{}\n", lines.next().unwrap_or_default()));
            lines.for_each(|line| out.push_str(&format!("   {line}\n")));
        }
        out
    }
}

/// An instruction of which not even the accounts are known.
pub fn unreadable(parsed: &Parsed, at: usize) -> StepView {
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
        inside: vec![],
        warnings: vec!["it uses accounts of a table that cannot be read".to_owned()],
        objections: vec![],
    }
}

/// An instruction of which nothing is known yet.
pub fn view(step: &Step, accounts: Vec<(String, Option<wire::Named>)>) -> StepView {
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
        inside: vec![],
        warnings: vec![],
        objections: vec![],
    }
}
