//! The write-ahead journal: what the keeper is about to do, is on the disk before it does it.
//!
//! One writer, append-only, every record framed with checksums and on the disk before the step that it announces. After a
//! crash it says which transactions may still land. Its size is bounded: what has ended is dropped, by writing what is open
//! to a new file that takes the old one's place.

mod file;
mod frame;
mod medium;
mod record;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use file::records;
pub use medium::{Medium, Mount};
pub use record::{Ended, Identity, Intent, Key, Record, Signed};

/// The layout of the records.
const VERSION: u32 = 1;
/// A journal is compacted when it is larger than this, bytes.
pub const COMPACT_ABOVE: u64 = 1 << 20;

/// What was begun and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub intent: Intent,
    /// `None`: nothing has been signed for it.
    pub signed: Option<Signed>,
}

/// In which state a journal was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There was none.
    New,
    Intact,
    /// The end of the last record is missing, and the rest of it was cut off. Either it was never written to its end, and
    /// nobody acted on it, or somebody shortened the file: nobody can tell.
    Torn {
        bytes: u64,
    },
    /// The last bytes were no record and were cut off. Somebody may have acted on what stood there.
    Damaged {
        bytes: u64,
    },
    /// Unreadable before its end. Moved out of the way, and a new one begun.
    SetAside {
        to: PathBuf,
        why: String,
    },
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("there was no journal, a new one was begun"),
            Self::Intact => f.write_str("the journal is intact"),
            Self::Torn { bytes } => write!(f, "the last record has no end, its {bytes} bytes were cut off"),
            Self::Damaged { bytes } => write!(f, "the last {bytes} bytes of the journal were damaged and were cut off"),
            Self::SetAside { to, why } => {
                write!(f, "the journal was unreadable ({why}) and was moved to {}", to.display())
            }
        }
    }
}

/// Why there is no journal, or no further record in it.
#[derive(Debug)]
pub enum JournalError {
    /// Another keeper writes to it.
    Locked(PathBuf),
    /// It is another signer's, or of another cluster.
    Foreign { path: PathBuf, found: Identity },
    /// It was written by another release.
    Version { path: PathBuf, found: u32 },
    /// The disk is full, or something else is wrong with it.
    Io { what: &'static str, path: PathBuf, source: io::Error },
    /// A record that is too large to be read again.
    TooLarge,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(path) => {
                write!(f, "another keeper writes to the journal {}; stop it, or name another file", path.display())
            }
            Self::Foreign { path, found } => write!(
                f,
                "the journal {} is of signer {} on the cluster with genesis {}; name another file",
                path.display(),
                found.signer,
                found.genesis
            ),
            Self::Version { path, found } => write!(
                f,
                "the journal {} has version {found} and this keeper writes {VERSION}; let the release that wrote it finish, \
                 or name another file",
                path.display()
            ),
            Self::Io { what, path, source } => write!(f, "cannot {what} the journal {}: {source}", path.display()),
            Self::TooLarge => f.write_str("the record is too large for the journal"),
        }
    }
}

impl std::error::Error for JournalError {}

/// The journal of one signer on one cluster.
pub struct Journal {
    path: PathBuf,
    medium: Box<dyn Medium>,
    mount: Mount,
    /// Held as long as the journal is open.
    _lock: File,
    identity: Identity,
    complete: bool,
    open: BTreeMap<u64, Open>,
    next: u64,
    /// Bytes that are known to be on the disk, the end of the last whole record.
    length: u64,
    /// Ends that could not be written yet.
    owed: VecDeque<Record>,
    /// Bytes behind `length` may be there, after a write that failed.
    dirty: bool,
    /// The folder does not yet have this file on the disk: after a power failure an older one could be back.
    folder_due: bool,
    /// There was no journal before this one.
    begun: bool,
    compact_above: u64,
}

impl Journal {
    /// Opens the journal of a signer, or begins it. One keeper at a time: the lock is held until it is dropped.
    ///
    /// # Errors
    /// [`JournalError`]: locked, of somebody else, or the disk does not let us.
    pub fn open(path: &Path, identity: Identity) -> Result<(Self, Condition), JournalError> {
        Self::open_with(path, identity, COMPACT_ABOVE, Box::new(|file| Box::new(file)))
    }

    /// Whether nothing can land that this journal does not know.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether it was begun by this process, with no journal before it.
    pub fn is_new(&self) -> bool {
        self.begun
    }

    /// Writes down that nothing can land that this journal does not know.
    pub fn completes(&mut self) -> Result<(), JournalError> {
        self.append(&Record::Complete)?;
        self.complete = true;
        self.bound();
        Ok(())
    }

    /// What was begun and has not ended, oldest first.
    pub fn unfinished(&self) -> impl Iterator<Item = (u64, &Open)> {
        self.open.iter().map(|(id, open)| (*id, open))
    }

    /// What is unfinished of a key.
    pub fn unfinished_of(&self, key: &Key) -> Option<(u64, &Open)> {
        self.unfinished().find(|(_, open)| open.intent.key == *key)
    }

    /// Writes an intent down. Returns its number.
    pub fn intend(&mut self, intent: Intent) -> Result<u64, JournalError> {
        let id = self.next;
        self.append(&Record::Intent { id, intent: intent.clone() })?;
        self.next += 1;
        self.open.insert(id, Open { intent, signed: None });
        self.bound();
        Ok(id)
    }

    /// Writes a signed transaction down. Only afterwards it may be sent.
    pub fn sign(&mut self, id: u64, signed: Signed) -> Result<(), JournalError> {
        self.append(&Record::Signed { id, signed: signed.clone() })?;
        if let Some(open) = self.open.get_mut(&id) {
            open.signed = Some(signed);
        }
        self.bound();
        Ok(())
    }

    /// Writes down what became of an intent. It counts as ended even where that cannot be written now: it is written before
    /// anything else is, and after a restart the cluster is asked again, and answers the same.
    pub fn end(&mut self, id: u64, how: Ended) -> Result<(), JournalError> {
        self.open.remove(&id);
        let record = Record::Ended { id, how };
        let written = self.append(&record);
        match &written {
            Ok(()) => self.bound(),
            Err(_) => self.owed.push_back(record),
        }
        written
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        while let Some(owed) = self.owed.front().cloned() {
            self.put(&owed)?;
            self.owed.pop_front();
        }
        self.put(record)
    }

    /// Keeps the size bounded. A compacted journal is written from memory, so this comes when a record is in it.
    fn bound(&mut self) {
        if self.length > self.compact_above {
            self.compact_unless_hopeless();
        }
    }

    fn put(&mut self, record: &Record) -> Result<(), JournalError> {
        let frame = encoded(record)?;
        self.sync_folder()?;
        // What a former failure left behind would make a middle of this record's beginning.
        if self.dirty {
            self.medium.cut(self.length).map_err(|source| self.failed("shorten", source))?;
            self.dirty = false;
        }
        let written = self.medium.write(self.length, &frame).and_then(|()| self.medium.sync());
        if let Err(source) = written {
            self.dirty = self.medium.cut(self.length).is_err();
            return Err(self.failed("write", source));
        }
        self.length = self.length.saturating_add(frame.len() as u64);
        Ok(())
    }

    fn failed(&self, what: &'static str, source: io::Error) -> JournalError {
        JournalError::Io { what, path: self.path.clone(), source }
    }
}

fn encoded(record: &Record) -> Result<Vec<u8>, JournalError> {
    let text = serde_json::to_vec(record).map_err(|_| JournalError::TooLarge)?;
    frame::framed(&text).ok_or(JournalError::TooLarge)
}
