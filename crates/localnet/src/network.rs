//! The embedded local network, and what only a local network can do: place accounts, deploy by path, move the clock.
//!
//! What to know about surfpool, which it is made of:
//! * Blocks come with transactions, or by the clock; its time is the number of blocks times their length, not the machine's.
//! * A transaction is carried out the moment it arrives and is confirmed with the next block, so reading what it did does not
//!   have to wait for that.
//! * Travelling through time skips slots, but not block heights: blockhashes stay valid, and whoever compares slots (the
//!   keeper does) sees a node that leaps ahead.
//! * It answers `getRecentPrioritizationFees` from a copy of all transactions that it has ever carried out, so a network that
//!   has run for long answers that later and later.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use ballast_client::local::{self, Published, RECEIVER, Verification};
use ballast_client::{ID, Pubkey};
use solana_keypair::Keypair;
use surfpool_sdk::cheatcodes::builders::{CheatcodeBuilder, DeployProgram, SetAccount};
use surfpool_sdk::{BlockProductionMode, SimnetCommand, SimnetEvent, Surfnet};
use surfpool_types::ClockCommand;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use ballast_cluster::books::read_clock;
use ballast_cluster::connection::Connection;

/// Milliseconds that a block advances the clock. A transaction takes 32 blocks to be final, and each has its own: with
/// the real 400 ms, a hundred transactions would take twenty minutes of chain time and every price would be old.
const BLOCK_MILLISECONDS: u64 = 10;
/// What the payer starts with: 100,000 SOL.
const LAMPORTS: u64 = 100_000_000_000_000;
/// What a placed account gets: more than the largest needs to be exempt from rent, and fees for a wallet.
const RENT: u64 = 10_000_000_000;
/// How often something is tried that a busy machine may be too slow for.
const ATTEMPTS: u32 = 3;
/// Accounts that are placed at the same time. Each takes a connection of its own.
const PLACED_AT_ONCE: usize = 16;
const SYSTEM_PROGRAM: Pubkey = Pubkey::new_from_array([0; 32]);

/// A running network. It stops when dropped.
pub struct Network {
    surfnet: Surfnet,
    pub connection: Connection,
}

/// A transaction that the node has carried out, as the node itself saw it.
#[derive(Debug)]
pub struct Processed {
    pub at: SystemTime,
    /// In base 58.
    pub signature: String,
    pub logs: Vec<String>,
    pub failed: bool,
}

/// An account to be placed.
pub struct Placed {
    pub address: Pubkey,
    pub owner: Pubkey,
    pub data: Vec<u8>,
}

impl Network {
    /// Starts a network that never asks the outside world, and deploys the program on it.
    pub async fn start(payer: &Keypair, program: &Path) -> Result<Self> {
        let surfnet = boot(payer).await?;
        // By default the network runs a transaction of n instructions n more times, on a copy of itself each, to profile
        // them: 16 instructions take a second. The one way to turn that off is to say that a runbook is at work.
        surfnet
            .send_command(SimnetCommand::StartRunbookExecution("ballast local network".to_owned()))
            .context("the local network does not listen")?;
        let deploy = DeployProgram::new(ID).so_path(program);
        // The client behind it blocks; this thread may, the runtime has others.
        tokio::task::block_in_place(|| surfnet.cheatcodes().deploy(deploy))
            .with_context(|| format!("{} cannot be deployed", program.display()))?;
        let connection = Connection::new(surfnet.rpc_url());
        Ok(Self { surfnet, connection })
    }

    /// `http://127.0.0.1:..`. The SDK chooses the ports; see `relay` for fixed ones.
    pub fn rpc_url(&self) -> &str {
        self.surfnet.rpc_url()
    }

    /// `ws://127.0.0.1:..`
    pub fn ws_url(&self) -> &str {
        self.surfnet.ws_url()
    }

    /// From now on blocks come by the clock, as on a public cluster, and the chain's time is the machine's. Until then every
    /// transaction makes its own blocks, which is what setting up wants.
    pub async fn let_time_run(&self, block: Duration) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock stands before 1970")?;
        // Setting up may have run ahead: the clock goes forward only.
        if read_clock(&self.connection).await? < now.as_secs() {
            self.travel(i64::try_from(now.as_secs())?).await?;
        }
        let block = u64::try_from(block.as_millis()).context("an interval of blocks")?;
        let interval = SimnetCommand::CommandClock(None, ClockCommand::UpdateSlotInterval(block));
        let by_clock = SimnetCommand::UpdateBlockProductionMode(BlockProductionMode::Clock);
        for command in [interval, by_clock] {
            self.surfnet.send_command(command).context("the local network does not listen")?;
        }
        Ok(())
    }

    /// Every transaction from now on, at the moment it is carried out. To be called once: a second listener would take some
    /// of them from the first.
    pub fn watch(&self) -> UnboundedReceiver<Processed> {
        let events = self.surfnet.events().clone();
        let (sender, receiver) = unbounded_channel();
        // The network keeps the last thousand events and drops what nobody fetches in time, so a thread of its own.
        std::thread::spawn(move || {
            for event in events {
                if let SimnetEvent::TransactionProcessed(at, meta, error) = event {
                    let signature = meta.signature.to_string();
                    let seen = Processed { at: at.into(), signature, logs: meta.logs, failed: error.is_some() };
                    if sender.send(seen).is_err() {
                        return;
                    }
                }
            }
        });
        receiver
    }

    /// Writes accounts.
    pub async fn place(&self, accounts: Vec<Placed>) -> Result<()> {
        let mut placing = JoinSet::new();
        for Placed { address, owner, data } in accounts {
            if placing.len() == PLACED_AT_ONCE
                && let Some(placed) = placing.join_next().await
            {
                placed.context("a request was stopped")??;
            }
            let connection = self.connection.clone();
            let request = SetAccount::new(address).lamports(RENT).owner(owner).data(data).build();
            placing.spawn(async move { connection.call(SetAccount::METHOD, request).await.map(|_| ()) });
        }
        while let Some(placed) = placing.join_next().await {
            placed.context("a request was stopped")??;
        }
        Ok(())
    }

    /// Gives wallets lamports for fees.
    pub async fn fund(&self, wallets: impl IntoIterator<Item = Pubkey>) -> Result<()> {
        let owner = SYSTEM_PROGRAM;
        let place = |address| Placed { address, owner, data: Vec::new() };
        self.place(wallets.into_iter().map(place).collect()).await
    }

    /// Writes oracle accounts as the receiver program would.
    pub async fn publish(&self, updates: &[(Pubkey, [u8; 32], Published)]) -> Result<()> {
        let place = |(address, feed, seen): &(Pubkey, [u8; 32], Published)| Placed {
            address: *address,
            owner: RECEIVER,
            data: local::price_update(feed, seen, Verification::Full, 1),
        };
        self.place(updates.iter().map(place).collect()).await
    }

    /// Moves the clock forward to a time in unix seconds.
    pub async fn travel(&self, time: i64) -> Result<()> {
        let target = serde_json::json!([{ "absoluteTimestamp": time.saturating_mul(1_000) }]);
        let mut attempt = 1;
        loop {
            match self.connection.call("surfnet_timeTravel", target.clone()).await {
                Ok(_) => return Ok(()),
                // The network waits two seconds for itself. On a busy machine the clock may arrive later.
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) if i64::try_from(read_clock(&self.connection).await?)? >= time => return Ok(()),
                Err(_) => attempt += 1,
            }
        }
    }
}

/// Starts the network. It waits five seconds for itself, which a busy machine may need more than once.
async fn boot(payer: &Keypair) -> Result<Surfnet> {
    let mut attempt = 1;
    loop {
        let builder = Surfnet::builder()
            .offline(true)
            .slot_time_ms(BLOCK_MILLISECONDS)
            .payer(payer.insecure_clone())
            .airdrop_sol(LAMPORTS);
        match builder.start().await {
            Ok(surfnet) => return Ok(surfnet),
            Err(error) if attempt == ATTEMPTS => return Err(error).context("the local network does not start"),
            Err(_) => attempt += 1,
        }
    }
}
