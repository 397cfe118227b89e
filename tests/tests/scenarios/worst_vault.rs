//! The vault that is hardest to liquidate of all that a borrower can build: all 32 positions, tokens of Token-2022 that carry every
//! extension they may, a market with netting and scenarios, and a liquidator who has none of the token accounts yet.
//!
//! The bounds are those of the network: 200,000 compute units are what an instruction gets unasked, 1,232 bytes a legacy
//! transaction, 64 accounts what one may lock, 32 KiB the heap of a program that asks for no more; none of these transactions asks
//! for anything.

use ballast_client::StateView;
use ballast_client::event::{Liquidated, ReceivershipEnded};
use ballast_client::token::{self, TOKEN_2022};
use ballast_tests::assets::{Token, tokens};
use ballast_tests::fixture::{DUST, MAX_TRANSACTION_BYTES};
use ballast_tests::prices::lowered;
use ballast_tests::token22::{AccountState, Extension};
use ballast_tests::*;
use solana_instruction::Instruction;

const UNITS_OF_AN_INSTRUCTION: u64 = 200_000;
const LOCKS: usize = 64;
const POSITIONS: usize = 32;

/// Every extension that a listed token may have.
const EXTENSIONS: [Extension; 8] = [
    Extension::TransferFee { bps: 50, most: u64::MAX },
    Extension::Hook(None),
    Extension::DefaultState(AccountState::Initialized),
    Extension::Interest(300),
    Extension::MetadataPointer,
    Extension::GroupPointer,
    Extension::GroupMemberPointer,
    Extension::Pausable,
];

struct Worst {
    market: Fixture,
    alice: Actor,
    /// Has the tokens of one debt, and no account of any collateral.
    bob: Actor,
}

impl Worst {
    fn new() -> Self {
        let market = Fixture::without_market();
        market.creates_market(DUST).unwrap();
        for token in tokens(POSITIONS) {
            let token = Token { token_program: TOKEN_2022, ..token };
            market.issues(&token, &EXTENSIONS);
            market.lists(token).unwrap();
        }
        market.refreshes_all();
        market.adopts(6, 8);
        market.opens_market().unwrap();
        let market = market.stocked();
        let alice = market.actor("alice", &[]);
        let listed = market.tokens();
        for token in &listed[..POSITIONS / 2] {
            let money = market.worth(token.symbol, 10_000);
            alice.is_given(money);
            alice.deposits(money).unwrap();
        }
        for token in &listed[POSITIONS / 2..] {
            alice.borrows(market.worth(token.symbol, 6_600)).unwrap();
        }
        assert_eq!(alice.vault().used().len(), POSITIONS);
        let falls: Vec<_> = listed[..POSITIONS / 2].iter().map(|token| (token.symbol, lowered(token.price))).collect();
        market.prices_move(&falls);
        market.advances(1);
        assert!(matches!(alice.state(), StateView::Liquidatable | StateView::Insolvent), "{:?}", alice.health());
        let bob = market.newcomer("bob");
        bob.is_given(market.worth(listed[POSITIONS - 1].symbol, 1_000));
        Self { market, alice, bob }
    }

    fn symbol(&self, at: usize) -> &'static str {
        self.market.tokens()[at].symbol
    }

    /// Creates bob's account of an asset.
    fn account(&self, at: usize) -> Instruction {
        let token = self.market.token(self.symbol(at));
        token::create(&self.bob.address(), &self.bob.address(), &token.mint, &token.token_program)
    }

    /// An instruction of bob's for debts and collaterals of which he need not have an account yet.
    fn builds<T>(&self, build: impl FnOnce(client::instruction::MarketRef<'_>, Pubkey, Pubkey) -> T) -> T {
        self.market.builds(|market| build(market, self.bob.address(), self.alice.vault_address()))
    }
}

#[track_caller]
fn within_limits(receipt: &Receipt, instructions: u64) {
    println!("{} compute units, {} bytes, {} accounts", receipt.compute_units, receipt.bytes, receipt.accounts);
    assert!(receipt.compute_units <= UNITS_OF_AN_INSTRUCTION * instructions);
    assert!(receipt.bytes <= MAX_TRANSACTION_BYTES);
    assert!(receipt.accounts <= LOCKS);
}

#[test]
fn atk_e06_e16_the_worst_vault_is_liquidated_in_one_plain_transaction() {
    let worst = Worst::new();
    let debt = (POSITIONS - 1) as u8;
    let most = worst.bob.balance(worst.symbol(POSITIONS - 1));
    let liquidate = worst.builds(|market, bob, vault| market.liquidate(&bob, &vault, debt, 0, most));
    // The prices of both sides come along.
    let refresh = worst.market.refresh_instruction(&[worst.symbol(0), worst.symbol(POSITIONS - 1)]);
    let receipt = worst.bob.sends(&[worst.account(0), refresh, liquidate]).unwrap();
    within_limits(&receipt, 1);
    let event: Liquidated = receipt.event();
    assert!(event.seized > 0 && event.repaid > 0);
}

#[test]
fn atk_e06_e16_it_is_taken_over_into_a_vault() {
    let worst = Worst::new();
    let (market, bob) = (&worst.market, &worst.bob);
    bob.opens_vault().unwrap();
    let own = market.worth(worst.symbol(1), 20_000);
    bob.is_given(own);
    bob.deposits(own).unwrap();
    let into = bob.vault_address();
    let take = worst
        .builds(|market, bob, vault| market.liquidate_into(&bob, &vault, &into, (POSITIONS - 1) as u8, 0, 1_000_000));
    within_limits(&bob.sends(&[take]).unwrap(), 1);
}

#[test]
fn atk_e06_e16_it_is_administered_by_somebody_without_anything_but_a_buyer() {
    let worst = Worst::new();
    let (market, bob) = (&worst.market, &worst.bob);
    let (first, last) = (worst.symbol(0), worst.symbol(POSITIONS - 1));
    let seized = market.worth(first, 100).units;
    let [begin, end] = worst.builds(|market, bob, vault| market.receivership(&bob, &vault));
    let seize = worst.builds(|market, bob, vault| market.seize(&bob, &vault, 0, seized));
    let repay = bob.repay_for(&worst.alice, market.worth(last, 100));
    let receipt = bob.sends(&[worst.account(0), begin, seize, repay, end]).unwrap();
    within_limits(&receipt, 4);
    let event: ReceivershipEnded = receipt.event();
    assert!(event.missing_after < event.missing_before);
}

/// As many liquidations as it takes, by whoever pays for whatever; none is ever too expensive, and none makes it worse.
#[test]
fn atk_e06_e16_it_is_liquidated_to_the_end() {
    let worst = Worst::new();
    let (market, alice, bob) = (&worst.market, &worst.alice, &worst.bob);
    for token in market.tokens() {
        bob.is_given(market.worth(token.symbol, 20_000));
    }
    let mut rounds = 0;
    while matches!(alice.state(), StateView::Liquidatable | StateView::Insolvent) {
        let now = u64::try_from(market.now()).unwrap();
        let most = |asset: u8| bob.balance(worst.symbol(usize::from(asset)));
        let found = client::snapshot::liquidations(&market.market(), alice.vault_address(), &alice.vault(), now, most);
        let best = *found.first().expect("a vault that can be liquidated");
        let [pays, takes] = [best.debt_asset, best.collateral_asset].map(|asset| worst.symbol(usize::from(asset)));
        let receipt = bob.liquidates(alice, native(pays, bob.balance(pays)), takes).unwrap();
        within_limits(&receipt, 1);
        rounds += 1;
        assert!(rounds < 100);
    }
    println!("{rounds} liquidations");
}
