//! After the crash: some repay a part, some withdraw a part, two pay everything back and close their vaults.

use anyhow::Result;
use ballast_client::risk::health::Side;
use ballast_client::{Pubkey, StateView, Vault, instruction};
use solana_instruction::Instruction;
use solana_signer::Signer;

use ballast_cluster::books::Books;
use ballast_cluster::connection::Job;
use ballast_localnet::actors::{Actor, Crowd};
use ballast_localnet::market::Site;

/// Who repays or withdraws a part: every third of those that may.
const EVERY: usize = 3;
/// Vaults that are closed.
const LEAVERS: usize = 2;
/// Positions of a vault that leaves, so that it can do so in one transaction.
const LEAVERS_POSITIONS: usize = 4;

/// The transactions, first those that the later ones need.
#[derive(Default)]
pub struct Exits {
    pub funding: Vec<Job>,
    pub moves: Vec<Job>,
    pub repaid: usize,
    pub withdrawn: usize,
    pub closed: usize,
}

/// Plans the exits on the books.
pub fn plan(books: &Books, site: &Site, crowd: &Crowd) -> Result<Exits> {
    let mut exits = Exits::default();
    let mut turn = 0usize;
    for actor in &crowd.borrowers {
        let Some((_, vault)) = books.vaults.iter().find(|(address, _)| *address == actor.vault) else { continue };
        if books.health(vault).state != StateView::Healthy || !vault.has_debt() {
            continue;
        }
        if exits.closed < LEAVERS && vault.used().len() <= LEAVERS_POSITIONS {
            exits.leave(books, site, actor, vault);
            continue;
        }
        turn += 1;
        match turn % EVERY {
            1 => exits.repay_part(books, actor, vault),
            2 => exits.withdraw_part(books, actor, vault),
            _ => {}
        }
    }
    for lender in &crowd.lenders {
        let owner = lender.key.pubkey();
        let withdraw =
            lender.deposits.iter().take(4).map(|(asset, amount)| {
                books.reference().withdraw(&owner, &lender.vault, *asset as u8, Some(amount / 50))
            });
        exits.moves.push(Job::new("withdrawal of a lender", withdraw.collect(), &[&lender.key]));
        exits.withdrawn += 1;
    }
    Ok(exits)
}

impl Exits {
    /// Pays back what is in the wallet anyway: a quarter of the largest debt.
    fn repay_part(&mut self, books: &Books, actor: &Actor, vault: &Vault) {
        let Some((asset, owed)) = positions(books, vault, Side::Debt).into_iter().next() else { return };
        let owner = actor.key.pubkey();
        let repay = books.reference().repay(&owner, &actor.vault, asset, (owed / 4).max(1));
        self.moves.push(job("repayment", &owner, vec![repay], actor));
        self.repaid += 1;
    }

    /// Takes a twentieth of the first deposit, if the margin allows twice of it.
    fn withdraw_part(&mut self, books: &Books, actor: &Actor, vault: &Vault) {
        let init = books.health(vault).init;
        let spare = u64::try_from(init.equity).unwrap_or(0).saturating_sub(init.requirement);
        let Some((asset, held)) = positions(books, vault, Side::Deposit).into_iter().next() else { return };
        if spare < init.assets / 10 || held < 20 {
            return;
        }
        let owner = actor.key.pubkey();
        let withdraw = books.reference().withdraw(&owner, &actor.vault, asset, Some(held / 20));
        self.moves.push(job("withdrawal", &owner, vec![withdraw], actor));
        self.withdrawn += 1;
    }

    /// Repays everything, withdraws everything, closes. Interest has to come from somewhere: the wallet gets as much as
    /// is owed on top, which conservation counts like every other token.
    fn leave(&mut self, books: &Books, site: &Site, actor: &Actor, vault: &Vault) {
        let owner = actor.key.pubkey();
        let reference = books.reference();
        let debts = positions(books, vault, Side::Debt);
        let deposits = positions(books, vault, Side::Deposit);
        let fund = debts.iter().flat_map(|(asset, owed)| site.fund(&owner, usize::from(*asset), *owed));
        self.funding.push(Job::new(format!("funding of {owner}"), fund.collect(), &[&site.payer]));
        let repay = debts.iter().map(|(asset, _)| reference.repay(&owner, &actor.vault, *asset, u64::MAX));
        let withdraw = deposits.iter().map(|(asset, _)| reference.withdraw(&owner, &actor.vault, *asset, None));
        let close = instruction::close_vault(&owner, &actor.vault, &owner);
        let moves = repay.chain(withdraw).chain(std::iter::once(close)).collect();
        self.moves.push(job("exit", &owner, moves, actor));
        self.closed += 1;
    }
}

/// Assets and amounts of one side of a vault.
fn positions(books: &Books, vault: &Vault, side: Side) -> Vec<(u8, u64)> {
    let amount = |position: &ballast_client::Position| {
        let pool = books.market.listed().get(usize::from(position.asset))?.accrued_pool(books.now);
        Some((position.asset, vault.holding(position.asset).amount(&pool).ok()?.get()))
    };
    vault.used().iter().filter(|position| position.side() == side).filter_map(amount).collect()
}

fn job(what: &str, owner: &Pubkey, moves: Vec<Instruction>, actor: &Actor) -> Job {
    Job::new(format!("{what} of {owner}"), moves, &[&actor.key])
}
