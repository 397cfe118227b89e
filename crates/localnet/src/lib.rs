//! A local network that behaves like a public one with the protocol on it: the program, a seeded market, a crowd of
//! vaults, and a price feed that moves.
//!
//! `network` runs it, `market` and `actors` fill it, `prices` says what happens to it, `oracle` publishes that.

pub mod actors;
pub mod catalogue;
pub mod market;
pub mod network;
pub mod oracle;
pub mod plan;
pub mod prices;
pub mod random;
pub mod sizing;
