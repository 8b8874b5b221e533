//! Looks for files until they are there and have stopped growing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use engine::Input;
use engine::effect::Watch;
use engine::input::FoundFile;
use shared::id::AttemptId;
use shared::time::Timestamp;

use crate::driver::Inbox;

/// How often is looked at the most, and at the least.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Names that say that a file is not finished.
const UNFINISHED: [&str; 2] = [".tmp", ".part"];

/// What the watcher is told.
enum Order {
    Watch(Watch),
    Stop(AttemptId),
}

/// The watcher's handle. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct FileWatcher {
    orders: Sender<Order>,
}

impl FileWatcher {
    /// Starts the watcher, which reports to `inbox`.
    pub(crate) fn start(inbox: Inbox) -> Self {
        let (orders, received) = channel();
        std::thread::Builder::new()
            .name("file-watch".to_owned())
            .spawn(move || run(&received, &inbox))
            .expect("a thread can be started when the daemon starts");
        Self { orders }
    }

    /// Looks for a file; once more for one that is looked for already.
    pub(crate) fn watch(&self, watch: Watch) {
        self.orders.send(Order::Watch(watch)).expect("the watcher lives as long as its handle");
    }

    /// Looks for it no more.
    pub(crate) fn stop(&self, attempt: AttemptId) {
        self.orders.send(Order::Stop(attempt)).expect("the watcher lives as long as its handle");
    }
}

/// A file that is looked for, and how it looked the last time.
struct Looked {
    watch: Watch,
    /// Each candidate, how it looked, and since when it looks so.
    seen: BTreeMap<PathBuf, (Looks, Instant)>,
}

/// What must not change.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Looks {
    device: u64,
    inode: u64,
    size: u64,
    modified_us: i64,
}

fn run(orders: &Receiver<Order>, inbox: &Inbox) {
    let mut watches: BTreeMap<AttemptId, Looked> = BTreeMap::new();
    loop {
        let order = match look_every(&watches) {
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(pause) => orders.recv_timeout(pause),
        };
        match order {
            Ok(Order::Watch(watch)) => {
                let seen = BTreeMap::new();
                watches.entry(watch.attempt).or_insert(Looked { watch, seen });
            }
            Ok(Order::Stop(attempt)) => {
                watches.remove(&attempt);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        watches.retain(|attempt, looked| match look(looked, now) {
            None => true,
            Some(file) => {
                inbox.input(Input::FileArrived { attempt: *attempt, file });
                false
            }
        });
    }
}

/// Often enough to see that a file is stable soon after it is; not at all where nothing is looked for.
fn look_every(watches: &BTreeMap<AttemptId, Looked>) -> Option<Duration> {
    let shortest = watches.values().map(|it| it.watch.stable_for).min()?;
    Some((shortest / 4).clamp(LOOK_EVERY.0, LOOK_EVERY.1))
}

/// The first file, by name, that has looked the same for long enough.
fn look(looked: &mut Looked, now: Instant) -> Option<FoundFile> {
    let mut seen = std::mem::take(&mut looked.seen);
    for path in candidates(Path::new(&looked.watch.path)) {
        let Some(looks) = looks(&path) else { continue };
        let before = seen.remove(&path).filter(|(it, _)| *it == looks);
        let since = before.map_or(now, |(_, since)| since);
        if now.duration_since(since) >= looked.watch.stable_for {
            return Some(FoundFile {
                path: path.to_string_lossy().into_owned(),
                size: looks.size,
                modified: Timestamp(looks.modified_us),
            });
        }
        looked.seen.insert(path, (looks, since));
    }
    None
}

fn looks(path: &Path) -> Option<Looks> {
    let it = fs::metadata(path).ok().filter(|it| it.is_file())?;
    let modified_us = it.mtime().saturating_mul(1_000_000).saturating_add(it.mtime_nsec() / 1_000);
    Some(Looks { device: it.dev(), inode: it.ino(), size: it.size(), modified_us })
}

/// The files that a path with `*` and `?` in its last part means, by name; those that are not finished are left alone.
fn candidates(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.contains(['*', '?']) {
        return vec![path.to_owned()];
    }
    let Some(Ok(entries)) = path.parent().map(fs::read_dir) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|it| it.path())
        .filter(|it| {
            let it = it.file_name().unwrap_or_default().to_string_lossy();
            let unfinished = it.starts_with('.') || UNFINISHED.iter().any(|end| it.ends_with(end));
            !unfinished && matches(name.as_bytes(), it.as_bytes())
        })
        .collect();
    found.sort();
    found
}

/// Whether a name matches a pattern of `*` and `?`. Takes no more than pattern times name steps.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut place, mut star) = (0, 0, None);
    while place < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[place] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                None => return false,
                Some((star_at, star_place)) => {
                    star = Some((star_at, star_place + 1));
                    at = star_at + 1;
                    place = star_place + 1;
                }
            },
        }
    }
    pattern[at..].iter().all(|it| *it == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(path: &Path, stable_for: Duration) -> Looked {
        let path = path.to_string_lossy().into_owned();
        let watch = Watch { attempt: AttemptId(1), path, stable_for };
        Looked { watch, seen: BTreeMap::new() }
    }

    #[test]
    fn a_file_is_taken_once_it_has_not_changed_for_long_enough() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sales.csv");
        let mut looked = looked(&path, Duration::from_secs(5));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(look(&mut looked, at(0)), None, "it is not there");
        fs::write(&path, "a").expect("the folder is writable");
        assert_eq!(look(&mut looked, at(1)), None);
        assert_eq!(look(&mut looked, at(5)), None, "four seconds are not five");
        fs::write(&path, "ab").expect("the folder is writable");
        assert_eq!(look(&mut looked, at(6)), None, "it has grown");
        assert_eq!(look(&mut looked, at(10)), None);
        let found = look(&mut looked, at(11)).expect("five seconds without change");
        assert_eq!((found.size, found.path), (2, path.to_string_lossy().into_owned()));
    }

    #[test]
    fn unfinished_names_are_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["a.csv.part", ".a.csv", "b.csv.tmp", "c.csv", "d.txt"] {
            fs::write(folder.path().join(name), "x").expect("the folder is writable");
        }
        let names: Vec<_> = candidates(&folder.path().join("*"));
        assert_eq!(names, [folder.path().join("c.csv"), folder.path().join("d.txt")]);
        assert_eq!(candidates(&folder.path().join("?.csv")), [folder.path().join("c.csv")]);
    }

    #[test]
    fn patterns_match_as_a_shell_does() {
        let good = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(good("*.csv", "a.csv") && good("a*b*c", "aXbYbZc") && good("?", "x"));
        assert!(!good("*.csv", "a.csv.gz") && !good("?", "") && !good("a*b", "a"));
        let (pattern, name) = ("*a".repeat(50), "a".repeat(10_000) + "b");
        assert!(!good(&pattern, &name));
    }
}
