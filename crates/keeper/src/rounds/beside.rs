//! What runs beside the main loop: the sources of accounts, and who looks after nodes and wallet. None of it ever ends by
//! itself; if something does, a bug has ended it, and everything is begun anew.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::error;

use crate::metrics::Metrics;

/// Before the new beginning, so that what ends at once every time does not take the machine's time.
const PAUSE: Duration = Duration::from_secs(1);

/// The tasks. They end when this is dropped.
pub struct Beside {
    sources: JoinSet<()>,
    watching: JoinSet<()>,
    metrics: Metrics,
    /// When something ended first.
    ended: Option<Instant>,
}

impl Beside {
    pub fn new(sources: JoinSet<()>, watching: JoinSet<()>, metrics: Metrics) -> Self {
        Self { sources, watching, metrics, ended: None }
    }

    /// Waits until something has ended, and a moment longer. Can be dropped on the way and called again.
    pub async fn ended(&mut self) {
        let ended = match self.ended {
            Some(ended) => ended,
            None => {
                let (what, how) = tokio::select! {
                    Some(how) = self.sources.join_next() => ("stream", how),
                    Some(how) = self.watching.join_next() => ("watch", how),
                    else => return std::future::pending().await,
                };
                self.report(what, &how)
            }
        };
        tokio::time::sleep_until(ended + PAUSE).await;
    }

    fn report(&mut self, what: &'static str, how: &Result<(), JoinError>) -> Instant {
        let how = how.as_ref().map_or_else(ToString::to_string, |()| "it returned".to_owned());
        error!(what, how, "a task beside the main loop has ended; all of them are begun anew");
        self.metrics.pass_failed(what);
        *self.ended.insert(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting() -> JoinSet<()> {
        let mut set = JoinSet::new();
        set.spawn(std::future::pending());
        set
    }

    #[tokio::test]
    async fn a_task_that_panics_or_returns_is_noticed_even_by_who_looks_away_in_between() {
        let index = std::hint::black_box(5);
        let mut broken = lasting();
        broken.spawn(async move {
            let _ = [0u8; 2][index];
        });
        let mut returned = lasting();
        returned.spawn(async {});
        let metrics = Metrics::new();
        for mut beside in
            [Beside::new(broken, lasting(), metrics.clone()), Beside::new(lasting(), returned, metrics.clone())]
        {
            // The main loop drops it with every event that arrives.
            while beside.ended.is_none() {
                let _ = tokio::time::timeout(Duration::from_millis(1), beside.ended()).await;
            }
            beside.ended().await;
        }
        let text = metrics.text();
        assert!(text.contains("pass_failures_total{part=\"stream\"} 1"), "{text}");
        assert!(text.contains("pass_failures_total{part=\"watch\"} 1"), "{text}");
    }

    #[tokio::test]
    async fn nothing_is_begun_anew_while_all_run() {
        let mut beside = Beside::new(lasting(), lasting(), Metrics::new());
        let waited = tokio::time::timeout(Duration::from_millis(20), beside.ended()).await;
        assert!(waited.is_err());
        let mut empty = Beside::new(JoinSet::new(), JoinSet::new(), Metrics::new());
        assert!(tokio::time::timeout(Duration::from_millis(20), empty.ended()).await.is_err());
    }
}
