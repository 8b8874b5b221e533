//! A retry with another version of the workflow, or other parameters. Source: semantics, rule 11.
//!
//! Tasks are matched by their names. What is defined no more does not run; what it did stays in the events. What is new
//! runs, and with it what needs it. What is defined otherwise and has succeeded stays as it is, unless it runs again for
//! another reason; only where it has become another sort of task does it run again by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use shared::expr::Scope;
use shared::id::{RunId, TaskName, TaskPath};
use shared::request::{Actor, Answer, Refusal, RefusalCode, RetryWhat};
use shared::time::Timestamp;
use shared::workflow::{Groups, Kind, Task, Workflow};

use crate::create::bind_params;
use crate::edit::changes;
use crate::event::Event;
use crate::input::Archived;
use crate::person::conflict;
use crate::retry::reopen;
use crate::scope;
use crate::state::{Run, State, TaskRun};
use crate::step::Turn;

/// With what a run is retried.
#[derive(Clone, Debug)]
pub(crate) struct With {
    pub(crate) latest: bool,
    pub(crate) params: BTreeMap<String, Value>,
}

impl Turn<'_> {
    pub(crate) fn retry_with(
        &mut self,
        actor: Actor,
        run: RunId,
        what: &RetryWhat,
        with: With,
        comment: Option<String>,
        archived: Option<Box<Archived>>,
    ) -> Result<Answer, Refusal> {
        if with.latest && self.state.runs.contains_key(&run) {
            return Err(conflict(
                "the run has not ended, and keeps its version until it has".to_owned(),
            )
            .help("wait until it has, or cancel it; then `runyard retry --latest`"));
        }
        let (archived, moved) = match archived {
            Some(it) if with.latest => {
                let (archived, moved) = self.with_newest(&it, &with.params, &actor)?;
                (Some(Box::new(archived)), Some(moved))
            }
            other => (other, None),
        };
        let edited = match (self.state.runs.get(&run), &archived) {
            (Some(it), _) => changes(it, &self.state.definition(run).workflow, with.params)?,
            (None, Some(it)) => changes(&it.run, &it.workflow, with.params)?,
            (None, None) => {
                return Err(Refusal::new(RefusalCode::NotFound, "there is no such run"));
            }
        };
        let new_tasks = moved.as_ref().map_or(&[][..], |it| &it.fresh);
        // Refused before anything is done, if it is.
        let mut tasks = self.retried(run, what, new_tasks, archived.as_deref())?;
        let others = moved.iter().flat_map(|it| &it.other).cloned().map(TaskPath::task);
        let others: Vec<TaskPath> = others.filter(|it| !tasks.contains(it)).collect();
        tasks.extend(others);
        if let Some(archived) = archived.filter(|_| !self.state.runs.contains_key(&run)) {
            self.emit(reopen(&archived));
        }
        if let Some(moved) = moved {
            self.emit(moved.event);
        }
        if !edited.is_empty() {
            let (actor, comment) = (actor.clone(), comment.clone());
            self.emit(Event::ParamsEdited { run, changes: edited, actor, comment });
        }
        self.reset(run, actor, tasks, comment)
    }

    /// A run that has ended, as if it had been made of the newest version.
    fn with_newest(
        &self,
        old: &Archived,
        edits: &BTreeMap<String, Value>,
        actor: &Actor,
    ) -> Result<(Archived, Moved), Refusal> {
        let name = &old.run.workflow;
        let entry = self.state.library.get(name);
        if let Some(problem) = entry.and_then(|it| it.problems.first()) {
            return Err(conflict(format!("the newest file of `{name}` has errors: {problem}"))
                .help("mend it, or retry without `--latest`"));
        }
        let workflow = self.runnable(name)?;
        if workflow.version == old.workflow.version {
            return Err(conflict(format!("the run has the newest version of `{name}` already"))
                .help("retry without `--latest`"));
        }
        let names: Vec<&str> = workflow.params.iter().map(|it| it.name.as_str()).collect();
        let kept = old.run.params.iter().map(|(name, it)| (name.to_string(), it.clone()));
        let mut given: BTreeMap<String, Value> =
            kept.filter(|(name, _)| names.contains(&name.as_str())).collect();
        given.extend(edits.clone());
        let params = bind_params(&workflow, given, &mut scope_of(&old.run))?;
        // What is edited is told as an edit.
        let params = params.into_iter().map(|(name, value)| {
            let before = old.run.params.get(&name).filter(|_| edits.contains_key(name.as_str()));
            (name, before.cloned().unwrap_or(value))
        });
        let mut run = old.run.clone();
        run.params = params.collect();
        run.version = workflow.version.clone();
        let (tasks, moved) = tasks_of(&old.run, &old.workflow, &workflow, actor, self.now);
        run.tasks = tasks;
        Ok((Archived { run, workflow: workflow.clone() }, moved))
    }
}

/// What another version makes of a run.
struct Moved {
    event: Event,
    /// Tasks that run because of it.
    fresh: Vec<TaskName>,
    /// Tasks that were there and have not ended by that: another sort of task, or a group with a new one in it.
    other: Vec<TaskName>,
}

fn scope_of(run: &Run) -> Scope {
    let mut scope = Scope::new();
    if let Some(interval) = &run.interval {
        scope.set("interval", scope::interval(interval));
    }
    scope.set("run", scope::run_to_be(run.id, run.number, &run.actor, run.created_at));
    scope
}

fn tasks_of(
    run: &Run,
    old: &Arc<Workflow>,
    new: &Arc<Workflow>,
    actor: &Actor,
    now: Timestamp,
) -> (Vec<TaskRun>, Moved) {
    let before: BTreeMap<&TaskName, (&Task, &TaskRun)> =
        old.tasks.iter().zip(&run.tasks).map(|(task, it)| (&task.name, (task, it))).collect();
    let (mut tasks, mut fresh, mut other) = (Vec::new(), Vec::new(), Vec::new());
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    for task in &new.tasks {
        let Some((was, it)) = before.get(&task.name) else {
            added.push(task.name.clone());
            fresh.push(task.name.clone());
            tasks.push(TaskRun::new(now));
            continue;
        };
        let mut it = (*it).clone();
        if *was != task {
            changed.push(task.name.clone());
        }
        let is_group = |it: &Task| it.kind == Kind::Group;
        let is_other_sort = was.map.is_some() != task.map.is_some()
            || is_group(was) != is_group(task)
            || was.has_process() != task.has_process()
            || was.rollback.is_some() && task.rollback.is_none() && has_undo(&it);
        if is_other_sort {
            fresh.push(task.name.clone());
            other.push(task.name.clone());
            // The history of its items goes on where it still has some.
            let items = it.items.take().filter(|_| task.map.is_some());
            it = TaskRun { items, ..it.anew(now) };
        }
        tasks.push(it);
    }
    // A group with a new task has not ended, nor has one around it.
    let groups = Groups::of(&new.tasks);
    for place in fresh.iter().filter_map(|it| groups.place(it)).collect::<Vec<_>>() {
        for group in groups.around(place) {
            let (name, it) = (&new.tasks[group as usize].name, &mut tasks[group as usize]);
            if !fresh.contains(name) && !other.contains(name) {
                other.push(name.clone());
                let items = it.items.take();
                *it = TaskRun { items, ..it.anew(now) };
            }
        }
    }
    let names: Vec<&TaskName> = new.tasks.iter().map(|it| &it.name).collect();
    let gone = old.tasks.iter().map(|it| &it.name).filter(|it| !names.contains(it));
    let event = Event::VersionTaken {
        run: run.id,
        from: old.version.clone(),
        to: new.version.clone(),
        added,
        removed: gone.cloned().collect(),
        changed,
        actor: actor.clone(),
    };
    (tasks, Moved { event, fresh, other })
}

/// Whether it, or an item of it, has an undo: there must be something that says how.
fn has_undo(it: &TaskRun) -> bool {
    let items = it.items.as_ref().map_or(&[][..], |it| it.list());
    it.undo.is_some() || items.iter().any(|it| it.progress.undo.is_some())
}

/// The state in which it is chosen what runs again: a copy, so that a refusal leaves nothing behind.
pub(crate) fn trial_of(archived: &Archived, now: Timestamp) -> State {
    let mut trial = State::default();
    trial.apply(&crate::Stamped { at: now, event: reopen(archived) });
    trial
}

/// The places of tasks that run because they are new.
pub(crate) fn fresh_paths(names: &[TaskName]) -> Vec<TaskPath> {
    names.iter().cloned().map(TaskPath::task).collect()
}
