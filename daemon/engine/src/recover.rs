//! How a daemon that has just started, or a pool that has just come back, goes on. There is no other recovery.

use std::collections::BTreeMap;

use shared::id::{AttemptId, PoolName};
use shared::state::{Activity, TaskPhase};

use crate::effect::Effect;
use crate::event::{AttemptRef, Event};
use crate::faults::{self, Fault};
use crate::input::{AttemptEnd, How, Known};
use crate::launch;
use crate::state::Spot;
use crate::step::Turn;

impl Turn<'_> {
    /// The daemon has started: no pool is reached yet, and nothing looks for the files that are waited for.
    pub(crate) fn resume(&mut self, incarnation: u64) {
        if self.state.incarnation != incarnation {
            self.emit(Event::Incarnated { incarnation });
        }
        let up = self.state.pools.iter().filter(|(_, it)| it.up);
        let up: Vec<PoolName> = up.map(|(name, _)| name.clone()).collect();
        up.into_iter().for_each(|pool| self.emit(Event::PoolDown { pool }));
        let open: Vec<Spot> = self.state.index.open.values().copied().collect();
        for spot in open {
            let running = self.state.task_run(spot).phase == TaskPhase::Active(Activity::Running);
            if running && !self.state.task(spot).has_process() {
                self.watch_again(spot);
            }
        }
    }

    pub(crate) fn pool_lost(&mut self, pool: PoolName) {
        if self.state.pools.get(&pool).is_some_and(|it| it.up) {
            self.emit(Event::PoolDown { pool });
        }
    }

    /// Compares what a runner knows with what is true: starts what never arrived there, stops what should have stopped,
    /// releases what is settled. What a runner has forgotten is lost, and nothing is ever started twice under one id.
    pub(crate) fn pool_connected(
        &mut self,
        pool: &PoolName,
        lineage: u64,
        known: Vec<(AttemptId, Known)>,
    ) {
        let Some(lineage_before) = self.state.pools.get(pool).map(|it| it.lineage) else { return };
        let known: BTreeMap<AttemptId, Known> = known.into_iter().collect();
        self.emit(Event::PoolUp { pool: pool.clone(), lineage });
        let is_new = lineage_before.is_some_and(|it| it != lineage);
        let ours: Vec<Spot> = self.state.index.open.values().copied().collect();
        let of_pool =
            |spot: &Spot| self.state.task(*spot).has_process() && self.state.pool_of(*spot) == pool;
        let ours: Vec<Spot> = ours.into_iter().filter(of_pool).collect();
        for spot in ours {
            let attempt = self.attempt_ref(spot);
            match known.get(&attempt.id) {
                Some(Known::Running { pid, at }) => self.is_alive(spot, attempt, *pid, *at),
                // How it ended comes as an input of its own.
                Some(Known::Ended) => {}
                None => self.is_unknown(spot, attempt, is_new),
            }
        }
        for id in
            known.keys().filter(|it| self.state.open(**it).is_none()).copied().collect::<Vec<_>>()
        {
            match known[&id] {
                Known::Ended => self.effect(Effect::ReleaseAttempt(pool.clone(), id)),
                // Nobody waits for it: it belongs to a past that this store does not have.
                Known::Running { .. } => self.effect(Effect::StopAttempt(pool.clone(), id)),
            }
        }
    }

    fn is_alive(&mut self, spot: Spot, attempt: AttemptRef, pid: u32, at: shared::time::Timestamp) {
        let progress = self.state.task_run(spot);
        let is_stopping = progress.phase == TaskPhase::Active(Activity::Stopping);
        let is_new = progress.open_attempt().is_some_and(|it| it.started_at.is_none());
        if is_new && pid != 0 {
            let attempt = attempt.clone();
            self.emit(Event::AttemptStarted { attempt, pid: Some(pid), started_at: at });
        }
        if is_stopping {
            let pool = self.state.pool_of(spot).clone();
            self.effect(Effect::StopAttempt(pool, attempt.id));
        }
    }

    /// `is_new`: the runner's journal is another one than before, and may have lost what the old one knew.
    fn is_unknown(&mut self, spot: Spot, attempt: AttemptRef, is_new: bool) {
        let progress = self.state.task_run(spot);
        let was_started = progress.open_attempt().is_some_and(|it| it.started_at.is_some());
        if (was_started || is_new) && !faults::active(Fault::LostIsStartedAgain) {
            let evidence = match is_new {
                true => "the journal of its runner was replaced",
                false => "its runner does not know it",
            };
            let end = AttemptEnd::of(How::Lost(evidence.to_owned()));
            return self.attempt_ended(attempt.id, end);
        }
        if progress.phase == TaskPhase::Active(Activity::Stopping) {
            return self.attempt_ended(attempt.id, AttemptEnd::of(How::Never));
        }
        // The order to start it never arrived: it is given again, under the same id.
        let fence = self.state.task_run(spot).open_attempt().map_or(0, |it| it.fence);
        let pool = self.state.pool_of(spot).clone();
        match launch::launch(self.state, spot, &attempt, fence, pool) {
            Ok(launch) => self.effect(Effect::StartAttempt(Box::new(launch))),
            Err(problem) => {
                self.attempt_ended(attempt.id, AttemptEnd::of(How::ExecFailed(problem)));
            }
        }
    }
}
