//! Text that means harm: in files, parameters, outputs, logs and comments. It is refused, or shown and never obeyed.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::{Output, Site, not_run, processes, programs, wait};
use serde_json::json;

/// Clears the screen, names the window, blinks, turns text around, and does so with C1 bytes too.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[5mEVIL\u{9b}2J\u{202e}\r\u{8}";

const LOUD: &str = r#"
params: { text: { type: string, default: "none" } }
tasks:
  say:
    timeout: 1m
    outputs: { said: string }
    run: |
      printf '\033[2J\033]0;owned\007\033[5mEVIL\302\2332J\r\b\xff\xfe\n'
      printf 'said=%s\n' "$RUNYARD_PARAM_TEXT" >> "$RUNYARD_OUTPUTS"
  ask:
    needs: say
    approval: { message: "{{ params.text }} {{ tasks.say.outputs.said }}", timeout: 1h }
  fail:
    needs: ask
    timeout: 1m
    run: printf '\033[2J\033[5mEVIL\n' >&2; exit 1
"#;

#[test]
fn nothing_that_a_task_or_a_person_writes_commands_a_terminal() {
    let test = "hostile::nothing_that_a_task_or_a_person_writes_commands_a_terminal";
    if !not_run::needs_tool(test, "script") {
        return;
    }
    let site = Site::start(&[("loud.yaml", LOUD)]);
    let evil = EVIL.replace('\r', "");
    let run = site.run(&["loud", "--param", &format!("text={evil}")]);
    site.wait_for_task(&run, "ask", "awaiting_approval");
    harmless(&site, &["approvals"]);
    harmless(&site, &["why", &run]);
    site.runyard(&["approve", &run, "ask", "--comment", EVIL]).expect(0);
    assert_eq!(site.wait_for_end(&run)["state"], "failed");
    for command in [
        &["show", run.as_str()][..],
        &["show", &run, "say"],
        &["show", &run, EVIL],
        &["logs", &run],
        &["logs", &run, "say"],
        &["events", &run],
        &["why", &run],
        &["runs"],
        &["run", EVIL],
        &["run", "loud", "--param", EVIL],
        &["graph", EVIL],
        &["validate", EVIL],
        &["queue", "--pool", EVIL],
    ] {
        harmless(&site, command);
    }
    // The daemon's own log is read in terminals as well.
    assert!(!site.log().contains('\u{1b}') && !site.log().contains('\u{9b}'));
    // What is data stays what it is.
    assert_eq!(site.task(&run, "say")["outputs"]["said"], evil.as_str());
}

#[test]
fn a_broken_file_with_escape_sequences_is_shown_safely() {
    let text = format!("tasks:\n  \"a{}\": {{ run: x }}\n", "\\e[2J\\e[5m");
    let site = Site::start(&[("evil.yaml", &text)]);
    harmless(&site, &["workflows"]);
    let file = site.workflows().join("evil.yaml").to_string_lossy().into_owned();
    harmless(&site, &["validate", &file]);
    site.try_runyard(&["validate", &file]).expect(2);
}

#[test]
fn outputs_that_cannot_be_read_fail_the_task_with_a_sentence() {
    let tasks = [
        ("bytes", r"printf 'a=\xff\xfe\n' >> $RUNYARD_OUTPUTS"),
        ("nul", r"printf 'a\0b\n' >> $RUNYARD_OUTPUTS"),
        ("words", r"echo 'no value here' >> $RUNYARD_OUTPUTS"),
        ("json", r#"echo '{"a": ' >> $RUNYARD_OUTPUTS"#),
        ("huge", r"head -c 2000000 /dev/zero | tr '\0' 'x' >> $RUNYARD_OUTPUTS"),
        ("kind", r"echo 'n=many' >> $RUNYARD_OUTPUTS"),
        ("none", r"true"),
        ("folder", r"rm -f $RUNYARD_OUTPUTS; mkdir $RUNYARD_OUTPUTS"),
        ("pipe", r"rm -f $RUNYARD_OUTPUTS; mkfifo $RUNYARD_OUTPUTS"),
        ("link", r"rm -f $RUNYARD_OUTPUTS; ln -s /dev/zero $RUNYARD_OUTPUTS"),
    ];
    let task = |(name, run): &(&str, &str)| {
        format!("  {name}: {{ timeout: 1m, outputs: {{ n: int }}, run: {} }}\n", json!(run))
    };
    let text = format!("tasks:\n{}", tasks.iter().map(task).collect::<String>());
    let site = Site::start(&[("outputs.yaml", &text)]);
    site.runyard(&["run", "outputs", "--wait"]).expect(10);
    for (name, _) in tasks {
        let row = site.task("1", name);
        assert_eq!(row["state"], "failed", "{row:#}");
        let attempt = &row["attempts"][0];
        assert_eq!(attempt["outcome"], "check_failed", "{row:#}");
        assert!(row["reason"].as_str().is_some_and(|it| it.len() > 12), "{row:#}");
    }
}

#[test]
fn a_task_that_floods_its_log_is_not_held_up_and_nothing_fills_up() {
    let text = r#"
tasks:
  flood:
    timeout: 2m
    run: |
      echo first
      head -c 200000000 /dev/zero | tr '\0' 'x' | fold -w 99
      echo last
"#;
    let site = Site::start(&[("flood.yaml", text)]);
    let run = site.run(&["flood"]);
    let mut most = 0;
    wait::for_that("it ends", || {
        most = most.max(site.runner().map_or(0, processes::resident_bytes));
        e2e::site::is_over(&site.show(&run))
    });
    let row = site.task(&run, "flood");
    assert_eq!(row["state"], "succeeded", "{row:#}");
    assert!(most > 0 && most < 64 << 20, "the runner took {most} bytes of memory");
    let attempt = &row["attempts"][0];
    assert!(attempt["log_dropped"].as_u64().is_some_and(|it| it > 150_000_000), "{row:#}");
    let log = site.task_log(&run, "flood");
    assert!(log.len() < 16 << 20, "{} bytes were kept", log.len());
    assert!(log.starts_with("first\n") && log.ends_with("last\n"), "both ends are kept");
    assert!(log.contains("bytes dropped here]"), "and the gap is marked");
}

#[test]
fn parameters_and_items_are_never_code_and_never_paths() {
    let text = r#"
params:
  names: { type: list, default: ["../../x", "a b; touch owned", "$(touch owned)", "'", "-n", "{{ run.id }}"] }
tasks:
  each:
    timeout: 1m
    map: { over: params.names, as: name }
    env: { NAME: "{{ name }}" }
    exec: [printf, "%s|", "{{ name }}"]
  shell:
    timeout: 1m
    map: { over: params.names, as: name }
    env: { NAME: "{{ name }}" }
    run: printf '%s' "$NAME"
"#;
    let site = Site::start(&[("items.yaml", text)]);
    site.runyard(&["run", "items", "--wait"]).expect(0);
    let names = ["../../x", "a b; touch owned", "$(touch owned)", "'", "-n", "{{ run.id }}"];
    for name in names {
        assert_eq!(site.task_log("1", &format!("each:{name}")), format!("{name}|"));
        assert_eq!(site.task_log("1", &format!("shell:{name}")), name);
    }
    assert!(!site.workflows().join("owned").exists(), "none of them was run");
    // The same from the command line.
    let param = format!("names={}", json!(names));
    site.runyard(&["run", "items", "--param", &param, "--wait"]).expect(0);
}

#[test]
fn a_parameter_that_is_too_large_or_of_no_sense_is_refused() {
    let site = Site::start(&[("loud.yaml", LOUD)]);
    let file = site.path().join("params.json");
    let path = file.to_string_lossy().into_owned();
    for text in ["[]", "{", "\u{0}", "{\"text\": {\"a\": 1}}", "{\"other\": 1}"] {
        fs::write(&file, text).expect("the folder is writable");
        let output = site.runyard(&["run", "loud", "--params-file", &path, "--json"]);
        assert_eq!(output.code, 2, "{text}: {output:#?}");
    }
    // An environment cannot hold it: the daemon must live on, and the run must not hang.
    fs::write(&file, json!({ "text": "x".repeat(3 << 20) }).to_string()).expect("writable");
    let output = site.runyard(&["run", "loud", "--params-file", &path, "--wait", "--json"]);
    assert!([1, 2, 10].contains(&output.code), "{}", output.code);
    fs::write(&file, json!({ "text": "x".repeat(20 << 20) }).to_string()).expect("writable");
    let output = site.try_runyard(&["run", "loud", "--params-file", &path, "--wait", "--json"]);
    assert_ne!(output.code, 0);
    site.runyard(&["status"]).expect(0);
}

#[test]
fn files_that_are_too_large_too_deep_or_too_clever_are_refused_in_time() {
    let laughs = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, it| {
        let before = it - 1;
        format!("{text}a{it}: &a{it} [*a{before}, *a{before}]\n")
    });
    let deep = format!("tasks: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("# {}\ntasks: {{}}\n", "x".repeat(2 << 20));
    let tasks =
        (0..5_000).map(|it| format!("  t{it}: {{ run: echo, needs: t{} }}\n", (it + 1) % 5_000));
    let circle = format!("defaults: {{ timeout: 1m }}\ntasks:\n{}", tasks.collect::<String>());
    let expression =
        format!("tasks: {{ a: {{ run: x, when: '{}1{}' }} }}\n", "(".repeat(400), ")".repeat(400));
    let files = [
        ("laughs.yaml", laughs.as_str()),
        ("deep.yaml", &deep),
        ("large.yaml", &large),
        ("circle.yaml", &circle),
        ("expression.yaml", &expression),
        ("empty.yaml", ""),
        ("binary.yaml", "\u{0}\u{1}\u{2}"),
        ("tag.yaml", "tasks: !!python/object:os.system [x]\n"),
        ("two.yaml", "tasks: { a: { run: x } }\n---\ntasks: { b: { run: x } }\n"),
        ("path.yaml", "tasks: { ../../etc: { run: x } }\n"),
        ("name.yaml", "name: ../../etc\ntasks: { a: { run: x } }\n"),
    ];
    let site = Site::start(&files);
    for (name, _) in files {
        let file = site.workflows().join(name).to_string_lossy().into_owned();
        let started = Instant::now();
        let output = site.try_runyard(&["validate", &file, "--json"]).expect(2);
        assert!(started.elapsed() < Duration::from_secs(10), "{name}: {:?}", started.elapsed());
        let document = output.json();
        let list = document["diagnostics"].as_array().expect("a list");
        let places = list.iter().filter(|it| it["severity"] == "error" && it["line"].is_u64());
        assert!(places.count() > 0, "{name}: {document:#}");
        assert!(output.stdout.len() < 4 << 20, "{name}: {} bytes", output.stdout.len());
    }
    let rows = site.runyard(&["workflows", "--json"]).expect(0).json();
    let rows = rows.as_array().expect("a list");
    assert!(rows.iter().all(|it| it["state"] == "broken"), "{rows:#?}");
}

#[test]
fn a_file_of_five_thousand_tasks_is_valid() {
    let tasks = (0..5_000).map(|it| match it {
        0 => "  t0: { run: echo }\n".to_owned(),
        _ => format!("  t{it}: {{ run: echo, needs: t{} }}\n", it - 1),
    });
    let text = format!("defaults: {{ timeout: 1m }}\ntasks:\n{}", tasks.collect::<String>());
    let site = Site::start(&[("large.yaml", &text)]);
    let file = site.workflows().join("large.yaml").to_string_lossy().into_owned();
    site.try_runyard(&["validate", &file]).expect(0);
    let graph = site.runyard(&["graph", "large", "--format", "json"]).expect(0).json();
    assert_eq!(graph["nodes"].as_array().map(Vec::len), Some(5_000));
}

/// Requires that a command's output, in a terminal and with colours, holds nothing that a terminal would obey but our own
/// colours.
fn harmless(site: &Site, arguments: &[&str]) {
    let quoted = |it: &&str| format!("'{}'", it.replace('\'', "'\\''"));
    let words: Vec<String> = arguments.iter().map(quoted).collect();
    let program = programs::path("runyard");
    let line = format!("{} {}", program.display(), words.join(" "));
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).env("RUNYARD_SOCKET", site.socket());
    terminal.env("TERM", "xterm-256color").env("SHELL", "/bin/sh").env("LANG", "C.UTF-8");
    let shown = Output::of(&mut terminal).stdout;
    check_harmless(&shown, arguments);
    let colored = site.runyard(&[arguments, &["--color", "always"]].concat());
    let is_raw_log = arguments[0] == "logs";
    if !is_raw_log {
        check_harmless(&format!("{}{}", colored.stdout, colored.stderr), arguments);
    }
}

fn check_harmless(text: &str, arguments: &[&str]) {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(place) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..place]);
        let after = &rest[place + 2..];
        let length = after.find(|it: char| !it.is_ascii_digit() && it != ';');
        let length = length.unwrap_or(after.len());
        let is_color = after[length..].starts_with('m') && &after[..length] != "5";
        assert!(is_color, "{arguments:?} obeys: {text:?}");
        rest = &after[length + 1..];
    }
    plain.push_str(rest);
    let obeyed = |it: char| (it.is_control() && !"\r\n".contains(it)) || it == '\u{202e}';
    assert!(!plain.contains(obeyed), "{arguments:?} shows: {plain:?}");
    let lone_return = plain.replace("\r\n", "\n").contains('\r');
    assert!(!lone_return, "{arguments:?} returns: {plain:?}");
}
