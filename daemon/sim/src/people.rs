//! What people ask, by chance, and what they must do for everything to end.

use std::collections::BTreeMap;

use engine::State;
use serde_json::json;
use shared::id::{RunId, TaskPath, WorkflowName};
use shared::request::{Decision, Request, RetryWhat};
use shared::state::{RunPhase, TaskPhase, Wait};
use shared::workflow::{Priority, Section};

use crate::rng::Rng;

/// Something that a person asks for. `ended`: the runs that are over.
pub fn request(rng: &mut Rng, state: &State, ended: &[RunId]) -> Option<Request> {
    let active: Vec<RunId> = state.runs.keys().copied().collect();
    let any = |rng: &mut Rng| {
        let from = if rng.percent(60) { &active[..] } else { ended };
        rng.pick(from).copied()
    };
    match rng.below(10) {
        0..=3 => run(rng, state),
        4 => Some(cancel(any(rng)?, rng.percent(30))),
        5..=6 => {
            let run = any(rng)?;
            Some(Request::Retry { run, what: what(rng, state, run), comment: None })
        }
        _ => approvals(state).next().map(|(run, task)| decide(rng, run, task)),
    }
}

fn run(rng: &mut Rng, state: &State) -> Option<Request> {
    let names: Vec<&WorkflowName> = state.library.keys().collect();
    let workflow = (*rng.pick(&names)?).clone();
    let mut params = BTreeMap::new();
    if rng.percent(50) {
        params.insert("lane".to_owned(), json!(rng.between(1, 2)));
    }
    if rng.percent(30) {
        params.insert("flag".to_owned(), json!(rng.percent(50)));
    }
    let priority =
        rng.once_in(4).then(|| Priority(u16::try_from(rng.between(0, 1_000)).unwrap_or(0)));
    Some(Request::Run { workflow, params, interval: None, priority })
}

fn cancel(run: RunId, now: bool) -> Request {
    Request::Cancel { run, now, comment: None }
}

/// Which parts of a run to run again.
fn what(rng: &mut Rng, state: &State, run: RunId) -> RetryWhat {
    let mut paths: Vec<TaskPath> = match state.runs.get(&run) {
        Some(it) => it.spots().map(|spot| state.path(spot)).collect(),
        None => Vec::new(),
    };
    // Of a run that has ended only names that are likely.
    for name in ["t0", "t1", "t2", "f0", "t1:i0", "t2:i1", "t0:i1"] {
        paths.push(name.into());
    }
    let mut path = || rng.pick(&paths).cloned().expect("there are some");
    let (first, second) = (path(), path());
    match rng.below(5) {
        0 => RetryWhat::From(first.task),
        1 => RetryWhat::Tasks(vec![first]),
        2 => RetryWhat::Tasks(vec![first, second]),
        _ => RetryWhat::Failed,
    }
}

fn approvals(state: &State) -> impl Iterator<Item = (RunId, TaskPath)> {
    let waits = |phase: &TaskPhase| matches!(phase, TaskPhase::Waiting(Wait::Approval { .. }));
    spots_that(state, waits)
}

fn spots_that(
    state: &State,
    wanted: impl Fn(&TaskPhase) -> bool,
) -> impl Iterator<Item = (RunId, TaskPath)> {
    state.runs.values().flat_map(|run| run.spots()).filter_map(move |spot| {
        let progress = state.runs.get(&spot.run)?.at(spot.task, spot.item)?;
        wanted(&progress.phase).then(|| (spot.run, state.path(spot)))
    })
}

fn decide(rng: &mut Rng, run: RunId, task: TaskPath) -> Request {
    let decision = if rng.percent(70) { Decision::Approve } else { Decision::Reject };
    Request::Decide { run, task, decision, comment: Some("said".to_owned()) }
}

/// What a person must do for a world at rest to go on. None: nothing waits for a person.
pub fn needed(rng: &mut Rng, state: &State) -> Option<Request> {
    if let Some((run, task)) = approvals(state).next() {
        return Some(decide(rng, run, task));
    }
    let held = |phase: &TaskPhase| matches!(phase, TaskPhase::Waiting(Wait::Hold { .. }));
    if let Some((run, path)) = spots_that(state, held).next() {
        let it = &state.runs[&run];
        let definition = state.definition(run);
        let place = definition.place(&path.task)?;
        let in_main = definition.task(place).section == Section::Main;
        let can_retry = it.cancel.is_none() && in_main == (it.phase == RunPhase::Active);
        return Some(match can_retry && rng.percent(50) {
            true => Request::Retry { run, what: RetryWhat::Tasks(vec![path]), comment: None },
            false => cancel(run, true),
        });
    }
    // What asks for more than there is can only be cancelled.
    let too_large = state.runs.values().flat_map(|run| run.spots()).find(|spot| {
        engine::blockers::obstacles(state, *spot)
            .any(|it| matches!(it, engine::blockers::Obstacle::TooLarge(_)))
    });
    too_large.map(|spot| cancel(spot.run, true))
}
