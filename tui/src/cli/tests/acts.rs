//! What a person does to a run: what is asked of the daemon, what is printed, and the exit code.

use std::io::Cursor;

use expect_test::expect;
use serde_json::{Value, json};
use shared::request::{Mark, PauseWhat, Request, RetryWhat, RollbackWhat};
use shared::workflow::Priority;

use super::commands::{command, command_at, ended, parsed};
use super::fake::{Running, Script};
use super::fixture::run_id;
use crate::args::Command;
use crate::cli::rollback::{self, Person};
use crate::error::{Error, Exit};

fn daemon() -> Running {
    Running::start(Script { view: Some(ended("running")), ..Script::default() })
}

fn text(comment: &str) -> Option<String> {
    Some(comment.to_owned())
}

#[test]
fn what_is_done_to_a_task_reaches_the_daemon_as_it_was_meant() {
    let daemon = daemon();
    let (code, page) = command(&daemon, "hold 412 load[a] --comment wait");
    assert_eq!(
        (code, page.as_str()),
        (0, "retail-daily-sales#412: load[a] is held until it is released\n")
    );
    let (code, page) = command(&daemon, "release 412 load:a --comment go --json");
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<Value>(&page).ok(), Some(json!({ "run": run_id() })));
    assert_eq!(command(&daemon, "requeue 412 load").0, 0);
    assert_eq!(command(&daemon, "priority 412 high --comment soon").0, 0);
    assert_eq!(command(&daemon, "mark 412 load --success --output rows=3 --output at=a=b").0, 0);
    assert_eq!(command(&daemon, "mark 412 load --failed --comment wrong").0, 0);
    assert_eq!(command(&daemon, "mark 412 load:a --undone").0, 0);
    let run = run_id();
    let outputs = [("at".to_owned(), json!("a=b")), ("rows".to_owned(), json!("3"))].into();
    let mark = |task: &str, mark, comment| Request::Mark { run, task: task.into(), mark, comment };
    let expected = [
        Request::Hold { run, task: "load:a".into(), comment: text("wait") },
        Request::Release { run, task: "load:a".into(), comment: text("go") },
        Request::Requeue { run, task: "load".into(), comment: None },
        Request::Prioritize { run, priority: Priority(500), comment: text("soon") },
        mark("load", Mark::Success { outputs }, None),
        mark("load", Mark::Failed, text("wrong")),
        mark("load:a", Mark::Undone, None),
    ];
    assert_eq!(daemon.requests(), expected);
}

#[test]
fn a_refusal_keeps_its_words_its_help_and_its_exit_code() {
    let (result, written) = command_at(daemon().socket(), "skip 412 load");
    let error = result.expect_err("it is refused");
    assert_eq!(error.exit_code(), 6);
    assert_eq!(error.message(), "load has started already");
    assert_eq!(error.help(), text("cancel it first"));
    assert!(written.is_empty());
}

#[test]
fn a_pause_of_what_many_share_ends_by_itself_and_one_of_a_run_does_not() {
    let daemon = daemon();
    let lines = [
        "pause 412",
        "pause 412 --until never",
        "pause --all --until 2100-01-01 --comment move",
        "pause --all",
        "workflow pause load",
        "workflow pause load --until never",
        "pool pause local --until 30m",
    ];
    for line in lines {
        assert_eq!(command(&daemon, line).0, 0, "{line}");
    }
    let mut asked = Vec::new();
    for request in daemon.requests() {
        let Request::Pause { what, until, comment } = request else {
            panic!("a pause was asked for: {request:?}");
        };
        asked.push((what, until.is_some(), comment));
    }
    let workflow = PauseWhat::Workflow("load".into());
    let expected = [
        (PauseWhat::Run(run_id()), false, None),
        (PauseWhat::Run(run_id()), false, None),
        (PauseWhat::All, true, text("move")),
        (PauseWhat::All, true, None),
        (workflow.clone(), true, None),
        (workflow, false, None),
        (PauseWhat::Pool("local".into()), true, None),
    ];
    assert_eq!(asked, expected);
}

#[test]
fn a_pause_says_until_when_and_a_resume_that_it_goes_on() {
    let daemon = daemon();
    let page = |line: &str| command(&daemon, line).1;
    assert_eq!(
        page("pause 412"),
        "retail-daily-sales#412 is paused until it is resumed; what runs goes on\n"
    );
    let all = page("pause --all");
    assert!(all.starts_with("everything is paused until 2") && all.contains("(in 2h)"), "{all}");
    assert_eq!(page("workflow resume load"), "workflow load goes on\n");
    assert_eq!(page("pool resume local"), "pool local goes on\n");
    assert_eq!(page("resume --all --comment done"), "everything goes on\n");
    assert_eq!(page("resume 412"), "retail-daily-sales#412 goes on\n");
    let json = |line: &str| serde_json::from_str::<Value>(&page(line)).expect("a document");
    assert_eq!(
        json("pause --all --until 2100-01-01 --json"),
        json!({ "all": true, "until": "2100-01-01T00:00:00.000Z" })
    );
    assert_eq!(json("pool pause local --until never --json"), json!({ "pool": "local" }));
    assert_eq!(json("resume 412 --json"), json!({ "run": run_id() }));
}

#[test]
fn what_makes_no_sense_is_not_asked() {
    let daemon = daemon();
    for line in [
        "pause 412 --until yesterday",
        "pause --all --until 1970-01-01",
        "workflow pause load --until 2hours",
        "priority 412 urgent",
        "mark 412 load --success --output rows",
    ] {
        assert_eq!(command(&daemon, line).0, 2, "{line}");
    }
    for line in ["hold nothing load", "pause nothing", "workflow show lod", "rollback nothing"] {
        assert_eq!(command(&daemon, line).0, 3, "{line}");
    }
    assert!(daemon.requests().is_empty());
}

#[test]
fn a_plan_changes_nothing() {
    let daemon = daemon();
    for line in [
        "cancel 412 --now --plan",
        "retry 412 --from load --plan",
        "rollback 412 --task load[a] --dry-run",
        "skip 412 load --plan",
        "mark 412 load --failed --plan",
        "hold 412 load --dry-run",
        "pause 412 --plan",
        "workflow pause load --until never --plan",
        "pool pause local --until never --plan",
    ] {
        let (code, page) = command(&daemon, line);
        assert_eq!(code, 0, "{line}");
        assert!(page.contains("would undo 4: publish, dashboards:East, "), "{line}: {page}");
    }
    assert_eq!(command(&daemon, "requeue 412 load --plan").0, 6);
    assert!(daemon.requests().is_empty());
    let (run, comment) = (run_id(), None);
    let pause = |what| Request::Pause { what, until: None, comment: None };
    let expected = [
        Request::Cancel { run, now: true, comment: None },
        Request::Retry { run, what: RetryWhat::From("load".into()), comment: None },
        rollback(RollbackWhat::Tasks(vec!["load:a".into()])),
        Request::Skip { run, task: "load".into(), comment: None },
        Request::Mark { run, task: "load".into(), mark: Mark::Failed, comment: None },
        Request::Hold { run, task: "load".into(), comment },
        pause(PauseWhat::Run(run)),
        pause(PauseWhat::Workflow("load".into())),
        pause(PauseWhat::Pool("local".into())),
    ];
    assert_eq!(daemon.planned(), expected);
}

#[test]
fn a_plan_is_a_document_for_programs() {
    let (code, page) = command(&daemon(), "rollback 412 --plan --json");
    assert_eq!(code, 0);
    let plan: Value = serde_json::from_str(&page).expect("a document");
    assert_eq!(plan["digest"], json!("d1"));
    assert_eq!(plan["undo"]["count"], json!(4));
    assert_eq!(plan["undo"]["names"][0], json!("publish"));
    assert_eq!(plan["run"], json!({ "count": 0, "names": [] }));
}

fn rollback(what: RollbackWhat) -> Request {
    Request::Rollback { run: run_id(), what, comment: None }
}

/// `rollback` with somebody at the terminal, or nobody.
fn asked(daemon: &Running, line: &str, answer: Option<&str>) -> (Result<u8, Error>, String) {
    let (mut cx, command, written) = parsed(daemon.socket(), line);
    let Some(Command::Rollback(asked)) = command else {
        panic!("a rollback is tested: {line}");
    };
    let answers = Box::new(Cursor::new(answer.unwrap_or_default().to_owned()));
    let person = |_: &_| Person { answers, there: answer.is_some() };
    let result = rollback::execute(&mut cx, asked, person);
    (result.map(Exit::code), String::from_utf8(written.bytes()).expect("it writes text"))
}

#[test]
fn a_rollback_shows_its_plan_and_asks_for_the_runs_number() {
    let daemon = daemon();
    let (result, page) = asked(&daemon, "rollback 412", Some("412\n"));
    assert_eq!(result.ok(), Some(0));
    expect![[r#"
        retail-daily-sales#412
        would stop 1: cleanup
        would undo 4: publish, dashboards:East, dashboards:West, store_metrics:Central
        cannot undo 1: returns
        would void 1 approval: publish_ok
        note: dataset sales was read by report#7
        type 412 to undo this of retail-daily-sales#412, anything else to leave it
        these are undone, in this order:
          publish
          load:East
        these have no undo, and stay:
          returns
    "#]]
    .assert_eq(&page);
    assert_eq!(daemon.requests(), [rollback(RollbackWhat::All)]);
    assert_eq!(daemon.digests(), [text("d1")], "what was confirmed goes with it");
}

#[test]
fn a_rollback_that_is_not_confirmed_does_nothing() {
    let daemon = daemon();
    for answer in [Some("41\n"), Some("yes\n"), Some(""), None] {
        let (result, _) = asked(&daemon, "rollback 412", answer);
        let error = result.expect_err("it is not confirmed");
        assert_eq!(error.exit_code(), 2);
        assert!(error.help().is_some_and(|it| it.contains("--yes")));
    }
    let (result, page) = asked(&daemon, "rollback 412 --json", Some("412\n"));
    assert_eq!((result.map_err(|it| it.exit_code()), page), (Err(2), String::new()));
    assert!(daemon.requests().is_empty());
}

#[test]
fn a_rollback_with_yes_asks_nobody() {
    let daemon = daemon();
    let (result, page) = asked(&daemon, "rollback 412 --task load --task b[x] --yes --json", None);
    assert_eq!(result.ok(), Some(0));
    assert_eq!(
        serde_json::from_str::<Value>(&page).ok(),
        Some(
            json!({ "run": run_id(), "tasks": ["publish", "load:East"], "not_undone": ["returns"] })
        )
    );
    for line in ["rollback 412 --retry load:a --yes", "rollback 412 --retry undo@load:a -y"] {
        assert_eq!(asked(&daemon, line, None).0.ok(), Some(0));
    }
    let expected = [
        rollback(RollbackWhat::Tasks(vec!["load".into(), "b:x".into()])),
        rollback(RollbackWhat::Retry("load:a".into())),
        rollback(RollbackWhat::Retry("load:a".into())),
    ];
    assert_eq!(daemon.requests(), expected);
    assert_eq!(daemon.digests(), [None, None, None]);
}
