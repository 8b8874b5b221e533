//! Frames between the daemon and the runner, over a Unix stream socket.
//!
//! A frame is `u32 length | u8 type | body`; the length, little-endian, counts type and body.
//! The daemon speaks first, with [`Frame::Hello`]. The runner answers [`Frame::Welcome`], one
//! [`Frame::Known`] for each attempt that is not released, and [`Frame::SnapshotEnd`]; or says why
//! not and closes. From then on each side sends as it has something to say.
//! What an attempt came to is said again on each connection until [`Frame::Release`].

use crate::wire::{Reader, Writer};
use std::fmt;

/// The oldest and newest version of this protocol that this build speaks.
pub const PROTO: std::ops::RangeInclusive<u16> = 1..=2;

/// The version from which on a runner knows [`Spawn::idle_ms`] and [`Cause::Idle`].
pub const PROTO_IDLE: u16 = 2;

/// Longest frame, type and body, in bytes. A sender must not exceed it: the receiver hangs up.
pub const MAX_FRAME: usize = 1 << 20;

/// Everything the two sides can say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// D→R. First frame. `epoch` rises with each start of the daemon; `store` is its store's id.
    Hello { proto_min: u16, proto_max: u16, epoch: u64, store: u64 },
    /// D→R. Start an attempt. Idempotent by `attempt`.
    Spawn(Spawn),
    /// D→R. Stop an attempt: SIGTERM, after its grace SIGKILL. Idempotent.
    Kill { attempt: u64 },
    /// D→R. The ends of these attempts are safe with the daemon; forget them.
    Release { attempts: Vec<u64> },
    /// D→R. Delete the folder of a run and those of the named attempts. Logs stay.
    DropRun { run: String, names: Vec<String> },
    /// D→R. The daemon stops in good order; a runner with nothing left to tell ends too.
    Bye,
    /// R→D. Answer to hello. `lineage` is drawn when the pool's folder is made: another one means the
    /// journal of before is gone. `generation` counts the starts of the runner, from 1.
    Welcome { proto: u16, lineage: u64, boot_id: String, pool: String, generation: u32 },
    /// R→D. A daemon with this higher epoch has been here.
    Stale { epoch: u64 },
    /// R→D. The pool belongs to the daemon of this other store.
    Foreign { store: u64 },
    /// R→D. No version in common; these are the runner's.
    Unsupported { min: u16, max: u16 },
    /// R→D. Part of the snapshot.
    Known { attempt: u64, state: KnownState },
    /// R→D. The snapshot is complete.
    SnapshotEnd,
    /// R→D. The attempt is the runner's: its end will be told.
    Accepted { attempt: u64 },
    /// R→D. The attempt was not started and is not remembered. `capacity`: worth trying again later.
    Refused { attempt: u64, reason: String, capacity: bool },
    /// R→D. The program runs. `at_ms`: Unix time, milliseconds.
    Started { attempt: u64, pid: i32, at_ms: u64 },
    /// R→D. The attempt's process and what it left behind are gone.
    Ended { attempt: u64, end: End },
}

/// How to start an attempt.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Spawn {
    pub attempt: u64,
    /// The attempt's id as text, used for file names: 1 to 40 of `[a-z0-9-]`.
    pub name: String,
    /// The run's id as text: the same rule.
    pub run: String,
    /// At least the program. Without a `/` it is looked for on the `PATH` of `env`.
    pub argv: Vec<Vec<u8>>,
    /// The whole environment, but for the two variables the runner adds.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    pub working_dir: Vec<u8>,
    /// From the start to the first signal; 0: none.
    pub timeout_ms: u64,
    /// From the last sign of life to the first signal; 0: none. Other values need [`PROTO_IDLE`].
    pub idle_ms: u64,
    /// From SIGTERM to SIGKILL.
    pub grace_ms: u64,
    /// Bytes of the log written as they come.
    pub log_head: u64,
    /// Bytes kept from the end of the rest.
    pub log_tail: u64,
}

impl fmt::Debug for Spawn {
    /// Arguments and environment may hold what must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawn")
            .field("attempt", &self.attempt)
            .field("name", &self.name)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// What the runner knows of an attempt when a daemon connects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KnownState {
    Running { pid: i32, at_ms: u64 },
    Ended(End),
}

/// What an attempt came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    Exited(Exited),
    /// The program could not be run.
    ExecFailed {
        errno: i32,
        text: String,
    },
    /// It was accepted, and certainly never ran.
    Never,
    /// It ran; how it ended cannot be known. `evidence` says what is known.
    Lost {
        evidence: String,
    },
}

/// The end of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exited {
    /// As `wait` gives it: `code << 8`, or the signal, plus 0x80 with a core dump.
    pub wait_status: i32,
    pub cause: Cause,
    pub max_rss_kib: u64,
    /// User and system time, of the process and the children it waited for.
    pub cpu_us: u64,
    /// Bytes of output kept in the log, without the runner's own marker.
    pub log_bytes: u64,
    /// Bytes of output not kept.
    pub dropped_bytes: u64,
    /// Processes killed after the attempt's own had ended.
    pub left_behind: u32,
    /// Unix time, milliseconds.
    pub started_ms: u64,
    /// Unix time, milliseconds.
    pub ended_ms: u64,
}

/// Why a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cause {
    /// By itself, or by a signal that is not the runner's.
    Own = 0,
    /// Asked for by a [`Frame::Kill`], whatever the exit code.
    Killed = 1,
    /// Its timeout, whatever the exit code.
    TimedOut = 2,
    /// It gave no sign of life for too long, whatever the exit code.
    Idle = 3,
}

impl Cause {
    /// The cause with this number.
    pub fn from_u8(number: u8) -> Option<Self> {
        [Self::Own, Self::Killed, Self::TimedOut, Self::Idle]
            .into_iter()
            .find(|it| *it as u8 == number)
    }
}

impl Frame {
    /// The same for a daemon that speaks this version.
    pub fn for_version(self, proto: u16) -> Self {
        match self {
            Self::Ended { attempt, end } if proto < PROTO_IDLE => {
                Self::Ended { attempt, end: end.before_idle() }
            }
            Self::Known { attempt, state: KnownState::Ended(end) } if proto < PROTO_IDLE => {
                Self::Known { attempt, state: KnownState::Ended(end.before_idle()) }
            }
            frame => frame,
        }
    }
}

impl End {
    fn before_idle(self) -> Self {
        match self {
            Self::Exited(it) if it.cause == Cause::Idle => {
                Self::Exited(Exited { cause: Cause::TimedOut, ..it })
            }
            end => end,
        }
    }
}

/// Why bytes are not a frame. The connection they came from is beyond repair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// The length is zero or above [`MAX_FRAME`].
    Length(u32),
    /// The body ends within a field.
    Short,
    /// The body goes on after its last field.
    Long,
    /// A text is not UTF-8.
    Text,
    /// A type or variant that this version does not know.
    Unknown(u8),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => {
                write!(f, "frame of {length} bytes is outside 1 to {MAX_FRAME}")
            }
            Self::Short => f.write_str("frame ends within a field"),
            Self::Long => f.write_str("frame has bytes after its last field"),
            Self::Text => f.write_str("text in a frame is not UTF-8"),
            Self::Unknown(number) => write!(f, "frame has unknown type or variant {number}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The bytes of `frame`, its length first.
pub fn encode(frame: &Frame) -> Vec<u8> {
    let mut out = Writer(vec![0; 4]);
    write(&mut out, frame);
    let length = u32::try_from(out.0.len() - 4).unwrap_or(u32::MAX);
    out.0[..4].copy_from_slice(&length.to_le_bytes());
    out.0
}

/// Takes bytes as they arrive and gives the frames in them.
#[derive(Default, Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    taken: usize,
}

impl Decoder {
    /// Adds bytes from the connection.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one. After an error the connection is to be closed.
    pub fn pop(&mut self) -> Result<Option<Frame>, FrameError> {
        let waiting = &self.buffer[self.taken..];
        let Some((length, rest)) = waiting.split_first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes(*length);
        if length == 0 || length as usize > MAX_FRAME {
            return Err(FrameError::Length(length));
        }
        let Some(body) = rest.get(..length as usize) else { return Ok(None) };
        let frame = read(body)?;
        self.taken += 4 + length as usize;
        Ok(Some(frame))
    }
}

fn write(out: &mut Writer, frame: &Frame) {
    match frame {
        Frame::Hello { proto_min, proto_max, epoch, store } => {
            out.u8(1);
            out.u16(*proto_min);
            out.u16(*proto_max);
            out.u64(*epoch);
            out.u64(*store);
        }
        Frame::Spawn(spawn) => {
            // What says no more than the first version knew is written as that wrote it.
            out.u8(if spawn.idle_ms == 0 { 2 } else { 7 });
            write_spawn(out, spawn);
        }
        Frame::Kill { attempt } => {
            out.u8(3);
            out.u64(*attempt);
        }
        Frame::Release { attempts } => {
            out.u8(4);
            out.list(attempts, |out, it| out.u64(*it));
        }
        Frame::DropRun { run, names } => {
            out.u8(5);
            out.bytes(run.as_bytes());
            out.list(names, |out, it| out.bytes(it.as_bytes()));
        }
        Frame::Bye => out.u8(6),
        Frame::Welcome { proto, lineage, boot_id, pool, generation } => {
            out.u8(64);
            out.u16(*proto);
            out.u64(*lineage);
            out.bytes(boot_id.as_bytes());
            out.bytes(pool.as_bytes());
            out.u32(*generation);
        }
        Frame::Stale { epoch } => {
            out.u8(65);
            out.u64(*epoch);
        }
        Frame::Foreign { store } => {
            out.u8(66);
            out.u64(*store);
        }
        Frame::Unsupported { min, max } => {
            out.u8(67);
            out.u16(*min);
            out.u16(*max);
        }
        Frame::Known { attempt, state } => {
            out.u8(68);
            out.u64(*attempt);
            write_known(out, state);
        }
        Frame::SnapshotEnd => out.u8(69),
        Frame::Accepted { attempt } => {
            out.u8(70);
            out.u64(*attempt);
        }
        Frame::Refused { attempt, reason, capacity } => {
            out.u8(71);
            out.u64(*attempt);
            out.bytes(reason.as_bytes());
            out.u8(u8::from(*capacity));
        }
        Frame::Started { attempt, pid, at_ms } => {
            out.u8(72);
            out.u64(*attempt);
            out.i32(*pid);
            out.u64(*at_ms);
        }
        Frame::Ended { attempt, end } => {
            out.u8(73);
            out.u64(*attempt);
            write_end(out, end);
        }
    }
}

fn read(body: &[u8]) -> Result<Frame, FrameError> {
    let mut it = Reader(body);
    let frame = match it.u8()? {
        1 => Frame::Hello {
            proto_min: it.u16()?,
            proto_max: it.u16()?,
            epoch: it.u64()?,
            store: it.u64()?,
        },
        2 => Frame::Spawn(read_spawn(&mut it)?),
        7 => {
            let spawn = read_spawn(&mut it)?;
            Frame::Spawn(Spawn { idle_ms: it.u64()?, ..spawn })
        }
        3 => Frame::Kill { attempt: it.u64()? },
        4 => Frame::Release { attempts: it.list(Reader::u64)? },
        5 => Frame::DropRun { run: it.text()?, names: it.list(Reader::text)? },
        6 => Frame::Bye,
        64 => Frame::Welcome {
            proto: it.u16()?,
            lineage: it.u64()?,
            boot_id: it.text()?,
            pool: it.text()?,
            generation: it.u32()?,
        },
        65 => Frame::Stale { epoch: it.u64()? },
        66 => Frame::Foreign { store: it.u64()? },
        67 => Frame::Unsupported { min: it.u16()?, max: it.u16()? },
        68 => Frame::Known { attempt: it.u64()?, state: read_known(&mut it)? },
        69 => Frame::SnapshotEnd,
        70 => Frame::Accepted { attempt: it.u64()? },
        71 => Frame::Refused {
            attempt: it.u64()?,
            reason: it.text()?,
            capacity: match it.u8()? {
                0 => false,
                1 => true,
                other => return Err(FrameError::Unknown(other)),
            },
        },
        72 => Frame::Started { attempt: it.u64()?, pid: it.i32()?, at_ms: it.u64()? },
        73 => Frame::Ended { attempt: it.u64()?, end: read_end(&mut it)? },
        other => return Err(FrameError::Unknown(other)),
    };
    it.end()?;
    Ok(frame)
}

fn write_spawn(out: &mut Writer, spawn: &Spawn) {
    out.u64(spawn.attempt);
    out.bytes(spawn.name.as_bytes());
    out.bytes(spawn.run.as_bytes());
    out.list(&spawn.argv, |out, it| out.bytes(it));
    out.list(&spawn.env, |out, (name, value)| {
        out.bytes(name);
        out.bytes(value);
    });
    out.bytes(&spawn.working_dir);
    out.u64(spawn.timeout_ms);
    out.u64(spawn.grace_ms);
    out.u64(spawn.log_head);
    out.u64(spawn.log_tail);
    if spawn.idle_ms > 0 {
        out.u64(spawn.idle_ms);
    }
}

fn read_spawn(it: &mut Reader<'_>) -> Result<Spawn, FrameError> {
    Ok(Spawn {
        attempt: it.u64()?,
        name: it.text()?,
        run: it.text()?,
        argv: it.list(Reader::bytes)?,
        env: it.list(|it| Ok((it.bytes()?, it.bytes()?)))?,
        working_dir: it.bytes()?,
        timeout_ms: it.u64()?,
        grace_ms: it.u64()?,
        log_head: it.u64()?,
        log_tail: it.u64()?,
        idle_ms: 0,
    })
}

fn write_known(out: &mut Writer, state: &KnownState) {
    match state {
        KnownState::Running { pid, at_ms } => {
            out.u8(0);
            out.i32(*pid);
            out.u64(*at_ms);
        }
        KnownState::Ended(end) => {
            out.u8(1);
            write_end(out, end);
        }
    }
}

fn read_known(it: &mut Reader<'_>) -> Result<KnownState, FrameError> {
    match it.u8()? {
        0 => Ok(KnownState::Running { pid: it.i32()?, at_ms: it.u64()? }),
        1 => read_end(it).map(KnownState::Ended),
        other => Err(FrameError::Unknown(other)),
    }
}

fn write_end(out: &mut Writer, end: &End) {
    match end {
        End::Exited(exited) => {
            out.u8(0);
            out.i32(exited.wait_status);
            out.u8(exited.cause as u8);
            out.u64(exited.max_rss_kib);
            out.u64(exited.cpu_us);
            out.u64(exited.log_bytes);
            out.u64(exited.dropped_bytes);
            out.u32(exited.left_behind);
            out.u64(exited.started_ms);
            out.u64(exited.ended_ms);
        }
        End::ExecFailed { errno, text } => {
            out.u8(1);
            out.i32(*errno);
            out.bytes(text.as_bytes());
        }
        End::Never => out.u8(2),
        End::Lost { evidence } => {
            out.u8(3);
            out.bytes(evidence.as_bytes());
        }
    }
}

fn read_end(it: &mut Reader<'_>) -> Result<End, FrameError> {
    match it.u8()? {
        0 => Ok(End::Exited(Exited {
            wait_status: it.i32()?,
            cause: it.u8().and_then(|it| Cause::from_u8(it).ok_or(FrameError::Unknown(it)))?,
            max_rss_kib: it.u64()?,
            cpu_us: it.u64()?,
            log_bytes: it.u64()?,
            dropped_bytes: it.u64()?,
            left_behind: it.u32()?,
            started_ms: it.u64()?,
            ended_ms: it.u64()?,
        })),
        1 => Ok(End::ExecFailed { errno: it.i32()?, text: it.text()? }),
        2 => Ok(End::Never),
        3 => Ok(End::Lost { evidence: it.text()? }),
        other => Err(FrameError::Unknown(other)),
    }
}
