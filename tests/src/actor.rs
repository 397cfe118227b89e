//! People: a wallet, a vault, and what they do with it. Each verb sends one transaction.

use ballast_client::event::Action;
use ballast_client::instruction;
use ballast_client::risk::Amount;
use ballast_client::risk::health::Side;
use ballast_client::risk::holding::Holding;
use ballast_client::{HealthView, Pubkey, Scopes, StateView, Vault, address};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::fixture::Fixture;
use crate::money::Money;
use crate::outcome::Outcome;

pub struct Actor {
    pub fixture: Fixture,
    pub key: Keypair,
    /// Which of its vaults it uses.
    pub id: u16,
}

impl Actor {
    pub(crate) fn new(fixture: Fixture, key: Keypair) -> Self {
        Self { fixture, key, id: 0 }
    }

    /// The same person, another vault.
    pub fn with_vault(&self, id: u16) -> Self {
        Self { fixture: self.fixture.clone(), key: self.key.insecure_clone(), id }
    }

    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    /// The address of the vault.
    pub fn vault_address(&self) -> Pubkey {
        address::vault(&self.fixture.market_address(), &self.address(), self.id)
    }

    pub fn vault(&self) -> Vault {
        self.fixture.vault(&self.vault_address())
    }

    // The wallet.

    /// New tokens, from nowhere.
    pub fn is_given(&self, money: Money) {
        let account = self.wallet(money.symbol);
        self.fixture.adds_tokens(&account, money);
    }

    /// The token account of an asset.
    pub fn wallet(&self, symbol: &str) -> Pubkey {
        self.fixture.token_account(&self.address(), symbol)
    }

    /// Tokens in the wallet, native units.
    pub fn balance(&self, symbol: &str) -> u64 {
        self.fixture.balance(&self.wallet(symbol))
    }

    // What the vault has.

    pub fn holding(&self, symbol: &str) -> Holding {
        self.vault().holding(self.fixture.index(symbol))
    }

    /// Native units deposited, as they would be paid out now.
    pub fn deposited(&self, symbol: &str) -> u64 {
        self.amount(symbol, Side::Deposit)
    }

    /// Native units owed now.
    pub fn owes(&self, symbol: &str) -> u64 {
        self.amount(symbol, Side::Debt)
    }

    fn amount(&self, symbol: &str, side: Side) -> u64 {
        let holding = self.holding(symbol);
        if holding.side != side || holding.shares.is_zero() {
            return 0;
        }
        let now = u64::try_from(self.fixture.now()).expect("after 1970");
        holding.amount(&self.fixture.asset(symbol).accrued_pool(now)).map(Amount::get).expect("fits 64 bits")
    }

    pub fn health(&self) -> HealthView {
        self.fixture.health(&self.vault_address())
    }

    pub fn state(&self) -> StateView {
        self.health().state
    }

    // Instructions, for tests that change them before they send them.

    pub fn open_vault(&self) -> Instruction {
        instruction::open_vault(&self.address(), &self.address(), &self.fixture.market_address(), self.id)
    }

    pub fn close_vault(&self) -> Instruction {
        instruction::close_vault(&self.address(), &self.vault_address(), &self.address())
    }

    /// `deposit` and `repay` have these accounts, `withdraw` and `borrow` those of the other.
    pub fn instruction(&self, action: Action, money: Money) -> Instruction {
        self.wallet(money.symbol);
        let (owner, vault, asset) = (self.address(), self.vault_address(), self.fixture.index(money.symbol));
        self.fixture.builds(|market| match action {
            Action::Deposit => market.deposit(&owner, &vault, asset, money.units),
            Action::Repay => market.repay(&owner, &vault, asset, money.units),
            Action::Withdraw => market.withdraw(&owner, &vault, asset, Some(money.units)),
            Action::Borrow => market.borrow(&owner, &vault, asset, money.units),
            Action::Seize => market.seize(&owner, &vault, asset, money.units),
        })
    }

    pub fn liquidate(&self, victim: &Self, pays: Money, takes: &str) -> Instruction {
        self.wallet(pays.symbol);
        self.wallet(takes);
        let (debt, collateral) = (self.fixture.index(pays.symbol), self.fixture.index(takes));
        let vault = victim.vault_address();
        self.fixture.builds(|market| market.liquidate(&self.address(), &vault, debt, collateral, pays.units))
    }

    /// Tokens from wallet to wallet.
    pub fn pay(&self, to: &Self, money: Money) -> Instruction {
        let token = self.fixture.token(money.symbol);
        let [source, destination] = [self, to].map(|person| AccountMeta::new(person.wallet(money.symbol), false));
        let mint = AccountMeta::new_readonly(token.mint, false);
        let owner = AccountMeta::new_readonly(self.address(), true);
        // `TransferChecked` of both token programs.
        let data = [&[12][..], &money.units.to_le_bytes(), &[token.decimals]].concat();
        Instruction { program_id: token.token_program, accounts: vec![source, mint, destination, owner], data }
    }

    /// Sends instructions, paying the fee.
    pub fn sends(&self, instructions: &[Instruction]) -> Outcome {
        self.fixture.sends(instructions, &[&self.key])
    }

    // Verbs.

    pub fn opens_vault(&self) -> Outcome {
        self.sends(&[self.open_vault()])
    }

    pub fn closes_vault(&self) -> Outcome {
        self.sends(&[self.close_vault()])
    }

    pub fn deposits(&self, money: Money) -> Outcome {
        self.sends(&[self.instruction(Action::Deposit, money)])
    }

    pub fn withdraws(&self, money: Money) -> Outcome {
        self.sends(&[self.instruction(Action::Withdraw, money)])
    }

    pub fn withdraws_all(&self, symbol: &str) -> Outcome {
        self.wallet(symbol);
        let (owner, vault, asset) = (self.address(), self.vault_address(), self.fixture.index(symbol));
        let instruction = self.fixture.builds(|market| market.withdraw(&owner, &vault, asset, None));
        self.sends(&[instruction])
    }

    pub fn borrows(&self, money: Money) -> Outcome {
        self.sends(&[self.instruction(Action::Borrow, money)])
    }

    pub fn repays(&self, money: Money) -> Outcome {
        self.sends(&[self.instruction(Action::Repay, money)])
    }

    /// Pays back somebody else's debt.
    pub fn repays_for(&self, debtor: &Self, money: Money) -> Outcome {
        self.sends(&[self.repay_for(debtor, money)])
    }

    /// Repays at most this much of somebody's debt and takes collateral for it.
    pub fn liquidates(&self, victim: &Self, pays: Money, takes: &str) -> Outcome {
        self.sends(&[self.liquidate(victim, pays, takes)])
    }

    /// Takes over debt and collateral of another vault.
    pub fn take_over(&self, victim: &Self, owes: Money, takes: &str) -> Instruction {
        let (debt, collateral) = (self.fixture.index(owes.symbol), self.fixture.index(takes));
        let [vault, into] = [victim, self].map(Self::vault_address);
        let me = self.address();
        self.fixture.builds(|market| market.liquidate_into(&me, &vault, &into, debt, collateral, owes.units))
    }

    pub fn takes_over(&self, victim: &Self, owes: Money, takes: &str) -> Outcome {
        self.sends(&[self.take_over(victim, owes, takes)])
    }

    /// Gives tokens to the reserve of their asset.
    pub fn funds(&self, money: Money) -> Outcome {
        self.wallet(money.symbol);
        let asset = self.fixture.index(money.symbol);
        self.sends(&[self.fixture.builds(|market| market.fund_reserve(&self.address(), asset, money.units))])
    }

    /// Both legs of a flash loan; a transaction puts something between them.
    pub fn flash_loan(&self, money: Money) -> [Instruction; 2] {
        self.wallet(money.symbol);
        let asset = self.fixture.index(money.symbol);
        self.fixture.builds(|market| market.flash_loan(&self.address(), asset, money.units))
    }

    /// Borrows for a moment, and does this meanwhile.
    pub fn borrows_flash(&self, money: Money, meanwhile: &[Instruction]) -> Outcome {
        let [borrow, repay] = self.flash_loan(money);
        self.sends(&[&[borrow], meanwhile, &[repay]].concat())
    }

    /// Both ends of a receivership of somebody's vault.
    pub fn receivership(&self, victim: &Self) -> [Instruction; 2] {
        let vault = victim.vault_address();
        self.fixture.builds(|market| market.receivership(&self.address(), &vault))
    }

    /// Takes collateral out of a vault under receivership.
    pub fn seize(&self, victim: &Self, money: Money) -> Instruction {
        self.wallet(money.symbol);
        let (vault, asset) = (victim.vault_address(), self.fixture.index(money.symbol));
        self.fixture.builds(|market| market.seize(&self.address(), &vault, asset, money.units))
    }

    /// Pays back somebody else's debt.
    pub fn repay_for(&self, debtor: &Self, money: Money) -> Instruction {
        self.wallet(money.symbol);
        let (vault, asset) = (debtor.vault_address(), self.fixture.index(money.symbol));
        self.fixture.builds(|market| market.repay(&self.address(), &vault, asset, money.units))
    }

    /// Liquidates a vault with these steps.
    pub fn administers(&self, victim: &Self, steps: &[Instruction]) -> Outcome {
        let [begin, end] = self.receivership(victim);
        self.sends(&[&[begin], steps, &[end]].concat())
    }

    /// Lets somebody act for the vault.
    pub fn delegates(&self, delegate: &Pubkey, scopes: Scopes, until: i64) -> Outcome {
        let until = until.try_into().expect("after 1970");
        self.sends(&[instruction::set_delegate(&self.address(), &self.vault_address(), *delegate, scopes, until)])
    }

    /// Offers the vault to somebody.
    pub fn offers_vault(&self, to: &Pubkey) -> Outcome {
        let vault = self.vault_address();
        self.sends(&[self.fixture.builds(|market| market.transfer_vault(&self.address(), &vault, *to))])
    }

    /// Takes over a vault that was offered.
    pub fn accepts_vault(&self, vault: &Pubkey) -> Outcome {
        self.sends(&[self.fixture.builds(|market| market.accept_vault(&self.address(), vault))])
    }

    /// Somebody writes off what the vault of another owes.
    pub fn absorbs(&self, ruined: &Self) -> Outcome {
        let vault = ruined.vault_address();
        self.sends(&[self.fixture.builds(|market| market.absorb_bad_debt(&vault))])
    }

    /// Fills the vault with this many positions through real instructions: deposits of 10,000 dollars in the first
    /// half of the assets, rounded up, debts of 1,000 dollars in the next ones. The market must be stocked.
    pub fn fills_vault(&self, positions: usize) {
        let deposits = positions.div_ceil(2);
        for (at, token) in self.fixture.tokens().iter().take(positions).enumerate() {
            if at < deposits {
                let money = self.fixture.worth(token.symbol, 10_000);
                self.is_given(money);
                self.deposits(money).expect("a deposit");
            } else {
                self.borrows(self.fixture.worth(token.symbol, 1_000)).expect("a loan");
            }
        }
        assert_eq!(self.vault().used().len(), positions);
    }
}
