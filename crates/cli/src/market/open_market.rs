//! A definition in a market that people use: what may be made at once is, the rest is proposed, once.

use ballast_client::diff::{schedule, ways};
use ballast_client::{Proposal, change};
use ballast_cluster::definition::steps::Step;
use solana_signer::Signer;

use super::actions;
use super::applied::{Dead, Done, Outcome};
use super::apply::Run;
use super::judge::split;
use super::preflight::not_yet;
use crate::context::OnChain;
use crate::failure::Failure;
use crate::gov::accounts::{Pending, all_pending};
use crate::gov::model::{Model, upload};
use crate::output::note;
use crate::send::Sent;

impl Run<'_> {
    /// One round in an open market: an asset is listed, or everything that may be changed or proposed now is. Says whether
    /// there is nothing more to do now.
    pub(super) async fn in_open_market(&mut self, market: &OnChain, steps: &[Step]) -> Result<bool, Failure> {
        for step in steps.iter().filter(|step| matches!(step, Step::List(_) | Step::Open)) {
            let line = step.describe(self.definition, Some(&market.market));
            let action = self.action(&market.address, step)?;
            match action.send(self.context, vec![line.clone()]).await {
                // One after the other: the last asset needs its source first.
                Err(Failure::Refused(refusal)) if refusal.failed.name == "ListingPending" => {
                    self.done.push(Done { what: line, outcome: Outcome::Waiting { why: refusal.failed.message } });
                }
                sent => {
                    let done = |signature: &str| Outcome::Done { signature: signature.to_owned() };
                    if self.note(&[line], sent?, done) {
                        return Ok(false);
                    }
                }
            }
        }
        let (pending, _) = all_pending(self.context, market).await?;
        for step in steps {
            if *step == Step::Model {
                self.model(market, &pending).await?;
            }
            let Step::Change(proposal) = step else { continue };
            for (part, at_once) in split(self.context, market, proposal)? {
                self.change(market, &pending, part, at_once).await?;
            }
        }
        Ok(true)
    }

    async fn change(
        &mut self,
        market: &OnChain,
        pending: &[Pending],
        proposal: Proposal,
        at_once: bool,
    ) -> Result<(), Failure> {
        let line = Step::Change(Box::new(proposal.clone())).describe(self.definition, Some(&market.market));
        let same = || pending.iter().filter(|other| other.proposal == proposal);
        if let Some(Pending { address, change, .. }) = same().find(|same| same.dead(market).is_none()) {
            let outcome = Outcome::Pending { change: address.to_string(), eta: change.eta };
            self.done.push(Done { what: line, outcome });
            return Ok(());
        }
        if at_once {
            let action = actions::change_at_once(self.context, &market.address, &proposal)?;
            let sent = action.send(self.context, vec![line.clone()]).await?;
            self.note(&[line], sent, |signature| Outcome::Done { signature: signature.to_owned() });
            return Ok(());
        }
        if let Err(refusal) = ways(&market.market, &proposal, market.now).proposed {
            if !not_yet(&refusal) {
                return Err(Failure::from(refusal).about(&line));
            }
            // What only waits for something else can be proposed later.
            note(&format!("{line}: not yet"));
            self.done.push(Done { what: line, outcome: Outcome::Waiting { why: refusal.message } });
            return Ok(());
        }
        let governance = self.context.signer()?.pubkey();
        let place = change::seeded_address(&governance, &change::seed(&market.address, &proposal));
        // One that stands where the new one will has to go.
        let old = same().max_by_key(|old| Some(old.address) == place);
        self.propose(market, proposal.clone(), old, line).await
    }

    /// Proposes a change and closes the account of the same one if it can never be executed any more.
    async fn propose(
        &mut self,
        market: &OnChain,
        proposal: Proposal,
        old: Option<&Pending>,
        line: String,
    ) -> Result<(), Failure> {
        let eta = schedule(&market.market, &proposal, market.now).eta;
        let (mut action, change) = actions::propose(self.context, &market.address, &proposal).await?;
        let mut preview = vec![format!("propose {line}")];
        let replaces = old.and_then(|old| Some(Dead { change: old.address.to_string(), why: old.dead(market)?.1 }));
        if let (Some(old), Some(Dead { change, why })) = (old, &replaces) {
            preview.push(format!("close change {change}, which says the same: {why}"));
            action.instructions.insert(0, actions::close(self.context, &market.address, old)?);
        }
        let sent = action.send(self.context, preview).await?;
        self.note(&[line], sent, |signature| Outcome::Proposed {
            change: change.to_string(),
            eta,
            signature: signature.to_owned(),
            replaces: replaces.clone(),
        });
        Ok(())
    }

    /// Writes the rows of the model into a draft and takes them over, or proposes that. Says whether there is nothing more to
    /// do now.
    pub(super) async fn model(&mut self, market: &OnChain, pending: &[Pending]) -> Result<bool, Failure> {
        let Some(wanted) = &self.definition.model else { return Ok(true) };
        let (loadings, shocks) = wanted.rows_of(&market.market).map_err(|wrong| Failure::Usage(wrong.to_string()))?;
        let model = Model { terms: wanted.terms.clone(), loadings, shocks };
        let proposal = model.proposal(market);
        let known = |other: &Pending| other.proposal == proposal && other.dead(market).is_none();
        if pending.iter().any(known) {
            self.change(market, pending, proposal, false).await?;
            return Ok(true);
        }
        let line = Step::Model.describe(self.definition, Some(&market.market));
        let uploaded = upload(self.context, market, &model, None).await?;
        for sent in uploaded.transactions {
            let done = |signature: &str| Outcome::Done { signature: signature.to_owned() };
            match sent {
                signed @ Sent::Signed { .. } => {
                    self.done.push(Done { what: line.clone(), outcome: Outcome::Signed(signed) });
                    return Ok(true);
                }
                Sent::DryRun { .. } => {
                    self.done.push(Done { what: line.clone(), outcome: Outcome::Planned });
                    return Ok(true);
                }
                sent @ Sent::Confirmed { .. } => self.note(&["draft of the model".to_owned()], sent, done),
            };
        }
        if let Some(failure) = uploaded.failure {
            return Err(failure);
        }
        if !uploaded.complete {
            let message = format!("draft {} does not say all of the model yet; try again", uploaded.draft);
            return Err(Failure::Rpc(anyhow::anyhow!(message)));
        }
        if market.market.in_setup() {
            let draft = uploaded.draft.parse().map_err(|_| Failure::usage("a draft without an address"))?;
            let action = actions::take_over(self.context, &market.address, draft, &proposal)?;
            let sent = action.send(self.context, vec![line.clone()]).await?;
            let done = |signature: &str| Outcome::Done { signature: signature.to_owned() };
            return Ok(!self.note(&[line], sent, done));
        }
        self.change(market, pending, proposal, false).await?;
        Ok(true)
    }
}
