//! What a person changes of a run: parameters, how many items run at once, its version; and runs that follow a success.

use std::collections::BTreeMap;

use expect_test::expect;
use serde_json::{Value, json};
use shared::id::RunId;
use shared::request::{Request, RetryWhat};

use crate::world::World;

fn params(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect()
}

fn edit(world: &mut World, run: RunId, pairs: &[(&str, Value)]) {
    let comment = Some("by mistake".to_owned());
    world.ask(Request::Edit { run, params: params(pairs), comment });
}

fn width(world: &mut World, run: RunId, width: Option<u32>) {
    world.ask(Request::MapWidth { run, task: "a".into(), width, comment: None });
}

fn latest(run: RunId, pairs: &[(&str, Value)]) -> Request {
    let (what, latest) = (RetryWhat::Failed, true);
    Request::RetryWith { run, what, latest, params: params(pairs), comment: None }
}

const EDITED: &str = "params:\n  mode: { type: choice, choices: [full, delta], default: full }\n  n: { type: int, default: 1 }\ntasks:\n  a: { run: x }\n  b: { needs: a, exec: [load, \"{{ params.mode }}\"] }\n  c: { needs: b, run: x }\n  d: { needs: c, approval: \"go on\" }\n";

#[test]
fn edited_parameters_are_seen_by_the_attempts_to_come() {
    let (mut world, run) = World::playing(4, EDITED);
    let request = Request::Edit { run, params: params(&[("mode", json!("delta"))]), comment: None };
    let plan = world.plan(&request).join("\n");
    edit(&mut world, run, &[("mode", json!("delta")), ("n", json!("7"))]);
    edit(&mut world, run, &[("mode", json!("delta"))]);
    edit(&mut world, run, &[("mode", json!("quick"))]);
    edit(&mut world, run, &[("mod", json!("full"))]);
    world.hold_starts();
    world.succeed("a");
    assert!(format!("{:?}", world.effects).contains("\"delta\""), "{:?}", world.effects);
    world.crash();
    let edited = &world.state().runs[&run].edited_by;
    assert_eq!((edited.len(), edited[0].actor.name.as_str()), (1, "user:ann"));
    world.cancel(run);
    edit(&mut world, run, &[("n", json!(9))]);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 parameter mode is "delta", was "full", parameter n is 7, was 1 by user:ann: by mistake
        00:00 refused: the parameters have these values already
        00:00 refused: parameter `mode`: "quick" is not one of full, delta
        00:00 refused: `flow` has no parameter `mod` (did you mean `mode`?)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 b queued
        00:00 b attempt 1 starting
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 run cancelled by user:ann
        00:00 b attempt 1 is being stopped
        00:00 c cancelled
        00:00 d cancelled
        00:00 refused: the run is being cancelled

    "#]]
    .assert_eq(&format!("{}{plan}\n", world.trace()));
}

#[test]
fn fewer_items_may_run_and_what_runs_goes_on() {
    let text = "tasks:\n  a: { map: { over: [1, 2, 3, 4, 5, 6], max_parallel: 3 }, run: x }\n";
    let (mut world, run) = World::playing(8, text);
    width(&mut world, run, Some(1));
    world.succeed("a:1");
    world.succeed("a:2");
    let why = world.why(run, "a:5").join("\n");
    world.succeed("a:3");
    width(&mut world, run, None);
    width(&mut world, run, None);
    width(&mut world, run, Some(0));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a has 6 items
        00:00 a:1 queued
        00:00 a:2 queued
        00:00 a:3 queued
        00:00 a:4 queued
        00:00 a:5 queued
        00:00 a:6 queued
        00:00 a:1 attempt 1 starting
        00:00 a:2 attempt 1 starting
        00:00 a:3 attempt 1 starting
        00:00 a:1 attempt 1 started (pid 42)
        00:00 a:2 attempt 1 started (pid 42)
        00:00 a:3 attempt 1 started (pid 42)
        00:00 a runs at most 1 items at once, by user:ann
        00:00 a:1 attempt 1 succeeded
        00:00 a:1 succeeded
        00:00 a:2 attempt 1 succeeded
        00:00 a:2 succeeded
        00:00 a:3 attempt 1 succeeded
        00:00 a:3 succeeded
        00:00 a:4 attempt 1 starting
        00:00 a:4 attempt 1 started (pid 42)
        00:00 a runs as many as fit items at once, by user:ann
        00:00 a:5 attempt 1 starting
        00:00 a:6 attempt 1 starting
        00:00 a:5 attempt 1 started (pid 42)
        00:00 a:6 attempt 1 started (pid 42)
        00:00 refused: as many items of `a` as fit may run at once already
        00:00 refused: at least one item must be able to run (`runyard hold` stops items, `runyard pause` the run)
        as many items as may run (1, by `runyard map-width`)
        it is number 2 in the queue of pool `local`, after flow#1 a:4
    "#]].assert_eq(&format!("{}{why}\n", world.trace()));
}

#[test]
fn more_approvals_of_items_are_asked_at_once() {
    let text = "tasks:\n  a: { map: { over: [1, 2, 3], max_parallel: 1 }, approval: on }\n";
    let (mut world, run) = World::playing(8, text);
    width(&mut world, run, Some(2));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a has 3 items
        00:00 a:1 attempt 1 starting
        00:00 a:1 attempt 1 started
        00:00 a:1 asks: on (until 2026-01-02T00:00:00.000Z)
        00:00 a runs at most 2 items at once, by user:ann
        00:00 a:2 attempt 1 starting
        00:00 a:2 attempt 1 started
        00:00 a:2 asks: on (until 2026-01-02T00:00:00.000Z)
    "#]]
    .assert_eq(&world.trace());
}

const CHAIN: &str = "concurrency: { after_previous: succeeded }\ntasks:\n  a: { run: x }\n";

#[test]
fn a_run_that_follows_only_a_success_waits_after_a_failure_until_that_is_mended() {
    let (mut world, first) = World::playing(4, CHAIN);
    let second = world.run();
    let third = world.run();
    world.fail("a");
    let mut why = Vec::new();
    for run in [second, third] {
        let run = &world.state().runs[&run];
        let told = engine::why::of_run(world.state(), run, 0);
        why.extend(told.blockers.into_iter().map(|it| it.text));
    }
    world.retry_failed(first);
    world.succeed("a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 #2 run flow#2 created by user:ann
        00:00 #3 run flow#3 created by user:ann
        00:00 #1 a attempt 1 exit(1)
        00:00 #1 a failed (exit(1))
        00:00 #1 run failed
        00:00 #1 run flow#1 is taken up again
        00:00 #1 a to run again, asked by user:ann
        00:00 #1 run started
        00:00 #1 a queued
        00:00 #1 a attempt 2 starting
        00:00 #1 a attempt 2 started (pid 42)
        00:00 #1 a attempt 2 succeeded
        00:00 #1 a succeeded
        00:00 #1 run succeeded
        00:00 #2 run started
        00:00 #2 a queued
        00:00 #2 a attempt 1 starting
        00:00 #2 a attempt 1 started (pid 42)
        flow#1 before it ended failed, and a run follows only a success: `runyard retry flow#1` or `runyard mark` mends it, `runyard release flow#2` lets this one start all the same
        flow#2 was made before it, is queued, and must succeed first
    "#]].assert_eq(&format!("{}{}\n", world.trace(), why.join("\n")));
}

#[test]
fn a_person_lets_a_run_start_that_waits_for_a_success() {
    let (mut world, first) = World::playing(4, CHAIN);
    let second = world.run();
    let third = world.run();
    world.ask(Request::ReleaseRun { run: first, comment: None });
    world.fail("a");
    world.crash();
    world.connect(1, &[]);
    world.ask(Request::ReleaseRun { run: second, comment: Some("it is known".to_owned()) });
    world.succeed("a");
    world.succeed("a");
    assert!(!world.state().runs.contains_key(&third));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 #2 run flow#2 created by user:ann
        00:00 #3 run flow#3 created by user:ann
        00:00 refused: the run does not wait for the one before it (`runyard why` says what it waits for; `runyard release RUN TASK` is for a task that is held)
        00:00 #1 a attempt 1 exit(1)
        00:00 #1 a failed (exit(1))
        00:00 #1 run failed
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 #2 run released by user:ann: it is known
        00:00 #2 run started
        00:00 #2 a queued
        00:00 #2 a attempt 1 starting
        00:00 #2 a attempt 1 started (pid 42)
        00:00 #2 a attempt 1 succeeded
        00:00 #2 a succeeded
        00:00 #2 run succeeded
        00:00 #3 run started
        00:00 #3 a queued
        00:00 #3 a attempt 1 starting
        00:00 #3 a attempt 1 started (pid 42)
        00:00 #3 a attempt 1 succeeded
        00:00 #3 a succeeded
        00:00 #3 run succeeded
    "#]].assert_eq(&world.trace());
}

#[test]
fn a_retry_takes_the_newest_version() {
    let old = "params:\n  n: { type: int, default: 1 }\ntasks:\n  a: { run: x }\n  gone: { run: x }\n  b: { needs: a, run: x }\n  c: { needs: b, run: x }\n";
    let new = "params:\n  n: { type: int, default: 1 }\n  more: { type: string, default: \"{{ params.n }}\" }\ntasks:\n  first: { run: x }\n  a: { needs: first, run: x }\n  b: { needs: a, run: better }\n  c: { needs: b, run: x }\n";
    let (mut world, run) = World::playing(4, old);
    let mut plan = world.plan(&latest(run, &[]));
    world.succeed("a");
    world.succeed("gone");
    world.fail("b");
    plan.extend(world.plan(&latest(run, &[])));
    world.load(new);
    plan.extend(world.plan(&latest(run, &[("n", json!(5))])));
    world.ask(latest(run, &[("n", json!(5))]));
    for task in ["first", "a", "b", "c"] {
        world.succeed(task);
    }
    world.crash();
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 takes version d25acf07, asked by user:ann
        00:00 parameter n is 5, was 1 by user:ann
        00:00 a, b, c to run again, asked by user:ann
        00:00 run started
        00:00 first queued
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 a queued
        00:00 a attempt 2 starting
        00:00 a attempt 2 started (pid 42)
        00:00 a attempt 2 succeeded
        00:00 a succeeded
        00:00 b queued
        00:00 b attempt 2 starting
        00:00 b attempt 2 started (pid 42)
        00:00 b attempt 2 succeeded
        00:00 b succeeded
        00:00 c queued
        00:00 c attempt 1 starting
        00:00 c attempt 1 started (pid 42)
        00:00 c attempt 1 succeeded
        00:00 c succeeded
        00:00 run succeeded
        00:00 -- the daemon starts again
        00:00 pool local is down
        the run has not ended, and keeps its version until it has
        the run has the newest version of `flow` already
        runs 4: first, a, b, c
        drops 1: gone
    "#]]
    .assert_eq(&format!("{}{}\n", world.trace(), plan.join("\n")));
}

#[test]
fn a_retry_with_another_parameter_keeps_the_version() {
    let (mut world, run) = World::playing(4, EDITED);
    world.fail("a");
    let (what, latest) = (RetryWhat::Failed, false);
    let params = params(&[("mode", json!("delta"))]);
    world.ask(Request::RetryWith { run, what, latest, params, comment: None });
    assert_eq!(world.state().runs[&run].params[&"mode".into()], json!("delta"));
}

#[test]
fn a_task_that_has_become_a_group_runs_again_with_what_is_in_it() {
    let old =
        "tasks:\n  a: { check: { expr: \"false\" } }\n  b: { needs: a, run: x }\n  c: { run: x }\n";
    let new = "tasks:\n  a: { tasks: { one: { run: x }, two: { needs: one, run: x } } }\n  b: { needs: a, run: x }\n  c: { run: x }\n";
    let (mut world, run) = World::playing(4, old);
    world.succeed("c");
    world.load(new);
    world.ask(Request::RetryWith {
        run,
        what: RetryWhat::Tasks(vec!["c".into()]),
        latest: true,
        params: BTreeMap::new(),
        comment: None,
    });
    for task in ["c", "a/one", "a/two", "b"] {
        world.succeed(task);
    }
    let trace = world.trace();
    assert!(trace.contains("a begins") && trace.ends_with("run succeeded\n"), "{trace}");
}

#[test]
fn a_group_with_a_task_that_is_new_runs_again_and_keeps_what_has_succeeded_in_it() {
    let old = "tasks:\n  g: { tasks: { one: { run: x } } }\n  b: { run: x }\n";
    let new = "tasks:\n  g: { tasks: { one: { run: x }, two: { needs: one, run: x } } }\n  b: { run: x }\n";
    let (mut world, run) = World::playing(4, old);
    world.succeed("g/one");
    world.fail("b");
    world.load(new);
    world.ask(latest(run, &[]));
    world.succeed("b");
    world.succeed("g/two");
    let trace = world.trace();
    assert!(!trace.contains("g/one attempt 2"), "{trace}");
    assert!(trace.ends_with("g succeeded\n00:00 run succeeded\n"), "{trace}");
}

#[test]
fn the_items_of_a_task_that_has_become_a_chain_keep_their_history() {
    let old = "tasks:\n  a: { map: { over: [1] }, run: x }\n";
    let new = "tasks:\n  a: { map: { over: [1] }, approval: \"go on\" }\n";
    let (mut world, run) = World::playing(4, old);
    world.fail("a:1");
    world.load(new);
    world.ask(latest(run, &[]));
    assert!(world.trace().contains("a:1 attempt 2 starting"), "its first was another sort");
}

#[test]
fn the_width_of_what_is_in_a_chain_is_that_of_the_chain() {
    let text = "tasks:\n  a: { map: { over: [1, 2] }, tasks: { b: { run: x } } }\n";
    let (mut world, run) = World::playing(4, text);
    world.trace();
    world.ask(Request::MapWidth { run, task: "a/b".into(), width: Some(1), comment: None });
    expect![[r#"
        00:00 refused: `a/b` runs once an item of `a` (name an item, `a/b:ITEM`, or `a`, which means all of it)
    "#]]
    .assert_eq(&world.trace());
}
