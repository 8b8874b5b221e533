//! How starts are stopped and let go on: of a run, a workflow, a pool, everything. What runs goes on. Source: semantics,
//! rule 11; decisions, 21 and 24.

use std::collections::BTreeSet;

use shared::diagnostic::nearest;
use shared::id::RunId;
use shared::request::{Actor, Answer, PauseWhat, Refusal, RefusalCode};
use shared::state::{RunPhase, TaskPhase};
use shared::time::Timestamp;
use shared::workflow::Section;

use crate::event::Event;
use crate::state::{Pause, Spot, State};
use crate::step::Turn;

impl Turn<'_> {
    pub(crate) fn pause(
        &mut self,
        actor: Actor,
        what: PauseWhat,
        until: Option<Timestamp>,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        may_pause(self.state, self.now, &what, until)?;
        self.emit(Event::Paused { what, actor, until, comment });
        Ok(Answer::Done)
    }

    pub(crate) fn resume_paused(
        &mut self,
        actor: Actor,
        what: PauseWhat,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        may_resume(self.state, &what)?;
        self.end_pause(what, actor, comment);
        Ok(Answer::Done)
    }

    /// Lets go on what a pause has held back.
    pub(crate) fn end_pause(&mut self, what: PauseWhat, actor: Actor, comment: Option<String>) {
        let runs: Vec<RunId> = match &what {
            PauseWhat::All => self.state.runs.keys().copied().collect(),
            PauseWhat::Workflow(name) => {
                let of_it = self.state.runs.values().filter(|it| it.workflow == *name);
                of_it.map(|it| it.id).collect()
            }
            PauseWhat::Run(run) => vec![*run],
            PauseWhat::Pool(_) => Vec::new(),
        };
        self.emit(Event::Resumed { what, actor, comment });
        for run in runs {
            match self.state.run(run).phase {
                RunPhase::Active => self.look_at_section(run, Section::Main),
                RunPhase::Closing(_) => self.look_at_section(run, Section::Finally),
                RunPhase::Queued | RunPhase::RollingBack(_) | RunPhase::Ended(_) => {}
            }
            self.touched.insert(run);
        }
    }
}

/// Whether a pause may begin.
pub(crate) fn may_pause(
    state: &State,
    now: Timestamp,
    what: &PauseWhat,
    until: Option<Timestamp>,
) -> Result<(), Refusal> {
    exists(state, what)?;
    if until.is_some_and(|it| it <= now) {
        let refusal = Refusal::new(RefusalCode::Invalid, "the pause would end in the past");
        return Err(refusal.help("say until when, or for how long"));
    }
    Ok(())
}

/// Whether there is a pause to end.
pub(crate) fn may_resume(state: &State, what: &PauseWhat) -> Result<(), Refusal> {
    exists(state, what)?;
    if pause_of(state, what).is_none() {
        let message = format!("{} is not paused", name(state, what));
        let refusal = Refusal::new(RefusalCode::Conflict, message);
        return Err(match what {
            PauseWhat::Run(run) => match held_back_by(state, *run) {
                Some(by) => refusal.help(format!("what holds it back is the pause of {by}")),
                None => refusal,
            },
            PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Pool(_) => refusal,
        });
    }
    Ok(())
}

fn exists(state: &State, what: &PauseWhat) -> Result<(), Refusal> {
    let missing = |message: String| Refusal::new(RefusalCode::NotFound, message);
    match what {
        PauseWhat::All => Ok(()),
        PauseWhat::Run(run) if state.runs.contains_key(run) => Ok(()),
        PauseWhat::Run(_) => Err(Refusal::new(RefusalCode::Conflict, "the run has ended")),
        PauseWhat::Workflow(name) if state.library.contains_key(name) => Ok(()),
        PauseWhat::Workflow(name) => {
            let names = state.library.keys().map(|it| it.as_str());
            Err(missing(format!("there is no workflow `{name}`")).help(
                match nearest(name.as_str(), names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`runyard workflows` lists them".to_owned(),
                },
            ))
        }
        PauseWhat::Pool(name) if state.pools.contains_key(name) => Ok(()),
        PauseWhat::Pool(name) => {
            let refusal = missing(format!("there is no pool `{name}`"));
            Err(refusal.help("`runyard pools` lists them"))
        }
    }
}

/// The pause of something itself.
pub(crate) fn pause_of<'a>(state: &'a State, what: &PauseWhat) -> Option<&'a Pause> {
    match what {
        PauseWhat::Run(run) => state.runs.get(run)?.pause.as_ref(),
        PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Pool(_) => state.pauses.get(what),
    }
}

fn held_back_by(state: &State, run: RunId) -> Option<String> {
    let (what, _) = state.held_back(state.runs.get(&run)?)?;
    Some(name(state, &what))
}

/// What is paused, as people say it.
pub(crate) fn name(state: &State, what: &PauseWhat) -> String {
    match what {
        PauseWhat::All => "everything".to_owned(),
        PauseWhat::Workflow(name) => format!("workflow {name}"),
        PauseWhat::Pool(name) => format!("pool {name}"),
        PauseWhat::Run(run) => match state.runs.get(run) {
            Some(run) => format!("run {}", run.label()),
            None => format!("run {run}"),
        },
    }
}

/// The task runs that wait for nothing but the end of a pause, and the runs that do.
pub(crate) fn held_back(state: &State, what: &PauseWhat) -> (Vec<Spot>, Vec<RunId>) {
    let is_of = |run: RunId| match what {
        PauseWhat::All => true,
        PauseWhat::Run(id) => run == *id,
        PauseWhat::Workflow(name) => state.run(run).workflow == *name,
        PauseWhat::Pool(_) => false,
    };
    let spots = match what {
        PauseWhat::Pool(pool) => state.queue(pool).collect(),
        PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Run(_) => {
            let queued = state.index.queued.values().flatten();
            // One that may run in several pools waits for each of them.
            let keys: BTreeSet<_> = queued.filter(|it| is_of(it.spot.run)).collect();
            keys.into_iter().map(|it| it.spot).collect()
        }
    };
    let queued = state.runs.values().filter(|it| it.phase == RunPhase::Queued);
    let runs = queued.map(|it| it.id).filter(|it| is_of(*it)).collect();
    (spots, runs)
}

/// Whether nothing of what a task run is part of may start.
pub(crate) fn is_held_back(state: &State, spot: Spot) -> bool {
    !matches!(state.task_run(spot).phase, TaskPhase::Finished(_))
        && state.held_back(state.run(spot.run)).is_some()
}
