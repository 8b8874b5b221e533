//! Files that are on disk when the call returns, names included.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Puts the names in the folder `dir` on disk: created, renamed and removed entries.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Writes `bytes` to `temp`, syncs it, renames it to `path` and syncs the folder of `path`.
///
/// - `temp`: on the same file system; overwritten if it exists.
/// - Errors: nothing is left at `path` that was not there before, unless the folder's own sync
///   failed; then `path` may or may not be there after a power cut.
pub(super) fn write_file(temp: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = write_temp(temp, bytes).and_then(|()| fs::rename(temp, path));
    if written.is_err() {
        // A temporary file that stays is overwritten or swept by the next start.
        let _ = fs::remove_file(temp);
    }
    written?;
    sync_dir(parent(path))
}

fn write_temp(temp: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(temp)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Creates the folder `dir` and those above it that are absent, for their owner alone (0700), and
/// puts their names on disk. Folders that exist stay as they are.
pub(super) fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = parent(dir);
    create_dir(parent)?;
    fs::DirBuilder::new().mode(0o700).create(dir)?;
    sync_dir(parent)
}

/// The folder that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Removes files of `dir` whose names end in `suffix`: what an interrupted write left behind.
pub(super) fn sweep(dir: &Path, suffix: &str) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(suffix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
