//! Governance at work, one step at a time: what the tests of single instructions need beside [`crate::model`].

use ballast_client::parameters::{Row, levels, times_levels};
use ballast_client::risk::Fraction;
use ballast_client::table::Parameter;
use ballast_client::{Change, LoadingRow, Pausable, Proposal, Pubkey, RiskModel, Role, ShockRow, change};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

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
pub fn worst_of(count: u8, multipliers: [u16; 3]) -> RiskModel {
    RiskModel { scenarios: count, tail: 1, multipliers: times_levels(multipliers), ..RiskModel::default() }
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

/// A model with the scenarios of another one.
pub fn stressed(model: RiskModel, by: RiskModel) -> RiskModel {
    RiskModel { scenarios: by.scenarios, tail: by.tail, multipliers: by.multipliers, ..model }
}

/// A row with the shocks of another one.
pub fn joined(moves: Row, shocks: Row) -> Row {
    Row { shocks_bps: shocks.shocks_bps, ..moves }
}

impl Fixture {
    /// Sends an instruction of governance.
    pub fn governs(&self, instruction: Instruction) -> Outcome {
        self.sends(&[instruction], &[&self.payer(), &self.governance()])
    }

    /// Governance ends the set-up of the market.
    pub fn opens_market(&self) -> Outcome {
        self.governs(change::open_market(&self.governance().pubkey(), &self.market_address()))
    }

    /// The holder of a role makes a change at once.
    pub fn applies(&self, role: Role, proposal: Proposal) -> Outcome {
        self.applies_from(role, None, proposal)
    }

    /// The same, with the draft of an author.
    pub fn applies_from(&self, role: Role, author: Option<&str>, proposal: Proposal) -> Outcome {
        let (holder, draft) = (self.holder(role), author.map(|author| self.drafting(author).draft));
        let apply = change::apply(&holder.pubkey(), &self.market_address(), draft, proposal);
        self.sends(&[apply], &[&self.payer(), &holder])
    }

    /// The address of a change of this name.
    pub fn change(&self, name: &str) -> Pubkey {
        crate::address(&format!("change {name}"))
    }

    /// Governance proposes a change under a name.
    pub fn proposes(&self, name: &str, proposal: Proposal) -> Outcome {
        self.proposes_as(&self.governance(), name, proposal)
    }

    /// Somebody proposes a change under a name.
    pub fn proposes_as(&self, proposer: &Keypair, name: &str, proposal: Proposal) -> Outcome {
        let (payer, account) = (self.payer(), key(&format!("change {name}")));
        let rent = self.world().svm.minimum_balance_for_rent_exemption(Change::SPACE);
        let (market, change) = (self.market_address(), account.pubkey());
        let both = change::propose(&payer.pubkey(), &proposer.pubkey(), &market, &change, rent, proposal);
        self.sends(&both, &[&payer, &account, proposer])
    }

    /// Anybody executes a change of governance.
    pub fn executes(&self, name: &str) -> Outcome {
        self.executes_from(name, None)
    }

    /// The same, with the draft of an author.
    pub fn executes_from(&self, name: &str, author: Option<&str>) -> Outcome {
        let (draft, proposer) = (author.map(|author| self.drafting(author).draft), self.governance().pubkey());
        let execute = change::execute(&self.market_address(), &self.change(name), &proposer, draft);
        self.sends(&[execute], &[&self.payer()])
    }

    /// The holder of a role cancels a change of governance.
    pub fn cancels(&self, role: Role, name: &str) -> Outcome {
        let (holder, proposer) = (self.holder(role), self.governance().pubkey());
        let cancel = change::cancel(&holder.pubkey(), &self.market_address(), &self.change(name), &proposer);
        self.sends(&[cancel], &[&self.payer(), &holder])
    }

    /// The holder of a role pauses something for some seconds.
    pub fn pauses(&self, role: Role, paused: Pausable, seconds: u32) -> Outcome {
        let holder = self.holder(role);
        let pause = change::pause(&holder.pubkey(), &self.market_address(), paused, seconds);
        self.sends(&[pause], &[&self.payer(), &holder])
    }

    /// The holder of a role ends a pause.
    pub fn resumes(&self, role: Role, paused: Pausable) -> Outcome {
        let holder = self.holder(role);
        self.sends(&[change::resume(&holder.pubkey(), &self.market_address(), paused)], &[&self.payer(), &holder])
    }

    /// New values of parameters of an asset.
    pub fn values_of(&self, symbol: &str, values: &[(Parameter, u64)]) -> Proposal {
        change::parameters_of_asset(&self.market(), self.index(symbol), values, 0)
    }

    /// New values of parameters of the market.
    pub fn values(&self, values: &[(Parameter, u64)]) -> Proposal {
        change::parameters_of_market(&self.market(), values)
    }

    /// Governance changes something and waits for as long as that takes: nothing in a market that is being set up,
    /// otherwise the delay. Prices are fresh afterwards.
    pub fn changes(&self, proposal: Proposal) -> Outcome {
        self.changes_from(None, proposal)
    }

    /// The same, with the draft of an author.
    pub fn changes_from(&self, author: Option<&str>, proposal: Proposal) -> Outcome {
        if self.market().in_setup() {
            return self.applies_from(Role::Governance, author, proposal);
        }
        let name = format!("of {}", self.now());
        let delay = proposal.delay(self.market().delay);
        self.proposes(&name, proposal)?;
        self.advances(i64::try_from(delay).expect("a short delay"));
        let receipt = self.executes_from(&name, author)?;
        self.refreshes_all();
        Ok(receipt)
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

    /// Governance brings a model into force, with rows that it takes from the draft of an author, and waits for as long as
    /// that takes; it may be phasing in still.
    pub fn sets_model(&self, author: &str, model: &RiskModel, loadings: &[LoadingRow], shocks: &[ShockRow]) -> Outcome {
        let proposal = self.drafting(author).proposal(&self.market(), model.clone(), loadings, shocks);
        self.changes_from(Some(author).filter(|_| model.netting || model.scenarios > 0), proposal)
    }

    /// Waits until the last change of the model has phased in.
    pub fn lets_model_phase_in(&self) {
        let end = i64::try_from(self.market().change_end).expect("a time");
        if end > self.now() {
            self.advances(end - self.now());
            self.refreshes_all();
        }
    }

    pub fn confirms_risk_model(&self) -> Outcome {
        self.governs(change::confirm_risk_model(&self.governance().pubkey(), &self.market_address()))
    }

    /// The row of every listed asset.
    pub fn loadings(&self, row: impl Fn(&str) -> Row) -> Vec<LoadingRow> {
        self.tokens().iter().map(|token| row(token.symbol).loadings()).collect()
    }

    /// The row of every listed asset.
    pub fn shocks(&self, row: impl Fn(&str) -> Row) -> Vec<ShockRow> {
        self.tokens().iter().map(|token| row(token.symbol).shocks()).collect()
    }

    /// A model is in force, and has phased in, with these rows.
    pub fn models(&self, model: &RiskModel, row: impl Fn(&str) -> Row) -> Receipt {
        if self.account(&self.drafting("quant").draft).is_none() {
            self.opens_draft("quant").expect("a draft");
        }
        let (loadings, shocks) = (self.loadings(&row), self.shocks(&row));
        self.writes_loadings("quant", &loadings);
        self.writes_shocks("quant", &shocks);
        let receipt = self.sets_model("quant", model, &loadings, &shocks).expect("a model");
        self.lets_model_phase_in();
        receipt
    }

    /// Governance moves haircuts and add-ons, in basis points, and waits for the delay. What rises at `Target` and `Maint`
    /// begins to after the notice and takes some seconds more, as long as the notice at least.
    pub fn sets_haircuts(&self, symbol: &str, haircuts: [u16; 3], addons: [u16; 3], ramp: u32) -> Outcome {
        let part = |bps| levels(bps, "haircut").expect("basis points").map(u64::from);
        let ([a, b, c], [d, e, f]) = (part(haircuts), part(addons));
        let values = [
            (Parameter::HaircutInit, a),
            (Parameter::HaircutTarget, b),
            (Parameter::HaircutMaint, c),
            (Parameter::AddonInit, d),
            (Parameter::AddonTarget, e),
            (Parameter::AddonMaint, f),
        ];
        self.changes(change::parameters_of_asset(&self.market(), self.index(symbol), &values, ramp))
    }
}
