//! The system calls that neither std nor rustix offers in a safe form.
#![expect(
    unsafe_code,
    reason = "signalfd, waitid with usage, the pidfd ioctl, and the code between fork and exec \
              have no safe interface; each block states why it is sound"
)]

use crate::proc::parse_stat;
use runner::record::{Kind, Record, Stage};
use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

/// A dead child that is not yet reaped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dead {
    /// As `wait` gives it.
    pub(crate) wait_status: i32,
    pub(crate) max_rss_kib: u64,
    pub(crate) cpu_us: u64,
}

/// Ignores SIGHUP and makes SIGCHLD, SIGTERM and SIGINT readable from the descriptor.
pub(crate) fn signals() -> io::Result<OwnedFd> {
    // SAFETY: the set lives on the stack and is initialised by sigemptyset before use; the
    // descriptor is fresh and owned by nobody else.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT] {
            libc::sigaddset(&mut set, signal);
        }
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        check(libc::sigprocmask(libc::SIG_BLOCK, &set, ptr::null_mut()))?;
        let fd = check(libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Keeps descriptors inherited from whoever started the runner away from its children.
pub(crate) fn close_inherited_on_exec() -> io::Result<()> {
    // SAFETY: sets a flag on descriptors; none is closed here.
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_uint)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Looks at a child without reaping it; `None` while it lives.
pub(crate) fn peek(pid: i32) -> io::Result<Option<Dead>> {
    // SAFETY: both out-parameters are valid for writes for the whole call. The raw call is used
    // because only it gives the usage together with WNOWAIT.
    let (info, usage, status) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let mut usage: libc::rusage = std::mem::zeroed();
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        let result =
            libc::syscall(libc::SYS_waitid, libc::P_PID, pid, &mut info, options, &mut usage);
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        if info.si_pid() == 0 {
            return Ok(None);
        }
        (info.si_code, usage, info.si_status())
    };
    let wait_status = match info {
        libc::CLD_EXITED => (status & 0xff) << 8,
        libc::CLD_DUMPED => status | 0x80,
        _ => status,
    };
    let time = |it: libc::timeval| (it.tv_sec * 1_000_000 + it.tv_usec).unsigned_abs();
    Ok(Some(Dead {
        wait_status,
        max_rss_kib: usage.ru_maxrss.unsigned_abs(),
        cpu_us: time(usage.ru_utime) + time(usage.ru_stime),
    }))
}

/// Exit status of a reaped process that was never a child, where the kernel keeps it (6.15).
pub(crate) fn exit_status(pidfd: BorrowedFd<'_>) -> Option<i32> {
    // SAFETY: pidfd_info is plain data, and the request's number carries its size.
    let info = unsafe {
        let mut info: libc::pidfd_info = std::mem::zeroed();
        info.mask = libc::PIDFD_INFO_EXIT.into();
        if libc::ioctl(pidfd.as_raw_fd(), libc::PIDFD_GET_INFO, &mut info) != 0 {
            return None;
        }
        info
    };
    (info.mask & u64::from(libc::PIDFD_INFO_EXIT) != 0).then_some(info.exit_code)
}

/// What a child does between fork and becoming its program. Everything is allocated beforehand.
#[derive(Debug)]
pub(crate) struct Start {
    /// Paths to try in turn.
    pub(crate) candidates: Vec<CString>,
    pub(crate) argv: Vec<CString>,
    /// `NAME=value` each.
    pub(crate) env: Vec<CString>,
    pub(crate) working_dir: CString,
    /// Open for append.
    pub(crate) journal: RawFd,
    /// Record of the start, without what only the child knows.
    pub(crate) started: Record,
    /// Soft limit of descriptors to give back to the child.
    pub(crate) open_files: Option<libc::rlimit>,
}

/// Null-terminated pointers into the strings of a [`Start`].
struct Pointers(Vec<*const c_char>);

// SAFETY: the strings they point into are moved into the same closure, never changed, and their
// heap buffers do not move with it.
unsafe impl Send for Pointers {}
// SAFETY: as above; nothing is ever written through them.
unsafe impl Sync for Pointers {}

impl Pointers {
    fn of(strings: &[CString]) -> Self {
        let pointers = strings.iter().map(|it| it.as_ptr());
        Self(pointers.chain([ptr::null()]).collect())
    }

    fn get(&self) -> *const *const c_char {
        self.0.as_ptr()
    }
}

/// Makes `command` start by `start`. Its own program, arguments, environment and directory do not matter.
pub(crate) fn prepare(command: &mut Command, start: Start) {
    let (argv, env) = (Pointers::of(&start.argv), Pointers::of(&start.env));
    // SAFETY: the closure runs in the child of a single-threaded process and makes async-signal-safe
    // calls only: it neither allocates nor locks.
    unsafe {
        command.pre_exec(move || Err(become_program(&start, argv.get(), env.get())));
    }
}

/// Returns only with what went wrong, which is in the journal by then.
fn become_program(
    start: &Start,
    argv: *const *const c_char,
    env: *const *const c_char,
) -> io::Error {
    reset_process(start);
    // SAFETY: the string is null-terminated and outlives the call.
    if unsafe { libc::chdir(start.working_dir.as_ptr()) } != 0 {
        return fail(start, Stage::WorkingDir, errno());
    }
    let record = Record {
        pid: own_pid(),
        start_ticks: own_ticks(),
        boottime_ms: boot_ms(),
        ..start.started
    };
    if let Err(error) = append(start.journal, &record) {
        return error;
    }
    let mut failure = libc::ENOENT;
    for program in &start.candidates {
        // SAFETY: path, argv and env are null-terminated and outlive the call.
        unsafe { libc::execve(program.as_ptr(), argv, env) };
        match errno() {
            libc::ENOENT | libc::ENOTDIR => (),
            // As execvp does: go on looking, but remember that it was there.
            libc::EACCES => failure = libc::EACCES,
            other => {
                failure = other;
                break;
            }
        }
    }
    fail(start, Stage::Exec, failure)
}

/// New session, default signals, common umask, no way to more rights.
fn reset_process(start: &Start) {
    // SAFETY: plain calls on values of this stack frame; the kernel's sigaction is at most four words,
    // all zero for the default. SIGKILL and SIGSTOP are refused with an error, which is right.
    unsafe {
        libc::setsid();
        libc::umask(0o022);
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        // The raw call: libc keeps two signals to itself and does not reset them.
        let default = [0_u64; 4];
        for signal in 1..=64 {
            libc::syscall(libc::SYS_rt_sigaction, signal, &default, ptr::null_mut::<u8>(), 8);
        }
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        if let Some(limit) = &start.open_files {
            libc::setrlimit(libc::RLIMIT_NOFILE, limit);
        }
    }
}

fn fail(start: &Start, stage: Stage, errno: i32) -> io::Error {
    let failed = Record {
        kind: Kind::ExecFail,
        flags: stage as u16,
        pid: own_pid(),
        wait_status: errno,
        boottime_ms: boot_ms(),
        ..start.started
    };
    append(start.journal, &failed).err().unwrap_or_else(|| io::Error::from_raw_os_error(errno))
}

fn append(journal: RawFd, record: &Record) -> io::Result<()> {
    let bytes = record.encode();
    // SAFETY: the pointer and the length are those of a live array.
    match unsafe { libc::write(journal, bytes.as_ptr().cast(), bytes.len()) } {
        written if written == bytes.len().cast_signed() => Ok(()),
        _ => Err(io::Error::from_raw_os_error(libc::EIO)),
    }
}

fn own_pid() -> i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getpid() }
}

fn own_ticks() -> u64 {
    const PATH: &CStr = c"/proc/self/stat";
    let mut line = [0_u8; 1024];
    // SAFETY: the path is null-terminated, the buffer is valid for its length.
    let length = unsafe {
        let fd = libc::open(PATH.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        let length = libc::read(fd, line.as_mut_ptr().cast(), line.len());
        libc::close(fd);
        length
    };
    let line = usize::try_from(length).ok().and_then(|it| line.get(..it));
    line.and_then(parse_stat).map_or(0, |it| it.start_ticks)
}

fn boot_ms() -> u64 {
    crate::clock::boot_ms()
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
