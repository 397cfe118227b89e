//! One local network from its start to the signal that ends it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use ballast_client::event::Liquidated;
use ballast_client::logs::events;
use ballast_localnet::catalogue::{ASSETS, SOL};
use ballast_localnet::feed;
use ballast_localnet::folder::Folder;
use ballast_localnet::keeper::{Keeper, Surroundings};
use ballast_localnet::network::Processed;
use ballast_localnet::prices::{Frame, Path};
use ballast_localnet::relay;
use ballast_localnet::stage::{Opening, Stage};
use solana_signer::Signer;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::Arguments;
use ballast_cluster::text::{dollars, price};

/// Borrowers whose keypairs are written, so that one can be played.
const BORROWERS: usize = 3;

/// Whatever ends a program from outside: Ctrl-C, `kill`, a terminal that closes.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> Result<Self> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn any(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Ports that are taken before anything else starts, so that a taken one is known at once.
struct Ports {
    rpc: TcpListener,
    ws: TcpListener,
}

/// Runs until a signal comes.
///
/// # Errors
/// A port that is taken, a network that does not start or answer, a keeper that ends.
pub async fn run(arguments: &Arguments, path: &Path) -> Result<()> {
    // Before anything is started: from here on a signal ends all of it in order.
    let mut signals = Signals::new()?;
    let ports = Ports {
        rpc: relay::listen(arguments.rpc_port, "--rpc-port").await?,
        ws: relay::listen(arguments.rpc_port + 1, "--rpc-port").await?,
    };
    let mut folder = Folder::open(arguments.dir.as_deref())?;
    let outcome = tokio::select! {
        () = signals.any() => return Ok(()),
        opened = open(arguments, path, ports, &folder) => opened,
    };
    let (stage, mut keeper) = match outcome {
        Ok(opened) => opened,
        Err(error) => return Err(kept(&mut folder, error)),
    };
    let ended = async {
        match &mut keeper {
            Some(keeper) => keeper.ended().await.map(Some),
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        () = signals.any() => Ok(()),
        played = play(arguments, path, &stage) => played,
        status = ended => status.and_then(|status| match status {
            Some(status) => bail!("the keeper ended by itself: {status}"),
            None => Ok(()),
        }),
    };
    eprintln!("ending");
    if let Some(keeper) = keeper {
        keeper.end().await?;
    }
    outcome.map_err(|error| kept(&mut folder, error))
}

/// Leaves the folder to be looked into.
fn kept(folder: &mut Folder, error: anyhow::Error) -> anyhow::Error {
    folder.keep();
    error.context(format!("the local network has ended; its logs are in {}", folder.path().display()))
}

/// Sets everything up and says where it is.
async fn open(arguments: &Arguments, path: &Path, ports: Ports, folder: &Folder) -> Result<(Stage, Option<Keeper>)> {
    let opening = Opening {
        program: &arguments.program,
        vaults: arguments.vaults as usize,
        seed: arguments.seed,
        first: path.frames.first().context("a path without frames")?,
    };
    let stage = Stage::set(&opening, |what| eprintln!("{what}")).await?;
    relay::carry(ports.rpc, relay::port(stage.network.rpc_url())?);
    relay::carry(ports.ws, relay::port(stage.network.ws_url())?);
    stage.network.let_time_run(arguments.block()).await?;
    let rpc_url = format!("http://127.0.0.1:{}", arguments.rpc_port);
    let ws_url = format!("ws://127.0.0.1:{}", arguments.rpc_port + 1);
    let configuration = write_folder(folder, &stage, &rpc_url, &ws_url)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.metrics_port));
    let keeper = if arguments.no_keeper {
        None
    } else {
        // Free at this moment, which is as much as can be known: the keeper opens it itself.
        drop(relay::listen(arguments.metrics_port, "--metrics-port").await?);
        eprintln!("starting the keeper");
        let around = Surroundings { rpc_url: &rpc_url, ws_url: &ws_url, address };
        let mut keeper = Keeper::start(&keeper_program(arguments)?, folder, &stage, &around)?;
        keeper.ready().await?;
        Some(keeper)
    };
    introduce(&stage, path, folder, &configuration, [&rpc_url, &ws_url], keeper.as_ref().map(|_| address));
    Ok((stage, keeper))
}

/// Keypairs, and a configuration for the command line. Returns the path of the latter.
fn write_folder(folder: &Folder, stage: &Stage, rpc_url: &str, ws_url: &str) -> Result<PathBuf> {
    let user = folder.write_key("user", &stage.user)?;
    folder.write_key("payer", &stage.site.payer)?;
    folder.write_key("governance", &stage.site.governance)?;
    for (at, borrower) in stage.crowd.borrowers.iter().take(BORROWERS).enumerate() {
        folder.write_key(&format!("borrower-{}", at + 1), &borrower.key)?;
    }
    let text = format!(
        "---\njson_rpc_url: {rpc_url:?}\nwebsocket_url: {ws_url:?}\nkeypair_path: {user:?}\naddress_labels: {{}}\n\
         commitment: confirmed\n"
    );
    folder.write("solana.yml", &text)
}

/// The keeper beside this program, unless another is named.
fn keeper_program(arguments: &Arguments) -> Result<PathBuf> {
    if let Some(chosen) = &arguments.keeper {
        return Ok(chosen.clone());
    }
    let ours = std::env::current_exe().context("where this program is")?;
    let beside = ours.with_file_name("ballast-keeper");
    if !beside.is_file() {
        bail!("{} is missing: `cargo xtask localnet` builds it, --keeper names another", beside.display());
    }
    Ok(beside)
}

fn introduce(
    stage: &Stage,
    path: &Path,
    folder: &Folder,
    configuration: &std::path::Path,
    [rpc, ws]: [&str; 2],
    metrics: Option<SocketAddr>,
) {
    let market = stage.site.market;
    let shown = configuration.display();
    println!("\nBallast on a local network. Ctrl-C ends everything.\n");
    println!("  RPC          {rpc}");
    println!("  websocket    {ws}");
    if let Some(address) = metrics {
        println!("  metrics      http://{address}/metrics");
        println!("  health       http://{address}/healthz, http://{address}/readyz");
    }
    println!("  market       {market}: {} assets, {} vaults", ASSETS.len(), stage.crowd.all().count());
    println!("  prices       {}", path.source);
    for note in &path.notes {
        println!("               {note}");
    }
    println!("  you          {}, with tokens of every asset", stage.user.pubkey());
    println!("  CLI config   {shown}");
    println!(
        "  keypairs     {}: user, governance, payer, borrower-1..{BORROWERS}",
        folder.path().join("keys").display()
    );
    if metrics.is_some() {
        println!("  keeper       {}: keeper.toml, keeper.log", folder.path().display());
    }
    println!("\nTry");
    println!("  ballast -C {shown} market show {market}");
    println!("  ballast -C {shown} vault show {}", first_vault(stage));
    println!("  ballast -C {shown} price check {market}\n");
}

fn first_vault(stage: &Stage) -> String {
    stage.crowd.borrowers.first().map(|borrower| borrower.vault.to_string()).unwrap_or_default()
}

/// Plays the prices, saying what happens.
async fn play(arguments: &Arguments, path: &Path, stage: &Stage) -> Result<()> {
    let mut seen = stage.network.watch();
    let first = path.frames.first().map_or(1.0, |frame| frame.prices[SOL].as_f64());
    feed::play(&stage.network, &stage.site.feeds, path, arguments.pace(), |publication, frame| {
        let (count, repaid) = liquidations(&mut seen);
        let mut line = format!("price {:>4} of {}: {}", publication.frame + 1, path.frames.len(), sol(frame, first));
        if count > 0 {
            line.push_str(&format!("; since the last one {count} liquidations, {} repaid", dollars(repaid)));
        }
        println!("{line}");
    })
    .await
}

fn sol(frame: &Frame, first: f64) -> String {
    let now = frame.prices[SOL].as_f64();
    format!("SOL {:>9} ({:+.1} %)", price(now), (now / first - 1.0) * 100.0)
}

/// How many liquidations have been carried out since the last call, and what they repaid in micro-dollars.
fn liquidations(seen: &mut UnboundedReceiver<Processed>) -> (usize, u64) {
    let mut all = (0, 0u64);
    while let Ok(transaction) = seen.try_recv() {
        if !transaction.failed {
            for event in events::<Liquidated>(&transaction.logs) {
                all = (all.0 + 1, all.1.saturating_add(event.repaid_value));
            }
        }
    }
    all
}
