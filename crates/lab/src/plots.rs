//! The two plots of the book, as SVG.

mod chart;
mod correlation;
mod size;

pub use correlation::by_correlation;
pub use size::by_size;
