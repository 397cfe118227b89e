//! The command line through its binary, against a local network: results, exit codes, refusals.

mod gov;
mod price;
mod markets;
mod migrations;
mod signing;
mod stage;
