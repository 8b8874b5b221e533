//! Rule 11.

use engine::input::{AttemptEnd, How};
use expect_test::expect;

use crate::world::World;

#[test]
fn what_failed_and_what_needs_it_runs_again_and_the_rest_is_kept() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x }\n  c: { run: x }\n  d: { needs: [b, c], run: x, trigger_rule: all_done }\nfinally:\n  tidy: { run: x }\n";
    let (mut world, run) = World::playing(2, text);
    for name in ["a", "c"] {
        world.succeed(name);
    }
    world.fail("b");
    world.succeed("d");
    world.succeed("tidy");
    world.trace();
    world.retry_failed(run);
    world.succeed("b");
    world.succeed("d");
    world.succeed("tidy");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 b, d, tidy to run again, asked by user:ann
        00:00 run started
        00:00 b queued
        00:00 b attempt 2 starting
        00:00 b attempt 2 started (pid 42)
        00:00 b attempt 2 succeeded
        00:00 b succeeded
        00:00 d queued
        00:00 d attempt 2 starting
        00:00 d attempt 2 started (pid 42)
        00:00 d attempt 2 succeeded
        00:00 d succeeded
        00:00 tasks ended: succeeded; finally runs
        00:00 tidy queued
        00:00 tidy attempt 2 starting
        00:00 tidy attempt 2 started (pid 42)
        00:00 tidy attempt 2 succeeded
        00:00 tidy succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn only_the_failed_items_run_again_and_a_run_that_must_wait_for_its_turn_can_be_cancelled() {
    let text = "tasks:\n  m: { run: x, map: { over: [p, q], as: it } }\n";
    let (mut world, run) = World::playing(2, text);
    world.fail("m:p");
    world.succeed("m:q");
    world.trace();
    world.run();
    world.retry_failed(run);
    world.cancel(run);
    world.retry_failed(run);
    world.succeed("m:p");
    world.succeed("m:q");
    world.succeed("m:p");
    expect![[r#"
        00:00 #2 run flow#2 created by user:ann
        00:00 #2 run started
        00:00 #2 m has 2 items
        00:00 #2 m:p queued
        00:00 #2 m:q queued
        00:00 #2 m:p attempt 1 starting
        00:00 #2 m:q attempt 1 starting
        00:00 #2 m:p attempt 1 started (pid 42)
        00:00 #2 m:q attempt 1 started (pid 42)
        00:00 #1 run flow#1 is taken up again
        00:00 #1 m:p to run again, asked by user:ann
        00:00 #1 run cancelled by user:ann
        00:00 #1 m:p cancelled
        00:00 #1 m cancelled
        00:00 #1 run cancelled
        00:00 #1 run flow#1 is taken up again
        00:00 #1 m:p to run again, asked by user:ann
        00:00 #2 m:p attempt 1 succeeded
        00:00 #2 m:p succeeded
        00:00 #2 m:q attempt 1 succeeded
        00:00 #2 m:q succeeded
        00:00 #2 m succeeded
        00:00 #2 run succeeded
        00:00 #1 run started
        00:00 #1 m:p queued
        00:00 #1 m:p attempt 2 starting
        00:00 #1 m:p attempt 2 started (pid 42)
        00:00 #1 m:p attempt 2 succeeded
        00:00 #1 m:p succeeded
        00:00 #1 m succeeded
        00:00 #1 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_has_not_ended_is_not_run_again() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x }\n  c: { run: x }\n";
    let (mut world, run) = World::playing(2, text);
    world.succeed("a");
    world.retry_from(run, "a");
    world.cancel(run);
    world.retry_failed(run);
    world.ends("b", AttemptEnd::of(How::Killed));
    world.ends("c", AttemptEnd::of(How::Killed));
    world.retry(run, &["nothing"]);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 c queued
        00:00 a attempt 1 starting
        00:00 c attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 c attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 b queued
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 refused: `b` would run again, and it has not ended (wait until it has, or cancel the run)
        00:00 run cancelled by user:ann
        00:00 b attempt 1 is being stopped
        00:00 c attempt 1 is being stopped
        00:00 refused: the run is being cancelled (retry once it has ended)
        00:00 b attempt 1 cancelled
        00:00 b cancelled
        00:00 c attempt 1 cancelled
        00:00 c cancelled
        00:00 run cancelled
        00:00 refused: flow#1 has no task `nothing` (`runyard show` lists them)
    "#]].assert_eq(&world.trace());
}

#[test]
fn an_item_of_a_task_that_was_not_expanded_anew_waits_for_what_it_needs() {
    let text =
        "tasks:\n  a: { run: x }\n  m: { needs: a, run: x, map: { over: [p, q], as: it } }\n";
    let (mut world, run) = World::playing(2, text);
    world.succeed("a");
    world.succeed("m:p");
    world.succeed("m:q");
    world.retry_from(run, "a");
    world.fail("a");
    world.trace();
    world.retry(run, &["m:p"]);
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 m to run again, asked by user:ann
        00:00 run started
        00:00 m upstream_failed
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_held_task_runs_again_while_its_run_goes_on_and_what_has_not_begun_needs_no_retry() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x }\n  c: { run: x }\n";
    let (mut world, run) = World::playing(2, text);
    let lost = || AttemptEnd::of(How::Lost("the host was started anew".to_owned()));
    world.ends("a", lost());
    world.retry(run, &["b"]);
    world.retry(run, &["a"]);
    world.succeed("a");
    world.succeed("c");
    world.succeed("b");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 c queued
        00:00 a attempt 1 starting
        00:00 c attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 c attempt 1 started (pid 42)
        00:00 a attempt 1 lost: the host was started anew
        00:00 a held: nobody knows how its attempt 1 ended (the host was started anew), and it is not said to be idempotent
        00:00 refused: it has not begun, and runs anyway
        00:00 a to run again, asked by user:ann
        00:00 a queued
        00:00 a attempt 2 starting
        00:00 a attempt 2 started (pid 42)
        00:00 a attempt 2 succeeded
        00:00 a succeeded
        00:00 b queued
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 c attempt 1 succeeded
        00:00 c succeeded
        00:00 b attempt 1 succeeded
        00:00 b succeeded
        00:00 run succeeded
    "#]].assert_eq(&world.trace());
}

#[test]
fn an_approval_downstream_of_what_runs_again_is_asked_anew() {
    let text = "tasks:\n  a: { run: x }\n  ask: { needs: a, approval: \"on?\" }\n";
    let (mut world, run) = World::playing(2, text);
    world.succeed("a");
    world.decide(run, "ask", shared::request::Decision::Approve, "fine");
    world.trace();
    world.retry_from(run, "a");
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 a, ask to run again, asked by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 2 starting
        00:00 a attempt 2 started (pid 42)
        00:00 a attempt 2 succeeded
        00:00 a succeeded
        00:00 ask attempt 2 starting
        00:00 ask attempt 2 started
        00:00 ask asks: on? (until 2026-01-02T00:00:00.000Z)
    "#]]
    .assert_eq(&world.trace());
}
