//! Whole commands: what they ask, print, and exit with.

use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use clap::Parser;
use serde_json::{Value, json};
use shared::request::{Decision, Request, RetryWhat};
use shared::snapshot::{EventsPage, RunView, TaskView};

use super::fake::{Running, Script};
use super::fixture::{attempt, event, run, run_id, task};
use crate::args::{Arguments, Command};
use crate::cli::{Cx, execute, exit_of};
use crate::error::{Error, Exit};
use crate::out::Out;

/// What a command has written.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("no panic while writing").clone()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic while writing").write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A command line before it is carried out, and where it will write.
pub(super) fn parsed(socket: PathBuf, line: &str) -> (Cx, Option<Command>, Written) {
    let words = ["runyard"].into_iter().chain(line.split(' '));
    let mut arguments = Arguments::try_parse_from(words).expect("the line makes sense");
    arguments.global.socket = Some(socket);
    let written = Written::default();
    let out = Out::to(Box::new(written.clone()), arguments.global.json);
    (Cx { out, global: arguments.global }, arguments.command, written)
}

pub(super) fn command_at(socket: PathBuf, line: &str) -> (Result<u8, Error>, Vec<u8>) {
    let (mut cx, command, written) = parsed(socket, line);
    let result = execute(&mut cx, command);
    (result.map(Exit::code), written.bytes())
}

pub(super) fn command(daemon: &Running, line: &str) -> (u8, String) {
    let (result, bytes) = command_at(daemon.socket(), line);
    let code = result.unwrap_or_else(|error| error.exit_code());
    (code, String::from_utf8(bytes).expect("it writes text"))
}

fn page(texts: &[(u64, &str)], over: bool) -> Option<EventsPage> {
    let events = texts.iter().map(|(seq, text)| event(*seq, text)).collect();
    Some(EventsPage { events, more: false, over })
}

pub(super) fn ended(state: &str) -> RunView {
    run(state, Vec::new())
}

#[test]
fn run_prints_the_id_and_sends_the_parameters_as_texts() {
    let daemon = Running::start(Script::default());
    let (code, text) = command(&daemon, "run load --param a=1 --priority high --json");
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(json!({ "run": run_id() })));
    let requests = daemon.requests();
    let [Request::Run { params, .. }] = requests.as_slice() else {
        panic!("one run was asked for: {requests:?}");
    };
    assert_eq!(params["a"], json!("1"));
    let (_, text) = command(&daemon, "run load");
    assert_eq!(text.lines().next(), Some(run_id().to_string().as_str()));
}

#[test]
fn a_run_that_was_waited_for_gives_the_exit_code() {
    for (state, expected) in [
        ("succeeded", 0),
        ("skipped", 0),
        ("failed", 10),
        ("rollback_failed", 10),
        ("partial", 11),
        ("cancelled", 12),
        ("rolled_back", 12),
    ] {
        let script = Script {
            view: Some(ended(state)),
            events: [page(&[(1, "made")], false), page(&[(2, "ended")], true)].into(),
            ..Script::default()
        };
        let (code, text) = command(&Running::start(script), "run load --wait --json");
        assert_eq!(code, expected, "{state}");
        let document: Value = serde_json::from_str(&text).expect("one document");
        assert_eq!(document["state"], json!(state));
    }
}

#[test]
fn a_refused_run_is_not_a_failed_one() {
    let failed =
        |outcome: &str| TaskView { outcome: Some(outcome.to_owned()), ..task("ok", "failed") };
    let code = |tasks| exit_of(&run("failed", tasks)).code();
    assert_eq!(code(vec![failed("rejected"), task("later", "upstream_failed")]), 12);
    assert_eq!(code(vec![failed("expired")]), 12);
    assert_eq!(code(vec![failed("rejected"), failed("exit(1)")]), 10);
    assert_eq!(code(vec![task("ok", "succeeded")]), 10);
}

#[test]
fn following_outlives_a_lost_connection() {
    let script = Script {
        view: Some(ended("succeeded")),
        events: [page(&[(1, "first")], false), None, page(&[(2, "second")], true)].into(),
        ..Script::default()
    };
    let (code, text) = command(&Running::start(script), "run load --follow");
    assert_eq!(code, 0);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].ends_with("  first") && lines[2].ends_with("  second"), "{text}");
    assert!(lines[3].contains("✓ succeeded"), "{text}");
}

#[test]
fn streamed_json_is_a_line_each() {
    let script = Script { events: [page(&[(1, "a"), (2, "b")], true)].into(), ..Script::default() };
    let (code, text) = command(&Running::start(script), "events 412 --follow --json");
    assert_eq!(code, 0);
    let seqs: Vec<Value> = text
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).expect("a document")["seq"].clone())
        .collect();
    assert_eq!(seqs, [json!(1), json!(2)]);
}

#[test]
fn logs_pass_bytes_through_where_no_terminal_reads_them() {
    let log = b"\x1b[31mred\x1b[0m \xff\n".to_vec();
    let done =
        TaskView { attempts: vec![attempt(1, Some("succeeded"))], ..task("load", "succeeded") };
    let script = || Script {
        view: Some(run("succeeded", vec![done.clone()])),
        log: log.clone(),
        ..Script::default()
    };
    for line in ["logs 412 load", "logs 412", "logs 412 load -f", "logs 412 load --attempt 1"] {
        let (result, bytes) = command_at(Running::start(script()).socket(), line);
        assert_eq!(result.ok(), Some(0), "{line}");
        assert_eq!(bytes, log, "{line}");
    }
    let (code, text) = command(&Running::start(script()), "logs 412 load --json");
    assert_eq!(code, 0);
    let offsets: Vec<Value> = text
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).expect("a document")["offset"].clone())
        .collect();
    assert_eq!(offsets, [json!(0), json!(3), json!(6), json!(9), json!(12)]);
}

#[test]
fn decisions_and_retries_reach_the_daemon_as_they_were_meant() {
    let daemon = Running::start(Script { view: Some(ended("running")), ..Script::default() });
    assert_eq!(command(&daemon, "approve 412 publish_ok").0, 0);
    assert_eq!(command(&daemon, "reject 412 load[a] --comment wrong").0, 0);
    assert_eq!(command(&daemon, "retry 412").0, 0);
    assert_eq!(command(&daemon, "retry 412 --task load:a").0, 0);
    assert_eq!(command(&daemon, "retry 412 --from load").0, 0);
    let run = run_id();
    let decide = |task: &str, decision, comment: Option<&str>| Request::Decide {
        run,
        task: task.into(),
        decision,
        comment: comment.map(str::to_owned),
    };
    let retry = |what| Request::Retry { run, what, comment: None };
    let expected = [
        decide("publish_ok", Decision::Approve, None),
        decide("load:a", Decision::Reject, Some("wrong")),
        retry(RetryWhat::Failed),
        retry(RetryWhat::Tasks(vec!["load:a".into()])),
        retry(RetryWhat::From("load".into())),
    ];
    assert_eq!(daemon.requests(), expected);
}

#[test]
fn refusals_have_their_exit_codes() {
    let daemon = Running::start(Script { view: Some(ended("failed")), ..Script::default() });
    assert_eq!(command(&daemon, "show nothing").0, 3);
    assert_eq!(command(&daemon, "show 412 missing").0, 3);
    assert_eq!(command(&daemon, "graph nothing").0, 3);
    assert_eq!(command(&daemon, "cancel 412").0, 6);
    assert_eq!(command(&daemon, "run load.yaml").0, 2);
}

#[test]
fn every_list_is_a_document() {
    let daemon = Running::start(Script { view: Some(ended("failed")), ..Script::default() });
    for line in [
        "runs",
        "workflows",
        "reload",
        "pools",
        "queue",
        "queue --holders --pool local",
        "workflow show load",
        "approvals",
        "status",
        "show 412",
        "why 412",
    ] {
        let (code, text) = command(&daemon, &format!("{line} --json"));
        assert_eq!(code, 0, "{line}");
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{line}: {text}");
        assert_eq!(command(&daemon, line).0, 0, "{line}");
    }
}

#[test]
fn each_way_to_miss_the_daemon_is_told_apart() {
    let folder = tempfile::tempdir().expect("a fresh folder");
    let code =
        |name: &str| command_at(folder.path().join(name), "status").0.map_err(|it| it.code());
    assert!(matches!(command_at(folder.path().join("none"), "status").0, Err(Error::NoDaemon(_))));

    drop(UnixListener::bind(folder.path().join("left")).expect("a free path"));
    assert!(matches!(command_at(folder.path().join("left"), "status").0, Err(Error::LeftOver(_))));

    for (name, answer, expected) in [
        ("stranger", &b"HTTP/1.1 400 Bad Request"[..], "stranger"),
        ("newer", b"RYD1\x01\0\0\x059.0.0", "other_version"),
        ("closed", b"RYD1\x02\0\0\x050.1.0", "not_permitted"),
    ] {
        let listener = UnixListener::bind(folder.path().join(name)).expect("a free path");
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            stream.write_all(answer).expect("it can be answered");
            stream
        });
        assert_eq!(code(name), Err(expected));
        drop(answering.join());
    }
}

#[test]
fn output_that_nobody_reads_ends_the_command_quietly() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = Out::to(Box::new(Closed), false).line("text").expect_err("nobody reads it");
    assert_eq!(error.exit_code(), 0);
}
