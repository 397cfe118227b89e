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
/// The pause of a vault that made us panic.
const QUARANTINE: Duration = Duration::from_secs(600);

/// Why a vault waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Refusals in a row.
    pub refusals: u32,
    pub cause: String,
    /// It made us panic.
    pub quarantined: bool,
    /// The state of the vault that was refused, `Index::vault_revision`.
    state: Option<u64>,
    until: Instant,
}

/// The vaults that wait.
#[derive(Default)]
pub struct Backoff {
    pauses: HashMap<Pubkey, Pause>,
}

impl Backoff {
    /// A vault was refused. `lasting` when another try would end in the same way until the accounts change.
    /// `state` is that of the vault which was tried, by its revision: another reading of the same state is no reason to try again.
    pub fn refuse(&mut self, vault: Pubkey, cause: String, lasting: bool, state: Option<u64>, now: Instant) {
        let refusals = self.refusals(&vault).saturating_add(1);
        let longest = if lasting { LONGEST } else { LONGEST_MOMENT };
        let pause = FIRST.saturating_mul(1 << refusals.saturating_sub(1).min(6)).min(longest);
        self.pauses.insert(vault, Pause { refusals, cause, quarantined: false, state, until: now + pause });
    }

    /// A vault made us panic: it is left alone for long, unless it changes.
    pub fn quarantine(&mut self, vault: Pubkey, cause: String, state: Option<u64>, now: Instant) {
        let refusals = self.refusals(&vault).saturating_add(1);
        self.pauses.insert(vault, Pause { refusals, cause, quarantined: true, state, until: now + QUARANTINE });
    }

    /// How many vaults made us panic.
    pub fn quarantined(&self) -> usize {
        self.pauses.values().filter(|pause| pause.quarantined).count()
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
    pub fn waits(&self, vault: &Pubkey, state: Option<u64>, now: Instant) -> bool {
        self.pauses.get(vault).is_some_and(|pause| pause.until > now && pause.state == state)
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

    #[test]
    fn who_made_us_panic_waits_ten_minutes_or_until_it_changes() {
        let (now, vault) = (Instant::now(), Pubkey::new_from_array([1; 32]));
        let mut backoff = Backoff::default();
        backoff.quarantine(vault, "panicked".to_owned(), Some(7), now);
        assert_eq!(backoff.quarantined(), 1);
        assert!(backoff.waits(&vault, Some(7), now + QUARANTINE - Duration::from_millis(1)));
        assert!(!backoff.waits(&vault, Some(7), now + QUARANTINE));
        assert!(!backoff.waits(&vault, Some(8), now));
        backoff.forget(&vault);
        assert_eq!(backoff.quarantined(), 0);
    }
}
