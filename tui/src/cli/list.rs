//! Lists: workflows, runs, pools.

use shared::capacity::format_size;
use shared::rpc::RunsFilter;
use shared::snapshot::{PauseView, PoolRow, ResourceRow, RunRow, WorkflowRow};
use shared::time::{Timestamp, parse_duration};

use super::{Cx, pause};
use crate::args::Runs;
use crate::error::{Error, Exit};
use crate::format::{View, plural};
use crate::text::{Align, Line, Style, Table};
use crate::theme;

/// More than any list needs.
pub(super) const ANY: usize = 200;
/// The words of task runs for which nothing more is to be done.
const ENDED: [&str; 7] = [
    "succeeded",
    "failed",
    "skipped",
    "upstream_failed",
    "cancelled",
    "rolled_back",
    "rollback_failed",
];

pub(super) fn workflows(cx: &mut Cx) -> Result<Exit, Error> {
    let rows = cx.client()?.workflows()?;
    cx.answer(&rows, |rows, view| workflow_lines(rows, view))
}

pub(super) fn reload(cx: &mut Cx) -> Result<Exit, Error> {
    let rows = cx.client()?.reload()?;
    cx.answer(&rows, |rows, view| workflow_lines(rows, view))?;
    let broken = rows.iter().any(|it| it.state == "broken");
    Ok(if broken { Exit::Invalid } else { Exit::Done })
}

pub(super) fn runs(cx: &mut Cx, asked: &Runs) -> Result<Exit, Error> {
    let filter = RunsFilter {
        workflow: asked.workflow.clone(),
        state: asked.state.clone(),
        since: asked.since.as_deref().map(|it| since(it, cx.view().now)).transpose()?,
        limit: asked.limit,
    };
    let rows = cx.client()?.runs(filter)?;
    cx.answer(&rows, |rows, view| run_lines(rows, view))
}

pub(super) fn pools(cx: &mut Cx) -> Result<Exit, Error> {
    let rows = cx.client()?.pools()?;
    cx.answer(&rows, |rows, view| pool_lines(rows, view))
}

pub(super) fn resources(cx: &mut Cx) -> Result<Exit, Error> {
    let rows = cx.client()?.resources()?;
    cx.answer(&rows, |rows, view| resource_lines(rows, view))
}

fn resource_lines(rows: &[ResourceRow], view: &View) -> Vec<Line> {
    if rows.is_empty() {
        return vec!["no resources: `[resources]` in runyard.toml names them".into()];
    }
    let mut table = Table::new(&[
        ("RESOURCE", Align::Left, 24),
        ("STATE", Align::Left, 12),
        ("TAKEN", Align::Right, 14),
        ("RATE", Align::Left, 10),
        ("QUEUED", Align::Right, 8),
        ("", Align::Left, ANY),
    ]);
    for row in rows {
        let note = match (row.next_at, row.configured_amount) {
            (Some(at), _) => format!("again {}", view.age(at)),
            (None, Some(amount)) => format!("configured: {amount}"),
            (None, None) => String::new(),
        };
        table.row([
            row.name.as_str().into(),
            row.state.as_str().into(),
            format!("{} of {}", row.used, row.amount).into(),
            row.rate.clone().unwrap_or_default().into(),
            row.queued.to_string().into(),
            note.into(),
        ]);
    }
    table.lines(view.width)
}

/// What a pool has beside slots, and what keeps it from starting more.
fn pool_notes(row: &PoolRow) -> Vec<String> {
    let cpu = row.cpu.zip(row.cpu_used);
    let cpu = cpu.map(|(all, used)| format!("{used} of {all} processors"));
    let memory = row.memory.zip(row.memory_used);
    let memory = memory
        .map(|(all, used)| format!("{} of {} of memory", format_size(used), format_size(all)));
    let resized = row.configured_slots.map(|it| format!("resized, configured: {it} slots"));
    cpu.into_iter().chain(memory).chain(resized).chain(row.guards.clone()).collect()
}

/// An instant, or how long ago.
pub(super) fn since(text: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let ago = || parse_duration(text).ok().map(|it| now - it);
    text.parse().ok().or_else(ago).ok_or_else(|| {
        Error::usage(
            format!("`{text}` is neither an instant nor a duration"),
            "write a date, 2026-03-01T02:30:00Z, or how long ago: 2h",
        )
    })
}

pub(super) fn workflow_lines(rows: &[WorkflowRow], view: &View) -> Vec<Line> {
    if rows.is_empty() {
        return vec![
            "no workflows: put a file into the workflows folder, see `runyard status`".into(),
        ];
    }
    let mut table = Table::new(&[
        ("WORKFLOW", Align::Left, 30),
        ("STATE", Align::Left, 12),
        ("TASKS", Align::Right, 5),
        ("ACTIVE", Align::Right, 6),
        ("DESCRIPTION", Align::Left, ANY),
    ]);
    for row in rows {
        table.row([
            row.name.as_str().into(),
            theme::state(&row.state),
            row.tasks.to_string().into(),
            row.active.to_string().into(),
            row.description.as_deref().unwrap_or_default().into(),
        ]);
    }
    let mut lines = table.lines(view.width);
    for row in rows.iter().filter(|it| it.pause.is_some() || !it.problems.is_empty()) {
        lines.extend(under(row.name.as_str(), row.pause.as_ref(), view));
        lines.extend(row.problems.iter().map(|it| Line::from("  ").and(it)));
    }
    lines
}

pub(super) fn run_lines(rows: &[RunRow], view: &View) -> Vec<Line> {
    if rows.is_empty() {
        return vec!["no such runs: make one with `runyard run WORKFLOW`".into()];
    }
    let mut table = Table::new(&[
        ("RUN", Align::Left, 28),
        ("STATE", Align::Left, 14),
        ("TASKS", Align::Right, 9),
        ("MADE", Align::Right, 12),
        ("TOOK", Align::Right, 7),
        ("ID", Align::Left, 13),
        ("REASON", Align::Left, ANY),
    ]);
    for row in rows {
        let total: u64 = row.counts.values().map(|it| u64::from(*it)).sum();
        let ended: u64 =
            ENDED.iter().filter_map(|it| row.counts.get(*it)).map(|it| u64::from(*it)).sum();
        // The reason of one that is paused says less of the same.
        let paused = row.pause.as_ref().map(|it| pause::short(it, view));
        let reason = paused.or_else(|| row.reason.clone()).unwrap_or_default();
        table.row([
            format!("{}#{}", row.workflow, row.number).into(),
            theme::state(&row.state),
            format!("{ended}/{total}").into(),
            view.age(row.created).into(),
            view.took(row.started, row.ended).into(),
            row.id.to_string().into(),
            reason.into(),
        ]);
    }
    table.lines(view.width)
}

pub(super) fn pool_lines(rows: &[PoolRow], view: &View) -> Vec<Line> {
    if rows.is_empty() {
        return vec!["no pools".into()];
    }
    let mut table = Table::new(&[
        ("POOL", Align::Left, 24),
        ("KIND", Align::Left, 8),
        ("STATE", Align::Left, 10),
        ("SLOTS", Align::Right, 12),
        ("QUEUED", Align::Right, 8),
        ("LONGEST", Align::Right, 8),
    ]);
    for row in rows {
        table.row([
            row.name.as_str().into(),
            row.kind.as_str().into(),
            theme::state(&row.state),
            format!("{} of {}", row.used, row.slots).into(),
            row.queued.to_string().into(),
            view.took(row.oldest, None).into(),
        ]);
    }
    let mut lines = table.lines(view.width);
    for row in rows {
        let notes = pool_notes(row);
        if !notes.is_empty() {
            lines.push(
                Line::new()
                    .styled(Style::Bold, row.name.as_str())
                    .and(format!(": {}", notes.join("; "))),
            );
        }
    }
    for row in rows.iter().filter(|it| it.pause.is_some()) {
        lines.extend(under(row.name.as_str(), row.pause.as_ref(), view));
    }
    lines
}

/// What there is to say of a row beneath its table: its name, and who has paused it.
fn under(name: &str, pause: Option<&PauseView>, view: &View) -> Vec<Line> {
    let paused = pause.into_iter().flat_map(|it| {
        let [until, since] = pause::words(it, view);
        let first = Line::from("  ").styled(Style::Warn, "paused ").and(until);
        [first, Line::from("         ").and(since)]
    });
    let head = [Line::new(), Line::new().styled(Style::Bold, name)];
    head.into_iter().chain(paused).collect()
}

/// How many there are, for the page of `status`.
pub(super) fn runs_in_words(active: u32, queued: u32) -> String {
    format!("{} active, {queued} queued", plural(active.into(), "run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_an_instant_or_how_long_ago() {
        let now = Timestamp::from_millis(10_000_000);
        assert_eq!(since("1h", now).ok(), Some(Timestamp::from_millis(6_400_000)));
        assert_eq!(since("1970-01-01", now).ok(), Some(Timestamp(0)));
        assert_eq!(since("yesterday", now).map_err(|it| it.exit_code()), Err(2));
    }
}
