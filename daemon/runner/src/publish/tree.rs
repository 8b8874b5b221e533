//! What is published: found in the run's folder, surveyed, copied, removed.

use super::Refusal;
use super::place::Place;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// How much a file or folder holds.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    /// Folders do not count, links do.
    pub(crate) files: u64,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.files += other.files;
    }
}

/// The real path of `from`, which must lie in `run_dir`, and not around `place`.
pub(super) fn find(run_dir: &Path, from: &Path, place: &Place) -> Result<PathBuf, Refusal> {
    let leads_out = || Refusal::LeadsOut { path: from.to_owned(), of: run_dir.to_owned() };
    let inward = |it| matches!(it, Component::Normal(_) | Component::CurDir);
    if !from.components().all(inward) {
        return Err(leads_out());
    }
    let read = |path: &Path, error: io::Error| Refusal::Read {
        doing: "look at",
        path: path.to_owned(),
        error,
    };
    let folder = fs::canonicalize(run_dir).map_err(|error| read(run_dir, error))?;
    let path = fs::canonicalize(folder.join(from)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Refusal::Missing { from: from.to_owned(), run_dir: run_dir.to_owned() }
        }
        _ => read(&folder.join(from), error),
    })?;
    if !path.starts_with(&folder) {
        return Err(leads_out());
    }
    let existing = place.parent().ancestors().find_map(|it| fs::canonicalize(it).ok());
    if existing.is_some_and(|it| it.starts_with(&path)) {
        return Err(Refusal::Within { to: place.target().to_owned(), from: path });
    }
    Ok(path)
}

/// Measures a file or folder.
///
/// - Errors: if there is anything in it that is neither a file nor a folder, or a link that leads out of it.
pub(super) fn survey(root: &Path) -> Result<Size, Refusal> {
    survey_entry(root, root, 0)
}

fn survey_entry(root: &Path, path: &Path, depth: usize) -> Result<Size, Refusal> {
    let read = |error: io::Error| Refusal::Read { doing: "read", path: path.into(), error };
    let found = fs::symlink_metadata(path).map_err(read)?;
    if found.is_file() {
        return Ok(Size { bytes: found.len(), files: 1 });
    }
    if found.is_symlink() {
        return match stays_within(root, path, depth) {
            true => Ok(Size { bytes: 0, files: 1 }),
            false => Err(Refusal::LeadsOut { path: path.to_owned(), of: root.to_owned() }),
        };
    }
    if !found.is_dir() {
        return Err(Refusal::Special { path: path.to_owned() });
    }
    let mut size = Size::default();
    for entry in fs::read_dir(path).map_err(read)? {
        size.add(survey_entry(root, &entry.map_err(read)?.path(), depth + 1)?);
    }
    Ok(size)
}

/// Whether a link `depth` levels below the root leads into it: where it is, and once the root has another name.
fn stays_within(root: &Path, link: &Path, depth: usize) -> bool {
    let Ok(text) = fs::read_link(link) else { return false };
    let mut depth = depth.checked_sub(1);
    for part in text.components() {
        depth = match part {
            Component::CurDir => depth,
            Component::ParentDir => depth.and_then(|it| it.checked_sub(1)),
            Component::Normal(_) => depth.map(|it| it + 1),
            Component::RootDir | Component::Prefix(_) => None,
        };
        if depth.is_none() {
            return false;
        }
    }
    fs::canonicalize(link).is_ok_and(|it| it.starts_with(root))
}

/// Copies a file, link or folder to where nothing is, and has it on disk but for its name.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<Size> {
    let found = fs::symlink_metadata(from)?;
    if found.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
        return Ok(Size { bytes: 0, files: 1 });
    }
    if found.is_dir() { copy_folder(from, to, &found) } else { copy_file(from, to) }
}

fn copy_folder(from: &Path, to: &Path, found: &Metadata) -> io::Result<Size> {
    DirBuilder::new().mode(0o700).create(to)?;
    let mut size = Size::default();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        size.add(copy(&entry.path(), &to.join(entry.file_name()))?);
    }
    // Its owner must be able to move and remove it.
    fs::set_permissions(to, PermissionsExt::from_mode(found.mode() & 0o777 | 0o700))?;
    File::open(to)?.sync_all()?;
    Ok(size)
}

fn copy_file(from: &Path, to: &Path) -> io::Result<Size> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut source = OpenOptions::new().read(true).custom_flags(flags).open(from)?;
    let found = source.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let bytes = io::copy(&mut source, &mut file)?;
    file.set_permissions(PermissionsExt::from_mode(found.mode() & 0o777))?;
    file.sync_all()?;
    Ok(Size { bytes, files: 1 })
}

/// Removes a file, link or folder, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
