//! A network with the compiled program, one market and prices that somebody keeps fresh.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::HashMap;
use std::rc::Rc;

use anchor_lang::AnchorDeserialize;
use ballast_client::account::TokenAccount;
use ballast_client::instruction::{self, MarketRef};
use ballast_client::local;
use ballast_client::table::Parameter;
use ballast_client::{HealthView, ID, Market, Pubkey, Role, Vault, account, address, change, snapshot, token};
use litesvm::LiteSVM;
use solana_account::Account;
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::actor::Actor;
use crate::assets::{STANDARD, Token, tokens};
use crate::money::{Money, native, units};
use crate::outcome::Outcome;
use crate::world::World;
use crate::{PROGRAM, key};

/// The largest legacy transaction.
pub const MAX_TRANSACTION_BYTES: usize = 1_232;
/// When every test begins.
pub const START: i64 = 1_750_000_000;
/// Largest debt that a liquidation closes whole, micro-dollars.
pub const DUST: u64 = 1_000_000;
/// How long a proposal waits, and what rises at `Target` and `Maint`: the shortest there is, seconds.
pub const DELAY: u64 = 86_400;
pub const NOTICE: u64 = 86_400;
/// What every wallet starts with.
const LAMPORTS: u64 = 100_000_000_000;

/// A handle on one market of a [`World`]; cheap to clone, so that actors can carry one.
#[derive(Clone)]
pub struct Fixture {
    world: Rc<RefCell<World>>,
    /// Names the keys of market and governance.
    market: &'static str,
    address: Pubkey,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixture {
    /// The standard market with fresh prices, nobody in it yet.
    pub fn new() -> Self {
        Self::with_assets(STANDARD.len())
    }

    /// A market of `count` assets, the standard ones first, with fresh prices.
    pub fn with_assets(count: usize) -> Self {
        Self::without_market().open(tokens(count))
    }

    /// Another market on the same network, with a governance of its own and the same assets in the opposite order.
    pub fn foreign_market(&self) -> Self {
        let foreign = self.other_market("foreign market");
        foreign.open(self.tokens().into_iter().rev().collect())
    }

    /// Another market on the same network with the same assets in the same order.
    pub fn parallel_market(&self) -> Self {
        let parallel = self.other_market("parallel market");
        parallel.open(self.tokens())
    }

    fn other_market(&self, market: &'static str) -> Self {
        let other = Self { world: self.world.clone(), market, address: crate::address(market) };
        other.gives_lamports_to_roles();
        other
    }

    fn gives_lamports_to_roles(&self) {
        for role in Role::ALL {
            self.gives_lamports(&self.holder(role).pubkey());
        }
    }

    fn open(self, tokens: Vec<Token>) -> Self {
        let market = self.sets_up(tokens);
        market.opens_market().expect("an open market");
        market
    }

    /// A market of these tokens, with fresh prices, that governance can still change as it likes.
    fn sets_up(self, tokens: Vec<Token>) -> Self {
        self.creates_market(DUST).expect("a market");
        for token in tokens {
            self.lists(token).expect("a listed asset");
        }
        self.refreshes_all();
        self
    }

    /// A market of `count` assets that is being set up, with fresh prices.
    pub fn setting_up(count: usize) -> Self {
        Self::without_market().sets_up(tokens(count))
    }

    /// The network with the program alone.
    pub fn without_market() -> Self {
        let mut svm = LiteSVM::new();
        svm.add_program_from_file(ID, PROGRAM).expect("target/deploy/ballast.so: run `cargo xtask build-program`");
        let world = World { svm, tokens: HashMap::new(), donated: HashMap::new(), tampered: false };
        let fixture = Self { world: Rc::new(RefCell::new(world)), market: "market", address: crate::address("market") };
        fixture.sets_clock(START, 1_000);
        fixture.gives_lamports(&fixture.payer().pubkey());
        fixture.gives_lamports_to_roles();
        fixture
    }

    pub fn world(&self) -> Ref<'_, World> {
        self.world.borrow()
    }

    pub fn world_mut(&self) -> RefMut<'_, World> {
        self.world.borrow_mut()
    }

    /// Pays for what is nobody's in particular.
    pub fn payer(&self) -> Keypair {
        key("payer")
    }

    pub fn governance(&self) -> Keypair {
        self.holder(Role::Governance)
    }

    /// Who holds a role from the beginning.
    pub fn holder(&self, role: Role) -> Keypair {
        let name = match role {
            Role::Governance => "governance",
            Role::Guardian => "guardian",
            Role::Steward => "steward",
        };
        key(&format!("{name} of {}", self.market))
    }

    pub fn gives_lamports(&self, wallet: &Pubkey) {
        let account = Account { lamports: LAMPORTS, ..Account::default() };
        self.writes(wallet, account);
    }

    // Time.

    pub fn clock(&self) -> Clock {
        self.world().svm.get_sysvar()
    }

    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.clock().unix_timestamp
    }

    pub fn sets_clock(&self, unix_timestamp: i64, slot: u64) {
        let clock = Clock { unix_timestamp, slot, ..self.clock() };
        self.world_mut().svm.set_sysvar(&clock);
    }

    /// Lets time pass; prices grow old.
    pub fn advances(&self, seconds: i64) {
        let clock = self.clock();
        self.sets_clock(clock.unix_timestamp + seconds, clock.slot + seconds.unsigned_abs() * 5 / 2);
    }

    // Transactions.

    /// Sends a legacy transaction whose fee the first signer pays.
    pub fn sends(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Outcome {
        self.world_mut().sends(instructions, signers)
    }

    /// What would become of a transaction. Changes nothing.
    pub fn simulates(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Outcome {
        self.world_mut().simulates(instructions, signers)
    }

    // Accounts.

    pub fn account(&self, address: &Pubkey) -> Option<Account> {
        self.world().svm.get_account(address)
    }

    /// Writes an account past the program. For accounts of other programs, and for states that no instruction leads to.
    pub fn writes(&self, address: &Pubkey, account: Account) {
        self.world_mut().svm.set_account(*address, account).expect("an account");
    }

    /// Writes an account with the lamports that its size needs.
    pub fn writes_data(&self, address: &Pubkey, owner: &Pubkey, data: Vec<u8>) {
        let lamports = self.world().svm.minimum_balance_for_rent_exemption(data.len());
        self.writes(address, Account { lamports, data, owner: *owner, executable: false, rent_epoch: u64::MAX });
    }

    pub fn market_key(&self) -> Keypair {
        key(self.market)
    }

    pub fn market_address(&self) -> Pubkey {
        self.address
    }

    pub fn market(&self) -> Box<Market> {
        self.market_at(&self.market_address())
    }

    pub fn market_at(&self, address: &Pubkey) -> Box<Market> {
        let found = self.account(address).expect("a market");
        account::market(&found.owner, &found.data).expect("a market")
    }

    pub fn vault(&self, address: &Pubkey) -> Vault {
        let found = self.account(address).expect("a vault");
        account::vault(&found.owner, &found.data).expect("a vault")
    }

    /// Markets and vaults are written past the program, so there are no books to count.
    pub fn counts_no_books(&self) {
        self.world_mut().tampered = true;
    }

    /// Changes the market past the program. The books are not counted any more.
    pub fn tampers_with_market(&self, change: impl FnOnce(&mut Market)) {
        let address = self.market_address();
        let mut market = self.market();
        change(&mut market);
        self.writes_data(&address, &ID, account::encode(&*market));
        self.world_mut().tampered = true;
    }

    /// Changes a vault past the program. The books are not counted any more.
    pub fn tampers_with_vault(&self, address: &Pubkey, change: impl FnOnce(&mut Vault)) {
        let mut vault = self.vault(address);
        change(&mut vault);
        self.writes_data(address, &ID, account::encode(&vault));
        self.world_mut().tampered = true;
    }

    /// Builds instructions from the market account as it is now.
    pub fn builds<T>(&self, build: impl FnOnce(MarketRef<'_>) -> T) -> T {
        build(MarketRef::new(self.market_address(), &self.market()))
    }

    // The market.

    /// Governance creates the market, to be set up, with the shortest delays that the table allows.
    pub fn creates_market(&self, dust: u64) -> Outcome {
        let (payer, market) = (self.payer(), self.market_key());
        let roles = Role::ALL.map(|role| self.holder(role).pubkey());
        let rent = self.world().svm.minimum_balance_for_rent_exemption(Market::SPACE);
        let both = instruction::create_market(&payer.pubkey(), &market.pubkey(), roles, rent);
        let receipt = self.sends(&both, &[&payer, &market, &self.governance()])?;
        let values = [(Parameter::Dust, dust), (Parameter::Delay, DELAY), (Parameter::Notice, NOTICE)];
        self.applies(Role::Governance, change::parameters_of_market(&self.market(), &values))?;
        Ok(receipt)
    }

    /// Creates the mint of a token unless it exists.
    pub fn mints(&self, token: &Token) {
        if self.account(&token.mint).is_none() {
            let mint = local::mint(&crate::address("mint authority"), token.decimals, 0);
            self.writes_data(&token.mint, &token.token_program, mint);
        }
    }

    /// Governance lists a token, with its price source and its parameters, in a market that is being set up. Its mint is
    /// created, its price is not published.
    pub fn lists(&self, token: Token) -> Outcome {
        let receipt = self.lists_bare(token.clone())?;
        let asset = self.index(token.symbol);
        self.applies(Role::Governance, change::source(&self.market(), asset, 0, token.listing.source()))?;
        let values = token.listing.values().expect("parameters in range");
        self.applies(Role::Governance, change::parameters_of_asset(&self.market(), asset, &values, 0))?;
        Ok(receipt)
    }

    /// Governance lists a token as the program does it: nobody can use it.
    pub fn lists_bare(&self, token: Token) -> Outcome {
        self.mints(&token);
        let receipt = self.sends(&[self.list_instruction(&token)], &[&self.payer(), &self.governance()])?;
        let market = self.market_address();
        self.world_mut().tokens.entry(market).or_default().push(token);
        Ok(receipt)
    }

    pub fn list_instruction(&self, token: &Token) -> Instruction {
        instruction::list_asset(
            &self.governance().pubkey(),
            &self.payer().pubkey(),
            &self.market_address(),
            &token.mint,
            &token.token_program,
            token.listing.padded_name().expect("a short name"),
        )
    }

    /// The listed tokens, by index.
    pub fn tokens(&self) -> Vec<Token> {
        self.world().tokens.get(&self.market_address()).cloned().unwrap_or_default()
    }

    pub fn token(&self, symbol: &str) -> Token {
        let index = usize::from(self.index(symbol));
        self.world().tokens[&self.market_address()][index].clone()
    }

    /// The index of an asset in the market.
    pub fn index(&self, symbol: &str) -> u8 {
        let world = self.world();
        let listed = world.tokens.get(&self.market_address()).map_or(&[][..], Vec::as_slice);
        let found = listed.iter().position(|token| token.symbol == symbol);
        found.unwrap_or_else(|| panic!("{symbol} is not listed")) as u8
    }

    /// The record of an asset.
    pub fn asset(&self, symbol: &str) -> ballast_client::Asset {
        self.market().assets[usize::from(self.index(symbol))]
    }

    pub fn custody(&self, symbol: &str) -> Pubkey {
        address::custody(&self.market_address(), &self.token(symbol).mint)
    }

    // People.

    /// Somebody with lamports, without tokens and without a vault.
    pub fn newcomer(&self, name: &str) -> Actor {
        let actor = Actor::new(self.clone(), key(name));
        self.gives_lamports(&actor.address());
        actor
    }

    /// Somebody with tokens in the wallet and an empty vault.
    ///
    /// Opens the market if it is still being set up.
    pub fn actor(&self, name: &str, wallet: &[Money]) -> Actor {
        if self.market().in_setup() {
            self.opens_market().expect("an open market");
        }
        let actor = self.newcomer(name);
        for money in wallet {
            actor.is_given(*money);
        }
        actor.opens_vault().expect("a vault");
        actor
    }

    /// A lender who has put 10,000,000 dollars of every asset into the market.
    pub fn stocked(self) -> Self {
        let lender = self.actor("lender", &[]);
        for (at, token) in self.tokens().iter().enumerate() {
            // One vault holds 32 assets; the lender uses as many as it takes.
            let id = (at / ballast_client::MAX_POSITIONS) as u16;
            let lender = lender.with_vault(id);
            if id > 0 && at % ballast_client::MAX_POSITIONS == 0 {
                lender.opens_vault().expect("another vault");
            }
            let money = worth(token, 10_000_000);
            lender.is_given(money);
            lender.deposits(money).expect("a deposit");
        }
        self
    }

    /// The tokens that this many dollars are at the starting price.
    pub fn worth(&self, symbol: &str, dollars: u64) -> Money {
        worth(&self.token(symbol), dollars)
    }

    /// Sends tokens to a custody account past the program.
    pub fn donates(&self, money: Money) {
        self.adds_tokens(&self.custody(money.symbol), money);
        self.counts_as_donated(money);
    }

    /// Tokens in custody that were given away on purpose, and that no book knows of.
    pub fn counts_as_donated(&self, money: Money) {
        let custody = self.custody(money.symbol);
        *self.world_mut().donated.entry(custody).or_default() += money.units;
    }

    /// Tokens vanish from custody past the program. The books are not counted any more.
    pub fn takes_from_custody(&self, symbol: &str, units: u64) {
        let custody = self.custody(symbol);
        let mut account = self.account(&custody).expect("a custody account");
        let left = self.balance(&custody) - units;
        account.data[64..72].copy_from_slice(&left.to_le_bytes());
        self.writes(&custody, account);
        self.world_mut().tampered = true;
    }

    /// Puts new tokens into a token account that exists.
    pub fn adds_tokens(&self, to: &Pubkey, money: Money) {
        let mut account = self.account(to).expect("a token account");
        let TokenAccount { mint, amount, .. } = account::token(&account.owner, &account.data).expect("a token account");
        account.data[64..72].copy_from_slice(&(amount + money.units).to_le_bytes());
        self.writes(to, account);
        let mut account = self.account(&mint).expect("a mint");
        let supply = account::mint(&account.owner, &account.data).expect("a mint").supply;
        account.data[36..44].copy_from_slice(&(supply + money.units).to_le_bytes());
        self.writes(&mint, account);
    }

    /// The associated token account of a wallet, empty if it is new.
    pub fn token_account(&self, wallet: &Pubkey, symbol: &str) -> Pubkey {
        let token = self.token(symbol);
        let address = token::address(wallet, &token.mint, &token.token_program);
        if self.account(&address).is_none() && self.account(&token.mint).is_some_and(|mint| mint.data.len() > 82) {
            // Its size depends on the extensions of the mint.
            self.makes_token_account(wallet, &token);
        } else if self.account(&address).is_none() {
            self.writes_data(&address, &token.token_program, local::token_account(&token.mint, wallet, 0));
        }
        address
    }

    /// What a token account holds.
    pub fn balance(&self, address: &Pubkey) -> u64 {
        let held = self.account(address).and_then(|found| account::token(&found.owner, &found.data).ok());
        held.map_or(0, |held| held.amount)
    }

    /// What the program says about a vault. The client must say the same of the decoded accounts.
    pub fn health(&self, vault: &Pubkey) -> HealthView {
        let instruction = self.builds(|market| market.view_health(vault));
        let receipt = self.sends(&[instruction], &[&self.payer()]).expect("a view");
        let view = HealthView::try_from_slice(&receipt.return_data).expect("a health view");
        let now = u64::try_from(self.now()).expect("after 1970");
        assert_eq!(view, snapshot::health(&self.market(), &self.vault(vault), now), "program and client disagree");
        view
    }
}

/// The tokens that this many dollars are at the starting price.
fn worth(token: &Token, dollars: u64) -> Money {
    let price = u128::from(units(token.price, 12));
    let scaled = u128::from(dollars) * 10u128.pow(12 + u32::from(token.decimals));
    native(token.symbol, u64::try_from(scaled / price).expect("fits 64 bits"))
}
