//! The parts of the demo that need no network. One binary: the network's crates take seconds to link.

mod args;
mod decimal;
mod file;
mod generated;
mod meter;
mod plan;
mod replay;
mod rpc;
mod text;
mod window;

use std::path::PathBuf;

/// A file that is gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("ballast-demo-{}-{name}.csv", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
