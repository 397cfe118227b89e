//! The commands behind `cargo xtask`, one module each, and what they share.
//!
//! A library as well as a binary, so that tests can call the same functions.

pub mod bench;
pub mod build_program;
pub mod crash;
pub mod demo;
pub mod docs;
pub mod golden;
pub mod idl;
pub mod localnet;
pub mod migrate;
pub mod mutants;
pub mod scan;
pub mod test;

mod cache;
mod host;
mod paths;
mod process;
mod registry_route;
mod tool;
