//! Files in folders where a task may have put anything: links, pipes, devices.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Makes an empty file in place of what is there. What a link there leads to stays as it is.
///
/// - Errors: also if there is a folder.
pub(crate) fn replace(path: &Path) -> io::Result<File> {
    let create = || OpenOptions::new().write(true).create_new(true).open(path);
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            create()
        }
        result => result,
    }
}

/// The first `max` bytes of a regular file. Follows no link and waits for nobody.
pub(crate) fn read_start(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn folder() -> TempDir {
        TempDir::new().expect("a temporary folder can be made")
    }

    fn make_pipe(path: &Path) {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("the name is free");
    }

    #[test]
    fn links_and_pipes_are_replaced_and_not_written_to() {
        let folder = folder();
        let [target, link, pipe] = ["target", "link", "pipe"].map(|it| folder.path().join(it));
        fs::write(&target, "kept").expect("the folder is there");
        symlink(&target, &link).expect("the name is free");
        make_pipe(&pipe);
        for path in [&link, &pipe] {
            let mut file = replace(path).expect("a file takes its place");
            file.write_all(b"new").expect("the file is open for writing");
            assert_eq!(read_start(path, 9).ok().as_deref(), Some(&b"new"[..]));
        }
        assert_eq!(fs::read(&target).ok().as_deref(), Some(&b"kept"[..]));
    }

    #[test]
    fn only_the_beginning_of_a_regular_file_is_read() {
        let folder = folder();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|it| folder.path().join(it));
        fs::write(&file, "abcdef").expect("the folder is there");
        symlink(&file, &link).expect("the name is free");
        make_pipe(&pipe);
        assert_eq!(read_start(&file, 3).ok().as_deref(), Some(&b"abc"[..]));
        for path in [&link, &pipe, folder.path()] {
            assert!(read_start(path, 3).is_err(), "{}", path.display());
        }
    }
}
