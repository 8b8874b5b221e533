//! Journal records: 64 bytes each, little-endian, closed by a CRC-32C.
//!
//! ```text
//!  0 u32 magic   4 u8 kind   5 u8 source   6 u16 flags   8 u64 attempt
//! 16 i32 pid    20 i32 guard_pid   24 u64 start_ticks   32 u64 guard_start_ticks | log_bytes
//! 40 i32 wait_status   44 u32 max_rss_kib   48 u64 boottime_ms   56 u32 generation   60 u32 crc32c
//! ```
//! Header, name, run, limits and usage carry a payload of 40 bytes at 16 instead of these numbers.
//! 64 divides the page size: a record never straddles a page, so one `write` is whole or absent.

use crate::crc::crc32c;
use std::fmt;

/// Bytes of one record.
pub const SIZE: usize = 64;

/// Bytes of a payload, and of the longest name.
pub const PAYLOAD: usize = 40;

const MAGIC: u32 = 0x3152_5952;

/// What a record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// First record of a segment. Payload: boot id (16 bytes), store id (u64), lineage (u64).
    Header = 1,
    /// A daemon with this epoch (in `attempt`) of this store (in `start_ticks`) was welcomed.
    Epoch = 2,
    /// The attempt is about to be started.
    Intent = 3,
    /// Written by the child itself just before it becomes the program; without it the program never ran.
    Started = 4,
    /// The attempt's own process has ended with `wait_status`. The last one of an attempt counts.
    Exit = 5,
    /// The attempt's program certainly never ran.
    Never = 6,
    /// The program could not be run; `wait_status` is the errno, `flags` the [`Stage`].
    ExecFail = 7,
    /// The attempt ran, and its end cannot be known.
    Unknown = 8,
    /// The runner stopped in good order.
    Closed = 9,
    /// Name of the attempt, as text padded with zeros, `flags` bytes long. Comes before its intent.
    Name = 10,
    /// The daemon knows the attempt's end for good.
    Released = 11,
    /// Run of the attempt, as text like its name. Comes before its intent.
    Run = 12,
    /// Five numbers: timeout and grace in milliseconds, head and tail of the log in bytes, idle in
    /// milliseconds (of earlier versions 0). Comes before the intent.
    Limits = 13,
    /// The runner has begun to stop the attempt; `flags` is the cause.
    Stop = 14,
    /// Four numbers: CPU time in microseconds, bytes of output dropped, start and end in Unix time,
    /// milliseconds. Comes with the last exit.
    Usage = 15,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::Header,
        Self::Epoch,
        Self::Intent,
        Self::Started,
        Self::Exit,
        Self::Never,
        Self::ExecFail,
        Self::Unknown,
        Self::Closed,
        Self::Name,
        Self::Released,
        Self::Run,
        Self::Limits,
        Self::Stop,
        Self::Usage,
    ];
}

/// Which step before the program failed; the `flags` of an [`Kind::ExecFail`] record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Stage {
    /// Becoming the program.
    Exec = 0,
    /// Entering the working directory.
    WorkingDir = 1,
}

/// Who learned the exit status; the `source` of an [`Kind::Exit`] record.
pub mod source {
    /// The guard of the attempt.
    pub const GUARD: u8 = b'G';
    /// The runner, as parent.
    pub const RUNNER: u8 = b'O';
    /// The kernel, asked through a pidfd or `/proc` by a runner that is not the parent.
    pub const PIDFD: u8 = b'P';
}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    pub kind: Kind,
    pub source: u8,
    pub flags: u16,
    pub attempt: u64,
    pub pid: i32,
    pub guard_pid: i32,
    /// Field 22 of `/proc/PID/stat`.
    pub start_ticks: u64,
    /// `guard_start_ticks` of a start, `log_bytes` of an exit.
    pub extra: u64,
    pub wait_status: i32,
    pub max_rss_kib: u32,
    /// `CLOCK_BOOTTIME`, milliseconds.
    pub boottime_ms: u64,
    /// Which start of the runner wrote it, from 1.
    pub generation: u32,
}

/// Why 64 bytes are not a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordError {
    /// Not written as a record.
    Magic,
    /// Damaged.
    Checksum,
    /// Of a kind this version does not know.
    Kind(u8),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("bytes are not a journal record"),
            Self::Checksum => f.write_str("checksum of the journal record does not match"),
            Self::Kind(kind) => write!(f, "journal record is of unknown kind {kind}"),
        }
    }
}

impl std::error::Error for RecordError {}

impl Record {
    /// A record of `kind` about `attempt`, every other field zero.
    pub fn new(kind: Kind, attempt: u64) -> Self {
        Self {
            kind,
            source: 0,
            flags: 0,
            attempt,
            pid: 0,
            guard_pid: 0,
            start_ticks: 0,
            extra: 0,
            wait_status: 0,
            max_rss_kib: 0,
            boottime_ms: 0,
            generation: 0,
        }
    }

    /// A record that holds a text; `None` if that is longer than [`PAYLOAD`].
    pub fn of_text(kind: Kind, attempt: u64, text: &str, generation: u32) -> Option<Self> {
        let mut payload = [0; PAYLOAD];
        payload.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let flags = u16::try_from(text.len()).ok()?;
        let empty = Self { flags, generation, ..Self::new(kind, attempt) };
        Some(empty.with_payload(&payload))
    }

    /// A record that holds numbers, at most five; what is not given is 0.
    pub fn of_numbers<const N: usize>(
        kind: Kind,
        attempt: u64,
        numbers: [u64; N],
        generation: u32,
    ) -> Self {
        let mut payload = [0; PAYLOAD];
        for (field, number) in payload.chunks_exact_mut(8).zip(numbers) {
            field.copy_from_slice(&number.to_le_bytes());
        }
        Self { generation, ..Self::new(kind, attempt) }.with_payload(&payload)
    }

    /// The numbers of a record that holds so many, at most five.
    pub fn numbers<const N: usize>(&self) -> [u64; N] {
        let payload = self.payload();
        let mut fields = Fields { bytes: &payload, at: 0 };
        std::array::from_fn(|_| u64::from_le_bytes(fields.take()))
    }

    /// The text of a record that holds one.
    pub fn text(&self) -> Option<String> {
        let payload = self.payload();
        let bytes = payload.get(..usize::from(self.flags))?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// The same record with bytes 16 to 55 replaced.
    pub fn with_payload(&self, payload: &[u8; PAYLOAD]) -> Self {
        let mut fields = Fields { bytes: payload, at: 0 };
        Self {
            pid: i32::from_le_bytes(fields.take()),
            guard_pid: i32::from_le_bytes(fields.take()),
            start_ticks: u64::from_le_bytes(fields.take()),
            extra: u64::from_le_bytes(fields.take()),
            wait_status: i32::from_le_bytes(fields.take()),
            max_rss_kib: u32::from_le_bytes(fields.take()),
            boottime_ms: u64::from_le_bytes(fields.take()),
            ..*self
        }
    }

    /// Bytes 16 to 55.
    pub fn payload(&self) -> [u8; PAYLOAD] {
        let mut payload = [0; PAYLOAD];
        payload.copy_from_slice(&self.encode()[16..16 + PAYLOAD]);
        payload
    }

    /// The 64 bytes of the record. Allocates nothing, so a child may call it between fork and exec.
    pub fn encode(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[4] = self.kind as u8;
        bytes[5] = self.source;
        bytes[6..8].copy_from_slice(&self.flags.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.attempt.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.pid.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.guard_pid.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.start_ticks.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.extra.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.wait_status.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.max_rss_kib.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.boottime_ms.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.generation.to_le_bytes());
        let crc = crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The record in `bytes`, if it verifies.
    pub fn decode(bytes: &[u8; SIZE]) -> Result<Self, RecordError> {
        let mut fields = Fields { bytes, at: 0 };
        if u32::from_le_bytes(fields.take()) != MAGIC {
            return Err(RecordError::Magic);
        }
        let [kind, source] = fields.take();
        let flags = u16::from_le_bytes(fields.take());
        let attempt = u64::from_le_bytes(fields.take());
        let payload: [u8; PAYLOAD] = fields.take();
        let generation = u32::from_le_bytes(fields.take());
        if u32::from_le_bytes(fields.take()) != crc32c(&bytes[..60]) {
            return Err(RecordError::Checksum);
        }
        let known = Kind::ALL.into_iter().find(|it| *it as u8 == kind);
        let kind = known.ok_or(RecordError::Kind(kind))?;
        let empty = Self { source, flags, generation, ..Self::new(kind, attempt) };
        Ok(empty.with_payload(&payload))
    }
}

/// The readable beginning of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scan {
    /// In the order they were written.
    pub records: Vec<Record>,
    /// Bytes that verified; the rest of the segment is to be ignored.
    pub valid: usize,
}

/// Reads records from the start of `segment` up to the first that does not verify.
pub fn scan(segment: &[u8]) -> Scan {
    let (chunks, _) = segment.as_chunks::<SIZE>();
    let records: Vec<Record> = chunks.iter().map_while(|it| Record::decode(it).ok()).collect();
    Scan { valid: records.len() * SIZE, records }
}

/// Reads fixed-size fields one after the other from a record, which is always long enough.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.bytes[self.at..self.at + N]);
        self.at += N;
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit() -> Record {
        Record {
            source: source::RUNNER,
            flags: 7,
            pid: 4711,
            guard_pid: -1,
            start_ticks: 123_456,
            extra: 99,
            wait_status: 256,
            max_rss_kib: 2048,
            boottime_ms: 1_000_000,
            generation: 3,
            ..Record::new(Kind::Exit, u64::MAX)
        }
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        for kind in Kind::ALL {
            let record = Record { kind, ..exit() };
            assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let good = exit().encode();
        for bit in 0..SIZE * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Record::decode(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_scan_stops_at_the_first_damaged_record() {
        let mut bytes = [exit().encode(), exit().encode(), exit().encode()].concat();
        bytes[SIZE + 10] ^= 1;
        bytes.extend([0; 10]);
        assert_eq!(scan(&bytes), Scan { records: vec![exit()], valid: SIZE });
        assert_eq!(scan(&[]).valid, 0);
    }

    #[test]
    fn a_name_is_kept_whole_or_refused() {
        let name = "a".repeat(PAYLOAD);
        let record = Record::of_text(Kind::Name, 1, &name, 1)
            .expect("the name has the longest length allowed");
        assert_eq!(record.text(), Some(name.clone()));
        assert_eq!(Record::of_text(Kind::Name, 1, &(name + "a"), 1), None);
    }

    #[test]
    fn numbers_read_back() {
        let numbers = [1, u64::MAX, 0, 1 << 63];
        let record = Record::of_numbers(Kind::Usage, 1, numbers, 1);
        assert_eq!(Record::decode(&record.encode()).map(|it| it.numbers()), Ok(numbers));
    }
}
