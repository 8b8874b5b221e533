//! The steps by which the disk is changed. What each has changed is on disk when it is done.

use super::tree;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Something to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Makes a folder and what is missing above it.
    MakeFolder { path: PathBuf },
    /// Makes the folder of the versions; who may use its parent may use it.
    MakeVersions { path: PathBuf },
    /// Copies a file or a folder. What a broken-off copy has left there goes.
    Copy { from: PathBuf, to: PathBuf, size: tree::Size },
    /// Replaces a file by one with this text.
    Write { path: PathBuf, text: String },
    /// Moves something to where nothing is.
    Move { from: PathBuf, to: PathBuf },
    /// Moves a file to where another is.
    Replace { from: PathBuf, to: PathBuf },
    /// Exchanges two things.
    Exchange { from: PathBuf, to: PathBuf },
    /// Gives a file a second name.
    Link { from: PathBuf, to: PathBuf },
    /// Removes a file or a folder, if it is there.
    Remove { path: PathBuf },
    /// Says something in the log.
    Tell { text: String },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeFolder { path } | Self::MakeVersions { path } => {
                write!(f, "make the folder {}", path.display())
            }
            Self::Copy { from, to, .. } => write!(f, "copy {} to {}", from.display(), to.display()),
            Self::Write { path, .. } => write!(f, "write {}", path.display()),
            Self::Move { from, to } => write!(f, "move {} to {}", from.display(), to.display()),
            Self::Replace { from, to } => {
                write!(f, "replace {} by {}", to.display(), from.display())
            }
            Self::Exchange { from, to } => {
                write!(f, "exchange {} with {}", to.display(), from.display())
            }
            Self::Link { from, to } => write!(f, "link {} to {}", from.display(), to.display()),
            Self::Remove { path } => write!(f, "remove {}", path.display()),
            Self::Tell { text } => write!(f, "say that {text}"),
        }
    }
}

/// Does it.
pub(super) fn carry_out(step: &Step) -> io::Result<()> {
    match step {
        Step::MakeFolder { path } => make_folder(path),
        Step::MakeVersions { path } => make_versions(path),
        Step::Copy { from, to, size } => copy(from, to, *size),
        Step::Write { path, text } => write(path, text),
        Step::Move { from, to } => move_to(from, to),
        Step::Replace { from, to } => {
            fs::rename(from, to)?;
            sync_parents(from, to)
        }
        Step::Exchange { from, to } => {
            renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE)?;
            sync_parents(from, to)
        }
        Step::Link { from, to } => {
            fs::hard_link(from, to)?;
            sync_parent(to)
        }
        Step::Remove { path } => tree::remove(path),
        Step::Tell { text } => {
            crate::say(format_args!("{text}"));
            Ok(())
        }
    }
}

/// Whether the file system has no such way to rename, or the kernel has not.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|it| matches!(it, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().ok_or(io::ErrorKind::NotFound)?;
    make_folder(parent)?;
    match DirBuilder::new().create(path) {
        // Another may have made it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match path.is_dir() {
            true => Ok(()),
            false => Err(io::ErrorKind::NotADirectory.into()),
        },
        Err(error) => Err(error),
        Ok(()) => sync(parent),
    }
}

fn make_versions(path: &Path) -> io::Result<()> {
    let parent = path.parent().ok_or(io::ErrorKind::NotFound)?;
    match DirBuilder::new().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_folder = fs::symlink_metadata(path)?.is_dir();
            return if is_folder { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) };
        }
        result => result?,
    }
    let mode = fs::metadata(parent)?.mode() & 0o3777 | 0o700;
    fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
    sync(path)?;
    sync(parent)
}

fn copy(from: &Path, to: &Path, size: tree::Size) -> io::Result<()> {
    tree::remove(to)?;
    if tree::copy(from, to)? != size {
        return Err(io::Error::other("it has changed while it was copied"));
    }
    sync_parent(to)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    tree::remove(new)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)?;
    sync_parent(path)
}

fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    let moved = renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE);
    match moved.map_err(io::Error::from) {
        Err(error) if is_unsupported(&error) => match fs::symlink_metadata(to) {
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(from, to)?,
        },
        result => result?,
    }
    sync_parents(from, to)
}

fn sync_parents(from: &Path, to: &Path) -> io::Result<()> {
    // First where the thing arrives: better twice there than nowhere.
    sync_parent(to)?;
    sync_parent(from)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
