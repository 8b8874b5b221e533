//! Starts the process of an attempt.

use crate::sys;
use runner::protocol::Spawn;
use runner::record::{Kind, Record};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Where programs are looked for if the attempt's environment has no `PATH`.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// What a process is started with, checked and converted.
#[derive(Debug)]
pub(crate) struct Plan {
    candidates: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
    working_dir: CString,
}

/// Why a spawn cannot be carried out as asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Malformed {
    NoProgram,
    NulByte,
    VariableName,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoProgram => "no program is given",
            Self::NulByte => "an argument, variable or path holds a NUL byte",
            Self::VariableName => "a variable's name is empty or holds `=`",
        })
    }
}

impl Plan {
    /// Converts `spawn`; the runner's own variables name `run_dir` and `outputs`, both absolute.
    pub(crate) fn new(spawn: &Spawn, run_dir: &Path, outputs: &Path) -> Result<Self, Malformed> {
        let own = [(&b"RUNYARD_RUN_DIR"[..], run_dir), (&b"RUNYARD_OUTPUTS"[..], outputs)];
        let given = spawn.env.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        let given = given.filter(|(name, _)| own.iter().all(|(own, _)| own != name));
        let own = own.iter().map(|(name, path)| (*name, path.as_os_str().as_bytes()));
        let env: Result<_, _> =
            given.chain(own).map(|(name, value)| variable(name, value)).collect();
        let argv: Result<_, _> = spawn.argv.iter().map(|it| string(it.clone())).collect();
        Ok(Self {
            candidates: candidates(spawn)?,
            argv: argv?,
            env: env?,
            working_dir: string(spawn.working_dir.clone())?,
        })
    }
}

/// Forks and waits until the child has become its program or has failed to.
///
/// - Result: the read end of the pipe that is its standard output and error, not blocking.
/// - Errors: what went wrong; if the child got far enough, it is in the journal too.
pub(crate) fn spawn(
    plan: Plan,
    journal: RawFd,
    started: Record,
    open_files: Option<libc::rlimit>,
) -> io::Result<(i32, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let (stdout, stderr) = lasting_pipe(&write)?;
    let mut command = Command::new("runyard-attempt");
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    sys::prepare(
        &mut command,
        sys::Start {
            candidates: plan.candidates,
            argv: plan.argv,
            env: plan.env,
            working_dir: plan.working_dir,
            journal,
            started: Record { kind: Kind::Started, ..started },
            open_files,
        },
    );
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok((pid, read))
}

/// Raises the limit of open files to what is allowed; gives the one to restore in children.
pub(crate) fn raise_open_files() -> Option<libc::rlimit> {
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: before.maximum, ..before }).ok()?;
    let or_infinite = |it: Option<u64>| it.unwrap_or(libc::RLIM_INFINITY);
    let (rlim_cur, rlim_max) = (or_infinite(before.current), or_infinite(before.maximum));
    Some(libc::rlimit { rlim_cur, rlim_max })
}

/// Opens a pipe for reading and writing at once, twice: while the task holds it, it has a reader, so
/// the death of the runner is no SIGPIPE for the task, and the next runner can read on.
fn lasting_pipe(write: &OwnedFd) -> io::Result<(File, File)> {
    let path = format!("/proc/self/fd/{}", write.as_raw_fd());
    let stdout = OpenOptions::new().read(true).write(true).open(path)?;
    let stderr = stdout.try_clone()?;
    Ok((stdout, stderr))
}

fn candidates(spawn: &Spawn) -> Result<Vec<CString>, Malformed> {
    let program = spawn.argv.first().filter(|it| !it.is_empty()).ok_or(Malformed::NoProgram)?;
    if program.contains(&b'/') {
        return Ok(vec![string(program.clone())?]);
    }
    let path = spawn.env.iter().rev().find(|(name, _)| name == b"PATH");
    let path = path.map_or(DEFAULT_PATH, |(_, value)| value.as_slice());
    path.split(|byte| *byte == b':')
        .map(|folder| if folder.is_empty() { &b"."[..] } else { folder })
        .map(|folder| string([folder, b"/", program].concat()))
        .collect()
}

fn variable(name: &[u8], value: &[u8]) -> Result<CString, Malformed> {
    if name.is_empty() || name.contains(&b'=') {
        return Err(Malformed::VariableName);
    }
    string([name, b"=", value].concat())
}

fn string(bytes: Vec<u8>) -> Result<CString, Malformed> {
    CString::new(bytes).map_err(|_| Malformed::NulByte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(argv: &[&str], env: &[(&str, &str)]) -> Result<Plan, Malformed> {
        let bytes = |it: &str| it.as_bytes().to_vec();
        let spawn = Spawn {
            argv: argv.iter().map(|it| bytes(it)).collect(),
            env: env.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
            ..Spawn::default()
        };
        Plan::new(&spawn, Path::new("/r"), Path::new("/o"))
    }

    #[test]
    fn a_bare_program_is_looked_for_on_the_path_it_is_given() {
        let plan = plan(&["tool"], &[("PATH", "/a::/b")]).expect("the spawn is well formed");
        assert_eq!(plan.candidates, [c"/a/tool", c"./tool", c"/b/tool"]);
    }

    #[test]
    fn the_runners_own_variables_cannot_be_replaced() {
        let plan = plan(&["/x"], &[("RUNYARD_OUTPUTS", "/etc"), ("A", "1")]);
        let env = plan.expect("the spawn is well formed").env;
        assert_eq!(env, [c"A=1", c"RUNYARD_RUN_DIR=/r", c"RUNYARD_OUTPUTS=/o"]);
    }

    #[test]
    fn what_the_kernel_cannot_take_is_refused() {
        assert_eq!(plan(&[], &[]).err(), Some(Malformed::NoProgram));
        assert_eq!(plan(&["a\0b"], &[]).err(), Some(Malformed::NulByte));
        assert_eq!(plan(&["a"], &[("B=", "1")]).err(), Some(Malformed::VariableName));
    }
}
