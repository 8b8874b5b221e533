//! What there is to say of one task or item.

use std::time::Duration;

use shared::id::TaskPath;
use shared::snapshot::{AttemptView, TaskView};
use shared::time::Timestamp;

use crate::filter::{Filter, Row};
use crate::target::{is_failed, is_over};

/// The fields that filters of tasks and items know.
pub(super) const KEYS: [&str; 4] = ["state", "kind", "pool", "cause"];

/// The path of a row.
pub(crate) fn path(task: &TaskView) -> TaskPath {
    match &task.item {
        Some(item) => TaskPath::item(task.task.as_str().into(), item.as_str().into()),
        None => TaskPath::task(task.task.as_str().into()),
    }
}

/// Whether it is one that has items.
pub(super) fn is_mapped(task: &TaskView) -> bool {
    task.item.is_none() && (task.failed_items.is_some() || !task.items.is_empty())
}

/// The word it is shown with: while its undo is under way or has failed, that of the undo.
pub(super) fn shown(task: &TaskView) -> &str {
    match task.undo.as_ref().map(|it| it.state.as_str()) {
        Some(word @ ("rolled_back" | "rollback_failed" | "held" | "retry_wait")) => word,
        Some("starting" | "running" | "stopping") => "rolling_back",
        _ => &task.state,
    }
}

/// Whether it, its undo or one of its items has failed.
pub(super) fn is_failed_task(task: &TaskView) -> bool {
    is_failed(shown(task)) || is_failed(&task.state) || task.failed_items.is_some_and(|it| it > 0)
}

/// Whether nothing more of it happens by itself.
pub(super) fn is_ended(state: &str) -> bool {
    is_over(state) || state == "upstream_failed"
}

/// What has failed first, then what waits for a person, what runs, what waits, what is over.
pub(super) fn rank(task: &TaskView) -> u8 {
    match shown(task) {
        "failed" | "rollback_failed" => 0,
        "awaiting_approval" | "held" => 1,
        "upstream_failed" => 2,
        "succeeded" | "skipped" | "cancelled" | "rolled_back" => 5,
        "waiting" | "queued" | "pending" => 4,
        _ => 3,
    }
}

/// Why it is so, as far as it says so itself.
pub(super) fn why(task: &TaskView) -> &str {
    let undo = task.undo.as_ref().and_then(|it| it.reason.as_deref());
    // What has succeeded and was undone since did not become so by succeeding.
    let outcome = task.outcome.as_deref().filter(|it| *it != task.state && *it != "succeeded");
    undo.or(task.reason.as_deref()).or(outcome).unwrap_or_default()
}

/// How long it has taken so far.
pub(super) fn lasted(task: &TaskView, now: Timestamp) -> Option<Duration> {
    task.started.map(|it| task.ended.unwrap_or(now).since(it))
}

/// Its attempts and then those of its undo, each first first; and whether it is one of the undo.
pub(super) fn attempts(task: &TaskView) -> impl Iterator<Item = (bool, &AttemptView)> {
    let undo = task.undo.iter().flat_map(|it| &it.attempts).map(|it| (true, it));
    task.attempts.iter().map(|it| (false, it)).chain(undo)
}

/// How many of its items are over, and how many there are.
pub(super) fn items_done(task: &TaskView) -> (u64, u64) {
    let all = task.items.values().map(|it| u64::from(*it)).sum();
    let over = task.items.iter().filter(|it| is_ended(it.0)).map(|it| u64::from(*it.1)).sum();
    (over, all)
}

/// Whether a filter keeps it.
pub(super) fn keeps(filter: &Filter, task: &TaskView) -> bool {
    filter.is_empty()
        || filter.keeps(&Row {
            words: &[
                &task.task,
                task.item.as_deref().unwrap_or_default(),
                shown(task),
                &task.state,
                why(task),
            ],
            fields: &[
                ("state", shown(task)),
                ("kind", &task.kind),
                ("pool", task.pool.as_ref().map(|it| it.as_str()).unwrap_or_default()),
                ("cause", why(task)),
            ],
            age: None,
        })
}
