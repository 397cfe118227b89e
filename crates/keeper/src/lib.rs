//! The keeper as a library, so that its parts can be tested: everything but reading the command line and the exit code.
//!
//! | room | what it does |
//! |---|---|
//! | `clock` | time, which tests can move on |
//! | `config`, `secret` | the configuration, and the secrets that it names |
//! | `desk` | the one place that signs |
//! | `endpoints` | several nodes, of which none is believed alone |
//! | `journal` | what may still land, written down before it is sent |
//! | `index` | the market and its vaults in memory, and which of them can be liquidated |
//! | `liquidator` | ranks what can be liquidated, hands it to the desk, counts what it brought |
//! | `prices` | keeping the prices of the market fresh |
//! | `executor` | carrying out changes of the market that are due |
//! | `logging`, `metrics`, `server` | what can be seen from outside |
//! | `strategy` | how to liquidate one vault: all plans that pay, the best first |
//! | `rounds` | the main loop, from the configuration to an orderly end |
//! | `stream` | where accounts come from: polling and subscriptions |
//! | `updates` | what every source of accounts delivers |

pub mod clock;
pub mod config;
pub mod desk;
pub mod endpoints;
pub mod executor;
pub mod index;
pub mod journal;
pub mod liquidator;
pub mod logging;
pub mod metrics;
pub mod prices;
pub mod rounds;
pub mod secret;
pub mod server;
pub mod strategy;
pub mod stream;
pub mod updates;
