//! All arithmetic on money in Ballast: shares, interest, prices, requirements, liquidation.
//!
//! Pure functions from values to values, so that the program, the keeper, the command line and the tests
//! compute the same integers. No dependencies, no floats, no allocation, nothing of Solana in here.
//!
//! Three habits make it both cheap on sBPF and safe:
//!
//! * **The expensive part happens where it is written, not where it is read.** A price refresh turns price and
//!   index into a 31-bit [`price::Unit`]; a health check then costs one multiplication per position.
//! * **Bounds instead of checks.** A bound is proven once, where a value is made, has a name, and the loop that
//!   uses the value needs no overflow test. Each such bound is documented at its constant.
//! * **Rounding stands in the name.** `_floor` and `_ceil`; what a user owns rounds down, what he owes rounds up.
//!
//! `risk-model` section numbers in the comments refer to the model page in the docs of the project.
#![no_std]
#![forbid(unsafe_code)]

pub mod breaker;
pub mod confidence;
pub mod error;
pub mod exposure;
pub mod fixed;
pub mod haircut;
pub mod health;
pub mod holding;
pub mod interest;
pub mod line;
pub mod liquidation;
pub mod model;
pub mod outflow;
pub mod params;
pub mod portfolio;
pub mod price;
pub mod ramp;
pub mod receivership;
pub mod scenario;
pub mod sheet;
pub mod sizing;
pub mod staking;
pub mod table;
pub mod units;
pub mod variance;

pub use error::{Error, Result};
pub use units::{Amount, Fraction, Index, Rate, Shares, Usd};
