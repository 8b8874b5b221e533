//! The events on disk, in order of seq: the truth, and the audit trail.
//!
//! Append-only segments (`journal/<first seq>.seg`) of checksummed, chained records. One record is
//! one step of the engine, which is there as a whole or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Advice;

use super::Seq;
use super::disk::Disk;
use super::durable;
use super::format::StoreId;
use super::record::{self, PAYLOAD_MAX, PendingRecord, RecordRef};
use super::scan::{self, Position, Scanned, Tail};
use super::segment::{self, CreateError, HEADER_LEN, Header, Segment};

#[cfg(test)]
mod tests;

/// Room that a segment takes in advance. A group that is larger gets a larger segment.
const SEGMENT_BYTES: u64 = 8 << 20;

/// The journal of a store, open for appending. Has one owner and blocks.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    store: StoreId,
    segment: Segment,
    segment_bytes: u64,
    position: Position,
    disk: Disk,
    is_dead: bool,
}

/// What opening a journal has found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct JournalOpened {
    pub(crate) records: u64,
    /// Bytes of a last write that was interrupted, and that nobody was told of; they are gone.
    pub(crate) torn_bytes_cut: u64,
    /// Seq of the last event; 0 if there is none.
    pub(crate) last_seq: Seq,
}

/// Why a journal cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    #[error("cannot use `{path}`")]
    Io { path: PathBuf, source: io::Error },
    #[error("the journal is damaged in `{segment}` at byte {offset}, where event {seq} should be")]
    Corrupt { segment: PathBuf, offset: u64, seq: Seq },
    #[error("`{segment}` begins with event {found}; events from {expected} on are missing")]
    Gap { segment: PathBuf, expected: Seq, found: Seq },
    #[error("`{segment}` belongs to store {found}, and this is store {expected}")]
    OtherStore { segment: PathBuf, found: StoreId, expected: StoreId },
    #[error("`{segment}` was written by a newer Runyard (layout {version})")]
    Newer { segment: PathBuf, version: u32 },
}

impl JournalError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Io { .. } => {
                "check the disk, and that the daemon's user owns the file".to_owned()
            }
            Self::Corrupt { .. } | Self::Gap { .. } => {
                "keep a copy of the state folder, then restore the last backup".to_owned()
            }
            Self::OtherStore { segment, .. } => {
                format!("move `{}` back to where it came from", segment.display())
            }
            Self::Newer { .. } => "upgrade Runyard on this machine".to_owned(),
        }
    }
}

/// Why events are not on disk.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// Nothing was written, or what was written is gone again. The same append may be tried again.
    #[error("cannot write to the journal")]
    NotWritten(#[source] io::Error),
    /// It is not known what is on disk. This journal takes nothing more: open it anew.
    #[error("cannot sync the journal to disk")]
    SyncFailed(#[source] io::Error),
    /// An append before this one failed with [`AppendError::SyncFailed`].
    #[error("the journal takes nothing more since a sync failed")]
    Dead,
    /// Nothing was written, and it will not be otherwise next time.
    #[error("a step of {bytes} bytes is over the journal's limit of {PAYLOAD_MAX}")]
    TooLarge { bytes: usize },
}

impl AppendError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::NotWritten(_) => {
                "make room on the disk of the state folder; it goes on by itself then".to_owned()
            }
            Self::SyncFailed(_) | Self::Dead => {
                "check the disk of the state folder (`dmesg`); the journal is read anew".to_owned()
            }
            Self::TooLarge { .. } => "report this: no step should be that large".to_owned(),
        }
    }
}

impl Journal {
    /// Opens the journal in the folder `dir`, which is created if it is absent.
    ///
    /// - `on_record`: called with each record in order; its error ends the opening.
    /// - A last write that was interrupted is cut off and reported.
    /// - Errors: anything else that is not as it was written.
    pub(crate) fn open<E: From<JournalError>>(
        dir: &Path,
        store: StoreId,
        on_record: impl FnMut(RecordRef<'_>) -> Result<(), E>,
    ) -> Result<(Self, JournalOpened), E> {
        Self::open_sized(dir, store, SEGMENT_BYTES, on_record)
    }

    fn open_sized<E: From<JournalError>>(
        dir: &Path,
        store: StoreId,
        segment_bytes: u64,
        on_record: impl FnMut(RecordRef<'_>) -> Result<(), E>,
    ) -> Result<(Self, JournalOpened), E> {
        let io = |source| JournalError::Io { path: dir.to_owned(), source };
        durable::create_dir(dir).map_err(io)?;
        durable::sweep(dir, segment::UNFINISHED).map_err(io)?;
        let segments = scan::segments(dir)?;
        if let Some((_, last)) = segments.last() {
            settle(last).map_err(|source| JournalError::Io { path: last.clone(), source })?;
            durable::sync_dir(dir).map_err(io)?;
        }
        let scanned = scan::scan(&segments, store, Some(Position::START), on_record)?;
        let mut disk = Disk::default();
        let opened = JournalOpened {
            records: scanned.records,
            torn_bytes_cut: scanned.tail.as_ref().map_or(0, |tail| tail.torn_bytes),
            last_seq: scanned.position.last_seq,
        };
        let position = scanned.position;
        let segment = open_tail(&mut disk, dir, store, segment_bytes, scanned)?;
        let dir = dir.to_owned();
        Ok((Self { dir, store, segment, segment_bytes, position, disk, is_dead: false }, opened))
    }

    /// Puts `records` on disk, all with one write and one sync.
    ///
    /// - Result: the seq of the last event; of the last one before, if `records` is empty.
    /// - Errors: after each of them the journal holds what it held before, except after
    ///   [`AppendError::SyncFailed`], when all, some or none of `records` may be found later.
    pub(crate) fn append(&mut self, records: &[PendingRecord]) -> Result<Seq, AppendError> {
        if self.is_dead {
            return Err(AppendError::Dead);
        }
        if records.is_empty() {
            return Ok(self.position.last_seq);
        }
        let (buffer, position) = encode_group(records, self.position)?;
        self.make_room(buffer.len() as u64)?;
        if let Err(error) = self.segment.write(&mut self.disk, &buffer) {
            return Err(self.take_back(error));
        }
        if let Err(error) = self.segment.commit(&mut self.disk, buffer.len()) {
            return Err(self.die(error));
        }
        self.position = position;
        Ok(position.last_seq)
    }

    /// Calls `on_record` with each record that holds events of seq `from` or later, verified.
    pub(crate) fn read<E: From<JournalError>>(
        &self,
        from: Seq,
        mut on_record: impl FnMut(RecordRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let segments = scan::segments(&self.dir)?;
        let after = segments.partition_point(|&(first_seq, _)| first_seq <= from);
        let segments = &segments[after.saturating_sub(1)..];
        scan::scan(segments, self.store, None, |record| {
            if record.last_seq() < from { Ok(()) } else { on_record(record) }
        })?;
        Ok(())
    }

    /// Where its segments are.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What was asked of the disk since the journal was opened.
    #[cfg(test)]
    pub(crate) fn io_counts(&self) -> super::disk::IoCounts {
        self.disk.counts
    }

    /// Goes on to a new segment, if `bytes` do not fit behind the records of this one.
    fn make_room(&mut self, bytes: u64) -> Result<(), AppendError> {
        let end = self.segment.offset + bytes;
        if end <= self.segment_bytes {
            return Ok(());
        }
        if self.segment.offset == HEADER_LEN as u64 {
            self.segment.reserve(end);
            return Ok(());
        }
        let header = header(self.store, self.position);
        let room = self.segment_bytes.max(HEADER_LEN as u64 + bytes);
        match Segment::create(&mut self.disk, &self.dir, header, room) {
            Ok(next) => {
                self.segment.trim();
                self.segment = next;
                Ok(())
            }
            Err(CreateError::NotWritten(error)) => Err(AppendError::NotWritten(error)),
            Err(CreateError::SyncFailed(error)) => Err(self.die(error)),
        }
    }

    /// Takes back a write that failed with `error`, so that nothing of it is found later.
    fn take_back(&mut self, error: io::Error) -> AppendError {
        match self.segment.cut(&mut self.disk, self.segment_bytes) {
            Ok(()) => AppendError::NotWritten(error),
            Err(error) => self.die(error),
        }
    }

    fn die(&mut self, error: io::Error) -> AppendError {
        self.is_dead = true;
        AppendError::SyncFailed(error)
    }
}

/// Makes the bytes that will be read those that are on disk.
///
/// A process that was killed may have left writes that only the page cache has. And after a failed
/// sync the cache may show as clean what never reached the disk; dropped from it, the truth is read.
fn settle(segment: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(segment)?;
    file.sync_data()?;
    Ok(rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?)
}

/// The segment to append to: the last one without what was torn, or the first of a new journal.
fn open_tail(
    disk: &mut Disk,
    dir: &Path,
    store: StoreId,
    segment_bytes: u64,
    scanned: Scanned,
) -> Result<Segment, JournalError> {
    let Some(Tail { path, offset, torn_bytes }) = scanned.tail else {
        let header = header(store, scanned.position);
        return Segment::create(disk, dir, header, segment_bytes).map_err(|error| match error {
            CreateError::NotWritten(source) | CreateError::SyncFailed(source) => {
                JournalError::Io { path: dir.to_owned(), source }
            }
        });
    };
    let io = |source| JournalError::Io { path: path.clone(), source };
    let mut segment = Segment::open(&path, offset).map_err(io)?;
    if torn_bytes > 0 {
        segment.cut(disk, segment_bytes).map_err(io)?;
    }
    Ok(segment)
}

fn header(store: StoreId, position: Position) -> Header {
    Header { store, first_seq: position.last_seq + 1, previous: position.chain }
}

/// The bytes of `records` behind `position`, and the position behind them.
fn encode_group(
    records: &[PendingRecord],
    position: Position,
) -> Result<(Vec<u8>, Position), AppendError> {
    let payloads = records.iter().map(|record| record.payload.len());
    if let Some(bytes) = payloads.clone().find(|&bytes| bytes > PAYLOAD_MAX) {
        return Err(AppendError::TooLarge { bytes });
    }
    let mut buffer = Vec::with_capacity(payloads.map(|bytes| bytes + record::OVERHEAD).sum());
    let (group, mut position) = (position.last_seq + 1, position);
    for record in records {
        let first_seq = position.last_seq + 1;
        let chain = record::encode(&mut buffer, record, group, first_seq, position.chain);
        position = Position { last_seq: position.last_seq + Seq::from(record.count.get()), chain };
    }
    Ok((buffer, position))
}
