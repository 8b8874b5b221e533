//! The same story in the console: the file arrives by itself, and a person looks on and approves.

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::home::{Home, PrivateDaemon, deliver};
use super::play::{self, BEFORE_FILE};
use super::say;
use super::signals::Signals;
use crate::cli::Cx;
use crate::console::{self, Opening};
use crate::error::{Error, Exit};

const HINT: &str = "the day's sales arrive in a second; at publish_ok press a to approve";

/// Opens the console on the run of the day, and ends the daemon when it was left.
pub(super) fn in_console(cx: &mut Cx, home: &Home, signals: &Signals) -> Result<Exit, Error> {
    say(cx, "a private daemon starts")?;
    cx.out.flush()?;
    let (daemon, client) = PrivateDaemon::start(home, signals)?;
    let shown = play::start(&client, home).and_then(|run| {
        let till = Till::open(home.pos(), BEFORE_FILE);
        let opening = Opening {
            socket: home.socket(),
            host: "demo".to_owned(),
            run: Some(run),
            hint: Some(HINT.to_owned()),
            leaving: "The demo's daemon and its run end with it.",
        };
        let shown = console::open(&cx.global, opening);
        let delivered = till.close();
        let exit = shown?;
        delivered.map(|()| exit)
    });
    play::give_up(&client);
    daemon.stop();
    let exit = shown?;
    // Where a signal has ended it, nobody may be there to read it.
    if !matches!(exit, Exit::Signal(_)) {
        say(cx, &farewell(home))?;
    }
    Ok(exit)
}

fn farewell(home: &Home) -> String {
    if home.keep {
        format!("ended; everything is kept in {}", home.path().display())
    } else {
        "ended, and nothing is left of it; --keep keeps its folder".to_owned()
    }
}

/// Delivers the day's sales after a while, unless it is closed before.
#[derive(Debug)]
struct Till {
    closing: Sender<()>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Till {
    fn open(pos: PathBuf, after: Duration) -> Self {
        let (closing, is_closing) = mpsc::channel();
        let thread = thread::spawn(move || match is_closing.recv_timeout(after) {
            Err(RecvTimeoutError::Timeout) => deliver(&pos).map(drop),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
        });
        Self { closing, thread }
    }

    fn close(self) -> Result<(), Error> {
        drop(self.closing);
        self.thread.join().unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_till_delivers_once_its_time_has_come() {
        let folder = tempfile::tempdir().expect("a fresh folder");
        let till = Till::open(folder.path().to_owned(), Duration::ZERO);
        let file = folder.path().join("2017-12-22.csv");
        while !file.exists() {
            thread::yield_now();
        }
        till.close().expect("it could be written");
    }

    #[test]
    fn a_till_that_is_closed_before_delivers_nothing() {
        let folder = tempfile::tempdir().expect("a fresh folder");
        let till = Till::open(folder.path().to_owned(), Duration::from_secs(3_600));
        till.close().expect("there was nothing to do");
        assert!(!folder.path().join("2017-12-22.csv").exists());
    }
}
