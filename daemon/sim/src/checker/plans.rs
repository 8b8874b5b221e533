//! What a plan has shown is what then becomes true. Source: semantics, rule 11.

use std::collections::BTreeSet;

use engine::{Event, Step};
use shared::id::{RunId, TaskPath};
use shared::plan::{Plan, Tasks};
use shared::request::{Answer, Refusal, Request};
use shared::state::{AttemptOutcome, Failure, Outcome};
use shared::workflow::Task;

use super::{Checker, Stage};

/// What a person was shown before they asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    /// The word of the state of what it is about.
    pub word: Option<String>,
    /// What would follow.
    pub plan: Result<Plan, Refusal>,
}

/// What a plan has named that is yet to be undone.
#[derive(Clone, Debug)]
pub(super) struct Foreseen {
    names: Vec<String>,
    /// Nothing ran any more, so nothing can be added.
    is_all: bool,
}

/// What the events of a step say of the task runs of a run.
#[derive(Default)]
struct Done {
    reset: BTreeSet<String>,
    run: BTreeSet<String>,
    /// In order, once a rollback has begun.
    begun: Option<Vec<String>>,
    undo: BTreeSet<String>,
    stop: BTreeSet<String>,
    drop: BTreeSet<String>,
    /// Something could not be started, and more has followed from that.
    has_more: bool,
}

impl Checker {
    /// Compares what was shown at the very moment of a request with the step that it has led to. To be asked before the
    /// events of the step are recorded.
    ///
    /// # Errors
    /// Where they differ.
    pub fn as_planned(&self, request: &Request, plan: &Plan, step: &Step) -> Result<(), String> {
        let Some(run) = request.run() else { return Ok(()) };
        let of_runs = matches!(
            request,
            Request::Pause { .. } | Request::Resume { .. } | Request::ReleaseRun { .. }
        );
        if of_runs {
            return Ok(());
        }
        let done = self.done(run, step);
        let (planned_run, stop) = (names(&plan.run), names(&plan.stop));
        let differs = |what: &str, planned: &BTreeSet<String>, real: &BTreeSet<String>| {
            Err(format!("the plan of {request:?} {what} {planned:?}, and these are: {real:?}"))
        };
        if !done.reset.is_subset(&planned_run) {
            return differs("runs", &planned_run, &done.reset);
        }
        if stop != done.stop {
            return differs("stops", &stop, &done.stop);
        }
        if let Some(begun) = &done.begun
            && !done.has_more
            && !plan.undo.names.starts_with(begun)
        {
            return Err(format!(
                "the plan of {request:?} undoes {:?}, and these are: {begun:?}",
                plan.undo.names
            ));
        }
        // What waits for its turn, or for the end of a pause, follows later.
        if !self.goes_on(run, step) {
            return Ok(());
        }
        let drop = names(&plan.drop);
        let is_same = |planned: &BTreeSet<String>, real: &BTreeSet<String>| match done.has_more {
            true => planned.is_subset(real),
            false => planned == real,
        };
        if !is_same(&planned_run, &done.run) {
            return differs("runs", &planned_run, &done.run);
        }
        // What is to be undone once the run has ended is looked at when that begins.
        let begins_later = matches!(request, Request::Rollback { .. }) && done.undo.is_empty();
        let undo = names(&plan.undo);
        if !begins_later && !is_same(&undo, &done.undo) {
            return differs("undoes", &undo, &done.undo);
        }
        match is_same(&drop, &done.drop) {
            true => Ok(()),
            false => differs("drops", &drop, &done.drop),
        }
    }

    /// A rollback was acknowledged whose plan was this; of any other act that was, what was foreseen holds no more.
    pub fn foresee(&mut self, request: &Request, answer: &Answer, plan: &Plan, was_over: bool) {
        let Some(it) = request.run().and_then(|it| self.runs.get_mut(&it)) else { return };
        match (request, answer) {
            (Request::Rollback { .. }, Answer::RollingBack { .. })
                if it.stage != Stage::RollingBack =>
            {
                let names = plan.undo.names.clone();
                it.foreseen = Some(Foreseen { names, is_all: was_over });
            }
            (Request::Prioritize { .. } | Request::Pause { .. } | Request::Resume { .. }, _) => {}
            _ => it.foreseen = None,
        }
    }

    fn goes_on(&self, run: RunId, step: &Step) -> bool {
        let started = step.events.iter().any(|it| it.event == Event::RunStarted { run });
        let waits =
            self.runs.get(&run).is_some_and(|it| matches!(it.stage, Stage::Queued | Stage::Ended));
        self.pause_of(run, None).is_none() && (started || !waits)
    }

    fn has_process(&self, run: RunId, path: &TaskPath) -> bool {
        let task = self.runs.get(&run).and_then(|it| it.task(path).ok());
        path.undo || task.is_none_or(Task::has_process)
    }

    fn done(&self, run: RunId, step: &Step) -> Done {
        let mut done = Done::default();
        let open: BTreeSet<&TaskPath> = self.open(run).collect();
        let mut preempted = BTreeSet::new();
        // What is taken up again may have another version, which is not recorded yet.
        let version = step.events.iter().find_map(|it| match &it.event {
            Event::RunReopened { run: of, workflow } if of.id == run => Some(workflow),
            _ => None,
        });
        let has_process = |path: &TaskPath| match version {
            Some(version) if !path.undo => {
                super::task_of(version, &path.task).is_none_or(Task::has_process)
            }
            _ => self.has_process(run, path),
        };
        for stamped in &step.events {
            match &stamped.event {
                Event::TasksReset { run: of, tasks, .. } if *of == run => {
                    done.reset.extend(tasks.iter().map(ToString::to_string));
                }
                Event::RollbackBegun { run: of, tasks, .. } if *of == run => {
                    let tasks: Vec<String> = tasks.iter().map(ToString::to_string).collect();
                    done.undo.extend(tasks.iter().cloned());
                    done.begun = Some(tasks);
                }
                Event::VersionTaken { run: of, added, removed, .. } if *of == run => {
                    done.run.extend(added.iter().map(ToString::to_string));
                    done.drop.extend(removed.iter().map(ToString::to_string));
                }
                // To make room for what is critical is a matter of all runs together.
                Event::AttemptPreempted { attempt, .. } => {
                    preempted.insert(attempt.id);
                }
                Event::AttemptStopping { attempt }
                    if attempt.run == run && !preempted.contains(&attempt.id) =>
                {
                    done.stop.insert(attempt.task.to_string());
                }
                Event::AttemptEnded(it)
                    if it.attempt.run == run
                        && it.outcome == AttemptOutcome::Cancelled
                        && open.contains(&it.attempt.task) =>
                {
                    done.stop.insert(it.attempt.task.to_string());
                }
                Event::TaskFinished { run: of, task, outcome } if *of == run => match outcome {
                    Outcome::Cancelled | Outcome::Skipped(_) | Outcome::UpstreamFailed => {
                        done.drop.insert(task.to_string());
                    }
                    Outcome::Failed(Failure::Expression(_)) => done.has_more = true,
                    Outcome::Succeeded | Outcome::Failed(_) => {}
                },
                Event::TaskQueued { run: of, task }
                | Event::TaskReleased { run: of, task, .. }
                | Event::TaskRequeued { run: of, task, .. }
                    if *of == run =>
                {
                    match task.undo {
                        true => done.undo.insert(task.clone().forward().to_string()),
                        false => done.run.insert(task.to_string()),
                    };
                }
                // What needs no process begins without waiting for capacity.
                Event::AttemptStarting { attempt: it, .. }
                    if it.run == run && !has_process(&it.task) =>
                {
                    done.run.insert(it.task.to_string());
                }
                _ => {}
            }
        }
        done.run.extend(done.reset.iter().cloned());
        done.drop.retain(|it| !done.stop.contains(it));
        done
    }
}

impl Foreseen {
    /// The rollback begins, with these.
    pub(super) fn begins(&self, tasks: &[TaskPath]) -> Result<(), String> {
        let tasks: Vec<String> = tasks.iter().map(ToString::to_string).collect();
        let as_shown = match self.is_all {
            true => tasks == self.names,
            false => self.names.iter().all(|it| tasks.contains(it)),
        };
        match as_shown {
            true => Ok(()),
            false => Err(format!("the plan undoes {:?}, and these are: {tasks:?}", self.names)),
        }
    }
}

fn names(tasks: &Tasks) -> BTreeSet<String> {
    tasks.names.iter().cloned().collect()
}
