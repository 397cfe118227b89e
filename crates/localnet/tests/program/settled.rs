//! A crowd that was written, not sent: its books are those that transactions would have left.

use std::path::Path;

use ballast_client::{StateView, instruction};
use ballast_cluster::books::{Books, read_clock};
use ballast_cluster::connection::Job;
use ballast_localnet::audit::conservation;
use ballast_localnet::feed;
use ballast_localnet::prices::generated;
use ballast_localnet::stage::{Opening, Stage};
use solana_signer::Signer;

use crate::PROGRAM;

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_crowd_has_books_that_add_up_and_the_program_goes_on_with_them() {
    let path = generated::path(7);
    let opening = Opening { program: Path::new(PROGRAM), vaults: 200, seed: 7, first: &path.frames[0] };
    let stage = Stage::set(&opening, |_| ()).await.unwrap();
    let (network, site, connection) = (&stage.network, &stage.site, &stage.network.connection);
    let books = Books::read(connection, site.market).await.unwrap();
    assert_eq!(books.vaults.len(), 203);
    for (address, vault) in &books.vaults {
        assert_eq!(books.health(vault).state, StateView::Healthy, "{address}");
    }

    // The program takes a deposit, a withdrawal and a loan of somebody who was settled, and of somebody who comes now.
    let borrower = &stage.crowd.borrowers[0];
    let owner = borrower.key.pubkey();
    let reference = books.reference();
    let held = borrower.deposits[0];
    let withdraw = reference.withdraw(&owner, &borrower.vault, u8::try_from(held.0).unwrap(), Some(held.1 / 1_000));
    let fund = site.fund(&owner, held.0, 0);
    connection.send(Job::new("token account", fund, &[&site.payer])).await.unwrap();
    connection.send(Job::new("withdrawal", vec![withdraw], &[&borrower.key])).await.unwrap();
    let user = stage.user.pubkey();
    let vault = ballast_client::address::vault(&site.market, &user, 0);
    let moves = vec![
        instruction::open_vault(&user, &user, &site.market, 0),
        reference.deposit(&user, &vault, 0, 1_000_000_000),
        reference.borrow(&user, &vault, 4, 1_000_000),
    ];
    connection.send(Job::new("a new vault", moves, &[&stage.user])).await.unwrap();

    // In the trough of the crash many can be liquidated.
    let trough = &path.frames[path.trough()];
    // Time is made of blocks here: a price of the same second as the last one would not be newer.
    let now = i64::try_from(read_clock(connection).await.unwrap()).unwrap();
    network.travel(now + 10).await.unwrap();
    feed::publish(network, &site.feeds, &path.frames[0], trough).await.unwrap();
    site.refresh(connection, &site.payer).await.unwrap();
    let books = Books::read(connection, site.market).await.unwrap();
    let below = |state| matches!(state, StateView::Liquidatable | StateView::Insolvent);
    let below = books.vaults.iter().filter(|(_, vault)| below(books.health(vault).state)).count();
    assert!((20..200).contains(&below), "{below}");
    for check in conservation(connection, site, &books, &stage.wallets()).await.unwrap() {
        assert!(check.passed, "{}: {}", check.name, check.detail);
    }
}
