//! What goes wrong around the daemon: each is answered with a sentence that says what to do, and nothing is lost.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use e2e::{Output, Site, not_run, programs, wait};

const HELLO: (&str, &str) = ("hello.yaml", "tasks: { hello: { timeout: 1m, run: echo hello } }\n");

#[test]
fn a_daemon_that_is_not_there_is_said_to_be_so() {
    let mut site = Site::empty(&[HELLO]);
    for command in [&["status", "--json"][..], &["run", "hello", "--json"], &["runs", "--json"]] {
        let told = site.try_runyard(command).expect_error(5, "unreachable");
        assert!(told.contains("d.sock") && told.contains("runyard up"), "{told}");
    }
    site.start_daemon();
    site.kill9();
    let told = site.try_runyard(&["status", "--json"]).expect_error(5, "unreachable");
    assert!(told.contains("left over"), "{told}");
}

#[test]
fn whoever_else_listens_is_not_taken_for_the_daemon() {
    let site = Site::empty(&[]);
    let stranger = UnixListener::bind(site.socket()).expect("the socket is free");
    thread::spawn(move || {
        for stream in stranger.incoming().flatten() {
            let mut stream = stream;
            let mut hello = [0; 8];
            stream.read_exact(&mut hello).ok();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
        }
    });
    let told = site.try_runyard(&["status", "--json"]).expect_error(5, "stranger");
    assert!(told.contains("--socket"), "{told}");
}

#[test]
fn whoever_listens_and_says_nothing_is_not_waited_for_for_ever() {
    let site = Site::empty(&[]);
    let silent = UnixListener::bind(site.socket()).expect("the socket is free");
    let output = site.try_runyard(&["status", "--json"]).expect(5);
    assert!(!output.json()["error"]["message"].is_null(), "{output:#?}");
    drop(silent);
}

#[test]
fn nonsense_on_the_socket_harms_nobody() {
    let site = Site::start(&[HELLO]);
    let greeting = b"RYD1\x00\x01\x00\x01";
    let long = [&greeting[..], &[0xff; 64]].concat();
    let frame = [&greeting[..], b"\x00\x00\x00\x04\xc1\xc1\xc1\xc1"].concat();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"RYD1\xff\xff\xff\xff", &long, &frame, b"R"] {
        let mut stream =
            std::os::unix::net::UnixStream::connect(site.socket()).expect("it listens");
        stream.write_all(bytes).expect("it reads");
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
    }
    site.runyard(&["run", "hello", "--wait"]).expect(0);
}

#[test]
fn another_user_is_not_let_in() {
    let test = "bad_input::another_user_is_not_let_in";
    if !not_run::needs_root(test) || !not_run::needs_tool(test, "setpriv") {
        return;
    }
    let site = Site::start(&[HELLO]);
    let program = site.path().join("runyard");
    fs::copy(programs::path("runyard"), &program).expect("the program can be copied");
    let as_nobody = |socket: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
        command.args(["status", "--json"]).env("RUNYARD_SOCKET", socket).current_dir("/");
        Output::of(&mut command)
    };
    allow(site.path(), 0o755);
    let told = as_nobody(&site.socket()).expect_error(5, "unreachable");
    assert!(told.contains("this user may not open the socket"), "{told}");
    // Even where the socket is open to all, the kernel's word on the peer counts.
    allow(&site.socket(), 0o666);
    let told = as_nobody(&site.socket()).expect_error(4, "not_permitted");
    assert!(told.contains("does not let this user in"), "{told}");
    assert!(site.log().contains("denied"), "the operator can see it");
    site.runyard(&["status"]).expect(0);
}

#[test]
fn a_state_folder_has_one_daemon() {
    let site = Site::start(&[HELLO]);
    let mut second = Command::new(programs::path("runyardd"));
    second.arg("--state-dir").arg(site.state()).arg("--workflows").arg(site.workflows());
    second.arg("--socket").arg(site.path().join("o.sock"));
    let output = Output::of(&mut second).expect(75);
    assert!(output.stderr.contains(&format!("{}", site.pid())), "{output:#?}");
    assert!(output.stderr.contains("in use by"), "{output:#?}");
    site.runyard(&["run", "hello", "--wait"]).expect(0);
}

#[test]
fn a_state_folder_that_cannot_be_trusted_is_refused() {
    let mut site = Site::start(&[HELLO]);
    assert_eq!(site.terminate(), 0);
    let refused = |site: &Site, text: &str| {
        let output = Output::of(&mut site.daemon_command(&[]));
        assert_eq!(output.code, 1, "{output:#?}");
        assert!(output.stderr.contains(text) && output.stderr.contains("help: "), "{output:#?}");
    };
    allow(&site.state(), 0o770);
    refused(&site, "may be changed by others");
    allow(&site.state(), 0o700);

    let format = site.state().join("format");
    let text = fs::read_to_string(&format).expect("it says its format");
    let newer = text.replace("runyard-state 1", "runyard-state 9");
    fs::write(&format, newer).expect("it is writable");
    refused(&site, "written by a newer Runyard");
    fs::write(&format, "nonsense").expect("it is writable");
    refused(&site, "does not say which state format");
    fs::remove_file(&format).expect("it can be removed");
    refused(&site, "is missing");
    fs::write(&format, text).expect("it is writable");
    site.start_daemon();
    site.runyard(&["run", "hello", "--wait"]).expect(0);
}

#[test]
fn a_journal_that_was_cut_or_changed_is_not_believed() {
    let mut site = Site::start(&[HELLO]);
    site.runyard(&["run", "hello", "--wait"]).expect(0);
    assert_eq!(site.terminate(), 0);
    let folder = fs::read_dir(site.state().join("journal")).expect("it is there");
    let segment = folder.flatten().map(|it| it.path()).next().expect("it has a segment");
    let whole = fs::read(&segment).expect("it can be read");
    let mut changed = whole.clone();
    let place = whole.windows(5).position(|it| it == b"hello").expect("it names the workflow");
    changed[place] ^= 0x20;
    fs::write(&segment, &changed).expect("it is writable");
    let output = Output::of(&mut site.daemon_command(&[]));
    assert_ne!(output.code, 0, "a changed record is never passed over: {output:#?}");
    assert!(output.stderr.contains("help: "), "{output:#?}");
    fs::write(&segment, &whole).expect("it is writable");
    site.start_daemon();
    assert_eq!(site.show("hello#1")["state"], "succeeded");
}

#[test]
fn a_wrong_configuration_is_told_before_anything_starts() {
    let site = Site::empty(&[HELLO]);
    for (text, told) in [
        ("[daemon]\nstate_dri = \"/x\"\n", "state_dri"),
        ("[pools.local]\nslots = 0\n", "slots"),
        ("[pools.x]\nkind = \"slurm\"\nslots = 1\n", "slurm"),
        ("[pools.\"../x\"]\nslots = 1\n", "pool"),
        ("not toml", "wrong"),
    ] {
        site.configure(text);
        let output = Output::of(&mut site.daemon_command(&[])).expect(2);
        assert!(output.stderr.contains(told) && output.stderr.contains("help: "), "{output:#?}");
    }
    assert!(!site.state().exists(), "nothing was begun");
    fs::remove_file(site.path().join("runyard.toml")).expect("it is there");
    let mut long = Command::new(programs::path("runyardd"));
    long.arg("--state-dir").arg(site.state()).arg("--workflows").arg(site.workflows());
    long.arg("--socket").arg(site.path().join("x".repeat(120)));
    let output = Output::of(&mut long).expect(1);
    assert!(output.stderr.contains("longer than"), "{output:#?}");
}

#[test]
fn a_full_disk_stops_new_work_and_nothing_else() {
    let test = "bad_input::a_full_disk_stops_new_work_and_nothing_else";
    if !not_run::needs_root(test) {
        return;
    }
    let long = (
        "long.yaml",
        "tasks: { long: { timeout: 5m, run: 'until [[ -e stop ]]; do sleep 0.1; done; exit 7' } }\n",
    );
    let mut site = Site::empty(&[HELLO, long]);
    fs::create_dir(site.state()).expect("a folder can be made");
    let disk = Mounted::tmpfs(&site.state(), "64m");
    site.start_daemon();
    let run = site.run(&["long"]);
    let row = site.wait_for_task(&run, "long", "running");
    let filler = site.state().join("filler");
    fill(&filler);

    let told = wait::for_some("it is noticed", || {
        let output = site.runyard(&["run", "hello", "--json"]);
        (output.code != 0).then_some(output)
    });
    let told = told.expect_error(1, "unavailable");
    assert!(told.contains("space"), "{told}");
    let status = site.runyard(&["status", "--json"]).expect(0).json();
    assert_ne!(status["store"]["state"], "ok", "{status:#}");
    let pid = i32::try_from(row["attempts"][0]["pid"].as_i64().expect("a process")).expect("fits");
    assert!(e2e::processes::lives(pid), "what runs goes on");
    let why = site.runyard(&["why", &run]).expect(0).stdout;
    assert!(why.contains("cannot write"), "{why}");
    site.write("stop", "");
    wait::for_that("the task ends", || !e2e::processes::lives(pid));

    fs::remove_file(&filler).expect("it can be removed");
    wait::for_that("it goes on by itself", || {
        site.runyard(&["status", "--json"]).json()["store"]["state"] == "ok"
    });
    assert_eq!(site.wait_for_end(&run)["state"], "failed");
    assert_eq!(site.task(&run, "long")["attempts"][0]["exit"], 7);
    site.runyard(&["run", "hello", "--wait"]).expect(0);
    let done: Vec<String> = events(&site, "@latest:hello");
    assert_eq!(done.iter().filter(|it| *it == "attempt_started").count(), 1);
    site.assert_no_panic();
    drop(disk);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_said_to_be_so() {
    let test = "bad_input::a_disk_that_is_full_from_the_start_is_said_to_be_so";
    if !not_run::needs_root(test) {
        return;
    }
    let site = Site::empty(&[HELLO]);
    fs::create_dir(site.state()).expect("a folder can be made");
    let disk = Mounted::tmpfs(&site.state(), "1m");
    fill(&site.state().join("filler"));
    let output = Output::of(&mut site.daemon_command(&[])).expect(1);
    assert!(output.stderr.contains("No space left"), "{output:#?}");
    assert!(output.stderr.contains("help: free space"), "{output:#?}");
    site.assert_no_panic();
    drop(disk);
}

fn events(site: &Site, run: &str) -> Vec<String> {
    let lines = site.runyard(&["events", run, "--json"]).expect(0).json_lines();
    lines.iter().filter_map(|it| it["kind"].as_str().map(str::to_owned)).collect()
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).expect("the folder is writable");
    for size in [1 << 20, 4 << 10, 1] {
        let block = vec![0; size];
        while file.write_all(&block).is_ok() {}
    }
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// A file system that goes away with the value.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn tmpfs(at: &Path, size: &str) -> Self {
        let mut mount = Command::new("mount");
        let options = format!("size={size},mode=0700");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at);
        Output::of(&mut mount).expect(0);
        Self(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}
