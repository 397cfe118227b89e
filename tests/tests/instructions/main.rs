//! One file per instruction: what it does to the unit, and every way it refuses.

mod deposit;
