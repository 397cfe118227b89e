//! One binary: the network's crates take seconds to link.

mod config;
mod endpoints;
mod executor;
mod hermes;
mod logging;
mod metrics;
mod nodes;
mod observability;
mod prices;
mod program;
mod server;
mod source;
mod stream;
