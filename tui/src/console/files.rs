//! Texts that a person keeps.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// How many files of one name there may be.
const SAME_NAME_MAX: u32 = 1_000;

/// Writes a text to a new file in the current folder or, where that cannot be, in the person's own, and says where. A file
/// that is there already is left alone: the new one gets a number.
pub(super) fn save(name: &str, text: &str) -> io::Result<PathBuf> {
    let here = std::env::current_dir();
    let home = std::env::var_os("HOME").filter(|it| !it.is_empty()).map(PathBuf::from);
    let first = here.and_then(|folder| save_in(&folder, name, text));
    match (first, home) {
        (Err(_), Some(home)) => save_in(&home, name, text),
        (first, _) => first,
    }
}

fn save_in(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let name = plain(name);
    for number in 1..=SAME_NAME_MAX {
        let path = folder.join(numbered(&name, number));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => return file.write_all(text.as_bytes()).map(|()| path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// A name that leads to no other folder, hides no file and has no blanks.
fn plain(name: &str) -> String {
    let allowed = |it: char| it.is_alphanumeric() || "._-#@".contains(it);
    let name: String = name.chars().map(|it| if allowed(it) { it } else { '-' }).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "runyard.txt".to_owned() } else { name.to_owned() }
}

fn numbered(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        _ if number == 1 => name.to_owned(),
        Some((stem, extension)) => format!("{stem}-{number}.{extension}"),
        None => format!("{name}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn no_file_is_written_over() {
        let folder = tempfile::tempdir().expect("a fresh folder");
        let first = save_in(folder.path(), "load#412.log", "one").expect("it can be written");
        let second = save_in(folder.path(), "load#412.log", "two").expect("it can be written");
        assert_eq!(first, folder.path().join("load#412.log"));
        assert_eq!(second, folder.path().join("load#412-2.log"));
        assert_eq!(fs::read_to_string(first).expect("it is there"), "one");
        assert_eq!(fs::read_to_string(second).expect("it is there"), "two");
    }

    #[test]
    fn a_name_from_outside_stays_in_the_folder() {
        assert_eq!(plain("../../etc/passwd"), "-..-etc-passwd");
        assert_eq!(plain(".profile"), "profile");
        assert_eq!(plain("a b\u{1b}c"), "a-b-c");
        assert_eq!(plain(".."), "runyard.txt");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().expect("a fresh folder");
        assert!(save_in(&folder.path().join("gone"), "a.log", "").is_err());
    }
}
