//! Time: that of the machine, or one that stands still until somebody moves it on. With the latter a test of an hour takes as
//! long as its work.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

/// What was waited for did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

/// A clock. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// `None`: the machine's.
    stopped: Option<Arc<Stopped>>,
}

/// A clock that somebody moves on.
#[derive(Debug)]
pub struct Stopped {
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    passed: Duration,
    /// Who waits, by when and in which order they came.
    waiting: BTreeMap<(Duration, u64), Waker>,
    count: u64,
}

impl Stopped {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { begun: Instant::now(), state: Mutex::default() })
    }

    /// Moves on to the time that somebody waits for next, and wakes whoever waits for it. False when nobody waits.
    pub fn advance(&self) -> bool {
        let woken = {
            let mut state = self.state();
            let Some((&(at, _), _)) = state.waiting.first_key_value() else { return false };
            state.passed = state.passed.max(at);
            let later = state.waiting.split_off(&(at, u64::MAX));
            std::mem::replace(&mut state.waiting, later)
        };
        woken.into_values().for_each(Waker::wake);
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock {
    /// One that stands still until [`Stopped::advance`].
    pub fn stopped(stopped: Arc<Stopped>) -> Self {
        Self { stopped: Some(stopped) }
    }

    pub fn now(&self) -> Instant {
        match &self.stopped {
            None => Instant::now(),
            Some(stopped) => stopped.begun + stopped.state().passed,
        }
    }

    /// How long ago an instant was.
    pub fn since(&self, instant: Instant) -> Duration {
        self.now().saturating_duration_since(instant)
    }

    pub async fn sleep(&self, pause: Duration) {
        match &self.stopped {
            None => tokio::time::sleep(pause).await,
            Some(stopped) => {
                let until = stopped.state().passed.saturating_add(pause);
                Sleep { stopped, until, place: None }.await;
            }
        }
    }

    /// What a future comes to, if it does so in time.
    ///
    /// # Errors
    /// [`Elapsed`].
    pub async fn timeout<T>(&self, patience: Duration, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        match select(pin!(future), pin!(self.sleep(patience))).await {
            Either::Left((value, _)) => Ok(value),
            Either::Right(_) => Err(Elapsed),
        }
    }
}

struct Sleep<'a> {
    stopped: &'a Stopped,
    until: Duration,
    place: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.stopped.state();
        if state.passed >= self.until {
            return Poll::Ready(());
        }
        let place = self.place.unwrap_or(state.count);
        state.count = state.count.max(place.saturating_add(1));
        state.waiting.insert((self.until, place), context.waker().clone());
        drop(state);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.stopped.state().waiting.remove(&(self.until, place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(stopped: &Arc<Stopped>) -> tokio::runtime::Runtime {
        let stopped = Arc::clone(stopped);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder
            .on_thread_park(move || {
                stopped.advance();
            })
            .build()
            .unwrap()
    }

    #[test]
    fn a_day_passes_as_soon_as_nobody_has_anything_else_to_do() {
        let stopped = Stopped::new();
        let clock = Clock::stopped(Arc::clone(&stopped));
        let begun = clock.now();
        runtime(&stopped).block_on(async {
            clock.sleep(Duration::from_secs(86_400)).await;
            assert_eq!(clock.since(begun), Duration::from_secs(86_400));
            let late = clock.timeout(Duration::from_secs(1), clock.sleep(Duration::from_secs(2))).await;
            assert_eq!((late, clock.since(begun)), (Err(Elapsed), Duration::from_secs(86_401)));
            let early = clock.timeout(Duration::from_secs(3), clock.sleep(Duration::from_secs(2))).await;
            assert_eq!((early, clock.since(begun)), (Ok(()), Duration::from_secs(86_403)));
        });
        assert!(!stopped.advance());
    }

    #[test]
    fn who_waits_in_other_tasks_is_woken_in_order() {
        let stopped = Stopped::new();
        let clock = Clock::stopped(Arc::clone(&stopped));
        let order = Arc::new(Mutex::new(vec![]));
        runtime(&stopped).block_on(async {
            let tasks = [3u64, 1, 2].map(|seconds| {
                let (clock, order) = (clock.clone(), Arc::clone(&order));
                tokio::spawn(async move {
                    clock.sleep(Duration::from_secs(seconds)).await;
                    order.lock().unwrap().push(seconds);
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    }
}
