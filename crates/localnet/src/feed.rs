//! The price feed that moves: plays a path in the machine's time, many seconds of the path in one of ours.
//!
//! It writes the oracle accounts as the publishers' receiver program would. Bringing those prices into the market is the
//! business of whoever refreshes it.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep_until};

use crate::network::Network;
use crate::oracle::Feeds;
use crate::prices::{Frame, Path};
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
    // Publishers stamp with the chain's clock: the program refuses prices from the future.
    let time = i64::try_from(read_clock(&network.connection).await?)?;
    let begun = SystemTime::now();
    network.publish(&feeds.updates(before, frame, time)).await?;
    Ok((begun, SystemTime::now()))
}

/// Plays a path until the end of the process, telling about every frame that is new.
///
/// # Errors
/// A network that does not answer.
pub async fn play(
    network: &Network,
    feeds: &Feeds,
    path: &Path,
    pace: Pace,
    mut tell: impl FnMut(&Publication, &Frame),
) -> Result<()> {
    let first = path.frames.first().context("a path without frames")?;
    let mut before = first;
    loop {
        let started = Instant::now();
        for (at, frame) in path.frames.iter().enumerate() {
            let elapsed = u32::try_from(frame.time.saturating_sub(first.time).max(0)).unwrap_or(u32::MAX);
            hold(network, feeds, before, started + Duration::from_secs_f64(f64::from(elapsed) / pace.speed)).await?;
            let (begun, done) = publish(network, feeds, before, frame).await?;
            tell(&Publication { frame: at, begun, done }, frame);
            before = frame;
        }
        if !pace.repeat {
            break;
        }
        // As long as between the last two frames, or the first would come at once.
        let rest = last_interval(path);
        hold(network, feeds, before, Instant::now() + Duration::from_secs_f64(rest / pace.speed)).await?;
    }
    loop {
        hold(network, feeds, before, Instant::now() + AGAIN).await?;
        publish(network, feeds, before, before).await?;
    }
}

/// Keeps a frame fresh up to a moment.
async fn hold(network: &Network, feeds: &Feeds, frame: &Frame, until: Instant) -> Result<()> {
    while Instant::now() + AGAIN < until {
        sleep_until(Instant::now() + AGAIN).await;
        publish(network, feeds, frame, frame).await?;
    }
    sleep_until(until).await;
    Ok(())
}

fn last_interval(path: &Path) -> f64 {
    match path.frames.as_slice() {
        [.., before, last] => f64::from(u32::try_from(last.time - before.time).unwrap_or(u32::MAX)),
        _ => 0.0,
    }
}
