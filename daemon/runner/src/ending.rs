//! From the death of an attempt's own process to its end: record, clear what is left, close the log, reap.

use crate::attempt::{Attempt, ExitFlags, Kin, Live, Phase, Settled, State, Verdict};
use crate::clock;
use crate::poller::Poller;
use crate::proc;
use crate::sys::{self, Dead};
use crate::table::{Table, first_due, signal};
use runner::protocol::{Cause, End, Exited, Frame};
use runner::record::{Kind, Record, source};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// How long open pipes of a dead process are waited for.
const PIPE_WAIT_MS: u64 = 5_000;

/// How often the session of an adopted process is looked at until it is empty.
const RESCAN_MS: u64 = 20;

/// Most bytes taken from one pipe before others have their turn.
const TURN: usize = 1 << 20;

impl Table {
    /// The log pipe of the attempt has something, or is at its end.
    pub(crate) fn on_pipe(&mut self, poller: &Poller, id: u64, buffer: &mut [u8]) {
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return };
        drain(poller, live, buffer);
        self.sweep_needed |= matches!(live.phase, Phase::Clearing { .. });
    }

    /// The attempt's own process may have ended.
    pub(crate) fn on_process(&mut self, poller: &Poller, id: u64) {
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return };
        if matches!(live.phase, Phase::Clearing { .. }) {
            return;
        }
        let Some(verdict) = verdict(live) else { return };
        poller.remove(&live.pidfd);
        let until = clock::monotonic_ms() + PIPE_WAIT_MS;
        // Recorded before anything else is done: a dead process keeps its status only until it is reaped.
        self.record_exit(id, &verdict, Settled::No);
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return };
        if live.kin == Kin::Child {
            signal(live, Signal::KILL);
        }
        live.phase = Phase::Clearing { verdict, until, left: BTreeSet::new() };
        self.sweep_needed = true;
        self.set_due(id, Some(until));
    }

    /// Something was to be done by now about the attempt.
    pub(crate) fn on_due(&mut self, id: u64) {
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return };
        match live.phase {
            Phase::Running => self.on_running_due(id),
            Phase::Stopping => {
                signal(live, Signal::KILL);
                live.phase = Phase::Killed;
            }
            Phase::Killed => (),
            Phase::Clearing { .. } => self.sweep_needed = true,
        }
    }

    /// A timeout is over, or it is to be seen whether the process was idle for too long.
    fn on_running_due(&mut self, id: u64) {
        let now = clock::monotonic_ms();
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let (idle_ms, folder) = (attempt.spawn.idle_ms, self.folders.attempt(&attempt.spawn.name));
        let Some(live) = attempt.live() else { return };
        if live.deadline.is_some_and(|it| it <= now) {
            return self.stop(id, Cause::TimedOut);
        }
        if live.heard.saturating_add(idle_ms) <= now {
            let silent = silent_ms(&folder).unwrap_or(u64::MAX);
            live.heard = live.heard.max(now.saturating_sub(silent));
        }
        let (deadline, heard) = (live.deadline, live.heard);
        match heard.saturating_add(idle_ms) <= now {
            true => self.stop(id, Cause::Idle),
            false => self.set_due(id, first_due(deadline, idle_ms, heard)),
        }
    }

    /// Reaps orphans, kills those that dead attempts left behind, and ends the attempts that have none.
    pub(crate) fn sweep(&mut self, poller: &Poller, buffer: &mut [u8]) {
        self.sweep_needed = false;
        let mut busy = self.sweep_children();
        let clearing = self.by_pid.values().filter_map(|id| match &self.attempts[id].state {
            State::Live(live) if matches!(live.phase, Phase::Clearing { .. }) => {
                Some((*id, live.kin))
            }
            _ => None,
        });
        for (id, kin) in clearing.collect::<Vec<_>>() {
            if kin == Kin::Adopted && self.sweep_session(id) {
                busy.insert(id);
            }
            self.try_finish(poller, id, busy.contains(&id), buffer);
        }
    }

    /// Result: attempts that still have a process besides their own.
    fn sweep_children(&mut self) -> BTreeSet<u64> {
        let mut busy = BTreeSet::new();
        for pid in proc::children().unwrap_or_default() {
            if self.by_pid.contains_key(&pid) {
                continue;
            }
            let Some(stat) = proc::stat(pid) else { continue };
            let owner = self.owner(pid, stat.session);
            let number = Pid::from_raw(pid);
            if stat.ended() {
                // One that ended by itself was not left behind.
                let killed = stat.exit_code & 0x7f == Signal::KILL.as_raw();
                if let Some(owner) = owner.filter(|_| killed) {
                    self.count_left(owner, pid);
                }
                let _ = waitpid(number, WaitOptions::NOHANG);
            } else if let (Some(owner), Some(number)) = (owner, number) {
                self.count_left(owner, pid);
                let _ = kill_process(number, Signal::KILL);
                busy.insert(owner);
            }
        }
        busy
    }

    /// The attempt being cleared that an orphan belongs to: by its session, or else by its environment.
    fn owner(&self, pid: i32, session: i32) -> Option<u64> {
        let clearing = |id: &u64| match &self.attempts[id].state {
            State::Live(live) => matches!(live.phase, Phase::Clearing { .. }),
            State::Ended(_) => false,
        };
        if let Some(id) = self.by_pid.get(&session) {
            return Some(*id).filter(clearing);
        }
        let has_outputs = |id: &u64| {
            let outputs = self.folders.outputs(&self.attempts[id].spawn.name);
            proc::has_variable(pid, format!("RUNYARD_OUTPUTS={}", outputs.display()).as_bytes())
        };
        self.by_pid.values().copied().filter(clearing).find(has_outputs)
    }

    fn count_left(&mut self, id: u64, pid: i32) {
        let live = self.attempts.get_mut(&id).and_then(Attempt::live);
        if let Some(Live { phase: Phase::Clearing { left, .. }, .. }) = live {
            left.insert(pid);
        }
    }

    /// Kills what is left of the session of a process that is no child. Result: whether there was any.
    fn sweep_session(&mut self, id: u64) -> bool {
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return false };
        let members = kill_session(live.pid, live.start_ticks);
        for pid in &members {
            self.count_left(id, *pid);
        }
        !members.is_empty()
    }

    fn try_finish(&mut self, poller: &Poller, id: u64, busy: bool, buffer: &mut [u8]) {
        let now = clock::monotonic_ms();
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return };
        let Phase::Clearing { until, .. } = live.phase else { return };
        drain(poller, live, buffer);
        let waits_for_pipe = live.pipe.is_some() && now < until;
        if !busy && !waits_for_pipe {
            return self.finish(id);
        }
        let again = if live.kin == Kin::Adopted && busy { now + RESCAN_MS } else { until };
        // Past that instant only the end of a process helps, which SIGCHLD tells.
        self.set_due(id, Some(again).filter(|it| *it > now));
    }

    fn finish(&mut self, id: u64) {
        self.unwatch(id);
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let State::Live(live) = &mut attempt.state else { return };
        let (log_bytes, dropped_bytes) = live.log.finish();
        let Phase::Clearing { verdict, left, .. } = &live.phase else { return };
        match verdict.clone() {
            Verdict::Lost { evidence } => self.lose(id, evidence),
            Verdict::Dead { dead, .. } => {
                let exited = Exited {
                    wait_status: dead.wait_status,
                    cause: live.stop.unwrap_or(Cause::Own),
                    max_rss_kib: dead.max_rss_kib,
                    cpu_us: dead.cpu_us,
                    log_bytes,
                    dropped_bytes,
                    left_behind: u32::try_from(left.len()).unwrap_or(u32::MAX),
                    started_ms: live.started_ms,
                    ended_ms: clock::wall_ms(),
                };
                let verdict = verdict.clone();
                let usage = [exited.cpu_us, dropped_bytes, exited.started_ms, exited.ended_ms];
                let generation = self.journal.identity().generation;
                self.record(id, Record::of_numbers(Kind::Usage, id, usage, generation));
                self.record_exit(id, &verdict, Settled::Yes);
                self.end(id, exited);
            }
        }
        self.news.extend(self.attempts.get(&id).map(Attempt::news));
    }

    /// Records the exit status of a live attempt; a verdict without one leaves nothing to record.
    fn record_exit(&mut self, id: u64, verdict: &Verdict, settled: Settled) {
        let stamped = self.stamp(Kind::Exit, id);
        let Some(live) = self.attempts.get_mut(&id).and_then(Attempt::live) else { return };
        let Verdict::Dead { dead, source } = verdict else { return };
        let left_behind = match &live.phase {
            Phase::Clearing { left, .. } => u32::try_from(left.len()).unwrap_or(u32::MAX),
            _ => 0,
        };
        let cause = live.stop.unwrap_or(Cause::Own);
        let record = Record {
            source: *source,
            flags: ExitFlags { cause, left_behind, settled }.encode(),
            pid: live.pid,
            start_ticks: live.start_ticks,
            extra: live.log.kept(),
            wait_status: dead.wait_status,
            max_rss_kib: u32::try_from(dead.max_rss_kib).unwrap_or(u32::MAX),
            ..stamped
        };
        self.record(id, record);
    }

    fn end(&mut self, id: u64, exited: Exited) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let ended = State::Ended(End::Exited(exited));
        if let State::Live(live) = std::mem::replace(&mut attempt.state, ended)
            && live.kin == Kin::Child
        {
            let _ = waitpid(Pid::from_raw(live.pid), WaitOptions::NOHANG);
        }
    }

    /// One connected daemon may have missed what others were told: all that is known.
    pub(crate) fn snapshot(&self) -> Vec<Frame> {
        let known = |(id, it): (&u64, &Attempt)| Frame::Known { attempt: *id, state: it.known() };
        self.attempts.iter().map(known).chain([Frame::SnapshotEnd]).collect()
    }
}

/// Kills the processes of a session whose leader has ended, if it is still the same session.
/// Result: those that were killed.
pub(crate) fn kill_session(leader: i32, start_ticks: u64) -> Vec<i32> {
    // While a session has members its number is given to no new process; with another leader it is over.
    if proc::stat(leader).is_some_and(|it| it.start_ticks != start_ticks) {
        return Vec::new();
    }
    let members = proc::session_members(leader);
    for pid in members.iter().filter_map(|it| Pid::from_raw(*it)) {
        let _ = kill_process(pid, Signal::KILL);
    }
    members
}

/// For how long no file in a folder has changed; `None` where there is none.
fn silent_ms(folder: &Path) -> Option<u64> {
    let files = fs::read_dir(folder).ok()?;
    let changed = files.filter_map(|it| it.ok()?.metadata().ok()?.modified().ok());
    let ago = changed.filter_map(|it| it.elapsed().ok().or(Some(Duration::ZERO)));
    ago.min().map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
}

/// `None` while the process lives.
fn verdict(live: &Live) -> Option<Verdict> {
    if live.kin == Kin::Child {
        return match sys::peek(live.pid) {
            Ok(dead) => dead.map(|dead| Verdict::Dead { dead, source: source::RUNNER }),
            Err(error) => Some(Verdict::Lost {
                evidence: format!("process {} could not be waited for: {error}", live.pid),
            }),
        };
    }
    let dead_of_stat = || {
        let stat = proc::stat(live.pid).filter(|it| it.start_ticks == live.start_ticks)?;
        Some(stat.exit_code)
    };
    let wait_status = sys::exit_status(live.pidfd.as_fd()).or_else(dead_of_stat);
    let dead = |wait_status| Dead { wait_status, max_rss_kib: 0, cpu_us: 0 };
    Some(match wait_status {
        Some(status) => Verdict::Dead { dead: dead(status), source: source::PIDFD },
        None => Verdict::Lost {
            evidence: format!(
                "process {} outlived the runner that started it, and this kernel does not tell a later \
                 one how it ended",
                live.pid
            ),
        },
    })
}

/// Takes what the pipe holds, up to a turn's worth; lets go of it at its end.
fn drain(poller: &Poller, live: &mut Live, buffer: &mut [u8]) {
    let Some(pipe) = &live.pipe else { return };
    let mut taken = 0;
    while taken < TURN {
        match rustix::io::read(pipe, &mut *buffer).map_err(io::Error::from) {
            Ok(0) => break,
            Ok(length) => {
                live.heard = clock::monotonic_ms();
                live.log.push(&buffer[..length]);
                taken += length;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => break,
        }
    }
    if taken < TURN {
        poller.remove(pipe);
        live.pipe = None;
    }
}
