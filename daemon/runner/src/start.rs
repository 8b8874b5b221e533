//! From nothing to a running loop: one runner a folder, journal first, then the socket.

use crate::folders::Folders;
use crate::poller::Poller;
use crate::serve::{LoopState, Runner};
use crate::table::Table;
use crate::{clock, journal, proc, recover, spawn, sys};
use rustix::fs::{FlockOperation, Mode, flock};
use rustix::process::{getpid, set_child_subreaper, umask};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How long the lock is waited for. A child of a dead runner holds it until it has become its program.
const LOCK_MS: u64 = 1_000;

/// Runs the pool's runner until it is of no more use. Does nothing if there is one already.
pub(crate) fn run(dir: &Path, pool: String, socket: PathBuf, linger_ms: u64) -> io::Result<()> {
    umask(Mode::from_raw_mode(0o077));
    sys::close_inherited_on_exec()?;
    let folders = Folders::open(dir).map_err(|error| context("open the pool's folder", &error))?;
    let Some(_lock) = lock(&folders.lock())? else {
        crate::say(format_args!("another runner has {}", dir.display()));
        return Ok(());
    };
    let signals = sys::signals()?;
    set_child_subreaper(Some(getpid()))?;
    let open_files = spawn::raise_open_files();

    let (boot_text, boot_id) = proc::boot_id()?;
    let folder = folders.journal();
    let opened = || -> io::Result<_> {
        let segments = journal::read_segments(&folder)?;
        let found = recover::find(&segments, boot_id);
        let identity = journal::next_identity(&folder, boot_id)?;
        let fence = journal::read_fence(&folder, &segments)?;
        let open = recover::open_records(&found);
        Ok((found, journal::Journal::start(&folder, identity, fence, &open)?))
    };
    let (found, journal) = opened().map_err(|error| context("open the journal", &error))?;
    let mut poller = Poller::new()?;
    let mut table = Table::new(folders, journal, open_files);
    recover::adopt(&mut table, &mut poller, found);
    table.journal.sync()?;

    let listener = listen(&socket).map_err(|error| context("listen on the socket", &error))?;
    let state = LoopState::default();
    Runner { table, poller, listener, socket, signals, pool, boot_id: boot_text, linger_ms, state }
        .run()
}

/// `None` if another runner lives.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let until = clock::monotonic_ms() + LOCK_MS;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) if clock::monotonic_ms() >= until => {
                return Ok(None);
            }
            Err(rustix::io::Errno::WOULDBLOCK) => thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Binds beside the path and renames, so that a client meets the old socket or the new one.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    let mut new = socket.as_os_str().to_owned();
    new.push(".new");
    let _ = fs::remove_file(&new);
    let listener = UnixListener::bind(&new)?;
    listener.set_nonblocking(true)?;
    fs::rename(&new, socket)?;
    Ok(listener)
}

fn context(doing: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {doing}: {error}"))
}
