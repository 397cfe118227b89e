//! What goes wrong in a case: drawn from a seed, so that a case that fails can be run again.

use crate::node::{LIES, Lie};
use crate::random::Random;

/// Where a life of the keeper ends. The number is that of the write, of the simulation or of the sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    BeforeWrite(i64),
    WithinWrite(i64),
    BeforeSync(i64),
    AfterWrite(i64),
    AfterSimulation(i64),
    AfterSending(i64),
}

/// What becomes of the journal of a life that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    None,
    /// Some bytes of the end are missing.
    Torn,
    /// Bytes of the end are others.
    Tail,
    /// Bytes in the middle are others.
    Middle,
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Refused(usize),
    AllRefused,
    Slow(usize),
    Lagging(usize),
    Lying(usize, Lie),
    /// No node knows statuses.
    Forgetful,
    Dropped,
    /// Transactions land so many slots later.
    Late(u64),
    FeeSpike,
    StreamSilent,
    StreamDuplicated,
    StreamReordered,
    StreamLying,
    /// The price that was refreshed last makes the next liquidation fail.
    Recovers,
    Kill(Step, Damage),
    DiskFull,
    Poison,
}

impl Fault {
    /// The row of the table.
    pub fn name(&self) -> String {
        match self {
            Self::Refused(_) => "node refuses".to_owned(),
            Self::AllRefused => "all nodes refuse".to_owned(),
            Self::Slow(_) => "node is slow".to_owned(),
            Self::Lagging(_) => "node lags".to_owned(),
            Self::Lying(_, lie) => format!("node lies: {lie:?}").to_lowercase(),
            Self::Forgetful => "landed, status unknown".to_owned(),
            Self::Dropped => "transactions dropped".to_owned(),
            Self::Late(slots) if *slots > 150 => "blockhash expired".to_owned(),
            Self::Late(_) => "landed late".to_owned(),
            Self::FeeSpike => "fee spike".to_owned(),
            Self::StreamSilent => "stream silent".to_owned(),
            Self::StreamDuplicated => "stream duplicated".to_owned(),
            Self::StreamReordered => "stream reordered".to_owned(),
            Self::StreamLying => "stream lies".to_owned(),
            Self::Recovers => "price refreshed, liquidation fails".to_owned(),
            Self::Kill(step, Damage::None) => {
                let step = match step {
                    Step::BeforeWrite(_) => "before a journal write",
                    Step::WithinWrite(_) => "within a journal write",
                    Step::BeforeSync(_) => "after a journal write, before it is on the disk",
                    Step::AfterWrite(_) => "after a journal write",
                    Step::AfterSimulation(_) => "after a simulation",
                    Step::AfterSending(_) => "after a sending",
                };
                format!("killed {step}")
            }
            Self::Kill(_, damage) => format!("killed, journal: {damage:?}").to_lowercase(),
            Self::DiskFull => "disk full".to_owned(),
            Self::Poison => "poisoned vaults".to_owned(),
        }
    }
}

/// Every row that the table has to have.
pub fn names() -> Vec<String> {
    let mut all: Vec<Fault> = vec![
        Fault::Refused(0),
        Fault::AllRefused,
        Fault::Slow(0),
        Fault::Lagging(0),
        Fault::Forgetful,
        Fault::Dropped,
        Fault::Late(20),
        Fault::Late(160),
        Fault::FeeSpike,
        Fault::StreamSilent,
        Fault::StreamDuplicated,
        Fault::StreamReordered,
        Fault::StreamLying,
        Fault::Recovers,
        Fault::DiskFull,
        Fault::Poison,
    ];
    all.extend(LIES.map(|lie| Fault::Lying(0, lie)));
    all.extend(STEPS.map(|step| Fault::Kill(step(0), Damage::None)));
    all.extend(
        [Damage::Torn, Damage::Tail, Damage::Middle, Damage::Lost].map(|damage| Fault::Kill(STEPS[0](0), damage)),
    );
    all.iter().map(Fault::name).collect()
}

const STEPS: [fn(i64) -> Step; 6] = [
    Step::BeforeWrite,
    Step::WithinWrite,
    Step::BeforeSync,
    Step::AfterWrite,
    Step::AfterSimulation,
    Step::AfterSending,
];

/// A fault and the slots, counted from the beginning, in which it holds.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    pub fault: Fault,
    pub from: u64,
    pub to: u64,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub nodes: usize,
    /// Dollars.
    pub crash: &'static str,
    /// After a crash a second one, deeper.
    pub second: Option<&'static str>,
    pub stream: bool,
    /// Somebody vouches that no life came before the first one.
    pub first: bool,
    pub scenes: Vec<Scene>,
}

/// The slot of the crash.
pub const CRASH: u64 = 8;

impl Script {
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let nodes = 2 + random.within(0..2) as usize;
        let count = 1 + random.within(0..3);
        let mut scenes: Vec<Scene> = (0..count).map(|at| scene(seed + at, nodes, &mut random)).collect();
        scenes.sort_by_key(|scene| scene.from);
        let crash = random.one_of(&["118", "112", "106", "100"]);
        let second = random.chance(25).then_some("92");
        Self { nodes, crash, second, stream: random.chance(70), first: random.chance(90), scenes }
    }

    /// When the last fault has ended.
    pub fn end(&self) -> u64 {
        self.scenes.iter().map(|scene| scene.to).max().unwrap_or(0).max(CRASH + 30)
    }
}

/// The first fault of a case goes round by its seed, so that every kind occurs as often.
fn scene(turn: u64, nodes: usize, random: &mut Random) -> Scene {
    let node = random.within(0..nodes as u64) as usize;
    let step = random.one_of(&STEPS);
    // Writes of a life: the beginning of a journal, its completion, then three for each liquidation.
    let at = random.within(0..9) as i64;
    let damage = random.one_of(&[Damage::Torn, Damage::Tail, Damage::Middle, Damage::Lost]);
    let fault = match turn % 23 {
        0 => Fault::Refused(node),
        1 => Fault::AllRefused,
        2 => Fault::Slow(node),
        3 => Fault::Lagging(node),
        4..=6 => Fault::Lying(node, random.one_of(&LIES)),
        7 => Fault::Forgetful,
        8 => Fault::Dropped,
        9 => Fault::Late(random.within(3..120)),
        10 => Fault::Late(random.within(155..190)),
        11 => Fault::FeeSpike,
        12 => Fault::StreamSilent,
        13 => Fault::StreamDuplicated,
        14 => Fault::StreamReordered,
        15 => Fault::StreamLying,
        16 => Fault::Recovers,
        17..=19 => Fault::Kill(step(at), Damage::None),
        20 => Fault::Kill(step(at), damage),
        21 => Fault::DiskFull,
        _ => Fault::Poison,
    };
    let from = random.within(0..CRASH + 12);
    let long = matches!(fault, Fault::Lagging(_)) || random.chance(10);
    let length = if long { random.within(60..120) } else { random.within(6..40) };
    Scene { fault, from, to: from + length }
}
