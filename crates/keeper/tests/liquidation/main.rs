//! Finding what can be liquidated, and choosing how. One binary: the network's crates take seconds to link.

mod crowd;
mod index;
mod node;
mod refreshes;
mod rounds;
mod strategy;
mod ticks;
