//! How an event changes the state. No decisions: whatever an event does not say follows from it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::id::{PoolName, RunId, TaskName, TaskPath};
use shared::request::PauseWhat;
use shared::state::{Activity, Item, RunPhase, TaskPhase, Usage, Wait};
use shared::time::Timestamp;
use shared::workflow::Workflow;

use crate::definition::Definition;
use crate::event::{AttemptEnded, AttemptRef, Event, RunCreated, Stamped};
use crate::faults::{self, Fault};
use crate::input::Archived;
use crate::pool::Closed;
use crate::state::{
    Attempt, Cancel, Decided, Drain, Edited, ItemRun, Items, Pause, Rollback, RollbackAsked, Run,
    RunClock, Spot, State, TaskRun, Width,
};

impl State {
    /// Makes an event true.
    pub fn apply(&mut self, stamped: &Stamped) {
        let at = stamped.at;
        self.now = self.now.max(at);
        match &stamped.event {
            Event::Incarnated { incarnation } => self.incarnation = *incarnation,
            Event::Configured(capacity) => self.configured(capacity, at),
            Event::PoolResized { pool, slots, .. } => {
                if let Some(pool) = self.pools.get_mut(pool) {
                    pool.resize(*slots, at);
                }
            }
            Event::ResourceResized { resource, amount, .. } => {
                if let Some(resource) = self.resources.get_mut(resource) {
                    resource.resize(*amount, at);
                }
            }
            Event::GuardClosed { pool, guard, measured, limit } => {
                if let Some(pool) = self.pools.get_mut(pool) {
                    let closed = Closed { since: at, measured: *measured, limit: *limit };
                    pool.closed.insert(*guard, closed);
                }
            }
            Event::GuardOpened { pool, guard } => {
                if let Some(pool) = self.pools.get_mut(pool) {
                    pool.closed.remove(guard);
                }
            }
            Event::PoolUp { pool, lineage } => {
                if let Some(pool) = self.pools.get_mut(pool) {
                    (pool.up, pool.lineage) = (true, Some(*lineage));
                }
            }
            Event::PoolDown { pool } => {
                if let Some(pool) = self.pools.get_mut(pool) {
                    pool.up = false;
                }
            }
            Event::WorkflowLoaded { workflow } => self.workflow_loaded(workflow),
            Event::WorkflowBroken { name, problems } => {
                let entry = self.library.entry(name.clone()).or_default();
                (entry.problems, entry.gone) = (problems.clone(), false);
            }
            Event::WorkflowGone { name } => {
                let entry = self.library.entry(name.clone()).or_default();
                (entry.problems, entry.gone) = (Vec::new(), true);
            }
            Event::PlanConfirmed(_) | Event::RequestRefused(_) => {}
            Event::RunCreated(created) => self.run_created(created, at),
            Event::RunStarted { run } => self.change_run(*run, |it| {
                it.phase = RunPhase::Active;
                it.started_at = it.started_at.or(Some(at));
            }),
            Event::RunTimedOut { run, .. } => self.change_run(*run, |it| {
                it.clock.turn(false, at);
                it.clock.over = Some(at);
            }),
            Event::RunCancelled { run, actor, now, comment } => {
                let (actor, now, comment) = (actor.clone(), *now, comment.clone());
                let cancel = Cancel { actor, at, now, comment };
                // What is stopped is paused no more: its `finally` runs.
                self.reindex(&[*run], |state| {
                    state.change_run(*run, |it| (it.cancel, it.pause) = (Some(cancel), None));
                });
            }
            Event::RunClosing { run, outcome } => {
                self.change_run(*run, |it| it.phase = RunPhase::Closing(*outcome));
            }
            Event::RunEnded { run, outcome } => {
                self.change_run(*run, |it| {
                    (it.phase, it.ended_at) = (RunPhase::Ended(*outcome), Some(at));
                });
                self.run_leaves(*run);
            }
            Event::RunReopened { run, workflow } => self.run_reopened(run, workflow),
            Event::TasksReset { run, tasks, .. } => self.tasks_reset(*run, tasks, at),
            Event::ItemsExpanded { run, task, inner, items } => {
                for task in [task].into_iter().chain(inner) {
                    self.change(*run, &TaskPath::task(task.clone()), |it| {
                        it.items = Some(expanded(items, it.items.take().unwrap_or_default(), at));
                        (it.phase, it.since) = (TaskPhase::Active(Activity::Running), at);
                        it.started_at = Some(at);
                    });
                }
            }
            Event::GroupStarted { run, task } => self.change(*run, task, |it| {
                (it.phase, it.since) = (TaskPhase::Active(Activity::Running), at);
                it.started_at = it.started_at.or(Some(at));
            }),
            Event::TaskQueued { run, task } => {
                self.change(*run, task, |it| {
                    (it.phase, it.since, it.requeue) = (TaskPhase::Queued, at, false);
                    (it.lifted, it.preempted) = (false, false);
                });
            }
            Event::TaskLifted { run, task } => self.change(*run, task, |it| it.lifted = true),
            Event::AttemptStarting { attempt, pool } => {
                self.ids_given += 1;
                let fence = self.ids_given;
                self.change_attempt_run(attempt, |it| {
                    it.attempts.push(new_attempt(attempt, fence, pool.clone(), at));
                    (it.phase, it.since) = (TaskPhase::Active(Activity::Starting), at);
                });
                self.resources_taken(attempt, at);
            }
            Event::AttemptPreempted { attempt, .. } => {
                self.change_attempt_run(attempt, |it| it.preempted = true);
            }
            Event::AttemptStarted { attempt, pid, started_at } => {
                self.change_attempt_run(attempt, |it| {
                    if let Some(open) = it.attempts.last_mut() {
                        (open.pid, open.started_at) = (*pid, Some(*started_at));
                    }
                    it.started_at = it.started_at.or(Some(*started_at));
                    // A stop that was ordered before the start was known goes on.
                    if it.phase == TaskPhase::Active(Activity::Starting) {
                        (it.phase, it.since) = (TaskPhase::Active(Activity::Running), at);
                    }
                });
            }
            Event::AttemptStopping { attempt } => self.change_attempt_run(attempt, |it| {
                (it.phase, it.since) = (TaskPhase::Active(Activity::Stopping), at);
            }),
            Event::AttemptEnded(ended) => self.attempt_ended(ended, at),
            Event::ApprovalAsked { attempt, message, expires } => {
                let (message, expires) = (message.clone(), *expires);
                self.change_attempt_run(attempt, |it| {
                    it.phase = TaskPhase::Waiting(Wait::Approval { expires, message });
                    it.since = at;
                });
            }
            Event::ApprovalDecided { run, task, actor, decision, comment } => {
                let (actor, comment) = (actor.clone(), comment.clone());
                let decided = Decided { actor, decision: *decision, comment, at };
                self.change(*run, task, |it| it.decisions.push(decided));
            }
            Event::RetryScheduled { run, task, at: retry_at, counts, memory } => {
                self.change(*run, task, |it| {
                    it.memory = memory.or(it.memory);
                    it.retries += u32::from(*counts);
                    it.phase = TaskPhase::Waiting(Wait::Retry { at: *retry_at });
                    it.since = at;
                });
            }
            Event::TaskHeld { run, task, reason, actor } => self.change(*run, task, |it| {
                let (reason, by_person) = (reason.clone(), actor.is_some());
                it.phase = TaskPhase::Waiting(Wait::Hold { reason, by_person });
                it.since = at;
            }),
            Event::StartsFailing { .. } | Event::VersionTaken { .. } => {}
            Event::ParamsEdited { run, changes, actor, .. } => {
                let params = changes.iter().map(|it| it.name.clone()).collect();
                let edited = Edited { actor: actor.clone(), at, params };
                let new = changes.iter().map(|it| (it.name.clone(), it.new.clone()));
                self.change_run(*run, |it| {
                    it.params.extend(new);
                    it.edited_by.push(edited);
                });
            }
            Event::RunReleased { run, .. } => self.change_run(*run, |it| it.released = true),
            Event::WidthChanged { run, task, width, running, .. } => {
                let width = Width { limit: *width, running: *running };
                // Which of its items waits for nothing but capacity follows from it.
                self.reindex(&[*run], |state| {
                    state.change_run(*run, |it| {
                        it.widths.insert(task.clone(), width);
                    });
                });
            }
            Event::TaskReleased { run, task, .. } => self.change(*run, task, |it| {
                // What a person has held is not yet where its file holds it.
                let by_person =
                    matches!(it.phase, TaskPhase::Waiting(Wait::Hold { by_person: true, .. }));
                it.released |= !by_person;
                (it.phase, it.since) = (TaskPhase::Waiting(Wait::Needs), at);
            }),
            Event::TaskRequeued { run, task, .. } => {
                self.change(*run, task, |it| {
                    (it.requeue, it.requeued_at) = (true, Some(at));
                });
            }
            Event::TaskMarked { run, task, outcome, outputs, .. } => {
                self.change(*run, task, |it| {
                    (it.phase, it.since) = (TaskPhase::Finished(outcome.clone()), at);
                    it.outputs.clone_from(outputs);
                });
                if task.item.is_some() && !task.undo {
                    self.judge_again(*run, &task.task, at);
                }
                if !task.undo {
                    self.groups_judged_again(*run, task, at);
                }
            }
            Event::TaskFinished { run, task, outcome } => self.change(*run, task, |it| {
                (it.phase, it.since) = (TaskPhase::Finished(outcome.clone()), at);
            }),
            Event::Paused { what, actor, until, comment } => {
                let until = until.filter(|_| !faults::active(Fault::PauseForgetsEnd));
                let (actor, until, comment) = (actor.clone(), until, comment.clone());
                self.set_pause(what, Some(Pause { actor, at, until, comment, drain: None }));
            }
            Event::Draining { what, actor, by, comment } => {
                let (actor, comment) = (actor.clone(), comment.clone());
                let drain = Some(Drain { by: *by });
                self.set_pause(what, Some(Pause { actor, at, until: None, comment, drain }));
            }
            Event::Resumed { what, .. } => self.set_pause(what, None),
            Event::RunPrioritized { run, priority, .. } => {
                self.reindex(&[*run], |state| {
                    state.change_run(*run, |it| it.priority = *priority);
                });
            }
            Event::RunDeadlineSet { run, by, .. } => {
                self.reindex(&[*run], |state| state.change_run(*run, |it| it.deadline = *by));
            }
            Event::RollbackAsked { run, actor, what, comment } => {
                let (actor, what, comment) = (actor.clone(), what.clone(), comment.clone());
                self.change_run(*run, |it| {
                    it.rollback_asked = Some(RollbackAsked { actor, what, comment });
                });
            }
            Event::RollbackCalledOff { run, .. } => {
                self.change_run(*run, |it| it.rollback_asked = None);
            }
            Event::RollbackBegun { run, actor, outcome, tasks, policy, comment, .. } => {
                let (actor, comment) = (actor.clone(), comment.clone());
                let rollback = Rollback { actor, at, comment, policy: *policy };
                self.change_run(*run, |it| {
                    it.phase = RunPhase::RollingBack(*outcome);
                    (it.cancel, it.rollback_asked) = (None, None);
                    it.rollback = Some(rollback);
                });
                tasks.iter().for_each(|it| self.undo_planned(*run, it, at));
            }
        }
        self.turn_clocks(&stamped.event, at);
    }

    /// The clock of a run stands while it is paused, waits, or is undone or tidied up.
    fn turn_clocks(&mut self, event: &Event, at: Timestamp) {
        let runs: Vec<RunId> = match event {
            Event::Paused { what, .. }
            | Event::Draining { what, .. }
            | Event::Resumed { what, .. } => match what {
                PauseWhat::Run(run) => vec![*run],
                PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Pool(_) => {
                    self.runs.keys().copied().collect()
                }
            },
            Event::RunStarted { run }
            | Event::RunCancelled { run, .. }
            | Event::RunClosing { run, .. }
            | Event::RollbackBegun { run, .. } => vec![*run],
            _ => return,
        };
        for run in runs {
            let Some(it) = self.runs.get(&run) else { continue };
            let runs = it.phase == RunPhase::Active
                && it.cancel.is_none()
                && it.clock.over.is_none()
                && self.held_back(it).is_none();
            if runs != it.clock.since.is_some() {
                self.change_run(run, |it| it.clock.turn(runs, at));
            }
        }
    }

    fn workflow_loaded(&mut self, workflow: &Arc<Workflow>) {
        let entry = self.library.entry(workflow.name.clone()).or_default();
        let old = entry.version.replace(workflow.version.clone());
        (entry.problems, entry.gone) = (Vec::new(), false);
        self.definitions
            .entry(workflow.version.clone())
            .or_insert_with(|| Arc::new(Definition::new(workflow.clone())));
        if let Some(old) = old {
            self.forget_definition(&old);
        }
    }

    /// Drops a version that is neither current nor run.
    fn forget_definition(&mut self, version: &shared::id::Version) {
        let is_current = self.library.values().any(|it| it.version.as_ref() == Some(version));
        let is_run = self.runs.values().any(|it| it.version == *version);
        if !is_current && !is_run {
            self.definitions.remove(version);
        }
    }

    fn run_created(&mut self, created: &RunCreated, at: Timestamp) {
        self.ids_given += 1;
        self.library.entry(created.workflow.clone()).or_default().newest = created.number;
        let definition = self.definitions.get(&created.version);
        let count = definition.map_or(0, |it| it.workflow.tasks.len());
        let limit = definition.and_then(|it| it.workflow.timeout);
        let run = Run {
            id: created.run,
            number: created.number,
            workflow: created.workflow.clone(),
            version: created.version.clone(),
            params: created.params.clone(),
            interval: created.interval,
            actor: created.actor.clone(),
            priority: created.priority,
            lane: created.lane.clone(),
            deadline: created.deadline,
            created_at: at,
            started_at: None,
            ended_at: None,
            phase: RunPhase::Queued,
            clock: RunClock { limit, ..RunClock::default() },
            edited_by: Vec::new(),
            released: false,
            widths: BTreeMap::new(),
            cancel: None,
            pause: None,
            rollback_asked: None,
            rollback: None,
            ended_as: None,
            tasks: vec![TaskRun::new(at); count],
        };
        self.run_enters(run);
    }

    fn run_enters(&mut self, run: Run) {
        let spots: Vec<Spot> = run.all_spots().collect();
        self.index.add_run(&run);
        self.runs.insert(run.id, run);
        let mut index = std::mem::take(&mut self.index);
        spots.into_iter().for_each(|spot| index.add(self, spot));
        self.index = index;
    }

    fn run_leaves(&mut self, run: RunId) {
        let Some(it) = self.runs.get(&run) else { return };
        let spots: Vec<Spot> = it.all_spots().collect();
        let mut index = std::mem::take(&mut self.index);
        spots.into_iter().for_each(|spot| index.remove(self, spot));
        self.index = index;
        let workflow = self.definition(run).workflow.clone();
        if let Some(run) = self.runs.remove(&run) {
            self.index.remove_run(&run);
            self.remember_end(&run, &workflow);
            self.forget_definition(&run.version);
            self.ended.push(Archived { run, workflow });
        }
    }

    fn run_reopened(&mut self, run: &Run, workflow: &Arc<Workflow>) {
        self.forget_end(run);
        let (phase, ended_at, cancel) = (RunPhase::Queued, None, None);
        let (pause, rollback_asked) = (None, None);
        let ended_as = match run.phase {
            RunPhase::Ended(outcome) => Some(outcome),
            _ => run.ended_as,
        };
        let clock = RunClock { limit: workflow.timeout, ..RunClock::default() };
        let run =
            Run { phase, clock, ended_at, cancel, pause, rollback_asked, ended_as, ..run.clone() };
        self.adopt(run, workflow);
    }

    /// Takes in a run as it is, and the version that it runs.
    pub(crate) fn adopt(&mut self, run: Run, workflow: &Arc<Workflow>) {
        self.definitions
            .entry(workflow.version.clone())
            .or_insert_with(|| Arc::new(Definition::new(workflow.clone())));
        self.run_enters(run);
    }

    fn tasks_reset(&mut self, run: RunId, tasks: &[TaskPath], at: Timestamp) {
        let mut parents = BTreeSet::new();
        for path in tasks {
            self.change(run, path, |it| {
                // The items stay until the task is expanded anew, for the sake of their history.
                let items = it.items.take();
                *it = TaskRun { items, ..it.anew(at) };
            });
            if path.item.is_some() {
                parents.insert(path.task.clone());
            } else if let Some(spot) = self.spot(run, path)
                && self.is_parent(spot)
            {
                self.reset_items(spot, at);
            }
        }
        // A mapped task whose item runs again is not over, but keeps its other items.
        for parent in parents {
            self.judge_again(run, &parent, at);
        }
        tasks.iter().for_each(|it| self.groups_judged_again(run, it, at));
    }

    /// The groups that a task run is in are not over once it is not. An item of a mapped group waits for its turn again.
    fn groups_judged_again(&mut self, run: RunId, path: &TaskPath, at: Timestamp) {
        let Some(spot) = self.runs.get(&run).and_then(|_| self.spot(run, path)) else { return };
        let definition = self.definition(run).clone();
        let chain = definition.chain(spot.task);
        for task in definition.groups().around(spot.task).collect::<Vec<_>>() {
            let is_in_chain = definition.chain(task).is_some();
            let item = spot.item.filter(|_| is_in_chain);
            for item in [item, None].into_iter().take(1 + usize::from(item.is_some())) {
                let group = Spot { run, task, item, undo: false };
                if !self.task_run(group).phase.is_over() {
                    continue;
                }
                let phase = match item.is_some() && chain == Some(task) {
                    true => TaskPhase::Waiting(Wait::Needs),
                    false => TaskPhase::Active(Activity::Running),
                };
                self.change_spot(group, |it| {
                    (it.phase, it.since) = (phase, at);
                    it.outputs.clear();
                });
            }
        }
    }

    /// A mapped task of which an item has changed is not over until its items are judged again.
    fn judge_again(&mut self, run: RunId, mapped: &TaskName, at: Timestamp) {
        self.change(run, &TaskPath::task(mapped.clone()), |it| {
            (it.phase, it.since) = (TaskPhase::Active(Activity::Running), at);
            it.outputs.clear();
        });
    }

    /// Plans an undo; or plans it again, if it has not succeeded.
    fn undo_planned(&mut self, run: RunId, path: &TaskPath, at: Timestamp) {
        self.change(run, &path.clone().forward(), |it| {
            let attempts = match it.undo.take() {
                Some(undo) => undo.attempts,
                None => std::mem::take(&mut it.undone_before),
            };
            it.undo = Some(Box::new(TaskRun { attempts, ..TaskRun::new(at) }));
        });
    }

    fn set_pause(&mut self, what: &PauseWhat, pause: Option<Pause>) {
        let affected: Vec<RunId> = match what {
            PauseWhat::All => self.runs.keys().copied().collect(),
            PauseWhat::Workflow(name) => {
                self.runs.values().filter(|it| it.workflow == *name).map(|it| it.id).collect()
            }
            PauseWhat::Run(run) => {
                self.runs.contains_key(run).then_some(*run).into_iter().collect()
            }
            PauseWhat::Pool(_) => Vec::new(),
        };
        self.reindex(&affected, |state| match what {
            PauseWhat::Run(run) => state.change_run(*run, |it| it.pause = pause),
            PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Pool(_) => {
                if let Some(old) = state.pauses.remove(what) {
                    state.index.remove_pause(what, &old);
                }
                if let Some(pause) = pause {
                    state.index.add_pause(what, &pause);
                    state.pauses.insert(what.clone(), pause);
                }
            }
        });
    }

    /// Changes what the places of all task runs of some runs in the index depend on.
    pub(crate) fn reindex(&mut self, runs: &[RunId], change: impl FnOnce(&mut Self)) {
        let spots = runs.iter().filter_map(|it| self.runs.get(it)).flat_map(|it| it.all_spots());
        let spots: Vec<Spot> = spots.collect();
        let mut index = std::mem::take(&mut self.index);
        spots.iter().for_each(|spot| index.remove(self, *spot));
        self.index = index;
        change(self);
        let mut index = std::mem::take(&mut self.index);
        spots.iter().for_each(|spot| index.add(self, *spot));
        self.index = index;
    }

    /// The items of a mapped task that will be expanded anew count as unfinished no more than those of one that never was.
    fn reset_items(&mut self, parent: Spot, at: Timestamp) {
        let count = self.task_run(parent).items.as_ref().map_or(0, |it| it.list.len());
        for item in (0..u32::try_from(count).expect("fewer items than bytes")).map(Some) {
            let spot = Spot { item, ..parent };
            self.change_spot(spot, |it| *it = it.anew(at));
        }
    }

    fn attempt_ended(&mut self, ended: &AttemptEnded, at: Timestamp) {
        self.learn_duration(ended);
        self.change_attempt_run(&ended.attempt, |it| {
            if let Some(open) = it.attempts.last_mut() {
                open.started_at = open.started_at.or(ended.started_at);
                open.ended_at = Some(ended.ended_at);
                open.outcome = Some(ended.outcome.clone());
                open.exit = ended.exit;
                open.usage = ended.usage;
            }
            it.started_at = it.started_at.or(ended.started_at);
            it.outputs.clone_from(&ended.outputs);
            it.warnings.clone_from(&ended.warnings);
            // What follows is a decision, and the next event of the same step.
            (it.phase, it.since) = (TaskPhase::Waiting(Wait::Needs), at);
        });
        if faults::active(Fault::ReleasedTwice)
            && let Some(spot) = self.spot(ended.attempt.run, &ended.attempt.task)
            && self.task(spot).has_process()
        {
            let task = self.task(spot).clone();
            self.index.give_back_again(&task);
        }
    }

    fn change_attempt_run(&mut self, attempt: &AttemptRef, change: impl FnOnce(&mut TaskRun)) {
        self.change(attempt.run, &attempt.task, change);
    }

    fn change(&mut self, run: RunId, path: &TaskPath, change: impl FnOnce(&mut TaskRun)) {
        if self.runs.contains_key(&run)
            && let Some(spot) = self.spot(run, path)
        {
            self.change_spot(spot, change);
        }
    }

    /// The only place where a task run changes: what it adds to the index is taken out before and put in after.
    fn change_spot(&mut self, spot: Spot, change: impl FnOnce(&mut TaskRun)) {
        let mut index = std::mem::take(&mut self.index);
        index.remove(self, spot);
        if let Some(undo) = self.undo_of(spot) {
            index.remove(self, undo);
        }
        let had_items = self.task_run(spot).items.is_some();
        if had_items && self.is_parent(spot) {
            self.each_item(spot, |state, item| index.remove(state, item));
        }
        let run = self.runs.get_mut(&spot.run).expect("the spot's run was looked up");
        let task = &mut run.tasks[spot.task as usize];
        let progress = match (spot.item, &mut task.items) {
            (Some(place), Some(items)) => &mut items.list[place as usize].progress,
            _ => task,
        };
        match (spot.undo, &mut progress.undo) {
            (true, Some(undo)) => change(undo),
            _ => change(progress),
        }
        if self.task_run(spot).items.is_some() && self.is_parent(spot) {
            self.each_item(spot, |state, item| index.add(state, item));
        }
        index.add(self, spot);
        if let Some(undo) = self.undo_of(spot) {
            index.add(self, undo);
        }
        self.index = index;
    }

    /// The undo of a task run, which may come or go when that changes.
    fn undo_of(&self, spot: Spot) -> Option<Spot> {
        let has_undo = !spot.undo && self.task_run(spot).undo.is_some();
        has_undo.then(|| spot.undo())
    }

    fn each_item(&self, parent: Spot, mut act: impl FnMut(&Self, Spot)) {
        let count = self.task_run(parent).items.as_ref().map_or(0, |it| it.list.len());
        for item in (0..u32::try_from(count).expect("fewer items than bytes")).map(Some) {
            let spot = Spot { item, ..parent };
            act(self, spot);
            if let Some(undo) = self.undo_of(spot) {
                act(self, undo);
            }
        }
    }

    fn change_run(&mut self, run: RunId, change: impl FnOnce(&mut Run)) {
        if let Some(it) = self.runs.get_mut(&run) {
            self.index.remove_run(it);
            change(it);
            self.index.add_run(it);
        }
    }
}

fn new_attempt(attempt: &AttemptRef, fence: u64, pool: Option<PoolName>, at: Timestamp) -> Attempt {
    Attempt {
        id: attempt.id,
        number: attempt.number,
        fence,
        pool,
        ordered_at: at,
        started_at: None,
        ended_at: None,
        pid: None,
        outcome: None,
        exit: None,
        usage: Usage::default(),
    }
}

/// The items at their beginning. One that was there before, by its key, keeps its attempts.
fn expanded(items: &[Item], mut old: Items, at: Timestamp) -> Items {
    let list = (0..).zip(items).map(|(place, item)| {
        let before = match faults::active(Fault::ItemByPlace) {
            true => Some(place).filter(|it| (*it as usize) < old.list.len()),
            false => old.place(&item.key),
        };
        let before = before.map(|place| &mut old.list[place as usize].progress);
        let progress = before.map_or_else(|| TaskRun::new(at), |it| it.anew(at));
        ItemRun { item: item.clone(), progress }
    });
    Items::from(list.collect::<Vec<_>>())
}
