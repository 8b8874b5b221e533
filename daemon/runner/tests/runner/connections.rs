//! Daemons that come, go, are old, or talk nonsense; and when the runner ends.

use crate::harness::{Pool, STORE, hello, shell};
use runner::protocol::{Frame, KnownState};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::{Command, Stdio};

#[test]
fn an_end_is_told_to_each_daemon_until_it_is_released() {
    let pool = Pool::start();
    let (mut daemon, snapshot) = pool.greet(1);
    assert_eq!(snapshot, []);
    daemon.send(&Frame::Spawn(shell(1, "exit 7")));
    let end = daemon.end(1);
    drop(daemon);
    for epoch in [2, 3] {
        let (_, snapshot) = pool.greet(epoch);
        assert_eq!(snapshot, [(1, KnownState::Ended(end.clone()))]);
    }
    let (mut daemon, _) = pool.greet(4);
    daemon.send(&Frame::Release { attempts: vec![1, 99] });
    daemon.settle();
    let (_, snapshot) = pool.greet(5);
    assert_eq!(snapshot, []);
}

#[test]
fn a_task_does_not_notice_that_the_daemon_is_gone() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    let pid = daemon.start(shell(1, "sleep 0.2; exit 5"));
    drop(daemon);
    let (mut daemon, snapshot) = pool.greet(2);
    let exited = match &snapshot[..] {
        [(1, KnownState::Running { pid: known, .. })] if *known == pid => daemon.exit(1),
        [(1, KnownState::Ended(end))] => crate::harness::exited(end.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(exited.wait_status, 5 << 8);
}

#[test]
fn a_running_attempt_cannot_be_released() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    daemon.start(shell(1, "exec sleep 60"));
    daemon.send(&Frame::Release { attempts: vec![1] });
    daemon.send(&Frame::Kill { attempt: 1 });
    daemon.exit(1);
}

#[test]
fn an_older_or_a_foreign_daemon_is_refused() {
    let mut pool = Pool::start();
    pool.greet(5);
    pool.replace();
    let mut old = pool.connect();
    old.send(&hello(4));
    assert_eq!(old.next(), Some(Frame::Stale { epoch: 5 }));
    assert_eq!(old.next(), None);
    let mut foreign = pool.connect();
    foreign.send(&Frame::Hello { proto_min: 1, proto_max: 1, epoch: 9, store: STORE + 1 });
    assert_eq!(foreign.next(), Some(Frame::Foreign { store: STORE }));
    let mut future = pool.connect();
    future.send(&Frame::Hello { proto_min: 7, proto_max: 9, epoch: 9, store: STORE });
    assert_eq!(future.next(), Some(Frame::Unsupported { min: 1, max: 2 }));
    pool.greet(5);
}

#[test]
fn a_newer_daemon_takes_the_place_of_the_one_before() {
    let pool = Pool::start();
    let (mut first, _) = pool.greet(1);
    let (mut second, _) = pool.greet(2);
    assert_eq!(first.next(), None);
    second.start(shell(1, "exit 0"));
}

#[test]
fn nonsense_costs_only_the_connection_it_came_on() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    let nonsense: [&[u8]; 4] =
        [&[0xff; 64], &[0, 0, 0, 0], b"\x01\0\0\0\xfe", b"\x05\0\0\0\x01\x01\x02\x03\x04"];
    for bytes in nonsense {
        let mut stranger = pool.connect();
        stranger.send_bytes(bytes);
        assert_eq!(stranger.next(), None);
    }
    let mut hasty = pool.connect();
    hasty.send(&Frame::Bye);
    assert_eq!(hasty.next(), None);
    daemon.send(&Frame::Spawn(shell(1, "exit 0")));
    daemon.exit(1);
}

#[test]
fn a_daemon_that_does_not_read_holds_nothing_up() {
    let pool = Pool::start();
    let (mut stalled, _) = pool.greet(1);
    for _ in 0..2000 {
        stalled.send(&Frame::Spawn(crate::harness::shell(1, "exec sleep 60")));
    }
    let (mut daemon, snapshot) = pool.greet(2);
    assert!(snapshot.len() <= 1);
    daemon.start(shell(1, "exec sleep 60"));
    daemon.send(&Frame::Kill { attempt: 1 });
    daemon.exit(1);
}

#[test]
fn the_runner_ends_when_it_is_idle_for_long_enough() {
    let mut pool = Pool::start_with("0", Stdio::null());
    assert!(pool.ended().success());
}

#[test]
fn the_runner_does_not_end_while_an_end_is_not_released() {
    let mut pool = Pool::start_with("1", Stdio::null());
    let (mut daemon, _) = pool.greet(1);
    daemon.send(&Frame::Spawn(shell(1, "exit 0")));
    daemon.end(1);
    daemon.send(&Frame::Bye);
    assert_eq!(daemon.next(), None);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let (mut daemon, snapshot) = pool.greet(2);
    assert_eq!(snapshot.len(), 1);
    daemon.send(&Frame::Release { attempts: vec![1] });
    daemon.send(&Frame::Bye);
    assert!(pool.ended().success());
}

#[test]
fn a_second_runner_on_the_same_folder_ends_quietly() {
    let pool = Pool::start();
    pool.greet(1);
    let second = pool.start_second().wait_with_output().expect("it is a child");
    assert!(second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another runner"));
    pool.greet(2);
}

#[test]
fn sigterm_ends_a_runner_only_when_nothing_runs() {
    let mut pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    daemon.start(shell(1, "exec sleep 60"));
    let runner = Pid::from_child(&pool.process);
    kill_process(runner, Signal::TERM).expect("the runner lives");
    kill_process(runner, Signal::HUP).expect("the runner lives");
    daemon.send(&Frame::Kill { attempt: 1 });
    daemon.exit(1);
    kill_process(runner, Signal::TERM).expect("the runner lives");
    assert!(pool.ended().success());
}

#[test]
fn a_closed_standard_error_does_not_matter() {
    let mut pool = Pool::start_with("60", Stdio::piped());
    drop(pool.process.stderr.take());
    let mut stranger = pool.connect();
    stranger.send_bytes(&[0xff; 64]);
    assert_eq!(stranger.next(), None);
    let (mut daemon, _) = pool.greet(1);
    daemon.send(&Frame::Spawn(shell(1, "exit 0")));
    daemon.exit(1);
}

#[test]
fn a_wrong_command_line_is_explained() {
    let mut runner = Command::new(env!("CARGO_BIN_EXE_runyard-runner"));
    let output = runner.arg("--bogus").output().expect("the runner is built");
    assert_eq!(output.status.code(), Some(2));
    let mut text = String::new();
    assert!(output.stderr.as_slice().read_to_string(&mut text).is_ok());
    assert!(text.contains("unknown argument `--bogus`\nusage:"), "{text}");
}
