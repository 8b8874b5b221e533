//! A pool on this machine: a runner process that starts the attempts, and outlives the daemon.

mod link;
mod spawn;

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};

use engine::Input;
use engine::effect::{Launch, Program, Publication};
use engine::input::{AttemptEnd, How};
use runner::protocol::{Frame, MAX_FRAME, PROTO_IDLE, Spawn, encode};
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
    /// The version that its runner speaks.
    proto: u16,
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
            Program::Publish(publication) => publish_argv(publication),
            Program::Withdraw(publication) => withdraw_argv(publication),
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
            idle_ms: match pool.knows_idle() {
                true => launch.idle.map_or(0, |it| millis(it).max(1)),
                false => 0,
            },
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
    let mut argv = helper_argv("check");
    argv.push(out.as_os_str().as_encoded_bytes().to_vec());
    argv.push(b"--".to_vec());
    for (place, check) in checks.iter().enumerate() {
        if place > 0 {
            argv.push(b"---".to_vec());
        }
        argv.extend(check.iter().map(|it| it.clone().into_bytes()));
    }
    argv
}

/// The runner's own helper mode: something of the run's folder is moved into place.
fn publish_argv(publication: &Publication) -> Vec<Vec<u8>> {
    let Publication { update, from, to, keep } = publication;
    let keep = keep.to_string();
    let flags = [("--update", update), ("--from", from), ("--to", to), ("--keep", &keep)];
    with_flags(helper_argv("publish"), &flags)
}

/// The runner's own helper mode: what a publication has replaced is put back.
fn withdraw_argv(publication: &Publication) -> Vec<Vec<u8>> {
    let Publication { update, to, .. } = publication;
    with_flags(helper_argv("withdraw"), &[("--update", update), ("--to", to)])
}

fn helper_argv(mode: &str) -> Vec<Vec<u8>> {
    let helper = crate::config::find_program("runyard-runner");
    vec![helper.into_os_string().into_encoded_bytes(), mode.as_bytes().to_vec()]
}

fn with_flags(mut argv: Vec<Vec<u8>>, flags: &[(&str, &String)]) -> Vec<Vec<u8>> {
    for (flag, value) in flags {
        argv.push(flag.as_bytes().to_vec());
        argv.push(value.as_bytes().to_vec());
    }
    argv
}

impl Pool {
    /// A runner of an earlier version, which lives on for the sake of what it runs, does not.
    fn knows_idle(&self) -> bool {
        let connection = self.connection.lock().expect("no holder of the connection panics");
        connection.proto >= PROTO_IDLE
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_and_its_undo_are_arguments_of_the_helper() {
        let update = "0abc.publish".to_owned();
        let (from, to) = ("a b".to_owned(), "/data/out".to_owned());
        let publication = Publication { update, from, to, keep: 5 };
        let text =
            |argv: Vec<Vec<u8>>| String::from_utf8_lossy(&argv[1..].join(&b'|')).into_owned();
        assert_eq!(
            text(publish_argv(&publication)),
            "publish|--update|0abc.publish|--from|a b|--to|/data/out|--keep|5"
        );
        assert_eq!(
            text(withdraw_argv(&publication)),
            "withdraw|--update|0abc.publish|--to|/data/out"
        );
    }
}
