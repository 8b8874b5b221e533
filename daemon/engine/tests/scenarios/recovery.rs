//! Rule 16: crashes, and runners that come back.

use engine::Effect;
use engine::input::{AttemptEnd, How, Known};
use expect_test::expect;
use shared::id::AttemptId;

use crate::world::World;

#[test]
fn an_attempt_whose_start_never_arrived_is_started_under_the_same_id() {
    let mut world = World::new(1);
    world.load("tasks:\n  a: { run: x }\n");
    world.hold_starts();
    world.run();
    let attempt = world.attempt("a");
    world.crash();
    world.connect(1, &[]);
    assert_eq!(world.effect_words(), ["start"]);
    assert_eq!(world.attempt("a"), attempt);
    world.started("a");
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn an_attempt_that_ended_while_the_daemon_was_dead_is_known_with_its_exit_code() {
    let (mut world, _) = World::playing(1, "tasks:\n  a: { run: x }\n");
    let attempt = world.attempt("a");
    world.crash();
    world.connect(1, &[(attempt, Known::Ended)]);
    assert!(world.effect_words().is_empty(), "its end is not on disk yet");
    world.ends("a", AttemptEnd::of(How::Exited(3)));
    assert_eq!(world.effect_words(), ["release"]);
    world.ends_id(attempt, AttemptEnd::of(How::Exited(3)));
    assert_eq!(world.effect_words(), ["release"], "a repeated report is only released");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 a attempt 1 exit(3)
        00:00 a failed (exit(3))
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_lost_attempt_is_held_for_a_person_unless_it_is_idempotent() {
    let text = "tasks:\n  once: { run: x }\n  again: { run: x, idempotent: true, retry: { limit: 1, delay: 1s, jitter: 0 } }\n";
    let (mut world, run) = World::playing(2, text);
    world.connect(2, &[]);
    world.wait(1);
    world.succeed("again");
    world.retry_failed(run);
    world.succeed("once");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 once queued
        00:00 again queued
        00:00 once attempt 1 starting
        00:00 again attempt 1 starting
        00:00 once attempt 1 started (pid 42)
        00:00 again attempt 1 started (pid 42)
        00:00 pool local is up
        00:00 once attempt 1 lost: the journal of its runner was replaced
        00:00 once held: nobody knows how its attempt 1 ended (the journal of its runner was replaced), and it is not said to be idempotent
        00:00 again attempt 1 lost: the journal of its runner was replaced
        00:00 again again in 1s
        00:01 again queued
        00:01 again attempt 2 starting
        00:01 again attempt 2 started (pid 42)
        00:01 again attempt 2 succeeded
        00:01 again succeeded
        00:01 once to run again, asked by user:ann
        00:01 once queued
        00:01 once attempt 2 starting
        00:01 once attempt 2 started (pid 42)
        00:01 once attempt 2 succeeded
        00:01 once succeeded
        00:01 run succeeded
    "#]].assert_eq(&world.trace());
}

#[test]
fn an_attempt_that_was_cancelled_before_it_arrived_never_starts() {
    let mut world = World::new(1);
    world.load("tasks:\n  a: { run: x }\n");
    world.hold_starts();
    let run = world.run();
    world.cancel(run);
    world.crash();
    world.connect(1, &[]);
    assert!(world.effect_words().is_empty());
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 run cancelled by user:ann
        00:00 a attempt 1 is being stopped
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 a attempt 1 cancelled
        00:00 a cancelled
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn an_attempt_that_nobody_waits_for_is_stopped_and_forgotten() {
    let (mut world, _) = World::playing(1, "tasks:\n  a: { run: x }\n");
    let attempt = world.attempt("a");
    world.succeed("a");
    let at = world.state().now;
    world.connect(1, &[(attempt, Known::Running { pid: 42, at })]);
    assert_eq!(world.effect_words(), ["stop"]);
    world.ends_id(attempt, AttemptEnd::of(How::Killed));
    assert_eq!(world.effect_words(), ["release"]);
}

#[test]
fn a_restart_looks_for_files_again_and_moves_no_timeout() {
    let text = "tasks:\n  w: { wait: { file: { path: in.csv } }, timeout: 1m }\n  ask: { approval: { message: on, timeout: 2m, on_timeout: skip } }\n";
    let (mut world, _) = World::playing(1, text);
    world.wait(30);
    world.crash();
    assert_eq!(world.effect_words(), ["watch"]);
    world.wait(300);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 w attempt 1 starting
        00:00 w attempt 1 started
        00:00 ask attempt 1 starting
        00:00 ask attempt 1 started
        00:00 ask asks: on (until 2026-01-01T00:02:00.000Z)
        00:30 -- the daemon starts again
        00:30 pool local is down
        01:00 w attempt 1 timeout: the time for one attempt was over
        01:00 w failed (timeout: the time for one attempt was over)
        02:00 ask attempt 1 timeout
        02:00 ask skipped (nobody answered in time)
        02:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_lost_task_of_finally_is_held_and_a_person_runs_it_again_or_cancels_twice() {
    let text = "tasks:\n  a: { run: x }\nfinally:\n  tidy: { run: x }\n";
    let (mut world, run) = World::playing(2, text);
    world.succeed("a");
    world.connect(2, &[]);
    world.retry(run, &["a"]);
    world.retry_failed(run);
    world.connect(3, &[]);
    world.cancel(run);
    world.cancel(run);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 tasks ended: succeeded; finally runs
        00:00 tidy queued
        00:00 tidy attempt 1 starting
        00:00 tidy attempt 1 started (pid 42)
        00:00 pool local is up
        00:00 tidy attempt 1 lost: the journal of its runner was replaced
        00:00 tidy held: nobody knows how its attempt 1 ended (the journal of its runner was replaced), and it is not said to be idempotent
        00:00 refused: the run's `finally` is running (retry once it has ended)
        00:00 tidy to run again, asked by user:ann
        00:00 tidy queued
        00:00 tidy attempt 2 starting
        00:00 tidy attempt 2 started (pid 42)
        00:00 pool local is up
        00:00 tidy attempt 2 lost: the journal of its runner was replaced
        00:00 tidy held: nobody knows how its attempt 2 ended (the journal of its runner was replaced), and it is not said to be idempotent
        00:00 run cancelled by user:ann
        00:00 run cancelled, its finally too, by user:ann
        00:00 tidy cancelled
        00:00 run cancelled
    "#]].assert_eq(&world.trace());
}

#[test]
fn a_cancelled_task_whose_end_nobody_knows_is_cancelled_and_not_held() {
    let (mut world, run) = World::playing(2, "tasks:\n  a: { run: x }\n");
    world.cancel(run);
    world.crash();
    world.connect(2, &[]);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 run cancelled by user:ann
        00:00 a attempt 1 is being stopped
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 a attempt 1 lost: the journal of its runner was replaced
        00:00 a cancelled
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_program_that_nobody_waits_for_is_stopped() {
    let (mut world, _) = World::playing(1, "tasks:\n  a: { run: x }\n");
    let attempt = world.attempt("a");
    world.trace();
    world.started_id(AttemptId(9));
    let stop = |attempt| [Effect::StopAttempt("local".into(), attempt)];
    assert_eq!(world.effects, stop(AttemptId(9)), "this store has never ordered it");
    world.started_id(attempt);
    assert_eq!(world.effects, [], "it is waited for, and known to run");
    world.succeed("a");
    world.trace();
    world.started_id(attempt);
    assert_eq!(world.effects, stop(attempt), "its end is on disk");
    assert_eq!(world.trace(), "", "nothing new is true");
}
