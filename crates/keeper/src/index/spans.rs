//! Positions of all vaults in one place, each vault's in a row.

use ballast_client::MAX_POSITIONS;
use ballast_client::risk::Shares;
use ballast_client::risk::health::Side;
use ballast_client::risk::sheet::Held;

/// Positions are given room in steps of this many, so that a freed span fits the next vault.
const STEP: usize = 4;
const CLASSES: usize = MAX_POSITIONS / STEP + 1;

/// Where the positions of a vault are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u32,
    /// At most [`MAX_POSITIONS`].
    count: u8,
}

/// The positions of all vaults.
#[derive(Default)]
pub struct Spans {
    held: Vec<Held>,
    /// Starts of unused spans, by their room in steps.
    unused: [Vec<u32>; CLASSES],
}

/// Makes room for some more, an eighth of what there is at least: doubling would leave half of the memory unused at
/// worst.
pub fn grow<T>(list: &mut Vec<T>, more: usize) {
    if list.capacity() - list.len() < more {
        list.reserve_exact(more.max(list.len() / 8));
    }
}

impl Span {
    fn class(self) -> usize {
        usize::from(self.count).div_ceil(STEP)
    }

    fn start(self) -> usize {
        usize::try_from(self.start).unwrap_or(usize::MAX)
    }
}

impl Spans {
    /// The positions of a vault, at most [`MAX_POSITIONS`].
    pub fn store(&mut self, held: impl ExactSizeIterator<Item = Held>) -> Span {
        let count = u8::try_from(held.len()).unwrap_or(u8::MAX);
        let class = Span { start: 0, count }.class();
        let start = self.unused.get_mut(class).and_then(Vec::pop).unwrap_or_else(|| {
            let start = self.held.len();
            let empty = Held { shares: Shares::ZERO, asset: 0, side: Side::Deposit };
            let room = class.saturating_mul(STEP);
            grow(&mut self.held, room);
            self.held.resize(start.saturating_add(room), empty);
            u32::try_from(start).unwrap_or(u32::MAX)
        });
        let span = Span { start, count };
        let room = self.held.get_mut(span.start()..).unwrap_or_default();
        for (slot, held) in room.iter_mut().zip(held) {
            *slot = held;
        }
        span
    }

    pub fn free(&mut self, span: Span) {
        if let Some(unused) = self.unused.get_mut(span.class()) {
            unused.push(span.start);
        }
    }

    pub fn of(&self, span: Span) -> &[Held] {
        let start = span.start();
        self.held.get(start..start.saturating_add(usize::from(span.count))).unwrap_or_default()
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        let unused: usize = self.unused.iter().map(Vec::capacity).sum();
        self.held.capacity() * size_of::<Held>() + unused * size_of::<u32>()
    }
}
