//! What a file says of a task beside its kind: rules as expressions, holds, limits of time, starts that fail.

use engine::input::{AttemptEnd, How};
use expect_test::expect;
use shared::request::{PauseWhat, Request};
use shared::state::{TaskPhase, Wait};

use crate::world::World;

/// What becomes of `it`, whose rule is this, once its two needs have ended so.
fn verdict(rule: &str, ends: [&str; 2]) -> String {
    let need = |name: &str, end: &str| match end {
        "skipped" => format!("  {name}: {{ run: x, when: \"false\" }}\n"),
        "tolerated" => format!("  {name}: {{ run: x, on_failure: continue }}\n"),
        "upstream_failed" => format!("  {name}: {{ needs: bad, run: x }}\n"),
        _ => format!("  {name}: {{ run: x }}\n"),
    };
    let (a, b) = (need("a-1", ends[0]), need("b", ends[1]));
    let it = format!("  it: {{ needs: [a-1, b], trigger_rule: \"{rule}\", run: x }}\n");
    let text = format!("tasks:\n  bad: {{ run: x }}\n{a}{b}{it}  last: {{ approval: on }}\n");
    let (mut world, run) = World::playing(4, &text);
    world.fail("bad");
    for (name, end) in ["a-1", "b"].into_iter().zip(ends) {
        match end {
            "succeeded" => world.succeed(name),
            "failed" | "tolerated" => world.fail(name),
            _ => {}
        }
    }
    match &world.state().runs[&run].tasks[3].phase {
        TaskPhase::Waiting(Wait::Needs) => "waits".to_owned(),
        TaskPhase::Finished(outcome) => {
            format!("{} ({})", outcome.word(), outcome.reason().unwrap_or_default())
        }
        _ => "runs".to_owned(),
    }
}

#[test]
fn a_rule_that_is_an_expression_is_asked_once_all_needs_have_ended() {
    let rules = [
        "needs['a-1'].succeeded or (needs['a-1'].skipped and not b.failed)",
        "needs['a-1'].failed and not needs['a-1'].upstream_failed",
        "b.done",
        "needs.b.cancelled",
        "b.failed and 1",
    ];
    let mut table = String::new();
    for rule in rules {
        table.push_str(&format!("{rule}\n"));
        for a in ["succeeded", "failed", "upstream_failed", "skipped", "tolerated", "open"] {
            for b in ["succeeded", "failed"] {
                table.push_str(&format!("  {a:15} + {b:9}  {}\n", verdict(rule, [a, b])));
            }
        }
    }
    expect![[r#"
        needs['a-1'].succeeded or (needs['a-1'].skipped and not b.failed)
          succeeded       + succeeded  runs
          succeeded       + failed     runs
          failed          + succeeded  skipped (its trigger rule does not hold)
          failed          + failed     skipped (its trigger rule does not hold)
          upstream_failed + succeeded  skipped (its trigger rule does not hold)
          upstream_failed + failed     skipped (its trigger rule does not hold)
          skipped         + succeeded  runs
          skipped         + failed     skipped (its trigger rule does not hold)
          tolerated       + succeeded  runs
          tolerated       + failed     runs
          open            + succeeded  waits
          open            + failed     waits
        needs['a-1'].failed and not needs['a-1'].upstream_failed
          succeeded       + succeeded  skipped (its trigger rule does not hold)
          succeeded       + failed     skipped (its trigger rule does not hold)
          failed          + succeeded  runs
          failed          + failed     runs
          upstream_failed + succeeded  skipped (its trigger rule does not hold)
          upstream_failed + failed     skipped (its trigger rule does not hold)
          skipped         + succeeded  skipped (its trigger rule does not hold)
          skipped         + failed     skipped (its trigger rule does not hold)
          tolerated       + succeeded  skipped (its trigger rule does not hold)
          tolerated       + failed     skipped (its trigger rule does not hold)
          open            + succeeded  waits
          open            + failed     waits
        b.done
          succeeded       + succeeded  runs
          succeeded       + failed     runs
          failed          + succeeded  runs
          failed          + failed     runs
          upstream_failed + succeeded  runs
          upstream_failed + failed     runs
          skipped         + succeeded  runs
          skipped         + failed     runs
          tolerated       + succeeded  runs
          tolerated       + failed     runs
          open            + succeeded  waits
          open            + failed     waits
        needs.b.cancelled
          succeeded       + succeeded  skipped (its trigger rule does not hold)
          succeeded       + failed     skipped (its trigger rule does not hold)
          failed          + succeeded  skipped (its trigger rule does not hold)
          failed          + failed     skipped (its trigger rule does not hold)
          upstream_failed + succeeded  skipped (its trigger rule does not hold)
          upstream_failed + failed     skipped (its trigger rule does not hold)
          skipped         + succeeded  skipped (its trigger rule does not hold)
          skipped         + failed     skipped (its trigger rule does not hold)
          tolerated       + succeeded  skipped (its trigger rule does not hold)
          tolerated       + failed     skipped (its trigger rule does not hold)
          open            + succeeded  waits
          open            + failed     waits
        b.failed and 1
          succeeded       + succeeded  skipped (its trigger rule does not hold)
          succeeded       + failed     failed (`trigger_rule` `b.failed and 1`: it is 1, and should be true or false)
          failed          + succeeded  skipped (its trigger rule does not hold)
          failed          + failed     failed (`trigger_rule` `b.failed and 1`: it is 1, and should be true or false)
          upstream_failed + succeeded  skipped (its trigger rule does not hold)
          upstream_failed + failed     failed (`trigger_rule` `b.failed and 1`: it is 1, and should be true or false)
          skipped         + succeeded  skipped (its trigger rule does not hold)
          skipped         + failed     failed (`trigger_rule` `b.failed and 1`: it is 1, and should be true or false)
          tolerated       + succeeded  skipped (its trigger rule does not hold)
          tolerated       + failed     failed (`trigger_rule` `b.failed and 1`: it is 1, and should be true or false)
          open            + succeeded  waits
          open            + failed     waits
    "#]].assert_eq(&table);
}

#[test]
fn why_names_the_rule_and_the_ends_that_it_saw() {
    let text = "tasks:\n  a: { run: x }\n  b: { run: x }\n  it: { needs: [a, b], trigger_rule: \"a.failed or b.failed\", run: x }\n  last: { approval: on }\n";
    let (mut world, run) = World::playing(4, text);
    world.succeed("a");
    let mut said = world.why(run, "it").join("\n");
    world.succeed("b");
    said.push('\n');
    said.push_str(&world.why(run, "it").join("\n"));
    expect![[r#"
        needs that have not ended: b (running); then `a.failed or b.failed` is asked
        it skipped: its trigger rule does not hold: `a.failed or b.failed` of a succeeded, b succeeded"#]].assert_eq(&said);
}

#[test]
fn a_task_that_its_file_holds_starts_when_it_is_released_and_is_held_again_when_it_is_retried() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x, hold: true }\n";
    let (mut world, run) = World::playing(4, text);
    world.succeed("a");
    let why = world.why(run, "b").join("\n");
    world.retry_failed(run);
    world.release(run, "b");
    world.fail("b");
    world.retry(run, &["b"]);
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 b held: its file says `hold: true`
        00:00 refused: nothing of the run has failed (`--task` and `--from` run again what has succeeded)
        00:00 b released by user:ann
        00:00 b queued
        00:00 b attempt 1 starting
        00:00 b attempt 1 started (pid 42)
        00:00 b attempt 1 exit(1)
        00:00 b failed (exit(1))
        00:00 run failed
        00:00 run flow#1 is taken up again
        00:00 b to run again, asked by user:ann
        00:00 run started
        00:00 b held: its file says `hold: true`
        its file says `hold: true`; `runyard release` lets it go on
    "#]].assert_eq(&format!("{}{why}\n", world.trace()));
}

#[test]
fn a_hold_by_a_person_comes_before_the_hold_of_the_file() {
    let text = "tasks:\n  a: { run: x }\n  b: { needs: a, run: x, hold: true }\n";
    let (mut world, run) = World::playing(4, text);
    world.hold(run, "b");
    world.release(run, "b");
    world.succeed("a");
    assert_eq!(
        world.why(run, "b"),
        ["its file says `hold: true`; `runyard release` lets it go on"]
    );
}

const LIMITED: &str = "timeout: 10m\ntasks:\n  a: { run: x, retry: 2 }\n  b: { needs: a, run: x }\n  c: { wait: { file: { path: in } } }\nfinally:\n  tidy: { run: x }\n";

#[test]
fn a_run_whose_time_is_over_fails_and_its_finally_runs() {
    let (mut world, run) = World::playing(4, LIMITED);
    world.wait(60);
    let why = world.why(run, "a").join("\n");
    world.wait(600);
    // The program may still say that all went well: the clock was first.
    world.ends("a", AttemptEnd::of(How::Exited(0)));
    world.wait(3_600);
    world.succeed("tidy");
    let trace = format!("{}{why}\n{}\n", world.trace(), world.why_ended(run).join("\n"));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 c attempt 1 starting
        00:00 c attempt 1 started
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        10:00 run has run for 10m, which is its timeout
        10:00 a attempt 1 is being stopped
        10:00 b cancelled
        10:00 c attempt 1 timeout: the time for the run was over
        10:00 c failed (timeout: the time for the run was over)
        11:00 a attempt 1 timeout: the time for the run was over
        11:00 a failed (timeout: the time for the run was over)
        11:00 tasks ended: failed; finally runs
        11:00 tidy queued
        11:00 tidy attempt 1 starting
        11:00 tidy attempt 1 started (pid 42)
        71:00 tidy attempt 1 succeeded
        71:00 tidy succeeded
        71:00 run failed
        attempt 1 (pid 42) runs; run timeout at 2026-01-01T00:10:00.000Z
        the time for the run was over: 10m
        c failed: timeout: the time for the run was over
        a failed: timeout: the time for the run was over
    "#]]
    .assert_eq(&trace);
}

#[test]
fn the_time_that_a_run_is_paused_does_not_count() {
    let (mut world, run) = World::playing(4, LIMITED);
    world.wait(300);
    world.pause(PauseWhat::Run(run), None);
    world.wait(3_600);
    world.pause(PauseWhat::All, None);
    world.resume(PauseWhat::Run(run));
    world.wait(3_600);
    world.crash();
    world.resume(PauseWhat::All);
    assert_eq!(
        world.why(run, "a"),
        [
            "attempt 1 (pid 42) runs; run timeout at 2026-01-01T02:10:00.000Z; the runner of pool `local` cannot be reached, its end is not known"
        ]
    );
    world.wait(299);
    assert!(world.state().runs[&run].clock.over.is_none());
    world.wait(1);
    assert!(world.state().runs[&run].clock.over.is_some());
}

#[test]
fn a_retry_of_a_run_whose_time_was_over_has_all_its_time_again() {
    let (mut world, run) = World::playing(4, LIMITED);
    world.wait(600);
    world.retry_failed(run);
    world.ends("a", AttemptEnd::of(How::Killed));
    world.succeed("tidy");
    world.retry_failed(run);
    world.wait(599);
    world.succeed("a");
    world.succeed("b");
    world.file_arrives("c");
    world.succeed("tidy");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 c attempt 1 starting
        00:00 c attempt 1 started
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        10:00 run has run for 10m, which is its timeout
        10:00 a attempt 1 is being stopped
        10:00 b cancelled
        10:00 c attempt 1 timeout: the time for the run was over
        10:00 c failed (timeout: the time for the run was over)
        10:00 refused: the time of the run is over, and it is being stopped (retry once it has ended)
        10:00 a attempt 1 timeout: the time for the run was over
        10:00 a failed (timeout: the time for the run was over)
        10:00 tasks ended: failed; finally runs
        10:00 tidy queued
        10:00 tidy attempt 1 starting
        10:00 tidy attempt 1 started (pid 42)
        10:00 tidy attempt 1 succeeded
        10:00 tidy succeeded
        10:00 run failed
        10:00 run flow#1 is taken up again
        10:00 a, b, c, tidy to run again, asked by user:ann
        10:00 run started
        10:00 a queued
        10:00 c attempt 2 starting
        10:00 c attempt 2 started
        10:00 a attempt 2 starting
        10:00 a attempt 2 started (pid 42)
        19:59 a attempt 2 succeeded
        19:59 a succeeded
        19:59 b queued
        19:59 b attempt 1 starting
        19:59 b attempt 1 started (pid 42)
        19:59 b attempt 1 succeeded
        19:59 b succeeded
        19:59 c attempt 2 succeeded
        19:59 c succeeded
        19:59 tasks ended: succeeded; finally runs
        19:59 tidy queued
        19:59 tidy attempt 2 starting
        19:59 tidy attempt 2 started (pid 42)
        19:59 tidy attempt 2 succeeded
        19:59 tidy succeeded
        19:59 run succeeded
    "#]].assert_eq(&world.trace());
}

#[test]
fn which_clock_has_ended_an_attempt_is_said() {
    let text = "tasks:\n  a: { run: x, timeout: { attempt: 10m, total: 15m, idle: 1m }, retry: { limit: 3, delay: 1m, jitter: 0 } }\n";
    let (mut world, run) = World::playing(4, text);
    world.wait(60);
    world.ends("a", AttemptEnd::of(How::Idle));
    world.wait(60 + 600);
    world.ends("a", AttemptEnd::of(How::TimedOut));
    world.wait(120 + 60);
    world.ends("a", AttemptEnd::of(How::TimedOut));
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 a attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        01:00 a attempt 1 timeout: it was idle for too long: no output, and no change of its files
        01:00 a again in 1m
        02:00 a queued
        02:00 a attempt 2 starting
        02:00 a attempt 2 started (pid 42)
        12:00 a attempt 2 timeout: the time for one attempt was over
        12:00 a again in 2m
        14:00 a queued
        14:00 a attempt 3 starting
        14:00 a attempt 3 started (pid 42)
        15:00 a attempt 3 timeout: the time for all its attempts was over
        15:00 a failed (timeout: the time for all its attempts was over)
        15:00 run failed
        a failed: timeout: the time for all its attempts was over, after 3 attempts
    "#]]
    .assert_eq(&format!("{}{}\n", world.trace(), world.why_ended(run).join("\n")));
}

#[test]
fn that_there_is_no_room_to_start_is_said_once_after_ten_times() {
    let mut world = World::new(4);
    world.hold_starts();
    world.load("tasks:\n  a: { run: x }\n");
    world.run();
    let mut said = String::new();
    for _ in 0..12 {
        let refused = AttemptEnd::of(How::Refused("cannot start a process: no room".to_owned()));
        world.ends("a", refused);
        world.wait(6);
    }
    for line in world.trace().lines().filter(|it| it.contains("could not")) {
        said.push_str(&format!("{line}\n"));
    }
    expect![[r#"
        00:54 a could not be started 10 times in pool local: cannot start a process: no room
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_cancel_of_what_has_ended_is_refused_and_a_cancel_now_ends_finally_too() {
    let (mut world, run) =
        World::playing(4, "tasks:\n  a: { run: x }\nfinally:\n  tidy: { run: x }\n");
    world.succeed("a");
    world.ask(Request::Cancel { run, now: true, comment: None });
    world.ends("tidy", AttemptEnd::of(How::Killed));
    world.cancel(run);
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
        00:00 tidy attempt 1 starting
        00:00 tidy attempt 1 started (pid 42)
        00:00 run cancelled, its finally too, by user:ann
        00:00 tidy attempt 1 is being stopped
        00:00 tidy attempt 1 cancelled
        00:00 tidy cancelled
        00:00 run cancelled
        00:00 refused: the run has ended
    "#]]
    .assert_eq(&world.trace());
}

#[test]
fn what_a_map_tolerates_by_an_expression_is_a_whole_number() {
    for (tolerate, reason) in [("params.n - 2", "is -1"), ("params.n / 2", "is 0.5")] {
        let text = format!(
            "params:\n  n: {{ type: int, default: 1 }}\ntasks:\n  a: {{ map: {{ over: [1], tolerate: {tolerate} }}, run: x }}\n"
        );
        let (mut world, run) = World::playing(4, &text);
        world.fail("a:1");
        let why = world.why_ended(run).join("\n");
        assert!(why.contains(reason) && why.contains("whole number"), "{why}");
    }
}

#[test]
fn a_map_over_too_many_items_fails_with_their_number() {
    let text =
        "tasks:\n  a: { run: x }\n  b: { needs: a, map: { over: tasks.a.outputs.n }, run: x }\n";
    let (mut world, run) = World::playing(4, text);
    let list: Vec<String> = (0..100_001).map(|it| it.to_string()).collect();
    world.writes("a", &format!("{{\"n\": [{}]}}\n", list.join(",")));
    assert_eq!(world.why_ended(run), ["b failed: `map` has 100001 items, 100000 are allowed"]);
}
