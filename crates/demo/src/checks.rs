//! What must hold whatever happened: tokens are conserved, the books add up, client and program agree.

use std::collections::BTreeSet;
use std::sync::Arc;

use anchor_lang::AnchorDeserialize;
use anyhow::{Context, Result, anyhow};
use ballast_client::event::BadDebtAbsorbed;
use ballast_client::risk::health::Side;
use ballast_client::{HealthView, Market, Pubkey, account, token};
use solana_keypair::Keypair;
use tokio::task::JoinSet;

use ballast_cluster::books::Books;
use ballast_cluster::connection::{Connection, Job, Raw};
use ballast_localnet::catalogue::{ASSETS, COUNT};
use ballast_localnet::market::{Site, token_program};

/// One statement about the run.
#[derive(Clone, Debug)]
pub struct Check {
    pub name: &'static str,
    pub passed: bool,
    /// What was looked at, or what is wrong.
    pub detail: String,
}

impl Check {
    /// Passes when nothing is wrong.
    pub fn new(name: &'static str, looked_at: String, wrong: Vec<String>) -> Self {
        let passed = wrong.is_empty();
        Self { name, passed, detail: if passed { looked_at } else { wrong.join("; ") } }
    }
}

/// Remembers the indexes of all assets and notices one that falls.
#[derive(Default)]
pub struct IndexWatch {
    last: Vec<(u64, u64)>,
    looks: usize,
    falls: Vec<String>,
    /// Assets whose depositors have lost something.
    lost: BTreeSet<usize>,
}

impl IndexWatch {
    pub fn look(&mut self, market: &Market) {
        let now: Vec<_> = market.listed().iter().map(|asset| (asset.supply_index, asset.borrow_index)).collect();
        for (asset, (now, last)) in now.iter().zip(&self.last).enumerate() {
            if now.1 < last.1 {
                self.falls.push(format!("{} from {last:?} to {now:?}", ASSETS[asset].name));
            }
            if now.0 < last.0 {
                self.lost.insert(asset);
            }
        }
        self.last = now;
        self.looks += 1;
    }

    /// A supply index falls only where depositors pay for a debt that is written off.
    pub fn check(mut self, losses: &[BadDebtAbsorbed]) -> Check {
        let told =
            |asset: &usize| losses.iter().any(|loss| usize::from(loss.asset) == *asset && loss.by_depositors > 0);
        let untold = self.lost.iter().filter(|asset| !told(asset));
        self.falls.extend(untold.map(|asset| format!("deposits of {}, without a loss", ASSETS[*asset].name)));
        Check::new("indexes never fell", format!("{} looks at {COUNT} assets", self.looks), self.falls)
    }
}

/// The books against the tokens. `wallets` are all that ever got any.
pub async fn conservation(
    connection: &Connection,
    site: &Site,
    books: &Books,
    wallets: &[Pubkey],
) -> Result<Vec<Check>> {
    let custody: Vec<Pubkey> = books.market.listed().iter().map(|asset| asset.custody).collect();
    let custody = balances(connection, &custody).await?;
    let mut held = Vec::with_capacity(COUNT);
    for asset in 0..COUNT {
        let program = token_program(asset);
        let addresses: Vec<_> =
            wallets.iter().map(|wallet| token::address(wallet, &site.mints[asset], &program)).collect();
        let amounts = balances(connection, &addresses).await?;
        held.push(amounts.into_iter().map(u128::from).sum::<u128>());
    }
    let mints = connection.accounts(&site.mints).await?;
    let supplies: Vec<_> = mints.accounts.iter().map(|mint| supply(mint.as_ref())).collect::<Result<_>>()?;
    Ok(vec![
        custody_is_cash(&books.market, &custody),
        shares_add_up(books),
        tokens_are_conserved(&custody, &held, &supplies, wallets.len()),
        reserves_are_not_negative(&books.market),
    ])
}

/// Zero for an account that does not exist.
async fn balances(connection: &Connection, addresses: &[Pubkey]) -> Result<Vec<u64>> {
    let amount =
        |found: Option<Raw>| found.map_or(Ok(0), |raw| account::token(&raw.owner, &raw.data).map(|held| held.amount));
    Ok(connection.accounts(addresses).await?.accounts.into_iter().map(amount).collect::<Result<_, _>>()?)
}

fn supply(mint: Option<&Raw>) -> Result<u64> {
    let raw = mint.context("a mint is missing")?;
    Ok(account::mint(&raw.owner, &raw.data)?.supply)
}

fn custody_is_cash(market: &Market, custody: &[u64]) -> Check {
    let wrong = market.listed().iter().zip(custody).zip(ASSETS).filter(|((asset, held), _)| asset.cash != **held);
    let wrong = wrong.map(|((asset, held), entry)| format!("{}: {held} held, {} booked", entry.name, asset.cash));
    Check::new("custody = cash", format!("{COUNT} custody accounts, to the unit"), wrong.collect())
}

fn shares_add_up(books: &Books) -> Check {
    let mut sums = [[0u128; 2]; COUNT];
    let mut wrong = Vec::new();
    for position in books.vaults.iter().flat_map(|(_, vault)| vault.used()) {
        match sums.get_mut(usize::from(position.asset)) {
            Some([deposits, debts]) => {
                *(if position.side() == Side::Deposit { deposits } else { debts }) += u128::from(position.shares);
            }
            None => wrong.push(format!("a vault names asset {}", position.asset)),
        }
    }
    for ((asset, [deposits, debts]), entry) in books.market.listed().iter().zip(sums).zip(ASSETS) {
        if deposits != u128::from(asset.deposit_shares) || debts != u128::from(asset.debt_shares) {
            let totals = (asset.deposit_shares, asset.debt_shares);
            wrong.push(format!("{}: vaults {deposits} and {debts}, market {totals:?}", entry.name));
        }
    }
    Check::new("sums of shares = totals", format!("{} vaults, both sides", books.vaults.len()), wrong)
}

fn tokens_are_conserved(custody: &[u64], held: &[u128], supplies: &[u64], wallets: usize) -> Check {
    let rows = custody.iter().zip(held).zip(supplies).zip(ASSETS);
    let wrong = rows.filter(|(((custody, held), supply), _)| u128::from(**custody) + **held != u128::from(**supply));
    let wrong = wrong.map(|(((custody, held), supply), entry)| {
        format!("{}: {supply} minted, {held} in wallets, {custody} in custody", entry.name)
    });
    Check::new("tokens in = tokens out", format!("mint supply = custody + {wallets} wallets"), wrong.collect())
}

fn reserves_are_not_negative(market: &Market) -> Check {
    let insolvent = |(asset, entry): (&ballast_client::Asset, ballast_localnet::catalogue::Entry)| {
        asset.pool().reserve_floor().err().map(|error| format!("{}: {error:?}", entry.name))
    };
    let wrong = market.listed().iter().zip(ASSETS).filter_map(insolvent).collect();
    Check::new("reserves not negative", format!("{COUNT} pools: cash + debts - deposits"), wrong)
}

/// `view_health` of every vault, simulated over RPC, against the client's own computation on the same accounts.
///
/// # Errors
/// What the node answers; a difference is not an error but a text in the list.
pub async fn compare_health(connection: &Connection, books: &Books, caller: &Arc<Keypair>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut asking = JoinSet::new();
    for (address, vault) in &books.vaults {
        let (address, expected) = (*address, books.health(vault));
        let instruction = books.reference().view_health(&address);
        let job = Job::new(format!("view_health of {address}"), vec![instruction], &[caller]);
        let connection = connection.clone();
        asking.spawn(async move { (address, expected, connection.simulate(&job).await) });
    }
    while let Some(answer) = asking.join_next().await {
        let (address, expected, simulated) = answer.context("a request was stopped")?;
        let simulated = simulated?;
        if let Some(error) = simulated.error {
            wrong.push(format!("view_health of {address} fails: {error}"));
            continue;
        }
        let bytes = simulated.returned.ok_or_else(|| anyhow!("view_health of {address} returns nothing"))?;
        let found = HealthView::deserialize(&mut &bytes[..]).with_context(|| format!("return data of {address}"))?;
        if found != expected {
            wrong.push(format!("{address}: program {found:?}, client {expected:?}"));
        }
    }
    Ok(wrong)
}

/// The same with fresh books. When it differs the clock may have moved on between the two, so up to three attempts.
pub async fn compare_health_now(
    connection: &Connection,
    market: Pubkey,
    caller: &Arc<Keypair>,
) -> Result<(usize, Vec<String>)> {
    let mut attempt = 1;
    loop {
        let books = Books::read(connection, market).await?;
        let wrong = compare_health(connection, &books, caller).await?;
        if wrong.is_empty() || attempt == 3 {
            return Ok((books.vaults.len(), wrong));
        }
        attempt += 1;
    }
}
