//! What is written down, and in which order: an intent, what was signed for it, what became of it.

use std::fmt;
use std::str::FromStr;

use ballast_client::Pubkey;
use serde::{Deserialize, Serialize};
use solana_transaction::Signature;

/// What must not be done twice. Of a key there is at most one transaction that can still land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Key {
    /// A liquidation of this vault, whichever its kind.
    Liquidate(Pubkey),
    /// A refresh of the prices of this market, whichever assets they are of.
    Refresh(Pubkey),
    /// A refresh of some prices of this market, of which this asset is the first.
    RefreshAsset(Pubkey, u8),
    /// A comparison of the source on its way in of this asset of this market.
    Compare(Pubkey, u8),
    /// The execution of this change.
    Execute(Pubkey),
    /// Whatever else is prepared once for this address: a token account, a vault, a lookup table.
    Prepare(Pubkey),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Liquidate(vault) => write!(f, "liquidate:{vault}"),
            Self::Refresh(market) => write!(f, "refresh:{market}"),
            Self::RefreshAsset(market, asset) => write!(f, "refresh:{market}/{asset}"),
            Self::Compare(market, asset) => write!(f, "compare:{market}/{asset}"),
            Self::Execute(change) => write!(f, "execute:{change}"),
            Self::Prepare(address) => write!(f, "prepare:{address}"),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (verb, rest) = text.split_once(':').ok_or_else(|| format!("`{text}` is not a key"))?;
        let (address, asset) = match rest.split_once('/') {
            Some((address, asset)) => {
                let asset: u8 = asset.parse().map_err(|_| format!("`{asset}` is not an asset"))?;
                (address, Some(asset))
            }
            None => (rest, None),
        };
        let address = address.parse().map_err(|_| format!("`{address}` is not an address"))?;
        match (verb, asset) {
            ("liquidate", None) => Ok(Self::Liquidate(address)),
            ("refresh", None) => Ok(Self::Refresh(address)),
            ("refresh", Some(asset)) => Ok(Self::RefreshAsset(address, asset)),
            ("compare", Some(asset)) => Ok(Self::Compare(address, asset)),
            ("execute", None) => Ok(Self::Execute(address)),
            ("prepare", None) => Ok(Self::Prepare(address)),
            _ => Err(format!("`{text}` is nothing that the keeper does")),
        }
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

/// Who signs, and on which cluster. A journal of another signer says nothing about what this one has in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub signer: String,
    pub genesis: String,
}

/// What is about to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub key: Key,
    /// SHA-256 of the instructions, hexadecimal.
    pub digest: String,
    /// For people.
    pub what: String,
    /// Unix seconds of the machine's clock, for people.
    pub at: u64,
}

/// A transaction that may land from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    #[serde(with = "text")]
    pub signature: Signature,
    /// The last block height at which it can land.
    pub last_valid_block_height: u64,
    /// Lamports that it costs when it lands.
    pub fee: u64,
    /// The whole transaction in base64, to be broadcast again after a restart.
    pub transaction: String,
}

/// What became of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Landed,
    /// Landed, and was refused by the program.
    Failed,
    /// Never landed and never will.
    Expired,
    /// Nothing was signed.
    Abandoned,
}

/// A line of the journal. `id` numbers the intents of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Opened {
        version: u32,
        #[serde(flatten)]
        identity: Identity,
    },
    /// From here on nothing can land that this journal does not know. Missing in a journal that was begun beside a former
    /// life of which nothing is known, until everything that it could have signed has expired.
    Complete,
    Intent {
        id: u64,
        #[serde(flatten)]
        intent: Intent,
    },
    Signed {
        id: u64,
        #[serde(flatten)]
        signed: Signed,
    },
    Ended {
        id: u64,
        how: Ended,
    },
}

/// Signatures as text.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};
    use solana_transaction::Signature;

    pub fn serialize<S: Serializer>(signature: &Signature, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(signature)
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Signature, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
