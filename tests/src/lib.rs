//! What the tests share: a market on the compiled program in a virtual machine, and people who use it.
//!
//! A scenario reads as prose: a [`Fixture`] is a network with one market and fresh prices, an [`Actor`] has a wallet
//! and a vault, [`Money`] is an amount of a named asset, and [`expect_refusal`] checks that a refused transaction has
//! the expected reason and changed nothing. When a fixture goes out of scope, every token and every share on the
//! network is counted ([`Fixture::conservation`]).

pub mod actor;
pub mod assets;
pub mod caller;
pub mod conservation;
pub mod drill;
pub mod errors;
pub mod fixture;
pub mod golden;
pub mod governance;
pub mod model;
pub mod money;
pub mod oracle;
pub mod outcome;
pub mod prices;
pub mod random;
pub mod slots;
pub mod token22;
pub mod vault;
pub mod world;

pub use actor::Actor;
pub use anchor_lang::error::ErrorCode;
pub use ballast_client as client;
pub use ballast_client::{BallastError, Doubt, Pubkey};
pub use fixture::Fixture;
pub use money::*;
pub use outcome::{Fault, Outcome, Receipt, Refusal, expect_refusal, expect_withheld};
pub use solana_keypair::Keypair;
pub use solana_signer::Signer;

/// The compiled program.
pub const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/deploy/ballast.so");

/// A key pair that is the same in every run, so that addresses, and with them compute units, do not vary.
pub fn key(name: &str) -> Keypair {
    let mut state = 0xcbf2_9ce4_8422_2325u64;
    let mut seed = [0u8; 32];
    for round in 0..32 {
        for byte in name.bytes().chain([round]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        seed[usize::from(round)] = (state >> 32) as u8;
    }
    Keypair::new_from_array(seed)
}

/// The address of [`key`].
pub fn address(name: &str) -> Pubkey {
    key(name).pubkey()
}
