//! What an actor can ask of the daemon, and what it answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{PoolName, ResourceName, RunId, TaskName, TaskPath, WorkflowName};
use crate::time::{Interval, Timestamp};
use crate::workflow::Priority;

/// Who asks. What the kernel says, never what a message says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Actor {
    /// The name, such as `user:alice` or `daemon`.
    pub name: String,
    /// The user's number, of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
}

impl Actor {
    /// The daemon itself.
    pub fn daemon() -> Self {
        Self { name: "daemon".to_owned(), uid: None }
    }
}

/// Something asked of the daemon that changes something.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Makes a run.
    Run {
        /// Of which workflow.
        workflow: WorkflowName,
        /// What its parameters are, where they are not the default. Texts are read as the parameter's type.
        params: BTreeMap<String, Value>,
        /// The span of data it stands for.
        interval: Option<Interval>,
        /// Its own priority.
        priority: Option<Priority>,
    },
    /// Stops a run.
    Cancel {
        /// Which.
        run: RunId,
        /// Whether its `finally` is ended too.
        now: bool,
        /// What the actor says about it.
        comment: Option<String>,
    },
    /// Runs parts of a run again.
    Retry {
        /// Which run.
        run: RunId,
        /// Which parts.
        what: RetryWhat,
        /// What the actor says about it.
        comment: Option<String>,
    },
    /// Runs parts of a run again, with the newest version of its workflow, or other parameters.
    RetryWith {
        /// Which run.
        run: RunId,
        /// Which parts.
        what: RetryWhat,
        /// Whether it takes the newest version of its workflow.
        latest: bool,
        /// Parameters that are to have another value. Texts are read as the parameter's type.
        params: BTreeMap<String, Value>,
        /// What the actor says about it.
        comment: Option<String>,
    },
    /// Gives parameters of a run other values, which its next attempts see.
    Edit {
        /// Which run.
        run: RunId,
        /// By name. Texts are read as the parameter's type.
        params: BTreeMap<String, Value>,
        /// Why.
        comment: Option<String>,
    },
    /// Lets a run start that waits for the one before it to succeed.
    ReleaseRun {
        /// Which run.
        run: RunId,
        /// Why.
        comment: Option<String>,
    },
    /// Changes how many items of a mapped task may run at once. What runs goes on.
    MapWidth {
        /// Of which run.
        run: RunId,
        /// Which task.
        task: TaskPath,
        /// How many, at least 1; as many as fit where absent.
        width: Option<u32>,
        /// Why.
        comment: Option<String>,
    },
    /// Decides an approval.
    Decide {
        /// Of which run.
        run: RunId,
        /// Which task run.
        task: TaskPath,
        /// What the actor decides.
        decision: Decision,
        /// What the actor says about it.
        comment: Option<String>,
    },
    /// Starts nothing more of something. What runs goes on.
    Pause {
        /// Of what.
        what: PauseWhat,
        /// Until when; until it is resumed where absent.
        until: Option<Timestamp>,
        /// Why.
        comment: Option<String>,
    },
    /// Lets something start again that was paused.
    Resume {
        /// What.
        what: PauseWhat,
        /// What the actor says about it.
        comment: Option<String>,
    },
    /// Starts nothing more, so that what runs comes to its end. Lasts until it is resumed.
    Drain {
        /// Everything, or a pool.
        what: PauseWhat,
        /// When what runs should have ended: the plan says what will not.
        by: Option<Timestamp>,
        /// Why.
        comment: Option<String>,
    },
    /// Gives a pool another number of slots, until its configuration says another one.
    ResizePool {
        /// Which.
        pool: PoolName,
        /// How many; what the configuration says where absent.
        slots: Option<u32>,
        /// Why.
        comment: Option<String>,
    },
    /// Gives a resource another amount, until its configuration says another one.
    ResizeResource {
        /// Which.
        resource: ResourceName,
        /// How much; what the configuration says where absent.
        amount: Option<u32>,
        /// Why.
        comment: Option<String>,
    },
    /// Gives a run another deadline.
    SetDeadline {
        /// Which.
        run: RunId,
        /// When it is to have ended; without one where absent.
        by: Option<Timestamp>,
        /// Why.
        comment: Option<String>,
    },
    /// Stops a task run before it starts, until it is released.
    Hold {
        /// Of which run.
        run: RunId,
        /// Which task run.
        task: TaskPath,
        /// Why.
        comment: Option<String>,
    },
    /// Lets a task run go on that is held.
    Release {
        /// Of which run.
        run: RunId,
        /// Which task run.
        task: TaskPath,
        /// What the actor says about it.
        comment: Option<String>,
    },
    /// Passes a task run over that has not started.
    Skip {
        /// Of which run.
        run: RunId,
        /// Which task run.
        task: TaskPath,
        /// Why.
        comment: Option<String>,
    },
    /// Says how a task run, or its undo, has ended, against what is known of it.
    Mark {
        /// Of which run.
        run: RunId,
        /// Which task run.
        task: TaskPath,
        /// How it has ended.
        mark: Mark,
        /// Why.
        comment: Option<String>,
    },
    /// Stops an attempt, frees what it holds, and has its task run wait in the queue again.
    Requeue {
        /// Of which run.
        run: RunId,
        /// Which task run.
        task: TaskPath,
        /// Why.
        comment: Option<String>,
    },
    /// Gives a run another priority.
    Prioritize {
        /// Which.
        run: RunId,
        /// Larger goes first.
        priority: Priority,
        /// Why.
        comment: Option<String>,
    },
    /// Undoes what a run has done, newest first. What runs of it is stopped before.
    Rollback {
        /// Which run.
        run: RunId,
        /// What of it: these, and all that succeeded downstream of them.
        what: RollbackWhat,
        /// Why.
        comment: Option<String>,
    },
}

/// What is paused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseWhat {
    /// Everything.
    All,
    /// A workflow: its runs, and the tasks of those that are active.
    Workflow(WorkflowName),
    /// A pool.
    Pool(PoolName),
    /// A run.
    Run(RunId),
}

/// How a person says that a task run has ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Well, with these outputs. Texts are read as the outputs' types.
    Success {
        /// By name.
        outputs: BTreeMap<String, Value>,
    },
    /// Badly.
    Failed,
    /// It was undone by hand.
    Undone,
}

/// What of a run is undone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackWhat {
    /// All that has succeeded.
    All,
    /// These, and all that succeeded downstream of them.
    Tasks(Vec<TaskPath>),
    /// The undo of this one again, which has failed, and what waits for it.
    Retry(TaskPath),
}

impl Request {
    /// The run that it is about.
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Run { .. } | Self::ResizePool { .. } | Self::ResizeResource { .. } => None,
            Self::Pause { what, .. } | Self::Resume { what, .. } | Self::Drain { what, .. } => {
                match what {
                    PauseWhat::Run(run) => Some(*run),
                    PauseWhat::All | PauseWhat::Workflow(_) | PauseWhat::Pool(_) => None,
                }
            }
            Self::Cancel { run, .. }
            | Self::Retry { run, .. }
            | Self::RetryWith { run, .. }
            | Self::Edit { run, .. }
            | Self::ReleaseRun { run, .. }
            | Self::MapWidth { run, .. }
            | Self::Decide { run, .. }
            | Self::SetDeadline { run, .. }
            | Self::Hold { run, .. }
            | Self::Release { run, .. }
            | Self::Skip { run, .. }
            | Self::Mark { run, .. }
            | Self::Requeue { run, .. }
            | Self::Prioritize { run, .. }
            | Self::Rollback { run, .. } => Some(*run),
        }
    }
}

impl Request {
    /// What the actor says about it.
    pub fn comment(&self) -> Option<&str> {
        match self {
            Self::Run { .. } => None,
            Self::Cancel { comment, .. }
            | Self::Retry { comment, .. }
            | Self::RetryWith { comment, .. }
            | Self::Edit { comment, .. }
            | Self::ReleaseRun { comment, .. }
            | Self::MapWidth { comment, .. }
            | Self::Decide { comment, .. }
            | Self::Pause { comment, .. }
            | Self::Resume { comment, .. }
            | Self::Drain { comment, .. }
            | Self::ResizePool { comment, .. }
            | Self::ResizeResource { comment, .. }
            | Self::SetDeadline { comment, .. }
            | Self::Hold { comment, .. }
            | Self::Release { comment, .. }
            | Self::Skip { comment, .. }
            | Self::Mark { comment, .. }
            | Self::Requeue { comment, .. }
            | Self::Prioritize { comment, .. }
            | Self::Rollback { comment, .. } => comment.as_deref(),
        }
    }
}

impl Request {
    /// A stable word for what is asked.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run { .. } => "run",
            Self::Cancel { .. } => "cancel",
            Self::Retry { .. } | Self::RetryWith { .. } => "retry",
            Self::Edit { .. } => "edit",
            Self::ReleaseRun { .. } => "release",
            Self::MapWidth { .. } => "map_width",
            Self::Drain { .. } => "drain",
            Self::ResizePool { .. } => "resize_pool",
            Self::ResizeResource { .. } => "resize_resource",
            Self::SetDeadline { .. } => "deadline",
            Self::Decide { decision: Decision::Approve, .. } => "approve",
            Self::Decide { decision: Decision::Reject, .. } => "reject",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Hold { .. } => "hold",
            Self::Release { .. } => "release",
            Self::Skip { .. } => "skip",
            Self::Mark { .. } => "mark",
            Self::Requeue { .. } => "requeue",
            Self::Prioritize { .. } => "prioritize",
            Self::Rollback { .. } => "rollback",
        }
    }

    /// The task run that it is about, where it names one.
    pub fn task(&self) -> Option<&TaskPath> {
        match self {
            Self::Decide { task, .. }
            | Self::Hold { task, .. }
            | Self::Release { task, .. }
            | Self::Skip { task, .. }
            | Self::Mark { task, .. }
            | Self::MapWidth { task, .. }
            | Self::Requeue { task, .. } => Some(task),
            Self::Run { .. }
            | Self::Cancel { .. }
            | Self::Retry { .. }
            | Self::RetryWith { .. }
            | Self::Edit { .. }
            | Self::ReleaseRun { .. }
            | Self::Drain { .. }
            | Self::ResizePool { .. }
            | Self::ResizeResource { .. }
            | Self::SetDeadline { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::Prioritize { .. }
            | Self::Rollback { .. } => None,
        }
    }

    /// What exactly is asked, beside run, task and comment, in few words: `failed`, `from load`, `workflow retail`.
    pub fn detail(&self) -> String {
        let names = |all: &[TaskPath]| {
            let mut names: Vec<String> = all.iter().take(8).map(ToString::to_string).collect();
            if all.len() > names.len() {
                names.push(format!("{} more", all.len() - names.len()));
            }
            names.join(", ")
        };
        let parts = |what: &RetryWhat| match what {
            RetryWhat::Failed => "failed".to_owned(),
            RetryWhat::Tasks(tasks) => names(tasks),
            RetryWhat::From(task) => format!("from {task}"),
        };
        // Their values may be anybody's secret.
        let with = |params: &BTreeMap<String, Value>| {
            params.keys().map(|name| format!(", {name}=…")).collect::<String>()
        };
        match self {
            Self::Run { workflow, .. } => workflow.to_string(),
            Self::Cancel { now: true, .. } => "now".to_owned(),
            Self::Retry { what, .. } => parts(what),
            Self::RetryWith { what, latest, params, .. } => {
                let latest = if *latest { ", the newest version" } else { "" };
                format!("{}{latest}{}", parts(what), with(params))
            }
            Self::Edit { params, .. } => with(params).trim_start_matches([',', ' ']).to_owned(),
            Self::MapWidth { width, .. } => width.map_or("auto".to_owned(), |it| it.to_string()),
            Self::ResizePool { pool, slots, .. } => {
                format!("{pool} {}", slots.map_or("reset".to_owned(), |it| it.to_string()))
            }
            Self::ResizeResource { resource, amount, .. } => {
                format!("{resource} {}", amount.map_or("reset".to_owned(), |it| it.to_string()))
            }
            Self::SetDeadline { by, .. } => by.map_or("never".to_owned(), |it| it.to_string()),
            Self::Rollback { what: RollbackWhat::Tasks(tasks), .. } => names(tasks),
            Self::Rollback { what: RollbackWhat::All, .. } => "all".to_owned(),
            Self::Rollback { what: RollbackWhat::Retry(task), .. } => format!("retry {task}"),
            Self::Pause { what, .. } | Self::Resume { what, .. } | Self::Drain { what, .. } => {
                match what {
                    PauseWhat::All => "everything".to_owned(),
                    PauseWhat::Workflow(name) => format!("workflow {name}"),
                    PauseWhat::Pool(name) => format!("pool {name}"),
                    PauseWhat::Run(_) => "run".to_owned(),
                }
            }
            Self::Mark { mark, .. } => match mark {
                Mark::Success { .. } => "success".to_owned(),
                Mark::Failed => "failed".to_owned(),
                Mark::Undone => "undone".to_owned(),
            },
            Self::Prioritize { priority, .. } => priority.0.to_string(),
            Self::Cancel { now: false, .. }
            | Self::Decide { .. }
            | Self::ReleaseRun { .. }
            | Self::Hold { .. }
            | Self::Release { .. }
            | Self::Skip { .. }
            | Self::Requeue { .. } => String::new(),
        }
    }
}

/// A request, and what the actor saw when they decided on it: if that has changed, the request is refused.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Act {
    /// What is asked.
    pub request: Request,
    /// The word of the state that its target was in: of the task run where it names one, else of the run.
    #[serde(default)]
    pub seen: Option<String>,
    /// The digest of the plan that was shown.
    #[serde(default)]
    pub plan: Option<String>,
}

impl From<Request> for Act {
    fn from(request: Request) -> Self {
        Self { request, seen: None, plan: None }
    }
}

/// Which parts of a run run again. Whatever needs them runs again too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryWhat {
    /// All that has not succeeded: failed, cancelled, held, and what they kept from running.
    Failed,
    /// These.
    Tasks(Vec<TaskPath>),
    /// This and all that needs it.
    From(TaskName),
}

/// What a person says to an approval.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Go on.
    Approve,
    /// Do not.
    Reject,
}

/// What was done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A run was made.
    RunCreated {
        /// Its id.
        run: RunId,
        /// Its number among the runs of its workflow.
        number: u64,
    },
    /// These task runs run again.
    Retried {
        /// Which, as `task` or `task:item`.
        tasks: Vec<String>,
    },
    /// These task runs are undone, in this order.
    RollingBack {
        /// Which, as `task` or `task:item`.
        tasks: Vec<String>,
        /// What has succeeded and has no undo.
        not_undone: Vec<String>,
    },
    /// It is done.
    Done,
}

/// Why nothing was done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal it is.
    pub code: RefusalCode,
    /// Why: a lower-case fragment without full stop.
    pub message: String,
    /// What the actor can do about it.
    #[serde(default)]
    pub help: Option<String>,
}

/// Kinds of refusals. Programs tell by them what to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// What was asked makes no sense: a wrong parameter, a wrong id.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// The actor may not.
    NotPermitted,
    /// The state of things does not allow it.
    Conflict,
    /// The daemon cannot do it now: a full disk, a reader that is behind.
    Unavailable,
    /// A fault of the daemon.
    Internal,
    /// Something that this program does not know yet.
    #[serde(other)]
    Unknown,
}

impl RefusalCode {
    /// The word in `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::NotPermitted => "not_permitted",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }
}

impl Refusal {
    /// A refusal without help.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None }
    }

    /// The same with help.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}
