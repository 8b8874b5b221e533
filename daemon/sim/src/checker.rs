//! Judges the world, not the engine's opinion of it: by what is on disk, and by what has really happened. Source:
//! reliability, 3.2.
//!
//! Which function judges which invariant of reliability, 3.2:
//!
//! | | |
//! |---|---|
//! | I1 nothing acknowledged is lost | `History::answered`, `History::replayed`, [`Checker::pause_acknowledged`] |
//! | I2 no attempt starts twice | [`Checker::happened`], `Checker::ordered` |
//! | I3 limits, by lifetimes of processes | `capacity`, `run_limits`, `undo_runs_alone` |
//! | I4 needs allow it; nothing after a cancel | `needs`, `rule_lets_run`, `end_is_allowed`, `not_after_cancel`, `undo_may_start` |
//! | I5 recorded ends are the real ones | `end_recorded` |
//! | I7 what is not over is explained, and truly | [`Checker::explained`], [`Checker::pauses_are_over`] |
//! | I8 whoever changes something is named; a replay gives the same | the types of events, `History::keep`, `History::replayed` |
//! | I12 at rest once nothing goes wrong | `History::come_to_rest`, [`Checker::at_rest`], `World::unrest` |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::event::{AttemptRef, RunCreated};
use engine::input::How;
use engine::{Event, Stamped};
use shared::id::{AttemptId, PoolName, ResourceName, RunId, TaskName, TaskPath, Version};
use shared::request::{PauseWhat, RollbackWhat};
use shared::state::Outcome;
use shared::time::Timestamp;
use shared::workflow::{Priority, Section, Task, Workflow};

use crate::world::Fact;

mod explain;
mod limits;
mod people;
pub mod plans;
mod rules;
#[cfg(test)]
mod tests;
mod undos;

/// What the checker knows: what the journal says was ordered, and what really happened.
#[derive(Clone, Default, Debug)]
pub struct Checker {
    slots: BTreeMap<PoolName, u32>,
    resources: BTreeMap<ResourceName, u32>,
    workflows: BTreeMap<Version, Arc<Workflow>>,
    pauses: BTreeMap<PauseWhat, Option<Timestamp>>,
    runs: BTreeMap<RunId, RunFacts>,
    attempts: BTreeMap<AttemptId, Ordered>,
    started: BTreeSet<AttemptId>,
    live: BTreeSet<AttemptId>,
    strays: BTreeSet<AttemptId>,
    ends: BTreeMap<AttemptId, How>,
    forgotten: BTreeSet<AttemptId>,
    stopped: BTreeSet<AttemptId>,
    recorded: BTreeSet<AttemptId>,
    /// The attempts whose start is on disk, and whose end is not.
    open: BTreeSet<AttemptId>,
}

#[derive(Clone, Debug)]
struct RunFacts {
    workflow: Arc<Workflow>,
    lane: Option<String>,
    priority: Priority,
    /// How many items each mapped task has.
    items: BTreeMap<TaskName, usize>,
    stage: Stage,
    /// How many items of a task may run since a person has said so, and how many ran then.
    widths: BTreeMap<TaskName, (Option<u32>, u32)>,
    /// A cancel of it was acknowledged; `true`: of its `finally` too.
    cancelled: Option<bool>,
    /// A cancel of it is on disk, also one that comes before a rollback.
    is_stopped: bool,
    asked: Option<RollbackWhat>,
    rollback: Option<undos::Rollback>,
    /// What the plan of a rollback has named that was acknowledged and has not begun.
    foreseen: Option<plans::Foreseen>,
    tasks: BTreeMap<TaskPath, TaskFacts>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Queued,
    Active,
    RollingBack,
    Closing,
    Ended,
}

/// Of a task run or an undo.
#[derive(Clone, Default, Debug)]
struct TaskFacts {
    /// Its newest attempt and the number of that.
    newest: Option<(AttemptId, u32)>,
    /// How it has ended, and when.
    ended: Option<(Outcome, Timestamp)>,
    is_marked: bool,
    is_held: bool,
    /// It waits for capacity, runs, or waits for its next attempt.
    is_begun: bool,
    /// It waits for capacity.
    is_queued: bool,
    /// Its next attempt waits until then.
    not_before: Option<Timestamp>,
    /// Retries that counted.
    retries: u32,
    /// A person has sent this attempt back to the queue.
    requeued: Option<AttemptId>,
    /// That attempt has ended, and it is to wait in the queue.
    must_queue: bool,
    /// It was undone, and has had no attempt since.
    is_undone: bool,
    /// Of an undo: it was planned, and what it undoes has not been reset since.
    is_planned: bool,
}

/// An attempt whose start was ordered.
#[derive(Clone, Debug)]
struct Ordered {
    run: RunId,
    path: TaskPath,
    has_process: bool,
}

impl RunFacts {
    fn new(workflow: Arc<Workflow>, lane: Option<String>, priority: Priority) -> Self {
        Self {
            workflow,
            lane,
            priority,
            items: BTreeMap::new(),
            widths: BTreeMap::new(),
            stage: Stage::Queued,
            cancelled: None,
            is_stopped: false,
            asked: None,
            rollback: None,
            foreseen: None,
            tasks: BTreeMap::new(),
        }
    }

    fn task(&self, path: &TaskPath) -> Result<&Task, String> {
        task_of(&self.workflow, &path.task).ok_or_else(|| format!("there is no task {path}"))
    }

    fn facts(&mut self, path: &TaskPath) -> &mut TaskFacts {
        self.tasks.entry(path.clone()).or_default()
    }

    fn ended(&self, path: &TaskPath) -> Option<&(Outcome, Timestamp)> {
        self.tasks.get(path)?.ended.as_ref()
    }
}

impl Checker {
    /// A checker of a world with these capacities.
    pub fn new(slots: Vec<(PoolName, u32)>, resources: Vec<(ResourceName, u32)>) -> Self {
        Self {
            slots: slots.into_iter().collect(),
            resources: resources.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Something is on disk.
    ///
    /// # Errors
    /// What it contradicts, as a sentence.
    pub fn recorded(&mut self, stamped: &Stamped) -> Result<(), String> {
        self.pauses_recorded(stamped)?;
        match &stamped.event {
            Event::WorkflowLoaded { workflow } => {
                self.workflows.insert(workflow.version.clone(), workflow.clone());
            }
            Event::RunCreated(it) => self.run_created(it)?,
            Event::RunStarted { run } => {
                self.not_paused(*run, None)?;
                self.facts(*run)?.stage = Stage::Active;
            }
            Event::RunReopened { run, workflow } => {
                let it = self.facts(run.id)?;
                it.workflow = workflow.clone();
                (it.stage, it.cancelled, it.is_stopped) = (Stage::Queued, None, false);
                (it.asked, it.rollback, it.foreseen) = (None, None, None);
            }
            Event::RunCancelled { run, .. } | Event::RunTimedOut { run, .. } => {
                self.facts(*run)?.is_stopped = true;
            }
            Event::WidthChanged { run, task, width, running, .. } => {
                self.facts(*run)?.widths.insert(task.clone(), (*width, *running));
            }
            Event::RunClosing { run, outcome } => {
                self.end_word(*run, *outcome)?;
                self.facts(*run)?.stage = Stage::Closing;
            }
            Event::RunEnded { run, outcome } => {
                self.end_word(*run, *outcome)?;
                self.facts(*run)?.stage = Stage::Ended;
            }
            Event::AttemptStarting { attempt, .. } => self.ordered(attempt, stamped.at)?,
            Event::RunPrioritized { run, priority, .. } => {
                self.facts(*run)?.priority = *priority;
            }
            Event::AttemptEnded(it) => {
                self.end_recorded(it.attempt.id, &it.outcome)?;
                self.may_queue_again(&it.attempt, &it.outcome)?;
            }
            Event::RollbackAsked { run, what, .. } => {
                self.facts(*run)?.asked = Some(what.clone());
            }
            Event::RollbackBegun { run, tasks, policy, .. } => {
                self.rollback_begun(*run, tasks, *policy)?;
            }
            _ => self.task_changed(stamped)?,
        }
        Ok(())
    }

    fn run_created(&mut self, it: &RunCreated) -> Result<(), String> {
        let workflow = self.workflows.get(&it.version).cloned();
        let workflow = workflow.ok_or("a run is of a version that never was")?;
        let facts = RunFacts::new(workflow, it.lane.clone(), it.priority);
        match self.runs.insert(it.run, facts) {
            Some(_) => Err(format!("two runs have the id {}", it.run)),
            None => Ok(()),
        }
    }

    fn facts(&mut self, run: RunId) -> Result<&mut RunFacts, String> {
        self.runs.get_mut(&run).ok_or_else(|| format!("there is no run {run}"))
    }

    /// An attempt's start is on disk.
    fn ordered(&mut self, it: &AttemptRef, at: Timestamp) -> Result<(), String> {
        let facts = self.runs.get(&it.run).ok_or("an attempt is of no run")?;
        let task = facts.task(&it.task)?;
        let has_process = it.task.undo || task.has_process();
        let pool = has_process.then(|| task.pool.clone());
        self.not_after_cancel(facts, &it.task, it.id)?;
        self.not_paused(it.run, pool.as_ref())?;
        may_start(facts, task, &it.task)?;
        self.rule_lets_run(facts, &it.task)?;
        if has_process {
            self.critical_goes_first(facts, &it.task)?;
        }
        let waits_until = facts.tasks.get(&it.task).and_then(|it| it.not_before);
        if waits_until.is_some_and(|it| it > at) {
            return Err(format!("{} starts before its wait for a retry is over", it.task));
        }
        if let Some((before, _)) = facts.tasks.get(&it.task).and_then(|it| it.newest)
            && !self.recorded.contains(&before)
        {
            return Err(format!("{} has a new attempt, and {before} has not ended", it.task));
        }
        if it.task.undo {
            self.undo_may_start(it.run, &it.task)?;
        }
        let ordered = Ordered { run: it.run, path: it.task.clone(), has_process };
        self.open.insert(it.id);
        if self.attempts.insert(it.id, ordered).is_some() {
            return Err(format!("two attempts have the id {}", it.id));
        }
        let facts = self.facts(it.run)?.facts(&it.task);
        let before = facts.newest.replace((it.id, it.number)).map_or(0, |it| it.1);
        (facts.is_undone, facts.is_begun, facts.is_queued) = (false, true, false);
        match it.number == before + 1 {
            true => Ok(()),
            false => Err(format!("attempt {} of {} follows {before}", it.number, it.task)),
        }
    }

    /// The daemon has answered that it cancels a run.
    pub fn cancel_acknowledged(&mut self, run: RunId, now: bool) {
        if let Some(it) = self.runs.get_mut(&run) {
            it.cancelled = Some(now || it.cancelled.is_some());
        }
    }

    /// The daemon has told a runner to start an attempt.
    ///
    /// # Errors
    /// If it should not have.
    pub fn start_sent(&self, attempt: AttemptId) -> Result<(), String> {
        let ordered = self.attempts.get(&attempt).ok_or("a start was sent that is not on disk")?;
        let facts = self.runs.get(&ordered.run).ok_or("an attempt is of no run")?;
        if self.recorded.contains(&attempt) {
            return Err(format!("attempt {attempt} has ended and is started"));
        }
        self.not_after_cancel(facts, &ordered.path, attempt)
    }

    /// The daemon has told a runner to stop an attempt.
    pub fn stop_sent(&mut self, attempt: AttemptId) {
        self.stopped.insert(attempt);
    }

    /// The daemon has told a runner to forget an attempt.
    ///
    /// # Errors
    /// If its end is not on disk.
    pub fn release_sent(&self, attempt: AttemptId) -> Result<(), String> {
        match self.attempts.contains_key(&attempt) && !self.recorded.contains(&attempt) {
            true => Err(format!("attempt {attempt} is forgotten, and its end is not on disk")),
            false => Ok(()),
        }
    }

    fn not_after_cancel(
        &self,
        run: &RunFacts,
        path: &TaskPath,
        id: AttemptId,
    ) -> Result<(), String> {
        let in_main = run.task(path)?.section == Section::Main;
        match run.cancelled.is_some_and(|now| now || in_main) {
            true => Err(format!("attempt {id} of {path} starts after a cancel was acknowledged")),
            false => Ok(()),
        }
    }

    /// Something has really happened.
    ///
    /// # Errors
    /// If it should not have.
    pub fn happened(&mut self, fact: Fact) -> Result<(), String> {
        match fact {
            Fact::Started(pool, attempt) => {
                if !self.started.insert(attempt) {
                    return Err(format!("attempt {attempt} was started twice"));
                }
                if self.recorded.contains(&attempt) {
                    return Err(format!("attempt {attempt} started after its end was recorded"));
                }
                self.live.insert(attempt);
                self.capacity(&pool)?;
                self.run_limits(attempt)?;
                self.undo_runs_alone(attempt)?;
                self.needs(attempt)
            }
            Fact::Strayed(attempt) => {
                self.strays.insert(attempt);
                Ok(())
            }
            Fact::Ended(attempt, how) => {
                self.live.remove(&attempt);
                self.strays.remove(&attempt);
                self.ends.insert(attempt, how);
                Ok(())
            }
            Fact::Forgotten(attempt) => {
                self.forgotten.insert(attempt);
                Ok(())
            }
        }
    }

    fn live(&self) -> impl Iterator<Item = (&Ordered, &RunFacts, &Task)> {
        self.live.iter().filter_map(|it| {
            let ordered = self.attempts.get(it)?;
            let run = self.runs.get(&ordered.run)?;
            Some((ordered, run, task_of(&run.workflow, &ordered.path.task)?))
        })
    }

    /// The attempts of a run whose end is not on disk.
    fn open(&self, run: RunId) -> impl Iterator<Item = &TaskPath> {
        let tasks = self.runs.get(&run).into_iter().flat_map(|it| &it.tasks);
        let is_open = |it: &&TaskFacts| it.newest.is_some_and(|it| !self.recorded.contains(&it.0));
        tasks.filter(move |(_, it)| is_open(it)).map(|(path, _)| path)
    }

    /// The runs that were made.
    pub fn runs(&self) -> impl Iterator<Item = RunId> {
        self.runs.keys().copied()
    }

    /// What is not at rest, now that everything should be.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn at_rest(&self) -> Result<(), String> {
        if let Some(id) = self.live.first() {
            return Err(format!("attempt {id} still runs"));
        }
        if let Some(id) = self.strays.first() {
            return Err(format!("nobody waits for attempt {id}, and it still runs"));
        }
        match self.attempts.keys().find(|it| !self.recorded.contains(it)) {
            Some(id) => Err(format!("the end of attempt {id} was never recorded")),
            None => Ok(()),
        }
    }
}

/// Whether it is this one's turn at all: by the stage of its run, and by what people have said of it.
fn may_start(run: &RunFacts, task: &Task, path: &TaskPath) -> Result<(), String> {
    let due = match task.section {
        _ if path.undo => Stage::RollingBack,
        Section::Main => Stage::Active,
        Section::Finally => Stage::Closing,
    };
    if run.stage != due {
        return Err(format!("{path} starts, and its run is {:?}", run.stage));
    }
    let wholes = if path.undo { Vec::new() } else { people::wholes(path) };
    for path in wholes.iter().chain([path]) {
        let Some(facts) = run.tasks.get(path) else { continue };
        if facts.is_held {
            return Err(format!("{path} starts, and is held"));
        }
        if let Some((outcome, _)) = &facts.ended {
            return Err(format!("{path} starts, and has ended: {outcome:?}"));
        }
    }
    Ok(())
}

fn task_of<'a>(workflow: &'a Workflow, name: &TaskName) -> Option<&'a Task> {
    workflow.tasks.iter().find(|it| it.name == *name)
}
