//! Why something is not published or withdrawn: what, where, and what to do.

use super::step::Step;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Why it is not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no `RUNYARD_RUN_DIR`.
    NoRunDir,
    /// The place is no absolute path to something.
    BadPlace { to: PathBuf },
    /// What is to be published is not there.
    Missing { from: PathBuf, run_dir: PathBuf },
    /// It lies, or a link in it leads, out of the folder it must be in.
    LeadsOut { path: PathBuf, of: PathBuf },
    /// A pipe, socket or device.
    Special { path: PathBuf },
    /// The place lies in the folder that is to be published.
    Within { to: PathBuf, from: PathBuf },
    /// Something cannot be looked at.
    Read { doing: &'static str, path: PathBuf, error: io::Error },
    /// The list of the updates is not one.
    Book { path: PathBuf, line: usize },
    /// The disk refuses a step.
    Step { step: Step, error: io::Error },
    /// What an update has replaced is not kept.
    NotKept { update: String, to: PathBuf },
    /// The update may have been left out of the list.
    NotListed { update: String, book: PathBuf },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRunDir => f.write_str("RUNYARD_RUN_DIR is not set"),
            Self::BadPlace { to } => write!(f, "`{}` is no place to publish at", to.display()),
            Self::Missing { from, run_dir } => {
                write!(
                    f,
                    "there is no `{}` in the run's folder {}",
                    from.display(),
                    run_dir.display()
                )
            }
            Self::LeadsOut { path, of } => {
                write!(f, "`{}` leads out of {}", path.display(), of.display())
            }
            Self::Special { path } => {
                write!(f, "{} is neither a file nor a folder nor a link", path.display())
            }
            Self::Within { to, from } => {
                write!(f, "{} lies within {}", to.display(), from.display())
            }
            Self::Read { doing, path, error } => {
                write!(f, "cannot {doing} {}: {error}", path.display())
            }
            Self::Book { path, line } => {
                write!(f, "line {line} of {} is not understood", path.display())
            }
            Self::Step { step, error } => write!(f, "cannot {step}: {error}"),
            Self::NotKept { update, to } => {
                write!(f, "what was at {} before update {update} is no longer kept", to.display())
            }
            Self::NotListed { update, book } => {
                write!(
                    f,
                    "update {update} is not listed in {}, nor are the oldest ones",
                    book.display()
                )
            }
        }?;
        write!(f, "; {}", self.help())
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// What can be done about it.
    fn help(&self) -> &'static str {
        match self {
            Self::NoRunDir => "publish from an attempt, which has a run's folder",
            Self::BadPlace { .. } => {
                "give an absolute path that ends in the name of a file or folder"
            }
            Self::Missing { .. } => "have an earlier task write it to $RUNYARD_RUN_DIR",
            Self::LeadsOut { .. } => "publish what lies within the run's folder",
            Self::Special { .. } => "remove it before it is published",
            Self::Within { .. } => "publish to a place outside the run's folder",
            Self::Read { error, .. } | Self::Step { error, .. } => help(error),
            Self::Book { .. } => {
                "put back its text, or move its folder away and do without the versions in it"
            }
            Self::NotKept { .. } => "put it back by hand, and keep more versions with `keep`",
            Self::NotListed { .. } => "look at the place, and put back by hand what is wrong there",
        }
    }
}

fn help(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "let the user of the pool write there"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free space there and try again",
        ErrorKind::NotADirectory => "choose a place whose parent is a folder",
        ErrorKind::InvalidFilename => "choose a shorter name",
        ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => {
            "choose a place that is no mount point"
        }
        _ => "look at the place and try again",
    }
}
