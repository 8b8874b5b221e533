//! What each broken file is told, to the letter. `UPDATE_EXPECT=1` writes the answers anew.
#![expect(clippy::disallowed_methods, reason = "the cases of tests are files")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use definition::{Loaded, load_bytes};
use shared::diagnostic::{Diagnostic, Severity};
use shared::workflow::{OnRunFailure, Workflow};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

/// Codes of problems whose files are too large to keep.
const GENERATED: [&str; 3] = ["too_large", "too_many_values", "too_long"];

fn load_file(path: &Path) -> Loaded {
    let bytes = std::fs::read(path).expect("the case can be read");
    let file = path.file_name().and_then(|it| it.to_str()).expect("the name is text");
    load_bytes(file, "/workflows", &bytes, &read_file)
}

fn read_file(path: &str) -> Result<String, String> {
    match path {
        "template.sh" => Ok("echo {{ params.day }}\n".to_owned()),
        "hello.sh" => Ok("echo hello\n".to_owned()),
        _ => Err("no such file".to_owned()),
    }
}

fn render(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for it in diagnostics {
        let severity = match it.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = format!("{}:{}:{}", it.file, it.line, it.column);
        writeln!(text, "{place}: {severity}[{}]: {}", it.code, it.message).expect("a text grows");
        if let Some(help) = &it.help {
            writeln!(text, "  help: {help}").expect("a text grows");
        }
    }
    text
}

fn cases(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(FOLDER).join(folder)).expect("the cases are there");
    let paths = entries.map(|it| it.expect("the folder can be listed").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|it| it.extension().is_some_and(|it| it == "yaml")).collect();
    paths.sort();
    paths
}

/// Compares with what is kept beside the case, or keeps it.
fn expect(path: &Path, extension: &str, actual: &str) {
    let path = path.with_extension(extension);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, actual).expect("the answer can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{}: UPDATE_EXPECT=1 writes it anew", path.display());
}

#[test]
fn every_broken_file_is_told_what_is_wrong_with_it() {
    let cases = cases("bad");
    assert!(cases.len() >= 50, "{} cases", cases.len());
    for path in cases {
        let loaded = load_file(&path);
        assert!(!loaded.diagnostics.is_empty(), "{} loads", path.display());
        let errors = loaded.diagnostics.iter().any(|it| it.severity == Severity::Error);
        assert_eq!(loaded.workflow.is_none(), errors, "{}", path.display());
        expect(&path, "txt", &render(&loaded.diagnostics));
    }
}

#[test]
fn every_good_file_loads_without_a_word_and_gives_the_workflow_that_is_kept_beside_it() {
    for path in cases("good") {
        let loaded = load_file(&path);
        assert_eq!(render(&loaded.diagnostics), "", "{}", path.display());
        let workflow = loaded.workflow.expect("without errors there is a workflow");
        let json = serde_json::to_string_pretty(&workflow).expect("a workflow has a JSON form");
        let back: Workflow = serde_json::from_str(&json).expect("its JSON form is read back");
        assert_eq!(back, workflow, "{}", path.display());
        expect(&path, "json", &(json + "\n"));
        if !loaded.tests.is_empty() {
            expect(&path, "txt", &format!("{:#?}\n", loaded.tests));
        }
    }
}

#[test]
fn a_workflow_that_was_kept_before_there_were_undos_is_read_as_one_that_has_none() {
    let path = Path::new(FOLDER).join("good/minimal.json");
    let text = std::fs::read_to_string(path).expect("the case can be read");
    let workflow: Workflow = serde_json::from_str(&text).expect("it is a workflow");
    let mut old: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    old.as_object_mut().and_then(|it| it.remove("on_run_failure")).expect("it is written");
    let task = old["tasks"][0].as_object_mut().expect("it has a task");
    task.remove("rollback").expect("it is written");
    let read: Workflow = serde_json::from_value(old).expect("what is absent has a default");
    assert_eq!(read, workflow);
    assert_eq!(read.on_run_failure, OnRunFailure::Keep);
    assert_eq!(read.tasks[0].rollback, None);
}

#[test]
fn every_code_has_a_case() {
    let source = include_str!("../src/problem.rs");
    let codes = source.split("fn code(").nth(1).expect("the codes are there");
    let codes = codes.split("/// What the author can do").next().unwrap_or_default();
    let codes: BTreeSet<&str> = codes.split('"').skip(1).step_by(2).collect();
    assert!(codes.len() > 40, "{codes:?}");
    let diagnostics =
        cases("bad").iter().flat_map(|it| load_file(it).diagnostics).collect::<Vec<_>>();
    let told: BTreeSet<&str> =
        diagnostics.iter().map(|it| it.code.as_str()).chain(GENERATED).collect();
    assert_eq!(codes.difference(&told).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn what_is_too_large_is_told_so() {
    let load = |text: &str| {
        let loaded = load_bytes("x.yaml", "/", text.as_bytes(), &read_file);
        loaded.diagnostics.last().map(|it| it.code.clone())
    };
    let script = format!("tasks: {{ a: {{ run: \"{}\" }} }}", "x".repeat(101 * 1_024));
    assert_eq!(load(&script).as_deref(), Some("too_long"));
    assert_eq!(load(&"# x\n".repeat(300_000)).as_deref(), Some("too_large"));
    assert_eq!(
        load(&format!("tags: [{}]", "a,".repeat(250_000))).as_deref(),
        Some("too_many_values")
    );
}
