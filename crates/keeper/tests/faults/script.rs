//! What goes wrong in a case: drawn from a seed, so that a case that fails can be run again.

use ballast_tests::random::Random;

use crate::chain::Which;
use crate::lie::{LIES, Lie};

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
    /// All nodes stand still: what is sent arrives, and nobody tells.
    AllLagging,
    Lying(usize, Lie),
    /// No node knows statuses, until what was sent could have expired.
    Forgetful,
    /// They are asked for what is long past, and know it. Part of the above.
    Remembered,
    Dropped(Which),
    /// Transactions land so many slots later.
    Late(Which, u64),
    FeeSpike,
    StreamSilent,
    StreamDuplicated,
    StreamReordered,
    StreamLying,
    /// A price that somebody else refreshes makes the next liquidation fail.
    Recovers,
    /// The oracle goes back for a while: the keeper refreshes, and its liquidations fail.
    Rebounds,
    Kill(Step, Damage),
    /// The scene of a kill was over before its step was reached, and the life ended then.
    Killed,
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
            Self::AllLagging => "all nodes stand still".to_owned(),
            Self::Lagging(_) => "node lags".to_owned(),
            Self::Lying(_, lie) => format!("node lies: {lie:?}").to_lowercase(),
            Self::Forgetful => "landed, status unknown".to_owned(),
            Self::Remembered => "landed, status unknown until it could have expired".to_owned(),
            Self::Dropped(which) => format!("dropped: {}", of(*which)),
            Self::Late(which, slots) if *slots > 150 => format!("blockhash expired: {}", of(*which)),
            Self::Late(which, _) => format!("landed late: {}", of(*which)),
            Self::FeeSpike => "fee spike".to_owned(),
            Self::StreamSilent => "stream silent".to_owned(),
            Self::StreamDuplicated => "stream duplicated".to_owned(),
            Self::StreamReordered => "stream reordered".to_owned(),
            Self::StreamLying => "stream lies".to_owned(),
            Self::Recovers => "somebody refreshes, liquidation fails".to_owned(),
            Self::Rebounds => "own refresh lands, liquidation fails".to_owned(),
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
            Self::Killed => "killed at any moment".to_owned(),
            Self::Kill(_, damage) => format!("killed, journal: {damage:?}").to_lowercase(),
            Self::DiskFull => "disk full".to_owned(),
            Self::Poison => "poisoned vaults".to_owned(),
        }
    }
}

fn of(which: Which) -> &'static str {
    match which {
        Which::All => "all transactions",
        Which::Prices => "refreshes",
        Which::Liquidations => "liquidations",
    }
}

const WHICH: [Which; 3] = [Which::All, Which::Prices, Which::Liquidations];
const DAMAGES: [Damage; 4] = [Damage::Torn, Damage::Tail, Damage::Middle, Damage::Lost];

/// Every row that the table has to have.
pub fn names() -> Vec<String> {
    let mut all: Vec<Fault> = vec![
        Fault::Refused(0),
        Fault::AllRefused,
        Fault::Slow(0),
        Fault::Lagging(0),
        Fault::AllLagging,
        Fault::Forgetful,
        Fault::Remembered,
        Fault::FeeSpike,
        Fault::StreamSilent,
        Fault::StreamDuplicated,
        Fault::StreamReordered,
        Fault::StreamLying,
        Fault::Recovers,
        Fault::Rebounds,
        Fault::Killed,
        Fault::DiskFull,
        Fault::Poison,
    ];
    all.extend(
        WHICH.iter().flat_map(|which| [Fault::Dropped(*which), Fault::Late(*which, 20), Fault::Late(*which, 160)]),
    );
    all.extend(LIES.map(|lie| Fault::Lying(0, lie)));
    all.extend(STEPS.map(|step| Fault::Kill(step(0), Damage::None)));
    all.extend(DAMAGES.map(|damage| Fault::Kill(STEPS[0](0), damage)));
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
    /// Somebody else refreshes the prices in the crash.
    pub foreign: bool,
    /// The keeper is told which cluster it is.
    pub named: bool,
    pub scenes: Vec<Scene>,
}

/// Nodes that have to agree.
pub const LEAST_HEALTHY: usize = 2;
/// The slot of the crash.
pub const CRASH: u64 = 8;

impl Script {
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let nodes = 2 + random.below(2);
        let count = random.between(1, 3);
        let mut scenes: Vec<Scene> = (0..count).flat_map(|at| scenes(seed + at, nodes, &mut random)).collect();
        scenes.sort_by_key(|scene| scene.from);
        let crash = random.pick(&["118", "112", "106", "100"]);
        let stream = |scene: &Scene| {
            use Fault::{StreamDuplicated, StreamLying, StreamReordered, StreamSilent};
            matches!(scene.fault, StreamSilent | StreamDuplicated | StreamReordered | StreamLying)
        };
        let stream = scenes.iter().any(stream) || random.percent(60);
        let rebounds = scenes.iter().any(|scene| scene.fault == Fault::Rebounds);
        let second = (random.percent(25) && !rebounds).then_some("92");
        let (first, foreign) = (random.percent(90), random.percent(25));
        // Without a name, the cluster is what as many nodes as are needed say: nothing is promised when so many lie about it.
        let liars = scenes.iter().filter(|scene| matches!(scene.fault, Fault::Lying(_, Lie::Genesis))).count();
        let named = liars >= LEAST_HEALTHY || random.percent(50);
        Self { nodes, crash, second, stream, first, foreign, named, scenes }
    }

    /// When the last fault has ended.
    pub fn end(&self) -> u64 {
        self.scenes.iter().map(|scene| scene.to).max().unwrap_or(0).max(CRASH + 30)
    }
}

/// Kinds of faults that go round.
const TURNS: u64 = 28;

/// The first fault of a case goes round by its seed, so that every kind occurs as often.
fn scenes(turn: u64, nodes: usize, random: &mut Random) -> Vec<Scene> {
    let node = random.below(nodes);
    let step = random.pick(&STEPS);
    // Writes of a life: the beginning of a journal, its completion, then three for each refresh and each liquidation.
    let at = random.between(0, 14) as i64;
    let which = random.pick(&WHICH);
    let fault = match turn % TURNS {
        0 => Fault::Refused(node),
        1 => Fault::AllRefused,
        2 => Fault::Slow(node),
        3 => Fault::Lagging(node),
        4 => Fault::AllLagging,
        5..=8 => Fault::Lying(node, random.pick(&LIES)),
        9 => Fault::Forgetful,
        10 | 11 => Fault::Dropped(which),
        12 => Fault::Late(which, random.between(3, 119)),
        13 => Fault::Late(which, random.between(155, 189)),
        14 => Fault::FeeSpike,
        15 => Fault::StreamSilent,
        16 => Fault::StreamDuplicated,
        17 => Fault::StreamReordered,
        18 => Fault::StreamLying,
        19 => Fault::Recovers,
        20 => Fault::Rebounds,
        21..=23 => Fault::Kill(step(at), Damage::None),
        24 => Fault::Kill(step(at), random.pick(&DAMAGES)),
        25 => Fault::DiskFull,
        26 => Fault::Poison,
        // What was sent is lost from the journal, and lands when the next life is at work.
        _ => {
            let torn = Fault::Kill(Step::AfterSending(random.between(0, 7) as i64), Damage::Torn);
            let late = Scene { fault: Fault::Late(Which::All, random.between(40, 119)), from: 0, to: CRASH + 40 };
            return vec![late, Scene { fault: torn, from: 0, to: CRASH + 40 }];
        }
    };
    let from = match fault {
        Fault::Lying(_, Lie::Genesis) => 0,
        Fault::Rebounds => CRASH + random.between(6, 14),
        _ => random.between(0, CRASH + 11),
    };
    let length = match fault {
        // Longer than a transaction can wait.
        Fault::Forgetful if random.percent(60) => random.between(230, 260),
        Fault::Lagging(_) | Fault::AllLagging => random.between(60, 119),
        Fault::Rebounds => random.between(30, 50),
        _ if random.percent(10) => random.between(60, 119),
        _ => random.between(6, 39),
    };
    vec![Scene { fault, from, to: from + length }]
}
