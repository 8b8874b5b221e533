//! Ends the process when its terminal hangs up.
//!
//! A read that finds nobody on the other side reports it as "nothing yet", and its loop would spin for ever where the shell
//! ignores hang-ups. A thread that waits for the hang-up alone costs nothing.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};

use super::tty::Tty;

/// 128 and the number of SIGHUP.
const HUNG_UP: i32 = 129;

/// How long the process may take to end in order.
const GRACE: Duration = Duration::from_secs(30);

/// Ends the process with 129 once `tty` has hung up: by a SIGHUP, whether the shell sends one or not, and at last by force.
/// There is nothing left to restore.
pub(super) fn start(tty: &Arc<Tty>) -> io::Result<()> {
    let tty = Arc::clone(tty);
    thread::Builder::new().name("hang-up".to_owned()).spawn(move || {
        if wait(&*tty).is_ok() {
            let _ = kill_process(getpid(), Signal::HUP);
            thread::sleep(GRACE);
            super::end(HUNG_UP);
        }
    })?;
    Ok(())
}

/// Returns when the other side of `fd` is gone.
fn wait(fd: impl AsFd) -> Result<(), Errno> {
    loop {
        // With no events asked for, only hang-up and error are reported.
        match poll(&mut [PollFd::new(&fd, PollFlags::empty())], None) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_hang_up_ends_the_wait_and_input_does_not() {
        let (near, far) = std::os::unix::net::UnixStream::pair().expect("a pair of sockets");
        let (sender, receiver) = mpsc::channel();
        io::Write::write_all(&mut &far, b"input").expect("a write to a socket");
        let waiter = thread::spawn(move || {
            wait(&near).expect("poll works");
            sender.send(()).expect("the test listens");
        });
        assert!(receiver.try_recv().is_err());
        drop(far);
        receiver.recv().expect("the wait has ended");
        waiter.join().expect("no panic");
    }
}
