//! The demo as a library, so that its parts can be tested: everything but reading the command line and the exit code.
//!
//! The network, its market, its crowd and its prices are those of `ballast-localnet`. `play` runs them, `keeper` defends
//! the market, `checks` and `report` say what came of it.

pub mod args;
pub mod checks;
pub mod exits;
pub mod keeper;
pub mod meter;
pub mod play;
pub mod progress;
pub mod report;
pub mod run;
pub mod states;
