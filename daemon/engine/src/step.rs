//! One step: one match over the input, then the passes in order. All control flow of a step is here.

use std::collections::BTreeSet;

use shared::id::RunId;
use shared::plan::Plan;
use shared::request::{Actor, Answer, Refusal, RefusalCode, Request};
use shared::time::Timestamp;

use crate::audit;
use crate::effect::Effect;
use crate::event::{Event, Stamped};
use crate::faults::{self, Fault};
use crate::index::Timer;
use crate::input::{Archived, Input, Seen, Ticket};
use crate::latest;
use crate::plan::plan;
use crate::state::State;
use crate::todo::Todo;

/// The longest comment.
const COMMENT_BYTES_MAX: usize = 2_000;

/// The engine: the state, and the only way to change it.
#[derive(Clone, Default, Debug)]
pub struct Engine {
    state: State,
    /// When what waits for capacity must be looked at again though nothing has happened. Worked out anew at each step, and
    /// so not part of the state.
    look_at: Option<Timestamp>,
}

/// What a step gives.
#[derive(Clone, PartialEq, Default, Debug)]
#[must_use = "the events are to be kept and the effects to be carried out"]
pub struct Step {
    /// What is now true, in order. To be kept together or not at all.
    pub events: Vec<Stamped>,
    /// What must follow once that is kept, in order.
    pub effects: Vec<Effect>,
}

impl Engine {
    /// An engine that goes on from a state.
    pub fn new(state: State) -> Self {
        Self { state, look_at: None }
    }

    /// What is true.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The runs that have ended since this was last called, oldest first.
    pub fn take_ended(&mut self) -> Vec<Archived> {
        std::mem::take(&mut self.state.ended)
    }

    /// When to come back with [`Input::Wake`], and for the sake of what; `None` if nothing is waited for.
    pub fn next_wakeup(&self) -> Option<(Timestamp, Timer)> {
        let timer = self.state.index.timers.first().cloned();
        let look = self.look_at.map(|at| (at, Timer::Queue));
        timer.into_iter().chain(look).min()
    }

    /// Takes in one thing that happened. `now` may be wrong by any amount: time is taken never to run backwards.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Step {
        let now = now.max(self.state.now);
        let mut turn = Turn {
            state: &mut self.state,
            now,
            step: Step::default(),
            todo: Todo::default(),
            touched: BTreeSet::new(),
            look_at: None,
        };
        turn.fire_stray_timers();
        turn.take_in(input);
        turn.pass();
        self.look_at = turn.look_at;
        turn.step
    }
}

/// One step in the making.
pub(crate) struct Turn<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) now: Timestamp,
    pub(crate) step: Step,
    /// Task runs whose needs are to be looked at.
    pub(crate) todo: Todo,
    /// Runs that may have come to an end of something.
    pub(crate) touched: BTreeSet<RunId>,
    /// When what waits for capacity must be looked at again though nothing has happened.
    pub(crate) look_at: Option<Timestamp>,
}

impl Turn<'_> {
    fn take_in(&mut self, input: Input) {
        match input {
            Input::Wake => self.fire_timers(),
            Input::Resumed { incarnation } => self.resume(incarnation),
            Input::Configured(capacity) => self.configure(*capacity),
            Input::Measured { pool, measured } => self.measured(&pool, measured),
            Input::LibraryRead(shelves) => self.read_library(shelves),
            Input::Request { ticket, actor, request, seen, archived } => {
                let seen = comment_fits(&request).and_then(|()| {
                    self.as_it_was_seen(&actor, &request, &seen, archived.as_deref())
                });
                let answer = seen.and_then(|plan| {
                    let confirmed = plan.map(|it| audit::confirm(&actor, &request, it));
                    let first = self.step.events.len();
                    let answer = self.request(actor, request, archived)?;
                    self.keep_plan(first, confirmed);
                    Ok(answer)
                });
                self.answer(ticket, answer);
            }
            Input::RequestRefused(refused) => self.emit(Event::RequestRefused(refused)),
            Input::PoolConnected { pool, lineage, known } => {
                self.pool_connected(&pool, lineage, known);
            }
            Input::PoolLost { pool } => self.pool_lost(pool),
            Input::AttemptStarted { pool, attempt, pid, at } => {
                self.attempt_started(pool, attempt, pid, at);
            }
            Input::AttemptEnded { pool, attempt, end } => {
                self.attempt_ended(attempt, *end);
                // Also of one whose end is known already, or that nobody waits for.
                self.effect(Effect::ReleaseAttempt(pool, attempt));
            }
            Input::FileArrived { attempt, file } => self.file_arrived(attempt, &file),
        }
    }

    fn request(
        &mut self,
        actor: Actor,
        request: Request,
        archived: Option<Box<Archived>>,
    ) -> Result<Answer, Refusal> {
        match request {
            Request::Run { workflow, params, interval, priority } => {
                self.create_run(actor, &workflow, params, interval, priority)
            }
            Request::Cancel { run, now, comment } => self.cancel(actor, run, now, comment),
            Request::Retry { run, what, comment } => {
                self.retry(actor, run, &what, comment, archived)
            }
            Request::RetryWith { run, what, latest, params, comment } => {
                let with = latest::With { latest, params };
                self.retry_with(actor, run, &what, with, comment, archived)
            }
            Request::Edit { run, params, comment } => self.edit(actor, run, params, comment),
            Request::ReleaseRun { run, comment } => self.release_run(actor, run, comment),
            Request::MapWidth { run, task, width, comment } => {
                self.map_width(actor, run, &task, width, comment)
            }
            Request::Decide { run, task, decision, comment } => {
                self.decide(&actor, run, &task, decision, comment, archived.as_deref())
            }
            Request::Pause { what, until, comment } => self.pause(actor, what, until, comment),
            Request::Resume { what, comment } => self.resume_paused(actor, what, comment),
            Request::Drain { what, by, comment } => self.drain(actor, what, by, comment),
            Request::ResizePool { pool, slots, comment } => {
                self.resize_pool(actor, pool, slots, comment)
            }
            Request::ResizeResource { resource, amount, comment } => {
                self.resize_resource(actor, resource, amount, comment)
            }
            Request::SetDeadline { run, by, comment } => self.set_deadline(actor, run, by, comment),
            Request::Hold { run, task, comment } => self.hold(actor, run, &task, comment),
            Request::Release { run, task, comment } => self.release(actor, run, &task, comment),
            Request::Skip { run, task, comment } => self.skip(actor, run, &task, comment),
            Request::Mark { run, task, mark, comment } => {
                self.mark(actor, run, &task, mark, comment, archived)
            }
            Request::Requeue { run, task, comment } => self.requeue(actor, run, &task, comment),
            Request::Prioritize { run, priority, comment } => {
                self.prioritize(actor, run, priority, comment)
            }
            Request::Rollback { run, what, comment } => {
                self.roll_back(actor, run, what, comment, archived)
            }
        }
    }

    /// Puts the plan that was confirmed before what has followed from it, if anything has.
    fn keep_plan(&mut self, first: usize, confirmed: Option<Event>) {
        if let Some(event) = confirmed.filter(|_| self.step.events.len() > first) {
            let stamped = Stamped { at: self.now, event };
            self.state.apply(&stamped);
            self.step.events.insert(first, stamped);
        }
    }

    /// Refuses a request that was decided on by what is true no more. Gives the plan that was shown, if one was.
    fn as_it_was_seen(
        &self,
        actor: &Actor,
        request: &Request,
        seen: &Seen,
        archived: Option<&Archived>,
    ) -> Result<Option<Plan>, Refusal> {
        if faults::active(Fault::SeenUnchecked) {
            return Ok(None);
        }
        let changed = |what: String| {
            let message = format!("it has changed since you looked: {what}");
            Refusal::new(RefusalCode::Conflict, message).help("look again, and decide anew")
        };
        if let (Some(then), Some(word)) = (&seen.state, target_word(self.state, request, archived))
            && then != word
        {
            return Err(changed(format!("it was {then}, and is {word}")));
        }
        let Some(digest) = &seen.plan else { return Ok(None) };
        let plan = plan(self.state, self.now, actor, request, archived)?;
        match plan.digest == *digest {
            true => Ok(Some(plan)),
            false => Err(changed("what would follow is no longer what was shown".to_owned())),
        }
    }

    /// What follows from what is true, until nothing more does.
    fn pass(&mut self) {
        loop {
            while let Some(spot) = self.todo.pop() {
                self.consider(spot);
            }
            self.close_and_end_runs();
            self.start_runs();
            if self.todo.is_empty() && self.touched.is_empty() {
                self.admit();
            }
            // A task that could not be started has failed, and others follow from that.
            if self.todo.is_empty() && self.touched.is_empty() {
                return;
            }
        }
    }

    /// Makes an event true, and part of this step.
    pub(crate) fn emit(&mut self, event: Event) {
        let stamped = Stamped { at: self.now, event };
        self.state.apply(&stamped);
        self.step.events.push(stamped);
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.step.effects.push(effect);
    }

    fn answer(&mut self, ticket: Ticket, answer: Result<Answer, Refusal>) {
        self.effect(Effect::Answer(ticket, answer));
    }
}

/// What a person says is kept in every list and event of what it is about.
fn comment_fits(request: &Request) -> Result<(), Refusal> {
    match request.comment().map_or(0, str::len) {
        0..=COMMENT_BYTES_MAX => Ok(()),
        length => {
            let message =
                format!("the comment has {length} bytes, {COMMENT_BYTES_MAX} are allowed");
            Err(Refusal::new(RefusalCode::Invalid, message).help("say where the rest is written"))
        }
    }
}

/// The word of the state of what a request is about: the task run where it names one, else the run.
fn target_word<'a>(
    state: &'a State,
    request: &Request,
    archived: Option<&'a Archived>,
) -> Option<&'a str> {
    let id = request.run()?;
    let path = request.task();
    match (state.runs.get(&id), archived) {
        (Some(run), _) => match path {
            None => Some(run.word()),
            Some(path) => Some(state.task_run(state.spot(id, path)?).word()),
        },
        (None, Some(archived)) if path.is_none() => Some(archived.run.word()),
        (None, _) => None,
    }
}
