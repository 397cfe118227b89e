//! How many transactions are under way at the same time. Each kind has a room of its own, so that liquidations that do not
//! land, when everybody liquidates, hold up neither the prices nor the changes.

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use crate::journal::Key;

/// The rooms of the desk.
pub struct Rooms {
    liquidations: Semaphore,
    prices: Semaphore,
    others: Semaphore,
}

/// Whether a transaction brings prices into the market: all that is neither a liquidation nor done once.
pub const fn is_of_prices(key: &Key) -> bool {
    !matches!(key, Key::Liquidate(_) | Key::Execute(_) | Key::Prepare(_))
}

impl Rooms {
    /// Rooms for so many transactions each, at least one.
    pub fn new(size: usize) -> Self {
        let room = || Semaphore::new(size.max(1));
        Self { liquidations: room(), prices: room(), others: room() }
    }

    const fn of(&self, key: &Key) -> &Semaphore {
        match key {
            Key::Liquidate(_) => &self.liquidations,
            key if is_of_prices(key) => &self.prices,
            _ => &self.others,
        }
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// The rooms are closed.
    pub async fn enter(&self, key: &Key) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.of(key).acquire().await
    }

    /// Nobody enters any more, not even those who wait.
    pub fn close(&self) {
        [&self.liquidations, &self.prices, &self.others].into_iter().for_each(Semaphore::close);
    }

    pub fn are_closed(&self) -> bool {
        self.liquidations.is_closed()
    }
}
