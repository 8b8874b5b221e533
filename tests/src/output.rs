//! What a command has printed, and how it ended.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::wait;

/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(120);

/// A command that has ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Output {
    /// What was typed.
    pub command: String,
    /// The exit code; 128 + n after signal n.
    pub code: i32,
    /// Standard output, as it is.
    pub bytes: Vec<u8>,
    /// Standard output as text.
    pub stdout: String,
    /// Standard error as text.
    pub stderr: String,
}

impl Output {
    /// Runs a command to its end, which must come in reasonable time, and which no panic may have caused.
    pub fn of(command: &mut Command) -> Self {
        let name = typed(command);
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = piped.spawn().unwrap_or_else(|it| panic!("`{name}` cannot be started: {it}"));
        Self::of_child(name, child)
    }

    fn of_child(command: String, mut child: Child) -> Self {
        let stdout = reader(child.stdout.take());
        let stderr = reader(child.stderr.take());
        let status = wait::until(COMMAND, || child.try_wait().expect("a child can be waited for"));
        let Some(status) = status else {
            child.kill().ok();
            child.wait().ok();
            panic!("`{command}` did not end within {COMMAND:?}");
        };
        let bytes = stdout.join().expect("a reader does not panic");
        let stderr = stderr.join().expect("a reader does not panic");
        let code = exit_code(status);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let it = Self { command, code, stdout: text(&bytes), stderr: text(&stderr), bytes };
        assert!(!it.stderr.contains("panicked"), "{it:#?}");
        it
    }

    /// Starts a command and gives a hold of it.
    pub fn in_background(command: &mut Command, stdout: &Path) -> Background {
        let file = File::create(stdout).expect("the folder is writable");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(Stdio::piped()).spawn();
        let child = child.expect("the program can be started");
        Background { command: typed(command), child: Some(child), stdout: stdout.to_owned() }
    }

    /// Requires this exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The one document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(problem) => panic!("standard output is no JSON document: {problem}: {self:#?}"),
        }
    }

    /// The documents on standard output, a line each.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|it| panic!("no JSON line: {it}: {self:#?}"))
        };
        self.stdout.lines().map(parse).collect()
    }

    /// Requires the error form of `--json`, with this exit code and word, and gives message and help as one text.
    #[track_caller]
    pub fn expect_error(self, exit: i32, code: &str) -> String {
        let it = self.expect(exit);
        let document = it.json();
        let error = &document["error"];
        assert_eq!(error["code"], code, "{it:#?}");
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("message").is_empty(), "{it:#?}");
        format!("{}\n{}", text("message"), text("help"))
    }
}

/// A command that runs. Killed when it is dropped.
#[derive(Debug)]
pub struct Background {
    command: String,
    child: Option<Child>,
    stdout: PathBuf,
}

impl Background {
    /// What it has printed so far.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stdout).unwrap_or_default()).into_owned()
    }

    /// Waits until it has printed this.
    pub fn wait_for(&self, text: &str) {
        wait::for_that("the command prints it", || self.so_far().contains(text));
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        let child = self.child.as_ref().expect("it is there until it is joined");
        i32::try_from(child.id()).expect("a process id fits")
    }

    /// Waits for its end.
    pub fn join(mut self) -> Output {
        let child = self.child.take().expect("it is joined once");
        let mut output = Output::of_child(self.command.clone(), child);
        output.bytes = fs::read(&self.stdout).expect("it has printed there");
        output.stdout = String::from_utf8_lossy(&output.bytes).into_owned();
        output
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` exited with {}\n{}\n{}", self.command, self.code, self.stdout, self.stderr)
    }
}

/// The exit code as shells tell it.
pub fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or(status.signal().map(|it| 128 + it)).expect("an end is a code or a signal")
}

fn typed(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|it| it.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).ok();
        }
        bytes
    })
}
