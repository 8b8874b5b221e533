//! What the demo's daemon leaves running on purpose, and the demo must not: its runner and the runner's tasks.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long they may take to end.
const END: Duration = Duration::from_secs(5);

/// Ends every process that belongs to the demo in `folder`, and waits until they are gone.
pub(super) fn end(folder: &Path) {
    for signal in [Signal::TERM, Signal::KILL] {
        let until = Instant::now() + END;
        for process in of(folder) {
            let _ = kill_process(process, signal);
        }
        while Instant::now() < until {
            if of(folder).is_empty() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The processes of the demo. Its folder is fresh, so that its path names them and nobody else's.
fn of(folder: &Path) -> Vec<Pid> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let own = rustix::process::getpid();
    entries
        .flatten()
        .filter_map(|it| it.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
        .filter(|process| *process != own && belongs(*process, folder))
        .collect()
}

/// Whether a process is one of our programs and was given the folder, or is a task that was told of it.
fn belongs(process: Pid, folder: &[u8]) -> bool {
    let read =
        |name| fs::read(format!("/proc/{}/{name}", process.as_raw_pid())).unwrap_or_default();
    let command = read("cmdline");
    let mut words = command.split(|it| *it == 0);
    let program = words.next().unwrap_or_default();
    let name = program.rsplit(|it| *it == b'/').next().unwrap_or_default();
    if name.starts_with(b"runyard") && words.any(|it| contains(it, folder)) {
        return true;
    }
    let environment = read("environ");
    environment.split(|it| *it == 0).any(|it| it.starts_with(b"RUNYARD_") && contains(it, folder))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len().max(1)).any(|it| it == part)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_task_that_was_told_of_the_folder_is_ended_and_others_are_not() {
        let folder = tempfile::tempdir().expect("a fresh folder");
        let sleep = |name: &str| {
            let mut command = Command::new("sleep");
            command.arg("60").env(name, folder.path().join("outputs")).spawn().expect("it starts")
        };
        let mut task = sleep("RUNYARD_OUTPUTS");
        let mut other = sleep("OUTPUTS");
        let reaper = thread::spawn(move || task.wait());
        // A process that was just made still shows the environment of its parent.
        while of(folder.path()).is_empty() {
            thread::yield_now();
        }
        end(folder.path());
        let status = reaper.join().expect("no panic").expect("it has ended");
        assert!(!status.success());
        assert!(matches!(other.try_wait(), Ok(None)));
        let _ = other.kill();
        let _ = other.wait();
    }
}
