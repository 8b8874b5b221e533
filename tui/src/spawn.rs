//! Starting the daemon in a session of its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{self, Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io};

use crate::client::Client;
use crate::error::Error;

/// The first argument of a process that is about to become another program in a session of its own.
const DETACHED: &str = "__detached";

const DAEMON: &str = "runyardd";
/// How long a daemon may take to answer.
const START: Duration = Duration::from_secs(10);

/// Becomes the program that the arguments name, in a new session. Returns only where these are other arguments, or why it
/// could not.
///
/// The step between fork and exec is a program of its own because nothing but exec is sound there in a process of threads.
pub(crate) fn become_detached(arguments: &[OsString]) -> Option<io::Error> {
    let [_, mark, program, rest @ ..] = arguments else { return None };
    if mark != DETACHED {
        return None;
    }
    if let Err(error) = rustix::process::setsid() {
        return Some(error.into());
    }
    Some(Command::new(program).args(rest).exec())
}

/// A daemon that was started, and where its complaints are.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) process: Child,
    stderr: PathBuf,
}

/// Starts `runyardd` with these arguments. What it says on standard error goes to the file `stderr`.
pub(crate) fn start(arguments: &[(&str, &Path)], stderr: &Path) -> Result<Started, Error> {
    let program = find(DAEMON).ok_or(Error::NoProgram(DAEMON))?;
    let complaints = File::create(stderr)
        .map_err(Error::system(format!("write the file `{}`", stderr.display())))?;
    let mut command = Command::new("/proc/self/exe");
    command.arg(DETACHED).arg(&program);
    for (flag, path) in arguments {
        let doing = format!("find the folder of `{}`", path.display());
        command.arg(flag).arg(path::absolute(path).map_err(Error::system(doing))?);
    }
    // A daemon in the background must not keep the folder busy in which it was started.
    let process = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(complaints)
        .spawn()
        .map_err(Error::system(format!("start `{}`", program.display())))?;
    Ok(Started { process, stderr: stderr.to_owned() })
}

impl Started {
    /// Waits until it answers at `socket`. `go_on` is asked between the tries.
    pub(crate) fn answered(
        &mut self,
        socket: &Path,
        go_on: impl Fn() -> Result<(), Error>,
    ) -> Result<Client, Error> {
        let until = Instant::now() + START;
        loop {
            go_on()?;
            match Client::connect(socket) {
                Err(error) if !error.is_absence() => return Err(error),
                Ok(client) => return Ok(client),
                Err(_) => {}
            }
            let ended = self.process.try_wait().map_err(Error::system("watch the daemon"))?;
            if ended.is_some() {
                return Err(Error::DaemonEnded(self.complaints()));
            }
            if Instant::now() >= until {
                return Err(Error::DaemonSilent(socket.to_owned()));
            }
            thread::sleep(Duration::from_millis(25));
        }
    }

    /// The last lines that it wrote on standard error.
    fn complaints(&self) -> String {
        let text = fs::read(&self.stderr).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().filter(|it| !it.trim().is_empty()).collect();
        let tail = &lines[lines.len().saturating_sub(8)..];
        if tail.is_empty() { String::new() } else { format!(":\n  {}", tail.join("\n  ")) }
    }
}

/// Finds a program beside this one, then on PATH.
fn find(program: &str) -> Option<PathBuf> {
    let beside = env::current_exe().ok().and_then(|it| Some(it.parent()?.to_owned()));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = beside.into_iter().chain(env::split_paths(&path));
    let found = folders.map(|it| it.join(program)).find(|it| is_program(it))?;
    path::absolute(found).ok()
}

fn is_program(file: &Path) -> bool {
    use rustix::fs::{Access, access};
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}
