//! All attempts that are not released, and what the daemon may ask about them.

use crate::attempt::{Attempt, Kin, Live, Phase, State, describe, exec_failed, stamp};
use crate::clock;
use crate::folders::{Folders, is_name};
use crate::journal::Journal;
use crate::log::CappedLog;
use crate::poller::{Poller, Source};
use crate::spawn::{self, Plan};
use runner::protocol::{Cause, End, Frame, Spawn};
use runner::record::{Kind, Record};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use rustix::process::{kill_process_group, pidfd_open, pidfd_send_signal, waitpid};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

/// The attempts of the pool. Answers and news collect in `news`, oldest first.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) folders: Folders,
    pub(crate) journal: Journal,
    pub(crate) attempts: BTreeMap<u64, Attempt>,
    pub(crate) news: Vec<Frame>,
    /// Attempts by the process numbers of those that are live.
    pub(crate) by_pid: BTreeMap<i32, u64>,
    /// An attempt is being cleared, or a child has ended.
    pub(crate) sweep_needed: bool,
    by_serial: BTreeMap<u64, u64>,
    due: BTreeSet<(u64, u64)>,
    open_files: Option<libc::rlimit>,
}

/// Why an attempt was not started.
#[derive(Debug)]
struct Refusal {
    reason: String,
    capacity: bool,
}

impl Refusal {
    fn malformed(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), capacity: false }
    }

    /// Of what could not be done; worth another try if something had run out.
    fn failed(doing: &str, error: &io::Error) -> Self {
        const RUN_OUT: [Errno; 6] =
            [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::NOSPC, Errno::DQUOT];
        let capacity = Errno::from_io_error(error).is_some_and(|it| RUN_OUT.contains(&it));
        Self { reason: format!("cannot {doing}: {error}"), capacity }
    }
}

impl Table {
    pub(crate) fn new(
        folders: Folders,
        journal: Journal,
        open_files: Option<libc::rlimit>,
    ) -> Self {
        Self {
            folders,
            journal,
            open_files,
            attempts: BTreeMap::new(),
            news: Vec::new(),
            by_pid: BTreeMap::new(),
            sweep_needed: false,
            by_serial: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }

    /// Whether any attempt has a process.
    pub(crate) fn any_live(&self) -> bool {
        !self.by_serial.is_empty()
    }

    /// The attempt whose descriptors have this number in the event loop.
    pub(crate) fn by_serial(&self, serial: u64) -> Option<u64> {
        self.by_serial.get(&serial).copied()
    }

    /// When something is to be done next, on the monotonic clock.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.due.first().map(|it| it.0)
    }

    /// An attempt about which something is to be done by now.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<u64> {
        let (_, id) = *self.due.first().filter(|it| it.0 <= now)?;
        self.set_due(id, None);
        Some(id)
    }

    /// Sets when something is to be done about a live attempt.
    pub(crate) fn set_due(&mut self, id: u64, at: Option<u64>) {
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return };
        if let Some(before) = live.due {
            self.due.remove(&(before, id));
        }
        live.due = at;
        self.due.extend(at.map(|at| (at, id)));
    }

    /// Starts an attempt, or says again how it stands.
    pub(crate) fn spawn(&mut self, poller: &mut Poller, spawn: Spawn) {
        let attempt = spawn.attempt;
        if !self.attempts.contains_key(&attempt)
            && let Err(Refusal { reason, capacity }) = self.start(poller, spawn)
        {
            self.news.push(Frame::Refused { attempt, reason, capacity });
        }
        if let Some(known) = self.attempts.get(&attempt) {
            self.news.extend([Frame::Accepted { attempt }, known.news()]);
        }
    }

    fn start(&mut self, poller: &mut Poller, spawn: Spawn) -> Result<(), Refusal> {
        if !is_name(&spawn.name) || !is_name(&spawn.run) {
            return Err(Refusal::malformed("names are 1 to 40 of a-z, 0-9 and -"));
        }
        let outputs = self.folders.outputs(&spawn.name);
        let plan = Plan::new(&spawn, &self.folders.run(&spawn.run), &outputs);
        let plan = plan.map_err(Refusal::malformed)?;
        self.make_room()?;
        let files = self.folders.prepare(&spawn.name, &spawn.run);
        files.map_err(|error| Refusal::failed("make the attempt's files", &error))?;

        let id = spawn.attempt;
        let intent = self.stamp(Kind::Intent, id);
        let described = describe(&spawn, intent.generation).expect("valid names fit a record");
        let records = [&described[..], &[intent]].concat();
        let recorded = self.journal.append(&records);
        recorded.map_err(|error| Refusal::failed("write the journal", &error))?;
        let result = spawn::spawn(plan, self.journal.descriptor(), intent, self.open_files);
        let told = self.journal.appended_by_child().unwrap_or_default();
        let find = |kind| told.iter().rev().find(|it| it.kind == kind).copied();
        // The daemon has no further use for these, and they may be large.
        let spawn = Spawn { argv: Vec::new(), env: Vec::new(), ..spawn };
        match (result, find(Kind::Started), find(Kind::ExecFail)) {
            (_, _, Some(failed)) => {
                let state = State::Ended(exec_failed(&failed));
                self.attempts.insert(id, Attempt { spawn, records, state });
                self.keep(id, failed);
            }
            (Ok((pid, pipe)), Some(started), None) => {
                self.attempts
                    .insert(id, Attempt { spawn, records, state: State::Ended(End::Never) });
                self.keep(id, started);
                self.watch_child(poller, id, pid, pipe, started.start_ticks);
            }
            (Ok((pid, _)), None, None) => {
                let _ = waitpid(Pid::from_raw(pid), WaitOptions::empty());
                self.attempts
                    .insert(id, Attempt { spawn, records, state: State::Ended(End::Never) });
                self.record(id, self.stamp(Kind::Never, id));
            }
            (Err(error), _, None) => {
                let ended = [self.stamp(Kind::Never, id), self.stamp(Kind::Released, id)];
                self.append(&ended);
                return Err(Refusal::failed("start a process", &error));
            }
        }
        Ok(())
    }

    fn watch_child(&mut self, poller: &mut Poller, id: u64, pid: i32, pipe: OwnedFd, ticks: u64) {
        let Some(number) = Pid::from_raw(pid) else { return };
        let pidfd = match pidfd_open(number, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                let _ = kill_process_group(number, Signal::KILL);
                let _ = waitpid(Some(number), WaitOptions::empty());
                self.lose(
                    id,
                    format!("process {pid} could not be watched ({error}) and was killed"),
                );
                return;
            }
        };
        let spawn = &self.attempts[&id].spawn;
        let path = self.folders.log(&spawn.name);
        let log = CappedLog::open(path, spawn.log_head, spawn.log_tail);
        let now = clock::monotonic_ms();
        let deadline = (spawn.timeout_ms > 0).then(|| now.saturating_add(spawn.timeout_ms));
        let due = first_due(deadline, spawn.idle_ms, now);
        let live = Live {
            serial: poller.serial(),
            pid,
            start_ticks: ticks,
            started_ms: clock::wall_ms(),
            kin: Kin::Child,
            pidfd,
            pipe: Some(pipe),
            log,
            deadline,
            heard: now,
            stop: None,
            phase: Phase::Running,
            due: None,
        };
        self.watch(poller, id, live, due);
    }

    /// Looks after the process of a known attempt from now on.
    pub(crate) fn watch(&mut self, poller: &mut Poller, id: u64, live: Live, due: Option<u64>) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let (serial, pid) = (live.serial, live.pid);
        poller.add(&live.pidfd, Source::Process(serial));
        if let Some(pipe) = &live.pipe {
            poller.add(pipe, Source::Pipe(serial));
        }
        attempt.state = State::Live(Box::new(live));
        self.by_serial.insert(serial, id);
        self.by_pid.insert(pid, id);
        self.set_due(id, due);
    }

    /// Stops an attempt because a person or the daemon wants it.
    pub(crate) fn kill(&mut self, id: u64) {
        self.stop(id, Cause::Killed);
    }

    /// SIGTERM to the process group; SIGKILL when the grace is over. Only the first cause counts.
    pub(crate) fn stop(&mut self, id: u64, cause: Cause) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let grace_ms = attempt.spawn.grace_ms;
        let State::Live(live) = &mut attempt.state else { return };
        if !matches!(live.phase, Phase::Running) {
            return;
        }
        live.stop = Some(cause);
        live.phase = Phase::Stopping;
        signal(live, Signal::TERM);
        // A stopped process acts on nothing but this.
        signal(live, Signal::CONT);
        self.record(id, Record { flags: cause as u16, ..self.stamp(Kind::Stop, id) });
        self.set_due(id, Some(clock::monotonic_ms().saturating_add(grace_ms)));
    }

    /// Forgets attempts that have ended. Others stay: only what is known can be released.
    pub(crate) fn release(&mut self, ids: &[u64]) {
        let ended = |id: &&u64| self.attempts.get(id).is_some_and(|it| !it.is_live());
        let ids: Vec<u64> = ids.iter().filter(ended).copied().collect();
        let records: Vec<Record> = ids.iter().map(|id| self.stamp(Kind::Released, *id)).collect();
        self.append(&records);
        for id in ids {
            if let Some(Attempt { spawn, state: State::Ended(End::Lost { .. }), .. }) =
                self.attempts.remove(&id)
            {
                self.folders.remove_evidence(&spawn.name);
            }
        }
        // Only starts depend on it, and they ask for themselves.
        let _ = self.make_room();
    }

    /// Deletes the folders of a run and of attempts, but for those in use.
    pub(crate) fn drop_run(&self, run: &str, names: &[String]) {
        let live = || self.attempts.values().filter(|it| it.is_live());
        let run_folder =
            (is_name(run) && live().all(|it| it.spawn.run != run)).then(|| self.folders.run(run));
        let unused = |name: &&String| is_name(name) && live().all(|it| it.spawn.name != **name);
        let attempt_folders = names.iter().filter(unused).map(|it| self.folders.attempt(it));
        for folder in run_folder.into_iter().chain(attempt_folders) {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    crate::say(format_args!("cannot delete {}: {error}", folder.display()));
                }
                _ => (),
            }
        }
    }

    /// The attempt's end cannot be known.
    pub(crate) fn lose(&mut self, id: u64, evidence: String) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        // The record has no room for it; without the file the next runner tells less.
        let _ = self.folders.keep_evidence(&attempt.spawn.name, &evidence);
        attempt.state = State::Ended(End::Lost { evidence });
        self.record(id, self.stamp(Kind::Unknown, id));
    }

    /// Forgets the event loop's side of a process; its descriptors are the caller's to close.
    pub(crate) fn unwatch(&mut self, id: u64) {
        self.set_due(id, None);
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return };
        self.by_serial.remove(&live.serial);
        self.by_pid.remove(&live.pid);
    }

    pub(crate) fn stamp(&self, kind: Kind, id: u64) -> Record {
        stamp(kind, id, self.journal.identity().generation)
    }

    /// Appends a record and remembers it for the next segment.
    pub(crate) fn record(&mut self, id: u64, record: Record) {
        self.append(&[record]);
        self.keep(id, record);
    }

    fn keep(&mut self, id: u64, record: Record) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.keep(record);
        }
    }

    fn append(&mut self, records: &[Record]) {
        // What cannot be written is still told to the daemon, which has the durable copy.
        if let Err(error) = self.journal.append(records) {
            crate::say(format_args!("cannot write the journal: {error}"));
        }
    }

    /// Makes sure that everything recorded about one more attempt has its place on the disk.
    fn make_room(&mut self) -> Result<(), Refusal> {
        let needed = 16 + 8 * self.by_serial.len() as u64 + self.attempts.len() as u64;
        if self.journal.room() >= needed {
            return Ok(());
        }
        let open: Vec<Record> =
            self.attempts.values().flat_map(|it| it.records.iter().copied()).collect();
        match self.journal.rotate(&open) {
            Ok(()) => Ok(()),
            Err(error) => Err(Refusal {
                capacity: true,
                ..Refusal::failed("reserve space for the journal", &error)
            }),
        }
    }
}

/// When something is to be done first about a process that runs.
pub(crate) fn first_due(deadline: Option<u64>, idle_ms: u64, heard: u64) -> Option<u64> {
    let idle = (idle_ms > 0).then(|| heard.saturating_add(idle_ms));
    deadline.into_iter().chain(idle).min()
}

/// Sends a signal to the group of a process. Through the pidfd first: while that works, the number of
/// the group cannot belong to another.
pub(crate) fn signal(live: &Live, signal: Signal) {
    if pidfd_send_signal(&live.pidfd, signal).is_ok()
        && let Some(group) = Pid::from_raw(live.pid)
    {
        let _ = kill_process_group(group, signal);
    }
}
