//! The demo as a library, so that its parts can be tested: everything but reading the command line and the exit code.
//!
//! One room per file. `prices` says what happens to the market, `network` runs it, `actors` and `plan` fill it,
//! `keeper` defends it, `checks` and `report` say what came of it.

pub mod actors;
pub mod args;
pub mod books;
pub mod catalogue;
pub mod checks;
pub mod decimal;
pub mod exits;
pub mod keeper;
pub mod market;
pub mod meter;
pub mod network;
pub mod oracle;
pub mod plan;
pub mod play;
pub mod prices;
pub mod progress;
pub mod random;
pub mod report;
pub mod rpc;
pub mod run;
pub mod sizing;
pub mod states;
pub mod text;
