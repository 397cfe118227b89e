//! The prices that the market lives through: bundled and generated, or replayed from a table.

pub mod file;
pub mod generated;
pub mod replay;
pub mod window;

use crate::catalogue::{ASSETS, COUNT, SOL};
use ballast_cluster::decimal::Decimal;

/// The prices of one moment, in the order of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Unix seconds of the source; the local network's clock runs at a constant distance from it.
    pub time: i64,
    pub prices: [Decimal; COUNT],
}

/// Prices over time, with what the report should say about them.
#[derive(Clone, Debug)]
pub struct Path {
    /// Where they come from.
    pub source: String,
    /// At least two, times rising.
    pub frames: Vec<Frame>,
    /// Stand-ins and the like.
    pub notes: Vec<String>,
}

impl Path {
    /// The deepest fall of an asset from the first frame on, as a part of its first price, and the frame of it.
    pub fn deepest(&self, asset: usize) -> (f64, usize) {
        let first = self.frames.first().map_or(1.0, |frame| frame.prices[asset].as_f64());
        let fall = |frame: &Frame| 1.0 - frame.prices[asset].as_f64() / first;
        let falls = self.frames.iter().map(fall).enumerate();
        falls.fold((0.0, 0), |best, (at, fall)| if fall > best.0 { (fall, at) } else { best })
    }

    /// The frame in which SOL stands lowest.
    pub fn trough(&self) -> usize {
        self.deepest(SOL).1
    }

    /// One line: the fall of every core asset.
    pub fn falls(&self) -> String {
        let part = |asset: usize| format!("{} -{:.1} %", ASSETS[asset].name, self.deepest(asset).0 * 100.0);
        (0..crate::catalogue::CORE).map(part).collect::<Vec<_>>().join(", ")
    }
}
