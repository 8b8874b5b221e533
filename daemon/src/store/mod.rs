//! The state folder: what the daemon knows, on disk.
//!
//! | path | what it is |
//! |---|---|
//! | `lock` | held while a daemon runs; its pid ([`StateLock`]) |
//! | `format` | version of the folder, id of the store ([`Format`]) |
//! | `journal/<first seq>.seg` | every event: the truth ([`Journal`]) |
//! | `blobs/<2 hex>/<sha256>` | what is too large for the journal ([`Blobs`]) |
//! | `index/` | state and history by key, made from the journal ([`Index`]) |
//! | `index.broken-<n>/` | an index that could not be trusted; nobody reads it |
//!
//! An event is on disk once [`Store::append`] has returned: blobs before the record that names
//! them, the record before the answer. The index follows later and never leads. Everything here
//! blocks and has one owner.

mod archive;
mod blob;
mod disk;
mod durable;
mod format;
mod hash;
mod index;
mod journal;
mod lock;
mod payload;
mod reader;
mod record;
mod scan;
mod segment;

use std::ops::RangeInclusive;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use format::{Format, FormatError};
use index::SeqRange;
use journal::{AppendError, Journal, JournalError, JournalOpened};
use lock::StateLock;
use payload::PayloadError;
use record::RecordRef;

pub(crate) use archive::{ArchiveError, compress, decompress};
pub(crate) use blob::{BlobError, Blobs};
pub(crate) use hash::Hash;
pub(crate) use index::{Index, IndexError, IndexOpened, Order, Put, Scan};
pub(crate) use lock::LockError;
pub(crate) use reader::{Reader, Stretch};

/// Number of an event in the journal: the first is 1, each next one more.
pub(crate) type Seq = u64;

/// A state folder, open and ours.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) journal: Journal,
    pub(crate) blobs: Blobs,
    pub(crate) index: Index,
    pub(crate) format: Format,
    /// The last field, so that the folder is given back after everything in it is closed.
    _lock: StateLock,
}

/// What opening a store has found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) journal: JournalOpened,
    pub(crate) index: IndexOpened,
    /// Events that the index does not reflect: read them with [`Store::replay`] and apply them.
    pub(crate) behind: Option<RangeInclusive<Seq>>,
}

/// Events of one step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoredStep<T> {
    /// Of the first event; the i-th has `first_seq + i`.
    pub(crate) first_seq: Seq,
    /// In the order of the step; never empty.
    pub(crate) events: Vec<T>,
}

/// Why a store cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Lock(LockError),
    #[error(transparent)]
    Format(FormatError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Blobs(BlobError),
    #[error(transparent)]
    Payload(PayloadError),
    #[error(transparent)]
    Index(IndexError),
}

/// Why steps are not in the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    #[error(transparent)]
    Payload(PayloadError),
    #[error(transparent)]
    Append(AppendError),
}

impl StoreError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Lock(error) => error.help(),
            Self::Format(error) => error.help(),
            Self::Journal(error) => error.help(),
            Self::Blobs(error) => error.help(),
            Self::Payload(error) => error.help(),
            Self::Index(error) => error.help(),
        }
    }
}

impl CommitError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Payload(error) => error.help(),
            Self::Append(error) => error.help(),
        }
    }

    /// Whether it is unknown what is on disk: drop the store and open it anew.
    pub(crate) fn needs_reopen(&self) -> bool {
        matches!(self, Self::Append(AppendError::SyncFailed(_) | AppendError::Dead))
    }
}

impl Store {
    /// Opens the state folder `dir`, which is created if it is absent.
    ///
    /// - `on_step`: called with every step ever committed, in order.
    /// - Order: lock, format, journal, index; each is looked at only if those before it are good.
    pub(crate) fn open<T: DeserializeOwned>(
        dir: &Path,
        mut on_step: impl FnMut(StoredStep<T>),
    ) -> Result<(Self, Opened), StoreError> {
        let lock = StateLock::take(dir).map_err(StoreError::Lock)?;
        let format = Format::open(dir).map_err(StoreError::Format)?;
        let blobs = Blobs::open(&dir.join("blobs")).map_err(StoreError::Blobs)?;
        let (journal, found) = Journal::open(&dir.join("journal"), format.store, |record| {
            on_step(stored_step(record, &blobs)?);
            Ok::<_, StoreError>(())
        })?;
        let range = SeqRange { first: 1, last: found.last_seq };
        let (index, index_found) =
            Index::open(&dir.join("index"), format.store, range).map_err(StoreError::Index)?;
        let behind = index.seq() + 1..=found.last_seq;
        let behind = (!behind.is_empty()).then_some(behind);
        let opened = Opened { journal: found, index: index_found, behind };
        Ok((Self { journal, blobs, index, format, _lock: lock }, opened))
    }

    /// Puts `steps` on disk, all with one write and one sync; steps without events leave no trace.
    ///
    /// - Result: the seq of the last event on disk.
    pub(crate) fn append<T: Serialize>(
        &mut self,
        steps: &[impl AsRef<[T]>],
    ) -> Result<Seq, CommitError> {
        let mut records = Vec::with_capacity(steps.len());
        for step in steps {
            records
                .extend(payload::encode(step.as_ref(), &self.blobs).map_err(CommitError::Payload)?);
        }
        self.journal.append(&records).map_err(CommitError::Append)
    }

    /// Calls `on_step` with each step that has events of seq `from` or later, in order, and with where what follows
    /// from it is kept.
    ///
    /// - The first step may begin before `from`.
    pub(crate) fn replay<T: DeserializeOwned>(
        &mut self,
        from: Seq,
        mut on_step: impl FnMut(StoredStep<T>, &Blobs, &mut Index) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Self { journal, blobs, index, .. } = self;
        journal.read(from, |record| on_step(stored_step(record, blobs)?, blobs, index))
    }
}

impl Store {
    /// Reads what is on disk up to the event `last`, on a thread of its own while this goes on.
    pub(crate) fn reader(&self, last: Seq) -> Reader {
        Reader::new(self.journal.dir(), self.format.store, self.blobs.clone(), last)
    }
}

fn stored_step<T: DeserializeOwned>(
    record: RecordRef<'_>,
    blobs: &Blobs,
) -> Result<StoredStep<T>, StoreError> {
    let events = payload::decode(record, blobs).map_err(StoreError::Payload)?;
    Ok(StoredStep { first_seq: record.first_seq, events })
}

#[cfg(test)]
mod tests;
