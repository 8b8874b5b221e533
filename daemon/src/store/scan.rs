//! Reads segments in order and verifies every record.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Seq;
use super::format::StoreId;
use super::hash::Hash;
use super::journal::JournalError;
use super::record::{self, Parsed, RecordRef};
use super::segment::{self, HEADER_LEN, Header, HeaderError};

/// Where the journal stands after its last good record.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Position {
    /// Of the last event; 0 before the first.
    pub(super) last_seq: Seq,
    /// Of the last record.
    pub(super) chain: Hash,
}

impl Position {
    /// Before the first record.
    pub(super) const START: Self = Self { last_seq: 0, chain: Hash::ZERO };
}

/// What a scan has found.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) records: u64,
    pub(super) position: Position,
    /// The last segment; nothing if there is none.
    pub(super) tail: Option<Tail>,
}

#[derive(Debug)]
pub(super) struct Tail {
    pub(super) path: PathBuf,
    /// The end of the last good record.
    pub(super) offset: u64,
    /// Bytes behind it up to the last that is not zero: a write that was interrupted.
    pub(super) torn_bytes: u64,
}

/// The segments in the folder `dir` with the first seqs that their names give, in order.
pub(super) fn segments(dir: &Path) -> Result<Vec<(Seq, PathBuf)>, JournalError> {
    let io = |source| JournalError::Io { path: dir.to_owned(), source };
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        if let Some(seq) = entry.file_name().to_str().and_then(segment::seq_of) {
            segments.push((seq, entry.path()));
        }
    }
    segments.sort();
    Ok(segments)
}

/// Calls `on_record` with each record of `segments`, in order. Changes nothing.
///
/// - `from`: where the first segment must continue; `None`: where its header says.
/// - Errors: `on_record`'s, at once; what makes the journal unusable as soon as it is met, so that
///   `on_record` may have been called with all records before it.
pub(super) fn scan<E: From<JournalError>>(
    segments: &[(Seq, PathBuf)],
    store: StoreId,
    from: Option<Position>,
    mut on_record: impl FnMut(RecordRef<'_>) -> Result<(), E>,
) -> Result<Scanned, E> {
    let mut found = Scanned { records: 0, position: from.unwrap_or(Position::START), tail: None };
    let mut from = from;
    for (index, (named, path)) in segments.iter().enumerate() {
        let bytes = fs::read(path).map_err(|source| io_error(path, source))?;
        found.position = enter(path, &bytes, store, *named, from)?;
        let offset = read_records(path, &bytes, &mut found, &mut on_record)?;
        let torn_bytes = nonzero_len(&bytes[offset..]);
        let (is_last, next_seq) = (index + 1 == segments.len(), found.position.last_seq + 1);
        if torn_bytes > 0 && (!is_last || record::any_written_after(&bytes[offset..], next_seq)) {
            return Err(corrupt(path, offset, next_seq).into());
        }
        found.tail =
            Some(Tail { path: path.clone(), offset: offset as u64, torn_bytes: torn_bytes as u64 });
        from = Some(found.position);
    }
    Ok(found)
}

/// Reads the header of a segment that must continue `from`; the position that it starts at.
pub(super) fn enter(
    path: &Path,
    bytes: &[u8],
    store: StoreId,
    named: Seq,
    from: Option<Position>,
) -> Result<Position, JournalError> {
    let expected = from.map_or(named, |it| it.last_seq + 1);
    let header = match Header::parse(bytes) {
        Ok(header) if header.first_seq == named && named > 0 => header,
        Ok(_) | Err(HeaderError::Damaged) => return Err(corrupt(path, 0, expected)),
        Err(HeaderError::Newer(version)) => {
            return Err(JournalError::Newer { segment: path.to_owned(), version });
        }
    };
    if header.store != store {
        let (segment, found) = (path.to_owned(), header.store);
        return Err(JournalError::OtherStore { segment, found, expected: store });
    }
    let start = Position { last_seq: header.first_seq - 1, chain: header.previous };
    match from {
        Some(from) if from.last_seq != start.last_seq => {
            let (segment, found) = (path.to_owned(), header.first_seq);
            Err(JournalError::Gap { segment, expected, found })
        }
        Some(from) if from.chain != start.chain => Err(corrupt(path, 0, expected)),
        Some(_) | None => Ok(start),
    }
}

/// Reads records up to the first place where there is no good one; that place.
fn read_records<E: From<JournalError>>(
    path: &Path,
    bytes: &[u8],
    found: &mut Scanned,
    on_record: &mut impl FnMut(RecordRef<'_>) -> Result<(), E>,
) -> Result<usize, E> {
    let mut offset = HEADER_LEN;
    loop {
        let expected = found.position.last_seq + 1;
        let record = match record::parse(&bytes[offset..]) {
            Parsed::Record(record) => record,
            Parsed::OtherVersion(version) => {
                let (segment, version) = (path.to_owned(), version.into());
                return Err(JournalError::Newer { segment, version }.into());
            }
            Parsed::Bad => return Ok(offset),
        };
        // No write, whole or torn, leaves a good checksum on a record that does not belong here.
        if record.first_seq != expected || !record.follows(found.position.chain) {
            return Err(corrupt(path, offset, expected).into());
        }
        on_record(record)?;
        found.records += 1;
        found.position = Position { last_seq: record.last_seq(), chain: record.chain };
        offset += record.len();
    }
}

fn nonzero_len(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)
}

fn corrupt(segment: &Path, offset: usize, seq: Seq) -> JournalError {
    JournalError::Corrupt { segment: segment.to_owned(), offset: offset as u64, seq }
}

fn io_error(path: &Path, source: io::Error) -> JournalError {
    JournalError::Io { path: path.to_owned(), source }
}
