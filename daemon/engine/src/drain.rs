//! How everything, or a pool, is brought to rest: nothing more starts, and what runs comes to its end. Source: semantics,
//! rule 11.

use shared::plan::Plan;
use shared::request::{Actor, Answer, PauseWhat, Refusal, RefusalCode};
use shared::time::{Timestamp, format_duration};

use crate::event::Event;
use crate::pause;
use crate::plan::of_pause;
use crate::state::{Spot, State};
use crate::step::Turn;

impl Turn<'_> {
    pub(crate) fn drain(
        &mut self,
        actor: Actor,
        what: PauseWhat,
        by: Option<Timestamp>,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        may_drain(self.state, self.now, &what, by)?;
        self.emit(Event::Draining { what, actor, by, comment });
        Ok(Answer::Done)
    }
}

pub(crate) fn may_drain(
    state: &State,
    now: Timestamp,
    what: &PauseWhat,
    by: Option<Timestamp>,
) -> Result<(), Refusal> {
    match what {
        PauseWhat::All | PauseWhat::Pool(_) => pause::may_pause(state, now, what, by),
        PauseWhat::Workflow(_) | PauseWhat::Run(_) => {
            let message = "only pools and everything can be drained";
            Err(Refusal::new(RefusalCode::Invalid, message).help("pause it instead"))
        }
    }
}

/// What will have ended by then, and what will not.
pub(crate) fn plan(state: &State, now: Timestamp, what: &PauseWhat, by: Option<Timestamp>) -> Plan {
    let mut running = running(state, what);
    running.sort_by_key(|spot| (state.expected_end(*spot), *spot));
    let is_in_time = |spot: &Spot| match (state.expected_end(*spot), by) {
        (Some(end), Some(by)) => end <= by,
        // Without a time it has all the time it needs; of what nobody knows anything nothing is promised.
        (Some(_), None) => true,
        (None, _) => false,
    };
    let name = |spot: &Spot| {
        let label = format!("{} {}", state.run(spot.run).label(), state.path(*spot));
        match state.expected_end(*spot) {
            Some(end) => format!("{label} (in {})", format_duration(end.since(now))),
            None => format!("{label} (nobody knows when)"),
        }
    };
    let (finish, outlast): (Vec<Spot>, Vec<Spot>) = running.iter().partition(|it| is_in_time(it));
    let mut plan = of_pause(state, now, what, None);
    plan.finish = finish.iter().map(name).collect();
    plan.outlast = outlast.iter().map(name).collect();
    plan.notes.push(match what {
        PauseWhat::Pool(pool) => format!("`runyard pool resume {pool}` lets tasks start again"),
        PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Run(_) => {
            "`runyard resume --all` lets tasks start again".to_owned()
        }
    });
    plan
}

/// The task runs that hold capacity of what is drained.
pub(crate) fn running(state: &State, what: &PauseWhat) -> Vec<Spot> {
    let is_of = |spot: Spot| match what {
        PauseWhat::All => true,
        PauseWhat::Pool(pool) => state.pool_of(spot) == pool,
        PauseWhat::Workflow(name) => state.run(spot.run).workflow == *name,
        PauseWhat::Run(run) => spot.run == *run,
    };
    let open = state.index.open.values().copied();
    open.filter(|it| state.task(*it).has_process() && is_of(*it)).collect()
}
