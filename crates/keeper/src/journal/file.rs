//! Opening, reading, setting aside and compacting the file.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::frame::{self, Ending};
use super::{Condition, Identity, Journal, JournalError, Mount, Open, Record, VERSION, encoded};

/// The owner alone may read and write: it holds signed transactions.
const MODE: u32 = 0o600;
/// A file larger than this is not a journal of ours.
const MOST_READ: u64 = 64 << 20;

/// What the records of a file say.
#[derive(Default)]
struct State {
    complete: bool,
    open: BTreeMap<u64, Open>,
    next: u64,
}

impl State {
    /// # Errors
    /// What is wrong with the order of the records.
    fn add(&mut self, record: Record) -> Result<(), String> {
        match record {
            Record::Opened { .. } => return Err("it begins twice".to_owned()),
            Record::Complete => self.complete = true,
            Record::Intent { id, intent } => {
                if id < self.next {
                    return Err(format!("the intents are out of order at {id}"));
                }
                self.next = id + 1;
                self.open.insert(id, Open { intent, signed: None });
            }
            Record::Signed { id, signed } => {
                let open = self.open.get_mut(&id).ok_or_else(|| format!("{id} was signed without an intent"))?;
                open.signed = Some(signed);
            }
            Record::Ended { id, .. } => {
                self.open.remove(&id);
            }
        }
        Ok(())
    }
}

/// What was found.
enum Found {
    Nothing,
    Read { state: State, length: u64, condition: Condition },
    Unreadable(String),
}

impl Journal {
    /// [`Journal::open`] with another size at which it is compacted, on another medium.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open_with(
        path: &Path,
        identity: Identity,
        compact_above: u64,
        mount: Mount,
    ) -> Result<(Self, Condition), JournalError> {
        let lock = lock(path)?;
        let (state, length, condition) = match read(path, &identity)? {
            Found::Nothing => (State::default(), 0, Condition::New),
            Found::Read { state, length, condition } => (state, length, condition),
            Found::Unreadable(why) => {
                let to = set_aside(path)?;
                (State::default(), 0, Condition::SetAside { to, why })
            }
        };
        let file = create(path, false)?;
        let State { complete, open, next } = state;
        let medium = mount(file);
        let path = path.to_path_buf();
        let mut journal = Self {
            path,
            medium,
            mount,
            _lock: lock,
            identity,
            complete,
            open,
            next,
            length,
            owed: VecDeque::new(),
            dirty: false,
            // A former life may have ended between renaming a file and this.
            folder_due: true,
            begun: condition == Condition::New,
            compact_above,
        };
        // What was lost may be a transaction that can land.
        if condition != Condition::Intact {
            journal.complete = false;
            journal.compact()?;
        }
        Ok((journal, condition))
    }

    /// Drops what has ended: writes what is open to a new file, which then takes this one's place.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the old file is still there and goes on being used.
    pub fn compact(&mut self) -> Result<(), JournalError> {
        let mut bytes = encoded(&Record::Opened { version: VERSION, identity: self.identity.clone() })?;
        if self.complete {
            bytes.extend(encoded(&Record::Complete)?);
        }
        for (id, open) in &self.open {
            bytes.extend(encoded(&Record::Intent { id: *id, intent: open.intent.clone() })?);
            if let Some(signed) = &open.signed {
                bytes.extend(encoded(&Record::Signed { id: *id, signed: signed.clone() })?);
            }
        }
        let beside = beside(&self.path, "new");
        let file = create(&beside, true)?;
        let mut medium = (self.mount)(file);
        medium.write(0, &bytes).and_then(|()| medium.sync()).map_err(io_error("write", &beside))?;
        fs::rename(&beside, &self.path).map_err(io_error("replace", &self.path))?;
        // From here on the new file is the journal, but nothing is written to it before the folder is on the disk.
        self.folder_due = true;
        self.medium = medium;
        self.length = bytes.len() as u64;
        self.dirty = false;
        // Of what has ended, nothing is in the new file.
        self.owed.clear();
        self.sync_folder()
    }

    /// What is appended to a file that a power failure takes back was never written.
    pub(super) fn sync_folder(&mut self) -> Result<(), JournalError> {
        if self.folder_due {
            self.medium.sync_folder(folder(&self.path)).map_err(io_error("write the folder of", &self.path))?;
            self.folder_due = false;
        }
        Ok(())
    }

    /// Compacts now or, when the disk does not let us, at twice the size: the journal is whole either way.
    pub(super) fn compact_unless_hopeless(&mut self) {
        if self.compact().is_err() || self.length > self.compact_above / 2 {
            self.compact_above = self.length.saturating_mul(2);
        }
    }
}

/// Every record of a journal as it stands on the disk, for whoever checks it.
///
/// # Errors
/// [`JournalError::Io`].
pub fn records(path: &Path) -> Result<Vec<Record>, JournalError> {
    let bytes = fs::read(path).map_err(io_error("read", path))?;
    let scan = frame::scan(&bytes);
    let decode = |range: std::ops::Range<usize>| serde_json::from_slice(bytes.get(range)?).ok();
    Ok(scan.records.into_iter().filter_map(decode).collect())
}

fn read(path: &Path, identity: &Identity) -> Result<Found, JournalError> {
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(io_error("read", path)(error)),
    };
    if length > MOST_READ {
        return Ok(Found::Unreadable(format!("it has {length} bytes")));
    }
    let bytes = fs::read(path).map_err(io_error("read", path))?;
    let scan = frame::scan(&bytes);
    let (good, lost) = (scan.good as u64, (bytes.len() - scan.good) as u64);
    let condition = match scan.ending {
        Ending::Clean => Condition::Intact,
        Ending::Torn => Condition::Torn { bytes: lost },
        Ending::Damaged => Condition::Damaged { bytes: lost },
        Ending::DamagedBefore => return Ok(Found::Unreadable(format!("damaged at byte {good}"))),
    };
    let mut records = scan.records.into_iter().map(|range| {
        let record = bytes.get(range).unwrap_or_default();
        serde_json::from_slice::<Record>(record).map_err(|error| error.to_string())
    });
    match records.next() {
        Some(Ok(Record::Opened { version, .. })) if version != VERSION => {
            return Err(JournalError::Version { path: path.to_path_buf(), found: version });
        }
        Some(Ok(Record::Opened { identity: found, .. })) if found != *identity => {
            return Err(JournalError::Foreign { path: path.to_path_buf(), found });
        }
        Some(Ok(Record::Opened { .. })) => {}
        // A journal is begun by renaming a whole file, so this is none, not even one that was just begun.
        _ => return Ok(Found::Unreadable("it does not begin as a journal does".to_owned())),
    }
    let mut state = State::default();
    for record in records {
        if let Err(why) = record.and_then(|record| state.add(record)) {
            return Ok(Found::Unreadable(why));
        }
    }
    Ok(Found::Read { state, length: good, condition })
}

fn lock(path: &Path) -> Result<File, JournalError> {
    // Not the journal itself: compaction puts another file in its place.
    let beside = beside(path, "lock");
    let file = create(&beside, false)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(path.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(io_error("lock", &beside)(error)),
    }
}

/// Opens a file for its owner alone, also one that was there before with other rights.
fn create(path: &Path, empty: bool) -> Result<File, JournalError> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(empty).mode(MODE).open(path);
    let file = file.map_err(io_error("open", path))?;
    file.set_permissions(fs::Permissions::from_mode(MODE)).map_err(io_error("protect", path))?;
    Ok(file)
}

/// Moves an unreadable journal out of the way, never over another one.
fn set_aside(path: &Path) -> Result<PathBuf, JournalError> {
    for number in 1u32.. {
        let to = beside(path, &format!("unreadable-{number}"));
        if !to.exists() {
            fs::rename(path, &to).map_err(io_error("move", path))?;
            let synced = File::open(folder(path)).and_then(|folder| folder.sync_all());
            synced.map_err(io_error("write the folder of", path))?;
            return Ok(to);
        }
    }
    Err(io_error("move", path)(io::Error::from(io::ErrorKind::AlreadyExists)))
}

/// The file name with something behind it.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn io_error(what: &'static str, path: &Path) -> impl Fn(io::Error) -> JournalError {
    let path = path.to_path_buf();
    move |source| JournalError::Io { what, path: path.clone(), source }
}
