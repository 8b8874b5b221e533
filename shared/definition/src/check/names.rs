//! The names that expressions read: each exists, as far as that is known before there are values.

use shared::workflow::{Groups, Section};

use super::Numbers;
use super::needs::beside;
use crate::author::{Draft, Scope, Use};
use crate::near::near_name;
use crate::problem::Problem;
use crate::report::Report;
use crate::yaml::Place;

/// What there is to know of a task.
const PARTS: [&str; 8] =
    ["state", "outcome", "exit", "attempts", "outputs", "duration", "items", "failed_items"];

/// What there is to know of the run.
const RUN_PARTS: [&str; 5] = ["id", "number", "created", "actor", "state"];

/// Names that a later version will know.
const LATER: [&str; 5] = ["pools", "system", "history", "vars", "rows"];

/// A task reads another.
pub(super) struct Read {
    pub(super) task: usize,
    pub(super) read: usize,
    pub(super) place: Place,
}

/// Checks every expression. Gives which tasks read which.
pub(super) fn check(draft: &Draft, numbers: &Numbers<'_>, report: &mut Report<'_>) -> Vec<Read> {
    let groups = Groups::of(&draft.workflow.tasks);
    let mut checker = Checker { draft, numbers, groups, report, reads: Vec::new() };
    draft.uses.iter().for_each(|it| checker.expression(it));
    checker.reads
}

struct Checker<'c, 'a> {
    draft: &'c Draft,
    numbers: &'c Numbers<'c>,
    groups: Groups,
    report: &'c mut Report<'a>,
    reads: Vec<Read>,
}

impl Checker<'_, '_> {
    fn expression(&mut self, it: &Use) {
        if self.report.is_full() {
            return;
        }
        let source = it.expr.source();
        if let Some(name) = dashed_name(source, self.numbers) {
            let place = self.report.locate(it.place, name);
            return self.report.add(place, Problem::DashedName(name.to_owned()));
        }
        let quoted = quoted_tasks(source);
        quoted.iter().for_each(|name| self.task(name, name, it));
        for name in it.expr.names() {
            // A name that is looked up by a quoted one ends before it.
            if name != "tasks" || quoted.is_empty() || !roots(&it.scope).contains(&"tasks") {
                self.name(name, it);
            }
        }
    }

    fn name(&mut self, name: &str, it: &Use) {
        let mut parts = name.split('.');
        let (root, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let fourth = parts.next();
        let scope = &it.scope;
        let known = roots(scope);
        if scope.item.as_deref() == Some(root) {
            return;
        }
        if !known.contains(&root) {
            let problem = if LATER.contains(&root) {
                Problem::NotSupported { what: format!("`{root}` in expressions") }
            } else {
                let item = scope.item.as_deref();
                let known = known.into_iter().chain(item).map(str::to_owned).collect();
                Problem::UnknownName { name: root.to_owned(), known }
            };
            return self.add(it, name, problem);
        }
        match (root, second) {
            ("params", Some(param)) => self.param(param, name, it),
            ("tasks", Some(task)) => {
                self.task(task, name, it);
                if let Some(part) = third.filter(|it| !PARTS.contains(it)) {
                    let problem = Problem::UnknownPart { part: part.to_owned(), known: &PARTS };
                    self.add(it, name, problem);
                }
                if let (Some("outputs"), Some(output)) = (third, fourth) {
                    self.own_output(Some(task), output, name, it);
                }
            }
            ("outputs", Some(output)) => self.own_output(None, output, name, it),
            ("tasks", None) => self.add(it, name, Problem::WholeTasks { whole: "tasks" }),
            ("interval", Some(part)) => self.part(root, part, &["start", "end"], it),
            ("run", Some(part)) if scope.task.is_some() || scope.is_over => {
                self.part(root, part, &RUN_PARTS, it)
            }
            // Before there is a run it has no state.
            ("run", Some(part)) => self.part(root, part, &RUN_PARTS[..4], it),
            _ => {}
        }
    }

    fn part(&mut self, root: &str, part: &str, known: &[&str], it: &Use) {
        if known.contains(&part) {
            return;
        }
        let name = format!("{root}.{part}");
        let problem = if name == "run.attempt" {
            Problem::NotSupported { what: "`run.attempt` in expressions".to_owned() }
        } else {
            let known = known.iter().map(|it| format!("{root}.{it}")).collect();
            Problem::UnknownName { name: name.clone(), known }
        };
        self.add(it, &name, problem);
    }

    /// Adds a problem at the place of `part`.
    fn add(&mut self, it: &Use, part: &str, problem: Problem) {
        let place = self.report.locate(it.place, part);
        self.report.add(place, problem);
    }

    fn param(&mut self, name: &str, path: &str, it: &Use) {
        let params = &self.draft.workflow.params;
        let problem = match params.iter().position(|it| it.name.as_str() == name) {
            Some(number) if number < it.scope.params => return,
            Some(_) => Problem::LaterParam(name.to_owned()),
            None => {
                let near = near_name(name, params.iter().map(|it| it.name.as_str()));
                Problem::UnknownParam { name: name.to_owned(), near }
            }
        };
        self.add(it, path, problem);
    }

    /// An undo can know which outputs its task has promised. `task`: the one that is read; its own where absent.
    fn own_output(&mut self, task: Option<&str>, output: &str, path: &str, it: &Use) {
        let Some(own) = it.scope.task.filter(|_| it.scope.undo) else { return };
        let number = own;
        let own = &self.draft.workflow.tasks[own];
        if task.is_some_and(|task| self.resolve(task, it) != Some(number))
            || own.outputs.is_empty()
            || own.outputs.contains_key(output)
        {
            return;
        }
        let before = task.map_or_else(String::new, |it| format!("tasks.{it}.")) + "outputs.";
        let known = own.outputs.keys().map(|it| format!("{before}{it}")).collect();
        let name = format!("{before}{output}");
        self.add(it, path, Problem::UnknownName { name, known });
    }

    fn task(&mut self, name: &str, path: &str, it: &Use) {
        match self.resolve(name, it) {
            _ if !roots(&it.scope).contains(&"tasks") => {}
            Some(read) => self.read(read, path, it),
            None => {
                let tasks = &self.draft.workflow.tasks;
                let beside = it.scope.task.map(|it| beside(&tasks[it], self.numbers));
                let names = beside.into_iter().flatten().chain(self.numbers.keys().copied());
                let near = near_name(name, names);
                self.add(it, path, Problem::UnknownTask { name: name.to_owned(), near });
            }
        }
    }

    /// The number of the task that a name means there.
    fn resolve(&self, name: &str, it: &Use) -> Option<usize> {
        match it.scope.task.and_then(|it| u32::try_from(it).ok()) {
            Some(from) => self.groups.resolve(from, name).map(|it| it as usize),
            None => self.numbers.get(name).copied(),
        }
    }

    /// A task is read that exists.
    fn read(&mut self, read: usize, path: &str, it: &Use) {
        match it.scope.task {
            Some(task) if it.scope.undo && task == read => {}
            Some(task) => self.reads.push(Read { task, read, place: it.place }),
            None if it.scope.is_over => {}
            None if self.draft.workflow.tasks[read].section == Section::Finally => {
                let message = format!("`{path}` is in `finally`, which has not run by then");
                let help = "name tasks of `tasks`: `finally` runs last";
                self.add(it, path, Problem::Conflict(message, help));
            }
            None => {}
        }
    }
}

/// What may stand first in a name.
fn roots(scope: &Scope) -> Vec<&'static str> {
    let mut roots = vec!["params", "run", "interval"];
    if scope.task.is_some() {
        roots.extend(["tasks", "env"]);
    }
    roots.extend(scope.more);
    roots
}

/// The names in `tasks['NAME']`, outside of other quotes.
fn quoted_tasks(source: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("tasks[") {
        rest = rest[at + "tasks[".len()..].trim_start();
        let Some(quote) = rest.chars().next().filter(|it| matches!(it, '\'' | '"')) else {
            continue;
        };
        if let Some(end) = rest[1..].find(quote) {
            names.push(&rest[1..=end]);
            rest = &rest[end + 2..];
        }
    }
    names
}

/// A task's name with `-` in it after `tasks.`, where the language reads a subtraction.
fn dashed_name<'s>(source: &'s str, numbers: &Numbers<'_>) -> Option<&'s str> {
    source.match_indices("tasks.").find_map(|(at, found)| {
        let rest = &source[at + found.len()..];
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && !matches!(it, '_' | '-'));
        let name = &rest[..end.unwrap_or(rest.len())];
        (name.contains('-') && numbers.contains_key(name)).then_some(name)
    })
}
