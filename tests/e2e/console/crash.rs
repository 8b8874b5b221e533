//! Killed in the midst of an act: it is done or it is not, and never half.

use std::thread;
use std::time::Duration;

use e2e::pty::{Key, SIZE};
use e2e::{Console, Site};
use serde_json::Value;

use super::{ASK, Desk, GATE, NEEDY, UNDO};

/// How long a dialog takes no yes.
const GRACE: Duration = Duration::from_millis(300);

/// Who is killed.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Daemon,
    Console,
}

/// When, after the yes.
#[derive(Clone, Copy)]
enum When {
    AtOnce,
    /// Once that it was sent is drawn.
    Drawn,
}

/// An act: its workflow, how its dialog is opened, and what the run looks like once it is done.
struct Act {
    file: (&'static str, &'static str),
    /// The state of a task before, which is waited for.
    task: (&'static str, &'static str),
    /// Which task is selected; the run itself where none is.
    on: Option<&'static str>,
    key: &'static str,
    /// What is chosen from the menu that the key opens, and how it is written there.
    menu: Option<(&'static str, &'static str)>,
    question: &'static str,
    typed: Option<&'static str>,
    /// The event that it is, once.
    event: &'static str,
    is_done: fn(&Site, &Value) -> bool,
}

#[test]
fn a_cancel_is_done_or_not_done() {
    killed(&Act {
        file: GATE,
        task: ("first", "running"),
        on: None,
        key: "K",
        menu: None,
        question: "Cancel: gate#1?",
        typed: None,
        event: "run_cancelled",
        is_done: |_, it| it["state"] != "running",
    });
}

#[test]
fn a_pause_is_done_or_not_done() {
    killed(&Act {
        file: GATE,
        task: ("first", "running"),
        on: None,
        key: "p",
        menu: None,
        question: "Pause: gate#1?",
        typed: None,
        event: "paused",
        is_done: |_, it| it["pause"].is_object(),
    });
}

#[test]
fn an_approval_is_given_or_not_given() {
    killed(&Act {
        file: ASK,
        task: ("ask", "awaiting_approval"),
        on: None,
        key: "a",
        menu: None,
        question: "Approve: ask#1 / ask?",
        typed: None,
        event: "approval_decided",
        is_done: |_, it| it["tasks"][0]["state"] == "succeeded",
    });
}

#[test]
fn a_retry_is_made_or_not_made() {
    killed(&Act {
        file: NEEDY,
        task: ("load", "failed"),
        on: None,
        key: "r",
        menu: None,
        question: "Run again: needy#1?",
        typed: None,
        event: "tasks_reset",
        is_done: |_, it| it["tasks"][1]["attempts"].as_array().is_some_and(|it| it.len() == 2),
    });
}

#[test]
fn a_roll_back_is_made_or_not_made() {
    killed(&Act {
        file: UNDO,
        task: ("stay", "failed"),
        on: None,
        key: "R",
        menu: None,
        question: "Roll back: undo#1?",
        typed: Some("1"),
        event: "rollback_asked",
        is_done: |site, it| {
            let made = site.workflows().join("made").exists();
            it["rollback"].is_object() && (!made || it["state"] != "rolled_back")
        },
    });
}

#[test]
fn a_hold_is_made_or_not_made() {
    killed(&Act {
        file: GATE,
        task: ("first", "running"),
        on: Some("second"),
        key: "H",
        menu: None,
        question: "Hold: gate#1 / second?",
        typed: None,
        event: "task_held",
        is_done: |_, it| it["tasks"][1]["state"] == "held",
    });
}

#[test]
fn a_skip_is_made_or_not_made() {
    killed(&Act {
        file: GATE,
        task: ("first", "running"),
        on: Some("second"),
        key: "S",
        menu: None,
        question: "Skip: gate#1 / second?",
        typed: None,
        event: "task_finished",
        is_done: |_, it| it["tasks"][1]["state"] == "skipped",
    });
}

#[test]
fn a_task_is_queued_again_or_not() {
    killed(&Act {
        file: GATE,
        task: ("first", "running"),
        on: Some("first"),
        key: "Q",
        menu: None,
        question: "Queue again: gate#1 / first?",
        typed: None,
        event: "task_requeued",
        is_done: |_, it| {
            let attempts = it["tasks"][0]["attempts"].as_array().map_or(0, Vec::len);
            let state = &it["tasks"][0]["state"];
            attempts == 2 || state == "stopping" || state == "queued"
        },
    });
}

#[test]
fn a_mark_is_made_or_not_made() {
    killed(&Act {
        file: NEEDY,
        task: ("load", "failed"),
        on: Some("load"),
        key: "M",
        menu: Some(("s", "it did what it should")),
        question: "Mark as succeeded: needy#1 / load?",
        typed: Some("1"),
        event: "task_marked",
        is_done: |_, it| it["tasks"][1]["state"] == "succeeded",
    });
}

fn killed(act: &Act) {
    let daemon = thread::scope(|scope| {
        let all = [
            (Who::Daemon, When::AtOnce),
            (Who::Daemon, When::Drawn),
            (Who::Console, When::AtOnce),
            (Who::Console, When::Drawn),
        ];
        let runs = all.map(|(who, when)| scope.spawn(move || kill_during(act, who, when)));
        runs.map(|it| it.join().is_ok())
    });
    assert_eq!(daemon, [true; 4], "each: daemon at once and later, console at once and later");
}

fn kill_during(act: &Act, who: Who, when: When) {
    let mut desk = Desk::open(&[act.file]);
    let workflow = act.file.0.trim_end_matches(".yaml");
    let run = desk.site.run(&[workflow]);
    desk.site.wait_for_task(&run, act.task.0, act.task.1);
    if act.task.1 == "failed" {
        desk.site.wait_for_end(&run);
    }
    desk.select_run(&format!("{workflow}#1"));
    desk.console.shows(if act.task.1 == "failed" { "failed" } else { workflow });
    if let Some(task) = act.on {
        desk.select_task(&format!("{workflow}#1"), task);
        if task == act.task.0 {
            let state = act.task.1;
            desk.console.until(|it| it.has(state), "its state is seen");
        }
    }
    let before = desk.site.show(&run);
    let acts = requests(&desk.site, &run, act);
    match act.menu {
        None => drop(desk.ask(act.key, act.question)),
        Some((key, shown)) => {
            desk.console.keys(act.key);
            desk.choose(key, shown);
            desk.console.shows(act.question);
            desk.console.hides("working out what it would do");
        }
    }
    // The dialog takes a yes from then on, by its own clock.
    thread::sleep(GRACE);
    if let Some(typed) = act.typed {
        desk.console.keys(typed).key(Key::Enter).idle();
    }
    desk.console.keys("y");
    if let When::Drawn = when {
        desk.console.hides(" esc no");
    }
    match who {
        Who::Daemon => {
            desk.site.kill9();
            desk.site.start_daemon();
            let live = |it: &e2e::pty::Screen| it.row(0).ends_with("live");
            desk.console.until(live, "the console is back");
        }
        Who::Console => {
            desk.console.kill9();
            desk.console = Console::open(&desk.site, SIZE);
            desk.console.shows(" live");
        }
    }
    judge(&mut desk, act, &run, (&before, acts));
}

/// The act has left the run as it was, or is done as a whole; and what the console shows is what is.
fn judge(desk: &mut Desk, act: &Act, run: &str, (before, acts): (&Value, usize)) {
    // A request that was on its way is answered before this one.
    let after = desk.site.show(run);
    let is_done = (act.is_done)(&desk.site, &after);
    let same = |key: &str| before[key] == after[key];
    assert!(is_done || (same("state") && same("tasks") && same("pause")), "{before:#}\n{after:#}");
    let acts = requests(&desk.site, run, act) - acts;
    assert_eq!(acts, usize::from(is_done), "it was done once, or not at all");
    desk.console.key(Key::Esc).key(Key::Esc);
    let label = format!("{}#1", act.file.0.trim_end_matches(".yaml"));
    desk.select_run(&label);
    let site = &desk.site;
    desk.console.until(
        |it| it.row_with(&label).is_some_and(|row| row.contains(&shown(&site.show(run)))),
        "the console shows how the run is",
    );
}

/// How the console begins to write the state of a run, however narrow the column is.
fn shown(view: &Value) -> String {
    let state = view["state"].as_str().expect("a state is a word");
    match state {
        // What it waits for says more.
        "running" if view["counts"]["awaiting_approval"].is_u64() => "approval".to_owned(),
        other => other.chars().take(8).collect(),
    }
}

/// How often the act was done, by the run's events.
fn requests(site: &Site, run: &str, act: &Act) -> usize {
    let events = site.runyard(&["events", run, "--json"]).expect(0).json_lines();
    events.iter().filter(|it| it["kind"] == act.event).count()
}
