//! One run from an empty network to the report.

use anyhow::{Context, Result};
use ballast_client::{ID, Pubkey};
use solana_signer::Signer;

use crate::args::Arguments;
use crate::checks::IndexWatch;
use crate::exits;
use crate::keeper::Keeper;
use crate::meter::Meter;
use crate::play::{Played, Stage, play};
use crate::progress::Progress;
use crate::report::Report;
use ballast_cluster::books::{Books, read_clock};
use ballast_cluster::connection::Receipt;
use ballast_localnet::actors::{self, Actor, Crowd, send_waves};
use ballast_localnet::audit::{Check, conservation};
use ballast_localnet::market::{Site, key};
use ballast_localnet::network::Network;
use ballast_localnet::prices::{Frame, Path};
use ballast_localnet::random::Random;

/// Counts what is sent.
#[derive(Default)]
struct Ledger {
    meter: Meter,
    transactions: usize,
}

impl Ledger {
    fn add(&mut self, receipts: &[Receipt]) {
        self.transactions += receipts.len();
        self.meter.record_all(receipts);
    }
}

/// A market with a crowd in it, and a keeper beside it.
struct Scene {
    network: Network,
    site: Site,
    keeper: Keeper,
    crowd: Crowd,
}

/// Runs the whole demo. `program_bytes` is the compiled program's size, for the report.
pub async fn run(arguments: &Arguments, path: Path, program_bytes: u64) -> Result<Report> {
    let progress = Progress::new();
    let mut ledger = Ledger::default();
    let first = path.frames.first().context("a path without frames")?;
    let mut scene = set_up(arguments, first, &progress, &mut ledger).await?;
    lend(&scene, first, &progress, &mut ledger).await?;
    let Scene { network, site, keeper, crowd } = &mut scene;
    let (network, site, crowd) = (&*network, &*site, &*crowd);
    let connection = &network.connection;

    let before = Books::read(connection, site.market).await?;
    let mut stage = Stage { network, site, keeper, progress: &progress };
    let mut indexes = IndexWatch::default();
    let played = play(&mut stage, &path, &mut ledger.meter, &mut indexes).await?;
    ledger.transactions += path.frames.len() - 1 + played.liquidations.len();

    progress.phase("repaying, withdrawing, leaving", 1);
    let exits = exits::plan(&Books::read(connection, site.market).await?, site, crowd)?;
    ledger.add(&send_waves(connection, vec![exits.funding, exits.moves], |_| ()).await?);

    progress.phase("checking the books", 1);
    let after = Books::read(connection, site.market).await?;
    indexes.look(&after.market);
    let wallets: Vec<Pubkey> = crowd.all().map(|actor| actor.key.pubkey()).chain([keeper.address()]).collect();
    let mut checks = conservation(connection, site, &after, &wallets).await?;
    checks.extend([indexes.check(&played.losses), agreement(&played), no_work_left(&played)]);
    progress.finish();

    Ok(Report {
        program_bytes,
        program: ID.to_string(),
        address: site.market.to_string(),
        lenders: crowd.lenders.len(),
        positions: positions(crowd, &before),
        transactions: ledger.transactions,
        markets: [before.market, after.market],
        repaid: exits.repaid,
        withdrawn: exits.withdrawn,
        closed: exits.closed,
        readings: ledger.meter.readings(),
        checks,
        seconds: progress.seconds(),
        played,
        path,
    })
}

/// The network, the market, everybody's wallets, and the deposits.
async fn set_up(arguments: &Arguments, first: &Frame, progress: &Progress, ledger: &mut Ledger) -> Result<Scene> {
    let mut random = Random::new(arguments.seed, "keys");
    let (payer, keeper) = (key(&mut random), key(&mut random));
    progress.phase("starting the network, deploying the program", 1);
    let network = Network::start(&payer, &arguments.program).await?;
    let connection = &network.connection;
    progress.phase("creating the market", 1);
    let (site, receipts) = Site::build(&network, payer, arguments.seed, first).await?;
    ledger.add(&receipts);
    let keeper = Keeper::new(&network, keeper, site.market).await?;
    let crowd = Crowd::new(&site, arguments.seed, arguments.vaults, first)?;
    network.fund(crowd.all().map(|actor| actor.key.pubkey()).chain([keeper.address()])).await?;

    let mut jobs = crowd.funding(&site);
    jobs.extend(actors::stock(&site, &keeper.address(), arguments.vaults, first)?);
    progress.phase("creating wallets and minting tokens", jobs.len());
    ledger.add(&connection.send_all(jobs, |done| progress.advance(done)).await?);

    let waves = crowd.deposits(&Books::read(connection, site.market).await?, &site);
    progress.phase("opening vaults and depositing", waves.iter().map(Vec::len).sum());
    ledger.add(&send_waves(connection, waves, |done| progress.advance(done)).await?);
    Ok(Scene { network, site, keeper, crowd })
}

/// The loans, with fresh prices before and after them.
async fn lend(scene: &Scene, first: &Frame, progress: &Progress, ledger: &mut Ledger) -> Result<()> {
    let Scene { network, site, crowd, .. } = scene;
    ledger.add(&[quote(network, site, first).await?]);
    let waves = crowd.loans(&Books::read(&network.connection, site.market).await?, site)?;
    progress.phase("borrowing", waves.iter().map(Vec::len).sum());
    ledger.add(&send_waves(&network.connection, waves, |done| progress.advance(done)).await?);
    ledger.add(&[quote(network, site, first).await?]);
    Ok(())
}

/// Publishes a frame now and refreshes all prices.
async fn quote(network: &Network, site: &Site, frame: &Frame) -> Result<Receipt> {
    let time = i64::try_from(read_clock(&network.connection).await?)?;
    network.publish(&site.feeds.updates(frame, frame, time)).await?;
    site.refresh(&network.connection, &site.payer).await
}

/// Positions of each borrower's vault.
fn positions(crowd: &Crowd, books: &Books) -> Vec<usize> {
    let of = |actor: &Actor| {
        let found = books.vaults.iter().find(|(address, _)| *address == actor.vault);
        found.map(|(_, vault)| vault.used().len())
    };
    crowd.borrowers.iter().filter_map(of).collect()
}

fn agreement(played: &Played) -> Check {
    let looked_at = format!("{} simulations of view_health over RPC, each to the unit", played.compared);
    Check::new("program = client", looked_at, played.differences.clone())
}

/// Nothing that pays may be left to liquidate at the end.
fn no_work_left(played: &Played) -> Check {
    let wrong = (played.worthwhile > 0).then(|| format!("{} vaults still", played.worthwhile));
    let looked_at = format!("{} vaults are left below maintenance, without a gain for anybody", played.left);
    Check::new("no gainful liquidation left", looked_at, wrong.into_iter().collect())
}
