//! Rule 10.

use expect_test::expect;
use shared::request::Decision;

use crate::world::World;

#[test]
fn items_run_beside_each_other_up_to_their_limit_and_a_tolerated_failure_is_partial() {
    let text = "tasks:\n  m: { run: x, map: { over: [n, s, w], as: region, max_parallel: 2, tolerate: 1 } }\n  after: { needs: m, run: x }\n";
    let (mut world, _) = World::playing(5, text);
    world.fail("m:n");
    world.succeed("m:s");
    world.succeed("m:w");
    world.succeed("after");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 m has 3 items
        00:00 m:n queued
        00:00 m:s queued
        00:00 m:w queued
        00:00 m:n attempt 1 starting
        00:00 m:s attempt 1 starting
        00:00 m:n attempt 1 started (pid 42)
        00:00 m:s attempt 1 started (pid 42)
        00:00 m:n attempt 1 exit(1)
        00:00 m:n failed (exit(1))
        00:00 m:w attempt 1 starting
        00:00 m:w attempt 1 started (pid 42)
        00:00 m:s attempt 1 succeeded
        00:00 m:s succeeded
        00:00 m:w attempt 1 succeeded
        00:00 m:w succeeded
        00:00 m succeeded
        00:00 after queued
        00:00 after attempt 1 starting
        00:00 after attempt 1 started (pid 42)
        00:00 after attempt 1 succeeded
        00:00 after succeeded
        00:00 run partial
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_map_over_nothing_succeeds() {
    let text =
        "tasks:\n  m: { run: x, map: { over: [], as: it } }\n  after: { needs: m, run: x }\n";
    let (mut world, _) = World::playing(1, text);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 m has 0 items
        00:00 m succeeded
        00:00 after queued
        00:00 after attempt 1 starting
        00:00 after attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn items_come_from_an_output_and_their_outputs_are_a_list() {
    let text = "tasks:\n  list: { run: x }\n  m: { needs: list, run: x, map: { over: tasks.list.outputs.names, as: it } }\n  sum: { needs: m, run: x, when: \"tasks.m.outputs.n == [1, 2]\" }\n";
    let (mut world, _) = World::playing(2, text);
    world.writes("list", "{\"names\": [\"p\", \"q\"]}");
    world.writes("m:q", "n=2");
    world.writes("m:p", "n=1");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 list queued
        00:00 list attempt 1 starting
        00:00 list attempt 1 started (pid 42)
        00:00 list attempt 1 succeeded
        00:00 list succeeded
        00:00 m has 2 items
        00:00 m:p queued
        00:00 m:q queued
        00:00 m:p attempt 1 starting
        00:00 m:q attempt 1 starting
        00:00 m:p attempt 1 started (pid 42)
        00:00 m:q attempt 1 started (pid 42)
        00:00 m:q attempt 1 succeeded
        00:00 m:q succeeded
        00:00 m:p attempt 1 succeeded
        00:00 m:p succeeded
        00:00 m succeeded
        00:00 sum queued
        00:00 sum attempt 1 starting
        00:00 sum attempt 1 started (pid 42)
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn two_items_with_one_key_fail_the_task() {
    let text = "tasks:\n  list: { run: x }\n  m: { needs: list, run: x, map: { over: tasks.list.outputs.names, as: it } }\n";
    let (mut world, _) = World::playing(2, text);
    world.writes("list", "{\"names\": [\"p\", \"p\"]}");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 list queued
        00:00 list attempt 1 starting
        00:00 list attempt 1 started (pid 42)
        00:00 list attempt 1 succeeded
        00:00 list succeeded
        00:00 m failed (`map` has two items with the key `p`)
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn approvals_of_items_are_asked_no_more_at_once_than_may_run() {
    let text = "tasks:\n  m: { approval: \"{{ it }}?\", map: { over: [p, q], as: it, max_parallel: 1 } }\n";
    let (mut world, run) = World::playing(2, text);
    world.decide(run, "m:p", Decision::Approve, "");
    world.decide(run, "m:q", Decision::Reject, "no");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 m has 2 items
        00:00 m:p attempt 1 starting
        00:00 m:p attempt 1 started
        00:00 m:p asks: p? (until 2026-01-02T00:00:00.000Z)
        00:00 m:p approved by user:ann
        00:00 m:p attempt 1 succeeded
        00:00 m:p succeeded
        00:00 m:q attempt 1 starting
        00:00 m:q attempt 1 started
        00:00 m:q asks: q? (until 2026-01-02T00:00:00.000Z)
        00:00 m:q rejected by user:ann: no
        00:00 m:q attempt 1 rejected
        00:00 m:q failed (rejected by user:ann: no)
        00:00 m failed (1 of 2 items failed)
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn a_cancel_stops_the_items_that_run_and_marks_those_that_have_not_begun() {
    let text = "tasks:\n  m: { run: x, map: { over: [p, q, r], as: it, max_parallel: 1 } }\n  after: { needs: m, run: x }\n";
    let (mut world, run) = World::playing(2, text);
    world.succeed("m:p");
    world.cancel(run);
    world.fail("m:q");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 m has 3 items
        00:00 m:p queued
        00:00 m:q queued
        00:00 m:r queued
        00:00 m:p attempt 1 starting
        00:00 m:p attempt 1 started (pid 42)
        00:00 m:p attempt 1 succeeded
        00:00 m:p succeeded
        00:00 m:q attempt 1 starting
        00:00 m:q attempt 1 started (pid 42)
        00:00 run cancelled by user:ann
        00:00 m:q attempt 1 is being stopped
        00:00 m:r cancelled
        00:00 after cancelled
        00:00 m:q attempt 1 cancelled
        00:00 m:q cancelled
        00:00 m cancelled
        00:00 run cancelled
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn an_item_that_runs_again_while_others_run_keeps_them() {
    let text = "tasks:\n  m: { run: x, map: { over: [p, q, r], as: it } }\n";
    let (mut world, run) = World::playing(3, text);
    world.fail("m:p");
    world.succeed("m:q");
    world.retry(run, &["m:q"]);
    world.retry_failed(run);
    world.succeed("m:p");
    world.succeed("m:q");
    world.succeed("m:r");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 m has 3 items
        00:00 m:p queued
        00:00 m:q queued
        00:00 m:r queued
        00:00 m:p attempt 1 starting
        00:00 m:q attempt 1 starting
        00:00 m:r attempt 1 starting
        00:00 m:p attempt 1 started (pid 42)
        00:00 m:q attempt 1 started (pid 42)
        00:00 m:r attempt 1 started (pid 42)
        00:00 m:p attempt 1 exit(1)
        00:00 m:p failed (exit(1))
        00:00 m:q attempt 1 succeeded
        00:00 m:q succeeded
        00:00 m:q to run again, asked by user:ann
        00:00 m:q queued
        00:00 m:q attempt 2 starting
        00:00 m:q attempt 2 started (pid 42)
        00:00 m:p to run again, asked by user:ann
        00:00 m:p queued
        00:00 m:p attempt 2 starting
        00:00 m:p attempt 2 started (pid 42)
        00:00 m:p attempt 2 succeeded
        00:00 m:p succeeded
        00:00 m:q attempt 2 succeeded
        00:00 m:q succeeded
        00:00 m:r attempt 1 succeeded
        00:00 m:r succeeded
        00:00 m succeeded
        00:00 run succeeded
    "#]]
    .assert_eq(&world.trace());
}
