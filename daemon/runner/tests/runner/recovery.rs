//! A runner that is killed, and the one that comes after it.

use crate::harness::{Pool, exited, shell, wait_for};
use runner::protocol::{Cause, End, Frame, KnownState, Spawn};
use runner::record::{Kind, PAYLOAD, Record};
use std::fs;

#[test]
fn a_task_outlives_its_runner_and_its_exit_code_is_known() {
    let mut pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    let script =
        "echo before; while ! [ -e $RUNYARD_RUN_DIR/go ]; do sleep 0.01; done; echo after; exit 9";
    let pid = daemon.start(shell(1, script));
    pool.replace();
    let (mut daemon, snapshot) = pool.greet(2);
    let [(1, KnownState::Running { pid: known, .. })] = &snapshot[..] else {
        panic!("{snapshot:?}")
    };
    assert_eq!((*known, daemon.generation), (pid, 2));
    fs::write(pool.path("runs/r/go"), "").expect("the folder is there");
    let exit = daemon.exit(1);
    assert_eq!((exit.wait_status, exit.cause), (9 << 8, Cause::Own));
    assert_eq!(pool.log("a-1"), b"before\nafter\n");
}

#[test]
fn limits_hold_across_a_restart_of_the_runner() {
    let mut pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    let spawn =
        Spawn { timeout_ms: 700, grace_ms: 100, ..shell(1, "trap '' TERM; sleep 60 & wait; wait") };
    daemon.start(spawn);
    pool.replace();
    let (mut daemon, snapshot) = pool.greet(2);
    let exit = match &snapshot[..] {
        [(1, KnownState::Ended(end))] => exited(end.clone()),
        _ => daemon.exit(1),
    };
    assert_eq!((exit.wait_status, exit.cause), (9, Cause::TimedOut));
}

#[test]
fn silence_is_noticed_after_a_restart_of_the_runner() {
    let mut pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    daemon.start(Spawn { idle_ms: 1_000, ..shell(1, "exec sleep 60") });
    pool.replace();
    let (mut daemon, snapshot) = pool.greet(2);
    let exit = match &snapshot[..] {
        [(1, KnownState::Ended(end))] => exited(end.clone()),
        _ => daemon.exit(1),
    };
    assert_eq!((exit.wait_status, exit.cause), (15, Cause::Idle));
}

#[test]
fn an_adopted_task_can_be_killed_with_all_it_has_started() {
    let mut pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    daemon.start(shell(1, "sleep 60 & echo $!; wait"));
    let child = wait_for("the number", || {
        String::from_utf8(pool.log("a-1")).ok().and_then(|it| it.trim().parse().ok())
    });
    pool.replace();
    let (mut daemon, _) = pool.greet(2);
    daemon.send(&Frame::Kill { attempt: 1 });
    let exit = daemon.exit(1);
    assert_eq!((exit.wait_status, exit.cause), (15, Cause::Killed));
    assert!(!crate::harness::lives(child));
}

#[test]
fn an_end_that_was_told_is_told_again_by_the_next_runner() {
    let mut pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    daemon.send(&Frame::Spawn(shell(1, "echo x; exit 3")));
    let end = daemon.end(1);
    daemon.send(&Frame::Spawn(Spawn { argv: vec![b"/none".to_vec()], ..shell(2, "") }));
    let failed = daemon.end(2);
    pool.replace();
    let (mut daemon, snapshot) = pool.greet(2);
    assert_eq!(snapshot, [(1, KnownState::Ended(end)), (2, KnownState::Ended(failed))]);
    daemon.send(&Frame::Release { attempts: vec![1, 2] });
    daemon.settle();
    pool.replace();
    assert_eq!(pool.greet(3).1, []);
}

/// A runner whose predecessor had started attempt 1, which ended while there was none.
fn pool_that_lost(preparation: &str) -> (Pool, i32) {
    let mut pool = Pool::start();
    let (mut daemon, _) = pool.greet(1);
    let script = format!(
        "{preparation}\ntouch $RUNYARD_RUN_DIR/ready; while [ -e $RUNYARD_RUN_DIR ]; do sleep 0.01; done"
    );
    let pid = daemon.start(shell(1, &script));
    wait_for("the task", || pool.path("runs/r/ready").exists().then_some(()));
    pool.kill();
    fs::remove_dir_all(pool.path("runs/r")).expect("the folder is there");
    wait_for("the end of the task", || (!crate::harness::lives(pid)).then_some(()));
    wait_for("its being reaped", || {
        (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
    pool.replace();
    (pool, pid)
}

#[test]
fn a_pipe_of_a_lost_task_does_not_stop_the_next_runner() {
    let (mut pool, _) = pool_that_lost("mkfifo ${RUNYARD_OUTPUTS%/*}/evidence");
    let (_, snapshot) = pool.greet(2);
    assert!(matches!(&snapshot[..], [(1, KnownState::Ended(End::Lost { .. }))]), "{snapshot:?}");
    pool.replace();
    assert_eq!(pool.greet(3).1, snapshot);
}

#[test]
fn a_link_of_a_lost_task_leads_no_evidence_elsewhere() {
    let (pool, _) =
        pool_that_lost("cd ${RUNYARD_OUTPUTS%/*} && echo kept > target && ln -s target evidence");
    pool.greet(2);
    let target = fs::read_to_string(pool.path("attempts/a-1/target"));
    assert_eq!(target.ok().as_deref(), Some("kept\n"));
}

#[test]
fn evidence_goes_with_the_release_of_its_attempt() {
    let (pool, pid) = pool_that_lost("");
    let (mut daemon, _) = pool.greet(2);
    let evidence = fs::read_to_string(pool.path("evidence/a-1")).unwrap_or_default();
    assert!(evidence.starts_with(&format!("process {pid} was gone")), "{evidence}");
    daemon.send(&Frame::Release { attempts: vec![1] });
    daemon.settle();
    let left = fs::read_dir(pool.path("evidence")).expect("the folder is there").count();
    assert_eq!(left, 0);
}

#[test]
fn a_task_that_ended_unseen_is_lost_with_evidence() {
    let (mut pool, pid) = pool_that_lost("");
    let (_, snapshot) = pool.greet(2);
    let [(1, KnownState::Ended(End::Lost { evidence }))] = &snapshot[..] else {
        panic!("{snapshot:?}")
    };
    assert!(evidence.starts_with(&format!("process {pid} was gone")), "{evidence}");
    pool.replace();
    assert_eq!(pool.greet(3).1, snapshot);
}

/// Replaces the journal by one segment that a runner of the given boot would have written.
fn write_journal(pool: &Pool, boot_id: u128, records: &[Record]) {
    let mut payload = [0; PAYLOAD];
    payload[..16].copy_from_slice(&boot_id.to_be_bytes());
    let header = Record::new(Kind::Header, 0).with_payload(&payload);
    let records = [header].into_iter().chain(records.iter().copied());
    let bytes: Vec<u8> = records.flat_map(|it| it.encode()).collect();
    for entry in fs::read_dir(pool.path("journal")).expect("the folder is there").flatten() {
        if entry.file_name().to_string_lossy().starts_with("segment-") {
            fs::remove_file(entry.path()).expect("the segment can be removed");
        }
    }
    fs::write(pool.path("journal/segment-1"), bytes).expect("the segment can be written");
}

fn intended(attempt: u64) -> [Record; 2] {
    let name = Record::of_text(Kind::Name, attempt, &format!("a-{attempt}"), 1)
        .expect("the name is short");
    [name, Record::new(Kind::Intent, attempt)]
}

#[test]
fn an_intent_alone_never_ran() {
    let mut pool = Pool::start();
    let (daemon, _) = pool.greet(1);
    let boot = u128::from_str_radix(&daemon.boot.replace('-', ""), 16).expect("it is a number");
    pool.kill();
    write_journal(&pool, boot, &intended(1));
    pool.replace();
    assert_eq!(pool.greet(2).1, [(1, KnownState::Ended(End::Never))]);
}

#[test]
fn after_a_restart_of_the_host_only_recorded_ends_count() {
    let mut pool = Pool::start();
    pool.greet(1);
    pool.kill();
    let started = Record { pid: 1, ..Record::new(Kind::Started, 2) };
    let exit = Record { wait_status: 256, ..Record::new(Kind::Exit, 3) };
    let records = [&intended(1)[..], &intended(2), &[started], &intended(3), &[exit]].concat();
    write_journal(&pool, 1, &records);
    pool.replace();
    let lost = End::Lost { evidence: "the host was restarted".to_owned() };
    let (_, snapshot) = pool.greet(2);
    assert_eq!(snapshot[..2], [1, 2].map(|id| (id, KnownState::Ended(lost.clone()))));
    let KnownState::Ended(end) = &snapshot[2].1 else { panic!("{snapshot:?}") };
    assert_eq!(exited(end.clone()).wait_status, 256);
}

#[test]
fn a_process_with_the_number_of_another_is_not_adopted() {
    let mut pool = Pool::start();
    let (daemon, _) = pool.greet(1);
    let boot = u128::from_str_radix(&daemon.boot.replace('-', ""), 16).expect("it is a number");
    pool.kill();
    let other = i32::try_from(std::process::id()).expect("process numbers fit an i32");
    let started = Record { pid: other, start_ticks: 1, ..Record::new(Kind::Started, 1) };
    write_journal(&pool, boot, &[&intended(1)[..], &[started]].concat());
    pool.replace();
    let (_, snapshot) = pool.greet(2);
    assert!(matches!(&snapshot[..], [(1, KnownState::Ended(End::Lost { .. }))]), "{snapshot:?}");
}
