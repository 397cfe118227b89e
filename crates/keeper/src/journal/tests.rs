use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ballast_client::Pubkey;
use solana_transaction::Signature;
use tempfile::TempDir;

use super::*;

fn identity() -> Identity {
    Identity { signer: "signer".to_owned(), genesis: "genesis".to_owned() }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    (folder, path)
}

fn key(seed: u8) -> Key {
    Key::Liquidate(Pubkey::new_from_array([seed; 32]))
}

fn intent(seed: u8) -> Intent {
    Intent { key: key(seed), digest: "00".repeat(32), what: format!("vault {seed}"), at: 1_750_000_000 }
}

fn signed(seed: u8) -> Signed {
    Signed {
        signature: Signature::from([seed; 64]),
        last_valid_block_height: 150,
        fee: 5_000,
        transaction: "AAAA".repeat(300),
    }
}

fn opened(path: &Path) -> (Journal, Condition) {
    Journal::open(path, identity()).unwrap()
}

/// A journal that knows everything, with one intent that has ended, one that is signed and one that is not.
fn written(path: &Path) {
    let (mut journal, condition) = opened(path);
    assert_eq!(condition, Condition::New);
    assert!(!journal.is_complete());
    journal.completes().unwrap();
    for seed in [1, 2] {
        let id = journal.intend(intent(seed)).unwrap();
        journal.sign(id, signed(seed)).unwrap();
    }
    journal.end(0, Ended::Landed).unwrap();
    journal.intend(intent(3)).unwrap();
}

type Line = (u64, Key, Option<Signature>);

fn left(journal: &Journal) -> Vec<Line> {
    let line = |(id, open): (u64, &Open)| (id, open.intent.key, open.signed.as_ref().map(|signed| signed.signature));
    journal.unfinished().map(line).collect()
}

/// What [`written`] leaves unfinished.
fn two() -> [Line; 2] {
    [(1, key(2), Some(Signature::from([2; 64]))), (2, key(3), None)]
}

#[test]
fn what_is_unfinished_is_known_after_a_restart() {
    let (_folder, path) = place();
    written(&path);
    let (mut journal, condition) = opened(&path);
    assert_eq!(condition, Condition::Intact);
    assert!(journal.is_complete());
    assert_eq!(left(&journal), two());
    assert_eq!(journal.unfinished_of(&key(2)).unwrap().1.signed, Some(signed(2)));
    assert_eq!(journal.intend(intent(4)).unwrap(), 3);
}

#[test]
fn the_files_are_their_owners_alone() {
    let (folder, path) = place();
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(&path).unwrap();
    written(&path);
    for entry in fs::read_dir(folder.path()).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_second_keeper_is_refused() {
    let (_folder, path) = place();
    let (journal, _) = opened(&path);
    assert!(matches!(Journal::open(&path, identity()), Err(JournalError::Locked(_))));
    drop(journal);
    opened(&path);
}

#[test]
fn the_journal_of_another_signer_or_cluster_is_refused() {
    let (_folder, path) = place();
    written(&path);
    for other in
        [Identity { signer: "other".to_owned(), ..identity() }, Identity { genesis: "other".to_owned(), ..identity() }]
    {
        assert!(matches!(Journal::open(&path, other), Err(JournalError::Foreign { .. })));
    }
    assert_eq!(left(&opened(&path).0), two());
}

#[test]
fn a_journal_of_another_version_is_refused() {
    let (_folder, path) = place();
    fs::write(&path, encoded(&Record::Opened { version: 2, identity: identity() }).unwrap()).unwrap();
    assert!(matches!(Journal::open(&path, identity()), Err(JournalError::Version { found: 2, .. })));
}

#[test]
fn wherever_the_file_ends_the_records_before_are_known() {
    let (_folder, path) = place();
    written(&path);
    let whole = fs::read(&path).unwrap();
    let scan = frame::scan(&whole);
    assert_eq!((scan.records.len(), scan.ending), (8, frame::Ending::Clean));
    let begun = scan.records[0].end;
    for length in (begun..whole.len()).step_by(23).chain(scan.records.iter().skip(1).map(|record| record.end)) {
        fs::write(&path, &whole[..length]).unwrap();
        let (journal, condition) = opened(&path);
        let good = scan.records.iter().rev().find(|record| record.end <= length).unwrap().end;
        let known = scan.records.iter().filter(|record| record.end <= good).cloned();
        let known: Vec<Record> = known.map(|range| serde_json::from_slice(&whole[range]).unwrap()).collect();
        let opened = |record: &&Record| matches!(record, Record::Intent { .. });
        let ended = |record: &&Record| matches!(record, Record::Ended { .. });
        let open = known.iter().filter(opened).count() - known.iter().filter(ended).count();
        assert_eq!(left(&journal).len(), open);
        match length - good {
            0 => {
                assert_eq!(condition, Condition::Intact);
                assert_eq!(journal.is_complete(), good >= scan.records[1].end);
            }
            // Nobody can tell whether somebody acted on it.
            bytes => {
                assert_eq!(condition, Condition::Torn { bytes: bytes as u64 });
                assert!(!journal.is_complete());
            }
        }
        assert_eq!(fs::metadata(&path).unwrap().len(), journal.length());
    }
}

#[test]
fn a_bit_that_changed_anywhere_is_noticed() {
    let (_folder, path) = place();
    written(&path);
    let whole = fs::read(&path).unwrap();
    let last = frame::scan(&whole).records.pop().unwrap().start - 12;
    for at in (0..last).step_by(41).chain((last..whole.len()).step_by(5)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let (journal, condition) = opened(&path);
        if at >= last {
            let bytes = (whole.len() - last) as u64;
            assert_eq!(condition, Condition::Damaged { bytes }, "byte {at}");
            assert_eq!(left(&journal), [two()[0]]);
        } else {
            let Condition::SetAside { to, .. } = condition else { panic!("byte {at}: {condition}") };
            assert_eq!(fs::read(&to).unwrap(), bytes);
            fs::remove_file(to).unwrap();
            assert_eq!(left(&journal), []);
        }
        assert!(!journal.is_complete(), "byte {at}");
        // And so it stays until somebody says otherwise.
        drop(journal);
        let (journal, condition) = opened(&path);
        assert_eq!((journal.is_complete(), condition), (false, Condition::Intact));
    }
}

#[test]
fn several_unreadable_journals_are_kept() {
    let (folder, path) = place();
    for _ in 0..3 {
        fs::write(&path, b"not a journal, certainly").unwrap();
        opened(&path);
    }
    let kept = fs::read_dir(folder.path()).unwrap();
    let names = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains("unreadable")).count(), 3);
}

#[test]
fn the_size_is_bounded_however_much_is_done() {
    let (_folder, path) = place();
    let plain: fn() -> Mount = || Box::new(|file| Box::new(file));
    let (mut journal, _) = Journal::open_with(&path, identity(), 20_000, plain()).unwrap();
    journal.completes().unwrap();
    let kept = journal.intend(intent(9)).unwrap();
    journal.sign(kept, signed(9)).unwrap();
    for _ in 0..200 {
        let id = journal.intend(intent(1)).unwrap();
        journal.sign(id, signed(1)).unwrap();
        journal.end(id, Ended::Expired).unwrap();
        assert!(journal.length() <= 22_000);
    }
    let before = left(&journal);
    assert_eq!(before, [(kept, key(9), Some(Signature::from([9; 64])))]);
    drop(journal);
    let (mut journal, condition) = opened(&path);
    assert_eq!((condition, journal.is_complete(), left(&journal)), (Condition::Intact, true, before));
    assert!(journal.intend(intent(2)).unwrap() > 100);
}

#[test]
fn a_compaction_that_a_record_sets_off_keeps_that_record() {
    for compact_above in (0..2_400).step_by(40) {
        let (_folder, path) = place();
        let plain: Mount = Box::new(|file| Box::new(file));
        let (mut journal, _) = Journal::open_with(&path, identity(), compact_above, plain).unwrap();
        journal.completes().unwrap();
        let id = journal.intend(intent(1)).unwrap();
        journal.sign(id, signed(1)).unwrap();
        journal.intend(intent(2)).unwrap();
        let before = left(&journal);
        assert_eq!(before, [(0, key(1), Some(Signature::from([1; 64]))), (1, key(2), None)]);
        drop(journal);
        let (journal, condition) = opened(&path);
        assert_eq!(
            (condition, journal.is_complete(), left(&journal)),
            (Condition::Intact, true, before),
            "{compact_above}"
        );
    }
}

/// A disk on which so many more bytes fit.
struct Full {
    file: File,
    room: u64,
    /// Room that somebody else decides about.
    shared: Option<std::sync::Arc<std::sync::atomic::AtomicU64>>,
}

impl Medium for Full {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if let Some(room) = &self.shared {
            self.room = room.load(std::sync::atomic::Ordering::SeqCst);
        }
        let fits = usize::try_from(self.room).unwrap().min(bytes.len());
        Medium::write(&mut self.file, at, &bytes[..fits])?;
        self.room -= fits as u64;
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.cut(length)
    }
}

#[test]
fn a_full_disk_leaves_whole_records_alone() {
    let (_folder, path) = place();
    let mount: Mount = Box::new(|file| Box::new(Full { file, room: 2_000, shared: None }));
    let (mut journal, _) = Journal::open_with(&path, identity(), COMPACT_ABOVE, mount).unwrap();
    let id = journal.intend(intent(1)).unwrap();
    journal.sign(id, signed(1)).unwrap();
    let second = journal.intend(intent(2));
    let length = journal.length();
    let refused = if second.is_ok() { journal.sign(1, signed(2)) } else { second.map(|_| ()) };
    assert!(matches!(refused, Err(JournalError::Io { what: "write", .. })));
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    drop(journal);
    let (journal, condition) = opened(&path);
    assert_eq!(condition, Condition::Intact);
    assert_eq!(left(&journal)[0], (0, key(1), Some(Signature::from([1; 64]))));
}

#[test]
fn an_end_that_the_full_disk_did_not_take_is_written_before_anything_else() {
    let (_folder, path) = place();
    let room = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(u64::MAX));
    let shared = std::sync::Arc::clone(&room);
    let mount: Mount = Box::new(move |file| Box::new(Full { file, room: 0, shared: Some(shared.clone()) }));
    let (mut journal, _) = Journal::open_with(&path, identity(), COMPACT_ABOVE, mount).unwrap();
    let id = journal.intend(intent(1)).unwrap();
    journal.sign(id, signed(1)).unwrap();
    room.store(10, std::sync::atomic::Ordering::SeqCst);
    journal.end(id, Ended::Landed).unwrap_err();
    assert_eq!(left(&journal), []);
    journal.intend(intent(1)).unwrap_err();
    room.store(u64::MAX, std::sync::atomic::Ordering::SeqCst);
    journal.intend(intent(1)).unwrap();
    let written = records(&path).unwrap();
    assert!(matches!(written[3..], [Record::Ended { id: 0, how: Ended::Landed }, Record::Intent { .. }]));
}

/// A disk that does not take names of files.
struct Nameless {
    file: File,
    takes: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Medium for Nameless {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        Medium::write(&mut self.file, at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.cut(length)
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        match self.takes.load(std::sync::atomic::Ordering::SeqCst) {
            true => self.file.sync_folder(folder),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

#[test]
fn nothing_is_written_to_a_compacted_journal_before_its_name_is_on_the_disk() {
    let (_folder, path) = place();
    let takes = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let shared = std::sync::Arc::clone(&takes);
    let mount: Mount = Box::new(move |file| Box::new(Nameless { file, takes: shared.clone() }));
    let (mut journal, _) = Journal::open_with(&path, identity(), COMPACT_ABOVE, mount).unwrap();
    journal.completes().unwrap();
    let id = journal.intend(intent(1)).unwrap();
    takes.store(false, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(journal.compact(), Err(JournalError::Io { what: "write the folder of", .. })));
    let length = journal.length();
    journal.sign(id, signed(1)).unwrap_err();
    journal.intend(intent(2)).unwrap_err();
    assert_eq!((journal.length(), fs::metadata(&path).unwrap().len()), (length, length));
    takes.store(true, std::sync::atomic::Ordering::SeqCst);
    journal.sign(id, signed(1)).unwrap();
    drop(journal);
    let (journal, condition) = opened(&path);
    assert_eq!((condition, journal.is_complete()), (Condition::Intact, true));
    assert_eq!(left(&journal), [(0, key(1), Some(Signature::from([1; 64])))]);
}

#[test]
fn a_device_that_is_really_full_is_an_error() {
    let (_folder, path) = place();
    let full = || -> Box<dyn Medium> { Box::new(fs::OpenOptions::new().write(true).open("/dev/full").unwrap()) };
    let mount: Mount = Box::new(move |_| full());
    let error = Journal::open_with(&path, identity(), COMPACT_ABOVE, mount).map(|_| ()).unwrap_err();
    let JournalError::Io { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn keys_are_written_as_they_are_read() {
    let address = Pubkey::new_from_array([7; 32]);
    for key in [
        Key::Liquidate(address),
        Key::Refresh(address),
        Key::RefreshAsset(address, 0),
        Key::RefreshAsset(address, 63),
        Key::Compare(address, 7),
        Key::Execute(address),
        Key::Prepare(address),
    ] {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    assert!("liquidate".parse::<Key>().is_err());
    assert!("sell:11111111111111111111111111111111".parse::<Key>().is_err());
}
