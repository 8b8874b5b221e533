//! `runyard-runner check`: runs the commands of data checks one after the other.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Most bytes of a command's output that are kept in its file.
const MAX_OUTPUT: usize = 64 << 10;

/// Status of a command that cannot be run.
const NOT_RUN: i32 = 127;

/// Runs each command and writes `check-N.out` and `check-N.status` for it into `out`, N from 0.
///
/// Output is passed on as well; all of it, also where the file holds only the beginning.
pub(crate) fn check(out: &Path, commands: &[Vec<OsString>]) -> io::Result<()> {
    for (number, command) in commands.iter().enumerate() {
        let mut file = File::create(out.join(format!("check-{number}.out")))?;
        let status = run(command, &mut file)?;
        fs::write(out.join(format!("check-{number}.status")), status.to_string())?;
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
    let copied = child.stdout.take().map_or(Ok(()), |it| copy(it, file));
    let status = child.wait()?;
    copied?;
    Ok(status.code().or(status.signal().map(|it| 128 + it)).unwrap_or(NOT_RUN))
}

fn copy(mut output: impl Read, file: &mut File) -> io::Result<()> {
    let mut buffer = [0; 8 << 10];
    let mut left = MAX_OUTPUT;
    loop {
        let length = match output.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let kept = length.min(left);
        file.write_all(&buffer[..kept])?;
        left -= kept;
        // A closed standard output is no reason to stop the check.
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(&buffer[..length]).and_then(|()| stdout.flush());
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
