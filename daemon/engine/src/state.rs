//! What is true. Changed only by [`State::apply`], which is in `apply`; no decisions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::capacity::QueuePolicy;
use shared::id::{
    AttemptId, ItemKey, ParamName, PoolName, ResourceName, RunId, TaskName, TaskPath, Version,
    WorkflowName,
};
use shared::outputs::Outputs;
use shared::request::{Actor, Decision, PauseWhat, RollbackWhat};
use shared::state::{AttemptOutcome, Item, Outcome, RunOutcome, RunPhase, TaskPhase, Usage, Wait};
use shared::time::{Interval, Timestamp};
use shared::workflow::{Kind, Priority, Task, UndoPolicy};

use crate::definition::Definition;
use crate::durations::Durations;
use crate::index::Index;
use crate::input::Archived;
use crate::pool::{Pool, Resource};

/// All that is true of what is not over.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct State {
    /// The latest instant that an event was true at. Time never runs backwards.
    pub now: Timestamp,
    /// What ids are mixed with.
    pub incarnation: u64,
    /// How many ids have been given.
    pub ids_given: u64,
    /// The pools by name.
    pub pools: BTreeMap<PoolName, Pool>,
    /// The resources by name.
    pub resources: BTreeMap<ResourceName, Resource>,
    /// How the queue shares capacity out.
    pub queue: QueuePolicy,
    /// How long the tasks that are known took lately.
    pub durations: Durations,
    /// What is known of each workflow.
    pub library: BTreeMap<WorkflowName, Entry>,
    /// Every version that is current or has a run that is not over.
    pub definitions: BTreeMap<Version, Arc<Definition>>,
    /// What is paused, beside single runs.
    pub pauses: BTreeMap<PauseWhat, Pause>,
    /// The runs that are not over.
    pub runs: BTreeMap<RunId, Run>,
    /// The newest runs that have not succeeded, of each lane in which a run follows only a success.
    pub failed: BTreeMap<LaneKey, BTreeMap<(Timestamp, u64), Failed>>,
    /// The runs that have ended since this was last emptied, oldest first: whoever applies events keeps them elsewhere.
    pub ended: Vec<Archived>,
    pub(crate) index: Index,
}

/// The workflow of a lane, and the value of its `concurrency.key`.
pub type LaneKey = (WorkflowName, Option<String>);

/// What is known of a workflow.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Entry {
    /// The version that new runs get; the last good one.
    pub version: Option<Version>,
    /// What is wrong with its newest file.
    pub problems: Vec<String>,
    /// Whether its file was deleted.
    pub gone: bool,
    /// The number of its newest run.
    pub newest: u64,
}

/// A run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its number among the runs of its workflow, from 1.
    pub number: u64,
    /// Its workflow.
    pub workflow: WorkflowName,
    /// The version that it runs.
    pub version: Version,
    /// All its parameters.
    pub params: BTreeMap<ParamName, Value>,
    /// The span of data it stands for.
    pub interval: Option<Interval>,
    /// Who has caused it.
    pub actor: Actor,
    /// Larger goes first.
    pub priority: Priority,
    /// The value of its workflow's `concurrency.key`.
    pub lane: Option<String>,
    /// When it is to have ended.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its tasks could first start.
    pub started_at: Option<Timestamp>,
    /// When all had ended.
    pub ended_at: Option<Timestamp>,
    /// How far it has come.
    pub phase: RunPhase,
    /// How long it has run, and may.
    #[serde(default)]
    pub clock: RunClock,
    /// Who has given its parameters other values.
    #[serde(default)]
    pub edited_by: Vec<Edited>,
    /// Whether a person lets it start, however the run before it has ended.
    #[serde(default)]
    pub released: bool,
    /// How many items of a mapped task may run at once, where a person has said otherwise than its file.
    #[serde(default)]
    pub widths: BTreeMap<TaskName, Width>,
    /// Who stops it.
    pub cancel: Option<Cancel>,
    /// Who has paused it.
    #[serde(default)]
    pub pause: Option<Pause>,
    /// Who wants it undone once its tasks have ended.
    #[serde(default)]
    pub rollback_asked: Option<RollbackAsked>,
    /// How it is being undone, or was.
    #[serde(default)]
    pub rollback: Option<Rollback>,
    /// How it had ended before it was taken up again.
    #[serde(default)]
    pub ended_as: Option<RunOutcome>,
    /// Its tasks in file order.
    pub tasks: Vec<TaskRun>,
}

/// How long a run has run: its tasks, without its pauses. From instants, so that a replay finds the same.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RunClock {
    /// How long it may run.
    pub limit: Option<Duration>,
    /// How long it has run before `since`.
    pub before: Duration,
    /// Since when it runs; absent while it does not.
    pub since: Option<Timestamp>,
    /// When its time was over.
    pub over: Option<Timestamp>,
}

impl RunClock {
    /// When its time is over, if it runs on.
    pub fn ends(&self) -> Option<Timestamp> {
        let left = self.limit?.saturating_sub(self.before);
        (self.over.is_none()).then_some(self.since? + left)
    }

    /// How long it has run.
    pub fn ran(&self, now: Timestamp) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Lets it run from here on, or stand.
    pub(crate) fn turn(&mut self, runs: bool, at: Timestamp) {
        match (self.since, runs) {
            (None, true) => self.since = Some(at),
            (Some(since), false) => {
                self.before += at.since(since);
                self.since = None;
            }
            (Some(_), true) | (None, false) => {}
        }
    }
}

/// Who has given parameters of a run other values.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Edited {
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// Which parameters.
    pub params: Vec<ParamName>,
}

/// How many items of a mapped task may run at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Width {
    /// How many; as many as fit where absent.
    pub limit: Option<u32>,
    /// How many ran when that was said.
    pub running: u32,
}

/// A run that has ended without success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// Which.
    pub run: RunId,
    /// How.
    pub outcome: RunOutcome,
}

/// An actor's wish that nothing more of something start.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Pause {
    /// Who.
    pub actor: Actor,
    /// Since when.
    pub at: Timestamp,
    /// Until when; until it is resumed where absent.
    pub until: Option<Timestamp>,
    /// What they said.
    pub comment: Option<String>,
    /// That what runs come to its end, where that is what it is for.
    #[serde(default)]
    pub drain: Option<Drain>,
}

/// That what runs come to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Drain {
    /// By when it should have.
    pub by: Option<Timestamp>,
}

/// An actor's wish that what a run has done be undone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RollbackAsked {
    /// Who.
    pub actor: Actor,
    /// What of it.
    pub what: RollbackWhat,
    /// What they said.
    pub comment: Option<String>,
}

/// The undoing of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rollback {
    /// Who has asked for it; the daemon where the workflow says so.
    pub actor: Actor,
    /// When it began.
    pub at: Timestamp,
    /// What they said.
    pub comment: Option<String>,
    /// How undos are carried out.
    pub policy: UndoPolicy,
}

/// An actor's wish that a run stop.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cancel {
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// Whether its `finally` is stopped too.
    pub now: bool,
    /// What they said.
    pub comment: Option<String>,
}

/// A task's progress within a run; of a mapped task also each item's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TaskRun {
    /// How far it has come.
    pub phase: TaskPhase,
    /// Since when it is in that phase.
    pub since: Timestamp,
    /// When its first attempt started, since it was last reset.
    pub started_at: Option<Timestamp>,
    /// Its attempts, first first. Kept for ever.
    pub attempts: Vec<Attempt>,
    /// How many of them have counted against the limit of retries, since it was last reset.
    pub retries: u32,
    /// What it has given back.
    pub outputs: Outputs,
    /// Checks that were not met and only warn.
    pub warnings: Vec<String>,
    /// What people have decided, of an approval.
    pub decisions: Vec<Decided>,
    /// Its items, once a mapped task is expanded.
    pub items: Option<Items>,
    /// Whether a person has let it go on, since it was last reset.
    #[serde(default)]
    pub released: bool,
    /// Whether it is to wait in the queue again once its attempt, which is being stopped, has ended.
    #[serde(default)]
    pub requeue: bool,
    /// When it was last sent back to the queue: it waits behind what has waited since before.
    #[serde(default)]
    pub requeued_at: Option<Timestamp>,
    /// Whether it has waited as long as its priority may, and goes before all that is not critical.
    #[serde(default)]
    pub lifted: bool,
    /// Whether its attempt, which is being stopped, makes room for another.
    #[serde(default)]
    pub preempted: bool,
    /// How much memory its next attempt asks for, where that is not what its file says; in bytes.
    #[serde(default)]
    pub memory: Option<u64>,
    /// The progress of its undo, since that was planned.
    #[serde(default)]
    pub undo: Option<Box<TaskRun>>,
    /// The attempts of its earlier undos, before it last ran again.
    #[serde(default)]
    pub undone_before: Vec<Attempt>,
    /// How many of its attempts had been when it was last undone: what has had none since has nothing to undo.
    #[serde(default)]
    pub attempts_undone: u32,
}

/// A decision on an approval.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// Who.
    pub actor: Actor,
    /// What.
    pub decision: Decision,
    /// What they said.
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// An attempt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Its number, from 1.
    pub number: u32,
    /// Larger for each later attempt of the whole store.
    pub fence: u64,
    /// Where it runs; absent of one without process, and of one that was made before tasks had several pools.
    #[serde(default)]
    pub pool: Option<PoolName>,
    /// When its start was ordered.
    pub ordered_at: Timestamp,
    /// When its program started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its process.
    pub pid: Option<u32>,
    /// How it ended; absent while it has not.
    pub outcome: Option<AttemptOutcome>,
    /// Its exit code, where there is one.
    pub exit: Option<i32>,
    /// What it used.
    pub usage: Usage,
}

/// The items of a mapped task, in their order.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<ItemRun>", into = "Vec<ItemRun>")]
pub struct Items {
    pub(crate) list: Vec<ItemRun>,
    places: BTreeMap<ItemKey, u32>,
}

/// An item's progress.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ItemRun {
    /// Its key and value.
    pub item: Item,
    /// How far it has come.
    pub progress: TaskRun,
}

impl From<Vec<ItemRun>> for Items {
    fn from(list: Vec<ItemRun>) -> Self {
        let places = (0..).zip(&list).map(|(place, it)| (it.item.key.clone(), place)).collect();
        Self { list, places }
    }
}

impl From<Items> for Vec<ItemRun> {
    fn from(items: Items) -> Self {
        items.list
    }
}

impl Items {
    /// The items in their order.
    pub fn list(&self) -> &[ItemRun] {
        &self.list
    }

    /// The place of an item.
    pub fn place(&self, key: &ItemKey) -> Option<u32> {
        self.places.get(key).copied()
    }
}

impl TaskRun {
    /// A task run of which nothing has happened.
    pub fn new(at: Timestamp) -> Self {
        Self {
            phase: TaskPhase::Waiting(Wait::Needs),
            since: at,
            started_at: None,
            attempts: Vec::new(),
            retries: 0,
            outputs: Outputs::new(),
            warnings: Vec::new(),
            decisions: Vec::new(),
            items: None,
            released: false,
            requeue: false,
            requeued_at: None,
            lifted: false,
            preempted: false,
            memory: None,
            undo: None,
            undone_before: Vec::new(),
            attempts_undone: 0,
        }
    }

    /// The same at its beginning: its attempts, and those of its undos, are kept.
    pub(crate) fn anew(&mut self, at: Timestamp) -> Self {
        let attempts_undone = match self.is_undone() {
            true => u32::try_from(self.attempts.len()).expect("fewer attempts than bytes"),
            false => self.attempts_undone,
        };
        let mut undone_before = std::mem::take(&mut self.undone_before);
        if let Some(undo) = self.undo.take() {
            undone_before = undo.attempts;
        }
        let attempts = std::mem::take(&mut self.attempts);
        Self { attempts, undone_before, attempts_undone, ..Self::new(at) }
    }

    /// Whether what it has done was undone: it counts as not run.
    pub fn is_undone(&self) -> bool {
        self.undo.as_ref().is_some_and(|it| it.phase == TaskPhase::Finished(Outcome::Succeeded))
    }

    /// The word that people see.
    pub fn word(&self) -> &'static str {
        match self.undo.as_ref().map(|it| &it.phase) {
            None | Some(TaskPhase::Waiting(Wait::Needs)) => self.phase.word(),
            Some(TaskPhase::Finished(Outcome::Succeeded)) => "rolled_back",
            Some(TaskPhase::Finished(_)) => "rollback_failed",
            Some(TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Active(_)) => {
                "rolling_back"
            }
        }
    }

    /// The attempt that has not ended, if there is one.
    pub fn open_attempt(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|it| it.outcome.is_none())
    }

    /// When it ended; of one that is over.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.phase.is_over().then_some(self.since)
    }
}

/// Where a task run is: fast to copy and to compare, and in order of the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Spot {
    /// The run.
    pub run: RunId,
    /// The place of the task in its file.
    pub task: u32,
    /// The place of the item among the items.
    pub item: Option<u32>,
    /// Whether its undo is meant.
    pub undo: bool,
}

impl Spot {
    /// The spot of a task, and of a mapped one as a whole.
    pub fn task(run: RunId, task: u32) -> Self {
        Self { run, task, item: None, undo: false }
    }

    /// The spot of its undo.
    pub(crate) fn undo(self) -> Self {
        Self { undo: true, ..self }
    }

    /// The spot of what it is the undo of; of one that is none, itself.
    pub(crate) fn forward(self) -> Self {
        Self { undo: false, ..self }
    }

    /// The spot of the mapped task that it is an item of.
    pub(crate) fn parent(self) -> Self {
        Self { item: None, ..self }
    }
}

impl Run {
    /// The task run at a place.
    pub fn at(&self, task: u32, item: Option<u32>) -> Option<&TaskRun> {
        let task = self.tasks.get(task as usize)?;
        match item {
            None => Some(task),
            Some(place) => Some(&task.items.as_ref()?.list.get(place as usize)?.progress),
        }
    }

    /// Its name for people: `workflow#412`.
    pub fn label(&self) -> String {
        format!("{}#{}", self.workflow, self.number)
    }

    /// The word of its state.
    pub fn word(&self) -> &'static str {
        let word = self.phase.word(self.cancel.is_some());
        match (&self.pause, word) {
            (Some(_), "queued" | "running" | "rolling_back") if self.has_active() => "pausing",
            (Some(_), "queued" | "running" | "rolling_back") => "paused",
            _ => word,
        }
    }

    /// Whether a task run of it, or an undo, has an attempt that has not ended.
    fn has_active(&self) -> bool {
        self.all_spots().any(|spot| {
            let progress = self.progress(spot);
            progress.is_some_and(|it| {
                matches!(it.phase, TaskPhase::Active(_)) && it.open_attempt().is_some()
            })
        })
    }

    /// The task run, or the undo, at a spot of this run.
    pub fn progress(&self, spot: Spot) -> Option<&TaskRun> {
        let forward = self.at(spot.task, spot.item)?;
        if spot.undo { forward.undo.as_deref() } else { Some(forward) }
    }

    /// Every task run, and after it its undo if there is one.
    pub fn all_spots(&self) -> impl Iterator<Item = Spot> {
        self.spots().flat_map(|spot| {
            let has_undo = self.at(spot.task, spot.item).is_some_and(|it| it.undo.is_some());
            std::iter::once(spot).chain(has_undo.then(|| spot.undo()))
        })
    }

    /// The undos that there are.
    pub(crate) fn undos(&self) -> impl Iterator<Item = (Spot, &TaskRun)> {
        self.spots().filter_map(|spot| {
            let undo = self.at(spot.task, spot.item)?.undo.as_deref()?;
            Some((spot.undo(), undo))
        })
    }

    /// Every task run: each task, and of a mapped one each item after it.
    pub fn spots(&self) -> impl Iterator<Item = Spot> {
        (0..).zip(&self.tasks).flat_map(move |(task, it)| {
            let count = it.items.as_ref().map_or(0, |items| items.list.len());
            let items = (0..u32::try_from(count).expect("fewer items than bytes")).map(Some);
            std::iter::once(None).chain(items).map(move |item| Spot {
                run: self.id,
                task,
                item,
                undo: false,
            })
        })
    }
}

impl State {
    /// The run, which is known to be there.
    pub(crate) fn run(&self, run: RunId) -> &Run {
        self.runs.get(&run).expect("a run that has a spot is in the state")
    }

    /// The definition of a run.
    ///
    /// # Panics
    /// If the run is not in the state.
    pub fn definition(&self, run: RunId) -> &Arc<Definition> {
        self.definitions
            .get(&self.run(run).version)
            .expect("the version of a run in the state is kept")
    }

    pub(crate) fn task(&self, spot: Spot) -> &Task {
        let definition = self.definition(spot.run);
        match spot.undo {
            false => definition.task(spot.task),
            true => definition.undo(spot.task).expect("only what can be undone has an undo"),
        }
    }

    pub(crate) fn task_run(&self, spot: Spot) -> &TaskRun {
        self.run(spot.run).progress(spot).expect("a spot is of a task run that exists")
    }

    /// Whether a pause of everything or of the workflow keeps its runs from starting.
    pub(crate) fn is_workflow_paused(&self, workflow: &WorkflowName) -> bool {
        let of_workflow = || PauseWhat::Workflow(workflow.clone());
        !self.pauses.is_empty()
            && (self.pauses.contains_key(&PauseWhat::All)
                || self.pauses.contains_key(&of_workflow()))
    }

    /// Who keeps a run, and what it is made of, from starting; by which pause.
    pub(crate) fn held_back<'a>(&'a self, run: &'a Run) -> Option<(PauseWhat, &'a Pause)> {
        if let Some(pause) = &run.pause {
            return Some((PauseWhat::Run(run.id), pause));
        }
        if self.pauses.is_empty() {
            return None;
        }
        let of_workflow = PauseWhat::Workflow(run.workflow.clone());
        [PauseWhat::All, of_workflow]
            .into_iter()
            .find_map(|what| self.pauses.get(&what).map(|it| (what, it)))
    }

    /// How many items of a mapped task may run at once.
    pub(crate) fn max_parallel(&self, spot: Spot) -> Option<u32> {
        let map = self.definition(spot.run).task(spot.task).map.as_ref()?;
        match self.width(spot) {
            Some(width) => width.limit,
            None => map.max_parallel,
        }
    }

    /// What a person has said of that.
    pub(crate) fn width(&self, spot: Spot) -> Option<Width> {
        let name = &self.definition(spot.run).task(spot.task).name;
        self.run(spot.run).widths.get(name).copied()
    }

    /// Whether the task run is made of others, and has no attempts of its own: a mapped task as a whole, or a group.
    pub(crate) fn is_parent(&self, spot: Spot) -> bool {
        self.is_mapped_whole(spot) || (!spot.undo && self.is_group(spot))
    }

    /// Whether the task run is a mapped task as a whole.
    pub(crate) fn is_mapped_whole(&self, spot: Spot) -> bool {
        spot.item.is_none() && !spot.undo && self.task(spot).map.is_some()
    }

    pub(crate) fn is_group(&self, spot: Spot) -> bool {
        self.definition(spot.run).task(spot.task).kind == Kind::Group
    }

    /// The spot of a task run of a run in the state.
    pub fn spot(&self, run: RunId, path: &TaskPath) -> Option<Spot> {
        let task = self.definition(run).place(&path.task)?;
        let progress = self.runs.get(&run)?.tasks.get(task as usize)?;
        let item = match &path.item {
            None => None,
            Some(key) => Some(progress.items.as_ref()?.place(key)?),
        };
        let spot = Spot { run, task, item, undo: path.undo };
        self.runs.get(&run)?.progress(spot).is_some().then_some(spot)
    }

    /// The path of a spot.
    pub fn path(&self, spot: Spot) -> TaskPath {
        let task = self.task(spot).name.clone();
        let items = self.run(spot.run).tasks[spot.task as usize].items.as_ref();
        let item =
            spot.item.and_then(|place| Some(items?.list.get(place as usize)?.item.key.clone()));
        TaskPath { task, item, undo: spot.undo }
    }

    /// The task run of an attempt that has not ended.
    pub fn open(&self, attempt: AttemptId) -> Option<Spot> {
        self.index.open.get(&attempt).copied()
    }

    /// The pool in which the attempt of a task run is; of one without, the first of those it may run in.
    pub fn pool_of(&self, spot: Spot) -> &PoolName {
        let open = self.task_run(spot).open_attempt();
        open.and_then(|it| it.pool.as_ref()).unwrap_or(&self.task(spot).pool)
    }

    /// Whether nothing new starts in a pool: its runner cannot be reached, it is paused, or a guard is closed.
    pub(crate) fn is_open(&self, pool: &PoolName) -> bool {
        self.pools.get(pool).is_some_and(|it| it.up && it.closed.is_empty())
            && !self.pauses.contains_key(&PauseWhat::Pool(pool.clone()))
    }
}
