//! One step of the engine as bytes, and back.
//!
//! A record, numbers in big-endian order:
//!
//! | bytes | field | |
//! |---|---|---|
//! | 4 | length | of all that follows the checksum |
//! | 4 | checksum | CRC32C of length and of all that follows the checksum |
//! | 1 | version | of this layout |
//! | 8 | group | seq with which the write began that this record is part of |
//! | 8 | first seq | of the first event |
//! | 4 | count | of events; the i-th has seq *first seq + i* |
//! | 32 | chain | SHA-256 of the previous record's chain, then all from version to count, then payload |
//! | rest | payload | opaque here |
//!
//! The group tells a torn write from damage. Blocks of one unsynced write reach the disk in any
//! order, so a bad record may be followed by good ones of its own group. A good record of a *later*
//! group was written only after the bad one had been synced, and proves that it was once good.

use std::num::NonZeroU32;

use super::Seq;
use super::hash::Hash;

/// The layout that this program writes.
pub(super) const VERSION: u8 = 1;

const PREFIX: usize = 8;
const GROUP: usize = PREFIX + 1;
const FIRST_SEQ: usize = GROUP + 8;
const COUNT: usize = FIRST_SEQ + 8;
const CHAIN: usize = COUNT + 4;

/// Bytes of a record beside its payload.
pub(super) const OVERHEAD: usize = CHAIN + Hash::LEN;

/// Longest payload of a record, in bytes. A step's events are at most 2 KiB each here, so more than
/// this is no step.
pub(super) const PAYLOAD_MAX: usize = 64 << 20;

/// A step that is to be appended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PendingRecord {
    /// How many events `payload` holds: a step without events is not recorded.
    pub(crate) count: NonZeroU32,
    pub(crate) payload: Vec<u8>,
}

/// A step as it stands in the journal, verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RecordRef<'a> {
    /// Of the first event; the i-th has `first_seq + i`.
    pub(crate) first_seq: Seq,
    /// How many events; at least one.
    pub(crate) count: u32,
    /// The hash that stands for this record and all before it.
    pub(crate) chain: Hash,
    pub(crate) payload: &'a [u8],
    pub(super) group: Seq,
}

impl RecordRef<'_> {
    /// The seq of the last event.
    pub(crate) fn last_seq(&self) -> Seq {
        self.first_seq + Seq::from(self.count) - 1
    }

    /// Bytes of the whole record.
    pub(super) fn len(&self) -> usize {
        OVERHEAD + self.payload.len()
    }

    /// Whether this record continues the one whose chain is `previous`.
    pub(super) fn follows(&self, previous: Hash) -> bool {
        let fields = fields(self.group, self.first_seq, self.count);
        self.chain == link(previous, &fields, self.payload)
    }
}

/// What stands at some place of a segment.
#[derive(Debug)]
pub(super) enum Parsed<'a> {
    /// Its checksum holds. Seq and chain are not looked at here.
    Record(RecordRef<'a>),
    /// Its checksum holds, its layout is of another version.
    OtherVersion(u8),
    /// No record.
    Bad,
}

/// Appends `record` to `buffer`, as part of the write that begins with seq `group`.
///
/// - Result: the chain after it, for the next record.
pub(super) fn encode(
    buffer: &mut Vec<u8>,
    record: &PendingRecord,
    group: Seq,
    first_seq: Seq,
    previous: Hash,
) -> Hash {
    let start = buffer.len();
    let fields = fields(group, first_seq, record.count.get());
    let chain = link(previous, &fields, &record.payload);
    let length = u32::try_from(OVERHEAD - PREFIX + record.payload.len())
        .expect("the journal refuses payloads over PAYLOAD_MAX");
    buffer.extend(length.to_be_bytes());
    buffer.extend([0; 4]);
    buffer.extend(fields);
    buffer.extend(chain.as_bytes());
    buffer.extend(&record.payload);
    let sum = checksum(&buffer[start..]);
    buffer[start + 4..start + PREFIX].copy_from_slice(&sum.to_be_bytes());
    chain
}

/// The record at the start of `bytes`, which may go on behind it.
pub(super) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some(record) = frame(bytes) else { return Parsed::Bad };
    if checksum(record) != u32_at(record, 4) {
        return Parsed::Bad;
    }
    let version = record[PREFIX];
    if version != VERSION {
        return Parsed::OtherVersion(version);
    }
    let chain = Hash::from_slice(&record[CHAIN..OVERHEAD]).expect("a chain is as long as a hash");
    let parsed = RecordRef {
        first_seq: u64_at(record, FIRST_SEQ),
        count: u32_at(record, COUNT),
        chain,
        payload: &record[OVERHEAD..],
        group: u64_at(record, GROUP),
    };
    let range = parsed.first_seq.checked_add(Seq::from(parsed.count));
    if parsed.count == 0 || range.is_none() { Parsed::Bad } else { Parsed::Record(parsed) }
}

/// Whether a good record of a write after the one with `seq` stands anywhere in `bytes`.
pub(super) fn any_written_after(bytes: &[u8], seq: Seq) -> bool {
    (0..bytes.len().saturating_sub(OVERHEAD - 1)).any(|offset| {
        let rest = &bytes[offset..];
        // The checksum is the dear part: ask for it only where the cheap fields may be right.
        rest[PREFIX] == VERSION
            && u64_at(rest, GROUP) > seq
            && u64_at(rest, FIRST_SEQ) >= u64_at(rest, GROUP)
            && matches!(parse(rest), Parsed::Record(_))
    })
}

/// The bytes of the record at the start of `bytes`, if its length can be right.
fn frame(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.len() < OVERHEAD {
        return None;
    }
    let length = PREFIX + usize::try_from(u32_at(bytes, 0)).ok()?;
    (OVERHEAD..=OVERHEAD + PAYLOAD_MAX).contains(&length).then(|| bytes.get(..length))?
}

fn fields(group: Seq, first_seq: Seq, count: u32) -> [u8; CHAIN - PREFIX] {
    let mut fields = [VERSION; CHAIN - PREFIX];
    fields[GROUP - PREFIX..FIRST_SEQ - PREFIX].copy_from_slice(&group.to_be_bytes());
    fields[FIRST_SEQ - PREFIX..COUNT - PREFIX].copy_from_slice(&first_seq.to_be_bytes());
    fields[COUNT - PREFIX..].copy_from_slice(&count.to_be_bytes());
    fields
}

fn link(previous: Hash, fields: &[u8], payload: &[u8]) -> Hash {
    Hash::of_parts(&[previous.as_bytes(), fields, payload])
}

/// Of a whole record, except the checksum itself.
fn checksum(record: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&record[..4]), &record[PREFIX..])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes are four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes are eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<u8>, PendingRecord) {
        let record = PendingRecord { count: NonZeroU32::MIN, payload: b"payload".to_vec() };
        let mut bytes = Vec::new();
        encode(&mut bytes, &record, 7, 8, Hash::ZERO);
        (bytes, record)
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let (mut bytes, record) = sample();
        bytes.extend(b"the next one");
        let Parsed::Record(parsed) = parse(&bytes) else { panic!("a good record") };
        assert_eq!((parsed.group, parsed.first_seq, parsed.count), (7, 8, 1));
        assert_eq!(parsed.payload, record.payload);
        assert!(parsed.follows(Hash::ZERO));
        assert!(!parsed.follows(Hash::of(b"another record")));
    }

    #[test]
    fn any_flipped_bit_makes_a_record_bad() {
        let (bytes, _) = sample();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(parse(&bytes), Parsed::Bad), "bit {bit}");
        }
    }

    #[test]
    fn any_bytes_can_be_parsed() {
        for length in 0..200 {
            for byte in [0, 1, 0x7f, 0xff] {
                assert!(matches!(parse(&vec![byte; length]), Parsed::Bad));
            }
        }
    }
}
