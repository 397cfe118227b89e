//! Structured logs: one event a line on the standard error, as text or as JSON, without secrets.
//!
//! Targets are the rooms (`ballast_keeper::liquidator`); fields that tools look for keep their names: `vault`, `asset`,
//! `endpoint`, `signature`, `change`, `reason`.

use std::io::{self, Write};

use anyhow::{Context, Result};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::secret::Redaction;

/// How events look.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Opens what events are written to.
#[derive(Clone)]
pub struct Redacting<W> {
    redaction: Redaction,
    open: W,
}

impl<W, F: Fn() -> W> Redacting<F> {
    pub fn new(redaction: Redaction, open: F) -> Self {
        Self { redaction, open }
    }
}

impl<'a, W: Write, F: Fn() -> W> MakeWriter<'a> for Redacting<F> {
    type Writer = Line<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { redaction: &self.redaction, to: (self.open)() }
    }
}

/// Writes one event. The subscriber hands it over as a whole.
pub struct Line<'a, W> {
    redaction: &'a Redaction,
    to: W,
}

impl<W: Write> Write for Line<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write_all(self.redaction.apply(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes events of all threads from now on. `filter` as in `RUST_LOG`, such as `info,ballast_keeper::desk=debug`.
///
/// # Errors
/// A filter that cannot be read, or a second call.
pub fn start(format: Format, filter: &str, redaction: Redaction) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("{filter:?} is not a filter for logs"))?;
    let writer = Redacting::new(redaction, io::stderr);
    let events = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let started = match format {
        Format::Text => events.with_writer(writer).try_init(),
        Format::Json => events.json().flatten_event(true).with_writer(writer).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
