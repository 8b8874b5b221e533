//! Lines of a log that match. A log is looked through a block at a time, and no further than one answer may take.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use regex::bytes::{Regex, RegexBuilder};
use shared::snapshot::LogLine;

/// How much is read at once.
const BLOCK_BYTES: u64 = 1 << 20;
/// How much of a log one answer looks through: about a quarter of a second.
const SCAN_BYTES_MAX: u64 = 256 << 20;
/// How much of a line is given.
const LINE_BYTES_MAX: usize = 16 << 10;
/// What a pattern may take in memory once it is made.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order of the log.
    pub(crate) lines: Vec<LogLine>,
    pub(crate) scanned: u64,
    /// From where to look on.
    pub(crate) next: Option<u64>,
}

/// Reads a pattern. Upper and lower case are the same where it has no upper case.
pub(crate) fn pattern(text: &str) -> Result<Regex, String> {
    let ignores_case = !text.chars().any(char::is_uppercase);
    let mut builder = RegexBuilder::new(text);
    builder.case_insensitive(ignores_case).size_limit(PATTERN_BYTES_MAX);
    builder.build().map_err(|it| match it {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => {
            let text = other.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

/// The first lines from `from` on that match.
pub(crate) fn forwards(path: &Path, pattern: &Regex, from: u64, limit: usize) -> io::Result<Found> {
    let Some((file, length)) = open(path)? else { return Ok(nothing()) };
    let start = from.min(length);
    let mut found = nothing();
    let mut at = start;
    while at < length && at - start < SCAN_BYTES_MAX {
        let (block, used) = block_from(&file, at, length)?;
        for (offset, line) in lines(&block[..used], at) {
            if !pattern.is_match(line) {
                continue;
            }
            found.lines.push(cut(offset, line));
            if found.lines.len() == limit {
                let next = offset + line.len() as u64 + 1;
                found.scanned = next.min(length) - start;
                found.next = (next < length).then_some(next);
                return Ok(found);
            }
        }
        at += used as u64;
    }
    found.scanned = at - start;
    found.next = (at < length).then_some(at);
    Ok(found)
}

/// The last lines that end at or before `from` and match, in the order of the log.
pub(crate) fn backwards(
    path: &Path,
    pattern: &Regex,
    from: u64,
    limit: usize,
) -> io::Result<Found> {
    let Some((file, length)) = open(path)? else { return Ok(nothing()) };
    let start = from.min(length);
    let mut found = nothing();
    let mut end = start;
    while end > 0 && start - end < SCAN_BYTES_MAX {
        let begin = line_start(&file, end.saturating_sub(BLOCK_BYTES), end)?;
        let mut block = vec![0; usize::try_from(end - begin).expect("a block is small")];
        file.read_exact_at(&mut block, begin)?;
        let all: Vec<(u64, &[u8])> = lines(&block, begin).collect();
        for (offset, line) in all.into_iter().rev() {
            if !pattern.is_match(line) {
                continue;
            }
            found.lines.push(cut(offset, line));
            if found.lines.len() == limit {
                found.scanned = start - offset;
                found.next = (offset > 0).then_some(offset);
                found.lines.reverse();
                return Ok(found);
            }
        }
        end = begin;
    }
    found.scanned = start - end;
    found.next = (end > 0).then_some(end);
    found.lines.reverse();
    Ok(found)
}

fn nothing() -> Found {
    Found { lines: Vec::new(), scanned: 0, next: None }
}

/// A log that is not there yet is empty.
fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    match File::open(path) {
        Ok(file) => {
            let length = file.metadata()?.len();
            Ok(Some((file, length)))
        }
        Err(it) if it.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(it) => Err(it),
    }
}

/// A block, and how much of it is whole lines; a line that is longer than a block counts as whole.
fn block_from(file: &File, at: u64, length: u64) -> io::Result<(Vec<u8>, usize)> {
    let count = (length - at).min(BLOCK_BYTES);
    let mut block = vec![0; usize::try_from(count).expect("a block is small")];
    file.read_exact_at(&mut block, at)?;
    let is_last = at + count == length;
    let whole = block.iter().rposition(|it| *it == b'\n').map(|it| it + 1);
    let used = if is_last { block.len() } else { whole.unwrap_or(block.len()) };
    Ok((block, used))
}

/// Where the first line begins at or after `from`; `from` itself where there is none before `end`.
fn line_start(file: &File, from: u64, end: u64) -> io::Result<u64> {
    if from == 0 {
        return Ok(0);
    }
    let mut block = vec![0; usize::try_from(end - from).expect("a block is small")];
    // The byte before tells whether a line begins here.
    file.read_exact_at(&mut block, from - 1)?;
    let found = block.iter().position(|it| *it == b'\n').map(|it| from + it as u64);
    Ok(found.filter(|it| *it < end).unwrap_or(from))
}

fn lines(block: &[u8], at: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let mut offset = at;
    block.split_inclusive(|it| *it == b'\n').map(move |line| {
        let begin = offset;
        offset += line.len() as u64;
        (begin, line.strip_suffix(b"\n").unwrap_or(line))
    })
}

fn cut(offset: u64, line: &[u8]) -> LogLine {
    LogLine { offset, bytes: line[..line.len().min(LINE_BYTES_MAX)].to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(found: &Found) -> Vec<String> {
        found.lines.iter().map(|it| String::from_utf8_lossy(&it.bytes).into_owned()).collect()
    }

    #[test]
    fn lines_are_found_in_both_directions_and_from_page_to_page() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.log");
        let text: String = (0..300_000).map(|it| format!("line {it:06}\n")).collect();
        std::fs::write(&path, &text).expect("the folder is writable");
        let nines = pattern("line 2?99999$").expect("it is one");
        let all = forwards(&path, &nines, 0, 10).expect("it can be read");
        assert_eq!(texts(&all), ["line 299999"]);
        assert_eq!((all.next, all.scanned), (None, text.len() as u64));
        let hundreds = pattern("00$").expect("it is one");
        let (mut from, mut seen) = (Some(0), Vec::new());
        while let Some(at) = from {
            let page = forwards(&path, &hundreds, at, 1_000).expect("it can be read");
            seen.extend(texts(&page));
            from = page.next;
        }
        assert_eq!(seen.len(), 3_000);
        let (mut from, mut back) = (Some(text.len() as u64), Vec::new());
        while let Some(at) = from {
            let page = backwards(&path, &hundreds, at, 700).expect("it can be read");
            back.splice(0..0, texts(&page));
            from = page.next;
        }
        assert_eq!(back, seen);
    }

    #[test]
    fn a_line_longer_than_a_block_and_one_without_an_end_are_lines() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.log");
        let mut text = vec![b'x'; 3 << 20];
        text.extend(b"\nlast xx");
        std::fs::write(&path, &text).expect("the folder is writable");
        let exes = pattern("x").expect("it is one");
        let found = forwards(&path, &exes, 0, 10).expect("it can be read");
        assert!(found.lines.iter().all(|it| it.bytes.len() <= LINE_BYTES_MAX));
        assert_eq!(texts(&found).last().map(String::as_str), Some("last xx"));
        let found = backwards(&path, &exes, text.len() as u64, 1).expect("it can be read");
        assert_eq!(texts(&found), ["last xx"]);
        assert!(
            forwards(&folder.path().join("none"), &exes, 0, 1)
                .expect("it is empty")
                .lines
                .is_empty()
        );
    }

    #[test]
    fn small_letters_mean_both_and_nonsense_is_told() {
        assert!(pattern("error").expect("it is one").is_match(b"ERROR: x"));
        assert!(!pattern("Error").expect("it is one").is_match(b"ERROR: x"));
        assert!(pattern("(").is_err() && pattern("(a{1000}){1000}{1000}").is_err());
    }
}
