//! What a node's websocket can do wrong.

/// A fault. While it lasts, every connection has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It takes connections, and no handshake follows.
    NoHandshake,
    /// A subscription is never answered.
    Unanswered,
    /// A subscription is refused.
    Refused,
    /// It has accepted everything, and says nothing.
    Silent,
    /// It closes the connection in the middle.
    Closed,
    /// The connection is gone without a word.
    Cut,
    /// Text that is no JSON.
    NotJson,
    /// A frame that the protocol does not know.
    BadFrame,
    /// A frame that ends in the middle, and nothing after it.
    HalfFrame,
    /// Everything comes two or three times.
    Duplicated,
    /// Newer comes before older.
    Reordered,
    /// What has been said is said again later, as of then.
    Belated,
    /// A vault that belongs to another program, put right at once.
    WrongOwner,
    /// A vault that lacks its end, put right at once.
    Truncated,
    /// Accounts that are no vaults, at addresses that nobody knows.
    Poisoned,
    /// Everything is of slots that nobody has reached.
    FarAhead,
    /// Everything is of slots that are long past.
    LongAgo,
    /// Other accounts are to be watched: no fault of the node, but the same to go through.
    Rewatched,
    /// Vaults that have changed are never told of; the clock is.
    Mute,
    /// What is said of a vault cannot be read as an account.
    Malformed,
    /// A vault that belongs to another program, and nothing else is said of that state.
    Falsified,
    /// A vault that is there is said to be gone.
    Buried,
}

/// What shows that a fault made a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The subscription was given up for this reason.
    Lost(&'static str),
    /// The index left updates out as older than what it knows.
    Stale,
    /// The index got what it had.
    Repeated,
    /// The index put accounts into quarantine.
    Quarantined,
    /// The index took vaults for gone.
    Removed,
    /// The node did it, and nothing arrived.
    Done,
}

/// All of them.
pub const FAULTS: [Fault; 22] = [
    Fault::NoHandshake,
    Fault::Unanswered,
    Fault::Refused,
    Fault::Silent,
    Fault::Closed,
    Fault::Cut,
    Fault::NotJson,
    Fault::BadFrame,
    Fault::HalfFrame,
    Fault::Duplicated,
    Fault::Reordered,
    Fault::Belated,
    Fault::WrongOwner,
    Fault::Truncated,
    Fault::Poisoned,
    Fault::FarAhead,
    Fault::LongAgo,
    Fault::Rewatched,
    Fault::Mute,
    Fault::Malformed,
    Fault::Falsified,
    Fault::Buried,
];

impl Fault {
    /// As the table shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoHandshake => "a connection without a handshake",
            Self::Unanswered => "subscription never answered",
            Self::Refused => "subscription refused",
            Self::Silent => "silent after the subscription",
            Self::Closed => "closed in the middle",
            Self::Cut => "cut off without a word",
            Self::NotJson => "text that is no JSON",
            Self::BadFrame => "frame of an unknown kind",
            Self::HalfFrame => "frame that ends in the middle",
            Self::Duplicated => "everything two or three times",
            Self::Reordered => "newer before older",
            Self::Belated => "old states again",
            Self::WrongOwner => "wrong owner, put right",
            Self::Truncated => "data cut off, put right",
            Self::Poisoned => "accounts that are no vaults",
            Self::FarAhead => "slots far ahead",
            Self::LongAgo => "slots long past",
            Self::Rewatched => "other accounts to be watched",
            Self::Mute => "vaults never told of",
            Self::Malformed => "no account in what is said",
            Self::Falsified => "wrong owner, never put right",
            Self::Buried => "vault said to be gone",
        }
    }

    /// What it leaves wrong or unsaid without the connection being lost: only reading everything again puts it right.
    pub const fn needs_reading(self) -> bool {
        matches!(self, Self::Mute | Self::Malformed | Self::Falsified | Self::Buried)
    }

    /// What shows that it made a difference.
    pub const fn effect(self) -> Effect {
        match self {
            Self::NoHandshake | Self::Unanswered | Self::Silent | Self::HalfFrame | Self::FarAhead | Self::LongAgo => {
                Effect::Lost("silent")
            }
            Self::Refused | Self::Closed | Self::Cut | Self::NotJson | Self::BadFrame | Self::Rewatched => {
                Effect::Lost("closed")
            }
            Self::Mute => Effect::Lost("mute"),
            Self::Duplicated => Effect::Repeated,
            Self::Reordered | Self::Belated => Effect::Stale,
            Self::WrongOwner | Self::Truncated | Self::Poisoned | Self::Falsified => Effect::Quarantined,
            Self::Buried => Effect::Removed,
            Self::Malformed => Effect::Done,
        }
    }
}
