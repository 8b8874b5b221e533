//! Rule 2.

use expect_test::expect;
use shared::state::{TaskPhase, Wait};
use shared::workflow::TriggerRule;

use crate::world::World;

/// How a need ends, or that it has not.
const ENDS: [&str; 5] = ["succeeded", "failed", "skipped", "tolerated", "open"];

/// What becomes of `it` once its two needs have ended so.
fn verdict(rule: &str, ends: [&str; 2]) -> &'static str {
    let need = |name: &str, end: &str| match end {
        "skipped" => format!("  {name}: {{ run: x, when: \"false\" }}\n"),
        "tolerated" => format!("  {name}: {{ run: x, on_failure: continue }}\n"),
        _ => format!("  {name}: {{ run: x }}\n"),
    };
    let (a, b) = (need("a", ends[0]), need("b", ends[1]));
    let it = format!("  it: {{ needs: [a, b], trigger_rule: {rule}, run: x }}\n");
    let (mut world, run) =
        World::playing(4, &format!("tasks:\n{a}{b}{it}  last: {{ approval: on }}\n"));
    for (name, end) in ["a", "b"].into_iter().zip(ends) {
        match end {
            "succeeded" => world.succeed(name),
            "failed" | "tolerated" => world.fail(name),
            _ => {}
        }
    }
    match &world.state().runs[&run].tasks[2].phase {
        TaskPhase::Waiting(Wait::Needs) => "waits",
        TaskPhase::Finished(outcome) => outcome.word(),
        _ => "runs",
    }
}

#[test]
fn every_rule_for_every_end_of_two_needs() {
    let mut table = format!("{:28}", "");
    let pairs: Vec<[&str; 2]> = (0..ENDS.len())
        .flat_map(|first| (first..ENDS.len()).map(move |second| [ENDS[first], ENDS[second]]))
        .collect();
    for (rule, _) in TriggerRule::NAMES {
        table.push_str(&format!("\n{rule}\n"));
        for pair in &pairs {
            let ends = pair.join(" + ");
            let verdict = verdict(rule, *pair);
            assert_eq!(verdict, self::verdict(rule, [pair[1], pair[0]]), "{rule} {ends}");
            table.push_str(&format!("  {ends:24} {verdict}\n"));
        }
    }
    expect![[r#"
        all_success
          succeeded + succeeded    runs
          succeeded + failed       upstream_failed
          succeeded + skipped      skipped
          succeeded + tolerated    runs
          succeeded + open         waits
          failed + failed          upstream_failed
          failed + skipped         upstream_failed
          failed + tolerated       upstream_failed
          failed + open            waits
          skipped + skipped        skipped
          skipped + tolerated      skipped
          skipped + open           waits
          tolerated + tolerated    runs
          tolerated + open         waits
          open + open              waits

        all_done
          succeeded + succeeded    runs
          succeeded + failed       runs
          succeeded + skipped      runs
          succeeded + tolerated    runs
          succeeded + open         waits
          failed + failed          runs
          failed + skipped         runs
          failed + tolerated       runs
          failed + open            waits
          skipped + skipped        runs
          skipped + tolerated      runs
          skipped + open           waits
          tolerated + tolerated    runs
          tolerated + open         waits
          open + open              waits

        all_failed
          succeeded + succeeded    skipped
          succeeded + failed       skipped
          succeeded + skipped      skipped
          succeeded + tolerated    skipped
          succeeded + open         waits
          failed + failed          runs
          failed + skipped         skipped
          failed + tolerated       skipped
          failed + open            waits
          skipped + skipped        skipped
          skipped + tolerated      skipped
          skipped + open           waits
          tolerated + tolerated    skipped
          tolerated + open         waits
          open + open              waits

        one_failed
          succeeded + succeeded    skipped
          succeeded + failed       runs
          succeeded + skipped      skipped
          succeeded + tolerated    skipped
          succeeded + open         waits
          failed + failed          runs
          failed + skipped         runs
          failed + tolerated       runs
          failed + open            runs
          skipped + skipped        skipped
          skipped + tolerated      skipped
          skipped + open           waits
          tolerated + tolerated    skipped
          tolerated + open         waits
          open + open              waits

        one_success
          succeeded + succeeded    runs
          succeeded + failed       runs
          succeeded + skipped      runs
          succeeded + tolerated    runs
          succeeded + open         runs
          failed + failed          upstream_failed
          failed + skipped         upstream_failed
          failed + tolerated       runs
          failed + open            waits
          skipped + skipped        skipped
          skipped + tolerated      runs
          skipped + open           waits
          tolerated + tolerated    runs
          tolerated + open         runs
          open + open              waits

        none_failed
          succeeded + succeeded    runs
          succeeded + failed       upstream_failed
          succeeded + skipped      runs
          succeeded + tolerated    runs
          succeeded + open         waits
          failed + failed          upstream_failed
          failed + skipped         upstream_failed
          failed + tolerated       upstream_failed
          failed + open            waits
          skipped + skipped        runs
          skipped + tolerated      runs
          skipped + open           waits
          tolerated + tolerated    runs
          tolerated + open         waits
          open + open              waits

        none_failed_min_one_success
          succeeded + succeeded    runs
          succeeded + failed       upstream_failed
          succeeded + skipped      runs
          succeeded + tolerated    runs
          succeeded + open         waits
          failed + failed          upstream_failed
          failed + skipped         upstream_failed
          failed + tolerated       upstream_failed
          failed + open            waits
          skipped + skipped        skipped
          skipped + tolerated      runs
          skipped + open           waits
          tolerated + tolerated    runs
          tolerated + open         waits
          open + open              waits

        all_skipped
          succeeded + succeeded    skipped
          succeeded + failed       skipped
          succeeded + skipped      skipped
          succeeded + tolerated    skipped
          succeeded + open         waits
          failed + failed          skipped
          failed + skipped         skipped
          failed + tolerated       skipped
          failed + open            waits
          skipped + skipped        runs
          skipped + tolerated      skipped
          skipped + open           waits
          tolerated + tolerated    skipped
          tolerated + open         waits
          open + open              waits

        always
          succeeded + succeeded    runs
          succeeded + failed       runs
          succeeded + skipped      runs
          succeeded + tolerated    runs
          succeeded + open         runs
          failed + failed          runs
          failed + skipped         runs
          failed + tolerated       runs
          failed + open            runs
          skipped + skipped        runs
          skipped + tolerated      runs
          skipped + open           runs
          tolerated + tolerated    runs
          tolerated + open         runs
          open + open              runs
    "#]]
    .assert_eq(table.trim_start());
}

#[test]
fn a_rule_that_acts_on_the_first_end_is_not_disturbed_by_the_second() {
    let text = "tasks:\n  a: { run: x }\n  b: { run: x }\n  it: { needs: [a, b], trigger_rule: one_success, run: x }\n";
    let (mut world, _) = World::playing(4, text);
    world.succeed("a");
    world.fail("b");
    world.succeed("it");
    expect![[r#"
        00:00 run flow#1 created by user:ann
        00:00 run started
        00:00 a queued
        00:00 b queued
        00:00 a attempt 1 starting
        00:00 b attempt 1 starting
        00:00 a attempt 1 started (pid 42)
        00:00 b attempt 1 started (pid 42)
        00:00 a attempt 1 succeeded
        00:00 a succeeded
        00:00 it queued
        00:00 it attempt 1 starting
        00:00 it attempt 1 started (pid 42)
        00:00 b attempt 1 exit(1)
        00:00 b failed (exit(1))
        00:00 it attempt 1 succeeded
        00:00 it succeeded
        00:00 run failed
    "#]]
    .assert_eq(&world.trace());
}
