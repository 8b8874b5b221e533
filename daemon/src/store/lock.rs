//! One daemon to a state folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

use super::durable;

/// Modes by which others than the owner may change a folder.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// The right to use a state folder; given back when it is dropped, or when the process ends.
#[derive(Debug)]
pub(crate) struct StateLock {
    /// The descriptor is the lock (`flock`): no stale lock survives its process.
    _file: File,
}

/// Why a state folder may not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error("cannot use the state folder `{path}`")]
    Io { path: PathBuf, source: io::Error },
    #[error("the state folder `{path}` belongs to user {owner}, and this daemon runs as {user}")]
    NotOurs { path: PathBuf, owner: u32, user: u32 },
    #[error("the state folder `{path}` may be changed by others than its owner (mode {mode:04o})")]
    Writable { path: PathBuf, mode: u32 },
    #[error("the state folder `{path}` is in use by {}", holder(*pid))]
    Held { path: PathBuf, pid: Option<u32> },
}

impl LockError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Io { path, source } if source.kind() == io::ErrorKind::StorageFull => {
                format!("free space on the disk of `{}`", path.display())
            }
            Self::Io { path, .. } => {
                format!(
                    "check that `{}` is a folder that the daemon's user may use",
                    path.display()
                )
            }
            Self::NotOurs { .. } => {
                "start the daemon as the folder's owner, or choose another state folder".to_owned()
            }
            Self::Writable { path, .. } => format!("run `chmod 700 {}`", path.display()),
            Self::Held { .. } => "stop that daemon, or choose another state folder".to_owned(),
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or("another daemon".to_owned(), |pid| format!("another daemon (pid {pid})"))
}

impl StateLock {
    /// Takes the folder `dir`, which is created with mode 0700 if it is absent.
    ///
    /// - Errors: it is not ours, others may write to it, or another daemon has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: dir.to_owned(), source };
        durable::create_dir(dir).map_err(io)?;
        check_owner(dir)?;
        let path = dir.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let mut file = options.open(&path).map_err(io)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => (),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LockError::Held { path: dir.to_owned(), pid: read_pid(&mut file) });
            }
            Err(errno) => return Err(io(errno.into())),
        }
        write_pid(&mut file).map_err(io)?;
        Ok(Self { _file: file })
    }
}

fn check_owner(dir: &Path) -> Result<(), LockError> {
    let path = dir.to_owned();
    let metadata =
        fs::metadata(dir).map_err(|source| LockError::Io { path: path.clone(), source })?;
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let mode = metadata.mode() & 0o7777;
    if owner != user {
        return Err(LockError::NotOurs { path, owner, user });
    }
    if mode & OTHERS_MAY_WRITE != 0 {
        return Err(LockError::Writable { path, mode });
    }
    Ok(())
}

/// The holder's pid; nothing if it has not been written yet, or is no number.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Tells the next one who asks who has the folder. Not synced: a pid means nothing after a boot.
fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_missing_folder_is_created_for_its_owner_alone() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let dir = root.path().join("a/b");
        let _lock = StateLock::take(&dir).expect("the folder is free");
        let mode = fs::metadata(&dir).expect("it was created").mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_folder_is_taken_once_and_the_refusal_names_the_holder() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let lock = StateLock::take(dir.path()).expect("the folder is free");
        let error = StateLock::take(dir.path()).expect_err("the folder is taken");
        assert!(
            matches!(error, LockError::Held { pid: Some(pid), .. } if pid == std::process::id())
        );
        assert!(error.to_string().contains(&format!("(pid {})", std::process::id())));
        drop(lock);
        StateLock::take(dir.path()).expect("the folder is free again");
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        for mode in [0o770, 0o720, 0o702, 0o1777] {
            let dir = tempfile::tempdir().expect("a temporary folder");
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).expect("it is ours");
            let error = StateLock::take(dir.path()).expect_err("others may write to it");
            assert!(matches!(error, LockError::Writable { mode: found, .. } if found == mode));
            assert!(error.help().starts_with("run `chmod 700 "));
        }
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_an_error() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let path = root.path().join("state");
        fs::write(&path, "").expect("the folder is writable");
        assert!(matches!(StateLock::take(&path), Err(LockError::Io { .. })));
    }
}
