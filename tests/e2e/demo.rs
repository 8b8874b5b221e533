//! `runyard demo`: the first thing that a newcomer types.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::{Output, not_run, programs};
use tempfile::TempDir;

#[test]
fn the_demo_plays_the_day_and_leaves_nothing_behind() {
    let home = folder();
    let started = Instant::now();
    let output = Output::of(&mut demo(&programs::path("runyard"), home.path())).expect(0);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert!(output.stdout.contains("succeeded"), "{output:#?}");
    let left: Vec<_> = fs::read_dir(home.path()).expect("it is there").flatten().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert_eq!(e2e::processes::of_folder(home.path()), []);
}

#[test]
fn the_demo_says_which_program_is_missing() {
    let home = folder();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).expect("a folder can be made");
    let alone = bin.join("runyard");
    fs::copy(programs::path("runyard"), &alone).expect("the program can be copied");
    let output = Output::of(demo(&alone, home.path()).env("PATH", "/nowhere")).expect(1);
    assert!(output.stderr.contains("runyardd"), "{output:#?}");
    assert!(output.stderr.contains("help:"), "{output:#?}");
}

#[test]
fn the_demo_says_what_a_broken_daemon_has_said() {
    let home = folder();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).expect("a folder can be made");
    let alone = bin.join("runyard");
    fs::copy(programs::path("runyard"), &alone).expect("the program can be copied");
    symlink("/bin/false", bin.join("runyardd")).expect("a link can be made");
    let output = Output::of(&mut demo(&alone, home.path())).expect(1);
    assert!(output.stderr.contains("the daemon ended at once"), "{output:#?}");
}

#[test]
fn the_demo_needs_no_rights_beyond_those_of_a_plain_user() {
    let test = "demo::the_demo_needs_no_rights_beyond_those_of_a_plain_user";
    if !not_run::needs_root(test) || !not_run::needs_tool(test, "setpriv") {
        return;
    }
    let home = folder();
    let bin = home.path().join("bin");
    let own = home.path().join("own");
    [&bin, &own].iter().for_each(|it| fs::create_dir(it).expect("a folder can be made"));
    for name in ["runyard", "runyardd", "runyard-runner"] {
        fs::copy(programs::path(name), bin.join(name)).expect("the program can be copied");
    }
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    chown(&own, Some(65534), Some(65534)).expect("root may give it away");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.arg(bin.join("runyard")).args(["demo", "--headless"]).current_dir("/");
    let output = Output::of(at_home(&mut command, &own)).expect(0);
    assert!(output.stdout.contains("succeeded"), "{output:#?}");
    let left: Vec<_> = fs::read_dir(&own).expect("it is there").flatten().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("ry-").tempdir_in("/tmp").expect("/tmp is writable")
}

fn demo(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["demo", "--headless"]);
    at_home(&mut command, home);
    command
}

fn at_home<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command.env("TMPDIR", home).env("HOME", home);
    command.env_remove("RUNYARD_SOCKET").env_remove("XDG_RUNTIME_DIR")
}
