//! A private daemon, its client, and what they cost.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use shared::snapshot::RunView;

use crate::Outcome;

/// How long a daemon may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon with a state folder of its own. It ends with this value.
#[derive(Debug)]
pub(crate) struct Daemon {
    programs: PathBuf,
    socket: PathBuf,
    process: Child,
}

/// How long a run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    /// From `created` to `ended`, as the daemon has recorded them.
    pub(crate) recorded: Duration,
    /// From the start of `runyard run --wait` to its end.
    pub(crate) waited: Duration,
}

impl Daemon {
    /// Starts a daemon in the new folder `dir`, with these workflows and so many slots.
    pub(crate) fn start(
        programs: &Path,
        dir: &Path,
        slots: usize,
        workflows: &[(&str, String)],
    ) -> Outcome<Self> {
        let (config, library) = (dir.join("runyard.toml"), dir.join("workflows"));
        fs::create_dir_all(&library)?;
        fs::write(&config, format!("[pools.local]\nslots = {slots}\n"))?;
        for (name, text) in workflows {
            fs::write(library.join(format!("{name}.yaml")), text)?;
        }
        let socket = dir.join("socket");
        let process = Command::new(programs.join("runyardd"))
            .arg("--config")
            .arg(config)
            .arg("--state-dir")
            .arg(dir.join("state"))
            .arg("--workflows")
            .arg(library)
            .arg("--socket")
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.join("stderr"))?)
            .spawn()?;
        let daemon = Self { programs: programs.to_owned(), socket, process };
        let until = Instant::now() + PATIENCE;
        while UnixStream::connect(&daemon.socket).is_err() {
            if Instant::now() > until {
                let said = fs::read_to_string(dir.join("stderr")).unwrap_or_default();
                return Err(format!("the daemon does not listen: {said}").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        // A run waits for the pool, and the first would pay for it.
        let is_up = |it: &Output| String::from_utf8_lossy(&it.stdout).contains("\"up\"");
        while !is_up(&daemon.ask(&["pools", "--json"])?) {
            if Instant::now() > until {
                return Err("the daemon has no runner".into());
            }
        }
        Ok(daemon)
    }

    /// The client with this daemon as its own.
    pub(crate) fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("runyard"));
        command.arg("--socket").arg(&self.socket).args(arguments).stdin(Stdio::null());
        command
    }

    /// What the client prints; it must succeed.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Outcome<Output> {
        let output = self.client(arguments).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(
                format!("runyard {}: {}: {said}", arguments.join(" "), output.status).into()
            );
        }
        Ok(output)
    }

    /// Runs a workflow to its end. All of its `tasks` must have succeeded.
    pub(crate) fn run(&self, workflow: &str, tasks: usize) -> Outcome<Took> {
        let before = Instant::now();
        self.ask(&["run", workflow, "--wait"])?;
        let waited = before.elapsed();
        let shown = self.ask(&["show", &format!("@latest:{workflow}"), "--json"])?;
        let run: RunView = serde_json::from_slice(&shown.stdout)?;
        let succeeded = run.counts.get("succeeded").copied().unwrap_or(0);
        let (Some(ended), "succeeded", true) =
            (run.ended, run.state.as_str(), succeeded as usize == tasks)
        else {
            return Err(format!("{workflow} is {}: {:?} of {tasks}", run.state, run.counts).into());
        };
        Ok(Took { recorded: ended.since(run.created), waited })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The runner that the daemon has started.
    pub(crate) fn runner(&self) -> Outcome<u32> {
        let own = self.pid().to_string();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|it| it.parse::<u32>().ok()) else { continue };
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            if status.lines().any(|it| it.strip_prefix("PPid:\t") == Some(&own)) {
                return Ok(pid);
            }
        }
        Err("the daemon has no runner".into())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let until = Instant::now() + PATIENCE;
        // A failure here means that it is gone already.
        kill_process(Pid::from_child(&self.process), Signal::TERM).ok();
        while matches!(self.process.try_wait(), Ok(None)) {
            if Instant::now() > until {
                self.process.kill().ok();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The memory that a process alone is to blame for (PSS), in bytes.
pub(crate) fn memory(pid: u32) -> Outcome<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|it| it.strip_prefix("Pss:"));
    let kib = line.and_then(|it| it.trim().strip_suffix(" kB")).ok_or("there is no PSS")?;
    Ok(kib.trim().parse::<f64>()? * 1024.0)
}

/// The processor time that all threads of a process have had.
pub(crate) fn cpu(pid: u32) -> Outcome<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
