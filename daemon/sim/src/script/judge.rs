//! What came of a test against what was expected.

use engine::scope;
use engine::state::{Spot, TaskRun};
use engine::why;
use serde_json::Value;
use shared::expr::{Expr, short};
use shared::id::TaskPath;
use shared::state::{Outcome, TaskPhase};
use shared::time::format_duration;
use shared::workflow::test::{Expectation, TaskPart, Test, What};

use super::{End, Failure, after};

/// Every expectation that is not met, in the order of the file.
pub(super) fn judge(end: &End<'_>, test: &Test) -> Vec<Failure> {
    test.expectations.iter().filter_map(|it| missed(end, it)).collect()
}

/// What is expected of something, and what it is.
struct Found {
    about: String,
    expected: String,
    got: String,
    because: Vec<String>,
}

fn missed(end: &End<'_>, expectation: &Expectation) -> Option<Failure> {
    let found = match &expectation.what {
        What::Run(word) => {
            let got = end.run.word();
            let because = || {
                let why = why::of_ended_run(end.run, &end.definition.workflow);
                why.blockers.into_iter().map(|it| it.text).collect()
            };
            (got != word).then(|| found("the run", word, got).because(because()))
        }
        What::Task(path, part) => missed_task(end, path, part),
        What::Count(word, expected) => {
            let in_state: Vec<String> =
                leaves(end).filter(|(_, it)| it.word() == word).map(|it| it.0).collect();
            let got = u32::try_from(in_state.len()).unwrap_or(u32::MAX);
            let names = if in_state.is_empty() {
                String::new()
            } else {
                format!(": {}", in_state.join(", "))
            };
            (got != *expected).then(|| {
                found("the number of tasks", format!("{expected} {word}"), format!("{got}{names}"))
            })
        }
        What::Order(before, behind) => missed_order(end, before, behind),
        What::Duration(span) => {
            let got = took(end);
            (got.as_millis() != span.as_millis())
                .then(|| found("the run's duration", exact(*span), exact(got)))
        }
        What::Within(span) => {
            let got = took(end);
            (got > *span).then(|| {
                found(
                    "the run's duration",
                    format!("at most {}", format_duration(*span)),
                    exact(got),
                )
            })
        }
        What::True(expr) => missed_expression(end, expr),
    }?;
    let Found { about, expected, got, because } = found;
    Some(Failure::Missed { line: expectation.line, about, expected, got, because })
}

fn found(about: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Found {
    Found { about: about.into(), expected: expected.into(), got: got.into(), because: Vec::new() }
}

impl Found {
    fn because(self, because: Vec<String>) -> Self {
        Self { because, ..self }
    }
}

fn took(end: &End<'_>) -> std::time::Duration {
    end.run.ended_at.map_or(std::time::Duration::ZERO, |it| after(end.run, it))
}

/// A span to the millisecond, where its two largest units do not say it whole.
fn exact(span: std::time::Duration) -> String {
    let text = format_duration(span);
    let read = shared::time::parse_duration(&text).ok();
    if read == Some(span) { text } else { format!("{text} ({} ms)", span.as_millis()) }
}

fn task_run<'e>(end: &'e End<'_>, path: &TaskPath) -> Result<(Spot, &'e TaskRun), String> {
    let place = end.definition.place(&path.task).ok_or("there is no such task")?;
    let parent = end.run.tasks.get(place as usize).ok_or("there is no such task")?;
    let item = match &path.item {
        None => None,
        Some(key) => {
            let items = parent
                .items
                .as_ref()
                .ok_or_else(|| format!("it has no items: it is {}", parent.word()))?;
            let keys: Vec<&str> = items.list().iter().map(|it| it.item.key.as_str()).collect();
            Some(items.place(key).ok_or_else(|| format!("its items are {}", keys.join(", ")))?)
        }
    };
    let spot = Spot { run: end.run.id, task: place, item, undo: path.undo };
    let progress = end.run.progress(spot).ok_or("nothing of it was undone")?;
    Ok((spot, progress))
}

fn missed_task(end: &End<'_>, path: &TaskPath, part: &TaskPart) -> Option<Found> {
    let (_, it) = match task_run(end, path) {
        Ok(found) => found,
        Err(got) => return Some(found(path.to_string(), expected_of(part), got)),
    };
    let because = || reasons(end, path, it);
    let about = |what: &str| format!("{path}, its {what}");
    match part {
        TaskPart::State(word) => {
            let got = if path.undo { it.phase.word() } else { it.word() };
            // An undo that has succeeded is what its task is rolled back by.
            let fits = got == word || (path.undo && got == "succeeded" && word == "rolled_back");
            (!fits).then(|| found(path.to_string(), word, got).because(because()))
        }
        TaskPart::Outcome(word) => {
            let got = outcome(it);
            let fits = got == *word || (!word.contains('(') && got.split('(').next() == Some(word));
            (!fits).then(|| found(about("outcome"), word, got).because(because()))
        }
        TaskPart::Reason(text) => {
            let got = reasons(end, path, it).join("; ");
            let got = if got.is_empty() { it.word().to_owned() } else { got };
            (!got.contains(text)).then(|| found(about("reason"), format!("“{text}” in it"), got))
        }
        TaskPart::Exit(code) => {
            let got = it.attempts.last().and_then(|it| it.exit);
            let word = got.map_or_else(|| "none".to_owned(), |it| it.to_string());
            (got != Some(*code))
                .then(|| found(about("exit code"), code.to_string(), word).because(because()))
        }
        TaskPart::Attempts(count) => {
            let got = it.attempts.len();
            let fits = usize::try_from(*count) == Ok(got);
            (!fits).then(|| {
                found(about("attempts"), count.to_string(), got.to_string()).because(because())
            })
        }
        TaskPart::FailedItems(count) => {
            let items = it.items.as_ref().map_or(&[][..], |it| it.list());
            let failed = items
                .iter()
                .filter(|it| it.progress.phase.outcome().is_some_and(Outcome::is_failure));
            let names: Vec<&str> = failed.map(|it| it.item.key.as_str()).collect();
            let fits = usize::try_from(*count) == Ok(names.len());
            let got = format!("{}: {}", names.len(), names.join(", "));
            (!fits).then(|| {
                found(about("failed items"), count.to_string(), got.trim_end_matches(": "))
            })
        }
        TaskPart::Output(name, expected) => {
            let got = output(it, name);
            let fits = got.as_ref().is_some_and(|it| is_same(it, expected));
            let word = got.map_or_else(|| "nothing".to_owned(), |it| short(&it));
            (!fits).then(|| {
                found(about(&format!("output `{name}`")), short(expected), word).because(because())
            })
        }
        TaskPart::StartedAt(span) => {
            at(about("start"), *span, it.started_at.map(|it| after(end.run, it)))
        }
        TaskPart::EndedAt(span) => {
            at(about("end"), *span, it.ended_at().map(|it| after(end.run, it)))
        }
        TaskPart::Within(span) => {
            let got = it.started_at.zip(it.ended_at()).map(|(start, end)| end.since(start));
            let expected = format!("at most {}", format_duration(*span));
            match got {
                Some(got) if got <= *span => None,
                Some(got) => Some(found(about("duration"), expected, exact(got))),
                None => Some(found(about("duration"), expected, format!("it is {}", it.word()))),
            }
        }
    }
}

fn expected_of(part: &TaskPart) -> String {
    match part {
        TaskPart::State(word) | TaskPart::Outcome(word) => word.clone(),
        TaskPart::Reason(text) => format!("“{text}” in its reason"),
        TaskPart::Exit(code) => format!("exit code {code}"),
        TaskPart::Attempts(count) => format!("{count} attempts"),
        TaskPart::FailedItems(count) => format!("{count} failed items"),
        TaskPart::Output(name, value) => format!("an output `{name}` of {}", short(value)),
        TaskPart::StartedAt(span) => format!("a start at {}", exact(*span)),
        TaskPart::EndedAt(span) => format!("an end at {}", exact(*span)),
        TaskPart::Within(span) => format!("an end within {}", exact(*span)),
    }
}

fn at(
    about: String,
    expected: std::time::Duration,
    got: Option<std::time::Duration>,
) -> Option<Found> {
    if got.is_some_and(|it| it.as_millis() == expected.as_millis()) {
        return None;
    }
    Some(found(about, exact(expected), got.map_or_else(|| "never".to_owned(), exact)))
}

/// Why a task run is as it is.
fn reasons(end: &End<'_>, path: &TaskPath, it: &TaskRun) -> Vec<String> {
    match &it.phase {
        TaskPhase::Finished(Outcome::Succeeded) => it.warnings.clone(),
        TaskPhase::Finished(outcome) => {
            let why = why::ended(end.run, &end.definition.workflow, path, it, outcome);
            why.blockers.into_iter().map(|it| it.text).collect()
        }
        TaskPhase::Waiting(shared::state::Wait::Hold { reason, .. }) => vec![reason.clone()],
        TaskPhase::Waiting(shared::state::Wait::Approval { message, .. }) => {
            vec![format!("it asks: {message}")]
        }
        TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Active(_) => Vec::new(),
    }
}

fn outcome(it: &TaskRun) -> String {
    match it.phase.outcome() {
        Some(Outcome::Failed(failure)) => failure.outcome_word(),
        Some(outcome) => outcome.word().to_owned(),
        None => it
            .attempts
            .last()
            .and_then(|it| it.outcome.as_ref())
            .map_or_else(|| it.word().to_owned(), |it| it.word()),
    }
}

/// An output; of a mapped task the list of what its items gave.
fn output(it: &TaskRun, name: &str) -> Option<Value> {
    match &it.items {
        None => it.outputs.get(name).cloned(),
        Some(items) => {
            let values = items.list().iter().filter_map(|it| it.progress.outputs.get(name));
            let values: Vec<Value> = values.cloned().collect();
            (!values.is_empty()).then_some(Value::Array(values))
        }
    }
}

/// Numbers are the same however they are written.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
}

/// Every task run that is not told by its items.
fn leaves<'e>(end: &'e End<'_>) -> impl Iterator<Item = (String, &'e TaskRun)> {
    end.run.spots().filter_map(|spot| {
        let it = end.run.progress(spot)?;
        let name = &end.definition.task(spot.task).name;
        match (spot.item, &end.run.tasks[spot.task as usize].items) {
            (None, Some(items)) if !items.list().is_empty() => None,
            (Some(place), Some(items)) => {
                Some((format!("{name}:{}", items.list().get(place as usize)?.item.key), it))
            }
            _ => Some((name.to_string(), it)),
        }
    })
}

fn missed_order(end: &End<'_>, before: &TaskPath, behind: &TaskPath) -> Option<Found> {
    let instants = |path| task_run(end, path).map(|(_, it)| (it.started_at, it.ended_at()));
    let about = format!("the order of {before} and {behind}");
    let expected = format!("{before} ended before {behind} started");
    let told = |path: &TaskPath, at: Option<std::time::Duration>, what: &str| match at {
        Some(at) => format!("{path} {what} at {}", exact(at)),
        None => format!("{path} never {what}"),
    };
    match (instants(before), instants(behind)) {
        (Ok((_, Some(ended))), Ok((Some(started), _))) if ended <= started => None,
        (Ok((_, ended)), Ok((started, _))) => {
            let ended = told(before, ended.map(|it| after(end.run, it)), "ended");
            let started = told(behind, started.map(|it| after(end.run, it)), "started");
            Some(found(about, expected, format!("{ended}, {started}")))
        }
        (Err(got), _) | (_, Err(got)) => Some(found(about, expected, got)),
    }
}

fn missed_expression(end: &End<'_>, expr: &Expr) -> Option<Found> {
    let scope = scope::of_whole_run(end.run, &end.definition, expr.names().iter());
    let got = match expr.is_true(&scope) {
        Ok(true) => return None,
        Ok(false) => "false".to_owned(),
        Err(problem) => problem.problem,
    };
    let because = expr.names().iter().filter_map(|name| {
        let value = Expr::parse(name).ok()?.evaluate(&scope).ok()?;
        Some(format!("{name} is {}", short(&value)))
    });
    Some(found(format!("`{}`", expr.source()), "true", got).because(because.collect()))
}
