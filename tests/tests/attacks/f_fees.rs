//! F01: the issuer takes a fee of every transfer, and raises it after the token was listed. What arrives is booked.

use ballast_client::event::{Action, Liquidated, PositionChanged, ReserveFunded};
use ballast_client::token::TOKEN_2022;
use ballast_tests::token22::{EXTENDED, Extension, withheld_in_account};
use ballast_tests::*;

const MEMO_V1: Pubkey = Pubkey::from_str_const("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo");
/// No limit for a single transfer.
const UNLIMITED: u64 = u64::MAX;

/// A stocked market whose token had no fee when it was listed.
fn market() -> Fixture {
    Fixture::with_extensions(&[Extension::TransferFee { bps: 0, most: 0 }])
}

/// The same, one percent and two epochs later.
fn one_percent() -> Fixture {
    let market = market();
    market.lets_fee_begin(EXTENDED, 100, UNLIMITED);
    market
}

fn token(units: u64) -> Money {
    native(EXTENDED, units)
}

/// As the token program counts it: rounded up, up to the limit.
fn withheld(gross: u64, bps: u64, most: u64) -> u64 {
    u64::try_from((u128::from(gross) * u128::from(bps)).div_ceil(10_000)).unwrap().min(most)
}

/// The least that has to be sent so that this much arrives, by trying.
fn gross(net: u64, bps: u64, most: u64) -> u64 {
    (net..).find(|gross| gross - withheld(*gross, bps, most) >= net).unwrap()
}

fn in_custody(market: &Fixture) -> u64 {
    market.balance(&market.custody(EXTENDED))
}

/// What a deposit takes from the wallet and what it books; custody got as much.
fn deposited(alice: &Actor, offered: u64) -> (u64, u64) {
    let market = &alice.fixture;
    let (wallet, custody, held) = (alice.balance(EXTENDED), in_custody(market), alice.deposited(EXTENDED));
    let event: PositionChanged = alice.deposits(token(offered)).unwrap().event();
    assert_eq!(in_custody(market) - custody, event.amount);
    assert_eq!(alice.deposited(EXTENDED) - held, event.amount);
    (wallet - alice.balance(EXTENDED), event.amount)
}

#[test]
fn atk_f01_a_fee_that_the_issuer_sets_after_listing_begins_two_epochs_later() {
    let market = market();
    let alice = market.actor("alice", &[token(10_000)]);
    assert_eq!(market.fee(EXTENDED).arrives_floor(1_000).unwrap(), 1_000);
    assert_eq!(deposited(&alice, 1_000), (1_000, 1_000));
    market.sets_fee(EXTENDED, 100, UNLIMITED);
    market.passes_epochs(1);
    assert_eq!(deposited(&alice, 1_000), (1_000, 1_000));
    market.passes_epochs(1);
    assert_eq!(deposited(&alice, 1_000), (1_000, 990));
    // An older fee is in force until a newer one begins.
    market.sets_fee(EXTENDED, 1_000, UNLIMITED);
    market.passes_epochs(1);
    assert_eq!(deposited(&alice, 1_000), (1_000, 990));
    market.passes_epochs(1);
    assert_eq!(deposited(&alice, 1_000), (1_000, 900));
    assert_eq!(alice.deposited(EXTENDED), 5 * 1_000 - 10 - 10 - 100);
}

#[test]
fn atk_f01_a_token_with_a_fee_from_the_start_is_listed() {
    let market = Fixture::with_extensions(&[Extension::TransferFee { bps: 250, most: 1_000_000 }]);
    let alice = market.actor("alice", &[token(10_000)]);
    assert_eq!(deposited(&alice, 10_000), (10_000, 9_750));
}

/// Every fee, against every amount: exactly what arrives is booked, and nobody sends more than he named nor more than it
/// takes.
#[test]
fn atk_f01_to_the_unit_for_any_fee_and_amount() {
    let market = market();
    let alice = market.actor("alice", &[token(u64::MAX / 64)]);
    for (bps, most) in [(1, UNLIMITED), (99, 3), (100, UNLIMITED), (3_333, UNLIMITED), (9_999, 70), (10_000, 5)] {
        market.lets_fee_begin(EXTENDED, bps, most);
        for offered in [2, 3, 7, 99, 100, 101, 199, 10_000, 10_001, 123_457, 1_000_003] {
            let net = offered - withheld(offered, bps.into(), most);
            if net == 0 {
                expect_refusal(alice.deposits(token(offered)), BallastError::AmountTooSmall);
                continue;
            }
            let least = gross(net, bps.into(), most);
            assert!(least <= offered);
            assert_eq!(deposited(&alice, offered), (least, net), "{offered} at {bps}");
            let fee = market.fee(EXTENDED);
            assert_eq!((fee.arrives_floor(offered).unwrap(), fee.payment(net).unwrap().sent), (net, least));
        }
    }
    // The largest amounts too.
    let offered = alice.balance(EXTENDED);
    let (sent, booked) = deposited(&alice, offered);
    assert_eq!((sent, booked), (offered, offered - 5));
}

#[test]
fn atk_f01_where_nothing_arrives_nothing_is_booked() {
    let market = one_percent();
    let alice = market.actor("alice", &[token(1_000_000), sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(token(100_000)).unwrap();
    // A fee is at least one unit: it eats what is no more than that, again and again if somebody likes.
    for money in [token(1), token(1)] {
        expect_refusal(alice.repays(money), BallastError::AmountTooSmall);
        expect_refusal(alice.deposits(money), BallastError::AmountTooSmall);
        expect_refusal(alice.funds(money), BallastError::AmountTooSmall);
    }
    market.lets_fee_begin(EXTENDED, 10_000, UNLIMITED);
    expect_refusal(alice.repays(token(1_000_000)), BallastError::AmountTooSmall);
    expect_refusal(alice.deposits(token(1_000_000)), BallastError::AmountTooSmall);
    expect_refusal(alice.funds(token(1_000_000)), BallastError::AmountTooSmall);
    // Nor does the receiver get anything of what he takes out.
    let before = alice.balance(EXTENDED);
    alice.borrows(token(1_000)).unwrap();
    assert_eq!(alice.balance(EXTENDED), before);
    assert_eq!(alice.owes(EXTENDED), 101_000);
}

#[test]
fn atk_f01_many_small_payments_book_no_more_than_arrives() {
    let market = one_percent();
    let alice = market.actor("alice", &[token(1_000), sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(token(1_000)).unwrap();
    let custody = in_custody(&market);
    for _ in 0..100 {
        // Three units, one of them for the issuer.
        alice.repays(token(3)).unwrap();
    }
    assert_eq!(alice.owes(EXTENDED), 1_000 - 200);
    assert_eq!(in_custody(&market) - custody, 200);
}

#[test]
fn atk_f01_what_leaves_custody_is_booked_and_the_receiver_bears_the_fee() {
    let market = one_percent();
    let alice = market.actor("alice", &[token(10_000), sol("100")]);
    alice.deposits(sol("100")).unwrap();
    let before = in_custody(&market);

    let event: PositionChanged = alice.borrows(token(5_000)).unwrap().event();
    assert_eq!((event.amount, alice.owes(EXTENDED), alice.balance(EXTENDED)), (5_000, 5_000, 10_000 + 4_950));
    assert_eq!(before - in_custody(&market), 5_000);

    let bob = market.actor("bob", &[token(10_000)]);
    bob.deposits(token(10_000)).unwrap();
    let event: PositionChanged = bob.withdraws(token(900)).unwrap().event();
    assert_eq!((event.amount, bob.balance(EXTENDED), bob.deposited(EXTENDED)), (900, 891, 9_000));
    bob.withdraws_all(EXTENDED).unwrap();
    assert_eq!((bob.balance(EXTENDED), bob.deposited(EXTENDED)), (891 + 8_910, 0));
}

#[test]
fn atk_f01_a_repayment_names_what_it_sends_and_takes_no_more_than_the_debt_needs() {
    let market = one_percent();
    let alice = market.actor("alice", &[token(1_000_000), sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(token(100_000)).unwrap();
    let wallet = alice.balance(EXTENDED);

    let event: PositionChanged = alice.repays(token(10_000)).unwrap().event();
    assert_eq!((event.action, event.amount, alice.owes(EXTENDED)), (Action::Repay, 9_900, 90_100));
    assert_eq!(wallet - alice.balance(EXTENDED), 10_000);

    // As much as is owed is not enough: the fee comes on top.
    alice.repays(token(90_100)).unwrap();
    assert_eq!(alice.owes(EXTENDED), 901);
    // More than enough is not taken.
    let wallet = alice.balance(EXTENDED);
    let event: PositionChanged = alice.repays(token(500_000)).unwrap().event();
    assert_eq!((event.amount, alice.owes(EXTENDED)), (901, 0));
    assert_eq!(wallet - alice.balance(EXTENDED), gross(901, 100, UNLIMITED));

    // The same by a deposit, whose rest stays one.
    alice.borrows(token(5_000)).unwrap();
    let wallet = alice.balance(EXTENDED);
    let event: PositionChanged = alice.deposits(token(10_000)).unwrap().event();
    assert_eq!((event.amount, alice.deposited(EXTENDED)), (9_900, 4_900));
    assert_eq!(wallet - alice.balance(EXTENDED), 10_000);
}

#[test]
fn atk_f01_anybody_pays_for_others_and_gives_to_the_reserve_what_arrives() {
    let market = one_percent();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(token(1_000)).unwrap();
    let bob = market.actor("bob", &[token(10_000)]);
    bob.repays_for(&alice, token(9_000)).unwrap();
    assert_eq!((alice.owes(EXTENDED), bob.balance(EXTENDED)), (0, 10_000 - gross(1_000, 100, UNLIMITED)));

    let (cash, wallet) = (market.asset(EXTENDED).cash, bob.balance(EXTENDED));
    let event: ReserveFunded = bob.funds(token(5_000)).unwrap().event();
    assert_eq!((event.amount, market.asset(EXTENDED).cash - cash), (4_950, 4_950));
    assert_eq!(wallet - bob.balance(EXTENDED), 5_000);
}

#[test]
fn atk_f01_a_liquidator_names_what_he_sends_and_is_credited_what_arrives() {
    let market = one_percent();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(token(1_000_000_000)).unwrap();
    market.price_moves("SOL", "115");
    let bob = market.actor("bob", &[token(2_000_000_000)]);

    let (wallet, custody) = (bob.balance(EXTENDED), in_custody(&market));
    let event: Liquidated = bob.liquidates(&alice, token(10_000_000), "SOL").unwrap().event();
    assert_eq!((event.repaid, wallet - bob.balance(EXTENDED)), (9_900_000, 10_000_000));
    assert_eq!(in_custody(&market) - custody, 9_900_000);
    assert_eq!(bob.balance("SOL"), event.seized);
    expect_refusal(bob.liquidates(&alice, token(1), "SOL"), BallastError::LiquidationTooSmall);

    // Up to the target, no more is sent than the repayment needs.
    let (wallet, custody) = (bob.balance(EXTENDED), in_custody(&market));
    let event: Liquidated = bob.liquidates(&alice, token(2_000_000_000), "SOL").unwrap().event();
    assert!(event.repaid < 1_000_000_000);
    let sent = wallet - bob.balance(EXTENDED);
    assert_eq!(
        (sent, in_custody(&market) - custody),
        (market.fee(EXTENDED).payment(event.repaid).unwrap().sent, event.repaid)
    );
    assert_eq!(sent - event.repaid, withheld(sent, 100, UNLIMITED));
}

#[test]
fn atk_f01_from_what_is_seized_the_fee_is_withheld() {
    let market = one_percent();
    let alice = market.actor("alice", &[token(2_000_000_000)]);
    alice.deposits(token(2_000_000_000)).unwrap();
    alice.borrows(usdc("13000")).unwrap();
    market.price_moves(EXTENDED, "7.8");
    let bob = market.actor("bob", &[usdc("1000")]);
    let (custody, held) = (in_custody(&market), alice.deposited(EXTENDED));
    let event: Liquidated = bob.liquidates(&alice, usdc("1000"), EXTENDED).unwrap().event();
    assert_eq!(custody - in_custody(&market), event.seized);
    assert!(held - alice.deposited(EXTENDED) == event.seized);
    assert_eq!(bob.balance(EXTENDED), event.seized - withheld(event.seized, 100, UNLIMITED));
}

#[test]
fn atk_f01_a_fee_of_the_whole_stops_repayments_but_no_takeover() {
    let market = market();
    let alice = market.actor("alice", &[sol("100")]);
    alice.deposits(sol("100")).unwrap();
    alice.borrows(token(1_000_000_000)).unwrap();
    let bob = market.actor("bob", &[token(1_000_000_000), usdc("100000")]);
    bob.deposits(usdc("100000")).unwrap();
    market.price_moves("SOL", "115");
    market.lets_fee_begin(EXTENDED, 10_000, UNLIMITED);
    expect_refusal(bob.liquidates(&alice, token(1_000_000_000), "SOL"), BallastError::LiquidationTooSmall);
    let event: Liquidated = bob.takes_over(&alice, token(100_000_000), "SOL").unwrap().event();
    assert_eq!(event.repaid, 100_000_000);
}

/// Fees are withheld in custody as well. They are not in its amount, and the issuer takes no more than them.
#[test]
fn atk_f01_fees_withheld_in_custody_are_not_in_the_books() {
    let market = one_percent();
    let alice = market.actor("alice", &[token(1_000_000)]);
    alice.deposits(token(1_000_000)).unwrap();
    let custody = market.custody(EXTENDED);
    let (held, books) = (market.balance(&custody), market.account(&market.market_address()));
    assert_eq!(withheld_in_account(&market.account(&custody).unwrap().data), 10_000);
    market.harvests_fees(EXTENDED, &custody);
    assert_eq!(withheld_in_account(&market.account(&custody).unwrap().data), 0);
    assert_eq!((market.balance(&custody), market.account(&market.market_address())), (held, books));
    alice.withdraws_all(EXTENDED).unwrap();
}

/// The program does not believe a token program that says nothing and moves nothing.
#[test]
fn atk_f01_what_is_booked_has_arrived() {
    let market = one_percent();
    let alice = market.actor("alice", &[token(1_000_000)]);
    // Tokens beyond the books would hide that a deposit did not come.
    market.donates(token(1_000_000));
    let asset = market.asset(EXTENDED);
    assert!(in_custody(&market) >= asset.cash + 100);
    // The first memo program accepts any text, and the bytes of such a transfer are one.
    let memo = market.account(&MEMO_V1).expect("a program");
    market.world_mut().svm.add_program_with_loader(TOKEN_2022, &memo.data, memo.owner).expect("a program");
    let refusal = expect_refusal(alice.deposits(token(99)), BallastError::CustodyShort);
    assert!(refusal.logs.contains(&format!("Program {TOKEN_2022} success")), "{:#?}", refusal.logs);
    market.counts_no_books();
}
