//! Logs of attempts: where they are, and how a part of one is read. Nobody ever loads a whole log.

pub(crate) mod search;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use shared::id::{AttemptId, PoolName};
use shared::rpc::LogFrom;

use crate::executors::local::pool_dir;

/// The most that one answer holds.
const CHUNK_BYTES_MAX: u64 = 1 << 20;
/// The most that is looked at for the last lines.
const TAIL_BYTES_MAX: u64 = 4 << 20;

/// A part of a log.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) bytes: Vec<u8>,
    pub(crate) offset: u64,
    /// Whether it reaches to where the log ended when it was read.
    pub(crate) is_last: bool,
}

/// The log of an attempt. It is not there before its first byte.
pub(crate) fn log_path(state_dir: &Path, pool: &PoolName, attempt: AttemptId) -> PathBuf {
    pool_dir(state_dir, pool).join("logs").join(format!("{attempt}.log"))
}

/// Reads from an offset, or from so many lines before the end.
pub(crate) fn read(path: &Path, from: LogFrom) -> io::Result<Part> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(it) if it.kind() == io::ErrorKind::NotFound => {
            return Ok(Part { bytes: Vec::new(), offset: 0, is_last: true });
        }
        Err(it) => return Err(it),
    };
    let length = file.metadata()?.len();
    let offset = match from {
        LogFrom::Offset(offset) => offset.min(length),
        LogFrom::Tail(lines) => tail(&file, length, lines)?,
    };
    let count = (length - offset).min(CHUNK_BYTES_MAX);
    let mut bytes = vec![0; usize::try_from(count).expect("a chunk is small")];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(Part { is_last: offset + count == length, bytes, offset })
}

/// Where the last `lines` lines begin, looking back no further than is reasonable.
fn tail(file: &File, length: u64, lines: u32) -> io::Result<u64> {
    const BLOCK: u64 = 64 << 10;
    if lines == 0 {
        return Ok(length);
    }
    let lowest = length.saturating_sub(TAIL_BYTES_MAX);
    let mut end = length;
    // The last line has an end of its own, which begins no further line.
    let mut wanted = u64::from(lines);
    let mut buffer = vec![0; usize::try_from(BLOCK).expect("a block is small")];
    while end > lowest {
        let start = end.saturating_sub(BLOCK).max(lowest);
        let block = &mut buffer[..usize::try_from(end - start).expect("a block is small")];
        file.read_exact_at(block, start)?;
        for (place, byte) in block.iter().enumerate().rev() {
            let at = start + place as u64;
            if *byte == b'\n' && at + 1 != length {
                wanted = wanted.saturating_sub(1);
                if wanted == 0 {
                    return Ok(at + 1);
                }
            }
        }
        end = start;
    }
    Ok(lowest)
}

/// The last lines of a log as text that is safe to show: control characters are replaced.
pub(crate) fn last_lines(path: &Path, lines: u32) -> Vec<String> {
    let Ok(part) = read(path, LogFrom::Tail(lines)) else { return Vec::new() };
    let text = String::from_utf8_lossy(&part.bytes).into_owned();
    let safe = |it: char| if it.is_control() && it != '\t' { '\u{fffd}' } else { it };
    let short = |line: &str| line.chars().take(500).map(safe).collect::<String>();
    text.lines().map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.log");
        let text: String = (1..=200_000).map(|it| format!("line {it}\n")).collect();
        std::fs::write(&path, &text).expect("the folder is writable");
        assert_eq!(last_lines(&path, 2), ["line 199999", "line 200000"]);
        assert_eq!(read(&path, LogFrom::Tail(0)).expect("it is there").bytes, b"");
        let part = read(&path, LogFrom::Tail(190_000)).expect("it is there");
        assert!(part.bytes.starts_with(b"line 10001\n") && !part.is_last);
        std::fs::write(&path, "a\nb").expect("the folder is writable");
        assert_eq!(last_lines(&path, 1), ["b"]);
        assert_eq!(last_lines(&path, 9), ["a", "b"]);
    }

    #[test]
    fn a_log_is_read_on_from_where_it_ended() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.log");
        let from = |offset| read(&path, LogFrom::Offset(offset)).expect("it can be read");
        assert!(from(0).bytes.is_empty() && from(0).is_last, "it is not there yet");
        std::fs::write(&path, "one\x1b[31m\n").expect("the folder is writable");
        assert_eq!(from(3).bytes, b"\x1b[31m\n", "bytes are given as they are");
        assert_eq!((from(99).offset, from(99).is_last), (9, true));
        assert_eq!(last_lines(&path, 1), ["one\u{fffd}[31m"]);
    }
}
