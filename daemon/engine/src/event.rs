//! Everything that can be true. The journal is a list of these; each form is a promise to every later version.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::capacity::{Capacity, Guard};
use shared::id::{
    AttemptId, ParamName, PoolName, ResourceName, RunId, TaskName, TaskPath, Version, WorkflowName,
};
use shared::outputs::Outputs;
use shared::plan::Plan;
use shared::request::{Actor, Decision, PauseWhat, RollbackWhat};
use shared::state::{AttemptOutcome, Item, Outcome, RunOutcome, Usage};
use shared::time::{Interval, Timestamp};
use shared::workflow::{Priority, UndoPolicy, Workflow};

use crate::state::Run;

/// An event and when it became true.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stamped {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Something that is true from here on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The store has begun a life of its own: ids are mixed with this.
    Incarnated {
        /// Drawn at its creation and at each restore.
        incarnation: u64,
    },
    /// There is this capacity.
    Configured(Box<Capacity>),
    /// A pool has another number of slots than its configuration says.
    PoolResized {
        /// The pool.
        pool: PoolName,
        /// How many; what the configuration says where absent.
        slots: Option<u32>,
        /// Who has asked for it.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// There is another amount of a resource than its configuration says.
    ResourceResized {
        /// The resource.
        resource: ResourceName,
        /// How much; what the configuration says where absent.
        amount: Option<u32>,
        /// Who has asked for it.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// Nothing starts in a pool as long as its machine is too busy.
    GuardClosed {
        /// The pool.
        pool: PoolName,
        /// What was measured.
        guard: Guard,
        /// What it came to.
        measured: f64,
        /// What it may come to.
        limit: f64,
    },
    /// A pool's machine is not too busy any more.
    GuardOpened {
        /// The pool.
        pool: PoolName,
        /// What was measured.
        guard: Guard,
    },
    /// A pool's runner can be reached.
    PoolUp {
        /// The pool.
        pool: PoolName,
        /// Which journal its runner has.
        lineage: u64,
    },
    /// A pool's runner cannot be reached.
    PoolDown {
        /// The pool.
        pool: PoolName,
    },
    /// New runs of a workflow get this version.
    WorkflowLoaded {
        /// The version.
        workflow: Arc<Workflow>,
    },
    /// A workflow's newest file has errors; its last good version stays.
    WorkflowBroken {
        /// The workflow; of a file that never was one, the file's stem.
        name: WorkflowName,
        /// What is wrong, a line each.
        problems: Vec<String>,
    },
    /// A workflow's file was deleted; no new runs of it are made.
    WorkflowGone {
        /// The workflow.
        name: WorkflowName,
    },
    /// An actor has confirmed what a request would do; what follows from it comes next.
    PlanConfirmed(Box<PlanConfirmed>),
    /// An actor was refused what they asked for.
    RequestRefused(Box<RequestRefused>),
    /// A run exists.
    RunCreated(Box<RunCreated>),
    /// A run's tasks may start.
    RunStarted {
        /// The run.
        run: RunId,
    },
    /// An actor stops a run.
    RunCancelled {
        /// The run.
        run: RunId,
        /// Who.
        actor: Actor,
        /// Whether its `finally` is stopped too.
        now: bool,
        /// What they said.
        comment: Option<String>,
    },
    /// The time of a run is over: what runs of it is stopped, and what has not started does not.
    RunTimedOut {
        /// The run.
        run: RunId,
        /// How long it was allowed to run.
        limit: Duration,
    },
    /// All tasks of a run have ended, but for those of `finally`.
    RunClosing {
        /// The run.
        run: RunId,
        /// How they have ended.
        outcome: RunOutcome,
    },
    /// All of a run has ended.
    RunEnded {
        /// The run.
        run: RunId,
        /// How.
        outcome: RunOutcome,
    },
    /// A run that had ended is taken up again, as it was.
    RunReopened {
        /// The run.
        run: Box<Run>,
        /// The version that it runs.
        workflow: Arc<Workflow>,
    },
    /// Task runs are to run again, as if they had not.
    TasksReset {
        /// Their run.
        run: RunId,
        /// Who asked.
        actor: Actor,
        /// Which; a mapped task without an item is meant with all its items.
        tasks: Vec<TaskPath>,
        /// What they said.
        comment: Option<String>,
    },
    /// A mapped task has these items.
    ItemsExpanded {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskName,
        /// Of a mapped group everything in it, which has the same items.
        #[serde(default)]
        inner: Vec<TaskName>,
        /// Its items, in their order.
        items: Vec<Item>,
    },
    /// The tasks of a group may start.
    GroupStarted {
        /// The run.
        run: RunId,
        /// The group, or an item of a mapped one.
        task: TaskPath,
    },
    /// A task run is ready and waits for capacity.
    TaskQueued {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
    },
    /// A task run has waited as long as its priority may: it goes before all that is not critical.
    TaskLifted {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
    },
    /// An attempt's start is ordered.
    AttemptStarting {
        /// The attempt.
        attempt: AttemptRef,
        /// Where it runs; absent of one without process.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<PoolName>,
    },
    /// An attempt must make room.
    AttemptPreempted {
        /// The attempt.
        attempt: AttemptRef,
        /// The run of what it makes room for.
        by_run: RunId,
        /// The task run that it makes room for.
        by: TaskPath,
    },
    /// An attempt's program runs; or, of a task without process, the attempt has begun.
    AttemptStarted {
        /// The attempt.
        attempt: AttemptRef,
        /// Its process.
        pid: Option<u32>,
        /// When it started, by the runner's clock.
        started_at: Timestamp,
    },
    /// An attempt's stop is ordered.
    AttemptStopping {
        /// The attempt.
        attempt: AttemptRef,
    },
    /// An attempt has ended, and nothing of it is left.
    AttemptEnded(Box<AttemptEnded>),
    /// A person is asked.
    ApprovalAsked {
        /// The attempt that asks.
        attempt: AttemptRef,
        /// What.
        message: String,
        /// When it expires.
        expires: Option<Timestamp>,
    },
    /// A person has decided.
    ApprovalDecided {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
        /// Who.
        actor: Actor,
        /// What.
        decision: Decision,
        /// What they said.
        comment: Option<String>,
    },
    /// A task run will have another attempt.
    RetryScheduled {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
        /// When.
        at: Timestamp,
        /// Whether it counts against the limit.
        counts: bool,
        /// How much memory it asks for, where that is not what its file says; in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory: Option<u64>,
    },
    /// There was no room to start a task run, again and again; said once, and it is tried on.
    StartsFailing {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
        /// Where it should start.
        pool: PoolName,
        /// How often it was tried.
        attempts: u32,
        /// What its runner has said last.
        reason: String,
    },
    /// A run that had ended takes another version of its workflow.
    VersionTaken {
        /// The run.
        run: RunId,
        /// The version that it had.
        from: Version,
        /// The version that it has.
        to: Version,
        /// Tasks that it has by that.
        added: Vec<TaskName>,
        /// Tasks that it has no more. What they did is in earlier events.
        removed: Vec<TaskName>,
        /// Tasks that are defined otherwise.
        changed: Vec<TaskName>,
        /// Who has asked for it.
        actor: Actor,
    },
    /// Parameters of a run have other values, for its next attempts.
    ParamsEdited {
        /// The run.
        run: RunId,
        /// Which, and how.
        changes: Vec<ParamChange>,
        /// Who has asked for it.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// A run may start, however the one before it has ended.
    RunReleased {
        /// The run.
        run: RunId,
        /// Who has let it go on.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// Another number of items of a mapped task may run at once.
    WidthChanged {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskName,
        /// How many; as many as fit where absent.
        width: Option<u32>,
        /// How many ran when that was said: those go on.
        running: u32,
        /// Who has asked for it.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// A task run waits for a person to let it go on.
    TaskHeld {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
        /// Why.
        reason: String,
        /// Who has asked for it, if a person has.
        #[serde(default)]
        actor: Option<Actor>,
    },
    /// A task run that was held goes on.
    TaskReleased {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
        /// Who has let it go on.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// A person has said how a task run has ended.
    TaskMarked {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
        /// Who.
        actor: Actor,
        /// How.
        outcome: Outcome,
        /// What it has given back, as they say.
        outputs: Outputs,
        /// What they said.
        comment: Option<String>,
    },
    /// A task run is to wait in the queue again once its attempt has been stopped.
    TaskRequeued {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
        /// Who has asked for it.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// Nothing more of something starts.
    Paused {
        /// Of what.
        what: PauseWhat,
        /// Who has asked for it.
        actor: Actor,
        /// Until when; until it is resumed where absent.
        until: Option<Timestamp>,
        /// What they said.
        comment: Option<String>,
    },
    /// Nothing more of something starts, so that what runs comes to its end.
    Draining {
        /// Of what.
        what: PauseWhat,
        /// Who has asked for it.
        actor: Actor,
        /// When what runs should have ended.
        by: Option<Timestamp>,
        /// What they said.
        comment: Option<String>,
    },
    /// Something may start again.
    Resumed {
        /// What.
        what: PauseWhat,
        /// Who has asked for it; the daemon at the end of its time.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// A run has another priority.
    RunPrioritized {
        /// The run.
        run: RunId,
        /// Larger goes first.
        priority: Priority,
        /// Who has asked for it.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// A run has another deadline.
    RunDeadlineSet {
        /// The run.
        run: RunId,
        /// When it is to have ended; without one where absent.
        by: Option<Timestamp>,
        /// Who has asked for it.
        actor: Actor,
        /// What they said.
        comment: Option<String>,
    },
    /// An actor wants a run undone, once its tasks have ended.
    RollbackAsked {
        /// The run.
        run: RunId,
        /// Who.
        actor: Actor,
        /// What of it.
        what: RollbackWhat,
        /// What they said.
        comment: Option<String>,
    },
    /// A run is not undone after all: it was cancelled before that had begun.
    RollbackCalledOff {
        /// The run.
        run: RunId,
        /// Who has called it off.
        actor: Actor,
    },
    /// A run is being undone.
    RollbackBegun {
        /// The run.
        run: RunId,
        /// Who has asked for it; the daemon where the workflow says so.
        actor: Actor,
        /// How its tasks have ended.
        outcome: RunOutcome,
        /// What is undone, in this order. What was undone already, or is about to be, is not among it.
        tasks: Vec<TaskPath>,
        /// What has succeeded and has no undo.
        not_undone: Vec<TaskPath>,
        /// How undos are carried out.
        policy: UndoPolicy,
        /// What they said.
        comment: Option<String>,
    },
    /// A task run has ended.
    TaskFinished {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
        /// How.
        outcome: Outcome,
    },
}

/// Another value of a parameter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ParamChange {
    /// Which.
    pub name: ParamName,
    /// What it was; nothing, of one that is new.
    pub old: Option<Value>,
    /// What it is.
    pub new: Value,
}

/// What an actor was shown of what would follow, and said yes to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlanConfirmed {
    /// Who.
    pub actor: Actor,
    /// The word of the request: `rollback`.
    pub request: String,
    /// What exactly was asked, beside run, task and comment.
    pub detail: String,
    /// The run that it is about.
    pub run: Option<RunId>,
    /// The task run, where it names one.
    pub task: Option<TaskPath>,
    /// The plan.
    pub plan: Plan,
    /// What they said.
    pub comment: Option<String>,
}

/// A request that was refused.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RequestRefused {
    /// Who has asked.
    pub actor: Actor,
    /// The word of the request: `cancel`.
    pub request: String,
    /// What exactly was asked, beside run, task and comment.
    pub detail: String,
    /// The run that it was about; it need not exist.
    pub run: Option<RunId>,
    /// The task run, where it names one; it need not exist.
    pub task: Option<TaskPath>,
    /// The word of the kind of the refusal: `conflict`.
    pub code: String,
    /// Why it was refused.
    pub message: String,
    /// How many others of this actor and this word were refused since the last that was recorded, and are not recorded.
    pub more: u32,
}

/// A run at its beginning.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunCreated {
    /// Its id.
    pub run: RunId,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
}

/// Names an attempt and where it belongs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AttemptRef {
    /// Its id.
    pub id: AttemptId,
    /// Its number among the attempts of its task run, from 1.
    pub number: u32,
    /// The run.
    pub run: RunId,
    /// The task run.
    pub task: TaskPath,
}

/// The end of an attempt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AttemptEnded {
    /// The attempt.
    pub attempt: AttemptRef,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The exit code, where there is one; a cancelled task may have exited 0.
    pub exit: Option<i32>,
    /// When its program started; where it did.
    pub started_at: Option<Timestamp>,
    /// When it ended, by the runner's clock.
    pub ended_at: Timestamp,
    /// What it used.
    pub usage: Usage,
    /// What it gave back, if it succeeded.
    pub outputs: Outputs,
    /// Checks that were not met and only warn.
    pub warnings: Vec<String>,
}
