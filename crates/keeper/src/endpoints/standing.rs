//! Which nodes are believed. No I/O: what they said goes in, who counts comes out.

use std::fmt;
use std::time::{Duration, Instant};

/// Longest time for which a node that answered nonsense is left out.
const LONGEST_SUSPENSION: Duration = Duration::from_secs(300);
/// Blocks are made every 400 ms; counting faster overestimates how far the cluster is, which is the safe side.
const FASTEST_BLOCK: Duration = Duration::from_millis(300);
/// A node whose slot stands still for so long is stuck, or the cluster is. Fifty slots are over by then.
const LONGEST_STAND: Duration = Duration::from_secs(20);

/// Where a node says the cluster is, confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub slot: u64,
    /// Blocks, which are fewer than slots.
    pub height: u64,
}

/// What is thought of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not asked yet.
    Unknown,
    Healthy,
    /// It answers, and too few others do to say whether it is right.
    Alone,
    /// It did not answer, or with an error.
    Silent(String),
    /// It is of another cluster.
    Foreign(String),
    /// So many slots behind the others.
    Behind(u64),
    /// So many slots ahead of where enough others are: nothing confirms what it says.
    Ahead(u64),
    /// It answers, and its slot has not changed for so many seconds.
    Stuck(u64),
    /// It answered what cannot be, and is left out for a while.
    Suspended(String),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("not asked yet"),
            Self::Healthy => f.write_str("healthy"),
            Self::Alone => f.write_str("it answers, but too few others do to confirm what it says"),
            Self::Silent(why) => write!(f, "no answer: {why}"),
            Self::Foreign(genesis) => write!(f, "another cluster, with genesis {genesis}"),
            Self::Behind(slots) => write!(f, "{slots} slots behind"),
            Self::Ahead(slots) => write!(f, "{slots} slots ahead of the others"),
            Self::Stuck(seconds) => write!(f, "stuck: it has been at the same slot for {seconds} s"),
            Self::Suspended(why) => write!(f, "left out: {why}"),
        }
    }
}

/// What is known of one node.
#[derive(Clone, Debug)]
pub struct Record {
    pub standing: Standing,
    pub position: Option<Position>,
    /// Whether its genesis hash was compared since it last gave trouble.
    pub verified: bool,
    /// The slot that it was at, and since when.
    stands: Option<(u64, Instant)>,
    /// Failures in a row.
    strikes: u32,
    suspended_until: Option<Instant>,
}

impl Record {
    pub fn new() -> Self {
        Self {
            standing: Standing::Unknown,
            position: None,
            verified: false,
            stands: None,
            strikes: 0,
            suspended_until: None,
        }
    }

    pub fn is_healthy(&self) -> bool {
        self.standing == Standing::Healthy
    }

    pub fn is_foreign(&self) -> bool {
        matches!(self.standing, Standing::Foreign(_))
    }

    /// It says that it is at this slot. `Err`: it has been there for too long, and where it is the cluster is not, or no
    /// longer. One that falls back by more than it may was started again, and moves as well.
    pub fn moves(&mut self, slot: u64, most_behind: u64, now: Instant) -> Result<(), Standing> {
        let (reached, since) = *self.stands.get_or_insert((slot, now));
        if slot > reached || slot.saturating_add(most_behind) < reached {
            self.stands = Some((slot, now));
            return Ok(());
        }
        let stood = now.saturating_duration_since(since);
        if stood < LONGEST_STAND { Ok(()) } else { Err(Standing::Stuck(stood.as_secs())) }
    }

    /// It answered something that makes sense.
    pub fn praise(&mut self) {
        self.strikes = 0;
    }

    /// It did not answer a request. The first time it is only left out until it is asked again where the cluster is.
    pub fn miss(&mut self, why: String, now: Instant) {
        self.verified = false;
        if self.strikes == 0 {
            self.strikes = 1;
            self.standing = Standing::Silent(why);
        } else {
            self.suspend(why, now);
        }
    }

    /// Leaves it out: two seconds, and twice as long each time.
    pub fn suspend(&mut self, why: String, now: Instant) {
        self.strikes = self.strikes.saturating_add(1).min(10);
        let pause = Duration::from_secs(1 << self.strikes).min(LONGEST_SUSPENSION);
        self.suspended_until = Some(now + pause);
        self.standing = Standing::Suspended(why);
        self.verified = false;
    }

    pub fn is_suspended(&self, now: Instant) -> bool {
        self.suspended_until.is_some_and(|until| now < until)
    }
}

/// Where the cluster is, as far as enough nodes say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What as many nodes as are needed have reached.
    pub position: Position,
    /// The furthest that a healthy node has reached.
    pub furthest: Position,
    pub at: Instant,
}

impl Reference {
    /// An upper bound of where the cluster can be now.
    pub fn ceiling(&self, now: Instant, most_behind: u64) -> Position {
        let passed = now.saturating_duration_since(self.at).as_millis() / FASTEST_BLOCK.as_millis();
        let more = u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(most_behind);
        let Position { slot, height } = self.furthest;
        Position { slot: slot.saturating_add(more), height: height.saturating_add(more) }
    }

    /// The same, knowing what was known before: while no node gets further, the bound grows with the time. Nodes that stand
    /// still say nothing about where the cluster is.
    pub fn after(self, before: Option<Self>, most_behind: u64) -> Self {
        let slot = self.furthest.slot;
        let holds = |before: &Self| (slot..=slot.saturating_add(most_behind)).contains(&before.furthest.slot);
        match before.filter(holds) {
            Some(before) => Self { furthest: before.furthest, at: before.at, ..self },
            None => self,
        }
    }
}

/// The slot that `needed` of the answers have reached: with it, no single node decides what is behind and what is ahead.
pub fn middle(slots: impl Iterator<Item = u64>, needed: usize) -> Option<u64> {
    let mut slots: Vec<u64> = slots.collect();
    slots.sort_unstable_by(|a, b| b.cmp(a));
    slots.get(needed.saturating_sub(1)).copied()
}

/// Judges the nodes that answered, by their slots.
pub fn judge(
    positions: &[Option<Position>],
    needed: usize,
    most_behind: u64,
    now: Instant,
) -> (Vec<Option<Standing>>, Option<Reference>) {
    let known = || positions.iter().flatten();
    let slot = middle(known().map(|position| position.slot), needed);
    let judged = |position: &Option<Position>| {
        let (position, slot) = (position.as_ref()?, slot?);
        Some(if slot > position.slot.saturating_add(most_behind) {
            Standing::Behind(slot - position.slot)
        } else if position.slot > slot.saturating_add(most_behind) {
            Standing::Ahead(position.slot - slot)
        } else {
            Standing::Healthy
        })
    };
    let mut standings: Vec<_> = positions.iter().map(judged).collect();
    let furthest = known().map(|position| position.slot).max().unwrap_or_default();
    if standings.iter().filter(|standing| **standing == Some(Standing::Healthy)).count() < needed {
        // They contradict each other, and nobody says who is right: those that are behind are not believed either.
        for (standing, position) in standings.iter_mut().zip(positions) {
            if let (Some(Standing::Healthy), Some(position)) = (&standing, position) {
                *standing = Some(Standing::Behind(furthest - position.slot));
            }
        }
    }
    let healthy = || {
        let both = positions.iter().zip(&standings);
        both.filter(|(_, standing)| **standing == Some(Standing::Healthy)).filter_map(|(position, _)| *position)
    };
    let reference = || {
        let reached = |of: fn(&Position) -> u64| middle(healthy().map(|position| of(&position)), needed);
        let position =
            Position { slot: reached(|position| position.slot)?, height: reached(|position| position.height)? };
        let most = |of: fn(&Position) -> u64| healthy().map(|position| of(&position)).max();
        let furthest = Position { slot: most(|position| position.slot)?, height: most(|position| position.height)? };
        Some(Reference { position, furthest, at: now })
    };
    let reference = reference();
    (standings, reference)
}
