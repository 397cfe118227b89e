//! One binary: the network's crates take seconds to link.

mod connection;
mod decimal;
mod fate;
mod text;
