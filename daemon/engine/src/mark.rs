//! How a person says that a task run has ended, against what is known of it. Source: semantics, rule 11.

use std::collections::BTreeSet;

use shared::id::{RunId, TaskPath};
use shared::outputs::Outputs;
use shared::request::{Actor, Answer, Mark, Refusal, RefusalCode, RollbackWhat};
use shared::state::{Failure, Outcome, RunPhase, Skip, TaskPhase, Wait};

use crate::event::Event;
use crate::input::Archived;
use crate::person::{conflict, not_in_chain, not_past};
use crate::retry::{is_undone, never_begun, reopen};
use crate::state::{Spot, State};
use crate::step::Turn;

impl Turn<'_> {
    pub(crate) fn mark(
        &mut self,
        actor: Actor,
        run: RunId,
        path: &TaskPath,
        mark: Mark,
        comment: Option<String>,
        archived: Option<Box<Archived>>,
    ) -> Result<Answer, Refusal> {
        // Whether it may be is judged on a copy, so that a refusal leaves nothing behind.
        let mut trial = State::default();
        let state = match (&archived, self.state.runs.contains_key(&run)) {
            (_, true) => &*self.state,
            (Some(archived), false) => {
                trial.apply(&crate::Stamped { at: self.now, event: reopen(archived) });
                &trial
            }
            (None, false) => {
                return Err(Refusal::new(RefusalCode::NotFound, "there is no such run"));
            }
        };
        let path = match mark {
            Mark::Undone => path.clone().forward().undo(),
            Mark::Success { .. } | Mark::Failed => path.clone(),
        };
        let spot = find(state, run, &path)?;
        let was_over = !self.state.runs.contains_key(&run);
        may_be_marked(state, spot, &path, &mark, was_over)?;
        let (outcome, outputs) = match mark {
            Mark::Success { outputs } => (Outcome::Succeeded, read_outputs(state, spot, outputs)?),
            Mark::Undone => (Outcome::Succeeded, Outputs::new()),
            Mark::Failed => {
                let (by, comment) = (actor.name.clone(), comment.clone());
                (Outcome::Failed(Failure::Marked { by, comment }), Outputs::new())
            }
        };
        let mark_succeeds = outcome.is_success();
        let again = match (&outcome, spot.undo) {
            (Outcome::Succeeded, false) => stuck(state, spot)?,
            _ => Vec::new(),
        };
        let finally = if was_over && !spot.undo { finally_of(state, run) } else { Vec::new() };
        if let (true, Some(archived)) = (was_over, archived) {
            self.emit(reopen(&archived));
        }
        if let TaskPhase::Waiting(Wait::Approval { .. }) = self.state.task_run(spot).phase {
            let attempt = self.attempt_ref(spot);
            self.end_approval(attempt, shared::state::AttemptOutcome::Cancelled);
        }
        let by = actor.clone();
        let said = comment.clone();
        let task = path.clone();
        self.emit(Event::TaskMarked { run, task, actor: by, outcome, outputs, comment: said });
        let is_last = |it: &TaskPath| finally.contains(&TaskPath::task(it.task.clone()));
        let again: Vec<TaskPath> = again.into_iter().filter(|it| !is_last(it)).collect();
        let tasks: Vec<TaskPath> = again.into_iter().chain(finally).collect();
        let names = tasks.iter().map(ToString::to_string).collect();
        if !tasks.is_empty() {
            let (actor, tasks) = (actor.clone(), tasks.clone());
            let reset = Event::TasksReset { run, actor, tasks, comment: None };
            self.emit(reset);
        }
        self.look_at_reset(run, &tasks);
        if was_over && spot.undo {
            let what = RollbackWhat::Retry(path.forward());
            let (actor, comment) = (actor.clone(), comment.clone());
            self.emit(Event::RollbackAsked { run, actor, what, comment });
        }
        match spot.undo {
            true => {}
            false => {
                let is_over = self.state.task_run(spot).phase.is_over();
                if self.state.is_group(spot) && mark_succeeds && is_over {
                    let (by, comment) = (actor.name.clone(), comment.clone());
                    self.end_all(spot, &Outcome::Skipped(Skip::Person { by, comment }));
                }
                self.after_finish(spot);
                self.look_around(spot);
            }
        }
        self.touched.insert(run);
        Ok(Answer::Retried { tasks: names })
    }
}

fn find(state: &State, run: RunId, path: &TaskPath) -> Result<Spot, Refusal> {
    state.spot(run, path).ok_or_else(|| {
        let label = state.run(run).label();
        match path.undo {
            true => conflict(format!("`{}` of {label} is not being undone", path.task))
                .help("`runyard rollback` undoes it"),
            false => Refusal::new(RefusalCode::NotFound, format!("{label} has no task `{path}`"))
                .help("`runyard show` lists them"),
        }
    })
}

fn may_be_marked(
    state: &State,
    spot: Spot,
    path: &TaskPath,
    mark: &Mark,
    was_over: bool,
) -> Result<(), Refusal> {
    let run = state.run(spot.run);
    if !spot.undo && (matches!(run.phase, RunPhase::RollingBack(_)) || run.cancel.is_some()) {
        let refusal = conflict(format!("the run is {}", run.word()));
        return Err(refusal.help("mark it once that has ended"));
    }
    if !spot.undo && run.rollback_asked.is_some() {
        let refusal = conflict("the run waits to be rolled back".to_owned());
        return Err(refusal.help("`runyard cancel` calls that off"));
    }
    let runs_again = matches!(run.phase, RunPhase::Queued | RunPhase::Active) && !was_over;
    if spot.undo && runs_again && run.rollback_asked.is_none() {
        // What is built on it may run already.
        let refusal = conflict(format!("the run is {}, and not being undone", run.word()));
        return Err(refusal.help("mark it once the run has ended"));
    }
    // How the tasks and the undos have ended is told to `finally`, and stays.
    if matches!(run.phase, RunPhase::Closing(_))
        && state.task(spot).section == shared::workflow::Section::Main
    {
        let refusal = conflict("the run's `finally` is running".to_owned());
        return Err(refusal.help("mark it once the run has ended"));
    }
    not_past(state, spot, path)?;
    not_in_chain(state, spot, path)?;
    if let Some(group) = never_begun(state, spot).filter(|_| !spot.undo) {
        let group = state.path(group);
        let refusal = conflict(format!("`{path}` is in `{group}`, which has not begun"));
        return Err(refusal.help(format!("mark `{group}`, or have it run again")));
    }
    if spot.undo && *mark == Mark::Failed {
        let refusal = conflict(format!("`{path}` is an undo, and cannot be marked as failed"));
        return Err(refusal.help("`--undone` says that it was done by hand"));
    }
    let progress = state.task_run(spot);
    match (&progress.phase, mark) {
        (TaskPhase::Active(_), _) if state.is_parent(spot) => {
            let (parts, name) = match state.is_mapped_whole(spot) {
                true => ("items", format!("{path}:ITEM")),
                false => ("tasks", format!("{}/TASK", path.task)),
            };
            Err(conflict(format!("`{path}` has {parts} that have not ended"))
                .help(format!("mark its {parts}: `{name}`")))
        }
        (TaskPhase::Active(_), _) => Err(conflict(format!("`{path}` runs"))
            .help("`runyard requeue` stops it; hold it, and then it can be marked")),
        (TaskPhase::Finished(Outcome::Succeeded), Mark::Success { .. } | Mark::Undone)
            if !progress.is_undone() =>
        {
            Err(conflict(format!("`{path}` has succeeded already")))
        }
        (TaskPhase::Finished(_), _) if progress.is_undone() => {
            Err(conflict(format!("`{path}` was rolled back: it counts as not run"))
                .help("`runyard retry` runs it again"))
        }
        (TaskPhase::Finished(_) | TaskPhase::Waiting(_) | TaskPhase::Queued, _) => Ok(()),
    }
}

fn read_outputs(
    state: &State,
    spot: Spot,
    given: std::collections::BTreeMap<String, serde_json::Value>,
) -> Result<Outputs, Refusal> {
    let declared = &state.task(spot).outputs;
    let mut outputs = Outputs::new();
    for (name, value) in given {
        let value = match declared.get(&name) {
            Some(kind) => kind.read(&value).map_err(|it| {
                Refusal::new(RefusalCode::Invalid, format!("output `{name}`: {it}"))
            })?,
            None => value,
        };
        outputs.insert(name, value);
    }
    let missing: Vec<&str> =
        declared.keys().map(String::as_str).filter(|it| !outputs.contains_key(*it)).collect();
    match missing.is_empty() {
        true => Ok(outputs),
        false => {
            let message = format!("it promises the outputs {}", missing.join(", "));
            Err(Refusal::new(RefusalCode::Invalid, message)
                .help("give them with `--output NAME=VALUE`"))
        }
    }
}

/// What has not run for want of a task, however far, and what ran in its stead; but for what needs something that was
/// undone, which a retry runs first. Errors: something of it has not ended.
fn stuck(state: &State, spot: Spot) -> Result<Vec<TaskPath>, Refusal> {
    let definition = state.definition(spot.run);
    let run = state.run(spot.run);
    let phase = |task: &u32| &run.tasks[*task as usize].phase;
    let is_stuck = |task: &u32| {
        let skipped = Outcome::Skipped(Skip::Rule);
        matches!(phase(task), TaskPhase::Finished(it) if *it == Outcome::UpstreamFailed || *it == skipped)
    };
    let needs_undone =
        |task: &u32| definition.upstream([*task]).into_iter().any(|it| is_undone(run, it));
    let chain = definition.chain(spot.task).filter(|_| spot.item.is_some());
    let downstream = match chain {
        Some(chain) => definition.downstream_of_end(chain),
        None => definition.downstream([spot.task]),
    };
    let stuck: BTreeSet<u32> =
        downstream.into_iter().filter(|it| is_stuck(it) && !needs_undone(it)).collect();
    let behind = definition.downstream(stuck.iter().copied());
    let mut again = stuck;
    for task in behind.into_iter().filter(|it| !needs_undone(it) && !is_undone(run, *it)) {
        let has_begun = !run.tasks[task as usize].attempts.is_empty();
        match phase(&task) {
            TaskPhase::Finished(_) => {
                again.insert(task);
            }
            TaskPhase::Waiting(Wait::Needs) if !has_begun => {}
            TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Active(_) => {
                let path = state.path(Spot::task(spot.run, task));
                let message = format!("`{path}` would run again, and it has not ended");
                return Err(conflict(message).help("wait until it has, or cancel the run"));
            }
        }
    }
    let is_whole = |task: &u32| definition.chain(*task).is_none_or(|it| again.contains(&it));
    let (whole, parts): (Vec<u32>, Vec<u32>) = again.iter().partition(|it| is_whole(it));
    let whole = whole.into_iter().map(|task| Spot::task(spot.run, task));
    let in_item = chain.map_or_else(Vec::new, |_| definition.downstream_in_chain(spot.task));
    let in_item = in_item.into_iter().map(|task| Spot { task, ..spot });
    let of_parts = run.spots().filter(|it| it.item.is_some() && parts.contains(&it.task));
    let is_stuck = |it: &Spot| {
        let phase = &state.task_run(*it).phase;
        let skipped = Outcome::Skipped(Skip::Rule);
        matches!(phase, TaskPhase::Finished(it) if *it == Outcome::UpstreamFailed || *it == skipped)
    };
    let items: BTreeSet<Spot> = in_item.chain(of_parts).filter(is_stuck).collect();
    Ok(whole.chain(items).map(|it| state.path(it)).collect())
}

/// The tasks of `finally`, which run at each end.
pub(crate) fn finally_of(state: &State, run: RunId) -> Vec<TaskPath> {
    let definition = state.definition(run);
    let finally = definition
        .places()
        .filter(|it| definition.task(*it).section == shared::workflow::Section::Finally);
    finally.map(|task| state.path(Spot::task(run, task))).collect()
}
