//! `test`: the tests that workflow files hold, played in virtual time. Without a daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use shared::diagnostic::{Diagnostic, Severity};
use shared::time::format_duration;
use shared::workflow::test::Test;
use sim::script::{self, Failure, Report, TraceLine};

use super::{Cx, validate};
use crate::error::{Error, Exit};
use crate::format::plural;
use crate::local;
use crate::out::Out;
use crate::text::{Line, Style};

/// Of what has happened in a test that has failed, so many lines are shown: the last.
const TRACE_MAX: usize = 40;

pub(super) fn execute(cx: &mut Cx, paths: &[PathBuf], filter: Option<&str>) -> Result<Exit, Error> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(local::files_of(path)?);
    }
    let mut totals = Totals::default();
    let mut documents = Vec::new();
    for file in &files {
        documents.push(play_file(&mut cx.out, file, filter, &mut totals)?);
    }
    if cx.out.json {
        cx.out.json(&json!({
            "ok": totals.invalid == 0 && totals.failed == 0,
            "passed": totals.passed,
            "failed": totals.failed,
            "files": documents,
        }))?;
    } else {
        cx.out.note(totals.summary(filter))?;
    }
    Ok(match (totals.invalid, totals.failed) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::TestsFailed,
        _ => Exit::Invalid,
    })
}

/// How many of what there were.
#[derive(Default, Debug)]
struct Totals {
    passed: u64,
    failed: u64,
    left_out: u64,
    invalid: u64,
}

impl Totals {
    fn summary(&self, filter: Option<&str>) -> Line {
        let mut line = match (self.passed, self.failed) {
            (0, 0) => Line::from("no tests were played"),
            (passed, 0) => {
                Line::new().styled(Style::Good, format!("{} passed", plural(passed, "test")))
            }
            (passed, failed) => Line::new()
                .styled(Style::Bad, format!("{} failed", plural(failed, "test")))
                .and(format!(", {passed} passed")),
        };
        if let Some(filter) = filter.filter(|_| self.left_out > 0) {
            line = line.and(format!(", {} without “{filter}” left out", self.left_out));
        }
        match self.invalid {
            0 => line,
            invalid => {
                line.and(", ").styled(Style::Bad, format!("{} not valid", plural(invalid, "file")))
            }
        }
    }
}

/// Plays the tests of a file, and says how each ended. Gives the same for programs.
fn play_file(
    out: &mut Out,
    file: &Path,
    filter: Option<&str>,
    totals: &mut Totals,
) -> Result<Value, Error> {
    let loaded = local::load(file)?;
    let name = file.display().to_string();
    let (tests, all) = (loaded.tests, loaded.diagnostics);
    let errors: Vec<Diagnostic> =
        all.into_iter().filter(|it| it.severity == Severity::Error).collect();
    let Some(workflow) = loaded.workflow.map(Arc::new) else {
        totals.invalid += 1;
        if !out.json {
            let mut texts = validate::Texts::default();
            for it in &errors {
                out.lines(validate::lines(it, texts.line(it)))?;
                out.line("")?;
            }
        }
        return Ok(json!({ "file": name, "diagnostics": errors, "tests": [] }));
    };
    if !out.json {
        let head = Line::new().styled(Style::Bold, &name);
        match tests.is_empty() {
            true => out.note(head.and(": it has no tests"))?,
            false => out.note(head)?,
        }
    }
    let mut documents = Vec::new();
    for test in &tests {
        if filter.is_some_and(|it| !test.name.contains(it)) {
            totals.left_out += 1;
            continue;
        }
        let report = script::play(&workflow, test);
        match report.has_passed() {
            true => totals.passed += 1,
            false => totals.failed += 1,
        }
        match out.json {
            true => documents.push(document(test, &report)),
            false => out.lines(lines(&name, test, &report))?,
        }
    }
    Ok(json!({ "file": name, "diagnostics": [], "tests": documents }))
}

/// A test in a line; one that has failed with all that helps to see why.
fn lines(file: &str, test: &Test, report: &Report) -> Vec<Line> {
    let took = format!(" (virtual {})", offset(report.took));
    let head = match report.has_passed() {
        true => Line::from("  ").styled(Style::Good, "ok"),
        false => Line::from("  ").styled(Style::Bad, "FAILED"),
    };
    let mut lines = vec![head.and(" ").and(&test.name).styled(Style::Dim, took)];
    if report.has_passed() {
        return lines;
    }
    lines.extend(report.failures.iter().flat_map(|it| failure(file, it)));
    if !report.trace.is_empty() {
        lines.push(Line::from("    what happened:"));
        lines.extend(trace(&report.trace));
    }
    lines
}

fn failure(file: &str, failure: &Failure) -> Vec<Line> {
    let place = |line: u32| Line::from("    ").styled(Style::Dim, format!("{file}:{line}: "));
    let (mut lines, because) = match failure {
        Failure::Missed { line, about, expected, got, because } => {
            let lines = vec![
                place(*line).styled(Style::Bold, about),
                Line::from("      expected  ").styled(Style::Good, expected),
                Line::from("      got       ").styled(Style::Bad, got),
            ];
            (lines, because)
        }
        Failure::Broken { line, problem, because, .. } => {
            (vec![place(*line).styled(Style::Bold, problem)], because)
        }
    };
    let reasons = (0..).zip(because).map(|(number, it)| {
        let word = if number == 0 { "because" } else { "" };
        Line::from(format!("      {word:<8}  ")).and(it)
    });
    lines.extend(reasons);
    if let Failure::Broken { help: Some(help), .. } = failure {
        lines.push(Line::from("      ").styled(Style::Bold, "help:").and(" ").and(help));
    }
    lines
}

/// The last lines of what has happened.
fn trace(all: &[TraceLine]) -> Vec<Line> {
    let left_out = all.len().saturating_sub(TRACE_MAX);
    let shown = &all[left_out..];
    let after: Vec<String> = shown.iter().map(|it| offset(it.after)).collect();
    let width = after.iter().map(String::len).max().unwrap_or(0);
    let mut lines = Vec::new();
    if left_out > 0 {
        let count = plural(left_out as u64, "line");
        lines.push(Line::from("      ").styled(Style::Dim, format!("… {count} before these")));
    }
    lines.extend(shown.iter().zip(after).map(|(it, after)| {
        Line::from("      ").styled(Style::Dim, format!("{after:>width$}  ")).and(&it.text)
    }));
    lines
}

fn offset(after: std::time::Duration) -> String {
    match after.is_zero() {
        true => "0s".to_owned(),
        false => format_duration(after),
    }
}

fn document(test: &Test, report: &Report) -> Value {
    let failures: Vec<Value> = report.failures.iter().map(failure_document).collect();
    let trace: Vec<Value> = report
        .trace
        .iter()
        .map(|it| json!({ "after": it.after.as_secs_f64(), "text": it.text }))
        .collect();
    json!({
        "name": test.name,
        "line": test.line,
        "ok": report.has_passed(),
        "run": report.state,
        "virtual_seconds": report.took.as_secs_f64(),
        "failures": failures,
        "trace": if report.has_passed() { Vec::new() } else { trace },
    })
}

fn failure_document(failure: &Failure) -> Value {
    match failure {
        Failure::Missed { line, about, expected, got, because } => json!({
            "line": line,
            "about": about,
            "expected": expected,
            "got": got,
            "because": because,
        }),
        Failure::Broken { line, problem, because, help } => json!({
            "line": line,
            "problem": problem,
            "because": because,
            "help": help,
        }),
    }
}
