//! How a run is undone: newest first, each undo a durable machine of its own. Source: semantics, rule 12; decisions, 16
//! and 19.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use shared::id::{RunId, TaskPath};
use shared::request::{Actor, Answer, Refusal, RefusalCode, RollbackWhat};
use shared::state::{AttemptOutcome, Outcome, RunOutcome, RunPhase, TaskPhase, Wait};
use shared::workflow::{OnRunFailure, Section, UndoPolicy};

use crate::definition::Definition;
use crate::event::Event;
use crate::faults::{self, Fault};
use crate::input::Archived;
use crate::mark::finally_of;
use crate::person::conflict;
use crate::retry::reopen;
use crate::scope;
use crate::state::{Run, Spot, State, TaskRun};
use crate::step::Turn;

impl Turn<'_> {
    /// Has a run undone. What runs of it is stopped first; of one that has ended it is begun when the run may be active.
    pub(crate) fn roll_back(
        &mut self,
        actor: Actor,
        run: RunId,
        what: RollbackWhat,
        comment: Option<String>,
        archived: Option<Box<Archived>>,
    ) -> Result<Answer, Refusal> {
        let mut trial = State::default();
        let state = match (&archived, self.state.runs.get(&run)) {
            (_, Some(_)) => &*self.state,
            (Some(archived), None) => {
                trial.apply(&crate::Stamped { at: self.now, event: reopen(archived) });
                &trial
            }
            (None, None) => {
                return Err(Refusal::new(RefusalCode::NotFound, "there is no such run"));
            }
        };
        if let (RollbackWhat::Retry(path), RunPhase::RollingBack(_)) = (&what, state.run(run).phase)
        {
            let spot = may_retry(state, run, path)?;
            return Ok(self.retry_undo(spot, actor, comment));
        }
        may_be_asked(state.run(run))?;
        if self.state.runs.get(&run).is_some_and(|it| it.phase == RunPhase::Queued) {
            return Err(
                conflict("the run waits to start".to_owned()).help("cancel it, then roll it back")
            );
        }
        let (tasks, not_undone) = choose(state, run, &what)?;
        let is_over = state.run(run).tasks.iter().all(|it| it.phase.is_over());
        if tasks.is_empty() && (is_over || matches!(what, RollbackWhat::Retry(_))) {
            let message = match not_undone.len() {
                0 => "nothing of the run has succeeded that could be undone".to_owned(),
                _ => format!("what has succeeded has no undo: {}", not_undone.join(", ")),
            };
            return Err(conflict(message).help("a task's undo is its `rollback`"));
        }
        let was_over = !self.state.runs.contains_key(&run);
        if let (true, Some(archived)) = (was_over, archived) {
            self.emit(reopen(&archived));
        }
        let (by, said) = (actor.clone(), comment.clone());
        self.emit(Event::RollbackAsked { run, actor: by, what, comment: said });
        if !was_over && self.state.run(run).cancel.is_none() {
            self.stop_run(&actor, run, false, comment);
        }
        self.touched.insert(run);
        let tasks = tasks.iter().map(ToString::to_string).collect();
        Ok(Answer::RollingBack { tasks, not_undone })
    }

    /// Has the undo of one task run begin again, in a run that is being undone.
    fn retry_undo(&mut self, spot: Spot, actor: Actor, comment: Option<String>) -> Answer {
        let task = self.state.path(spot);
        let names = vec![task.clone().forward().to_string()];
        self.emit(Event::TaskReleased { run: spot.run, task, actor, comment });
        self.touched.insert(spot.run);
        Answer::RollingBack { tasks: names, not_undone: Vec::new() }
    }

    /// Begins to undo a run whose tasks have ended, if somebody wants that; `false` if nobody does.
    pub(crate) fn begin_rollback(&mut self, run: RunId, outcome: RunOutcome) -> bool {
        let it = self.state.run(run);
        let policy = policy(self.state, run);
        let (actor, what, comment) = match &it.rollback_asked {
            Some(asked) => (asked.actor.clone(), asked.what.clone(), asked.comment.clone()),
            None => match self.is_automatic(run, outcome) {
                Ok(true) => (Actor::daemon(), RollbackWhat::All, None),
                Ok(false) => return false,
                Err(problem) => {
                    let text = format!("`on_run_failure.when` {problem}");
                    (Actor::daemon(), RollbackWhat::All, Some(text))
                }
            },
        };
        let Ok((tasks, not_undone)) = choose(self.state, run, &what) else { return false };
        let goes_on =
            matches!(what, RollbackWhat::Retry(_)) || self.state.run(run).undos().next().is_some();
        if tasks.is_empty() && !goes_on {
            return false;
        }
        let not_undone = not_undone.iter().map(|it| it.as_str().into()).collect();
        let begun = Event::RollbackBegun {
            run,
            actor: actor.clone(),
            outcome,
            tasks,
            not_undone,
            policy,
            comment,
        };
        self.emit(begun);
        // What has run already runs again at this end.
        let finally = finally_of(self.state, run);
        let over = |path: &TaskPath| {
            let spot = self.state.spot(run, path);
            spot.is_some_and(|it| self.state.task_run(it).phase.is_over())
        };
        let tasks: Vec<TaskPath> = finally.into_iter().filter(over).collect();
        if !tasks.is_empty() {
            self.emit(Event::TasksReset { run, actor, tasks, comment: None });
        }
        true
    }

    fn is_automatic(&self, run: RunId, outcome: RunOutcome) -> Result<bool, String> {
        let policy = &self.state.definition(run).workflow.on_run_failure;
        let OnRunFailure::RollBack { when, .. } = policy else { return Ok(false) };
        if outcome != RunOutcome::Failed {
            return Ok(false);
        }
        let Some(when) = when else { return Ok(true) };
        let scope = scope::of_run_and_tasks(self.state, run, when.names().iter());
        when.is_true(&scope).map_err(|it| it.to_string())
    }

    /// Starts the undos that may start; `Some` with the outcome once nothing more will.
    pub(crate) fn go_on_undoing(&mut self, run: RunId) -> Option<RunOutcome> {
        let next = next_undos(self.state, run);
        if !next.is_empty() {
            if self.state.held_back(self.state.run(run)).is_none() {
                next.into_iter().for_each(|spot| self.make_ready(spot));
            }
            return None;
        }
        let it = self.state.run(run);
        let is_open = |undo: &TaskRun| match &undo.phase {
            TaskPhase::Waiting(Wait::Needs) | TaskPhase::Finished(_) => false,
            TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Active(_) => true,
        };
        if it.undos().any(|(_, undo)| is_open(undo)) {
            return None;
        }
        let is_done =
            |undo: &TaskRun| matches!(undo.phase, TaskPhase::Finished(Outcome::Succeeded));
        Some(match it.undos().all(|(_, undo)| is_done(undo)) {
            true => RunOutcome::RolledBack,
            false => RunOutcome::RollbackFailed,
        })
    }
}

fn policy(state: &State, run: RunId) -> UndoPolicy {
    match &state.definition(run).workflow.on_run_failure {
        OnRunFailure::Keep => UndoPolicy::default(),
        OnRunFailure::RollBack { how, .. } => *how,
    }
}

fn may_be_asked(run: &Run) -> Result<(), Refusal> {
    match run.phase {
        RunPhase::RollingBack(_) => Err(conflict("the run is being rolled back".to_owned())
            .help("`runyard show` says how far it has come")),
        RunPhase::Closing(_) => Err(conflict("the run's `finally` is running".to_owned())
            .help("roll it back once it has ended")),
        RunPhase::Queued | RunPhase::Active if run.rollback_asked.is_some() => {
            Err(conflict("the run waits to be rolled back already".to_owned()))
        }
        RunPhase::Queued if run.started_at.is_none() => {
            Err(conflict("nothing of the run has run".to_owned()).help("`runyard cancel` stops it"))
        }
        RunPhase::Queued | RunPhase::Active | RunPhase::Ended(_) => Ok(()),
    }
}

/// The undo that a person wants again: it has failed, or is held.
fn may_retry(state: &State, run: RunId, path: &TaskPath) -> Result<Spot, Refusal> {
    let path = path.clone().forward();
    let spot = state.spot(run, &path.clone().undo()).ok_or_else(|| {
        let message = format!("`{path}` of {} is not being undone", state.run(run).label());
        Refusal::new(RefusalCode::NotFound, message).help("`runyard show` lists what is")
    })?;
    match &state.task_run(spot).phase {
        TaskPhase::Finished(Outcome::Succeeded) => {
            Err(conflict(format!("`{path}` was undone, and nothing is undone twice")))
        }
        TaskPhase::Finished(_) | TaskPhase::Waiting(Wait::Hold { .. }) => Ok(spot),
        phase @ (TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Active(_)) => {
            Err(conflict(format!("the undo of `{path}` has not failed: it is {}", phase.word())))
        }
    }
}

/// What is undone, newest first, and what of it cannot be.
pub(crate) fn choose(
    state: &State,
    run: RunId,
    what: &RollbackWhat,
) -> Result<(Vec<TaskPath>, Vec<String>), Refusal> {
    let definition = state.definition(run);
    let it = state.run(run);
    if let RollbackWhat::Retry(path) = what {
        let retried = may_retry(state, run, path);
        let retried = match retried {
            Ok(spot) => Some(spot),
            // It was marked as undone meanwhile: what waits for it goes on.
            Err(_) if it.rollback_asked.is_some() => None,
            Err(refusal) => return Err(refusal),
        };
        let waiting = it.undos().filter(|(_, undo)| undo.phase == TaskPhase::Waiting(Wait::Needs));
        let spots = waiting.map(|(spot, _)| spot).chain(retried);
        let paths = newest_first(state, spots.map(Spot::forward).collect());
        return Ok((paths, Vec::new()));
    }
    // Of a mapped group what is behind it within the same item.
    let mut of_chains = BTreeSet::new();
    let chosen: Option<Vec<u32>> = match what {
        RollbackWhat::All | RollbackWhat::Retry(_) => None,
        RollbackWhat::Tasks(paths) => {
            let (mut places, mut behind) = (Vec::new(), Vec::new());
            for path in paths {
                let spot = state.spot(run, &path.clone().forward()).ok_or_else(|| {
                    let message = format!("{} has no task `{path}`", it.label());
                    Refusal::new(RefusalCode::NotFound, message).help("`runyard show` lists them")
                })?;
                match definition.chain(spot.task).filter(|_| spot.item.is_some()) {
                    Some(chain) => {
                        let then = definition.downstream_in_chain(spot.task);
                        let all = then.into_iter().chain([spot.task]);
                        of_chains.extend(all.map(|task| (task, spot.item)));
                        behind.extend(definition.downstream_of_end(chain));
                    }
                    None => places.push(spot.task),
                }
            }
            let downstream = definition.downstream(places.iter().copied());
            Some(places.into_iter().chain(downstream).chain(behind).collect())
        }
    };
    // Of a task of which only some items are meant, only those; whatever is downstream as a whole.
    let items: Vec<&TaskPath> = match what {
        RollbackWhat::Tasks(paths) => {
            let in_chain = |it: &&TaskPath| {
                definition.place(&it.task).is_some_and(|it| definition.chain(it).is_some())
            };
            paths.iter().filter(|it| it.item.is_some() && !in_chain(it)).collect()
        }
        RollbackWhat::All | RollbackWhat::Retry(_) => Vec::new(),
    };
    let is_meant = |spot: &Spot| {
        let task = definition.task(spot.task);
        let of_task: Vec<_> = items.iter().filter(|it| it.task == task.name).collect();
        let as_item =
            of_task.is_empty() || of_task.iter().any(|it| it.item == state.path(*spot).item);
        task.section == Section::Main
            && as_item
            && (of_chains.contains(&(spot.task, spot.item))
                || chosen.as_ref().is_none_or(|it| it.contains(&spot.task)))
    };
    let undo: Vec<Spot> =
        it.spots().filter(|spot| is_meant(spot) && can_be_undone(state, *spot)).collect();
    let left = it.spots().filter(|spot| is_meant(spot) && has_no_undo(state, *spot));
    let left = left.map(|spot| state.path(spot).to_string()).collect();
    Ok((newest_first(state, undo), left))
}

fn newest_first(state: &State, mut spots: Vec<Spot>) -> Vec<TaskPath> {
    spots.sort_by_key(|spot| Reverse((state.task_run(*spot).since, *spot)));
    spots.into_iter().map(|spot| state.path(spot)).collect()
}

/// Whether a task run has done something that its undo can take back. An item is judged by itself, whatever the verdict
/// on its task.
fn can_be_undone(state: &State, spot: Spot) -> bool {
    let Some(rollback) = &state.task(spot).rollback else { return false };
    let progress = state.task_run(spot);
    let is_done = match &progress.phase {
        TaskPhase::Finished(Outcome::Succeeded) => true,
        // Stopped half-way is failed.
        TaskPhase::Finished(Outcome::Failed(_) | Outcome::Cancelled) => rollback.also_failed,
        TaskPhase::Finished(_)
        | TaskPhase::Waiting(_)
        | TaskPhase::Queued
        | TaskPhase::Active(_) => false,
    };
    is_done && has_run(state, spot, progress)
}

fn has_run(state: &State, spot: Spot, progress: &TaskRun) -> bool {
    let has_run = progress.attempts.len() > progress.attempts_undone as usize;
    let is_undone = progress.is_undone() && !faults::active(Fault::UndoneTwice);
    !is_undone && has_run && !state.is_parent(spot)
}

fn has_no_undo(state: &State, spot: Spot) -> bool {
    let task = state.task(spot);
    let progress = state.task_run(spot);
    let succeeded = progress.phase == TaskPhase::Finished(Outcome::Succeeded);
    let is_work = !matches!(task.kind, shared::workflow::Kind::Check { .. });
    let has_none = succeeded && task.rollback.is_none() && task.has_process() && is_work;
    (has_none || was_left(state, spot, progress)) && has_run(state, spot, progress)
}

/// Whether it succeeded once, was to run again and has not: nobody knows any more what it had given back.
fn was_left(state: &State, spot: Spot, progress: &TaskRun) -> bool {
    let of_now = progress.attempts.iter().skip(progress.attempts_undone as usize);
    let succeeded = |it: &crate::state::Attempt| it.outcome == Some(AttemptOutcome::Succeeded);
    let can_be = state.task(spot).rollback.is_some();
    can_be && !can_be_undone(state, spot) && of_now.into_iter().any(succeeded)
}

/// The undos that may start: never one before those of what was built on it, and no more at once than the policy says.
fn next_undos(state: &State, run: RunId) -> Vec<Spot> {
    let it = state.run(run);
    let Some(rollback) = &it.rollback else { return Vec::new() };
    if it.cancel.is_some() {
        return Vec::new();
    }
    let definition = state.definition(run);
    let mut under_way = 0_usize;
    let mut pending: Vec<(Reverse<_>, Spot)> = Vec::new();
    let mut in_the_way: Vec<Spot> = Vec::new();
    for (spot, undo) in it.undos() {
        let bars = match &undo.phase {
            TaskPhase::Finished(Outcome::Succeeded) => false,
            TaskPhase::Finished(_) => !rollback.policy.goes_on,
            TaskPhase::Waiting(Wait::Needs) => {
                let ended = state.task_run(spot.forward()).since;
                pending.push((Reverse((ended, spot)), spot));
                true
            }
            TaskPhase::Waiting(Wait::Hold { .. }) => true,
            TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Active(_) => {
                under_way += 1;
                true
            }
        };
        if bars {
            in_the_way.push(spot.forward());
        }
    }
    let barred = barred_by(definition, &in_the_way);
    pending.sort_unstable();
    if faults::active(Fault::UndoOldestFirst) {
        pending.reverse();
    }
    let room = (rollback.policy.parallel as usize).saturating_sub(under_way);
    let free = pending.into_iter().map(|it| it.1);
    let is_barred = |spot: &Spot| {
        let whole = Spot { item: None, ..spot.forward() };
        barred.contains(&whole) || barred.contains(&spot.forward())
    };
    free.filter(|spot| !is_barred(spot)).take(room).collect()
}

/// What the task runs at some spots were built on: within a mapped group that is of the same item, all else as a whole.
fn barred_by(definition: &Definition, in_the_way: &[Spot]) -> BTreeSet<Spot> {
    let mut barred = BTreeSet::new();
    let mut wholes: BTreeSet<u32> = BTreeSet::new();
    let Some(run) = in_the_way.first().map(|it| it.run) else { return barred };
    for spot in in_the_way {
        match definition.chain(spot.task) {
            Some(chain) if spot.item.is_some() => {
                let before = definition.upstream_in_chain(spot.task);
                barred.extend(before.into_iter().map(|task| Spot { task, ..*spot }));
                wholes.insert(chain);
                wholes.insert(spot.task);
            }
            Some(_) | None => drop(wholes.insert(spot.task)),
        }
    }
    for task in wholes {
        let chain = definition.chain(task);
        let outside = |it: &u32| chain.is_none() || definition.chain(*it) != chain;
        let before = definition.upstream([task]).into_iter().filter(outside);
        barred.extend(before.map(|task| Spot::task(run, task)));
    }
    barred
}
