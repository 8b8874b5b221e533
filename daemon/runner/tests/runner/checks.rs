//! `runyard-runner check`.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

#[test]
fn each_command_leaves_its_output_and_its_status() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let output = Command::new(env!("CARGO_BIN_EXE_runyard-runner"))
        .arg("check")
        .arg(folder.path())
        .args(["--", "sh", "-c", "echo one; exit 3", "---", "/no/such/program", "---"])
        .args(["sh", "-c", "kill -9 $$", "---", "sh", "-c", "yes | head -c 100000; echo err >&2"])
        .output()
        .expect("the runner is built");
    assert!(output.status.success());
    let read = |name: &str| fs::read(folder.path().join(name)).expect("the file is written");
    let statuses = [0, 1, 2, 3].map(|it| read(&format!("check-{it}.status")));
    assert_eq!(statuses, [&b"3"[..], b"127", b"137", b"0"]);
    assert_eq!(read("check-0.out"), b"one\n");
    assert_eq!(read("check-1.out"), b"");
    assert_eq!(read("check-3.out").len(), 64 << 10);
    assert_eq!(output.stdout.len(), 4 + 100_000);
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("err\n"));
}

#[test]
fn a_check_goes_on_though_a_program_left_a_holder_of_its_output_behind() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let started = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_runyard-runner"))
        .arg("check")
        .arg(folder.path())
        .args(["--", "sh", "-c", "sleep 25 & echo $!; exit 3", "---", "sh", "-c", "echo next"])
        .stdout(Stdio::null())
        .status()
        .expect("the runner is built");
    let took = started.elapsed();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let holder = read("check-0.out").trim().parse().expect("the number is printed");
    let holder = rustix::process::Pid::from_raw(holder).expect("a process number is not 0");
    let _ = rustix::process::kill_process(holder, rustix::process::Signal::KILL);
    assert!(status.success());
    assert!((Duration::from_secs(5)..Duration::from_secs(15)).contains(&took), "{took:?}");
    assert_eq!(
        (read("check-0.status"), read("check-1.out")),
        ("3".to_owned(), "next\n".to_owned())
    );
}

#[test]
fn the_files_of_a_check_take_the_place_of_pipes_and_links() {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("target"), "kept").expect("the folder is there");
    symlink(path("target"), path("check-0.out")).expect("the name is free");
    let status = Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_runyard-runner"), "check"])
        .arg(folder.path())
        .args(["--", "sh", "-c", "mkfifo \"$0\"; echo x"])
        .arg(path("check-0.status"))
        .stdout(Stdio::null())
        .status()
        .expect("the runner is built");
    assert!(status.success());
    let contents = ["target", "check-0.out", "check-0.status"].map(|it| fs::read(path(it)).ok());
    assert_eq!(contents, ["kept", "x\n", "0"].map(|it| Some(it.as_bytes().to_vec())));
}
