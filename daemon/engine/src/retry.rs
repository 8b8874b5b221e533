//! What runs again when a person asks for it. Source: semantics, rule 11; decisions, 18.

use std::collections::BTreeSet;

use shared::id::{RunId, TaskName, TaskPath};
use shared::request::{Actor, Answer, Refusal, RefusalCode, RetryWhat};
use shared::state::{Outcome, RunPhase, TaskPhase, Wait};
use shared::workflow::Section;

use crate::event::Event;
use crate::group;
use crate::input::Archived;
use crate::latest::{fresh_paths, trial_of};
use crate::needs::HELD_BY_FILE;
use crate::state::{Run, Spot, TaskRun};
use crate::step::Turn;

mod chain;

impl Turn<'_> {
    pub(crate) fn retry(
        &mut self,
        actor: Actor,
        run: RunId,
        what: &RetryWhat,
        comment: Option<String>,
        archived: Option<Box<Archived>>,
    ) -> Result<Answer, Refusal> {
        let tasks = self.retried(run, what, &[], archived.as_deref())?;
        if let Some(archived) = archived.filter(|_| !self.state.runs.contains_key(&run)) {
            self.emit(reopen(&archived));
        }
        self.reset(run, actor, tasks, comment)
    }

    /// What would run again. `fresh`: tasks that run because the version has them anew.
    pub(crate) fn retried(
        &self,
        run: RunId,
        what: &RetryWhat,
        fresh: &[TaskName],
        archived: Option<&Archived>,
    ) -> Result<Vec<TaskPath>, Refusal> {
        let conflict = |text: &str| Refusal::new(RefusalCode::Conflict, text);
        match (self.state.runs.get(&run), archived) {
            (Some(it), _) if it.cancel.is_some() => {
                Err(conflict("the run is being cancelled").help("retry once it has ended"))
            }
            (Some(it), _) if matches!(it.phase, RunPhase::RollingBack(_)) => {
                Err(conflict("the run is being rolled back")
                    .help("retry once it has ended; `runyard rollback --retry` is for an undo"))
            }
            (Some(it), _) if it.rollback_asked.is_some() => {
                Err(conflict("the run waits to be rolled back")
                    .help("`runyard cancel` calls that off"))
            }
            (Some(it), _) if it.clock.over.is_some() && it.phase == RunPhase::Active => {
                Err(conflict("the time of the run is over, and it is being stopped")
                    .help("retry once it has ended"))
            }
            (Some(_), _) => choose(self.state, run, what, fresh, false),
            (None, Some(archived)) => choose(&trial_of(archived, self.now), run, what, fresh, true),
            (None, None) => Err(Refusal::new(RefusalCode::NotFound, "there is no such run")),
        }
    }

    /// Has task runs run again.
    pub(crate) fn reset(
        &mut self,
        run: RunId,
        actor: Actor,
        tasks: Vec<TaskPath>,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let names = tasks.iter().map(ToString::to_string).collect();
        self.emit(Event::TasksReset { run, actor, tasks: tasks.clone(), comment });
        self.look_at_reset(run, &tasks);
        self.touched.insert(run);
        Ok(Answer::Retried { tasks: names })
    }

    /// Has what runs again looked at.
    pub(crate) fn look_at_reset(&mut self, run: RunId, tasks: &[TaskPath]) {
        for path in tasks {
            if let Some(spot) = self.state.spot(run, path) {
                self.look_around(spot);
                self.todo.extend([spot.parent(), spot]);
            }
        }
    }

    /// Has the groups looked at that a task run is in.
    pub(crate) fn look_around(&mut self, spot: Spot) {
        let mut next = group::around(self.state, spot);
        while let Some(group) = next {
            self.todo.extend([group.parent(), group]);
            next = group::around(self.state, group);
        }
    }
}

pub(crate) fn reopen(archived: &Archived) -> Event {
    let (run, workflow) = (Box::new(archived.run.clone()), archived.workflow.clone());
    Event::RunReopened { run, workflow }
}

/// Every task run that runs again: what was asked for, all that needs it, and at a new end `finally`.
fn choose(
    state: &crate::State,
    run: RunId,
    what: &RetryWhat,
    fresh: &[TaskName],
    was_over: bool,
) -> Result<Vec<TaskPath>, Refusal> {
    let definition = state.definition(run);
    let it = state.run(run);
    let closing = matches!(it.phase, RunPhase::Closing(_));
    let section = if closing { Section::Finally } else { Section::Main };
    let mut asked: Vec<Spot> = Vec::new();
    match what {
        RetryWhat::Failed => asked.extend(it.spots().filter(|spot| {
            definition.task(spot.task).section == section
                && it.at(spot.task, spot.item).is_some_and(has_not_succeeded)
        })),
        RetryWhat::Tasks(paths) => {
            for path in paths {
                let spot = find(state, run, path)?;
                // The items of a task that was not expanded since it was last reset are those of an earlier expansion.
                let is_past =
                    spot.item.is_some() && it.tasks[spot.task as usize].started_at.is_none();
                asked.push(if is_past { spot.parent() } else { spot });
            }
        }
        RetryWhat::From(task) => asked.push(find(state, run, &TaskPath::task(task.clone()))?),
    }
    // What `finally` has held can go on; how the tasks before it have ended is known and stays.
    let too_late = |it: &Spot| definition.task(it.task).section == Section::Main;
    if closing && (asked.is_empty() || asked.iter().any(too_late)) {
        let refusal = Refusal::new(RefusalCode::Conflict, "the run's `finally` is running");
        return Err(refusal.help("retry once it has ended"));
    }
    let asked = chain::of_begun(state, asked, what);
    let mut asked = keep_good_items(state, it, asked, what);
    asked.extend(fresh_paths(fresh).iter().filter_map(|path| state.spot(run, path)));
    let undone = chain::undone_before(state, it, &asked);
    asked.extend(undone);
    // What was approved was undone: it is asked anew.
    let undone = asked.iter().filter(|spot| is_undone_at(it, **spot));
    let approvals: Vec<Spot> = undone
        .flat_map(|spot| {
            let before = definition.approvals_before([spot.task]);
            before.into_iter().map(|task| group::needed(state, *spot, task))
        })
        .collect();
    asked.extend(approvals);
    if asked.is_empty() {
        let refusal = Refusal::new(RefusalCode::Conflict, "nothing of the run has failed");
        return Err(refusal.help("`--task` and `--from` run again what has succeeded"));
    }
    let (inner, asked): (Vec<Spot>, Vec<Spot>) =
        asked.into_iter().partition(|it| chain::is_inner(definition, *it));
    let downstream = definition.downstream(asked.iter().map(|it| it.task));
    let mut whole: BTreeSet<u32> = downstream.into_iter().collect();
    whole.extend(asked.iter().filter(|it| it.item.is_none()).map(|it| it.task));
    let inner = chain::of_items(state, run, inner, &mut whole);
    if was_over {
        let finally = definition.places();
        whole.extend(finally.filter(|it| definition.task(*it).section == Section::Finally));
    }
    // Of a run that goes on, what has not begun will see the new ends anyway.
    let untouched = |task: &u32| {
        let progress = &it.tasks[*task as usize];
        progress.phase == TaskPhase::Waiting(Wait::Needs) && progress.attempts.is_empty()
    };
    let items = asked.iter().filter(|it| it.item.is_some() && !whole.contains(&it.task));
    let tasks = whole.iter().filter(|it| !untouched(it)).map(|task| Spot::task(run, *task));
    let inner = inner.into_iter().filter(|it| !whole.contains(&it.task)).filter(|spot| {
        it.at(spot.task, spot.item).is_some_and(|it| {
            it.phase != TaskPhase::Waiting(Wait::Needs) || !it.attempts.is_empty()
        })
    });
    let chosen: Vec<Spot> = tasks.chain(items.copied()).chain(inner).collect();
    if chosen.is_empty() && fresh.is_empty() {
        return Err(Refusal::new(RefusalCode::Conflict, "it has not begun, and runs anyway"));
    }
    for spot in &chosen {
        let progress = it.at(spot.task, spot.item);
        let active = progress
            .is_some_and(|it| it.open_attempt().is_some() || matches!(it.phase, TaskPhase::Queued));
        let item_active = spot.item.is_none()
            && progress.and_then(|it| it.items.as_ref()).is_some_and(|items| {
                items.list().iter().any(|it| it.progress.open_attempt().is_some())
            });
        if active || item_active {
            let path = state.path(*spot);
            let message = format!("`{path}` would run again, and it has not ended");
            let refusal = Refusal::new(RefusalCode::Conflict, message);
            return Err(refusal.help("wait until it has, or cancel the run"));
        }
    }
    Ok(chosen.into_iter().map(|spot| state.path(spot)).collect())
}

/// The outermost group around a task run that has ended without having begun.
pub(crate) fn never_begun(state: &crate::State, spot: Spot) -> Option<Spot> {
    let around = std::iter::successors(group::around(state, spot), |it| group::around(state, *it));
    let ended = around.filter(|it| {
        let it = state.task_run(*it);
        it.phase.is_over() && it.started_at.is_none()
    });
    ended.last()
}

/// Whether what is at a spot was undone; of a mapped task as a whole an item of it.
fn is_undone_at(run: &Run, spot: Spot) -> bool {
    match spot.item {
        None => is_undone(run, spot.task),
        Some(_) => run.at(spot.task, spot.item).is_some_and(TaskRun::is_undone),
    }
}

/// Whether a task, or an item of it, was undone and has not run again.
pub(crate) fn is_undone(run: &Run, task: u32) -> bool {
    let it = &run.tasks[task as usize];
    let items = it.items.as_ref().map_or(&[][..], |it| it.list());
    it.is_undone() || items.iter().any(|it| it.progress.is_undone())
}

/// Of a mapped task that goes on, or of which some items succeeded, only the others run again; else the task as a whole.
fn keep_good_items(
    state: &crate::State,
    run: &Run,
    asked: Vec<Spot>,
    what: &RetryWhat,
) -> Vec<Spot> {
    if *what != RetryWhat::Failed {
        return asked;
    }
    let has_good_items = |task: u32| {
        let items = run.tasks[task as usize].items.as_ref();
        items.is_some_and(|it| it.list().iter().any(|it| is_success(&it.progress)))
    };
    let with_items: BTreeSet<u32> =
        asked.iter().filter(|it| it.item.is_some()).map(|it| it.task).collect();
    let definition = state.definition(run.id);
    let chosen = asked.into_iter().filter_map(|spot| {
        if definition.chain(spot.task).is_some() {
            return Some(spot);
        }
        let goes_on = !run.tasks[spot.task as usize].phase.is_over();
        let partly = with_items.contains(&spot.task) && (goes_on || has_good_items(spot.task));
        match spot.item {
            None => (!partly).then_some(spot),
            Some(_) if partly => Some(spot),
            Some(_) => Some(spot.parent()),
        }
    });
    let chosen: BTreeSet<Spot> = chosen.collect();
    chosen.into_iter().collect()
}

/// What was undone counts as not run.
fn is_success(it: &TaskRun) -> bool {
    matches!(it.phase, TaskPhase::Finished(Outcome::Succeeded)) && !it.is_undone()
}

fn has_not_succeeded(it: &TaskRun) -> bool {
    match &it.phase {
        TaskPhase::Finished(outcome) => outcome.is_failure() || it.is_undone(),
        // What a person has stopped, a person lets go on.
        TaskPhase::Waiting(Wait::Hold { by_person, reason }) => {
            !by_person && reason != HELD_BY_FILE
        }
        TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Active(_) => false,
    }
}

fn find(state: &crate::State, run: RunId, path: &TaskPath) -> Result<Spot, Refusal> {
    state.spot(run, &path.clone().forward()).ok_or_else(|| {
        let message = format!("{} has no task `{path}`", state.run(run).label());
        Refusal::new(RefusalCode::NotFound, message).help("`runyard show` lists them")
    })
}
