//! Groups: when what is in one may start, and what its ends make of the group. Source: decisions, 11; semantics, rules 2,
//! 3 and 10.
//!
//! A mapped group is a chain: everything in it has the items of the group, and each item goes through it at its own pace.

use shared::state::{Activity, Failure, Outcome, Skip, TaskPhase, Wait};

use crate::event::Event;
use crate::index::Unfinished;
use crate::run::has_failed;
use crate::state::{Spot, State, TaskRun};
use crate::step::Turn;

impl Turn<'_> {
    /// Lets the tasks of a group start; of a mapped one those of an item.
    pub(crate) fn begin_group(&mut self, group: Spot) {
        let task = self.state.path(group);
        self.emit(Event::GroupStarted { run: group.run, task });
        // Also what is in a group in it that had begun before.
        let inside = self.state.definition(group.run).groups().inside(group.task);
        self.todo.extend(inside.into_iter().map(|task| Spot { task, ..group }));
        // What is in it may have ended by a person's word.
        self.todo.push(group);
    }

    /// An item of a group waits: of a mapped group for its turn, within one until the group around it has begun.
    pub(crate) fn turn_of_chain(&mut self, item: Spot) {
        if self.state.definition(item.run).chain(item.task) == Some(item.task) {
            self.todo.push(item.parent());
        }
    }

    /// Looks at each item of a task in a mapped group that has not begun.
    pub(crate) fn consider_items(&mut self, whole: Spot) {
        let Some(items) = &self.state.task_run(whole).items else { return };
        let waits = |it: &TaskRun| match it.phase {
            TaskPhase::Waiting(Wait::Needs) => true,
            TaskPhase::Active(_) => self.state.is_group(whole),
            TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Finished(_) => false,
        };
        let waiting = (0..).zip(items.list()).filter(|(_, it)| waits(&it.progress));
        let waiting = waiting.map(|(place, _)| Spot { item: Some(place), ..whole });
        self.todo.extend(waiting.collect::<Vec<_>>());
    }

    /// Ends a group once all that is in it has ended.
    pub(crate) fn judge_group(&mut self, group: Spot) {
        let all = members(self.state, group);
        let is_over = |it: &Spot| self.state.task_run(*it).phase.is_over();
        if all.iter().all(is_over) {
            let outcome = outcome(self.state, &all, self.is_stopped(group));
            self.finish(group, outcome);
        }
    }

    /// What has not started of a group that has ended will not: it ends as that has.
    pub(crate) fn end_members(&mut self, group: Spot) {
        if !self.state.is_group(group) {
            return;
        }
        let Some(outcome) = self.state.task_run(group).phase.outcome() else { return };
        let outcome = match outcome {
            Outcome::Failed(_) => Outcome::UpstreamFailed,
            Outcome::Succeeded => Outcome::Skipped(Skip::Rule),
            outcome @ (Outcome::Skipped(_) | Outcome::UpstreamFailed | Outcome::Cancelled) => {
                outcome.clone()
            }
        };
        self.end_all(group, &outcome);
    }

    pub(crate) fn end_all(&mut self, group: Spot, outcome: &Outcome) {
        // The items of a mapped group that had begun end each for itself.
        let is_expanded = group.item.is_none() && self.state.task_run(group).started_at.is_some();
        if is_expanded && self.state.is_mapped_whole(group) {
            return;
        }
        for member in members(self.state, group) {
            let may_end = matches!(
                self.state.task_run(member).phase,
                TaskPhase::Waiting(Wait::Needs | Wait::Hold { .. } | Wait::Retry { .. })
                    | TaskPhase::Queued
            );
            if may_end {
                self.finish(member, outcome.clone());
            }
        }
    }

    /// What may follow from the end of an item of a mapped group, or of what is in one.
    pub(crate) fn after_chain_item(&mut self, spot: Spot, chain: u32) {
        let definition = self.state.definition(spot.run).clone();
        let next = definition.dependents(spot.task).iter();
        let next = next.filter(|it| definition.chain(**it) == Some(chain));
        self.todo.extend(next.map(|task| Spot { task: *task, ..spot }));
        let group = definition.groups().group(spot.task).filter(|_| spot.task != chain);
        self.todo.extend(group.map(|task| Spot { task, ..spot }));
        let left = self.state.index.unfinished(spot.run, Unfinished::Items(spot.task));
        if spot.task == chain || left == 0 {
            self.todo.push(spot.parent());
        }
    }
}

/// The task runs that are directly in a group, or in an item of one.
pub(crate) fn members(state: &State, group: Spot) -> Vec<Spot> {
    let groups = state.definition(group.run).groups();
    groups.members(group.task).iter().map(|task| Spot { task: *task, ..group }).collect()
}

/// The group, or the item of one, that a task run is directly in.
pub(crate) fn around(state: &State, spot: Spot) -> Option<Spot> {
    let definition = state.definition(spot.run);
    let task = definition.groups().group(spot.task)?;
    let is_same = definition.chain(task).is_some();
    Some(Spot { task, item: spot.item.filter(|_| is_same), ..spot.forward() })
}

/// The groups that a task run is in and that have not begun, the nearest first.
pub(crate) fn closed_around(state: &State, spot: Spot) -> Option<Spot> {
    let mut next = around(state, spot);
    while let Some(group) = next {
        if state.task_run(group).phase != TaskPhase::Active(Activity::Running) {
            return Some(group);
        }
        next = around(state, group);
    }
    None
}

/// Whether the groups around a task run let it start; an item of a mapped group is started by that.
pub(crate) fn may_start(state: &State, spot: Spot) -> bool {
    let is_of_map = spot.item.is_some()
        && state.is_group(spot)
        && state.definition(spot.run).chain(spot.task) == Some(spot.task);
    !is_of_map && closed_around(state, spot).is_none()
}

/// What a task run sees of the task at a place: within one mapped group its own item.
pub(crate) fn needed(state: &State, spot: Spot, place: u32) -> Spot {
    let definition = state.definition(spot.run);
    let chain = definition.chain(spot.task);
    let is_same = chain.is_some() && place != chain.unwrap_or(place);
    let is_same = is_same && definition.chain(place) == chain;
    Spot { run: spot.run, task: place, item: spot.item.filter(|_| is_same), undo: false }
}

/// How the tasks of a group have ended, as a run's would.
fn outcome(state: &State, all: &[Spot], is_stopped: bool) -> Outcome {
    let failed = |it: &&Spot| has_failed(state.task(**it), state.task_run(**it));
    let failed: Vec<&Spot> = all.iter().filter(failed).collect();
    let is = |it: &Spot, outcome: &Outcome| state.task_run(*it).phase.outcome() == Some(outcome);
    let skipped =
        |it: &Spot| matches!(state.task_run(*it).phase.outcome(), Some(Outcome::Skipped(_)));
    if failed.iter().any(|it| is(it, &Outcome::Cancelled)) && is_stopped {
        Outcome::Cancelled
    } else if !failed.is_empty() && failed.iter().all(|it| is(it, &Outcome::UpstreamFailed)) {
        Outcome::UpstreamFailed
    } else if !failed.is_empty() {
        let number = |it: usize| u32::try_from(it).expect("a file holds fewer tasks than bytes");
        let by_itself =
            |it: &&&Spot| matches!(state.task_run(***it).phase.outcome(), Some(Outcome::Failed(_)));
        let count = failed.iter().filter(by_itself).count();
        Outcome::Failed(Failure::Tasks { failed: number(count), total: number(all.len()) })
    } else if all.iter().all(skipped) {
        Outcome::Skipped(Skip::Tasks)
    } else {
        Outcome::Succeeded
    }
}

/// How a mapped task has ended of which no more items failed than may: in a mapped group it may be that all were skipped.
pub(crate) fn of_good_items(state: &State, whole: Spot) -> Outcome {
    let is_chain = state.definition(whole.run).chain(whole.task).is_some();
    let items = state.task_run(whole).items.as_ref().map_or(&[][..], |it| it.list());
    let skipped = |it: &TaskRun| matches!(it.phase, TaskPhase::Finished(Outcome::Skipped(_)));
    let all_skipped = !items.is_empty() && items.iter().all(|it| skipped(&it.progress));
    match is_chain && all_skipped {
        true => Outcome::Skipped(Skip::Tasks),
        false => Outcome::Succeeded,
    }
}

/// Whether all items that failed of a task in a mapped group did for want of what they need.
pub(crate) fn is_upstream_failed(state: &State, whole: Spot) -> bool {
    let chain = state.definition(whole.run).chain(whole.task);
    let items = state.task_run(whole).items.as_ref().map_or(&[][..], |it| it.list());
    let by_itself = |it: &TaskRun| matches!(it.phase, TaskPhase::Finished(Outcome::Failed(_)));
    chain.is_some() && !items.iter().any(|it| by_itself(&it.progress))
}
