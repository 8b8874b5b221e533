//! The index over state and history: keys and small values, rebuilt from the journal at need.
//!
//! The only file that names sled. What sled 0.34 does not do is done here: its `flush` leaves data
//! in caches (sled issues 1351, 1452), so the file is synced behind it; it panics on damaged files,
//! so every call is caught; its files for large values are never synced, so values are small.

use std::any::Any;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::Seq;
use super::durable;
use super::format::StoreId;

/// Most bytes of a key and its value together.
pub(crate) const ENTRY_MAX: usize = 4 << 10;

/// Memory that sled may use for pages, in bytes.
const CACHE_BYTES: u64 = 64 << 20;

/// Key of the last seq that the index reflects. Keys that begin with `m/` are the index's own.
const SEQ_KEY: &[u8] = b"m/seq";

/// Key of the store whose journal the index reflects.
const STORE_KEY: &[u8] = b"m/store";

/// How often, and how long each time, to wait for sled's threads to end: 2 s in all.
const FREE_TRIES: u32 = 200;
const FREE_WAIT: Duration = Duration::from_millis(10);

/// File in the index's folder that says it is not to be trusted.
const DOUBTED: &str = "doubted";

/// The index, open. Has one owner and blocks.
#[derive(Debug)]
pub(crate) struct Index {
    db: sled::Db,
    /// Any descriptor of sled's file will do to sync it.
    file: File,
    path: PathBuf,
    seq: Seq,
}

/// A change of one key; without a value the key is removed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Put {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

/// The events that the journal holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SeqRange {
    pub(crate) first: Seq,
    /// `first - 1` if there are none.
    pub(crate) last: Seq,
}

/// Which keys to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) prefix: &'a [u8],
    pub(crate) order: Order,
    /// Begin behind this key, in the given order: the last key of the page before.
    pub(crate) after: Option<&'a [u8]>,
    pub(crate) limit: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// A key and its value.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// What opening an index has found.
#[derive(Debug)]
pub(crate) enum IndexOpened {
    /// It may lag behind the journal.
    Kept,
    /// There was none.
    Created,
    /// It could not be used: it was moved to `kept`, and an empty one stands in its place.
    Rebuilt { why: Distrust, kept: PathBuf },
}

/// Why an index is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Distrust {
    #[error("the index cannot be opened")]
    Unusable(#[source] IndexError),
    #[error("the index failed while it was in use")]
    Doubted,
    #[error("the index reflects event {index}, and the journal ends at {journal}")]
    Ahead { index: Seq, journal: Seq },
    #[error("the index reflects event {index}, and the journal begins at {journal}")]
    Behind { index: Seq, journal: Seq },
    #[error("the index belongs to another store")]
    OtherStore,
    #[error("the index was never finished")]
    Unfinished,
}

/// Why the index cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("cannot use the folder of the index `{path}`")]
    Io { path: PathBuf, source: io::Error },
    #[error("the index `{path}` is still in use")]
    Busy { path: PathBuf },
    #[error("the index cannot be used")]
    Failed(#[source] sled::Error),
    #[error("the index is damaged ({what})")]
    Panicked { what: String },
    #[error("an entry of {bytes} bytes is over the index's limit of {ENTRY_MAX}")]
    TooLarge { bytes: usize },
    #[error("cannot sync the index to disk")]
    SyncFailed(#[source] io::Error),
}

impl IndexError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Io { .. } | Self::SyncFailed(_) => {
                "check the disk of the state folder, and that the daemon's user owns it".to_owned()
            }
            Self::Busy { .. } | Self::Failed(_) | Self::Panicked { .. } => {
                "start the daemon again: an index that is damaged is then made anew".to_owned()
            }
            Self::TooLarge { .. } => "report this: large values belong into blobs".to_owned(),
        }
    }

    /// Whether the files may be at fault, rather than the disk, its room or another process.
    fn casts_doubt(&self) -> bool {
        match self {
            Self::Failed(sled::Error::Io(error)) => !is_from_system(error),
            Self::Failed(_) | Self::Panicked { .. } | Self::SyncFailed(_) => true,
            Self::Io { .. } | Self::Busy { .. } | Self::TooLarge { .. } => false,
        }
    }
}

impl Index {
    /// Opens the index in the folder `path`, which is created if it is absent.
    ///
    /// - An index that cannot be trusted is moved aside, never deleted, and an empty one is opened.
    /// - Errors: the disk or its room, not the content of the index.
    pub(crate) fn open(
        path: &Path,
        store: StoreId,
        journal: SeqRange,
    ) -> Result<(Self, IndexOpened), IndexError> {
        if !path.exists() {
            return Ok((Self::create(path, store)?, IndexOpened::Created));
        }
        wait_until_free(path)?;
        let why = match Self::open_trusted(path, store, journal)? {
            Ok(index) => return Ok((index, IndexOpened::Kept)),
            Err(why) => why,
        };
        wait_until_free(path)?;
        let kept = move_aside(path).map_err(|source| io_error(path, source))?;
        Ok((Self::create(path, store)?, IndexOpened::Rebuilt { why, kept }))
    }

    /// Changes the entries of `puts` at once, and with them the seq that the index reflects.
    ///
    /// - In memory: on disk only after [`Index::sync`]. Doing it again changes nothing.
    /// - Errors: nothing has changed.
    pub(crate) fn apply(&mut self, seq: Seq, puts: Vec<Put>) -> Result<(), IndexError> {
        let mut batch = sled::Batch::default();
        for Put { key, value } in puts {
            let bytes = key.len() + value.as_ref().map_or(0, Vec::len);
            if bytes > ENTRY_MAX {
                return Err(IndexError::TooLarge { bytes });
            }
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch.insert(SEQ_KEY, &seq.to_be_bytes());
        self.guarded(|db| db.apply_batch(batch))?;
        self.seq = seq;
        Ok(())
    }

    /// Puts all that was applied on disk.
    pub(crate) fn sync(&self) -> Result<(), IndexError> {
        self.guarded(|db| db.flush())?;
        self.doubted_if_bad(self.file.sync_data().map_err(IndexError::SyncFailed))
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        Ok(self.guarded(|db| db.get(key))?.map(|value| value.to_vec()))
    }

    /// The entries whose keys begin with a prefix, in order, at most `limit`.
    pub(crate) fn scan(&self, scan: Scan<'_>) -> Result<Vec<Entry>, IndexError> {
        let Some(bounds) = bounds(scan) else { return Ok(Vec::new()) };
        let entry = |entry: sled::Result<(sled::IVec, sled::IVec)>| {
            entry.map(|(key, value)| (key.to_vec(), value.to_vec()))
        };
        self.guarded(|db| {
            let range = db.range::<Vec<u8>, _>(bounds);
            match scan.order {
                Order::Ascending => range.take(scan.limit).map(entry).collect(),
                Order::Descending => range.rev().take(scan.limit).map(entry).collect(),
            }
        })
    }

    /// The last seq that the index reflects; 0 if it is empty.
    pub(crate) fn seq(&self) -> Seq {
        self.seq
    }

    fn create(path: &Path, store: StoreId) -> Result<Self, IndexError> {
        durable::create_dir(path).map_err(|source| io_error(path, source))?;
        let index = Self::start(path)?;
        index.guarded(|db| db.insert(STORE_KEY, &store.0.to_be_bytes()))?;
        index.sync()?;
        // Without this, sled may find an empty `conf` after a power cut and start from nothing.
        let conf = File::open(path.join("conf")).and_then(|conf| conf.sync_all());
        conf.map_err(|source| io_error(path, source))?;
        durable::sync_dir(path).map_err(|source| io_error(path, source))?;
        Ok(index)
    }

    /// The index that is there, or why it is not to be trusted.
    fn open_trusted(
        path: &Path,
        store: StoreId,
        journal: SeqRange,
    ) -> Result<Result<Self, Distrust>, IndexError> {
        if path.join(DOUBTED).exists() {
            return Ok(Err(Distrust::Doubted));
        }
        let found = Self::start(path).and_then(|mut index| {
            index.seq = index.number(SEQ_KEY)?.unwrap_or(0);
            let found = index.number(STORE_KEY)?;
            Ok((index, found))
        });
        let (index, found) = match found {
            Ok(found) => found,
            Err(error) if error.casts_doubt() => return Ok(Err(Distrust::Unusable(error))),
            Err(error) => return Err(error),
        };
        let seq = index.seq;
        Ok(if found.is_none() {
            Err(Distrust::Unfinished)
        } else if found != Some(store.0) {
            Err(Distrust::OtherStore)
        } else if seq > journal.last {
            Err(Distrust::Ahead { index: seq, journal: journal.last })
        } else if seq + 1 < journal.first {
            Err(Distrust::Behind { index: seq, journal: journal.first })
        } else {
            Ok(index)
        })
    }

    fn start(path: &Path) -> Result<Self, IndexError> {
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .mode(sled::Mode::LowSpace);
        let db = guard(|| config.open())?;
        let file = File::options().read(true).write(true).open(path.join("db"));
        let file = file.map_err(|source| io_error(path, source))?;
        Ok(Self { db, file, path: path.to_owned(), seq: 0 })
    }

    fn number(&self, key: &[u8]) -> Result<Option<u64>, IndexError> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        let bytes = value.try_into().map_err(|_| IndexError::Panicked {
            what: format!("{} is no number", String::from_utf8_lossy(key)),
        })?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    fn guarded<T>(&self, work: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, IndexError> {
        self.doubted_if_bad(guard(|| work(&self.db)))
    }

    /// Leaves word for the next start, if the index cannot be trusted after `result`.
    fn doubted_if_bad<T>(&self, result: Result<T, IndexError>) -> Result<T, IndexError> {
        if let Err(error) = &result
            && error.casts_doubt()
        {
            let left = fs::write(self.path.join(DOUBTED), error.to_string());
            if let Err(error) = left {
                tracing::warn!(%error, "cannot mark the index for rebuilding");
            }
        }
        result
    }
}

/// Whether the system gave this error. sled makes the system's errors text when it hands them on.
fn is_from_system(error: &io::Error) -> bool {
    error.raw_os_error().is_some() || error.to_string().contains("Os { code: ")
}

fn guard<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, IndexError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(IndexError::Failed),
        Err(panic) => Err(IndexError::Panicked { what: panic_text(&*panic) }),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no reason given").to_owned()
}

/// Waits until no sled uses the folder `path`.
///
/// The threads of one that was dropped may hold it for a moment, and write to files by name: into
/// the new index, if the old one were moved aside too soon.
fn wait_until_free(path: &Path) -> Result<(), IndexError> {
    let file = match File::open(path.join("db")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error(path, source)),
    };
    for _ in 0..FREE_TRIES {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) => thread::sleep(FREE_WAIT),
            Err(errno) => return Err(io_error(path, errno.into())),
        }
    }
    Err(IndexError::Busy { path: path.to_owned() })
}

/// Renames the folder `path` to the first `<path>.broken-<n>` that is free.
fn move_aside(path: &Path) -> io::Result<PathBuf> {
    let kept = (1..)
        .map(|number: u32| path.with_extension(format!("broken-{number}")))
        .find(|kept| !kept.exists())
        .expect("there are fewer than 2^32 folders");
    fs::rename(path, &kept)?;
    durable::sync_dir(durable::parent(path))?;
    Ok(kept)
}

/// The range of keys that `scan` asks for; nothing if it is empty.
fn bounds(scan: Scan<'_>) -> Option<Bounds> {
    let mut start = Bound::Included(scan.prefix.to_vec());
    let mut end = match end_of_prefix(scan.prefix) {
        Some(end) => Bound::Excluded(end),
        None => Bound::Unbounded,
    };
    let after = scan.after.map(<[u8]>::to_vec);
    match (scan.order, after) {
        (_, None) => (),
        (Order::Ascending, Some(after)) if after.as_slice() < scan.prefix => (),
        (Order::Ascending, Some(after)) => start = Bound::Excluded(after),
        (Order::Descending, Some(after)) => {
            let is_behind = matches!(&end, Bound::Excluded(end) if after >= *end);
            if !is_behind {
                end = Bound::Excluded(after);
            }
        }
    }
    let is_empty = match (&start, &end) {
        (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
        _ => false,
    };
    (!is_empty).then_some((start, end))
}

/// The first key behind all that begin with `prefix`; nothing if there can be none.
fn end_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

fn io_error(path: &Path, source: io::Error) -> IndexError {
    IndexError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
