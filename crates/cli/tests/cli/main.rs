//! The command line through its binary, against a local network: results, exit codes, refusals.

mod gov;
mod leaves;
mod markets;
mod message;
mod migrations;
mod model;
mod moves;
mod options;
mod price;
mod sending;
mod signing;
mod squads;
mod stage;
mod surroundings;
mod terminal;
mod vaults;
