//! One binary: the network's crates take seconds to link.

mod config;
mod logging;
mod metrics;
mod server;
