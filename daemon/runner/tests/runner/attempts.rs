//! What becomes of an attempt.

use crate::harness::{Pool, lives, shell, wait_for};
use runner::protocol::{Cause, End, Exited, Frame, Spawn};
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

fn run(spawn: Spawn) -> (Pool, End) {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    let attempt = spawn.attempt;
    daemon.send(&Frame::Spawn(spawn));
    let end = daemon.end(attempt);
    (pool, end)
}

fn run_shell(script: &str) -> (Pool, Exited) {
    let (pool, end) = run(shell(1, script));
    (pool, crate::harness::exited(end))
}

#[test]
fn exit_codes_and_signals_are_told_as_they_are() {
    for (script, status) in [("exit 0", 0), ("exit 42", 42 << 8), ("kill -9 $$", 9)] {
        let (_, exited) = run_shell(script);
        assert_eq!((exited.wait_status, exited.cause), (status, Cause::Own), "{script}");
        assert!(exited.max_rss_kib > 0 && exited.ended_ms >= exited.started_ms);
    }
}

#[test]
fn a_program_that_cannot_be_run_is_told_with_its_errno() {
    let (_, end) = run(Spawn { argv: vec![b"/no/such/program".to_vec()], ..shell(1, "") });
    assert!(matches!(end, End::ExecFailed { errno: 2, .. }), "{end:?}");
    let (_, end) = run(Spawn { argv: vec![b"no-such-program".to_vec()], ..shell(1, "") });
    assert!(matches!(end, End::ExecFailed { errno: 2, .. }), "{end:?}");
    let (_, end) = run(Spawn { argv: vec![b"/etc".to_vec()], ..shell(1, "") });
    assert!(matches!(end, End::ExecFailed { errno: 13, .. }), "{end:?}");
    let (_, end) = run(Spawn { working_dir: b"/no/such/folder".to_vec(), ..shell(1, "") });
    let End::ExecFailed { errno: 2, text } = end else { panic!("{end:?}") };
    assert!(text.starts_with("cannot enter the working directory"), "{text}");
}

#[test]
fn a_task_sees_its_own_environment_and_nothing_else() {
    let (pool, _) = run_shell("env | sort; umask");
    let log = String::from_utf8(pool.log("a-1")).expect("the output is text");
    let names: Vec<&str> = log.lines().filter_map(|it| it.split_once('=')).map(|it| it.0).collect();
    assert_eq!(names, ["PATH", "PWD", "RUNYARD_OUTPUTS", "RUNYARD_RUN_DIR"]);
    let run_dir = pool.path("runs/r");
    assert!(log.contains(&format!("RUNYARD_RUN_DIR={}", run_dir.display())), "{log}");
    assert!(log.contains("\n0022\n"), "{log}");
}

#[test]
fn a_task_starts_with_default_signals_its_own_session_and_no_stray_descriptors() {
    let (pool, _) = run_shell(
        "grep -E '^(SigBlk|SigIgn|NoNewPrivs)' /proc/self/status; ls /proc/self/fd | tr '\\n' ' '; \
         cut -d' ' -f6 /proc/$$/stat; echo $$",
    );
    let log = String::from_utf8(pool.log("a-1")).expect("the output is text");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "SigBlk:\t0000000000000000");
    assert_eq!(lines[1], "SigIgn:\t0000000000000000");
    assert_eq!(lines[2], "NoNewPrivs:\t1");
    // 3 is the folder that `ls` itself has open.
    let (descriptors, session) = lines[3].rsplit_once(' ').expect("both are on one line");
    assert_eq!(descriptors, "0 1 2 3");
    assert_eq!(session, lines[4]);
}

#[test]
fn outputs_and_the_log_are_where_they_belong() {
    let (pool, exited) = run_shell("echo out; echo err >&2; echo rows=3 >> $RUNYARD_OUTPUTS");
    assert_eq!(pool.log("a-1"), b"out\nerr\n");
    assert_eq!((exited.log_bytes, exited.dropped_bytes), (8, 0));
    let outputs = fs::read(pool.path("attempts/a-1/outputs")).expect("the file is there");
    assert_eq!(outputs, b"rows=3\n");
}

#[test]
fn the_log_is_on_the_file_while_the_task_runs() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    daemon.start(shell(1, "echo hello; exec sleep 60"));
    wait_for("the line", || (pool.log("a-1") == b"hello\n").then_some(()));
    daemon.send(&Frame::Kill { attempt: 1 });
    daemon.exit(1);
}

#[test]
fn a_timeout_ends_a_task_that_ignores_sigterm() {
    let spawn = Spawn {
        timeout_ms: 200,
        grace_ms: 200,
        ..shell(1, "trap '' TERM; while :; do sleep 0.05; done")
    };
    let (_, end) = run(spawn);
    let exited = crate::harness::exited(end);
    assert_eq!((exited.wait_status, exited.cause), (9, Cause::TimedOut));
    assert!(exited.ended_ms - exited.started_ms >= 400);
}

#[test]
fn a_silent_task_is_stopped_and_one_that_gives_signs_of_life_is_not() {
    let spawn = Spawn { idle_ms: 300, timeout_ms: 60_000, ..shell(1, "exec sleep 60") };
    let (_, end) = run(spawn);
    let exited = crate::harness::exited(end);
    assert_eq!((exited.wait_status, exited.cause), (15, Cause::Idle));
    assert!(exited.ended_ms - exited.started_ms >= 300);
    let prints = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done";
    let writes = "for i in 1 2 3 4 5 6; do echo n=$i > \"$RUNYARD_OUTPUTS\"; sleep 0.2; done";
    for script in [prints, writes] {
        let (_, end) = run(Spawn { idle_ms: 600, ..shell(1, script) });
        let exited = crate::harness::exited(end);
        assert_eq!((exited.wait_status, exited.cause), (0, Cause::Own), "{script}");
    }
}

#[test]
fn a_timeout_that_comes_before_the_silence_is_the_cause() {
    let spawn = Spawn { idle_ms: 60_000, timeout_ms: 200, ..shell(1, "exec sleep 60") };
    let (_, end) = run(spawn);
    assert_eq!(crate::harness::exited(end).cause, Cause::TimedOut);
}

#[test]
fn a_killed_task_is_killed_even_if_it_exits_with_0() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    daemon.start(shell(1, "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done"));
    wait_for("the trap", || (pool.log("a-1") == b"ready\n").then_some(()));
    daemon.send(&Frame::Kill { attempt: 1 });
    daemon.send(&Frame::Kill { attempt: 1 });
    let exited = daemon.exit(1);
    assert_eq!((exited.wait_status, exited.cause), (0, Cause::Killed));
    daemon.send(&Frame::Kill { attempt: 1 });
    daemon.send(&Frame::Kill { attempt: 999 });
    daemon.settle();
}

/// Numbers the task printed, one a line.
fn printed(pool: &Pool, count: usize) -> Vec<i32> {
    wait_for("the numbers", || {
        let log = String::from_utf8(pool.log("a-1")).expect("the output is text");
        let pids: Vec<i32> = log.split_whitespace().filter_map(|it| it.parse().ok()).collect();
        (pids.len() == count && log.ends_with('\n')).then_some(pids)
    })
}

#[test]
fn a_kill_leaves_nothing_of_the_group() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    let script =
        "trap '' TERM; (trap '' TERM; echo $$; sleep 60 & echo $!; wait) & echo $!; wait; wait";
    daemon.start(Spawn { grace_ms: 100, ..shell(1, script) });
    let pids = printed(&pool, 3);
    daemon.send(&Frame::Kill { attempt: 1 });
    let exited = daemon.exit(1);
    assert_eq!((exited.wait_status, exited.cause), (9, Cause::Killed));
    assert!(pids.iter().all(|it| !lives(*it)), "{pids:?}");
}

#[test]
fn what_a_task_leaves_behind_is_killed_and_counted() {
    let (pool, exited) = run_shell("sleep 60 & echo $!; sleep 60 & echo $!; exit 3");
    assert_eq!((exited.wait_status, exited.left_behind), (3 << 8, 2));
    assert!(printed(&pool, 2).iter().all(|it| !lives(*it)));
}

#[test]
fn a_process_that_left_the_session_is_killed_too() {
    let started = Instant::now();
    let (pool, exited) = run_shell("setsid sh -c 'echo $$; exec sleep 60' & sleep 0.3; exit 0");
    assert_eq!(exited.left_behind, 1);
    assert!(started.elapsed() < Duration::from_secs(4));
    assert!(printed(&pool, 1).iter().all(|it| !lives(*it)));
}

#[test]
fn a_pipe_held_by_an_untraceable_process_is_waited_for_5_seconds_at_most() {
    let started = Instant::now();
    let (pool, exited) =
        run_shell("env -i setsid sh -c 'echo $$; exec sleep 20' & sleep 0.3; exit 0");
    let took = started.elapsed();
    assert_eq!(exited.left_behind, 0);
    assert!((Duration::from_secs(5)..Duration::from_secs(12)).contains(&took), "{took:?}");
    for pid in printed(&pool, 1) {
        let number = rustix::process::Pid::from_raw(pid).expect("a process number is not 0");
        let _ = rustix::process::kill_process(number, rustix::process::Signal::KILL);
    }
}

#[test]
fn a_flood_is_capped_and_the_runner_stays_small() {
    let script =
        "printf 'first line\\n'; dd if=/dev/zero bs=65536 count=1600 2>/dev/null; echo last";
    let (pool, end) = run(Spawn { log_head: 100, log_tail: 50, ..shell(1, script) });
    let exited = crate::harness::exited(end);
    let log = pool.log("a-1");
    let total = 11 + 1600 * 65536 + 5;
    let marker = format!("\n[runyard: {} bytes dropped here]\n", total - 150);
    assert_eq!((exited.log_bytes, exited.dropped_bytes), (150, total - 150));
    assert!(log.starts_with(b"first line\n\0"));
    assert!(log.ends_with(b"\0last\n"));
    assert_eq!(&log[100..100 + marker.len()], marker.as_bytes());
    assert_eq!(log.len(), 150 + marker.len());
    let peak = status(&pool, "VmHWM:");
    assert!(peak < 8 << 10, "{peak} KiB");
}

fn status(pool: &Pool, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", pool.process.id()));
    let text = text.expect("the runner lives");
    let line = text.lines().find_map(|it| it.strip_prefix(key)).expect("the key is known");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number")
}

#[test]
fn an_attempt_spawned_twice_starts_once() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    let spawn = shell(1, "echo x; read line < $RUNYARD_RUN_DIR/go");
    assert!(
        std::process::Command::new("mkdir").arg("-p").arg(pool.path("runs/r")).status().is_ok()
    );
    let fifo = pool.path("runs/r/go");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().is_ok());
    let pid = daemon.start(spawn.clone());
    assert_eq!(daemon.start(spawn.clone()), pid);
    fs::write(fifo, "go\n").expect("the task reads");
    let end = daemon.end(1);
    daemon.send(&Frame::Spawn(spawn));
    assert_eq!(daemon.next(), Some(Frame::Accepted { attempt: 1 }));
    assert_eq!(daemon.next(), Some(Frame::Ended { attempt: 1, end }));
    assert_eq!(pool.log("a-1"), b"x\n");
}

#[test]
fn names_that_are_no_plain_names_are_refused() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    for name in ["", "..", "a/b", "A", "a.b"] {
        daemon.send(&Frame::Spawn(Spawn { name: name.to_owned(), ..shell(1, "exit 0") }));
        let refused = daemon.next();
        assert!(matches!(refused, Some(Frame::Refused { capacity: false, .. })), "{refused:?}");
        daemon.send(&Frame::Spawn(Spawn { run: name.to_owned(), ..shell(1, "exit 0") }));
        assert!(matches!(daemon.next(), Some(Frame::Refused { capacity: false, .. })));
    }
}

#[test]
fn a_dropped_run_loses_its_folders_and_keeps_its_logs() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    daemon.send(&Frame::Spawn(shell(1, "echo x; touch $RUNYARD_RUN_DIR/file")));
    daemon.end(1);
    daemon.send(&Frame::Release { attempts: vec![1] });
    daemon.send(&Frame::DropRun { run: "r".to_owned(), names: vec!["a-1".to_owned()] });
    daemon.settle();
    assert!(!pool.path("runs/r").exists() && !pool.path("attempts/a-1").exists());
    assert_eq!(pool.log("a-1"), b"x\n");
}

#[test]
fn the_outputs_of_an_attempt_take_the_place_of_pipes_and_links() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    for id in 1..=2 {
        fs::create_dir(pool.path(&format!("attempts/a-{id}"))).expect("the name is free");
    }
    let fifo = std::process::Command::new("mkfifo").arg(pool.path("attempts/a-1/outputs")).status();
    assert!(fifo.is_ok_and(|it| it.success()));
    fs::write(pool.path("target"), "kept").expect("the folder is there");
    symlink(pool.path("target"), pool.path("attempts/a-2/outputs")).expect("the name is free");
    for id in 1..=2 {
        daemon.start(shell(id, "[ -f $RUNYARD_OUTPUTS ] && ! [ -L $RUNYARD_OUTPUTS ]"));
        assert_eq!(daemon.exit(id).wait_status, 0);
    }
    assert_eq!(fs::read(pool.path("target")).ok().as_deref(), Some(&b"kept"[..]));
}

#[test]
fn a_link_in_place_of_a_folder_starts_nothing() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    fs::create_dir(pool.path("elsewhere")).expect("the name is free");
    for link in ["attempts/a-1", "runs/linked"] {
        symlink(pool.path("elsewhere"), pool.path(link)).expect("the name is free");
    }
    let linked_run = Spawn { run: "linked".to_owned(), ..shell(2, "exit 0") };
    for spawn in [shell(1, "exit 0"), linked_run] {
        daemon.send(&Frame::Spawn(spawn));
        let refused = daemon.next();
        assert!(matches!(refused, Some(Frame::Refused { capacity: false, .. })), "{refused:?}");
    }
    assert_eq!(fs::read_dir(pool.path("elsewhere")).expect("the folder is there").count(), 0);
}

#[test]
fn dropping_a_run_follows_no_links() {
    let pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    fs::create_dir(pool.path("elsewhere")).expect("the name is free");
    fs::write(pool.path("elsewhere/file"), "kept").expect("the folder is there");
    let script = "ln -s $RUNYARD_RUN_DIR/../../elsewhere $RUNYARD_RUN_DIR/link; \
        rm -r ${RUNYARD_OUTPUTS%/*}; ln -s ../elsewhere ${RUNYARD_OUTPUTS%/*}";
    daemon.start(shell(1, script));
    assert_eq!(daemon.exit(1).wait_status, 0);
    daemon.send(&Frame::Release { attempts: vec![1] });
    daemon.send(&Frame::DropRun { run: "r".to_owned(), names: vec!["a-1".to_owned()] });
    daemon.settle();
    assert!(!pool.path("runs/r").exists() && !pool.path("attempts/a-1").is_symlink());
    assert_eq!(fs::read(pool.path("elsewhere/file")).ok().as_deref(), Some(&b"kept"[..]));
}
