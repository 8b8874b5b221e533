//! One file of the journal.
//!
//! A segment begins with a header of 64 bytes, numbers in big-endian order: magic (8), version (4),
//! store id (8), first seq (8), chain of the record before it (32), CRC32C of these (4). Records
//! follow it without gaps, then zeros, which are written when the segment is created: a full disk
//! shows then, and an append changes no metadata. Room that is only reserved would not do. ext4 marks
//! it as written after the data is on disk, and if the file system fails just then, `fdatasync` may
//! succeed although nothing of the append can be read later.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::Seq;
use super::disk::Disk;
use super::format::StoreId;
use super::hash::Hash;

const MAGIC: &[u8; 8] = b"RUNYARDJ";
const VERSION: u32 = 1;

/// Bytes before the first record.
pub(super) const HEADER_LEN: usize = 64;

/// How the name of an unfinished segment ends.
pub(super) const UNFINISHED: &str = ".seg.new";

/// What a segment says about itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Header {
    pub(super) store: StoreId,
    /// Seq of the first event in it, or of the next event if there is none yet.
    pub(super) first_seq: Seq,
    /// The chain of the last record of the segment before it.
    pub(super) previous: Hash,
}

/// Why bytes are no header.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum HeaderError {
    Damaged,
    /// The layout of the segment is of this newer version.
    Newer(u32),
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_be_bytes());
        bytes[12..20].copy_from_slice(&self.store.0.to_be_bytes());
        bytes[20..28].copy_from_slice(&self.first_seq.to_be_bytes());
        bytes[28..60].copy_from_slice(self.previous.as_bytes());
        let checksum = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// The header at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let bytes = bytes.get(..HEADER_LEN).ok_or(HeaderError::Damaged)?;
        let (fields, checksum) = bytes.split_at(60);
        if !fields.starts_with(MAGIC) || crc32c::crc32c(fields).to_be_bytes() != checksum {
            return Err(HeaderError::Damaged);
        }
        let version = u32::from_be_bytes(array(&fields[8..12]));
        if version != VERSION {
            return Err(HeaderError::Newer(version));
        }
        Ok(Self {
            store: StoreId(u64::from_be_bytes(array(&fields[12..20]))),
            first_seq: u64::from_be_bytes(array(&fields[20..28])),
            previous: Hash::from_slice(&fields[28..60]).expect("the field is as long as a hash"),
        })
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the field has its own length")
}

/// The segment that is being written.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    /// Where the next record goes: the end of the last one that is on disk.
    pub(super) offset: u64,
}

/// Why there is no new segment.
#[derive(Debug)]
pub(super) enum CreateError {
    /// Nothing has changed.
    NotWritten(io::Error),
    /// It may or may not be there.
    SyncFailed(io::Error),
}

impl Segment {
    /// Creates a segment of at least `bytes` in the folder `dir`; it is on disk, name included.
    pub(super) fn create(
        disk: &mut Disk,
        dir: &Path,
        header: Header,
        bytes: u64,
    ) -> Result<Self, CreateError> {
        let path = dir.join(file_name(header.first_seq));
        let unfinished = path.with_extension("seg.new");
        let file = write_unfinished(disk, &unfinished, header, bytes).map_err(|error| {
            // Sweeping it again at the next start does no harm.
            let _ = fs::remove_file(&unfinished);
            CreateError::NotWritten(error)
        })?;
        disk.sync_all(&file).map_err(CreateError::SyncFailed)?;
        fs::rename(&unfinished, &path).map_err(CreateError::NotWritten)?;
        let synced = File::open(dir).and_then(|dir| disk.sync_all(&dir));
        synced.map_err(CreateError::SyncFailed)?;
        Ok(Self { file, offset: HEADER_LEN as u64 })
    }

    /// Opens a segment whose last good record ends at `offset`.
    pub(super) fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { file, offset })
    }

    /// Writes `bytes` behind the last good record and syncs nothing.
    pub(super) fn write(&mut self, disk: &mut Disk, bytes: &[u8]) -> io::Result<()> {
        disk.write(&self.file, bytes, self.offset)
    }

    /// Puts on disk what was written, `written` bytes, which from then on is good.
    pub(super) fn commit(&mut self, disk: &mut Disk, written: usize) -> io::Result<()> {
        disk.sync_data(&self.file)?;
        self.offset += written as u64;
        Ok(())
    }

    /// Drops everything behind the last good record, on disk too.
    pub(super) fn cut(&mut self, disk: &mut Disk, bytes: u64) -> io::Result<()> {
        self.file.set_len(self.offset)?;
        disk.sync_all(&self.file)?;
        self.reserve(bytes);
        Ok(())
    }

    /// Asks for room for `bytes` in all; without it, appends are slower and may find the disk full.
    pub(super) fn reserve(&self, bytes: u64) {
        if let Err(error) = preallocate(&self.file, bytes) {
            tracing::debug!(%error, bytes, "cannot preallocate the journal's segment");
        }
    }

    /// Gives back the room that was reserved and is not used.
    pub(super) fn trim(&self) {
        if let Err(error) = self.file.set_len(self.offset) {
            tracing::debug!(%error, "cannot trim the journal's segment");
        }
    }
}

/// The name of the segment whose first seq is `first_seq`; names sort as their seqs do.
pub(super) fn file_name(first_seq: Seq) -> PathBuf {
    PathBuf::from(format!("{first_seq:020}.seg"))
}

/// The first seq that a segment's name gives; nothing if it is no name of a segment.
pub(super) fn seq_of(name: &str) -> Option<Seq> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 20 && digits.bytes().all(|it| it.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

fn write_unfinished(disk: &mut Disk, path: &Path, header: Header, bytes: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(path)?;
    preallocate(&file, bytes)?;
    let mut content = header.to_bytes().to_vec();
    content.resize(usize::try_from(bytes).expect("a segment fits into memory"), 0);
    disk.write(&file, &content, 0)?;
    Ok(file)
}

/// Makes `file` at least `bytes` long, with zeros, and takes the room for it where that is possible.
fn preallocate(file: &File, bytes: u64) -> io::Result<()> {
    let taken = loop {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Err(Errno::INTR) => (),
            taken => break taken,
        }
    };
    match taken {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) if file.metadata()?.len() < bytes => {
            file.set_len(bytes)
        }
        Err(Errno::OPNOTSUPP | Errno::NOSYS) | Ok(()) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_seqs_belong_together() {
        assert_eq!(seq_of("00000000000000000042.seg"), Some(42));
        assert_eq!(file_name(42), PathBuf::from("00000000000000000042.seg"));
        for name in ["42.seg", "00000000000000000042.seg.new", "99999999999999999999.seg", "x.seg"]
        {
            assert_eq!(seq_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_header_with_any_flipped_bit_is_damaged() {
        let header = Header { store: StoreId(5), first_seq: 9, previous: Hash::of(b"x") };
        let bytes = header.to_bytes();
        assert_eq!(Header::parse(&bytes), Ok(header));
        for bit in 0..HEADER_LEN * 8 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::parse(&bytes), Err(HeaderError::Damaged), "bit {bit}");
        }
        assert_eq!(Header::parse(&bytes[..63]), Err(HeaderError::Damaged));
    }
}
