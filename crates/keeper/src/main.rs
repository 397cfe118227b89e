//! `ballast-keeper`: refreshes prices, liquidates, carries out changes. See `--help` and `keeper.example.toml`.

use std::cell::Cell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use ballast_keeper::config::Config;
use ballast_keeper::metrics::Metrics;
use ballast_keeper::rounds::{self, End, Mode, Unreached};
use ballast_keeper::server::{self, Status};
use ballast_keeper::{logging, secret};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long a single pass or a check waits for the nodes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Exit codes: everything in order; a fault of the configuration or the machine; wrong arguments (clap's); the nodes; not
/// everything was done.
const FAULT: u8 = 1;
const NODES: u8 = 3;
const INCOMPLETE: u8 = 4;

/// Looks after a Ballast market: refreshes prices, liquidates, carries out changes.
///
/// Ends with 0 when all is well, 1 for a fault of configuration or machine, 2 for wrong arguments, 3 when the nodes cannot be
/// relied on, and 4 when a single pass could not do everything, or something was still under way at the end.
#[derive(Parser)]
#[command(name = "ballast-keeper", version)]
struct Arguments {
    /// The configuration, see keeper.example.toml.
    #[arg(long, value_name = "FILE", env = "BALLAST_KEEPER_CONFIG")]
    config: PathBuf,
    /// Do what there is to do now, then end.
    #[arg(long)]
    once: bool,
    /// Plan and simulate, sign nothing.
    #[arg(long)]
    dry_run: bool,
    /// Check the configuration, the nodes and the market, then end.
    #[arg(long, conflicts_with_all = ["once", "dry_run"])]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match Config::read(&arguments.config, &|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(error) => return fail(&error, &secret::Redaction::default()),
    };
    let redaction = config.redaction.clone();
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| config.log.filter.clone());
    let ended = logging::start(config.log.format, &filter, redaction.clone()).and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
        let ended = runtime.block_on(run(&arguments, &config));
        // A write to the journal is done when it returns, so nothing is left that would have to be waited for.
        runtime.shutdown_timeout(Duration::from_secs(1));
        ended
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error, &redaction),
    }
}

fn fail(error: &anyhow::Error, redaction: &secret::Redaction) -> ExitCode {
    eprintln!("error: {}", redaction.apply(&format!("{error:#}")));
    ExitCode::from(FAULT)
}

async fn run(arguments: &Arguments, config: &Config) -> Result<u8> {
    if arguments.check {
        return check(config).await;
    }
    let mode = Mode { once: arguments.once, dry: arguments.dry_run };
    let (metrics, status) = (Metrics::new(), Status::new(config.patience));
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(listen(stop, status.clone())?);
    let mut server = match serve(config, &metrics, &status).await {
        Ok(server) => Some(server),
        // A single pass, or a look, goes on beside the keeper that has the address. Nobody has to be able to ask it.
        Err(error) if mode.once || mode.dry => {
            tracing::warn!("the pages are not served: {error:#}");
            None
        }
        Err(error) => return Err(error),
    };
    let patience = (mode.once || mode.dry).then_some(PATIENCE);
    let endpoints = rounds::endpoints(config)?;
    let opening = rounds::open(config, mode, endpoints, patience, &metrics, &status);
    let opened = tokio::select! {
        opened = opening => opened,
        // Nothing was begun; a single pass has not done what there is to do.
        () = until(stopped.clone()) => return Ok(if mode.once { INCOMPLETE } else { 0 }),
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) if error.is::<Unreached>() => {
            tracing::error!("{error:#}");
            return Ok(NODES);
        }
        Err(error) => return Err(error),
    };
    tracing::info!(market = %config.market, dry = mode.dry, once = mode.once, journal = opened.journal, "begun");
    let unserved = Cell::new(false);
    let stop = async {
        tokio::select! {
            biased;
            () = until(stopped) => {}
            // Nobody would see what it does: it ends in order, and whoever supervises it starts it again.
            ended = ended(&mut server) => {
                unserved.set(true);
                tracing::error!("/metrics is not served any more: {ended:?}");
            }
        }
    };
    let end = match mode.once {
        true => opened.keeper.run_once(config, stop).await,
        false => opened.keeper.run(config, stop).await,
    };
    if let Some(server) = server {
        server.abort();
    }
    tracing::info!(?end, "ended");
    anyhow::ensure!(!unserved.get(), "the pages on {} could not be served any longer", config.address);
    Ok(if end == End::Orderly { 0 } else { INCOMPLETE })
}

/// Serves the pages.
async fn serve(config: &Config, metrics: &Metrics, status: &Status) -> Result<tokio::task::JoinHandle<Result<()>>> {
    let listener = TcpListener::bind(config.address).await;
    let listener = listener.with_context(|| format!("server.address {} cannot be listened on", config.address))?;
    tracing::info!(address = %listener.local_addr().context("no address")?, "serving /metrics, /healthz and /readyz");
    let routes = server::routes(metrics.clone(), status.clone());
    // To the very end: whoever looks on wants to see how what is under way ends.
    Ok(tokio::spawn(server::serve(listener, routes, std::future::pending())))
}

/// Sets the flag at the first SIGINT or SIGTERM, from when on it is not ready; at the second the process ends at once.
fn listen(stop: watch::Sender<bool>, status: Status) -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be listened to")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be listened to")?;
    Ok(async move {
        for again in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if again {
                tracing::warn!("ended at once; the journal knows what is under way");
                std::process::exit(130);
            }
            status.end();
            stop.send_replace(true);
        }
    })
}

/// How the server ended; never without one.
async fn ended(server: &mut Option<tokio::task::JoinHandle<Result<()>>>) -> Result<()> {
    match server {
        Some(server) => server.await.context("its task has ended").and_then(|ended| ended),
        None => std::future::pending().await,
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // Without a sender nobody will stop us any more.
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn check(config: &Config) -> Result<u8> {
    let endpoints = rounds::endpoints(config)?;
    let found = match endpoints.survey().await {
        Ok(()) => endpoints.market(&config.market).await,
        Err(unready) => Err(unready),
    };
    for report in endpoints.reports() {
        println!("endpoint {}: {}, {} slots behind", report.name, report.standing, report.behind);
    }
    match found {
        Ok(seen) => {
            println!("market {}: {} assets, slot {}", config.market, seen.market.listed().len(), seen.slot);
            println!("keypair: {}", if config.keypair.is_some() { "read" } else { "none, only --dry-run is possible" });
            Ok(0)
        }
        Err(unready) => {
            eprintln!("error: the market {} cannot be read: {unready}", config.market);
            Ok(NODES)
        }
    }
}
