//! What people do in a test, and what happens to the daemon.

use std::collections::BTreeMap;

use shared::request::Mark;
use shared::workflow::test::{Act, ActWhat};

use super::{Known, person, span};
use crate::author::reader::Reader;
use crate::problem::Problem;
use crate::yaml::{Entry, Node, Value};

/// The keys that say what an act does.
const WHATS: [&str; 12] = [
    "cancel",
    "pause",
    "resume",
    "retry",
    "retry_from",
    "hold",
    "release",
    "skip",
    "requeue",
    "mark",
    "rollback",
    "crash",
];

/// Reads `acts`.
pub(super) fn read(
    node: Option<&Node>,
    known: &Known<'_>,
    reader: &mut Reader<'_, '_, '_>,
) -> Vec<Act> {
    let items = node.map_or(&[][..], Node::items).iter();
    items.filter_map(|it| read_act(it, known, reader)).collect()
}

fn read_act(node: &Node, known: &Known<'_>, reader: &mut Reader<'_, '_, '_>) -> Option<Act> {
    let mut found: Vec<&Entry> = WHATS.iter().filter_map(|it| node.entry(it)).collect();
    found.sort_by_key(|it| it.place);
    let first = match &found[..] {
        [] => {
            let is_strange = |it: &Entry| !["at", "by", "comment"].contains(&it.key.as_str());
            if matches!(node.value, Value::Map(_)) && !node.entries().iter().any(is_strange) {
                let message = "this act does nothing".to_owned();
                let help = "say what: `cancel: true`, `retry: failed`, `hold: TASK`, …";
                reader.report.add(node.place, Problem::Conflict(message, help));
            }
            return None;
        }
        [one] => one,
        [one, other, ..] => {
            let message = format!("an act has `{}` and `{}`", one.key, other.key);
            reader.report.add(other.place, Problem::Conflict(message, "make two acts of it"));
            return None;
        }
    };
    let text = |key: &str| node.get(key).and_then(Node::text);
    Some(Act {
        line: node.place.line,
        at: span(node.get("at"))?,
        by: text("by").map(person),
        comment: text("comment").map(str::to_owned),
        what: read_what(first, known, reader)?,
    })
}

fn read_what(entry: &Entry, known: &Known<'_>, reader: &mut Reader<'_, '_, '_>) -> Option<ActWhat> {
    let value = &entry.value;
    if value.bool() == Some(false) {
        let message = format!("`{}: false` does nothing", entry.key);
        reader.report.add(value.place, Problem::Conflict(message, "write `true`, or drop the act"));
        return None;
    }
    let is_list = matches!(value.value, Value::List(_));
    Some(match entry.key.as_str() {
        "cancel" => ActWhat::Cancel { now: value.text() == Some("now") },
        "pause" => ActWhat::Pause,
        "resume" => ActWhat::Resume,
        "crash" => ActWhat::Crash,
        "rollback" if value.bool().is_some() => ActWhat::RollBack,
        "rollback" => ActWhat::RollBackTasks(known.paths(value, reader)),
        "retry" if value.text() == Some("failed") && !is_list => ActWhat::RetryFailed,
        "retry" => ActWhat::Retry(known.paths(value, reader)),
        "retry_from" => {
            let path = known.path(value.text()?, value.place, reader)?;
            ActWhat::RetryFrom(path.task)
        }
        "hold" => ActWhat::Hold(known.paths(value, reader)),
        "release" => ActWhat::Release(known.paths(value, reader)),
        "skip" => ActWhat::Skip(known.paths(value, reader)),
        "requeue" => ActWhat::Requeue(known.paths(value, reader)),
        _ => {
            let task = value.get("task")?;
            let path = known.path(task.text()?, task.place, reader)?;
            ActWhat::Mark(path, read_mark(value, reader)?)
        }
    })
}

fn read_mark(node: &Node, reader: &mut Reader<'_, '_, '_>) -> Option<Mark> {
    let outputs: BTreeMap<_, _> = node
        .get("outputs")
        .map_or(&[][..], Node::entries)
        .iter()
        .map(|it| (it.key.clone(), it.value.to_json()))
        .collect();
    let word = node.get("as")?.text()?;
    if let Some(entry) = node.entry("outputs").filter(|_| word != "success") {
        let (kind, help) = ("a mark that is no success", "drop it: only a success has outputs");
        reader.report.add(entry.place, Problem::Misplaced { key: "outputs", kind, help });
    }
    match word {
        "success" => Some(Mark::Success { outputs }),
        "failed" => Some(Mark::Failed),
        "undone" => Some(Mark::Undone),
        _ => None,
    }
}
