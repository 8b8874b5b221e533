//! One attempt: what was asked for, what is recorded, and how it stands.

use crate::log::CappedLog;
use crate::sys::Dead;
use runner::protocol::{Cause, End, Exited, Frame, KnownState, Spawn};
use runner::record::{Kind, Record, Stage};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

/// Set in the flags of an exit record once it is [`Settled::Yes`].
const FINAL: u16 = 1 << 15;

/// An attempt that is not released.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Without arguments and environment.
    pub(crate) spawn: Spawn,
    /// What a new segment must repeat.
    pub(crate) records: Vec<Record>,
    pub(crate) state: State,
}

#[derive(Debug)]
pub(crate) enum State {
    Live(Box<Live>),
    Ended(End),
}

/// A process that is looked after.
#[derive(Debug)]
pub(crate) struct Live {
    /// The number of its descriptors in the event loop.
    pub(crate) serial: u64,
    pub(crate) pid: i32,
    pub(crate) start_ticks: u64,
    /// Unix time, milliseconds.
    pub(crate) started_ms: u64,
    pub(crate) kin: Kin,
    pub(crate) pidfd: OwnedFd,
    /// `None` at its end, or if it could not be opened again.
    pub(crate) pipe: Option<OwnedFd>,
    pub(crate) log: CappedLog,
    /// When its timeout is over, on the monotonic clock.
    pub(crate) deadline: Option<u64>,
    /// When it last gave a sign of life, on the monotonic clock.
    pub(crate) heard: u64,
    /// Why the runner has signalled it, if it has.
    pub(crate) stop: Option<Cause>,
    pub(crate) phase: Phase,
    /// When something is to be done about it, on the monotonic clock.
    pub(crate) due: Option<u64>,
}

/// How the process is related to this runner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kin {
    Child,
    /// Started by a runner before this one.
    Adopted,
}

#[derive(Debug)]
pub(crate) enum Phase {
    Running,
    /// SIGTERM is sent; SIGKILL follows when it is due.
    Stopping,
    Killed,
    /// Its own process has ended; what is left of its session is being killed, its pipe emptied.
    Clearing {
        verdict: Verdict,
        until: u64,
        left: BTreeSet<i32>,
    },
}

/// What became of the attempt's own process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Dead { dead: Dead, source: u8 },
    Lost { evidence: String },
}

impl Attempt {
    /// The frame that tells a connected daemon how the attempt stands.
    pub(crate) fn news(&self) -> Frame {
        let attempt = self.spawn.attempt;
        match &self.state {
            State::Live(live) => Frame::Started { attempt, pid: live.pid, at_ms: live.started_ms },
            State::Ended(end) => Frame::Ended { attempt, end: end.clone() },
        }
    }

    /// How the attempt stands, for a snapshot.
    pub(crate) fn known(&self) -> KnownState {
        match &self.state {
            State::Live(live) => KnownState::Running { pid: live.pid, at_ms: live.started_ms },
            State::Ended(end) => KnownState::Ended(end.clone()),
        }
    }

    /// The process, while there is one.
    pub(crate) fn live(&mut self) -> Option<&mut Live> {
        match &mut self.state {
            State::Live(live) => Some(live),
            State::Ended(_) => None,
        }
    }

    /// Whether a process is looked after.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// Replaces the record of this kind, or adds it.
    pub(crate) fn keep(&mut self, record: Record) {
        self.records.retain(|it| it.kind != record.kind);
        self.records.push(record);
    }
}

/// What is recorded about an attempt before it is started: name, run, limits.
pub(crate) fn describe(spawn: &Spawn, generation: u32) -> Option<[Record; 3]> {
    let id = spawn.attempt;
    let Spawn { timeout_ms, grace_ms, log_head, log_tail, idle_ms, .. } = *spawn;
    let limits = [timeout_ms, grace_ms, log_head, log_tail, idle_ms];
    Some([
        Record::of_text(Kind::Name, id, &spawn.name, generation)?,
        Record::of_text(Kind::Run, id, &spawn.run, generation)?,
        Record::of_numbers(Kind::Limits, id, limits, generation),
    ])
}

/// The opposite of [`describe`]; what is not recorded is empty.
pub(crate) fn described(attempt: u64, records: &[Record]) -> Spawn {
    let find = |kind| records.iter().rev().find(|it| it.kind == kind);
    let text = |kind| find(kind).and_then(Record::text).unwrap_or_default();
    let [timeout_ms, grace_ms, log_head, log_tail, idle_ms] =
        find(Kind::Limits).map(Record::numbers).unwrap_or_default();
    let (name, run) = (text(Kind::Name), text(Kind::Run));
    Spawn {
        attempt,
        name,
        run,
        timeout_ms,
        idle_ms,
        grace_ms,
        log_head,
        log_tail,
        ..Spawn::default()
    }
}

/// Whether log and leftovers of an ended attempt are accounted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Settled {
    No,
    Yes,
}

/// What of an end fits the flags of its record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ExitFlags {
    pub(crate) cause: Cause,
    /// At most 8191.
    pub(crate) left_behind: u32,
    pub(crate) settled: Settled,
}

impl ExitFlags {
    pub(crate) fn encode(self) -> u16 {
        let left = u16::try_from(self.left_behind.min(0x1fff)).unwrap_or(0x1fff);
        self.cause as u16 | left << 2 | if self.settled == Settled::Yes { FINAL } else { 0 }
    }

    pub(crate) fn decode(flags: u16) -> Self {
        let cause = Cause::from_u8((flags & 3) as u8).unwrap_or(Cause::Own);
        let left_behind = u32::from((flags & !FINAL) >> 2);
        let settled = if flags & FINAL == 0 { Settled::No } else { Settled::Yes };
        Self { cause, left_behind, settled }
    }
}

/// The end that an exit record alone stands for; what is in the usage record is zero.
pub(crate) fn exited(record: &Record) -> Exited {
    let flags = ExitFlags::decode(record.flags);
    Exited {
        wait_status: record.wait_status,
        cause: flags.cause,
        max_rss_kib: record.max_rss_kib.into(),
        cpu_us: 0,
        log_bytes: record.extra,
        dropped_bytes: 0,
        left_behind: flags.left_behind,
        started_ms: 0,
        ended_ms: 0,
    }
}

/// The end that a record of [`Kind::ExecFail`] stands for.
pub(crate) fn exec_failed(record: &Record) -> End {
    let errno = record.wait_status;
    let what = if record.flags == Stage::WorkingDir as u16 {
        "cannot enter the working directory"
    } else {
        "cannot run the program"
    };
    let text = format!("{what}: {}", io::Error::from_raw_os_error(errno));
    End::ExecFailed { errno, text }
}

/// A record of `kind` about `attempt`, stamped by this start of the runner.
pub(crate) fn stamp(kind: Kind, attempt: u64, generation: u32) -> Record {
    let boottime_ms = crate::clock::boot_ms();
    Record { boottime_ms, generation, ..Record::new(kind, attempt) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_an_exit_read_back() {
        for cause in [Cause::Own, Cause::Killed, Cause::TimedOut, Cause::Idle] {
            for settled in [Settled::No, Settled::Yes] {
                let flags = ExitFlags { cause, left_behind: 8191, settled };
                assert_eq!(ExitFlags::decode(flags.encode()), flags);
            }
        }
        let many = ExitFlags { cause: Cause::Own, left_behind: 1 << 20, settled: Settled::No };
        assert_eq!(ExitFlags::decode(many.encode()).left_behind, 8191);
    }
}
