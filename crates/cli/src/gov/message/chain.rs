//! What instructions say, with what the cluster knows about it.

use std::rc::Rc;

use ballast_client::decode::{self, Decoded};
use ballast_client::{Market, Proposal, Pubkey, account, change};

use super::view::{AssetView, StepView, view};
use super::wire::Step;
use super::{Described, foreign};
use crate::context::Context;
use crate::gov::accounts::draft_of;
use crate::gov::describe::{Content, asset_name, described};

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
}

impl<'a> Chain<'a> {
    pub fn new(context: &'a Context) -> Self {
        Self { context, asked: context.market_address().ok(), reading: true, markets: vec![], seen: vec![] }
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
