//! The log of an attempt: its beginning as it comes, then the last bytes, with a marker between.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// Most bytes of a tail that are held in memory, whatever was asked for.
const MAX_TAIL: u64 = 16 << 20;

/// Takes output and never fails: what cannot be written is counted as dropped.
#[derive(Debug)]
pub(crate) struct CappedLog<W = LogFile> {
    out: W,
    head_left: u64,
    tail_max: usize,
    tail: VecDeque<u8>,
    kept: u64,
    dropped: u64,
    /// Dropped since the last marker.
    gap: u64,
}

impl CappedLog<LogFile> {
    /// A log at `path`; what is there already counts as written before.
    pub(crate) fn open(path: PathBuf, head: u64, tail: u64) -> Self {
        let kept = fs::metadata(&path).map_or(0, |it| it.len());
        let out = LogFile { path, file: None };
        Self { kept, ..Self::new(out, head.saturating_sub(kept), tail) }
    }
}

/// A file that is made with its first byte: most attempts write nothing, and a file costs more than all
/// else that is done for them.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: Option<File>,
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            slot => slot.insert(OpenOptions::new().append(true).create(true).open(&self.path)?),
        };
        file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> CappedLog<W> {
    fn new(out: W, head_left: u64, tail: u64) -> Self {
        let tail_max = usize::try_from(tail.min(MAX_TAIL)).unwrap_or(0);
        Self { out, head_left, tail_max, tail: VecDeque::new(), kept: 0, dropped: 0, gap: 0 }
    }

    /// Takes the next bytes of output.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let length = usize::try_from(self.head_left).map_or(bytes.len(), |it| it.min(bytes.len()));
        let (head, rest) = bytes.split_at(length);
        self.head_left -= length as u64;
        self.write(head);
        self.keep_last(rest);
    }

    /// Writes the tail. Gives the bytes kept and the bytes dropped.
    pub(crate) fn finish(&mut self) -> (u64, u64) {
        let tail = std::mem::take(&mut self.tail);
        let (first, second) = tail.as_slices();
        self.write(first);
        self.write(second);
        self.write_marker();
        (self.kept, self.dropped)
    }

    /// Bytes in the file so far.
    pub(crate) fn kept(&self) -> u64 {
        self.kept
    }

    fn keep_last(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().saturating_sub(self.tail_max);
        let bytes = &bytes[skipped..];
        let pushed_out = (self.tail.len() + bytes.len()).saturating_sub(self.tail_max);
        self.tail.drain(..pushed_out);
        self.tail.extend(bytes);
        self.drop_bytes(skipped + pushed_out);
    }

    fn drop_bytes(&mut self, count: usize) {
        self.dropped += count as u64;
        self.gap += count as u64;
    }

    fn write(&mut self, mut bytes: &[u8]) {
        if !bytes.is_empty() {
            self.write_marker();
        }
        while !bytes.is_empty() {
            match self.out.write(bytes) {
                Ok(written) if written > 0 => {
                    self.kept += written as u64;
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                _ => {
                    self.drop_bytes(bytes.len());
                    return;
                }
            }
        }
    }

    fn write_marker(&mut self) {
        if self.gap == 0 {
            return;
        }
        let marker = format!("\n[runyard: {} bytes dropped here]\n", self.gap);
        if self.out.write_all(marker.as_bytes()).is_ok() {
            self.gap = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes.
    #[derive(Debug)]
    struct Disk {
        written: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.written.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn text(log: &CappedLog<Vec<u8>>) -> String {
        String::from_utf8_lossy(&log.out).into_owned()
    }

    #[test]
    fn a_log_within_its_limits_is_kept_whole() {
        let mut log = CappedLog::new(Vec::new(), 4, 4);
        log.push(b"abc");
        log.push(b"def");
        log.push(b"gh");
        assert_eq!(log.finish(), (8, 0));
        assert_eq!(text(&log), "abcdefgh");
    }

    #[test]
    fn head_and_tail_are_kept_and_what_is_between_is_counted() {
        let mut log = CappedLog::new(Vec::new(), 4, 4);
        for _ in 0..10 {
            log.push(b"0123456789");
        }
        assert_eq!(log.finish(), (8, 92));
        assert_eq!(text(&log), "0123\n[runyard: 92 bytes dropped here]\n6789");
    }

    #[test]
    fn without_a_tail_the_marker_ends_the_log() {
        let mut log = CappedLog::new(Vec::new(), 2, 0);
        log.push(b"abcdef");
        assert_eq!(log.finish(), (2, 4));
        assert_eq!(text(&log), "ab\n[runyard: 4 bytes dropped here]\n");
    }

    #[test]
    fn a_full_disk_drops_and_goes_on_when_there_is_room_again() {
        let mut log = CappedLog::new(Disk { written: Vec::new(), room: 3 }, 100, 0);
        log.push(b"abcdef");
        log.push(b"ghi");
        log.out.room = 100;
        log.push(b"jkl");
        assert_eq!(log.finish(), (6, 6));
        assert_eq!(log.out.written, b"abc\n[runyard: 6 bytes dropped here]\njkl");
    }
}
