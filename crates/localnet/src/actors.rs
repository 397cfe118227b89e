//! Lenders, borrowers and the keeper's inventory: wallets, tokens, vaults, deposits and loans, all by transactions.

use std::sync::Arc;

use anyhow::{Context, Result};
use ballast_client::{Pubkey, address, instruction};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::catalogue::{ASSETS, CORE, COUNT};
use crate::market::{Site, key, units};
use crate::plan::{self, Plan};
use crate::prices::Frame;
use crate::random::Random;
use crate::sizing;
use ballast_cluster::books::Books;
use ballast_cluster::connection::{Connection, Job, Receipt};

/// Number of lenders.
const LENDERS: usize = 3;
/// What all lenders together supply of each asset, dollars for each borrower.
const SUPPLIED: [u64; COUNT] =
    [24_000, 12_000, 14_000, 6_000, 40_000, 26_000, 2_500, 2_500, 2_000, 2_500, 2_500, 5_000];
/// The keeper's inventory of each asset, dollars for each borrower.
const INVENTORY: u64 = 120_000;
/// Token accounts that one transaction creates and fills.
const FUNDED_AT_ONCE: usize = 8;
/// Deposits or loans in one transaction.
const MOVES_AT_ONCE: usize = 5;

/// A wallet with one vault.
pub struct Actor {
    pub key: Arc<Keypair>,
    pub vault: Pubkey,
    pub deposits: Vec<(usize, u64)>,
    /// `None` for a lender.
    pub plan: Option<Plan>,
}

/// Everybody but the keeper.
pub struct Crowd {
    pub lenders: Vec<Actor>,
    pub borrowers: Vec<Actor>,
}

impl Crowd {
    /// Decides who does what, with amounts at the first prices.
    pub fn new(site: &Site, seed: u64, vaults: usize, first: &Frame) -> Result<Self> {
        let mut random = Random::new(seed, "wallets");
        let mut actor = |deposits: Vec<(usize, u64)>, plan: Option<Plan>| {
            let key = key(&mut random);
            let vault = address::vault(&site.market, &key.pubkey(), 0);
            let native = |(asset, value): (usize, u64)| Ok((asset, units(asset, first.prices[asset], value)?));
            Ok(Actor { key, vault, deposits: deposits.into_iter().map(native).collect::<Result<_>>()?, plan })
        };
        let each = |dollars: u64| dollars * 1_000_000 * vaults as u64 / LENDERS as u64;
        let lender = || (0..COUNT).map(|asset| (asset, each(SUPPLIED[asset]))).collect();
        let lenders = (0..LENDERS).map(|_| actor(lender(), None)).collect::<Result<_>>()?;
        let plans = plan::crowd(seed, vaults).into_iter();
        let borrowers = plans.map(|plan| actor(plan.deposits.clone(), Some(plan))).collect::<Result<_>>()?;
        Ok(Self { lenders, borrowers })
    }

    pub fn all(&self) -> impl Iterator<Item = &Actor> {
        self.lenders.iter().chain(&self.borrowers)
    }

    /// Creates and fills token accounts: what is deposited, and empty ones for what is borrowed.
    pub fn funding(&self, site: &Site) -> Vec<Job> {
        self.all().flat_map(|actor| funding(site, &actor.key.pubkey(), &actor.wallet())).collect()
    }

    /// Opens the vaults and deposits. One list per wave: what a wave needs, an earlier one has done.
    pub fn deposits(&self, books: &Books, site: &Site) -> Vec<Vec<Job>> {
        let mut waves: Vec<Vec<Job>> = Vec::new();
        for actor in self.all() {
            let owner = actor.key.pubkey();
            let open = instruction::open_vault(&owner, &site.payer.pubkey(), &site.market, 0);
            let deposit =
                |(asset, amount): &(usize, u64)| books.reference().deposit(&owner, &actor.vault, *asset as u8, *amount);
            let moves = std::iter::once(open).chain(actor.deposits.iter().map(deposit)).collect();
            push_waves(&mut waves, "deposit", moves, &site.payer, &actor.key);
        }
        waves
    }

    /// The loans that the plans ask for, sized on the books.
    pub fn loans(&self, books: &Books, site: &Site) -> Result<Vec<Vec<Job>>> {
        let mut waves: Vec<Vec<Job>> = Vec::new();
        let mut cash = sizing::lendable(&books.market);
        for actor in &self.borrowers {
            let Some(plan) = &actor.plan else { continue };
            let found = books.vaults.iter().find(|(address, _)| *address == actor.vault);
            let (_, vault) = found.with_context(|| format!("vault {} was not opened", actor.vault))?;
            let debts = sizing::debts(&books.market, vault, books.now, &plan.debts, plan.use_bps, &mut cash)?;
            let owner = actor.key.pubkey();
            let borrow =
                |(asset, amount): &(usize, u64)| books.reference().borrow(&owner, &actor.vault, *asset as u8, *amount);
            push_waves(&mut waves, "borrow", debts.iter().map(borrow).collect(), &site.payer, &actor.key);
        }
        Ok(waves)
    }
}

impl Actor {
    fn wallet(&self) -> Vec<(usize, u64)> {
        let owed = self.plan.iter().flat_map(|plan| &plan.debts).map(|(asset, _)| (*asset, 0));
        self.deposits.iter().copied().chain(owed).collect()
    }
}

/// The keeper's inventory for so many borrowers: native units of each asset.
pub fn inventory(vaults: usize, first: &Frame) -> Result<[u64; COUNT]> {
    worth(INVENTORY.saturating_mul(vaults as u64), first)
}

/// The keeper's token accounts, filled.
pub fn stock(site: &Site, keeper: &Pubkey, vaults: usize, first: &Frame) -> Result<Vec<Job>> {
    let held: Vec<(usize, u64)> = inventory(vaults, first)?.into_iter().enumerate().collect();
    Ok(funding(site, keeper, &held))
}

/// So many dollars of each asset, in native units.
pub fn worth(dollars: u64, first: &Frame) -> Result<[u64; COUNT]> {
    let mut amounts = [0; COUNT];
    for (asset, amount) in amounts.iter_mut().enumerate() {
        *amount = units(asset, first.prices[asset], dollars.saturating_mul(1_000_000))?;
    }
    Ok(amounts)
}

fn funding(site: &Site, wallet: &Pubkey, holdings: &[(usize, u64)]) -> Vec<Job> {
    let fund = |part: &[(usize, u64)]| {
        let instructions = part.iter().flat_map(|(asset, amount)| site.fund(wallet, *asset, *amount)).collect();
        Job::new(format!("funding of {wallet}"), instructions, &[&site.payer])
    };
    holdings.chunks(FUNDED_AT_ONCE).map(fund).collect()
}

fn push_waves(
    waves: &mut Vec<Vec<Job>>,
    what: &str,
    moves: Vec<Instruction>,
    payer: &Arc<Keypair>,
    owner: &Arc<Keypair>,
) {
    for (wave, part) in moves.chunks(MOVES_AT_ONCE).enumerate() {
        if waves.len() <= wave {
            waves.push(Vec::new());
        }
        waves[wave].push(Job::new(format!("{what} of {}", owner.pubkey()), part.to_vec(), &[payer, owner]));
    }
}

/// Sends waves one after the other.
pub async fn send_waves(connection: &Connection, waves: Vec<Vec<Job>>, done: impl Fn(usize)) -> Result<Vec<Receipt>> {
    let mut receipts = Vec::new();
    for wave in waves {
        receipts.extend(connection.send_all(wave, &done).await?);
    }
    Ok(receipts)
}

/// For the report.
pub fn describe() -> String {
    let names =
        |range: std::ops::Range<usize>| ASSETS[range].iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    format!("{} core assets ({}) and {} more ({})", CORE, names(0..CORE), COUNT - CORE, names(CORE..COUNT))
}
