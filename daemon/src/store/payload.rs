//! The events of a step as the payload of a record, and back.
//!
//! A payload is a msgpack array with one entry an event: `{"inline": bytes}`, or `{"blob": sha256}`
//! for an event that is stored as a file. The bytes are the event in msgpack with named fields, so
//! that fields may be added to an event and old journals stay readable.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Seq;
use super::blob::{BlobError, Blobs};
use super::hash::Hash;
use super::record::{PendingRecord, RecordRef};

/// Longest event that stands in the journal itself, in bytes.
const INLINE_MAX: usize = 2 << 10;

/// Why events cannot be put into a payload, or taken out of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayloadError {
    #[error("a step has too many events ({events})")]
    TooManyEvents { events: usize },
    #[error("cannot encode an event")]
    Encode(#[source] rmp_serde::encode::Error),
    #[error("cannot store a large event")]
    Store(#[source] BlobError),
    #[error("the step that begins with event {seq} cannot be read")]
    Step { seq: Seq, source: rmp_serde::decode::Error },
    #[error("the step that begins with event {seq} holds {found} events instead of {expected}")]
    Count { seq: Seq, found: usize, expected: u32 },
    #[error("event {seq} cannot be read")]
    Event { seq: Seq, source: rmp_serde::decode::Error },
    #[error("event {seq} cannot be read: its blob is {hash}")]
    Blob { seq: Seq, hash: Hash, source: BlobError },
}

impl PayloadError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::TooManyEvents { .. } | Self::Encode(_) => "report this with the log".to_owned(),
            Self::Store(error) | Self::Blob { source: error, .. } => error.help(),
            Self::Step { .. } | Self::Count { .. } | Self::Event { .. } => {
                "upgrade Runyard on this machine, or restore the last backup".to_owned()
            }
        }
    }
}

/// One event of a payload.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Entry<'a> {
    Inline(#[serde(borrow)] Bytes<'a>),
    Blob(#[serde(borrow)] Bytes<'a>),
}

/// Bytes that are written as msgpack `bin`; a plain `[u8]` would be an array of numbers.
struct Bytes<'a>(Cow<'a, [u8]>);

/// The record of a step; nothing for a step without events.
///
/// - Blobs that it names are on disk.
pub(crate) fn encode<T: Serialize>(
    events: &[T],
    blobs: &Blobs,
) -> Result<Option<PendingRecord>, PayloadError> {
    let count = u32::try_from(events.len())
        .map_err(|_| PayloadError::TooManyEvents { events: events.len() })?;
    let Some(count) = NonZeroU32::new(count) else { return Ok(None) };
    let entries = events
        .iter()
        .map(|event| {
            let bytes = rmp_serde::to_vec_named(event).map_err(PayloadError::Encode)?;
            if bytes.len() <= INLINE_MAX {
                return Ok(Entry::Inline(Bytes(bytes.into())));
            }
            let hash = blobs.put(&bytes).map_err(PayloadError::Store)?;
            Ok(Entry::Blob(Bytes(hash.as_bytes().to_vec().into())))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let payload = rmp_serde::to_vec_named(&entries).map_err(PayloadError::Encode)?;
    Ok(Some(PendingRecord { count, payload }))
}

/// The events of a step, in order; the i-th has seq `record.first_seq + i`.
///
/// - Errors: name the event by its seq, and the blob by its hash if that is what fails.
pub(crate) fn decode<T: DeserializeOwned>(
    record: RecordRef<'_>,
    blobs: &Blobs,
) -> Result<Vec<T>, PayloadError> {
    let seq = record.first_seq;
    let entries: Vec<Entry<'_>> = rmp_serde::from_slice(record.payload)
        .map_err(|source| PayloadError::Step { seq, source })?;
    if entries.len() != record.count as usize {
        let (found, expected) = (entries.len(), record.count);
        return Err(PayloadError::Count { seq, found, expected });
    }
    (seq..).zip(entries).map(|(seq, entry)| decode_entry(seq, entry, blobs)).collect()
}

fn decode_entry<T: DeserializeOwned>(
    seq: Seq,
    entry: Entry<'_>,
    blobs: &Blobs,
) -> Result<T, PayloadError> {
    let bytes = match entry {
        Entry::Inline(Bytes(bytes)) => bytes,
        Entry::Blob(Bytes(hash)) => {
            let hash = Hash::from_slice(&hash).ok_or_else(|| PayloadError::Event {
                seq,
                source: rmp_serde::decode::Error::custom("a blob's name is no hash"),
            })?;
            blobs.get(hash).map_err(|source| PayloadError::Blob { seq, hash, source })?.into()
        }
    };
    rmp_serde::from_slice(&bytes).map_err(|source| PayloadError::Event { seq, source })
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Bytes(Cow::Borrowed(bytes)))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Bytes(Cow::Owned(bytes.to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    enum Event {
        Started { run: u64 },
        Output { run: u64, text: String },
    }

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let blobs = Blobs::open(&dir.path().join("blobs")).expect("the folder is writable");
        (dir, blobs)
    }

    fn large() -> Event {
        Event::Output { run: 1, text: "x".repeat(INLINE_MAX) }
    }

    fn as_read(record: &PendingRecord) -> RecordRef<'_> {
        let (count, payload) = (record.count.get(), &record.payload[..]);
        RecordRef { first_seq: 10, count, chain: Hash::ZERO, payload, group: 10 }
    }

    fn blob_files(dir: &tempfile::TempDir) -> Vec<std::path::PathBuf> {
        let folders = std::fs::read_dir(dir.path().join("blobs")).expect("it is there");
        let paths = |dir| std::fs::read_dir(dir).expect("it is a folder");
        folders
            .flat_map(|it| paths(it.expect("it is readable").path()))
            .map(|it| it.expect("it is readable").path())
            .collect()
    }

    #[test]
    fn events_come_back_and_only_large_ones_are_blobs() {
        let (dir, blobs) = blobs();
        let events = [Event::Started { run: 1 }, large(), Event::Started { run: 2 }];
        let record = encode(&events, &blobs).expect("there is room").expect("there are events");
        assert!(record.payload.len() < 200, "{}", record.payload.len());
        assert_eq!(blob_files(&dir).len(), 1);
        let read: Vec<Event> = decode(as_read(&record), &blobs).expect("a good payload");
        assert_eq!(read, events);
    }

    #[test]
    fn a_step_without_events_is_no_record() {
        let (_dir, blobs) = blobs();
        assert_eq!(encode::<Event>(&[], &blobs).expect("there is nothing to store"), None);
    }

    #[test]
    fn a_damaged_blob_is_an_error_that_names_seq_and_hash() {
        let (dir, blobs) = blobs();
        let events = [Event::Started { run: 1 }, large()];
        let record = encode(&events, &blobs).expect("there is room").expect("there are events");
        let path = blob_files(&dir).pop().expect("the large event is a blob");
        std::fs::write(&path, "something else").expect("the folder is writable");
        let error = decode::<Event>(as_read(&record), &blobs).expect_err("the blob is damaged");
        let hash = path.file_name().expect("a blob has a name").to_string_lossy().into_owned();
        let message = format!("event 11 cannot be read: its blob is {hash}");
        assert_eq!(error.to_string(), message);
        assert!(matches!(error, PayloadError::Blob { source: BlobError::Damaged { .. }, .. }));
    }

    #[test]
    fn a_payload_of_any_bytes_is_an_error() {
        let (_dir, blobs) = blobs();
        let good = encode(&[Event::Started { run: 1 }], &blobs).expect("small").expect("one");
        for length in 0..good.payload.len() {
            let record = PendingRecord { payload: good.payload[..length].to_vec(), ..good.clone() };
            assert!(decode::<Event>(as_read(&record), &blobs).is_err(), "{length} bytes");
        }
        let two = RecordRef { count: 2, ..as_read(&good) };
        let error = decode::<Event>(two, &blobs).expect_err("there is one event");
        assert!(matches!(error, PayloadError::Count { found: 1, expected: 2, .. }));
    }
}
