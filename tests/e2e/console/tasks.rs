//! Acts on single tasks.

use e2e::wait;

use super::{Desk, GATE, NEEDY};

#[test]
fn a_task_is_held_and_released() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    desk.select_task("gate#1", "second");
    desk.ask("H", "Hold: gate#1 / second?");
    desk.confirm();
    assert_eq!(desk.task_state(&run, "second"), "held");
    desk.site.write("go", "");
    desk.site.wait_for_task(&run, "first", "succeeded");
    assert!(!desk.site.workflows().join("done.txt").exists());
    desk.console.shows("held");
    desk.ask("H", "Release: gate#1 / second?");
    desk.confirm();
    assert_eq!(desk.site.wait_for_end(&run)["state"], "succeeded");
}

#[test]
fn a_task_that_waits_is_skipped_and_one_that_runs_is_not() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    desk.select_task("gate#1", "first");
    desk.console.until(|it| it.has("▶ running"), "it is seen to run");
    desk.console.keys("S").shows("only what has not started can be skipped");
    desk.select_task("gate#1", "second");
    desk.ask("S", "Skip: gate#1 / second?");
    desk.confirm();
    desk.site.write("go", "");
    assert_eq!(desk.site.wait_for_end(&run)["state"], "succeeded");
    assert_eq!(desk.task_state(&run, "second"), "skipped");
    assert!(!desk.site.workflows().join("done.txt").exists());
}

#[test]
fn a_task_that_has_failed_is_marked_as_succeeded_by_the_number_of_its_run() {
    let mut desk = Desk::open(&[NEEDY]);
    let run = desk.site.run(&["needy"]);
    assert_eq!(desk.site.wait_for_end(&run)["state"], "failed");
    desk.select_task("needy#1", "load");
    desk.console.keys("M");
    desk.choose("s", "it did what it should");
    desk.console.shows("Mark as succeeded: needy#1 / load?");
    desk.confirm_typed("1");
    desk.wait_for_state(&run, "succeeded");
    assert_eq!(desk.task_state(&run, "load"), "succeeded");
    assert_eq!(desk.task_state(&run, "after"), "succeeded");
    assert!(!desk.site.workflows().join("data").exists(), "nothing but the word has changed it");
}

#[test]
fn a_task_that_runs_is_queued_again() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    let row = desk.site.wait_for_task(&run, "first", "running");
    let pid = row["attempts"][0]["pid"].clone();
    desk.select_task("gate#1", "first");
    desk.console.until(|it| it.has("▶ running"), "it is seen to run");
    desk.ask("Q", "Queue again: gate#1 / first?");
    desk.confirm();
    wait::for_that("another process does it", || {
        let row = desk.site.task(&run, "first");
        let last = row["attempts"].as_array().and_then(|it| it.last().cloned());
        row["state"] == "running" && last.is_some_and(|it| it["pid"] != pid)
    });
    desk.site.write("go", "");
    assert_eq!(desk.site.wait_for_end(&run)["state"], "succeeded");
}
