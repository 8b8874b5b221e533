//! A pool on this machine: a runner process that starts the attempts, and outlives the daemon.

mod link;
mod spawn;

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};

use engine::Input;
use engine::effect::{Launch, Program};
use engine::input::{AttemptEnd, How};
use runner::protocol::{Frame, MAX_FRAME, Spawn, encode};
use shared::id::{AttemptId, PoolName};

use crate::driver::Inbox;

/// How much of a log is kept from its beginning, and from its end.
const LOG_HEAD_BYTES: u64 = 8 << 20;
const LOG_TAIL_BYTES: u64 = 1 << 20;

/// What a runner must know to tell this daemon from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// The store.
    pub(crate) store: u64,
    /// Rises with each start of the daemon on this store.
    pub(crate) epoch: u64,
}

/// The pools of this machine.
#[derive(Debug)]
pub(crate) struct LocalPools {
    pools: BTreeMap<PoolName, Pool>,
    environment: Vec<(String, String)>,
    inbox: Inbox,
}

#[derive(Debug)]
struct Pool {
    dir: PathBuf,
    connection: Connection,
}

/// The connection to a runner, while there is one.
pub(super) type Connection = Arc<Mutex<Connected>>;

/// The two ends that others than the link need.
#[derive(Default, Debug)]
pub(super) struct Connected {
    /// To hang up.
    stream: Option<UnixStream>,
    /// What is put in here is sent, once the engine knows what the runner knows.
    frames: Option<SyncSender<Vec<u8>>>,
}

/// Where a pool's runner listens.
pub(crate) fn socket_path(pool_dir: &Path) -> PathBuf {
    pool_dir.join("runner.sock")
}

/// Where a pool's runner keeps its files.
pub(crate) fn pool_dir(state_dir: &Path, pool: &PoolName) -> PathBuf {
    state_dir.join("pools").join(pool.as_str())
}

impl LocalPools {
    /// Connects to the runner of each pool, which is started where none runs, and keeps at it.
    pub(crate) fn start(
        state_dir: &Path,
        names: impl Iterator<Item = PoolName>,
        identity: Identity,
        environment: Vec<(String, String)>,
        inbox: &Inbox,
    ) -> Self {
        let pools = names.map(|name| {
            let dir = pool_dir(state_dir, &name);
            let connection = Connection::default();
            let link = link::Link {
                name: name.clone(),
                dir: dir.clone(),
                identity,
                connection: connection.clone(),
                inbox: inbox.clone(),
            };
            std::thread::Builder::new()
                .name(format!("pool-{name}"))
                .spawn(move || link.run())
                .expect("a thread can be started when the daemon starts");
            (name, Pool { dir, connection })
        });
        Self { pools: pools.collect(), environment, inbox: inbox.clone() }
    }

    /// Has an attempt started. Without a connection it is not: the engine says so again when there is one.
    pub(crate) fn launch(&self, launch: &Launch) {
        let Some(pool) = self.pools.get(&launch.pool) else { return };
        let bytes = encode(&Frame::Spawn(self.spawn_of(pool, launch)));
        if bytes.len() > MAX_FRAME {
            let text = format!(
                "its arguments and environment take {} bytes, and {MAX_FRAME} are allowed",
                bytes.len()
            );
            let end = Box::new(AttemptEnd::of(How::ExecFailed(text)));
            let (pool, attempt) = (launch.pool.clone(), launch.attempt);
            return self.inbox.input(Input::AttemptEnded { pool, attempt, end });
        }
        pool.send(bytes);
    }

    /// Has an attempt stopped.
    pub(crate) fn stop(&self, pool: &PoolName, attempt: AttemptId) {
        if let Some(pool) = self.pools.get(pool) {
            pool.send(encode(&Frame::Kill { attempt: attempt.0 }));
        }
    }

    /// Lets a runner forget an attempt.
    pub(crate) fn release(&self, pool: &PoolName, attempt: AttemptId) {
        if let Some(pool) = self.pools.get(pool) {
            pool.send(encode(&Frame::Release { attempts: vec![attempt.0] }));
        }
    }

    /// Breaks every connection, so that each runner says anew what it knows.
    pub(crate) fn reconnect(&self) {
        for pool in self.pools.values() {
            pool.hang_up();
        }
    }

    /// Tells every runner that the daemon stops: one that has nothing left to do ends too.
    pub(crate) fn bye(&self) {
        for pool in self.pools.values() {
            pool.send(encode(&Frame::Bye));
        }
    }

    fn spawn_of(&self, pool: &Pool, launch: &Launch) -> Spawn {
        let name = launch.attempt.to_string();
        let argv = match &launch.program {
            Program::Argv(argv) => argv.iter().map(|it| it.clone().into_bytes()).collect(),
            Program::Checks(checks) => {
                let out = attempt_dir(&pool.dir, launch.attempt);
                check_argv(&out, checks)
            }
        };
        let env = self.environment.iter().chain(&launch.env);
        // Of two with one name the later wins.
        let env: BTreeMap<&str, &str> =
            env.map(|(name, it)| (name.as_str(), it.as_str())).collect();
        let millis = |it: std::time::Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        Spawn {
            attempt: launch.attempt.0,
            name,
            run: launch.run.to_string(),
            argv,
            env: env.into_iter().map(|(name, it)| (name.into(), it.into())).collect(),
            working_dir: launch.working_dir.clone().into_bytes(),
            timeout_ms: launch.timeout.map_or(0, |it| millis(it).max(1)),
            grace_ms: millis(launch.kill_grace),
            log_head: LOG_HEAD_BYTES,
            log_tail: LOG_TAIL_BYTES,
        }
    }
}

/// The folder of an attempt, in which its runner and its task leave files.
pub(crate) fn attempt_dir(pool_dir: &Path, attempt: AttemptId) -> PathBuf {
    pool_dir.join("attempts").join(attempt.to_string())
}

/// The runner's own helper mode: several programs, one after the other, each with its output kept.
fn check_argv(out: &Path, checks: &[Vec<String>]) -> Vec<Vec<u8>> {
    let helper = crate::config::find_program("runyard-runner");
    let head = [helper.as_os_str(), "check".as_ref(), out.as_os_str(), "--".as_ref()];
    let head = head.map(|it: &std::ffi::OsStr| it.as_encoded_bytes().to_vec());
    let mut argv: Vec<Vec<u8>> = head.into();
    for (place, check) in checks.iter().enumerate() {
        if place > 0 {
            argv.push(b"---".to_vec());
        }
        argv.extend(check.iter().map(|it| it.clone().into_bytes()));
    }
    argv
}

impl Pool {
    /// Never waits: a runner that does not take what is sent is hung up on, and asked anew what it knows.
    fn send(&self, bytes: Vec<u8>) {
        let mut connection = self.connection.lock().expect("no holder of the connection panics");
        if connection.frames.as_ref().is_some_and(|it| it.try_send(bytes).is_err()) {
            connection.hang_up();
        }
    }

    fn hang_up(&self) {
        self.connection.lock().expect("no holder of the connection panics").hang_up();
    }
}

impl Connected {
    /// The reading half sees it too, and connects anew.
    fn hang_up(&mut self) {
        self.frames = None;
        if let Some(stream) = self.stream.take() {
            stream.shutdown(std::net::Shutdown::Both).ok();
        }
    }
}
