//! One cluster, whichever it is, over JSON-RPC: what the command line, the keeper and the local network share.
//!
//! `books` reads a market with its vaults, `sending` sends one transaction with care and `fate` says what became of it,
//! `connection` sends many at once, `decimal` and `text` are numbers as people write and read them, `definition` is a market
//! as data.

pub mod books;
pub mod connection;
pub mod decimal;
pub mod definition;
pub mod fate;
pub mod sending;
pub mod text;
