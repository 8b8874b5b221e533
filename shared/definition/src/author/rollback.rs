//! What undoes a task, and when a run that fails is undone.

use std::time::Duration;

use shared::workflow::{Kind, OnRunFailure, Retry, Rollback, Timeout, UndoPolicy};

use super::reader::{Reader, Scope, number, read_word};
use super::{kind, retry};
use crate::keys::{ON_RUN_FAILURE_WORDS, ON_UNDO_FAILURE};
use crate::problem::Problem;
use crate::yaml::{Entry, Node, Value};

/// How long an undo may take that does not say.
const DAY: Timeout =
    Timeout { attempt: Some(Duration::from_secs(24 * 60 * 60)), total: None, idle: None };

/// Reads the `rollback` of a task: a script, or a mapping. `scope` is that of the task's own expressions.
pub(super) fn read(
    task: &Entry,
    scope: &Scope,
    reader: &mut Reader<'_, '_, '_>,
) -> Option<Rollback> {
    let entry = task.value.entry("rollback")?;
    let get = |key: &str| entry.value.get(key);
    retry::check(get("retry"), reader.report);
    Some(Rollback {
        kind: read_kind(task, entry, &scope.clone().of_undo(), reader),
        retry: get("retry").map_or_else(Retry::default, |it| retry::read(it, Retry::default())),
        timeout: get("timeout").map_or(DAY, retry::read_timeout),
        also_failed: get("also_failed").and_then(Node::bool).unwrap_or(false),
    })
}

/// The undo that a task of this kind has by itself.
pub(super) fn built_in(kind: &Kind) -> Option<Rollback> {
    matches!(kind, Kind::Publish { .. }).then(|| Rollback {
        kind: kind.clone(),
        retry: Retry::default(),
        timeout: DAY,
        // To take back what was never put there is to do nothing.
        also_failed: true,
    })
}

fn read_kind(task: &Entry, entry: &Entry, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Kind {
    let node = &entry.value;
    if !matches!(node.value, Value::Map(_)) {
        return kind::read_run(task, entry, &task.value, scope, reader);
    }
    match (node.entry("run"), node.entry("exec")) {
        (Some(run), None) => {
            let owner = if node.get("shell").is_some() { node } else { &task.value };
            kind::read_run(task, run, owner, scope, reader)
        }
        (None, Some(exec)) => {
            if let Some(shell) = node.entry("shell") {
                let (kind, help) = ("a `rollback` by `exec`", "it belongs to `run`: drop it");
                let problem = Problem::Misplaced { key: "shell", kind, help };
                reader.report.add(shell.place, problem);
            }
            Kind::Exec { argv: reader.argv(&exec.value, scope) }
        }
        (Some(one), Some(other)) => {
            let message = "the rollback has `run` and `exec`".to_owned();
            let help = "keep one of them; a script may call the program";
            reader.report.add(one.place.max(other.place), Problem::Conflict(message, help));
            kind::NOTHING
        }
        (None, None) => {
            let strange =
                |it: &Entry| !["shell", "retry", "timeout", "also_failed"].contains(&&*it.key);
            if !node.entries().iter().any(strange) {
                let message = "the rollback has neither `run` nor `exec`".to_owned();
                let help = "say what undoes the task: `rollback: { run: SCRIPT }`";
                reader.report.add(entry.place, Problem::Conflict(message, help));
            }
            kind::NOTHING
        }
    }
}

/// Reads `on_run_failure`: a word, or a mapping that says how to roll back.
pub(super) fn read_policy(node: Option<&Node>, reader: &mut Reader<'_, '_, '_>) -> OnRunFailure {
    let Some(node) = node else { return OnRunFailure::Keep };
    let get = |key: &str| node.get(key);
    let says_so = matches!(node.value, Value::Map(_))
        || read_word(node, &ON_RUN_FAILURE_WORDS).unwrap_or(false);
    if !says_so {
        return OnRunFailure::Keep;
    }
    let default = UndoPolicy::default();
    OnRunFailure::RollBack {
        when: get("when").and_then(|it| reader.expr(it, &Scope::of_end())),
        how: UndoPolicy {
            parallel: get("parallel").and_then(number).unwrap_or(default.parallel),
            goes_on: get("on_undo_failure")
                .and_then(|it| read_word(it, &ON_UNDO_FAILURE))
                .unwrap_or(default.goes_on),
        },
    }
}
