//! Everything in the way of a run or a task run. Admission starts a task run exactly when there is nothing; `why` shows
//! what there is. Source: semantics, rules 6 and 17.

use shared::id::{PoolName, ResourceName, RunId};
use shared::request::PauseWhat;
use shared::state::{Activity, RunPhase, TaskPhase, Wait};
use shared::time::Timestamp;

use crate::run::{has_room, is_paused};
use crate::state::{Pause, Spot, State};

/// One thing in the way.
#[derive(Clone, PartialEq, Debug)]
pub enum Obstacle<'a> {
    /// Its run may not start: as many of the workflow as may are active.
    MaxRuns,
    /// It is paused, or what it is part of.
    Paused(PauseWhat, &'a Pause),
    /// What was built on what it undoes is to be undone first; or other undos of the run are.
    OtherUndos,
    /// Needs have not ended.
    Needs,
    /// The wait before its next attempt has not ended.
    Retry(Timestamp),
    /// A person must let it go on.
    Hold(&'a str),
    /// A person must decide.
    Approval {
        /// When it expires.
        expires: Option<Timestamp>,
        /// What is asked.
        message: &'a str,
    },
    /// It runs, or its items do.
    Running(Activity),
    /// As many items of its map run as may.
    MaxParallel(u32),
    /// There is no such pool.
    NoPool(&'a PoolName),
    /// Its pool's runner cannot be reached.
    PoolDown(&'a PoolName),
    /// It asks for more slots than its pool has, or more of a resource than there is.
    TooLarge(String),
    /// Too few slots of its pool are free.
    Slots(&'a PoolName),
    /// Too little of a resource is free.
    Resource(&'a ResourceName),
}

/// Everything that keeps a task run from starting, what must end first first. Empty: it may start. Of one that has
/// ended there is nothing either.
pub fn obstacles(state: &State, spot: Spot) -> impl Iterator<Item = Obstacle<'_>> {
    let run = state.run(spot.run);
    let task = state.task(spot);
    let progress = state.task_run(spot);
    let waits_for_run = (run.phase == RunPhase::Queued).then_some(Obstacle::MaxRuns);
    let may_start = !matches!(progress.phase, TaskPhase::Active(_) | TaskPhase::Finished(_))
        && !matches!(progress.phase, TaskPhase::Waiting(Wait::Approval { .. }));
    let of_pool = || {
        let what = PauseWhat::Pool(task.pool.clone());
        let pause = state.pauses.get(&what)?;
        task.has_process().then_some((what, pause))
    };
    let paused = may_start.then(|| state.held_back(run).or_else(of_pool)).flatten();
    let paused = paused.map(|(what, pause)| Obstacle::Paused(what, pause));
    let phase = match &progress.phase {
        TaskPhase::Waiting(Wait::Needs) if spot.undo => Some(Obstacle::OtherUndos),
        TaskPhase::Waiting(Wait::Needs) => Some(Obstacle::Needs),
        TaskPhase::Waiting(Wait::Retry { at }) => Some(Obstacle::Retry(*at)),
        TaskPhase::Waiting(Wait::Hold { reason, .. }) => Some(Obstacle::Hold(reason)),
        TaskPhase::Waiting(Wait::Approval { expires, message }) => {
            Some(Obstacle::Approval { expires: *expires, message })
        }
        TaskPhase::Active(activity) => Some(Obstacle::Running(*activity)),
        TaskPhase::Queued | TaskPhase::Finished(_) => None,
    };
    let queued = (progress.phase == TaskPhase::Queued).then(|| {
        let parallel = max_parallel(state, spot).map(Obstacle::MaxParallel);
        let resources = task.resources.iter().filter_map(move |(resource, amount)| {
            let total = state.resources.get(resource).copied().unwrap_or(0);
            let free = total.saturating_sub(state.resource_used(resource));
            if *amount > total {
                let text =
                    format!("it asks for {amount} of `{resource}`, of which there is {total}");
                Some(Obstacle::TooLarge(text))
            } else {
                (*amount > free).then_some(Obstacle::Resource(resource))
            }
        });
        parallel.into_iter().chain(pool(state, spot)).chain(resources)
    });
    waits_for_run.into_iter().chain(paused).chain(phase).chain(queued.into_iter().flatten())
}

fn pool(state: &State, spot: Spot) -> Option<Obstacle<'_>> {
    let task = state.task(spot);
    let Some(pool) = state.pools.get(&task.pool) else {
        return Some(Obstacle::NoPool(&task.pool));
    };
    if task.slots > pool.slots {
        let (slots, name, all) = (task.slots, &task.pool, pool.slots);
        let text = format!("it asks for {slots} slots of pool `{name}`, which has {all}");
        return Some(Obstacle::TooLarge(text));
    }
    if !pool.up {
        return Some(Obstacle::PoolDown(&task.pool));
    }
    let free = pool.slots.saturating_sub(state.slots_used(&task.pool));
    (task.slots > free).then_some(Obstacle::Slots(&task.pool))
}

/// The `max_parallel` of the task, where as many items run.
fn max_parallel(state: &State, spot: Spot) -> Option<u32> {
    let limit = state.task(spot).map.as_ref()?.max_parallel?;
    spot.item.filter(|_| !spot.undo)?;
    let active = state.index.active_items.get(&(spot.run, spot.task)).copied().unwrap_or(0);
    (active >= limit).then_some(limit)
}

/// The runs in the way of a queued run: those that are active, and those that wait before it. Empty: it may start.
pub fn runs_in_the_way(state: &State, run: RunId) -> Vec<RunId> {
    let it = state.run(run);
    let key = (it.workflow.clone(), it.lane.clone());
    let (RunPhase::Queued, Some(lane)) = (it.phase, state.index.lanes.get(&key)) else {
        return Vec::new();
    };
    let before = lane.queued.iter().map(|it| it.2).take_while(|it| *it != run);
    let before = before.filter(|it| !is_paused(state, *it));
    let before: Vec<RunId> = before.collect();
    // Nobody overtakes one that has no room itself, by the limit of its own version.
    let all = before.iter().copied().chain([run]);
    if (lane.active.len()..).zip(all).all(|(others, it)| has_room(state, it, others)) {
        return Vec::new();
    }
    lane.active.iter().map(|it| it.1).chain(before).collect()
}
