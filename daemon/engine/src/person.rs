//! What a person does to one task run: hold it, let it go on, pass it over, send it back to the queue; and to a run:
//! give it another priority. Source: semantics, rule 11.

use shared::id::{RunId, TaskPath};
use shared::request::{Actor, Answer, Refusal, RefusalCode};
use shared::state::{Activity, AttemptOutcome, Outcome, Skip, TaskPhase, Wait, said};
use shared::workflow::Priority;

use crate::effect::Effect;
use crate::event::Event;
use crate::state::{Spot, State};
use crate::step::Turn;

impl Turn<'_> {
    /// Stops a task run before it starts.
    pub(crate) fn hold(
        &mut self,
        actor: Actor,
        run: RunId,
        path: &TaskPath,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let spot = self.active_task_run(run, path)?;
        match &self.state.task_run(spot).phase {
            TaskPhase::Waiting(Wait::Needs | Wait::Retry { .. }) | TaskPhase::Queued => {}
            TaskPhase::Waiting(Wait::Hold { reason, .. }) => {
                return Err(conflict(format!("`{path}` is held already: {reason}")));
            }
            TaskPhase::Waiting(Wait::Approval { .. }) => {
                return Err(conflict(format!("`{path}` waits for a person already")));
            }
            TaskPhase::Active(_) if self.state.is_parent(spot) => {
                return Err(conflict(format!("`{path}` has begun"))
                    .help(format!("hold those of {}", parts_of(self.state, spot, path))));
            }
            TaskPhase::Active(_) => {
                return Err(conflict(format!("`{path}` runs already"))
                    .help("`runyard requeue` stops it and has it wait in the queue again"));
            }
            TaskPhase::Finished(outcome) => {
                return Err(conflict(format!("`{path}` has ended: {}", outcome.word())));
            }
        }
        let reason = said(format!("held by {}", actor.name), comment.as_deref());
        self.emit(Event::TaskHeld { run, task: path.clone(), reason, actor: Some(actor) });
        Ok(Answer::Done)
    }

    /// Lets a task run go on that is held.
    pub(crate) fn release(
        &mut self,
        actor: Actor,
        run: RunId,
        path: &TaskPath,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let spot = self.active_task_run(run, path)?;
        let phase = &self.state.task_run(spot).phase;
        if !matches!(phase, TaskPhase::Waiting(Wait::Hold { .. })) {
            return Err(conflict(format!("`{path}` is not held: it is {}", phase.word())));
        }
        self.emit(Event::TaskReleased { run, task: path.clone(), actor, comment });
        self.look_again(spot);
        Ok(Answer::Done)
    }

    /// Has whatever decides on a task run look at it.
    pub(crate) fn look_again(&mut self, spot: Spot) {
        match spot.undo {
            true => {
                self.touched.insert(spot.run);
            }
            false => self.todo.extend([spot.parent(), spot]),
        }
    }

    /// Passes a task run over that has not started.
    pub(crate) fn skip(
        &mut self,
        actor: Actor,
        run: RunId,
        path: &TaskPath,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let spot = self.active_task_run(run, path)?;
        if spot.undo {
            let refusal = conflict(format!("`{path}` is an undo, and cannot be skipped"));
            return Err(refusal.help("`runyard mark RUN TASK --undone` says that it was undone"));
        }
        let is_begun = self.state.is_parent(spot);
        match &self.state.task_run(spot).phase {
            TaskPhase::Waiting(Wait::Approval { .. }) => {
                let attempt = self.attempt_ref(spot);
                self.end_approval(attempt, AttemptOutcome::Cancelled);
            }
            TaskPhase::Waiting(_) | TaskPhase::Queued => {}
            TaskPhase::Active(_) if is_begun => {
                return Err(conflict(format!("`{path}` has begun"))
                    .help(format!("skip those of {}", parts_of(self.state, spot, path))));
            }
            TaskPhase::Active(_) => {
                return Err(conflict(format!("`{path}` runs already"))
                    .help("`runyard requeue` stops it; then it can be skipped"));
            }
            TaskPhase::Finished(outcome) => {
                return Err(conflict(format!("`{path}` has ended: {}", outcome.word()))
                    .help("`runyard mark` says that it has ended otherwise"));
            }
        }
        self.finish(spot, Outcome::Skipped(Skip::Person { by: actor.name, comment }));
        Ok(Answer::Done)
    }

    /// Stops an attempt, and has its task run wait in the queue again.
    pub(crate) fn requeue(
        &mut self,
        actor: Actor,
        run: RunId,
        path: &TaskPath,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let spot = self.active_task_run(run, path)?;
        let word = self.state.task_run(spot).phase.word();
        let is_process = self.state.task(spot).has_process() && !self.state.is_parent(spot);
        match self.state.task_run(spot).phase {
            TaskPhase::Active(Activity::Starting | Activity::Running) if is_process => {}
            TaskPhase::Active(Activity::Stopping) => {
                return Err(conflict(format!("`{path}` is being stopped already")));
            }
            TaskPhase::Waiting(_)
            | TaskPhase::Queued
            | TaskPhase::Active(_)
            | TaskPhase::Finished(_) => {
                return Err(conflict(format!("`{path}` holds no slot: it is {word}")));
            }
        }
        self.emit(Event::TaskRequeued { run, task: path.clone(), actor, comment });
        let attempt = self.attempt_ref(spot);
        let pool = self.state.pool_of(spot).clone();
        self.effect(Effect::StopAttempt(pool, attempt.id));
        self.emit(Event::AttemptStopping { attempt });
        Ok(Answer::Done)
    }

    /// Gives a run another priority.
    pub(crate) fn prioritize(
        &mut self,
        actor: Actor,
        run: RunId,
        priority: Priority,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        if priority > Priority::MAX {
            let message = format!("a priority is at most {}", Priority::MAX.0);
            return Err(Refusal::new(RefusalCode::Invalid, message));
        }
        let Some(it) = self.state.runs.get(&run) else {
            return Err(conflict("the run has ended".to_owned()));
        };
        if it.priority != priority {
            self.emit(Event::RunPrioritized { run, priority, actor, comment });
        }
        Ok(Answer::Done)
    }

    /// The task run that a request means, of a run that is not over.
    fn active_task_run(&self, run: RunId, path: &TaskPath) -> Result<Spot, Refusal> {
        if !self.state.runs.contains_key(&run) {
            return Err(conflict("the run has ended".to_owned())
                .help("`runyard retry` and `runyard mark` take it up again"));
        }
        let spot = self.task_run(run, path)?;
        not_past(self.state, spot, path)?;
        not_in_chain(self.state, spot, path)?;
        Ok(spot)
    }
}

/// The items of a mapped task that was reset are those of an earlier expansion, kept for their history: whatever is said
/// of one would not hold for those to come.
pub(crate) fn not_past(state: &State, spot: Spot, path: &TaskPath) -> Result<(), Refusal> {
    let whole = &state.run(spot.run).tasks[spot.task as usize];
    if spot.undo || spot.item.is_none() || whole.started_at.is_some() {
        return Ok(());
    }
    Err(conflict(format!(
        "`{path}` is of an earlier time: the items of `{}` are not known",
        path.task
    ))
    .help(format!("`{}` means all of them", path.task)))
}

/// A task of a mapped group as a whole is only what its items are.
pub(crate) fn not_in_chain(state: &State, spot: Spot, path: &TaskPath) -> Result<(), Refusal> {
    let definition = state.definition(spot.run);
    let chain = definition.chain(spot.task).filter(|it| *it != spot.task);
    let Some(chain) = chain.filter(|_| spot.item.is_none() && !spot.undo) else { return Ok(()) };
    let group = &definition.task(chain).name;
    let refusal = conflict(format!("`{path}` runs once an item of `{group}`"));
    Err(refusal.help(format!("name an item, `{path}:ITEM`, or `{group}`, which means all of it")))
}

/// What a task run is made of that has not begun, and how that is named.
fn parts_of(state: &State, spot: Spot, path: &TaskPath) -> String {
    let item = path.item.as_ref().map_or_else(String::new, |it| format!(":{it}"));
    match state.is_mapped_whole(spot) {
        true => format!("its items that have not: `{path}:ITEM`"),
        false => format!("its tasks that have not: `{}/TASK{item}`", path.task),
    }
}

pub(crate) fn conflict(message: String) -> Refusal {
    Refusal::new(RefusalCode::Conflict, message)
}
