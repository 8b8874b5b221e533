//! After a start: what the journal says about attempts, compared with the processes there are.

use crate::attempt::{
    Attempt, ExitFlags, Kin, Live, Phase, Settled, State, described, exec_failed, exited,
};
use crate::clock;
use crate::ending::kill_session;
use crate::folders::Folders;
use crate::journal::{Identity, Segment};
use crate::log::CappedLog;
use crate::poller::Poller;
use crate::proc;
use crate::table::{Table, first_due};
use runner::protocol::{Cause, End, Exited};
use runner::record::{Kind, Record};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;

/// What a log says where its end was never read.
const UNREAD: &[u8] = b"\n[runyard: what was printed while there was no runner is lost]\n";

/// An attempt that is not released, as the journal has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    /// Whether the host has been started again since.
    same_boot: bool,
    /// The last of each kind, in order.
    records: Vec<Record>,
}

impl Found {
    fn last(&self, kind: Kind) -> Option<&Record> {
        self.records.iter().rev().find(|it| it.kind == kind)
    }
}

/// Collects what is not released.
pub(crate) fn find(segments: &[Segment], boot_id: [u8; 16]) -> BTreeMap<u64, Found> {
    let mut found = BTreeMap::new();
    for segment in segments {
        let same_boot = segment.boot_id == boot_id;
        for record in &segment.records {
            match record.kind {
                Kind::Header | Kind::Epoch | Kind::Closed => (),
                Kind::Released => drop(found.remove(&record.attempt)),
                _ => {
                    let empty = Found { same_boot, records: Vec::new() };
                    let it = found.entry(record.attempt).or_insert(empty);
                    it.records.retain(|known| known.kind != record.kind);
                    it.records.push(*record);
                }
            }
        }
    }
    found.retain(|_, it| it.last(Kind::Intent).is_some());
    found
}

/// The records a new segment begins with.
pub(crate) fn open_records(found: &BTreeMap<u64, Found>) -> Vec<Record> {
    found.values().flat_map(|it| it.records.iter().copied()).collect()
}

/// Takes over each attempt: its end where that is known, else its process where that lives.
pub(crate) fn adopt(table: &mut Table, poller: &mut Poller, found: BTreeMap<u64, Found>) {
    for (id, it) in found {
        let spawn = described(id, &it.records);
        let ended = recorded_end(&table.folders, &spawn.name, &it);
        let state = State::Ended(ended.clone().unwrap_or(End::Never));
        table.attempts.insert(id, Attempt { spawn, records: it.records.clone(), state });
        if ended.is_some() {
            continue;
        }
        match it.last(Kind::Started) {
            _ if !it.same_boot => table.lose(id, "the host was restarted".to_owned()),
            None => table.record(id, table.stamp(Kind::Never, id)),
            Some(started) => adopt_process(table, poller, id, &it, started),
        }
    }
}

/// The end that is in the journal, filled up with what is known of its use.
fn recorded_end(folders: &Folders, name: &str, it: &Found) -> Option<End> {
    if let Some(exit) = it.last(Kind::Exit) {
        if ExitFlags::decode(exit.flags).settled == Settled::No && it.same_boot {
            kill_session(exit.pid, exit.start_ticks);
        }
        let started_ms = it.last(Kind::Started).map_or(0, wall_time);
        let [cpu_us, dropped_bytes, started_ms, ended_ms] = match it.last(Kind::Usage) {
            Some(usage) => usage.numbers(),
            None => [0, 0, started_ms, wall_time(exit)],
        };
        let usage = Exited { cpu_us, dropped_bytes, started_ms, ended_ms, ..exited(exit) };
        return Some(End::Exited(usage));
    }
    if let Some(failed) = it.last(Kind::ExecFail) {
        return Some(exec_failed(failed));
    }
    if it.last(Kind::Never).is_some() {
        return Some(End::Never);
    }
    it.last(Kind::Unknown).map(|_| {
        let evidence = folders.evidence(name);
        let unexplained = || "it was lost before the last start of the runner".to_owned();
        End::Lost { evidence: evidence.unwrap_or_else(unexplained) }
    })
}

fn adopt_process(table: &mut Table, poller: &mut Poller, id: u64, it: &Found, started: &Record) {
    let Some(pidfd) = open_process(started) else {
        let Identity { generation, .. } = table.journal.identity();
        kill_session(started.pid, started.start_ticks);
        let evidence = format!(
            "process {} was gone when generation {generation} of the runner began; generation {} had \
             started it and died before it could record the end",
            started.pid, started.generation
        );
        return table.lose(id, evidence);
    };
    let spawn = described(id, &it.records);
    let stop = it.last(Kind::Stop).and_then(|it| Cause::from_u8(it.flags.to_le_bytes()[0]));
    let now = clock::monotonic_ms();
    let age = clock::boot_ms().saturating_sub(started.boottime_ms);
    let left = |timeout: u64| now.saturating_add(timeout.saturating_sub(age));
    let deadline = (spawn.timeout_ms > 0).then(|| left(spawn.timeout_ms));
    let (phase, due) = match stop {
        Some(_) => (Phase::Stopping, Some(now.saturating_add(spawn.grace_ms))),
        None => (Phase::Running, first_due(deadline, spawn.idle_ms, now)),
    };
    let pipe = open_pipe(started.pid);
    let mut log = CappedLog::open(table.folders.log(&spawn.name), spawn.log_head, spawn.log_tail);
    if pipe.is_none() {
        // It has ended meanwhile, and with it the pipe that held what nobody had read.
        log.push(UNREAD);
    }
    let live = Live {
        serial: poller.serial(),
        pid: started.pid,
        start_ticks: started.start_ticks,
        started_ms: wall_time(started),
        kin: Kin::Adopted,
        pidfd,
        pipe,
        log,
        deadline,
        // What it has printed meanwhile is yet to be read.
        heard: now,
        stop,
        phase,
        due: None,
    };
    table.watch(poller, id, live, due);
}

/// Opened first and compared then: what the descriptor holds cannot be replaced in between.
fn open_process(started: &Record) -> Option<OwnedFd> {
    let pidfd = pidfd_open(Pid::from_raw(started.pid)?, PidfdFlags::empty()).ok()?;
    let same = proc::stat(started.pid)?.start_ticks == started.start_ticks;
    same.then_some(pidfd)
}

/// The read end of the pipe that is still the task's output, if it is one.
fn open_pipe(pid: i32) -> Option<OwnedFd> {
    let output = [1, 2].map(|number| format!("/proc/{pid}/fd/{number}"));
    let is_pipe = |path: &&String| {
        let target = fs::read_link(path);
        target.is_ok_and(|it| it.as_os_str().as_encoded_bytes().starts_with(b"pipe:"))
    };
    let path = output.iter().find(is_pipe)?;
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    Some(file.into())
}

/// When a record of this boot was written, as Unix time in milliseconds.
fn wall_time(record: &Record) -> u64 {
    let age = clock::boot_ms().saturating_sub(record.boottime_ms);
    clock::wall_ms().saturating_sub(age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::stamp;

    const HERE: [u8; 16] = [1; 16];

    fn segment(boot_id: [u8; 16], records: Vec<Record>) -> Segment {
        Segment { boot_id, records }
    }

    fn name(id: u64) -> Record {
        Record::of_text(Kind::Name, id, "a", 1).expect("the name is short")
    }

    #[test]
    fn what_is_released_is_forgotten_and_what_is_started_again_is_found() {
        let released = vec![
            name(1),
            stamp(Kind::Intent, 1, 1),
            stamp(Kind::Never, 1, 1),
            stamp(Kind::Released, 1, 1),
        ];
        let again = vec![name(1), stamp(Kind::Intent, 1, 1), stamp(Kind::Started, 1, 1)];
        let found = find(&[segment(HERE, released), segment(HERE, again)], HERE);
        let kinds: Vec<Kind> = found[&1].records.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [Kind::Name, Kind::Intent, Kind::Started]);
        assert_eq!(described(1, &found[&1].records).name, "a");
    }

    #[test]
    fn records_of_another_boot_are_told_apart() {
        let found = find(&[segment([2; 16], vec![name(1), stamp(Kind::Intent, 1, 1)])], HERE);
        assert!(!found[&1].same_boot);
    }

    #[test]
    fn a_name_without_an_intent_is_nothing() {
        assert!(find(&[segment(HERE, vec![name(1)])], HERE).is_empty());
    }
}
