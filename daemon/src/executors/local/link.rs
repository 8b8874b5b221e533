//! The reading half of the connection to a runner: what it says becomes inputs.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use engine::Input;
use engine::input::{AttemptEnd, CheckResult, How, Known};
use runner::protocol::{Cause, Decoder, End, Exited, Frame, KnownState, PROTO, encode};
use shared::id::{AttemptId, PoolName};
use shared::outputs;
use shared::state::Usage;
use shared::time::Timestamp;

use super::{Connected, Connection, Identity, attempt_dir, spawn};
use crate::driver::Inbox;

/// The waits between tries to connect: soon at first, since a runner that was just started is there in milliseconds.
const RETRY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(2));
/// A runner that does not take what is sent for so long is as good as gone; it keeps what it knows.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How many frames may wait to be written.
const FRAMES_MAX: usize = 16_384;
/// How long a runner may take to answer a greeting.
const GREETING_TIMEOUT: Duration = Duration::from_secs(5);
/// How many programs of a check are looked at; whatever else lies there, a task has made.
const CHECKS_MAX: u32 = 1_000;
/// The most that is read of what one program of a check has printed.
const CHECK_BYTES_MAX: u64 = 64 << 10;

/// One pool's connection.
pub(super) struct Link {
    pub(super) name: PoolName,
    pub(super) dir: PathBuf,
    pub(super) identity: Identity,
    pub(super) connection: Connection,
    pub(super) inbox: Inbox,
}

/// Why a connection came to nothing.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("the connection to the runner broke")]
    Io(#[from] std::io::Error),
    #[error("the runner said something that makes no sense: {0}")]
    Frame(#[from] runner::protocol::FrameError),
    #[error(
        "the runner has served a later life of this state (epoch {0}): is the state folder an old copy?"
    )]
    Stale(u64),
    #[error("the runner belongs to the daemon of another store")]
    Foreign,
    #[error("the runner speaks protocols {0} to {1}: it is of another version")]
    Version(u16, u16),
    #[error("the runner has hung up")]
    Closed,
    #[error("the runner greets with something else")]
    Confused,
}

impl Link {
    /// Connects, starts the runner where there is none, reads until the connection breaks, and begins again.
    pub(super) fn run(self) {
        let mut wait = RETRY.0;
        let mut told = String::new();
        loop {
            match self.connect_and_read() {
                Ok(()) => wait = RETRY.0,
                Err(problem) => {
                    let text = crate::driver::with_sources(&problem);
                    if text != told {
                        tracing::warn!(pool = %self.name, "{text}");
                        told = text;
                    }
                }
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(RETRY.1);
        }
    }

    /// Reads until the connection breaks. An error: it never came to be.
    fn connect_and_read(&self) -> Result<(), LinkError> {
        let socket = super::socket_path(&self.dir);
        let mut stream = match UnixStream::connect(&socket) {
            Ok(stream) => stream,
            Err(_) => spawn::runner(&self.name, &self.dir, &socket)?,
        };
        let mut frames = Frames { decoder: Decoder::default(), buffer: vec![0; 64 << 10] };
        self.greet(&mut stream, &mut frames)?;
        loop {
            match frames.next(&mut stream) {
                Ok(frame) => self.take(frame),
                Err(problem) => {
                    tracing::warn!(pool = %self.name, "{}", crate::driver::with_sources(&problem));
                    *self.connection.lock().expect("no holder panics") = Connected::default();
                    self.inbox.input(Input::PoolLost { pool: self.name.clone() });
                    return Ok(());
                }
            }
        }
    }

    /// Says who we are, and takes in all that the runner knows.
    fn greet(&self, stream: &mut UnixStream, frames: &mut Frames) -> Result<(), LinkError> {
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        stream.set_read_timeout(Some(GREETING_TIMEOUT))?;
        let Identity { store, epoch } = self.identity;
        let (proto_min, proto_max) = (*PROTO.start(), *PROTO.end());
        stream.write_all(&encode(&Frame::Hello { proto_min, proto_max, epoch, store }))?;
        let (lineage, proto) = match frames.next(stream)? {
            Frame::Welcome { lineage, proto, .. } => (lineage, proto),
            Frame::Stale { epoch } => return Err(LinkError::Stale(epoch)),
            Frame::Foreign { .. } => return Err(LinkError::Foreign),
            Frame::Unsupported { min, max } => return Err(LinkError::Version(min, max)),
            _ => return Err(LinkError::Confused),
        };
        let (mut known, mut ends) = (Vec::new(), Vec::new());
        loop {
            match frames.next(stream)? {
                Frame::Known { attempt, state: KnownState::Running { pid, at_ms } } => {
                    let (pid, at) = (u32::try_from(pid).unwrap_or(0), from_millis(at_ms));
                    known.push((AttemptId(attempt), Known::Running { pid, at }));
                }
                Frame::Known { attempt, state: KnownState::Ended(end) } => {
                    known.push((AttemptId(attempt), Known::Ended));
                    ends.push((AttemptId(attempt), end));
                }
                Frame::SnapshotEnd => break,
                _ => return Err(LinkError::Confused),
            }
        }
        stream.set_read_timeout(None)?;
        let frames = self.start_writer(stream.try_clone()?);
        self.connection.lock().expect("no holder of the connection panics").stream =
            Some(stream.try_clone()?);
        let (pool, connection) = (self.name.clone(), self.connection.clone());
        let input = Input::PoolConnected { pool: pool.clone(), lineage, known };
        let install = move || {
            let mut connection = connection.lock().expect("no holder of the connection panics");
            (connection.frames, connection.proto) = (Some(frames), proto);
        };
        self.inbox.connected(pool, input, Box::new(install));
        ends.into_iter().for_each(|(attempt, end)| self.ended(attempt, end));
        Ok(())
    }

    /// Writes what is put in, until the other end is dropped or the runner takes no more.
    fn start_writer(&self, mut stream: UnixStream) -> SyncSender<Vec<u8>> {
        let (frames, waiting) = sync_channel::<Vec<u8>>(FRAMES_MAX);
        std::thread::Builder::new()
            .name(format!("to-{}", self.name))
            .spawn(move || {
                let mut written = waiting.iter().map(|bytes| stream.write_all(&bytes));
                if written.any(|it| it.is_err()) {
                    stream.shutdown(std::net::Shutdown::Both).ok();
                }
            })
            .expect("a thread can be started for each connection");
        frames
    }

    fn take(&self, frame: Frame) {
        match frame {
            Frame::Started { attempt, pid, at_ms } => {
                let (attempt, at) = (AttemptId(attempt), from_millis(at_ms));
                let pid = u32::try_from(pid).unwrap_or(0);
                let pool = self.name.clone();
                self.inbox.input(Input::AttemptStarted { pool, attempt, pid, at });
            }
            Frame::Ended { attempt, end } => self.ended(AttemptId(attempt), end),
            Frame::Refused { attempt, reason, capacity } => {
                let how = if capacity { How::Refused(reason) } else { How::ExecFailed(reason) };
                self.tell_end(AttemptId(attempt), AttemptEnd::of(how));
            }
            Frame::Accepted { .. }
            | Frame::Hello { .. }
            | Frame::Spawn(_)
            | Frame::Kill { .. }
            | Frame::Release { .. }
            | Frame::DropRun { .. }
            | Frame::Bye
            | Frame::Welcome { .. }
            | Frame::Stale { .. }
            | Frame::Foreign { .. }
            | Frame::Unsupported { .. }
            | Frame::Known { .. }
            | Frame::SnapshotEnd => {}
        }
    }

    fn ended(&self, attempt: AttemptId, end: End) {
        let end = match end {
            End::Exited(exited) => self.exited(attempt, &exited),
            End::ExecFailed { text, .. } => AttemptEnd::of(How::ExecFailed(text)),
            End::Never => AttemptEnd::of(How::Never),
            End::Lost { evidence } => AttemptEnd::of(How::Lost(evidence)),
        };
        self.tell_end(attempt, end);
    }

    fn tell_end(&self, attempt: AttemptId, end: AttemptEnd) {
        let (pool, end) = (self.name.clone(), Box::new(end));
        self.inbox.input(Input::AttemptEnded { pool, attempt, end });
    }

    fn exited(&self, attempt: AttemptId, it: &Exited) -> AttemptEnd {
        let (code, signal) = ((it.wait_status >> 8) & 0xff, it.wait_status & 0x7f);
        let how = match it.cause {
            Cause::Killed => How::Killed,
            Cause::TimedOut => How::TimedOut,
            Cause::Idle => How::Idle,
            Cause::Own if signal != 0 => How::Signalled(signal),
            Cause::Own => How::Exited(code),
        };
        let dir = attempt_dir(&self.dir, attempt);
        AttemptEnd {
            how,
            started_at: Some(from_millis(it.started_ms)),
            ended_at: Some(from_millis(it.ended_ms)),
            usage: Usage {
                max_rss: it.max_rss_kib * 1_024,
                cpu_us: it.cpu_us,
                log_bytes: it.log_bytes,
                log_dropped: it.dropped_bytes,
                left_behind: it.left_behind,
            },
            outputs: read(&dir.join("outputs"), outputs::BYTES_MAX as u64 + 1),
            checks: checks(&dir),
        }
    }
}

fn from_millis(millis: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// What the programs of a check have left; nothing, for another task.
fn checks(dir: &Path) -> Vec<CheckResult> {
    let results = (0..CHECKS_MAX).map_while(|number| {
        let status = read(&dir.join(format!("check-{number}.status")), 16);
        let status = String::from_utf8(status).ok().filter(|it| !it.is_empty())?;
        let output = read(&dir.join(format!("check-{number}.out")), CHECK_BYTES_MAX);
        let output = String::from_utf8_lossy(&output).into_owned();
        Some(CheckResult { exit: status.trim().parse().unwrap_or(-1), output })
    });
    results.collect()
}

/// The beginning of a file that a task has written: whatever it made of it, this neither waits nor follows a link.
fn read(path: &Path, bytes_max: u64) -> Vec<u8> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("the flags of open fit");
    let mut bytes = Vec::new();
    if let Ok(file) = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
        && file.metadata().is_ok_and(|it| it.is_file())
    {
        file.take(bytes_max).read_to_end(&mut bytes).ok();
    }
    bytes
}

/// The frames of a connection.
struct Frames {
    decoder: Decoder,
    buffer: Vec<u8>,
}

impl Frames {
    fn next(&mut self, stream: &mut UnixStream) -> Result<Frame, LinkError> {
        loop {
            if let Some(frame) = self.decoder.pop()? {
                return Ok(frame);
            }
            match stream.read(&mut self.buffer) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(count) => self.decoder.push(&self.buffer[..count]),
                Err(it) if it.kind() == std::io::ErrorKind::Interrupted => {}
                Err(it) => return Err(it.into()),
            }
        }
    }
}
