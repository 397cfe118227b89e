//! The commands behind `cargo xtask`, one module each, and what they share.
//!
//! A library as well as a binary, so that tests can call the same functions.

pub mod build_program;
pub mod idl;

mod cache;
mod paths;
mod process;
mod registry_route;
