//! How an end follows from what failed or was passed over first.

use shared::id::TaskPath;
use shared::state::{AttemptOutcome, Failure, Outcome, Skip, TaskPhase};
use shared::why::{Blocker, BlockerKind};
use shared::workflow::{OnFailure, Workflow};

use super::{NAMED_MAX, blocker, ended_text};
use crate::state::{Run, TaskRun};

/// What the end of a task run that did not fail by itself goes back to: the way to the first that did, where others are
/// between; who has stopped it; what its `when` has read; which of its items failed.
pub(super) fn causes(
    run: &Run,
    workflow: &Workflow,
    path: &TaskPath,
    progress: &TaskRun,
    outcome: &Outcome,
) -> Vec<Blocker> {
    match outcome {
        Outcome::UpstreamFailed | Outcome::Skipped(Skip::Rule) => way(run, workflow, path),
        Outcome::Cancelled => stopped(run),
        Outcome::Failed(Failure::Attempt(AttemptOutcome::Cancelled)) => stopped(run),
        Outcome::Failed(Failure::Items { .. }) => items(path, progress),
        Outcome::Skipped(Skip::When) => when(run, workflow, path, progress),
        Outcome::Skipped(Skip::Person { .. } | Skip::Expired | Skip::Tasks)
        | Outcome::Failed(_)
        | Outcome::Succeeded => Vec::new(),
    }
}

/// `; its failure is tolerated`, of one that the workflow goes on from.
pub(super) fn tolerated(run: &Run, workflow: &Workflow, path: &TaskPath) -> &'static str {
    let Some(place) = workflow.tasks.iter().position(|it| it.name == path.task) else { return "" };
    let whole = &run.tasks[place];
    let is_tolerated =
        path.item.is_some() && whole.phase == TaskPhase::Finished(Outcome::Succeeded);
    match is_tolerated || workflow.tasks[place].on_failure == OnFailure::Continue {
        true => "; this is tolerated",
        false => "",
    }
}

/// From a task to the one that decided first: `load ← list` and how each on the way ended.
fn way(run: &Run, workflow: &Workflow, path: &TaskPath) -> Vec<Blocker> {
    let place = |name: &str| workflow.tasks.iter().position(|it| it.name.as_str() == name);
    let Some(mut at) = place(path.task.as_str()) else { return Vec::new() };
    let mut way: Vec<usize> = Vec::new();
    loop {
        let needs = workflow.tasks[at].needs.iter().filter_map(|it| place(it.as_str()));
        let bad = needs.filter(|it| is_bad(&run.tasks[*it]));
        // What ended first has decided; what failed goes before what was only passed over.
        let Some(next) = bad.min_by_key(|it| (rank(&run.tasks[*it]), run.tasks[*it].since)) else {
            break;
        };
        if way.contains(&next) {
            break;
        }
        way.push(next);
        at = next;
    }
    let mut blockers = Vec::new();
    if way.len() > 1 {
        let steps = way
            .iter()
            .map(|it| format!("{} ({})", workflow.tasks[*it].name, run.tasks[*it].phase.word()));
        let steps: Vec<String> = steps.collect();
        let text = format!("it needs {}", steps.join(", which needs "));
        blockers.push(blocker(BlockerKind::Cause, text, run.tasks[way[0]].since));
    }
    let first = way.last().map(|it| (&workflow.tasks[*it], &run.tasks[*it]));
    if let Some((task, it)) = first
        && let Some(outcome @ (Outcome::Skipped(_) | Outcome::Cancelled)) = it.phase.outcome()
    {
        let text = format!("{} {}", task.name, ended_text(it, outcome));
        blockers.push(blocker(BlockerKind::Cause, text, it.since));
        let path = TaskPath::task(task.name.clone());
        blockers.extend(causes_of_end(run, workflow, &path, it, outcome));
    }
    blockers
}

fn causes_of_end(
    run: &Run,
    workflow: &Workflow,
    path: &TaskPath,
    it: &TaskRun,
    outcome: &Outcome,
) -> Vec<Blocker> {
    match outcome {
        Outcome::Cancelled => stopped(run),
        Outcome::Skipped(Skip::When) => when(run, workflow, path, it),
        Outcome::Skipped(Skip::Rule | Skip::Person { .. } | Skip::Expired | Skip::Tasks)
        | Outcome::Succeeded
        | Outcome::Failed(_)
        | Outcome::UpstreamFailed => Vec::new(),
    }
}

fn is_bad(it: &TaskRun) -> bool {
    it.phase.outcome().is_some_and(|it| !it.is_success())
}

fn rank(it: &TaskRun) -> u8 {
    match it.phase.outcome() {
        Some(Outcome::Failed(_)) => 0,
        Some(Outcome::UpstreamFailed | Outcome::Cancelled) => 1,
        Some(Outcome::Skipped(_) | Outcome::Succeeded) | None => 2,
    }
}

/// Who has stopped what was stopped.
fn stopped(run: &Run) -> Vec<Blocker> {
    let said =
        |comment: &Option<String>| comment.as_ref().map_or(String::new(), |it| format!(": {it}"));
    let cancel = run.cancel.as_ref().map(|it| {
        let text = format!("the run was cancelled by {}{}", it.actor.name, said(&it.comment));
        blocker(BlockerKind::Cause, text, it.at)
    });
    let rollback = run.rollback.as_ref().filter(|_| run.cancel.is_none()).map(|it| {
        let who = &it.actor.name;
        let text =
            format!("it was stopped so that {who} could have the run undone{}", said(&it.comment));
        blocker(BlockerKind::Cause, text, it.at)
    });
    cancel.into_iter().chain(rollback).collect()
}

/// The items that failed, in the order in which they did.
fn items(path: &TaskPath, mapped: &TaskRun) -> Vec<Blocker> {
    let items = mapped.items.as_ref().map_or(&[][..], |it| it.list());
    let mut failed: Vec<_> = items
        .iter()
        .filter_map(|it| match it.progress.phase.outcome() {
            Some(outcome @ Outcome::Failed(_)) => Some((it, outcome)),
            _ => None,
        })
        .collect();
    failed.sort_by_key(|(it, _)| it.progress.since);
    let told = failed.iter().take(NAMED_MAX).map(|(it, outcome)| {
        let name = TaskPath::item(path.task.clone(), it.item.key.clone());
        let text = format!("{name} {}", ended_text(&it.progress, outcome));
        blocker(BlockerKind::Cause, text, it.progress.since)
    });
    let mut told: Vec<Blocker> = told.collect();
    if failed.len() > told.len() {
        let text = format!("{} more items failed", failed.len() - told.len());
        told.push(blocker(BlockerKind::Cause, text, mapped.since));
    }
    told
}

/// What a `when` says, and the values of what it names, as far as they are kept.
fn when(run: &Run, workflow: &Workflow, path: &TaskPath, progress: &TaskRun) -> Vec<Blocker> {
    let task = workflow.tasks.iter().find(|it| it.name == path.task);
    let Some(when) = task.and_then(|it| it.when.as_ref()) else { return Vec::new() };
    let values = when.names().iter().filter_map(|name| {
        Some(format!("{name} was {}", shared::expr::short(&value(run, workflow, name)?)))
    });
    let values: Vec<String> = values.take(NAMED_MAX).collect();
    let values = if values.is_empty() { String::new() } else { format!("; {}", values.join(", ")) };
    let text = format!("the `when` of {} is `{}`{values}", path.task, when.source());
    vec![blocker(BlockerKind::Cause, text, progress.since)]
}

fn value(run: &Run, workflow: &Workflow, name: &str) -> Option<serde_json::Value> {
    let (root, rest) = name.split_once('.')?;
    let (first, rest) = rest.split_once('.').unwrap_or((rest, ""));
    let value = match root {
        "params" => run.params.get(&first.into()).cloned()?,
        "tasks" => {
            let place = workflow.tasks.iter().position(|it| it.name.as_str() == first)?;
            crate::scope::task(&run.tasks[place])
        }
        _ => return None,
    };
    let steps = rest.split('.').filter(|it| !it.is_empty());
    steps.into_iter().try_fold(value, |value, step| value.get(step).cloned())
}
