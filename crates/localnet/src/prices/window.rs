//! Which part of a long table to replay: the rows around its deepest fall.

/// Where a fall starts and where it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fall {
    pub from: usize,
    pub to: usize,
    /// The mean loss of the assets as a part of one.
    pub depth: f64,
}

/// The deepest fall of the mean of some assets within `most` rows. `None` when nothing ever falls.
pub fn deepest_fall<const N: usize>(prices: &[[f64; N]], most: usize) -> Option<Fall> {
    let loss = |from: &[f64; N], to: &[f64; N]| {
        let kept: f64 = from.iter().zip(to).map(|(from, to)| to / from).sum();
        1.0 - kept / N as f64
    };
    let mut best: Option<Fall> = None;
    for (from, start) in prices.iter().enumerate() {
        for (to, end) in prices.iter().enumerate().skip(from + 1).take(most) {
            let depth = loss(start, end);
            if depth > best.map_or(0.0, |best| best.depth) {
                best = Some(Fall { from, to, depth });
            }
        }
    }
    best
}

/// `rows` rows with the deepest fall in them: an eighth of the window before it, the rest after.
pub fn around_deepest_fall<const N: usize>(prices: &[[f64; N]], rows: usize) -> std::ops::Range<usize> {
    let rows = rows.min(prices.len());
    let before = rows / 8;
    let start =
        deepest_fall(prices, rows.saturating_sub(2 * before + 1)).map_or(0, |fall| fall.from.saturating_sub(before));
    let start = start.min(prices.len() - rows);
    start..start + rows
}
