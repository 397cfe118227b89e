//! Bringing a market to where its definition says: at once while it is being set up, afterwards at once what may be, and
//! the rest by proposals, see `open_market`.

use std::rc::Rc;

use ballast_client::Pubkey;
use ballast_cluster::definition::Definition;
use ballast_cluster::definition::steps::Step;
use solana_signer::Signer;

use super::actions::{self, Action};
use super::applied::{Applied, Done, Outcome, Status};
use super::pack::packed;
use super::preflight::{changes, checked, creator, find, next};
use crate::context::{Context, OnChain};
use crate::failure::Failure;
use crate::send::Sent;

/// Applies a definition that [`checked`] finds nothing wrong with. `key` is that of a market that does not exist yet. What
/// was done before a failure stays, and is told.
pub async fn apply(
    context: &Context,
    definition: &Definition,
    address: Option<Pubkey>,
    key: Option<&Rc<dyn Signer>>,
) -> Applied {
    let address = address.or(key.map(|key| key.pubkey()));
    let mut run = Run { context, definition, key, done: Vec::new(), sent: false };
    let failure = run.rounds(address).await.err();
    run.report(address, failure)
}

/// A definition on its way.
pub(super) struct Run<'a> {
    pub(super) context: &'a Context,
    pub(super) definition: &'a Definition,
    key: Option<&'a Rc<dyn Signer>>,
    pub(super) done: Vec<Done>,
    sent: bool,
}

impl Run<'_> {
    /// Round after round, until there is nothing more to do now.
    async fn rounds(&mut self, address: Option<Pubkey>) -> Result<(), Failure> {
        let mut last: Option<Vec<Step>> = None;
        loop {
            let market = match address {
                Some(address) => find(self.context, address).await?,
                None => None,
            };
            let steps = next(self.definition, market.as_ref())?;
            let finished = match &market {
                _ if steps.is_empty() => true,
                _ if last.as_ref() == Some(&steps) => {
                    let lags = "the node does not show yet what was sent; try again";
                    return Err(Failure::Rpc(anyhow::anyhow!(lags)));
                }
                None => self.create(&steps).await?,
                Some(market) if steps.first() == Some(&Step::Model) && market.market.in_setup() => {
                    self.model(market, &[]).await?
                }
                Some(market) if market.market.in_setup() => self.set_up(market, &steps).await?,
                Some(market) => self.in_open_market(market, &steps).await?,
            };
            if finished {
                return Ok(());
            }
            last = Some(steps);
        }
    }

    fn report(self, address: Option<Pubkey>, failure: Option<Failure>) -> Applied {
        let options = &self.context.options;
        let status = match self.sent {
            true if failure.is_some() => Status::Stopped,
            true => Status::Applied,
            false if (options.dry_run || options.sign_only) && !self.done.is_empty() => Status::Planned,
            false => Status::NothingToDo,
        };
        let market = address.map(|address| address.to_string());
        Applied { name: self.definition.market.clone(), market, status, steps: self.done, failure }
    }

    /// Notes what became of steps that went as one transaction. Says whether the next can follow.
    pub(super) fn note(&mut self, lines: &[String], sent: Sent, outcome: impl Fn(&str) -> Outcome) -> bool {
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
        let key = creator(self.context, self.definition, self.key)?;
        let [_, guardian, steward] = self.definition.roles;
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
        changes(self.definition, market, steps)?;
        let listing = steps.iter().any(|step| matches!(step, Step::List(_)));
        // What an asset is like can be said once it is listed.
        let ready = steps.iter().filter(|step| !listing || matches!(step, Step::List(_)));
        let actions = ready.map(|step| self.action(&market.address, step)).collect::<Result<Vec<Action>, _>>()?;
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

    pub(super) fn action(&self, market: &Pubkey, step: &Step) -> Result<Action, Failure> {
        match step {
            Step::Create => Err(Failure::usage("the market exists already")),
            Step::List(at) => actions::list(self.context, market, &self.definition.assets[*at]),
            Step::Change(proposal) => actions::change_at_once(self.context, market, proposal),
            Step::Model => Err(Failure::usage("a model takes several transactions")),
            Step::Open => actions::open(self.context, market),
        }
    }
}

/// For commands on one market: checks its definition, applies it and shows what became of it.
///
/// # Errors
/// [`Failure`].
pub async fn apply_and_show(
    context: &Context,
    definition: &Definition,
    address: Option<Pubkey>,
    key: Option<&Rc<dyn Signer>>,
) -> Result<(), Failure> {
    checked(context, definition, address, key).await?;
    apply(context, definition, address, key).await.show(context)
}
