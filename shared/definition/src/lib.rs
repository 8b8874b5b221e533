//! Workflow files: text in, a validated workflow or every diagnostic out.
//!
//! The stages, in order: `yaml` (text → tree with places), `shape` (keys and types, after the table in `keys`), `author`
//! (shorthands, defaults, expressions), `check` (needs, cycles, names). Each stage tells everything it finds. There is no
//! file access here: callers bring texts. Nothing that a text holds makes it panic or hang.
//!
//! Start reading at [`load`].
#![deny(missing_docs)]

mod author;
mod check;
pub mod draw;
mod graph;
mod keys;
mod near;
mod problem;
mod reference;
mod report;
mod schema;
mod shape;
mod yaml;

use sha2::{Digest, Sha256};
use shared::diagnostic::Diagnostic;
use shared::workflow::Workflow;
use shared::workflow::test::Test;

pub use graph::graph;
pub use reference::reference;
pub use schema::schema;
pub use yaml::BYTES_MAX;

use problem::Problem;
use report::Report;
use yaml::Place;

/// A workflow file.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file, as it is to be named in diagnostics; its stem is the default of the workflow's name.
    pub file: &'a str,
    /// The absolute path of its folder.
    pub folder: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// What became of a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The workflow; none if there is any error.
    pub workflow: Option<Workflow>,
    /// Its own tests, in file order; none if there is any error. They are no part of its version.
    pub tests: Vec<Test>,
    /// Errors and warnings in file order; at most 200.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks a workflow file.
///
/// `read_file` gives the text of a file that the workflow names, by its path as written, or says why not.
pub fn load(source: &Source<'_>, read_file: &dyn Fn(&str) -> Result<String, String>) -> Loaded {
    let mut report = Report::new(source.file, source.text);
    let read = load_into(&mut report, source, read_file);
    let (workflow, tests) = read.filter(|_| !report.has_errors()).unzip();
    let tests = tests.unwrap_or_default();
    Loaded { workflow, tests, diagnostics: report.into_diagnostics() }
}

/// As [`load`], for what may not even be text.
pub fn load_bytes(
    file: &str,
    folder: &str,
    bytes: &[u8],
    read_file: &dyn Fn(&str) -> Result<String, String>,
) -> Loaded {
    let refuse = |place, problem| {
        let mut report = Report::new(file, "");
        report.add(place, problem);
        Loaded { workflow: None, tests: Vec::new(), diagnostics: report.into_diagnostics() }
    };
    if bytes.len() > BYTES_MAX {
        return refuse(START, Problem::TooLarge(bytes.len()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => load(&Source { file, folder, text }, read_file),
        Err(error) => refuse(end_of(&bytes[..error.valid_up_to()]), Problem::NotUtf8),
    }
}

const START: Place = Place { line: 1, column: 1 };

fn load_into(
    report: &mut Report<'_>,
    source: &Source<'_>,
    read_file: &dyn Fn(&str) -> Result<String, String>,
) -> Option<(Workflow, Vec<Test>)> {
    if source.text.len() > BYTES_MAX {
        report.add(START, Problem::TooLarge(source.text.len()));
        return None;
    }
    let root = yaml::compose(source.text, report);
    let root = match root {
        Some(root) if !matches!(root.value, yaml::Value::Null) => root,
        _ if report.has_errors() => return None,
        _ => {
            report.add(START, Problem::Empty);
            return None;
        }
    };
    shape::check("", &root, &shape::Shape::Mapping(&keys::WORKFLOW), report);
    let draft = author::read(source, &root, read_file, report);
    check::check(&draft, report);
    let mut workflow = draft.workflow;
    workflow.version = version(&workflow).as_str().into();
    Some((workflow, draft.tests))
}

/// The hash of everything that a workflow says, its own version left empty.
fn version(workflow: &Workflow) -> String {
    let bytes = serde_json::to_vec(workflow).expect("a workflow has a JSON form");
    Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}

/// The place behind some text.
fn end_of(valid: &[u8]) -> Place {
    let text = std::str::from_utf8(valid).unwrap_or_default();
    let line = text.matches('\n').count();
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count();
    let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX).saturating_add(1);
    Place { line: number(line), column: number(column) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_of(folder: &str, text: &str, script: &str) -> String {
        let loaded = load(&Source { file: "x.yaml", folder, text }, &|_| Ok(script.to_owned()));
        loaded.workflow.expect("the text is a workflow").version.to_string()
    }

    #[test]
    fn a_version_is_that_of_what_is_said_and_not_of_how_it_is_written() {
        let text = "tasks: { a: { run: { file: a.sh }, timeout: 1m } }";
        let version = version_of("/w", text, "echo");
        assert_eq!(version.len(), 64);
        let written = "# A comment\ntasks:\n  a:\n    run:\n      file: a.sh\n    timeout: 60s\n";
        assert_eq!(version_of("/w", written, "echo"), version);
        assert_ne!(version_of("/w", text, "echo 2"), version);
        assert_ne!(version_of("/other", text, "echo"), version);
    }

    #[test]
    fn tests_are_no_part_of_a_version() {
        let text = "tasks: { a: { run: x, timeout: 1m } }";
        let tested = format!("{text}\ntests: [{{ name: it works, expect: {{ run: succeeded }} }}]");
        assert_eq!(version_of("/w", &tested, ""), version_of("/w", text, ""));
        let source = Source { file: "x.yaml", folder: "/w", text: &tested };
        let loaded = load(&source, &|_| Ok(String::new()));
        assert_eq!((loaded.tests.len(), loaded.tests[0].line), (1, 2));
    }

    #[test]
    fn how_work_is_undone_belongs_to_a_version() {
        let version = |more: &str, rollback: &str| {
            let text =
                format!("{more}\ntasks: {{ a: {{ run: x, timeout: 1m, rollback: {rollback} }} }}");
            version_of("/w", &text, "echo")
        };
        let plain = version("", "echo");
        assert_eq!(version("on_run_failure: keep", "{ run: echo, timeout: 24h }"), plain);
        assert_eq!(version("", "{ run: { file: undo.sh } }"), plain);
        let others = [
            version("", "echo 2"),
            version("", "{ exec: [echo] }"),
            version("", "{ run: echo, retry: 1 }"),
            version("", "{ run: echo, also_failed: true }"),
            version("on_run_failure: roll_back", "echo"),
            version("on_run_failure: { parallel: 2 }", "echo"),
            version("on_run_failure: { when: params is defined }", "echo"),
        ];
        let different: std::collections::BTreeSet<&String> =
            others.iter().chain([&plain]).collect();
        assert_eq!(different.len(), others.len() + 1);
    }

    #[test]
    fn what_is_quoted_from_a_file_cannot_command_a_terminal() {
        let text = format!("tasks: {{ a: {{ run: x, needs: \"\\e[2J{}\" }} }}", "x".repeat(1_000));
        let loaded =
            load(&Source { file: "x.yaml", folder: "/", text: &text }, &|_| Ok(String::new()));
        let messages =
            loaded.diagnostics.iter().flat_map(|it| [&it.message].into_iter().chain(&it.help));
        assert!(messages.clone().count() > 1);
        assert!(
            messages.clone().all(|it| !it.contains(char::is_control) && it.chars().count() < 500)
        );
    }
}
