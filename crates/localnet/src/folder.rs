//! The folder in which a local network leaves what people and the keeper need: keypairs, configurations, logs.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use solana_keypair::Keypair;
use tempfile::TempDir;

/// A folder that is kept, or one that is gone afterwards.
pub struct Folder {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl Folder {
    /// The chosen folder, created if need be; without one a temporary folder.
    ///
    /// # Errors
    /// A folder that cannot be created.
    pub fn open(chosen: Option<&Path>) -> Result<Self> {
        let Some(chosen) = chosen else {
            let temporary = tempfile::Builder::new().prefix("ballast-localnet-").tempdir();
            let temporary = temporary.context("a temporary folder cannot be created")?;
            return Ok(Self { path: temporary.path().to_owned(), temporary: Some(temporary) });
        };
        let failed = || format!("folder {} cannot be created", chosen.display());
        create(chosen).with_context(failed)?;
        Ok(Self { path: fs::canonicalize(chosen).with_context(failed)?, temporary: None })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves a temporary folder where it is, because somebody has to look into it.
    pub fn keep(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let _ = temporary.keep();
        }
    }

    /// Writes a keypair for the owner's eyes only, in the format of Solana's tools: `keys/NAME.json`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_key(&self, name: &str, key: &Keypair) -> Result<PathBuf> {
        let folder = self.path.join("keys");
        create(&folder).with_context(|| format!("folder {} cannot be created", folder.display()))?;
        let numbers: Vec<String> = key.to_bytes().iter().map(u8::to_string).collect();
        self.write(&format!("keys/{name}.json"), &format!("[{}]", numbers.join(",")))
    }

    /// Writes a file for the owner's eyes only.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            // The file may be there from an earlier run, with other permissions.
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(text.as_bytes())
        };
        write().with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(path)
    }

    /// Removes what an earlier network has left under a name.
    ///
    /// # Errors
    /// Something that is there and cannot be removed.
    pub fn forget(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", path.display()))
            }
            _ => Ok(path),
        }
    }
}

fn create(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
