//! Everything in the way of a run or a task run. Admission starts a task run exactly when there is nothing; `why` shows
//! what there is. Source: semantics, rules 6 and 17.

use shared::capacity::{Guard, format_cpu, format_size};
use shared::id::{PoolName, ResourceName, RunId};
use shared::request::PauseWhat;
use shared::state::{Activity, RunPhase, TaskPhase, Wait};
use shared::time::Timestamp;

use crate::index::key_of;
use crate::pool::{Closed, Pool};
use crate::queue::{Reservation, Reservations};
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
    /// A guard of its pool is closed.
    Guard(&'a PoolName, Guard, Closed),
    /// Too few slots of its pool are free.
    Slots(&'a PoolName),
    /// Too few processors of its pool are free.
    Cpu(&'a PoolName),
    /// Too little memory of its pool is free.
    Memory(&'a PoolName),
    /// Too little of a resource is free.
    Resource(&'a ResourceName),
    /// A resource was taken as often as it may be, until then.
    Rate(&'a ResourceName, Timestamp),
    /// What is free of this is kept for a task run that has waited longer.
    Reserved(String, Spot),
}

/// Everything that keeps a task run from starting, what must end first first. Empty: it may start. Of one that has
/// ended there is nothing either.
pub fn obstacles(state: &State, spot: Spot) -> impl Iterator<Item = Obstacle<'_>> {
    let reservations = match is_queued(state, spot) {
        true => Reservations::before(state, key_of(state, spot)),
        false => Reservations::none(state.now),
    };
    let all: Vec<Obstacle<'_>> = obstacles_with(state, spot, &reservations).collect();
    all.into_iter()
}

/// The same, with what is kept for those that go before it.
pub(crate) fn obstacles_with<'a, 'r>(
    state: &'a State,
    spot: Spot,
    reservations: &'r Reservations,
) -> impl Iterator<Item = Obstacle<'a>> + use<'a, 'r> {
    let run = state.run(spot.run);
    let task = state.task(spot);
    let progress = state.task_run(spot);
    let is_queued = progress.phase == TaskPhase::Queued;
    let waits_for_run = (run.phase == RunPhase::Queued).then_some(Obstacle::MaxRuns);
    let may_start = !matches!(progress.phase, TaskPhase::Active(_) | TaskPhase::Finished(_))
        && !matches!(progress.phase, TaskPhase::Waiting(Wait::Approval { .. }));
    let of_pool = || {
        let what = PauseWhat::Pool(task.pool.clone());
        let pause = state.pauses.get(&what)?;
        (task.has_process() && !is_queued).then_some((what, pause))
    };
    let paused = may_start.then(|| state.held_back(run).or_else(of_pool)).flatten();
    let paused = paused.map(|(what, pause)| Obstacle::Paused(what, pause));
    let phase = match &progress.phase {
        TaskPhase::Waiting(Wait::Needs) if spot.undo => Some(Obstacle::OtherUndos),
        TaskPhase::Waiting(Wait::Needs) => match max_parallel(state, spot) {
            Some(limit) if state.is_group(spot) => Some(Obstacle::MaxParallel(limit)),
            Some(_) | None => Some(Obstacle::Needs),
        },
        TaskPhase::Waiting(Wait::Retry { at }) => Some(Obstacle::Retry(*at)),
        TaskPhase::Waiting(Wait::Hold { reason, .. }) => Some(Obstacle::Hold(reason)),
        TaskPhase::Waiting(Wait::Approval { expires, message }) => {
            Some(Obstacle::Approval { expires: *expires, message })
        }
        TaskPhase::Active(activity) => Some(Obstacle::Running(*activity)),
        TaskPhase::Queued | TaskPhase::Finished(_) => None,
    };
    let queued = is_queued.then(|| {
        let parallel = max_parallel(state, spot).map(Obstacle::MaxParallel);
        let in_a_pool = move |pool| in_pool(state, spot, pool, reservations).next().is_none();
        let finds_a_pool = task.pools().any(in_a_pool);
        let pools = task.pools().filter(move |_| !finds_a_pool);
        let pools = pools.flat_map(move |pool| in_pool(state, spot, pool, reservations));
        parallel.into_iter().chain(pools).chain(resources(state, spot, reservations))
    });
    waits_for_run.into_iter().chain(paused).chain(phase).chain(queued.into_iter().flatten())
}

fn is_queued(state: &State, spot: Spot) -> bool {
    state.task_run(spot).phase == TaskPhase::Queued
}

/// Everything that keeps a queued task run from starting in one of its pools.
pub(crate) fn in_pool<'a, 'r>(
    state: &'a State,
    spot: Spot,
    name: &'a PoolName,
    reservations: &'r Reservations,
) -> impl Iterator<Item = Obstacle<'a>> + use<'a, 'r> {
    let pool = state.pools.get(name);
    let missing = pool.is_none().then_some(Obstacle::NoPool(name));
    let there = pool.into_iter().flat_map(move |pool| {
        let down = (!pool.up).then_some(Obstacle::PoolDown(name));
        let guards = pool.closed.iter().map(|(guard, it)| Obstacle::Guard(name, *guard, *it));
        let amounts = amounts(state, spot, name, pool, reservations);
        down.into_iter().chain(pause_of_pool(state, name)).chain(guards).chain(amounts)
    });
    missing.into_iter().chain(there)
}

fn pause_of_pool<'a>(state: &'a State, name: &PoolName) -> Option<Obstacle<'a>> {
    if state.pauses.is_empty() {
        return None;
    }
    let what = PauseWhat::Pool(name.clone());
    let pause = state.pauses.get(&what)?;
    Some(Obstacle::Paused(what, pause))
}

/// What a pool has too little of: slots, processors, memory.
fn amounts<'a, 'r>(
    state: &'a State,
    spot: Spot,
    name: &'a PoolName,
    pool: &'a Pool,
    reservations: &'r Reservations,
) -> impl Iterator<Item = Obstacle<'a>> + use<'a, 'r> {
    let (task, used) = (state.task(spot), state.used(name));
    let memory = state.task_run(spot).memory.unwrap_or(task.memory);
    let kept = before(state, spot, reservations).filter(move |it| it.pool == *name);
    let kept: Vec<&Reservation> = kept.collect();
    let keeper = kept.first().map(|it| it.key.spot);
    let sum = |of: fn(&Reservation) -> u64| kept.iter().map(|it| of(it)).sum::<u64>();
    let parts = [
        Part {
            asked: task.slots.into(),
            total: Some(pool.slots().into()),
            used: used.slots.into(),
            kept: sum(|it| it.demand.slots.into()),
            lacking: Obstacle::Slots(name),
            text: |it| format!("{it} slots"),
        },
        Part {
            asked: task.cpu.into(),
            total: pool.size.cpu.map(u64::from),
            used: used.cpu.into(),
            kept: sum(|it| it.demand.cpu.into()),
            lacking: Obstacle::Cpu(name),
            text: |it| format!("{} processors", format_cpu(u32::try_from(it).unwrap_or(u32::MAX))),
        },
        Part {
            asked: memory,
            total: pool.size.memory,
            used: used.memory,
            kept: sum(|it| it.demand.memory),
            lacking: Obstacle::Memory(name),
            text: |it| format!("{} of memory", format_size(it)),
        },
    ];
    parts.into_iter().filter_map(move |it| it.obstacle(name, keeper))
}

/// One thing that a pool has an amount of.
struct Part<'a> {
    asked: u64,
    /// Not limited where absent.
    total: Option<u64>,
    used: u64,
    /// For those that go before.
    kept: u64,
    lacking: Obstacle<'a>,
    text: fn(u64) -> String,
}

impl<'a> Part<'a> {
    fn obstacle(self, pool: &PoolName, keeper: Option<Spot>) -> Option<Obstacle<'a>> {
        let total = self.total.filter(|_| self.asked > 0)?;
        let free = total.saturating_sub(self.used);
        if self.asked > total {
            let (asked, all) = ((self.text)(self.asked), (self.text)(total));
            return Some(Obstacle::TooLarge(format!(
                "it asks for {asked} of pool `{pool}`, which has {all}"
            )));
        }
        if self.asked > free {
            return Some(self.lacking);
        }
        let keeper = keeper.filter(|_| self.asked > free.saturating_sub(self.kept))?;
        Some(Obstacle::Reserved(format!("pool `{pool}`"), keeper))
    }
}

/// What there is too little of beside pools.
fn resources<'a, 'r>(
    state: &'a State,
    spot: Spot,
    reservations: &'r Reservations,
) -> impl Iterator<Item = Obstacle<'a>> + use<'a, 'r> {
    state.task(spot).resources.iter().flat_map(move |(name, asked)| {
        let resource = state.resources.get(name);
        let total = resource.map_or(0, |it| it.amount());
        let free = total.saturating_sub(state.resource_used(name));
        let kept = || {
            let kept = before(state, spot, reservations);
            let amounts =
                kept.filter_map(|it| Some((it.key.spot, *it.demand.resources.get(name)?)));
            let amounts: Vec<(Spot, u32)> = amounts.collect();
            let sum = amounts.iter().map(|it| it.1).sum::<u32>();
            let keeper = amounts.first().map(|it| it.0);
            keeper.filter(|_| *asked > free.saturating_sub(sum))
        };
        let lacking = if *asked > total {
            let text = format!("it asks for {asked} of `{name}`, of which there is {total}");
            Some(Obstacle::TooLarge(text))
        } else if *asked > free {
            Some(Obstacle::Resource(name))
        } else {
            kept().filter(|_| *asked > 0).map(|it| Obstacle::Reserved(format!("`{name}`"), it))
        };
        let rate = resource.and_then(|it| it.next_at(reservations.now));
        lacking.into_iter().chain(rate.map(|at| Obstacle::Rate(name, at)))
    })
}

/// The reservations of those that go before a task run.
fn before<'r>(
    state: &State,
    spot: Spot,
    reservations: &'r Reservations,
) -> impl Iterator<Item = &'r Reservation> + use<'r> {
    let key = (!reservations.all.is_empty()).then(|| key_of(state, spot));
    reservations.all.iter().filter(move |it| key.is_some_and(|key| it.key < key))
}

/// Whether a queued task run waits for nothing but that enough of what it asks for becomes free, in a pool that is open.
pub(crate) fn lacks(state: &State, spot: Spot, pool: &PoolName, now: Timestamp) -> bool {
    let Some((name, _)) = state.pools.get_key_value(pool) else { return false };
    let nothing = Reservations::none(now);
    let mut of_pool = in_pool(state, spot, name, &nothing).chain(resources(state, spot, &nothing));
    let mut lacks = false;
    let only = of_pool.all(|it| match it {
        Obstacle::Slots(_) | Obstacle::Cpu(_) | Obstacle::Memory(_) | Obstacle::Resource(_) => {
            lacks = true;
            true
        }
        Obstacle::Rate(..) => true,
        Obstacle::MaxRuns
        | Obstacle::Paused(..)
        | Obstacle::OtherUndos
        | Obstacle::Needs
        | Obstacle::Retry(_)
        | Obstacle::Hold(_)
        | Obstacle::Approval { .. }
        | Obstacle::Running(_)
        | Obstacle::MaxParallel(_)
        | Obstacle::NoPool(_)
        | Obstacle::PoolDown(_)
        | Obstacle::TooLarge(_)
        | Obstacle::Guard(..)
        | Obstacle::Reserved(..) => false,
    });
    only && lacks
}

/// The `max_parallel` of the task, where as many items run.
fn max_parallel(state: &State, spot: Spot) -> Option<u32> {
    let limit = parallel_limit(state, spot)?;
    let active = state.index.active_items.get(&(spot.run, spot.task)).copied().unwrap_or(0);
    (active >= limit).then_some(limit)
}

/// How many items of the task may run at once; of an item of a mapped task.
pub(crate) fn parallel_limit(state: &State, spot: Spot) -> Option<u32> {
    spot.item.filter(|_| !spot.undo)?;
    state.max_parallel(spot)
}

/// The runs in the way of a queued run: those that are active, and those that wait before it. Empty: it may start.
pub fn runs_in_the_way(state: &State, run: RunId) -> Vec<RunId> {
    let it = state.run(run);
    let key = (it.workflow.clone(), it.lane.clone());
    let (RunPhase::Queued, Some(lane)) = (it.phase, state.index.lanes.get(&key)) else {
        return Vec::new();
    };
    let before = lane.queued.iter().map(|it| it.2).take_while(|it| *it != run);
    let before =
        before.filter(|it| !is_paused(state, *it) && state.waits_for_previous(*it).is_none());
    let before: Vec<RunId> = before.collect();
    // Nobody overtakes one that has no room itself, by the limit of its own version.
    let all = before.iter().copied().chain([run]);
    if (lane.active.len()..).zip(all).all(|(others, it)| has_room(state, it, others)) {
        return Vec::new();
    }
    lane.active.iter().map(|it| it.1).chain(before).collect()
}
