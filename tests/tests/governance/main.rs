//! Governance as a whole: the parameter table, what values must fulfil together, stolen keys, and the promise that nobody is
//! liquidated by surprise. What each instruction does by itself stands under `instructions`.

mod crowd;
mod drill;
mod harmless;
mod judge;
mod moves;
mod pairs;
mod play;
mod promises;
mod random;
mod slope;
mod stolen;
mod surprise;
mod table;
mod thief;
mod waits;
