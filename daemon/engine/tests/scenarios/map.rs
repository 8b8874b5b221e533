//! Rule 10.

use engine::input::{AttemptEnd, How};
use expect_test::expect;
use shared::id::Seq;
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

/// A task whose output is a list, and one that is mapped over it.
fn over_an_output(map: &str) -> String {
    format!(
        "tasks:\n  list: {{ run: x }}\n  m: {{ needs: list, run: x, map: {{ over: tasks.list.outputs.it, as: it{map} }} }}\n"
    )
}

#[test]
fn a_cancel_of_very_many_items_ends_each_of_them() {
    let (mut world, run) = World::playing(1, &over_an_output(""));
    let numbers: Vec<String> = (0..20_000).map(|it| it.to_string()).collect();
    world.writes("list", &format!("{{\"it\": [{}]}}", numbers.join(",")));
    world.cancel(run);
    world.ends("m:0", AttemptEnd::of(How::Killed));
    let trace = world.trace();
    let cancelled = trace.lines().filter(|it| it.contains(" m:") && it.ends_with(" cancelled"));
    assert_eq!(cancelled.count(), 20_001, "all items, and the attempt of one");
    assert!(trace.ends_with("m cancelled\n00:00 run cancelled\n"));
    world.retry_failed(run);
    assert_eq!(world.state().queue(&"local".into()).count(), 19_999, "one of them runs");
}

#[test]
fn a_key_that_is_too_long_to_address_an_item_by_fails_the_task() {
    let (mut world, _) = World::playing(2, &over_an_output(""));
    world.writes("list", &format!("{{\"it\": [\"{}\"]}}", "k".repeat(612)));
    let trace = world.trace();
    let expected = "00:00 m failed (`map` has an item whose key is 612 bytes long, 256 are allowed: say with `key` what it is addressed by)\n00:00 run failed\n";
    assert!(trace.ends_with(expected), "{trace}");
}

#[test]
fn a_long_item_with_a_key_of_256_bytes_is_one() {
    let (mut world, _) = World::playing(2, &over_an_output(", key: it.k"));
    let (key, text) = ("k".repeat(256), "t".repeat(5_000));
    world.writes("list", &format!("{{\"it\": [{{\"k\": \"{key}\", \"t\": \"{text}\"}}]}}"));
    world.succeed(&format!("m:{key}"));
    assert!(world.trace().ends_with("m succeeded\n00:00 run succeeded\n"));
}

#[test]
fn items_that_are_too_large_together_fail_the_task() {
    // No output is larger than a mebibyte: the items are what nine items have given.
    let text = "tasks:\n  list: { run: x, map: { over: [0, 1, 2, 3, 4, 5, 6, 7, 8], as: n } }\n  m: { needs: list, run: x, map: { over: tasks.list.outputs.it, as: it } }\n";
    let (mut world, _) = World::playing(9, text);
    for place in 0..9 {
        world.writes(&format!("list:{place}"), &format!("it={}\n", "v".repeat(1_000_000)));
    }
    let trace = world.trace();
    let expected =
        "00:00 m failed (`map` has items of more than 8 MiB together)\n00:00 run failed\n";
    assert!(trace.ends_with(expected), "{trace}");
}

#[test]
fn what_stands_behind_the_items_of_a_full_map_starts() {
    let text = "tasks:\n  m: { run: x, map: { over: [p, q, r], as: it, max_parallel: 1 } }\n  large: { run: x, resources: { db: 2 }, map: { over: [s, t], as: it } }\n  after: { run: x }\n";
    let (mut world, _) = World::playing(3, text);
    world.succeed("large:s");
    world.succeed("m:p");
    let starts = world.trace();
    let starts: Vec<&str> =
        starts.lines().filter_map(|it| it[6..].strip_suffix(" attempt 1 starting")).collect();
    assert_eq!(starts, ["m:p", "large:s", "after", "large:t", "m:q"]);
}

#[test]
fn a_large_output_is_shown_in_part_and_expressions_see_all_of_it() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x, when: \"tasks.a.outputs.large|length == 5000\" }\n";
    let (mut world, run) = World::playing(1, text);
    world.writes("a", &format!("small=1\nlarge={}\n", "v".repeat(5_000)));
    let state = world.state();
    let workflow = &state.definition(run).workflow;
    let view = engine::snapshot::run_view(&state.runs[&run], workflow, Some(state), Seq(1));
    let outputs = &view.tasks[0].outputs;
    assert_eq!(outputs["small"], 1);
    assert_eq!(outputs["large"], format!("\"{}… (5002 bytes)", "v".repeat(4_095)));
    assert_eq!(view.tasks[1].state, "running");
}
