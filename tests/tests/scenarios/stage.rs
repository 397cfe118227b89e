//! Where an attacker tries many short plays: the same starts again and again, transactions without signatures and logs,
//! instructions that are built once.

use std::collections::HashMap;

use ballast_client::instruction::MarketRef;
use ballast_client::{Market, Pubkey, Vault, account};
use ballast_tests::*;
use litesvm::LiteSVM;
use solana_account::Account;
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_instruction::error::InstructionError;
use solana_message::Message;
use solana_transaction::{Transaction, TransactionError};

/// A state of the network to come back to.
pub struct Start {
    clock: Clock,
    accounts: Vec<(Pubkey, Option<Account>)>,
}

pub struct Stage {
    pub fixture: Fixture,
    /// Pays every fee.
    payer: Pubkey,
    /// For the addresses in it.
    market: Box<Market>,
    /// Everything that a play may change.
    watched: Vec<Pubkey>,
    built: HashMap<[u8; 6], Instruction>,
}

impl Stage {
    /// `watched` names the accounts that a play may change, beside the market, its custody accounts and its mints.
    pub fn new(fixture: &Fixture, payer: Pubkey, watched: Vec<Pubkey>) -> Self {
        {
            let mut world = fixture.world_mut();
            let svm = std::mem::replace(&mut world.svm, LiteSVM::new());
            world.svm = svm.with_sigverify(false).with_blockhash_check(false).with_transaction_history(0);
        }
        let market = fixture.market();
        let mut watched = watched;
        watched.push(fixture.market_address());
        watched.extend(market.listed().iter().flat_map(|asset| [asset.custody, asset.mint]));
        Self { fixture: fixture.clone(), payer, market, watched, built: HashMap::new() }
    }

    pub fn start(&self) -> Start {
        let accounts = self.watched.iter().map(|address| (*address, self.fixture.account(address))).collect();
        Start { clock: self.fixture.clock(), accounts }
    }

    pub fn resets(&self, start: &Start) {
        let mut world = self.fixture.world_mut();
        if world.svm.get_sysvar::<Clock>() != start.clock {
            world.svm.set_sysvar(&start.clock);
        }
        for (address, account) in &start.accounts {
            world.svm.set_account(*address, account.clone().unwrap_or_default()).expect("an account");
        }
    }

    /// A vault that is open.
    pub fn vault(&self, address: &Pubkey) -> Option<Vault> {
        self.fixture.account(address).and_then(|found| account::vault(&found.owner, &found.data).ok())
    }

    /// An instruction that is built once for a name, and differs in an amount that stands at this byte of its data; at 0 there is none.
    pub fn call(
        &mut self,
        name: [u8; 6],
        (at, amount): (usize, u64),
        build: impl FnOnce(MarketRef<'_>) -> Instruction,
    ) -> Instruction {
        let market = MarketRef::new(self.fixture.market_address(), &self.market);
        let mut instruction = self.built.entry(name).or_insert_with(|| build(market)).clone();
        if at > 0 {
            instruction.data[at..at + 8].copy_from_slice(&amount.to_le_bytes());
        }
        instruction
    }

    /// Whether the transaction was accepted.
    pub fn accepts(&self, instructions: &[Instruction]) -> bool {
        self.sends(instructions).is_ok()
    }

    /// A refusal has a reason of the program or of a token program.
    pub fn sends(&self, instructions: &[Instruction]) -> Result<(), u32> {
        let message = Message::new(instructions, Some(&self.payer));
        let sent = self.fixture.world_mut().svm.send_transaction(Transaction::new_unsigned(message));
        sent.map(drop).map_err(|refused| {
            let TransactionError::InstructionError(_, InstructionError::Custom(code)) = refused.err else {
                panic!("{:?}", refused.err);
            };
            // 0 and 1: the system or a token program; 3007: the vault was closed.
            assert!(code <= 1 || (6_000..6_900).contains(&code) || code == 3_007, "{code} {:#?}", refused.meta.logs);
            code
        })
    }
}
