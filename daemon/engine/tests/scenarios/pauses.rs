//! Rule 11: pause; decisions 21 and 24.

use expect_test::expect;
use shared::request::{PauseWhat, Request};

use crate::world::World;

const TWO: &str = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x }\n  f: { needs: a, wait: { file: { path: in.csv } } }\n";

#[test]
fn a_pause_stops_starts_and_never_a_process() {
    let (mut world, run) = World::playing(2, TWO);
    world.trace();
    world.pause(PauseWhat::Run(run), None);
    assert_eq!(world.state().runs[&run].word(), "pausing");
    world.succeed("a");
    assert_eq!(world.state().runs[&run].word(), "paused");
    let why = world.why(run, "b");
    assert_eq!(why[0], "run flow#1 is paused by user:ann");
    world.crash();
    world.connect(1, &[]);
    world.resume(PauseWhat::Run(run));
    world.resume(PauseWhat::Run(run));
    expect![[r#"
        00:00 run paused by user:ann
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 run resumed by user:ann
        00:00 b queued
        00:00 f attempt 1 starting
        00:00 f attempt 1 started
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 refused: run flow#1 is not paused
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_pause_ends_by_itself_at_its_time() {
    let (mut world, run) = World::playing(2, TWO);
    world.trace();
    world.pause(PauseWhat::Workflow("flow".into()), Some(60));
    world.succeed("a");
    world.run();
    world.wait(59);
    assert!(!world.state().runs[&run].tasks[1].phase.is_over());
    world.wait(1);
    expect![[r#"
        00:00 workflow flow paused by user:ann until 2026-01-01T00:01:00.000Z
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 #2 run flow#2 created by user:ann
        01:00 workflow flow resumed by daemon
        01:00 #1 b queued
        01:00 #1 f attempt 1 starting
        01:00 #1 f attempt 1 started
        01:00 #1 b attempt 1 starting
        01:00 #1 b attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_paused_pool_starts_nothing_and_the_plan_says_what_waits_for_it() {
    let text = "tasks:\n  a: { run: x }\n  b: { run: x }\n  c: { run: x }\n";
    let (mut world, run) = World::playing(1, text);
    world.trace();
    let what = PauseWhat::Pool("local".into());
    let plan = world.plan(&Request::Pause { what: what.clone(), until: None, comment: None });
    assert_eq!(plan, ["holds back 2: flow#1 b, flow#1 c"]);
    world.pause(what.clone(), None);
    world.succeed("a");
    assert_eq!(world.why(run, "b"), ["pool local is paused by user:ann"]);
    world.resume(what);
    expect![[r#"
        00:00 pool local paused by user:ann
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 pool local resumed by user:ann
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_is_paused_can_be_cancelled_and_finally_runs() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x }\nfinally:\n  tidy: { run: x }\n";
    let (mut world, run) = World::playing(2, text);
    world.trace();
    world.pause(PauseWhat::Run(run), None);
    world.succeed("a");
    world.cancel(run);
    world.succeed("tidy");
    expect![[r#"
        00:00 run paused by user:ann
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 run cancelled by user:ann
        00:00 b cancelled
        00:00 tasks ended: cancelled; finally runs
        00:00 tidy queued
        00:00 tidy attempt 1 starting
        00:00 tidy attempt 1 started (pid 42)
        00:00 tidy attempt 1 succeeded
        00:00 tidy succeeded
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn everything_can_be_paused_and_a_retry_that_comes_due_waits_in_the_queue() {
    let text = "tasks:\n  a: { run: x, retry: { limit: 1, delay: 5s, jitter: 0 } }\n";
    let (mut world, run) = World::playing(2, text);
    world.fail("a");
    world.trace();
    world.pause(PauseWhat::All, None);
    world.wait(10);
    assert_eq!(world.why(run, "a"), ["everything is paused by user:ann"]);
    world.resume(PauseWhat::All);
    expect![[r#"
        00:00 everything paused by user:ann
        00:05 a queued
        00:10 everything resumed by user:ann
        00:10 a attempt 2 starting
        00:10 a attempt 2 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}
