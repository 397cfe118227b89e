//! One local network from its start to the signal that ends it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use ballast_client::event::Liquidated;
use ballast_client::logs::events;
use ballast_localnet::catalogue::{ASSETS, SOL};
use ballast_localnet::feed;
use ballast_localnet::folder::Folder;
use ballast_localnet::keeper::{self, Keeper, Surroundings};
use ballast_localnet::market::key;
use ballast_localnet::network::Processed;
use ballast_localnet::prices::{Frame, Path};
use ballast_localnet::random::Random;
use ballast_localnet::relay;
use ballast_localnet::stage::{Opening, Stage};
use ballast_localnet::written;
use solana_signer::Signer;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::Arguments;
use ballast_cluster::books::read_clock;
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

/// Ports that are opened before anything else starts, so that one that is in use is known at once.
struct Ports {
    rpc: TcpListener,
    ws: TcpListener,
    metrics: SocketAddr,
}

impl Ports {
    async fn open(arguments: &Arguments) -> Result<Self> {
        let rpc = arguments.rpc_port;
        // The keeper opens its port itself. That it is free now is as much as can be known.
        let metrics = relay::listen(arguments.metrics_port, "--metrics-port").await?.local_addr()?;
        Ok(Self {
            rpc: relay::listen(rpc, "--rpc-port").await?,
            ws: relay::listen(if rpc == 0 { 0 } else { rpc + 1 }, "--rpc-port").await?,
            metrics,
        })
    }
}

/// Runs until a signal comes.
///
/// # Errors
/// A port that is taken, a network that does not start or answer, a keeper that ends.
pub async fn run(arguments: &Arguments, path: &Path) -> Result<()> {
    // Before anything is started: from here on a signal ends all of it in order.
    let mut signals = Signals::new()?;
    let ports = Ports::open(arguments).await?;
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
        played = play(arguments, path, &stage, &folder) => played,
        status = ended => status.and_then(|status| match status {
            Some(status) => bail!("the keeper ended by itself: {status}"),
            None => Ok(()),
        }),
    };
    tell("ending");
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
    let stage = Stage::set(&opening, tell).await?;
    let rpc_url = format!("http://{}", ports.rpc.local_addr()?);
    let ws_url = format!("ws://{}", ports.ws.local_addr()?);
    relay::carry(ports.rpc, relay::port(stage.network.rpc_url())?);
    relay::carry(ports.ws, relay::port(stage.network.ws_url())?);
    stage.network.let_time_run(arguments.block()).await?;
    let configuration = write_folder(folder, &stage, arguments.seed, &rpc_url, &ws_url)?;
    // It is there before the keeper looks for it.
    let prices = folder.path().join(written::NAME);
    let now = i64::try_from(read_clock(&stage.network.connection).await?)?;
    written::write(&prices, &stage.site.feeds.updates(opening.first, opening.first, now))?;
    let around = Surroundings { rpc_url: &rpc_url, ws_url: &ws_url, address: ports.metrics, prices: Some(&prices) };
    let keeper_configuration = keeper::configure(folder, &stage, &around)?;
    let keeper = if arguments.no_keeper {
        None
    } else {
        tell("starting the keeper");
        let program = keeper_program(arguments)?;
        let mut keeper = Keeper::start(&program, folder, keeper_configuration, ports.metrics)?;
        keeper.ready().await?;
        Some(keeper)
    };
    introduce(&stage, path, folder, &configuration, [&rpc_url, &ws_url], keeper.as_ref().map(|_| ports.metrics));
    Ok((stage, keeper))
}

/// Keypairs, and a configuration for the command line. Returns the path of the latter.
fn write_folder(folder: &Folder, stage: &Stage, seed: u64, rpc_url: &str, ws_url: &str) -> Result<PathBuf> {
    let user = folder.write_key("user", &stage.user)?;
    // For a market of one's own.
    folder.write_key("unused", &key(&mut Random::new(seed, "unused")))?;
    folder.write_key("payer", &stage.site.payer)?;
    folder.write_key("governance", &stage.site.governance)?;
    for (at, borrower) in stage.crowd.borrowers.iter().take(BORROWERS).enumerate() {
        folder.write_key(&format!("borrower-{}", at + 1), &borrower.key)?;
    }
    let text = format!(
        "---\njson_rpc_url: {rpc_url:?}\nwebsocket_url: {ws_url:?}\nkeypair_path: {user:?}\naddress_labels: {{}}\n\
         commitment: confirmed\n"
    );
    // What the command line takes as the market of this network.
    folder.write("ballast.toml", &format!("[markets]\n{rpc_url:?} = \"{}\"\n", stage.site.market))?;
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
    let config = configuration.display();
    let mut text =
        format!("\nBallast on a local network. Ctrl-C ends everything.\n\n  RPC          {rpc}\n  websocket    {ws}\n");
    if let Some(address) = metrics {
        text.push_str(&format!("  metrics      http://{address}/metrics\n"));
        text.push_str(&format!("  health       http://{address}/healthz, http://{address}/readyz\n"));
    }
    let (assets, vaults) = (ASSETS.len(), stage.crowd.all().count());
    text.push_str(&format!("  market       {market}: {assets} assets, {vaults} vaults\n"));
    text.push_str(&format!("  prices       {}\n", path.source));
    for note in &path.notes {
        text.push_str(&format!("               {note}\n"));
    }
    text.push_str(&format!("  you          {}, with tokens of every asset\n", stage.user.pubkey()));
    text.push_str(&format!("  CLI config   {config}\n"));
    let keys = folder.path().join("keys");
    text.push_str(&format!(
        "  keypairs     {}: user, governance, payer, borrower-1..{BORROWERS}, unused\n",
        keys.display()
    ));
    if metrics.is_some() {
        text.push_str(&format!("  keeper       {}: keeper.toml, keeper.log, prices.json\n", folder.path().display()));
    }
    text.push_str(&format!(
        "\nTry\n  ballast -C {config} market show\n  ballast -C {config} vault show --vault {}\n  \
         ballast -C {config} price check\n",
        first_vault(stage)
    ));
    show(&text);
}

/// On standard output. A terminal that has been closed must not stop the ending of the rest, so nobody need be listening.
fn show(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The same on standard error.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn first_vault(stage: &Stage) -> String {
    stage.crowd.borrowers.first().map(|borrower| borrower.vault.to_string()).unwrap_or_default()
}

/// Plays the prices, saying what happens.
async fn play(arguments: &Arguments, path: &Path, stage: &Stage, folder: &Folder) -> Result<()> {
    let mut seen = stage.network.watch();
    let first = path.frames.first().map_or(1.0, |frame| frame.prices[SOL].as_f64());
    let file = folder.path().join(written::NAME);
    feed::play(&stage.network, &stage.site.feeds, path, arguments.pace(), &file, |publication, frame| {
        let (count, repaid) = liquidations(&mut seen);
        let mut line = format!("price {:>4} of {}: {}", publication.frame + 1, path.frames.len(), sol(frame, first));
        if count > 0 {
            line.push_str(&format!("; since the last one {count} liquidations, {} repaid", dollars(repaid)));
        }
        show(&line);
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
