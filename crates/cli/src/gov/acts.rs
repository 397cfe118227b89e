//! `ballast gov propose|apply|execute|cancel`: what is signed.

use anyhow::Context as _;
use ballast_client::{Change, Proposal, Pubkey, change};
use clap::Args;
use serde::Serialize;
use solana_signer::Signer;

use super::accounts::{draft_for, pending};
use super::describe::{Content, Described, content, described};
use super::wanted::Wanted;
use crate::context::{Context, OnChain};
use crate::failure::Failure;
use crate::output::{Report, facts};
use crate::send::{Request, Sent, send};

/// Propose changes; each waits in an account of its own.
#[derive(Args, Debug)]
pub struct Propose {
    #[command(flatten)]
    wanted: Wanted,
    /// Seed of the address of the change, to propose the same one twice
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
}

/// Apply changes at once: what only tightens, or anything while the market is being set up.
#[derive(Args, Debug)]
pub struct Apply {
    #[command(flatten)]
    wanted: Wanted,
}

/// Carry out a change that is due. Anybody may.
#[derive(Args, Debug)]
pub struct Execute {
    /// Address of the change
    change: Pubkey,
    /// Draft with the rows of a model; by default it is looked for
    #[arg(long, value_name = "ADDRESS")]
    draft: Option<Pubkey>,
}

/// Cancel a change that waits: governance or the guardian.
#[derive(Args, Debug)]
pub struct Cancel {
    /// Address of the change
    change: Pubkey,
}

/// One change that was proposed, applied, executed or cancelled.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Acted {
    action: &'static str,
    /// Address of the change; absent for what is applied at once.
    change: Option<String>,
    #[serde(flatten)]
    content: Content,
    #[serde(flatten)]
    sent: Sent,
}

/// All changes of one command.
#[derive(Serialize)]
#[serde(transparent)]
pub struct AllActed(pub Vec<Acted>);

impl Report for Acted {
    fn text(&self) -> String {
        let change = self.change.iter().map(|change| ("Change", change.clone()));
        self.content.text() + &facts(change) + &self.sent.text()
    }
}

impl AllActed {
    /// Takes the next one. When it failed, what was done before it is shown all the same.
    fn add(&mut self, context: &Context, next: Result<Acted, Failure>) -> Result<(), Failure> {
        match next {
            Ok(acted) => self.0.push(acted),
            Err(failure) => {
                if !self.0.is_empty() {
                    context.show(self)?;
                }
                return Err(failure);
            }
        }
        Ok(())
    }
}

impl Report for AllActed {
    fn text(&self) -> String {
        self.0.iter().map(Report::text).collect::<Vec<_>>().join("\n")
    }
}

/// Lines for whoever is about to sign.
fn preview(head: String, text: &str) -> Vec<String> {
    std::iter::once(head).chain(text.lines().map(|line| format!("  {line}"))).collect()
}

impl Propose {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let proposals = self.wanted.proposals(&chain)?;
        if self.seed.is_some() && proposals.len() > 1 {
            return Err(Failure::usage(format!("one seed is for one change, these are {}", proposals.len())));
        }
        let mut acted = AllActed(vec![]);
        for proposal in proposals {
            let next = propose(context, &chain, proposal, self.seed.as_deref()).await;
            acted.add(context, next)?;
        }
        context.show(&acted)
    }
}

/// Proposes one change at an address derived from governance, so that nobody else has to sign.
pub async fn propose(
    context: &Context,
    chain: &OnChain,
    proposal: Proposal,
    seed: Option<&str>,
) -> Result<Acted, Failure> {
    let (governance, payer) = (context.signer()?, context.fee_payer()?);
    let draft = draft_for(context, chain, &proposal).await?;
    let draft = draft.as_ref().map(|(_, draft)| &**draft);
    let told: Described = described(&chain.market, &proposal, draft, chain.now);
    let seed = seed.map_or_else(|| change::seed(&chain.address, &proposal), str::to_owned);
    let too_long = || Failure::usage("a seed has at most 32 bytes");
    let address = change::seeded_address(&governance.pubkey(), &seed).ok_or_else(too_long)?;
    let rent = rent(context, Change::SPACE).await?;
    let (from, by) = (payer.pubkey(), governance.pubkey());
    let both = change::propose_with_seed(&from, &by, &chain.address, &seed, rent, proposal).ok_or_else(too_long)?;
    let request = Request {
        preview: preview(format!("Propose change {address}"), &told.text()),
        instructions: both.to_vec(),
        signers: vec![&*governance, &*payer],
    };
    let sent = send(context, request).await?;
    Ok(Acted { action: "propose", change: Some(address.to_string()), content: told.content, sent })
}

/// Lamports that an account needs. Without a node, what a byte has cost since genesis for two years.
pub async fn rent(context: &Context, space: usize) -> Result<u64, Failure> {
    if context.options.market_account.is_some() {
        let space = u64::try_from(space).unwrap_or(u64::MAX);
        return Ok(space.saturating_add(128).saturating_mul(6_960));
    }
    let rent = context.connection.client().get_minimum_balance_for_rent_exemption(space).await;
    Ok(rent.context("no answer about rent")?)
}

impl Apply {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let mut acted = AllActed(vec![]);
        for proposal in self.wanted.proposals(&chain)? {
            let next = apply(context, &chain, proposal).await;
            acted.add(context, next)?;
        }
        context.show(&acted)
    }
}

/// Applies one change at once; the draft of a model with rows is looked for.
pub async fn apply(context: &Context, chain: &OnChain, proposal: Proposal) -> Result<Acted, Failure> {
    let signer = context.signer()?;
    let found = draft_for(context, chain, &proposal).await?;
    let told = described(&chain.market, &proposal, found.as_ref().map(|(_, draft)| &**draft), chain.now);
    let refused = told.refused_at_once(&chain.market, &signer.pubkey());
    let content = told.content;
    let mut lines = preview("Apply at once".to_owned(), &content.text());
    lines.extend(refused.map(|why| format!("  THE PROGRAM REFUSES THIS: {why}")));
    let draft = found.map(|(address, _)| address);
    let apply = change::apply(&signer.pubkey(), &chain.address, draft, proposal);
    let request = Request { preview: lines, instructions: vec![apply], signers: vec![&*signer] };
    let sent = send(context, request).await?;
    Ok(Acted { action: "apply", change: None, content, sent })
}

impl Execute {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let found = pending(context, &chain, self.change).await?;
        let rows = draft_for(context, &chain, &found.proposal).await?;
        let content = content(&chain.market, &found.proposal, rows.as_ref().map(|(_, draft)| &**draft), chain.now);
        let draft = self.draft.or_else(|| rows.map(|(address, _)| address));
        let execute = change::execute(&chain.address, &found.address, &found.change.proposer, draft);
        let request = Request {
            preview: preview(format!("Execute change {}", found.address), &content.text()),
            instructions: vec![execute],
            signers: vec![],
        };
        let sent = send(context, request).await?;
        context.show(&Acted { action: "execute", change: Some(found.address.to_string()), content, sent })
    }
}

impl Cancel {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let found = pending(context, &chain, self.change).await?;
        let signer = context.signer()?;
        let rows = draft_for(context, &chain, &found.proposal).await?;
        let content = content(&chain.market, &found.proposal, rows.as_ref().map(|(_, draft)| &**draft), chain.now);
        let cancel = change::cancel(&signer.pubkey(), &chain.address, &found.address, &found.change.proposer);
        let request = Request {
            preview: preview(format!("Cancel change {}", found.address), &content.text()),
            instructions: vec![cancel],
            signers: vec![&*signer],
        };
        let sent = send(context, request).await?;
        context.show(&Acted { action: "cancel", change: Some(found.address.to_string()), content, sent })
    }
}
