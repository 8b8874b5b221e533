//! The journal's writes and syncs: counted, and made to fail in tests.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What the journal has asked of the disk since it was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct IoCounts {
    /// Calls of `pwrite`.
    pub(crate) writes: u64,
    /// Calls of `fdatasync` and `fsync`, those of folders included.
    pub(crate) syncs: u64,
    /// Bytes that `pwrite` took.
    pub(crate) bytes: u64,
}

#[derive(Default, Debug)]
pub(super) struct Disk {
    pub(super) counts: IoCounts,
    #[cfg(test)]
    pub(super) faults: std::collections::VecDeque<Fault>,
}

/// What happens to a call in a test; the others go through.
#[cfg(test)]
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Fault {
    /// The next write takes only so many bytes.
    ShortWrite(usize),
    /// The next write fails with this error number.
    Write(i32),
    /// The next sync fails with this error number.
    Sync(i32),
}

impl Disk {
    /// Writes all of `bytes` at `offset`, in as few calls as the system allows.
    pub(super) fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            match self.write_once(file, &bytes[done..], at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write_once(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.counts.writes += 1;
        #[cfg(test)]
        let bytes = self.faulty(bytes)?;
        let count = file.write_at(bytes, offset)?;
        self.counts.bytes += count as u64;
        Ok(count)
    }

    /// Puts what was written to `file` on disk, with as much about the file as reading it needs.
    pub(super) fn sync_data(&mut self, file: &File) -> io::Result<()> {
        self.count_sync()?;
        file.sync_data()
    }

    /// Puts `file`, which may be a folder, on disk with all that is known about it.
    pub(super) fn sync_all(&mut self, file: &File) -> io::Result<()> {
        self.count_sync()?;
        file.sync_all()
    }

    fn count_sync(&mut self) -> io::Result<()> {
        self.counts.syncs += 1;
        #[cfg(test)]
        if let Some(&Fault::Sync(errno)) = self.faults.front() {
            self.faults.pop_front();
            return Err(io::Error::from_raw_os_error(errno));
        }
        Ok(())
    }

    #[cfg(test)]
    fn faulty<'a>(&mut self, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
        match self.faults.front().copied() {
            Some(Fault::ShortWrite(count)) => {
                self.faults.pop_front();
                Ok(&bytes[..count.min(bytes.len())])
            }
            Some(Fault::Write(errno)) => {
                self.faults.pop_front();
                Err(io::Error::from_raw_os_error(errno))
            }
            Some(Fault::Sync(_)) | None => Ok(bytes),
        }
    }
}
