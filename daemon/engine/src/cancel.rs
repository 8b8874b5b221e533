//! How a run is stopped. Source: semantics, rule 5.

use std::cmp::Reverse;

use shared::id::RunId;
use shared::outputs::Outputs;
use shared::request::{Actor, Answer, Refusal, RefusalCode};
use shared::state::{Activity, AttemptOutcome, Outcome, RunOutcome, RunPhase, TaskPhase, Wait};
use shared::workflow::Section;

use crate::effect::Effect;
use crate::event::Event;
use crate::faults::{self, Fault};
use crate::input::{AttemptEnd, How};
use crate::state::{Run, Spot, TaskRun};
use crate::step::Turn;

impl Turn<'_> {
    /// Stops a run. Twice is harmless, and the second time stops its `finally` too.
    pub(crate) fn cancel(
        &mut self,
        actor: Actor,
        run: RunId,
        now: bool,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let Some(it) = self.state.runs.get(&run) else {
            return Err(Refusal::new(RefusalCode::Conflict, "the run has ended"));
        };
        let again = it.cancel.as_ref();
        if again.is_some_and(|it| it.now) {
            return Ok(Answer::Done);
        }
        if it.rollback_asked.is_some() && it.phase == RunPhase::Active {
            // Its tasks are being stopped already.
            self.emit(Event::RollbackCalledOff { run, actor });
            self.touched.insert(run);
            return Ok(Answer::Done);
        }
        let now = now || again.is_some();
        self.stop_run(&actor, run, now, comment);
        Ok(Answer::Done)
    }

    /// Stops what runs of a run and marks what has not started; `now`: of its `finally` too.
    pub(crate) fn stop_run(
        &mut self,
        actor: &Actor,
        run: RunId,
        now: bool,
        comment: Option<String>,
    ) {
        let phase = self.state.run(run).phase;
        // One that only waits to be undone has ended already, and stays as it was.
        let before = as_it_was(self.state.run(run));
        self.emit(Event::RunCancelled { run, actor: actor.clone(), now, comment });
        let is_stopped = |spot: &Spot| {
            // Of a run that never started there is nothing to clean up.
            let all = now || phase == RunPhase::Queued;
            all || self.state.task(*spot).section == Section::Main
        };
        let spots: Vec<Spot> = self.state.run(run).all_spots().filter(is_stopped).collect();
        self.stop_all(spots);
        if phase == RunPhase::Queued {
            let outcome = before.unwrap_or(RunOutcome::Cancelled);
            self.emit(Event::RunEnded { run, outcome });
        } else {
            // What goes on of a run that was paused is paused no more.
            if matches!(phase, RunPhase::Closing(_)) {
                self.look_at_section(run, Section::Finally);
            }
            self.touched.insert(run);
        }
    }

    /// The time of a run is over: it fails, and its `finally` runs.
    pub(crate) fn run_out_of_time(&mut self, run: RunId) {
        let Some(limit) = self.state.run(run).clock.limit else { return };
        self.emit(Event::RunTimedOut { run, limit });
        let is_main = |spot: &Spot| !spot.undo && self.state.task(*spot).section == Section::Main;
        let spots: Vec<Spot> = self.state.run(run).all_spots().filter(is_main).collect();
        self.stop_all(spots);
        self.touched.insert(run);
    }

    /// Items before their task, which ends with the last of them.
    fn stop_all(&mut self, spots: Vec<Spot>) {
        let (items, tasks): (Vec<Spot>, Vec<Spot>) =
            spots.into_iter().partition(|it| it.item.is_some());
        // And what is in a group before the group.
        let is_group = |it: &Spot| self.state.is_group(*it);
        let (mut groups, parts): (Vec<Spot>, Vec<Spot>) =
            items.into_iter().chain(tasks).partition(is_group);
        groups.sort_by_key(|it| (it.item.is_none(), Reverse(it.task)));
        parts.into_iter().chain(groups).for_each(|spot| self.stop(spot));
    }

    fn stop(&mut self, spot: Spot) {
        let is_parent = self.state.is_parent(spot);
        let is_queued = self.state.run(spot.run).phase == RunPhase::Queued;
        match self.state.task_run(spot).phase {
            TaskPhase::Finished(_) | TaskPhase::Active(Activity::Stopping) => {}
            // Of a run that waits to be taken up again no item is active.
            TaskPhase::Active(_) if is_parent && is_queued => self.finish(spot, Outcome::Cancelled),
            TaskPhase::Active(_) if is_parent => self.todo.push(spot),
            TaskPhase::Active(_) if self.state.task(spot).has_process() => {
                let attempt = self.attempt_ref(spot);
                let pool = self.state.pool_of(spot).clone();
                self.effect(Effect::StopAttempt(pool, attempt.id));
                self.emit(Event::AttemptStopping { attempt });
            }
            TaskPhase::Active(_) => {
                let attempt = self.attempt_ref(spot);
                self.effect(Effect::StopWatch(attempt.id));
                let (end, outcome) = (AttemptEnd::of(How::Killed), self.stopped(spot));
                self.end_attempt(spot, attempt, outcome, end, Outputs::new());
            }
            TaskPhase::Waiting(Wait::Approval { .. }) => {
                let attempt = self.attempt_ref(spot);
                self.end_approval(attempt, AttemptOutcome::Cancelled);
                self.finish(spot, Outcome::Cancelled);
            }
            TaskPhase::Queued if faults::active(Fault::CancelForgetsQueue) => {}
            TaskPhase::Waiting(_) | TaskPhase::Queued => self.finish(spot, Outcome::Cancelled),
        }
    }
}

/// How a run had ended that only waits to be undone; some of its undos may have been marked as done since.
fn as_it_was(run: &Run) -> Option<RunOutcome> {
    run.rollback_asked.as_ref()?;
    let is_done = |undo: &TaskRun| undo.phase == TaskPhase::Finished(Outcome::Succeeded);
    match run.undos().next().is_some() {
        false => run.ended_as,
        true if run.undos().all(|(_, undo)| is_done(undo)) => Some(RunOutcome::RolledBack),
        true => Some(RunOutcome::RollbackFailed),
    }
}
