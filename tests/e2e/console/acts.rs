//! Acts on runs, workflows, pools and everything.

use e2e::pty::Key;
use e2e::wait;
use serde_json::Value;

use super::{ASK, Desk, GATE, NEEDY, UNDO};

#[test]
fn a_run_is_started_with_parameters() {
    let text = r#"
params: { day: { type: date }, count: { type: int, default: 3 } }
tasks: { tell: { timeout: 1m, run: 'echo "$RUNYARD_PARAM_DAY $RUNYARD_PARAM_COUNT"' } }
"#;
    let mut desk = Desk::open(&[("tell.yaml", text)]);
    desk.keys("2");
    desk.select("tell");
    desk.console.keys("t").shows("Run: workflow tell?");
    let screen = desk.confirm_typed("day=2026-11-25 count=5");
    assert!(screen.has("#1"), "{screen:?}");
    assert_eq!(desk.site.wait_for_end("tell#1")["state"], "succeeded");
    assert_eq!(desk.site.task_log("tell#1", "tell"), "2026-11-25 5\n");
}

#[test]
fn a_run_is_paused_and_goes_on() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.select_run("gate#1");
    desk.ask("p", "Pause: gate#1?");
    desk.confirm();
    assert!(desk.site.show(&run)["pause"].is_object());
    desk.site.write("go", "");
    desk.wait_for_state(&run, "paused");
    desk.console.shows("‖ paused");
    assert!(!desk.site.workflows().join("done.txt").exists());
    desk.ask("p", "Resume: gate#1?");
    desk.confirm();
    assert_eq!(desk.site.wait_for_end(&run)["state"], "succeeded");
    desk.console.shows("succeeded");
}

#[test]
fn a_workflow_is_paused_for_a_time_and_goes_on() {
    let mut desk = Desk::open(&[GATE, NEEDY]);
    desk.keys("2");
    desk.select("needy");
    desk.ask("p", "Pause: workflow needy?");
    desk.confirm();
    let paused = |desk: &Desk| of(desk.rows("workflows"), "needy")["pause"].clone();
    assert!(paused(&desk)["until"].is_string(), "{:#}", paused(&desk));
    assert!(of(desk.rows("workflows"), "gate")["pause"].is_null());
    desk.console.shows("paused");
    desk.ask("p", "Resume: workflow needy?");
    desk.confirm();
    assert!(paused(&desk).is_null());
}

#[test]
fn a_pool_is_paused_and_goes_on() {
    let mut desk = Desk::open(&[GATE]);
    desk.keys("4");
    desk.select("local");
    desk.ask("p", "Pause: pool local?");
    desk.confirm();
    assert_eq!(of(desk.rows("pools"), "local")["state"], "paused");
    desk.ask("p", "Resume: pool local?");
    desk.confirm();
    assert_eq!(of(desk.rows("pools"), "local")["state"], "up");
}

#[test]
fn everything_is_paused_with_a_reason_and_goes_on() {
    let mut desk = Desk::open(&[GATE]);
    desk.ask("P", "Pause: everything?");
    // For how long, and why.
    desk.console.key(Key::Tab).key(Key::Tab).keys("the move").key(Key::Enter);
    desk.confirm();
    let pause =
        |desk: &Desk| desk.site.runyard(&["status", "--json"]).expect(0).json()["pause"].clone();
    assert_eq!(pause(&desk)["comment"], "the move");
    desk.console.shows("everything is paused by");
    desk.ask("P", "Resume: everything?");
    desk.confirm();
    assert!(pause(&desk).is_null());
    desk.console.hides("everything is paused by");
}

#[test]
fn what_has_failed_of_a_run_runs_again() {
    let mut desk = Desk::open(&[NEEDY]);
    let run = desk.site.run(&["needy"]);
    assert_eq!(desk.site.wait_for_end(&run)["state"], "failed");
    desk.select_run("needy#1");
    desk.site.write("data", "");
    desk.ask("r", "Run again: needy#1?");
    desk.confirm();
    desk.wait_for_state(&run, "succeeded");
    assert_eq!(attempts(&desk, &run), [1, 2, 1]);
    desk.console.shows("succeeded");
}

#[test]
fn one_task_runs_again_and_a_task_with_all_behind_it() {
    let mut desk = Desk::open(&[NEEDY]);
    let run = desk.site.run(&["needy"]);
    assert_eq!(desk.site.wait_for_end(&run)["state"], "failed");
    desk.site.write("data", "");
    desk.select_task("needy#1", "load");
    desk.console.keys("r");
    desk.choose("t", "this task, and what needs it");
    desk.console.shows("Run again: needy#1 / load?");
    desk.confirm();
    desk.wait_for_state(&run, "succeeded");
    assert_eq!(attempts(&desk, &run), [1, 2, 1]);
    desk.select_task("needy#1", "before");
    // What a person has not seen yet they do not decide on.
    desk.console.until(|it| it.row(1).contains("succeeded"), "the end of the run is shown");
    desk.console.keys("r");
    desk.choose("h", "this task and all that needs it");
    desk.console.shows("Run again: needy#1 / before?");
    desk.confirm();
    wait::for_that("all ran again", || attempts(&desk, &run) == [2, 3, 2]);
    desk.wait_for_state(&run, "succeeded");
}

#[test]
fn an_approval_is_given() {
    let mut desk = Desk::open(&[ASK]);
    let runs = [desk.site.run(&["ask"]), desk.site.run(&["ask"])];
    for run in &runs {
        desk.site.wait_for_task(run, "ask", "awaiting_approval");
    }
    desk.keys("5");
    desk.select("ask#1");
    desk.ask("a", "Approve: ask#1 / ask?");
    desk.confirm();
    assert_eq!(desk.site.wait_for_end(&runs[0])["state"], "succeeded");
    desk.console.hides("ask#1");
    assert_eq!(desk.task_state(&runs[1], "ask"), "awaiting_approval");
}

#[test]
fn an_approval_is_refused_with_a_reason_and_not_without() {
    let mut desk = Desk::open(&[ASK]);
    let run = desk.site.run(&["ask"]);
    desk.site.wait_for_task(&run, "ask", "awaiting_approval");
    desk.keys("5");
    desk.select("ask#1");
    desk.console.keys("x").shows("Reject: ask#1 / ask?");
    desk.console.key(Key::Enter);
    desk.press_until("y", |it| it.has("a comment is needed"));
    assert_eq!(desk.task_state(&run, "ask"), "awaiting_approval");
    desk.console.key(Key::Tab).keys("not today").key(Key::Enter);
    desk.confirm();
    let view = desk.site.wait_for_end(&run);
    assert_eq!(view["state"], "failed");
    assert!(desk.site.task(&run, "ask").to_string().contains("not today"), "{view:#}");
    desk.console.hides("ask#1");
}

#[test]
fn a_run_is_cancelled() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    desk.select_run("gate#1");
    desk.ask("K", "Cancel: gate#1?");
    desk.confirm();
    assert_eq!(desk.site.wait_for_end(&run)["state"], "cancelled");
    desk.console.shows("cancelled");
}

#[test]
fn marked_runs_are_cancelled_together_and_others_are_not() {
    let mut desk = Desk::open(&[GATE]);
    let runs: Vec<String> = (0..3).map(|_| desk.site.run(&["gate"])).collect();
    desk.select_run("gate#1");
    desk.console.keys(" ");
    desk.select("gate#3");
    desk.console.keys(" ").shows("2 marked");
    let screen = desk.ask("K", "Cancel 2:");
    assert!(screen.has("gate#1") && screen.has("gate#3"), "{screen:?}");
    desk.confirm_typed("2");
    assert_eq!(desk.site.wait_for_end(&runs[0])["state"], "cancelled");
    assert_eq!(desk.site.wait_for_end(&runs[2])["state"], "cancelled");
    assert_eq!(desk.state(&runs[1]), "running");
}

#[test]
fn another_priority_is_given_at_once_and_taken_back() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    let before = desk.site.show(&run)["priority"].clone();
    desk.select_run("gate#1");
    desk.console.keys("^");
    desk.choose("a", "critical");
    desk.console.shows("undo");
    let after = desk.site.show(&run)["priority"].clone();
    assert_ne!(before, after);
    desk.console.keys("u").shows("undone");
    assert_eq!(desk.site.show(&run)["priority"], before);
}

#[test]
fn a_run_is_rolled_back_by_its_number_and_by_nothing_else() {
    let mut desk = Desk::open(&[UNDO]);
    let run = desk.site.run(&["undo"]);
    assert_eq!(desk.site.wait_for_end(&run)["state"], "failed");
    let made = desk.site.workflows().join("made");
    desk.select_run("undo#1");
    // The key that opens it, held down, does nothing.
    desk.ask("RRRR", "Roll back: undo#1?");
    desk.console.key(Key::Enter).keys("R").idle();
    desk.console.key(Key::Esc);
    desk.ask("R", "Roll back: undo#1?");
    desk.console.paste("2").key(Key::Enter);
    let screen = desk.console.shows("type 1");
    assert!(screen.has("undoes"), "{screen:?}");
    desk.press_until("y", |it| it.has("type 1 first"));
    desk.console.key(Key::Esc).hides("Roll back");
    assert_eq!(desk.state(&run), "failed");
    assert!(made.exists());
    desk.ask("R", "Roll back: undo#1?");
    desk.confirm_typed("1");
    desk.wait_for_state(&run, "rolled_back");
    assert!(!made.exists());
    desk.console.shows("↶ rolled");
}

#[test]
fn a_dialog_is_left_without_any_effect() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    desk.select_run("gate#1");
    let seq = desk.site.show(&run)["seq"].clone();
    for leave in [Key::Esc, Key::Enter] {
        desk.ask("K", "Cancel: gate#1?");
        desk.console.keys("KKKK").key(leave).hides("Cancel: gate#1?");
    }
    assert_eq!((desk.state(&run), desk.site.show(&run)["seq"].clone()), ("running".into(), seq));
}

fn of(rows: Vec<Value>, name: &str) -> Value {
    let found = rows.iter().find(|it| it["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("no {name:?} in {rows:#?}"))
}

fn attempts(desk: &Desk, run: &str) -> Vec<usize> {
    let view = desk.site.show(run);
    let tasks = view["tasks"].as_array().expect("a run has tasks");
    tasks.iter().map(|it| it["attempts"].as_array().map_or(0, Vec::len)).collect()
}
