//! The price feed that moves: plays a path in the machine's time, many seconds of the path in one of ours.
//!
//! It writes the oracle accounts as the publishers' receiver program would. Bringing those prices into the market is the
//! business of whoever refreshes it.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep_until};

use crate::catalogue::COUNT;
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
    publish_but(network, feeds, before, frame, &[false; COUNT]).await
}

/// The same without what silent publishers would say.
async fn publish_but(
    network: &Network,
    feeds: &Feeds,
    before: &Frame,
    frame: &Frame,
    silent: &[bool; COUNT],
) -> Result<(SystemTime, SystemTime)> {
    // Publishers stamp with the chain's clock: the program refuses prices from the future.
    let time = i64::try_from(read_clock(&network.connection).await?)?;
    let begun = SystemTime::now();
    let updates = feeds.updates(before, frame, time).into_iter().zip(silent);
    let updates: Vec<_> = updates.filter(|(_, silent)| !**silent).map(|(update, _)| update).collect();
    network.publish(&updates).await?;
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
            let due = started + Duration::from_secs_f64(f64::from(elapsed) / pace.speed);
            hold(network, feeds, before, due, &pace.silent).await?;
            let (begun, done) = publish_but(network, feeds, before, frame, &pace.silent).await?;
            tell(&Publication { frame: at, begun, done }, frame);
            before = frame;
        }
        if !pace.repeat {
            break;
        }
        // As long as between the last two frames, or the first would come at once.
        let rest = last_interval(path);
        hold(network, feeds, before, Instant::now() + Duration::from_secs_f64(rest / pace.speed), &pace.silent).await?;
    }
    loop {
        hold(network, feeds, before, Instant::now() + AGAIN, &pace.silent).await?;
        publish_but(network, feeds, before, before, &pace.silent).await?;
    }
}

/// Keeps a frame fresh up to a moment.
async fn hold(network: &Network, feeds: &Feeds, frame: &Frame, until: Instant, silent: &[bool; COUNT]) -> Result<()> {
    while Instant::now() + AGAIN < until {
        sleep_until(Instant::now() + AGAIN).await;
        publish_but(network, feeds, frame, frame, silent).await?;
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
