//! The terminal device.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::getpgrp;
use rustix::termios::{
    OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr, ttyname,
};

use super::writer::Port;
use crate::error::Error;

/// What a terminal is taken for that does not know its own size.
const SIZE: (u16, u16) = (80, 24);

/// How often a stalled write looks whether it is still wanted.
const STALL: Duration = Duration::from_millis(100);

/// The terminal, opened for itself: that writes do not block is a setting of the open file, which standard output shares
/// with the shell.
#[derive(Debug)]
pub(super) struct Tty {
    fd: OwnedFd,
}

impl Tty {
    /// The terminal that this process was started on.
    pub(super) fn open() -> Result<Self, Error> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        if !isatty(&stdin) || !isatty(&stdout) {
            return Err(Error::usage(
                "the console needs a terminal as standard input and output",
                "start `runyard` without pipes or redirections, or use its commands: `runyard --help`",
            ));
        }
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = ttyname(&stdout, Vec::new())
            .and_then(|name| open(name, flags, Mode::empty()))
            // Another user's terminal, as after `su`, can be had by no other name.
            .or_else(|_| open("/dev/tty", flags, Mode::empty()))
            .map_err(io::Error::from)
            .or_else(|_| stdout.as_fd().try_clone_to_owned())
            .map_err(Error::system("open the terminal"))?;
        Ok(Self { fd })
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        match tcgetwinsize(&self.fd) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => SIZE,
        }
    }

    pub(super) fn settings(&self) -> Result<Termios, Error> {
        tcgetattr(&self.fd).map_err(|it| Error::system("read the terminal's settings")(it.into()))
    }

    /// Every key as it is typed, and no echo.
    pub(super) fn set_raw(&self) -> Result<(), Error> {
        let mut settings = self.settings()?;
        settings.make_raw();
        tcsetattr(&self.fd, OptionalActions::Now, &settings)
            .map_err(|it| Error::system("change the terminal's settings")(it.into()))
    }

    /// Sets what [`Self::settings`] gave. That the terminal may be gone is no further trouble.
    pub(super) fn set(&self, settings: &Termios) {
        let _ = tcsetattr(&self.fd, OptionalActions::Now, settings);
    }

    /// Whether this process may change and read it without being stopped.
    pub(super) fn is_foreground(&self) -> bool {
        tcgetpgrp(&self.fd).is_ok_and(|group| group == getpgrp())
    }

    /// Whether the other side is gone.
    pub(super) fn hung_up(&self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::empty())];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Port for &Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.fd, bytes)?)
    }

    fn wait(&mut self) -> io::Result<()> {
        let stall = Timespec::try_from(STALL).expect("a tenth of a second is a time");
        match poll(&mut [PollFd::new(&self.fd, PollFlags::OUT)], Some(&stall)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
