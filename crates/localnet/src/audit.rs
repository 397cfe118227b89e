//! The books against the tokens: what must hold whatever happened.

use anyhow::{Context, Result, anyhow};
use ballast_client::risk::health::Side;
use ballast_client::{Market, Pubkey, account, token};

use crate::catalogue::{ASSETS, COUNT};
use crate::market::{Site, token_program};
use ballast_cluster::books::Books;
use ballast_cluster::connection::{Connection, Raw};

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

/// What a wallet holds of each asset, native units.
pub async fn wallet(connection: &Connection, site: &Site, wallet: &Pubkey) -> Result<[u64; COUNT]> {
    let address = |asset: usize| token::address(wallet, &site.mints[asset], &token_program(asset));
    let held = balances(connection, &(0..COUNT).map(address).collect::<Vec<_>>()).await?;
    held.try_into().map_err(|_| anyhow!("the node left out accounts"))
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
    let insolvent = |(asset, entry): (&ballast_client::Asset, crate::catalogue::Entry)| {
        asset.pool().reserve_floor().err().map(|error| format!("{}: {error:?}", entry.name))
    };
    let wrong = market.listed().iter().zip(ASSETS).filter_map(insolvent).collect();
    Check::new("reserves not negative", format!("{COUNT} pools: cash + debts - deposits"), wrong)
}
