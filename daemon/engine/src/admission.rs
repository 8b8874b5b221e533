//! Which of those that wait for capacity get it. Source: semantics, rule 6.

use std::ops::Bound;

use shared::id::PoolName;
use shared::request::PauseWhat;
use shared::state::{Failure, Outcome};

use crate::blockers::obstacles;
use crate::effect::Effect;
use crate::event::Event;
use crate::index::QueueKey;
use crate::launch;
use crate::state::Spot;
use crate::step::Turn;

impl Turn<'_> {
    /// Starts, pool by pool and in the order of each queue, what has nothing in its way.
    pub(crate) fn admit(&mut self) {
        let pools: Vec<PoolName> = self.state.index.ready.keys().cloned().collect();
        pools.into_iter().for_each(|pool| self.admit_from(&pool));
    }

    fn admit_from(&mut self, pool: &PoolName) {
        let mut after: Bound<QueueKey> = Bound::Unbounded;
        loop {
            let is_open = self.state.pools.get(pool).is_some_and(|it| it.up)
                && !self.state.pauses.contains_key(&PauseWhat::Pool(pool.clone()))
                && self.state.slots_used(pool) < self.state.pools[pool].slots;
            let queue = self.state.index.ready.get(pool);
            let next = queue.and_then(|it| it.range((after, Bound::Unbounded)).next().copied());
            let (true, Some(key)) = (is_open, next) else { return };
            let is_blocked = obstacles(self.state, key.spot).next().is_some();
            // What is in the way of one item is in the way of all of its task, and a walk frees nothing.
            after = Bound::Excluded(if is_blocked { key.last_of_task() } else { key });
            if !is_blocked {
                self.start(key.spot);
            }
        }
    }

    fn start(&mut self, spot: Spot) {
        let attempt = self.attempt_to_be(spot);
        // Rendered before it exists: what cannot be rendered has no attempt.
        match launch::launch(self.state, spot, &attempt, self.state.ids_given + 1) {
            Err(problem) => self.finish(spot, Outcome::Failed(Failure::Expression(problem))),
            Ok(launch) => {
                self.emit(Event::AttemptStarting(attempt));
                self.effect(Effect::StartAttempt(Box::new(launch)));
            }
        }
    }
}
