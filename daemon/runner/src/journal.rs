//! The journal on disk: segments of records, and small files for what must outlive them.

use runner::record::{self, Kind, PAYLOAD, Record};
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Records a segment is made for, unless what is open needs more.
const RECORDS: u64 = 32 * 1024;

/// What every segment begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    pub(crate) boot_id: [u8; 16],
    pub(crate) lineage: u64,
    pub(crate) generation: u32,
}

/// The highest epoch welcomed, and the store it was of. Zero before the first daemon.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Fence {
    pub(crate) epoch: u64,
    pub(crate) store: u64,
}

/// Records of one segment found at start.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Of the boot in which they were written.
    pub(crate) boot_id: [u8; 16],
    pub(crate) records: Vec<Record>,
}

/// The segment that is written to. Space for its records is reserved: a full disk cannot lose one.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    identity: Identity,
    fence: Fence,
    file: File,
    number: u64,
    length: u64,
    capacity: u64,
    unsynced: bool,
}

impl Journal {
    /// Starts a segment that holds `open` and deletes all before it.
    pub(crate) fn start(
        folder: &Path,
        identity: Identity,
        fence: Fence,
        open: &[Record],
    ) -> io::Result<Self> {
        let numbers = segment_numbers(folder)?;
        let number = numbers.last().map_or(1, |it| it + 1);
        let (file, length, capacity) = write_segment(folder, number, identity, fence, open)?;
        for old in numbers {
            fs::remove_file(segment_path(folder, old))?;
        }
        let folder = folder.to_owned();
        Ok(Self { folder, identity, fence, file, number, length, capacity, unsynced: false })
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    pub(crate) fn fence(&self) -> Fence {
        self.fence
    }

    /// For children, which append their own records. Close-on-exec.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// Records that fit before the reserved space ends.
    pub(crate) fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.length) / record::SIZE as u64
    }

    /// Whether records wait for [`Self::sync`].
    pub(crate) fn unsynced(&self) -> bool {
        self.unsynced
    }

    /// Appends records in one write.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let bytes: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        self.file.write_all(&bytes)?;
        self.length += bytes.len() as u64;
        self.unsynced = true;
        Ok(())
    }

    /// The records that a child has appended since this process last did.
    pub(crate) fn appended_by_child(&mut self) -> io::Result<Vec<Record>> {
        let length = self.file.metadata()?.len();
        let added = usize::try_from(length.saturating_sub(self.length)).unwrap_or(0);
        let mut bytes = vec![0; added];
        self.file.read_exact_at(&mut bytes, self.length)?;
        self.length = length;
        Ok(record::scan(&bytes).records)
    }

    /// Brings the records to the disk, so that they also survive the host.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.unsynced = false;
        self.file.sync_data()
    }

    /// Goes on in a new segment that holds `open`, and deletes this one. On error this one stays.
    pub(crate) fn rotate(&mut self, open: &[Record]) -> io::Result<()> {
        let number = self.number + 1;
        let (file, length, capacity) =
            write_segment(&self.folder, number, self.identity, self.fence, open)?;
        let old = segment_path(&self.folder, self.number);
        (self.file, self.number, self.length, self.capacity) = (file, number, length, capacity);
        self.unsynced = false;
        fs::remove_file(old)
    }

    /// Makes a higher epoch durable before its daemon is welcomed: in the reserved space, since a daemon
    /// must be able to connect while the disk is full.
    pub(crate) fn raise_fence(&mut self, fence: Fence) -> io::Result<()> {
        self.append(&[epoch_record(fence, self.identity.generation)])?;
        self.sync()?;
        self.fence = fence;
        if let Err(error) = write_fence(&self.folder, fence) {
            crate::say(format_args!("the epoch is in the journal alone: {error}"));
        }
        Ok(())
    }
}

/// Reads every segment, oldest first.
pub(crate) fn read_segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let read = |number| -> io::Result<Segment> {
        let records = record::scan(&fs::read(segment_path(folder, number))?).records;
        let header = records.first().filter(|it| it.kind == Kind::Header);
        let boot_id = header.and_then(|it| it.payload().first_chunk().copied()).unwrap_or_default();
        Ok(Segment { boot_id, records })
    };
    segment_numbers(folder)?.into_iter().map(read).collect()
}

/// Identity of this start: the lineage is drawn once, the generation counts.
pub(crate) fn next_identity(folder: &Path, boot_id: [u8; 16]) -> io::Result<Identity> {
    let lineage = match read_small(folder, "lineage")? {
        Some(text) => u64::from_str_radix(&text, 16).map_err(io::Error::other)?,
        None => {
            let lineage = random()?;
            write_small(folder, "lineage", &format!("{lineage:016x}\n"))?;
            lineage
        }
    };
    let before = match read_small(folder, "generation")? {
        Some(text) => text.parse().map_err(io::Error::other)?,
        None => 0_u32,
    };
    let generation = before.saturating_add(1);
    write_small(folder, "generation", &format!("{generation}\n"))?;
    Ok(Identity { boot_id, lineage, generation })
}

/// The highest fence made durable, in its file or in a segment.
pub(crate) fn read_fence(folder: &Path, segments: &[Segment]) -> io::Result<Fence> {
    let parse = |it: &str| it.parse().map_err(io::Error::other);
    let in_file = match read_small(folder, "epoch")? {
        None => Fence::default(),
        Some(text) => {
            let (epoch, store) = text.split_once(' ').unwrap_or((&text, ""));
            Fence { epoch: parse(epoch)?, store: parse(store)? }
        }
    };
    let records = segments.iter().flat_map(|it| &it.records);
    let epochs = records.filter(|it| it.kind == Kind::Epoch);
    let in_segments = epochs.map(|it| Fence { epoch: it.attempt, store: it.start_ticks });
    Ok(in_segments.chain([in_file]).max_by_key(|it| it.epoch).unwrap_or_default())
}

fn write_fence(folder: &Path, fence: Fence) -> io::Result<()> {
    write_small(folder, "epoch", &format!("{} {}\n", fence.epoch, fence.store))
}

fn write_segment(
    folder: &Path,
    number: u64,
    identity: Identity,
    fence: Fence,
    open: &[Record],
) -> io::Result<(File, u64, u64)> {
    let path = segment_path(folder, number);
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().read(true).append(true).create_new(true).open(&new)?;
    let records = RECORDS.max(4 * (open.len() as u64));
    let capacity = records * record::SIZE as u64;
    match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, capacity) {
        // A file system without reservation works as well as it can.
        Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => (),
        Err(error) => return Err(error.into()),
    }
    let first = [header(identity, fence), epoch_record(fence, identity.generation)];
    let bytes: Vec<u8> = first.iter().chain(open).flat_map(Record::encode).collect();
    file.write_all(&bytes)?;
    file.sync_data()?;
    fs::rename(&new, &path)?;
    File::open(folder)?.sync_all()?;
    Ok((file, bytes.len() as u64, capacity))
}

fn header(identity: Identity, fence: Fence) -> Record {
    let mut payload = [0; PAYLOAD];
    payload[..16].copy_from_slice(&identity.boot_id);
    payload[16..24].copy_from_slice(&fence.store.to_le_bytes());
    payload[24..32].copy_from_slice(&identity.lineage.to_le_bytes());
    let empty = Record { generation: identity.generation, ..Record::new(Kind::Header, 0) };
    empty.with_payload(&payload)
}

fn epoch_record(fence: Fence, generation: u32) -> Record {
    Record { start_ticks: fence.store, generation, ..Record::new(Kind::Epoch, fence.epoch) }
}

fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("segment-{number}"))
}

fn segment_numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|it| it.strip_prefix("segment-")?.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn read_small(folder: &Path, name: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write_small(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = folder.join(name);
    let new = folder.join(format!("{name}.new"));
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)?;
    File::open(folder)?.sync_all()
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const IDENTITY: Identity = Identity { boot_id: [7; 16], lineage: 1, generation: 2 };

    fn intents(count: u64) -> Vec<Record> {
        (0..count).map(|id| Record::new(Kind::Intent, id)).collect()
    }

    #[test]
    fn a_full_segment_is_replaced_by_one_with_what_is_open() {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let fence = Fence { epoch: 3, store: 4 };
        let mut journal = Journal::start(folder.path(), IDENTITY, Fence::default(), &[])
            .expect("the folder is writable");
        journal.raise_fence(fence).expect("the folder is writable");
        journal.append(&intents(journal.room())).expect("the folder is writable");
        assert_eq!(journal.room(), 0);
        journal.rotate(&intents(5)).expect("the folder is writable");
        assert_eq!(journal.room(), RECORDS - 7);
        journal.append(&intents(1)).expect("the folder is writable");

        let segments = read_segments(folder.path()).expect("the folder is readable");
        let [Segment { boot_id, records }] = &segments[..] else { panic!("{segments:?}") };
        assert_eq!((*boot_id, &records[2..7], records.len()), ([7; 16], &intents(5)[..], 8));
        fs::remove_file(folder.path().join("epoch")).expect("the file is there");
        assert_eq!(read_fence(folder.path(), &segments).ok(), Some(fence));
    }

    #[test]
    fn what_is_open_fits_its_segment_however_much_it_is() {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let open = intents(2 * RECORDS);
        let journal = Journal::start(folder.path(), IDENTITY, Fence::default(), &open)
            .expect("the folder is writable");
        assert!(journal.room() > 2 * open.len() as u64);
    }

    #[test]
    fn the_lineage_stays_and_the_generation_counts() {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let start = || next_identity(folder.path(), [0; 16]).expect("the folder is writable");
        let (first, second) = (start(), start());
        assert_eq!((first.generation, second.generation), (1, 2));
        assert_eq!(first.lineage, second.lineage);
    }
}
