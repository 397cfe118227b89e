//! What the run says while it goes: a bar on a terminal, plain lines anywhere else. All on standard error.

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

/// Says where the run is.
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Progress {
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0));
        Self { bar, started: Instant::now() }
    }

    /// A new part of the run with so many steps.
    pub fn phase(&self, what: &str, steps: usize) {
        match &self.bar {
            Some(bar) => {
                let style = ProgressStyle::with_template("{elapsed:>4} [{bar:32}] {pos}/{len} {msg}");
                // The template is a constant; a bad one would only cost the looks.
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
                bar.set_length(steps as u64);
                bar.set_position(0);
                bar.set_message(what.to_owned());
            }
            None => self.note(what),
        }
    }

    pub fn advance(&self, steps: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(steps as u64);
        }
    }

    /// Something worth a line of its own.
    pub fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{:6.1} s  {line}", self.started.elapsed().as_secs_f64()),
        }
    }

    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
