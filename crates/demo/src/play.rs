//! Playing the prices: each step publishes, moves the clock, refreshes, and lets the keeper liquidate.

use anyhow::{Context, Result};
use ballast_client::event::{BadDebtAbsorbed, Liquidated};
use ballast_client::logs::events;

use crate::checks::{IndexWatch, compare_health_now};
use crate::keeper::Keeper;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::states::{BadDebt, Tally};
use ballast_cluster::books::{Books, read_clock};
use ballast_localnet::market::Site;
use ballast_localnet::network::Network;
use ballast_localnet::prices::Path;

/// Steps between two lines in the log when nothing happens.
const SAY_EVERY: usize = 24;

/// What happened while the prices were played.
#[derive(Default)]
pub struct Played {
    pub before: Tally,
    /// The refresh that left most vaults below maintenance, before the keeper acted, and its frame.
    pub worst: (usize, Tally),
    pub after: Tally,
    pub bad_debt: BadDebt,
    /// The largest shortfall seen after a sweep.
    pub worst_bad_debt: BadDebt,
    /// With the step in which they happened.
    pub liquidations: Vec<(usize, Liquidated)>,
    /// Debts that were written off.
    pub losses: Vec<BadDebtAbsorbed>,
    /// Liquidations refused in simulation.
    pub refused: usize,
    /// Vaults that could be liquidated with a gain at the end, and vaults below maintenance without that.
    pub worthwhile: usize,
    pub left: usize,
    /// Vaults and what differed, of all comparisons of `view_health`.
    pub compared: usize,
    pub differences: Vec<String>,
}

/// Everything that takes part.
pub struct Stage<'a> {
    pub network: &'a Network,
    pub site: &'a Site,
    pub keeper: &'a mut Keeper,
    pub progress: &'a Progress,
}

/// Plays all frames after the first, which the market was set up with.
pub async fn play(stage: &mut Stage<'_>, path: &Path, meter: &mut Meter, indexes: &mut IndexWatch) -> Result<Played> {
    let mut played = Played::default();
    let connection = &stage.network.connection;
    let first = path.frames.first().context("a path without frames")?;
    let start = i64::try_from(read_clock(connection).await?)?;
    let books = Books::read(connection, stage.site.market).await?;
    played.before = Tally::of(&books);
    indexes.look(&books.market);
    compare(stage, &mut played).await?;

    stage.progress.phase("playing prices", path.frames.len() - 1);
    let trough = path.trough();
    for (at, pair) in path.frames.windows(2).enumerate().map(|(at, pair)| (at + 1, pair)) {
        let [last, frame] = pair else { continue };
        let time = start + (frame.time - first.time);
        stage.network.travel(time).await?;
        stage.network.publish(&stage.site.feeds.updates(last, frame, time)).await?;
        meter.record(&stage.site.refresh(connection, stage.keeper.key()).await?);
        let books = Books::read(connection, stage.site.market).await?;
        indexes.look(&books.market);
        let tally = Tally::of(&books);
        if tally.below() > played.worst.1.below() {
            played.worst = (at, tally);
        }
        if at == trough {
            compare(stage, &mut played).await?;
        }
        let done = if tally.below() > 0 { sweep(stage, at, &mut played, meter).await? } else { 0 };
        if done > 0 || at % SAY_EVERY == 0 {
            stage.progress.note(&format!(
                "step {at:>4}: SOL {:>9}  {} vaults below maintenance, {done} liquidations",
                ballast_cluster::text::price(frame.prices[ballast_localnet::catalogue::SOL].as_f64()),
                tally.below()
            ));
        }
        stage.progress.advance(1);
    }
    let books = Books::read(connection, stage.site.market).await?;
    played.after = Tally::of(&books);
    (played.worthwhile, played.left) = stage.keeper.left().await?;
    played.bad_debt = BadDebt::of(&books);
    indexes.look(&books.market);
    compare(stage, &mut played).await?;
    Ok(played)
}

/// Lets the keeper work; returns the number of liquidations.
async fn sweep(stage: &mut Stage<'_>, step: usize, played: &mut Played, meter: &mut Meter) -> Result<usize> {
    let sweep = stage.keeper.sweep().await?;
    meter.record_all(&sweep.receipts);
    played.refused += sweep.refused.len();
    for (vault, reason) in &sweep.refused {
        stage.progress.note(&format!("not liquidated: {vault}: {reason}"));
    }
    let done = sweep.liquidations.len();
    played.losses.extend(sweep.receipts.iter().flat_map(|receipt| events(&receipt.logs)));
    played.liquidations.extend(sweep.liquidations.into_iter().map(|event| (step, event)));
    let bad = BadDebt::of(&Books::read(&stage.network.connection, stage.site.market).await?);
    if bad.shortfall > played.worst_bad_debt.shortfall {
        played.worst_bad_debt = bad;
    }
    Ok(done)
}

async fn compare(stage: &Stage<'_>, played: &mut Played) -> Result<()> {
    let (vaults, wrong) = compare_health_now(&stage.network.connection, stage.site.market, &stage.site.payer).await?;
    played.compared += vaults;
    played.differences.extend(wrong);
    Ok(())
}
