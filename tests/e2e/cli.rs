//! What scripts rely on: exit codes, the forms of `--json`, the ways to name a run, and what each command does.

use e2e::{Site, processes, wait};
use serde_json::{Value, json};

const HELLO: (&str, &str) = ("hello.yaml", "tasks: { hello: { timeout: 1m, run: echo hello } }\n");

/// Runs until it is killed, takes both slots, and says good-bye.
const LONG: (&str, &str) = (
    "long.yaml",
    r#"
concurrency: { max_runs: 3 }
tasks:
  hog: { timeout: 5m, resources: { slots: 2 }, run: "sleep 300" }
finally:
  bye: { timeout: 1m, run: echo bye }
"#,
);

const ASK: (&str, &str) = (
    "ask.yaml",
    r#"
concurrency: { max_runs: 9 }
tasks:
  ask: { approval: { message: "go on?", timeout: 1h } }
  go: { needs: ask, timeout: 1m, run: echo gone }
"#,
);

const PARAMS: (&str, &str) = (
    "params.yaml",
    r#"
params:
  day: { type: date }
  count: { type: int, default: 3 }
tasks:
  tell: { timeout: 1m, run: 'echo "$RUNYARD_PARAM_DAY $RUNYARD_PARAM_COUNT"' }
"#,
);

/// Succeeds once the file `data` says so.
const NEEDY: (&str, &str) = (
    "needy.yaml",
    r#"
tasks:
  before: { timeout: 1m, run: 'echo "$RUNYARD_ATTEMPT_ID" >> before.txt' }
  load: { needs: before, timeout: 1m, run: "grep -q good data" }
  after: { needs: load, timeout: 1m, run: echo after }
"#,
);

#[test]
fn every_list_has_the_promised_form() {
    let site = Site::start(&[HELLO, ASK]);
    let hello = site.run(&["hello"]);
    site.wait_for_end(&hello);
    let ask = site.run(&["ask"]);
    site.wait_for_task(&ask, "ask", "awaiting_approval");
    let document =
        |arguments: &[&str]| site.runyard(&[arguments, &["--json"]].concat()).expect(0).json();

    has(&document(&["status"]), &["version", "pid", "uptime_s", "rss", "store", "runs", "pools"]);
    has(&document(&["status"])["store"], &["state", "bytes", "seq"]);
    has(&document(&["status"])["runs"], &["active", "queued"]);
    has(&document(&["workflows"])[0], &["name", "state", "version", "tasks"]);
    has(&document(&["pools"])[0], &["name", "kind", "state", "slots", "used", "queued"]);
    has(&document(&["runs"])[0], &["id", "workflow", "number", "state", "actor", "created"]);
    let approval =
        ["run", "task", "message", "since", "expires", "approvers", "needed", "decisions"];
    has(&document(&["approvals"])[0], &approval);
    has(&document(&["why", &ask, "ask"]), &["run", "task", "state", "blockers"]);
    has(&document(&["why", &ask, "ask"])["blockers"][0], &["kind", "text"]);
    let view = document(&["show", &hello]);
    let run = ["id", "workflow", "version", "state", "params", "trigger", "actor", "priority"];
    has(&view, &run);
    has(&view, &["created", "started", "ended", "counts", "tasks"]);
    let task = &view["tasks"][0];
    has(task, &["task", "kind", "state", "pool", "needs", "started", "ended", "outputs"]);
    let attempt = ["attempt", "id", "outcome", "exit", "started", "ended", "pid", "max_rss"];
    has(&task["attempts"][0], &attempt);
    has(&task["attempts"][0], &["cpu_s", "log_bytes"]);
    let events = site.runyard(&["events", &hello, "--json"]).expect(0).json_lines();
    events.iter().for_each(|it| has(it, &["seq", "at", "actor", "kind", "run"]));
    let mut numbers: Vec<i64> = events.iter().filter_map(|it| it["seq"].as_i64()).collect();
    assert!(numbers.is_sorted() && numbers.len() == events.len());
    numbers.dedup();
    assert_eq!(numbers.len(), events.len());
}

#[test]
fn every_failure_has_its_exit_code_and_its_form() {
    let site =
        Site::start(&[HELLO, ASK, PARAMS, ("bad.yaml", "tasks: { a: { run: x, neds: b } }\n")]);
    let run = site.run(&["ask"]);
    site.wait_for_task(&run, "ask", "awaiting_approval");
    let ended = site.run(&["hello"]);
    site.wait_for_end(&ended);
    let cases: &[(&str, i32, &str, &str)] = &[
        ("run helo", 3, "not_found", "did you mean `hello`?"),
        ("run bad", 6, "conflict", "`neds` is not a key of a task"),
        ("run params", 2, "invalid", "parameter `day` of `params` is required"),
        ("run params --param day=soon", 2, "invalid", "is not a date"),
        ("run params --param day=2026-03-01 --param dya=x", 2, "invalid", "no parameter `dya`"),
        ("run params --param day", 2, "usage", "`day` has no `=`"),
        ("run hello --priority huge", 2, "usage", "`huge` is not a priority"),
        ("run hello --interval 2026-03-02/2026-03-01", 2, "usage", "interval"),
        ("show zzzz", 3, "not_found", "there is no run `zzzz`"),
        ("show hello#9", 3, "not_found", "there is no run `hello#9`"),
        ("show @latest:params", 3, "not_found", "params"),
        ("show hello#1 helo", 3, "not_found", "did you mean"),
        ("logs hello#1 helo", 3, "not_found", "did you mean `hello`?"),
        ("logs hello#1 hello --attempt 7", 3, "not_found", "attempt 7"),
        ("logs ask#1 ask", 2, "invalid", "runs no program"),
        ("why hello#1 helo", 3, "not_found", "did you mean `hello`?"),
        ("why ask#1 aks", 3, "not_found", "did you mean `ask`?"),
        ("events zzzz", 3, "not_found", "zzzz"),
        ("cancel zzzz", 3, "not_found", "zzzz"),
        ("cancel hello#1", 6, "conflict", "the run has ended"),
        ("retry hello#1", 6, "conflict", "nothing of the run has failed"),
        ("retry ask#1", 6, "conflict", ""),
        ("approve hello#1 hello", 6, "conflict", ""),
        ("approve ask#1 go", 6, "conflict", "asks for no approval"),
        ("approve ask#1 aks", 3, "not_found", "aks"),
        ("pause zzzz", 3, "not_found", "zzzz"),
        ("pause hello#1", 6, "conflict", "the run has ended"),
        ("pause ask#1 --until yesterday", 2, "usage", "`yesterday`"),
        ("resume ask#1", 6, "conflict", "is not paused"),
        ("workflow pause helo", 3, "not_found", "did you mean `hello`?"),
        ("pool pause loca", 3, "not_found", "there is no pool `loca`"),
        ("hold ask#1 aks", 3, "not_found", "did you mean `ask`?"),
        ("hold ask#1 ask", 6, "conflict", "waits for a person already"),
        ("release ask#1 go", 6, "conflict", "is not held"),
        ("skip hello#1 hello", 6, "conflict", "the run has ended"),
        ("mark hello#1 hello --success", 6, "conflict", "has succeeded already"),
        ("mark hello#1 hello --undone", 6, "conflict", "is not being undone"),
        ("requeue ask#1 ask", 6, "conflict", "holds no slot"),
        ("priority hello#1 low", 6, "conflict", "the run has ended"),
        ("rollback hello#1", 2, "usage", "--yes"),
        ("rollback hello#1 --yes", 6, "conflict", "has no undo: hello"),
        ("rollback hello#1 --plan", 6, "conflict", "has no undo: hello"),
        ("queue --pool loca", 3, "not_found", "there is no pool `loca`"),
        ("graph helo", 3, "not_found", "helo"),
        ("validate nowhere.yaml", 3, "not_found", "nowhere.yaml"),
        ("runs --since never", 2, "usage", "`never`"),
        ("runs --limit 0", 2, "usage", "limit"),
        ("reject ask#1 ask", 2, "usage", "--comment"),
        ("frobnicate", 2, "usage", "frobnicate"),
        ("show", 2, "usage", "RUN"),
        ("--colour always status", 2, "usage", "--colour"),
    ];
    for (line, exit, code, text) in cases {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.push("--json");
        let told = site.runyard(&words).expect_error(*exit, code);
        assert!(told.contains(text), "`{line}`: {told}");
        words.pop();
        let plain = site.runyard(&words).expect(*exit);
        assert!(plain.stdout.is_empty(), "`{line}`: {plain:#?}");
        assert!(plain.stderr.starts_with("error: "), "`{line}`: {plain:#?}");
    }
}

#[test]
fn a_run_can_be_named_in_many_ways() {
    let site = Site::start(&[HELLO, PARAMS]);
    let first = site.run(&["hello"]);
    let second = site.run(&["hello"]);
    let other = site.run(&["params", "--param", "day=2026-03-01"]);
    [&first, &second, &other].iter().for_each(|it| drop(site.wait_for_end(it)));
    let id = |name: &str| site.show(name)["id"].as_str().expect("an id").to_owned();
    assert_eq!(id(&first[..10]), first);
    assert_eq!(id("hello#1"), first);
    assert_eq!(id("hello#2"), second);
    assert_eq!(id("2"), second);
    assert_eq!(id("@latest:hello"), second);
    assert_eq!(id("@latest:params"), other);
    let told = site.runyard(&["show", "1", "--json"]).expect(3).json();
    let told = told["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(told.contains(&first) && told.contains(&other), "it names both: {told}");
}

#[test]
fn waiting_for_a_run_ends_with_its_outcome() {
    let fail = ("fail.yaml", "tasks: { a: { timeout: 1m, run: exit 3 } }\n");
    let partial = (
        "partial.yaml",
        "tasks: { a: { timeout: 1m, run: exit 3, on_failure: continue }, b: { timeout: 1m, run: 'true' } }\n",
    );
    let skip = ("skip.yaml", "tasks: { a: { timeout: 1m, when: 1 == 2, run: exit 3 } }\n");
    let site = Site::start(&[HELLO, fail, partial, skip, ASK, LONG]);
    let wait = |workflow: &str, code: i32, state: &str| {
        let output = site.runyard(&["run", workflow, "--wait", "--json"]).expect(code);
        assert_eq!(output.json()["state"], state, "{output:#?}");
        let text = site.runyard(&["run", workflow, "--follow"]).expect(code).stdout;
        assert!(text.lines().last().is_some_and(|it| it.contains(state)), "{text}");
    };
    wait("hello", 0, "succeeded");
    wait("skip", 0, "skipped");
    wait("fail", 10, "failed");
    wait("partial", 11, "partial");

    let rejected = site.in_background(&["run", "ask", "--wait", "--json"]);
    wait::for_that("it asks", || site.runyard(&["approvals", "--json"]).stdout.contains("ask#1"));
    site.runyard(&["reject", "ask#1", "ask", "--comment", "no"]).expect(0);
    assert_eq!(rejected.join().expect(12).json()["state"], "failed");

    let cancelled = site.in_background(&["run", "long", "--wait", "--json"]);
    wait::for_that("it runs", || site.runyard(&["runs", "--json"]).stdout.contains("\"long\""));
    site.wait_for_task("long#1", "hog", "running");
    site.runyard(&["cancel", "long#1"]).expect(0);
    assert_eq!(cancelled.join().expect(12).json()["state"], "cancelled");
}

#[test]
fn a_retry_runs_what_failed_again_and_keeps_what_succeeded() {
    let site = Site::start(&[NEEDY]);
    site.write("data", "bad\n");
    site.runyard(&["run", "needy", "--wait"]).expect(10);
    assert_eq!(site.task("1", "after")["state"], "upstream_failed");
    let why = site.runyard(&["why", "1"]).expect(0).stdout;
    assert!(why.contains("load") && why.contains("exit(1)"), "{why}");
    site.write("data", "good\n");
    let plan = site.runyard(&["retry", "1", "--comment", "mended", "--json"]).expect(0).json();
    assert_eq!(plan["tasks"], json!(["load", "after"]), "{plan:#}");
    let view = site.wait_for_end("1");
    assert_eq!(view["state"], "succeeded", "{view:#}");
    let attempts = |task: &str| site.task("1", task)["attempts"].as_array().map(Vec::len);
    let counts = [attempts("before"), attempts("load"), attempts("after")];
    assert_eq!(counts, [Some(1), Some(2), Some(1)]);
    let events = site.runyard(&["events", "1"]).expect(0).stdout;
    assert!(events.contains("mended"), "the comment is kept: {events}");
    assert!(events.contains("upstream_failed"), "so is what was before: {events}");
}

#[test]
fn a_cancelled_run_leaves_no_process_and_still_says_good_bye() {
    let site = Site::start(&[LONG]);
    let run = site.run(&["long"]);
    let row = site.wait_for_task(&run, "hog", "running");
    let pid = row["attempts"][0]["pid"].as_i64().expect("it has a process");
    let pid = i32::try_from(pid).expect("a process id fits");
    site.runyard(&["cancel", &run, "--comment", "enough"]).expect(0);
    let view = site.wait_for_end(&run);
    assert_eq!(view["state"], "cancelled");
    assert!(!processes::lives(pid));
    assert_eq!(site.task(&run, "hog")["state"], "cancelled");
    assert_eq!(site.task_log(&run, "bye"), "bye\n");
    site.runyard(&["cancel", &run, "--json"]).expect_error(6, "conflict");
    let why = site.runyard(&["why", &run]).expect(0).stdout;
    assert!(why.contains("cancelled by"), "{why}");
    assert!(site.runyard(&["events", &run]).expect(0).stdout.contains("enough"));
}

#[test]
fn of_two_decisions_the_second_is_told_who_was_first() {
    let text = ASK.1.replace("echo gone", "'until [[ -e stop ]]; do sleep 0.1; done'");
    let site = Site::start(&[("ask.yaml", &text)]);
    let run = site.run(&["ask"]);
    site.wait_for_task(&run, "ask", "awaiting_approval");
    let both = [["approve", &run, "ask", "--json"]; 2].map(|it| site.in_background(&it));
    let [mut one, mut two] = both.map(e2e::output::Background::join);
    if one.code != 0 {
        std::mem::swap(&mut one, &mut two);
    }
    one.expect(0);
    let told = two.expect_error(6, "conflict");
    assert!(told.contains("approved") && told.contains("user:"), "{told}");
    let late = ["reject", &run, "ask", "--comment", "no", "--json"];
    let told = site.runyard(&late).expect_error(6, "conflict");
    assert!(told.contains("approved") && told.contains("user:"), "{told}");
    site.write("stop", "");
    assert_eq!(site.wait_for_end(&run)["state"], "succeeded");
    site.runyard(&late).expect_error(6, "conflict");
}

#[test]
fn a_task_that_waits_for_a_slot_says_who_has_it() {
    let mut site = Site::empty(&[LONG, HELLO]);
    site.configure_small();
    site.start_daemon();
    let first = site.run(&["long"]);
    site.wait_for_task(&first, "hog", "running");
    let second = site.run(&["hello"]);
    site.wait_for_task(&second, "hello", "queued");
    let why = site.runyard(&["why", &second, "hello", "--json"]).expect(0).json();
    assert_eq!(why["blockers"][0]["kind"], "slots", "{why:#}");
    assert_eq!(why["blockers"][0]["who"], json!(["long#1 hog"]), "{why:#}");
    let queue = site.runyard(&["queue", "--pool", "local", "--json"]).expect(0).json();
    assert_eq!(queue.as_array().map(Vec::len), Some(1), "{queue:#}");
    let keys = ["position", "run", "task", "pool", "priority", "effective_priority", "since"];
    has(&queue[0], &keys);
    assert_eq!(queue[0]["blockers"], why["blockers"]);
    let pools = site.runyard(&["pools", "--json"]).expect(0).json();
    assert_eq!(
        [&pools[0]["slots"], &pools[0]["used"], &pools[0]["queued"]],
        [&json!(2), &json!(2), &json!(1)],
        "{pools:#}"
    );
    site.runyard(&["cancel", &first]).expect(0);
    assert_eq!(site.wait_for_end(&second)["state"], "succeeded");
}

#[test]
fn a_graph_has_five_forms_of_three_things() {
    let site = Site::start(&[ASK]);
    let run = site.run(&["ask"]);
    let file = site.workflows().join("ask.yaml").to_string_lossy().into_owned();
    for of in ["ask", &file, &run] {
        let graph = |form: &str| site.runyard(&["graph", of, "--format", form]).expect(0).stdout;
        assert!(graph("text").contains("go"));
        assert!(graph("dot").contains("\"ask\" -> \"go\""));
        assert!(graph("mermaid").contains("n0 --> n1"));
        let document: Value = serde_json::from_str(&graph("json")).expect("it is JSON");
        has(&document["nodes"][0], &["id", "kind"]);
        assert_eq!(document["edges"], json!([{ "from": "ask", "to": "go" }]));
    }
}

#[test]
fn a_file_is_judged_without_a_daemon() {
    let site = Site::empty(&[HELLO, ("bad.yaml", "tasks:\n  a: { run: x, neds: b }\n")]);
    let file = |name: &str| site.workflows().join(name).to_string_lossy().into_owned();
    site.try_runyard(&["validate", &file("hello.yaml")]).expect(0);
    let output = site.try_runyard(&["validate", &file("bad.yaml"), "--json"]).expect(2);
    let document = output.json();
    assert_eq!(document["ok"], false);
    let list = document["diagnostics"].as_array().expect("a list");
    let error = list.iter().find(|it| it["severity"] == "error").expect("it has an error");
    let place = [&error["line"], &error["column"], &error["code"]];
    assert_eq!(place, [&json!(2), &json!(16), &json!("unknown_key")], "{error:#}");
    has(error, &["message", "help", "file"]);
    let plain = site.try_runyard(&["validate", &file("bad.yaml")]).expect(2);
    assert!(plain.stdout.contains("bad.yaml:2:16: error"), "{plain:#?}");

    let schema = site.try_runyard(&["schema"]).expect(0).json();
    assert_eq!(schema["type"], "object");
    let completions = site.try_runyard(&["completions", "bash"]).expect(0).stdout;
    assert!(completions.contains("_runyard()"));
    assert!(site.try_runyard(&["--help"]).expect(0).stdout.contains("approvals"));
    assert!(site.try_runyard(&["--version"]).expect(0).stdout.starts_with("runyard "));
}

#[test]
fn a_reload_takes_in_what_has_changed_and_keeps_what_works() {
    let site = Site::start(&[HELLO]);
    site.write("hello.yaml", "tasks: { hello: { timeout: 1m, run: echo again } }\n");
    site.write("fresh.yaml", "tasks: { a: { timeout: 1m, run: echo fresh } }\n");
    site.runyard(&["reload"]).expect(0);
    site.runyard(&["run", "hello", "--wait"]).expect(0);
    assert_eq!(site.task_log("hello#1", "hello"), "again\n");
    site.runyard(&["run", "fresh", "--wait"]).expect(0);
    site.write("fresh.yaml", "tasks: [\n");
    let rows = site.runyard(&["reload", "--json"]).expect(2).json();
    let rows = rows.as_array().expect("a list");
    let fresh = rows.iter().find(|it| it["name"] == "fresh").expect("it is known still");
    assert_eq!(fresh["state"], "broken", "{fresh:#}");
    assert!(fresh["problems"].to_string().contains("fresh.yaml:"), "it says where: {fresh:#}");
    // Its last good version is of use until the file is mended.
    site.runyard(&["run", "fresh", "--wait"]).expect(0);
    assert_eq!(site.task_log("fresh#2", "a"), "fresh\n");
}

#[test]
fn a_daemon_can_be_started_in_the_background_once() {
    let site = Site::empty(&[]);
    site.try_runyard(&["up"]).expect(0);
    let status = || site.runyard(&["status", "--json"]).expect(0).json();
    let first = status()["pid"].clone();
    site.runyard(&["up"]).expect(0);
    assert_eq!(status()["pid"], first, "a second one is not started");
    // It serves from the user's own folders, outlives the command, and makes them itself.
    let workflows = std::path::PathBuf::from(status()["workflows_dir"].as_str().expect("a path"));
    assert!(workflows.starts_with(site.path()), "{workflows:?}");
    std::fs::create_dir_all(&workflows).expect("the folder can be made");
    std::fs::write(workflows.join(HELLO.0), HELLO.1).expect("it is writable");
    site.runyard(&["reload"]).expect(0);
    site.runyard(&["run", "hello", "--wait"]).expect(0);
}

#[track_caller]
fn has(document: &Value, keys: &[&str]) {
    for key in keys {
        assert!(document.get(key).is_some(), "no `{key}` in {document:#}");
    }
}
