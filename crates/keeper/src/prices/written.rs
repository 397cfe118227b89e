//! Prices that somebody writes to a file: an own price service, a replayed day, or what was fetched from Hermes elsewhere. The
//! file has the form of Hermes' answers; with `binary` its updates can be posted, with `parsed` alone they are only compared.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::BoxFuture;
use tokio::io::AsyncReadExt;

use super::source::{self, LARGEST, PriceSource, Quotes};

/// One file. Whoever writes it writes another one and renames it, so that nobody reads a half.
#[derive(Clone, Debug)]
pub struct Written {
    path: PathBuf,
    /// A file that has not been written for longer says nothing about now.
    most_age: Duration,
}

impl Written {
    pub const fn new(path: PathBuf, most_age: Duration) -> Self {
        Self { path, most_age }
    }

    async fn read(&self, feeds: &[[u8; 32]]) -> Result<Quotes> {
        let shown = self.path.display();
        let file = tokio::fs::File::open(&self.path).await.with_context(|| format!("{shown} cannot be opened"))?;
        let metadata = file.metadata().await.with_context(|| format!("{shown} cannot be looked at"))?;
        // A time that is still to come is young.
        let age = metadata.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
        ensure!(
            age <= self.most_age,
            "{shown} has not been written for {} s; prices.file.most_age_seconds is {}",
            age.as_secs(),
            self.most_age.as_secs()
        );
        let mut body = Vec::new();
        let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
        let read = file.take(most.saturating_add(1)).read_to_end(&mut body).await;
        read.with_context(|| format!("{shown} cannot be read"))?;
        ensure!(body.len() <= LARGEST, "{shown} is longer than {LARGEST} bytes");
        let mut quotes = source::read(&body).with_context(|| shown.to_string())?;
        quotes.prices.retain(|price| feeds.contains(&price.feed));
        if quotes.prices.is_empty() {
            bail!("{shown} has no price of this market");
        }
        Ok(quotes)
    }
}

impl PriceSource for Written {
    fn name(&self) -> &'static str {
        "file"
    }

    fn latest<'a>(&'a self, feeds: &'a [[u8; 32]]) -> BoxFuture<'a, Result<Quotes>> {
        Box::pin(self.read(feeds))
    }
}
