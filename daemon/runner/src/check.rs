//! `runyard-runner check`: runs the commands of data checks one after the other.

use crate::{clock, files};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

/// Most bytes of a command's output that are kept in its file.
const MAX_OUTPUT: usize = 64 << 10;

/// Status of a command that cannot be run.
const NOT_RUN: i32 = 127;

/// How long the output of a program that has ended is waited for: others may hold it.
const OUTPUT_WAIT_MS: u64 = 5_000;

/// Runs each command and writes `check-N.out` and `check-N.status` for it into `out`, N from 0.
///
/// Output is passed on as well; all of it, also where the file holds only the beginning.
pub(crate) fn check(out: &Path, commands: &[Vec<OsString>]) -> io::Result<()> {
    for (number, command) in commands.iter().enumerate() {
        let mut file = files::replace(&out.join(format!("check-{number}.out")))?;
        let status = run(command, &mut file)?;
        let mut file = files::replace(&out.join(format!("check-{number}.status")))?;
        file.write_all(status.to_string().as_bytes())?;
    }
    Ok(())
}

/// Splits arguments at each `---`. `None` if a command is empty.
pub(crate) fn split(args: &[OsString]) -> Option<Vec<Vec<OsString>>> {
    let commands = args.split(|it| it == OsStr::new("---")).map(<[_]>::to_vec);
    let commands: Vec<_> = commands.collect();
    commands.iter().all(|it| !it.is_empty()).then_some(commands)
}

fn run(command: &[OsString], file: &mut File) -> io::Result<i32> {
    let Some((program, args)) = command.split_first() else { return Ok(NOT_RUN) };
    let started = Command::new(program).args(args).stdout(Stdio::piped()).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            crate::say(format_args!("cannot run {}: {error}", program.display()));
            return Ok(NOT_RUN);
        }
    };
    let program = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    let copied = child.stdout.take().map_or(Ok(()), |it| copy(it, &program, file));
    let status = child.wait()?;
    copied?;
    Ok(status.code().or(status.signal().map(|it| 128 + it)).unwrap_or(NOT_RUN))
}

/// Copies up to the end of the output, or until [`OUTPUT_WAIT_MS`] after the end of the program.
fn copy(mut output: ChildStdout, program: &OwnedFd, file: &mut File) -> io::Result<()> {
    // A reader that the program has left behind may take what was waited for.
    ioctl_fionbio(&output, true)?;
    let mut buffer = [0; 8 << 10];
    let mut left = MAX_OUTPUT;
    let mut until = None;
    while until.is_none_or(|it| clock::monotonic_ms() < it) {
        if wait(&output, program, until)? {
            until = Some(clock::monotonic_ms() + OUTPUT_WAIT_MS);
        }
        let length = match output.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        let kept = length.min(left);
        file.write_all(&buffer[..kept])?;
        left -= kept;
        // A closed standard output is no reason to stop the check.
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(&buffer[..length]).and_then(|()| stdout.flush());
    }
    Ok(())
}

/// Waits for output or the end of the program; after that, with `until`, for output alone.
/// Result: whether the program has been seen to end.
fn wait(output: &ChildStdout, program: &OwnedFd, until: Option<u64>) -> io::Result<bool> {
    let timeout = until.map(|it| {
        let ms = it.saturating_sub(clock::monotonic_ms()).min(OUTPUT_WAIT_MS);
        Timespec {
            tv_sec: (ms / 1000).cast_signed(),
            tv_nsec: (ms % 1000 * 1_000_000).cast_signed(),
        }
    });
    let mut sources = [PollFd::new(output, PollFlags::IN), PollFd::new(program, PollFlags::IN)];
    let count = if until.is_none() { 2 } else { 1 };
    match poll(&mut sources[..count], timeout.as_ref()) {
        Ok(_) => Ok(!sources[1].revents().is_empty()),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_at_three_dashes() {
        let args = ["a", "--", "---", "b"].map(OsString::from);
        let commands = [vec!["a", "--"], vec!["b"]];
        let commands = commands.map(|it| it.into_iter().map(OsString::from).collect());
        assert_eq!(split(&args), Some(commands.to_vec()));
        assert_eq!(split(&["a", "---"].map(OsString::from)), None);
    }
}
