//! A runner in a fresh folder and a daemon's side of its socket. Waits for frames, never for time alone.

use runner::protocol::{Decoder, End, Exited, Frame, KnownState, Spawn, encode};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No test waits longer than this for anything.
const LIMIT: Duration = Duration::from_secs(30);

/// The store all daemons of these tests are of.
pub(crate) const STORE: u64 = 77;

/// A pool's folder and its runner, which is killed with it.
#[derive(Debug)]
pub(crate) struct Pool {
    folder: TempDir,
    pub(crate) process: Child,
}

impl Pool {
    pub(crate) fn start() -> Self {
        Self::start_with("60", Stdio::null())
    }

    pub(crate) fn start_with(linger: &str, stderr: Stdio) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let process = spawn_runner(&folder, linger, stderr);
        Self { folder, process }
    }

    /// Starts another runner on the same folder.
    pub(crate) fn start_second(&self) -> Child {
        spawn_runner(&self.folder, "60", Stdio::piped())
    }

    /// SIGKILLs the runner and starts a new one.
    pub(crate) fn replace(&mut self) {
        self.kill();
        self.process = spawn_runner(&self.folder, "60", Stdio::null());
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("the runner is a child");
        self.process.wait().expect("the runner is a child");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("pool").join(name)
    }

    /// Empty while the attempt has written nothing: there is no file then.
    pub(crate) fn log(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(&format!("logs/{name}.log"))).unwrap_or_default()
    }

    /// Connects without saying anything.
    pub(crate) fn connect(&self) -> Daemon {
        let socket = self.folder.path().join("socket");
        let stream = wait_for("the socket", || UnixStream::connect(&socket).ok());
        stream.set_read_timeout(Some(LIMIT)).expect("the limit is not zero");
        Daemon { stream, decoder: Decoder::default(), boot: String::new(), generation: 0 }
    }

    /// Connects, says hello and takes the snapshot.
    pub(crate) fn greet(&self, epoch: u64) -> (Daemon, Vec<(u64, KnownState)>) {
        let mut daemon = self.connect();
        daemon.send(&hello(epoch));
        let snapshot = daemon.welcome();
        (daemon, snapshot)
    }

    /// Waits until the runner has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for("the runner's end", || self.process.try_wait().expect("it is a child"))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn hello(epoch: u64) -> Frame {
    Frame::Hello { proto_min: 1, proto_max: 2, epoch, store: STORE }
}

/// The daemon's side of a connection.
#[derive(Debug)]
pub(crate) struct Daemon {
    stream: UnixStream,
    decoder: Decoder,
    pub(crate) boot: String,
    pub(crate) generation: u32,
}

impl Daemon {
    pub(crate) fn send(&mut self, frame: &Frame) {
        self.send_bytes(&encode(frame));
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the runner reads");
    }

    /// The next frame; `None` if the runner has hung up.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decoder.pop().expect("the runner speaks in frames") {
                return Some(frame);
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(length) => self.decoder.push(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no frame in time: {error}"),
            }
        }
    }

    pub(crate) fn welcome(&mut self) -> Vec<(u64, KnownState)> {
        let Some(Frame::Welcome { boot_id, generation, .. }) = self.next() else {
            panic!("the daemon is not welcomed")
        };
        (self.boot, self.generation) = (boot_id, generation);
        let mut snapshot = Vec::new();
        loop {
            match self.next() {
                Some(Frame::Known { attempt, state }) => snapshot.push((attempt, state)),
                Some(Frame::SnapshotEnd) => return snapshot,
                other => panic!("{other:?} within the snapshot"),
            }
        }
    }

    /// Starts an attempt and waits until its program runs.
    pub(crate) fn start(&mut self, spawn: Spawn) -> i32 {
        let attempt = spawn.attempt;
        self.send(&Frame::Spawn(spawn));
        assert_eq!(self.next(), Some(Frame::Accepted { attempt }));
        match self.next() {
            Some(Frame::Started { attempt: started, pid, .. }) if started == attempt => pid,
            other => panic!("{other:?} instead of a start"),
        }
    }

    /// Waits for the end of an attempt, whatever else is told before.
    pub(crate) fn end(&mut self, attempt: u64) -> End {
        loop {
            match self.next() {
                Some(Frame::Ended { attempt: ended, end }) if ended == attempt => return end,
                Some(_) => (),
                None => panic!("the runner hung up before attempt {attempt} ended"),
            }
        }
    }

    pub(crate) fn exit(&mut self, attempt: u64) -> Exited {
        exited(self.end(attempt))
    }

    /// Waits until everything sent before has been acted on.
    pub(crate) fn settle(&mut self) {
        self.send(&Frame::Spawn(Spawn { attempt: u64::MAX, ..Spawn::default() }));
        while !matches!(self.next(), Some(Frame::Refused { attempt: u64::MAX, .. })) {}
    }
}

pub(crate) fn exited(end: End) -> Exited {
    match end {
        End::Exited(exited) => exited,
        other => panic!("{other:?} instead of an exit"),
    }
}

/// A shell attempt named `a-NUMBER` of run `r`.
pub(crate) fn shell(attempt: u64, script: &str) -> Spawn {
    let argv = ["/bin/sh", "-c", script].map(|it| it.as_bytes().to_vec());
    Spawn {
        attempt,
        name: format!("a-{attempt}"),
        run: "r".to_owned(),
        argv: argv.to_vec(),
        env: vec![(b"PATH".to_vec(), b"/usr/bin:/bin".to_vec())],
        working_dir: b"/".to_vec(),
        timeout_ms: 0,
        idle_ms: 0,
        grace_ms: 10_000,
        log_head: 1 << 20,
        log_tail: 1 << 20,
    }
}

/// Waits until `attempt` gives something.
pub(crate) fn wait_for<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a process exists and has not ended.
pub(crate) fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|it| !it.is_empty() && !it.starts_with('Z'))
}

fn spawn_runner(folder: &TempDir, linger: &str, stderr: Stdio) -> Child {
    Command::new(env!("CARGO_BIN_EXE_runyard-runner"))
        .arg("--dir")
        .arg(folder.path().join("pool"))
        .args(["--pool", "local", "--linger", linger, "--socket"])
        .arg(folder.path().join("socket"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .expect("the runner is built")
}
