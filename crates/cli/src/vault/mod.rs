//! `ballast vault ..`: what an owner does with his vaults.

use ballast_client::{ID, Pubkey, Vault, account, address};
use ballast_cluster::books::Decoded;
use clap::{Args, Subcommand};
use solana_signer::Signer;

use crate::context::{Context, OnChain};
use crate::failure::Failure;
use crate::output::note;

mod absorb;
mod close;
mod foresight;
mod fresh;
mod list;
mod moves;
mod open;
mod show;
mod simulate;
mod view;

pub use list::state_name;

/// Which vault.
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// Number of one of your vaults, or the address of any
    #[arg(long, default_value = "0", value_name = "ID_OR_ADDRESS")]
    vault: String,
}

/// Commands on vaults.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open a vault
    Open(open::Open),
    /// Close an empty vault
    Close(close::Close),
    /// List the vaults of an owner, or all of the market
    List(list::List),
    /// Show a vault: positions, margin, liquidation prices
    Show(show::Show),
    /// Show what prices and actions would do to a vault; nothing is sent
    Simulate(simulate::Simulate),
    /// Deposit collateral from your wallet
    Deposit(moves::Moves),
    /// Withdraw collateral to the owner's wallet
    Withdraw(moves::Leaving),
    /// Borrow to the owner's wallet
    Borrow(moves::Leaving),
    /// Repay debt from your wallet
    Repay(moves::Moves),
    /// Write off what a vault without any collateral owes; anybody may
    Absorb(absorb::Absorb),
}

impl Command {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Open(open) => open.run(context).await,
            Self::Close(close) => close.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Simulate(simulate) => simulate.run(context).await,
            Self::Deposit(moves) => moves.run(context, moves::Move::Deposit).await,
            Self::Withdraw(moves) => moves.run(context, moves::Move::Withdraw).await,
            Self::Borrow(moves) => moves.run(context, moves::Move::Borrow).await,
            Self::Repay(moves) => moves.run(context, moves::Move::Repay).await,
            Self::Absorb(absorb) => absorb.run(context).await,
        }
    }
}

/// A vault that a command works on.
pub struct Chosen {
    pub address: Pubkey,
    pub owner: Pubkey,
    /// `None` where nothing is read: with `--market-account`.
    pub vault: Option<Vault>,
}

impl Which {
    /// # Errors
    /// [`Failure::Usage`] for a vault that does not exist or belongs to another market.
    pub async fn find(&self, context: &Context, market: &OnChain) -> Result<Chosen, Failure> {
        let number = self.vault.parse::<u16>().ok();
        let address = match number {
            Some(id) => address::vault(&market.address, &context.signer()?.pubkey(), id),
            None => self.vault.parse().map_err(|_| {
                Failure::usage(format!("{} is neither the number nor the address of a vault", self.vault))
            })?,
        };
        if let (Some(_), Some(_)) = (number, &context.options.market_account) {
            return Ok(Chosen { address, owner: context.signer()?.pubkey(), vault: None });
        }
        let found = read(context, &address).await?;
        let vault = found.ok_or_else(|| {
            let hint = number.map_or(String::new(), |id| format!("; open it with: ballast vault open --id {id}"));
            Failure::usage(format!("there is no vault at {address}{hint}"))
        })?;
        if vault.market != market.address {
            return Err(Failure::usage(format!("vault {address} belongs to another market: {}", vault.market)));
        }
        Ok(Chosen { address, owner: vault.owner, vault: Some(vault) })
    }
}

/// A vault, if there is one.
async fn read(context: &Context, address: &Pubkey) -> Result<Option<Vault>, Failure> {
    let Some(raw) = context.connection.account(address).await? else { return Ok(None) };
    let vault = account::vault(&raw.owner, &raw.data).map_err(|error| Failure::usage(format!("{address}: {error}")))?;
    Ok(Some(vault))
}

/// Names what is left out because nobody can read it.
fn tell_unreadable(unreadable: &[(Pubkey, String)]) {
    if !unreadable.is_empty() {
        note(&format!("{} accounts of vaults cannot be read and are left out:", unreadable.len()));
    }
    unreadable.iter().for_each(|(address, why)| note(&format!("  {address}: {why}")));
}

/// All vaults of an owner in a market, by number. What cannot be read is named on stderr.
async fn of_owner(context: &Context, market: &Pubkey, owner: &Pubkey) -> Result<Vec<(Pubkey, Vault)>, Failure> {
    // Market and owner stand beside each other in a vault's bytes.
    let wanted = [market.to_bytes(), owner.to_bytes()].concat();
    let found = context.connection.program_accounts(&ID, Vault::SPACE, (16, &wanted)).await?;
    let wanted = |vault: &Vault| vault.owner == *owner && vault.market == *market;
    let Decoded { mut vaults, unreadable } = Decoded::of(found.accounts, wanted);
    tell_unreadable(&unreadable);
    vaults.sort_by_key(|(_, vault)| vault.id);
    Ok(vaults)
}
