//! Checks, expectations and promised outputs.

use expect_test::expect;

use crate::world::World;

#[test]
fn a_check_that_only_warns_leaves_the_task_succeeded_and_the_run_partial() {
    let text = "params: { rows: { type: int, default: 3 } }\ntasks:\n  c: { check: [{ expr: params.rows, expect: value > 5, on_failure: warn }, { expr: params.rows > 1 }] }\n";
    let (mut world, run) = World::playing(1, text);
    assert_eq!(
        world.why_ended(run),
        ["c warns: check 1: `value > 5` is not true (value is 3)"],
        "it says what made the run partial"
    );
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 c attempt 1 starting
        00:00 c attempt 1 started
        00:00 c attempt 1 succeeded; warning: check 1: `value > 5` is not true (value is 3)
        00:00 c succeeded
        00:00 run partial
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_program_of_a_check_is_judged_by_what_it_prints() {
    let text = "tasks:\n  c: { check: { exec: [count], expect: value > 5 }, retry: { limit: 1, delay: 1s, jitter: 0 } }\n";
    let (mut world, _) = World::playing(1, text);
    world.judges("c", 0, "3\n");
    world.wait(1);
    world.judges("c", 0, "7\n");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 c queued
        00:00 c attempt 1 starting
        00:00 c attempt 1 started (pid 42)
        00:00 c attempt 1 check_failed: `value > 5` is not true (value is 3)
        00:00 c again in 1s
        00:01 c queued
        00:01 c attempt 2 starting
        00:01 c attempt 2 started (pid 42)
        00:01 c attempt 2 succeeded
        00:01 c succeeded
        00:01 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn an_attempt_that_does_not_keep_its_promises_fails_as_a_check() {
    let text = "tasks:\n  a: { run: x, outputs: { rows: int } }\n  b: { run: x, expect: outputs.rows > 5 }\n";
    let (mut world, _) = World::playing(2, text);
    world.succeed("a");
    world.writes("b", "rows=3");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 b queued
        00:00 a attempt 1 starting
        00:00 b attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 b attempt 1 started (pid 42)
        00:00 a attempt 1 check_failed: it has not written its output `rows`
        00:00 a failed (check_failed: it has not written its output `rows`)
        00:00 b attempt 1 check_failed: `expect` `outputs.rows > 5` is not true
        00:00 b failed (check_failed: `expect` `outputs.rows > 5` is not true)
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}
