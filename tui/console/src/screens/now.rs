//! What goes on in a run that is not over, in a line.

use std::collections::BTreeMap;

use shared::snapshot::{QueueRow, RunRow};
use shared::why::{Blocker, BlockerKind};

use crate::app::App;
use crate::format;
use crate::needs;
use crate::target::is_over;

/// The most tasks of a run that are named.
const NAMED_MAX: usize = 4;

/// What holds it, asks, runs and waits; what has failed of it before stands behind that.
pub(super) fn busy_with(app: &App, row: &RunRow) -> String {
    let mut facts = Vec::new();
    if let Some(pause) = row.pause.as_ref().filter(|_| !all_is_paused(app)) {
        facts.push(format!("paused {}", needs::pause_text(app, pause)));
    }
    let count = |word: &str| row.counts.get(word).copied().filter(|it| *it > 0).map(u64::from);
    facts.extend(count("held").map(|it| format!("{} held", format::plural(it, "task"))));
    let approvals = app.store.approvals.iter().filter(|it| it.run == row.id);
    facts.extend(named(app, approvals.map(|it| it.task.as_str())).map(|it| format!("asks: {it}")));
    facts.extend(runs_and_waits(app, row));
    match facts.is_empty() {
        true if row.state == "rolling_back" => facts.push("undoes what it has done".to_owned()),
        true if row.state == "queued" && row.reason.is_none() => {
            facts.push("waits for its turn".to_owned())
        }
        true => facts.extend(Some(counts(row)).filter(|it| !it.is_empty())),
        false => {}
    }
    facts.extend(needs::failed::cause(row));
    facts.join("; ")
}

/// The same of a run that is not over; why one that is over ended so.
pub(super) fn cause(app: &App, row: &RunRow) -> String {
    match is_over(&row.state) {
        true => needs::failed::cause(row).unwrap_or_default(),
        false => busy_with(app, row),
    }
}

/// What a task run waits for that is in the queue: the first thing in its way.
pub(super) fn waits_for(app: &App, row: &QueueRow) -> Option<String> {
    in_its_way(app, row).map(|it| it.text.clone())
}

fn in_its_way<'a>(app: &App, row: &'a QueueRow) -> Option<&'a Blocker> {
    row.blockers.iter().find(|it| is_own(app, it))
}

/// A pause of everything stands above all screens and is the same for all.
fn is_own(app: &App, blocker: &Blocker) -> bool {
    !(blocker.kind == BlockerKind::Paused && all_is_paused(app))
}

fn all_is_paused(app: &App) -> bool {
    app.store.daemon.as_ref().is_some_and(|it| it.pause.is_some())
}

fn runs_and_waits(app: &App, row: &RunRow) -> Vec<String> {
    let Some(queue) = &app.store.queue else { return Vec::new() };
    let mut facts = Vec::new();
    let holders = queue.holders.iter().filter(|it| it.run == row.id);
    facts.extend(named(app, holders.map(|it| it.task.as_str())));
    let waiting = || queue.queue.iter().filter(|it| it.run == row.id);
    if let Some(names) = named(app, waiting().map(|it| it.task.as_str())) {
        facts.push(match waiting().next().and_then(|it| in_its_way(app, it)) {
            Some(it) if it.kind != BlockerKind::Slots => format!("{names} waits: {}", it.text),
            _ => format!("waits for a slot: {names}"),
        });
    }
    facts
}

/// Tasks by name, the items of one as a number: `parse ×64, fit`.
fn named<'a>(app: &App, paths: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut tasks: BTreeMap<&str, u64> = BTreeMap::new();
    for path in paths {
        *tasks.entry(path.split(':').next().unwrap_or(path)).or_default() += 1;
    }
    let times = if app.settings.unicode { '×' } else { 'x' };
    let mut names: Vec<String> = tasks
        .iter()
        .take(NAMED_MAX)
        .map(|(task, many)| match many {
            1 => (*task).to_owned(),
            many => format!("{task} {times}{many}"),
        })
        .collect();
    if tasks.len() > NAMED_MAX {
        names.push(format!("{} more", tasks.len() - NAMED_MAX));
    }
    (!names.is_empty()).then(|| names.join(", "))
}

/// `2 running, 5 waiting`: of what is not over.
fn counts(row: &RunRow) -> String {
    let open = ["running", "starting", "stopping", "retry_wait", "queued", "waiting"];
    let count = |word: &&str| {
        let many = row.counts.get(*word).copied().filter(|it| *it > 0)?;
        Some(format!("{} {}", format::count(u64::from(many)), word.replace('_', " ")))
    };
    open.iter().filter_map(count).collect::<Vec<_>>().join(", ")
}
