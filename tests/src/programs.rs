//! Where the programs under test are.

use std::env;
use std::path::PathBuf;

/// A program of the same build as this test: `target/PROFILE/NAME`.
///
/// Panics with what to do if it has not been built.
pub fn path(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(
        path.is_file(),
        "`{}` is not there: build the programs first, with `cargo build` (and `--release` for release tests)",
        path.display()
    );
    path
}

/// The folder that all three are in.
pub fn folder() -> PathBuf {
    let test = env::current_exe().expect("a process knows its program");
    let folder = test.ancestors().find(|it| it.join("deps").is_dir());
    folder.expect("a test's program is in the folder `deps` of its profile").to_owned()
}

/// The top of the repository.
pub fn repository() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("this crate is in a folder of the repository").to_owned()
}

/// Whether a program is installed.
pub fn is_installed(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|it| it.join(name).is_file())
}
