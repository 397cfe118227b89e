//! The parts of the demo that need no network. One binary: the network's crates take seconds to link.

mod args;
mod meter;
