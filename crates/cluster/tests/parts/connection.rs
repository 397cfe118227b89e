//! The connection against a real local network: what fails must not pass for done.

use std::sync::Arc;

use ballast_client::Pubkey;
use ballast_cluster::connection::{Connection, Job};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;
use surfpool_sdk::Surfnet;

const SYSTEM_PROGRAM: Pubkey = Pubkey::new_from_array([0; 32]);

/// A transfer of lamports.
fn transfer(from: &Arc<Keypair>, to: &Pubkey, lamports: u64) -> Job {
    let accounts = vec![AccountMeta::new(from.pubkey(), true), AccountMeta::new(*to, false)];
    let data = [&2u32.to_le_bytes()[..], &lamports.to_le_bytes()].concat();
    let instruction = Instruction { program_id: SYSTEM_PROGRAM, accounts, data };
    Job::new(format!("transfer of {lamports}"), vec![instruction], &[from])
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_are_confirmed_and_failures_are_named() {
    let payer = Arc::new(Keypair::new_from_array([7; 32]));
    let builder = Surfnet::builder().offline(true).payer(payer.insecure_clone()).airdrop_sol(10_000_000_000);
    let network = builder.start().await.unwrap();
    let connection = Connection::new(network.rpc_url());
    let to = Pubkey::new_from_array([9; 32]);

    // More than share a blockhash.
    let jobs: Vec<_> = (0..60).map(|extra| transfer(&payer, &to, 1_000_000 + extra)).collect();
    let receipts = connection.send_all(jobs, |_| ()).await.unwrap();
    assert_eq!(receipts.len(), 60);
    assert!(receipts.iter().all(|receipt| !receipt.logs.is_empty()));

    let too_much = transfer(&payer, &to, 11_000_000_000);
    let simulated = connection.simulate(&too_much).await.unwrap();
    assert!(simulated.error.is_some());
    let wrong = connection.send_all(vec![transfer(&payer, &to, 5_000_000), too_much], |_| ()).await.unwrap_err();
    assert!(format!("{wrong:#}").contains("transfer of 11000000000 failed"), "{wrong:#}");
}
