//! `why`: everything in the way, or what an end goes back to, with the log of what failed first.

use engine::state::Run;
use engine::why;
use shared::id::{AttemptId, PoolName, RunId, TaskPath};
use shared::request::Refusal;
use shared::why::{Blocker, BlockerKind, Why};
use shared::workflow::Workflow;

use super::look::{no_such_task, place};
use crate::driver::Readout;

/// How many task runs are explained of one run.
const TASKS_MAX: usize = 50;

/// Where the log of what failed first is.
pub(super) type FailedLog = Option<(PoolName, AttemptId)>;

/// What is in the way of an active run; nothing, for one that has ended.
pub(super) fn active(
    readout: &Readout<'_>,
    run: RunId,
    task: Option<&str>,
) -> Result<Option<(Why, FailedLog)>, Refusal> {
    let Some(it) = readout.state.runs.get(&run) else { return Ok(None) };
    let workflow = &readout.state.definition(run).workflow;
    let mut why = match task {
        None => why::of_run(readout.state, it, TASKS_MAX),
        Some(task) => {
            let path = TaskPath::from(task);
            place(workflow, path.task.as_str())?;
            let spot = readout.state.spot(run, &path).ok_or_else(|| no_such_task(it, task))?;
            why::of_task(readout.state, spot)
        }
    };
    let degraded = readout.degraded.map(|reason| Blocker {
        kind: BlockerKind::Degraded,
        text: format!("the daemon cannot write its state, and starts nothing: {reason}"),
        who: Vec::new(),
        holders: Vec::new(),
        since: None,
        until: None,
    });
    why.blockers.splice(0..0, degraded);
    Ok(Some((why, log_of(it, workflow, task))))
}

/// What the end of a run, or of a task run of it, goes back to.
pub(super) fn ended(
    run: &Run,
    workflow: &Workflow,
    task: Option<&str>,
) -> Result<(Why, FailedLog), Refusal> {
    let why = match task {
        None => why::of_ended_run(run, workflow),
        Some(task) => {
            let path = TaskPath::from(task);
            let place = place(workflow, path.task.as_str())?;
            let of_task = &run.tasks[place];
            let progress = match (&path.item, &of_task.items) {
                (None, _) => Some(of_task),
                (Some(key), Some(items)) => {
                    items.place(key).map(|it| &items.list()[it as usize].progress)
                }
                (Some(_), None) => None,
            };
            let progress = match path.undo {
                false => progress,
                true => progress.and_then(|it| it.undo.as_deref()),
            };
            let progress = progress.ok_or_else(|| no_such_task(run, task))?;
            let outcome = progress.phase.outcome().ok_or_else(|| no_such_task(run, task))?;
            why::ended(run, workflow, &path, progress, outcome)
        }
    };
    Ok((why, log_of(run, workflow, task)))
}

/// The log of what failed first: of the task that was asked for, or of the whole run.
fn log_of(run: &Run, workflow: &Workflow, task: Option<&str>) -> FailedLog {
    let asked = task.map(TaskPath::from);
    if let Some(undo) = asked.as_ref().filter(|it| it.undo) {
        let place = workflow.tasks.iter().position(|it| it.name == undo.task)?;
        let items = run.tasks[place].items.as_ref();
        let item = undo.item.as_ref().and_then(|key| items?.place(key));
        let attempt = run.at(u32::try_from(place).ok()?, item)?.undo.as_ref()?.attempts.last()?;
        return Some((
            attempt.pool.clone().unwrap_or_else(|| workflow.tasks[place].pool.clone()),
            attempt.id,
        ));
    }
    let failed = why::failed_paths(run, workflow);
    let (path, progress, _) = failed.into_iter().find(|(path, ..)| {
        asked
            .as_ref()
            .is_none_or(|it| it.task == path.task && (it.item.is_none() || it.item == path.item))
    })?;
    let task = workflow.tasks.iter().find(|it| it.name == path.task)?;
    let attempt = progress.attempts.last()?;
    task.has_process()
        .then(|| (attempt.pool.clone().unwrap_or_else(|| task.pool.clone()), attempt.id))
}
