//! What must come of a test.

use shared::state::OUTCOME_WORDS;
use shared::workflow::test::{Expectation, TaskPart, What};

use super::{Known, span};
use crate::author::reader::{Reader, Scope, number};
use crate::problem::Problem;
use crate::yaml::{Entry, Node, Value};

/// Reads `expect`, in the order of the file.
pub(super) fn read(
    entry: Option<&Entry>,
    known: &Known<'_>,
    reader: &mut Reader<'_, '_, '_>,
) -> Vec<Expectation> {
    let Some(entry) = entry else { return Vec::new() };
    let mut found = Found(Vec::new());
    for it in entry.value.entries() {
        read_part(it, known, reader, &mut found);
    }
    if entry.value.entries().is_empty() && matches!(entry.value.value, Value::Map(_) | Value::Null)
    {
        let expected = "at least one thing that must come of it, such as `run: succeeded`";
        reader.report.add(entry.place, Problem::empty("expect", expected));
    }
    found.0
}

struct Found(Vec<Expectation>);

impl Found {
    fn add(&mut self, node: &Node, what: Option<What>) {
        self.0.extend(what.map(|what| Expectation { line: node.place.line, what }));
    }
}

fn read_part(entry: &Entry, known: &Known<'_>, reader: &mut Reader<'_, '_, '_>, found: &mut Found) {
    let value = &entry.value;
    match entry.key.as_str() {
        "run" => found.add(value, value.text().map(|it| What::Run(it.to_owned()))),
        "tasks" => value.entries().iter().for_each(|it| read_task(it, known, reader, found)),
        "counts" => {
            for count in value.entries() {
                let what = number(&count.value).map(|it| What::Count(count.key.clone(), it));
                found.add(&count.value, what);
            }
        }
        "order" => read_order(value, known, reader, found),
        "duration" => found.add(value, span(Some(value)).map(What::Duration)),
        "within" => found.add(value, span(Some(value)).map(What::Within)),
        "expressions" => {
            for node in value.items() {
                let expr = reader.expr(node, &Scope::of_test());
                found.add(node, expr.map(What::True));
            }
        }
        _ => {}
    }
}

fn read_order(node: &Node, known: &Known<'_>, reader: &mut Reader<'_, '_, '_>, found: &mut Found) {
    let paths = known.paths(node, reader);
    for pair in paths.windows(2) {
        if let [before, after] = pair {
            found.add(node, Some(What::Order(before.clone(), after.clone())));
        }
    }
    if matches!(node.value, Value::List(_)) && node.items().len() < 2 {
        reader.report.add(node.place, Problem::empty("order", "at least two tasks"));
    }
}

fn read_task(entry: &Entry, known: &Known<'_>, reader: &mut Reader<'_, '_, '_>, found: &mut Found) {
    let Some(path) = known.path(&entry.key, entry.place, reader) else { return };
    let value = &entry.value;
    if let Some(word) = value.text() {
        let part = TaskPart::State(word.to_owned());
        return found.add(value, Some(What::Task(path, part)));
    }
    if value.entries().is_empty() {
        let problem = Problem::empty(&entry.key, "a state, or a mapping");
        reader.report.add(entry.place, problem);
    }
    for part in value.entries() {
        let node = &part.value;
        let text = || node.text().map(str::to_owned);
        let read = match part.key.as_str() {
            "state" => text().map(TaskPart::State),
            "outcome" => text().map(|it| {
                check_outcome(&it, node, reader);
                TaskPart::Outcome(it)
            }),
            "reason" => text().map(TaskPart::Reason),
            "exit" => node.int().and_then(|it| i32::try_from(it).ok()).map(TaskPart::Exit),
            "attempts" => number(node).map(TaskPart::Attempts),
            "failed_items" => number(node).map(TaskPart::FailedItems),
            "started_at" => span(Some(node)).map(TaskPart::StartedAt),
            "ended_at" => span(Some(node)).map(TaskPart::EndedAt),
            "within" => span(Some(node)).map(TaskPart::Within),
            "outputs" => {
                for output in node.entries() {
                    let part = TaskPart::Output(output.key.clone(), output.value.to_json());
                    found.add(&output.value, Some(What::Task(path.clone(), part)));
                }
                None
            }
            _ => None,
        };
        found.add(node, read.map(|it| What::Task(path.clone(), it)));
    }
}

fn check_outcome(text: &str, node: &Node, reader: &mut Reader<'_, '_, '_>) {
    let word = text.split('(').next().unwrap_or_default();
    if !OUTCOME_WORDS.contains(&word) {
        let known = OUTCOME_WORDS.to_vec();
        let (key, found) = ("outcome".to_owned(), crate::yaml::shorten(text));
        reader.report.add(node.place, Problem::UnknownWord { key, found, known });
    }
}
