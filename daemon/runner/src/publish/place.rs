//! Where something is published, and the folder beside it that keeps the versions.

use super::Refusal;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest name of an update, in bytes: with a number and what it is of, it is the name of a file.
const MAX_UPDATE: usize = 200;

/// The place of something published.
#[derive(Clone, Debug)]
pub(super) struct Place {
    target: PathBuf,
    parent: PathBuf,
    versions: PathBuf,
}

impl Place {
    /// - Errors: if `to` is not absolute, or does not end in a name.
    pub(super) fn new(to: &Path) -> Result<Self, Refusal> {
        let refusal = || Refusal::BadPlace { to: to.to_owned() };
        let parent = to.parent().filter(|_| to.is_absolute()).ok_or_else(refusal)?;
        let mut folder = OsString::from(".");
        folder.push(to.file_name().ok_or_else(refusal)?);
        folder.push(".versions");
        Ok(Self {
            // A slash at the end would make it a folder, or follow a link.
            target: to.components().collect(),
            parent: parent.to_owned(),
            versions: parent.join(folder),
        })
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    pub(super) fn parent(&self) -> &Path {
        &self.parent
    }

    pub(super) fn versions(&self) -> &Path {
        &self.versions
    }

    pub(super) fn book(&self) -> PathBuf {
        self.versions.join("versions")
    }

    /// What is kept under the name of a publication as `kind`: new, before or withdrawn.
    pub(super) fn item(&self, name: &str, kind: &str) -> PathBuf {
        self.versions.join(format!("{name}.{kind}"))
    }

    /// Waits until nobody else publishes here. As long as the file is open, nobody does.
    pub(super) fn lock(&self) -> Result<File, Refusal> {
        let path = self.versions.join("lock");
        let cannot = |error| Refusal::Read { doing: "lock", path: path.clone(), error };
        let mut options = OpenOptions::new();
        // Reading is enough to lock, also what another user has made.
        options.read(true).custom_flags(libc::O_CREAT | libc::O_NOFOLLOW).mode(0o644);
        let file = options.open(&path).map_err(cannot)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            let target = self.target.display();
            crate::say(format_args!("waiting for another publication at {target}"));
        }
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(file),
                Err(Errno::INTR) => (),
                Err(error) => return Err(cannot(error.into())),
            }
        }
    }
}

/// Whether a name from outside may name an update.
pub(crate) fn is_update(name: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"._-".contains(&it);
    // `versions` is the book's.
    let free = !name.starts_with('.') && name != "versions";
    (1..=MAX_UPDATE).contains(&name.len()) && free && name.bytes().all(allowed)
}

/// The inode of what is at `path`; of a link, its own. `None` if nothing is there or it cannot be seen.
pub(super) fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|it| it.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_has_the_name_of_a_file() {
        for good in ["u", "0abc.publish_all.3", "A-b"] {
            assert!(is_update(good), "{good}");
        }
        let longer = "a".repeat(MAX_UPDATE + 1);
        for bad in ["", ".", "a/b", "a~2", "a b", "a\n", "versions", longer.as_str()] {
            assert!(!is_update(bad), "{bad}");
        }
    }

    #[test]
    fn a_place_is_an_absolute_path_with_a_name() {
        let place = Place::new(Path::new("/a/b.csv/")).expect("it is a place");
        assert_eq!(place.target().as_os_str(), "/a/b.csv");
        assert_eq!(place.item("u", "before"), Path::new("/a/.b.csv.versions/u.before"));
        for bad in ["a", "/", "", "/a/.."] {
            assert!(Place::new(Path::new(bad)).is_err(), "{bad}");
        }
    }
}
