//! Vaults that were refused wait, longer each time, with the reason on record. One bad vault costs a simulation a minute.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ballast_client::Pubkey;

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause where the vault itself is at fault. Not longer, because a price may make of it what it was not.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest pause where it was the moment.
const LONGEST_MOMENT: Duration = Duration::from_secs(8);

/// Why a vault waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Refusals in a row.
    pub refusals: u32,
    pub cause: String,
    /// The slot in which the vault was last seen when it was refused.
    seen: Option<u64>,
    until: Instant,
}

/// The vaults that wait.
#[derive(Default)]
pub struct Backoff {
    pauses: HashMap<Pubkey, Pause>,
}

impl Backoff {
    /// A vault was refused. `lasting` when another try would end in the same way until the accounts change.
    pub fn refuse(&mut self, vault: Pubkey, cause: String, lasting: bool, seen: Option<u64>, now: Instant) {
        let refusals = self.refusals(&vault).saturating_add(1);
        let longest = if lasting { LONGEST } else { LONGEST_MOMENT };
        let pause = FIRST.saturating_mul(1 << refusals.saturating_sub(1).min(6)).min(longest);
        self.pauses.insert(vault, Pause { refusals, cause, seen, until: now + pause });
    }

    /// A vault was liquidated, or is no candidate any more.
    pub fn forget(&mut self, vault: &Pubkey) {
        self.pauses.remove(vault);
    }

    /// Forgets all vaults but some: those that recovered, or are no more.
    pub fn retain(&mut self, keep: impl Fn(&Pubkey) -> bool) {
        self.pauses.retain(|vault, _| keep(vault));
    }

    /// Whether a vault has to wait. Not when it has changed since.
    pub fn waits(&self, vault: &Pubkey, seen: Option<u64>, now: Instant) -> bool {
        self.pauses.get(vault).is_some_and(|pause| pause.until > now && pause.seen == seen)
    }

    /// Refusals in a row.
    pub fn refusals(&self, vault: &Pubkey) -> u32 {
        self.pauses.get(vault).map_or(0, |pause| pause.refusals)
    }

    /// The vaults that wait, with the reason.
    pub fn pauses(&self) -> impl Iterator<Item = (&Pubkey, &Pause)> {
        self.pauses.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_again_and_again_waits_longer_and_no_longer_than_a_minute() {
        let (now, vault) = (Instant::now(), Pubkey::new_from_array([1; 32]));
        let mut backoff = Backoff::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            backoff.refuse(vault, "refused".to_owned(), true, Some(7), now);
            assert!(backoff.waits(&vault, Some(7), now + Duration::from_secs(seconds) - Duration::from_millis(1)));
            assert!(!backoff.waits(&vault, Some(7), now + Duration::from_secs(seconds)));
        }
        assert_eq!(backoff.refusals(&vault), 9);
        backoff.refuse(vault, "fee".to_owned(), false, Some(7), now);
        assert!(!backoff.waits(&vault, Some(7), now + Duration::from_secs(8)));
    }

    #[test]
    fn who_has_changed_or_was_liquidated_does_not_wait() {
        let (now, vault) = (Instant::now(), Pubkey::new_from_array([1; 32]));
        let mut backoff = Backoff::default();
        backoff.refuse(vault, "refused".to_owned(), true, Some(7), now);
        assert!(backoff.waits(&vault, Some(7), now));
        assert!(!backoff.waits(&vault, Some(8), now));
        backoff.forget(&vault);
        assert!(!backoff.waits(&vault, Some(7), now));
    }
}
