//! Rules 2, 3, 10, 11 and 12 in groups.

use engine::input::{AttemptEnd, How, Known};
use expect_test::expect;
use shared::request::{Mark, Request, RetryWhat};
use shared::time::Timestamp;

use crate::world::World;

const GROUP: &str = "
tasks:
  first: { run: x }
  g:
    needs: first
    tasks:
      a: { run: x }
      b: { needs: a, run: x }
  last: { needs: g, run: x }
";

const CHAIN: &str = "
tasks:
  regions:
    map: { over: [north, south], as: region }
    tasks:
      fetch: { run: x }
      clean: { needs: fetch, exec: [clean, '{{ region }}', '{{ tasks.fetch.outputs.n }}'] }
      load: { needs: clean, run: x }
  total: { needs: regions, exec: [sum, \"{{ tasks['regions/fetch'].outputs.n }}\"] }
";

const RUNNING: Known = Known::Running { pid: 42, at: Timestamp(1) };

fn started_program(world: &World) -> String {
    let program = world.effects.iter().find_map(|it| match it {
        engine::Effect::StartAttempt(it) => Some(format!("{:?}", it.program)),
        _ => None,
    });
    program.unwrap_or_default()
}

fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

#[test]
fn a_group_begins_with_its_needs_and_ends_with_its_last_task() {
    let (mut world, _) = World::playing(4, GROUP);
    ["first", "g/a", "g/b", "last"].iter().for_each(|it| world.succeed(it));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 first queued
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 g begins
        00:00 g/a queued
        00:00 g/a attempt 1 starting
        00:00 g/a attempt 1 started (pid 42)
        00:00 g/a attempt 1 succeeded
        00:00 g/a succeeded
        00:00 g/b queued
        00:00 g/b attempt 1 starting
        00:00 g/b attempt 1 started (pid 42)
        00:00 g/b attempt 1 succeeded
        00:00 g/b succeeded
        00:00 g succeeded
        00:00 last queued
        00:00 last attempt 1 starting
        00:00 last attempt 1 started (pid 42)
        00:00 last attempt 1 succeeded
        00:00 last succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_failure_within_fails_the_group_and_what_needs_it_does_not_run() {
    let (mut world, run) = World::playing(4, GROUP);
    world.succeed("first");
    world.fail("g/a");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 first queued
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 g begins
        00:00 g/a queued
        00:00 g/a attempt 1 starting
        00:00 g/a attempt 1 started (pid 42)
        00:00 g/a attempt 1 exit(1)
        00:00 g/a failed (exit(1))
        00:00 g/b upstream_failed
        00:00 g failed (1 of 2 tasks failed)
        00:00 last upstream_failed
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
    expect!["g/a failed: exit(1)"].assert_eq(&world.why_ended(run).join("\n"));
}

#[test]
fn a_failure_that_may_be_within_leaves_the_group_good_and_the_run_partial() {
    let text = with(GROUP, "a: { run: x }", "a: { run: x, on_failure: continue }");
    let (mut world, _) = World::playing(4, &text);
    world.succeed("first");
    world.fail("g/a");
    world.succeed("g/b");
    world.succeed("last");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 first queued
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 g begins
        00:00 g/a queued
        00:00 g/a attempt 1 starting
        00:00 g/a attempt 1 started (pid 42)
        00:00 g/a attempt 1 exit(1)
        00:00 g/a failed (exit(1))
        00:00 g/b queued
        00:00 g/b attempt 1 starting
        00:00 g/b attempt 1 started (pid 42)
        00:00 g/b attempt 1 succeeded
        00:00 g/b succeeded
        00:00 g succeeded
        00:00 last queued
        00:00 last attempt 1 starting
        00:00 last attempt 1 started (pid 42)
        00:00 last attempt 1 succeeded
        00:00 last succeeded
        00:00 run partial
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_group_that_may_fail_is_gone_on_from() {
    let text = with(GROUP, "needs: first", "needs: first\n    on_failure: continue");
    let (mut world, _) = World::playing(4, &text);
    world.succeed("first");
    world.fail("g/a");
    world.succeed("last");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 first queued
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 g begins
        00:00 g/a queued
        00:00 g/a attempt 1 starting
        00:00 g/a attempt 1 started (pid 42)
        00:00 g/a attempt 1 exit(1)
        00:00 g/a failed (exit(1))
        00:00 g/b upstream_failed
        00:00 g failed (1 of 2 tasks failed)
        00:00 last queued
        00:00 last attempt 1 starting
        00:00 last attempt 1 started (pid 42)
        00:00 last attempt 1 succeeded
        00:00 last succeeded
        00:00 run partial
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_is_in_a_group_that_is_skipped_is_skipped() {
    let text = with(GROUP, "needs: first", "needs: first\n    when: run.number > 1");
    let (mut world, run) = World::playing(4, &text);
    world.succeed("first");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 first queued
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 g skipped (its `when` was false)
        00:00 g/a skipped (its `when` was false)
        00:00 g/b skipped (its `when` was false)
        00:00 last skipped (its trigger rule does not hold)
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
    world.retry(run, &["g/b"]);
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 g, g/a, g/b, last to run again, asked by user:ann
        00:00 run started
        00:00 g skipped (its `when` was false)
        00:00 g/a skipped (its `when` was false)
        00:00 g/b skipped (its `when` was false)
        00:00 last skipped (its trigger rule does not hold)
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_person_skips_a_group_that_waits() {
    let (mut world, run) = World::playing(4, GROUP);
    world.hold(run, "g/b");
    world.skip(run, "g");
    world.succeed("first");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 first queued
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 g/b held by user:ann
        00:00 g skipped (skipped by user:ann)
        00:00 g/a skipped (skipped by user:ann)
        00:00 g/b skipped (skipped by user:ann)
        00:00 last skipped (its trigger rule does not hold)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_person_marks_a_group() {
    let (mut world, run) = World::playing(4, GROUP);
    world.mark(run, "g", Mark::Success { outputs: Default::default() });
    world.succeed("first");
    world.succeed("last");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 first queued
        00:00 first attempt 1 starting
        00:00 first attempt 1 started (pid 42)
        00:00 g marked as succeeded by user:ann
        00:00 g/a skipped (skipped by user:ann)
        00:00 g/b skipped (skipped by user:ann)
        00:00 last queued
        00:00 last attempt 1 starting
        00:00 last attempt 1 started (pid 42)
        00:00 first attempt 1 succeeded
        00:00 first succeeded
        00:00 last attempt 1 succeeded
        00:00 last succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_group_in_a_group_waits_for_that_and_ends_before_it() {
    let text = "
tasks:
  g:
    tasks:
      a: { run: x }
      h:
        needs: a
        tasks:
          b: { run: x }
          c: { run: x, when: tasks.a.state == 'succeeded' }
      d: { needs: h, run: x }
";
    let (mut world, run) = World::playing(4, text);
    assert_eq!(world.why(run, "g/h/b"), ["needs that have not ended: its group g/h (waiting)"]);
    ["g/a", "g/h/b", "g/h/c"].iter().for_each(|it| world.succeed(it));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 g begins
        00:00 g/a queued
        00:00 g/a attempt 1 starting
        00:00 g/a attempt 1 started (pid 42)
        00:00 g/a attempt 1 succeeded
        00:00 g/a succeeded
        00:00 g/h begins
        00:00 g/h/b queued
        00:00 g/h/c queued
        00:00 g/h/b attempt 1 starting
        00:00 g/h/c attempt 1 starting
        00:00 g/h/b attempt 1 started (pid 42)
        00:00 g/h/c attempt 1 started (pid 42)
        00:00 g/h/b attempt 1 succeeded
        00:00 g/h/b succeeded
        00:00 g/h/c attempt 1 succeeded
        00:00 g/h/c succeeded
        00:00 g/h succeeded
        00:00 g/d queued
        00:00 g/d attempt 1 starting
        00:00 g/d attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
    expect!["tasks of it that have not ended: g/d (running)"]
        .assert_eq(&world.why(run, "g").join("\n"));
    world.succeed("g/d");
    expect![[r#"
        00:00 g/d attempt 1 succeeded
        00:00 g/d succeeded
        00:00 g succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn each_item_goes_through_a_mapped_group_at_its_own_pace() {
    let (mut world, _) = World::playing(4, CHAIN);
    world.writes("regions/fetch:south", "{\"n\": 2}");
    world.succeed("regions/clean:south");
    world.succeed("regions/load:south");
    world.hold_starts();
    world.writes("regions/fetch:north", "{\"n\": 1}");
    expect![[r#"Argv(["clean", "north", "1"])"#]].assert_eq(&started_program(&world));
    world.succeed("regions/clean:north");
    world.succeed("regions/load:north");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 regions has 2 items
        00:00 regions:north begins
        00:00 regions:south begins
        00:00 regions/fetch:north queued
        00:00 regions/fetch:south queued
        00:00 regions/fetch:north attempt 1 starting
        00:00 regions/fetch:south attempt 1 starting
        00:00 regions/fetch:north attempt 1 started (pid 42)
        00:00 regions/fetch:south attempt 1 started (pid 42)
        00:00 regions/fetch:south attempt 1 succeeded
        00:00 regions/fetch:south succeeded
        00:00 regions/clean:south queued
        00:00 regions/clean:south attempt 1 starting
        00:00 regions/clean:south attempt 1 started (pid 42)
        00:00 regions/clean:south attempt 1 succeeded
        00:00 regions/clean:south succeeded
        00:00 regions/load:south queued
        00:00 regions/load:south attempt 1 starting
        00:00 regions/load:south attempt 1 started (pid 42)
        00:00 regions/load:south attempt 1 succeeded
        00:00 regions/load:south succeeded
        00:00 regions:south succeeded
        00:00 regions/fetch:north attempt 1 succeeded
        00:00 regions/fetch:north succeeded
        00:00 regions/clean:north queued
        00:00 regions/fetch succeeded
        00:00 regions/clean:north attempt 1 starting
        00:00 regions/clean:north attempt 1 succeeded
        00:00 regions/clean:north succeeded
        00:00 regions/load:north queued
        00:00 regions/clean succeeded
        00:00 regions/load:north attempt 1 starting
        00:00 regions/load:north attempt 1 succeeded
        00:00 regions/load:north succeeded
        00:00 regions:north succeeded
        00:00 regions/load succeeded
        00:00 regions succeeded
        00:00 total queued
        00:00 total attempt 1 starting
    "#]]
    .assert_eq(&world.trace());
    expect![[r#"Argv(["sum", "[1,2]"])"#]].assert_eq(&started_program(&world));
}

#[test]
fn of_a_mapped_group_no_more_items_are_under_way_than_may() {
    let text = with(CHAIN, "as: region", "as: region, max_parallel: 1");
    let (mut world, run) = World::playing(4, &text);
    expect!["1 of its items run, which is its `max_parallel`"]
        .assert_eq(&world.why(run, "regions:south").join("\n"));
    expect!["needs that have not ended: its group regions:south (waiting)"]
        .assert_eq(&world.why(run, "regions/fetch:south").join("\n"));
    world.writes("regions/fetch:north", "{\"n\": 1}");
    let open = world.attempt("regions/clean:north");
    world.crash();
    world.connect(1, &[(open, RUNNING)]);
    world.succeed("regions/clean:north");
    world.succeed("regions/load:north");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 regions has 2 items
        00:00 regions:north begins
        00:00 regions/fetch:north queued
        00:00 regions/fetch:north attempt 1 starting
        00:00 regions/fetch:north attempt 1 started (pid 42)
        00:00 regions/fetch:north attempt 1 succeeded
        00:00 regions/fetch:north succeeded
        00:00 regions/clean:north queued
        00:00 regions/clean:north attempt 1 starting
        00:00 regions/clean:north attempt 1 started (pid 42)
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 regions/clean:north attempt 1 succeeded
        00:00 regions/clean:north succeeded
        00:00 regions/load:north queued
        00:00 regions/load:north attempt 1 starting
        00:00 regions/load:north attempt 1 started (pid 42)
        00:00 regions/load:north attempt 1 succeeded
        00:00 regions/load:north succeeded
        00:00 regions:north succeeded
        00:00 regions:south begins
        00:00 regions/fetch:south queued
        00:00 regions/fetch:south attempt 1 starting
        00:00 regions/fetch:south attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_failed_item_is_judged_with_the_others_and_its_chain_alone_runs_again() {
    let text = with(CHAIN, "as: region", "as: region, tolerate: 1");
    let (mut world, run) = World::playing(4, &text);
    world.writes("regions/fetch:south", "{\"n\": 2}");
    world.fail("regions/clean:south");
    world.writes("regions/fetch:north", "{\"n\": 1}");
    world.succeed("regions/clean:north");
    world.succeed("regions/load:north");
    world.succeed("total");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 regions has 2 items
        00:00 regions:north begins
        00:00 regions:south begins
        00:00 regions/fetch:north queued
        00:00 regions/fetch:south queued
        00:00 regions/fetch:north attempt 1 starting
        00:00 regions/fetch:south attempt 1 starting
        00:00 regions/fetch:north attempt 1 started (pid 42)
        00:00 regions/fetch:south attempt 1 started (pid 42)
        00:00 regions/fetch:south attempt 1 succeeded
        00:00 regions/fetch:south succeeded
        00:00 regions/clean:south queued
        00:00 regions/clean:south attempt 1 starting
        00:00 regions/clean:south attempt 1 started (pid 42)
        00:00 regions/clean:south attempt 1 exit(1)
        00:00 regions/clean:south failed (exit(1))
        00:00 regions/load:south upstream_failed
        00:00 regions:south failed (1 of 3 tasks failed)
        00:00 regions/fetch:north attempt 1 succeeded
        00:00 regions/fetch:north succeeded
        00:00 regions/clean:north queued
        00:00 regions/fetch succeeded
        00:00 regions/clean:north attempt 1 starting
        00:00 regions/clean:north attempt 1 started (pid 42)
        00:00 regions/clean:north attempt 1 succeeded
        00:00 regions/clean:north succeeded
        00:00 regions/load:north queued
        00:00 regions/clean succeeded
        00:00 regions/load:north attempt 1 starting
        00:00 regions/load:north attempt 1 started (pid 42)
        00:00 regions/load:north attempt 1 succeeded
        00:00 regions/load:north succeeded
        00:00 regions:north succeeded
        00:00 regions/load succeeded
        00:00 regions succeeded
        00:00 total queued
        00:00 total attempt 1 starting
        00:00 total attempt 1 started (pid 42)
        00:00 total attempt 1 succeeded
        00:00 total succeeded
        00:00 run partial
    "#]]
    .assert_eq(&world.trace());
    let retry = Request::Retry { run, what: RetryWhat::Failed, comment: None };
    expect![[r#"
        runs 3: total, regions/clean:south, regions/load:south
        keeps 4: regions/fetch:north, regions/fetch:south, regions/clean:north, regions/load:north"#]].assert_eq(&world.plan(&retry).join("\n"));
    world.retry_failed(run);
    world.succeed("regions/clean:south");
    world.succeed("regions/load:south");
    world.succeed("total");
    expect![[r#"
        00:00 run flow#1 is taken up again
        00:00 total, regions/clean:south, regions/load:south to run again, asked by user:ann
        00:00 run started
        00:00 regions:south begins
        00:00 regions/clean:south queued
        00:00 regions/clean:south attempt 2 starting
        00:00 regions/clean:south attempt 2 started (pid 42)
        00:00 regions/clean:south attempt 2 succeeded
        00:00 regions/clean:south succeeded
        00:00 regions/load:south queued
        00:00 regions/clean succeeded
        00:00 regions/load:south attempt 1 starting
        00:00 regions/load:south attempt 1 started (pid 42)
        00:00 regions/load:south attempt 1 succeeded
        00:00 regions/load:south succeeded
        00:00 regions:south succeeded
        00:00 regions/load succeeded
        00:00 regions succeeded
        00:00 total queued
        00:00 total attempt 2 starting
        00:00 total attempt 2 started (pid 42)
        00:00 total attempt 2 succeeded
        00:00 total succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_is_asked_to_run_again_of_a_mapped_group_runs_again_item_by_item() {
    let (mut world, run) = World::playing(4, CHAIN);
    for item in ["north", "south"] {
        world.writes(&format!("regions/fetch:{item}"), "{\"n\": 2}");
        world.succeed(&format!("regions/clean:{item}"));
        world.succeed(&format!("regions/load:{item}"));
    }
    world.succeed("total");
    world.trace();
    let plan = |world: &World, what: RetryWhat| {
        world.plan(&Request::Retry { run, what, comment: None }).join("\n")
    };
    expect![[r#"
        runs 2: total, regions/load:north
        keeps 5: regions/fetch:north, regions/fetch:south, regions/clean:north, regions/clean:south, regions/load:south"#]].assert_eq(&plan(&world, RetryWhat::Tasks(vec!["regions/load:north".into()])));
    expect![[r#"
        runs 4: total, regions/fetch:north, regions/clean:north, regions/load:north
        keeps 3: regions/fetch:south, regions/clean:south, regions/load:south"#]]
    .assert_eq(&plan(&world, RetryWhat::Tasks(vec!["regions:north".into()])));
    expect![[r#"
        runs 5: total, regions/clean:north, regions/clean:south, regions/load:north, regions/load:south
        keeps 2: regions/fetch:north, regions/fetch:south"#]].assert_eq(&plan(&world, RetryWhat::From("regions/clean".into())));
    expect!["runs 7: regions, regions/fetch, regions/clean, regions/load, total, regions/fetch:north, regions/fetch:south"].assert_eq(&plan(&world, RetryWhat::From("regions".into())));
}

#[test]
fn a_mapped_group_survives_the_death_of_the_daemon() {
    let (mut world, run) = World::playing(1, CHAIN);
    world.writes("regions/fetch:north", "{\"n\": 1}");
    world.crash();
    let open = world.attempt("regions/fetch:south");
    world.connect(1, &[(open, RUNNING)]);
    world.fail("regions/fetch:south");
    world.succeed("regions/clean:north");
    world.mark(run, "regions/fetch:south", Mark::Success { outputs: Default::default() });
    world.succeed("regions/load:north");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 regions has 2 items
        00:00 regions:north begins
        00:00 regions:south begins
        00:00 regions/fetch:north queued
        00:00 regions/fetch:south queued
        00:00 regions/fetch:north attempt 1 starting
        00:00 regions/fetch:north attempt 1 started (pid 42)
        00:00 regions/fetch:north attempt 1 succeeded
        00:00 regions/fetch:north succeeded
        00:00 regions/clean:north queued
        00:00 regions/fetch:south attempt 1 starting
        00:00 regions/fetch:south attempt 1 started (pid 42)
        00:00 -- the daemon starts again
        00:00 pool local is down
        00:00 pool local is up
        00:00 regions/fetch:south attempt 1 exit(1)
        00:00 regions/fetch:south failed (exit(1))
        00:00 regions/clean:south upstream_failed
        00:00 regions/fetch failed (1 of 2 items failed)
        00:00 regions/load:south upstream_failed
        00:00 regions:south failed (1 of 3 tasks failed)
        00:00 regions/clean:north attempt 1 starting
        00:00 regions/clean:north attempt 1 started (pid 42)
        00:00 regions/clean:north attempt 1 succeeded
        00:00 regions/clean:north succeeded
        00:00 regions/load:north queued
        00:00 regions/clean upstream_failed
        00:00 regions/load:north attempt 1 starting
        00:00 regions/load:north attempt 1 started (pid 42)
        00:00 regions/fetch:south marked as succeeded by user:ann
        00:00 regions/clean:south, regions/load:south to run again, asked by user:ann
        00:00 regions:south begins
        00:00 regions/clean:south queued
        00:00 regions/fetch succeeded
        00:00 regions/load:north attempt 1 succeeded
        00:00 regions/load:north succeeded
        00:00 regions:north succeeded
        00:00 regions/clean:south failed (`exec` `tasks.fetch.outputs.n`: `tasks.fetch.outputs` has no `n`; it has nothing)
        00:00 regions/load:south upstream_failed
        00:00 regions:south failed (1 of 3 tasks failed)
        00:00 regions/clean failed (1 of 2 items failed)
        00:00 regions/load upstream_failed
        00:00 regions failed (1 of 2 items failed)
        00:00 total upstream_failed
        00:00 run failed
    "#]].assert_eq(&world.trace());
}

#[test]
fn a_mapped_group_without_items_has_nothing_to_do() {
    let text = with(CHAIN, "[north, south]", "[]");
    let text = with(&text, ", exec: [sum, \"{{ tasks['regions/fetch'].outputs.n }}\"]", ", run: x");
    let (mut world, _) = World::playing(1, &text);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 regions has 0 items
        00:00 regions/fetch succeeded
        00:00 regions/clean succeeded
        00:00 regions/load succeeded
        00:00 regions succeeded
        00:00 total queued
        00:00 total attempt 1 starting
        00:00 total attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_cancelled_run_ends_the_groups_in_it() {
    let (mut world, run) = World::playing(1, CHAIN);
    world.cancel(run);
    world.ends("regions/fetch:north", AttemptEnd::of(How::Killed));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 regions has 2 items
        00:00 regions:north begins
        00:00 regions:south begins
        00:00 regions/fetch:north queued
        00:00 regions/fetch:south queued
        00:00 regions/fetch:north attempt 1 starting
        00:00 regions/fetch:north attempt 1 started (pid 42)
        00:00 run cancelled by user:ann
        00:00 regions/fetch:north attempt 1 is being stopped
        00:00 regions/fetch:south cancelled
        00:00 regions/clean:north cancelled
        00:00 regions/clean:south cancelled
        00:00 regions/load:north cancelled
        00:00 regions/load:south cancelled
        00:00 total cancelled
        00:00 regions:south cancelled
        00:00 regions/clean cancelled
        00:00 regions/load cancelled
        00:00 regions/fetch:north attempt 1 cancelled
        00:00 regions/fetch:north cancelled
        00:00 regions:north cancelled
        00:00 regions/fetch cancelled
        00:00 regions cancelled
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_chain_is_undone_item_by_item_the_newest_first() {
    let text = with(
        CHAIN,
        "load: { needs: clean, run: x }",
        "load: { needs: clean, run: x, rollback: y }",
    );
    let text = with(&text, "fetch: { run: x }", "fetch: { run: x, rollback: y }");
    let (mut world, run) = World::playing(4, &text);
    for item in ["north", "south"] {
        world.wait(1);
        world.writes(&format!("regions/fetch:{item}"), "{\"n\": 2}");
        world.succeed(&format!("regions/clean:{item}"));
        world.wait(1);
        world.succeed(&format!("regions/load:{item}"));
    }
    world.succeed("total");
    world.trace();
    world.roll_back(run, &["regions/load:north"]);
    world.succeed("undo@regions/load:north");
    expect![[r#"
        00:04 run flow#1 is taken up again
        00:04 rollback asked by user:ann: it is wrong
        00:04 run started
        00:04 undoes regions/load:north; 1 without an undo: it is wrong
        00:04 undo@regions/load:north queued
        00:04 undo@regions/load:north attempt 1 starting
        00:04 undo@regions/load:north attempt 1 started (pid 42)
        00:04 undo@regions/load:north attempt 1 succeeded
        00:04 regions/load:north undone
        00:04 run rolled_back
    "#]]
    .assert_eq(&world.trace());
    world.roll_back(run, &[]);
    world.fail("undo@regions/load:south");
    expect![[r#"
        00:04 run flow#1 is taken up again
        00:04 rollback asked by user:ann: it is wrong
        00:04 run started
        00:04 undoes regions/load:south, regions/fetch:south, regions/fetch:north; 3 without an undo: it is wrong
        00:04 undo@regions/load:south queued
        00:04 undo@regions/load:south attempt 1 starting
        00:04 undo@regions/load:south attempt 1 started (pid 42)
        00:04 undo@regions/load:south attempt 1 exit(1)
        00:04 regions/load:south not undone (exit(1))
        00:04 undo@regions/fetch:north queued
        00:04 undo@regions/fetch:north attempt 1 starting
        00:04 undo@regions/fetch:north attempt 1 started (pid 42)
    "#]].assert_eq(&world.trace());
    world.succeed("undo@regions/fetch:north");
    expect![[r#"
        00:04 undo@regions/fetch:north attempt 1 succeeded
        00:04 regions/fetch:north undone
        00:04 run rollback_failed
    "#]]
    .assert_eq(&world.trace());
}
