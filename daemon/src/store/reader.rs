//! Reads the journal on another thread than the one that appends to it, a segment at a time.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::blob::Blobs;
use super::format::StoreId;
use super::hash::Hash;
use super::journal::JournalError;
use super::record::{self, Parsed};
use super::scan::{self, Position};
use super::segment::HEADER_LEN;
use super::{Seq, StoreError, StoredStep, stored_step};

/// The journal up to an event that was on disk when this was made: what is appended meanwhile is not looked at.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    dir: PathBuf,
    store: StoreId,
    blobs: Blobs,
    last: Seq,
}

/// What was read at once: at most the rest of one segment. All of it is as it was written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Stretch {
    /// The first event.
    pub(crate) first: Seq,
    /// The last event; the one before `first` where there is none.
    pub(crate) last: Seq,
    /// The hash that stands for all before the first event.
    pub(crate) before: Hash,
    /// The hash that stands for the last event and all before it.
    pub(crate) chain: Hash,
    pub(crate) records: u64,
    /// Whether there is more to read.
    pub(crate) more: bool,
}

/// A record that is not as it was written, and what was read before it.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) read: Stretch,
    pub(crate) why: StoreError,
}

impl Reader {
    pub(super) fn new(dir: &Path, store: StoreId, blobs: Blobs, last: Seq) -> Self {
        Self { dir: dir.to_owned(), store, blobs, last }
    }

    /// Calls `on_step` with each step after event `after`, in order, to the end of the segment that holds the first of
    /// them, or until it breaks off.
    ///
    /// - `chain`: what must stand for `after` and all before it.
    /// - All records of that segment are verified, those up to `after` too.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        after: Seq,
        chain: Option<Hash>,
        mut on_step: impl FnMut(StoredStep<T>) -> ControlFlow<()>,
    ) -> Result<Stretch, Box<Broken>> {
        let none = Stretch {
            first: after + 1,
            last: after,
            before: chain.unwrap_or(Hash::ZERO),
            chain: chain.unwrap_or(Hash::ZERO),
            records: 0,
            more: false,
        };
        let broken = |why: JournalError| Box::new(Broken { read: none, why: why.into() });
        let segments = scan::segments(&self.dir).map_err(broken)?;
        let place = segments.partition_point(|(first, _)| *first <= after + 1).saturating_sub(1);
        let Some((named, path)) = segments.get(place) else { return Ok(none) };
        let next = segments.get(place + 1).map(|(first, _)| *first);
        let bytes = fs::read(path)
            .map_err(|source| broken(JournalError::Io { path: path.clone(), source }))?;
        let expected = self.expected(*named, after, chain);
        let start = scan::enter(path, &bytes, self.store, *named, expected).map_err(broken)?;
        // What comes before the first segment may be kept no more.
        let from = after.max(start.last_seq);
        let mut read = Stretch {
            first: from + 1,
            last: from,
            before: start.chain,
            chain: start.chain,
            records: 0,
            more: true,
        };
        let mut position = start;
        let mut offset = HEADER_LEN;
        while position.last_seq < self.last {
            if next == Some(position.last_seq + 1) {
                return Ok(read);
            }
            let record = match record::parse(&bytes[offset..]) {
                Parsed::Record(it)
                    if it.first_seq == position.last_seq + 1 && it.follows(position.chain) =>
                {
                    it
                }
                Parsed::Record(_) | Parsed::Bad => {
                    let (segment, offset) = (path.clone(), offset as u64);
                    let why = JournalError::Corrupt { segment, offset, seq: position.last_seq + 1 };
                    return Err(Box::new(Broken { read, why: why.into() }));
                }
                Parsed::OtherVersion(version) => {
                    let (segment, version) = (path.clone(), version.into());
                    let why = JournalError::Newer { segment, version };
                    return Err(Box::new(Broken { read, why: why.into() }));
                }
            };
            offset += record.len();
            position = Position { last_seq: record.last_seq(), chain: record.chain };
            if position.last_seq <= after {
                (read.before, read.chain) = (record.chain, record.chain);
                continue;
            }
            let step =
                stored_step(record, &self.blobs).map_err(|why| Box::new(Broken { read, why }))?;
            (read.last, read.chain) = (position.last_seq, record.chain);
            read.records += 1;
            if on_step(step).is_break() {
                read.more = read.last < self.last;
                return Ok(read);
            }
        }
        Ok(Stretch { more: false, ..read })
    }

    /// Where a segment must go on, as far as that is known.
    fn expected(&self, named: Seq, after: Seq, chain: Option<Hash>) -> Option<Position> {
        match chain {
            _ if named == 1 => Some(Position::START),
            Some(chain) if named == after + 1 => Some(Position { last_seq: after, chain }),
            Some(_) | None => None,
        }
    }
}

#[cfg(test)]
mod tests;
