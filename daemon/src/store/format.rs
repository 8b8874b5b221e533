//! The version of a state folder and the id of the store in it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::durable;

/// The version that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// What the first line of the file begins with.
const WORD: &str = "runyard-state ";

/// Tells one store from another: drawn at random when the store is created.
///
/// Each segment of the journal and the index carry it, so that a file copied in from elsewhere is
/// noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StoreId(pub(super) u64);

impl StoreId {
    /// The number, for whoever must tell this store from others.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The file `format`: `runyard-state 1`, then the store's id in hex, a line each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    pub(crate) version: u32,
    pub(crate) store: StoreId,
}

/// Why a state folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    #[error("cannot use `{path}`")]
    Io { path: PathBuf, source: io::Error },
    #[error("written by a newer Runyard (state format {found}, this one reads up to {VERSION})")]
    Newer { found: u32 },
    #[error("`{path}` does not say which state format this is")]
    Unreadable { path: PathBuf },
    #[error("`{path}` is missing, and there is a journal beside it")]
    Missing { path: PathBuf },
}

impl FormatError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Io { .. } => {
                "check the disk, and that the daemon's user owns the file".to_owned()
            }
            Self::Newer { .. } => {
                "upgrade Runyard on this machine, or choose another state folder".to_owned()
            }
            Self::Unreadable { .. } | Self::Missing { .. } => {
                "restore the file from a backup, or choose another state folder".to_owned()
            }
        }
    }
}

impl Format {
    /// Reads the file `format` of the folder `dir`; an empty folder gets one, with a new id.
    pub(crate) fn open(dir: &Path) -> Result<Self, FormatError> {
        let path = dir.join("format");
        match fs::read(&path) {
            Ok(bytes) => parse(&path, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(dir, &path),
            Err(source) => Err(FormatError::Io { path, source }),
        }
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Format, FormatError> {
    let unreadable = || FormatError::Unreadable { path: path.to_owned() };
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable())?;
    let (first, rest) = text.split_once('\n').ok_or_else(unreadable)?;
    let version = first.strip_prefix(WORD).and_then(|it| it.parse().ok()).ok_or_else(unreadable)?;
    if version > VERSION {
        return Err(FormatError::Newer { found: version });
    }
    let id = rest.strip_suffix('\n').filter(|it| it.len() == 16).ok_or_else(unreadable)?;
    let id = u64::from_str_radix(id, 16).map_err(|_| unreadable())?;
    Ok(Format { version, store: StoreId(id) })
}

fn create(dir: &Path, path: &Path) -> Result<Format, FormatError> {
    if dir.join("journal").exists() {
        return Err(FormatError::Missing { path: path.to_owned() });
    }
    let io = |source| FormatError::Io { path: path.to_owned(), source };
    let format = Format { version: VERSION, store: StoreId(draw().map_err(io)?) };
    let text = format!("{WORD}{VERSION}\n{}\n", format.store);
    durable::write_file(&dir.join("format.new"), path, text.as_bytes()).map_err(io)?;
    Ok(format)
}

fn draw() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(text: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("format"), text).expect("the folder is writable");
        dir
    }

    #[test]
    fn the_id_is_drawn_once_and_read_from_then_on() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let first = Format::open(dir.path()).expect("an empty folder");
        assert_eq!(Format::open(dir.path()).expect("a folder with a format"), first);
        let other = tempfile::tempdir().expect("a temporary folder");
        assert_ne!(Format::open(other.path()).expect("an empty folder").store, first.store);
    }

    #[test]
    fn a_newer_format_is_refused_whatever_else_it_says() {
        let dir = folder_with("runyard-state 7\nsomething else");
        let error = Format::open(dir.path()).expect_err("it is newer");
        let message = "written by a newer Runyard (state format 7, this one reads up to 1)";
        assert_eq!(error.to_string(), message);
        assert!(error.help().contains("upgrade"));
    }

    #[test]
    fn a_file_that_cannot_be_parsed_is_an_error() {
        for text in ["", "runyard-state 1", "runyard-state x\n", "runyard-state 1\nzz\n", "1\n2\n"]
        {
            let error = Format::open(folder_with(text).path()).expect_err("it is no format");
            assert!(matches!(error, FormatError::Unreadable { .. }), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_journal_without_a_format_does_not_get_a_new_id() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(dir.path().join("journal")).expect("the folder is writable");
        assert!(matches!(Format::open(dir.path()), Err(FormatError::Missing { .. })));
    }
}
