//! What instructions say, with what the cluster knows about it.

use std::rc::Rc;

use ballast_client::decode::{self, Decoded};
use ballast_client::{Market, Proposal, Pubkey, account, change};

use super::squads::{Act, Inside};
use super::view::{AssetView, StepView, unreadable, view};
use super::wire::Step;
use super::{Described, foreign, lookup_tables, squads};
use crate::context::Context;
use crate::gov::accounts::draft_of;
use crate::gov::describe::{Content, asset_name, described};

/// A multi-signature may be a member of another one. Deeper is nobody's custom, and could go in circles.
const DEPTH: u8 = 2;

/// What is asked of the cluster while instructions are decoded.
pub struct Chain<'a> {
    context: &'a Context,
    /// The market that the user has named, if any.
    pub asked: Option<Pubkey>,
    /// Whether the node has answered so far.
    reading: bool,
    /// Markets that were asked for already.
    markets: Vec<(Pubkey, Option<Rc<Market>>)>,
    /// Markets that instructions name.
    pub seen: Vec<Pubkey>,
    /// Messages that multi-signatures create in this one, by address.
    created: Vec<Pubkey>,
    /// Proposals that are created in this one, with their multi-signature and the number of the message.
    proposed: Vec<(Pubkey, Pubkey, u64)>,
    /// How many multi-signatures deep.
    depth: u8,
}

impl<'a> Chain<'a> {
    pub fn new(context: &'a Context) -> Self {
        Self {
            context,
            asked: context.market_address().ok(),
            reading: true,
            markets: vec![],
            seen: vec![],
            created: vec![],
            proposed: vec![],
            depth: 0,
        }
    }

    /// An instruction, with whatever can be found out about it.
    pub async fn step(&mut self, step: &Step) -> StepView {
        if step.program == ballast_client::ID {
            return self.own(step).await;
        }
        let numbered = step.accounts.iter().enumerate().map(|(at, named)| (format!("{}", at + 1), Some(*named)));
        let mut view = view(step, numbered.collect());
        if let Some(found) = foreign::decode(step) {
            (view.kind, view.name, view.arguments) = ("needed", Some(found.name.to_owned()), found.arguments);
            view.objections.extend(found.objection);
            return view;
        }
        if step.program == squads::ID
            && let Some(act) = squads::Act::of(step)
        {
            return self.multisig(step, act).await;
        }
        let program = view.program_name.unwrap_or("an UNKNOWN program");
        view.warnings.push(format!("this is an instruction of {program}, which is not decoded here"));
        view
    }

    /// An instruction of a multi-signature, with the message that it is about.
    async fn multisig(&mut self, step: &Step, act: Act) -> StepView {
        let name = |at: usize| act.roles().get(at).map_or_else(|| format!("{}", at + 1), |name| (*name).to_owned());
        let mut view = view(step, step.accounts.iter().enumerate().map(|(at, one)| (name(at), Some(*one))).collect());
        (view.kind, view.name, view.arguments) = ("multisig", Some(act.name().to_owned()), act.arguments());
        match act {
            Act::Create { transaction, inside, .. } => {
                self.created.push(transaction);
                self.inside(&inside, &mut view).await;
            }
            Act::Propose { multisig, proposal, index, .. } => {
                if proposal != squads::proposal_address(&multisig, index) {
                    view.objections.push("the proposal is not the one of this number".to_owned());
                }
                self.proposed.push((proposal, multisig, index));
            }
            Act::Vote { multisig, proposal, .. } => self.about(&multisig, &proposal, None, &mut view).await,
            Act::Execute { multisig, proposal, transaction } => {
                self.about(&multisig, &proposal, Some(transaction), &mut view).await;
            }
        }
        view
    }

    /// What a vote or an execution is about: a message that is created beside it, or one that the chain has.
    async fn about(&mut self, multisig: &Pubkey, proposal: &Pubkey, named: Option<Pubkey>, view: &mut StepView) {
        let beside = self.proposed.iter().find(|(known, ..)| known == proposal).map(|(_, of, index)| (*of, *index));
        let found = match beside {
            Some(found) => Some(found),
            None => {
                let raw = self.read(proposal).await.filter(|raw| raw.owner == squads::ID);
                raw.and_then(|raw| squads::proposal(&raw.data))
            }
        };
        let found = found.filter(|(of, index)| of == multisig && squads::proposal_address(of, *index) == *proposal);
        let Some((_, index)) = found else {
            view.kind = "foreign";
            view.warnings.push(format!("the proposal {proposal} cannot be read: nobody knows what is run"));
            return;
        };
        let transaction = squads::transaction_address(multisig, index);
        if named.is_some_and(|named| named != transaction) {
            view.objections.push(format!("the proposal is about {transaction}"));
        }
        view.arguments["transactionIndex"] = index.to_string().into();
        view.arguments["transaction"] = transaction.to_string().into();
        if self.created.contains(&transaction) {
            view.warnings.push("it is about the message that is created beside it".to_owned());
            return;
        }
        let raw = self.read(&transaction).await.filter(|raw| raw.owner == squads::ID);
        let inside = raw.and_then(|raw| Inside::of_account(&raw.data));
        let Some((inside, _)) = inside.filter(|(inside, of)| inside.multisig == *multisig && *of == index) else {
            view.kind = "foreign";
            view.warnings
                .push(format!("{transaction} is no vault transaction that can be read: nobody knows what is run"));
            return;
        };
        view.arguments["vaultIndex"] = inside.vault_index.into();
        view.arguments["vault"] = inside.vault.to_string().into();
        self.inside(&inside, view).await;
    }

    /// The instructions of a message that a vault signs.
    async fn inside(&mut self, inside: &Inside, view: &mut StepView) {
        if self.depth == DEPTH {
            view.kind = "foreign";
            view.warnings.push("a multi-signature within a multi-signature within one is not read".to_owned());
            return;
        }
        for signer in inside.other_signers() {
            view.warnings.push(format!("besides the vault it needs the signature of {signer}"));
        }
        let tables = lookup_tables(self.context, &inside.message, &mut view.warnings).await;
        self.depth += 1;
        for (at, step) in inside.message.steps(&tables).iter().enumerate() {
            view.inside.push(match step {
                Some(step) => Box::pin(self.step(step)).await,
                None => unreadable(&inside.message, at),
            });
        }
        self.depth -= 1;
        if view.inside.is_empty() {
            view.warnings.push("the message in it has no instruction".to_owned());
        }
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
        if let Some(market) = market {
            self.seen.push(market);
            let other = self.asked.filter(|asked| *asked != market);
            view.objections.extend(other.map(|asked| format!("the market is {market}, and not {asked}")));
        }
        let assets = decoded.assets();
        if let (Some(market), false) = (market, assets.is_empty())
            && let Some(market) = self.market(&market).await
        {
            let named = |index: u8| AssetView { index, name: asset_name(&market, index) };
            view.assets = assets.into_iter().map(named).collect();
        }
        if let Some(proposal) = self.proposal(&decoded, step, &mut view.warnings).await {
            view.change = self.described(market, &proposal, &mut view.warnings).await;
            if let Some(Described { content: Content::Parameters { unknown: 1.., .. }, .. }) = &view.change {
                view.objections.push("it changes parameters that nobody knows".to_owned());
            }
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
        let address = market?;
        let found = self.market(&address).await;
        let (Some(market), Some(clock)) = (found, clock) else {
            warnings.push("the market cannot be read: numbers are as they are stored, and not compared".to_owned());
            return None;
        };
        let draft = if self.reading { draft_of(self.context, &address, &market, proposal).await } else { Ok(None) };
        let draft = draft.ok().flatten();
        Some(described(&market, proposal, draft.as_ref().map(|(_, draft)| &**draft), clock.unix))
    }

    async fn market(&mut self, address: &Pubkey) -> Option<Rc<Market>> {
        if !self.markets.iter().any(|(known, _)| known == address) {
            let raw = self.read(address).await;
            let found = raw.and_then(|raw| account::market(&raw.owner, &raw.data).ok());
            self.markets.push((*address, found.map(Rc::from)));
        }
        self.markets.iter().find(|(known, _)| known == address)?.1.clone()
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
