//! What a request would do: it is carried out on a copy of what it is about, and the difference is told. So a plan and the
//! act that follows cannot disagree. Source: semantics, rule 11.

use std::collections::BTreeSet;

use shared::id::{ParamName, RunId, TaskPath};
use shared::plan::{Plan, Tasks};
use shared::request::{Actor, Decision, PauseWhat, Refusal, RefusalCode, Request};
use shared::state::{AttemptOutcome, Outcome, TaskPhase, Wait};
use shared::time::{Timestamp, format_duration};
use shared::workflow::{Kind, Task};

use crate::definition::Definition;
use crate::describe;
use crate::drain;
use crate::effect::Effect;
use crate::event::{Event, Stamped};
use crate::input::{Archived, Input, Seen, Ticket};
use crate::pause;
use crate::previous;
use crate::reads;
use crate::rollback::choose;
use crate::state::{Run, Spot, State};
use crate::step::Engine;
use crate::why;

impl Engine {
    /// What a request would do. `archived`: the run it is about, where that has ended.
    ///
    /// # Errors
    /// If the request would be refused.
    pub fn plan(
        &self,
        now: Timestamp,
        actor: &Actor,
        request: &Request,
        archived: Option<&Archived>,
    ) -> Result<Plan, Refusal> {
        plan(self.state(), now, actor, request, archived)
    }
}

pub(crate) fn plan(
    state: &State,
    now: Timestamp,
    actor: &Actor,
    request: &Request,
    archived: Option<&Archived>,
) -> Result<Plan, Refusal> {
    let mut plan = match request {
        Request::Pause { what, until, .. } => {
            pause::may_pause(state, now, what, *until)?;
            of_pause(state, now, what, *until)
        }
        Request::Resume { what, .. } => {
            pause::may_resume(state, what)?;
            of_pause(state, now, what, None)
        }
        Request::ReleaseRun { run, .. } => {
            previous::may_release(state, *run)?;
            let notes = vec!["it starts, however the run before it has ended".to_owned()];
            let label = state.runs.get(run).map(Run::label);
            Plan { label, notes, ..Plan::default() }
        }
        Request::Drain { what, by, .. } => {
            drain::may_drain(state, now, what, *by)?;
            drain::plan(state, now, what, *by)
        }
        Request::Run { .. } | Request::ResizePool { .. } | Request::ResizeResource { .. } => {
            Plan::default()
        }
        _ => match request.run() {
            Some(run) => of_run(state, now, actor, request, run, archived)?,
            None => Plan::default(),
        },
    };
    plan.digest = digest(&plan, request);
    Ok(plan)
}

pub(crate) fn of_pause(
    state: &State,
    now: Timestamp,
    what: &PauseWhat,
    until: Option<Timestamp>,
) -> Plan {
    let (spots, runs) = pause::held_back(state, what);
    let name = |spot: &Spot| format!("{} {}", state.run(spot.run).label(), state.path(*spot));
    let mut notes = Vec::new();
    if let Some(until) = until {
        notes.push(format!("ends by itself in {}", format_duration(until.since(now))));
    }
    let label = match what {
        PauseWhat::Run(run) => state.runs.get(run).map(Run::label),
        PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Pool(_) => None,
    };
    Plan {
        label,
        wait: spots.iter().map(name).collect(),
        runs: runs.iter().map(|it| state.run(*it).label()).collect(),
        notes,
        ..Plan::default()
    }
}

fn of_run(
    state: &State,
    now: Timestamp,
    actor: &Actor,
    request: &Request,
    run: RunId,
    archived: Option<&Archived>,
) -> Result<Plan, Refusal> {
    let (copy, before, workflow) = match (state.runs.get(&run), archived) {
        (Some(it), _) => (copy_of(state, it), it, state.definition(run).workflow.clone()),
        (None, Some(archived)) => {
            let library = state.library.clone();
            let definitions = state.definitions.clone();
            let empty = State { now: state.now, library, definitions, ..State::default() };
            (empty, &archived.run, archived.workflow.clone())
        }
        (None, None) => {
            return Err(Refusal::new(RefusalCode::NotFound, "there is no such run"));
        }
    };
    let archived = archived.filter(|_| !state.runs.contains_key(&run)).cloned().map(Box::new);
    let mut trial = Engine::new(copy);
    let step = trial.step(
        now,
        Input::Request {
            ticket: Ticket(0),
            actor: actor.clone(),
            request: with_comment(request),
            seen: Seen::default(),
            archived,
        },
    );
    for effect in step.effects {
        if let Effect::Answer(_, Err(refusal)) = effect {
            return Err(refusal);
        }
    }
    let reopened = step.events.iter().find_map(|it| match &it.event {
        Event::RunReopened { run, workflow } => Some((&**run, workflow.clone())),
        _ => None,
    });
    // What another version makes of it is what it was before, as far as tasks go.
    let (before, workflow) = reopened.unwrap_or((before, workflow));
    let ended = trial.take_ended();
    let after = trial.state().runs.get(&run).or(ended.last().map(|it| &it.run));
    let mut parts = parts_of(&step.events);
    if let (Request::Rollback { what, .. }, true) = (request, state.runs.contains_key(&run))
        && parts.undo.is_empty()
    {
        // It begins once what runs has ended: what has succeeded by now is the least that is undone.
        let (tasks, not_undone) = choose(state, run, what)?;
        parts.undo = tasks;
        parts.not_undone = not_undone.iter().map(|it| it.as_str().into()).collect();
    }
    let looks = Looks { workflow: Definition::new(workflow), before, after };
    Ok(looks.plan(parts))
}

/// What is asked, where nothing has been said about it yet: a plan is shown before that.
fn with_comment(request: &Request) -> Request {
    let mut request = request.clone();
    if let Request::Decide { decision: Decision::Reject, comment, .. } = &mut request {
        comment.get_or_insert_with(|| "as yet without a comment".to_owned());
    }
    request
}

/// The run alone, without capacity: a request on it decides the same, and nothing is started.
fn copy_of(state: &State, run: &Run) -> State {
    let mut copy = State {
        now: state.now,
        incarnation: state.incarnation,
        ids_given: state.ids_given,
        pauses: state.pauses.clone(),
        ..State::default()
    };
    let workflow = state.definition(run.id).workflow.clone();
    copy.adopt(run.clone(), &workflow);
    copy
}

/// The task runs that events are about, by what becomes of them.
#[derive(Default)]
struct Parts {
    run: Vec<TaskPath>,
    undo: Vec<TaskPath>,
    not_undone: Vec<TaskPath>,
    stop: Vec<TaskPath>,
    drop: Vec<TaskPath>,
    wait: Vec<TaskPath>,
    notes: Vec<String>,
    edited: Vec<ParamName>,
}

fn parts_of(events: &[Stamped]) -> Parts {
    let mut parts = Parts::default();
    let mut begun = BTreeSet::new();
    for Stamped { event, .. } in events {
        match event {
            Event::TasksReset { tasks, .. } => parts.run.extend(tasks.iter().cloned()),
            Event::RollbackBegun { tasks, not_undone, .. } => {
                parts.undo.extend(tasks.iter().cloned());
                parts.not_undone.extend(not_undone.iter().cloned());
            }
            // Of what needs no process: on the copy nothing else is started.
            Event::AttemptStarting { attempt, .. } => {
                begun.insert(attempt.id);
                parts.run.push(attempt.task.clone());
            }
            Event::AttemptStopping { attempt } => parts.stop.push(attempt.task.clone()),
            Event::AttemptEnded(it) if begun.contains(&it.attempt.id) => {}
            // An approval that is decided ends by that, and is not stopped.
            Event::AttemptEnded(it) if it.outcome == AttemptOutcome::Cancelled => {
                parts.stop.push(it.attempt.task.clone());
            }
            Event::AttemptEnded(_) => {}
            Event::TaskFinished { task, outcome, .. } => match outcome {
                Outcome::Cancelled | Outcome::Skipped(_) | Outcome::UpstreamFailed => {
                    parts.drop.push(task.clone());
                }
                Outcome::Succeeded | Outcome::Failed(_) => {}
            },
            Event::ParamsEdited { changes, .. } => {
                parts.notes.extend(changes.iter().map(describe::change));
                parts.edited.extend(changes.iter().map(|it| it.name.clone()));
            }
            Event::VersionTaken { added, removed, changed, .. } => {
                parts.run.extend(added.iter().cloned().map(TaskPath::task));
                parts.drop.extend(removed.iter().cloned().map(TaskPath::task));
                let names: Vec<&str> = changed.iter().map(|it| it.as_str()).collect();
                parts.notes.push(match names.is_empty() {
                    true => "no task that stays is defined otherwise".to_owned(),
                    false => format!("defined otherwise: {}", names.join(", ")),
                });
            }
            Event::WidthChanged { width, running, .. } => parts.notes.push(match width {
                Some(width) if *running > *width => {
                    format!(
                        "{running} items run, and go on; none starts until fewer than {width} do"
                    )
                }
                Some(width) => format!("at most {width} items run at once"),
                None => "as many items run at once as fit".to_owned(),
            }),
            Event::TaskHeld { task, .. } => parts.wait.push(task.clone()),
            Event::TaskQueued { task, .. }
            | Event::TaskReleased { task, .. }
            | Event::TaskRequeued { task, .. } => match task.undo {
                true => parts.undo.push(task.clone().forward()),
                false => parts.run.push(task.clone()),
            },
            _ => {}
        }
    }
    for part in [&mut parts.run, &mut parts.undo, &mut parts.stop, &mut parts.drop] {
        let mut seen = BTreeSet::new();
        part.retain(|it| seen.insert(it.clone()));
    }
    // What is stopped does not only not start.
    let stopped: BTreeSet<&TaskPath> = parts.stop.iter().collect();
    parts.drop.retain(|it| !stopped.contains(it));
    parts
}

/// A run before and after.
struct Looks<'a> {
    workflow: Definition,
    before: &'a Run,
    after: Option<&'a Run>,
}

impl Looks<'_> {
    fn plan(&self, parts: Parts) -> Plan {
        let again: BTreeSet<&TaskPath> = parts.run.iter().chain(&parts.undo).collect();
        let names = |all: &[TaskPath]| all.iter().map(ToString::to_string).collect::<Tasks>();
        let void = self.voided(&again);
        let told: BTreeSet<&TaskPath> = void.iter().chain(&parts.not_undone).collect();
        let keep = self.kept(&again).filter(|it| !told.contains(it)).map(|it| it.to_string());
        Plan {
            label: Some(self.before.label()),
            keep: keep.collect(),
            void: names(&void),
            run: names(&parts.run),
            undo: names(&parts.undo),
            not_undone: names(&parts.not_undone),
            stop: names(&parts.stop),
            drop: names(&parts.drop),
            wait: names(&parts.wait),
            notes: parts.notes.into_iter().chain(self.readers(&parts.edited)).collect(),
            ..Plan::default()
        }
    }

    /// What has succeeded and stays: of a mapped task its items are told.
    fn kept<'a>(&'a self, again: &'a BTreeSet<&TaskPath>) -> impl Iterator<Item = TaskPath> + 'a {
        let has_succeeded = |run: &Run, spot: &Spot| {
            let it = run.at(spot.task, spot.item);
            it.is_some_and(|it| {
                it.phase == TaskPhase::Finished(Outcome::Succeeded) && !it.is_undone()
            })
        };
        let is_told = |spot: &Spot| {
            let task = self.workflow.task(spot.task);
            task.map.is_none() == spot.item.is_none() && task.kind != Kind::Group
        };
        let kept = self.before.spots().filter(move |spot| {
            is_told(spot)
                && has_succeeded(self.before, spot)
                && self.after.is_none_or(|after| has_succeeded(after, spot))
        });
        let is_meant = move |path: &TaskPath| {
            again.contains(path) || again.contains(&TaskPath::task(path.task.clone()))
        };
        kept.map(|spot| self.path(spot)).filter(move |it| !is_meant(it))
    }

    /// Approvals that were given, or are waited for, and are asked anew; and those that what is undone was built on.
    fn voided(&self, again: &BTreeSet<&TaskPath>) -> Vec<TaskPath> {
        let places = again.iter().filter_map(|it| self.workflow.place(&it.task));
        let before = self.workflow.approvals_before(places.collect::<Vec<_>>());
        let is_void = |spot: &Spot| {
            let it = self.before.at(spot.task, spot.item);
            let was_asked = it.is_some_and(|it| {
                let waits = matches!(it.phase, TaskPhase::Waiting(Wait::Approval { .. }));
                !it.decisions.is_empty() || waits
            });
            let is_again = again.contains(&self.path(*spot));
            was_asked && (is_again || self.undoes() && before.contains(&spot.task))
        };
        let void = self.before.spots().filter(is_void);
        void.map(|spot| self.path(spot)).collect()
    }

    /// Which of the tasks that have not ended read these parameters, as far as that is known.
    fn readers(&self, params: &[ParamName]) -> Vec<String> {
        let run = self.after.unwrap_or(self.before);
        let to_come: Vec<&Task> = self
            .workflow
            .workflow
            .tasks
            .iter()
            .zip(&run.tasks)
            .filter(|(_, it)| !it.phase.is_over())
            .map(|(task, _)| task)
            .collect();
        if params.is_empty() {
            return Vec::new();
        }
        let names = |of: &dyn Fn(&Task) -> bool| {
            let names = to_come.iter().filter(|it| of(it)).map(|it| it.name.as_str());
            let names: Vec<&str> = names.take(20).collect();
            names.join(", ")
        };
        let reads = |task: &Task| params.iter().any(|it| reads::reads(task, it));
        let readers = names(&reads);
        let others = names(&|task: &Task| !reads(task) && task.has_process());
        let told =
            |what: &str, names: String| (!names.is_empty()).then(|| format!("{what}: {names}"));
        let read = told("read by the expressions of what has not ended", readers);
        let env = told("in the environment of what has not ended", others);
        read.into_iter().chain(env).collect()
    }

    fn undoes(&self) -> bool {
        self.after.is_some_and(|it| it.rollback_asked.is_some() || it.undos().next().is_some())
    }

    fn path(&self, spot: Spot) -> TaskPath {
        why::path_in(self.before, &self.workflow.workflow, spot)
    }
}

/// The same for the same plan, within one life of the daemon. Of what is cancelled or paused only what it is: how much of it
/// runs changes while a person reads, and the wish does not.
fn digest(plan: &Plan, request: &Request) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    let acts = [&plan.run, &plan.undo, &plan.not_undone, &plan.stop, &plan.drop];
    let parts = acts.into_iter().chain([&plan.wait, &plan.keep, &plan.void, &plan.runs]);
    plan.label.hash(&mut hasher);
    let is_wish = matches!(
        request,
        Request::Cancel { .. }
            | Request::Pause { .. }
            | Request::Resume { .. }
            | Request::Drain { .. }
    );
    for part in parts.filter(|_| !is_wish) {
        (part.count, &part.names).hash(&mut hasher);
    }
    if matches!(
        request,
        Request::Edit { .. } | Request::RetryWith { .. } | Request::ReleaseRun { .. }
    ) {
        plan.notes.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
