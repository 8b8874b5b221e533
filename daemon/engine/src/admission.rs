//! Which of those that wait for capacity get it. Source: semantics, rule 6.

use std::collections::BTreeSet;
use std::ops::Bound;

use shared::id::PoolName;
use shared::state::{Failure, Outcome};
use shared::time::Timestamp;
use shared::workflow::Route;

use crate::blockers::{in_pool, obstacles_with};
use crate::effect::Effect;
use crate::event::Event;
use crate::launch;
use crate::queue::{CRITICAL, Demand, QueueKey, Reservations, heads};
use crate::state::{Spot, State};
use crate::step::Turn;

/// The first of those that wait for the same, by the pool that they wait for.
type Heads = BTreeSet<(QueueKey, PoolName, Demand)>;

impl Turn<'_> {
    /// Starts, in the order of all queues, what has nothing in its way; then has room made for what is critical.
    ///
    /// Those that wait for the same stand behind each other: if the first of them cannot start, none can. So a walk costs
    /// what it starts and how many different demands there are, not how many wait.
    pub(crate) fn admit(&mut self) {
        self.look_at = None;
        let mut heads: Heads = heads(self.state);
        let mut reservations = Reservations::none(self.now);
        let mut urgent: Vec<Spot> = Vec::new();
        while let Some((key, pool, demand)) = heads.pop_first() {
            let spot = key.spot;
            if obstacles_with(self.state, spot, &reservations).next().is_none() {
                if let Some(place) = choose_pool(self.state, spot, &reservations) {
                    self.start(spot, place);
                }
                self.advance(&mut heads, key, pool, demand);
                continue;
            }
            let later = reservations.meet(self.state, key, &pool, &demand);
            self.come_back(later);
            self.come_back(rate_at(self.state, spot, self.now));
            let is_critical = self.state.own_priority(spot) >= CRITICAL;
            if is_critical && self.state.is_open(&pool) {
                let due = self.state.task_run(spot).since + self.state.queue.preempt_after;
                match due <= self.now {
                    true => urgent.push(spot),
                    false => self.come_back(Some(due)),
                }
            }
        }
        self.make_room_for(&urgent);
    }

    /// Puts in whoever stands behind one that has started, in each queue in which that was the first.
    fn advance(&self, heads: &mut Heads, key: QueueKey, pool: PoolName, demand: Demand) {
        let mut pools = vec![pool];
        while heads.first().is_some_and(|it| it.0 == key) {
            pools.extend(heads.pop_first().map(|it| it.1));
        }
        for pool in pools {
            let queue = self.state.index.ready.get(&pool).and_then(|it| it.get(&demand));
            let next =
                queue.and_then(|it| it.range((Bound::Excluded(key), Bound::Unbounded)).next());
            if let Some(next) = next {
                heads.insert((*next, pool, demand.clone()));
            }
        }
    }

    fn come_back(&mut self, at: Option<Timestamp>) {
        let at = at.filter(|it| *it > self.now);
        self.look_at = self.look_at.into_iter().chain(at).min();
    }

    fn start(&mut self, spot: Spot, pool: PoolName) {
        let attempt = self.attempt_to_be(spot);
        // Rendered before it exists: what cannot be rendered has no attempt.
        match launch::launch(self.state, spot, &attempt, self.state.ids_given + 1, pool.clone()) {
            Err(problem) => self.finish(spot, Outcome::Failed(Failure::Expression(problem))),
            Ok(launch) => {
                self.emit(Event::AttemptStarting { attempt, pool: Some(pool) });
                self.effect(Effect::StartAttempt(Box::new(launch)));
            }
        }
    }
}

/// Where a task run starts that has nothing in its way.
fn choose_pool(state: &State, spot: Spot, reservations: &Reservations) -> Option<PoolName> {
    let task = state.task(spot);
    let is_free = |pool: &&PoolName| in_pool(state, spot, pool, reservations).next().is_none();
    let mut free = task.pools().filter(is_free);
    let chosen = match task.route {
        Route::FirstAvailable => free.next(),
        Route::LeastLoaded => free.min_by_key(|pool| share_taken(state, pool)),
    };
    chosen.cloned()
}

/// Which part of a pool's slots is taken, in millionths.
fn share_taken(state: &State, pool: &PoolName) -> u64 {
    let slots = state.pools.get(pool).map_or(0, |it| it.slots());
    u64::from(state.slots_used(pool)) * 1_000_000 / u64::from(slots.max(1))
}

/// When a rate that is used up lets a task run start.
fn rate_at(state: &State, spot: Spot, now: Timestamp) -> Option<Timestamp> {
    let resources = state.task(spot).resources.keys();
    let used_up = resources.filter_map(|it| state.resources.get(it)?.next_at(now));
    used_up.max()
}
