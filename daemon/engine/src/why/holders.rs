//! Who holds a capacity, since when, and until when at the latest.

use shared::id::{PoolName, ResourceName};
use shared::time::Timestamp;
use shared::why::Holder;

use super::NAMED_MAX;
use crate::attempt::timeout_of;
use crate::state::{Spot, State};

/// The holders of a capacity.
pub(super) struct Held {
    /// At most eight by name, then a count.
    pub(super) who: Vec<String>,
    /// Those eight, with their times.
    pub(super) holders: Vec<Holder>,
    /// When enough of it is free at the latest, where their timeouts say so.
    pub(super) until: Option<Timestamp>,
}

/// Who holds the slots of a pool that a task run waits for.
pub(super) fn of_pool(state: &State, spot: Spot, pool: &PoolName) -> Held {
    let slots = state.pools.get(pool).map_or(0, |it| it.slots);
    let free = slots.saturating_sub(state.slots_used(pool));
    let missing = state.task(spot).slots.saturating_sub(free);
    of(state, missing, |it| {
        let task = state.task(it);
        (task.pool == *pool).then_some(task.slots)
    })
}

/// Who holds a resource that a task run waits for.
pub(super) fn of_resource(state: &State, spot: Spot, resource: &ResourceName) -> Held {
    let total = state.resources.get(resource).copied().unwrap_or(0);
    let free = total.saturating_sub(state.resource_used(resource));
    let wanted = state.task(spot).resources.get(resource).copied().unwrap_or(0);
    let holds = |it| state.task(it).resources.get(resource).copied();
    of(state, wanted.saturating_sub(free), holds)
}

/// When a task run that has an attempt is stopped at the latest.
pub(super) fn released(state: &State, spot: Spot) -> Option<Timestamp> {
    let (task, progress) = (state.task(spot), state.task_run(spot));
    let since = began(state, spot);
    timeout_of(task, progress, since).map(|it| since + it)
}

fn began(state: &State, spot: Spot) -> Timestamp {
    let attempt = state.task_run(spot).open_attempt();
    attempt.map_or(state.now, |it| it.started_at.unwrap_or(it.ordered_at))
}

/// Of the task runs with a process that has not ended, those that hold something; only those that are named are written out.
fn of(state: &State, missing: u32, holds: impl Fn(Spot) -> Option<u32>) -> Held {
    let open = state.index.open.values().copied().filter(|it| state.task(*it).has_process());
    let holding: Vec<(Spot, u32)> = open.filter_map(|it| Some((it, holds(it)?))).collect();
    let name = |spot: Spot| format!("{} {}", state.run(spot.run).label(), state.path(spot));
    let named = || holding.iter().take(NAMED_MAX).map(|(spot, _)| *spot);
    let mut who: Vec<String> = named().map(name).collect();
    if holding.len() > who.len() {
        who.push(format!("{} more", holding.len() - who.len()));
    }
    let holder = |spot| {
        let (since, until) = (Some(began(state, spot)), released(state, spot));
        Holder { name: name(spot), since, until }
    };
    let mut freed: Vec<(Timestamp, u32)> = holding
        .iter()
        .filter_map(|(spot, amount)| Some((released(state, *spot)?, *amount)))
        .collect();
    freed.sort_unstable();
    let mut sum = 0_u32;
    let until = freed.into_iter().find_map(|(at, amount)| {
        sum = sum.saturating_add(amount);
        (sum >= missing).then_some(at)
    });
    Held { who, holders: named().map(holder).collect(), until }
}
