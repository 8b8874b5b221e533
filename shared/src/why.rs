//! Why something does not run, or ended as it did. Source: semantics, rule 17.

use serde::{Deserialize, Serialize};

use crate::id::RunId;
use crate::time::Timestamp;

/// What kind of thing is in the way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockerKind {
    /// Too many runs of the workflow are active.
    MaxRuns,
    /// The run before it has not succeeded.
    Previous,
    /// Needs that have not ended.
    Needs,
    /// The wait before the next attempt.
    Retry,
    /// It is paused, or what it is part of.
    Paused,
    /// A person must let it go on.
    Hold,
    /// A person must decide.
    Approval,
    /// A file that is not there, or still grows.
    File,
    /// As many items of its map run as may.
    MaxParallel,
    /// Others wait before it.
    Queue,
    /// It is being cancelled, or is to be undone.
    Stopping,
    /// Its pool is not reachable.
    PoolDown,
    /// Its pool does not exist.
    NoPool,
    /// Its pool's slots are taken.
    Slots,
    /// Its pool's processors are taken.
    Cpu,
    /// Its pool's memory is taken.
    Memory,
    /// A resource is taken.
    Resource,
    /// A resource has been taken as often as it may for a while.
    Rate,
    /// The machine of its pool is too busy.
    Guard,
    /// What is free is kept for a task that has waited longer.
    Reserved,
    /// It asks for more than there is.
    TooLarge,
    /// It is being started, runs, or is being stopped: what it waits for is its own end.
    Running,
    /// It has ended, and this is why.
    Ended,
    /// What an ended one goes back to: the first that failed.
    Cause,
    /// The daemon cannot write, and so starts nothing.
    Degraded,
    /// Something that this program does not know yet.
    #[serde(other)]
    Unknown,
}

/// Who holds something up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// The run and its task, or the actor.
    pub name: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it is over at the latest, where that is known: the end of its timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// One thing in the way of a run or a task run, or one part of why it ended so.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Blocker {
    /// What kind of thing.
    pub kind: BlockerKind,
    /// The whole in a sentence without full stop.
    pub text: String,
    /// Who or what holds it up: tasks, holders of slots, actors. At most eight, then a count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<String>,
    /// Those of them whose times are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when, where that is known; of what others hold, at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The answer to `why`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Why {
    /// The run.
    pub run: RunId,
    /// The run as people say it: `workflow#412`.
    #[serde(default)]
    pub label: String,
    /// The task run, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The word of its state.
    pub state: String,
    /// Everything in the way, what must end first first; of an ended one the reasons.
    pub blockers: Vec<Blocker>,
    /// For a run that is not over: the same of each of its task runs that has something in the way, what matters most
    /// first; of a mapped task, of those of its items that stand for the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Why>,
    /// How many more of its task runs have something in the way.
    #[serde(default)]
    pub more: u32,
    /// The last lines of the log of what failed first, made safe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_tail: Vec<String>,
}
