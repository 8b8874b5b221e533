//! What people ask, by chance, and what they must do for everything to end.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::State;
use engine::input::Archived;
use engine::state::Run;
use serde_json::{Value, json};
use shared::id::{RunId, TaskPath, WorkflowName};
use shared::request::{Decision, Mark, PauseWhat, Request, RetryWhat, RollbackWhat};
use shared::state::{Outcome, TaskPhase, Wait};
use shared::time::Timestamp;
use shared::why::BlockerKind;
use shared::workflow::{Priority, Workflow};

use crate::generate;
use crate::rng::Rng;

/// What people know: what goes on, and what has ended.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What goes on.
    pub state: &'a State,
    /// What has ended; of a run that was taken up again since, as it was.
    pub archive: &'a BTreeMap<RunId, Archived>,
}

/// Something that a person asks for.
pub fn request(rng: &mut Rng, known: &Known<'_>) -> Option<Request> {
    match rng.below(50) {
        0..=15 => run(rng, known.state),
        16..=17 => Some(cancel(known.run(rng)?, rng.percent(30))),
        18..=21 => {
            let run = known.run(rng)?;
            Some(Request::Retry { run, what: again(rng, known, run), comment: None })
        }
        22..=25 => decide(rng, known.state),
        26..=27 => pause(rng, known),
        28..=29 => resume(rng, known.state),
        30..=38 => of_task(rng, known),
        39 => {
            let priority = Priority(u16::try_from(rng.between(0, 1_005)).unwrap_or(0));
            Some(Request::Prioritize { run: known.run(rng)?, priority, comment: None })
        }
        40..=41 => {
            let run = known.run(rng)?;
            Some(edit(rng, run))
        }
        42 => {
            let (run, latest) = (known.run(rng)?, rng.percent(70));
            let what = again(rng, known, run);
            let params = if rng.percent(50) { edits(rng) } else { BTreeMap::new() };
            Some(Request::RetryWith { run, what, latest, params, comment: None })
        }
        43..=44 => {
            let run = known.run(rng)?;
            let task = known.path(rng, run);
            let width = rng.percent(80).then(|| rng.between(0, 3));
            Some(Request::MapWidth { run, task, width, comment: None })
        }
        45 => Some(Request::ReleaseRun { run: known.run(rng)?, comment: None }),
        _ => {
            let run = known.run(rng)?;
            let comment = rng.percent(50).then(|| "take it back".to_owned());
            Some(Request::Rollback { run, what: undone(rng, known, run), comment })
        }
    }
}

impl Known<'_> {
    /// Any run, rather one that goes on.
    fn run(&self, rng: &mut Rng) -> Option<RunId> {
        let active: Vec<RunId> = self.state.runs.keys().copied().collect();
        let ended: Vec<RunId> = self.archive.keys().copied().collect();
        let from = if rng.percent(60) { active } else { ended };
        rng.pick(&from).copied()
    }

    /// Every task run of a run, and every undo.
    fn targets(&self, run: RunId) -> Vec<Target> {
        match (self.state.runs.get(&run), self.archive.get(&run)) {
            (Some(it), _) => targets(it, &self.state.definition(run).workflow),
            (None, Some(archived)) => targets(&archived.run, &archived.workflow),
            (None, None) => Vec::new(),
        }
    }

    fn path(&self, rng: &mut Rng, run: RunId) -> TaskPath {
        let targets = self.targets(run);
        let is_wrong = rng.once_in(25);
        let found = rng.pick(&targets).filter(|_| !is_wrong);
        found.map_or_else(|| "nothing".into(), |it| it.path.clone())
    }
}

/// A task run, or an undo, and how far it has come.
struct Target {
    run: RunId,
    path: TaskPath,
    phase: TaskPhase,
    /// It has promised the output `n`.
    promises: bool,
}

fn targets(run: &Run, workflow: &Workflow) -> Vec<Target> {
    let target = |spot: engine::state::Spot| {
        let task = &workflow.tasks[spot.task as usize];
        let items = run.tasks[spot.task as usize].items.as_ref();
        let item = spot.item.and_then(|it| items?.list().get(it as usize));
        let item = item.map(|it| it.item.key.clone());
        let path = TaskPath { task: task.name.clone(), item, undo: spot.undo };
        let phase = run.progress(spot)?.phase.clone();
        let promises = !spot.undo && !task.outputs.is_empty();
        Some(Target { run: run.id, path, phase, promises })
    };
    run.all_spots().filter_map(target).collect()
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

fn edit(rng: &mut Rng, run: RunId) -> Request {
    Request::Edit { run, params: edits(rng), comment: None }
}

fn edits(rng: &mut Rng) -> BTreeMap<String, Value> {
    let (name, value) = match rng.below(5) {
        0 => ("lane", json!(rng.between(1, 2))),
        1 => ("lane", json!("x")),
        2 => ("text", json!("edited")),
        3 => ("no", json!(1)),
        _ => ("flag", json!(rng.percent(50))),
    };
    BTreeMap::from([(name.to_owned(), value)])
}

fn cancel(run: RunId, now: bool) -> Request {
    Request::Cancel { run, now, comment: None }
}

/// Which parts of a run to run again.
fn again(rng: &mut Rng, known: &Known<'_>, run: RunId) -> RetryWhat {
    let (first, second) = (known.path(rng, run), known.path(rng, run));
    match rng.below(5) {
        0 => RetryWhat::From(first.task),
        1 => RetryWhat::Tasks(vec![first.forward()]),
        2 => RetryWhat::Tasks(vec![first.forward(), second.forward()]),
        _ => RetryWhat::Failed,
    }
}

/// Which parts of a run to undo.
fn undone(rng: &mut Rng, known: &Known<'_>, run: RunId) -> RollbackWhat {
    let bad = |it: &Target| it.path.undo && it.phase != TaskPhase::Finished(Outcome::Succeeded);
    let failed: Vec<Target> = known.targets(run).into_iter().filter(bad).collect();
    if let Some(undo) = rng.pick(&failed)
        && rng.percent(60)
    {
        return RollbackWhat::Retry(undo.path.clone().forward());
    }
    let (first, second) = (known.path(rng, run), known.path(rng, run));
    match rng.below(10) {
        0 => RollbackWhat::Retry(first),
        1..=2 => RollbackWhat::Tasks(vec![first]),
        3 => RollbackWhat::Tasks(vec![first, second]),
        _ => RollbackWhat::All,
    }
}

fn pause(rng: &mut Rng, known: &Known<'_>) -> Option<Request> {
    let what = match rng.below(10) {
        0..=4 => PauseWhat::Run(known.run(rng)?),
        5..=6 => PauseWhat::Workflow((*rng.pick(&["alpha", "beta", "delta"])?).into()),
        7..=8 => PauseWhat::Pool(rng.pick(&generate::pools())?.0.clone()),
        _ => PauseWhat::All,
    };
    // Longer than most faults last, and now and then in the past.
    let until = Timestamp(known.state.now.0.saturating_sub(1_000_000));
    let until = rng.percent(60).then(|| until + rng.span(Duration::from_secs(400)));
    Some(Request::Pause { what, until, comment: rng.percent(50).then(|| "hush".to_owned()) })
}

fn paused(state: &State) -> Vec<PauseWhat> {
    let runs = state.runs.values().filter(|it| it.pause.is_some());
    let runs = runs.map(|it| PauseWhat::Run(it.id));
    state.pauses.keys().cloned().chain(runs).collect()
}

fn resume(rng: &mut Rng, state: &State) -> Option<Request> {
    let paused = paused(state);
    let active: Vec<RunId> = state.runs.keys().copied().collect();
    let what = match rng.pick(&paused) {
        Some(what) => what.clone(),
        None => PauseWhat::Run(*rng.pick(&active)?),
    };
    Some(Request::Resume { what, comment: None })
}

/// Something that a person does to one task run: rather to one that it makes sense for.
fn of_task(rng: &mut Rng, known: &Known<'_>) -> Option<Request> {
    let act = rng.below(9);
    let makes_sense = |it: &Target| match (act, &it.phase) {
        (0..=1, TaskPhase::Waiting(Wait::Needs | Wait::Retry { .. }) | TaskPhase::Queued) => true,
        (2, TaskPhase::Waiting(Wait::Hold { .. })) => true,
        (3, TaskPhase::Waiting(_) | TaskPhase::Queued) => true,
        (4..=6, TaskPhase::Finished(outcome)) => outcome.is_failure() || it.path.undo,
        (4..=6, TaskPhase::Waiting(_) | TaskPhase::Queued) => true,
        (7.., TaskPhase::Active(_)) => true,
        _ => false,
    };
    let (all, sensible) = (rng.percent(15), rng.percent(60));
    let run = if (4..=6).contains(&act) && sensible { known.run(rng) } else { None };
    let mut targets: Vec<Target> = match run {
        Some(run) => known.targets(run),
        None => known.state.runs.keys().flat_map(|it| known.targets(*it)).collect(),
    };
    targets.retain(|it| all || makes_sense(it));
    // Undos are few, and are what is to be looked at.
    let undos: Vec<Target> = match rng.percent(40) {
        true => targets.extract_if(.., |it| it.path.undo).collect(),
        false => Vec::new(),
    };
    let target = rng.pick(&undos).or(rng.pick(&targets))?;
    let (run, task) = (target.run, target.path.clone());
    let comment = rng.percent(30).then(|| "so it is".to_owned());
    Some(match act {
        0..=1 => Request::Hold { run, task, comment },
        2 => Request::Release { run, task, comment },
        3 => Request::Skip { run, task, comment },
        4..=6 => Request::Mark { run, task, mark: mark(rng, target), comment },
        _ => Request::Requeue { run, task, comment },
    })
}

fn mark(rng: &mut Rng, target: &Target) -> Mark {
    match rng.below(10) {
        0..=4 if target.path.undo => Mark::Undone,
        0 => Mark::Undone,
        1..=3 => Mark::Failed,
        _ => {
            let mut outputs = BTreeMap::<String, Value>::new();
            if target.promises && rng.percent(90) {
                outputs.insert("n".to_owned(), json!("3"));
            }
            if rng.percent(50) {
                outputs.insert("list".to_owned(), json!(["o0", "o7"]));
            }
            Mark::Success { outputs }
        }
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
    state.runs.values().flat_map(|run| run.all_spots()).filter_map(move |spot| {
        let progress = state.runs.get(&spot.run)?.progress(spot)?;
        wanted(&progress.phase).then(|| (spot.run, state.path(spot)))
    })
}

fn decide(rng: &mut Rng, state: &State) -> Option<Request> {
    let (run, task) = approvals(state).next()?;
    let decision = if rng.percent(70) { Decision::Approve } else { Decision::Reject };
    Some(Request::Decide { run, task, decision, comment: Some("said".to_owned()) })
}

/// What a person must do for a world at rest to go on. None: nothing waits for a person.
pub fn needed(rng: &mut Rng, state: &State) -> Option<Request> {
    if let Some(what) = paused(state).into_iter().next() {
        return Some(Request::Resume { what, comment: None });
    }
    if let Some(request) = decide(rng, state) {
        return Some(request);
    }
    let held = |phase: &TaskPhase| matches!(phase, TaskPhase::Waiting(Wait::Hold { .. }));
    if let Some((run, task)) = spots_that(state, held).next() {
        return Some(let_go(rng, state, run, task));
    }
    // What follows only a success waits for a person where there was none.
    let mut waiting = state.runs.values().filter(|run| {
        engine::why::of_run(state, run, 0)
            .blockers
            .iter()
            .any(|it| it.kind == BlockerKind::Previous)
    });
    if let Some(run) = waiting.next() {
        return Some(Request::ReleaseRun { run: run.id, comment: None });
    }
    // What asks for more than there is can only be cancelled.
    let too_large = state.runs.values().flat_map(|run| run.all_spots()).find(|spot| {
        engine::blockers::obstacles(state, *spot)
            .any(|it| matches!(it, engine::blockers::Obstacle::TooLarge(_)))
    });
    too_large.map(|spot| cancel(spot.run, true))
}

fn let_go(rng: &mut Rng, state: &State, run: RunId, task: TaskPath) -> Request {
    let comment = None;
    let is_stopped = state.runs[&run].cancel.is_some();
    match rng.below(5) {
        0 => cancel(run, true),
        1 if task.undo => Request::Mark { run, task, mark: Mark::Undone, comment },
        2 if task.undo => {
            let what = RollbackWhat::Retry(task.forward());
            Request::Rollback { run, what, comment }
        }
        1 if !is_stopped => Request::Mark { run, task, mark: Mark::Failed, comment },
        2 if !is_stopped => Request::Retry { run, what: RetryWhat::Tasks(vec![task]), comment },
        _ => Request::Release { run, task, comment },
    }
}
