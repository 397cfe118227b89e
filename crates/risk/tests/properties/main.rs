//! Properties of `ballast-risk` against exact arithmetic: one module for each of its modules, and [`reference`], which is
//! written from the risk model and shares no calculation with the crate.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod reference;

mod bonus;
mod breaker;
mod change;
mod choice;
mod confidence;
mod depth;
mod dust;
mod figures;
mod fixed;
mod haircut;
mod health;
mod histories;
mod interest;
mod liquidation;
mod losses;
mod model;
mod monotone;
mod netted;
mod outflow;
mod params;
mod portfolio;
mod price;
mod ramp;
mod receivership;
mod scenario;
mod shares;
mod sheet;
mod spiral;
mod splitting;
mod staking;
mod table;
mod totality;
mod variance;
mod weights;
