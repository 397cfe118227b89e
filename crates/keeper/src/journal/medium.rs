//! What a journal is written to: a file, or in tests a file that is full or dies.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file as far as the journal needs it.
pub trait Medium: Send {
    /// Writes all of it, from this byte on.
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns when everything is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Shortens it to so many bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Returns when the folder is on the disk: which file has which name.
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

impl Medium for File {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Makes a medium of an open file.
pub type Mount = Box<dyn Fn(File) -> Box<dyn Medium> + Send>;
