//! What must always hold. Called by tests and by the simulator after every step.

use shared::state::{Activity, RunPhase, TaskPhase, Wait};
use shared::time::Timestamp;

use crate::index::Index;
use crate::pool::{Pool, Resource};
use crate::state::{Spot, State, TaskRun};

/// The first thing that does not hold, as a sentence.
pub fn check(state: &State) -> Result<(), String> {
    if state.index != Index::recount(state) {
        return Err("the index is not what a recount gives".to_owned());
    }
    capacity(state)?;
    for run in state.runs.values() {
        if run.phase.is_over() {
            return Err(format!("{} is over and still in the state", run.label()));
        }
        if !state.definitions.contains_key(&run.version) {
            return Err(format!("the version of {} is not kept", run.label()));
        }
        let mut started = false;
        for spot in run.all_spots() {
            task_run(state, spot)?;
            // A mapped task of which only some items run again keeps the others, and so is not at its beginning.
            started |= !state.is_parent(spot)
                && matches!(state.task_run(spot).phase, TaskPhase::Active(_) | TaskPhase::Queued);
        }
        if run.phase == RunPhase::Queued && started {
            return Err(format!("{} is queued, and a task of it is not", run.label()));
        }
        let waits = run.all_spots().any(|spot| !state.task_run(spot).phase.is_over());
        if !waits && run.phase != RunPhase::Queued {
            return Err(format!("all of {} has ended but itself", run.label()));
        }
    }
    Ok(())
}

/// No limit is ever exceeded.
fn capacity(state: &State) -> Result<(), String> {
    for (name, used) in &state.index.used {
        let (pool, nothing) = (state.pools.get(name), Pool::default());
        let pool = pool.unwrap_or(&nothing);
        let over = used.slots > pool.slots()
            || pool.size.cpu.is_some_and(|it| used.cpu > it)
            || pool.size.memory.is_some_and(|it| used.memory > it);
        let holds = |spot: Spot| state.pool_of(spot) == name;
        if over && has_started_since(state, pool.shrunk_at, holds) {
            return Err(format!("{used:?} of pool {name} is taken: {pool:?}"));
        }
    }
    for (name, used) in &state.index.resources {
        let (resource, nothing) = (state.resources.get(name), Resource::default());
        let resource = resource.unwrap_or(&nothing);
        let holds = |spot: Spot| state.task(spot).resources.contains_key(name);
        if *used > resource.amount() && has_started_since(state, resource.shrunk_at, holds) {
            return Err(format!("{used} of {} of resource {name} are taken", resource.amount()));
        }
    }
    for ((run, task), active) in &state.index.active_items {
        let spot = Spot::task(*run, *task);
        let task = state.definition(*run).task(*task);
        // What ran when it was said that fewer may goes on.
        let running = state.width(spot).map_or(0, |it| it.running);
        let limit = state.max_parallel(spot).map(|it| it.max(running));
        if limit.is_some_and(|it| *active > it) {
            return Err(format!("{active} items of {} run at once", task.name));
        }
    }
    Ok(())
}

/// Whether one of those that hold something has started since that became less; what had started before may go on.
fn has_started_since(
    state: &State,
    shrunk_at: Option<Timestamp>,
    holds: impl Fn(Spot) -> bool,
) -> bool {
    let Some(shrunk_at) = shrunk_at else { return true };
    state.index.open.values().any(|spot| {
        let ordered = state.task_run(*spot).open_attempt().map(|it| it.ordered_at);
        state.task(*spot).has_process() && holds(*spot) && ordered.is_some_and(|it| it > shrunk_at)
    })
}

fn task_run(state: &State, spot: Spot) -> Result<(), String> {
    let progress = state.task_run(spot);
    let wrong = |what: &str| {
        Err(format!("{} of {}: {what}", state.path(spot), state.run(spot.run).label()))
    };
    let open = progress.open_attempt();
    let should_be_open = match &progress.phase {
        TaskPhase::Active(_) => !state.is_parent(spot),
        TaskPhase::Waiting(Wait::Approval { .. }) => true,
        TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Finished(_) => false,
    };
    if open.is_some() != should_be_open {
        return wrong(&format!("it is {} and its open attempt is {open:?}", progress.phase.word()));
    }
    if progress.phase == TaskPhase::Active(Activity::Running)
        && open.is_some_and(|it| it.started_at.is_none())
    {
        return wrong("it runs and has not started");
    }
    if !numbered_from_one(progress) {
        return wrong("its attempts are not numbered in order");
    }
    Ok(())
}

fn numbered_from_one(progress: &TaskRun) -> bool {
    (1..).zip(&progress.attempts).all(|(number, it)| it.number == number)
}
