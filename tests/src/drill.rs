//! What tests of governance need beside its steps: what would become of a market, states that only a set-up leads to, and
//! moments.

use ballast_client::table::Parameter;
use ballast_client::{Change, ID, Market, Proposal, Role, account, change};
use litesvm::LiteSVM;
use solana_account::ReadableAccount;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_transaction::Transaction;

use crate::fixture::Fixture;
use crate::key;
use crate::outcome::Fault;

fn signed(svm: &mut LiteSVM, instructions: &[Instruction], signers: &[&Keypair]) -> Transaction {
    // Equal transactions are different ones.
    svm.expire_blockhash();
    let recent = svm.latest_blockhash();
    let message = Message::new_with_blockhash(instructions, Some(&signers[0].pubkey()), &recent);
    let mut transaction = Transaction::new_unsigned(message);
    transaction.partial_sign(signers, recent);
    transaction
}

/// The market after something that was only tried, or why it was refused.
pub type Foresight = Result<Box<Market>, Fault>;

impl Fixture {
    /// Unix seconds as the program counts them.
    pub fn second(&self) -> u64 {
        u64::try_from(self.now()).expect("after 1970")
    }

    /// Goes to a second, also backwards; nobody refreshes anything.
    pub fn goes_to(&self, second: u64) {
        let (clock, second) = (self.clock(), i64::try_from(second).expect("a time"));
        let slots = (second - clock.unix_timestamp) * 5 / 2;
        self.sets_clock(second, clock.slot.saturating_add_signed(slots));
    }

    /// The market after these instructions. They are tried and not carried out.
    pub fn foresees(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Foresight {
        let world = &mut self.world_mut().svm;
        let transaction = signed(world, instructions, signers);
        let done =
            world.simulate_transaction(transaction).map_err(|failed| Fault::of(&failed.err, &failed.meta.logs))?;
        let address = self.market_address();
        let found = done.post_accounts.iter().find(|(key, _)| *key == address).map(|(_, account)| account);
        let found = found.expect("the market among the accounts");
        Ok(account::market(found.owner(), found.data()).expect("a market"))
    }

    /// Sends instructions like [`Fixture::sends`], without a look at all accounts before and after: for the many that are
    /// only means to an end.
    pub fn hastens(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<(), Fault> {
        let world = &mut self.world_mut().svm;
        let transaction = signed(world, instructions, signers);
        let done = world.send_transaction(transaction);
        done.map(|_| ()).map_err(|failed| Fault::of(&failed.err, &failed.meta.logs))
    }

    /// The market if the holder of a role changed something at once.
    pub fn foresees_change(&self, role: Role, proposal: &Proposal) -> Foresight {
        let holder = self.holder(role);
        let apply = change::apply(&holder.pubkey(), &self.market_address(), None, proposal.clone());
        self.foresees(&[apply], &[&self.payer(), &holder])
    }

    /// The market if governance proposed something.
    pub fn foresees_proposal(&self, proposal: &Proposal) -> Foresight {
        let (payer, governance, account) = (self.payer(), self.governance(), key("change that nobody makes"));
        let rent = self.world().svm.minimum_balance_for_rent_exemption(Change::SPACE);
        let (market, by) = (self.market_address(), governance.pubkey());
        let both = change::propose(&payer.pubkey(), &by, &market, &account.pubkey(), rent, proposal.clone());
        self.foresees(&both, &[&payer, &account, &governance])
    }

    /// The market if somebody executed a change of governance.
    pub fn foresees_execution(&self, name: &str) -> Foresight {
        let proposer = self.governance().pubkey();
        let execute = change::execute(&self.market_address(), &self.change(name), &proposer, None);
        self.foresees(&[execute], &[&self.payer()])
    }

    /// A change that waits under a name.
    pub fn waiting(&self, name: &str) -> Box<Change> {
        let found = self.account(&self.change(name)).expect("a change");
        account::change(&found.owner, &found.data).expect("a change")
    }

    /// Brings a market, in which people may be already, back to an earlier state, past the program.
    pub fn restores(&self, market: &Market) {
        self.writes_data(&self.market_address(), &ID, account::encode(market));
        self.counts_no_books();
    }

    /// Sets parameters of an asset, or of the market, as governance does in a set-up: ranges and what values must fulfil
    /// together count, directions, steps, delays and ramps do not. For states that a test begins with, whoever uses the
    /// market already.
    pub fn arranges(&self, asset: Option<u8>, values: &[(Parameter, u64)]) {
        let market = self.market();
        let proposal = match asset {
            Some(asset) => change::parameters_of_asset(&market, asset, values, 0),
            None => change::parameters_of_market(&market, values),
        };
        if matches!(&proposal, Proposal::Parameters { edits, .. } if edits.is_empty()) {
            return;
        }
        self.tampers_with_market(|market| market.opened_at = 0);
        self.applies(Role::Governance, proposal).expect("values that fit together");
        self.tampers_with_market(|now| now.opened_at = market.opened_at);
    }
}
