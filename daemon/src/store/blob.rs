//! Content-addressed files: what is too large for the journal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::durable;
use super::hash::Hash;

/// How the name of an unfinished blob ends.
const UNFINISHED: &str = ".new";

/// The folder of blobs: `<first 2 hex digits>/<sha256 in hex>`. Readers may have a copy.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    dir: PathBuf,
}

/// Why a blob cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    #[error("cannot use the folder `{path}`")]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot store blob {hash}")]
    Store { hash: Hash, source: io::Error },
    #[error("blob {hash} is missing")]
    Missing { hash: Hash },
    #[error("cannot read blob {hash}")]
    Read { hash: Hash, source: io::Error },
    #[error("blob {hash} is damaged")]
    Damaged { hash: Hash },
}

impl BlobError {
    /// What the operator can do about it, as one sentence.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Folder { .. } | Self::Read { .. } => {
                "check the disk, and that the daemon's user owns the folder".to_owned()
            }
            Self::Store { .. } => "make room on the disk of the state folder".to_owned(),
            Self::Missing { hash } | Self::Damaged { hash } => {
                format!("restore `blobs/{}` from a backup", relative(*hash).display())
            }
        }
    }
}

impl Blobs {
    /// Opens the folder `dir`, which is created if it is absent, and sweeps unfinished blobs.
    pub(crate) fn open(dir: &Path) -> Result<Self, BlobError> {
        let swept = durable::create_dir(dir).and_then(|()| durable::sweep(dir, UNFINISHED));
        swept.map_err(|source| BlobError::Folder { path: dir.to_owned(), source })?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Stores `bytes`; they are on disk when it returns. What is there already is not written.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<Hash, BlobError> {
        let hash = Hash::of(bytes);
        let path = self.path(hash);
        if fs::metadata(&path).is_ok_and(|it| it.len() == bytes.len() as u64) {
            return Ok(hash);
        }
        self.write(hash, &path, bytes).map_err(|source| {
            // What is there counts as stored the next time, and it may not be on disk.
            let _ = fs::remove_file(&path);
            BlobError::Store { hash, source }
        })?;
        Ok(hash)
    }

    /// The bytes whose hash is `hash`, which is verified.
    pub(crate) fn get(&self, hash: Hash) -> Result<Vec<u8>, BlobError> {
        match fs::read(self.path(hash)) {
            Ok(bytes) if Hash::of(&bytes) == hash => Ok(bytes),
            Ok(_) => Err(BlobError::Damaged { hash }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(BlobError::Missing { hash })
            }
            Err(source) => Err(BlobError::Read { hash, source }),
        }
    }

    fn write(&self, hash: Hash, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temp = self.dir.join(format!("{hash}{UNFINISHED}"));
        durable::create_dir(path.parent().expect("a blob is in a folder"))?;
        durable::write_file(&temp, path, bytes)
    }

    fn path(&self, hash: Hash) -> PathBuf {
        self.dir.join(relative(hash))
    }
}

fn relative(hash: Hash) -> PathBuf {
    let name = hash.to_string();
    Path::new(&name[..2]).join(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let blobs = Blobs::open(&dir.path().join("blobs")).expect("the folder is writable");
        (dir, blobs)
    }

    #[test]
    fn a_blob_is_stored_under_its_hash_and_once() {
        let (dir, blobs) = blobs();
        let hash = blobs.put(b"abc").expect("there is room");
        let name = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let path = dir.path().join("blobs/ba").join(name);
        assert_eq!(fs::read(&path).expect("it is there"), b"abc");
        let written = fs::metadata(&path).and_then(|it| it.modified()).expect("it is there");
        assert_eq!(blobs.put(b"abc").expect("there is room"), hash);
        let again = fs::metadata(&path).and_then(|it| it.modified()).expect("it is there");
        assert_eq!(written, again);
        assert_eq!(blobs.get(hash).expect("it is there"), b"abc");
    }

    #[test]
    fn a_damaged_or_missing_blob_is_an_error_that_names_it() {
        let (_dir, blobs) = blobs();
        let hash = blobs.put(b"abc").expect("there is room");
        fs::write(blobs.path(hash), b"abd").expect("the folder is writable");
        let error = blobs.get(hash).expect_err("it is damaged");
        assert_eq!(error.to_string(), format!("blob {hash} is damaged"));
        fs::remove_file(blobs.path(hash)).expect("the folder is writable");
        assert!(matches!(blobs.get(hash), Err(BlobError::Missing { .. })));
    }

    #[test]
    fn a_blob_of_the_wrong_length_is_written_again() {
        let (_dir, blobs) = blobs();
        let hash = blobs.put(b"abc").expect("there is room");
        fs::write(blobs.path(hash), b"a").expect("the folder is writable");
        blobs.put(b"abc").expect("there is room");
        assert_eq!(blobs.get(hash).expect("it is whole again"), b"abc");
    }

    #[test]
    fn unfinished_blobs_are_swept_when_the_folder_is_opened() {
        let (dir, _) = blobs();
        let left = dir.path().join("blobs/0123.new");
        fs::write(&left, b"half").expect("the folder is writable");
        Blobs::open(&dir.path().join("blobs")).expect("the folder is writable");
        assert!(!left.exists());
    }
}
