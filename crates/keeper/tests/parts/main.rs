//! One binary: the network's crates take seconds to link.

mod config;
mod executor;
mod hermes;
mod logging;
mod metrics;
mod observability;
mod prices;
mod program;
mod server;
mod stream;
