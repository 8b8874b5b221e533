//! Where everything of a pool lies.

use crate::files;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Longest name of an attempt or run, in bytes; an attempt's fits one record.
const MAX_NAME: usize = runner::record::PAYLOAD;

/// Most bytes of evidence that are read.
const MAX_EVIDENCE: u64 = 4 << 10;

/// The pool's folder. Absolute: its paths are handed to tasks.
#[derive(Clone, Debug)]
pub(crate) struct Folders(PathBuf);

impl Folders {
    /// Makes what is missing.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        make_folder(root)?;
        let folders = Self(fs::canonicalize(root)?);
        for name in ["journal", "attempts", "runs", "logs", "evidence"] {
            make_folder(&folders.0.join(name))?;
        }
        Ok(folders)
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    pub(crate) fn attempt(&self, name: &str) -> PathBuf {
        self.0.join("attempts").join(name)
    }

    pub(crate) fn outputs(&self, name: &str) -> PathBuf {
        self.attempt(name).join("outputs")
    }

    pub(crate) fn run(&self, run: &str) -> PathBuf {
        self.0.join("runs").join(run)
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.0.join("logs").join(format!("{name}.log"))
    }

    /// Makes the folders of an attempt and its run, and an empty file of outputs.
    pub(crate) fn prepare(&self, name: &str, run: &str) -> io::Result<()> {
        make_own_folder(&self.attempt(name))?;
        make_own_folder(&self.run(run))?;
        files::replace(&self.outputs(name)).map(drop)
    }

    /// Keeps why an attempt is lost, for the next runner.
    pub(crate) fn keep_evidence(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.evidence_file(name);
        let new = path.with_extension("new");
        files::replace(&new)?.write_all(text.as_bytes())?;
        fs::rename(new, path)
    }

    /// Why an attempt is lost, if that could be kept.
    pub(crate) fn evidence(&self, name: &str) -> Option<String> {
        let text = files::read_start(&self.evidence_file(name), MAX_EVIDENCE).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// Forgets why an attempt was lost.
    pub(crate) fn remove_evidence(&self, name: &str) {
        let _ = fs::remove_file(self.evidence_file(name));
    }

    /// Not in the attempt's folder, where the task may put anything.
    fn evidence_file(&self, name: &str) -> PathBuf {
        self.0.join("evidence").join(name)
    }
}

/// Whether a name from outside may become part of a path.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

fn make_folder(path: &Path) -> io::Result<()> {
    // Most often it is there, and looking is cheaper than failing to make it.
    if path.is_dir() { Ok(()) } else { DirBuilder::new().mode(0o700).recursive(true).create(path) }
}

/// As [`make_folder`], in a folder that is there; a link to a folder is none.
fn make_own_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        _ => DirBuilder::new().mode(0o700).create(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_paths() {
        let longest = "a".repeat(40);
        for good in ["a", "0-z", longest.as_str()] {
            assert!(is_name(good), "{good}");
        }
        let longer = "a".repeat(41);
        for bad in ["", "..", "a/b", "A", "a.b", "a\0", "ä", longer.as_str()] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
