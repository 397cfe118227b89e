//! The examples of `crates/cluster`, carried out: what they print is so, and what they build does what it says.

use std::path::Path;

use ballast_client::StateView;
use ballast_cluster::books::{Books, read_clock};
use ballast_localnet::catalogue::USDC;
use ballast_localnet::feed;
use ballast_localnet::prices::generated;
use ballast_localnet::stage::{Opening, Stage};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use solana_signer::Signer;

use crate::PROGRAM;

// Their `main` is not called here.
#[allow(dead_code)]
#[path = "../../../cluster/examples/build_liquidation.rs"]
mod build_liquidation;
#[allow(dead_code)]
#[path = "../../../cluster/examples/preview_loan.rs"]
mod preview_loan;
#[allow(dead_code)]
#[path = "../../../cluster/examples/read_market.rs"]
mod read_market;

async fn books(stage: &Stage) -> Books {
    Books::read(&stage.network.connection, stage.site.market).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_read_a_market_foresee_a_loan_and_build_a_liquidation_that_lands() {
    let path = generated::path(7);
    let first = &path.frames[0];
    let opening = Opening { program: Path::new(PROGRAM), vaults: 64, seed: 7, first };
    let stage = Stage::set(&opening, |_| ()).await.unwrap();
    let (url, market) = (stage.network.rpc_url(), stage.site.market.to_string());
    let keeper = stage.keeper.pubkey();

    let read = read_market::read_market(url, &market).await.unwrap();
    assert!(read.lines().next().unwrap().ends_with("12 assets, 67 vaults"), "{read}");
    assert!(
        read.contains(" $168.400000  deposits ")
            && read.ends_with("Healthy: 67\nRestricted: 0\nLiquidatable: 0\nInsolvent: 0\nUnpriced: 0"),
        "{read}"
    );
    assert!(read_market::read_market(url, "somewhere").await.is_err());
    assert!(build_liquidation::build_liquidation(url, &market, &keeper.to_string()).await.unwrap().is_none());

    let vault = stage.crowd.borrowers[0].vault.to_string();
    let asset = u8::try_from(USDC).unwrap();
    let small = preview_loan::preview_loan(url, &vault, asset, 1_000_000).await.unwrap();
    let much = preview_loan::preview_loan(url, &vault, asset, 1_000_000_000_000).await.unwrap();
    assert!(small.starts_with("before  Healthy") && small.contains("\naccepted\nasset "), "{small}");
    assert!(much.contains("\nrefused: BelowInitMargin"), "{much}");

    // In the trough of the crash there is something to do; it is signed and sent as it was printed.
    let connection = &stage.network.connection;
    let now = i64::try_from(read_clock(connection).await.unwrap()).unwrap();
    stage.network.travel(now + 10).await.unwrap();
    feed::publish(&stage.network, &stage.site.feeds, first, &path.frames[path.trough()]).await.unwrap();
    stage.site.refresh(connection, &stage.site.payer).await.unwrap();
    let found = build_liquidation::build_liquidation(url, &market, &keeper.to_string()).await.unwrap().unwrap();
    let [vault, moved] = &found.lines;
    let before = books(&stage).await;
    let (address, owed) = before.vaults.iter().find(|(address, _)| vault.contains(&address.to_string())).unwrap();
    let state = before.health(owed).state;
    assert!(matches!(state, StateView::Liquidatable | StateView::Insolvent), "{state:?}");
    let message = BASE64_STANDARD.decode(&found.message).unwrap();
    // One signature, then the message.
    let transaction = [&[1], stage.keeper.sign_message(&message).as_ref(), &message].concat();
    let sent =
        serde_json::json!([BASE64_STANDARD.encode(transaction), { "encoding": "base64", "skipPreflight": true }]);
    connection.call("sendTransaction", sent).await.unwrap();
    let after = books(&stage).await;
    let (_, now) = after.vaults.iter().find(|(other, _)| other == address).unwrap();
    let asset: u8 = moved.split_whitespace().nth(4).unwrap().trim_end_matches(',').parse().unwrap();
    assert!(now.holding(asset).shares < owed.holding(asset).shares, "{moved}");
}
