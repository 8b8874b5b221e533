//! `why`: everything in the way, or what an end goes back to, with the log of what failed first.

use engine::state::Run;
use engine::why;
use shared::id::{AttemptId, PoolName, RunId, TaskPath};
use shared::request::Refusal;
use shared::why::{Blocker, BlockerKind, Why};
use shared::workflow::Workflow;

use super::look::{no_such_task, place, with_run};
use crate::driver::Readout;

/// How many task runs are explained of one run.
const TASKS_MAX: usize = 50;

/// Where the log of what failed first is.
pub(super) type FailedLog = Option<(PoolName, AttemptId)>;

pub(super) fn explain(
    readout: &Readout<'_>,
    run: RunId,
    task: Option<&str>,
) -> Result<(Why, FailedLog), Refusal> {
    let degraded = readout.degraded.map(|reason| Blocker {
        kind: BlockerKind::Degraded,
        text: format!("the daemon cannot write its state, and starts nothing: {reason}"),
        who: Vec::new(),
        since: None,
        until: None,
    });
    if let Some(it) = readout.state.runs.get(&run) {
        let mut why = match task {
            None => why::of_run(readout.state, it, TASKS_MAX),
            Some(task) => {
                let path = TaskPath::from(task);
                place(&readout.state.definition(run).workflow, path.task.as_str())?;
                let spot = readout.state.spot(run, &path).ok_or_else(|| no_such_task(it, task))?;
                why::of_task(readout.state, spot)
            }
        };
        let failed = log_of(it, &readout.state.definition(run).workflow, task);
        why.blockers.splice(0..0, degraded);
        return Ok((why, failed));
    }
    with_run(readout, run, |it, workflow| {
        let why = match task {
            None => why::of_ended_run(it, workflow),
            Some(task) => {
                let path = TaskPath::from(task);
                let place = place(workflow, path.task.as_str())?;
                let place = u32::try_from(place).expect("a workflow has few tasks");
                let items = it.tasks[place as usize].items.as_ref();
                let item = match &path.item {
                    None => None,
                    Some(key) => {
                        let found = items.and_then(|it| it.place(key));
                        Some(found.ok_or_else(|| no_such_task(it, task))?)
                    }
                };
                let progress = it.at(place, item).ok_or_else(|| no_such_task(it, task))?;
                let outcome = progress.phase.outcome();
                let outcome = outcome.ok_or_else(|| no_such_task(it, task))?;
                why::ended(it, workflow, &path, progress, outcome)
            }
        };
        Ok((why, log_of(it, workflow, task)))
    })
}

/// The log of what failed first: of the task that was asked for, or of the whole run.
fn log_of(run: &Run, workflow: &Workflow, task: Option<&str>) -> FailedLog {
    let asked = task.map(TaskPath::from);
    let failed = why::failed_paths(run, workflow);
    let (path, progress, _) = failed.into_iter().find(|(path, ..)| {
        asked
            .as_ref()
            .is_none_or(|it| it.task == path.task && (it.item.is_none() || it.item == path.item))
    })?;
    let task = workflow.tasks.iter().find(|it| it.name == path.task)?;
    let attempt = progress.attempts.last()?;
    task.has_process().then(|| (task.pool.clone(), attempt.id))
}
