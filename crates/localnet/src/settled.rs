//! A crowd that is there at once: its vaults, the market's books, custody and wallets are written as accounts, in the
//! state in which the transactions of `actors` would have left them. A thousand vaults take seconds instead of minutes.

use anyhow::{Context, Result, anyhow};
use ballast_client::risk::{Amount, holding};
use ballast_client::{ID, Market, Pubkey, Vault, account, local, token};
use solana_signer::Signer;

use crate::actors::{Actor, Crowd};
use crate::catalogue::COUNT;
use crate::market::{Site, token_program};
use crate::network::{Network, Placed};
use crate::sizing;
use ballast_cluster::books::read_market;
use ballast_cluster::connection::{Answer, Raw};

/// Where the amount stands in a token account's bytes, and the supply in a mint's.
const AMOUNT: std::ops::Range<usize> = 64..72;
const SUPPLY: std::ops::Range<usize> = 36..44;
/// A cap is at least this many times what the crowd uses of it, so that there is room for those who come later.
const ROOM: u64 = 4;

/// The books while they are filled.
struct Ledger {
    market: Box<Market>,
    now: u64,
    vaults: Vec<(Pubkey, Vault)>,
    /// What has been lent of each asset, native units.
    lent: [u64; COUNT],
}

/// Settles a crowd in a market that has prices and nobody in it, and fills wallets: (wallet, native units of each asset).
/// What was borrowed has been spent: it lies in the wallet of the site's payer.
///
/// # Errors
/// A node that does not answer; an asset without a price; amounts beyond what the books can hold.
pub async fn settle(network: &Network, site: &Site, crowd: &Crowd, wallets: &[(Pubkey, [u64; COUNT])]) -> Result<()> {
    let (market, now) = read_market(&network.connection, &site.market).await?;
    let mut ledger = Ledger { market, now, vaults: Vec::new(), lent: [0; COUNT] };
    for actor in crowd.all() {
        ledger.open(site, actor)?;
    }
    let mut cash = sizing::lendable(&ledger.market);
    let lenders = crowd.lenders.len();
    for (at, actor) in crowd.borrowers.iter().enumerate() {
        ledger.borrow(lenders + at, actor, &mut cash)?;
    }
    ledger.raise_caps()?;

    let mut wallets = wallets.to_vec();
    wallets.push((site.payer.pubkey(), ledger.lent));
    let mut accounts = token_accounts(network, site, &ledger.market, &wallets).await?;
    let vault =
        |(address, vault): &(Pubkey, Vault)| Placed { address: *address, owner: ID, data: account::encode(vault) };
    accounts.extend(ledger.vaults.iter().map(vault));
    accounts.push(Placed { address: site.market, owner: ID, data: account::encode(&*ledger.market) });
    network.place(accounts).await.context("the crowd")
}

impl Ledger {
    fn open(&mut self, site: &Site, actor: &Actor) -> Result<()> {
        let owner = actor.key.pubkey();
        let (address, mut vault) = local::vault(&site.market, &owner, 0);
        for (asset, amount) in &actor.deposits {
            let deposit = |pool: &mut _, held| holding::deposit(pool, held, Amount::new(*amount));
            self.market
                .move_one(&mut vault, u8::try_from(*asset)?, self.now, deposit)
                .map_err(|error| anyhow!("a deposit of {owner}: {error}"))?;
        }
        self.vaults.push((address, vault));
        Ok(())
    }

    fn borrow(&mut self, at: usize, actor: &Actor, cash: &mut [u64]) -> Result<()> {
        let Some(plan) = &actor.plan else { return Ok(()) };
        let (address, vault) = self.vaults.get_mut(at).context("a vault that was not opened")?;
        let debts = sizing::debts(&self.market, vault, self.now, &plan.debts, plan.use_bps, cash)?;
        for (asset, amount) in debts {
            let borrow = |pool: &mut _, held| holding::borrow(pool, held, Amount::new(amount));
            self.market
                .move_one(vault, u8::try_from(asset)?, self.now, borrow)
                .map_err(|error| anyhow!("a loan of {address}: {error}"))?;
            let lent = self.lent.get_mut(asset).context("an asset that is not listed")?;
            *lent = lent.checked_add(amount).context("more lent than a token can have")?;
        }
        Ok(())
    }

    /// A market that has grown to this size has been given caps for it.
    fn raise_caps(&mut self) -> Result<()> {
        for asset in 0..self.market.listed().len() {
            let asset = self.market.asset_mut(u8::try_from(asset)?).map_err(|error| anyhow!("{error}"))?;
            let pool = asset.pool();
            let used = pool.deposits_ceil().and_then(|deposits| Ok((deposits, pool.debts_floor()?)));
            let (deposits, debts) = used.map_err(|error| anyhow!("{error:?}"))?;
            asset.deposit_cap = asset.deposit_cap.max(deposits.get().saturating_mul(ROOM));
            asset.debt_cap = asset.debt_cap.max(debts.get().saturating_mul(ROOM));
        }
        Ok(())
    }
}

/// Custody holds what the books say, wallets what they are given, and the mints have issued all of it.
async fn token_accounts(
    network: &Network,
    site: &Site,
    market: &Market,
    wallets: &[(Pubkey, [u64; COUNT])],
) -> Result<Vec<Placed>> {
    let custody: Vec<Pubkey> = market.listed().iter().map(|asset| asset.custody).collect();
    let [custodies, mints] = [
        network.connection.accounts(&custody).await.context("custody")?,
        network.connection.accounts(&site.mints).await.context("mints")?,
    ];
    let mut placed = Vec::new();
    for (at, asset) in market.listed().iter().enumerate() {
        let (mint, program) = (site.mints[at], token_program(at));
        let mut supply = asset.cash;
        for (wallet, amounts) in wallets.iter().filter(|(_, amounts)| amounts[at] > 0) {
            supply = supply.checked_add(amounts[at]).context("more issued than a token can have")?;
            let address = token::address(wallet, &mint, &program);
            placed.push(Placed { address, owner: program, data: local::token_account(&mint, wallet, amounts[at]) });
        }
        let patched = |found: &Answer<Option<Raw>>, range: std::ops::Range<usize>, number: u64| {
            let found = found.accounts.get(at).cloned().flatten();
            let mut data = found.context("an account of the market is missing")?.data;
            data.get_mut(range).context("a short account")?.copy_from_slice(&number.to_le_bytes());
            anyhow::Ok(data)
        };
        placed.push(Placed { address: asset.custody, owner: program, data: patched(&custodies, AMOUNT, asset.cash)? });
        placed.push(Placed { address: mint, owner: program, data: patched(&mints, SUPPLY, supply)? });
    }
    Ok(placed)
}
