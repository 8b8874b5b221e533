//! The limit: a program that does no more than spawn a graph's processes and wait for them.
//!
//! One thread, `posix_spawn`, the output of each task in a file of its own. With a journal, a record of 256 bytes at the
//! start and at the end of each task is on disk before what follows from it, with one sync for all that is known at once.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{WaitOptions, wait};

use crate::graph::Graph;

const RECORD_BYTES: usize = 256;

/// Where starts and ends are kept, if anywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keeping {
    Nowhere,
    Journal,
}

/// How long a graph of `program` takes on `slots`, with its files in the new folder `dir`.
pub(crate) fn run(
    graph: &Graph,
    program: &[&str],
    slots: usize,
    keeping: Keeping,
    dir: &Path,
) -> io::Result<Duration> {
    std::fs::create_dir(dir)?;
    let mut journal = match keeping {
        Keeping::Nowhere => None,
        Keeping::Journal => Some(Journal::create(&dir.join("journal"), graph.len())?),
    };
    let before = Instant::now();
    let mut left: Vec<usize> = graph.needs.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); graph.len()];
    for (task, needs) in graph.needs.iter().enumerate() {
        needs.iter().for_each(|it| needed_by[*it].push(task));
    }
    let mut ready: VecDeque<usize> = (0..graph.len()).filter(|it| left[*it] == 0).collect();
    let mut running = BTreeMap::new();
    let mut ended = Vec::new();
    while !ready.is_empty() || !running.is_empty() {
        let free = slots - running.len();
        let starting: Vec<usize> = ready.drain(..free.min(ready.len())).collect();
        if let Some(journal) = &mut journal {
            journal.append(ended.len() + starting.len())?;
        }
        for task in starting {
            running.insert(spawn(program, &dir.join(format!("{task}.log")))?, task);
        }
        ended = reap(&mut running)?;
        for next in ended.iter().flat_map(|it| &needed_by[*it]) {
            left[*next] -= 1;
            if left[*next] == 0 {
                ready.push_back(*next);
            }
        }
    }
    if let Some(journal) = &mut journal {
        journal.append(ended.len())?;
    }
    Ok(before.elapsed())
}

/// Starts a process whose output goes to the file `log`.
fn spawn(program: &[&str], log: &Path) -> io::Result<i32> {
    let log = File::create(log)?;
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
    i32::try_from(command.spawn()?.id()).map_err(io::Error::other)
}

/// Waits for one process, and takes all that have ended by then.
fn reap(running: &mut BTreeMap<i32, usize>) -> io::Result<Vec<usize>> {
    let mut ended = Vec::new();
    let mut options = WaitOptions::empty();
    while !running.is_empty() {
        let Some((pid, status)) = wait(options)? else { break };
        if status.exit_status() != Some(0) {
            return Err(io::Error::other(format!("a task of the bare program failed: {status:?}")));
        }
        ended.extend(running.remove(&pid.as_raw_pid()));
        options = WaitOptions::NOHANG;
    }
    Ok(ended)
}

/// A file that was filled with zeros before, so that a sync has no metadata to write.
struct Journal {
    file: File,
    offset: u64,
}

impl Journal {
    fn create(path: &Path, tasks: usize) -> io::Result<Self> {
        let file = File::create(path)?;
        file.write_all_at(&vec![0; 2 * tasks * RECORD_BYTES], 0)?;
        file.sync_all()?;
        Ok(Self { file, offset: 0 })
    }

    fn append(&mut self, records: usize) -> io::Result<()> {
        if records == 0 {
            return Ok(());
        }
        let bytes = vec![b'r'; records * RECORD_BYTES];
        self.file.write_all_at(&bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        self.file.sync_data()
    }
}
