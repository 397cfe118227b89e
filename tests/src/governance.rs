//! Governance at work, one step at a time: what the tests of single instructions need beside [`crate::model`].

use ballast_client::parameters::{Row, times_levels};
use ballast_client::risk::Fraction;
use ballast_client::{LoadingRow, RiskModel, Scenarios, ShockRow};
use solana_instruction::Instruction;

use crate::fixture::Fixture;
use crate::key;
use crate::model::{GRACE, VALIDITY};
use crate::outcome::{Outcome, Receipt};

/// A model of one factor, with lambdas in hundredths and the floor in basis points.
pub fn one_factor(lambdas: [u16; 3], floor_bps: u16) -> RiskModel {
    RiskModel {
        netting: true,
        factors: 1,
        lambdas: times_levels(lambdas),
        floor: Fraction::from_bps(floor_bps).expect("a part").get(),
        validity: VALIDITY,
        grace: GRACE,
        ..RiskModel::default()
    }
}

/// Some scenarios of which the worst one counts, with multipliers in hundredths.
pub fn worst_of(count: u8, multipliers: [u16; 3]) -> Scenarios {
    Scenarios { count, tail: 1, multipliers: times_levels(multipliers), ..Scenarios::default() }
}

/// A row of one factor, in basis points.
pub fn moves(loading_bps: i16, specific_bps: u16) -> Row {
    Row { loadings_bps: [loading_bps, 0, 0, 0, 0, 0], specific_bps, ..Row::default() }
}

/// A row of shocks, in basis points.
pub fn shocked(shocks: &[i16]) -> Row {
    let mut row = Row::default();
    row.shocks_bps[..shocks.len()].copy_from_slice(shocks);
    row
}

impl Fixture {
    /// Sends an instruction of governance.
    pub fn governs(&self, instruction: Instruction) -> Outcome {
        self.sends(&[instruction], &[&self.payer(), &self.governance()])
    }

    fn writes_rows(&self, author: &str, instructions: Vec<Instruction>) -> Vec<Receipt> {
        let send = |instruction| self.sends(&[instruction], &[&key(author)]).expect("rows");
        instructions.into_iter().map(send).collect()
    }

    /// The author writes loadings of the first assets into his draft.
    pub fn writes_loadings(&self, author: &str, rows: &[LoadingRow]) -> Vec<Receipt> {
        self.writes_rows(author, self.drafting(author).write_loadings(rows))
    }

    /// The author writes shocks of the first assets into his draft.
    pub fn writes_shocks(&self, author: &str, rows: &[ShockRow]) -> Vec<Receipt> {
        self.writes_rows(author, self.drafting(author).write_shocks(rows))
    }

    /// Governance takes rows over from the draft of an author.
    pub fn sets_risk_model(&self, author: &str, model: &RiskModel, rows: &[LoadingRow]) -> Outcome {
        self.governs(self.drafting(author).set_risk_model(model.clone(), rows))
    }

    /// Governance takes rows over from the draft of an author.
    pub fn sets_scenarios(&self, author: &str, scenarios: &Scenarios, rows: &[ShockRow]) -> Outcome {
        self.governs(self.drafting(author).set_scenarios(scenarios.clone(), rows))
    }

    pub fn confirms_risk_model(&self) -> Outcome {
        self.governs(self.drafting("nobody").confirm_risk_model())
    }

    /// The row of every listed asset.
    pub fn loadings(&self, row: impl Fn(&str) -> Row) -> Vec<LoadingRow> {
        self.tokens().iter().map(|token| row(token.symbol).loadings()).collect()
    }

    /// The row of every listed asset.
    pub fn shocks(&self, row: impl Fn(&str) -> Row) -> Vec<ShockRow> {
        self.tokens().iter().map(|token| row(token.symbol).shocks()).collect()
    }

    fn needs_draft(&self) {
        if self.account(&self.drafting("quant").draft).is_none() {
            self.opens_draft("quant").expect("a draft");
        }
    }

    /// Netting is on from now, with these rows.
    pub fn nets(&self, model: &RiskModel, row: impl Fn(&str) -> Row) -> Receipt {
        self.needs_draft();
        let rows = self.loadings(row);
        self.writes_loadings("quant", &rows);
        self.sets_risk_model("quant", model, &rows).expect("a model")
    }

    /// These scenarios count from now.
    pub fn stresses(&self, scenarios: &Scenarios, row: impl Fn(&str) -> Row) -> Receipt {
        self.needs_draft();
        let rows = self.shocks(row);
        self.writes_shocks("quant", &rows);
        self.sets_scenarios("quant", scenarios, &rows).expect("scenarios")
    }
}
