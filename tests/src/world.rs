//! Everything on the network: the virtual machine, and what the fixture remembers beside it.

use std::collections::HashMap;

use ballast_client::{ID, Pubkey, token};
use litesvm::LiteSVM;
use solana_account::Account;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_transaction::Transaction;

use crate::assets::Token;
use crate::fixture::MAX_TRANSACTION_BYTES;
use crate::outcome::{Fault, Outcome, Receipt, Refusal};

/// Everything on the network. Tests reach it through [`crate::Fixture`].
pub struct World {
    pub svm: LiteSVM,
    /// The listed assets of each market, by index.
    pub(crate) tokens: HashMap<Pubkey, Vec<Token>>,
    /// Tokens sent to a custody account past the program, on purpose.
    pub(crate) donated: HashMap<Pubkey, u64>,
    /// A test that writes state past the program says so; its books are not counted.
    pub(crate) tampered: bool,
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.tampered {
            self.conservation();
        }
    }
}

impl World {
    /// The listed assets of all markets.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.values().flatten()
    }

    pub(crate) fn simulates(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Outcome {
        let (transaction, bytes, accounts) = self.transaction(instructions, signers);
        match self.svm.simulate_transaction(transaction) {
            Ok(done) => Ok(Receipt::new(done.meta, bytes, accounts)),
            Err(failed) => Err(Refusal {
                fault: Fault::of(&failed.err, &failed.meta.logs),
                compute_units: failed.meta.compute_units_consumed,
                changed: vec![],
                logs: failed.meta.logs,
            }),
        }
    }

    /// A signed transaction with its size on the wire and the number of its accounts.
    fn transaction(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> (Transaction, usize, usize) {
        // Equal transactions are different ones.
        self.svm.expire_blockhash();
        let (payer, recent) = (signers[0].pubkey(), self.svm.latest_blockhash());
        let message = Message::new_with_blockhash(instructions, Some(&payer), &recent);
        let accounts = message.account_keys.len();
        let bytes = 1 + 64 * usize::from(message.header.num_required_signatures) + message.serialize().len();
        assert!(bytes <= MAX_TRANSACTION_BYTES, "{bytes} bytes do not fit a legacy transaction");
        let mut transaction = Transaction::new_unsigned(message);
        transaction.partial_sign(signers, recent);
        (transaction, bytes, accounts)
    }

    pub(crate) fn sends(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Outcome {
        let (transaction, bytes, accounts) = self.transaction(instructions, signers);
        let (payer, named) = (signers[0].pubkey(), transaction.message.account_keys.clone());
        let before = self.holdings(&named);
        match self.svm.send_transaction(transaction) {
            Ok(meta) => Ok(Receipt::new(meta, bytes, accounts)),
            Err(failed) => {
                let mut expected = before;
                if let Some(account) = expected.get_mut(&payer) {
                    account.lamports -= failed.meta.fee;
                }
                let after = self.holdings(&named);
                let mut changed: Vec<_> =
                    after.keys().chain(expected.keys()).filter(|key| after.get(key) != expected.get(key)).collect();
                changed.dedup();
                Err(Refusal {
                    fault: Fault::of(&failed.err, &failed.meta.logs),
                    compute_units: failed.meta.compute_units_consumed,
                    changed: changed.into_iter().copied().collect(),
                    logs: failed.meta.logs,
                })
            }
        }
    }

    /// All accounts of the program and of the token programs, all wallets, and those named.
    fn holdings(&self, named: &[Pubkey]) -> HashMap<Pubkey, Account> {
        let owners = [ID, token::SPL_TOKEN, token::TOKEN_2022, Pubkey::default()];
        let owned = owners.iter().flat_map(|owner| self.svm.get_program_accounts(owner));
        let named = named.iter().filter_map(|key| self.svm.get_account(key).map(|account| (*key, account)));
        owned.chain(named).collect()
    }
}
