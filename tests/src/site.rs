//! A fresh folder with workflows, and a daemon of its own.

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::output::{Background, Output, exit_code};
use crate::{processes, programs, wait};

/// See the module. Ends with everything in it.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    daemon: Option<Child>,
    commands: AtomicU32,
    /// How many runners were killed.
    runners: AtomicU32,
}

impl Site {
    /// A folder with a workflow file each; no daemon yet.
    pub fn empty(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("ry-").tempdir_in("/tmp");
        let folder = folder.expect("/tmp is writable");
        let site =
            Self { folder, daemon: None, commands: AtomicU32::new(0), runners: AtomicU32::new(0) };
        make_folder(&site.workflows());
        for (name, text) in files {
            site.write(name, text);
        }
        site
    }

    /// A folder with the examples of the repository; no daemon yet.
    pub fn examples() -> Self {
        let site = Self::empty(&[]);
        copy_tree(&programs::repository().join("workflows"), &site.workflows());
        site
    }

    /// The same as [`Site::empty`], with a daemon that answers.
    pub fn start(files: &[(&str, &str)]) -> Self {
        let mut site = Self::empty(files);
        site.start_daemon();
        site
    }

    /// The folder of it all.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The workflows folder.
    pub fn workflows(&self) -> PathBuf {
        self.path().join("w")
    }

    /// The daemon's state folder.
    pub fn state(&self) -> PathBuf {
        self.path().join("s")
    }

    /// The daemon's socket.
    pub fn socket(&self) -> PathBuf {
        self.path().join("d.sock")
    }

    /// Writes a file in the workflows folder.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.workflows().join(name);
        make_folder(path.parent().expect("a file has a folder"));
        fs::write(&path, text).expect("the folder is writable");
    }

    /// The daemon's configuration; it is read at its next start.
    pub fn configure(&self, text: &str) {
        fs::write(self.path().join("runyard.toml"), text).expect("the folder is writable");
    }

    /// A configuration with two slots, whatever the machine has.
    pub fn configure_small(&self) {
        self.configure("[pools.local]\nslots = 2\n");
    }

    /// The command line that starts the daemon, as arguments of `before` if that is not empty.
    pub fn daemon_command(&self, before: &[&str]) -> Command {
        let program = programs::path("runyardd");
        let mut command = match before {
            [] => Command::new(program),
            [tool, rest @ ..] => {
                let mut command = Command::new(tool);
                command.args(rest).arg(program);
                command
            }
        };
        command.arg("--state-dir").arg(self.state());
        command.arg("--workflows").arg(self.workflows());
        command.arg("--socket").arg(self.socket());
        let config = self.path().join("runyard.toml");
        if config.exists() {
            command.arg("--config").arg(config);
        }
        self.environment(&mut command);
        command
    }

    /// Starts the daemon, and waits until it answers.
    pub fn start_daemon(&mut self) {
        self.launch(&[]);
        wait::for_some("the daemon answers", || {
            let status = self.try_runyard(&["status", "--json"]);
            if status.code == 0 {
                return Some(());
            }
            let ended = self.ended();
            assert!(ended.is_none(), "the daemon ended with {ended:?}: {}", self.complaints());
            None
        });
        // Answered once the workflows have been taken in; 2 says that one of them is broken.
        let read = self.runyard(&["reload", "--json"]);
        assert!([0, 2].contains(&read.code), "{read:#?}");
    }

    /// Starts the daemon as arguments of a tool (`strace …`), and waits for nothing.
    pub fn launch(&mut self, before: &[&str]) {
        assert!(self.daemon.is_none(), "the daemon runs already");
        let open = |it| File::options().create(true).append(true).open(it);
        let stderr = open(self.path().join("stderr")).expect("the folder is writable");
        let mut command = self.daemon_command(before);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        self.daemon = Some(command.spawn().expect("the daemon can be started"));
    }

    /// The exit code of the daemon, if it has ended; it can be started again then.
    pub fn ended(&mut self) -> Option<i32> {
        let child = self.daemon.as_mut()?;
        let status = child.try_wait().expect("a child can be waited for")?;
        self.daemon = None;
        Some(exit_code(status))
    }

    /// Whether the daemon has been started, and has not been seen to end.
    pub fn is_started(&self) -> bool {
        self.daemon.is_some()
    }

    /// The process that was started as the daemon: its own, or that of the tool that started it.
    pub fn pid(&self) -> i32 {
        let child = self.daemon.as_ref().expect("the daemon runs");
        i32::try_from(child.id()).expect("a process id fits")
    }

    /// Kills the daemon as a crash would.
    pub fn kill9(&mut self) {
        let program = programs::path("runyardd");
        let is_daemon =
            |it: &processes::Process| it.command.starts_with(&*program.to_string_lossy());
        let found = processes::of_folder(self.path()).into_iter().filter(is_daemon);
        found.for_each(|it| processes::signal(it.pid, Signal::KILL));
        wait::for_some("the killed daemon is gone", || self.ended());
    }

    /// Ends the daemon as an operator would, and gives its exit code.
    pub fn terminate(&mut self) -> i32 {
        processes::signal(self.pid(), Signal::TERM);
        wait::for_some("the daemon ends when it is asked to", || self.ended())
    }

    /// The process of the runner of the pool `local`, if it lives.
    pub fn runner(&self) -> Option<i32> {
        let found = processes::of_folder(self.path());
        let is_runner = |it: &&processes::Process| {
            let program = it.command.split(' ').next().unwrap_or_default();
            program.ends_with("runyard-runner") && it.command.contains(" --dir ")
        };
        let runners: Vec<i32> = found.iter().filter(is_runner).map(|it| it.pid).collect();
        // A child that has not become its task yet looks like its runner.
        let is_child = |pid: &i32| runners.contains(&processes::parent(*pid));
        runners.iter().find(|pid| !is_child(pid)).copied()
    }

    /// Whether a runner was killed here.
    pub fn has_lost_its_runner(&self) -> bool {
        self.runners.load(Ordering::Relaxed) > 0
    }

    /// Kills the runner of the pool `local` as a crash would; gives whether there was one.
    pub fn kill_runner(&self) -> bool {
        let Some(runner) = self.runner() else { return false };
        processes::signal(runner, Signal::KILL);
        self.runners.fetch_add(1, Ordering::Relaxed);
        wait::for_that("the killed runner is gone", || !processes::lives(runner));
        true
    }

    /// The command line of a client of this site's daemon.
    pub fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs::path("runyard"));
        command.args(arguments);
        self.environment(&mut command);
        command
    }

    /// Runs a command of `runyard` to its end. It must not say that it cannot reach the daemon.
    #[track_caller]
    pub fn runyard(&self, arguments: &[&str]) -> Output {
        let output = self.try_runyard(arguments);
        assert_ne!(output.code, 5, "{output:#?}\n{}", self.complaints());
        output
    }

    /// Runs a command of `runyard` to its end, however that is.
    pub fn try_runyard(&self, arguments: &[&str]) -> Output {
        Output::of(&mut self.client(arguments))
    }

    /// Starts a command of `runyard`.
    pub fn in_background(&self, arguments: &[&str]) -> Background {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let stdout = self.path().join(format!("stdout.{number}"));
        Output::in_background(&mut self.client(arguments), &stdout)
    }

    /// Makes a run, and gives its id.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.runyard(&[&["run", "--json"], arguments].concat()).expect(0);
        output.json()["run"].as_str().expect("a run has an id").to_owned()
    }

    /// The document of `show`.
    #[track_caller]
    pub fn show(&self, run: &str) -> Value {
        self.runyard(&["show", run, "--json"]).expect(0).json()
    }

    /// The row of a task in the document of `show`.
    #[track_caller]
    pub fn task(&self, run: &str, task: &str) -> Value {
        let (name, item) = task.split_once(':').map_or((task, None), |(it, key)| (it, Some(key)));
        let view = match item {
            None => self.show(run),
            Some(_) => {
                self.runyard(&["show", run, &format!("{name}:*"), "--json"]).expect(0).json()
            }
        };
        let rows = view["tasks"].as_array().expect("a run has tasks");
        let is_it = |row: &&Value| row["task"] == name && row["item"].as_str() == item;
        rows.iter().find(is_it).unwrap_or_else(|| panic!("no task `{task}` in {view:#}")).clone()
    }

    /// Waits until a task is in this state, and gives its row.
    #[track_caller]
    pub fn wait_for_task(&self, run: &str, task: &str, state: &str) -> Value {
        let mut last = Value::Null;
        let found = wait::until(wait::BOUND, || {
            last = self.task(run, task);
            (last["state"] == state).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("`{task}` never was {state}: {last:#}\n{}", self.log()))
    }

    /// Waits until a run is over, and gives the document of `show`.
    #[track_caller]
    pub fn wait_for_end(&self, run: &str) -> Value {
        let mut last = Value::Null;
        let found = wait::until(wait::BOUND, || {
            last = self.show(run);
            is_over(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("the run never ended: {last:#}\n{}", self.log()))
    }

    /// Waits until an event of the run meets the condition, and gives it.
    #[track_caller]
    pub fn wait_for_event(&self, run: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        wait::for_some("the event comes", || {
            let events = self.runyard(&["events", run, "--json"]).expect(0).json_lines();
            events.into_iter().find(&is_it)
        })
    }

    /// What a task has printed in its last attempt.
    #[track_caller]
    pub fn task_log(&self, run: &str, task: &str) -> String {
        self.runyard(&["logs", run, task]).expect(0).stdout
    }

    /// The daemon's own log, all days of it.
    pub fn log(&self) -> String {
        let files = fs::read_dir(self.state().join("log")).into_iter().flatten().flatten();
        let read = |it: fs::DirEntry| fs::read(it.path()).unwrap_or_default();
        files.map(|it| String::from_utf8_lossy(&read(it)).into_owned()).collect()
    }

    /// What the daemon has written on standard error, in all its lives.
    pub fn complaints(&self) -> String {
        let bytes = fs::read(self.path().join("stderr")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn environment(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().current_dir(self.path());
        command.env("PATH", path).env("HOME", self.path()).env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.env("RUNYARD_SOCKET", self.socket());
    }

    /// Requires that no program of this site has told of a panic so far.
    pub fn assert_no_panic(&self) {
        let runner = self.state().join("pools/local/runner.err");
        let runner = fs::read_to_string(runner).unwrap_or_default();
        let all = [self.complaints(), self.log(), runner];
        let panic = all.iter().find(|it| it.contains("panicked"));
        assert!(panic.is_none(), "a program of this site has panicked:\n{panic:?}");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(child) = &mut self.daemon {
            child.kill().ok();
            child.wait().ok();
        }
        processes::kill_all(self.path());
        if !thread::panicking() {
            self.assert_no_panic();
        }
    }
}

/// Whether a run's document says that it is over.
pub fn is_over(view: &Value) -> bool {
    let over = [
        "succeeded",
        "partial",
        "failed",
        "cancelled",
        "skipped",
        "rolled_back",
        "rollback_failed",
    ];
    view["state"].as_str().is_some_and(|it| over.contains(&it))
}

/// Copies a folder with everything in it, modes included.
pub fn copy_tree(from: &Path, to: &Path) {
    make_folder(to);
    for entry in fs::read_dir(from).expect("the folder is there").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, &target).expect("the file can be copied");
        }
    }
}

fn make_folder(path: &Path) {
    fs::create_dir_all(path).expect("the folder can be made");
}
