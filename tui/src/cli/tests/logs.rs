//! Logs that are searched, and logs of undos.

use serde_json::{Value, json};
use shared::snapshot::TaskView;

use super::commands::{command, command_at};
use super::fake::{Running, Script};
use super::fixture::{attempt, run, task, undo};

const LOG: &[u8] = b"error 1\nfine\nerror \xff2\n\nerror 3";

fn daemon() -> Running {
    let done = |name: &str| TaskView {
        attempts: vec![attempt(1, Some("succeeded"))],
        ..task(name, "succeeded")
    };
    let undone = TaskView {
        undo: Some(undo("rolled_back", vec![attempt(1, Some("succeeded"))])),
        ..done("load")
    };
    let view = run("rolled_back", vec![undone, done("report"), task("later", "skipped")]);
    Running::start(Script { view: Some(view), log: LOG.to_vec(), ..Script::default() })
}

#[test]
fn the_lines_that_match_are_printed_in_their_order() {
    let (result, bytes) = command_at(daemon().socket(), "logs 412 load --grep error");
    assert_eq!(result.ok(), Some(0));
    assert_eq!(bytes, b"error 1\nerror \xff2\nerror 3\n");
    let (result, bytes) = command_at(daemon().socket(), "logs 412 load --grep nothing");
    assert_eq!((result.ok(), bytes), (Some(0), Vec::new()));
}

#[test]
fn a_tail_of_a_search_is_the_last_lines_that_match() {
    for (tail, expected) in [
        (0, &b""[..]),
        (1, b"error 3\n"),
        (2, b"error \xff2\nerror 3\n"),
        (99, b"error 1\nerror \xff2\nerror 3\n"),
    ] {
        let line = format!("logs 412 load --grep error --tail {tail}");
        assert_eq!(command_at(daemon().socket(), &line).1, expected, "{tail}");
    }
}

#[test]
fn a_search_in_json_is_a_line_each_with_its_place() {
    let (code, text) = command(&daemon(), "logs 412 load --grep error --json");
    assert_eq!(code, 0);
    let lines: Vec<Value> =
        text.lines().map(|it| serde_json::from_str(it).expect("a document")).collect();
    assert_eq!(lines[0], json!({ "task": "load", "attempt": 2, "offset": 0, "text": "error 1" }));
    let offsets: Vec<&Value> = lines.iter().map(|it| &it["offset"]).collect();
    assert_eq!(offsets, [&json!(0), &json!(13), &json!(23)]);
}

#[test]
fn a_search_of_a_run_names_only_what_has_a_line() {
    let (code, text) = command(&daemon(), "logs 412 --grep fine");
    assert_eq!(code, 0);
    assert_eq!(text, "==> load <==\nfine\n==> undo@load <==\nfine\n==> report <==\nfine\n");
    assert_eq!(command(&daemon(), "logs 412 --grep nothing"), (0, String::new()));
}

#[test]
fn the_log_of_an_undo_is_read_and_followed_as_any_other() {
    for line in ["logs 412 undo@load", "logs 412 undo@load -f"] {
        let (result, bytes) = command_at(daemon().socket(), line);
        assert_eq!((result.ok(), bytes.as_slice()), (Some(0), LOG), "{line}");
    }
    let (_, bytes) = command_at(daemon().socket(), "logs 412");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("==> undo@load <=="), "{text}");
    let (_, bytes) = command_at(daemon().socket(), "logs 412 undo@report -f");
    assert_eq!(bytes, b"", "it has no undo, and the run is over");
}
