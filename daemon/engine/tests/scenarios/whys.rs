//! Rule 17: everything in the way, with who, since when and until when.

use expect_test::expect;
use shared::id::RunId;
use shared::request::PauseWhat;
use shared::time::Timestamp;
use shared::why::Why;

use crate::world::World;

fn seconds(at: Option<Timestamp>) -> String {
    at.map_or("?".to_owned(), |it| it.since(Timestamp(1_767_225_600_000_000)).as_secs().to_string())
}

fn write(why: &Why, indent: &str, text: &mut String) {
    let name = why.task.as_deref().unwrap_or(&why.label);
    text.push_str(&format!("{indent}{name} {}\n", why.state));
    for it in &why.blockers {
        let (since, until) = (seconds(it.since), seconds(it.until));
        text.push_str(&format!("{indent}  {:?} {since}..{until}: {}\n", it.kind, it.text));
        for it in &it.holders {
            let (since, until) = (seconds(it.since), seconds(it.until));
            text.push_str(&format!("{indent}    {} {since}..{until}\n", it.name));
        }
    }
    why.tasks.iter().for_each(|it| write(it, &format!("{indent}  "), text));
}

fn told(world: &World, run: RunId) -> String {
    let run = &world.state().runs[&run];
    let mut text = String::new();
    write(&engine::why::of_run(world.state(), run, 50), "", &mut text);
    text
}

fn told_of(world: &World, run: RunId, task: &str) -> String {
    let spot = world.state().spot(run, &task.into()).expect("there is such a task run");
    let mut text = String::new();
    write(&engine::why::of_task(world.state(), spot), "", &mut text);
    text
}

#[test]
fn slots_are_told_with_their_holders_and_when_they_are_free_at_the_latest() {
    let text = "tasks:\n  a: { run: x, timeout: 5m }\n  b: { run: x, timeout: 1m }\n  c: { run: x, timeout: 1m }\n";
    let (mut world, run) = World::playing(2, text);
    world.wait(10);
    expect![[r#"
        c queued
          Slots 0..60: 2 of 2 slots of pool `local` are taken by flow#1 a, flow#1 b
            flow#1 a 0..300
            flow#1 b 0..60
    "#]]
    .assert_eq(&told_of(&world, run, "c"));
}

#[test]
fn resources_are_told_with_their_holders() {
    let text = "tasks:\n  a: { run: x, timeout: 5m, resources: { db: 2 } }\n  b: { run: x, timeout: 1m, resources: { db: 1 } }\n";
    let (world, run) = World::playing(4, text);
    expect![[r#"
        b queued
          Resource 0..300: 2 of 2 of `db` are taken by flow#1 a
            flow#1 a 0..300
    "#]]
    .assert_eq(&told_of(&world, run, "b"));
}

#[test]
fn a_mapped_task_is_told_by_its_items() {
    let text = "tasks:\n  m: { run: x, timeout: 1m, map: { over: [p, q, r, s], as: it, max_parallel: 2 } }\n  after: { needs: m, run: x }\nfinally:\n  last: { run: x }\n";
    let (mut world, run) = World::playing(1, text);
    world.succeed("m:p");
    expect![[r#"
        m running
          Running 0..?: its items: 2 queued, 1 running, 1 succeeded
          m:r queued
            Slots 0..60: 1 of 1 slots of pool `local` are taken by flow#1 m:q
              flow#1 m:q 0..60
          m:q running
            Running 0..60: attempt 1 (pid 42) runs
    "#]]
    .assert_eq(&told_of(&world, run, "m"));
    expect![[r#"
        flow#1 running
          m:q running
            Running 0..60: attempt 1 (pid 42) runs
          m:r queued
            Slots 0..60: 1 of 1 slots of pool `local` are taken by flow#1 m:q
              flow#1 m:q 0..60
          m:s queued
            Slots 0..60: 1 of 1 slots of pool `local` are taken by flow#1 m:q
              flow#1 m:q 0..60
            Queue 0..?: it is number 2 in the queue of pool `local`, after flow#1 m:r
          after waiting
            Needs 0..?: needs that have not ended: m (running)
              m (running) 0..?
          last waiting
            Needs 0..?: the tasks of its run must end first
              m (running) 0..?
              after (waiting) 0..?
    "#]]
    .assert_eq(&told(&world, run));
}

#[test]
fn what_goes_on_only_by_a_persons_doing_comes_first() {
    let text = "tasks:\n  a: { run: x, timeout: 1m }\n  ask: { approval: \"go?\" }\n  b: { needs: a, run: x }\n  h: { needs: a, run: x }\n";
    let (mut world, run) = World::playing(1, text);
    world.hold(run, "h");
    expect![[r#"
        flow#1 running
          ask awaiting_approval
            Approval 0..86400: a person must approve or reject: go?
          h held
            Hold 0..?: held by user:ann; `runyard release` lets it go on
          a running
            Running 0..60: attempt 1 (pid 42) runs
          b waiting
            Needs 0..?: needs that have not ended: a (running)
              a (running) 0..?
    "#]]
    .assert_eq(&told(&world, run));
}

#[test]
fn a_paused_pool_and_a_run_that_waits_for_another_are_told() {
    let text = "concurrency: { max_runs: 1 }\ntasks:\n  a: { run: x, timeout: 1m }\n  b: { needs: a, run: x }\n";
    let (mut world, run) = World::playing(1, text);
    let second = world.run();
    world.pause(PauseWhat::Pool("local".into()), Some(600));
    world.succeed("a");
    expect![[r#"
        flow#1 running
          b queued
            Paused 0..600: pool local is paused by user:ann
    "#]]
    .assert_eq(&told(&world, run));
    expect![[r#"
        flow#2 queued
          MaxRuns 0..?: at most 1 runs of `flow` are active at once
            flow#1 0..?
          a waiting
            MaxRuns 0..?: its run has not started
            Paused 0..600: pool local is paused by user:ann
            Needs 0..?: it is ready once its run has started
          b waiting
            MaxRuns 0..?: its run has not started
            Paused 0..600: pool local is paused by user:ann
            Needs 0..?: needs that have not ended: a (waiting)
              a (waiting) 0..?
    "#]]
    .assert_eq(&told(&world, second));
    world.cancel(run);
    world.cancel(second);
    let whys = [run, second].map(|it| world.why_ended(it).join("; "));
    expect![[r#"
        cancelled by user:ann
        cancelled by user:ann"#]]
    .assert_eq(&whys.join("\n"));
}

#[test]
fn a_run_that_is_being_cancelled_says_by_whom_and_what_it_waits_for() {
    let text = "tasks:\n  a: { run: x, timeout: 1m }\n  b: { needs: a, run: x }\n";
    let (mut world, run) = World::playing(1, text);
    world.cancel(run);
    expect![[r#"
        flow#1 cancelling
          Stopping 0..?: it is being cancelled by user:ann
          a stopping
            Running 0..60: attempt 1 (pid 42) is being stopped
    "#]]
    .assert_eq(&told(&world, run));
}

#[test]
fn the_way_from_a_task_that_did_not_run_to_what_failed_first_is_told() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x }\n  c: { needs: b, run: x }\n  d: { needs: c, run: x }\n  e: { run: x, timeout: 1m }\n";
    let (mut world, run) = World::playing(2, text);
    world.fail("a");
    expect![[r#"
        d upstream_failed
          Ended 0..?: it upstream_failed
          Cause 0..?: a failed: exit(1)
          Cause 0..?: it needs c (upstream_failed), which needs b (upstream_failed), which needs a (failed)
    "#]].assert_eq(&told_of(&world, run, "d"));
    world.skip(run, "e");
}

#[test]
fn a_when_that_was_false_is_told_with_what_it_has_read() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x, when: tasks.a.outputs.n > 3 }\n  c: { needs: b, run: x }\n  e: { run: x, timeout: 1m }\n";
    let (mut world, run) = World::playing(2, text);
    world.writes("a", "n=2");
    expect![[r#"
        b skipped
          Ended 0..?: it skipped: its `when` was false
          Cause 0..?: the `when` of b is `tasks.a.outputs.n > 3`; tasks.a.outputs.n was 2
    "#]]
    .assert_eq(&told_of(&world, run, "b"));
    expect![[r#"
        c skipped
          Ended 0..?: it skipped: its trigger rule does not hold: `all_success` of b skipped
          Cause 0..?: b skipped: its `when` was false
          Cause 0..?: the `when` of b is `tasks.a.outputs.n > 3`; tasks.a.outputs.n was 2
    "#]]
    .assert_eq(&told_of(&world, run, "c"));
}

#[test]
fn failures_that_are_tolerated_are_told_as_such() {
    let text = "tasks:\n  m: { run: x, map: { over: [p, q], as: it, tolerate: 1 } }\n  w: { run: x, on_failure: continue }\n";
    let (mut world, run) = World::playing(4, text);
    world.fail("m:p");
    world.succeed("m:q");
    world.fail("w");
    expect![[r#"
        m:p failed: exit(1); this is tolerated
        w failed: exit(1); this is tolerated"#]]
    .assert_eq(&world.why_ended(run).join("\n"));
}

#[test]
fn a_mapped_task_that_failed_names_the_items_that_did() {
    let text =
        "tasks:\n  m: { run: x, map: { over: [p, q], as: it } }\n  e: { run: x, timeout: 1m }\n";
    let (mut world, run) = World::playing(4, text);
    world.fail("m:p");
    world.succeed("m:q");
    expect![[r#"
        m failed
          Ended 0..?: it failed: 1 of 2 items failed
          Cause 0..?: m:p failed: exit(1)
    "#]]
    .assert_eq(&told_of(&world, run, "m"));
}
