//! Rule 5.

use engine::input::{AttemptEnd, How, Known};
use expect_test::expect;

use crate::world::World;

#[test]
fn a_cancelled_attempt_keeps_its_slot_until_it_ends_and_its_exit_code_does_not_count() {
    let (mut world, run) = World::playing(
        1,
        "tasks:\n  a: { run: x }\n  b: { needs: a, run: x }\nfinally:\n  tidy: { run: x }\n",
    );
    world.cancel(run);
    assert_eq!(world.effect_words(), ["stop"]);
    assert_eq!(world.state().slots_used(&"local".into()), 1);
    world.wait(3);
    world.cancel(run);
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 run cancelled by user:ann
        00:00 a attempt 1 is being stopped
        00:00 b cancelled
        00:03 run cancelled, its finally too, by user:ann
        00:03 tidy cancelled
        00:03 a attempt 1 cancelled
        00:03 a cancelled
        00:03 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn finally_runs_after_a_cancel_and_a_second_cancel_stops_it() {
    let (mut world, run) =
        World::playing(1, "tasks:\n  a: { run: x }\nfinally:\n  tidy: { run: x }\n");
    world.cancel(run);
    world.ends("a", AttemptEnd::of(How::Killed));
    world.cancel(run);
    world.ends("tidy", AttemptEnd::of(How::Killed));
    world.cancel(run);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 run cancelled by user:ann
        00:00 a attempt 1 is being stopped
        00:00 a attempt 1 cancelled
        00:00 a cancelled
        00:00 tasks ended: cancelled; finally runs
        00:00 tidy queued
        00:00 tidy attempt 1 starting
        00:00 tidy attempt 1 started (pid 42)
        00:00 run cancelled, its finally too, by user:ann
        00:00 tidy attempt 1 is being stopped
        00:00 tidy attempt 1 cancelled
        00:00 tidy cancelled
        00:00 run cancelled
        00:00 refused: the run has ended
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_stop_that_comes_before_the_start_is_confirmed_goes_on() {
    let (mut world, run) = World::playing(1, "tasks:\n  a: { run: x }\n");
    world.hold_starts();
    world.succeed("a");
    let run = {
        assert!(!world.state().runs.contains_key(&run));
        world.run()
    };
    world.cancel(run);
    world.started("a");
    world.ends("a", AttemptEnd::of(How::Killed));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 run succeeded
        00:00 #2 run flow#2 created by user:ann
        00:00 #2 run started
        00:00 #2 a queued
        00:00 #2 a attempt 1 starting
        00:00 #2 run cancelled by user:ann
        00:00 #2 a attempt 1 is being stopped
        00:00 #2 a attempt 1 started (pid 42)
        00:00 #2 a attempt 1 cancelled
        00:00 #2 a cancelled
        00:00 #2 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_cancel_ends_retry_waits_approvals_waits_and_what_is_queued() {
    let text = "tasks:\n  a: { run: x, retry: { limit: 1, delay: 60s, jitter: 0 } }\n  ask: { approval: on }\n  file: { wait: { file: { path: in.csv } }, timeout: 1h }\n  b: { run: x }\n  c: { run: x }\n";
    let (mut world, run) = World::playing(1, text);
    world.fail("a");
    world.cancel(run);
    world.ends("b", AttemptEnd::of(How::Killed));
    world.wait(7200);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 ask attempt 1 starting
        00:00 ask attempt 1 started
        00:00 ask asks: on (until 2026-01-02T00:00:00.000Z)
        00:00 file attempt 1 starting
        00:00 file attempt 1 started
        00:00 b queued
        00:00 c queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 exit(1)
        00:00 a again in 1m
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 run cancelled by user:ann
        00:00 a cancelled
        00:00 ask attempt 1 cancelled
        00:00 ask cancelled
        00:00 file attempt 1 cancelled
        00:00 file cancelled
        00:00 b attempt 1 is being stopped
        00:00 c cancelled
        00:00 b attempt 1 cancelled
        00:00 b cancelled
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_wait_that_takes_too_long_is_tried_again_and_then_fails() {
    let text = "tasks:\n  w: { wait: { file: { path: in.csv } }, timeout: 1m, retry: { limit: 1, delay: 10s, jitter: 0 } }\n";
    let (mut world, _) = World::playing(1, text);
    world.wait(300);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 w attempt 1 starting
        00:00 w attempt 1 started
        01:00 w attempt 1 timeout: the time for one attempt was over
        01:00 w again in 10s
        01:10 w attempt 2 starting
        01:10 w attempt 2 started
        02:10 w attempt 2 timeout: the time for one attempt was over
        02:10 w failed (timeout: the time for one attempt was over)
        02:10 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn the_total_timeout_holds_for_a_wait_too() {
    let text = "tasks:\n  w: { wait: { file: { path: in.csv } }, timeout: { total: 1m } }\n";
    let (mut world, _) = World::playing(1, text);
    world.wait(300);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 w attempt 1 starting
        00:00 w attempt 1 started
        01:00 w attempt 1 timeout: the time for all its attempts was over
        01:00 w failed (timeout: the time for all its attempts was over)
        01:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn no_retry_begins_after_the_total_timeout() {
    let text = "tasks:\n  a: { run: x, timeout: { total: 1m }, retry: { limit: 5, delay: 40s, backoff: 1, jitter: 0 } }\n";
    let (mut world, _) = World::playing(1, text);
    world.wait(5);
    world.fail("a");
    world.wait(40);
    world.ends("a", AttemptEnd::of(How::TimedOut));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:05 a attempt 1 exit(1)
        00:05 a again in 40s
        00:45 a queued
        00:45 a attempt 2 starting
        00:45 a attempt 2 started (pid 42)
        00:45 a attempt 2 timeout: the time for all its attempts was over
        00:45 a failed (timeout: the time for all its attempts was over)
        00:45 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_failed_item_of_a_cancelled_runs_finally_is_a_failure_and_not_a_cancel() {
    let text = "tasks:\n  a: { run: x }\nfinally:\n  tidy: { run: x, map: { over: [p, q], as: it, tolerate: 1 } }\n";
    let (mut world, run) = World::playing(2, text);
    world.cancel(run);
    world.ends("a", AttemptEnd::of(How::Killed));
    world.fail("tidy:p");
    world.succeed("tidy:q");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 run cancelled by user:ann
        00:00 a attempt 1 is being stopped
        00:00 a attempt 1 cancelled
        00:00 a cancelled
        00:00 tasks ended: cancelled; finally runs
        00:00 tidy has 2 items
        00:00 tidy:p queued
        00:00 tidy:q queued
        00:00 tidy:p attempt 1 starting
        00:00 tidy:q attempt 1 starting
        00:00 tidy:p attempt 1 started (pid 42)
        00:00 tidy:q attempt 1 started (pid 42)
        00:00 tidy:p attempt 1 exit(1)
        00:00 tidy:p failed (exit(1))
        00:00 tidy:q attempt 1 succeeded
        00:00 tidy:q succeeded
        00:00 tidy succeeded
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_stop_is_ordered_again_when_the_runner_comes_back() {
    let (mut world, run) = World::playing(1, "tasks:\n  a: { run: x }\n");
    let attempt = world.attempt("a");
    world.cancel(run);
    world.crash();
    let at = world.state().now;
    world.connect(1, &[(attempt, Known::Running { pid: 42, at })]);
    assert_eq!(world.effect_words(), ["stop"]);
    world.ends("a", AttemptEnd::of(How::Killed));
    assert_eq!(world.effect_words(), ["release"]);
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
        00:00 a attempt 1 cancelled
        00:00 a cancelled
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}
