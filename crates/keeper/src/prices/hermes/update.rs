//! The accumulator update of Pythnet ("PNAU"): a root that the guardians have signed, and messages with the proof that they
//! stand under it. All numbers are big-endian.
//!
//! ```text
//! "PNAU" | major 1 | minor | length, trailing header | proof type 0
//! length (2), signed root | count, { length (2), message | count, nodes of 20 bytes }
//! message: 0 | feed (32) | price (8) | confidence (8) | exponent (4) | publish time (8) | the time before (8) | averages (16)
//! ```
//!
//! Nothing is verified here: the receiver program does that, and takes nothing else.

use std::fmt;

const MAGIC: &[u8] = b"PNAU";
const MAJOR: u8 = 1;
/// The root is signed by the guardians, the messages stand in a Merkle tree.
const WORMHOLE_MERKLE: u8 = 0;
/// A price, among other kinds of messages.
const PRICE: u8 = 0;

/// A price as the publishers sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub feed: [u8; 32],
    /// Times `10^exponent` dollars.
    pub price: i64,
    pub confidence: u64,
    pub exponent: i32,
    /// Unix seconds.
    pub publish_time: i64,
}

/// A price with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    pub price: Price,
    /// As it was signed.
    pub message: Vec<u8>,
    /// From the message up to the root.
    pub proof: Vec<[u8; 20]>,
}

/// A signed root and the prices under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accumulated {
    /// The root with the signatures (a VAA of Wormhole).
    pub signed: Vec<u8>,
    pub prices: Vec<Proven>,
}

impl Accumulated {
    /// Which set of guardians has signed.
    pub fn guardian_set(&self) -> Option<u32> {
        self.signed.get(1..)?.first_chunk().copied().map(u32::from_be_bytes)
    }
}

/// Why bytes are no update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// They end too early.
    Short,
    /// They do not begin as one.
    Magic,
    /// A version or kind of proof that is not known.
    Version,
    /// More bytes than it has.
    Long,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "the update is cut off",
            Self::Magic => "this is no accumulator update",
            Self::Version => "the update is of an unknown version",
            Self::Long => "the update has bytes behind its end",
        })
    }
}

impl std::error::Error for Malformed {}

/// Bytes that are taken off from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.first_chunk().copied().ok_or(Malformed::Short)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    /// Bytes behind their length in two bytes.
    fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(usize::from(length))
    }
}

/// Reads an update. Messages that are no prices are left out.
///
/// # Errors
/// [`Malformed`].
pub fn parse(bytes: &[u8]) -> Result<Accumulated, Malformed> {
    let mut reader = Reader(bytes);
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(Malformed::Magic);
    }
    let major = reader.byte()?;
    // Later minor versions only add to the trailing header.
    let _minor = reader.byte()?;
    let trailing = reader.byte()?;
    reader.take(usize::from(trailing))?;
    if major != MAJOR || reader.byte()? != WORMHOLE_MERKLE {
        return Err(Malformed::Version);
    }
    let signed = reader.sized()?.to_vec();
    let count = reader.byte()?;
    let mut prices = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let message = reader.sized()?.to_vec();
        let nodes = reader.byte()?;
        let proof = (0..nodes).map(|_| reader.array()).collect::<Result<Vec<[u8; 20]>, _>>()?;
        if let Some(price) = price(&message)? {
            prices.push(Proven { price, message, proof });
        }
    }
    if reader.0.is_empty() { Ok(Accumulated { signed, prices }) } else { Err(Malformed::Long) }
}

/// `None` for a message of another kind. What follows the fields that are known is left alone.
fn price(message: &[u8]) -> Result<Option<Price>, Malformed> {
    let mut reader = Reader(message);
    if reader.byte()? != PRICE {
        return Ok(None);
    }
    Ok(Some(Price {
        feed: reader.array()?,
        price: i64::from_be_bytes(reader.array()?),
        confidence: u64::from_be_bytes(reader.array()?),
        exponent: i32::from_be_bytes(reader.array()?),
        publish_time: i64::from_be_bytes(reader.array()?),
    }))
}
