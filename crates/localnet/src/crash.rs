//! A crash with a keeper at work: prices fall step by step, and what the keeper does about it is watched from the node.
//!
//! The node says when it carried out which transaction, so nothing here relies on what the keeper says about itself.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use ballast_client::logs::operations;
use ballast_client::risk::price::Price;
use ballast_client::{Market, Pubkey, StateView, Vault, snapshot};
use solana_signer::Signer;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

use crate::feed;
use crate::network::Processed;
use crate::prices::{Frame, Path};
use crate::stage::Stage;
use crate::takings::Takings;
use ballast_cluster::books::Books;

/// The keeper is through with a step when it has sent nothing for so long and there is nothing left to do.
const QUIET: Duration = Duration::from_millis(1_500);
/// Micro-dollars that are more than the fees of a liquidation and the least profit that the keeper asks for: a quarter.
const WORTHWHILE: i64 = 250_000;

/// One fall of the prices.
#[derive(Debug)]
pub struct Step {
    /// Of the path.
    pub frame: usize,
    /// When the last oracle account was written.
    pub published: SystemTime,
    /// The prices of the market before, by asset.
    pub prices: Vec<Option<Price>>,
    /// Vaults with debts that may be liquidated at the new prices.
    pub liquidatable: HashSet<Pubkey>,
    /// Those of them that owe more than they have.
    pub insolvent: usize,
    /// Vaults that still may at the end of the step.
    pub left: Vec<Pubkey>,
    /// What the keeper sent, in the order in which the node carried it out.
    pub sent: Vec<Sent>,
}

/// A transaction of the keeper.
#[derive(Debug)]
pub struct Sent {
    pub at: SystemTime,
    pub signature: String,
    pub failed: bool,
    pub refresh: bool,
    pub takings: Takings,
    pub logs: Vec<String>,
}

/// Who plays and who is watched.
pub struct Watch<'a> {
    stage: &'a Stage,
    seen: UnboundedReceiver<Processed>,
    /// How long a step may take.
    patience: Duration,
}

impl<'a> Watch<'a> {
    /// Begins to watch. Once for each network, see [`crate::network::Network::watch`].
    pub fn new(stage: &'a Stage, patience: Duration) -> Self {
        Self { stage, seen: stage.network.watch(), patience }
    }

    /// Plays frames of a path, each as soon as the keeper is through with the one before.
    ///
    /// # Errors
    /// A node that does not answer; a keeper that leaves something undone.
    pub async fn play(&mut self, path: &Path, frames: &[usize], mut tell: impl FnMut(&Step)) -> Result<Vec<Step>> {
        let mut steps = Vec::with_capacity(frames.len());
        let mut before = path.frames.first().context("a path without frames")?;
        for frame in frames {
            let next = path.frames.get(*frame).context("a frame that the path does not have")?;
            let step = self.step(*frame, before, next).await?;
            tell(&step);
            steps.push(step);
            before = next;
        }
        Ok(steps)
    }

    async fn step(&mut self, frame: usize, before: &Frame, next: &Frame) -> Result<Step> {
        let Stage { network, site, .. } = self.stage;
        let was = Books::read(&network.connection, site.market).await?;
        // What the keeper did before belongs to no price.
        while self.seen.try_recv().is_ok() {}
        let (_, published) = feed::publish(network, &site.feeds, before, next).await?;
        let mut sent = Vec::new();
        let books = self.wait(published, &mut sent).await?;
        let (liquidatable, insolvent) = at_new_prices(&was, &books.market, books.now);
        let left = books.vaults.iter().filter(|(_, vault)| below(&books.market, vault, books.now).is_some());
        let left = left.map(|(address, _)| *address).collect();
        let prices = was.market.listed().iter().map(ballast_client::Asset::spot).collect();
        Ok(Step { frame, published, prices, liquidatable, insolvent, left, sent })
    }

    /// Waits until the market has the new prices and the keeper is through with them.
    async fn wait(&mut self, published: SystemTime, sent: &mut Vec<Sent>) -> Result<Books> {
        let Stage { network, site, keeper, .. } = self.stage;
        let deadline = Instant::now() + self.patience;
        loop {
            while let Ok(Some(seen)) = timeout(QUIET, self.seen.recv()).await {
                sent.extend(of_keeper(seen, &keeper.pubkey()));
            }
            let refreshed = sent.iter().any(|sent| sent.refresh && !sent.failed && sent.at >= published);
            let books = Books::read(&network.connection, site.market).await?;
            let open = books.vaults.iter().filter(|(address, vault)| pays(&books, *address, vault)).count();
            if refreshed && open == 0 && self.seen.is_empty() {
                return Ok(books);
            }
            ensure!(
                Instant::now() < deadline,
                "after {:?} the keeper has {open} vaults left to liquidate{}",
                self.patience,
                if refreshed { "" } else { " and has not refreshed the prices" }
            );
        }
    }
}

/// A transaction that the keeper sent: it names one of its operations and pays for it.
fn of_keeper(seen: Processed, keeper: &Pubkey) -> Option<Sent> {
    let Processed { at, signature, logs, failed } = seen;
    let names = operations(&logs);
    if names.is_empty() && !failed {
        return None;
    }
    let refresh = names.iter().any(|(name, _)| name == "refresh_prices");
    let takings = if failed { Takings::default() } else { Takings::of(&logs, keeper) };
    Some(Sent { at, signature, failed, refresh, takings, logs })
}

/// The vaults that may be liquidated at the prices of a market, as they were before it got them, and how many of them owe
/// more than they have.
fn at_new_prices(was: &Books, market: &Market, now: u64) -> (HashSet<Pubkey>, usize) {
    let states = was.vaults.iter().filter_map(|(address, vault)| Some((*address, below(market, vault, now)?)));
    let states: Vec<_> = states.collect();
    let insolvent = states.iter().filter(|(_, state)| *state == StateView::Insolvent).count();
    (states.into_iter().map(|(address, _)| address).collect(), insolvent)
}

/// The state of a vault that may be liquidated.
fn below(market: &Market, vault: &Vault, now: u64) -> Option<StateView> {
    let state = if vault.has_debt() { snapshot::health(market, vault, now).state } else { StateView::Healthy };
    matches!(state, StateView::Liquidatable | StateView::Insolvent).then_some(state)
}

/// Whether there is something to gain for a liquidator who can pay for everything.
fn pays(books: &Books, address: Pubkey, vault: &Vault) -> bool {
    let most = |_| u64::MAX;
    below(&books.market, vault, books.now).is_some()
        && snapshot::best_liquidation(&books.market, address, vault, books.now, most)
            .is_some_and(|best| best.gain >= WORTHWHILE)
}

/// What the steps came to.
pub struct Summary<'a>(pub &'a [Step]);

impl Summary<'_> {
    /// Everything that was taken.
    pub fn takings(&self) -> Takings {
        let mut all = Takings::default();
        for sent in self.0.iter().flat_map(|step| &step.sent) {
            all.add(sent.takings.clone());
        }
        all
    }

    /// Milliseconds from a publication: to the refresh that brought it into the market, to the first liquidation, to each
    /// liquidation.
    fn delays(&self) -> [Vec<u128>; 3] {
        let [mut refreshes, mut firsts, mut all] = [const { Vec::new() }; 3];
        for step in self.0 {
            let delay = |sent: &Sent| sent.at.duration_since(step.published).unwrap_or_default().as_millis();
            let good = || step.sent.iter().filter(|sent| !sent.failed);
            refreshes.extend(good().find(|sent| sent.refresh && sent.at >= step.published).map(delay));
            let liquidations: Vec<u128> = good().filter(|sent| !sent.takings.vaults.is_empty()).map(delay).collect();
            firsts.extend(liquidations.first());
            all.extend(liquidations);
        }
        [refreshes, firsts, all]
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {:<7}{:>13}{:>11}{:>13}{:>14}{:>9}{:>7}",
            "price", "liquidatable", "insolvent", "liquidated", "transactions", "failed", "left"
        )?;
        for step in self.0 {
            let handled: HashSet<_> = step.sent.iter().flat_map(|sent| &sent.takings.vaults).collect();
            writeln!(
                f,
                "  {:<7}{:>13}{:>11}{:>13}{:>14}{:>9}{:>7}",
                step.frame,
                step.liquidatable.len(),
                step.insolvent,
                handled.len(),
                step.sent.len(),
                step.sent.iter().filter(|sent| sent.failed).count(),
                step.left.len()
            )?;
        }
        writeln!(f, "\n  {:<44}{:>8}{:>10}{:>10}", "milliseconds from a price to", "count", "median", "worst")?;
        let names =
            ["its refresh in the market", "the first liquidation that follows", "every liquidation that follows"];
        for (name, mut delays) in names.into_iter().zip(self.delays()) {
            delays.sort_unstable();
            let (median, worst) = (delays.get(delays.len() / 2), delays.last());
            let shown = |delay: Option<&u128>| delay.map_or_else(|| "-".to_owned(), u128::to_string);
            writeln!(f, "  {name:<44}{:>8}{:>10}{:>10}", delays.len(), shown(median), shown(worst))?;
        }
        Ok(())
    }
}
