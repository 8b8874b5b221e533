//! Rule 11: hold, release, skip, mark, requeue, priority.

use engine::input::{AttemptEnd, How};
use expect_test::expect;
use shared::request::{Act, Mark, Request, RetryWhat};
use shared::workflow::Priority;

use crate::world::World;

const TWO: &str = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x }\n  c: { needs: b, run: x }\n";

#[test]
fn a_held_task_starts_when_it_is_released() {
    let (mut world, run) = World::playing(2, TWO);
    world.trace();
    world.hold(run, "a");
    world.hold(run, "b");
    world.succeed("a");
    world.crash();
    world.connect(1, &[]);
    assert_eq!(world.why(run, "b"), ["held by user:ann; `runyard release` lets it go on"]);
    world.release(run, "b");
    world.release(run, "b");
    expect![[r#"
        00:00 refused: `a` runs already (`runyard requeue` stops it and has it wait in the queue again)
        00:00 b held by user:ann
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 b released by user:ann
        00:00 b queued
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 refused: `b` is not held: it is running
    "#]].assert_eq(&world.trace());
}

#[test]
fn a_skipped_task_passes_what_needs_it_over_too() {
    let (mut world, run) = World::playing(2, TWO);
    world.trace();
    let task = "b".into();
    let plan = world.plan(&Request::Skip { run, task, comment: None });
    assert_eq!(plan, ["drops 2: b, c"]);
    world.skip(run, "b");
    world.skip(run, "a");
    world.succeed("a");
    expect![[r#"
        00:00 b skipped (skipped by user:ann)
        00:00 c skipped (its trigger rule does not hold)
        00:00 refused: `a` runs already (`runyard requeue` stops it; then it can be skipped)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_failed_is_marked_as_done_and_the_run_goes_on_from_there() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x, outputs: { rows: int } }\n  c: { needs: b, run: x }\n";
    let (mut world, run) = World::playing(2, text);
    world.succeed("a");
    world.fail("b");
    world.trace();
    world.mark(run, "b", Mark::Success { outputs: Default::default() });
    let outputs = [("rows".to_owned(), "7".into())].into();
    let mark = Mark::Success { outputs };
    let plan =
        world.plan(&Request::Mark { run, task: "b".into(), mark: mark.clone(), comment: None });
    assert_eq!(plan, ["runs 1: c", "keeps 1: a"]);
    world.mark(run, "b", mark);
    world.succeed("c");
    world.mark(run, "c", Mark::Failed);
    expect![[r#"
        00:00 refused: it promises the outputs rows (give them with `--output NAME=VALUE`)
        00:00 run flow#1 is taken up again
        00:00 b marked as succeeded by user:ann
        00:00 c to run again, asked by user:ann
        00:00 run started
        00:00 c queued
        00:00 c attempt 1 starting
        00:00 c attempt 1 started (pid 42)
        00:00 c attempt 1 succeeded
        00:00 c succeeded
        00:00 run succeeded
        00:00 run flow#1 is taken up again
        00:00 c marked as failed by user:ann
        00:00 run started
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn an_item_is_marked_and_its_task_is_judged_again() {
    let text =
        "tasks:\n  m: { run: x, map: { over: [p, q], as: it } }\n  z: { needs: m, run: x }\n";
    let (mut world, run) = World::playing(2, text);
    world.fail("m:p");
    world.succeed("m:q");
    world.trace();
    world.mark(run, "m:p", Mark::Success { outputs: Default::default() });
    world.succeed("z");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 m:p marked as succeeded by user:ann
        00:00 z to run again, asked by user:ann
        00:00 run started
        00:00 m succeeded
        00:00 z queued
        00:00 z attempt 1 starting
        00:00 z attempt 1 started (pid 42)
        00:00 z attempt 1 succeeded
        00:00 z succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_requeued_task_frees_its_slot_waits_behind_the_others_and_uses_no_retry_up() {
    let text = "tasks:\n  a: { run: x }\n  b: { run: x }\n";
    let (mut world, run) = World::playing(1, text);
    world.trace();
    world.wait(1);
    world.requeue(run, "a");
    assert_eq!(world.effect_words(), ["stop"]);
    world.requeue(run, "a");
    world.ends("a", AttemptEnd::of(How::Killed));
    world.succeed("b");
    world.succeed("a");
    expect![[r#"
        00:01 a sent back to the queue by user:ann
        00:01 a attempt 1 is being stopped
        00:01 refused: `a` is being stopped already
        00:01 a attempt 1 cancelled
        00:01 a queued
        00:01 b attempt 1 starting
        00:01 b attempt 1 started (pid 42)
        00:01 b attempt 1 succeeded
        00:01 b succeeded
        00:01 a attempt 2 starting
        00:01 a attempt 2 started (pid 42)
        00:01 a attempt 2 succeeded
        00:01 a succeeded
        00:01 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_run_with_a_higher_priority_goes_first_from_there_on() {
    let text = "concurrency: { max_runs: 3 }\ntasks:\n  a: { run: x }\n  b: { run: x }\n";
    let (mut world, first) = World::playing(1, text);
    let second = world.run();
    world.trace();
    let priority = Priority(750);
    world.ask(Request::Prioritize { run: second, priority, comment: None });
    world.succeed("a");
    expect![[r#"
        00:00 #2 priority 750 by user:ann
        00:00 #1 a attempt 1 succeeded
        00:00 #1 a succeeded
        00:00 #2 a attempt 1 starting
        00:00 #2 a attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
    assert!(world.state().runs[&first].priority < world.state().runs[&second].priority);
}

#[test]
fn who_decides_on_what_is_true_no_more_is_told_so() {
    let (mut world, run) = World::playing(2, TWO);
    let request = Request::Skip { run, task: "b".into(), comment: None };
    let seen = Act { request: request.clone(), seen: Some("waiting".to_owned()), plan: None };
    world.succeed("a");
    world.trace();
    world.act(seen);
    let retry = Request::Retry { run, what: RetryWhat::Failed, comment: None };
    world.cancel(run);
    world.ends("b", AttemptEnd::of(How::Killed));
    let digest = world.plan_digest(&retry);
    world.mark(run, "a", Mark::Failed);
    world.act(Act { request: retry.clone(), seen: None, plan: Some(digest) });
    let digest = world.plan_digest(&retry);
    world.act(Act { request: retry, seen: Some("failed".to_owned()), plan: Some(digest) });
    expect![[r#"
        00:00 refused: it has changed since you looked: it was waiting, and is running (look again, and decide anew)
        00:00 run cancelled by user:ann
        00:00 b attempt 1 is being stopped
        00:00 c cancelled
        00:00 b attempt 1 cancelled
        00:00 b cancelled
        00:00 run cancelled
        00:00 run flow#1 is taken up again
        00:00 a marked as failed by user:ann
        00:00 run started
        00:00 run failed
        00:00 refused: it has changed since you looked: what would follow is no longer what was shown (look again, and decide anew)
        00:00 retry failed confirmed: runs 3
        00:00 run flow#1 is taken up again
        00:00 a, b, c to run again, asked by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 2 starting
        00:00 a attempt 2 started (pid 42)
    "#]].assert_eq(&world.trace());
}

#[test]
fn what_a_person_holds_is_not_let_go_by_a_retry_of_what_failed() {
    let text = "tasks:\n  a: { run: x }\n  b: { run: x }\n  c: { needs: b, run: x }\n";
    let (mut world, run) = World::playing(2, text);
    world.hold(run, "c");
    world.fail("a");
    world.succeed("b");
    world.trace();
    world.retry_failed(run);
    world.succeed("a");
    world.release(run, "c");
    expect![[r#"
        00:00 a to run again, asked by user:ann
        00:00 a queued
        00:00 a attempt 2 starting
        00:00 a attempt 2 started (pid 42)
        00:00 a attempt 2 succeeded
        00:00 a succeeded
        00:00 c released by user:ann
        00:00 c queued
        00:00 c attempt 1 starting
        00:00 c attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_comment_that_no_list_can_hold_is_refused() {
    let (mut world, run) = World::playing(2, TWO);
    world.trace();
    let comment = Some("x".repeat(2_001));
    world.ask(Request::Hold { run, task: "b".into(), comment });
    expect![[r#"
        00:00 refused: the comment has 2001 bytes, 2000 are allowed (say where the rest is written)
    "#]]
    .assert_eq(&world.trace());
}
