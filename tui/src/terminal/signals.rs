//! What the system wants of the process.

use std::io;

use rustix::process::Signal as Posix;
use tokio::signal::unix::{self, SignalKind, signal};

/// What the system wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signal {
    /// End with this exit code.
    End(u8),
    /// Give the terminal back and stop.
    Stop,
    /// It goes on after a stop, announced or not.
    Continue,
}

/// The signals that the console answers. Until it is dropped, and after, none of them ends the process by itself.
#[derive(Debug)]
pub(crate) struct Signals {
    hang_up: unix::Signal,
    interrupt: unix::Signal,
    quit: unix::Signal,
    terminate: unix::Signal,
    stop: unix::Signal,
    go_on: unix::Signal,
}

impl Signals {
    /// Starts to listen. Must be called inside the runtime, and before the terminal is entered.
    pub(crate) fn listen() -> io::Result<Self> {
        let other = |it: Posix| signal(SignalKind::from_raw(it.as_raw()));
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            stop: other(Posix::TSTP)?,
            go_on: other(Posix::CONT)?,
        })
    }

    /// The next one. Cancel safe.
    pub(crate) async fn recv(&mut self) -> Signal {
        // An end comes first: a stopped process that is to end is also told to go on, and must not draw once more.
        tokio::select! {
            biased;
            _ = self.hang_up.recv() => end(Posix::HUP),
            _ = self.terminate.recv() => end(Posix::TERM),
            _ = self.quit.recv() => end(Posix::QUIT),
            _ = self.interrupt.recv() => end(Posix::INT),
            _ = self.stop.recv() => Signal::Stop,
            _ = self.go_on.recv() => Signal::Continue,
        }
    }
}

/// The exit code that shells give for the signal.
fn end(signal: Posix) -> Signal {
    Signal::End(u8::try_from(128 + signal.as_raw()).expect("these signals are below 32"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_has_the_exit_code_of_its_signal() {
        assert_eq!(end(Posix::TERM), Signal::End(143));
        assert_eq!(end(Posix::HUP), Signal::End(129));
    }
}
