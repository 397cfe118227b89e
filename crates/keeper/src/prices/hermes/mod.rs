//! Hermes: the web service of the Pyth publishers. It is asked for the feeds of the market; what it says is compared with the
//! stored prices, and can be posted on chain where no account there is fresh ([`post`]).

pub mod post;
pub mod update;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use reqwest::{Client, StatusCode};
use serde::Deserialize;

use crate::secret::Secret;
use update::Accumulated;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer at most. A feed takes less than a kilobyte in base64.
const LARGEST: usize = 1 << 20;

/// One server.
#[derive(Clone, Debug)]
pub struct Hermes {
    client: Client,
    url: Secret,
    key: Option<Secret>,
}

/// What is read of the answer to `/v2/updates/price/latest`.
#[derive(Deserialize)]
struct Answer {
    binary: Binary,
}

#[derive(Deserialize)]
struct Binary {
    encoding: String,
    data: Vec<String>,
}

impl Hermes {
    /// `key`: sent as a bearer token; without one the server may refuse.
    ///
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn new(url: Secret, key: Option<Secret>) -> Result<Self> {
        let client = Client::builder().timeout(TIMEOUT).build().context("no HTTP client")?;
        Ok(Self { client, url, key })
    }

    /// The latest updates of some feeds, as many messages as the server put them in.
    ///
    /// # Errors
    /// The server does not answer, refuses, or answers something else. Without the key or a URL in it.
    pub async fn latest(&self, feeds: &[[u8; 32]]) -> Result<Vec<Accumulated>> {
        let ids = feeds.iter().map(|feed| format!("ids[]={}", hex(feed)));
        let query: Vec<String> = ids.chain(["encoding=base64".to_owned(), "parsed=false".to_owned()]).collect();
        let url = format!("{}/v2/updates/price/latest?{}", self.url.reveal().trim_end_matches('/'), query.join("&"));
        let mut request = self.client.get(url);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.reveal());
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url).context("Hermes does not answer")?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                bail!("Hermes refuses the key, or wants one: see prices.hermes.key")
            }
            StatusCode::TOO_MANY_REQUESTS => {
                bail!("Hermes is asked too often: raise prices.hermes.interval_milliseconds")
            }
            status => bail!("Hermes answers {status}"),
        }
        let body = answer.bytes().await.map_err(reqwest::Error::without_url).context("Hermes stops in mid-answer")?;
        ensure!(body.len() <= LARGEST, "the answer of Hermes has {} bytes", body.len());
        let Answer { binary } = serde_json::from_slice(&body).context("the answer of Hermes cannot be read")?;
        ensure!(binary.encoding == "base64", "Hermes answers in {:?} instead of base64", binary.encoding);
        let decode = |text: &String| {
            let bytes = base64::prelude::BASE64_STANDARD.decode(text).context("an update is not base64")?;
            Ok(update::parse(&bytes)?)
        };
        binary.data.iter().map(decode).collect()
    }
}

/// A feed id as the service writes it.
pub fn hex(feed: &[u8; 32]) -> String {
    feed.iter().map(|byte| format!("{byte:02x}")).collect()
}
