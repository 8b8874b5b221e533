//! The demo's folder, and the daemon that lives in it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::files::{EXAMPLES, SALES};
use super::signals::Signals;
use super::{DAY, day, leftover};
use crate::client::Client;
use crate::error::Error;
use crate::spawn::{self, Started};

/// The longest path of a socket. Source: `sun_path` in unix(7), less its closing NUL.
const SOCKET_BYTES_MAX: usize = 107;
/// How long the daemon may take to end.
const END: Duration = Duration::from_secs(10);

/// A fresh folder with the examples in it.
#[derive(Debug)]
pub(super) struct Home {
    folder: TempDir,
    pub(super) keep: bool,
}

impl Home {
    pub(super) fn make(keep: bool) -> Result<Self, Error> {
        let new = |base: &Path| tempfile::Builder::new().prefix("runyard-demo-").tempdir_in(base);
        let doing = || Error::system("make a folder for the demo");
        let mut folder = new(&std::env::temp_dir()).map_err(doing())?;
        let longest = folder.path().join("state/pools/local/runner.sock.new");
        if longest.as_os_str().as_bytes().len() > SOCKET_BYTES_MAX {
            folder = new(Path::new("/tmp")).map_err(doing())?;
        }
        folder.disable_cleanup(keep);
        let home = Self { folder, keep };
        for name in ["state", "pos", "dashboards"] {
            let path = home.path().join(name);
            DirBuilder::new().mode(0o700).create(path).map_err(doing())?;
        }
        // The user's own configuration is not the demo's.
        write(&home.path().join("runyard.toml"), b"", 0o644).map_err(doing())?;
        for example in EXAMPLES {
            let mode = if example.executable { 0o755 } else { 0o644 };
            let path = home.workflows().join(example.path);
            write(&path, example.bytes, mode).map_err(doing())?;
        }
        Ok(home)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn workflows(&self) -> PathBuf {
        self.path().join("workflows")
    }

    /// Where the tills leave their files.
    pub(super) fn pos(&self) -> PathBuf {
        self.path().join("pos")
    }

    /// Where the dashboards appear.
    pub(super) fn dashboards(&self) -> PathBuf {
        self.path().join("dashboards")
    }

    /// Delivers the day's sales.
    pub(super) fn deliver(&self) -> Result<String, Error> {
        deliver(&self.pos())
    }

    /// Where the daemon listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.path().join("runyardd.sock")
    }

    /// Removes it, unless it is to be kept.
    pub(super) fn close(self) -> Result<(), Error> {
        if self.keep {
            return Ok(());
        }
        let doing = format!("remove the folder `{}`", self.path().display());
        self.folder.close().map_err(Error::system(doing))
    }
}

/// Leaves the day's sales in a folder, as a till should: under another name until they are complete.
pub(super) fn deliver(pos: &Path) -> Result<String, Error> {
    let sales = day::cut(&String::from_utf8_lossy(SALES), "Order Date", DAY);
    let file = pos.join(format!("{DAY}.csv"));
    let part = pos.join(format!("{DAY}.csv.part"));
    fs::write(&part, sales)
        .and_then(|()| fs::rename(&part, &file))
        .map_err(Error::system(format!("write the file `{}`", file.display())))?;
    Ok(file.display().to_string())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(bytes)
}

/// The demo's own daemon. Ends with the value, however that goes.
#[derive(Debug)]
pub(super) struct PrivateDaemon {
    started: Started,
    folder: PathBuf,
}

impl PrivateDaemon {
    /// Starts it and waits until it answers.
    pub(super) fn start(home: &Home, signals: &Signals) -> Result<(Self, Client), Error> {
        let socket = home.socket();
        let flags = [
            ("--config", home.path().join("runyard.toml")),
            ("--state-dir", home.path().join("state")),
            ("--workflows", home.workflows()),
            ("--socket", socket.clone()),
        ];
        let flags: Vec<(&str, &Path)> =
            flags.iter().map(|(flag, it)| (*flag, it.as_path())).collect();
        let started = spawn::start(&flags, &home.path().join("runyardd.stderr"))?;
        let mut daemon = Self { started, folder: home.path().to_owned() };
        let client = daemon.started.answered(&socket, || signals.check())?;
        Ok((daemon, client))
    }

    /// Ends it, and its runner.
    pub(super) fn stop(self) {
        drop(self);
    }

    fn ended_within(&mut self, span: Duration) -> bool {
        let until = Instant::now() + span;
        loop {
            if !matches!(self.started.process.try_wait(), Ok(None)) {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for PrivateDaemon {
    fn drop(&mut self) {
        if !self.ended_within(Duration::ZERO) {
            let _ = kill_process(Pid::from_child(&self.started.process), Signal::TERM);
            if !self.ended_within(END) {
                let _ = self.started.process.kill();
                let _ = self.started.process.wait();
            }
        }
        leftover::end(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_folder_holds_the_examples_and_is_removed() {
        let home = Home::make(false).expect("a folder can be made");
        let path = home.path().to_owned();
        let script =
            fs::metadata(home.workflows().join("scripts/returns.sh")).expect("it is there");
        assert_eq!(script.permissions().mode() & 0o111, 0o111);
        let file = home.deliver().expect("it can be written");
        assert!(fs::read_to_string(file).expect("it is there").starts_with("Row ID,"));
        home.close().expect("it can be removed");
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_is_to_be_kept_stays() {
        let home = Home::make(true).expect("a folder can be made");
        let path = home.path().to_owned();
        home.close().expect("there is nothing to do");
        assert!(path.join("workflows/hello.yaml").exists());
        fs::remove_dir_all(path).expect("it can be removed");
    }
}
