//! A local network that behaves like a public one with the protocol on it: the program, a seeded market, a crowd of
//! vaults, and a price feed that moves.
//!
//! `network` runs it, `market` and `actors` fill it by transactions, `settled` writes a large crowd at once, `stage` puts that
//! together. `prices` says what happens to it, `oracle`, `written` and `feed` publish that. The program `ballast-localnet` runs it for
//! people, with the keeper beside it.

pub mod actors;
pub mod audit;
pub mod catalogue;
pub mod crash;
pub mod feed;
pub mod folder;
pub mod keeper;
pub mod market;
pub mod network;
pub mod oracle;
pub mod plan;
pub mod prices;
pub mod random;
pub mod relay;
pub mod settled;
pub mod sizing;
pub mod stage;
pub mod takings;
pub mod written;
