//! Attacks on other systems, tried on this one. Names carry the identifiers of the catalogue in the project's notes
//! (`atk_a02_...`); what concerns a single instruction stands in its file under `instructions`.
//!
//! A01 and B01 to B05 are those of flash loans, receiverships and the sysvar that both are seen in: `in_flight` has the table of
//! states and instructions, `introspection` the shapes of transactions. A21 are cells of that table and of those shapes. B06 and
//! B07 are searched for in `scenarios`.
//!
//! Entries that cannot apply, or are not here, and why:
//!
//! * G01, G03 to G07: in the tests of governance. A19 is a matter of the release.
//! * A05, A20: the only programs called are the token programs stored with the asset; a token with a hook does not move.
//! * A08, C05, C16: nothing caches a total, no price is derived from a balance, there are no rewards.
//! * A13: the one list of accounts is that of `refresh_prices`, see there.
//! * D13: no source reads an average of others; such an account is refused (`atk_d13`).
//! * E07, E08 and E10: in the tests of losses and of limits, under `instructions`.

mod accounting;
mod catalogue;
mod crowd;
mod d_oracle_age;
mod d_oracle_composition;
mod d_oracle_guards;
mod d_oracle_numbers;
mod d_oracle_pump;
mod d_oracle_updates;
mod duplicates;
mod f_extensions;
mod f_fees;
mod f_tokens;
mod in_flight;
mod introspection;
mod liquidation;
mod malformed;
mod positions;
mod probe;
mod rules_in_flight;
mod signers;
mod substitution;
