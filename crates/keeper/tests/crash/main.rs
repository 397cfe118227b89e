//! The program `ballast-keeper` in a crash, on a local network: every vault that can be liquidated is, none twice, and what
//! it says about its profit is what its wallet and the chain say.
//!
//! `BALLAST_DEEP=1` plays it with 2,000 vaults. `cargo xtask crash` does, and keeps the figures in benches/crash.md.

mod profit;

use std::collections::{BTreeMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use ballast_client::event::{Liquidated, ReceivershipEnded};
use ballast_client::logs::events;
use ballast_cluster::books::Books;
use ballast_keeper::journal::{self, Ended, Record};
use ballast_localnet::audit;
use ballast_localnet::catalogue::ASSETS;
use ballast_localnet::crash::{Step, Summary, Watch};
use ballast_localnet::folder::Folder;
use ballast_localnet::keeper::{self, Keeper, Surroundings};
use ballast_localnet::prices::generated;
use ballast_localnet::stage::{Opening, Stage};
use solana_signer::Signer;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/deploy/ballast.so");
const VAULTS: usize = 200;
const VAULTS_DEEP: usize = 2_000;
const SEED: u64 = 7;
/// Time between two blocks.
const BLOCK: Duration = Duration::from_millis(50);
/// How long the keeper may take for one fall of the prices, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(900);
/// What stands above the figures in benches/crash.md.
const INTRODUCTION: &str = "\
# The keeper in a crash

Written by `cargo xtask crash`, which plays `crates/keeper/tests/crash` with 2,000 vaults: a local network on this machine,
the program `ballast-keeper` in the development profile, a block every 50 ms, prices of the bundled path. A price is
published when the last oracle account is written; a transaction is sent when the node has carried it out. That every vault
is handled, none twice, and the profit to the unit, is asserted by the test; the times depend on the machine.

```text
";
/// Hours of the bundled path at which its crash goes deeper.
const FALLS: [usize; 3] = [34, 41, 48];

#[tokio::test(flavor = "multi_thread")]
async fn every_vault_is_liquidated_once_and_the_profit_is_what_the_wallet_says() {
    let vaults = if std::env::var_os("BALLAST_DEEP").is_some() { VAULTS_DEEP } else { VAULTS };
    let begun = Instant::now();
    let path = generated::path(SEED);
    let opening = Opening { program: Path::new(PROGRAM), vaults, seed: SEED, first: &path.frames[0] };
    let stage = Stage::set(&opening, |_| ()).await.unwrap();
    stage.network.let_time_run(BLOCK).await.unwrap();
    let (connection, site) = (&stage.network.connection, &stage.site);
    let wallet = stage.keeper.pubkey();
    let before = audit::wallet(connection, site, &wallet).await.unwrap();
    let lamports = || async { connection.client().get_balance(&wallet).await.unwrap() };
    let lamports_before = lamports().await;

    let mut folder = Folder::open(None).unwrap();
    let mut keeper = start(&folder, &stage);
    if let Err(error) = keeper.ready().await {
        folder.keep();
        panic!("{error:#}: {}", std::fs::read_to_string(&keeper.log).unwrap_or_default());
    }
    let ready = format!("{vaults} vaults set up, the keeper ready after {:.1} s", begun.elapsed().as_secs_f64());
    println!("{ready}");
    let mut watch = Watch::new(&stage, PATIENCE);
    let played =
        watch.play(&path, &FALLS, |step| println!("price {}: {} transactions", step.frame, step.sent.len())).await;
    let metrics = numbers(&keeper.metrics().await.unwrap());
    let log = keeper.log.clone();
    let status = keeper.end().await.unwrap();
    let tail = || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    };
    let steps = played.unwrap_or_else(|error| panic!("{error:#}\n{}", tail()));
    assert!(status.success(), "{status}\n{}", tail());

    let summary = Summary(&steps);
    let figures = format!("{ready}\n\n{summary}\n  {:.1} s in all\n", begun.elapsed().as_secs_f64());
    println!("{figures}");
    all_are_handled_and_none_twice(&steps);
    journal_agrees(&folder, &steps);
    profit::agrees(&std::fs::read_to_string(&log).unwrap(), &steps, profit::counted(&metrics));

    // To the unit: what was there, less what was paid, and what was received, is what is there.
    let takings = summary.takings();
    let after = audit::wallet(connection, site, &wallet).await.unwrap();
    for (asset, entry) in ASSETS.iter().enumerate() {
        let flow = takings.flows.get(&u8::try_from(asset).unwrap()).copied().unwrap_or_default();
        assert_eq!(after[asset], before[asset] + flow.received - flow.paid, "{}", entry.name);
    }
    let fees = metrics["ballast_keeper_fees_lamports_total"];
    assert_eq!(lamports_before - lamports().await, fees, "lamports");
    let landed: u64 = kinds(&metrics, "ballast_keeper_liquidations_total");
    assert_eq!(landed, u64::try_from(takings.vaults.len()).unwrap(), "liquidations");

    let books = Books::read(connection, site.market).await.unwrap();
    let wallets = [wallet, stage.user.pubkey(), site.payer.pubkey()];
    for check in audit::conservation(connection, site, &books, &wallets).await.unwrap() {
        assert!(check.passed, "{}: {}", check.name, check.detail);
    }
    // Only what has passed is worth keeping.
    if let Some(file) = std::env::var_os("BALLAST_CRASH_FIGURES") {
        std::fs::write(file, format!("{INTRODUCTION}{figures}```\n")).unwrap();
    }
}

fn start(folder: &Folder, stage: &Stage) -> Keeper {
    // Free a moment ago, which is as much as can be known of a port that another program is to open.
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let around = Surroundings {
        rpc_url: stage.network.rpc_url(),
        ws_url: stage.network.ws_url(),
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, free)),
        prices: None,
    };
    let configuration = keeper::configure(folder, stage, &around).unwrap();
    Keeper::start(Path::new(env!("CARGO_BIN_EXE_ballast-keeper")), folder, configuration, around.address).unwrap()
}

fn all_are_handled_and_none_twice(steps: &[Step]) {
    let mut signatures = HashSet::new();
    for step in steps {
        // Vaults at the same prices. A smaller liquidation than is needed may be followed by another.
        let mut done = HashSet::new();
        let mut refreshes = 0;
        assert!(!step.liquidatable.is_empty(), "nothing happens at price {}", step.frame);
        for sent in &step.sent {
            assert!(signatures.insert(&sent.signature), "{} was carried out twice", sent.signature);
            // A second liquidation of a vault that the first one has healed would be refused by the program.
            assert!(!sent.failed, "{} failed: {:#?}", sent.signature, sent.logs);
            refreshes += usize::from(sent.refresh);
            for vault in &sent.takings.vaults {
                let again = !done.insert((*vault, refreshes));
                assert!(!again || is_short(&sent.logs, vault), "{vault} twice at price {}", step.frame);
            }
        }
        let handled: HashSet<_> = step.sent.iter().flat_map(|sent| &sent.takings.vaults).collect();
        let missed = step.liquidatable.iter().filter(|vault| !handled.contains(vault) && !step.left.contains(vault));
        assert_eq!(missed.collect::<Vec<_>>(), Vec::<&ballast_client::Pubkey>::new(), "price {}", step.frame);
    }
}

/// Whether a vault still had less than it needs when it was liquidated.
fn is_short(logs: &[String], vault: &ballast_client::Pubkey) -> bool {
    let in_one = events::<Liquidated>(logs)
        .into_iter()
        .any(|event| event.vault == *vault && i128::from(event.equity_before) < i128::from(event.requirement_before));
    let in_steps =
        events::<ReceivershipEnded>(logs).into_iter().any(|event| event.vault == *vault && event.missing_before > 0);
    in_one || in_steps
}

/// Whatever the journal says to have landed, the node has carried out, and nothing is left open.
fn journal_agrees(folder: &Folder, steps: &[Step]) {
    let records = journal::records(&folder.path().join("keeper.journal")).unwrap();
    let seen: HashSet<&str> = steps.iter().flat_map(|step| &step.sent).map(|sent| sent.signature.as_str()).collect();
    let mut open = BTreeMap::new();
    let mut landed = 0;
    for record in records {
        match record {
            Record::Intent { id, .. } => assert!(open.insert(id, None).is_none(), "intent {id} twice"),
            Record::Signed { id, signed } => {
                let before = open.insert(id, Some(signed.signature.to_string()));
                assert_eq!(before, Some(None), "intent {id} was signed twice");
            }
            Record::Ended { id, how } => {
                let signature = open.remove(&id).unwrap_or_else(|| panic!("intent {id} ended without a beginning"));
                if how == Ended::Landed && signature.is_some_and(|signature| seen.contains(signature.as_str())) {
                    landed += 1;
                }
                assert_ne!(how, Ended::Failed, "intent {id}");
            }
            Record::Opened { .. } | Record::Complete => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    // A journal that was compacted in between has forgotten what had ended.
    assert!(landed > 0 && landed <= seen.len());
}

/// All samples of the metrics by name and labels, whole numbers only.
fn numbers(text: &str) -> BTreeMap<String, u64> {
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

/// Sum over all kinds.
fn kinds(metrics: &BTreeMap<String, u64>, name: &str) -> u64 {
    metrics.iter().filter(|(sample, _)| sample.split('{').next() == Some(name)).map(|(_, value)| value).sum()
}
