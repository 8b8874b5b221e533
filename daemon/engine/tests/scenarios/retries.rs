//! Rule 4.

use engine::input::{AttemptEnd, How};
use expect_test::expect;

use crate::world::World;

#[test]
fn a_task_that_keeps_failing_is_retried_with_growing_waits_and_then_fails() {
    let text = "tasks:\n  load: { run: x, retry: { limit: 2, delay: 60s, backoff: 2, jitter: 0 } }\n  report: { needs: load, run: x }\n";
    let (mut world, _) = World::playing(1, text);
    world.fail("load");
    world.wait(60);
    world.fail("load");
    world.wait(120);
    world.fail("load");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 load queued
        00:00 load attempt 1 starting
        00:00 load attempt 1 started (pid 42)
        00:00 load attempt 1 exit(1)
        00:00 load again in 1m
        01:00 load queued
        01:00 load attempt 2 starting
        01:00 load attempt 2 started (pid 42)
        01:00 load attempt 2 exit(1)
        01:00 load again in 2m
        03:00 load queued
        03:00 load attempt 3 starting
        03:00 load attempt 3 started (pid 42)
        03:00 load attempt 3 exit(1)
        03:00 load failed (exit(1))
        03:00 report upstream_failed
        03:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn only_the_listed_exit_codes_are_retried() {
    let text =
        "tasks:\n  load: { run: x, retry: { limit: 2, delay: 1s, jitter: 0, exit_codes: [75] } }\n";
    let (mut world, _) = World::playing(1, text);
    world.ends("load", AttemptEnd::of(How::Exited(75)));
    world.wait(1);
    world.fail("load");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 load queued
        00:00 load attempt 1 starting
        00:00 load attempt 1 started (pid 42)
        00:00 load attempt 1 exit(75)
        00:00 load again in 1s
        00:01 load queued
        00:01 load attempt 2 starting
        00:01 load attempt 2 started (pid 42)
        00:01 load attempt 2 exit(1)
        00:01 load failed (exit(1))
        00:01 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_start_that_was_refused_uses_no_retry_up_and_waits_a_little_longer_each_time() {
    let mut world = World::new(1);
    world.load("tasks:\n  load: { run: x }\n");
    world.hold_starts();
    world.run();
    let refused = || AttemptEnd::of(How::Refused("too many processes".to_owned()));
    for _ in 0..3 {
        world.ends("load", refused());
        world.wait(1);
    }
    world.started("load");
    world.fail("load");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 load queued
        00:00 load attempt 1 starting
        00:00 load attempt 1 start_failed(too many processes)
        00:00 load again in 100ms
        00:00 load queued
        00:00 load attempt 2 starting
        00:01 load attempt 2 start_failed(too many processes)
        00:01 load again in 200ms
        00:01 load queued
        00:01 load attempt 3 starting
        00:02 load attempt 3 start_failed(too many processes)
        00:02 load again in 500ms
        00:02 load queued
        00:02 load attempt 4 starting
        00:03 load attempt 4 started (pid 42)
        00:03 load attempt 4 exit(1)
        00:03 load failed (exit(1))
        00:03 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_wait_for_a_retry_holds_no_slot() {
    let text =
        "tasks:\n  a: { run: x, retry: { limit: 1, delay: 60s, jitter: 0 } }\n  b: { run: x }\n";
    let (mut world, _) = World::playing(1, text);
    world.fail("a");
    world.wait(60);
    world.succeed("b");
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 b queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 exit(1)
        00:00 a again in 1m
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        01:00 a queued
        01:00 b attempt 1 succeeded
        01:00 b succeeded
        01:00 a attempt 2 starting
        01:00 a attempt 2 started (pid 42)
        01:00 a attempt 2 succeeded
        01:00 a succeeded
        01:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_watched_path_that_has_no_value_fails_the_task_for_good() {
    let text = "tasks:\n  a: { run: x }\n  w: { needs: a, wait: { file: { path: \"{{ tasks.a.outputs.path }}\" } }, timeout: 1h, retry: 3 }\n";
    let (mut world, _) = World::playing(1, text);
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 w failed (`wait` `tasks.a.outputs.path`: `tasks.a.outputs` has no `path`; it has nothing)
        00:00 run failed
    "#]].assert_eq(&world.trace());
}

#[test]
fn a_file_that_arrives_ends_the_wait_and_its_name_is_an_output() {
    let text = "tasks:\n  w: { wait: { file: { path: \"*.csv\" } }, timeout: 1h }\n  load: { needs: w, exec: [load, \"{{ tasks.w.outputs.path }}\"] }\n";
    let (mut world, _) = World::playing(1, text);
    world.wait(9);
    world.file_arrives("w");
    world.wait(7200);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 w attempt 1 starting
        00:00 w attempt 1 started
        00:09 w attempt 1 succeeded
        00:09 w succeeded
        00:09 load queued
        00:09 load attempt 1 starting
        00:09 load attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}
