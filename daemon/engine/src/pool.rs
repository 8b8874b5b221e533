//! What there is of capacity: pools and resources, as configured and as a person has resized them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use shared::capacity::{Capacity, Guard, PoolSize, ResourceSize};
use shared::id::RunId;
use shared::state::TaskPhase;
use shared::time::Timestamp;

use crate::event::AttemptRef;
use crate::state::State;

/// A pool.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Pool {
    /// What its configuration says.
    pub size: PoolSize,
    /// How many slots a person has given it, for as long as its configuration says the same.
    pub resized: Option<u32>,
    /// When it last became smaller: what had started by then may take more than there is.
    pub shrunk_at: Option<Timestamp>,
    /// Whether its runner can be reached.
    pub up: bool,
    /// Which journal its runner had when it was last reached.
    pub lineage: Option<u64>,
    /// Its guards that are closed.
    pub closed: BTreeMap<Guard, Closed>,
}

/// What has closed a guard.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub since: Timestamp,
    /// What was measured.
    pub measured: f64,
    /// What it may come to.
    pub limit: f64,
}

/// A resource.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Resource {
    /// What its configuration says.
    pub size: ResourceSize,
    /// How much a person has made of it, for as long as its configuration says the same.
    pub resized: Option<u32>,
    /// When it last became less.
    pub shrunk_at: Option<Timestamp>,
    /// When it was last taken, oldest first; as often as its rate counts, and only if it has one.
    pub taken_at: VecDeque<Timestamp>,
}

impl Pool {
    /// How many slots it has.
    pub fn slots(&self) -> u32 {
        self.resized.unwrap_or(self.size.slots)
    }

    pub(crate) fn resize(&mut self, slots: Option<u32>, at: Timestamp) {
        let before = self.slots();
        self.resized = slots;
        if self.slots() < before {
            self.shrunk_at = Some(at);
        }
    }

    /// The same with what the configuration says. What a person has said holds until that is another number.
    fn configured(mut self, size: &PoolSize, at: Timestamp) -> Self {
        let before = (self.slots(), self.size);
        if self.size.slots != size.slots {
            self.resized = None;
        }
        self.size = *size;
        let less = |old: Option<u64>, new: Option<u64>| match (old, new) {
            (Some(old), Some(new)) => new < old,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let cpu = |it: &PoolSize| it.cpu.map(u64::from);
        let is_smaller = self.slots() < before.0
            || less(cpu(&before.1), cpu(size))
            || less(before.1.memory, size.memory);
        if is_smaller {
            self.shrunk_at = Some(at);
        }
        self.closed.retain(|guard, _| size.limit(*guard).is_some());
        self
    }
}

impl Resource {
    /// How much there is.
    pub fn amount(&self) -> u32 {
        self.resized.unwrap_or(self.size.amount)
    }

    /// When it may be taken once more, if that is not now: its rate is used up until then.
    pub fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        let rate = self.size.rate?;
        let count = rate.count as usize;
        let place = self.taken_at.len().checked_sub(count)?;
        let at = *self.taken_at.get(place)? + rate.per;
        (at > now).then_some(at)
    }

    pub(crate) fn resize(&mut self, amount: Option<u32>, at: Timestamp) {
        let before = self.amount();
        self.resized = amount;
        if self.amount() < before {
            self.shrunk_at = Some(at);
        }
    }

    fn configured(mut self, size: &ResourceSize, at: Timestamp) -> Self {
        let before = self.amount();
        if self.size.amount != size.amount {
            self.resized = None;
        }
        self.size = *size;
        if self.amount() < before {
            self.shrunk_at = Some(at);
        }
        self.keep_to_rate();
        self
    }

    fn taken(&mut self, at: Timestamp) {
        self.taken_at.push_back(at);
        self.keep_to_rate();
    }

    fn keep_to_rate(&mut self) {
        let count = self.size.rate.map_or(0, |it| it.count as usize);
        while self.taken_at.len() > count {
            self.taken_at.pop_front();
        }
    }
}

impl State {
    /// Takes in what the configuration says.
    pub(crate) fn configured(&mut self, capacity: &Capacity, at: Timestamp) {
        let mut old = std::mem::take(&mut self.pools);
        let pools = capacity.pools.iter().map(|(name, size)| {
            let before = old.remove(name).unwrap_or_default();
            (name.clone(), before.configured(size, at))
        });
        self.pools = pools.collect();
        let mut old = std::mem::take(&mut self.resources);
        let resources = capacity.resources.iter().map(|(name, size)| {
            let before = old.remove(name).unwrap_or_default();
            (name.clone(), before.configured(size, at))
        });
        self.resources = resources.collect();
        if self.queue != capacity.queue {
            // When what waits is lifted follows from it.
            let waiting: BTreeSet<RunId> =
                self.index.queued.values().flatten().map(|it| it.spot.run).collect();
            let waiting: Vec<RunId> = waiting.into_iter().collect();
            self.reindex(&waiting, |state| state.queue = capacity.queue);
        }
    }

    /// Counts what an attempt takes of the resources that have a rate.
    pub(crate) fn resources_taken(&mut self, attempt: &AttemptRef, at: Timestamp) {
        let Some(spot) = self.spot(attempt.run, &attempt.task) else { return };
        debug_assert!(matches!(self.task_run(spot).phase, TaskPhase::Active(_)), "it has started");
        if self.task(spot).resources.is_empty() {
            return;
        }
        let taken: Vec<_> = self.task(spot).resources.keys().cloned().collect();
        for name in taken {
            if let Some(resource) =
                self.resources.get_mut(&name).filter(|it| it.size.rate.is_some())
            {
                resource.taken(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::capacity::Rate;

    use super::*;

    #[test]
    fn a_rate_holds_in_any_span_of_its_length() {
        let rate = Some(Rate { count: 2, per: Duration::from_secs(60) });
        let mut resource =
            Resource::default().configured(&ResourceSize { amount: 9, rate }, Timestamp(0));
        let second = |it: i64| Timestamp(it * 1_000_000);
        assert_eq!(resource.next_at(second(0)), None);
        resource.taken(second(0));
        resource.taken(second(50));
        assert_eq!(resource.next_at(second(59)), Some(second(60)));
        assert_eq!(resource.next_at(second(60)), None);
        resource.taken(second(60));
        assert_eq!(resource.next_at(second(60)), Some(second(110)));
    }

    #[test]
    fn what_a_person_has_resized_stays_until_the_configuration_says_another_number() {
        let mut pool = Pool::default().configured(&PoolSize::slots(8), Timestamp(0));
        pool.resize(Some(4), Timestamp(1));
        assert_eq!((pool.slots(), pool.shrunk_at), (4, Some(Timestamp(1))));
        let pool = pool.configured(&PoolSize::slots(8), Timestamp(2));
        assert_eq!(pool.slots(), 4);
        assert_eq!(pool.configured(&PoolSize::slots(6), Timestamp(3)).slots(), 6);
    }
}
