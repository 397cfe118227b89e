//! Keeping the cache whole: one writer at a time, and nothing half made under a final name.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::process::say;

/// Held while the tools are installed or the program is built; released when dropped.
pub struct Lock {
    _file: File,
}

/// Waits until no other `cargo xtask` works on the cache.
pub fn lock(cache: &Path) -> Result<Lock> {
    let path = cache.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("waiting for another cargo xtask to release the build cache");
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    Ok(Lock { _file: file })
}

/// Makes the folder `wanted` with `make`, unless it is there already.
///
/// `make` fills a scratch folder, which gets the final name only when everything has worked: an
/// interrupted run leaves no folder that looks finished. Call it with the [`Lock`] held.
pub fn folder(wanted: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    if wanted.is_dir() {
        return Ok(wanted.to_owned());
    }
    let mut scratch = wanted.as_os_str().to_owned();
    scratch.push(".partial");
    let scratch = PathBuf::from(scratch);
    remove(&scratch)?;
    fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
    make(&scratch)?;
    fs::rename(&scratch, wanted)
        .with_context(|| format!("cannot rename {} to {}", scratch.display(), wanted.display()))?;
    Ok(wanted.to_owned())
}

/// Deletes a folder; it may be missing.
pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// A short name for contents (64-bit FNV-1a): equal contents, equal name, on every machine.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // 0xff occurs in no UTF-8 text, so it separates parts unambiguously.
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}
