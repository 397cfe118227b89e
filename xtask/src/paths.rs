//! Where things are: the checkout, and the cache that outlives it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The root of this checkout.
pub fn workspace() -> Result<PathBuf> {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = xtask.parent().with_context(|| format!("{} has no parent folder", xtask.display()))?;
    Ok(root.to_owned())
}

/// The compiled program; tests look for it at the same place.
pub fn program_binary() -> Result<PathBuf> {
    Ok(workspace()?.join("target/deploy/ballast.so"))
}

/// The folder for everything that is expensive to make and the same for every clone.
///
/// It is outside the checkout because a cold build of the test stack takes a quarter of an hour:
/// a second clone, or a cleaned one, has to find the first one's work.
pub fn cache() -> Result<PathBuf> {
    let folder = if let Some(chosen) = non_empty("BALLAST_CACHE") {
        chosen
    } else if let Some(xdg) = non_empty("XDG_CACHE_HOME") {
        xdg.join("ballast")
    } else {
        non_empty("HOME").context("no folder for the build cache: set BALLAST_CACHE to one")?.join(".cache/ballast")
    };
    ensure!(
        folder.is_absolute(),
        "the build cache folder `{}` must be an absolute path (BALLAST_CACHE or XDG_CACHE_HOME)",
        folder.display()
    );
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// Where cargo keeps the sources of dependencies.
pub fn cargo_home() -> Result<PathBuf> {
    match non_empty("CARGO_HOME") {
        Some(chosen) => Ok(chosen),
        None => Ok(non_empty("HOME").context("neither CARGO_HOME nor HOME is set")?.join(".cargo")),
    }
}

fn non_empty(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
