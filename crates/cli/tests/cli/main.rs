//! The command line through its binary, against a local network: results, exit codes, refusals.

mod signing;
mod stage;
