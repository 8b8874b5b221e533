//! Rules 1 and 3.

use expect_test::expect;

use crate::world::World;

#[test]
fn a_run_goes_through_its_tasks_in_the_order_of_their_needs() {
    let (mut world, _) =
        World::playing(2, "tasks:\n  extract: { run: a }\n  load: { needs: extract, run: b }\n");
    world.wait(5);
    world.succeed("extract");
    world.succeed("load");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 extract queued
        00:00 extract attempt 1 starting
        00:00 extract attempt 1 started (pid 42)
        00:05 extract attempt 1 succeeded
        00:05 extract succeeded
        00:05 load queued
        00:05 load attempt 1 starting
        00:05 load attempt 1 started (pid 42)
        00:05 load attempt 1 succeeded
        00:05 load succeeded
        00:05 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_tolerated_failure_makes_the_run_partial_and_what_needs_it_runs() {
    let (mut world, _) = World::playing(
        2,
        "tasks:\n  a: { run: a, on_failure: continue }\n  b: { needs: a, run: b }\n",
    );
    world.fail("a");
    world.succeed("b");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 exit(1)
        00:00 a failed (exit(1))
        00:00 b queued
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 b attempt 1 succeeded
        00:00 b succeeded
        00:00 run partial
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_run_of_which_nothing_was_to_be_done_is_skipped() {
    let (mut world, _) =
        World::playing(2, "tasks:\n  a: { run: a, when: \"false\" }\n  b: { needs: a, run: b }\n");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a skipped (its `when` was false)
        00:00 b skipped (its trigger rule does not hold)
        00:00 run skipped
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn finally_sees_how_the_run_ended_and_its_failure_fails_the_run() {
    let (mut world, _) = World::playing(
        2,
        "tasks:\n  a: { run: a }\nfinally:\n  tidy: { run: t, when: \"run.state == 'succeeded'\" }\n  tell: { run: t, when: \"run.state == 'failed'\" }\n",
    );
    world.succeed("a");
    world.fail("tidy");
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
        00:00 tell skipped (its `when` was false)
        00:00 tidy attempt 1 starting
        00:00 tidy attempt 1 started (pid 42)
        00:00 tidy attempt 1 exit(1)
        00:00 tidy failed (exit(1))
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn an_error_in_when_fails_the_task_and_never_skips_it() {
    let (mut world, _) = World::playing(
        2,
        "tasks:\n  a: { run: a }\n  b: { needs: a, run: b, when: tasks.a.outputs.rows > 1 }\n",
    );
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 b failed (`when` `tasks.a.outputs.rows > 1`: `tasks.a.outputs` has no `rows`; it has nothing)
        00:00 run failed
    "#]].assert_eq(&world.trace());
}
