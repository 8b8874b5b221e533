//! The console as a person has it: in a terminal of its own, driven by keys, and read off the screen.
//!
//! A [`Console`] is a program in a pty. What it writes is kept as it is, shown by a terminal ([`Screen`]), and counted in
//! frames. A test waits for a picture ([`Console::until`]) or for all that was typed to be drawn ([`Console::idle`]); both
//! are woken by bytes and bounded by [`wait::BOUND`]. Where a test fails, the bytes are left in a file.

mod key;
mod screen;
mod spawn;
mod tap;
pub mod wire;

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use portable_pty::{Child, ExitStatus, MasterPty, native_pty_system};
use rustix::process::Signal;

use crate::{Site, processes, programs, wait};

pub use key::Key;
pub use screen::{Look, Screen};
pub use tap::Heard;

use spawn::{builder, is_stopped, pty_size};
use tap::Tap;

/// What tests use unless they are about another size: columns and rows.
pub const SIZE: (u16, u16) = (80, 24);

/// The file is to be opened without becoming anybody's terminal.
const NO_CONTROLLING_TTY: i32 = rustix::fs::OFlags::NOCTTY.bits() as i32;

/// A program in a terminal. Killed when it is dropped.
pub struct Console {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    tap: Arc<Tap>,
    /// How many keys and pastes were sent.
    sent: u64,
    has_ended: bool,
}

/// A place in what a program has written; its beginning by default.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Mark {
    bytes: usize,
    frames: u64,
}

impl Console {
    /// The console of this site, `size` being columns and rows.
    pub fn open(site: &Site, size: (u16, u16)) -> Self {
        Self::of(&Self::command(site, &[]), size)
    }

    /// The command line of the console of this site, to be changed as a test needs.
    pub fn command(site: &Site, arguments: &[&str]) -> Command {
        let mut command = site.client(arguments);
        command.env("TERM", "xterm-256color").env("RUNYARD_TEST_IDLE", "1");
        command
    }

    /// A program in a terminal. Of its surroundings it gets what `command` names and no more.
    pub fn of(command: &Command, size: (u16, u16)) -> Self {
        let pty = native_pty_system().openpty(pty_size(size)).expect("a pty can be had");
        let child = pty.slave.spawn_command(builder(command));
        let child = child.unwrap_or_else(|it| panic!("{command:?} cannot be started: {it}"));
        // While this process has it open, the end of the program is not the end of what can be read.
        drop(pty.slave);
        let tap = Arc::new(Tap::new(size));
        let reader = pty.master.try_clone_reader().expect("a pty can be read");
        let its = Arc::clone(&tap);
        thread::spawn(move || its.read(reader));
        let writer = pty.master.take_writer().expect("a pty can be written to");
        Self {
            child,
            master: Some(pty.master),
            writer: Some(writer),
            tap,
            sent: 0,
            has_ended: false,
        }
    }

    /// The same under a shell with job control. When the program stops or ends the shell says `[shell: CODE]`, and reads a
    /// line of commands, such as `fg`, until its input ends.
    pub fn in_shell(command: &Command, size: (u16, u16)) -> Self {
        Self::of(&spawn::shell(command), size)
    }

    /// Types this, a key a character; `\r` is Enter.
    pub fn keys(&mut self, text: &str) -> &mut Self {
        self.send(text.as_bytes(), text.chars().count() as u64)
    }

    /// Types a key that has no character.
    pub fn key(&mut self, key: Key) -> &mut Self {
        self.send(key.bytes(), 1);
        if key == Key::Esc {
            // With what follows it would be another key.
            self.idle();
        }
        self
    }

    /// Pastes this in brackets, as terminals do.
    pub fn paste(&mut self, text: &str) -> &mut Self {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes(), 1)
    }

    /// Gives the terminal's window the keys, or takes them away.
    pub fn focus(&mut self, focused: bool) -> &mut Self {
        self.send(if focused { b"\x1b[I" } else { b"\x1b[O" }, 1)
    }

    /// Sends bytes as they are, which are this many inputs.
    pub fn send(&mut self, bytes: &[u8], inputs: u64) -> &mut Self {
        let writer = self.writer.as_mut().expect("the terminal is open");
        writer.write_all(bytes).expect("a pty takes what is typed");
        self.sent += inputs;
        self
    }

    /// Waits until all that was typed is drawn, and gives the screen.
    #[track_caller]
    pub fn idle(&self) -> Screen {
        let sent = self.sent;
        let what = format!("all {sent} inputs are drawn");
        self.tap.wait(&what, |_, heard| heard.idle.is_some_and(|it| it >= sent))
    }

    /// Waits until the screen, between two frames, is so; gives it.
    #[track_caller]
    pub fn until(&self, is_so: impl Fn(&Screen) -> bool, what: &str) -> Screen {
        self.tap.wait(what, |screen, _| is_so(screen))
    }

    /// Waits until this is on the screen.
    #[track_caller]
    pub fn shows(&self, text: &str) -> Screen {
        self.until(|it| it.has(text), &format!("the screen shows {text:?}"))
    }

    /// Waits until this is not on the screen.
    #[track_caller]
    pub fn hides(&self, text: &str) -> Screen {
        self.until(|screen| !screen.has(text), &format!("the screen does not show {text:?}"))
    }

    /// The screen as it is.
    pub fn screen(&self) -> Screen {
        self.tap.look(|screen, _| screen.clone())
    }

    /// What it has said besides the picture.
    pub fn heard(&self) -> Heard {
        self.tap.look(|_, heard| heard.clone())
    }

    /// Where it is in what it has written.
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.tap.bytes_from(0).len(), frames: self.heard().frames }
    }

    /// What it has written since.
    pub fn bytes_since(&self, mark: Mark) -> Vec<u8> {
        self.tap.bytes_from(mark.bytes)
    }

    /// How many frames it has ended since.
    pub fn frames_since(&self, mark: Mark) -> u64 {
        self.heard().frames - mark.frames
    }

    /// What it writes in this time, if anything; returns at the first bytes.
    pub fn bytes_within(&self, time: Duration) -> Vec<u8> {
        self.tap.next_bytes(time)
    }

    /// Makes the terminal another size (columns and rows), and waits until all is drawn anew.
    #[track_caller]
    pub fn resize(&mut self, size: (u16, u16)) -> Screen {
        self.idle();
        let start = self.mark();
        self.set_size(size);
        let screen =
            self.tap.wait_for_bytes("all is drawn anew", start.bytes, wire::is_anew_and_idle);
        // A new size is an input as well; how many it makes of one is the system's.
        self.sent = self.heard().idle.unwrap_or_default();
        screen
    }

    /// Makes the terminal another size, and waits for nothing. Inputs cannot be counted afterwards, only by
    /// [`Self::resize`] again.
    pub fn set_size(&self, size: (u16, u16)) {
        self.tap.resize(size);
        self.master().resize(pty_size(size)).expect("a pty can be resized");
    }

    /// The settings of the terminal, to be compared.
    pub fn settings(&self) -> String {
        format!("{:?}", self.master().get_termios().expect("a pty has settings"))
    }

    /// The process that was started.
    pub fn pid(&self) -> i32 {
        self.child.process_id().and_then(|it| i32::try_from(it).ok()).expect("it was started")
    }

    /// Sends a signal to the process that was started.
    pub fn signal(&self, signal: Signal) {
        processes::signal(self.pid(), signal);
    }

    /// Waits for its end, and gives the exit code. A signal must not have ended it.
    #[track_caller]
    pub fn exit(&mut self) -> i32 {
        let status = self.end();
        assert_eq!(status.signal(), None, "{:?}", self.screen());
        i32::try_from(status.exit_code()).expect("exit codes are small")
    }

    /// Kills it as a crash would.
    pub fn kill9(&mut self) {
        self.signal(Signal::KILL);
        self.end();
    }

    /// Hangs up: the terminal is gone.
    pub fn close_terminal(&mut self) {
        let name = self.master().tty_name().expect("a pty has a name");
        let slave = OpenOptions::new().write(true).custom_flags(NO_CONTROLLING_TTY).open(name);
        // The writer of the pty says good-bye with two keys, which nobody must answer. The hang-up wakes the process.
        self.signal(Signal::STOP);
        let pid = self.pid();
        wait::for_that("it stops", || is_stopped(pid));
        self.writer = None;
        self.master = None;
        self.tap.stop(|| {
            let mut slave = slave.as_ref().expect("the other side can be opened");
            slave.write_all(b" ").expect("it can be written to");
        });
    }

    fn master(&self) -> &dyn MasterPty {
        &**self.master.as_ref().expect("the terminal is open")
    }

    #[track_caller]
    fn end(&mut self) -> ExitStatus {
        let look = || self.child.try_wait().expect("a child can be waited for");
        let Some(status) = wait::until(wait::BOUND, look) else {
            panic!("it did not end: {:?}", self.screen());
        };
        self.has_ended = true;
        self.master.iter().for_each(|_| self.tap.wait_for_end());
        status
    }

    /// Leaves what it has written where it can be looked at, and says where.
    fn keep(&self) {
        let name = thread::current().name().unwrap_or("test").replace("::", "-");
        let folder = programs::folder().join("pty");
        let path = folder.join(format!("{name}-{}.raw", self.pid()));
        let kept = fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, self.tap.bytes_from(0)))
            .map_or_else(|it| format!("cannot be kept: {it}"), |()| path.display().to_string());
        writeln!(io::stderr(), "what the terminal was sent: {kept}").ok();
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.pid(), self.screen())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if thread::panicking() {
            self.keep();
        }
        if !self.has_ended {
            self.child.kill().ok();
            self.signal(Signal::KILL);
            self.child.wait().ok();
        }
    }
}

#[cfg(test)]
mod tests;
