//! Everything that can be true. The journal is a list of these; each form is a promise to every later version.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    Configured {
        /// The pools and their slots.
        pools: Vec<(PoolName, u32)>,
        /// The resources and their amounts.
        resources: Vec<(ResourceName, u32)>,
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
        /// Its items, in their order.
        items: Vec<Item>,
    },
    /// A task run is ready and waits for capacity.
    TaskQueued {
        /// The run.
        run: RunId,
        /// The task run.
        task: TaskPath,
    },
    /// An attempt's start is ordered.
    AttemptStarting(AttemptRef),
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
