//! What a screen follows. A reader says how far it has come and what it shows, and is told the newest state of whatever
//! has changed since: never a backlog, however slow it is.

use serde::{Deserialize, Serialize};

use crate::id::{RunId, Seq, WorkflowName};
use crate::snapshot::{
    ApprovalRow, HolderRow, PauseView, PoolRow, QueueRow, RunRow, RunView, RunsView, TaskView,
    WorkflowRow,
};
use crate::time::Timestamp;

/// What a reader asks.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// The life of the daemon that `cursor` is of; 0 where the reader knows nothing.
    pub epoch: u64,
    /// How far the reader has come.
    pub cursor: Seq,
    /// What it shows.
    pub topics: Topics,
    /// What it showed when it was told the last time: what is new here is told whole.
    pub told: Topics,
    /// How long to wait where nothing has changed, in milliseconds.
    pub wait_ms: u32,
}

/// What a reader shows, beside what every reader is told.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Topics {
    /// Runs: all that are active, and the newest that have ended.
    pub runs: Option<RunsWindow>,
    /// All of this run.
    pub run: Option<RunId>,
    /// What waits for capacity, and who holds it.
    pub queue: bool,
}

/// Which runs that have ended.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RunsWindow {
    /// Only those of this workflow.
    pub workflow: Option<WorkflowName>,
    /// Only those in this state.
    pub state: Option<String>,
    /// At most so many, newest first; [`RUNS_MAX`] are given at most.
    pub limit: u32,
}

/// The most runs that a reader is told of.
pub const RUNS_MAX: u32 = 5_000;
/// The most active runs that a reader is told of.
pub const ACTIVE_MAX: usize = 1_000;
/// The most rows of a queue, of holders and of approvals.
pub const ROWS_MAX: usize = 500;

/// What has changed. What is absent has not.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct News {
    /// The life of the daemon.
    pub epoch: u64,
    /// How far this goes.
    pub cursor: Seq,
    /// The daemon's time.
    pub at: Timestamp,
    /// Whether this is everything, and what was told before is to be forgotten.
    pub whole: bool,
    /// How the daemon is.
    pub daemon: Option<DaemonView>,
    /// Workflows: all of them, or those that have changed.
    pub workflows: Vec<WorkflowRow>,
    /// All pools.
    pub pools: Option<Vec<PoolRow>>,
    /// All approvals that wait, oldest first.
    pub approvals: Option<Vec<ApprovalRow>>,
    /// The topic `queue`.
    pub queue: Option<QueueNews>,
    /// The topic `runs`: whether `runs` holds all of them, and those told before are to be forgotten.
    pub all_runs: bool,
    /// Runs that are new or have changed: those of the topic, and all that are active.
    pub runs: Vec<RunRow>,
    /// The topic `run`.
    pub run: Option<RunNews>,
}

/// How the daemon is.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct DaemonView {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Since when it runs.
    pub since: Timestamp,
    /// The machine's name.
    pub host: String,
    /// `ok`, or why nothing can be written.
    pub store: String,
    /// How many runs there are that are not over.
    pub runs: RunsView,
    /// Everything is paused.
    pub pause: Option<PauseView>,
}

/// What waits for capacity, and who holds it.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueNews {
    /// What waits, pool by pool, each in its order; at most [`ROWS_MAX`].
    pub queue: Vec<QueueRow>,
    /// Who holds it, oldest first; at most [`ROWS_MAX`].
    pub holders: Vec<HolderRow>,
}

/// What is new of the run that a reader shows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunNews {
    /// All of it.
    Whole(Box<RunView>),
    /// The run without its tasks, and those of its tasks that have changed, each with its place.
    Part(Box<RunView>, Vec<(u32, TaskView)>),
    /// There is no such run.
    Gone,
}
