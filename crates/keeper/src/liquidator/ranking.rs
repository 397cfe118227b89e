//! Which vaults come first. To plan a vault takes milliseconds, and in a crash there are hundreds for a handful of places at
//! the desk: what a vault would bring is remembered until it or a price changes, and only who gets a place is planned anew.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ballast_client::Pubkey;
use ballast_client::risk::price::Price;

/// Purse, pools and interest change what a vault would bring a little all the time, and from nothing to something at times.
const KEPT: Duration = Duration::from_secs(10);

/// What a vault would bring.
struct Rank {
    /// The slot in which the vault was seen.
    slot: Option<u64>,
    at: Instant,
    /// Micro-dollars; `None` where nothing pays.
    profit: Option<i64>,
}

/// What is known at the present prices.
#[derive(Default)]
pub struct Ranking {
    prices: Vec<Option<Price>>,
    ranks: HashMap<Pubkey, Rank>,
}

impl Ranking {
    /// Forgets everything if one of the prices has moved, and what is old in any case.
    pub fn renew(&mut self, prices: Vec<Option<Price>>, now: Instant) {
        if prices == self.prices {
            self.ranks.retain(|_, rank| now.saturating_duration_since(rank.at) < KEPT);
        } else {
            self.ranks.clear();
            self.prices = prices;
        }
    }

    /// What a vault would bring (`None`: nothing pays), if that is known of the vault as it was seen in this slot.
    pub fn known(&self, vault: &Pubkey, slot: Option<u64>) -> Option<Option<i64>> {
        self.ranks.get(vault).filter(|rank| rank.slot == slot).map(|rank| rank.profit)
    }

    pub fn remember(&mut self, vault: Pubkey, slot: Option<u64>, profit: Option<i64>, at: Instant) {
        self.ranks.insert(vault, Rank { slot, at, profit });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_holds_until_the_vault_or_a_price_changes_or_it_is_old() {
        let (now, vault) = (Instant::now(), Pubkey::new_from_array([1; 32]));
        let price = |dollars| Price::from_decimal_floor(dollars, 0, 6).ok();
        let mut ranking = Ranking::default();
        ranking.renew(vec![price(1)], now);
        ranking.remember(vault, Some(7), Some(5), now);
        assert_eq!(ranking.known(&vault, Some(7)), Some(Some(5)));
        assert_eq!(ranking.known(&vault, Some(8)), None);
        ranking.renew(vec![price(1)], now + KEPT - Duration::from_millis(1));
        assert_eq!(ranking.known(&vault, Some(7)), Some(Some(5)));
        ranking.renew(vec![price(1)], now + KEPT);
        assert_eq!(ranking.known(&vault, Some(7)), None);
        ranking.remember(vault, Some(7), None, now);
        assert_eq!(ranking.known(&vault, Some(7)), Some(None));
        ranking.renew(vec![price(2)], now);
        assert_eq!(ranking.known(&vault, Some(7)), None);
    }
}
