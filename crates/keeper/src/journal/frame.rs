//! How records lie in the file: length, checksum of the length, checksum of the record, record.
//!
//! The length has a checksum of its own, because otherwise a damaged length looks like a record without an end, and what
//! stands behind it is not looked for.

use std::ops::Range;

/// Bytes in front of a record.
const HEAD: usize = 12;
/// The largest record: a transaction of 4,096 bytes in base64 with what stands around it takes a seventh of it.
pub const MOST: usize = 65_536;

/// A record as it is written.
///
/// `None` when it is larger than [`MOST`].
pub fn framed(record: &[u8]) -> Option<Vec<u8>> {
    if record.len() > MOST {
        return None;
    }
    let length = u32::try_from(record.len()).ok()?.to_le_bytes();
    let head = [length, crc32fast::hash(&length).to_le_bytes(), crc32fast::hash(record).to_le_bytes()];
    Some([head.concat().as_slice(), record].concat())
}

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Clean,
    /// The last record has no end.
    Torn,
    /// What stands at the end is no record, and somebody may have acted on what stood there.
    Damaged,
    /// There are records behind something that is none.
    DamagedBefore,
}

/// The records of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Scan {
    pub records: Vec<Range<usize>>,
    /// Bytes up to the end of the last record in an unbroken row.
    pub good: usize,
    pub ending: Ending,
}

enum Next {
    Record(Range<usize>),
    Torn,
    Damaged,
}

/// Reads a file from its beginning.
pub fn scan(bytes: &[u8]) -> Scan {
    let mut records = Vec::new();
    let mut good = 0;
    while good < bytes.len() {
        let ending = match next(bytes, good) {
            Next::Record(range) => {
                good = range.end;
                records.push(range);
                continue;
            }
            Next::Torn => Ending::Torn,
            Next::Damaged if more_after(bytes, good) => Ending::DamagedBefore,
            Next::Damaged => Ending::Damaged,
        };
        return Scan { records, good, ending };
    }
    Scan { records, good, ending: Ending::Clean }
}

fn next(bytes: &[u8], at: usize) -> Next {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some((head, body)) = rest.split_first_chunk::<HEAD>() else { return Next::Torn };
    let [a, b, c, d, rest @ ..] = *head;
    let [e, f, g, h, i, j, k, l] = rest;
    let length = [a, b, c, d];
    if crc32fast::hash(&length) != u32::from_le_bytes([e, f, g, h]) {
        return Next::Damaged;
    }
    let Some(length) = usize::try_from(u32::from_le_bytes(length)).ok().filter(|length| *length <= MOST) else {
        return Next::Damaged;
    };
    let Some(record) = body.get(..length) else { return Next::Torn };
    if crc32fast::hash(record) != u32::from_le_bytes([i, j, k, l]) {
        return Next::Damaged;
    }
    Next::Record(at + HEAD..at + HEAD + length)
}

/// Whether a record stands anywhere behind this place.
fn more_after(bytes: &[u8], at: usize) -> bool {
    (at + 1..bytes.len()).any(|at| matches!(next(bytes, at), Next::Record(_)))
}
