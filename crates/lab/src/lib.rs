//! The figures and plots of the book in `docs`, computed with the functions that the program decides with.
//!
//! Nothing here is a second model: [`inputs`] is a table that people read, [`market`] turns it into what a health check
//! reads, and every figure is an answer of `ballast_risk`. Floats only place points on paper.
//!
//! Equal inputs give equal bytes, on every machine: no time, no random numbers, no function of the C library except the
//! square root, which is exact to the last bit everywhere. So the files are committed, and a test compares them.

pub mod files;
pub mod inputs;
pub mod market;
pub mod plots;
pub mod tables;
pub mod text;
