//! Instructions that bring a model of correlation and stress into a market: rows into a draft, over as many transactions
//! as they need, then everything at once.

use anchor_lang::prelude::Pubkey;
use anchor_lang::solana_program::instruction::Instruction;
use ballast::ID;
use ballast::state::change::{Proposal, RiskModel};
use ballast::state::draft::{LoadingRow, Rows, ShockRow};
use ballast::state::{Draft, Market};

use crate::instruction::build;

/// Rows of loadings that fit a transaction of 1,232 bytes beside an ordinary number of signatures.
pub const LOADING_ROWS: usize = 32;
/// The same for shocks.
pub const SHOCK_ROWS: usize = 28;

/// The draft of an author for a market.
#[derive(Clone, Copy, Debug)]
pub struct Drafting {
    pub market: Pubkey,
    pub author: Pubkey,
    pub draft: Pubkey,
}

impl Drafting {
    /// Creates the draft's account (`rent` lamports, paid by the author) and makes it a draft. Both in one transaction,
    /// signed by the draft's key.
    pub fn open(&self, rent: u64) -> [Instruction; 2] {
        let space = Draft::SPACE as u64;
        let accounts = ballast::accounts::OpenDraft { author: self.author, market: self.market, draft: self.draft };
        [
            solana_system_interface::instruction::create_account(&self.author, &self.draft, rent, space, &ID),
            build(&accounts, &ballast::instruction::OpenDraft {}),
        ]
    }

    pub fn close(&self) -> Instruction {
        let accounts = ballast::accounts::CloseDraft { author: self.author, draft: self.draft };
        build(&accounts, &ballast::instruction::CloseDraft {})
    }

    fn writing(&self) -> ballast::accounts::WriteDraft {
        ballast::accounts::WriteDraft { author: self.author, draft: self.draft }
    }

    /// One instruction for each transaction.
    pub fn write_loadings(&self, rows: &[LoadingRow]) -> Vec<Instruction> {
        let parts = (0u8..).step_by(LOADING_ROWS).zip(rows.chunks(LOADING_ROWS));
        let write = |(first, rows): (u8, &[LoadingRow])| {
            build(&self.writing(), &ballast::instruction::WriteLoadings { first, rows: rows.to_vec() })
        };
        parts.map(write).collect()
    }

    /// One instruction for each transaction.
    pub fn write_shocks(&self, rows: &[ShockRow]) -> Vec<Instruction> {
        let parts = (0u8..).step_by(SHOCK_ROWS).zip(rows.chunks(SHOCK_ROWS));
        let write = |(first, rows): (u8, &[ShockRow])| {
            build(&self.writing(), &ballast::instruction::WriteShocks { first, rows: rows.to_vec() })
        };
        parts.map(write).collect()
    }

    /// Takes the model over with the rows of all listed assets. What the model has no use for is left out.
    pub fn proposal(
        &self,
        market: &Market,
        model: RiskModel,
        loadings: &[LoadingRow],
        shocks: &[ShockRow],
    ) -> Proposal {
        let rows = Rows {
            loadings: if model.netting { loadings } else { &[] },
            shocks: if model.scenarios > 0 { shocks } else { &[] },
        };
        Proposal::Model { digest: rows.digest(), model, version: market.model_version }
    }
}
