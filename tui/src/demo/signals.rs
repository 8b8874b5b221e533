//! A person's wish to stop, by ^C or by a signal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::{io, thread};

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// Whether a signal has come.
#[derive(Debug)]
pub(super) struct Signals(Arc<AtomicBool>);

impl Signals {
    /// From here on SIGINT, SIGTERM and SIGHUP no longer end this process, but are remembered.
    pub(super) fn watch() -> Result<Self, Error> {
        let came = Arc::new(AtomicBool::new(false));
        let (ready, is_ready) = mpsc::channel();
        let remember = Arc::clone(&came);
        thread::spawn(move || wait(&remember, &ready));
        let started = is_ready.recv().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        started.map_err(Error::system("watch for signals"))?;
        Ok(Self(came))
    }

    /// None that could come.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// An error once a signal has come.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

fn wait(came: &AtomicBool, ready: &mpsc::Sender<io::Result<()>>) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        let mut signals = match listen() {
            Ok(signals) => signals,
            Err(error) => return drop(ready.send(Err(error))),
        };
        let _ = ready.send(Ok(()));
        let [interrupt, terminate, hang_up] = &mut signals;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            came.store(true, Ordering::Relaxed);
        }
    });
}

fn listen() -> io::Result<[Signal; 3]> {
    Ok([
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ])
}
