//! The terminal: taken over, drawn on by one thread, and given back on every way out.
//!
//! A frame goes from [`FrameEncoder`] as bytes to the [`Writer`]; keys come from [`read_events`], what the system wants from
//! [`Signals`]. Nothing here knows what is drawn.

mod caps;
mod clipboard;
mod frame;
mod keys;
mod sgr;
mod signals;
mod tty;
mod watchdog;
mod writer;

use std::panic;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{self, Signal as Posix};
use rustix::termios::Termios;

use crate::error::Error;

pub(crate) use caps::{Caps, ColorDepth};
pub(crate) use clipboard::{BELL, copy};
pub(crate) use frame::FrameEncoder;
pub(crate) use keys::{Event, Press, read_events};
pub(crate) use signals::{Signal, Signals};
pub(crate) use writer::Writer;

use tty::Tty;

/// Alternate screen, no cursor, pastes in brackets, focus reports.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1004h";
/// The reverse of [`ENTER`]. First of all it ends a frame that was cut: a terminal in the midst of one stays frozen.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// Cancels an escape sequence that was cut.
const CANCEL: &[u8] = b"\x18";

/// How long a stalled terminal may keep the program from leaving it.
const PATIENCE: Duration = Duration::from_millis(500);

/// The exit code of a panic.
const PANICKED: i32 = 101;

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Terminal {
    screen: Arc<Screen>,
}

impl Terminal {
    /// Takes the terminal over. From here on a panic in any thread or task gives it back, says what happened and ends the
    /// process with 101, and a hang-up ends it with 129.
    pub(crate) fn enter(caps: &Caps) -> Result<Self, Error> {
        let tty = Arc::new(Tty::open()?);
        watchdog::start(&tty).map_err(Error::system("watch the terminal"))?;
        let writer = Writer::start(Arc::clone(&tty), caps.idle_marks)
            .map_err(Error::system("start the thread that draws"))?;
        let screen = Arc::new(Screen { tty, writer, cooked: Mutex::new(None) });
        leave_on_panic(&screen);
        screen.enter()?;
        Ok(Self { screen })
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u16, u16) {
        self.screen.tty.size()
    }

    /// Where frames go.
    pub(crate) fn writer(&self) -> &Writer {
        &self.screen.writer
    }

    /// Gives the terminal back and stops this process and those it was started with, as `^Z` does. After [`Signal::Continue`]
    /// call [`Self::resume`]. False: there is no shell that could continue it, and nothing was done.
    pub(crate) fn suspend(&self) -> bool {
        if !has_shell() {
            return false;
        }
        self.screen.leave();
        // The whole group: a script that waits for this process must stop too, or its shell waits for ever.
        let _ = process::kill_current_process_group(Posix::STOP);
        true
    }

    /// Takes the terminal over again after a stop; the next frame must be a full one. False: another process is in the
    /// foreground, and nothing was done.
    pub(crate) fn resume(&self) -> Result<bool, Error> {
        if !self.screen.tty.is_foreground() {
            return Ok(false);
        }
        self.screen.enter().map(|()| true)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.screen.leave();
    }
}

/// What the panic hook shares with the guard.
#[derive(Debug)]
struct Screen {
    tty: Arc<Tty>,
    writer: Writer,
    /// The settings to go back to; none while the terminal is not ours.
    cooked: Mutex<Option<Termios>>,
}

impl Screen {
    fn enter(&self) -> Result<(), Error> {
        let mut cooked = self.cooked();
        // After an unannounced stop these are still known, and what the terminal has would be the shell's.
        if cooked.is_none() {
            *cooked = Some(self.tty.settings()?);
        }
        self.tty.set_raw()?;
        self.writer.open();
        self.writer.put(ENTER.to_vec());
        Ok(())
    }

    fn leave(&self) {
        // Held to the end: a second one that leaves must not end the process before the first is done.
        let mut ours = self.cooked();
        let Some(cooked) = ours.take() else { return };
        if self.tty.hung_up() {
            return;
        }
        if !self.writer.close(LEAVE, PATIENCE) {
            self.leave_stalled();
        }
        self.tty.set(&cooked);
    }

    /// The writer is stuck in the middle of something: what fits is said past it.
    fn leave_stalled(&self) {
        let until = Instant::now() + PATIENCE / 2;
        let _ = writer::write_all(&mut &*self.tty, &[CANCEL, LEAVE].concat(), || {
            Instant::now() > until
        });
    }

    fn cooked(&self) -> MutexGuard<'_, Option<Termios>> {
        self.cooked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave_on_panic(screen: &Arc<Screen>) {
    let screen = Arc::clone(screen);
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        screen.leave();
        report(panic);
        end(PANICKED);
    }));
}

/// Whether somebody outside this process group, in the same session, waits for it.
fn has_shell() -> bool {
    process::getsid(None).is_ok_and(|session| session != process::getpgrp())
}

#[expect(
    clippy::disallowed_methods,
    reason = "after a panic half of the program must not go on, and after a hang-up nobody is there to return to"
)]
fn end(code: i32) -> ! {
    std::process::exit(code)
}
