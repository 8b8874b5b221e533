//! Rule 12; decisions 16 and 19.

use engine::input::{AttemptEnd, How};
use expect_test::expect;
use shared::request::{Decision, Mark, Request, RetryWhat, RollbackWhat};

use crate::world::World;

const CHAIN: &str = "tasks:\n  a: { run: x, rollback: undo-a }\n  b: { needs: a, run: x, rollback: undo-b }\n  c: { needs: b, run: x }\n  d: { needs: c, run: x, rollback: undo-d }\n";

#[test]
fn a_run_is_undone_newest_first_one_at_a_time_and_what_has_no_undo_is_passed_over() {
    let (mut world, run) = World::playing(2, CHAIN);
    for name in ["a", "b", "c", "d"] {
        world.succeed(name);
    }
    world.trace();
    let what = RollbackWhat::All;
    let plan = world.plan(&Request::Rollback { run, what, comment: None });
    assert_eq!(plan, ["undoes 3: d, b, a", "cannot undo 1: c"]);
    world.roll_back(run, &[]);
    world.succeed("undo@d");
    world.succeed("undo@b");
    world.succeed("undo@a");
    world.roll_back(run, &[]);
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 rollback asked by user:ann: it is wrong
        00:00 run started
        00:00 undoes d, b, a; 1 without an undo: it is wrong
        00:00 undo@d queued
        00:00 undo@d attempt 1 starting
        00:00 undo@d attempt 1 started (pid 42)
        00:00 undo@d attempt 1 succeeded
        00:00 d undone
        00:00 undo@b queued
        00:00 undo@b attempt 1 starting
        00:00 undo@b attempt 1 started (pid 42)
        00:00 undo@b attempt 1 succeeded
        00:00 b undone
        00:00 undo@a queued
        00:00 undo@a attempt 1 starting
        00:00 undo@a attempt 1 started (pid 42)
        00:00 undo@a attempt 1 succeeded
        00:00 a undone
        00:00 run rolled_back
        00:00 refused: what has succeeded has no undo: c (a task's undo is its `rollback`)
    "#]]
    .assert_eq(&world.trace());
    assert_eq!(world.why_ended(run), ["rolled back by user:ann: it is wrong"]);
}

#[test]
fn a_rollback_of_a_task_takes_what_was_built_on_it_with_it() {
    let text = "tasks:\n  a: { run: x, rollback: u }\n  b: { needs: a, run: x, rollback: u }\n  c: { needs: a, run: x, rollback: u }\n  d: { needs: b, run: x, rollback: u }\nfinally:\n  tidy: { run: x }\n";
    let (mut world, run) = World::playing(4, text);
    for name in ["a", "b", "c", "d", "tidy"] {
        world.succeed(name);
    }
    world.trace();
    world.roll_back(run, &["b"]);
    world.succeed("undo@d");
    world.succeed("undo@b");
    world.succeed("tidy");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 rollback asked by user:ann: it is wrong
        00:00 run started
        00:00 undoes d, b: it is wrong
        00:00 tidy to run again, asked by user:ann
        00:00 undo@d queued
        00:00 undo@d attempt 1 starting
        00:00 undo@d attempt 1 started (pid 42)
        00:00 undo@d attempt 1 succeeded
        00:00 d undone
        00:00 undo@b queued
        00:00 undo@b attempt 1 starting
        00:00 undo@b attempt 1 started (pid 42)
        00:00 undo@b attempt 1 succeeded
        00:00 b undone
        00:00 tasks ended: rolled_back; finally runs
        00:00 tidy queued
        00:00 tidy attempt 2 starting
        00:00 tidy attempt 2 started (pid 42)
        00:00 tidy attempt 2 succeeded
        00:00 tidy succeeded
        00:00 run rolled_back
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_running_run_is_stopped_before_it_is_undone() {
    let (mut world, run) = World::playing(2, CHAIN);
    world.succeed("a");
    world.trace();
    let what = RollbackWhat::All;
    let plan = world.plan(&Request::Rollback { run, what, comment: None });
    assert_eq!(plan, ["undoes 1: a", "stops 1: b", "drops 2: c, d"]);
    world.roll_back(run, &[]);
    assert_eq!(world.effect_words(), ["stop"]);
    world.crash();
    world.connect(1, &[(world.attempt("b"), engine::input::Known::Ended)]);
    world.ends("b", AttemptEnd::of(How::Killed));
    world.succeed("undo@a");
    expect![[r#"
        00:00 rollback asked by user:ann: it is wrong
        00:00 run cancelled by user:ann: it is wrong
        00:00 b attempt 1 is being stopped
        00:00 c cancelled
        00:00 d cancelled
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 b attempt 1 cancelled
        00:00 b cancelled
        00:00 undoes a: it is wrong
        00:00 undo@a queued
        00:00 undo@a attempt 1 starting
        00:00 undo@a attempt 1 started (pid 42)
        00:00 undo@a attempt 1 succeeded
        00:00 a undone
        00:00 run rolled_back
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn an_undo_that_fails_for_good_keeps_what_it_was_built_on_and_a_person_can_retry_just_that() {
    let text = "tasks:\n  a: { run: x, rollback: u }\n  b: { needs: a, run: x, rollback: { run: u, retry: { limit: 1, delay: 5s, jitter: 0 } } }\n  c: { run: x, rollback: u }\n";
    let (mut world, run) = World::playing(4, text);
    world.succeed("c");
    world.succeed("a");
    world.succeed("b");
    world.trace();
    world.roll_back(run, &[]);
    world.succeed("undo@c");
    world.fail("undo@b");
    world.wait(5);
    world.fail("undo@b");
    assert_eq!(
        world.why_ended(run),
        [
            "rolled back by user:ann: it is wrong",
            "a is not undone: it waits for what was built on it",
            "the undo of b failed: exit(1), after 2 attempts",
        ]
    );
    world.retry_undo(run, "c");
    world.retry_undo(run, "b");
    world.succeed("undo@b");
    world.succeed("undo@a");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 rollback asked by user:ann: it is wrong
        00:00 run started
        00:00 undoes c, b, a: it is wrong
        00:00 undo@c queued
        00:00 undo@c attempt 1 starting
        00:00 undo@c attempt 1 started (pid 42)
        00:00 undo@c attempt 1 succeeded
        00:00 c undone
        00:00 undo@b queued
        00:00 undo@b attempt 1 starting
        00:00 undo@b attempt 1 started (pid 42)
        00:00 undo@b attempt 1 exit(1)
        00:00 undo@b again in 5s
        00:05 undo@b queued
        00:05 undo@b attempt 2 starting
        00:05 undo@b attempt 2 started (pid 42)
        00:05 undo@b attempt 2 exit(1)
        00:05 b not undone (exit(1))
        00:05 run rollback_failed
        00:05 refused: `c` was undone, and nothing is undone twice
        00:05 run flow#1 is taken up again
        00:05 rollback asked by user:ann
        00:05 run started
        00:05 undoes b, a
        00:05 undo@b queued
        00:05 undo@b attempt 3 starting
        00:05 undo@b attempt 3 started (pid 42)
        00:05 undo@b attempt 3 succeeded
        00:05 b undone
        00:05 undo@a queued
        00:05 undo@a attempt 1 starting
        00:05 undo@a attempt 1 started (pid 42)
        00:05 undo@a attempt 1 succeeded
        00:05 a undone
        00:05 run rolled_back
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_was_undone_by_hand_is_marked_and_the_rest_goes_on() {
    let text = "tasks:\n  a: { run: x, rollback: u }\n  b: { needs: a, run: x, rollback: u }\n";
    let (mut world, run) = World::playing(4, text);
    world.succeed("a");
    world.succeed("b");
    world.roll_back(run, &[]);
    world.fail("undo@b");
    world.trace();
    world.mark(run, "a", Mark::Undone);
    world.mark(run, "b", Mark::Undone);
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 undo@a marked as undone by user:ann
        00:00 rollback asked by user:ann
        00:00 run started
        00:00 rollback goes on
        00:00 run rollback_failed
        00:00 run flow#1 is taken up again
        00:00 undo@b marked as undone by user:ann
        00:00 rollback asked by user:ann
        00:00 run started
        00:00 rollback goes on
        00:00 run rolled_back
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_run_that_fails_is_undone_by_itself_before_finally_where_the_workflow_says_so() {
    let text = "on_run_failure: { when: \"tasks.b.state == 'failed'\", parallel: 2, on_undo_failure: continue }\ntasks:\n  a: { run: x, rollback: u }\n  a2: { run: x, rollback: u }\n  b: { needs: [a, a2], run: x, rollback: { run: u, also_failed: true } }\nfinally:\n  tidy: { run: x }\n";
    let (mut world, run) = World::playing(4, text);
    world.succeed("a");
    world.succeed("a2");
    world.fail("b");
    world.fail("undo@b");
    world.succeed("undo@a");
    world.succeed("undo@a2");
    world.succeed("tidy");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a2 queued
        00:00 a attempt 1 starting
        00:00 a2 attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a2 attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 a2 attempt 1 succeeded
        00:00 a2 succeeded
        00:00 b queued
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 b attempt 1 exit(1)
        00:00 b failed (exit(1))
        00:00 undoes b, a2, a
        00:00 undo@b queued
        00:00 undo@b attempt 1 starting
        00:00 undo@b attempt 1 started (pid 42)
        00:00 undo@b attempt 1 exit(1)
        00:00 b not undone (exit(1))
        00:00 undo@a2 queued
        00:00 undo@a queued
        00:00 undo@a attempt 1 starting
        00:00 undo@a2 attempt 1 starting
        00:00 undo@a attempt 1 started (pid 42)
        00:00 undo@a2 attempt 1 started (pid 42)
        00:00 undo@a attempt 1 succeeded
        00:00 a undone
        00:00 undo@a2 attempt 1 succeeded
        00:00 a2 undone
        00:00 tasks ended: rollback_failed; finally runs
        00:00 tidy queued
        00:00 tidy attempt 1 starting
        00:00 tidy attempt 1 started (pid 42)
        00:00 tidy attempt 1 succeeded
        00:00 tidy succeeded
        00:00 run rollback_failed
    "#]]
    .assert_eq(&world.trace());
    assert_eq!(world.why_ended(run).len(), 3);
}

#[test]
fn each_item_is_undone_by_itself_whatever_the_verdict_on_its_task() {
    let text = "tasks:\n  m: { run: x, map: { over: [p, q, r], as: it }, rollback: u }\n";
    let (mut world, run) = World::playing(4, text);
    world.succeed("m:p");
    world.fail("m:q");
    world.succeed("m:r");
    world.trace();
    world.roll_back(run, &[]);
    world.succeed("undo@m:r");
    world.succeed("undo@m:p");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 rollback asked by user:ann: it is wrong
        00:00 run started
        00:00 undoes m:r, m:p: it is wrong
        00:00 undo@m:r queued
        00:00 undo@m:r attempt 1 starting
        00:00 undo@m:r attempt 1 started (pid 42)
        00:00 undo@m:r attempt 1 succeeded
        00:00 m:r undone
        00:00 undo@m:p queued
        00:00 undo@m:p attempt 1 starting
        00:00 undo@m:p attempt 1 started (pid 42)
        00:00 undo@m:p attempt 1 succeeded
        00:00 m:p undone
        00:00 run rolled_back
    "#]]
    .assert_eq(&world.trace());
    world.retry_failed(run);
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 m to run again, asked by user:ann
        00:00 run started
        00:00 m has 3 items
        00:00 m:p queued
        00:00 m:q queued
        00:00 m:r queued
        00:00 m:p attempt 2 starting
        00:00 m:q attempt 2 starting
        00:00 m:r attempt 2 starting
        00:00 m:p attempt 2 started (pid 42)
        00:00 m:q attempt 2 started (pid 42)
        00:00 m:r attempt 2 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn an_undo_whose_end_nobody_knows_is_held_and_never_repeated_by_itself() {
    let (mut world, run) = World::playing(2, "tasks: { a: { run: x, rollback: u } }\n");
    world.succeed("a");
    world.trace();
    world.roll_back(run, &[]);
    world.ends("undo@a", AttemptEnd::of(How::Lost("the host was restarted".to_owned())));
    world.retry_undo(run, "a");
    world.succeed("undo@a");
    world.retry_undo(run, "a");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 rollback asked by user:ann: it is wrong
        00:00 run started
        00:00 undoes a: it is wrong
        00:00 undo@a queued
        00:00 undo@a attempt 1 starting
        00:00 undo@a attempt 1 started (pid 42)
        00:00 undo@a attempt 1 lost: the host was restarted
        00:00 undo@a held: nobody knows how its attempt 1 ended (the host was restarted), and it is not said to be idempotent
        00:00 undo@a released by user:ann
        00:00 undo@a queued
        00:00 undo@a attempt 2 starting
        00:00 undo@a attempt 2 started (pid 42)
        00:00 undo@a attempt 2 succeeded
        00:00 a undone
        00:00 run rolled_back
        00:00 refused: `a` was undone, and nothing is undone twice
    "#]].assert_eq(&world.trace());
}

#[test]
fn what_was_undone_counts_as_not_run_and_what_was_approved_is_asked_anew() {
    let text = "tasks:\n  a: { run: x }\n  ok: { needs: a, approval: { message: now? } }\n  b: { needs: ok, run: x, rollback: u }\n";
    let (mut world, run) = World::playing(2, text);
    world.succeed("a");
    world.decide(run, "ok", Decision::Approve, "");
    world.succeed("b");
    let what = RollbackWhat::All;
    let plan = world.plan(&Request::Rollback { run, what, comment: None });
    assert_eq!(plan, ["undoes 1: b", "cannot undo 1: a", "voids 1: ok"]);
    world.roll_back(run, &[]);
    world.succeed("undo@b");
    world.trace();
    let plan = world.plan(&Request::Retry { run, what: RetryWhat::Failed, comment: None });
    assert_eq!(plan, ["runs 2: ok, b", "keeps 1: a", "voids 1: ok"]);
    world.retry_failed(run);
    world.decide(run, "ok", Decision::Approve, "");
    world.succeed("b");
    world.roll_back(run, &[]);
    world.succeed("undo@b");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 ok, b to run again, asked by user:ann
        00:00 run started
        00:00 ok attempt 2 starting
        00:00 ok attempt 2 started
        00:00 ok asks: now? (until 2026-01-02T00:00:00.000Z)
        00:00 ok approved by user:ann
        00:00 ok attempt 2 succeeded
        00:00 ok succeeded
        00:00 b queued
        00:00 b attempt 2 starting
        00:00 b attempt 2 started (pid 42)
        00:00 b attempt 2 succeeded
        00:00 b succeeded
        00:00 run succeeded
        00:00 run flow#1 is taken up again
        00:00 rollback asked by user:ann: it is wrong
        00:00 run started
        00:00 undoes b; 1 without an undo: it is wrong
        00:00 undo@b queued
        00:00 undo@b attempt 2 starting
        00:00 undo@b attempt 2 started (pid 42)
        00:00 undo@b attempt 2 succeeded
        00:00 b undone
        00:00 run rolled_back
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_rollback_can_be_stopped_and_taken_up_again() {
    let (mut world, run) = World::playing(2, CHAIN);
    for name in ["a", "b", "c", "d"] {
        world.succeed(name);
    }
    world.roll_back(run, &[]);
    world.trace();
    world.cancel(run);
    world.ends("undo@d", AttemptEnd::of(How::Killed));
    world.roll_back(run, &[]);
    world.succeed("undo@d");
    expect![[r#"
        00:00 run cancelled by user:ann
        00:00 a not undone
        00:00 b not undone
        00:00 undo@d attempt 1 is being stopped
        00:00 undo@d attempt 1 cancelled
        00:00 d not undone
        00:00 run rollback_failed
        00:00 run flow#1 is taken up again
        00:00 rollback asked by user:ann: it is wrong
        00:00 run started
        00:00 undoes d, b, a; 1 without an undo: it is wrong
        00:00 undo@d queued
        00:00 undo@d attempt 2 starting
        00:00 undo@d attempt 2 started (pid 42)
        00:00 undo@d attempt 2 succeeded
        00:00 d undone
        00:00 undo@b queued
        00:00 undo@b attempt 1 starting
        00:00 undo@b attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn nothing_is_undone_where_nothing_can_be() {
    let (mut world, run) = World::playing(2, "tasks: { a: { run: x } }\n");
    world.succeed("a");
    world.trace();
    world.roll_back(run, &[]);
    expect![[r#"
        00:00 refused: what has succeeded has no undo: a (a task's undo is its `rollback`)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn no_mark_and_no_retry_makes_anything_undone_twice() {
    let text = "tasks:\n  m: { run: x, map: { over: [p, q], as: it }, rollback: u }\n";
    let (mut world, run) = World::playing(2, text);
    world.succeed("m:p");
    world.succeed("m:q");
    world.roll_back(run, &[]);
    world.succeed("undo@m:q");
    world.succeed("undo@m:p");
    world.trace();
    world.mark(run, "undo@m:p", Mark::Failed);
    world.retry(run, &["undo@m:p"]);
    world.succeed("m:p");
    world.roll_back(run, &[]);
    world.succeed("undo@m:p");
    expect![[r#"
        00:00 refused: `undo@m:p` is an undo, and cannot be marked as failed (`--undone` says that it was done by hand)
        00:00 run flow#1 is taken up again
        00:00 m:p to run again, asked by user:ann
        00:00 run started
        00:00 m:p queued
        00:00 m:p attempt 2 starting
        00:00 m:p attempt 2 started (pid 42)
        00:00 m:p attempt 2 succeeded
        00:00 m:p succeeded
        00:00 m succeeded
        00:00 run succeeded
        00:00 run flow#1 is taken up again
        00:00 rollback asked by user:ann: it is wrong
        00:00 run started
        00:00 undoes m:p: it is wrong
        00:00 undo@m:p queued
        00:00 undo@m:p attempt 2 starting
        00:00 undo@m:p attempt 2 started (pid 42)
        00:00 undo@m:p attempt 2 succeeded
        00:00 m:p undone
        00:00 run rolled_back
    "#]].assert_eq(&world.trace());
}

#[test]
fn a_cancel_before_it_has_begun_calls_a_rollback_off() {
    let (mut world, run) = World::playing(2, CHAIN);
    world.succeed("a");
    world.trace();
    world.roll_back(run, &[]);
    world.cancel(run);
    world.ends("b", AttemptEnd::of(How::Killed));
    expect![[r#"
        00:00 rollback asked by user:ann: it is wrong
        00:00 run cancelled by user:ann: it is wrong
        00:00 b attempt 1 is being stopped
        00:00 c cancelled
        00:00 d cancelled
        00:00 rollback called off by user:ann
        00:00 b attempt 1 cancelled
        00:00 b cancelled
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_was_stopped_half_way_is_undone_where_a_failure_would_be_and_what_ran_before_is_listed() {
    let text = "tasks:\n  a: { run: x, rollback: u }\n  b: { needs: a, run: x, rollback: { run: u, also_failed: true } }\n  c: { needs: b, run: x, rollback: u }\n";
    let (mut world, run) = World::playing(2, text);
    for name in ["a", "b", "c"] {
        world.succeed(name);
    }
    world.retry_from(run, "a");
    world.succeed("a");
    world.trace();
    world.roll_back(run, &[]);
    world.ends("b", AttemptEnd::of(How::Killed));
    world.succeed("undo@b");
    world.succeed("undo@a");
    expect![[r#"
        00:00 rollback asked by user:ann: it is wrong
        00:00 run cancelled by user:ann: it is wrong
        00:00 b attempt 2 is being stopped
        00:00 c cancelled
        00:00 b attempt 2 cancelled
        00:00 b cancelled
        00:00 undoes b, a; 1 without an undo: it is wrong
        00:00 undo@b queued
        00:00 undo@b attempt 1 starting
        00:00 undo@b attempt 1 started (pid 42)
        00:00 undo@b attempt 1 succeeded
        00:00 b undone
        00:00 undo@a queued
        00:00 undo@a attempt 1 starting
        00:00 undo@a attempt 1 started (pid 42)
        00:00 undo@a attempt 1 succeeded
        00:00 a undone
        00:00 run rolled_back
    "#]]
    .assert_eq(&world.trace());
}
