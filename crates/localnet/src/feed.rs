//! The price feed that moves: plays a path in the machine's time, many seconds of the path in one of ours.
//!
//! It writes the oracle accounts as the publishers' receiver program would, and a file beside them. Bringing those prices into the market is the
//! business of whoever refreshes it.

use std::path::Path as FilePath;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep_until};

use crate::catalogue::COUNT;
use crate::network::Network;
use crate::oracle::Feeds;
use crate::prices::{Frame, Path};
use crate::written;
use ballast_cluster::books::read_clock;

/// A price that does not move is published again after this long, so that it never gets too old to be used.
const AGAIN: Duration = Duration::from_secs(5);

/// How a path is played.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Seconds of the path in one second.
    pub speed: f64,
    /// Start over at the end; otherwise the last prices stay.
    pub repeat: bool,
    /// Assets whose publishers say nothing: an outage.
    pub silent: [bool; COUNT],
}

/// What has just been published.
#[derive(Clone, Copy, Debug)]
pub struct Publication {
    /// Frame of the path, from 0.
    pub frame: usize,
    /// Before the first oracle account was written, and after the last.
    pub begun: SystemTime,
    pub done: SystemTime,
}

/// Publishes one frame now. The confidence intervals widen with the move since `before`.
pub async fn publish(
    network: &Network,
    feeds: &Feeds,
    before: &Frame,
    frame: &Frame,
) -> Result<(SystemTime, SystemTime)> {
    Outlet { network, feeds, silent: [false; COUNT], file: None }.publish(before, frame).await
}

/// Where prices go.
struct Outlet<'a> {
    network: &'a Network,
    feeds: &'a Feeds,
    silent: [bool; COUNT],
    file: Option<&'a FilePath>,
}

impl Outlet<'_> {
    /// Publishes a frame, without what silent publishers would say.
    async fn publish(&self, before: &Frame, frame: &Frame) -> Result<(SystemTime, SystemTime)> {
        // Publishers stamp with the chain's clock: the program refuses prices from the future.
        let time = i64::try_from(read_clock(&self.network.connection).await?)?;
        let begun = SystemTime::now();
        let updates = self.feeds.updates(before, frame, time).into_iter().zip(self.silent);
        let updates: Vec<_> = updates.filter(|(_, silent)| !silent).map(|(update, _)| update).collect();
        self.network.publish(&updates).await?;
        let done = SystemTime::now();
        if let Some(file) = self.file {
            written::write(file, &updates)?;
        }
        Ok((begun, done))
    }

    /// Keeps a frame fresh up to a moment.
    async fn hold(&self, frame: &Frame, until: Instant) -> Result<()> {
        while Instant::now() + AGAIN < until {
            sleep_until(Instant::now() + AGAIN).await;
            self.publish(frame, frame).await?;
        }
        sleep_until(until).await;
        Ok(())
    }
}

/// Plays a path until the end of the process, telling about every frame that is new. The prices are in `file` as well.
///
/// # Errors
/// A network that does not answer, a file that cannot be written.
pub async fn play(
    network: &Network,
    feeds: &Feeds,
    path: &Path,
    pace: Pace,
    file: &FilePath,
    mut tell: impl FnMut(&Publication, &Frame),
) -> Result<()> {
    let first = path.frames.first().context("a path without frames")?;
    let outlet = Outlet { network, feeds, silent: pace.silent, file: Some(file) };
    let mut before = first;
    loop {
        let started = Instant::now();
        for (at, frame) in path.frames.iter().enumerate() {
            let elapsed = u32::try_from(frame.time.saturating_sub(first.time).max(0)).unwrap_or(u32::MAX);
            outlet.hold(before, started + Duration::from_secs_f64(f64::from(elapsed) / pace.speed)).await?;
            let (begun, done) = outlet.publish(before, frame).await?;
            tell(&Publication { frame: at, begun, done }, frame);
            before = frame;
        }
        if !pace.repeat {
            break;
        }
        // As long as between the last two frames, or the first would come at once.
        let rest = last_interval(path);
        outlet.hold(before, Instant::now() + Duration::from_secs_f64(rest / pace.speed)).await?;
    }
    loop {
        outlet.hold(before, Instant::now() + AGAIN).await?;
        outlet.publish(before, before).await?;
    }
}

fn last_interval(path: &Path) -> f64 {
    match path.frames.as_slice() {
        [.., before, last] => f64::from(u32::try_from(last.time - before.time).unwrap_or(u32::MAX)),
        _ => 0.0,
    }
}
