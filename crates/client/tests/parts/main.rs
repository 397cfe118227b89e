//! One binary: what the client says of accounts, instructions and transactions, without a network.

mod account;
mod decode;
mod error;
mod prices;
mod transaction;
