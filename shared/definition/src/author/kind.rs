//! What a task does: exactly one kind a task.

use std::time::Duration;

use shared::workflow::{CheckFailure, CheckItem, CheckWhat, FileWait, Kind, OnTimeout};

use super::reader::{Reader, Scope, duration, no_text, read_word, texts};
use super::{publish, script};
use crate::keys::{self, KINDS, LATER_KINDS};
use crate::problem::Problem;
use crate::yaml::{Entry, Node, Place, Value};

/// Stands for a kind that could not be read; such a workflow is refused.
pub(super) const NOTHING: Kind = Kind::Check { items: Vec::new() };

pub(super) fn read(entry: &Entry, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Kind {
    let node = &entry.value;
    let kinds = KINDS.iter().chain(&LATER_KINDS);
    let mut found: Vec<&Entry> = kinds.filter_map(|it| node.entry(it)).collect();
    found.sort_by_key(|it| it.place);
    let known = |it: &&Entry| KINDS.contains(&it.key.as_str());
    let Some(first) = found.iter().copied().find(known) else {
        let strange = |it: &Entry| !keys::TASK.supported().any(|known| known == it.key);
        if matches!(node.value, Value::Map(_)) && !node.entries().iter().any(strange) {
            reader.report.add(entry.place, Problem::NoKind(entry.key.clone()));
        }
        return NOTHING;
    };
    if let [first, second, ..] = &found[..] {
        refuse_second(&entry.key, first, second, reader);
    }
    let value = &first.value;
    match first.key.as_str() {
        "run" => read_run(entry, first, node, scope, reader),
        "exec" => Kind::Exec { argv: reader.argv(value, scope) },
        "wait" => value.get("file").map_or(NOTHING, |it| read_wait(it, scope, reader)),
        "approval" => read_approval(node, value, scope, reader),
        "publish" => publish::read(value, scope, reader),
        "tasks" => Kind::Group,
        _ => read_check(value, scope, reader),
    }
}

fn refuse_second(task: &str, first: &Entry, second: &Entry, reader: &mut Reader<'_, '_, '_>) {
    let word =
        |entry: &Entry| KINDS.iter().chain(&LATER_KINDS).copied().find(|it| *it == entry.key);
    let (Some(first_word), Some(second_word)) = (word(first), word(second)) else { return };
    let problem = if first_word == "approval" || second_word == "approval" {
        Problem::NotSupported { what: format!("`{second_word}` beside `{first_word}`") }
    } else {
        Problem::ManyKinds { task: task.to_owned(), first: first_word, second: second_word }
    };
    reader.report.add(second.place, problem);
}

/// Reads the script of `task` that stands in `entry`, for the `shell` in `owner`.
pub(super) fn read_run(
    task: &Entry,
    entry: &Entry,
    owner: &Node,
    scope: &Scope,
    reader: &mut Reader<'_, '_, '_>,
) -> Kind {
    let node = &entry.value;
    let file = node.get("file").filter(|it| it.text().is_some());
    let (script, place) = match (node.text(), file) {
        (Some(text), _) => (text.to_owned(), node.place),
        (None, Some(path)) => (read_file(path, reader), path.place),
        (None, None) => (String::new(), node.place),
    };
    script::check(&script, place, &task.key, scope, reader);
    if node.text().is_some_and(|it| it.trim().is_empty()) {
        reader.report.add(place, Problem::empty(&entry.key, "a script"));
    }
    Kind::Run { shell: read_shell(owner, reader), script }
}

fn read_shell(owner: &Node, reader: &mut Reader<'_, '_, '_>) -> Vec<String> {
    let shell = match owner.get("shell") {
        Some(list) if matches!(list.value, Value::List(_)) => texts(Some(list)),
        Some(words) => {
            words.text().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
        }
        None => ["bash", "-euo", "pipefail"].map(str::to_owned).to_vec(),
    };
    if let Some(entry) = owner.entry("shell").filter(|_| shell.is_empty()) {
        reader.report.add(entry.place, Problem::empty("shell", "a program and its arguments"));
    }
    shell
}

fn read_file(node: &Node, reader: &mut Reader<'_, '_, '_>) -> String {
    let path = node.text().unwrap_or_default();
    match (reader.read_file)(path) {
        Ok(text) => text,
        Err(reason) => {
            let problem = Problem::UnreadableFile { path: path.to_owned(), reason };
            reader.report.add(node.place, problem);
            String::new()
        }
    }
}

fn read_wait(file: &Node, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Kind {
    let path = file.get("path").and_then(|it| reader.template(it, scope));
    let stable_for = file.get("stable_for").and_then(duration);
    Kind::Wait {
        file: FileWait {
            path: path.unwrap_or_else(no_text),
            stable_for: stable_for.unwrap_or(Duration::from_secs(5)),
        },
    }
}

fn read_approval(task: &Node, node: &Node, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Kind {
    let message = node.get("message").unwrap_or(node);
    if let (Some(entry), Some(_)) = (node.entry("timeout"), task.get("timeout")) {
        let message = "the timeout of the approval is written twice".to_owned();
        reader.report.add(entry.place, Problem::Conflict(message, "drop one of the two"));
    }
    let on_timeout = node.get("on_timeout").and_then(|it| read_word(it, &keys::ON_TIMEOUT));
    Kind::Approval {
        message: reader.template(message, scope).unwrap_or_else(no_text),
        on_timeout: on_timeout.unwrap_or(OnTimeout::Reject),
    }
}

fn read_check(node: &Node, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Kind {
    if node.items().is_empty() && matches!(node.value, Value::List(_)) {
        reader.report.add(node.place, Problem::empty("check", "a check, or a list of checks"));
    }
    let items = node.items().iter().filter_map(|it| read_item(it, scope, reader));
    Kind::Check { items: items.collect() }
}

fn read_item(node: &Node, scope: &Scope, reader: &mut Reader<'_, '_, '_>) -> Option<CheckItem> {
    let what = match (node.entry("expr"), node.entry("exec")) {
        (Some(expr), None) => CheckWhat::Expr(reader.expr(&expr.value, scope)?),
        (None, Some(exec)) => CheckWhat::Exec(reader.argv(&exec.value, scope)),
        (Some(one), Some(other)) => {
            let later: Place = one.place.max(other.place);
            let message = "a check has `expr` and `exec`".to_owned();
            reader.report.add(later, Problem::Conflict(message, "make two checks of it"));
            return None;
        }
        (None, None) => {
            let strange = |it: &Entry| !["expect", "on_failure"].contains(&it.key.as_str());
            if matches!(node.value, Value::Map(_)) && !node.entries().iter().any(strange) {
                let message = "a check has neither `expr` nor `exec`".to_owned();
                reader.report.add(node.place, Problem::Conflict(message, "say what it judges"));
            }
            return None;
        }
    };
    let known: &[&str] = match what {
        CheckWhat::Expr(_) => &["trigger", "value"],
        CheckWhat::Exec(_) => &["trigger", "value", "exit"],
    };
    let of_value = scope.clone().with(known);
    Some(CheckItem {
        what,
        expect: node.get("expect").and_then(|it| reader.expr(it, &of_value)),
        on_failure: node
            .get("on_failure")
            .and_then(|it| read_word(it, &keys::CHECK_FAILURE))
            .unwrap_or(CheckFailure::Fail),
    })
}
