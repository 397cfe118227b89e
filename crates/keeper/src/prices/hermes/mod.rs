//! Hermes: the web service of the Pyth publishers. It is asked for the feeds of the market; what it says is compared with the
//! stored prices, and can be posted on chain where no account there is fresh ([`post`]).

pub mod post;
pub mod update;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::BoxFuture;
use reqwest::{Client, Response, StatusCode};

use super::source::{self, LARGEST, PriceSource, Quotes, hex};
use crate::secret::Secret;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// One server.
#[derive(Clone, Debug)]
pub struct Hermes {
    client: Client,
    url: Secret,
    key: Option<Secret>,
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
    async fn ask(&self, feeds: &[[u8; 32]]) -> Result<Quotes> {
        // One feed that the service does not know, or no longer, must not cost all the others.
        let options = ["encoding=base64", "parsed=false", "ignore_invalid_price_ids=true"];
        let ids = feeds.iter().map(|feed| format!("ids[]={}", hex(feed)));
        let query: Vec<String> = ids.chain(options.map(str::to_owned)).collect();
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
        source::read(&body_of(answer).await?).context("the answer of Hermes cannot be read")
    }
}

/// The body of an answer, which is given up as soon as it is too long.
async fn body_of(mut answer: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let next =
        |part: reqwest::Result<_>| part.map_err(reqwest::Error::without_url).context("Hermes stops in mid-answer");
    while let Some(part) = next(answer.chunk().await)? {
        ensure!(
            body.len().saturating_add(part.len()) <= LARGEST,
            "the answer of Hermes is longer than {LARGEST} bytes"
        );
        body.extend_from_slice(&part);
    }
    Ok(body)
}

impl PriceSource for Hermes {
    fn name(&self) -> &'static str {
        "hermes"
    }

    fn latest<'a>(&'a self, feeds: &'a [[u8; 32]]) -> BoxFuture<'a, Result<Quotes>> {
        Box::pin(self.ask(feeds))
    }
}
