//! A workflow's own tests: what is pretended of the outside, and what must come of it. No part of a version.
//!
//! Start reading at [`Test`].

mod expect;
mod pattern;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Priority;
use crate::id::{ResourceName, TaskName, TaskPath};
use crate::outputs::Outputs;
use crate::request::{Decision, Mark};
use crate::time::{Interval, Timestamp};

pub use expect::{Expectation, TaskPart, What};
pub use pattern::Pattern;

/// One test: a run that is pretended, and what must come of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Test {
    /// Its name, unique in the file.
    pub name: String,
    /// The line where it stands, from 1.
    pub line: u32,
    /// What the run's parameters are, where they are not the default.
    pub params: BTreeMap<String, Value>,
    /// The span of data that the run stands for.
    pub interval: Option<Interval>,
    /// Who asks for the run.
    pub actor: String,
    /// The run's own priority.
    pub priority: Option<Priority>,
    /// When the run is made.
    pub start: Timestamp,
    /// How much runs at once.
    pub capacity: Capacity,
    /// How attempts end, in the order of the file. Of what nothing is said it succeeds at once.
    pub mocks: Vec<Mock>,
    /// What people answer to approvals, in the order of the file.
    pub answers: Vec<Answers>,
    /// What people do otherwise, and what happens to the daemon, in the order of the file.
    pub acts: Vec<Act>,
    /// What must come of it; at least one.
    pub expectations: Vec<Expectation>,
}

impl Test {
    /// When the run of a test is made that does not say.
    pub const START: Timestamp = Timestamp(1_767_225_600_000_000);

    /// Who asks for the run of a test that does not say.
    pub const ACTOR: &'static str = "user:test";
}

/// How much runs at once; as much as is wanted where it is not said.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Capacity {
    /// The slots of each pool.
    pub slots: Option<u32>,
    /// The amounts of resources; of others there is as much as is wanted.
    pub resources: BTreeMap<ResourceName, u32>,
}

/// How the attempts of some task runs end.
#[derive(Clone, PartialEq, Debug)]
pub struct Mock {
    /// Of which.
    pub of: Pattern,
    /// The first attempt first; the last is also what all further ones do. Never empty.
    pub attempts: Vec<MockedAttempt>,
}

/// How an attempt ends.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MockedAttempt {
    /// How its program ends.
    pub end: MockedEnd,
    /// How long it takes, or how long a file is waited for.
    pub lasts: Lasts,
    /// What it gives back, by name.
    pub outputs: Outputs,
    /// What the programs of a check print, in their order; the last is also what all further ones print.
    pub values: Vec<String>,
    /// What it prints, for whoever reads what has happened.
    pub log: Option<String>,
}

/// How a program ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MockedEnd {
    /// With this exit code. Those of a check are the exit codes of its programs.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// By the kernel, for want of memory.
    Oom,
    /// By its timeout.
    Timeout,
    /// Nobody knows how.
    Lost,
    /// It does not start.
    StartFailed,
}

impl Default for MockedEnd {
    fn default() -> Self {
        Self::Exit(0)
    }
}

/// How long something takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lasts {
    /// So long.
    For(Duration),
    /// Until something else ends it.
    Forever,
}

impl Default for Lasts {
    fn default() -> Self {
        Self::For(Duration::ZERO)
    }
}

/// What people answer to some approvals, each time they are asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Answers {
    /// To which.
    pub of: Pattern,
    /// One after the other. Never empty.
    pub list: Vec<MockedDecision>,
}

/// What a person answers.
#[derive(Clone, PartialEq, Debug)]
pub struct MockedDecision {
    /// The line where it stands, from 1.
    pub line: u32,
    /// How long after the question.
    pub after: Duration,
    /// Who; somebody where it is not said.
    pub by: Option<String>,
    /// What.
    pub decision: Decision,
    /// What they say.
    pub comment: Option<String>,
}

/// Something that happens at an instant.
#[derive(Clone, PartialEq, Debug)]
pub struct Act {
    /// The line where it stands, from 1.
    pub line: u32,
    /// How long after the run was made.
    pub at: Duration,
    /// Who does it; [`Test::ACTOR`] where it is not said.
    pub by: Option<String>,
    /// What they say.
    pub comment: Option<String>,
    /// What.
    pub what: ActWhat,
}

/// What happens.
#[derive(Clone, PartialEq, Debug)]
pub enum ActWhat {
    /// The run is stopped.
    Cancel {
        /// Whether its `finally` is ended too.
        now: bool,
    },
    /// Nothing more of the run starts.
    Pause,
    /// It goes on.
    Resume,
    /// All that has failed runs again.
    RetryFailed,
    /// These run again.
    Retry(Vec<TaskPath>),
    /// This and all that needs it run again.
    RetryFrom(TaskName),
    /// These are stopped before they start.
    Hold(Vec<TaskPath>),
    /// These go on.
    Release(Vec<TaskPath>),
    /// These are passed over.
    Skip(Vec<TaskPath>),
    /// These are stopped, and wait in the queue again.
    Requeue(Vec<TaskPath>),
    /// This has ended so, a person says.
    Mark(TaskPath, Mark),
    /// All that has succeeded is undone.
    RollBack,
    /// These are undone, and what succeeded downstream of them.
    RollBackTasks(Vec<TaskPath>),
    /// The daemon dies, and starts again from what is on disk.
    Crash,
}

impl ActWhat {
    /// Its key in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Cancel { .. } => "cancel",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::RetryFailed | Self::Retry(_) => "retry",
            Self::RetryFrom(_) => "retry_from",
            Self::Hold(_) => "hold",
            Self::Release(_) => "release",
            Self::Skip(_) => "skip",
            Self::Requeue(_) => "requeue",
            Self::Mark(..) => "mark",
            Self::RollBack | Self::RollBackTasks(_) => "rollback",
            Self::Crash => "crash",
        }
    }
}
