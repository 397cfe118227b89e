//! Where prices come from beside the accounts on chain. What a source says is compared with the stored prices; what it can prove
//! can be posted.

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::hermes::update::{self, Accumulated, Price};

/// Bytes of an answer at most. A feed takes less than a kilobyte.
pub const LARGEST: usize = 1 << 20;

/// What a source says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotes {
    /// All prices, proven or not.
    pub prices: Vec<Price>,
    /// Those that can be posted.
    pub updates: Vec<Accumulated>,
}

/// A source of prices.
pub trait PriceSource: Send + Sync + 'static {
    /// For labels and logs: a short word of a fixed list.
    fn name(&self) -> &'static str;

    /// The latest prices of these feeds. Feeds that the source does not know are left out.
    ///
    /// # Errors
    /// The source has nothing to say at the moment, and what to do about it; never with a secret.
    fn latest<'a>(&'a self, feeds: &'a [[u8; 32]]) -> BoxFuture<'a, Result<Quotes>>;
}

/// What is read of an answer to `/v2/updates/price/latest`, which is also how a file is written.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    binary: Binary,
    #[serde(default)]
    parsed: Vec<Parsed>,
}

#[derive(Default, Deserialize)]
struct Binary {
    encoding: Encoding,
    data: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Hex,
    Base64,
}

impl Encoding {
    fn decode(self, text: &str) -> Result<Vec<u8>> {
        match self {
            Self::Hex => from_hex(text),
            Self::Base64 => base64::prelude::BASE64_STANDARD.decode(text).context("an update is not base64"),
        }
    }
}

#[derive(Deserialize)]
struct Parsed {
    id: String,
    price: Said,
}

/// Whole numbers as text, as the publishers write them.
#[derive(Deserialize)]
struct Said {
    price: String,
    conf: String,
    expo: i32,
    publish_time: i64,
}

impl Parsed {
    fn read(&self) -> Result<Price> {
        let feed = from_hex(self.id.trim_start_matches("0x"))?;
        let feed = feed.try_into().map_err(|_| anyhow!("the id {:?} does not have 32 bytes", self.id))?;
        let Said { price, conf, expo, publish_time } = &self.price;
        Ok(Price {
            feed,
            price: price.parse().with_context(|| format!("the price {price:?} is not a whole number"))?,
            confidence: conf.parse().with_context(|| format!("the confidence {conf:?} is not a whole number"))?,
            exponent: *expo,
            publish_time: *publish_time,
        })
    }
}

/// Reads an answer: its updates (`binary`), its prices without proof (`parsed`), or both. A proven price counts before one
/// without proof.
///
/// # Errors
/// What cannot be read.
pub fn read(body: &[u8]) -> Result<Quotes> {
    let Answer { binary, parsed } = serde_json::from_slice(body).context("it is not the JSON of prices")?;
    let decode = |text: &String| Ok(update::parse(&binary.encoding.decode(text)?)?);
    let updates: Vec<Accumulated> = binary.data.iter().map(decode).collect::<Result<_>>()?;
    let mut prices: Vec<Price> = updates.iter().flat_map(|update| &update.prices).map(|proven| proven.price).collect();
    for parsed in &parsed {
        let price = parsed.read()?;
        if prices.iter().all(|proven| proven.feed != price.feed) {
            prices.push(price);
        }
    }
    if prices.is_empty() {
        bail!("there is not one price in it");
    }
    Ok(Quotes { prices, updates })
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
    bytes.with_context(|| format!("{:?} is not hexadecimal", text.get(..8).unwrap_or(text)))
}

/// A feed id as sources write it.
pub fn hex(feed: &[u8; 32]) -> String {
    feed.iter().map(|byte| format!("{byte:02x}")).collect()
}
