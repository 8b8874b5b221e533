//! Starts a runner that outlives the daemon.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use shared::id::PoolName;

use crate::config::{find_program, pool_environment};

/// How long a runner may take until it can be reached.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// Starts the runner of a pool and connects to it. Of two that are started for one pool the second ends by itself.
pub(super) fn runner(name: &PoolName, dir: &Path, socket: &Path) -> io::Result<UnixStream> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let said = fs::File::create(dir.join("runner.err"))?;
    let mut child = Command::new(find_program("runyard-runner"))
        .arg("--dir")
        .arg(dir)
        .args(["--pool", name.as_str(), "--socket"])
        .arg(socket)
        .env_clear()
        .envs(pool_environment())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        // A group of its own: what a terminal sends to the daemon's group does not reach it.
        .process_group(0)
        .spawn()
        .map_err(|it| io::Error::new(it.kind(), format!("cannot start runyard-runner: {it}")))?;
    // Whoever starts a process must ask for its end, so that nothing is left of it.
    let started = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => {
                std::thread::spawn(move || child.wait());
                return Ok(stream);
            }
            Err(problem) if started.elapsed() > READY_WITHIN => return Err(problem),
            Err(_) => {}
        }
        if let Some(status) = child.try_wait()? {
            // It may have found another one at work, which is about to listen.
            return UnixStream::connect(socket).map_err(|_| {
                let said = fs::read_to_string(dir.join("runner.err")).unwrap_or_default();
                io::Error::other(format!("the runner ended ({status}): {}", said.trim()))
            });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
