//! Runs that follow only a success: `concurrency.after_previous: succeeded`. The order is that in which they were made.

use std::ops::Bound;

use shared::id::RunId;
use shared::request::{Actor, Answer, Refusal};
use shared::state::{RunOutcome, RunPhase};
use shared::workflow::{AfterPrevious, Workflow};

use crate::event::Event;
use crate::index::age;
use crate::person::conflict;
use crate::state::{Failed, Run, State};
use crate::step::Turn;

/// What a run waits for that was made before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Previous {
    /// It has not ended.
    Open(RunId),
    /// It has ended without success. Its name for people, and how.
    Failed(String, RunOutcome),
}

impl State {
    /// What keeps a queued run from starting that follows only a success.
    pub(crate) fn waits_for_previous(&self, run: RunId) -> Option<Previous> {
        let it = self.run(run);
        let rule = self.definition(run).workflow.concurrency.after_previous;
        if rule == AfterPrevious::Ended || it.phase != RunPhase::Queued || it.released {
            return None;
        }
        let key = (it.workflow.clone(), it.lane.clone());
        let lane = self.index.lanes.get(&key)?;
        let queued = lane.queued.iter().map(|(_, age, run)| (*age, *run));
        let open = lane.active.iter().copied().chain(queued);
        let open = open.filter(|(made, _)| *made < age(it)).max();
        let before = (Bound::Unbounded, Bound::Excluded(age(it)));
        let failed = self.failed.get(&key).and_then(|it| it.range(before).next_back());
        match (open, failed) {
            (Some((made, _)), Some((at, failed))) if *at > made => {
                Some(self.failure(it, at.1, failed))
            }
            (Some((_, run)), _) => Some(Previous::Open(run)),
            (None, Some((at, failed))) => Some(self.failure(it, at.1, failed)),
            (None, None) => None,
        }
    }

    fn failure(&self, of: &Run, number: u64, failed: &Failed) -> Previous {
        Previous::Failed(format!("{}#{number}", of.workflow), failed.outcome)
    }

    /// Keeps the end of a run for the sake of the next.
    pub(crate) fn remember_end(&mut self, run: &Run, workflow: &Workflow) {
        let RunPhase::Ended(outcome) = run.phase else { return };
        if workflow.concurrency.after_previous == AfterPrevious::Ended {
            return;
        }
        let has_succeeded =
            matches!(outcome, RunOutcome::Succeeded | RunOutcome::Partial | RunOutcome::Skipped);
        // One that never started, for whose sake another took its place, has no successor but that.
        let by_daemon = run
            .cancel
            .as_ref()
            .is_some_and(|it| it.actor.uid.is_none() && it.actor == Actor::daemon());
        let was_replaced = run.started_at.is_none() && by_daemon;
        let key = (run.workflow.clone(), run.lane.clone());
        let lane = self.failed.entry(key.clone()).or_default();
        if has_succeeded {
            // What follows it asks for it, and no more for those before.
            *lane = lane.split_off(&age(run));
            lane.remove(&age(run));
        } else if !was_replaced {
            *lane = lane.split_off(&age(run));
            lane.insert(age(run), Failed { run: run.id, outcome });
        }
        if lane.is_empty() {
            self.failed.remove(&key);
        }
    }

    /// It has not ended: it was taken up again.
    pub(crate) fn forget_end(&mut self, run: &Run) {
        let key = (run.workflow.clone(), run.lane.clone());
        if let Some(lane) = self.failed.get_mut(&key) {
            lane.remove(&age(run));
            if lane.is_empty() {
                self.failed.remove(&key);
            }
        }
    }
}

impl Turn<'_> {
    /// Lets a run start that waits for the success of the one before it.
    pub(crate) fn release_run(
        &mut self,
        actor: Actor,
        run: RunId,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        may_release(self.state, run)?;
        self.emit(Event::RunReleased { run, actor, comment });
        Ok(Answer::Done)
    }
}

/// Whether a run waits for the success of the one before it.
pub(crate) fn may_release(state: &State, run: RunId) -> Result<(), Refusal> {
    if !state.runs.contains_key(&run) {
        return Err(conflict("the run has ended".to_owned()));
    }
    if state.waits_for_previous(run).is_none() {
        let refusal = conflict("the run does not wait for the one before it".to_owned());
        return Err(refusal.help("`runyard why` says what it waits for; `runyard release RUN TASK` is for a task that is held"));
    }
    Ok(())
}
