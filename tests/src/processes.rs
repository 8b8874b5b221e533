//! The processes that know a folder: by their arguments, their environment, or because they stand in it.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its program and arguments, parted by blanks.
    pub command: String,
}

/// Every living process that knows this folder, but for this one.
pub fn of_folder(folder: &Path) -> Vec<Process> {
    let needle = folder.as_os_str().as_bytes();
    let own = i32::try_from(std::process::id()).expect("a process id fits");
    let entries = fs::read_dir("/proc").expect("there are processes").flatten();
    let pids = entries.filter_map(|it| it.file_name().to_string_lossy().parse::<i32>().ok());
    pids.filter(|pid| *pid != own).filter_map(|pid| look(pid, needle)).collect()
}

fn look(pid: i32, needle: &[u8]) -> Option<Process> {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let arguments = read("cmdline");
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let knows = contains(&arguments, needle)
        || contains(&read("environ"), needle)
        || contains(folder.as_os_str().as_bytes(), needle);
    let command = String::from_utf8_lossy(&arguments).replace('\0', " ");
    // A zombie has no arguments, and is nobody's trouble.
    (knows && !arguments.is_empty()).then_some(Process { pid, command })
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|it| it == needle)
}

/// Whether a process is there and not a zombie.
pub fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.starts_with(['Z', 'X']));
    state == Some(false)
}

/// Its parent; 0 where it is gone.
pub fn parent(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    fields.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// Its resident size in bytes; 0 where it is gone.
pub fn resident_bytes(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kib = line.and_then(|it| it.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Sends a signal; that the process is gone already is no error.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        kill_process(pid, signal).ok();
    }
}

/// Kills every process that knows the folder, until none is left.
pub fn kill_all(folder: &Path) {
    crate::wait::until(std::time::Duration::from_secs(10), || {
        let found = of_folder(folder);
        found.iter().for_each(|it| signal(it.pid, Signal::KILL));
        found.is_empty().then_some(())
    });
}
