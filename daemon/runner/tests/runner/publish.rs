//! `runyard-runner publish` and `withdraw`.

use crate::harness::wait_for;
use rustix::fs::{Mode, OFlags, openat};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use tempfile::TempDir;

/// A user who may do little.
const NOBODY: u32 = 65534;

struct World(TempDir);

impl World {
    fn new() -> Self {
        Self::of(TempDir::new())
    }

    fn of(folder: std::io::Result<TempDir>) -> Self {
        let world = Self(folder.expect("a temporary folder can be made"));
        fs::create_dir(world.path("run")).expect("the folder is there");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(path, text)).expect("the folder is writable");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn command(&self, args: &[&str], to: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runyard-runner"));
        command.args(args).arg("--to").arg(self.path(to));
        command.env("RUNYARD_RUN_DIR", self.path("run"));
        command.env("RUNYARD_OUTPUTS", self.path("outputs"));
        command
    }

    fn publish_command(&self, update: &str, from: &str, to: &str) -> Command {
        self.command(&["publish", "--update", update, "--keep", "1000", "--from", from], to)
    }

    fn publish(&self, update: &str, from: &str, to: &str) -> Output {
        self.publish_command(update, from, to).output().expect("the runner is built")
    }

    fn withdraw(&self, update: &str, to: &str) -> Output {
        let mut command = self.command(&["withdraw", "--update", update], to);
        command.output().expect("the runner is built")
    }
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_file_is_published_with_its_mode_and_told_in_the_outputs() {
    for folder in [TempDir::new(), TempDir::new_in("/dev/shm")] {
        let world = World::of(folder);
        world.write("run/daily \"1\".csv", "one");
        let mode = fs::Permissions::from_mode(0o640);
        fs::set_permissions(world.path("run/daily \"1\".csv"), mode).expect("it is ours");
        for update in ["u1", "u2"] {
            let (code, text) = said(&world.publish(update, "daily \"1\".csv", "data/x/out\".csv"));
            assert_eq!(code, Some(0), "{text}");
        }
        assert_eq!(world.read("data/x/out\".csv"), "one");
        assert_eq!(world.read("run/daily \"1\".csv"), "one");
        let found = fs::metadata(world.path("data/x/out\".csv")).expect("it is there");
        assert_eq!(found.mode() & 0o7777, 0o640);
        let folder = world.0.path().display();
        let line = |update: &str, replaced: &str| {
            format!(
                "{{\"path\": \"{folder}/data/x/out\\\".csv\", \"update\": \"{update}\", \
                 \"bytes\": 3, \"files\": 1, \"replaced\": \"{replaced}\"}}\n"
            )
        };
        assert_eq!(world.read("outputs"), line("u1", "") + &line("u2", "u1"));
    }
}

#[test]
fn what_was_there_comes_back_and_a_line_says_so() {
    let world = World::new();
    world.write("out.csv", "old");
    world.write("run/a/b/c", "new");
    assert_eq!(world.publish("u1", "a", "out.csv").status.code(), Some(0));
    assert_eq!(world.read("out.csv/b/c"), "new");
    let path = world.path("out.csv");
    let line = format!("update u1 is withdrawn: {} is again as it was before\n", path.display());
    assert_eq!(said(&world.withdraw("u1", "out.csv")), (Some(0), line));
    assert_eq!(world.read("out.csv"), "old");
    let line = format!("update u1 at {} has been withdrawn already\n", path.display());
    assert_eq!(said(&world.withdraw("u1", "out.csv")), (Some(0), line));
    let (code, text) = said(&world.withdraw("u9", "never"));
    assert!(code == Some(0) && text.contains("has published nothing"), "{text}");
    assert!(!world.path(".never.versions").exists());
}

#[test]
fn what_is_published_twice_is_withdrawn_once() {
    let world = World::new();
    world.write("out", "old");
    for text in ["new", "newer"] {
        world.write("run/a", text);
        assert_eq!(said(&world.publish("0a1.publish_all.1", "a", "x/../out")).0, Some(0));
        assert_eq!(world.read("out"), text);
    }
    world.withdraw("0a1.publish_all.1", "out");
    assert_eq!(world.read("out"), "old");
}

#[test]
fn a_refusal_says_what_where_and_what_to_do() {
    let world = World::new();
    world.write("run/a", "new");
    world.write("file", "x");
    let run = world.path("run");
    let expected = format!(
        "runyard-runner: there is no `b` in the run's folder {}; \
         have an earlier task write it to $RUNYARD_RUN_DIR\n",
        run.display()
    );
    assert_eq!(said(&world.publish("u1", "b", "out")), (Some(1), expected));
    for (from, to, text) in [
        ("../file", "out", "leads out of"),
        ("a", "file/out", "choose a place whose parent is a folder"),
        (".", "run/out", "lies within"),
        ("a", "a/..", "give an absolute path"),
    ] {
        let (code, said) = said(&world.publish("u1", from, to));
        assert!(code == Some(1) && said.contains(text), "{said}");
    }
    let long = "n".repeat(250);
    let (code, text) = said(&world.publish("u1", "a", &long));
    assert!(code == Some(1) && text.contains("choose a shorter name"), "{text}");
    assert_eq!(fs::read_dir(world.0.path()).map(Iterator::count).ok(), Some(2));
}

#[test]
fn a_pipe_is_not_published() {
    let world = World::new();
    world.write("run/a/x", "new");
    let status = Command::new("mkfifo").arg(world.path("run/a/pipe")).status();
    assert!(status.expect("mkfifo is there").success());
    let (code, text) = said(&world.publish("u1", "a", "out"));
    assert!(code == Some(1) && text.contains("neither a file nor a folder"), "{text}");
    assert!(!world.path("out").exists());
}

#[test]
fn a_place_that_may_not_be_written_is_told() {
    let world = World::new();
    world.write("run/a", "new");
    world.write("locked/out", "old");
    for (name, mode) in [("", 0o755), ("run", 0o777), ("locked", 0o555)] {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(world.path(name), mode).expect("it is ours");
    }
    let mut command = Command::new("cp");
    command.arg(env!("CARGO_BIN_EXE_runyard-runner")).arg(world.path("runner"));
    assert!(command.status().expect("cp is there").success());
    let mut command = Command::new(world.path("runner"));
    command.args(["publish", "--update", "u", "--keep", "1", "--from", "a", "--to"]);
    command.arg(world.path("locked/out")).env("RUNYARD_RUN_DIR", world.path("run"));
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let (code, text) = said(&command.output().expect("the runner is there"));
    let versions = world.path("locked/.out.versions");
    let expected = format!("cannot make the folder {}: Permission denied", versions.display());
    assert!(text.contains(&expected) && text.contains("let the user of the pool write"), "{text}");
    assert_eq!((code, world.read("locked/out").as_str()), (Some(1), "old"));
}

#[test]
fn readers_never_see_half_of_a_folder() {
    let world = World::new();
    for number in 0..2 {
        let text = number.to_string().repeat(9);
        world.write(&format!("run/{number}/a"), &text);
        world.write(&format!("run/{number}/b"), &text);
    }
    world.publish("u0", "0", "out");
    let (path, done) = (world.path("out"), AtomicBool::new(false));
    let seen = [AtomicUsize::new(0), AtomicUsize::new(0)];
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                seen[read_both(&path)].fetch_add(1, Ordering::Relaxed);
            }
        });
        let writer = Writer(&done);
        let is_seen = |number: usize| {
            let seen = &seen[number % 2];
            let before = seen.load(Ordering::Relaxed);
            let read = || seen.load(Ordering::Relaxed) > before || reader.is_finished();
            wait_for("a reader", || read().then_some(()));
        };
        for number in 1..20 {
            let output = world.publish(&format!("u{number}"), &(number % 2).to_string(), "out");
            assert_eq!(said(&output).0, Some(0));
            is_seen(number);
        }
        for number in (10..20).rev() {
            assert_eq!(said(&world.withdraw(&format!("u{number}"), "out")).0, Some(0));
            is_seen(number - 1);
        }
        drop(writer);
        reader.join().expect("what it reads is whole");
    });
}

/// Tells readers when it is gone, by a failed test too.
struct Writer<'a>(&'a AtomicBool);

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Opens the folder, then reads both files in it: they must be there, and the same.
fn read_both(path: &Path) -> usize {
    let folder = File::open(path).expect("the place is never empty");
    let [a, b] = ["a", "b"].map(|name| {
        let file = openat(&folder, name, OFlags::RDONLY, Mode::empty()).expect("it is whole");
        let mut text = String::new();
        File::from(file).read_to_string(&mut text).expect("it is text");
        text
    });
    assert_eq!((&a, a.len()), (&b, 9));
    usize::from(a.starts_with('1'))
}

#[test]
fn publications_at_one_place_do_not_interleave() {
    let world = World::new();
    world.write("out", "old");
    let names: Vec<_> = (0..8).map(|it| format!("u{it}")).collect();
    let running = names.iter().map(|name| {
        world.write(&format!("run/{name}"), name);
        world.publish_command(name, name, "out").spawn().expect("the runner is built")
    });
    for mut it in running.collect::<Vec<_>>() {
        assert!(it.wait().expect("it is a child").success());
    }
    for name in &names {
        assert_eq!(said(&world.withdraw(name, "out")).0, Some(0));
    }
    assert_eq!(world.read("out"), "old");
}
