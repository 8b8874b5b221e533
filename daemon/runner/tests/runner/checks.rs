//! `runyard-runner check`.

use std::fs;
use std::process::Command;
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
