//! The table of positions, and vaults that are closed and opened again.

use ballast_client::MAX_POSITIONS;
use ballast_client::event::Action;
use ballast_tests::slots::transfer;
use ballast_tests::*;
use solana_account::Account;

#[test]
fn atk_a07a_positions_stay_packed_wherever_one_comes_or_goes() {
    let market = Fixture::with_assets(MAX_POSITIONS + 1);
    let tokens = market.tokens();
    let all: Vec<_> = tokens.iter().map(|token| token.symbol).collect();
    for count in [1, 2, 3, 5, 31, 32] {
        for at in 0..count {
            let name = format!("owner of {count} without {at}");
            let owner = market.actor(&name, &[]);
            // The odd order of arrival ends in the same sorted table.
            let order: Vec<_> = (0..count).map(|step| step * 7 % count).collect();
            let order = if order.iter().collect::<std::collections::BTreeSet<_>>().len() == count {
                order
            } else {
                (0..count).rev().collect()
            };
            let some: Vec<_> = order.iter().map(|index| native(all[*index], 1_000 + *index as u64)).collect();
            for money in &some {
                owner.is_given(*money);
            }
            for part in some.chunks(2) {
                let both: Vec<_> = part.iter().map(|money| owner.instruction(Action::Deposit, *money)).collect();
                owner.sends(&both).unwrap();
            }
            let held = |without: Option<usize>| {
                let expected = (0..count).filter(|index| Some(*index) != without);
                let expected: Vec<_> = expected.map(|index| (index as u8, 1_000 + index as u64)).collect();
                let found: Vec<_> = owner.vault().used().iter().map(|held| (held.asset, held.shares)).collect();
                assert_eq!(found, expected, "{name}");
            };
            held(None);
            owner.withdraws_all(all[at]).unwrap();
            held(Some(at));
            owner.deposits(native(all[at], 1_000 + at as u64)).unwrap();
            held(None);
        }
        market.conservation();
    }
}

#[test]
fn atk_a16_a_vault_opened_again_remembers_nothing() {
    let market = Fixture::new().stocked();
    let alice = market.actor("alice", &[sol("10"), usdc("10")]);
    alice.deposits(sol("10")).unwrap();
    alice.borrows(usdc("100")).unwrap();
    market.advances(30);
    alice.repays(native("USDC", u64::MAX)).unwrap();
    alice.withdraws_all("SOL").unwrap();
    alice.closes_vault().unwrap();
    alice.opens_vault().unwrap();
    let fresh = market.actor("somebody new", &[]);
    let (mut again, mut first) = (alice.vault(), fresh.vault());
    // Owner and bump differ, nothing else.
    (again.owner, again.bump) = (Pubkey::default(), 0);
    (first.owner, first.bump) = (Pubkey::default(), 0);
    assert_eq!(bytemuck::bytes_of(&again), bytemuck::bytes_of(&first));
}

#[test]
fn atk_a16_a_vault_closed_in_a_transaction_is_gone_in_it() {
    let market = Fixture::new();
    let alice = market.actor("alice", &[sol("10")]);
    let deposit = alice.instruction(Action::Deposit, sol("1"));

    let outcome = alice.sends(&[alice.close_vault(), deposit.clone()]);
    expect_refusal(outcome, ErrorCode::AccountOwnedByWrongProgram);

    // Lamports sent to it keep an account there, but an empty one.
    let refund = transfer(&alice.address(), &alice.vault_address(), 5_000_000);
    alice.sends(&[alice.close_vault(), refund]).unwrap();
    let left: Account = market.account(&alice.vault_address()).unwrap();
    assert_eq!((left.owner, left.data.len(), left.lamports), (Pubkey::default(), 0, 5_000_000));
    expect_refusal(alice.sends(&[deposit]), ErrorCode::AccountOwnedByWrongProgram);

    // It can be opened again, in the transaction that closes it as well.
    alice.opens_vault().unwrap();
    alice.sends(&[alice.close_vault(), alice.open_vault()]).unwrap();
    alice.deposits(sol("1")).unwrap();
}
