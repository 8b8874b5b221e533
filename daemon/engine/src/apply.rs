//! How an event changes the state. No decisions: whatever an event does not say follows from it alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::id::{RunId, TaskPath};
use shared::state::{Activity, Item, RunPhase, TaskPhase, Usage, Wait};
use shared::time::Timestamp;
use shared::workflow::Workflow;

use crate::definition::Definition;
use crate::event::{AttemptEnded, AttemptRef, Event, RunCreated, Stamped};
use crate::input::Archived;
use crate::state::{Attempt, Cancel, Decided, ItemRun, Items, Pool, Run, Spot, State, TaskRun};

impl State {
    /// Makes an event true.
    pub fn apply(&mut self, stamped: &Stamped) {
        let at = stamped.at;
        self.now = self.now.max(at);
        match &stamped.event {
            Event::Incarnated { incarnation } => self.incarnation = *incarnation,
            Event::Configured { pools, resources } => {
                let old = std::mem::take(&mut self.pools);
                self.pools = pools
                    .iter()
                    .map(|(name, slots)| {
                        let before = old.get(name).copied();
                        let before = before.unwrap_or(Pool { slots: 0, up: false, lineage: None });
                        (name.clone(), Pool { slots: *slots, ..before })
                    })
                    .collect();
                self.resources = resources.iter().cloned().collect();
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
            Event::RunCreated(created) => self.run_created(created, at),
            Event::RunStarted { run } => self.change_run(*run, |it| {
                it.phase = RunPhase::Active;
                it.started_at = it.started_at.or(Some(at));
            }),
            Event::RunCancelled { run, actor, now, comment } => self.change_run(*run, |it| {
                let (actor, now, comment) = (actor.clone(), *now, comment.clone());
                it.cancel = Some(Cancel { actor, at, now, comment });
            }),
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
            Event::ItemsExpanded { run, task, items } => {
                self.change(*run, &TaskPath::task(task.clone()), |it| {
                    it.items = Some(expanded(items, it.items.take().unwrap_or_default(), at));
                    (it.phase, it.since) = (TaskPhase::Active(Activity::Running), at);
                    it.started_at = Some(at);
                });
            }
            Event::TaskQueued { run, task } => {
                self.change(*run, task, |it| (it.phase, it.since) = (TaskPhase::Queued, at));
            }
            Event::AttemptStarting(attempt) => {
                self.ids_given += 1;
                let fence = self.ids_given;
                self.change_attempt_run(attempt, |it| {
                    it.attempts.push(new_attempt(attempt, fence, at));
                    (it.phase, it.since) = (TaskPhase::Active(Activity::Starting), at);
                });
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
            Event::RetryScheduled { run, task, at: retry_at, counts } => {
                self.change(*run, task, |it| {
                    it.retries += u32::from(*counts);
                    it.phase = TaskPhase::Waiting(Wait::Retry { at: *retry_at });
                    it.since = at;
                });
            }
            Event::TaskHeld { run, task, reason } => self.change(*run, task, |it| {
                it.phase = TaskPhase::Waiting(Wait::Hold { reason: reason.clone() });
                it.since = at;
            }),
            Event::TaskFinished { run, task, outcome } => self.change(*run, task, |it| {
                (it.phase, it.since) = (TaskPhase::Finished(outcome.clone()), at);
            }),
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
        let count = self.definitions.get(&created.version).map_or(0, |it| it.workflow.tasks.len());
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
            created_at: at,
            started_at: None,
            ended_at: None,
            phase: RunPhase::Queued,
            cancel: None,
            tasks: vec![TaskRun::new(at); count],
        };
        self.run_enters(run);
    }

    fn run_enters(&mut self, run: Run) {
        let spots: Vec<Spot> = run.spots().collect();
        self.index.add_run(&run);
        self.runs.insert(run.id, run);
        let mut index = std::mem::take(&mut self.index);
        spots.into_iter().for_each(|spot| index.add(self, spot));
        self.index = index;
    }

    fn run_leaves(&mut self, run: RunId) {
        let Some(it) = self.runs.get(&run) else { return };
        let spots: Vec<Spot> = it.spots().collect();
        let mut index = std::mem::take(&mut self.index);
        spots.into_iter().for_each(|spot| index.remove(self, spot));
        self.index = index;
        let workflow = self.definition(run).workflow.clone();
        if let Some(run) = self.runs.remove(&run) {
            self.index.remove_run(&run);
            self.forget_definition(&run.version);
            self.ended.push(Archived { run, workflow });
        }
    }

    fn run_reopened(&mut self, run: &Run, workflow: &Arc<Workflow>) {
        self.definitions
            .entry(workflow.version.clone())
            .or_insert_with(|| Arc::new(Definition::new(workflow.clone())));
        let (phase, ended_at, cancel) = (RunPhase::Queued, None, None);
        self.run_enters(Run { phase, ended_at, cancel, ..run.clone() });
    }

    fn tasks_reset(&mut self, run: RunId, tasks: &[TaskPath], at: Timestamp) {
        let mut parents = BTreeSet::new();
        for path in tasks {
            self.change(run, path, |it| {
                let attempts = std::mem::take(&mut it.attempts);
                // The items stay until the task is expanded anew, for the sake of their history.
                let items = it.items.take();
                *it = TaskRun { attempts, items, ..TaskRun::new(at) };
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
            self.change(run, &TaskPath::task(parent), |it| {
                (it.phase, it.since) = (TaskPhase::Active(Activity::Running), at);
                it.outputs.clear();
            });
        }
    }

    /// The items of a mapped task that will be expanded anew count as unfinished no more than those of one that never was.
    fn reset_items(&mut self, parent: Spot, at: Timestamp) {
        let count = self.task_run(parent).items.as_ref().map_or(0, |it| it.list.len());
        for item in (0..u32::try_from(count).expect("fewer items than bytes")).map(Some) {
            let spot = Spot { item, ..parent };
            self.change_spot(spot, |it| {
                let attempts = std::mem::take(&mut it.attempts);
                *it = TaskRun { attempts, ..TaskRun::new(at) };
            });
        }
    }

    fn attempt_ended(&mut self, ended: &AttemptEnded, at: Timestamp) {
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
        change(progress);
        if self.task_run(spot).items.is_some() && self.is_parent(spot) {
            self.each_item(spot, |state, item| index.add(state, item));
        }
        index.add(self, spot);
        self.index = index;
    }

    fn each_item(&self, parent: Spot, mut act: impl FnMut(&Self, Spot)) {
        let count = self.task_run(parent).items.as_ref().map_or(0, |it| it.list.len());
        for item in (0..u32::try_from(count).expect("fewer items than bytes")).map(Some) {
            act(self, Spot { item, ..parent });
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

fn new_attempt(attempt: &AttemptRef, fence: u64, at: Timestamp) -> Attempt {
    Attempt {
        id: attempt.id,
        number: attempt.number,
        fence,
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
    let list = items.iter().map(|item| {
        let before = old.place(&item.key).map(|place| &mut old.list[place as usize].progress);
        let attempts = before.map(|it| std::mem::take(&mut it.attempts)).unwrap_or_default();
        ItemRun { item: item.clone(), progress: TaskRun { attempts, ..TaskRun::new(at) } }
    });
    Items::from(list.collect::<Vec<_>>())
}
