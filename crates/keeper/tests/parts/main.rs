//! One binary: the network's crates take seconds to link.

mod config;
mod executor;
mod logging;
mod metrics;
mod prices;
mod server;
