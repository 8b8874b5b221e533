//! Runs that have failed and were not made good.

use std::collections::BTreeMap;
use std::time::Duration;

use shared::id::WorkflowName;
use shared::snapshot::RunRow;

use super::{Need, NeedOf};
use crate::app::App;
use crate::format;

/// For how long a run that has failed is told, if no later one succeeds.
const TOLD_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

/// What the runs of a workflow have come to, newest first.
#[derive(Default)]
struct Course<'a> {
    /// Whether one has succeeded since.
    succeeded: bool,
    newest: Option<&'a RunRow>,
    failed: u64,
}

/// Runs whose undo has failed, each; then of each workflow the newest run that has failed, if none has succeeded since.
pub(super) fn all(app: &App) -> Vec<Need> {
    let mut undos = Vec::new();
    let mut courses: BTreeMap<&WorkflowName, Course> = BTreeMap::new();
    for row in app.store.order.iter().filter_map(|id| app.store.run_row(*id)) {
        let course = courses.entry(&row.workflow).or_default();
        match row.state.as_str() {
            "succeeded" | "partial" => course.succeeded = true,
            "rollback_failed" if is_told(app, row) => undos.push(row),
            "failed" if !course.succeeded => {
                course.failed += 1;
                course.newest.get_or_insert(row);
            }
            _ => {}
        }
    }
    let mut failed: Vec<Course> = courses.into_values().collect();
    failed.retain(|it| it.newest.is_some_and(|it| is_told(app, it)));
    failed.sort_by_key(|it| std::cmp::Reverse(it.newest.and_then(|it| it.ended)));
    let undos = undos.into_iter().map(|it| need(app, it, 1, "rollback_failed", "undo"));
    let failed =
        failed.iter().filter_map(|it| Some(need(app, it.newest?, it.failed, "failed", "failed")));
    undos.chain(failed).collect()
}

/// Why it is so. Where several of its task runs have failed, how many, and the first of them.
pub(crate) fn cause(row: &RunRow) -> Option<String> {
    let (state, noun) = match row.state.as_str() {
        "rollback_failed" => ("rollback_failed", "undo"),
        _ => ("failed", "task"),
    };
    let many = row.counts.get(state).copied().map_or(0, u64::from);
    let reason = row.reason.as_deref().filter(|it| !it.is_empty());
    let failed = || format!("{} failed", format::plural(many, noun));
    match (reason, many) {
        (Some(reason), 2..) => Some(format!("{} failed, first: {reason}", format::count(many))),
        (Some(reason), _) => Some(reason.to_owned()),
        (None, 0) => None,
        (None, _) => Some(failed()),
    }
}

fn is_told(app: &App, row: &RunRow) -> bool {
    row.ended.is_none_or(|it| app.now.since(it) < TOLD_FOR)
}

fn need(app: &App, row: &RunRow, times: u64, state: &'static str, word: &'static str) -> Need {
    let ago = row.ended.map(|it| format!("{} ago", format::span(app.now.since(it))));
    let again = (times > 1).then(|| format!("{} in a row", format::count(times)));
    Need {
        of: NeedOf::Run(row.id),
        state,
        word,
        what: format!("{}#{}", row.workflow, row.number),
        text: [ago, again, cause(row)].into_iter().flatten().collect::<Vec<_>>().join(", "),
        since: row.ended,
    }
}
