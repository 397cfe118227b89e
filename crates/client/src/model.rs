//! Instructions that bring a model of correlation and stress into a market: rows into a draft, over as many transactions
//! as they need, then everything at once.

use anchor_lang::prelude::Pubkey;
use anchor_lang::solana_program::instruction::Instruction;
use ballast::state::Draft;
use ballast::state::draft::{LoadingRow, ShockRow, loadings_digest, shocks_digest};
use ballast::{ID, RiskModel, Scenarios};

use crate::instruction::build;

/// Rows of loadings that fit a transaction of 1,232 bytes beside an ordinary number of signatures.
pub const LOADING_ROWS: usize = 32;
/// The same for shocks.
pub const SHOCK_ROWS: usize = 28;

/// The draft of an author for a market, and who governs the market.
#[derive(Clone, Copy, Debug)]
pub struct Drafting {
    pub market: Pubkey,
    pub author: Pubkey,
    pub draft: Pubkey,
    pub governance: Pubkey,
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

    fn taking_over(&self, needed: bool) -> ballast::accounts::TakeOver {
        let draft = needed.then_some(self.draft);
        ballast::accounts::TakeOver { governance: self.governance, market: self.market, draft }
    }

    /// Takes the loadings of all listed assets, `rows`, over from the draft.
    pub fn set_risk_model(&self, parameters: RiskModel, rows: &[LoadingRow]) -> Instruction {
        let accounts = self.taking_over(parameters.netting);
        build(&accounts, &ballast::instruction::SetRiskModel { parameters, digest: loadings_digest(rows) })
    }

    /// Takes the shocks of all listed assets, `rows`, over from the draft.
    pub fn set_scenarios(&self, parameters: Scenarios, rows: &[ShockRow]) -> Instruction {
        let accounts = self.taking_over(parameters.count > 0);
        build(&accounts, &ballast::instruction::SetScenarios { parameters, digest: shocks_digest(rows) })
    }

    pub fn confirm_risk_model(&self) -> Instruction {
        let accounts = ballast::accounts::ConfirmRiskModel { governance: self.governance, market: self.market };
        build(&accounts, &ballast::instruction::ConfirmRiskModel {})
    }
}

/// Haircuts and add-ons of an asset move to these values within `seconds`.
pub fn set_haircuts(
    governance: &Pubkey,
    market: &Pubkey,
    asset: u8,
    haircuts: [u32; 3],
    addons: [u32; 3],
    seconds: u32,
) -> Instruction {
    let accounts = ballast::accounts::SetHaircuts { governance: *governance, market: *market };
    build(&accounts, &ballast::instruction::SetHaircuts { asset, haircuts, addons, seconds })
}
