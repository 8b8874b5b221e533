//! Whose attempt is stopped for a critical task run that waits: the fewest and youngest that suffice. Source: semantics,
//! rule 6.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use shared::id::{PoolName, ResourceName};
use shared::state::{Activity, TaskPhase};

use crate::effect::Effect;
use crate::event::Event;
use crate::queue::Demand;
use crate::state::{Spot, State};
use crate::step::Turn;

/// One thing of which there is an amount.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Thing {
    Slots(PoolName),
    Cpu(PoolName),
    Memory(PoolName),
    Resource(ResourceName),
}

type Amounts = BTreeMap<Thing, u64>;

impl Turn<'_> {
    /// Has attempts stopped for task runs that are critical and have waited long enough, in their order.
    pub(crate) fn make_room_for(&mut self, urgent: &[Spot]) {
        if urgent.is_empty() || self.state.index.preemptible.is_empty() {
            return;
        }
        // What is free, and what will be once all that is being stopped has ended.
        let mut coming = self.state.being_freed();
        for spot in urgent {
            let Some(pool) =
                self.state.task(*spot).pools().find(|it| self.state.is_open(it)).cloned()
            else {
                continue;
            };
            let demand = Demand::of(self.state.task(*spot), self.state.task_run(*spot));
            let asked = amounts(&demand, &pool);
            let lacking = lacking(self.state, &asked, &coming);
            if !lacking.is_empty() {
                let Some(victims) = choose(self.state, *spot, &lacking) else { continue };
                for victim in victims {
                    add(&mut coming, held(self.state, victim));
                    self.preempt(victim, *spot);
                }
            }
            // Nobody else counts on it.
            for (thing, amount) in asked {
                let left = coming.entry(thing).or_default();
                *left = left.saturating_sub(amount);
            }
        }
    }

    fn preempt(&mut self, victim: Spot, by: Spot) {
        let attempt = self.attempt_ref(victim);
        let (by_run, by) = (by.run, self.state.path(by));
        self.emit(Event::AttemptPreempted { attempt: attempt.clone(), by_run, by });
        let pool = self.state.pool_of(victim).clone();
        self.effect(Effect::StopAttempt(pool, attempt.id));
        self.emit(Event::AttemptStopping { attempt });
    }

    /// Whether the attempt of a task run is being stopped to make room, and for no other reason.
    pub(crate) fn is_making_room(&self, spot: Spot) -> bool {
        let progress = self.state.task_run(spot);
        progress.preempted && !progress.requeue && !self.is_stopped(spot)
    }

    /// How much memory the next attempt of a task run asks for, where its last one had too little.
    pub(crate) fn memory_after(
        &self,
        spot: Spot,
        outcome: &shared::state::AttemptOutcome,
    ) -> Option<u64> {
        let task = self.state.task(spot);
        let factor = task.retry.memory_factor.filter(|_| task.memory > 0)?;
        if *outcome != shared::state::AttemptOutcome::Oom {
            return None;
        }
        let last = self.state.task_run(spot).memory.unwrap_or(task.memory);
        let sizes = task.pools().filter_map(|it| self.state.pools.get(it)?.size.memory);
        let most = sizes.max().unwrap_or(u64::MAX);
        Some(((last as f64 * factor) as u64).min(most.max(last)))
    }
}

impl State {
    fn being_freed(&self) -> Amounts {
        let mut coming = Amounts::new();
        for (name, pool) in &self.pools {
            let used = self.used(name);
            let free = |total: u64, used: u64| total.saturating_sub(used);
            let unlimited = u64::MAX / 2;
            let cpu = pool.size.cpu.map_or(unlimited, |it| free(it.into(), used.cpu.into()));
            let memory = pool.size.memory.map_or(unlimited, |it| free(it, used.memory));
            coming.insert(Thing::Slots(name.clone()), free(pool.slots().into(), used.slots.into()));
            coming.insert(Thing::Cpu(name.clone()), cpu);
            coming.insert(Thing::Memory(name.clone()), memory);
        }
        for (name, resource) in &self.resources {
            let free = resource.amount().saturating_sub(self.resource_used(name));
            coming.insert(Thing::Resource(name.clone()), free.into());
        }
        let stopping = |spot: &Spot| {
            self.task_run(*spot).phase == TaskPhase::Active(Activity::Stopping)
                && self.task(*spot).has_process()
        };
        let open = self.index.open.values().copied();
        open.filter(stopping).for_each(|spot| add(&mut coming, held(self, spot)));
        coming
    }
}

fn amounts(demand: &Demand, pool: &PoolName) -> Amounts {
    let of_pool = [
        (Thing::Slots(pool.clone()), demand.slots.into()),
        (Thing::Cpu(pool.clone()), demand.cpu.into()),
        (Thing::Memory(pool.clone()), demand.memory),
    ];
    let others = demand.resources.iter();
    let others = others.map(|(name, it)| (Thing::Resource(name.clone()), u64::from(*it)));
    of_pool.into_iter().chain(others).filter(|it| it.1 > 0).collect()
}

/// What the attempt of a task run holds.
fn held(state: &State, spot: Spot) -> Amounts {
    let demand = Demand::of(state.task(spot), state.task_run(spot));
    amounts(&demand, state.pool_of(spot))
}

fn add(amounts: &mut Amounts, more: Amounts) {
    more.into_iter().for_each(|(thing, amount)| *amounts.entry(thing).or_default() += amount);
}

fn lacking(state: &State, asked: &Amounts, coming: &Amounts) -> Amounts {
    let lacks = |(thing, amount): (&Thing, &u64)| {
        // Without a limit there is always enough.
        let is_limited = match thing {
            Thing::Cpu(pool) => state.pools.get(pool).is_some_and(|it| it.size.cpu.is_some()),
            Thing::Memory(pool) => state.pools.get(pool).is_some_and(|it| it.size.memory.is_some()),
            Thing::Slots(_) | Thing::Resource(_) => true,
        };
        let left = amount.saturating_sub(coming.get(thing).copied().unwrap_or(0));
        (is_limited && left > 0).then(|| (thing.clone(), left))
    };
    asked.iter().filter_map(lacks).collect()
}

/// The fewest and youngest whose end gives all that is lacking; `None` if all of them together do not.
fn choose(state: &State, urgent: Spot, lacking: &Amounts) -> Option<Vec<Spot>> {
    let priority = state.own_priority(urgent);
    let may_go = |spot: &Spot| {
        state.own_priority(*spot) < priority && {
            let held = held(state, *spot);
            lacking.keys().any(|it| held.contains_key(it))
        }
    };
    let mut candidates: Vec<Spot> =
        state.index.preemptible.iter().copied().filter(may_go).collect();
    let youth = |spot: Spot| Reverse(state.task_run(spot).open_attempt().map(|it| it.ordered_at));
    candidates.sort_by_key(|spot| (youth(*spot), *spot));
    let mut left = lacking.clone();
    let mut chosen: Vec<Spot> = Vec::new();
    while !left.is_empty() {
        // What it covers, in millionths of each thing that is left; the first of equals is the youngest.
        let covers = |spot: Spot| -> u64 {
            let held = held(state, spot);
            let part = |(thing, amount): (&Thing, &u64)| {
                let has = held.get(thing).copied().unwrap_or(0).min(*amount);
                u128::from(has) * 1_000_000 / u128::from(*amount)
            };
            u64::try_from(left.iter().map(part).sum::<u128>()).unwrap_or(u64::MAX)
        };
        let mut best: Option<(u64, usize)> = None;
        for (place, spot) in candidates.iter().enumerate() {
            let covered = covers(*spot);
            if covered > 0 && best.is_none_or(|it| covered > it.0) {
                best = Some((covered, place));
            }
        }
        let victim = candidates.remove(best?.1);
        take(&mut left, &held(state, victim));
        chosen.push(victim);
    }
    Some(without_needless(state, chosen, lacking))
}

fn take(left: &mut Amounts, held: &Amounts) {
    for (thing, amount) in held {
        if let Some(it) = left.get_mut(thing) {
            *it = it.saturating_sub(*amount);
        }
    }
    left.retain(|_, it| *it > 0);
}

/// Whoever was chosen early may be needless once others are.
fn without_needless(state: &State, chosen: Vec<Spot>, lacking: &Amounts) -> Vec<Spot> {
    let mut kept = chosen.clone();
    for spot in chosen {
        let mut left = lacking.clone();
        kept.iter().filter(|it| **it != spot).for_each(|it| take(&mut left, &held(state, *it)));
        if left.is_empty() {
            kept.retain(|it| *it != spot);
        }
    }
    kept
}
