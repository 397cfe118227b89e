//! A private copy of the standard library sources with the three edits that sBPF needs.
//!
//! Every edit names the exact lines that it replaces and fails when one is not there exactly once:
//! another version of the library has to be looked at by a person, never be patched half.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use super::debian::Compiler;
use crate::{
    cache,
    process::{self, say},
};

/// The `library` folder of the edited copy; makes it when the cache does not have it.
pub fn ready(toolchain: &Path, compiler: &Compiler) -> Result<PathBuf> {
    // This file is part of the name, so that changed edits make a new copy.
    let name = cache::fingerprint([compiler.version.as_str(), include_str!("std_copy.rs")]);
    let folder = cache::folder(&toolchain.join(format!("std-{name}")), |scratch| {
        say("copying and editing the standard library sources");
        process::run(process::outside_rustup("cp").arg("-R").arg(&compiler.library).arg(scratch.join("library")))?;
        edit(&scratch.join("library"))
    })?;
    Ok(folder.join("library"))
}

fn edit(library: &Path) -> Result<()> {
    allow_std(library)?;
    set_alignment(library)?;
    fix_hash_keys(library)
}

/// std calls itself unusable on targets it does not know; this one gives it a platform layer.
fn allow_std(library: &Path) -> Result<()> {
    let mut file = Source::open(library, "std/build.rs")?;
    let at = file.only(r#"println!("cargo:rustc-cfg=restricted_std");"#)?;
    file.replace(at, at, &["// sBPF: std is usable on this target."]);
    file.save()
}

/// The allocator must know the smallest alignment: 8, as on x86.
fn set_alignment(library: &Path) -> Result<()> {
    let mut file = Source::open(library, "std/src/sys/alloc/mod.rs")?;
    let at = file.only(r#"target_arch = "x86","#)?;
    // Only one list of architectures leads to the value 8, so this is the right one.
    file.only("8")?;
    file.replace(at, at, &[r#"target_arch = "x86","#, r#"target_arch = "bpf","#]);
    file.save()
}

/// `RandomState::new` keeps its keys in a thread-local, which would land in `.bss`, and a program
/// has neither writable statics nor entropy.
fn fix_hash_keys(library: &Path) -> Result<()> {
    let mut file = Source::open(library, "std/src/hash/random.rs")?;
    let first = file.only("thread_local!(static KEYS: Cell<(u64, u64)> = {")?;
    let inner = file.only("RandomState { k0, k1 }")?;
    let last = inner + 1;
    ensure!(
        inner.checked_sub(first) == Some(7) && file.line(last) == Some("})"),
        "{}: RandomState::new has another shape than expected",
        file.path.display()
    );
    file.replace(first, last, &["RandomState { k0: 0x6261_6c6c_6173_7430, k1: 0x6261_6c6c_6173_7431 }"]);
    // What only the removed lines used.
    for import in ["use crate::cell::Cell;", "use crate::sys::random::hashmap_random_keys;"] {
        let at = file.only(import)?;
        file.replace(at, at, &[]);
    }
    file.save()
}

/// A source file as lines.
struct Source {
    path: PathBuf,
    lines: Vec<String>,
}

impl Source {
    fn open(library: &Path, name: &str) -> Result<Self> {
        let path = library.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path, lines: text.lines().map(str::to_owned).collect() })
    }

    /// The index of the one line that reads `wanted`, blanks around it aside.
    fn only(&self, wanted: &str) -> Result<usize> {
        let mut hits = self.lines.iter().enumerate().filter(|(_, line)| line.trim() == wanted);
        match (hits.next(), hits.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => bail!("{}: line not found: {wanted}", self.path.display()),
            (Some(_), Some(_)) => bail!("{}: line found more than once: {wanted}", self.path.display()),
        }
    }

    fn line(&self, at: usize) -> Option<&str> {
        self.lines.get(at).map(|line| line.trim())
    }

    /// Puts `new` in the place of the lines `first..=last`.
    fn replace(&mut self, first: usize, last: usize, new: &[&str]) {
        self.lines.splice(first..=last, new.iter().map(|line| (*line).to_owned()));
    }

    fn save(&self) -> Result<()> {
        let mut text = self.lines.join("\n");
        text.push('\n');
        fs::write(&self.path, text).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { path: "example.rs".into(), lines: text.lines().map(str::to_owned).collect() }
    }

    #[test]
    fn a_line_must_be_there_exactly_once() {
        let file = source("a\n  b,\nc\nc");
        assert_eq!(file.only("b,").unwrap(), 1);
        assert!(file.only("d").unwrap_err().to_string().contains("not found"));
        assert!(file.only("c").unwrap_err().to_string().contains("more than once"));
    }

    #[test]
    fn replaces_a_range() {
        let mut file = source("a\nb\nc\nd");
        file.replace(1, 2, &["x"]);
        assert_eq!(file.lines, ["a", "x", "d"]);
    }
}
