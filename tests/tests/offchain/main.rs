//! What the client says off-chain about prices and changes, beside what the program then does: the same, to the unit.

mod diff;
mod impact;
mod prices;
