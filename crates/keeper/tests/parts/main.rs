//! One binary: the network's crates take seconds to link.

mod metrics;
