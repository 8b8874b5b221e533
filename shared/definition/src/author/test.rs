//! A workflow's own tests. Whatever they name exists; what makes no sense together is told.

mod act;
mod expect;
mod mock;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;
use shared::id::TaskPath;
use shared::time::{Interval, Timestamp};
use shared::workflow::test::{Capacity, Pattern, Test};
use shared::workflow::{ParamType, Priority, Workflow};

use super::reader::{Reader, number};
use crate::near::near_name;
use crate::problem::Problem;
use crate::yaml::{Entry, Node, Place};

/// Reads `tests`, of a workflow that has its tasks.
pub(super) fn read(
    node: Option<&Node>,
    workflow: &Workflow,
    reader: &mut Reader<'_, '_, '_>,
) -> Vec<Test> {
    let mut seen = BTreeSet::new();
    let mut tests = Vec::new();
    for node in node.map_or(&[][..], Node::items) {
        let name = node.get("name").and_then(Node::text).unwrap_or_default();
        if let Some(again) = node.get("name").filter(|_| !seen.insert(name)) {
            let message = format!("the test `{name}` stands twice in `tests`");
            reader
                .report
                .add(again.place, Problem::Conflict(message, "give one of them another name"));
        }
        tests.push(read_test(name, node, workflow, reader));
    }
    tests
}

fn read_test(
    name: &str,
    node: &Node,
    workflow: &Workflow,
    reader: &mut Reader<'_, '_, '_>,
) -> Test {
    let known = Known { workflow };
    let actor = node.get("actor").and_then(Node::text);
    Test {
        name: name.to_owned(),
        line: node.place.line,
        params: read_params(node.get("params"), workflow, reader),
        interval: node.get("interval").and_then(|it| read_interval(it, reader)),
        actor: actor.map_or_else(|| Test::ACTOR.to_owned(), person),
        priority: node.get("priority").and_then(Node::text).and_then(Priority::read),
        start: node.get("start").and_then(|it| instant(it, reader)).unwrap_or(Test::START),
        capacity: read_capacity(node.get("capacity")),
        mocks: mock::read(node.get("mock"), &known, reader),
        answers: mock::read_answers(node, &known, reader),
        acts: act::read(node.get("acts"), &known, reader),
        expectations: expect::read(node.entry("expect"), &known, reader),
    }
}

/// A name as the kernel's word would give it.
fn person(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("user:{name}") }
}

fn read_params(
    node: Option<&Node>,
    workflow: &Workflow,
    reader: &mut Reader<'_, '_, '_>,
) -> BTreeMap<String, Json> {
    let mut params = BTreeMap::new();
    for entry in node.map_or(&[][..], Node::entries) {
        let Some(param) = workflow.params.iter().find(|it| it.name.as_str() == entry.key) else {
            let near = near_name(&entry.key, workflow.params.iter().map(|it| it.name.as_str()));
            let problem = Problem::UnknownParam { name: entry.key.clone(), near };
            reader.report.add(entry.place, problem);
            continue;
        };
        // A text keeps the form it is written in: `1.10` stays `1.10`.
        let value = match param.kind {
            ParamType::String | ParamType::Choice(_) => {
                entry.value.text().map_or_else(|| entry.value.to_json(), Json::from)
            }
            _ => entry.value.to_json(),
        };
        match param.kind.read(&value) {
            Ok(value) => _ = params.insert(entry.key.clone(), value),
            Err(wrong) => {
                let message = format!("the parameter `{}`: {wrong}", entry.key);
                let help = "change the value, or the parameter's type";
                reader.report.add(entry.value.place, Problem::Conflict(message, help));
            }
        }
    }
    params
}

fn read_interval(node: &Node, reader: &mut Reader<'_, '_, '_>) -> Option<Interval> {
    let start = node.get("start").and_then(|it| instant(it, reader))?;
    let end = node.get("end").and_then(|it| instant(it, reader))?;
    if start >= end {
        let message = "the interval does not end after it starts".to_owned();
        reader.report.add(node.place, Problem::Conflict(message, "exchange `start` and `end`"));
    }
    Some(Interval { start, end })
}

fn instant(node: &Node, reader: &mut Reader<'_, '_, '_>) -> Option<Timestamp> {
    let text = node.text()?;
    let instant = text.parse().ok();
    if instant.is_none() {
        let message = format!("`{}` is not an instant", crate::yaml::shorten(text));
        let help = "write a date, or RFC 3339 with an offset: 2026-03-01T02:30:00Z";
        reader.report.add(node.place, Problem::Conflict(message, help));
    }
    instant
}

fn read_capacity(node: Option<&Node>) -> Capacity {
    let resources = node.and_then(|it| it.get("resources")).map_or(&[][..], Node::entries);
    let amounts =
        resources.iter().filter_map(|it| Some((it.key.as_str().into(), number(&it.value)?)));
    Capacity {
        slots: node.and_then(|it| it.get("slots")).and_then(number),
        resources: amounts.collect(),
    }
}

fn span(node: Option<&Node>) -> Option<Duration> {
    node.and_then(super::reader::duration)
}

/// What tests may name.
struct Known<'w> {
    workflow: &'w Workflow,
}

impl<'w> Known<'w> {
    fn names(&self) -> impl Iterator<Item = &'w str> {
        self.workflow.tasks.iter().map(|it| it.name.as_str())
    }

    /// A task run of a task that there is.
    fn path(&self, text: &str, place: Place, reader: &mut Reader<'_, '_, '_>) -> Option<TaskPath> {
        let path = TaskPath::from(text);
        self.task(&path, place, reader).map(|_| path)
    }

    fn paths(&self, node: &Node, reader: &mut Reader<'_, '_, '_>) -> Vec<TaskPath> {
        let items = node.items().iter();
        items.filter_map(|it| self.path(it.text()?, it.place, reader)).collect()
    }

    /// A pattern that means at least one task.
    fn pattern(&self, entry: &Entry, reader: &mut Reader<'_, '_, '_>) -> Option<Pattern> {
        let pattern = Pattern::new(&entry.key);
        if !pattern.is_glob() {
            return self.task(pattern.path(), entry.place, reader).map(|_| pattern);
        }
        if self.names().any(|it| pattern.may_mean(it)) {
            return Some(pattern);
        }
        let message =
            format!("`{}` means no task of this workflow", crate::yaml::shorten(&entry.key));
        let help = "write the name of a task, or with `*` a form that fits one";
        reader.report.add(entry.place, Problem::Conflict(message, help));
        None
    }

    fn task(
        &self,
        path: &TaskPath,
        place: Place,
        reader: &mut Reader<'_, '_, '_>,
    ) -> Option<&'w shared::workflow::Task> {
        let found = self.workflow.tasks.iter().find(|it| it.name == path.task);
        let Some(task) = found else {
            let near = near_name(path.task.as_str(), self.names());
            let problem = Problem::UnknownTask { name: path.task.to_string(), near };
            reader.report.add(place, problem);
            return None;
        };
        let wrong = if path.item.is_some() && task.map.is_none() {
            Some((
                format!("`{}` has no items", path.task),
                "name the task alone, or give it a `map`",
            ))
        } else if path.undo && task.rollback.is_none() {
            Some((
                format!("`{}` has no undo", path.task),
                "name the task itself, or give it a `rollback`",
            ))
        } else {
            None
        };
        let is_wrong = wrong.is_some();
        if let Some((message, help)) = wrong {
            reader.report.add(place, Problem::Conflict(message, help));
        }
        (!is_wrong).then_some(task)
    }
}
