//! Which vaults come first. To plan a vault takes milliseconds, and in a crash there are hundreds for a handful of places at
//! the desk: what a vault would bring is remembered until it or a price changes, and only who gets a place is planned anew.
//! Until all are planned again those go first that promise most, by what was known of them or by what they owe.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use ballast_client::risk::price::Price;
use ballast_client::risk::{Amount, Shares, holding::Holding};
use ballast_client::{Market, Pubkey, Vault};

/// Purse, pools and interest change what a vault would bring a little all the time, and from nothing to something at times.
const KEPT: Duration = Duration::from_secs(10);
/// What is old is a hint for so long.
const HINTS: Duration = Duration::from_secs(120);
/// A liquidation brings about so many parts of what is liquidated: no more than an estimate of whom to plan first.
const BONUS_PARTS: u64 = 16;

/// What a vault would bring.
struct Rank {
    /// The state of the vault, `Index::vault_revision`.
    state: Option<u64>,
    /// The prices that it was planned by.
    prices: u64,
    at: Instant,
    /// Micro-dollars; `None` where nothing pays.
    profit: Option<i64>,
}

/// What is known, and by which prices.
#[derive(Default)]
pub struct Ranking {
    prices: Vec<Option<Price>>,
    /// How often the prices have changed.
    changes: u64,
    ranks: HashMap<Pubkey, Rank>,
}

/// Whom to plan first: the first of these.
pub type Order = (Reverse<i64>, Option<Instant>);

impl Ranking {
    /// What was planned by other prices is only a hint from now on, and what is old is forgotten.
    pub fn renew(&mut self, prices: Vec<Option<Price>>, now: Instant) {
        if prices != self.prices {
            self.changes = self.changes.saturating_add(1);
            self.prices = prices;
        }
        self.ranks.retain(|_, rank| now.saturating_duration_since(rank.at) < HINTS);
    }

    /// What a vault would bring (`None`: nothing pays), if that is known of this state of it by the present prices.
    pub fn known(&self, vault: &Pubkey, state: Option<u64>, now: Instant) -> Option<Option<i64>> {
        let holds = |rank: &&Rank| {
            rank.state == state && rank.prices == self.changes && now.saturating_duration_since(rank.at) < KEPT
        };
        self.ranks.get(vault).filter(holds).map(|rank| rank.profit)
    }

    /// Where a vault that has to be planned stands in the queue. Where nothing paid the last time comes last, the longest
    /// unplanned before the others, so that everybody's turn comes.
    pub fn order(&self, vault: &Pubkey, promise: impl FnOnce() -> i64) -> Order {
        match self.ranks.get(vault) {
            Some(Rank { profit: Some(profit), at, .. }) => (Reverse(*profit), Some(*at)),
            Some(Rank { profit: None, at, .. }) => (Reverse(i64::MIN), Some(*at)),
            None => (Reverse(promise()), None),
        }
    }

    pub fn remember(&mut self, vault: Pubkey, state: Option<u64>, profit: Option<i64>, at: Instant) {
        self.ranks.insert(vault, Rank { state, prices: self.changes, at, profit });
    }
}

/// About what the liquidation of a vault can bring, micro-dollars: a part of what is owed or of what there is to seize,
/// whichever is less. Interest since the last accrual is left out.
pub fn promise(market: &Market, vault: &Vault) -> i64 {
    let mut sums = [0u64; 2];
    for position in vault.used() {
        let Some(asset) = market.listed().get(usize::from(position.asset)) else { continue };
        let holding = Holding { side: position.side(), shares: Shares::new(position.shares) };
        let amount = holding.amount(&asset.pool()).unwrap_or(Amount::ZERO);
        let value = asset.spot().and_then(|price| price.value_floor(amount).ok()).map_or(0, |value| value.get());
        if let Some(sum) = sums.get_mut(usize::from(position.side != 0)) {
            *sum = sum.saturating_add(value);
        }
    }
    let [deposits, debts] = sums;
    i64::try_from(deposits.min(debts) / BONUS_PARTS).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(dollars: u64) -> Option<Price> {
        Price::from_decimal_floor(dollars, 0, 6).ok()
    }

    #[test]
    fn a_rank_holds_until_the_vault_or_a_price_changes_or_it_is_old() {
        let (now, vault) = (Instant::now(), Pubkey::new_from_array([1; 32]));
        let mut ranking = Ranking::default();
        ranking.renew(vec![price(1)], now);
        ranking.remember(vault, Some(7), Some(5), now);
        assert_eq!(ranking.known(&vault, Some(7), now), Some(Some(5)));
        assert_eq!(ranking.known(&vault, Some(8), now), None);
        let last = now + KEPT - Duration::from_millis(1);
        ranking.renew(vec![price(1)], last);
        assert_eq!(ranking.known(&vault, Some(7), last), Some(Some(5)));
        assert_eq!(ranking.known(&vault, Some(7), now + KEPT), None);
        ranking.remember(vault, Some(7), None, now);
        assert_eq!(ranking.known(&vault, Some(7), now), Some(None));
        ranking.renew(vec![price(2)], now);
        assert_eq!(ranking.known(&vault, Some(7), now), None);
    }

    #[test]
    fn who_promised_most_is_planned_first_and_who_brought_nothing_last() {
        let now = Instant::now();
        let [rich, poor, hopeless, tried, new] = [1, 2, 3, 4, 5].map(|byte| Pubkey::new_from_array([byte; 32]));
        let mut ranking = Ranking::default();
        ranking.renew(vec![price(1)], now);
        ranking.remember(rich, Some(1), Some(500), now);
        ranking.remember(poor, Some(1), Some(5), now);
        ranking.remember(hopeless, Some(1), None, now + Duration::from_secs(1));
        ranking.remember(tried, Some(1), None, now);
        ranking.renew(vec![price(2)], now + Duration::from_secs(2));
        let mut queue = [hopeless, poor, tried, new, rich];
        queue.sort_by_key(|vault| ranking.order(vault, || 100));
        assert_eq!(queue, [rich, new, poor, tried, hopeless]);
        ranking.renew(vec![price(2)], now + Duration::from_secs(1) + HINTS);
        assert_eq!(ranking.order(&rich, || 100), (Reverse(100), None));
    }
}
