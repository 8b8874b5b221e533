//! The loop: waits, serves one daemon, looks after the attempts, and ends when it is of no more use.

use crate::clock;
use crate::connection::{Broken, Connection};
use crate::journal::Fence;
use crate::poller::{Poller, Source};
use crate::table::Table;
use runner::protocol::{Frame, PROTO};
use runner::record::Kind;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// A connection that has not said hello for so long is closed.
const HELLO_MS: u64 = 10_000;

/// Connections that may be open without having said hello.
const MAX_STRANGERS: usize = 16;

/// Frames taken from the daemon before attempts have their turn: a spawn takes half a millisecond.
const TURN: usize = 8;

/// Waits are cut to this: the kernel refuses very long ones.
const LONGEST_WAIT_MS: u64 = 86_400_000;

/// How long records may wait to be brought to the disk.
const SYNC_MS: u64 = 1_000;

/// The runner of a pool.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) table: Table,
    pub(crate) poller: Poller,
    pub(crate) listener: UnixListener,
    pub(crate) socket: PathBuf,
    pub(crate) signals: OwnedFd,
    pub(crate) pool: String,
    pub(crate) boot_id: String,
    pub(crate) linger_ms: u64,
    pub(crate) state: LoopState,
}

/// What the loop remembers between two waits.
#[derive(Default, Debug)]
pub(crate) struct LoopState {
    connections: BTreeMap<u64, Connection>,
    /// The one connection whose daemon was welcomed.
    served: Option<u64>,
    /// The version that it speaks.
    proto: u16,
    /// Frames that were read and not yet acted on.
    backlog: bool,
    sync_at: Option<u64>,
    idle_until: Option<u64>,
    ending: bool,
}

impl Runner {
    /// Runs until there is nothing left to do.
    pub(crate) fn run(mut self) -> io::Result<()> {
        self.poller.add(&self.listener, Source::Listener);
        self.poller.add(&self.signals, Source::Signals);
        self.table.sweep_needed = true;
        let mut buffer = vec![0; 64 << 10];
        while !self.state.ending {
            let timeout = self.timeout();
            for source in self.poller.wait(timeout)? {
                self.on_event(source, &mut buffer);
            }
            self.act_on_frames();
            self.act_on_time();
            if self.table.sweep_needed {
                self.table.sweep(&self.poller, &mut buffer);
            }
            self.tell();
        }
        self.close()
    }

    fn timeout(&self) -> Option<u64> {
        if self.state.backlog || self.table.sweep_needed {
            return Some(0);
        }
        let hellos = self.state.connections.values().filter_map(|it| it.hello_until);
        let own = [self.table.next_due(), self.state.sync_at, self.state.idle_until];
        let next = own.into_iter().flatten().chain(hellos).min()?;
        Some(next.saturating_sub(clock::monotonic_ms()).min(LONGEST_WAIT_MS))
    }

    fn on_event(&mut self, source: Source, buffer: &mut [u8]) {
        match source {
            Source::Listener => self.accept(),
            Source::Signals => self.on_signals(),
            Source::Connection(serial) => {
                let Some(connection) = self.state.connections.get_mut(&serial) else { return };
                match connection.read(buffer) {
                    Ok(()) => self.state.backlog = true,
                    Err(broken) => self.hang_up(serial, &broken),
                }
            }
            Source::Process(serial) => {
                if let Some(id) = self.table.by_serial(serial) {
                    self.table.on_process(&self.poller, id);
                }
            }
            Source::Pipe(serial) => {
                if let Some(id) = self.table.by_serial(serial) {
                    self.table.on_pipe(&self.poller, id, buffer);
                }
            }
        }
    }

    fn accept(&mut self) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        if self.state.connections.len() > MAX_STRANGERS {
            return;
        }
        let until = clock::monotonic_ms() + HELLO_MS;
        if let Ok((serial, connection)) = Connection::new(stream, &mut self.poller, until) {
            self.state.connections.insert(serial, connection);
        }
    }

    fn on_signals(&mut self) {
        let mut info = [0_u8; 128];
        while let Ok(128) = rustix::io::read(&self.signals, &mut info) {
            let signal = i32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
            if signal == libc::SIGCHLD {
                self.table.sweep_needed = true;
            } else if self.table.any_live() {
                crate::say(format_args!(
                    "attempts run: not ending on signal {signal}; kill them first"
                ));
            } else {
                self.state.ending = true;
            }
        }
    }

    fn act_on_frames(&mut self) {
        self.state.backlog = false;
        let serials: Vec<u64> = self.state.connections.keys().copied().collect();
        for serial in serials {
            for turn in 0..=TURN {
                let Some(connection) = self.state.connections.get_mut(&serial) else { break };
                if turn == TURN {
                    self.state.backlog = true;
                    break;
                }
                match connection.frame() {
                    Ok(Some(frame)) => self.on_frame(serial, frame),
                    Ok(None) => break,
                    Err(broken) => self.hang_up(serial, &broken),
                }
            }
        }
    }

    fn on_frame(&mut self, serial: u64, frame: Frame) {
        if let Frame::Hello { proto_min, proto_max, epoch, store } = frame {
            return self.on_hello(serial, (proto_min, proto_max), Fence { epoch, store });
        }
        if self.state.served != Some(serial) {
            return self.drop_connection(serial, "it did not begin with hello");
        }
        match frame {
            Frame::Spawn(spawn) => self.table.spawn(&mut self.poller, spawn),
            Frame::Kill { attempt } => self.table.kill(attempt),
            Frame::Release { attempts } => self.table.release(&attempts),
            Frame::DropRun { run, names } => self.table.drop_run(&run, &names),
            Frame::Bye => {
                self.drop_connection(serial, "the daemon said bye");
                self.state.ending |= self.table.attempts.is_empty();
            }
            _ => self.drop_connection(serial, "it sent what only a runner says"),
        }
    }

    fn on_hello(&mut self, serial: u64, versions: (u16, u16), hello: Fence) {
        let known = self.table.journal.fence();
        let proto = versions.1.min(*PROTO.end());
        let refusal = if proto < versions.0.max(*PROTO.start()) {
            Some(Frame::Unsupported { min: *PROTO.start(), max: *PROTO.end() })
        } else if known != Fence::default() && hello.store != known.store {
            Some(Frame::Foreign { store: known.store })
        } else {
            (hello.epoch < known.epoch).then_some(Frame::Stale { epoch: known.epoch })
        };
        if let Some(refusal) = refusal {
            return self.refuse(serial, &refusal);
        }
        if hello != known
            && let Err(error) = self.table.journal.raise_fence(hello)
        {
            return self.drop_connection(serial, &format!("its epoch cannot be kept: {error}"));
        }
        if let Some(before) = self.state.served.filter(|it| *it != serial) {
            self.drop_connection(before, "another one took its place");
        }
        // What happened so far is in the snapshot.
        self.table.news.clear();
        let identity = self.table.journal.identity();
        let welcome = Frame::Welcome {
            proto,
            lineage: identity.lineage,
            boot_id: self.boot_id.clone(),
            pool: self.pool.clone(),
            generation: identity.generation,
        };
        let Some(connection) = self.state.connections.get_mut(&serial) else { return };
        connection.hello_until = None;
        connection.queue(&welcome);
        let snapshot = self.table.snapshot().into_iter().map(|it| it.for_version(proto));
        connection.queue_snapshot(&snapshot.collect::<Vec<_>>());
        (self.state.served, self.state.proto) = (Some(serial), proto);
    }

    fn refuse(&mut self, serial: u64, refusal: &Frame) {
        if let Some(connection) = self.state.connections.get_mut(&serial) {
            connection.queue(refusal);
            // So few bytes fit the socket's buffer; if not, the daemon only misses why.
            let _ = connection.flush(&self.poller);
        }
        self.drop_connection(serial, "the daemon was refused");
    }

    fn act_on_time(&mut self) {
        let now = clock::monotonic_ms();
        while let Some(id) = self.table.take_due(now) {
            self.table.on_due(id);
        }
        let silent = |it: &Connection| it.hello_until.is_some_and(|until| until <= now);
        let silent = self.state.connections.iter().filter(|it| silent(it.1)).map(|it| *it.0);
        for serial in silent.collect::<Vec<_>>() {
            self.drop_connection(serial, "it did not say hello");
        }
        self.sync_in_time(now);
        let idle = self.state.served.is_none() && self.table.attempts.is_empty();
        self.state.idle_until =
            idle.then(|| self.state.idle_until.unwrap_or(now.saturating_add(self.linger_ms)));
        self.state.ending |= self.state.idle_until.is_some_and(|it| it <= now);
    }

    fn sync_in_time(&mut self, now: u64) {
        if !self.table.journal.unsynced() {
            self.state.sync_at = None;
            return;
        }
        let at = *self.state.sync_at.get_or_insert(now + SYNC_MS);
        if at <= now {
            self.state.sync_at = None;
            if let Err(error) = self.table.journal.sync() {
                crate::say(format_args!("cannot bring the journal to the disk: {error}"));
            }
        }
    }

    fn tell(&mut self) {
        // Without a daemon there is nobody to tell: the next one gets a snapshot.
        let news = std::mem::take(&mut self.table.news);
        let Some(serial) = self.state.served else { return };
        let Some(connection) = self.state.connections.get_mut(&serial) else { return };
        let proto = self.state.proto;
        news.into_iter().for_each(|it| connection.queue(&it.for_version(proto)));
        if let Err(broken) = connection.flush(&self.poller) {
            self.hang_up(serial, &broken);
        }
    }

    fn hang_up(&mut self, serial: u64, broken: &Broken) {
        self.drop_connection(serial, &broken.to_string());
    }

    fn drop_connection(&mut self, serial: u64, why: &str) {
        if self.state.connections.remove(&serial).is_some() {
            crate::say(format_args!("connection {serial} ended: {why}"));
        }
        self.state.served = self.state.served.filter(|it| *it != serial);
    }

    fn close(mut self) -> io::Result<()> {
        let closed = self.table.stamp(Kind::Closed, 0);
        self.table.journal.append(&[closed])?;
        self.table.journal.sync()?;
        fs::remove_file(&self.socket)
    }
}
