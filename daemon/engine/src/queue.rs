//! The order of a queue, and for whom what becomes free is kept. Source: semantics, rule 6; decisions, 28.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::id::{PoolName, ResourceName};
use shared::time::Timestamp;
use shared::workflow::{Priority, Task};

use crate::blockers::lacks;
use crate::faults::{self, Fault};
use crate::index::Age;
use crate::state::{Spot, State, TaskRun};

/// The least that is critical.
pub(crate) const CRITICAL: Priority = Priority(750);

/// The order of a queue: larger priority, then earlier deadline, then older run or request to wait anew, then file order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct QueueKey {
    pub(crate) priority: Reverse<Priority>,
    /// The end of time where there is none.
    pub(crate) deadline: Timestamp,
    pub(crate) age: Age,
    pub(crate) spot: Spot,
}

/// What an attempt takes, all together or not at all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Demand {
    pub(crate) slots: u32,
    /// In thousandths of a processor.
    pub(crate) cpu: u32,
    /// In bytes.
    pub(crate) memory: u64,
    pub(crate) resources: BTreeMap<ResourceName, u32>,
}

impl Demand {
    pub(crate) fn of(task: &Task, progress: &TaskRun) -> Self {
        Self {
            slots: task.slots,
            cpu: task.cpu,
            memory: progress.memory.unwrap_or(task.memory),
            resources: task.resources.clone(),
        }
    }
}

/// What is taken of a pool.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Used {
    /// Slots.
    pub slots: u32,
    /// Processors, in thousandths of one.
    pub cpu: u32,
    /// Memory, in bytes.
    pub memory: u64,
}

/// The priority that counts: waiting lifts to just below critical, and never past it.
pub(crate) fn effective(own: Priority, lifted: bool) -> Priority {
    match lifted && own < CRITICAL {
        true if faults::active(Fault::LiftsPastCritical) => Priority::MAX,
        true => own.max(Priority(CRITICAL.0 - 1)),
        false => own,
    }
}

impl State {
    /// The priority of a task run as its file and its run say.
    pub(crate) fn own_priority(&self, spot: Spot) -> Priority {
        self.task(spot).priority.unwrap_or(self.run(spot.run).priority)
    }

    /// The longest that a task run of this priority waits before it is lifted.
    pub(crate) fn max_wait(&self, priority: Priority) -> Option<Duration> {
        match priority {
            it if it >= CRITICAL => None,
            it if it >= Priority(500) => Some(self.queue.max_wait_high),
            it if it >= Priority::NORMAL => Some(self.queue.max_wait_normal),
            _ => Some(self.queue.max_wait_low),
        }
    }

    /// When a queued task run is lifted at the latest, if it is not yet: from there on it goes before all that is not
    /// critical.
    pub fn lifted_at(&self, spot: Spot) -> Option<Timestamp> {
        let progress = self.task_run(spot);
        let wait = self.max_wait(self.own_priority(spot)).filter(|_| !progress.lifted)?;
        Some(progress.since + wait)
    }

    /// What is taken of a pool.
    pub fn used(&self, pool: &PoolName) -> Used {
        self.index.used.get(pool).copied().unwrap_or_default()
    }

    /// How many slots of a pool are taken.
    pub fn slots_used(&self, pool: &PoolName) -> u32 {
        self.used(pool).slots
    }

    /// How much of a resource is taken.
    pub fn resource_used(&self, resource: &ResourceName) -> u32 {
        self.index.resources.get(resource).copied().unwrap_or(0)
    }

    /// The task runs that wait for capacity of a pool, in their order; then those that a pause keeps from it.
    pub fn queue(&self, pool: &PoolName) -> impl Iterator<Item = Spot> {
        let all = || self.index.queued.get(pool).into_iter().flatten().map(|it| it.spot);
        let is_held_back = |spot: &Spot| self.held_back(self.run(spot.run)).is_some();
        all().filter(move |it| !is_held_back(it)).chain(all().filter(move |it| is_held_back(it)))
    }

    /// How many task runs wait for capacity of a pool.
    pub fn queued(&self, pool: &PoolName) -> usize {
        self.index.queued.get(pool).map_or(0, BTreeSet::len)
    }
}

/// For whom what becomes free is kept: at most one a pool.
#[derive(Debug)]
pub(crate) struct Reservations {
    /// When is looked at it: nothing may have become true for a while.
    pub(crate) now: Timestamp,
    /// Each with the pool that it waits for, in the order of the queue.
    pub(crate) all: Vec<Reservation>,
}

#[derive(Clone, Debug)]
pub(crate) struct Reservation {
    pub(crate) pool: PoolName,
    pub(crate) key: QueueKey,
    pub(crate) demand: Demand,
}

impl Reservations {
    /// None yet.
    pub(crate) fn none(now: Timestamp) -> Self {
        Self { now, all: Vec::new() }
    }

    /// Those that a task run with this place must leave alone: all that go before it.
    pub(crate) fn before(state: &State, key: QueueKey) -> Self {
        let mut reservations = Self::none(state.now);
        for (it, pool, demand) in heads(state) {
            if it >= key {
                break;
            }
            reservations.meet(state, it, &pool, &demand);
        }
        reservations
    }

    /// Takes in the first of those that wait for the same, which cannot start: it may be its turn to have capacity kept
    /// for it. Answers when it will be, if it is not yet.
    pub(crate) fn meet(
        &mut self,
        state: &State,
        key: QueueKey,
        pool: &PoolName,
        demand: &Demand,
    ) -> Option<Timestamp> {
        let is_first_choice = || state.task(key.spot).pools().find(|it| state.is_open(it));
        if self.all.iter().any(|it| it.pool == *pool) || is_first_choice() != Some(pool) {
            return None;
        }
        if !lacks(state, key.spot, pool, self.now) {
            return None;
        }
        let is_critical = state.own_priority(key.spot) >= CRITICAL;
        let wait = match is_critical {
            true => state.queue.reserve_after.min(state.queue.preempt_after),
            false => state.queue.reserve_after,
        };
        let at = state.task_run(key.spot).since + wait;
        if at > self.now {
            return Some(at);
        }
        self.all.push(Reservation { pool: pool.clone(), key, demand: demand.clone() });
        None
    }
}

/// The first of those that wait for the same of each pool, in the order of all queues.
pub(crate) fn heads(state: &State) -> BTreeSet<(QueueKey, PoolName, Demand)> {
    let of_pool = |(pool, queues): (&PoolName, &BTreeMap<Demand, BTreeSet<QueueKey>>)| {
        let heads =
            queues.iter().filter_map(|(demand, queue)| Some((*queue.first()?, demand.clone())));
        heads.map(|(key, demand)| (key, pool.clone(), demand)).collect::<Vec<_>>()
    };
    state.index.ready.iter().flat_map(of_pool).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_never_lifts_past_what_is_critical() {
        assert_eq!(effective(Priority(0), true), Priority(749));
        assert_eq!(effective(Priority(749), true), Priority(749));
        assert_eq!(effective(Priority(750), true), Priority(750));
        assert_eq!(effective(Priority(250), false), Priority(250));
    }
}
