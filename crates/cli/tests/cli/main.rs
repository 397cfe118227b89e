//! The command line through its binary, against a local network: results, exit codes, refusals.

mod gov;
mod markets;
mod migrations;
mod message;
mod price;
mod signing;
mod stage;
