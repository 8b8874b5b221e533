//! What people ask of the daemon, what they were shown before, and what they are answered.

use std::time::Duration;

use engine::input::{Archived, Input, Seen, Ticket};
use engine::{Effect, Engine, Step};
use shared::id::{RunId, TaskPath};
use shared::plan::Plan;
use shared::request::{Actor, Answer, Refusal, Request};

use super::History;
use crate::checker::plans::Shown;
use crate::course::Choice;
use crate::people::{self, Known};
use crate::world::Happening;

/// What a step is asked for.
#[derive(Clone, Debug)]
pub(super) struct About {
    request: Request,
    /// What it would do, as it was shown before, if it was.
    shown: Option<Shown>,
    /// What it would do now.
    fresh: Shown,
    was_over: bool,
}

impl History<'_> {
    pub(super) fn act(&mut self) -> Result<(), String> {
        // People come in bursts, and go home.
        let pause = match self.rng.once_in(14) {
            true => self.rng.span(Duration::from_secs(9 * 3_600)),
            false => self.rng.span(Duration::from_secs(40)),
        };
        self.world.at(self.now + pause, Happening::Acts);
        if !self.chooses(Choice::Act(self.now)) {
            return Ok(());
        }
        let Some(engine) = &self.engine else { return Ok(()) };
        if self.rng.once_in(25) {
            self.change_library();
            return self.step(Input::LibraryRead(self.shelves.clone()));
        }
        let known = Known { state: engine.state(), archive: &self.archive };
        let Some(request) = people::request(&mut self.rng, &known) else { return Ok(()) };
        // Some look first, and ask when the world has gone on.
        if self.rng.once_in(3)
            && let Some((earlier, shown)) = self.intent.take()
        {
            return self.ask(earlier, Some(shown));
        }
        if self.intent.is_none() && self.rng.once_in(5) {
            let shown = self.look(engine, &request);
            self.intent = Some((request, shown));
            return Ok(());
        }
        let shown = self.rng.once_in(4).then(|| self.look(engine, &request));
        self.ask(request, shown)
    }

    pub(super) fn ask(&mut self, request: Request, shown: Option<Shown>) -> Result<(), String> {
        if self.engine.is_some() && !self.is_degraded {
            self.tell(format!(">> {request:?}"));
        }
        let Some(engine) = &self.engine else { return Ok(()) };
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let archived = self.archived(&request);
        let fresh = self.look(engine, &request);
        let seen = match &shown {
            None => Seen::default(),
            Some(shown) => Seen {
                state: shown.word.clone(),
                plan: shown.plan.as_ref().ok().map(|it| it.digest.clone()),
            },
        };
        let was_over = archived.is_some();
        self.asked.insert(ticket, request.clone());
        self.about = Some(About { request: request.clone(), shown, fresh, was_over });
        self.step(Input::Request { ticket, actor: ann(), request, seen, archived })
    }

    /// What a person sees of what they are about to ask.
    fn look(&self, engine: &Engine, request: &Request) -> Shown {
        let archived = self.archived(request);
        let plan = engine.plan(self.daemon_now(), &ann(), request, archived.as_deref());
        let run = request.run().and_then(|run| {
            let archived = archived.as_ref().map(|it| &it.run);
            engine.state().runs.get(&run).or(archived)
        });
        let word = match (request.run(), task_of(request)) {
            (Some(run), Some(path)) if engine.state().runs.contains_key(&run) => {
                let spot = engine.state().spot(run, path);
                spot.and_then(|it| engine.state().runs[&run].progress(it)).map(|it| it.word())
            }
            (_, Some(_)) => None,
            (_, None) => run.map(|it| it.word()),
        };
        Shown { word: word.map(str::to_owned), plan }
    }

    fn archived(&self, request: &Request) -> Option<Box<Archived>> {
        let run: RunId = request.run()?;
        let is_active = self.twin.runs.contains_key(&run);
        self.archive.get(&run).filter(|_| !is_active).cloned().map(Box::new)
    }

    /// Compares the step of a request with what was shown of it before.
    pub(super) fn judge(&mut self, step: &Step, is_kept: bool) -> Result<(), String> {
        let Some(about) = self.about.take() else { return Ok(()) };
        let answer = step.effects.iter().find_map(|it| match it {
            Effect::Answer(_, answer) => Some(answer),
            _ => None,
        });
        let answer = answer.ok_or("a request has no answer")?;
        let About { request, shown, fresh, was_over } = about;
        let says_so = |it: &Refusal| it.message.starts_with("it has changed");
        match answer {
            Err(refusal) if says_so(refusal) => {
                return match shown {
                    Some(shown) if !is_as_shown(&shown, &fresh) => Ok(()),
                    _ => Err(format!("{request:?} is refused, and nothing has changed: {refusal}")),
                };
            }
            Err(_) => {}
            Ok(_) if shown.as_ref().is_some_and(|it| !is_as_shown(it, &fresh)) => {
                return Err(format!("{request:?} is done, and was shown as {shown:?}"));
            }
            Ok(answer) => {
                let plan = fresh.plan.as_ref().map_err(|refusal| {
                    format!("{request:?} is done, and its plan was refused: {refusal}")
                })?;
                // A cancel is done as it was wished, whatever there is to stop by then.
                let shown = shown.as_ref().filter(|_| !matches!(request, Request::Cancel { .. }));
                let plan: &Plan = shown.and_then(|it| it.plan.as_ref().ok()).unwrap_or(plan);
                self.checker.as_planned(&request, plan, step)?;
                if is_kept {
                    self.checker.foresee(&request, answer, plan, was_over);
                }
            }
        }
        let is_planned = request.run().is_some()
            && !matches!(request, Request::Pause { .. } | Request::Resume { .. });
        match (answer, fresh.plan) {
            (Err(refusal), Ok(_)) if is_planned => {
                Err(format!("{request:?} has a plan, and is refused: {refusal}"))
            }
            _ => Ok(()),
        }
    }

    /// What is acknowledged must be so, now and after every crash.
    pub(super) fn answered(
        &mut self,
        ticket: Ticket,
        answer: Result<Answer, Refusal>,
    ) -> Result<(), String> {
        let request = self.asked.remove(&ticket).ok_or("an answer came twice")?;
        self.totals.done += u64::from(answer.is_ok());
        self.totals.refused += u64::from(answer.is_err());
        let Ok(answer) = answer else { return Ok(()) };
        let is_known = |run| self.twin.runs.contains_key(&run) || self.archive.contains_key(&run);
        match (request, answer) {
            (Request::Run { .. }, Answer::RunCreated { run, .. }) if !is_known(run) => {
                Err(format!("run {run} was acknowledged and does not exist"))
            }
            (Request::Cancel { run, now, .. }, _) => {
                self.checker.cancel_acknowledged(run, now);
                match self.twin.runs.get(&run) {
                    Some(it) if it.cancel.is_none() => Err(format!("the cancel of {run} is lost")),
                    _ => Ok(()),
                }
            }
            (Request::Pause { what, .. }, _) => self.checker.pause_acknowledged(&what),
            _ => Ok(()),
        }
    }
}

fn ann() -> Actor {
    Actor { name: "user:ann".to_owned(), uid: Some(1_000) }
}

fn is_as_shown(shown: &Shown, fresh: &Shown) -> bool {
    let is_same_word = shown.word.is_none() || fresh.word.is_none() || shown.word == fresh.word;
    let is_same_plan = match (&shown.plan, &fresh.plan) {
        (Ok(shown), Ok(fresh)) => shown.digest == fresh.digest,
        _ => true,
    };
    is_same_word && is_same_plan
}

fn task_of(request: &Request) -> Option<&TaskPath> {
    match request {
        Request::Decide { task, .. }
        | Request::Hold { task, .. }
        | Request::Release { task, .. }
        | Request::Skip { task, .. }
        | Request::Mark { task, .. }
        | Request::MapWidth { task, .. }
        | Request::Requeue { task, .. } => Some(task),
        Request::Run { .. }
        | Request::Cancel { .. }
        | Request::Retry { .. }
        | Request::RetryWith { .. }
        | Request::Edit { .. }
        | Request::ReleaseRun { .. }
        | Request::Pause { .. }
        | Request::Resume { .. }
        | Request::Drain { .. }
        | Request::ResizePool { .. }
        | Request::ResizeResource { .. }
        | Request::SetDeadline { .. }
        | Request::Prioritize { .. }
        | Request::Rollback { .. } => None,
    }
}
