//! Bringing a market to where its definition says: at once while it is being set up, afterwards at once what may be, and
//! the rest by proposals.

use std::rc::Rc;

use ballast_client::diff::{schedule, ways};
use ballast_client::refusal;
use ballast_client::{Proposal, Pubkey};
use ballast_cluster::definition::Definition;
use ballast_cluster::definition::steps::{Step, steps};
use ballast_cluster::text::date;
use serde::Serialize;
use solana_signer::Signer;

use super::actions::{self, Action};
use super::judge::{pending, split};
use super::pack::packed;
use crate::context::{Context, OnChain};
use crate::failure::Failure;
use crate::gov::model::{Model, upload};
use crate::output::{Report, note};
use crate::send::Sent;

/// What became of a definition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    pub name: String,
    /// Absent before the market is created.
    pub market: Option<String>,
    pub status: Status,
    pub steps: Vec<Done>,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The chain is as the definition says, or will be once what is pending is carried out.
    NothingToDo,
    Applied,
    /// Nothing was sent: `--dry-run` or `--sign-only`.
    Planned,
}

/// One step and its outcome.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    pub what: String,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a step.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Outcome {
    Done {
        signature: String,
    },
    /// It waits until it is due; then anybody may execute it.
    Proposed {
        change: String,
        eta: u64,
        signature: String,
    },
    /// It was proposed before.
    Pending {
        change: String,
        eta: u64,
    },
    /// It cannot even be proposed yet.
    Waiting {
        why: String,
    },
    Planned,
    /// `--sign-only`: the first transaction of the plan.
    Signed(Sent),
}

impl Report for Applied {
    fn text(&self) -> String {
        let market = self.market.as_deref().unwrap_or("not created yet");
        let mut text = format!("Market {} ({market}): ", self.name);
        text += match self.status {
            Status::NothingToDo => "nothing to do\n",
            Status::Applied => "\n",
            Status::Planned => "nothing was sent\n",
        };
        for step in &self.steps {
            let outcome = match &step.outcome {
                Outcome::Done { signature } => format!("done         {signature}"),
                Outcome::Proposed { change, eta, .. } => format!("proposed     {change}, due {} UTC", at(*eta)),
                Outcome::Pending { change, eta } => format!("pending      {change}, due {} UTC", at(*eta)),
                Outcome::Waiting { why } => format!("waiting      {why}"),
                Outcome::Planned => "planned".to_owned(),
                Outcome::Signed(sent) => sent.text(),
            };
            text += &format!("  {}\n    {outcome}\n", step.what);
        }
        text
    }
}

fn at(seconds: u64) -> String {
    date(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Applies a definition. `key` is that of a market that does not exist yet.
///
/// # Errors
/// [`Failure`]; what was done before it stays.
pub async fn apply(
    context: &Context,
    definition: &Definition,
    address: Option<Pubkey>,
    key: Option<&Rc<dyn Signer>>,
) -> Result<Applied, Failure> {
    let address = address.or(key.map(|key| key.pubkey()));
    let mut run = Run { context, definition, key, done: Vec::new(), sent: false };
    let mut last: Option<Vec<Step>> = None;
    loop {
        let market = match address {
            Some(address) => find(context, address).await?,
            None => None,
        };
        let chain = market.as_ref().map(|market| &*market.market);
        let steps = steps(definition, chain).map_err(|wrong| Failure::Usage(wrong.to_string()))?;
        let finished = match &market {
            _ if steps.is_empty() => true,
            _ if last.as_ref() == Some(&steps) => {
                return Err(Failure::usage("the chain has not taken what was sent; try again"));
            }
            None => run.create(&steps).await?,
            Some(market) if steps.first() == Some(&Step::Model) && market.market.in_setup() => {
                run.model(market, &[]).await?
            }
            Some(market) if market.market.in_setup() => run.set_up(market, &steps).await?,
            Some(market) => run.in_open_market(market, &steps).await?,
        };
        if finished {
            return Ok(run.report(address));
        }
        last = Some(steps);
    }
}

async fn find(context: &Context, address: Pubkey) -> Result<Option<OnChain>, Failure> {
    match context.connection.account(&address).await? {
        Some(_) => context.market_at(address).await.map(Some),
        None => Ok(None),
    }
}

struct Run<'a> {
    context: &'a Context,
    definition: &'a Definition,
    key: Option<&'a Rc<dyn Signer>>,
    done: Vec<Done>,
    sent: bool,
}

impl Run<'_> {
    fn report(self, address: Option<Pubkey>) -> Applied {
        let options = &self.context.options;
        let status = match self.sent {
            true => Status::Applied,
            false if (options.dry_run || options.sign_only) && !self.done.is_empty() => Status::Planned,
            false => Status::NothingToDo,
        };
        let market = address.map(|address| address.to_string());
        Applied { name: self.definition.market.clone(), market, status, steps: self.done }
    }

    /// Notes what became of steps that went as one transaction. Says whether the next can follow.
    fn note(&mut self, lines: &[String], sent: Sent, outcome: impl Fn(&str) -> Outcome) -> bool {
        let what = |what: &String, outcome| Done { what: what.clone(), outcome };
        match sent {
            Sent::Confirmed { signature } => {
                self.done.extend(lines.iter().map(|line| what(line, outcome(&signature))));
                self.sent = true;
                true
            }
            Sent::DryRun { .. } => {
                self.done.extend(lines.iter().map(|line| what(line, Outcome::Planned)));
                false
            }
            signed @ Sent::Signed { .. } => {
                self.done.push(Done { what: lines.join("; "), outcome: Outcome::Signed(signed) });
                false
            }
        }
    }

    /// Says whether there is nothing more to do now.
    async fn create(&mut self, steps: &[Step]) -> Result<bool, Failure> {
        let Some(key) = self.key else {
            let message = "the market does not exist: say where with --market, or create it with --market-keypair FILE";
            return Err(Failure::usage(message));
        };
        let [governance, guardian, steward] = self.definition.roles;
        let signer = self.context.signer()?.pubkey();
        if let Some(governance) = governance.filter(|governance| *governance != signer) {
            let message = format!("the definition gives governance to {governance}: create the market with that key");
            return Err(Failure::Usage(message));
        }
        let lines: Vec<String> = steps.iter().map(|step| step.describe(self.definition, None)).collect();
        let roles = [guardian, steward].map(Option::unwrap_or_default);
        let sent = actions::create(self.context, key, roles).await?.send(self.context, lines.clone()).await?;
        let goes_on = self.note(&lines, sent, |signature| Outcome::Done { signature: signature.to_owned() });
        if !goes_on {
            self.rest_of_plan();
        }
        Ok(!goes_on)
    }

    /// What would follow the creation.
    fn rest_of_plan(&mut self) {
        let mut lines: Vec<String> = Vec::new();
        for (at, listed) in self.definition.assets.iter().enumerate() {
            lines.push(Step::List(at).describe(self.definition, None));
            let (sources, values) = (listed.sources.iter().flatten().count(), listed.parameters.len());
            lines.push(format!("{}: {sources} sources, {values} parameters", listed.name));
        }
        if self.definition.open {
            lines.push(Step::Open.describe(self.definition, None));
        }
        self.done.extend(lines.into_iter().map(|what| Done { what, outcome: Outcome::Planned }));
    }

    /// As many steps as fit one transaction. Says whether there is nothing more to do now.
    async fn set_up(&mut self, market: &OnChain, steps: &[Step]) -> Result<bool, Failure> {
        self.check(market, steps)?;
        let listing = steps.iter().any(|step| matches!(step, Step::List(_)));
        let mut actions: Vec<Action> = Vec::new();
        // What an asset is like can be said once it is listed.
        for step in steps.iter().filter(|step| !listing || matches!(step, Step::List(_))) {
            actions.push(self.action(&market.address, step).await?);
        }
        let (action, count) = packed(self.context, actions)?;
        let line = |step: &Step| step.describe(self.definition, Some(&market.market));
        let lines: Vec<String> = steps.iter().take(count).map(line).collect();
        let sent = action.send(self.context, lines.clone()).await?;
        let goes_on = self.note(&lines, sent, |signature| Outcome::Done { signature: signature.to_owned() });
        if !goes_on && self.context.options.dry_run {
            let rest = steps.iter().skip(count).map(|step| Done { what: line(step), outcome: Outcome::Planned });
            self.done.extend(rest);
        }
        Ok(!goes_on)
    }

    /// Before anything is sent.
    fn check(&self, market: &OnChain, steps: &[Step]) -> Result<(), Failure> {
        for step in steps {
            let Step::Change(proposal) = step else { continue };
            // A later step may need an earlier one; only what is wrong by itself is told here.
            let refused = ways(&market.market, proposal, market.now).set_up.and_then(Result::err);
            if let Some(refusal) = refused.filter(|refusal| refusal.code < 6_026) {
                let line = step.describe(self.definition, Some(&market.market));
                return Err(Failure::Usage(format!("{line}: {}", refusal.message)));
            }
        }
        Ok(())
    }

    async fn action(&self, market: &Pubkey, step: &Step) -> Result<Action, Failure> {
        match step {
            Step::Create => Err(Failure::usage("the market exists already")),
            Step::List(at) => actions::list(self.context, market, &self.definition.assets[*at]).await,
            Step::Change(proposal) => actions::change_at_once(self.context, market, proposal),
            Step::Model => Err(Failure::usage("a model takes several transactions")),
            Step::Open => actions::open(self.context, market),
        }
    }

    /// One round in an open market: an asset is listed, or everything that may be changed or proposed now is. Says whether
    /// there is nothing more to do now.
    async fn in_open_market(&mut self, market: &OnChain, steps: &[Step]) -> Result<bool, Failure> {
        for step in steps.iter().filter(|step| matches!(step, Step::List(_) | Step::Open)) {
            let line = step.describe(self.definition, Some(&market.market));
            let action = self.action(&market.address, step).await?;
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
        let pending = pending(self.context, &market.address).await?;
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
        pending: &[(Pubkey, u64, Proposal)],
        proposal: Proposal,
        at_once: bool,
    ) -> Result<(), Failure> {
        let line = Step::Change(Box::new(proposal.clone())).describe(self.definition, Some(&market.market));
        if let Some((change, eta, _)) = pending.iter().find(|(_, _, other)| *other == proposal) {
            let outcome = Outcome::Pending { change: change.to_string(), eta: *eta };
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
            return self.refused(line, &refusal);
        }
        let eta = schedule(&market.market, &proposal, market.now).eta;
        let (action, change) = actions::propose(self.context, &market.address, &proposal).await?;
        let sent = action.send(self.context, vec![format!("propose {line}")]).await?;
        self.note(&[line], sent, |signature| Outcome::Proposed {
            change: change.to_string(),
            eta,
            signature: signature.to_owned(),
        });
        Ok(())
    }

    /// Writes the rows of the model into a draft and takes them over, or proposes that. Says whether there is nothing more to
    /// do now.
    async fn model(&mut self, market: &OnChain, pending: &[(Pubkey, u64, Proposal)]) -> Result<bool, Failure> {
        let Some(wanted) = &self.definition.model else { return Ok(true) };
        let (loadings, shocks) = wanted.rows_of(&market.market).map_err(|wrong| Failure::Usage(wrong.to_string()))?;
        let model = Model { terms: wanted.terms.clone(), loadings, shocks };
        let proposal = model.proposal(market);
        let known = pending.iter().any(|(_, _, other)| *other == proposal);
        let line = Step::Model.describe(self.definition, Some(&market.market));
        if !known {
            let uploaded = upload(self.context, market, &model, None).await?;
            if !uploaded.complete {
                let outcome = match uploaded.transactions.into_iter().next() {
                    Some(signed @ Sent::Signed { .. }) => Outcome::Signed(signed),
                    _ => Outcome::Planned,
                };
                self.done.push(Done { what: line, outcome });
                return Ok(true);
            }
            if market.market.in_setup() {
                let draft = uploaded.draft.parse().map_err(|_| Failure::usage("a draft without an address"))?;
                let action = actions::take_over(self.context, &market.address, draft, &proposal)?;
                let sent = action.send(self.context, vec![line.clone()]).await?;
                let done = |signature: &str| Outcome::Done { signature: signature.to_owned() };
                return Ok(!self.note(&[line], sent, done));
            }
        }
        self.change(market, pending, proposal, false).await?;
        Ok(true)
    }

    /// What cannot even be proposed: later, if it only waits for something else.
    fn refused(&mut self, line: String, refusal: &refusal::Refusal) -> Result<(), Failure> {
        if refusal.name != "AssetNotReady" {
            return Err(Failure::Usage(format!("{line}: {} ({}, {})", refusal.message, refusal.name, refusal.code)));
        }
        note(&format!("{line}: not yet"));
        self.done.push(Done { what: line, outcome: Outcome::Waiting { why: refusal.message.clone() } });
        Ok(())
    }
}

/// For commands that work on a market that exists.
///
/// # Errors
/// See [`apply`].
pub async fn apply_and_show(
    context: &Context,
    definition: &Definition,
    address: Option<Pubkey>,
    key: Option<&Rc<dyn Signer>>,
) -> Result<(), Failure> {
    let applied = apply(context, definition, address, key).await?;
    context.show(&applied)
}
